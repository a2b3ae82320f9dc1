"""Clips: digits that move, which digit and which way, hands that sign two digits, and a digit seen, heard, read and moving.

    python -m benchmarks.video [PART ...] [--seeds 5] [--workers 1] [--folder runs/video]

Parts: moving, signs, concept, page; all of them by default, for the section "Video" of docs/results/senses.md. A run that was stopped goes
on with what has no record. Needs SENPATH_DATA and the extra [video].
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch

import senpath as sp
from benchmarks.concept import write_digits
from benchmarks.harness import Benchmark, Part, Record, Records, Section, interval, markdown_table, percent, seconds, spread
from benchmarks.senses import peer, sets
from senpath.components.wide import motion
from senpath.data import few_shot, load, moving_pictures
from senpath.inputs.encoders.frames import FRAMES
from senpath.snapshot import encode_examples
from senpath.types import DataType, Examples

SHOTS = (5, 20)
TESTED = 400
TASKS = ("which digit", "which way")
ALL_PARTS, WITHOUT_ORDER = 4, 2
"""Of the four parts of what is pooled, mean and deviation, the first two say nothing of order."""
LSTM_SHOTS = 20
"""With which an LSTM of the frames is measured too: it takes long."""
PAIRS = ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9))
"""Digits that are signed one after the other, in either order: ten classes, of which order alone tells two and two apart."""
SIGNED, SIGN_SHOTS = 400, (5, 20)
CONCEPT_SHOTS = 10

SENSES = {"image": "seen", "audio": "heard", "text": "read", "video": "moving"}


@cache
def digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    """MNIST without its margins: uint8 (n, 20, 20), and the digits."""
    x, y = load("mnist", split)
    return np.asarray(x)[:, 4:24, 4:24], np.asarray(y)


def films(split: str, places: np.ndarray, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """These digits moving, and the labels of both tasks."""
    x, y = digits(split)
    clips, ways = moving_pictures(x[places], seed)
    return clips, {"which digit": y[places], "which way": ways}


def tested(seed: int) -> np.ndarray:
    """Places of the digits to test on."""
    return np.random.default_rng([seed, 1]).permutation(len(digits("test")[1]))[:TESTED]


def moving(shots: int, seed: int) -> Iterator[Record]:
    """Both tasks in one network, from the same clips, each alone beside a logistic regression, and without being told which."""
    train, labels = films("train", few_shot(*digits("train"), shots, seed), seed)
    asked, truth = films("test", tested(seed), 1_000 + seed)
    net = sp.Network(random_state=seed)
    learned = encode_examples(net.view, train, labels[TASKS[0]])
    test, reversed_test = (encode_examples(net.view, clips, truth[TASKS[0]], like=learned) for clips in (asked, asked[:, ::-1]))
    record: Record = {}
    for task in TASKS:
        own, own_test = (_labelled(examples, given[task]) for examples, given in ((learned, labels), (test, truth)))
        took = seconds(lambda task=task, own=own: net.learn(task, own, random_state=seed))  # type: ignore[misc]
        record[task] = {"seconds": took, "sen": percent(net.predict(test, task=task).label == truth[task])}
        for name, parts in (("logistic", ALL_PARTS), ("unordered", WITHOUT_ORDER)):
            record[task][name] = _fitted(_pooled(own, parts), _pooled(own_test, parts), seed)
    record["backwards"] = percent(net.predict(reversed_test, task="which way").label == _opposite(truth["which way"]))
    yield record | {"routed": _routed(net.predict(test), truth)}
    if shots == LSTM_SHOTS:
        for task in TASKS:
            own, name = _labelled(learned, labels[task]), f"{task}, lstm"
            net.learn(name, own, model="lstm", links="none", start="random", random_state=seed)
            yield {"lstm": task, "accuracy": percent(net.predict(test, task=name).label == truth[task])}


def _labelled(examples: Examples, labels: np.ndarray) -> Examples:
    """The same inputs with other labels."""
    classes = sorted({*labels.tolist()})
    targets = torch.tensor([classes.index(label) for label in labels.tolist()])
    return replace(examples, targets=targets, classes=tuple(classes))


def _opposite(ways: np.ndarray) -> np.ndarray:
    """Directions in which clips go that are played backwards."""
    turned = {"right": "left", "left": "right", "up": "down", "down": "up"}
    return np.array([" ".join(turned[word] for word in way.split()) for way in ways])


def _pooled(examples: Examples, parts: int) -> Examples:
    width = examples.data_type.shape[1]
    inputs = motion(examples.inputs)[:, : parts * width]
    return Examples(DataType("table", (parts * width,)), inputs, examples.targets, examples.classes)


def _fitted(learned: Examples, test: Examples, seed: int) -> float:
    few = int(learned.targets.bincount().min())
    choice = peer.choose(learned, max(2, few), seed)[peer.CRITERIA[0]]
    inputs, targets = peer.arrays(test)
    return percent(peer.fit(learned, choice).predict(inputs) == targets)


def _routed(told: sp.Prediction, truth: dict[str, np.ndarray]) -> Record:
    """What is answered where no task is given, and both tasks fit every clip."""
    both = percent([set(names) == set(TASKS) for names in told.candidates])
    pairs = enumerate(zip(told.task, told.label, strict=True))
    right = percent([task is not None and label == truth[task][place] for place, (task, label) in pairs])
    own: Record = {task: percent(told.probabilities[task].argmax(1) == _places(told, task, truth[task])) for task in TASKS}
    shares = {task: percent([name == task for name in told.task]) for task in TASKS}
    refused = percent([task is None for task in told.task])
    return {"both": both, "answer right": right, "refused": refused, "own": own, "shares": shares}


def _places(told: sp.Prediction, task: str, truth: np.ndarray) -> np.ndarray:
    classes = [*told.probabilities.classes[task]]
    return np.array([classes.index(label) for label in truth.tolist()])


def _signed(split: str, count: int, seed: int, kind: DataType) -> Examples:
    """Sequences of photographs of different hands: half of the frames sign one digit, the other half another one."""
    photographs = sets.encoded("signdigits", split)
    vectors, signs = photographs.inputs, np.array(photographs.classes)[photographs.targets.numpy()]
    generator = np.random.default_rng([seed, split == "test"])
    targets = np.arange(count) % (2 * len(PAIRS))
    frames = torch.zeros(count, *kind.shape)
    for row, target in enumerate(targets):
        pair = PAIRS[target // 2][:: 1 if target % 2 else -1]
        frames[row] = torch.cat([vectors[generator.choice(np.flatnonzero(signs == digit), FRAMES // 2)] for digit in pair])
    return Examples(kind, frames, torch.from_numpy(targets), tuple(range(2 * len(PAIRS))))


def signs(shots: int, seed: int) -> Iterator[Record]:
    """Which two digits are signed, and in which order; from `shots` sequences a class."""
    view = sp.Network(encoders={"video": "efficientnet-lite0-frames"}).view
    pictures = load("signdigits")[0][:FRAMES]
    kind = encode_examples(view, [sp.Video(pictures)] * 2, [0, 1]).data_type
    learned, test = _signed("train", 2 * len(PAIRS) * shots, seed, kind), _signed("test", SIGNED, seed, kind)
    record: Record = {}
    for model in ("auto", "lstm") if shots == LSTM_SHOTS else ("auto",):
        net = sp.Network(encoders={"video": "efficientnet-lite0-frames"}, random_state=seed)
        record[f"seconds, {model}"] = seconds(lambda net=net, model=model: net.learn("signs", learned, model=model, random_state=seed))  # type: ignore[misc]
        record[model] = percent(net.predict(test, task="signs").label == test.targets.numpy())
    for name, parts in (("logistic", ALL_PARTS), ("unordered", WITHOUT_ORDER)):
        record[name] = _fitted(_pooled(learned, parts), _pooled(test, parts), seed)
    yield record


def concept(seed: int) -> Iterator[Record]:
    """One network: a digit seen, heard, read and moving; things are asked about in each way and in several."""
    net = sp.Network(random_state=seed, encoders={"audio": "sound-statistics"})  # an LSTM of sounds takes long to learn
    (images, drawn), (sounds, spoken) = load("mnist"), load("speech")
    seen, heard = few_shot(images, drawn, CONCEPT_SHOTS, seed), few_shot(sounds, spoken, CONCEPT_SHOTS, seed)
    typed = np.repeat(np.arange(10), CONCEPT_SHOTS)
    moved = few_shot(*digits("train"), CONCEPT_SHOTS, seed + 100)
    clips, labels = films("train", moved, seed)
    data = {
        "seen": (images[seen], np.asarray(drawn)[seen]),
        "heard": ([sounds[place] for place in heard], np.asarray(spoken)[heard]),
        "read": (write_digits(typed, seed), typed),
        "moving": (clips, labels["which digit"]),
    }
    took = seconds(lambda: net.learn_many(data, concept="digit", random_state=seed))  # type: ignore[arg-type]
    things, truth = _things(seed)
    record: Record = {"seconds": took}
    for given in (True, False):
        told = net.predict(things, concept="digit" if given else None)
        errors = {SENSES[name]: percent(alone.label != truth) for name, alone in told.modalities.items()}
        errors["all"] = percent(told.label != truth)
        without = {name: items for name, items in things.items() if name != "video"}
        errors["all but moving"] = percent(net.predict(without, concept="digit" if given else None).label != truth)
        record["given" if given else "found"] = errors
    yield record


def _things(seed: int) -> tuple[dict[str, Any], np.ndarray]:
    """Test pictures, each with a recording, a word and a clip of another picture of the same digit."""
    generator = np.random.default_rng([seed, 2])
    (images, drawn), (sounds, spoken) = load("mnist", "test"), load("speech", "test")
    places = tested(seed)
    truth = np.asarray(drawn)[places]
    heard = [int(generator.choice(np.flatnonzero(np.asarray(spoken) == digit))) for digit in truth]
    others = np.array([int(generator.choice(np.flatnonzero(np.asarray(drawn) == digit))) for digit in truth])
    clips, _ = films("test", others, 2_000 + seed)
    return {
        "image": images[places],
        "audio": [sounds[place] for place in heard],
        "text": write_digits(truth, 1_000_000 + seed),
        "video": clips,
    }, truth


def _moving_table(records: Records) -> str:
    columns = [
        "task",
        "examples a digit",
        "seeds",
        "senpath",
        "LR",
        "difference to LR [95 %]",
        "LR without order",
        "LSTM",
        "seconds to learn",
    ]
    return markdown_table(columns, [_row(task, shots, mine) for task in TASKS for shots, mine in records.by("shots").items()])


def _row(task: str, shots: int, records: Records) -> list[Any]:
    own = [one[task] for one in records if task in one]
    gap = [one["sen"] - one["logistic"] for one in own]
    lstm = records.where(lstm=task).values("accuracy")
    cells = [spread([one["sen"] for one in own]), spread([one["logistic"] for one in own]), interval(gap, sign=True)]
    cells += [spread([one["unordered"] for one in own]), spread(lstm) if lstm else "–"]
    return [task, shots, len(own), *cells, f"{np.median([one['seconds'] for one in own]):.0f}"]


def _shared_table(records: Records) -> str:
    columns = ["examples a digit", "both are candidates", "refused", *(f"answer is of {task!r}" for task in TASKS), "the answer is right"]
    columns += [f"{task!r} as a candidate" for task in TASKS] + ["'which way', played backwards"]
    rows = []
    for shots, mine in records.where(lambda one: "routed" in one).by("shots").items():
        routed = [one["routed"] for one in mine]
        cells = [spread([one[name] for one in routed]) for name in ("both", "refused")]
        cells += [spread([one["shares"][task] for one in routed]) for task in TASKS]
        cells += [spread([one["answer right"] for one in routed]), *(spread([one["own"][task] for one in routed]) for task in TASKS)]
        rows.append([shots, *cells, spread(mine.values("backwards"))])
    return markdown_table(columns, rows)


def _sign_table(records: Records) -> str:
    columns = ["sequences a class", "seeds", "senpath", "LR", "difference to LR [95 %]", "LR without order", "LSTM", "seconds to learn"]
    rows = []
    for shots, mine in records.by("shots").items():
        gap = mine.values(lambda one: one["auto"] - one["logistic"])
        cells = [spread(mine.values("auto")), spread(mine.values("logistic")), interval(gap, sign=True)]
        cells += [
            spread(mine.values("unordered")),
            spread(mine.values("lstm")) if mine.values("lstm") else "–",
            f"{np.median(mine.values('seconds, auto')):.0f}",
        ]
        rows.append([shots, len(mine), *cells])
    return markdown_table(columns, rows)


def _concept_table(records: Records) -> str:
    columns = ["the concept", *SENSES.values(), "seen, heard and read", "and moving"]
    keys = [*SENSES.values(), "all but moving", "all"]
    rows = [[name, *(spread([one[name][key] for one in records]) for key in keys)] for name in ("given", "found")]
    learned = f"Seconds to learn all four: {np.median(records.values('seconds')):.0f} (median)."
    return f"Errors in %; what is refused is wrong.\n\n{markdown_table(columns, rows)}\n\n{learned}"


PARTS = {
    "moving": Part(moving, {"shots": SHOTS, "seed": "seeds"}, {"tested": TESTED}),
    "signs": Part(
        signs, {"shots": SIGN_SHOTS, "seed": "seeds"}, {"tested": SIGNED}, prepare=lambda arguments: sets.prepare(("signdigits",))
    ),
    "concept": Part(concept, {"seed": "seeds"}, {"shots": CONCEPT_SHOTS, "tested": TESTED}),
}
SECTIONS = {
    "moving": _moving_table,
    "shared clips": Section(_shared_table, ["moving"]),
    "signs": _sign_table,
    "moving concept": Section(_concept_table, ["concept"]),
}
BENCHMARK = Benchmark("video", __doc__, PARTS, SECTIONS, page="senses.md", seeds=5, jobs=1)

if __name__ == "__main__":
    BENCHMARK.main()
