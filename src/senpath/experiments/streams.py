"""Streams of tasks: data of any kind, read and encoded, as tasks in the order in which they are learned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import Field

from senpath import data
from senpath.data.registry import SOURCES
from senpath.errors import InputError
from senpath.evaluation.protocol import Split
from senpath.experiments.encoded import read_examples, write_examples
from senpath.experiments.transforms import Transform, groups_of, name_of_group, only_classes, permuted, rotated
from senpath.inputs.modalities import split_by_modality
from senpath.inputs.sources import read, read_labelled, tasks_of
from senpath.learning.works import read_tasks
from senpath.methods import Sen
from senpath.network import Network
from senpath.settings import Expected, Settings
from senpath.snapshot import encode_examples
from senpath.snapshot.examples import fingerprint, pair_of
from senpath.store.files import write_atomic
from senpath.tasks import Classification
from senpath.types import Examples

GROUPS = "how many classes a task, or lists of classes"
INDEX = "stream.json"
Count = Annotated[int, Field(ge=1)]


class StreamSettings(Settings, owner="the stream"):
    """How tasks are made of data.

    Args:
        split: makes tasks of a data set's classes: how many classes a task has, or a list of classes for each task.
        order: seed by which classes are shuffled before they are split; None leaves them sorted.
        permute: makes so many tasks of a data set: the first is as it is, each other has its pixels in an order of its own.
        rotate: makes a task of a data set for each of these angles, in degrees.
        encoder: name of a pretrained encoder that reads all inputs, such as "efficientnet-lite0"; "auto" is what is installed and fits.
        holdout: share of the training examples that is held out, and measured on in place of test data: for choices, and for data that
            has no test part.
        train, test: at most so many examples a task, drawn at random, once for all methods and seeds.
    """

    split: Annotated[Any, Expected(GROUPS)] = None
    order: Annotated[int, Field(ge=0)] | None = None
    permute: Count | None = None
    rotate: Annotated[tuple[float, ...], Expected("a list of angles")] | None = None
    encoder: str | None = None
    holdout: Annotated[float, Field(gt=0, lt=1)] | None = None
    train: Count | None = None
    test: Count | None = None

    def __post_init__(self) -> None:
        made = [name for name in ("split", "permute", "rotate") if getattr(self, name) is not None]
        if len(made) > 1:
            raise InputError("the stream", expected="one of split, permute and rotate", got=" and ".join(made))
        whole = isinstance(self.split, int) and self.split >= 2
        if self.split is not None and not whole and not isinstance(self.split, list | tuple):
            raise InputError("setting 'split'", expected=f"{GROUPS}, two or more each", got=repr(self.split))
        if self.order is not None and not isinstance(self.split, int):
            raise InputError("setting 'order'", expected="None where classes are not split by number", got=self.order)


@dataclass(frozen=True)
class StreamTask:
    """A task of a stream: which data it is made of, and how."""

    base: str
    transform: Transform


class Stream:
    """Tasks in the order of learning. What is made of one data set is computed when it is asked for, so that many tasks need little memory.

    Args:
        bases: encoded data sets.
        tasks: by name, in order.
        source: what the data is, in a sentence.
        settings: how tasks were made of it.

    Attributes:
        fingerprint: sixteen digits that stand for all this.
    """

    def __init__(self, bases: Mapping[str, Split], tasks: Mapping[str, StreamTask], source: str, settings: StreamSettings) -> None:
        self.bases, self.tasks, self.source, self.settings = bases, dict(tasks), source, settings
        self._tests: dict[str, Examples] = {}
        told = [fingerprint(part) for split in bases.values() for part in (split.train, split.test)]
        self.fingerprint = sha256(json.dumps([told, self.about, *tasks]).encode()).hexdigest()[:16]

    @property
    def about(self) -> str:
        """Data and settings, in a line."""
        words = ", ".join(f"{name} {value}" for name, value in self.settings.to_json().items() if value is not None)
        return f"{self.source}; {words}" if words else self.source

    def train(self, task: str) -> Examples:
        """What a task is learned from."""
        made = self.tasks[task]
        return _at_most(made.transform(self.bases[made.base].train), self.settings.train)

    def test(self, task: str) -> Examples:
        """What it is measured on; kept, for it is asked for after every later task too."""
        if task not in self._tests:
            made = self.tasks[task]
            self._tests[task] = _at_most(made.transform(self.bases[made.base].test), self.settings.test)
        return self._tests[task]


def read_stream(source: Any, settings: StreamSettings) -> Stream:
    """Read and encode data, and make the tasks.

    Args:
        source: a data set, or several as a list or a mapping of tasks' names; or an Avalanche benchmark, whose experiences are the tasks.
            A data set is the name of one that senpath knows, a path to data in parts for training and for testing, a pair (train, test)
            of whatever `Network.learn` takes in one piece, such as (x, y) or a data frame, or a mapping with "train" and "test", as
            Hugging Face's `DatasetDict` is. With `holdout` it is what a task is learned from, alone.
        settings: see `StreamSettings`.

    Raises:
        InputError: if data cannot be read, or tasks cannot be made of it.
        MissingExtraError: if an encoder is not installed.
    """
    sets, about = _data_sets(source, settings)
    if settings.encoder is not None:  # what no task will have need not be encoded, which takes longest
        sets = {
            name: (_thinned(train, settings.train, settings), _thinned(test, settings.test, settings))
            for name, (train, test) in sets.items()
        }
    bases = _encode(sets, settings)
    for name, base in bases.items():
        if base.train.kind != Classification.name:
            raise InputError(f"task {name!r}", expected="a classification, which every baseline can learn", got=f"a {base.train.kind}")
    return _stream_of(bases, settings, about)


def save_stream(stream: Stream, folder: Path) -> None:
    """Keep a stream's encoded data in a folder; `load_stream` reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, base in enumerate(stream.bases.values()):
        write_examples(folder / f"{place}.npz", {"train": base.train, "test": base.test})
    write_atomic(folder / INDEX, json.dumps({"names": [*stream.bases], "about": stream.source}).encode())


def load_stream(folder: Path, settings: StreamSettings) -> Stream:
    """A stream whose data `save_stream` kept, made with the same settings."""
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    parts = [read_examples(folder / f"{place}.npz")[0] for place in range(len(index["names"]))]
    bases = {name: Split(part["train"], part["test"]) for name, part in zip(index["names"], parts, strict=True)}
    return _stream_of(bases, settings, index["about"])


def _stream_of(bases: Mapping[str, Split], settings: StreamSettings, source: str) -> Stream:
    made = settings.split is not None or settings.permute is not None or settings.rotate is not None
    if made and len(bases) != 1:
        raise InputError("the stream", expected="one data set to make tasks of", got=f"{len(bases)}")
    tasks = _made(*next(iter(bases.items())), settings) if made else {name: StreamTask(name, _same) for name in bases}
    stream = Stream(bases, tasks, source, settings)
    for name in tasks:
        _require_examples(stream, name)
    return stream


def _require_examples(stream: Stream, name: str) -> None:
    """Whether a task has examples of each class to learn from, and some to be measured on, without making them.

    Raises:
        InputError: if not.
    """
    task, settings = stream.tasks[name], stream.settings
    made = task.transform if settings.split is not None else _same  # other tasks have all examples
    base = stream.bases[task.base]
    train, test = (made(replace(part, inputs=part.targets)) for part in (base.train, base.test))
    counts = _at_most(train, settings.train).targets.bincount(minlength=len(train.classes))
    lacking = [label for label, count in zip(train.classes, counts.tolist(), strict=True) if not count]
    if lacking:
        left = "a smaller holdout, " * (settings.holdout is not None) + "a larger train, " * (settings.train is not None)
        do = f"Give more of them, {left}or leave the class out" if left else ""
        got = f"none of {lacking[0]!r}" + (f" and {len(lacking) - 1} more" if len(lacking) > 1 else "")
        raise InputError(f"task {name!r} of the stream", expected="examples of each class to learn from", got=got, do=do)
    if not len(test):
        do = "A larger holdout" if settings.holdout is not None else "Give test data of its classes, or leave the task out"
        raise InputError(f"task {name!r} of the stream", expected="examples to be measured on", got="none", do=do)


def _same(examples: Examples) -> Examples:
    return examples


def _made(name: str, base: Split, settings: StreamSettings) -> dict[str, StreamTask]:
    """The tasks that are made of one data set."""
    if settings.split is not None:
        groups = groups_of(base.train.classes, settings.split, settings.order)
        return {name_of_group(group): StreamTask(name, partial(only_classes, classes=group)) for group in groups}
    if settings.permute is not None:
        return {f"{name} {seed + 1}": StreamTask(name, partial(permuted, seed=seed)) for seed in range(settings.permute)}
    if base.train.data_type.form != "image":
        raise InputError("setting 'rotate'", expected="pictures", got=f"{base.train.data_type.form} data")
    return {f"{name} {angle:g}°": StreamTask(name, partial(rotated, degrees=angle)) for angle in settings.rotate or ()}


def _data_sets(source: Any, settings: StreamSettings) -> tuple[dict[str, Any], str]:
    """Training and test data of every data set, by name, and what they are."""
    if hasattr(source, "train_stream") and hasattr(source, "test_stream"):
        train, test = (tasks_of(getattr(source, name)) for name in ("train_stream", "test_stream"))
        if settings.holdout is None and [*train] != [*test]:
            raise InputError("the stream", expected="a test experience for each to learn from", got=f"{len(train)} and {len(test)}")
        return {name: (part, test.get(name)) for name, part in train.items()}, f"{len(train)} experiences of {type(source).__name__}"
    if isinstance(source, Mapping) and not {"train", "test"} <= {*source}:
        named = dict(source)
    elif isinstance(source, list):
        named = {_name(each): each for each in source}
        if len(named) < len(source):
            raise InputError("data sets of the stream", expected="different names", got=", ".join(map(_name, source)), do="Name them")
    else:
        named = {_name(source): source}
    if not named:
        raise InputError("data sets of the stream", expected="at least one", got="none")
    sets = {str(name): _parts(str(name), each, settings.holdout is None) for name, each in named.items()}
    return sets, ", ".join(_described(name, each) for name, each in named.items())


def _name(source: Any) -> str:
    return Path(source).stem if isinstance(source, str | Path) else "data"


def _described(name: str, source: Any) -> str:
    if isinstance(source, str) and source in SOURCES:
        said = data.describe(source)
        return said if name == source else f"{name}, {said}"
    return str(source) if isinstance(source, str | Path) else name


def _parts(name: str, source: Any, tested: bool) -> tuple[Any, Any]:
    """What a data set is learned from and, if it is asked for, measured on, each as `read_labelled` takes it."""
    if isinstance(source, str) and source in SOURCES:
        return data.load(source, "train"), data.load(source, "test") if tested else None
    if isinstance(source, str | Path):
        if not Path(source).exists():
            raise InputError(f"data {source}", expected=f"a folder, a file, or one of {', '.join(SOURCES)}", got="none of these")
        if not tested:
            return read_labelled(source), None
        return tuple((part.x, part.y) for part in (read(source, split="train"), read(source, split="test")))  # type: ignore[return-value]
    if isinstance(source, Mapping):
        return source["train"], source["test"] if tested else None
    if not tested:
        return source, None
    if not isinstance(source, tuple) or len(source) != 2:
        do = "Give both, or set holdout, to measure on a share of the training examples"
        raise InputError(f"data of {name!r}", expected="a pair (train, test)", got=f"a {type(source).__name__}", do=do)
    return source


def _encode(sets: Mapping[str, tuple[Any, Any]], settings: StreamSettings) -> dict[str, Split]:
    """Every data set encoded, all in the types that one network would have for them."""
    first = read_labelled(*pair_of(next(iter(sets.values()))[0]))[0]
    encoders: Any = settings.encoder
    if encoders not in (None, "auto"):
        encoders = dict.fromkeys((group.modality for group in split_by_modality(first)), encoders)
    view = Network(encoders=encoders).view
    trains = read_tasks(view, {name: train for name, (train, _) in sets.items()}, Sen(), None)
    splits = {}
    for name, (_, test) in sets.items():
        train = trains[name]
        if settings.holdout is not None:
            order = _drawn(len(train))
            held = round(settings.holdout * len(train))
            train, tested = train.subset(order[held:].sort().values), train.subset(order[:held].sort().values)
        else:
            tested = encode_examples(view, *read_labelled(*pair_of(test), usual="test"), like=train)
        splits[name] = Split(train, tested)
    return splits


def _thinned(part: Any, most: int | None, settings: StreamSettings) -> Any:
    """Arrays or lists of raw inputs with about so many for each task that is made of them; whatever else people have stays as it is."""
    if most is None or settings.split is None or not isinstance(part, tuple) or len(part) != 2:
        return part
    inputs, labels = part
    if not isinstance(inputs, np.ndarray | list) or isinstance(labels, str):
        return part
    labels = np.asarray(labels)
    tasks = len(settings.split) if not isinstance(settings.split, int) else -(-len(set(labels.tolist())) // settings.split)
    places = _drawn(len(labels))[: most * tasks].sort().values.tolist()
    return inputs[places] if isinstance(inputs, np.ndarray) else [inputs[place] for place in places], labels[places]


def _drawn(count: int) -> torch.Tensor:
    """All places, in a random order that is always the same."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))


def _at_most(examples: Examples, count: int | None) -> Examples:
    return examples if count is None or len(examples) <= count else examples.subset(_drawn(len(examples))[:count].sort().values)
