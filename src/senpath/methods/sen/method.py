"""SEN: a new pathway per task, links from one earlier task (Ling, Wang and Wang, "Sparse and Expandable Network for Google's Pathways")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from senpath.errors import InputError
from senpath.learning import new_statistics
from senpath.methods.sen.config import SenSettings
from senpath.methods.sen.forgetting import learn_sharing
from senpath.methods.sen.guard import Answer, Verdict, judge
from senpath.methods.sen.learner import Trained, train
from senpath.methods.sen.models import choose_body
from senpath.methods.sen.plan import LinkPlan, plan_links, told_apart
from senpath.methods.sen.similarity import Similarity, similarities
from senpath.pathways import Pathway
from senpath.progress import Progress, silent
from senpath.seeds import derive
from senpath.snapshot import Proposal, View, try_out
from senpath.snapshot.provenance import fewest, fingerprint
from senpath.types import DataType, Examples

ENOUGH = 10
"""Examples of each class from which on cross-validation is believed where a source is doubtful (docs/results/transfer.md)."""

DOUBTFUL, APART = 0.2, {"vector": 0.3, "tokens": 0.3}
"""What a source has to tell apart where no setting says it, and where inputs are of another form."""


class Sen:
    """Algorithm 1 of the paper.

    Initialise a new pathway; let the dispatcher learn the new examples; link classes to similar classes of an earlier task; freeze
    everything that exists; train the pathway and its links on the new examples alone.

    Args:
        settings: by name, see `SenSettings`.
    """

    name = "sen"

    def __init__(self, **settings: Any) -> None:
        self.settings = SenSettings.of(**settings)

    def check(self, data_type: DataType) -> None:
        """Refuse settings by which no input of this type can be learned.

        Raises:
            InputError: if the model does not read such inputs, or earlier tasks may be changed.
        """
        if self.settings.may_change:
            raise InputError("may_change", expected="one task to be learned", got="several at once", do="Learn it by itself")
        if not _is_estimator(self.settings.model):
            choose_body(self.settings.model, data_type, self.settings.hidden)

    def propose(self, view: View, task: str, examples: Examples, progress: Progress = silent) -> Proposal:
        """Learn `task` from `examples` on top of what `view` shows; nothing is written."""
        if self.settings.may_change:
            return self._propose_sharing(view, task, examples, progress)
        measured, plans = self.plan(view, examples)
        progress("similarity", 1, 1)
        notes: dict[str, Any] = {}
        if plans and self.settings.epochs != 0:
            keep, notes = self._judge(view, examples, measured, plans)
            plans = plans if keep else []
        trained = self.train(view, examples, plans, progress)
        pathway = make_pathway(task, examples, plans, trained, {**self.notes(examples, measured, plans, trained), **notes})
        statistics, types = new_statistics(view, examples, progress)
        return Proposal(
            version=view.version,
            pathways=(pathway,),
            components=(*trained.own, *trained.links),
            statistics={task: statistics},
            types=types,
            entry={"method": self.name, **pathway.notes},
        )

    def _judge(
        self, view: View, examples: Examples, measured: Sequence[Similarity], plans: Sequence[LinkPlan]
    ) -> tuple[bool, dict[str, Any]]:
        """Whether to borrow as planned, and what to note down about it."""
        apart = 1.0  # what has no classes was measured on examples left out already
        notes: dict[str, Any] = {}
        if examples.kind == "classification":
            sources = {plan.source for plan in plans}
            apart = max(told_apart(found) for found in measured if found.source in sources)
            notes["told_apart"] = round(apart, 4)
        least = self.settings.apart if self.settings.apart is not None else APART.get(examples.data_type.form, DOUBTFUL)
        doubtful = apart < least
        if doubtful and not self.settings.guard and fewest(examples) < ENOUGH:
            return False, notes
        verdict = self.compare(view, examples) if doubtful or self.settings.guard else None
        if verdict is None:
            return not doubtful, notes
        return verdict.keep, {**notes, "guard": {**asdict(verdict), "kept": verdict.keep}}

    def _propose_sharing(self, view: View, task: str, examples: Examples, progress: Progress) -> Proposal:
        """Learn `task` together with the hidden layers of the tasks that may change."""
        shared = learn_sharing(view, task, examples, self.settings, progress)
        trained = shared.trained
        pathway = make_pathway(task, examples, shared.plans, trained, self.notes(examples, shared.measured, shared.plans, trained))
        statistics, types = new_statistics(view, examples, progress)
        return Proposal(
            version=view.version,
            pathways=(pathway, *shared.pathways),
            components=(*trained.own, *trained.links, *shared.bodies),
            statistics={task: statistics},
            types=types,
            replaces=frozenset(self.settings.may_change),
            entry={"method": self.name, **pathway.notes},
        )

    def plan(self, view: View, examples: Examples, among: Sequence[str] | None = None) -> tuple[list[Similarity], list[LinkPlan]]:
        """How similar other tasks are, and the links to make.

        Args:
            among: the tasks that may be sources; None asks the dispatcher which are relevant.
        """
        # A scikit-learn model of several labels or of numbers learns alone.
        if not self.settings.borrows or (_is_estimator(self.settings.model) and examples.kind != "classification"):
            return [], []
        measured = similarities(view, examples, derive(self.settings.random_state, "similarity"), among)
        return measured, plan_links(view, examples, measured, self.settings)

    def train(self, view: View, examples: Examples, plans: Sequence[LinkPlan], progress: Progress) -> Trained:
        """The task's new bricks."""
        if not _is_estimator(self.settings.model):
            return train(view, examples, plans, self.settings, progress)
        from senpath.methods.sen.estimators import train_estimator

        return train_estimator(view, examples, plans, self.settings, progress)

    def compare(self, view: View, examples: Examples, among: Sequence[str] | None = None, without: Sequence[str] = ()) -> Verdict | None:
        """How well the examples are learned, by cross-validation, with these sources (see `plan`) and with those in `without`."""

        def learn(part: Examples, transfer: bool) -> Answer:
            plans = self.plan(view, part, among if transfer else without)[1] if transfer or without else []
            trained = self.train(view, part, plans, silent)
            pathway = make_pathway("", part, plans, trained, {})
            proposal = Proposal(view.version, (pathway,), (*trained.own, *trained.links), {})
            return lambda inputs: try_out(view, proposal, inputs)

        # A scikit-learn model's links are trained on out-of-fold answers, within what one fold leaves.
        least = 3 if _is_estimator(self.settings.model) else 2
        return judge(examples, learn, derive(self.settings.random_state, "guard"), least=least)

    def notes(self, examples: Examples, measured: Sequence[Similarity], plans: Sequence[LinkPlan], trained: Trained) -> dict[str, Any]:
        """What is kept of how a task was learned."""
        settings = asdict(replace(self.settings, model=_model_name(self.settings.model)))
        settings["may_change"] = list(self.settings.may_change)
        notes: dict[str, Any] = {
            "method": self.name,
            "examples": len(examples),
            "fewest_per_class": fewest(examples),
            "data": fingerprint(examples),
            "settings": settings,
            "training": trained.figures,
            "tried_sources": {found.source: round(float(found.best()[0].max()), 4) for found in measured},
        }
        if trained.links:
            notes["link_examples"] = plans[0].examples
        if trained.copied_from is not None:
            notes["copied_from"] = trained.copied_from
        return notes


def make_pathway(task: str, examples: Examples, plans: Sequence[LinkPlan], trained: Trained, notes: dict[str, Any]) -> Pathway:
    """The pathway of these bricks."""
    return Pathway(
        task=task,
        data_type=examples.data_type.key,
        classes=examples.classes,
        kind=examples.kind,
        components=tuple(component.hash for component in trained.own),
        # Where the hidden layer alone was borrowed, the plans named its source and no link was made.
        links=tuple(plan.link(part.hash) for plan, part in zip(plans if trained.links else (), trained.links, strict=True)),
        notes=notes,
    )


def _is_estimator(model: Any) -> bool:
    """Whether a setting `model` means a scikit-learn classifier."""
    return model in ("svm", "forest") if isinstance(model, str) else hasattr(model, "fit")


def _model_name(model: Any) -> str:
    return model if isinstance(model, str) else repr(model)
