"""What is measured: every ordered pair of tasks, the guard's verdict on it, and each task after the nine others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

import senpath as sp
from benchmarks.scale.records import keep, kept
from benchmarks.transfer.measures import LEAST, measure
from benchmarks.transfer.sources import Sources
from benchmarks.transfer.tasks import TASKS, Target, of_few_classes, target
from senpath.learning import propose
from senpath.methods.sen.links import similarities
from senpath.methods.sen.method import judge
from senpath.seeds import derive
from senpath.snapshot import Proposal, View, try_out
from senpath.types import Examples

FEW = 3
"""Classes of the targets that try out a rule on what it was not chosen for."""
DEFAULT_MIN_SEPARABILITY = 0.2
"""Part of the classes told apart below which the guard is asked."""
Accuracies = dict[str, float]
Learned = Callable[[torch.Tensor], torch.Tensor]


class Study:
    """All measurements of one seed; what is kept already is left out.

    Args:
        folder: of the records and of the sources.
        seed: decides everything that is drawn.
        targets: the tasks that are learned from few examples; all ten are sources.
    """

    def __init__(self, folder: Path, seed: int, targets: Sequence[str] = TASKS) -> None:
        self._folder, self._seed, self._targets = folder, seed, targets
        self._sources = Sources(folder / "sources", seed)
        self._singles: dict[tuple[str, int], Accuracies] = {}

    def pairs(self, shots: int) -> None:
        """Single, and forced transfer as the default does it: links for all classes and a copied hidden layer."""
        for task, source in self._missing("pairs", shots):
            view = self._sources.view(source)
            forced = _accuracies(view, self._forced(view, task.sample), task)
            self._keep("pairs", shots, source, task.name, single=self._single(task, shots), forced=forced)

    def links(self, shots: int) -> None:
        """Forced transfer by links alone: the own hidden layer starts at random."""
        for task, source in self._missing("links", shots):
            view = self._sources.view(source)
            forced = _accuracies(view, self._forced(view, task.sample, start="random"), task)
            self._keep("links", shots, source, task.name, forced=forced)

    def measures(self, shots: int) -> None:
        """Every measure of relatedness."""
        for task, source in self._missing("measures", shots):
            found = measure(self._sources.view(source), source, task.sample, self._seed)
            self._keep("measures", shots, source, task.name, measures=found)

    def few(self, shots: int) -> None:
        """As `pairs` and `measures`, for targets of FEW of their classes."""
        single: dict[str, Accuracies] = {}
        for whole, source in self._missing("few", shots):
            task, view = of_few_classes(whole, FEW, self._seed), self._sources.view(source)
            if task.name not in single:
                single[task.name] = self._learn_single(task)
            forced = _accuracies(view, self._forced(view, task.sample), task)
            measures = measure(view, source, task.sample, self._seed)
            self._keep("few", shots, source, task.name, single=single[task.name], forced=forced, measures=measures)

    def verdicts(self, shots: int) -> None:
        """What the guard says of the source that the default chose after nine tasks, where that tells few classes apart."""
        told = {_pair(record): record["measures"]["separability"] for record in self._kept("measures") if record["shots"] == shots}
        done = {_pair(record) for record in self._kept("verdicts") if record["shots"] == shots}
        for record in self._kept("sequence"):
            source, name = pair = _pair(record)
            if record["shots"] != shots or source is None or pair in done or told[pair] >= DEFAULT_MIN_SEPARABILITY:
                continue
            task, view = target(name, shots, self._seed), self._sources.view(source)
            verdict = judge(task.sample, self._learner(view), derive(self._seed, "guard"))
            assert verdict is not None
            self._keep("verdicts", shots, source, name, forced=verdict.with_transfer, alone=verdict.alone)

    def sequence(self, shots: int) -> None:
        """Each task learned by the default after the nine others, and alone."""
        done = {record["target"] for record in self._kept("sequence") if record["shots"] == shots}
        for name in self._targets:
            if name in done:
                continue
            net = self._sources.network(other for other in TASKS if other != name)
            task = target(name, shots, self._seed)
            proposal = propose(net.view, sp.Sen(min_separability=0.0, random_state=self._seed), name, task.sample)
            figures = {"single": self._single(task, shots), "default": _accuracies(net.view, proposal, task)}
            linked = sorted({link.source for link in proposal.pathways[0].links})
            tried = list(proposal.pathways[0].provenance.sources_tried)
            self._keep("sequence", shots, linked[0] if linked else None, name, tried=tried, **figures)

    def _single(self, task: Target, shots: int) -> Accuracies:
        if (task.name, shots) not in self._singles:
            records = [*self._kept("pairs"), *self._kept("sequence")]
            known = [record["single"] for record in records if (record["target"], record["shots"]) == (task.name, shots)]
            self._singles[task.name, shots] = known[0] if known else self._learn_single(task)
        return self._singles[task.name, shots]

    def _learn_single(self, task: Target) -> Accuracies:
        view = self._sources.view(next(name for name in TASKS if name != task.name))  # any: nothing of it is used
        return _accuracies(view, self._alone(view, task.sample), task)

    def _alone(self, view: View, examples: Examples) -> Proposal:
        return propose(view, sp.Sen(links="none", start="random", random_state=self._seed), "new", examples)

    def _forced(self, view: View, examples: Examples, **settings: Any) -> Proposal:
        """The default, but that the most similar class always counts as similar."""
        (found,) = similarities(view, examples, derive(self._seed, "similarity"))
        threshold = min(LEAST, float(found.best()[0].max()))
        proposal = propose(view, sp.Sen(threshold=threshold, min_separability=0.0, random_state=self._seed, **settings), "new", examples)
        assert proposal.pathways[0].links
        return proposal

    def _learner(self, view: View) -> Callable[[Examples, bool], Learned]:
        def learn(part: Examples, transfer: bool) -> Learned:
            return _answers(view, self._forced(view, part) if transfer else self._alone(view, part))

        return learn

    def _missing(self, kind: str, shots: int) -> Iterator[tuple[Target, str]]:
        """Targets with the sources that there is no record of yet."""
        done = {(record["source"], record["target"]) for record in self._kept(kind) if record["shots"] == shots}
        for name in self._targets:
            missing = [source for source in TASKS if source != name and (source, name) not in done]
            task = target(name, shots, self._seed) if missing else None
            for source in missing:
                assert task is not None
                yield task, source

    def _kept(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in kept(self._folder / f"{kind}.jsonl") if record["seed"] == self._seed]

    def _keep(self, kind: str, shots: int, source: str | None, name: str, **figures: Any) -> None:
        keep(self._folder / f"{kind}.jsonl", seed=self._seed, shots=shots, source=source, target=name, **figures)


def _pair(record: dict[str, Any]) -> tuple[str | None, str]:
    return record["source"], record["target"]


def _answers(view: View, proposal: Proposal) -> Learned:
    return lambda inputs: try_out(view, proposal, inputs)


def _accuracies(view: View, proposal: Proposal, task: Target) -> Accuracies:
    parts = {"validation": task.validation, "test": task.test}
    return {name: _accuracy(try_out(view, proposal, part.inputs), part) for name, part in parts.items()}


def _accuracy(logits: torch.Tensor, examples: Examples) -> float:
    return round(100 * float((logits.argmax(1) == examples.targets).double().mean()), 3)
