"""Reading labelled data, whatever it is in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from senpath.errors import InputError
from senpath.inputs.modalities import MODALITIES, split_by_modality
from senpath.inputs.sources.arrays import read_arrays
from senpath.inputs.sources.arrow import is_frame, is_huggingface, read_frame, read_huggingface, read_parquet
from senpath.inputs.sources.containers import is_dataset, is_experience, read_dataset, read_loader
from senpath.inputs.sources.content import read_content
from senpath.inputs.sources.folders import label_table, read_folder
from senpath.inputs.sources.found import OTHERWISE, Data, Refusals, counted
from senpath.inputs.sources.labels import label_column, plain_labels, read_column_of_labels
from senpath.inputs.sources.lines import read_delimited, read_json, read_json_lines, read_labelled_lines
from senpath.inputs.sources.media import NAMES
from senpath.inputs.sources.sheet import Sheet

TABLES: dict[str, Callable[[Path, Refusals], Sheet]] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json,
    ".parquet": read_parquet,
}
"""How a table is read, by the ending of its file."""
ENDINGS = (*TABLES, ".txt", ".npz")


def read(data: Any, label: Any = None, *, modality: str | None = None, bad: str = "error") -> Data:
    """Read labelled data and say what was found.

    Args:
        data: one of these:
            a folder with a subfolder per class of pictures, sounds or texts, or of files beside a `metadata.csv` or `labels.csv` with a
            column `file_name`; a file `.csv`, `.tsv`, `.parquet`, `.jsonl`, `.json` (a list of objects), `.txt` (a label, a tab and a
            text on each line) or `.npz` (arrays x and y); a data frame of pandas or polars; a Hugging Face `Dataset`; a torch `Dataset`
            or `DataLoader` of pairs; an experience of Avalanche; or inputs, with their labels.
        label: of a table the column of labels; by itself it is "label", "labels", "class", "target" or "y", else the last. Of inputs,
            or of a data frame without its labels, the labels.
        modality: "image", "audio", "text" or "table", where what is guessed is wrong.
        bad: what becomes of files that cannot be read and of rows with gaps: "error" ends with the first one's name, "skip" leaves
            them out and lists them.

    Raises:
        InputError: if it cannot be read; names the file, and the line or row.
        MissingExtraError: for a sound or a Parquet file without the extra that reads it.
    """
    if modality is not None and modality not in MODALITIES:
        raise InputError("modality", expected=f"one of {', '.join(MODALITIES)}, or None", got=repr(modality))
    refusals = Refusals(bad, OTHERWISE)
    if isinstance(data, Data):
        _refuse_labels(label, "Data")
        return data
    if isinstance(data, str | Path):
        try:
            return _from_path(Path(data), label, modality, refusals)
        except OSError as error:
            raise InputError(f"data {data}", expected="a folder or file that can be read", got=str(error)) from error
    if is_huggingface(data):
        return _from_sheet(read_huggingface(data), label, modality, refusals)
    if is_frame(data) and (label is None or isinstance(label, str)):
        return _from_sheet(read_frame(data), label, modality, refusals)
    return _from_pair(*read_labelled(data, label), modality)


def read_labelled(x: Any, y: Any = None) -> tuple[Any, Any]:
    """Raw inputs and their labels.

    Args:
        x: inputs, with `y` their labels; or what `read` takes.
        y: the labels; or, beside what has columns, the name of the one that they are in, if need be.

    Raises:
        InputError: for anything else, or if a file cannot be read.
    """
    if isinstance(x, DataLoader) or is_dataset(x):
        _refuse_labels(y, type(x).__name__)
        return read_loader(x) if isinstance(x, DataLoader) else read_dataset(x)
    if is_experience(x):
        _refuse_labels(y, type(x).__name__)
        return read_dataset(x.dataset)
    if isinstance(x, Data | str | Path) or is_huggingface(x) or (is_frame(x) and (y is None or isinstance(y, str))):
        found = read(x, y)
        return found.x, found.y
    if hasattr(x, "collect"):
        raise InputError("data", expected="a data frame", got=f"a {type(x).__name__}", do="Call collect() first")
    if y is None or isinstance(y, str):
        do = "Pass y, or what holds both: a folder, a file, a data frame, a Dataset or a DataLoader"
        raise InputError("labels y", expected="one label per input", got=repr(y), do=do)
    return x, y


def _refuse_labels(y: Any, what: str) -> None:
    if y is not None:
        raise InputError("labels y", expected=f"None beside {what}, which holds its own labels", got=type(y).__name__)


def _refuse_column(label: Any, what: str) -> None:
    """Labels that are in no column cannot be chosen by one's name."""
    _refuse_labels(label if not isinstance(label, str) else None, "a path")
    if label is not None:
        raise InputError("column of labels", expected=f"none of {what}, which has no columns", got=repr(label))


def _from_path(path: Path, label: Any, modality: str | None, refusals: Refusals) -> Data:
    if label is not None and not isinstance(label, str):
        _refuse_labels(label, "a path")
    table = path if path.is_file() else label_table(path) if path.is_dir() else None
    if path.is_dir() and table is None:
        _refuse_column(label, "a folder of classes")
        return read_folder(path, modality, refusals)
    if table is None:
        got = "no plain file" if path.exists() else "nothing of that name"
        raise InputError(f"data {path}", expected="a folder or file", got=got)
    ending = table.suffix.lower()
    if ending in TABLES:
        return _from_sheet(TABLES[ending](table, refusals), label, modality, refusals)
    if ending == ".txt":
        _refuse_column(label, "lines of text")
        return _from_sheet(read_labelled_lines(table, refusals), "label", "text", refusals)
    if ending == ".npz":
        _refuse_column(label, "arrays")
        return _from_pair(*read_arrays(table), modality)
    expected = f"a folder with a subfolder per class, or a file {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
    raise InputError(f"data {path}", expected=expected, got=ending or "no ending")


def _from_sheet(sheet: Sheet, label: str | None, modality: str | None, refusals: Refusals) -> Data:
    if not len(sheet):
        refusals.require_some(0, sheet.name)
        raise InputError(sheet.name, expected="rows to learn from", got="none")
    name, how = label_column(sheet, label)
    labels, wrong = read_column_of_labels(sheet, name)
    for row, error in wrong.items():
        refusals.refuse(sheet.where(row), error)
    rows = [row for row in range(len(sheet)) if row not in wrong]
    refusals.require_some(len(rows), sheet.name)
    content = read_content(sheet, [other for other in sheet.columns if other != name], rows, modality, refusals)
    refusals.require_some(len(content.rows), sheet.name)
    y = plain_labels(labels[list(content.rows)], classes=name in sheet.classes)
    return Data(content.items, y, content.modality, f"{content.about}; label {name!r}{how}", tuple(refusals.skipped))


def _from_pair(x: Any, y: Any, modality: str | None) -> Data:
    groups = split_by_modality(x)
    found = [*dict.fromkeys(group.modality for group in groups)]
    if len(found) > 1 or (modality is not None and found not in ([], [modality])):
        raise InputError("inputs", expected=f"{modality} data" if modality else "one data type", got=" and ".join(found))
    kind = found[0] if found else "table"
    about = counted(sum(len(group.rows) for group in groups), *NAMES[kind])
    shape: Any = getattr(x, "shape", ())
    if len(shape) > 1:
        about += f", {counted(shape[1], 'column')}" if kind == "table" else f" of {'×'.join(map(str, shape[1:]))}"
    return Data(x, y, kind, about)
