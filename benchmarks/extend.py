"""Extending tasks: new classes beside old ones, and a mixed stream that the dispatcher splits.

    python -m benchmarks.extend [--seeds 3] [--only stream lower mnist]

The sections of docs/results/extend.md, measured on test data. About twelve minutes of one core. Needs SENPATH_DATA.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, write_section
from senpath import Network, data

PAGE = RESULTS / "extend.md"
NEW_LETTERS, NEW_DIGITS = 5, (8, 9)
DIGITS = 2_000
"""Images of MNIST, old and new classes together."""
STREAM, SHOTS = 300, 5
TASKS = ("mnist", "fashion", "lower", "upper", "speech")
Labelled = tuple[Any, np.ndarray]
Figures = dict[tuple[str, ...], list[float]]


@dataclass(frozen=True)
class Case:
    """A task that is extended.

    Args:
        name: of its data.
        train, test: labelled images.
        new: the classes that come later.
    """

    name: str
    train: Labelled
    test: Labelled
    new: np.ndarray

    @staticmethod
    def of(name: str, seed: int) -> Case:
        x, y = data.load(name)
        random = np.random.default_rng(seed)
        if name == "mnist":
            chosen = random.choice(len(y), DIGITS, replace=False)
            return Case(name, (np.asarray(x)[chosen], y[chosen]), data.load(name, "test"), np.array(NEW_DIGITS))
        return Case(name, (np.asarray(x), y), data.load(name, "test"), random.choice(np.unique(y), NEW_LETTERS, replace=False))

    def examples(self, shots: int | None, seed: int, *, new: bool) -> Labelled:
        """Examples of the new or of the old classes, so many of each, or all."""
        x, y = self.train
        mine = np.flatnonzero(np.isin(y, self.new) == new)
        chosen = mine if shots is None else mine[data.few_shot(mine, y[mine], shots, seed)]
        return x[chosen], y[chosen]

    def accuracy(self, net: Network) -> tuple[float, float]:
        """Of the old and of the new classes, with the task given."""
        x, y = self.test
        right, new = net.predict(x, task="task").label == y, np.isin(y, self.new)
        return float(right[~new].mean()), float(right[new].mean())


def join(*parts: Labelled) -> Labelled:
    return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])


def extend_case(name: str, shots: Sequence[int | None], seed: int, figures: Figures) -> None:
    """All ways to extend one task; what each leads to is appended to `figures`."""
    case, folder = Case.of(name, seed), Path(tempfile.mkdtemp())
    base, old = Network(folder / "base.sen"), case.examples(None, seed, new=False)
    base.learn("task", *old, random_state=seed)
    for shot in shots:
        added, label = case.examples(shot, seed, new=True), "all" if shot is None else str(shot)
        figures[name, label, "before"].append(case.accuracy(base)[0])
        for given in (False, True):
            x, y = join(added, case.examples(shot, seed, new=False)) if given else added
            for way, move in (("kept", False), ("moved", True)):
                net = Network(shutil.copytree(base.path, folder / f"{label}{given}{way}.sen"))
                net.extend("task", x, y, finetune=move, random_state=seed)
                note(figures, (name, label, way, str(given)), case.accuracy(net))
        if shot == shots[-1]:
            net = Network(folder / f"{label}.sen")
            net.learn("task", *join(old, added), random_state=seed)
            note(figures, (name, label, "at once"), case.accuracy(net))
        print(f"  {name}, {label}: done", flush=True)
    shutil.rmtree(folder)


def note(figures: Figures, key: tuple[str, ...], accuracy: tuple[float, float]) -> None:
    for classes, value in zip(("old", "new"), accuracy, strict=True):
        figures[*key, classes].append(value)


def classes_table(figures: Figures) -> str:
    def pair(*key: str) -> str:
        return " / ".join(show(figures[*key, classes]) for classes in ("old", "new")) if (*key, "old") in figures else "–"

    lines = [
        "| task | new examples a class | old ones given too | before, old | nothing moved, old / new | `finetune=True` | learned at once |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, label in dict.fromkeys(key[:2] for key in figures):
        for given in (False, True):
            ways = [pair(name, label, way, str(given)) for way in ("kept", "moved")]
            many = ("all" if label == "all" else f"{label} a class") if given else "none"
            cells = [name.upper(), label, many, show(figures[name, label, "before"]), *ways, pair(name, label, "at once")]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def show(values: Sequence[float]) -> str:
    spread = f" ± {100 * np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{100 * np.mean(values):.1f}{spread}"


def part(x: Any, places: np.ndarray) -> list[Any]:
    return [x[place] for place in places]


def stream_case(seed: int, figures: Figures) -> None:
    """Five tasks of few examples, and a mixed stream of further ones."""
    random, folder = np.random.default_rng(seed), Path(tempfile.mkdtemp())
    base, stream = Network(folder / "base.sen"), []
    for task in TASKS:
        x, y = data.load(task)
        shots = data.few_shot(x, np.asarray(y), SHOTS, seed)
        base.learn(task, part(x, shots), [label.item() for label in np.asarray(y)[shots]], random_state=seed)
        rest = random.permutation(np.setdiff1d(np.arange(len(y)), shots))[:STREAM]
        stream += [(task, x[place], np.asarray(y)[place].item()) for place in rest]
    truth, inputs, labels = zip(*(stream[place] for place in random.permutation(len(stream))), strict=True)
    tests = {task: data.load(task, "test") for task in TASKS}
    measure(base, tests, "before", figures)
    for way, move in (("kept", False), ("moved", True)):
        net = Network(shutil.copytree(base.path, folder / f"{way}.sen"))
        found = net.extend(list(inputs), list(labels), finetune=move, random_state=seed)
        measure(net, tests, way, figures)
    went = np.full(len(truth), "", dtype=object)
    for task, places in found.sent.items():
        went[places] = task
    for task in TASKS:
        mine = went[np.array(truth) == task]
        figures[task, "right"].append(float((mine == task).mean()))
        figures[task, "returned"].append(float((mine == "").mean()))
        figures[task, "wrong"].append(float(((mine != task) & (mine != "")).mean()))
    shutil.rmtree(folder)


def measure(net: Network, tests: dict[str, Labelled], when: str, figures: Figures) -> None:
    """Accuracy on at most 500 test examples of each task, with the task given and found."""
    for task, (x, y) in tests.items():
        places = np.random.default_rng(0).permutation(len(y))[:500]
        items, truth = part(x, places), np.asarray(y)[places]
        figures[task, when, "given"].append(float((net.predict(items, task=task).label == truth).mean()))
        found = net.predict(items)
        figures[task, when, "found"].append(float(((found.label == truth) & (found.task == task)).mean()))


def stream_table(figures: Figures) -> str:
    lines = [
        "| task | sent to it | sent elsewhere | returned | accuracy before, given / found | nothing moved | `finetune=True` |",
        "|---|---|---|---|---|---|---|",
    ]
    for task in TASKS:
        shares = [show(figures[task, what]) for what in ("right", "wrong", "returned")]
        ways = [" / ".join(show(figures[task, way, how]) for how in ("given", "found")) for way in ("before", "kept", "moved")]
        lines.append(f"| {task} | {' | '.join([*shares, *ways])} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=[*SECTIONS], default=[*SECTIONS])
    arguments = parser.parse_args()
    for name in arguments.only:
        figures: Figures = defaultdict(list)
        for seed in range(arguments.seeds):  # written seed by seed: a run that is stopped leaves those that it had
            measure_seed, table = SECTIONS[name]
            measure_seed(seed, figures)
            seeds = f"{seed + 1} seeds" if seed else "one seed"
            write_section(PAGE, name, f"{table(figures)}\n\nAccuracy on test data in %, mean ± sample standard deviation, {seeds}.")


SECTIONS: dict[str, tuple[Callable[[int, Figures], None], Callable[[Figures], str]]] = {
    "lower": (lambda seed, figures: extend_case("lower", (5, 20, None), seed, figures), classes_table),
    "mnist": (lambda seed, figures: extend_case("mnist", (5, 20), seed, figures), classes_table),
    "stream": (stream_case, stream_table),
}

if __name__ == "__main__":
    main()
