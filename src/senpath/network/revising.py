"""Changing tasks that the network has."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, overload

from senpath.errors import InputError
from senpath.network.inputs import read_more
from senpath.network.opened import OpenNetwork
from senpath.network.proposal import Proposal, Revised, Revision
from senpath.network.routed import Routed, extend_routed
from senpath.pathways import Pathway
from senpath.progress import Progress, silent


class RevisingNetwork(OpenNetwork):
    """The part of `Network` that changes tasks it has."""

    revisions: ClassVar[Mapping[str, Callable[..., Revision]]] = {}
    """Revisions by name; the package root fills it in."""

    def revise(self, task: str, revision: Revision, x: Any = None, y: Any = None, progress: Progress = silent) -> Revised:
        """Change a task by a revision, of which `review`, `prune` and `extend` are those that senpath has.

        Every other task stays as it is, also where it reads this one's components: it goes on with those that it has.

        Args:
            x, y: examples of the task, as for `learn`, if the revision asks for them.

        Raises:
            UnknownTaskError: if there is no such task.
            InputError: if the data cannot be used.
            ConflictError: if another writer changed the task meanwhile.
        """
        start = time.perf_counter()
        self.refresh()
        view = self._view
        pathway = view.pathway(task)
        examples = None if x is None and y is None else read_more(view, pathway, x, y, new_classes=revision.grows)
        try:
            found = revision.propose(view, task, examples, progress)
            if isinstance(found, Proposal):
                found = _of_same_concept(found, pathway)
                self.commit(found)
        except KeyboardInterrupt:
            self.refresh()
            raise KeyboardInterrupt(f"interrupted; the network is at version {self.version}") from None
        changed = isinstance(found, Proposal)
        reason, notes = (str(found.entry.get("reason", "")), found.entry) if isinstance(found, Proposal) else (found.reason, found.notes)
        return Revised(task, changed, reason, self.version, time.perf_counter() - start, notes)

    def review(self, task: str, x: Any, y: Any = None, *, progress: Progress = silent, **settings: Any) -> Revised:
        """Let a task borrow from tasks that were learned after it (backward transfer), if it gains by that.

        Needs the examples that the task was learned from. Cross-validation decides; where it finds no gain nothing changes.

        Args:
            x, y: the task's examples, as for `learn`.
            settings: see `senpath.methods.Review`.

        Raises:
            UnknownTaskError, InputError, ConflictError: as for `revise`.
        """
        return self.revise(task, self.revisions["review"](**settings), x, y, progress)

    def prune(self, task: str, keep: float, x: Any = None, y: Any = None, *, progress: Progress = silent, **settings: Any) -> Revised:
        """Make a task's pathway smaller: leave out its smallest weights, or whole hidden units with `what="units"`.

        With examples what is left is trained on, and nothing changes if that loses too much; without, nothing is measured. Tasks that
        borrow from this one go on with the layers that they have.

        Args:
            keep: the share that stays, above 0 and below 1.
            x, y: examples of the task, as for `learn`.
            settings: see `senpath.PruneSettings`.

        Raises:
            UnknownTaskError, InputError, ConflictError: as for `revise`.
        """
        return self.revise(task, self.revisions["prune"](keep=keep, **settings), x, y, progress)

    @overload
    def extend(self, task: str, x: Any, y: Any = None, *, progress: Progress = silent, **settings: Any) -> Revised: ...

    @overload
    def extend(self, task: Any, x: Any = None, *, progress: Progress = silent, **settings: Any) -> Routed: ...

    def extend(self, task: Any, x: Any = None, y: Any = None, *, progress: Progress = silent, **settings: Any) -> Revised | Routed:
        """Add examples to a task, also of classes that are new to it: `extend(task, x, y)`; or a mixed stream: `extend(x, y)`.

        What the task has stays as it is, to the bit, unless `may_move=True`: its body and the rows of its old classes. Every other
        task stays in any case. So of a regression only the dispatcher learns unless it may move: its pathway stays as it was. For a
        multilabel task an old label that an example does not have counts as one that does not hold, and where it may move it is trained so:
        give the old labels too.

        A stream does not say which tasks its examples are of, and may mix data types. Each goes to the likeliest of its candidates, at
        most two, as in `predict`, that has its label. What is strange to the network, of a data type that it does not know, or with a
        label that no candidate has, goes nowhere, and neither does what is no single label: tasks of several labels and of numbers are
        extended by name. Tasks are extended one by one.

        Args:
            task: a name; or the stream's inputs, or its labelled data. A string without labels that is no task's name is a path, if
                there is something there.
            x, y: as for `learn`; without a task's name, `x` is the stream's labels, which may mix numbers and strings (in a list).
            settings: see `senpath.ExtendSettings`.

        Raises:
            UnknownTaskError, InputError, ConflictError: as for `revise`.
            SenpathError: in a stream, for whatever fails while tasks are extended; the message says which were before.
        """
        revision = self.revisions["extend"](**settings)
        self.refresh()  # another writer may have learned the task meanwhile
        if isinstance(task, str) and (x is not None or y is not None or task in self._view.tasks or not os.path.exists(task)):
            return self.revise(task, revision, x, y, progress)
        if y is not None:
            raise InputError("task to extend", expected="a name, or no task, but a stream of inputs and labels", got=type(task).__name__)
        return extend_routed(self._view, task, x, lambda name, examples: self.revise(name, revision, examples, progress=progress))


def _of_same_concept(proposal: Proposal, before: Pathway) -> Proposal:
    """A task stays of its concept, and trusted as far as it was, whatever is made anew of it."""
    pathways = (
        replace(path, concept=before.concept, temperature=before.temperature) if path.task == before.task else path
        for path in proposal.pathways
    )
    return replace(proposal, pathways=tuple(pathways))
