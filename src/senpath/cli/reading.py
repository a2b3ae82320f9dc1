"""Labelled data as the commands take it: read, and told about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from senpath import data
from senpath.cli.show import console
from senpath.inputs.sources import Data, read

SHOWN = 20
"""What was skipped is told one by one up to this many."""


@dataclass(frozen=True)
class Reading:
    """How labelled data is to be read; see `senpath.read`.

    Args:
        label: the column of labels, if it is told.
        modality: what the inputs are, if it is told.
        skip_bad: whether what cannot be read is left out.
    """

    label: str | None = None
    modality: str | None = None
    skip_bad: bool = False


def labelled(source: str, split: str = "train", *, reading: Reading, say: bool = False) -> tuple[Any, Any]:
    """A path's labelled data, or this part of a known set.

    Args:
        say: whether what was read is told, or only what was left out.
    """
    if not Path(source).exists() and source in {known.name for known in data.available()}:
        return data.load(source, split)
    found = read(Path(source), reading.label, modality=reading.modality, bad="skip" if reading.skip_bad else "error")
    if say:
        console.print(f"read: {found.about}{_otherwise(source, reading)}", highlight=False, soft_wrap=True)
    _show_skipped(found)
    return found.x, found.y


def _otherwise(source: str, reading: Reading) -> str:
    """How to tell what was guessed wrong."""
    told = {"--label COLUMN": reading.label is not None or Path(source).is_dir(), "--modality KIND": reading.modality is not None}
    options = [option for option, known in told.items() if not known]
    return f" (if that is wrong: {', '.join(options)})" if options and Path(source).suffix != ".npz" else ""


def _show_skipped(found: Data) -> None:
    for _, why in found.skipped[:SHOWN]:
        console.print(f"skipped: {why}", highlight=False, soft_wrap=True)
    if len(found.skipped) > SHOWN:
        console.print(f"skipped: {len(found.skipped) - SHOWN:,} more", highlight=False, soft_wrap=True)


def explain_columns(items: Iterable[Any], tables: Sequence[Sequence[str]]) -> None:
    """Say why rows fit nothing, if their columns are those of no table that the network knows.

    Args:
        items: inputs of all kinds.
        tables: the columns of the network's tables.
    """
    strange = next((item for item in items if isinstance(item, dict) and all(item.keys() != {*columns} for columns in tables)), None)
    if strange is not None:
        known = "; ".join(_listed(columns) for columns in tables) or "none"
        console.print(
            f"the columns {_listed(strange)} fit no table that this network has learned: {known}", highlight=False, soft_wrap=True
        )


def _listed(columns: Iterable[str]) -> str:
    names = [*columns]
    return ", ".join(map(repr, names[:20])) + (", …" if len(names) > 20 else "")
