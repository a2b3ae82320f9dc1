"""Any pictures in one network: what types keep, how pictures find theirs, and five sets of two sizes beside networks of their own.

    python -m benchmarks.pictures [PART ...] [--seeds 5] [--jobs 1] [--folder runs/pictures] [--only WORD]

Parts: kept, doubt, five; all of them by default, for docs/results/senses.md. `kept` and `doubt` read training parts alone. A run that was
stopped goes on with what has no record. Needs SENPATH_DATA.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, differences, interval, markdown_table, mean, percent, spread
from senpath.data import load
from senpath.inference.batches import together
from senpath.inputs.modalities.image import ImageModality, own_shape
from senpath.inputs.modalities.picture_types import MOST_LOST, looked_at, share_lost, surprise
from senpath.testing import ConstantMethod

Labelled = tuple[Any, np.ndarray]
SETS = ("mnist", "fashion", "lower", "upper", "chars74k-lower", "pneumonia", "semeion", "bangla", "devanagari", "telugu")
SETS = (*SETS, "signdigits", "clothing", "grocery", "cifar10", "digits")
SHAPES = ((1, 8, 8), (1, 16, 16), (1, 28, 28), (1, 64, 64), (3, 8, 8), (3, 16, 16), (3, 28, 28), (3, 64, 64))
FEW = 1_200
"""Pictures of a set that a kernel regression is judged by."""
PENALTIES = (0.01, 0.1, 1.0)
TASKS = ("mnist", "lower", "clothing", "grocery", "pneumonia")
ORDERS = {"small first": TASKS, "large first": ("clothing", "pneumonia", "mnist", "grocery", "lower")}
OTHERS = ("bangla", "signdigits", "fashion")
"""Further tasks, where the weight of what pictures were is chosen."""
UNITS = 256
"""Random units of the method that learns in a moment; which method learns is no matter to how pictures find their type."""
DOUBTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
MOST, ASKED = 1_500, 500
"""Examples of a task that are learned from, and asked about, at most."""


def kept(name: str) -> Iterator[Record]:
    """For each shape what the pictures of a set lose in it, and how many points of accuracy."""
    x, y = _drawn(name, "train", FEW, 0)
    pictures = [part for place in range(len(y)) for part in looked_at(x[place : place + 1])]
    native = [ImageModality.fit(part, own_shape(part)) for part in pictures]
    shape = tuple(native[0].shape[1:])
    own = _leave_one_out(native, shape, y)
    for other in SHAPES:
        accuracy = own if other == shape else _leave_one_out(native, other, y)
        yield {"native": shape, "shape": other, "lost": share_lost(pictures, other), "own": own, "gain": accuracy - own}


def _leave_one_out(pictures: list[torch.Tensor], shape: tuple[int, ...], y: np.ndarray) -> float:
    """Accuracy in % of a kernel ridge regression on pixels, each picture by all others, at the best of three penalties."""
    pixels = torch.cat([ImageModality.fit(picture, shape) for picture in pictures]).flatten(1).double()
    pixels = torch.nn.functional.normalize(pixels - pixels.mean(0), dim=1)
    distances = (2 - 2 * pixels @ pixels.T).clamp(min=0)
    kernel = torch.exp(-2 * distances / distances.median())
    wanted = torch.nn.functional.one_hot(torch.from_numpy(np.unique(y, return_inverse=True)[1])).double()
    best = 0.0
    for penalty in PENALTIES:
        hat = torch.linalg.solve(kernel + penalty * torch.eye(len(kernel), dtype=torch.float64), kernel)
        own = hat.diagonal()[:, None]
        answers = (hat @ wanted - own * wanted) / (1 - own)
        best = max(best, percent((answers.argmax(1) == wanted.argmax(1)).numpy()))
    return best


def doubt(seed: int) -> Iterator[Record]:
    """For each weight of what pictures were before, how many that were held out of the training parts find their type."""
    net, asked = sp.Network(), {}
    for name in (*TASKS, *OTHERS):
        x, y = _drawn(name, "train", MOST, seed)
        some = int(0.8 * len(y))
        net.learn(name, x[:some], y[:some], method=ConstantMethod())
        asked[name] = x[some:]
    for name, x in asked.items():
        for weight, right in _found(net, name, x).items():
            yield {"task": name, "weight": weight, "right type": right}


def _found(net: sp.Network, name: str, x: Any) -> dict[float, float]:
    view, own = net.view, net.tasks[name].data_type
    right: dict[float, list[bool]] = {weight: [] for weight in DOUBTS}
    for same in together(net.encode(x).batches):
        scores, told = [], []
        for batch in same:
            decision = view.dispatcher(batch.key).decide(batch.inputs)
            surprises = np.zeros(len(batch.rows))
            for task in np.unique(decision.order[:, 0]):
                mine, figures = decision.order[:, 0] == task, view.tasks[decision.names[task]].statistics.figures
                surprises[mine] = surprise(batch.natives[mine], figures, view.types[batch.key])
            scores.append(decision.ood_score)
            told.append(surprises)
        for weight in DOUBTS:
            nearest = np.argmin(np.array(scores) + weight * np.array(told), axis=0)
            right[weight] += [same[place].key == own for place in nearest]
    return {weight: percent(mine) for weight, mine in right.items()}


def five(method: str, order: str, seed: int) -> Iterator[Record]:
    """Five tasks in one network, and each in a network of its own."""
    way = {"random_state": seed} if method == "sen" else {"method": ConstantMethod(hidden=UNITS, random_state=seed)}
    net = sp.Network(random_state=seed)
    for name in ORDERS[order]:
        x, y = _drawn(name, "train", MOST, seed)
        report = net.learn(name, x, y, **way)
        yield {"task": name, "type": net.tasks[name].data_type, "read as": report.read_as, "seconds": report.seconds}
    types = {name: net.tasks[name].data_type for name in TASKS}
    for name in TASKS:
        x, y = _drawn(name, "test", ASKED, seed)
        given, free = net.predict(x, task=name), net.predict(x, reject=False)
        first = [names[0] for names in free.candidates]
        alone = sp.Network(random_state=seed)
        alone.learn(name, *_drawn(name, "train", MOST, seed), **way)
        yield {
            "task": name,
            "right type": percent([types[task] == types[name] for task in first]),
            "right task": percent([task == name for task in first]),
            "given": percent([label == truth for label, truth in zip(given.label, y, strict=True)]),
            "free": percent([(task, label) == (name, truth) for task, label, truth in zip(free.task, free.label, y, strict=True)]),
            "refused": percent([task is None for task in net.predict(x).task]),
            "alone": percent([label == truth for label, truth in zip(alone.predict(x, task=name).label, y, strict=True)]),
        }


def _drawn(name: str, split: str, most: int, seed: int) -> Labelled:
    """Pictures in random order, and their labels."""
    if name == "digits":
        digits = load_digits()
        x, y = digits.images / 16, digits.target
    else:
        x, y = load(name, split)
    places = np.random.default_rng(seed).permutation(len(y))[:most]
    return (x[places] if isinstance(x, np.ndarray) else [x[place] for place in places]), np.asarray(y)[places]


def _title(shape: Any) -> str:
    channels, height, width = shape
    return f"{width}×{height}{' colour' if channels == 3 else ''}"


def _kept_table(records: Records) -> str:
    rows = []
    for name in records.distinct("name"):
        mine = records.where(name=name)
        cells = []
        for shape in SHAPES:
            (one,) = mine.where(lambda record, shape=shape: tuple(record["shape"]) == shape)
            own = tuple(one["native"]) == shape
            cells.append("own" if own else f"{100 * one['lost']:.1f} ({one['gain']:+.1f})".replace("-", "−"))
        rows.append([name, _title(mine[0]["native"]), *cells])
    head = f"Share of variance lost in %, and points of accuracy gained or lost (kernel regression, {FEW:,} pictures, leave-one-out):\n\n"
    worst = {within: [one["gain"] for one in records if (one["lost"] <= MOST_LOST) == within] for within in (True, False)}
    within = (
        f"Where at most {MOST_LOST:.0%} are lost, the worst change is {min(worst[True]):+.1f} points; elsewhere {min(worst[False]):+.1f}."
    )
    return head + markdown_table(["set", "own type", *map(_title, SHAPES)], rows) + "\n\n" + within.replace("-", "−")


def _doubt_table(records: Records) -> str:
    rows = [
        [weight, *(mean(mine.where(task=task).values("right type"), 2) for task in (*TASKS, *OTHERS))]
        for weight, mine in records.by("weight").items()
    ]
    seeds = len(records.distinct("seed"))
    return f"Right type in %, of held-out training pictures, {seeds} seed{'s' if seeds > 1 else ''}:\n\n" + markdown_table(
        ["weight", *TASKS, *OTHERS], rows
    )


def _five_table(records: Records) -> str:
    parts = []
    for (order, method), mine in (((o, m), r) for o, of in records.by("order").items() for m, r in of.by("method").items()):
        rows = []
        for name in TASKS:
            own, types = mine.where(lambda one: "given" in one, task=name), mine.where(lambda one: "type" in one, task=name)
            gain = interval(differences(own.by_seed("given"), own.by_seed("alone")), sign=True)
            columns = (spread(own.values(key)) for key in ("right type", "right task", "given", "alone"))
            rest = (spread(own.values(key)) for key in ("free", "refused"))
            rows.append([name, ", ".join(types.distinct("type")), *columns, gain, *rest])
        head = [
            "task",
            "type",
            "right type",
            "right task",
            "label, task given",
            "network of its own",
            "difference",
            "label, task found",
            "refused",
        ]
        seeds = len(mine.distinct("seed"))
        learned = ", ".join(ORDERS[order])
        learner = f"Learned by {METHODS[method]} in the order {learned}; {seeds} seed{'s' if seeds > 1 else ''}"
        title = f"{learner}, in %, mean ± standard deviation; differences with 95 % intervals:"
        parts.append(f"{title}\n\n{markdown_table(head, rows)}")
    return "\n\n".join(parts)


METHODS = {"constant": f"a layer of {UNITS} random units and a fitted output layer", "sen": "`sen`"}
SIZES = {"most": MOST, "asked": ASKED}
PARTS = {
    "kept": Part(kept, {"name": SETS}),
    "doubt": Part(doubt, {"seed": "seeds"}, SIZES),
    "five": Part(five, {"method": tuple(METHODS), "order": tuple(ORDERS), "seed": "seeds"}, SIZES),
}
SECTIONS = {"kept": _kept_table, "doubt": _doubt_table, "five": _five_table}
BENCHMARK = Benchmark("pictures", __doc__, PARTS, SECTIONS, page="senses.md", seeds=5, jobs=0)

if __name__ == "__main__":
    BENCHMARK.main()
