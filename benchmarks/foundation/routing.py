"""Which pathway an unlabelled input activates: from all examples, and with each task in turn from five a class."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Literal

import numpy as np

import senpath as sp
from benchmarks.foundation.growing import grow, tasks
from benchmarks.harness import Record, Records, figure, markdown_table, spread, table_of
from senpath.data import few_shot, load
from senpath.learning import propose
from senpath.snapshot import Proposal, View, encode_examples

ADMITS = (0.3, 0.1, 0.05, 0.03, 0.02, 0.012, 0.008, 0.005, 0.002)
PERCENT = {
    "among the candidates": "among",
    "first choice": "first",
    "answer's task": "task",
    "refused": "refused",
    "label, task given": "accuracy",
    "label, task found": "accuracy_unlabelled",
}
OTHER_CASE = {"lower": "upper", "upper": "lower"}
FORMS: tuple[Literal["discriminant", "binary"], ...] = ("discriminant", "binary")


def measure(seed: int) -> Iterator[Record]:
    net = grow(seed)[0]
    tests = {name: task.test for name, task in tasks().items()}
    full = sp.evaluate(net, tests)
    chars = sp.Network(random_state=seed)
    for name in OTHER_CASE:
        chars.learn(name, *load(f"chars74k-{name}"), links="none", epochs=1, random_state=seed)
    alone = sp.evaluate(chars, {name: load(f"chars74k-{name}", "test") for name in OTHER_CASE}, reject=False)
    yield {
        "full": {**_scores(full), "mean": asdict(full.mean)},
        "curve": [_curve_point(net, tests, admit) for admit in ADMITS],
        "chars": _scores(alone),
        "confused": {name: _confused(net, tests[name], other) for name, other in OTHER_CASE.items()},
    }


def table(records: Records) -> str:
    """The table, what is confused, and the figure."""
    rows = []
    for name in records[0]["full"]:
        scores = [one["full"][name] for one in records]
        cells = [spread([100 * score[key] for score in scores], 2) for key in PERCENT.values()]
        rows.append([name, *cells, spread([score["candidates"] for score in scores], 2)])
    chars = [
        f"{name} {spread([100 * one['chars'][name]['first'] for one in records])} first, "
        f"{spread([100 * one['chars'][name]['among'] for one in records])} among the candidates"
        for name in OTHER_CASE
    ]
    lines = []
    for name, other in OTHER_CASE.items():
        pairs = sum((Counter({(a, b): count for a, b, count in one["confused"][name]}) for one in records), Counter())
        often = ", ".join(f"{a}→{b} {count}" for (a, b), count in pairs.most_common(15))
        lines.append(f"- {name} taken for {other}: {often}")
    _draw(records)
    parts = [
        markdown_table(["task", *PERCENT, "candidates"], rows),
        f"LOWER against UPPER on the Chars74K part alone (55 writers, both cases): {'; '.join(chars)}.",
        "Letters that went to the other case, most frequent first, all seeds (true → answered, times):",
        "\n".join(lines),
        "![accuracy against mean candidates](../figures/candidates.svg)",
    ]
    return "\n\n".join(parts)


def _scores(measured: sp.Evaluation) -> dict[str, dict[str, float]]:
    return {name: asdict(score) for name, score in measured.scores.items()}


def _curve_point(net: sp.Network, tests: dict[str, Any], admit: float) -> dict[str, tuple[float, float]]:
    point = {}
    for name, (x, _) in tests.items():
        dispatched = net.predict(x, admit=admit).candidates
        point[name] = (float(np.mean([name in pair for pair in dispatched])), float(np.mean([len(pair) for pair in dispatched])))
    return point


def _confused(net: sp.Network, test: Any, other: str) -> list[tuple[str, str, int]]:
    answers = net.predict(test[0])
    went = zip(test[1], answers.label, answers.task, strict=True)
    pairs = Counter((str(true), str(label)) for true, label, task in went if task == other)
    return [(*pair, count) for pair, count in pairs.items()]


def _draw(records: Records) -> None:
    names = [*records[0]["curve"][0]]
    points = np.mean([[[point[name] for name in names] for point in one["curve"]] for one in records], axis=0)  # (admits, tasks, 2)
    with figure("candidates.svg", (7, 4.2)) as (_, panels):
        axes = panels[0, 0]
        for place, name in enumerate(names):
            among, candidates = points[:, place].T
            axes.plot(candidates, 100 * among, "-o", markersize=3, label=name)
        among, candidates = points.mean(1).T
        axes.plot(candidates, 100 * among, "k--", label="mean of the tasks")
        axes.set(xlabel="mean candidates per input", ylabel="right pathway among the candidates, %")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)


def measure_few(seed: int) -> Iterator[Record]:
    """For each image task at five shots: what became of it and of the others. Statistics do not depend on the order of learning."""
    data = _image_tasks()
    empty = sp.Network(random_state=seed)
    full = {name: _propose(empty.view, name, task.train, seed) for name, task in data.items()}
    before = _assemble(list(full.values()), data, seed)
    for name, task in data.items():
        drawn = few_shot(*task.train, 5, seed)
        short = _propose(empty.view, name, (np.asarray(task.train[0])[drawn], task.train[1][drawn]), seed)
        after = _assemble([short if other == name else proposal for other, proposal in full.items()], data, seed)
        loss = partial(_largest_loss, before, after, [other for other in data if other != name])
        losses = {"loss of first": loss("first"), "loss of among": loss("among"), "candidates": after.mean.candidates}
        score = after.scores[name]
        shares = {key: 100 * getattr(score, key) for key in ("among", "first", "refused")}
        yield {"task": name, **shares, **losses}


def few_table(records: Records) -> str:
    columns: dict[str, Callable[[Records], object]] = {
        "task at 5 shots": lambda mine: mine[0]["task"],
        "among the candidates": lambda mine: spread(mine.values("among")),
        "first choice": lambda mine: spread(mine.values("first")),
        "largest loss of another, first": lambda mine: spread(mine.values("loss of first")),
        "of another, among": lambda mine: spread(mine.values("loss of among")),
        "candidates": lambda mine: spread(mine.values("candidates"), 2),
        "refused": lambda mine: spread(mine.values("refused")),
    }
    return table_of(records.by("task").values(), columns)


def measure_binary(seed: int) -> Iterator[Record]:
    """The paper's reading of the dispatcher beside the default, the four image tasks from all their data."""
    data = _image_tasks()
    for form in FORMS:
        net = sp.Network(random_state=seed, dispatcher=form)
        for name, task in data.items():
            net.commit(_propose(net.view, name, task.train, seed))
        for name, score in _scores(sp.evaluate(net, {name: task.test for name, task in data.items()})).items():
            yield {"form": form, "name": name, **score}


def binary_table(records: Records) -> str:
    columns: dict[str, Callable[[Records], object]] = {
        "dispatcher": lambda mine: mine[0]["form"],
        "task": lambda mine: mine[0]["name"],
        "among candidates": lambda mine: spread(mine.values("among", 100)),
        "first choice": lambda mine: spread(mine.values("first", 100)),
        "refused": lambda mine: spread(mine.values("refused", 100)),
        "candidates": lambda mine: spread(mine.values("candidates"), 2),
    }
    return table_of(records.by("form", "name").values(), columns)


def _image_tasks() -> dict[str, Any]:
    return {name: task for name, task in tasks().items() if name != "speech"}


def _propose(view: View, name: str, train: Any, seed: int) -> Proposal:
    return propose(view, sp.Sen(links="none", epochs=1, random_state=seed), name, encode_examples(view, *train))


def _assemble(proposals: Sequence[Proposal], data: dict[str, Any], seed: int) -> sp.Evaluation:
    net = sp.Network(random_state=seed)
    for proposal in proposals:
        net.commit(proposal)
    return sp.evaluate(net, {name: task.test for name, task in data.items()})


def _largest_loss(before: sp.Evaluation, after: sp.Evaluation, others: Sequence[str], figure: str) -> float:
    return max(100 * (getattr(before.scores[other], figure) - getattr(after.scores[other], figure)) for other in others)
