"""What is measured: a row of an experiment, whose tasks are learned in turn, and how fast searches are with more workers."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import senpath as sp
from benchmarks.harness import Record
from benchmarks.munet.plan import Experiment, method
from benchmarks.sequence import Task
from senpath import data
from senpath.learning import propose
from senpath.methods import SearchObserver, SearchStatus
from senpath.types import Examples

TASKS = {
    "toy": ("bangla", "devanagari", "telugu"),
    "chars": ("mnist", "letters-lower", "letters-upper", "omniglot", "semeion", "bangla", "devanagari", "telugu"),
    "photographs": ("grocery", "clothing", "signdigits", "cifar10"),
    "cifar": ("cifar10",),
    "stream": ("mnist", "bangla", "devanagari", "telugu", "letters-lower", "semeion"),
}
"""The stream goes on with the 30 alphabets of Omniglot's background set, a task each."""
SETS = {"letters-lower": "lower", "letters-upper": "upper"}
TRAINED = 14
"""Of the twenty drawings of an Omniglot character, those that are learned from."""
MOST = 20_000
"""Training images of CIFAR-10 that are used: enlarged, more of them fill the memory."""


def tasks(experiment: str) -> Iterator[Task]:
    """The tasks of an experiment, in turn."""
    for name in TASKS[experiment]:
        if name == "omniglot":  # all 964 characters of the background set as the classes of one task
            yield _split(name, *data.load("omniglot", "background"))
            continue
        known = SETS.get(name, name)
        x, y = data.load(known)
        if len(y) > MOST and name == "cifar10":
            chosen = np.random.default_rng(0).permutation(len(y))[:MOST]
            x, y = x[chosen], y[chosen]
        yield Task(name, (x, y), data.load(known, "test"))
    if experiment == "stream":
        x, y = data.load("omniglot", "background")
        alphabets = np.array([label.split("/")[0] for label in y])
        for alphabet in dict.fromkeys(alphabets):
            mine = alphabets == alphabet
            yield _split(alphabet, x[mine], y[mine])


def _split(name: str, x: np.ndarray, y: np.ndarray) -> Task:
    """The first drawings of each character to learn from, the last to test: they are of different people."""
    number = np.zeros(len(y), dtype=int)
    for label in np.unique(y):
        number[y == label] = np.arange((y == label).sum())
    trained = number < TRAINED
    return Task(name, (x[trained], y[trained]), (x[~trained], y[~trained]))


TESTED = 10_000
"""Test examples of a task, at most."""

PLACES: dict[str, dict[str, Any]] = {
    "one, in this process": {"jobs": 1},
    "two, local processes": {"jobs": 2},
    "two, Ray": {"jobs": 2, "ray": "local"},
}
SEARCHES: dict[str, dict[str, Any]] = {
    "children that train all layers, 4 a generation": {"children": 4, "clone": "all", "adapters": "none", "layers": False},
    "children as they come, 8 a generation": {"children": 8},
}
GENERATIONS, ROUNDS = 3, 2
IMAGES = 5_000


def learn_in_turn(experiment: Experiment, row: str, seed: int, folder: Path) -> Iterator[Record]:
    """Learn the tasks of an experiment; a network that has some of them already goes on.

    Yields a record for each task when it is learned, and one for each at the end.
    """
    name = f"{experiment.tasks}-{experiment.settings.get('root')}-{experiment.budget.images}-{row}-{seed}.sen"
    net = sp.Network(folder / experiment.tasks / name, image_shape=experiment.shape, random_state=seed)
    answers: dict[str, str] = {}
    tests: dict[str, Task] = {}
    for task in tasks(experiment.tasks):
        tests[task.name], seconds = task, float("nan")
        if task.name not in net.tasks:
            start = time.perf_counter()
            net.learn(task.name, *task.train, method=method(row, experiment, len(task.train[1]), seed))
            seconds = time.perf_counter() - start
        accuracy, answers[task.name] = _test(net, task)
        yield {"task": task.name, "accuracy": accuracy, "seconds": seconds, **_sizes(net, task.name)}
    total = net.weights["pathways"]
    for name, task in tests.items():
        accuracy, digest = _test(net, task)
        last = {"last": True, "same": digest == answers[name], "network": total, "share": net.tasks[name].run_weights / total}
        yield {"task": name, "accuracy": accuracy, **last, **_sizes(net, name)}


def _test(net: sp.Network, task: Task) -> tuple[float, str]:
    """Accuracy with the task given, and a digest of the logits."""
    labels = task.test[1][:TESTED]
    encoded = net.encode(task.test[0][:TESTED])
    logits = np.concatenate([net.view.logits(task.name, batch.inputs).cpu().numpy() for batch in encoded.batches])
    classes = np.array(net.tasks[task.name].classes_)
    return float((classes[logits.argmax(1)] == labels).mean()), hashlib.sha256(logits.tobytes()).hexdigest()


def _sizes(net: sp.Network, name: str) -> Record:
    """Of a task: all weights of its pathway, those that no other task has, and what the search recorded."""
    pathway, sizes = net.view.pathway(name), net.view.manifest.components
    used = [other.references for other in net.view.paths if other.task != name]
    own = sum(sizes[part] for part in pathway.references if not any(part in others for others in used))
    record = pathway.provenance.record
    trained = sum(sizes[part] for part, kept in zip(pathway.components, record.get("layers", ()), strict=False) if kept["origin"] == name)
    return {
        "weights": sum(sizes[part] for part in pathway.references),
        "own": own,
        "trained": trained if record else own,
        "root": record.get("root_weights"),
        **{figure: record.get(figure) for figure in ("flops", "root_flops")},
        "network": net.weights["pathways"],
    }


def compare_workers(round: int) -> Iterator[Record]:
    """A round of the same searches with one worker, two, and two of Ray, in turn; cores should be free."""
    net = sp.Network(image_shape=(3, 32, 32))
    x, y = data.load("mnist")
    examples = net.encode_examples(x[:IMAGES], y[:IMAGES])
    for search, settings in SEARCHES.items():
        for place, where in PLACES.items():
            yield {"search": search, "place": place, **_search(net, examples, {**settings, **where})}


def _search(net: sp.Network, examples: Examples, settings: dict[str, Any]) -> dict[str, Any]:
    """Seconds from the call to the proposal, and from the first child that is handed out to the last generation's end."""
    begun: list[float] = []

    def status(_: SearchStatus) -> None:
        begun.append(time.perf_counter())

    budget = {"generations": GENERATIONS, "cycles": 2, "examples": 1_200}
    method = sp.Munet(SearchObserver(status), schedule="evolve", root="vit", **budget, **settings)
    start = time.perf_counter()
    proposal = propose(net.view, method, "digits", examples)
    return {"whole": time.perf_counter() - start, "training": begun[-1] - begun[0], "path": proposal.pathways[0].components[-1][:12]}
