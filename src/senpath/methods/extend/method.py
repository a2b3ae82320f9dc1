"""More examples of a task, or classes that are new to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import nn

from senpath.components import ClassLink, Component, Linear, freeze_head, freeze_link
from senpath.errors import InputError
from senpath.methods.extend.config import ExtendSettings
from senpath.methods.extend.finetune import SyntheticFeatures, finetune
from senpath.methods.extend.loss import Memory
from senpath.methods.extend.new_rows import OutputRows, learn_rows, output_rows_of, synthesize_features
from senpath.methods.sen.own_part import class_link, frozen_links, movable
from senpath.pathways import Pathway
from senpath.progress import Progress, silent
from senpath.seeds import derive, seeded
from senpath.snapshot import Declined, RevisionResult, View
from senpath.training import Augmentation
from senpath.types import Examples

CAREFUL = 2 / 3
"""Share of the loss that is allowed which may be measured: on few made-up inputs that is not exact, and the real loss may be larger."""
COPIES, COPIED = 15, 2_000
"""Distorted copies of an image that new rows are trained on too, where there are fewer images than this."""
NAMED = 10
"""New classes that are named, at most."""


@dataclass(frozen=True)
class _Extended:
    """What becomes of a pathway.

    Args:
        own: its own components, in order, those that stay among them by their hash alone.
        links: of each link the component.
        new: the components that are new.
        training: for the record.
    """

    own: tuple[str, ...]
    links: tuple[str, ...]
    new: tuple[Component, ...]
    training: dict[str, Any]

    def pathway(self, before: Pathway, examples: Examples) -> Pathway:
        """The pathway that it becomes, answering the examples' classes."""
        links = tuple(replace(link, component=name) for link, name in zip(before.links, self.links, strict=True))
        return replace(before, classes=examples.classes, components=self.own, links=links)


class Extend:
    """Adds examples or classes to a task; `finetune` holds it to its old answers, as Li and Hoiem (2016) do.

    The dispatcher learns the examples, and new classes get output rows after the existing ones. By default everything that the task has
    stays the same to the bit: backbone, rows of old classes, links. With `finetune` the backbone and the output layer are trained further
    and held to their old answers; other tasks that read the old layers keep them.

    Args:
        settings: by name, see `ExtendSettings`.

    Example:
        >>> net = sp.Network()
        >>> learned = net.learn("low", x[y < 4], y[y < 4], epochs=1)
        >>> net.revise("low", sp.Extend(most_lost=1), x[y == 4], y[y == 4]).changed
        True
    """

    name = "extend"
    settings_class = ExtendSettings
    grows = True

    def __init__(self, **settings: Any) -> None:
        self.settings = ExtendSettings(**settings)

    def propose(self, view: View, task: str, examples: Examples | None, progress: Progress = silent) -> RevisionResult | Declined:
        """Add these examples to `task`; nothing is written.

        Raises:
            InputError: if there are no examples.
        """
        pathway = view.pathway(task)
        if examples is None or not len(examples):
            raise InputError(f"extending task {task!r}", expected="examples, x and y", got="none")
        new = examples.classes[len(pathway.classes) :]
        if view.settings.dispatcher == "binary":
            return Declined("the models of a binary dispatcher cannot learn further examples without the earlier ones")
        if new and not pathway.task_kind.has_labels:
            raise InputError(f"extending task {task!r}", expected="the numbers that it answers", got="further ones")
        extended, measured = self._within_limit(view, pathway, examples, progress)
        if isinstance(extended, str):
            return Declined(extended, measured)
        record = {"examples": len(examples), "classes": [*new], "settings": asdict(self.settings), "training": extended.training}
        reason = _reason(examples, new, finetuned=bool(extended.new) and self.settings.finetune)
        return RevisionResult(extended.pathway(pathway, examples), extended.new, reason, {**record, **measured})

    def _within_limit(
        self, view: View, pathway: Pathway, examples: Examples, progress: Progress
    ) -> tuple[_Extended | str, dict[str, float]]:
        """What becomes of the pathway if that loses no more than `most_lost`, or why it stays; and what was measured."""
        extended, seed, most = self._extend(view, pathway, examples, progress), self.settings.random_state, self.settings.most_lost
        if isinstance(extended, str) or not extended.new or most == 1:
            return extended, {}
        memory = Memory.of(view, pathway, examples, seed)
        if memory is None:
            return extended, {}
        lost = memory.lost(extended.pathway(pathway, examples), extended.new)
        if lost <= CAREFUL * most:
            return extended, {"lost": round(lost, 4)}
        other = self._extend(view, pathway, memory.with_earlier(seed), progress)
        if not isinstance(other, str) and (lost_then := memory.lost(other.pathway(pathway, examples), other.new)) < lost:
            extended, lost = other, lost_then
        if lost > CAREFUL * most:
            return _too_much(pathway, lost, most), {"lost": round(lost, 4)}
        return extended, {"lost": round(lost, 4)}

    def _extend(self, view: View, pathway: Pathway, examples: Examples, progress: Progress) -> _Extended | str:
        """What becomes of the pathway, or why it cannot be extended."""
        links = tuple(link.component for link in pathway.links)
        if not self.settings.finetune and len(examples.classes) == len(pathway.classes):
            return _Extended(pathway.components, links, (), {})
        reading = output_rows_of(view, pathway)
        if reading is None:
            what = "may not move" if self.settings.finetune else "cannot get new classes"
            return f"a scikit-learn model {what} without the earlier examples; learn it again with all of them"
        if self.settings.finetune:
            return self._finetune(view, pathway, reading, examples, progress)
        weight, bias = self._rows(view, reading, examples)
        progress("train", 1, 1)
        head = _longer_head(view, pathway, weight, bias) if reading.own else None
        own = [freeze_head(head)] if head is not None else []
        frozen = [freeze_link(link) for link in _longer_links(view, pathway, reading, weight, bias)]
        components = (*pathway.components[:-1], own[0].hash) if own else ()
        return _Extended(components, tuple(link.hash for link in frozen), (*own, *frozen), {"rows": len(bias)})

    def _rows(self, view: View, reading: OutputRows, examples: Examples) -> tuple[torch.Tensor, torch.Tensor]:
        """Weights and biases of the new classes' rows."""
        generator = torch.Generator().manual_seed(derive(self.settings.random_state, "extend"))
        inputs, targets = examples.inputs, examples.targets
        if examples.data_type.form == "image" and len(examples) < COPIED:
            copies = Augmentation(distortion=1.0)(inputs.repeat_interleave(COPIES, 0), generator)
            inputs, targets = torch.cat([inputs, copies]), torch.cat([targets, targets.repeat_interleave(COPIES, 0)])
        return learn_rows(reading, reading.features(view, inputs), targets, len(examples.classes), examples.task_kind, generator)

    def _finetune(self, view: View, pathway: Pathway, reading: OutputRows, examples: Examples, progress: Progress) -> _Extended | str:
        part = movable(view, pathway)
        if isinstance(part, str):
            return f"nothing of {pathway.task!r} can move: {part}"
        backbone, output = (view.component(name).module for name in pathway.components)
        if not isinstance(output, nn.Linear):
            raise TypeError(f"expected an output layer, got {type(output).__name__}")
        links = frozen_links(view, pathway)
        if len(examples.classes) > len(pathway.classes):
            weight, bias = self._rows(view, reading, examples)
            part = replace(part, head=_longer_head(view, pathway, weight, bias))
            longer = _longer_links(view, pathway, reading, weight, bias)
            links = [(reads, link.requires_grad_(False)) for (reads, _), link in zip(links, longer, strict=True)]
        synthetic = self._synthetic(view, reading, examples)
        with seeded(derive(self.settings.random_state, "extend")):
            recipe = finetune(part, (backbone, output), links, examples, synthetic, self.settings, view.device, progress)
        own, frozen = part.freeze(), [freeze_link(link) for _, link in links]
        hashes = tuple(component.hash for component in own)
        return _Extended(hashes, tuple(link.hash for link in frozen), (*own, *frozen), asdict(recipe))

    def _synthetic(self, view: View, reading: OutputRows, examples: Examples) -> SyntheticFeatures | None:
        """Features of the old classes that there are no examples of."""
        old, counts = len(reading.bias), examples.task_kind.counts(examples.targets, len(examples.classes))
        missing = [index for index in range(old) if examples.task_kind.exclusive and not counts[index]]
        if not missing:
            return None
        new = examples.targets >= old
        inputs = examples.inputs[new] if bool(new.any()) else examples.inputs
        generator = torch.Generator().manual_seed(derive(self.settings.random_state, "make up"))
        features, targets = synthesize_features(reading, reading.features(view, inputs), generator)
        wanted = torch.isin(targets, torch.tensor(missing, device=targets.device))
        features, targets, own = features[wanted], targets[wanted], reading.sizes[0]
        added = torch.zeros(len(targets), len(examples.classes), device=features.device)
        added[:, :old] = features[:, own:] @ reading.weight[:, own:].T + reading.link_bias
        return SyntheticFeatures(len(missing) / old, features[:, :own], added, targets)


def _longer_head(view: View, pathway: Pathway, weight: torch.Tensor, bias: torch.Tensor) -> Linear:
    """The output layer with these rows behind its own."""
    module = view.component(pathway.components[-1]).module
    old = {name: module.get_parameter(name).detach() for name in ("weight", "bias")}
    width = old["weight"].shape[1]
    with seeded(0):  # what it draws is not used
        head = Linear(width, len(old["bias"]) + len(bias)).to(view.device)
    head.load_state_dict({"weight": torch.cat([old["weight"], weight]), "bias": torch.cat([old["bias"], bias])})
    return head


def _longer_links(view: View, pathway: Pathway, reading: OutputRows, weight: torch.Tensor, bias: torch.Tensor) -> list[ClassLink]:
    """The links with further outputs: rows for new classes where links alone answer, else none."""
    old, outputs, longer = len(pathway.classes), len(pathway.classes) + len(bias), list[ClassLink]()
    widths = reading.sizes[1:] if reading.own else reading.sizes
    parts = [weight[:0, :0]] * len(widths) if reading.own else weight.split(widths, 1)
    for place, (link, width, part) in enumerate(zip(pathway.links, widths, parts, strict=True)):
        before = class_link(view.component(link.component))
        module = ClassLink(width, outputs, [*before.classes.tolist(), *range(old, old + len(part))]).to(view.device)
        # What several links add is summed, so one of them has the new biases.
        biases = bias[: len(part)] if place == 0 else torch.zeros_like(bias[: len(part)])
        with torch.no_grad():
            module.weight.copy_(torch.cat([before.weight, part.reshape(-1, width)]))
            module.bias.copy_(torch.cat([before.bias, biases]))
        longer.append(module)
    return longer


def _too_much(pathway: Pathway, lost: float, most: float) -> str:
    kind, allowed = pathway.task_kind, 100 * CAREFUL * most
    return (
        f"{pathway.task!r} would lose about {100 * lost:.0f} points of {kind.score_name} on what it has learned. That is measured roughly: "
        f"{allowed:.0f} may be measured, so that no more than {100 * most:.0f} are lost. Give examples of the earlier {kind.nouns[1]} "
        "too, or set most_lost"
    )


def _reason(examples: Examples, new: Sequence[Any], *, finetuned: bool) -> str:
    count = f"{len(examples):,} example{'s' if len(examples) > 1 else ''}"
    if finetuned:
        what = "its layers were trained on"
    elif new:
        what = "its earlier rows stay as they were"
    else:
        what = "its pathway stays as it was"
    named = ", ".join(map(repr, new[:NAMED])) + (", …" if len(new) > NAMED else "")
    names = f" of {len(examples.classes)} classes, {len(new)} of them new ({named})," if new else ""
    return f"{count}{names} came to it; {what}"
