"""What is measured: every ordered pair of tasks, the guard's verdict on it, and each task after the nine others."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import torch

import senpath as sp
from benchmarks.harness import Record, Records, read_part
from benchmarks.transfer.measures import LEAST, relatedness
from benchmarks.transfer.tasks import TASKS, Sources, Target, of_few_classes, target
from senpath.learning import propose
from senpath.methods.sen.links import similarities
from senpath.methods.sen.method import judge
from senpath.seeds import derive
from senpath.snapshot import Proposal, View, try_out
from senpath.types import Examples

FEW = 3
"""Classes of the targets that try out a rule on what it was not chosen for."""
DEFAULT_MIN_SEPARABILITY = 0.2
"""The separability below which the guard is asked."""
KINDS = ("pairs", "links", "measures", "few", "sequence", "verdicts")
Accuracies = dict[str, float]
Figures = Iterator[tuple[str | None, Record]]
Learned = Callable[[torch.Tensor], torch.Tensor]


def measure(kind: str, seed: int, shots: int, target: str, folder: Path) -> Iterator[Record]:
    """One kind of measurement of one target, which is learned from few examples; all other tasks are its sources."""
    for source, figures in getattr(Study(folder, seed), kind)(target, shots):
        yield {"source": source, **figures}


@cache  # one study a seed, which keeps what it has learned
class Study:
    """All measurements of one seed, which decides everything that is drawn. Each gives the source, or None, and figures."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder, self._seed = folder, seed
        self._sources = Sources(folder / "sources", seed)
        self._singles: dict[tuple[str, int], Accuracies] = {}

    def pairs(self, name: str, shots: int) -> Figures:
        """Single, and forced transfer as the default does it: links for all classes and a copied hidden layer."""
        task = target(name, shots, self._seed)
        for source, view in self._views(name):
            forced = _accuracies(view, self._forced(view, task.sample), task)
            yield source, {"single": self._single(task, shots), "forced": forced}

    def links(self, name: str, shots: int) -> Figures:
        """Forced transfer by links alone: the own hidden layer starts at random."""
        task = target(name, shots, self._seed)
        for source, view in self._views(name):
            yield source, {"forced": _accuracies(view, self._forced(view, task.sample, start="random"), task)}

    def measures(self, name: str, shots: int) -> Figures:
        """Every measure of relatedness."""
        task = target(name, shots, self._seed)
        for source, view in self._views(name):
            yield source, {"measures": relatedness(view, source, task.sample, self._seed)}

    def few(self, name: str, shots: int) -> Figures:
        """As `pairs` and `measures`, for targets of FEW of their classes."""
        task = of_few_classes(target(name, shots, self._seed), FEW, self._seed)
        single = self._learn_single(task)
        for source, view in self._views(name):
            forced = _accuracies(view, self._forced(view, task.sample), task)
            yield source, {"single": single, "forced": forced, "measures": relatedness(view, source, task.sample, self._seed)}

    def verdicts(self, name: str, shots: int) -> Figures:
        """What the guard says of the source that the default chose after nine tasks, where that tells few classes apart."""
        told = {one["source"]: one["measures"]["separability"] for one in self._kept("measures", name, shots)}
        for source in [one["source"] for one in self._kept("sequence", name, shots)]:
            if source is None or told[source] >= DEFAULT_MIN_SEPARABILITY:
                continue
            verdict = judge(target(name, shots, self._seed).sample, self._learner(self._sources.view(source)), derive(self._seed, "guard"))
            if verdict is None:
                raise ValueError(f"{name}: too few examples for the guard")
            yield source, {"forced": verdict.with_transfer, "alone": verdict.alone}

    def sequence(self, name: str, shots: int) -> Figures:
        """The task learned by the default after the nine others, and alone."""
        net = self._sources.network(other for other in TASKS if other != name)
        task = target(name, shots, self._seed)
        proposal = propose(net.view, sp.Sen(min_separability=0.0, random_state=self._seed), name, task.sample)
        figures = {"single": self._single(task, shots), "default": _accuracies(net.view, proposal, task)}
        linked = sorted({link.source for link in proposal.pathways[0].links})
        tried = list(proposal.pathways[0].provenance.sources_tried)
        yield linked[0] if linked else None, {"tried": tried, **figures}

    def _views(self, name: str) -> Iterator[tuple[str, View]]:
        """The sources of a target."""
        return ((source, self._sources.view(source)) for source in TASKS if source != name)

    def _single(self, task: Target, shots: int) -> Accuracies:
        if (task.name, shots) not in self._singles:
            records = [*self._kept("pairs", task.name, shots), *self._kept("sequence", task.name, shots)]
            self._singles[task.name, shots] = records[0]["single"] if records else self._learn_single(task)
        return self._singles[task.name, shots]

    def _learn_single(self, task: Target) -> Accuracies:
        view = self._sources.view(next(name for name in TASKS if name != task.name))  # any: nothing of it is used
        return _accuracies(view, self._alone(view, task.sample), task)

    def _alone(self, view: View, examples: Examples) -> Proposal:
        return propose(view, sp.Sen(links="none", start="random", random_state=self._seed), "new", examples)

    def _forced(self, view: View, examples: Examples, **settings: Any) -> Proposal:
        """The default, but that the most similar class always counts as similar."""
        (similarity,) = similarities(view, examples, derive(self._seed, "similarity"))
        threshold = min(LEAST, float(similarity.best()[0].max()))
        proposal = propose(view, sp.Sen(threshold=threshold, min_separability=0.0, random_state=self._seed, **settings), "new", examples)
        assert proposal.pathways[0].links
        return proposal

    def _learner(self, view: View) -> Callable[[Examples, bool], Learned]:
        def learn(part: Examples, transfer: bool) -> Learned:
            proposal = self._forced(view, part) if transfer else self._alone(view, part)
            return lambda inputs: try_out(view, proposal, inputs)

        return learn

    def _kept(self, kind: str, name: str, shots: int) -> Records:
        return read_part(self._folder / kind, [{"seed": self._seed, "shots": shots, "target": name}])


def _accuracies(view: View, proposal: Proposal, task: Target) -> Accuracies:
    parts = {"validation": task.validation, "test": task.test}
    return {name: _accuracy(try_out(view, proposal, part.inputs), part) for name, part in parts.items()}


def _accuracy(logits: torch.Tensor, examples: Examples) -> float:
    return round(100 * float((logits.argmax(1) == examples.targets).double().mean()), 3)
