"""Inputs to predict, from whatever holds them; an error stands for each that cannot be read, where the caller takes errors one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from senpath.errors import InputError, warn
from senpath.inputs.modalities import ANIMATED, MODALITY_BY_ENDING
from senpath.inputs.modalities.clips import frame_files
from senpath.inputs.modalities.columns import Rows, is_frame
from senpath.inputs.modalities.table import fitting_table, table_columns
from senpath.inputs.sources.archives import held, unpacked
from senpath.inputs.sources.arrays import is_idx, read_idx, read_input_array
from senpath.inputs.sources.content import few, held_modality, read_content
from senpath.inputs.sources.dataset import ErrorPolicy, counted
from senpath.inputs.sources.files import inspect_files, is_hidden
from senpath.inputs.sources.guesses import require_header_line
from senpath.inputs.sources.raw_table import LABEL_COLUMN, RawTable
from senpath.inputs.sources.read import ENDINGS, TABLES
from senpath.inputs.sources.typed_tables import is_arrow, is_huggingface, read_arrow, read_frame, read_huggingface
from senpath.types import DataType, Video

Named = tuple[list[str], Any]
"""Inputs of a file, and for each what follows the file's name: nothing for a file that is one input."""


def read_unlabelled(files: Sequence[Path], known: Collection[DataType] = (), *, skip: bool = False) -> tuple[list[str], list[Any]]:
    """Read inputs to predict from files, with a name for each: the file's, with "[3]" for one of several, and the name within a zip file.

    Args:
        skip: whether an `InputError` stands for each input, or file, that cannot be read; otherwise as for `unlabelled_items`.
    """
    names: list[str] = []
    items: list[Any] = []
    uses = Counter(file.name for file in files)
    for file in files:
        inside, inputs = _or_error(file, known) if skip else _named_items(file, known, skip=False)
        name = str(file) if uses[file.name] > 1 else file.name
        names += [name + each for each in inside]
        items.extend(inputs)
    return names, items


def unlabelled_items(file: Path, known: Collection[DataType] = (), *, skip: bool = False) -> Any:
    """Read the inputs to predict from a file.

    Args:
        file: a picture, a sound, a clip or a text, which is one input; or a table or arrays that hold several, or a zip file of any. Where
            clips are known and pictures are not, an animated picture or a folder of frames is a clip.
        known: the types that the network has. Of a table that has all columns of one of these only they are read. A .npz file's labels are
            ignored.
        skip: whether inputs are taken as they are, to be read and refused one by one, and an `InputError` stands for a line of a table or
            a file in a zip file that cannot be read.

    Raises:
        InputError: if the file is missing, of another kind, or cannot be read.
        MissingExtraError: for a sound, a video or a Parquet file without the extra that reads it.
    """
    return _named_items(file, known, skip=skip)[1]


def unlabelled_table(data: Any) -> RawTable | None:
    """A data frame of pandas or polars, a data set of Hugging Face or an Arrow table as it is read; None for anything else."""
    if is_huggingface(data):
        return read_huggingface(data)
    return read_arrow(data) if is_arrow(data) else read_frame(data) if is_frame(data) else None


def unlabelled_rows(table: RawTable, known: Collection[DataType], *, skip: bool = False) -> Any:
    """The inputs to predict in a table; see `unlabelled_items`."""
    return _rows(table, known, ErrorPolicy("skip" if skip else "error"), skip=skip)


def _or_error(file: Path, known: Collection[DataType]) -> Named:
    try:
        return _named_items(file, known, skip=True)
    except InputError as error:
        return [""], [error]


def _named_items(file: Path, known: Collection[DataType], *, skip: bool) -> Named:
    modalities = {data_type.modality for data_type in known}
    clips = "video" in modalities and "image" not in modalities
    if clips and (file.suffix.lower() in ANIMATED if file.is_file() else file.is_dir() and frame_files(file)):
        return [""], [Video(file)]
    if not file.is_file():
        do = f"Give the files in it: {file / '*'}" if file.is_dir() else ""
        raise InputError(f"file {file}", expected="a file", got="a folder" if file.is_dir() else "nothing of that name", do=do)
    ending = file.suffix.lower()
    if ending == ".npz":
        return _numbered(read_input_array(file))
    if is_idx(file):
        return _numbered(read_idx(file))
    if ending == ".zip":
        return _in_zip(file, known, skip=skip)
    if ending in TABLES:
        policy = ErrorPolicy("skip" if skip else "error")
        return _numbered(_rows(TABLES[ending](file, policy), known, policy, skip=skip))
    decoded_later = "video" in modalities and MODALITY_BY_ENDING.get(ending) == "video"  # it takes long
    if ending in MODALITY_BY_ENDING and not skip and not decoded_later:  # a network without tasks of its type would never open it
        inspect_files([(file.name, str(file), file)], MODALITY_BY_ENDING[ending], ErrorPolicy())
    return [""], [file]


def _numbered(items: Any) -> Named:
    return [f"[{index}]" for index in range(len(items))], items


def _in_zip(file: Path, known: Collection[DataType], *, skip: bool) -> Named:
    """Of each file in a zip file the inputs, held in memory."""
    with unpacked(file) as folder:
        files = [folder] if folder.is_file() else sorted(path for path in folder.rglob("*") if path.is_file())
        others = [path for path in files if is_hidden(path.name) or path.suffix.lower() not in (*MODALITY_BY_ENDING, *ENDINGS)]
        if 0 < len(others) < len(files):
            warn(f"{file}: {counted(len(others), 'file')} of other kinds left out: {few([path.name for path in others])}")
            files = [path for path in files if path not in others]
        if any(path.suffix.lower() == ".zip" for path in files):  # which would unfold without end
            raise InputError(f"data {file}", expected="files to predict", got="a zip file in it", do="Give what is in that")
        names: list[str] = []
        items: list[Any] = []
        for path in files:
            within = path.name if path == folder else path.relative_to(folder).as_posix()
            inside, inputs = _held(path, known, file / within) if skip else _named_items(path, known, skip=False)
            names += [f"/{within}{each}" for each in inside]
            items += inputs if skip else held([*inputs])
        return names, items


def _held(path: Path, known: Collection[DataType], name: Path) -> Named:
    """A file's inputs, held in memory; errors call it by another name."""
    try:
        inside, inputs = _named_items(path, known, skip=path.suffix.lower() in TABLES)
        items = held([*inputs])
    except InputError as error:
        inside, items = [""], [error]
    for item in items:
        if isinstance(item, InputError):
            item.rename(str(path), str(name))
    return inside, items


def _rows(table: RawTable, known: Collection[DataType], policy: ErrorPolicy, *, skip: bool) -> Any:
    tables = [table_columns(data_type) for data_type in known if data_type.modality == "table"]
    fitting = fitting_table([*table.columns], tables)
    if fitting is None and table.from_line:
        require_header_line(table.columns, table.name)
    if fitting is not None and not skip:
        return read_content(table, tables[fitting], range(len(table)), "table", policy).items
    names = table.input_columns(LABEL_COLUMN) if fitting is None else tables[fitting]
    if not names and policy.errors:
        return [error for _, error in policy.errors]
    if not names:
        raise InputError(table.name, expected="at least one column", got="none that could be an input")
    modality = held_modality(table, names) if fitting is None else None
    rows: Sequence[int] = range(len(table))
    if not known or (modality is not None and (not tables or modality in {data_type.modality for data_type in known})):
        content = read_content(table, names, rows, None, policy)
        rows, items = content.rows, content.items
    else:
        items = Rows({name: table.columns[name] for name in names})  # as they are: who knows their columns says what is wrong
    return _in_order(table, rows, items, policy)


def _in_order(table: RawTable, rows: Sequence[int], items: Any, policy: ErrorPolicy) -> Any:
    """A table's inputs, with the errors about others where those stand in it."""
    if not policy.errors:
        return items
    placed = [(table.place(row), item) for row, item in zip(rows, items, strict=True)]
    return [item for _, item in sorted([*placed, *policy.errors], key=lambda each: int(each[0].rpartition(" ")[2]))]
