"""Sentences with labels, from one archive of text sets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from senpath.data.archives import tar_entries
from senpath.errors import InputError

TEXT_FILE = "text/text-tasks.tar.xz"
Rows = list[tuple[str, str]]
Reader = Callable[[dict[str, bytes]], dict[str, Rows]]
POLARITY = ("negative", "positive")
TREC = ("description", "entity", "abbreviation", "human", "location", "number")
# Later splits are the ones that figures are judged by, so an earlier split gives way to them.
ORDER = ("train", "validation", "test")


def read_text(path: Path, name: str, split: str) -> tuple[list[str], np.ndarray]:
    """Sentences of one text set without those of `split` that stand in a later split too (case and spaces aside), and without empty ones.

    Returns: x list of str, y str (n,).
    """
    files = {entry.split("/", 1)[-1]: content for entry, content in tar_entries(path)}
    try:
        splits = READERS[name](files)
    except KeyError as error:
        raise InputError(f"{name!r} in {path}", expected=f"an entry {error}", got="none of that name") from error
    except (ValueError, csv.Error, IndexError) as error:
        raise InputError(f"a file of {name!r} in {path} cannot be read", got=error) from error
    later = {_plain(text) for other in ORDER[ORDER.index(split) + 1 :] for text, _ in splits.get(other, [])}
    rows = [(text, label) for text, label in splits[split] if _plain(text) and _plain(text) not in later]
    return [text for text, _ in rows], np.array([label for _, label in rows])


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _lines(content: bytes) -> list[str]:
    # A few files of this kind predate UTF-8.
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return [line for line in text.split("\n") if line.strip()]


def _numbered(content: bytes, names: tuple[str, ...]) -> Rows:
    """Lines "<number> <sentence>"."""
    pairs = (line.split(" ", 1) for line in _lines(content))
    return [(text.strip(), names[int(number)]) for number, text in pairs]


def _tabbed(content: bytes, names: tuple[str, ...]) -> Rows:
    """Lines "<sentence> TAB <number>"."""
    pairs = (line.rsplit("\t", 1) for line in _lines(content))
    return [(text.strip(), names[int(number)]) for text, number in pairs]


def _labelled(parse: Callable[[bytes, tuple[str, ...]], Rows], names: tuple[str, ...], **paths: str) -> Reader:
    """Reads the file of each split."""
    return lambda files: {split: parse(files[path], names) for split, path in paths.items()}


def _table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))


def _cut(rows: Rows, test: int) -> dict[str, Rows]:
    """A split for sets that come without one: the last `test` rows of a fixed shuffle."""
    order = np.random.default_rng(0).permutation(len(rows))
    return {"train": [rows[i] for i in order[:-test]], "test": [rows[i] for i in order[-test:]]}


def _banking77(files: dict[str, bytes]) -> dict[str, Rows]:
    tables = {split: _table(files[f"banking77/{split}.csv"]) for split in ("train", "test")}
    return {split: [(row[0].strip(), row[1]) for row in table[1:]] for split, table in tables.items()}


def _clinc(files: dict[str, bytes], prefix: str) -> dict[str, Rows]:
    data = json.loads(files["clinc150/data_full.json"])
    parts = {"train": "train", "validation": "val", "test": "test"}
    return {split: [(text, label) for text, label in data[prefix + part]] for split, part in parts.items()}


def _agnews(files: dict[str, bytes]) -> dict[str, Rows]:
    names = _lines(files["ag_news/classes.txt"])
    rows = [(f"{title} {text}", names[int(number) - 1].strip()) for number, title, text in _table(files["ag_news/test.csv"])]
    return _cut(rows, test=1600)


READERS: dict[str, Reader] = {
    "trec": _labelled(_numbered, TREC, train="sent-conv/TREC.train.all", test="sent-conv/TREC.test.all"),
    "sst2": _labelled(
        _numbered,
        POLARITY,
        train="sent-conv/stsa.binary.train",
        validation="sent-conv/stsa.binary.dev",
        test="sent-conv/stsa.binary.test",
    ),
    "cr": lambda files: _cut(_numbered(files["sent-conv/custrev.all"], POLARITY), test=775),
    # The labels of CoLA's test part are not published: its development part is the test.
    "cola": _labelled(_tabbed, ("unacceptable", "acceptable"), train="CoLA/train.tsv", test="CoLA/dev.tsv"),
    "banking77": _banking77,
    "clinc150": lambda files: _clinc(files, ""),
    "clinc150-oos": lambda files: _clinc(files, "oos_"),
    "agnews": _agnews,
}
