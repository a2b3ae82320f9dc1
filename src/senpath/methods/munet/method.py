"""µ2Net: an evolutionary search adds one task at a time to a network of layers (Gesmundo and Dean 2022, arXiv 2205.12755)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from senpath.components import Component, canonical_json
from senpath.errors import InputError
from senpath.methods.munet.child import Grown, Teacher, Work
from senpath.methods.munet.config import MunetSettings
from senpath.methods.munet.keep import Keep
from senpath.methods.munet.path import Path
from senpath.methods.munet.quest import NAME, Quest
from senpath.methods.munet.roots import choose_root
from senpath.methods.munet.search import Child, Outcome, Search, Tried
from senpath.parallel import FailedJob, WorkerPool
from senpath.parallel.ray_backend import Ray
from senpath.progress import Progress, silent
from senpath.snapshot import MethodResult, View
from senpath.types import DataType, Examples


@dataclass(frozen=True)
class Status:
    """How far a search is, for whoever watches.

    Attributes:
        task: that is searched for.
        generations: in all.
        history: the generations that are finished.
        children: of the one that is being trained, with what came of those that are; None of those that are not.
        best: the best path so far.
    """

    task: str
    generations: int
    history: Sequence[Sequence[Tried]]
    children: Sequence[tuple[Child, Grown | FailedJob | None]]
    best: Path | None


@dataclass
class Watch:
    """Who is told how a search goes; nobody, to begin with.

    Args:
        status: called whenever something is finished.
        tell: called with a sentence where something went wrong and the search goes on.
    """

    status: Callable[[Status], None] = lambda status: None
    tell: Callable[[str], None] = lambda sentence: None


class Munet:
    """A search for the path of one new task.

    Children of the root, of other tasks' paths and of the task's own best ones are trained, and compared by their quality on examples that
    are held out, less what their size costs. The best child becomes the task's pathway: the layers that it shares are components that the
    network has; those that it trained are new. Nothing that exists is changed.

    Args:
        watch: who is told how it goes.
        settings: by name, see `MunetSettings`.
    """

    name = NAME
    settings_class = MunetSettings

    def __init__(self, watch: Watch | None = None, **settings: Any) -> None:
        if watch is not None and not isinstance(watch, Watch):
            raise InputError("watch", expected="a Watch, or None", got=repr(watch))
        self.settings = MunetSettings(**settings)
        self.watch = watch or Watch()

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process goes what is to be done, not who watches here."""
        return partial(Munet, **vars(self.settings)), ()

    def check(self, data_type: DataType) -> None:
        """Refuse a root that does not read inputs of this type.

        Raises:
            InputError: if it does not.
        """
        choose_root(self.settings.root, self.settings.blocks, data_type, 0).shapes(data_type)

    def propose(self, view: View, task: str, examples: Examples, progress: Progress = silent) -> MethodResult:
        """Search for a path for `task`; nothing of the network is written.

        Raises:
            InputError: if the root does not read such inputs.
            SenpathError: if no child could be trained.
        """
        quest = Quest.of(view, task, examples, self.settings)
        key = hashlib.sha256(canonical_json(quest.identity()).encode()).hexdigest()[:32]
        keep = Keep(self.settings.work, key, self.watch.tell)
        done = False
        try:
            found, troubles = keep.load(quest.search)
            self._evolve(quest, keep, found, troubles, progress)
            result = quest.result(found, troubles)
            done = True
        finally:
            keep.close(remove=done)
        return result

    def _evolve(self, quest: Quest, keep: Keep, found: dict[str, Component], troubles: list[str], progress: Progress) -> None:
        """Run the generations that are left; `found` gets the components of the paths that are kept, `troubles` what goes wrong."""
        search, settings = quest.search, self.settings
        if search.done:
            return

        def tell(sentence: str) -> None:
            troubles.append(f"generation {len(search.history) + 1}: {sentence}")
            self.watch.tell(troubles[-1])

        backend = Ray(settings.ray) if settings.ray is not None else None
        with WorkerPool(partial(Teacher, quest.lesson), settings.jobs, backend=backend, tell=tell, name=_name) as workers:
            while not search.done:
                children = search.ask()
                states: list[tuple[Child, Grown | FailedJob | None]] = [(child, None) for child in children]

                def finished(place: int, result: Grown | FailedJob, states: Any = states) -> None:
                    states[place] = states[place][0], result
                    self.watch.status(Status(quest.task, search.budget.generations, search.history, states, search.best))
                    done = search.budget.children * len(search.history) + sum(result is not None for _, result in states)
                    progress("children", done, search.budget.children * search.budget.generations)

                self.watch.status(Status(quest.task, search.budget.generations, search.history, states, search.best))
                grown = workers.run([quest.work(child, found) for child in children], finished)
                search.tell([_outcome(child, result) for child, result in zip(children, grown, strict=True)])
                for result in grown:
                    found |= {component.hash: component for component in (result.components if isinstance(result, Grown) else ())}
                _forget(found, search)
                keep.save(search, found, troubles)
                self.watch.status(Status(quest.task, search.budget.generations, search.history, (), search.best))


def _name(place: int, work: Work) -> str:
    return f"child {work.number}"


def _outcome(child: Child, result: Grown | FailedJob) -> Outcome | None:
    if isinstance(result, FailedJob):
        return None
    trained = iter(result.components)
    names = tuple(next(trained).hash if part.trained else part.component or "" for part in child.path.parts)
    return Outcome(result.quality, result.flops, names)


def _forget(found: dict[str, Component], search: Search) -> None:
    """Let go of components that no path of the population has."""
    used = {part.component for path in search.population for part in path.parts}
    for name in [name for name in found if name not in used]:
        del found[name]
