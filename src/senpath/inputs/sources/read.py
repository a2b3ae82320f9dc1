"""Reading labelled data, and inputs to predict, from whatever holds them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Hashable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from senpath.buckets import is_address
from senpath.errors import InputError
from senpath.inputs.modalities import MODALITIES, modality_of_file, split_by_modality
from senpath.inputs.modalities.columns import Rows, is_frame
from senpath.inputs.sources.archives import held, read_zipped
from senpath.inputs.sources.arrays import idx_parts, is_idx, labels_beside, read_idx_pair, read_labelled_arrays
from senpath.inputs.sources.containers import is_dataset, is_experience, read_dataset, read_loader
from senpath.inputs.sources.content import few, read_content
from senpath.inputs.sources.dataset import SKIP_HINT, Data, ErrorPolicy, counted
from senpath.inputs.sources.files import NOUNS, is_hidden, label_table, read_folder, require_no_files_beside, unwrapped
from senpath.inputs.sources.guesses import require_header_line, require_plausible, require_same_rows, warn_of_labels_again, without_labels
from senpath.inputs.sources.located import DataAt, fetched
from senpath.inputs.sources.parts import WantedPart, choose, named_as_parts, require_no_part, split_name
from senpath.inputs.sources.raw_table import LABEL_COLUMN, LABEL_NAMES, RawTable, plain_labels
from senpath.inputs.sources.text_tables import read_delimited, read_json, read_json_lines, read_labelled_lines
from senpath.inputs.sources.typed_tables import is_arrow, is_huggingface, read_arrow, read_frame, read_huggingface, read_parquet
from senpath.inputs.sources.workbooks import read_workbook
from senpath.isolation import isolated
from senpath.tasks import Classification, Regression
from senpath.tasks.labels import label_values
from senpath.types import Video

TABLES: dict[str, Callable[[Path, ErrorPolicy], RawTable]] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json,
    ".parquet": read_parquet,
    ".xlsx": read_workbook,
    ".xlsm": read_workbook,
}
"""The reader of a table, by the ending of its file."""
ENDINGS = (*TABLES, ".txt", ".npz", ".zip")
IN_FOLDERS = (*TABLES, ".npz")
"""Endings of files that may stand in a folder by themselves, one for each part."""


@isolated
def read(
    data: Any, label: Any = None, *, split: str | None = None, modality: str | None = None, bad: str = "error", kind: str | None = None
) -> Data:
    """Read labelled data, and say what was read.

    Args:
        data: one of these:
            a folder with a subfolder per class of pictures, sounds, clips or texts, or of files beside a `metadata.csv` or `labels.csv`
            with a column `file_name`; a file `.csv`, `.tsv`, `.parquet`, `.xlsx`, `.jsonl`, `.json` (a list of objects), `.txt` (a label,
            a tab and a text on each line), `.npz` (arrays x and y, or images and labels) or idx (of images, with the labels beside); a
            `.zip` file of any of these; the address of any of these in object storage ("s3://", "gs://" or "az://"); a data frame of
            pandas or polars, or a table of pyarrow, whose index is left out; a Hugging Face `Dataset`; a torch `Dataset` or `DataLoader` of
            pairs; an experience of Avalanche; or inputs, with their labels.
        label: for a table the name of the column of labels; by default "label", "labels", "class", "target" or "y", else the last column.
            For inputs, or a data frame without labels, the labels themselves.
        split: of a folder, a .zip or a .npz file in parts, such as train and test, the one to read; by default that for training.
        modality: "image", "audio", "video", "text" or "table", where the guess would be wrong: for "video" an animated picture is a clip,
            and so are a folder of pictures within a class's, and an array of whatever shape.
        bad: what to do with files and rows that cannot be read, and rows without a label: "error" raises an error that names the first,
            "skip" leaves them out and lists them.
        kind: of the task, if it is known, see `Network.learn`: numbers to be predicted may all differ, labels that are guessed may not.

    Raises:
        InputError: if the data cannot be read; names the file, and the line or row. If the last column is taken for the labels, and its
            values all differ or it is called as texts or names of rows are.
        MissingExtraError: for sounds, videos, Parquet files or workbooks, if the extra that reads them is not installed.

    Example:
        >>> np.savez("digits.npz", x=x, y=y)  # or a folder, a table, a data frame, …
        >>> data = sp.read("digits.npz")
        >>> data.modality, len(data.x), len(data.y)
        ('image', 150, 150)
    """
    return read_part(data, label, WantedPart(split), modality=modality, bad=bad, kind=kind)


def read_part(data: Any, label: Any, part: WantedPart, *, modality: str | None, bad: str, kind: str | None) -> Data:
    """As `read`, of this part."""
    if modality is not None and modality not in MODALITIES:
        raise InputError("modality", expected=f"one of {', '.join(MODALITIES)}, or None", got=repr(modality))
    policy, label = ErrorPolicy(bad, SKIP_HINT), _as_name(label, data)
    if isinstance(data, DataAt):
        return _from_place(data, part, kind)
    if isinstance(data, str | Path):
        return _from_any_path(data, label, part, modality, policy, kind)
    require_no_part(part, f"a {type(data).__name__}")
    if isinstance(data, Data):
        _refuse_labels(label, "Data")
        return data
    table = _as_table(data, label) if label is None or isinstance(label, str) else None
    if table is not None:
        return _from_table(table, label, modality, policy, kind)
    if is_frame(data) and (label is None or isinstance(label, str)):
        return _from_table(read_frame(data), label, modality, policy, kind)
    return _from_pair(*read_labelled(data, label), modality)


def read_labelled(x: Any, y: Any = None, kind: str | None = None, *, usual: str = "train") -> tuple[Any, Any]:
    """Raw inputs and their labels.

    Args:
        x: inputs, with `y` their labels; or what `read` takes.
        y: the labels; or, for what has columns, the name of the column of labels.
        kind: of the task, if it is known.
        usual: the part that is read of a file or folder in parts.

    Raises:
        InputError: for anything else, or if a file cannot be read.
    """
    if isinstance(x, np.ndarray | torch.Tensor | list) and y is not None and not isinstance(y, str):
        return x, y
    y = _as_name(y, x)
    if not is_huggingface(x) and (isinstance(x, DataLoader) or is_dataset(x) or is_experience(x)):  # whose streams are torch's too
        _refuse_labels(y, type(x).__name__)
        return read_loader(x) if isinstance(x, DataLoader) else read_dataset(x if is_dataset(x) else x.dataset)
    if isinstance(x, DataAt):
        _refuse_labels(y, "DataAt")
        data = _from_place(x, WantedPart(usual=usual), kind)
        return data.x, data.y
    if isinstance(x, str | Path):
        data = _from_any_path(x, y, WantedPart(usual=usual), None, ErrorPolicy("error", SKIP_HINT), kind)
        return data.x, data.y
    if isinstance(x, Data) or ((is_huggingface(x) or is_frame(x) or is_arrow(x)) and (y is None or isinstance(y, str))):
        data = read(x, y, kind=kind)
        return data.x, data.y
    table = _as_table(x)
    if table is not None:
        return _beside_labels(table, y, kind), y
    if hasattr(x, "collect") and not is_frame(x):
        raise InputError("data", expected="a data frame", got=f"a {type(x).__name__}", do="Call collect() first")
    if y is None or isinstance(y, str):
        do = "Pass y, or what holds both: a folder, a file, a data frame, a Dataset or a DataLoader"
        if hasattr(x, "data") and hasattr(x, "target"):  # of scikit-learn
            do = "Pass its two parts: x.data, x.target"
        elif isinstance(x, list) and x and isinstance(x[0], dict):
            do = "Rows with their labels make a data frame: pandas.DataFrame(rows)"
        raise InputError("labels y", expected="one label per input", got=repr(y), do=do)
    if is_frame(x) and isinstance(y, list) and len(y) != len(x) and y and {*map(str, y)} <= {*map(str, x.columns)}:
        do = f"Give the columns themselves: frame.drop(columns={y}), frame[{y}]"
        raise InputError("labels y", expected="one label per input", got="names of columns", do=do)
    require_same_rows(x, y)
    return without_labels(x, y, kind), y


def _as_name(label: Any, data: Any) -> Any:
    """The name of a column of labels that is no text, such as a number, a date or one of several levels, as text; all else as it is."""
    single = isinstance(label, Hashable) and (isinstance(label, tuple) or not hasattr(label, "__len__"))
    if single and label is not None and is_frame(data):
        named = [name for name in data.columns if isinstance(name, bool) == isinstance(label, bool)]  # True is no 1
        return str(label) if label in named else label
    return label


def _beside_labels(table: RawTable, y: Any, kind: str | None) -> Any:
    """The inputs of a table whose labels are given apart; a column called as labels are that is these is none, of others it is warned."""
    values = label_values(y)
    labels = [*values] if getattr(values, "ndim", 1) == 1 else []
    words, names = [*map(str, labels)], table.input_columns()
    names = [name for name in names if name.lower() not in LABEL_NAMES or [*map(str, table.columns[name])] != words]
    items = read_content(table, names, range(len(table)), None, ErrorPolicy()).items
    if kind != Regression.name and isinstance(items, Rows) and len(items) == len(labels):
        warn_of_labels_again(labels, items)
    return items


def _as_table(data: Any, label: str | None = None) -> RawTable | None:
    """A data set of Hugging Face or a table of Arrow as it is read; None for anything else."""
    return read_huggingface(data, label) if is_huggingface(data) else read_arrow(data) if is_arrow(data) else None


def _refuse_labels(y: Any, what: str) -> None:
    if y is not None:
        raise InputError("labels y", expected=f"None beside {what}, which holds its own labels", got=type(y).__name__)


def _refuse_column(label: str | None, what: str) -> None:
    if label is not None:
        raise InputError("column of labels", expected=f"none of {what}, which has no columns", got=repr(label))


def _from_place(data: DataAt, part: WantedPart, kind: str | None) -> Data:
    part = WantedPart(data.split, part.usual)
    return read_part(data.place, data.label, part, modality=data.modality, bad=data.bad, kind=kind)


def _from_any_path(place: str | Path, label: Any, part: WantedPart, modality: str | None, policy: ErrorPolicy, kind: str | None) -> Data:
    """What a folder, a file or a zip file holds, or objects at an address."""
    if not isinstance(label, str):
        _refuse_labels(label, "a path")
    if is_address(place):
        with fetched(place) as copy:
            data = _from_any_path(copy, label, part, modality, policy, kind)
            return replace(data, x=held(data.x))
    path = Path(os.path.expanduser(place))
    try:
        if path.suffix.lower() == ".zip" and path.is_file():
            return read_zipped(path, lambda inside: _from_path(inside, label, part, modality, policy, kind))
        return _from_path(path, label, part, modality, policy, kind)
    except (OSError, RecursionError) as error:
        got = "folders within folders without end" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"data {path}", expected="a folder or file that can be read", got=got) from error


def _from_path(path: Path, label: str | None, part: WantedPart, modality: str | None, policy: ErrorPolicy, kind: str | None) -> Data:
    if path.is_dir() and (within := unwrapped(path, modality)) != path:
        return _saying(_from_path(within, label, part, modality, policy, kind), f"in {str(within.relative_to(path))!r}")
    table, said = (label_table(path) if path.is_dir() else path if path.is_file() else None), ""
    if path.is_dir() and table is None:
        inside = _parts_of_folder(path)
        if not inside:
            require_no_part(part, f"folder {path}")
            _refuse_column(label, "a folder of classes")
            return read_folder(path, modality, policy)
        chosen, said = choose(inside, part, f"folder {path}")
        said += _beside({*inside.values()})
        part = WantedPart()
        if chosen.is_dir():
            return _saying(_from_path(chosen, label, part, modality, policy, kind), said)
        table = chosen
    if table is None:
        got = "no plain file" if path.exists() else "nothing of that name"
        raise InputError(f"data {path}", expected="a folder or file", got=got)
    data = _from_file(table, label, part, modality, policy, kind)
    if path.is_dir() and data.modality == "table" and modality is None:
        require_no_files_beside(table)
    return _saying(data, said)


def _parts_of_folder(folder: Path) -> dict[str, Path]:
    """The folders or files that are the parts of a data set; none where subfolders are classes.

    Raises:
        InputError: if there are several folders or files of one part.
    """
    inside = sorted(child for child in folder.iterdir() if not is_hidden(child.name))
    folders = [child for child in inside if child.is_dir()]
    if folders:
        named, whole = named_as_parts(folders)
        parts = {split_name(child.name)[0]: child for child in named}
        if (whole and named == folders) or (len(parts) > 1 and "train" in parts):  # beside them may be masks, or what has no labels
            if len(parts) < len(named):
                got = ", ".join(repr(child.name) for child in named)
                raise InputError(f"folder {folder}", expected="one folder for each part", got=got)
            return parts
        return _parts_of_folder(folders[0]) if len(inside) == 1 else {}
    images = {name: images for name, (images, _) in idx_parts(folder).items()}
    files = [child for child in inside if child.suffix.lower() in IN_FOLDERS] if not images else []
    for file in files:
        name = split_name(file.stem)[0]
        if name in images:
            got = f"{images[name].name} and {file.name}"
            raise InputError(f"folder {folder}", expected="one table, or one for each part", got=got, do=f"Name it, such as {file}")
        images[name] = file
    return images


def _beside(parts: Collection[Path]) -> str:
    """What is to be said of the folders that are beside the parts of a data set, and are none."""
    others = {child for part in parts if part.is_dir() for child in part.parent.iterdir() if child.is_dir() and not is_hidden(child.name)}
    names = sorted(child.name for child in others - {*parts})
    return f", left out {few([*map(repr, names)])}" if names else ""


def _saying(data: Data, more: str) -> Data:
    return replace(data, about=f"{data.about}; {more}") if more else data


def _from_file(table: Path, label: str | None, part: WantedPart, modality: str | None, policy: ErrorPolicy, kind: str | None) -> Data:
    ending = table.suffix.lower()
    if ending == ".npz":
        _refuse_column(label, "arrays")
        x, y, said = read_labelled_arrays(table, part)
        return _saying(_from_pair(x, y, modality), said)
    require_no_part(part, f"data {table}")
    if ending in TABLES:
        return _from_table(TABLES[ending](table, policy), label, modality, policy, kind)
    if ending == ".txt":
        _refuse_column(label, "lines of text")
        return _from_table(read_labelled_lines(table, policy), LABEL_COLUMN, "text", policy, kind)
    if is_idx(table):
        _refuse_column(label, "arrays")
        return _from_pair(*read_idx_pair(table, labels_beside(table)), modality)
    expected = f"a folder with a subfolder per class, or a file {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
    raise InputError(f"data {table}", expected=expected, got=ending or "no ending")


def _from_table(table: RawTable, label: str | None, modality: str | None, policy: ErrorPolicy, kind: str | None) -> Data:
    if not len(table):
        policy.require_some(0, table.name)
        raise InputError(table.name, expected="rows to learn from", got="none")
    if label is None and table.from_line:  # else one of the names is known to be one
        require_header_line(table.columns, table.name)
    name, choice = table.label_column(label)
    labels, wrong = table.labels(name)
    for row, error in wrong.items():
        policy.reject(table.place(row), error)
    rows = [row for row in range(len(table)) if row not in wrong]
    policy.require_some(len(rows), table.name)
    inputs = table.input_columns(name)
    words_stay = name in table.words or name in table.classes
    as_learned = partial(plain_labels, words_stay=words_stay, fractions=kind != Classification.name)
    if choice:
        require_plausible(table.name, name, list(as_learned(labels[rows])), inputs, kind)
    content = read_content(table, inputs, rows, modality, policy)
    policy.require_some(len(content.rows), table.name)
    y = as_learned(labels[list(content.rows)])
    if kind != Regression.name and isinstance(content.items, Rows):
        warn_of_labels_again([*y], content.items)
    index = [other for other in table.index if other != name]
    about = f"{content.about}; label {name!r}{choice}" + (f"; index {', '.join(map(repr, index))} left out" if index else "")
    about += f"; {table.note}" if table.note else ""
    return Data(content.items, y, content.modality, about, tuple(policy.skipped))


def _from_pair(x: Any, y: Any, modality: str | None) -> Data:
    if modality == "video":
        files = {place for place, item in enumerate(x) if isinstance(item, Path) and modality_of_file(item) == "video"}
        x = [item if isinstance(item, Video) or place in files else Video(item) for place, item in enumerate(x)]
    groups = split_by_modality(x)
    modalities = [*dict.fromkeys(group.modality for group in groups)]
    if len(modalities) > 1 or (modality is not None and modalities not in ([], [modality])):
        raise InputError("inputs", expected=f"{modality} data" if modality else "one data type", got=" and ".join(modalities))
    held = modalities[0] if modalities else "table"
    about = counted(sum(len(group.rows) for group in groups), *NOUNS[held])
    shape: Any = getattr(x, "shape", ())
    if len(shape) > 1:
        about += f", {counted(shape[1], 'column')}" if held == "table" else f" of {'×'.join(map(str, shape[1:]))}"
    return Data(x, y, held, about)
