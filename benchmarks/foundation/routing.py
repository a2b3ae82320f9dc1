"""Which pathway an unlabelled input activates: from all examples, and with each task in turn from five a class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

import senpath as sp
from benchmarks.common import DOCS, RESULTS, per_seed, write_section
from benchmarks.foundation.growing import grow, tasks
from senpath.data import few_shot, load
from senpath.learning import propose
from senpath.reports.markdown import markdown_table, spread
from senpath.snapshot import Proposal, View, encode_examples

ADMITS = (0.3, 0.1, 0.05, 0.03, 0.02, 0.012, 0.008, 0.005, 0.002)
PERCENT = ("among", "first", "task", "refused", "accuracy", "accuracy_unlabelled")


def run(seeds: int) -> None:
    found = per_seed(seeds, _one_seed, "routing")
    names = list(tasks())
    rows = []
    for name in [*names, "mean"]:
        cells = [spread([100 * getattr(_score(result["full"], name), figure) for result in found], 2) for figure in PERCENT]
        rows.append([name, *cells, spread([_score(result["full"], name).candidates for result in found], 2)])
    columns = [
        "task",
        "among the candidates",
        "first choice",
        "answer's task",
        "refused",
        "label, task given",
        "label, task found",
        "candidates",
    ]
    chars = [
        f"{name} {spread([100 * result['chars'].scores[name].first for result in found])} first, "
        f"{spread([100 * result['chars'].scores[name].among for result in found])} among the candidates"
        for name in ("lower", "upper")
    ]
    text = [
        markdown_table(columns, rows),
        "",
        f"LOWER against UPPER on the Chars74K part alone (55 writers, both cases): {'; '.join(chars)}.",
        "",
    ]
    text += ["Letters that went to the other case, most frequent first, all seeds (true → answered, times):", ""]
    for name, other in (("lower", "upper"), ("upper", "lower")):
        pairs = sum((result["confused"][name] for result in found), Counter())
        text.append(f"- {name} taken for {other}: " + ", ".join(f"{a}→{b} {count}" for (a, b), count in pairs.most_common(15)))
    text += ["", "![accuracy against mean candidates](../figures/candidates.svg)"]
    _draw(found, names)
    write_section(RESULTS / "foundation.md", "routing", "\n".join(text))


def run_few(seeds: int) -> None:
    found = per_seed(seeds, _few_seed, "few-shot routing")
    rows = []
    for name in found[0]:
        figures = [result[name] for result in found]
        cells = [spread([figure[index] for figure in figures]) for index in range(4)]
        rows.append([name, *cells, spread([figure[4] for figure in figures], 2), spread([figure[5] for figure in figures])])
    columns = [
        "task at 5 shots",
        "among the candidates",
        "first choice",
        "largest loss of another, first",
        "of another, among",
        "candidates",
        "refused",
    ]
    write_section(RESULTS / "foundation.md", "few", markdown_table(columns, rows))


def run_binary(seeds: int) -> None:
    """The paper's reading of the dispatcher beside the default, the four image tasks from all their data."""
    found = per_seed(seeds, _binary_seed, "binary dispatcher")
    rows = []
    for form in found[0]:
        for name in found[0][form].scores:
            scores = [result[form].scores[name] for result in found]
            cells = [spread([100 * getattr(score, figure) for score in scores]) for figure in ("among", "first", "refused")]
            rows.append([form, name, *cells, spread([score.candidates for score in scores], 2)])
    columns = ["dispatcher", "task", "among candidates", "first choice", "refused", "candidates"]
    write_section(RESULTS / "foundation.md", "binary", markdown_table(columns, rows))


def _binary_seed(seed: int) -> dict[str, sp.Evaluation]:
    data = {name: task for name, task in tasks().items() if name != "speech"}
    result = {}
    forms: tuple[Any, ...] = ("discriminant", "binary")
    for form in forms:
        net = sp.Network(random_state=seed, dispatcher=form)
        for name, task in data.items():
            net.commit(_propose(net.view, name, task.train, seed))
        result[form] = sp.evaluate(net, {name: task.test for name, task in data.items()})
    return result


def _score(measured: sp.Evaluation, name: str) -> Any:
    return measured.mean if name == "mean" else measured.scores[name]


def _one_seed(seed: int) -> dict[str, Any]:
    net = grow(seed).net
    tests = {name: task.test for name, task in tasks().items()}
    full = sp.evaluate(net, tests)
    curve = {admit: _curve_point(net, tests, admit) for admit in ADMITS}
    chars = sp.Network(random_state=seed)
    for name in ("lower", "upper"):
        chars.learn(name, *load(f"chars74k-{name}"), links="none", epochs=1, random_state=seed)
    chars_tests = {name: load(f"chars74k-{name}", "test") for name in ("lower", "upper")}
    return {
        "full": full,
        "curve": curve,
        "chars": sp.evaluate(chars, chars_tests, reject=False),
        "confused": {name: _confused(net, tests[name], other) for name, other in (("lower", "upper"), ("upper", "lower"))},
    }


def _curve_point(net: sp.Network, tests: dict[str, Any], admit: float) -> dict[str, tuple[float, float]]:
    point = {}
    for name, (x, _) in tests.items():
        dispatched = net.predict(x, admit=admit).candidates
        point[name] = (float(np.mean([name in pair for pair in dispatched])), float(np.mean([len(pair) for pair in dispatched])))
    return point


def _confused(net: sp.Network, test: Any, other: str) -> Counter[tuple[str, str]]:
    found = net.predict(test[0])
    return Counter((str(true), str(label)) for true, label, task in zip(test[1], found.label, found.task, strict=True) if task == other)


def _few_seed(seed: int) -> dict[str, tuple[float, ...]]:
    """For each image task at five shots: what became of it and of the others. Statistics do not depend on the order of learning."""
    data = {name: task for name, task in tasks().items() if name != "speech"}
    empty = sp.Network(random_state=seed)
    full = {name: _propose(empty.view, name, task.train, seed) for name, task in data.items()}
    before = _assemble(list(full.values()), data, seed)
    result = {}
    for name, task in data.items():
        drawn = few_shot(*task.train, 5, seed)
        short = _propose(empty.view, name, (np.asarray(task.train[0])[drawn], task.train[1][drawn]), seed)
        after = _assemble([short if other == name else proposal for other, proposal in full.items()], data, seed)
        loss = partial(_largest_loss, before, after, [other for other in data if other != name])
        score = after.scores[name]
        result[name] = (100 * score.among, 100 * score.first, loss("first"), loss("among"), after.mean.candidates, 100 * score.refused)
    return result


def _propose(view: View, name: str, train: Any, seed: int) -> Proposal:
    return propose(view, sp.Sen(links="none", epochs=1, random_state=seed), name, encode_examples(view, *train))


def _assemble(proposals: Sequence[Proposal], data: dict[str, Any], seed: int) -> sp.Evaluation:
    net = sp.Network(random_state=seed)
    for proposal in proposals:
        net.commit(proposal)
    return sp.evaluate(net, {name: task.test for name, task in data.items()})


def _largest_loss(before: sp.Evaluation, after: sp.Evaluation, others: Sequence[str], figure: str) -> float:
    return max(100 * (getattr(before.scores[other], figure) - getattr(after.scores[other], figure)) for other in others)


def _draw(found: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for name in names:
        points = [[result["curve"][admit][name] for admit in ADMITS] for result in found]
        among, candidates = np.mean(points, axis=0).T
        axes.plot(candidates, 100 * among, "-o", markersize=3, label=name)
    overall = np.mean([[np.mean(list(result["curve"][admit].values()), axis=0) for admit in ADMITS] for result in found], axis=0).T
    axes.plot(overall[1], 100 * overall[0], "k--", label="mean of the tasks")
    axes.set_xlabel("mean candidates per input")
    axes.set_ylabel("right pathway among the candidates, %")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    (DOCS / "figures").mkdir(exist_ok=True)
    figure.savefig(DOCS / "figures" / "candidates.svg")
