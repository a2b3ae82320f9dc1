"""µ2Net: an evolutionary search adds one task at a time to a network of layers (Gesmundo and Dean 2022, arXiv 2205.12755)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from senpath.components import Component, canonical_json
from senpath.errors import InputError
from senpath.methods.munet.checkpoint import SearchCheckpoint
from senpath.methods.munet.config import MunetSettings
from senpath.methods.munet.path import LayerPath
from senpath.methods.munet.record import METHOD
from senpath.methods.munet.report import report_section
from senpath.methods.munet.roots import choose_root
from senpath.methods.munet.schedule import Child, ChildSummary, Outcome, Schedule
from senpath.methods.munet.session import SearchSession
from senpath.methods.munet.train import ChildJob, ChildTrainer, TrainedChild
from senpath.parallel import FailedJob, WorkerPool
from senpath.parallel.ray_backend import Ray
from senpath.progress import Progress, silent
from senpath.snapshot import MethodResult, View
from senpath.types import DataType, Examples


@dataclass(frozen=True)
class SearchStatus:
    """How far a search is.

    Attributes:
        task: whose path is searched for.
        generations: in all.
        history: the generations that are finished.
        children: of the generation that is being trained, with what came of them; None of those that are not trained yet.
        best: the best path so far.
    """

    task: str
    generations: int
    history: Sequence[Sequence[ChildSummary]]
    children: Sequence[tuple[Child, TrainedChild | FailedJob | None]]
    best: LayerPath | None


@dataclass
class SearchObserver:
    """Follows a search; by default it ignores everything.

    Args:
        status: called whenever something is finished.
        warn: called with a sentence where something went wrong and the search goes on.
    """

    status: Callable[[SearchStatus], None] = lambda status: None
    warn: Callable[[str], None] = lambda sentence: None


class Munet:
    """Searches for the path of a new task through layers that are shared, cloned or adapted (Gesmundo and Dean 2022).

    Children of the root, of other tasks' paths and, by evolution, of the task's own best paths are trained, and compared by their quality
    on held-out examples minus a penalty for their size. The best becomes the task's pathway: shared layers are components that the network
    has, trained layers are new ones. Earlier tasks are not changed.

    Args:
        observer: is told how the search proceeds.
        settings: by name, see `MunetSettings`.

    Example:
        >>> munet = sp.Munet(root="mlp", schedule="once", generations=1, children=1, cycles=1, examples=50)
        >>> sp.Network().learn("flowers", *tiny_task("iris"), method=munet).version
        1
    """

    name = METHOD
    settings_class = MunetSettings
    report_section = staticmethod(report_section)

    def __init__(self, observer: SearchObserver | None = None, **settings: Any) -> None:
        if observer is not None and not isinstance(observer, SearchObserver):
            raise InputError("observer", expected="a SearchObserver, or None", got=repr(observer))
        self.settings = MunetSettings(**settings)
        self.observer = observer or SearchObserver()

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process goes what is to be done, not who observes it here."""
        return partial(Munet, **vars(self.settings)), ()

    def check(self, data_type: DataType) -> None:
        """Raise InputError if the root does not read inputs of this type."""
        choose_root(self.settings.root, self.settings.blocks, data_type, 0).shapes(data_type)

    def propose(self, view: View, task: str, examples: Examples, progress: Progress = silent) -> MethodResult:
        """Search for a path for `task`; nothing is written.

        Raises:
            InputError: if the root does not read such inputs.
            SenpathError: if no child could be trained.
        """
        session = SearchSession.of(view, task, examples, self.settings)
        key = hashlib.sha256(canonical_json(session.identity()).encode()).hexdigest()[:32]
        checkpoint = SearchCheckpoint(self.settings.work, key, self.observer.warn)
        done = False
        try:
            known, warnings = checkpoint.load(session.search)
            self._evolve(session, checkpoint, known, warnings, progress)
            result = session.result(known, warnings)
            done = True
        finally:
            checkpoint.close(remove=done)
        return result

    def _evolve(
        self,
        session: SearchSession,
        checkpoint: SearchCheckpoint,
        known: dict[str, Component],
        warnings: list[str],
        progress: Progress,
    ) -> None:
        """Run the generations that are left; `known` gets the components of the paths that are kept, `warnings` what goes wrong."""
        search, settings = session.search, self.settings
        if search.done:
            return

        def warn(sentence: str) -> None:
            warnings.append(f"generation {len(search.history) + 1}: {sentence}")
            self.observer.warn(warnings[-1])

        def show(children: Sequence[tuple[Child, TrainedChild | FailedJob | None]]) -> None:
            self.observer.status(SearchStatus(session.task, search.generations, search.history, children, search.best))

        backend = Ray(settings.ray) if settings.ray is not None else None
        with WorkerPool(partial(ChildTrainer, session.split), settings.jobs, backend=backend, tell=warn, name=_name) as pool:
            while not search.done:
                children = search.ask()
                states: list[tuple[Child, TrainedChild | FailedJob | None]] = [(child, None) for child in children]

                def finished(place: int, result: TrainedChild | FailedJob, states: Any = states) -> None:
                    states[place] = states[place][0], result
                    show(states)
                    done = sum(map(len, search.history)) + sum(result is not None for _, result in states)
                    figures = {"accuracy": result.quality, "loss": result.loss} if isinstance(result, TrainedChild) else {}
                    progress("children", done, max(done, search.planned), **figures)

                show(states)
                results = pool.run([session.job(child, known) for child in children], finished)
                search.tell([_outcome(child, result) for child, result in zip(children, results, strict=True)])
                for result in results:
                    known |= {component.hash: component for component in (result.components if isinstance(result, TrainedChild) else ())}
                _forget(known, search)
                checkpoint.save(search, known, warnings)
                show(())


def _name(place: int, job: ChildJob) -> str:
    return f"child {job.number}"


def _outcome(child: Child, result: TrainedChild | FailedJob) -> Outcome | None:
    if isinstance(result, FailedJob):
        return None
    trained = iter(result.components)
    names = tuple(next(trained).hash if layer.trained else layer.component or "" for layer in child.path.layers)
    return Outcome(result.quality, result.flops, names)


def _forget(known: dict[str, Component], search: Schedule) -> None:
    """Let go of components that no path of the population has."""
    used = {layer.component for path in search.population for layer in path.layers}
    for name in [name for name in known if name not in used]:
        del known[name]
