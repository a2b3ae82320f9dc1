"""Labelled data as the commands take it: read, and told about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from senpath.cli.show import note
from senpath.errors import InputError

if TYPE_CHECKING:
    from senpath import Data
    from senpath.inputs.sources.located import DataAt

Label = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of labels; by default label, class, target or y, else the last.")]
Modality = Annotated[
    str | None, typer.Option(metavar="KIND", help="image, audio, video, text or table; by default what the data looks like.")
]
Split = Annotated[
    str | None, typer.Option(metavar="PART", help="Of data in parts: train, test or validation; by default the usual one of the command.")
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out what cannot be read, and say so.")]
SHOWN = 20
"""What was skipped is told one by one up to this many."""


@dataclass(frozen=True)
class ReadingOptions:
    """How labelled data is to be read; see `senpath.read`.

    Args:
        label: the column of labels, if it is told.
        modality: what the inputs are, if it is told.
        skip_bad: whether what cannot be read is left out.
        kind: of the task, if it is known.
        split: the part of the data, if it is told.
    """

    label: str | None = None
    modality: str | None = None
    skip_bad: bool = False
    kind: str | None = None
    split: str | None = None


def labelled(source: str, split: str = "train", *, reading: ReadingOptions, say: bool = False) -> tuple[Any, Any]:
    """A path's labelled data, or a part of it or of a known set.

    Args:
        split: the part that is usual here.
        say: whether what was read is told, or only what was left out.
    """
    from senpath import data
    from senpath.buckets import is_address
    from senpath.inputs.sources import WantedPart, read_part

    if not Path(source).exists() and source in {known.name for known in data.available()}:
        return data.load(source, reading.split or split)
    if source == "-":
        do = "Write it into a file; predict and explain alone read standard input"
        raise InputError("data -", expected="a folder or file", got="standard input", do=do)
    bad, part = "skip" if reading.skip_bad else "error", WantedPart(reading.split, split)
    place = source if is_address(source) else Path(source)
    dataset = read_part(place, reading.label, part, modality=reading.modality, bad=bad, kind=reading.kind)
    if say:
        note(f"read: {dataset.about}{_otherwise(source, reading)}")
    _show_skipped(dataset)
    return dataset.x, dataset.y


def place_of(source: str, reading: ReadingOptions) -> DataAt | None:
    """A path's or an address's labelled data, to be read by whoever learns from it; None for a known set."""
    from senpath import data
    from senpath.buckets import is_address
    from senpath.inputs.sources.located import DataAt, lasting

    if not is_address(source) and not Path(source).exists() and source in {known.name for known in data.available()}:
        return None
    return DataAt(lasting(source), reading.label, reading.split, reading.modality, "skip" if reading.skip_bad else "error")


def _otherwise(source: str, reading: ReadingOptions) -> str:
    """How to tell what was guessed wrong."""
    told = {"--label COLUMN": reading.label is not None or Path(source).is_dir(), "--modality KIND": reading.modality is not None}
    options = [option for option, known in told.items() if not known]
    return f" (if that is wrong: {', '.join(options)})" if options and Path(source).suffix != ".npz" else ""


def _show_skipped(dataset: Data) -> None:
    for _, why in dataset.skipped[:SHOWN]:
        note(f"skipped: {why}")
    if len(dataset.skipped) > SHOWN:
        note(f"skipped: {len(dataset.skipped) - SHOWN:,} more")


def grouped_reasons(reasons: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Lines that say why something was left out, one for all that have the same reason.

    Args:
        reasons: names, each with its reason.
    """
    names: dict[str, list[str]] = {}
    for name, reason in reasons:
        names.setdefault(reason, []).append(name)
    for reason, those in [*names.items()][:SHOWN]:
        more = f" and {len(those) - 3:,} more" if len(those) > 3 else ""
        yield f"{', '.join(those[:3])}{more}: {reason}"
    if len(names) > SHOWN:
        yield f"{len(names) - SHOWN:,} more reasons"
