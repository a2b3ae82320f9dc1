"""Making a task's pathway smaller (Mallya and Lazebnik 2018, "PackNet", section 3: prune the smallest weights, train the rest on)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from safetensors.torch import save

from senpath.components import Component, ComponentKind
from senpath.errors import InputError
from senpath.methods.prune.config import PruneSettings
from senpath.methods.prune.units import cut_units
from senpath.methods.sen.config import SenSettings
from senpath.methods.sen.method import Sen
from senpath.methods.sen.model import recipe_for
from senpath.methods.sen.own_part import OwnPart, cut_weights, frozen_links, hold_at_zero, movable
from senpath.methods.sen.train import Learner
from senpath.pathways import Pathway
from senpath.progress import Progress, silent
from senpath.seeds import derive
from senpath.snapshot import Declined, RevisionResult, View, run_new
from senpath.training import Recipe, TargetScaler, fit
from senpath.types import Examples

FOLD = 5
"""One of so many examples is held out."""
MEASURED = 2_000
"""Examples by which the importance of weights and units is measured, at most."""
STEPS = 0.5
"""Training on takes this share of the steps of learning."""


@dataclass(frozen=True)
class Bytes:
    """What component files take.

    Attributes:
        before, after: of the pathway's own components.
        saved: in the whole network, once `gc` forgets the versions before; below 0 where others read what was replaced.
        readers: the other tasks that go on with components that were replaced.
    """

    before: int
    after: int
    saved: int
    readers: tuple[str, ...]


class Prune:
    """Removes the smallest weights of a task's pathway, or its least important hidden units, and trains the rest if examples are given.

    Ling et al., section 3, name pruning (Mallya and Lazebnik 2018) as what keeps a network small.

    Biases and links stay; so does the output layer, except what reads removed units. A fifth of the examples is held out for one decision
    only: if the score on it falls by more than `tolerance`, nothing is changed.

    Args:
        settings: by name, see `PruneSettings`.

    Example:
        >>> net.revise("iris", sp.Prune(keep=0.6)).changed
        True
    """

    name = "prune"
    settings_class = PruneSettings
    grows = False

    def __init__(self, **settings: Any) -> None:
        self.settings = PruneSettings(**settings)

    def propose(self, view: View, task: str, examples: Examples | None, progress: Progress = silent) -> RevisionResult | Declined:
        """Make `task` smaller; nothing is written.

        Raises:
            InputError: if examples are given, but fewer than five.
        """
        pathway = view.pathway(task)
        whole = movable(view, pathway)
        reason = whole if isinstance(whole, str) else _shared(view, pathway)
        if isinstance(whole, str) or reason:
            return Declined(reason)
        whole_weights = whole.weights
        fitted, held = self._split(examples)
        part = self._cut(view, whole, fitted)
        if isinstance(part, str):
            return Declined(part)
        if part.weights >= whole_weights:
            return Declined(f"its layers are so small that {100 * self.settings.keep:g} % of each is all of it")
        training = self._train(view, pathway, part, fitted, progress) if fitted is not None else {}
        pruned, own = _with_part(pathway, part)
        size = count_bytes(view, pathway, own)
        record: dict[str, Any] = {
            "weights": {"before": whole_weights, "after": part.weights},
            "bytes": {"before": size.before, "after": size.after, "saved": size.saved},
            "readers": list(size.readers),
            "training": training,
            "settings": asdict(self.settings),
        }
        if fitted is not None and held is not None:
            record["measured"] = measured = self._measure(view, pathway, _score(view, pruned, own, held), fitted, held, progress)
            if _cost(measured) > self.settings.tolerance:
                return Declined(f"{_describe(measured)}: more than {100 * self.settings.tolerance:g} points would be lost", record)
        return RevisionResult(pruned, own, _reason(record), record)

    def _split(self, examples: Examples | None) -> tuple[Examples | None, Examples | None]:
        if examples is None:
            return None, None
        if len(examples) < FOLD:
            raise InputError("examples to prune with", expected=f"{FOLD} or more, or none", got=str(len(examples)))
        return held_out(examples, derive(self.settings.random_state, "held out"))

    def _cut(self, view: View, part: OwnPart, examples: Examples | None) -> OwnPart | str:
        inputs = None
        if examples is not None:
            order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(derive(self.settings.random_state, "measure")))
            inputs = examples.inputs[order[:MEASURED]].to(view.device)
        cut = cut_weights if self.settings.what == "weights" else cut_units
        return cut(part, self.settings.keep, inputs)

    def _train(self, view: View, pathway: Pathway, part: OwnPart, examples: Examples, progress: Progress) -> dict[str, Any]:
        recipe = self._recipe(pathway, part.kind, examples)
        if recipe.steps:
            hold_at_zero(part)
            train_on(view, pathway, part, examples, recipe, derive(self.settings.random_state, "train"), progress)
        return {"examples": len(examples), **asdict(recipe)}

    def _recipe(self, pathway: Pathway, kind: ComponentKind, examples: Examples) -> Recipe:
        """As the task was learned, for part of the steps."""
        given = self.settings
        learned = pathway.provenance.settings if pathway.provenance.method == Sen.name else {}
        settings = SenSettings(
            augment=learned.get("augment"),
            batch_size=learned.get("batch_size"),
            epochs=given.epochs if given.epochs is not None else learned.get("epochs") or None,
            learning_rate=given.learning_rate or learned.get("learning_rate"),
        )
        recipe = recipe_for(kind, examples, settings)
        return recipe if given.epochs is not None else replace(recipe, steps=max(1, round(STEPS * recipe.steps)))

    def _measure(self, view: View, pathway: Pathway, after: float, fitted: Examples, held: Examples, progress: Progress) -> dict[str, Any]:
        """Scores on the held-out examples, in 0 … 1.

        If the task was learned from these examples, its pathway knows them by heart, and the pruned one, trained on without them, has
        forgotten them. So where it seems to lose too much, the pathway unpruned is trained on in the same way and compared with.
        """
        before = held.task_kind.score(view.logits(pathway.task, held.inputs).cpu(), held.targets)
        measured = {"measure": held.task_kind.score_name, "examples": len(held), "before": before, "after": after}
        if self.settings.epochs != 0 and _cost(measured) > self.settings.tolerance:
            unpruned = movable(view, pathway)
            if isinstance(unpruned, OwnPart):
                self._train(view, pathway, unpruned, fitted, progress)
                measured["unpruned"] = _score(view, *_with_part(pathway, unpruned), held)
        return measured


def train_on(view: View, pathway: Pathway, part: OwnPart, examples: Examples, recipe: Recipe, seed: int, progress: Progress) -> None:
    """Fit an own part, in place, to examples of its task, beside the pathway's frozen links.

    The loss is the one that tasks are learned with: of the whole answer, and of the own part's alone.
    """
    links = frozen_links(view, pathway)
    scaler = TargetScaler.fit(examples)
    scaler.inverse().fold_into(part.head, [link for _, link in links])
    learner = Learner(part.backbone, part.head, links, examples.task_kind).to(view.device)
    targets = scaler.transform(examples.targets).to(view.device)
    fit(learner, examples.inputs.to(view.device), targets, recipe, seed, progress=progress)
    scaler.fold_into(part.head)


def held_out(examples: Examples, seed: int) -> tuple[Examples, Examples]:
    """Four fifths and one fifth of the examples at random; the fifth has of each class its share."""
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(seed))
    strata = examples.task_kind.strata(examples.targets)
    if strata is not None:
        order = order[strata[order].argsort(stable=True)]
    held = torch.zeros(len(examples), dtype=torch.bool)
    held[order[FOLD - 1 :: FOLD]] = True
    return examples.subset(~held), examples.subset(held)


def _shared(view: View, pathway: Pathway) -> str:
    """Why a smaller copy of the hidden layer would come beside the layer, not in its place, if it would: other pathways run it too.

    Links that read it are no reason not to prune: the record says what they cost.
    """
    if pathway.provenance.method in ("", Sen.name):  # its layers are its own, even where another task's are equal
        return ""
    layer = pathway.components[0]
    users = [path.task for path in view.paths if path.task != pathway.task and layer in path.components]
    if not users and layer not in pathway.provenance.untrained:
        return ""
    whose = f"also that of task {users[0]!r}" if users else "the root model's, which further tasks may share"
    return f"its hidden layer is {whose}, so that a smaller copy would make the network larger"


def count_bytes(view: View, pathway: Pathway, own: Iterable[Component]) -> Bytes:
    """What putting these components in the place of a pathway's own ones does to the size of component files."""
    new = {component.hash: file_size(component) for component in own}
    old = {name: file_size(view.component(name)) for name in pathway.components}
    others = [path for path in view.paths if path.task != pathway.task]
    read = frozenset().union(*(path.references for path in others))
    gone = set(old) - set(new) - read - {name for link in pathway.links for name in (*link.reads, link.component)}
    added = {name for name in new if name not in view.sizes}
    saved = sum(old[name] for name in gone) - sum(new[name] for name in added)
    replaced = set(old) - set(new)
    return Bytes(sum(old.values()), sum(new.values()), saved, tuple(path.task for path in others if path.references & replaced))


def file_size(component: Component) -> int:
    """Bytes of a torch component's file."""
    if component.payload is not None:
        return len(component.payload)
    return len(save({name: value.cpu().contiguous() for name, value in component.module.state_dict().items()}))


def _with_part(pathway: Pathway, part: OwnPart) -> tuple[Pathway, tuple[Component, ...]]:
    """The pathway with these layers in the place of its own, and their components."""
    own = part.freeze()
    return replace(pathway, components=tuple(component.hash for component in own)), own


def _score(view: View, pathway: Pathway, own: Sequence[Component], held: Examples) -> float:
    return held.task_kind.score(run_new(view, pathway, own, held.inputs).cpu(), held.targets)


def _cost(measured: Mapping[str, Any]) -> float:
    """What pruning costs: measured["unpruned"] is there where the pathway before may know the held-out examples by heart."""
    return float(min(measured["before"], measured.get("unpruned", 1.0)) - measured["after"])


def _describe(measured: Mapping[str, Any]) -> str:
    shown = {name: f"{100 * value:.2f} %" for name, value in measured.items() if isinstance(value, float)}
    also = f" ({shown['unpruned']} trained on unpruned)" if "unpruned" in shown else ""
    return f"{measured['measure']} {shown['before']} on {measured['examples']:,} held-out examples before{also}, {shown['after']} after"


def _reason(record: Mapping[str, Any]) -> str:
    weights, size, measured, readers = record["weights"], record["bytes"], record.get("measured"), record["readers"]
    parts = [f"{weights['after']:,} of {weights['before']:,} weights stay, {size['after']:,} of {size['before']:,} bytes"]
    if readers:
        names = ", ".join(repr(name) for name in readers)
        verb = "reads" if len(readers) == 1 else "read"
        parts.append(f"{names} still {verb} what was replaced, so the network's files change by {-size['saved']:+,} bytes")
    else:
        parts.append(f"{size['saved']:,} bytes are saved in the whole network, once `gc` forgets earlier versions")
    parts.append(_describe(measured) if measured is not None else "nothing was measured, for there were no examples")
    return "; ".join(parts)
