"""What is measured: every ordered pair of tasks, the guard's verdict on it, and each task after the nine others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import torch

import senpath as sp
from benchmarks.scale.records import keep, kept
from benchmarks.transfer.measures import LEAST, measure
from benchmarks.transfer.sources import Sources
from benchmarks.transfer.tasks import TASKS, Target, target
from senpath.methods.guard import judge
from senpath.methods.sen import fingerprint
from senpath.methods.similarity import similarities
from senpath.network import Proposal, View, try_out
from senpath.seeds import derive
from senpath.types import Examples

Accuracies = dict[str, float]
Learned = Callable[[torch.Tensor], torch.Tensor]


class Study:
    """All measurements of one seed; what is kept already is left out.

    Args:
        folder: of the records and of the sources.
        seed: decides everything that is drawn.
        names: the tasks.
    """

    def __init__(self, folder: Path, seed: int, names: tuple[str, ...] = TASKS) -> None:
        self._folder, self._seed, self._names = folder, seed, names
        self._sources = Sources(folder / "sources", seed)
        self._singles: dict[tuple[str, int], Accuracies] = {}

    def pairs(self, shots: int) -> None:
        """Single and forced transfer for every ordered pair, and every measure."""
        for name, missing in self._missing("pairs", shots):
            task = target(name, shots, self._seed)
            single = self._single(task, shots)
            for source in missing:
                view, start = self._sources.view(source), perf_counter()
                forced = _accuracies(view, self._forced(view, task.sample), task)
                measures = measure(view, source, task.sample, self._seed)
                took = round(perf_counter() - start, 2)
                self._keep("pairs", shots, source, name, single=single, forced=forced, measures=measures, seconds=took)

    def verdicts(self, shots: int) -> None:
        """What the guard would say of every forced transfer."""
        for name, missing in self._missing("verdicts", shots):
            task, alone = target(name, shots, self._seed), dict[str, Learned]()
            for source in missing:
                start = perf_counter()
                verdict = judge(task.sample, self._learner(self._sources.view(source), alone), derive(self._seed, "guard"))
                assert verdict is not None
                figures = {"forced": verdict.with_transfer, "alone": verdict.alone, "seconds": round(perf_counter() - start, 2)}
                self._keep("verdicts", shots, source, name, **figures)

    def sequence(self, shots: tuple[int, ...]) -> None:
        """Each task learned by the default after the nine others, and alone."""
        for name in self._names:
            done = {record["shots"] for record in self._kept("sequence") if record["target"] == name}
            missing = [few for few in shots if few not in done]
            net = self._sources.network(other for other in self._names if other != name) if missing else None
            for few in missing:
                assert net is not None
                task = target(name, few, self._seed)
                proposal = sp.Sen(random_state=self._seed).propose(net.view, name, task.sample)
                figures = {"single": self._single(task, few), "default": _accuracies(net.view, proposal, task)}
                linked = sorted({link.source for link in proposal.pathways[0].links})
                tried = list(proposal.pathways[0].notes["tried_sources"])
                self._keep("sequence", few, linked[0] if linked else None, name, tried=tried, **figures)

    def _single(self, task: Target, shots: int) -> Accuracies:
        if (task.name, shots) not in self._singles:
            known = [record["single"] for record in self._kept("pairs") if (record["target"], record["shots"]) == (task.name, shots)]
            self._singles[task.name, shots] = known[0] if known else self._learn_single(task)
        return self._singles[task.name, shots]

    def _learn_single(self, task: Target) -> Accuracies:
        view = self._sources.view(next(name for name in self._names if name != task.name))  # any: nothing of it is used
        return _accuracies(view, self._alone(view, task.sample), task)

    def _alone(self, view: View, examples: Examples) -> Proposal:
        return sp.Sen(links="none", start="random", random_state=self._seed).propose(view, "new", examples)

    def _forced(self, view: View, examples: Examples) -> Proposal:
        """The default, but that the most similar class always counts as similar."""
        (found,) = similarities(view, examples, derive(self._seed, "similarity"))
        threshold = min(LEAST, float(found.best()[0].max()))
        proposal = sp.Sen(threshold=threshold, random_state=self._seed).propose(view, "new", examples)
        assert proposal.pathways[0].links
        return proposal

    def _learner(self, view: View, alone: dict[str, Learned]) -> Callable[[Examples, bool], Learned]:
        """Learns a fold; what is learned alone is the same beside every source, so it is learned once."""

        def learn(part: Examples, transfer: bool) -> Learned:
            if transfer:
                return _answers(view, self._forced(view, part))
            key = fingerprint(part)
            if key not in alone:
                alone[key] = _answers(view, self._alone(view, part))
            return alone[key]

        return learn

    def _missing(self, kind: str, shots: int) -> Iterator[tuple[str, list[str]]]:
        """For each target the sources that have no record yet; targets with none missing are left out."""
        done = {(record["source"], record["target"]) for record in self._kept(kind) if record["shots"] == shots}
        for name in self._names:
            missing = [source for source in self._names if source != name and (source, name) not in done]
            if missing:
                yield name, missing

    def _kept(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in kept(self._folder / f"{kind}.jsonl") if record["seed"] == self._seed]

    def _keep(self, kind: str, shots: int, source: str | None, name: str, **figures: Any) -> None:
        keep(self._folder / f"{kind}.jsonl", seed=self._seed, shots=shots, source=source, target=name, **figures)


def _answers(view: View, proposal: Proposal) -> Learned:
    return lambda inputs: try_out(view, proposal, inputs)


def _accuracies(view: View, proposal: Proposal, task: Target) -> Accuracies:
    parts = {"validation": task.validation, "test": task.test}
    return {name: _accuracy(try_out(view, proposal, part.inputs), part) for name, part in parts.items()}


def _accuracy(logits: torch.Tensor, examples: Examples) -> float:
    return round(100 * float((logits.argmax(1) == examples.targets).double().mean()), 3)
