"""The five streams: which tasks come in which order, and which inputs belong to none of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import torch

from senpath.bench.protocol import BenchCell, Read, TaskLesson, Unlabelled
from senpath.bench.published import permuted, rotated, split
from senpath.bench.sets import OMNIGLOT, BenchSet, at_most, few, read_map, read_split, read_unknown
from senpath.errors import InputError
from senpath.types import DataType, Examples


@dataclass(frozen=True)
class RoutingStream:
    """Tasks in the order of learning.

    Args:
        title: of its section.
        about: what it is, for the page.
        tasks: the sets.
        unknown: sets whose inputs belong to no task.
        shots: examples of a class to learn from; None is all.
    """

    title: str
    about: str
    tasks: tuple[BenchSet, ...]
    unknown: tuple[BenchSet, ...]
    shots: tuple[int | None, ...] = (5, 20, None)


# fmt: off
ALPHABETS = (
    "Alphabet_of_the_Magi", "Angelic", "Anglo-Saxon_Futhorc", "Arcadian", "Armenian", "Asomtavruli_(Georgian)", "Atemayar_Qelisayer",
    "Atlantean", "Aurek-Besh", "Avesta", "Balinese", "Bengali", "Blackfoot_(Canadian_Aboriginal_Syllabics)", "Braille",
    "Burmese_(Myanmar)", "Cyrillic", "Early_Aramaic", "Futurama", "Ge_ez", "Glagolitic", "Grantha", "Greek", "Gujarati", "Gurmukhi",
    "Hebrew", "Inuktitut_(Canadian_Aboriginal_Syllabics)", "Japanese_(hiragana)", "Japanese_(katakana)", "Kannada", "Keble", "Korean",
    "Latin", "Malay_(Jawi_-_Arabic)", "Malayalam", "Manipuri", "Mkhedruli_(Georgian)", "Mongolian", "N_Ko",
    "Ojibwe_(Canadian_Aboriginal_Syllabics)", "Old_Church_Slavonic_(Cyrillic)", "Oriya", "Sanskrit", "Sylheti", "Syriac_(Estrangelo)",
    "Syriac_(Serto)", "Tagalog", "Tengwar", "Tibetan", "Tifinagh", "ULOG",
)
# fmt: on
PAPER = (*(BenchSet(name, "image") for name in ("fashion", "mnist", "lower", "upper")), BenchSet("speech", "sound"))
TEXTS = tuple(BenchSet(name, "text") for name in ("trec", "banking77", "clinc150", "cr", "sst2", "cola", "agnews"))
PHOTOGRAPHS = tuple(BenchSet(name, "photograph") for name in ("clothing", "grocery", "signdigits"))
DRAWN = tuple(BenchSet(name, "image") for name in ("omniglot/Futurama", "pneumonia", "semeion turned", "noise"))
NOISES = (BenchSet("esc10", "sound"),)
OUTSIDE = (BenchSet("clinc150-oos", "text"),)
OTHER_PHOTOGRAPHS = (BenchSet("cifar10", "photograph"), BenchSet("devanagari", "photograph"))
DIGITS = tuple(BenchSet(name, "image") for name in ("bangla", "devanagari", "telugu"))

CIFAR = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())  # noqa: SIM905 - easier to read
STREAMS = {
    "letters": RoutingStream(
        "Letters and digits",
        "The five tasks of Ling, Wang and Wang: clothing, digits, small and capital letters as grey pictures, and spoken digits.",
        PAPER,
        (*DRAWN, *NOISES),
    ),
    "alphabets": RoutingStream(
        "Alphabets",
        "The fifty alphabets of Omniglot, each a task of its characters; five of the twenty drawings of each character are asked.",
        tuple(BenchSet(OMNIGLOT + name, "image") for name in ALPHABETS),
        (BenchSet("mnist", "image"), BenchSet("fashion", "image"), BenchSet("noise", "image")),
        (5, None),
    ),
    "requests": RoutingStream(
        "Requests and other texts",
        "Seven text tasks behind MiniLM: kinds of question, two sets of intents, two of sentiment, grammar, topics.",
        TEXTS,
        OUTSIDE,
    ),
    "photographs": RoutingStream(
        "Photographs", "Clothing, groceries and signed digits behind EfficientNet-Lite0.", PHOTOGRAPHS, OTHER_PHOTOGRAPHS
    ),
    "mixed": RoutingStream(
        "Everything mixed, with unknown inputs",
        "All tasks of letters, requests and photographs, and the digits of three more scripts, in one stream.",
        (*PAPER, *DIGITS, *TEXTS, *PHOTOGRAPHS),
        (*DRAWN, *NOISES, *OUTSIDE, *OTHER_PHOTOGRAPHS[:1]),
    ),
}

MAIN = tuple(STREAMS)
"""What is measured unless streams are named."""
STREAMS |= {
    "split-mnist": RoutingStream("Split-MNIST", "The digits in five tasks of two.", split("mnist", "image"), (), (None,)),
    "split-fashion": RoutingStream("Split-Fashion", "Clothing in five tasks of two classes.", split("fashion", "image"), (), (None,)),
    "split-cifar10": RoutingStream(
        "Split-CIFAR-10",
        "Photographs in five tasks of two classes, behind the frozen EfficientNet-Lite0; 4,000 images are learned from, 1,000 asked.",
        split("cifar10", "photograph", CIFAR),
        (),
        (None,),
    ),
    "permuted-mnist-250": RoutingStream(
        "Permuted MNIST, 250 tasks",
        "MNIST under 250 permutations of its pixels, from 20 images of a digit. From all 60,000 a task: [scale](scale.md).",
        permuted(250),
        (),
        (20,),
    ),
    "permuted-mnist-1000": RoutingStream(
        "Permuted MNIST, 1,000 tasks", "MNIST under 1,000 permutations, from 20 images of a digit.", permuted(1_000), (), (20,)
    ),
    "rotated-mnist": RoutingStream(
        "Rotated MNIST", "MNIST turned all round in steps of 10 degrees, from 20 images of a digit and task.", rotated(10), (), (20,)
    ),
}


def find_stream(name: str) -> RoutingStream:
    """The stream of this name.

    Raises:
        InputError: if there is none.
    """
    if name not in STREAMS:
        raise InputError("stream", expected=f"one of {', '.join(STREAMS)}", got=repr(name))
    return STREAMS[name]


@dataclass(frozen=True, eq=False)
class TypeGroup:
    """All that a cell has of one type of data.

    Args:
        cell: with the sense.
        lessons: tasks to learn, in order.
        tests: for each its encoded inputs and targets to measure on.
        unknown: encoded inputs of no task, by set.
        read: gives the dispatcher's features.
    """

    cell: BenchCell
    lessons: tuple[TaskLesson, ...]
    tests: tuple[tuple[Unlabelled, torch.Tensor], ...]
    unknown: dict[str, Unlabelled]
    read: Read

    @property
    def data_type(self) -> DataType:
        """Of its inputs."""
        return self.lessons[0].examples.data_type


def groups_of(cell: BenchCell, stream: RoutingStream, most: int) -> Iterator[TypeGroup]:
    """The stream's tasks by type of data, in the order in which types come first.

    Args:
        most: test inputs of a task or a set of unknown ones, at most.
    """
    for sense in dict.fromkeys(source.sense for source in stream.tasks):
        yield _group(cell, sense, stream, most)


def _group(cell: BenchCell, sense: str, stream: RoutingStream, most: int) -> TypeGroup:
    learned, asked = dict[str, Examples](), list[Examples]()
    for source in stream.tasks:
        if source.sense == sense:
            split = read_split(source, cell.folder)
            learned[source.task] = source.changed(few(split.train, cell.shots, cell.seed))
            asked.append(source.changed(at_most(split.test, most)))
    read: Read = read_map(asked[0].data_type, cell.seed)
    lessons = [TaskLesson(name, examples, read) for name, examples in learned.items()]
    unknown = {source.name: Unlabelled(read_unknown(source, cell.folder, most), read) for source in stream.unknown if source.sense == sense}
    mine = BenchCell(cell.stream, cell.shots, cell.seed, cell.folder, sense)
    make = partial(Unlabelled, read=read)
    return TypeGroup(mine, tuple(lessons), tuple((make(part.inputs), part.targets) for part in asked), unknown, read)
