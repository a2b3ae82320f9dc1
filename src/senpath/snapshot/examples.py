"""Labelled data, checked and encoded as the network's types."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

import torch

from senpath.arrays import LONGEST_NAME, is_name, require_finite
from senpath.errors import InputError, TaskExistsError, warn
from senpath.inputs.encoders.registry import parts_read
from senpath.inputs.modalities import Group, known_type, name_files, split_by_modality
from senpath.inputs.modalities.image import normalisation_of
from senpath.inputs.modalities.mismatch import no_type
from senpath.inputs.modalities.picture_types import (
    MOST_LOST,
    Choice,
    looked_at,
    native_figures,
    own_range,
    pixels_of,
    share_lost,
    titled,
)
from senpath.inputs.sources import read_labelled
from senpath.pathways import Pathway
from senpath.progress import Progress, silent
from senpath.snapshot.view import View
from senpath.tasks import Label, TaskKind, read_targets
from senpath.tasks.labels import match_labels
from senpath.types import DataType, Examples, Origin


class Types(Protocol):
    """Knows which data type inputs are encoded as; a view does."""

    def choose_type(self, group: Group) -> Choice: ...

    def encode(self, items: Any, data_type: DataType, progress: Progress = silent) -> torch.Tensor: ...


def one_type(tasks: Mapping[str, Examples]) -> DataType:
    """The type of data of tasks that are to be learned together.

    Raises:
        InputError: if there are several.
    """
    types = {examples.data_type.key: task for task, examples in tasks.items()}
    if len(types) != 1:
        named = " and ".join(f"{task!r} of {key}" for key, task in list(types.items())[:2])
        do = "Learn the tasks of each type in a call of their own"
        raise InputError(
            "tasks that are learned together", expected="inputs of one type", got=f"several: {named}" if types else "no task", do=do
        )
    return next(iter(tasks.values())).data_type


def encode_examples(
    view: Types,
    x: Any,
    y: Any,
    *,
    kind: str | None = None,
    like: Examples | None = None,
    new_classes: bool = False,
    progress: Progress = silent,
) -> Examples:
    """Labelled raw inputs of one data type, encoded.

    Args:
        view: whose data types they are brought to.
        x: see `senpath.inputs.modalities.split_by_modality`; of a table like that of earlier examples only their columns are read.
        y: one label per input, or several, or numbers; see `senpath.tasks.read_targets`.
        kind: of the task; None is what y looks like.
        like: examples of the same task: their type, kind, classes and scale are taken, as test data needs it.
        new_classes: whether there may be labels that `like` does not have; they come behind its own.
        progress: told ("encode", done, all) where a pretrained encoder reads them.

    Raises:
        InputError: if they are of several types, of another than `like`, or cannot be read; for a label that `like` does not have
            and may not be new.
        MissingExtraError, StoreError: if the type's pretrained encoder is not there, or is another one.
    """
    groups = split_by_modality(x)
    count = sum(len(group.rows) for group in groups)
    targets = read_targets(y, count, kind) if like is None else like.task_kind.read_more(y, count, like.classes, new_classes=new_classes)
    if len(groups) > 1:
        both = {group.modality for group in groups} == {"image", "video"}
        do = "Video(frames) says that an array is a clip" if both else "Learn a task of each"
        raise InputError("inputs of one task", expected="one data type", got=" and ".join(group.title for group in groups), do=do)
    if like is not None and known_type(groups[0], [like.data_type]) is None:
        other = no_type(groups[0], {like.data_type.key: like.data_type})
        raise InputError("inputs", expected=other.expected, got=other.got or f"{groups[0].modality} data", do=other.do or "")
    if groups[0].modality == "text" and like is None and name_files(groups[0].items):
        text = f"all texts look like names of files that are not there, such as {groups[0].items[0]!r}; they are learned as texts"
        warn(text)
    choice = Choice(like.data_type) if like is not None else view.choose_type(groups[0])
    if like is None and groups[0].modality == "text":
        _warn_of_longer(groups[0].items, choice.data_type)
    if like is not None and new_classes and groups[0].modality == "image":
        _warn_of_loss(groups[0].items, choice.data_type)
    inputs = view.encode(groups[0].items, choice.data_type, progress)
    figures: dict[str, float] = {}
    if groups[0].modality == "image" and like is None:
        figures = native_figures(looked_at(groups[0].items, normalisation_of(groups[0].items)))
    origin = Origin(choice.why, figures)
    examples = Examples(choice.data_type, inputs, targets.values, targets.classes, targets.kind, origin=origin)
    return examples.scaled(like.scale) if like is not None else examples


def _warn_of_longer(items: Any, kind: DataType) -> None:
    """Warn if most texts of a new task have more words than the language model of their type reads."""
    most = parts_read(kind)
    if most is None:
        return
    longer = [len(item.split()) > most for item in items if isinstance(item, str)]
    if 2 * sum(longer) > len(items):
        text = f"most texts are longer than the {most} parts of words that the encoder {kind.encoder!r} reads of each; the rest is not read"
        warn(text)


def _warn_of_loss(items: Any, kind: DataType) -> None:
    """Warn if further pictures of a task show what its type does not keep, as a new task's would not be read as it."""
    lost = share_lost(looked_at(items, normalisation_of(items)), pixels_of(kind)) if own_range(kind) is None else 0.0
    if lost > MOST_LOST:
        text = f"{min(lost, 1):.1%} of what these pictures show is lost in the task's type {titled(kind)}; a new task would keep it"
        warn(text)


def pair_of(data: Any) -> tuple[Any, Any]:
    """Inputs and labels given as one thing: (x, y), or labelled data without y."""
    x, y = (*data, None)[:2] if isinstance(data, tuple) and len(data) in (1, 2) else (data, None)
    return x, y


def check_encoded(view: View, examples: Examples, y: Any, kind: str | None = None) -> Examples:
    """Encoded examples of a new task, if they can be learned.

    Raises:
        InputError: if they are no examples of a type as the network has it, or of another kind than the one asked for.
    """
    if kind is not None and kind != examples.kind:
        raise InputError("kind of task", expected=f"{examples.kind!r}, as the encoded examples say, or None", got=repr(kind))
    given = examples.data_type
    record = view.manifest.types.get(given.key)
    fixed = view.settings.image_shape if given.form == "image" else None
    known = record.data_type if record is not None else DataType("image", fixed) if fixed is not None else given
    return _checked(examples, y, known).scaled(None)


def _checked(examples: Examples, y: Any, data_type: DataType, known: int = 0) -> Examples:
    """Encoded examples, if they are of this type and hold what they say.

    Args:
        known: how many of their classes were learned before.
    """
    if y is not None:
        raise InputError("labels y", expected="None beside Examples, which hold their own labels", got=type(y).__name__)
    if examples.data_type != data_type:
        raise InputError("encoded examples", expected=f"the network's type {data_type}", got=str(examples.data_type))
    check_tensors(examples)
    examples.task_kind.check(examples.targets, examples.classes, len(examples.inputs), known=known)
    return examples


def check_tensors(examples: Examples) -> None:
    """Refuse encoded examples whose inputs are not as their type says.

    Raises:
        InputError: if they are of another shape or type of numbers, or not finite.
    """
    given, inputs, targets = examples.data_type, examples.inputs, examples.targets
    if not isinstance(inputs, torch.Tensor) or not isinstance(targets, torch.Tensor):
        got = f"{type(inputs).__name__} and {type(targets).__name__}"
        raise InputError("encoded examples", expected="tensors of inputs and targets", got=got)
    if inputs.dtype != torch.float32 or not inputs.ndim or not len(inputs):
        raise InputError("encoded examples", expected="float32 inputs", got=f"{len(inputs) if inputs.ndim else 0} of {inputs.dtype}")
    if tuple(inputs.shape[1:]) != given.shape:
        raise InputError(
            "encoded examples", expected=f"inputs of shape {given.shape} each, as their type says", got=tuple(inputs.shape[1:])
        )
    require_finite(inputs, "encoded input")


def read_more(view: View, pathway: Pathway, x: Any, y: Any, *, new_classes: bool, usual: str = "train") -> Examples:
    """Further examples of a task that the network has, encoded.

    Args:
        x, y: as for `Network.learn`.
        new_classes: whether labels may be new to the task; they come behind its own, sorted.
        usual: the part that is read of a file or folder in parts.

    Raises:
        InputError: if they are of another type, cannot be read, or have labels that are new and may not be.
    """
    data_type = view.manifest.types[pathway.data_type].data_type
    none = pathway.task_kind.empty_targets(len(pathway.classes))
    like = Examples(data_type, torch.zeros(0, *data_type.shape), none, pathway.classes, pathway.kind, pathway.scale)
    if not isinstance(x, Examples):
        return encode_examples(view, *read_labelled(x, y, pathway.kind, usual=usual), like=like, new_classes=new_classes)
    old, expected = len(pathway.classes), f"those of a task like {pathway.task!r}, its classes first"
    if x.kind != pathway.kind or tuple(x.classes[:old]) != pathway.classes:
        raise InputError("encoded examples", expected=expected, got=f"a {x.kind} of {x.classes[: max(5, old)]}")
    if len(x.classes) > old and not new_classes:
        raise InputError("encoded examples", expected=f"{expected}, and no other", got=repr(x.classes[old]))
    return _checked(x, y, data_type, known=old).scaled(pathway.scale)


def check_name(what: str, name: str) -> None:
    """Refuse what cannot be the name of a task or a concept."""
    if not is_name(name):
        raise InputError(f"{what} name", expected=f"1 to {LONGEST_NAME} printable characters", got=repr(name))


TAKEN = "Choose another name, or extend it"


def check_task(task: str, view: View) -> None:
    """Refuse what cannot be a new task's name."""
    check_name("task", task)
    if task in view.tasks:
        raise TaskExistsError(f"task {task!r}", expected="a new name", got="one the network has learned", do=TAKEN)


def fewest(examples: Examples) -> int:
    """Examples of the class, or with the label, that has the fewest; of a regression, all."""
    return int(examples.task_kind.counts(examples.targets, len(examples.classes)).min())


def fingerprint(examples: Examples) -> str:
    """Sixteen hexadecimal digits that stand for the encoded examples and their labels."""
    bits = examples.inputs.contiguous().flatten().view(torch.uint8).numpy()  # not copied: they may fill half the memory
    digest = hashlib.sha256(bits.data)
    digest.update(examples.user_targets.numpy().tobytes())
    if examples.weights is not None:
        digest.update(examples.weights.numpy().tobytes())
    digest.update("\x1f".join(map(str, examples.classes)).encode())
    return digest.hexdigest()[:16]


NAMED = 10
"""Labels that a message names at most."""


def labels_of(pathways: Iterable[Pathway], concept: str) -> tuple[Label, ...]:
    """The labels that any task of a concept has, in the order of learning; none if there is no such task."""
    return tuple(dict.fromkeys(label for pathway in pathways if pathway.concept == concept for label in pathway.classes))


def read_concept(concept: str, examples: Examples, known: tuple[Label, ...]) -> Examples:
    """Examples of a new task of a concept, with the concept's labels where theirs mean these, see `senpath.tasks.labels.match_labels`.

    Args:
        known: the labels that the concept has; none if it is new.

    Raises:
        InputError: see `check_concept`.
    """
    if known and examples.task_kind.exclusive:
        matched = match_labels(examples.classes, known)
        classes = tuple(label if mine is None else mine for label, mine in zip(examples.classes, matched, strict=True))
        examples = replace(examples, classes=classes)
    check_concept(concept, examples.task_kind, examples.classes, known)
    return examples


def check_concept(concept: str, kind: TaskKind, classes: tuple[Label, ...], known: tuple[Label, ...]) -> None:
    """Whether a new task may be of a concept.

    Args:
        known: the labels that the concept has; none if it is new.

    Raises:
        InputError: if it tells no classes apart, or others than the concept has.
    """
    if not kind.exclusive:
        raise InputError(f"task of concept {concept!r}", expected="a classification", got=f"a {kind.name}", do="Learn it without a concept")
    missing = [label for label in known if label not in classes]
    new = [label for label in classes if known and label not in known]
    if missing or new:
        parts = [f"{_named(labels)} {what}" for labels, what in ((missing, "missing"), (new, "besides")) if labels]
        raise InputError(
            f"labels of a task of concept {concept!r}",
            expected=f"those that the concept has: {_named(known)}",
            got=" and ".join(parts),
        )


def _named(labels: Iterable[Label]) -> str:
    labels = list(labels)
    return ", ".join(map(repr, labels[:NAMED])) + (f", … ({len(labels)} in all)" if len(labels) > NAMED else "")
