"""SEN: a new pathway per task, links from one earlier task (Ling, Wang and Wang, "Sparse and Expandable Network for Google's Pathways")."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from senpath.components import MLP, describe_module
from senpath.errors import InputError
from senpath.methods.sen.choice import FitChoice
from senpath.methods.sen.config import SenSettings
from senpath.methods.sen.forgetting import learn_sharing
from senpath.methods.sen.links import LinkPlan, Similarity, plan_links, separability, similarities
from senpath.methods.sen.model import choose_backbone, default_model, few_images
from senpath.methods.sen.report import report_section
from senpath.methods.sen.train import Begun, Trained, begin, train, train_together
from senpath.progress import Progress, silent
from senpath.seeds import derive
from senpath.snapshot import MethodResult, View, run_new
from senpath.snapshot.examples import fewest
from senpath.store.upgrade import with_present_names
from senpath.training import splits
from senpath.types import DataType, Examples

Answer = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Verdict:
    """How good answers to held-out examples are with and without the transfer (`senpath.tasks.TaskKind.score`), and on how many."""

    with_transfer: float
    alone: float
    examples: int

    @property
    def keep(self) -> bool:
        """A transfer has to gain something; else the simpler pathway is the better one."""
        return self.with_transfer > self.alone


def judge(examples: Examples, learn: Callable[[Examples, bool], Answer], seed: int, *, least: int = 2) -> Verdict | None:
    """Learn on part of the examples with and without transfer and compare on the rest; None if there are less than `least` of a class.

    Args:
        learn: from examples, and whether to transfer, makes a function from inputs to logits.
    """
    held_outputs: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    truth = []
    for fitted, held in splits(examples, seed, least=least):
        part, rest = examples.subset(fitted), examples.subset(held)
        truth.append(rest.targets)
        for transfer, outputs in held_outputs.items():
            outputs.append(learn(part, transfer)(rest.inputs).cpu())
    if not truth:
        return None
    scores = {transfer: examples.task_kind.score(torch.cat(outputs), torch.cat(truth)) for transfer, outputs in held_outputs.items()}
    return Verdict(scores[True], scores[False], sum(map(len, truth)))


ENOUGH = 10
"""Examples of each class from which on cross-validation is believed where a source is doubtful (docs/results/transfer.md)."""
MIN_SEPARABILITY = {"vector": 0.3, "tokens": 0.3}
"""By form of the inputs, where no setting says it; 0.2 for all other forms."""
GENTLER = (1 / 4, 1 / 16)
"""Of the model's own learning rate, where that ended at chance."""
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Sen:
    """Gives each task a pathway of its own, which borrows from a similar earlier task (Ling, Wang and Wang, Algorithm 1).

    Initialise a new pathway; let the dispatcher learn the new examples; link classes to similar classes of an earlier task; freeze
    everything that exists; train the pathway and its links on the new examples alone.

    Args:
        settings: by name, see `SenSettings`.

    Example:
        >>> learned = net.learn("odd", *tiny_task("odd"), method=sp.Sen(epochs=1))
        >>> net.tasks["odd"].method
        'sen'
    """

    name = "sen"
    settings_class = SenSettings
    report_section = staticmethod(report_section)

    def __init__(self, **settings: Any) -> None:
        self.settings = SenSettings(**with_present_names(self.name, settings))

    def check(self, data_type: DataType) -> None:
        """Raise InputError if the model does not read inputs of this type, or if `may_change` is set, which is for one task at a time."""
        if self.settings.may_change:
            raise InputError("may_change", expected="one task to be learned", got="several at once", do="Learn it by itself")
        if not _is_estimator(self.settings.model):
            choose_backbone(self.settings.model, data_type, self.settings.hidden)

    def enough(self, examples: Examples) -> float:
        """The skill on its own examples below which `recipes` are tried."""
        return 0.5 if self._follows_size(examples) else 0.0

    def _follows_size(self, examples: Examples) -> bool:
        given = self.settings
        chosen = given.model == "auto" if isinstance(given.model, str) else False
        free = given.learning_rate is None and given.epochs is None
        return chosen and free and default_model(examples.data_type) == "pooled-cnn"

    def recipes(self, examples: Examples) -> Iterator[Sen]:
        """The same settings with lower learning rates, then without distortions; none where the rate was set, or nothing is trained."""
        given = self.settings
        if self._follows_size(examples):  # the model for small pictures, slowly: it learns many classes of one picture each
            rate = GENTLER[-1] * choose_backbone("mlp", examples.data_type, given.hidden).learning_rate
            yield Sen(**{**vars(given), "model": "mlp", "learning_rate": rate})
        if given.learning_rate is None and given.epochs != 0 and not _is_estimator(given.model):
            training = choose_backbone(given.model, examples.data_type, given.hidden).kind.training
            if training is not None:
                gentler = [{**vars(given), "learning_rate": share * training.learning_rate} for share in GENTLER]
                yield from (Sen(**settings) for settings in gentler)
                if given.augment is None and examples.data_type.form == "image":  # distorted noise looks like any other noise
                    yield Sen(**{**gentler[0], "augment": 0.0})

    def propose(self, view: View, task: str, examples: Examples, progress: Progress = silent) -> MethodResult:
        """Learn `task` from `examples` on top of what `view` shows; nothing is written."""
        if self.settings.may_change:
            shared = learn_sharing(view, task, examples, self.settings, progress)
            result = self.result(shared.measured, shared.plans, shared.trained)
            return replace(result, parts=(*result.parts, *shared.backbones), changes=shared.pathways)
        measured, plans, judged = self._planned(view, examples)
        progress("similarity", 1, 1)
        return self.result(measured, plans, self.train(view, examples, plans, progress), judged)

    def _planned(self, view: View, examples: Examples) -> tuple[Sequence[Similarity], Sequence[LinkPlan], dict[str, Any]]:
        """What is similar, what is borrowed, and what to record about that."""
        measured, plans = self.plan(view, examples)
        judged: dict[str, Any] = {}
        if plans and self.settings.epochs != 0:
            keep, judged = self._judge(view, examples, measured, plans)
            plans = plans if keep else []
        return measured, plans, judged

    def joins(self, data_type: DataType, examples: int, classes: int) -> bool:
        """Whether a task of so many examples is learned together with others like it: an MLP from few images; see `begin`."""
        given = self.settings
        usual = isinstance(given.model, str) and given.model in ("auto", "mlp") and given.epochs is None and given.learning_rate is None
        alone = type(self) is not Sen or given.may_change or given.guard  # a subclass may learn as it likes
        few = few_images(data_type, examples, classes)
        return few and usual and not alone and choose_backbone(given.model, data_type, given.hidden).kind is MLP

    def begin(self, view: View, examples: Examples) -> BegunTask:
        """A task up to its training, which `train_together` does for several."""
        measured, plans, judged = self._planned(view, examples)
        return BegunTask(self, measured, plans, judged, begin(view, examples, plans, self.settings))

    def train_together(self, tasks: Sequence[BegunTask]) -> None:
        """Train tasks' layers as each would be by itself, but for rounding."""
        train_together([task.begun for task in tasks])

    def _judge(
        self, view: View, examples: Examples, measured: Sequence[Similarity], plans: Sequence[LinkPlan]
    ) -> tuple[bool, dict[str, Any]]:
        """Whether to borrow as planned, and what to record about it."""
        best = 1.0  # what has no classes was measured on examples left out already
        judged: dict[str, Any] = {}
        if examples.task_kind.exclusive:
            sources = {plan.source for plan in plans}
            best = max(separability(similarity) for similarity in measured if similarity.source in sources)
            judged["separability"] = round(best, 4)
        least = self.settings.min_separability
        doubtful = best < (MIN_SEPARABILITY.get(examples.data_type.form, 0.2) if least is None else least)
        if doubtful and not self.settings.guard and fewest(examples) < ENOUGH:
            return False, judged
        verdict = self.compare(view, examples) if doubtful or self.settings.guard else None
        if verdict is None:
            return not doubtful, judged
        return verdict.keep, {**judged, "guard": {**asdict(verdict), "kept": verdict.keep}}

    def plan(self, view: View, examples: Examples, among: Sequence[str] | None = None) -> tuple[list[Similarity], list[LinkPlan]]:
        """Measure how similar earlier tasks are, and plan the links to make.

        Args:
            among: names of the tasks that may be sources; None lets the dispatcher choose the most relevant ones.
        """
        # A scikit-learn model of several labels or of numbers learns alone.
        if not self.settings.borrows or (_is_estimator(self.settings.model) and not examples.task_kind.exclusive):
            return [], []
        measured = similarities(view, examples, derive(self.settings.random_state, "similarity"), among)
        return measured, plan_links(view, examples, measured, self.settings)

    def train(
        self, view: View, examples: Examples, plans: Sequence[LinkPlan], progress: Progress, choice: FitChoice | None = None
    ) -> Trained:
        """Train the task's own layers and its links, fitted as it was chosen before, if it was."""
        if not _is_estimator(self.settings.model):
            return train(view, examples, plans, self.settings, progress, choice)
        from senpath.methods.sen.estimators import train_estimator

        return train_estimator(view, examples, plans, self.settings, progress)

    def compare(self, view: View, examples: Examples, among: Sequence[str] | None = None, without: Sequence[str] = ()) -> Verdict | None:
        """Compare by cross-validation learning with the sources in `among` (see `plan`) and learning with those in `without`."""
        choices: dict[bool, FitChoice | None] = {}  # the first fold's do for all

        def learn(part: Examples, transfer: bool) -> Answer:
            plans = self.plan(view, part, among if transfer else without)[1] if transfer or without else []
            trained = self.train(view, part, plans, silent, choices.get(transfer))
            choices[transfer] = trained.choice
            result = self.result((), plans, trained)
            return lambda inputs: run_new(view, result.pathway("", part), result.components, inputs)

        # A scikit-learn model's links are trained on out-of-fold answers, within what one fold leaves.
        least = 3 if _is_estimator(self.settings.model) else 2
        return judge(examples, learn, derive(self.settings.random_state, "guard"), least=least)

    def result(
        self, measured: Sequence[Similarity], plans: Sequence[LinkPlan], trained: Trained, judged: Mapping[str, Any] = NOTHING
    ) -> MethodResult:
        """Make the result of components that were trained as planned.

        Args:
            measured: the similarities of the sources that were tried.
            judged: what was measured when a transfer was weighed up.
        """
        settings = asdict(replace(self.settings, model=_model_name(self.settings.model)))
        settings["may_change"] = list(self.settings.may_change)
        record: dict[str, Any] = {"training": trained.figures}
        if trained.links:
            record["link_examples"] = plans[0].examples
        if trained.copied_from is not None:
            record["copied_from"] = trained.copied_from
        # Where the hidden layer alone was borrowed, the plans named its source and no link was made.
        linked = zip(plans if trained.links else (), trained.links, strict=True)
        return MethodResult(
            chain=trained.own,
            parts=trained.links,
            links=tuple(plan.link(part.hash) for plan, part in linked),
            settings=settings,
            sources_tried={similarity.source: round(float(similarity.best()[0].max()), 4) for similarity in measured},
            record={**record, **judged},
            in_user_units=_is_estimator(self.settings.model) and not isinstance(self.settings.model, str),
        )


@dataclass(frozen=True)
class BegunTask:
    """A task that is to be trained, and what was planned for it."""

    method: Sen
    measured: Sequence[Similarity]
    plans: Sequence[LinkPlan]
    judged: Mapping[str, Any]
    begun: Begun

    def finish(self) -> MethodResult:
        """The result, once it is trained."""
        return self.method.result(self.measured, self.plans, self.begun.finish(), self.judged)


def _is_estimator(model: Any) -> bool:
    """Whether a setting `model` means a scikit-learn classifier."""
    return model in ("svm", "forest") if isinstance(model, str) else hasattr(model, "fit") and not isinstance(model, nn.Module)


def _model_name(model: Any) -> str:
    if isinstance(model, nn.Module):
        return describe_module(model)[0].name
    return model if isinstance(model, str) else repr(model)
