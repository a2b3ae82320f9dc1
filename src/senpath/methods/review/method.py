"""Review, or backward transfer: an earlier task borrows from a later one (Ling et al., section 3: described, not measured there)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from senpath.components import is_estimator
from senpath.errors import InputError
from senpath.methods.sen.config import SenSettings
from senpath.methods.sen.links import is_source
from senpath.methods.sen.method import Sen, Verdict
from senpath.methods.sen.model import MODELS
from senpath.pathways import Pathway
from senpath.progress import Progress, silent
from senpath.snapshot import Declined, RevisionResult, View
from senpath.types import Examples


class Review:
    """Learns a task again from its examples and lets it borrow from tasks that came later (Ling et al., section 3).

    All other tasks are frozen. Possible sources are later tasks and the present sources; similarity chooses among them, as for a new task.
    Cross-validation on the examples compares this with learning from the present sources, and the change is proposed only if it gains. The
    dispatcher, which knows the same examples already, stays as it is.

    Args:
        settings: settings of the method `sen` that differ from those that the task was learned with, see `SenSettings`.

    Example:
        >>> net = sp.Network()
        >>> learned = net.learn("low", *tiny_task("low"), epochs=1)
        >>> net.revise("low", sp.Review(), *tiny_task("low")).reason
        'no task of its type was learned after it'
    """

    name = "review"
    settings_class = SenSettings
    grows = False

    def __init__(self, **settings: Any) -> None:
        unfit = [name for name in ("may_change", "guard", "model") if name in settings]
        if unfit:
            raise InputError(f"setting {unfit[0]!r}", expected="settings that a review has", got="one that it decides itself")
        SenSettings(**settings)  # refuses what is unknown or out of range
        self._given = settings

    def propose(self, view: View, task: str, examples: Examples | None, progress: Progress = silent) -> RevisionResult | Declined:
        """Learn `task` again from its own examples; nothing is written.

        Raises:
            InputError: if no examples are given.
        """
        pathway = view.pathway(task)
        if examples is None:
            raise InputError(f"review of task {task!r}", expected="the examples that it was learned from, x and y", got="none")
        reason = _why_not(view, pathway, examples)
        if reason:
            return Declined(reason)
        sen = Sen(**_settings_for(pathway, self._given))
        now = _sources(view, pathway)
        among = list(dict.fromkeys([*now, *later_tasks(view, pathway)]))
        measured, plans = sen.plan(view, examples, among)
        progress("similarity", 1, 1)
        tried = {similarity.source: round(float(similarity.best()[0].max()), 4) for similarity in measured}
        if not plans or {plan.source for plan in plans} <= set(now):
            return Declined(_nothing_better(now, tried, sen.settings.threshold), {"sources_tried": tried})
        verdict = sen.compare(view, examples, among, now)
        progress("compare", 1, 1)
        if verdict is None:
            return Declined("there is one example of a class only, so a gain cannot be told", {"sources_tried": tried})
        figures = {"sources_tried": tried, "compared": asdict(verdict)}
        if not verdict.keep:
            return Declined(_compared(verdict, "so it stays as it is"), figures)
        trained = sen.train(view, examples, plans, progress)
        learned = sen.result(measured, plans, trained)
        reviewed = learned.pathway(task, examples)
        sources = ", ".join(map(repr, reviewed.sources)) or repr(trained.copied_from)
        return RevisionResult(reviewed, learned.components, _compared(verdict, f"borrowing from {sources}"), figures, learned, Sen.name)


def later_tasks(view: View, pathway: Pathway) -> list[str]:
    """The tasks of its type that were learned after this one, in their order."""
    names = view.tasks_of_type(pathway.data_type)
    return [name for name in names[names.index(pathway.task) + 1 :] if is_source(view.pathway(name), pathway.task_kind)]


def _why_not(view: View, pathway: Pathway, examples: Examples) -> str:
    """Why a task cannot be reviewed, if it cannot."""
    known, method = pathway.provenance.examples, pathway.provenance.method
    if method not in ("", Sen.name):
        return f"it was learned by the method {method!r}, and a review would learn it again by {Sen.name!r}"
    if len(examples) < known:
        return f"it was learned from {known:,} examples and {len(examples):,} are given, so a review would lose what the others said"
    if any(is_estimator(view.component(name)) for name in pathway.components):
        return "it is a scikit-learn model, which has no hidden layer to start from another task's"
    model = pathway.provenance.settings.get("model", "auto")
    if model not in ("auto", *MODELS):
        return f"it was learned with a module of your own, {model}, and how that began is not kept"
    if pathway.provenance.revisions_by("prune"):
        return "it was pruned, and would be learned again at its full size"
    counts = examples.task_kind.counts(examples.targets, len(examples.classes)).tolist()
    missing = [label for label, count in zip(pathway.classes, counts, strict=True) if not count]
    return f"there are no examples of {missing[0]!r}" if missing else ""


def _settings_for(pathway: Pathway, given: Mapping[str, Any]) -> dict[str, Any]:
    """As the task was learned, but for what is given."""
    kept = pathway.provenance.settings if pathway.provenance.method == Sen.name else {}
    if kept.get("hidden") == 0:  # it was learned along with another task, and had no units of its own
        kept = {name: value for name, value in kept.items() if name != "hidden"}
    return {**kept, "may_change": (), "guard": False, "links": "all", "start": None, **given}


def _sources(view: View, pathway: Pathway) -> list[str]:
    """The tasks that it borrows from, as they are now; one that was changed since, or learned anew under the name, is none of them."""
    links = [link for link in pathway.links if link.source in view.tasks]
    return [link.source for link in links if view.pathway(link.source).components[: len(link.reads)] == link.reads]


def _nothing_better(now: Sequence[str], tried: Mapping[str, float], threshold: float) -> str:
    if not tried:
        return "no task of its type was learned after it"
    best = max(tried, key=lambda name: tried[name])
    if best in now and tried[best] >= threshold:
        return f"no later task suits it better than {best!r}, from which it borrows already"
    return f"no later task is similar enough: the most similar is {best!r} with {tried[best]:.2f}, and {threshold:g} is asked for"


def _compared(verdict: Verdict, so: str) -> str:
    return f"{verdict.with_transfer:.1%} with the transfer and {verdict.alone:.1%} as it was, by cross-validation, {so}"
