"""Tables and arrays whose values have types: .npz and Parquet files, data sets of Hugging Face, data frames."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from senpath.arrays import as_word, unmasked
from senpath.errors import InputError
from senpath.inputs.sources.dataset import ErrorPolicy
from senpath.inputs.sources.guesses import require_header_line
from senpath.inputs.sources.raw_table import RawTable, column_array, require_header
from senpath.plugins import import_extra

MAX_BYTES = 2**32
"""Bytes of an array or a table in memory; a compressed file of zeros is small, whatever its size."""
NPY_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def is_huggingface(data: Any) -> bool:
    """Whether this is a `datasets.Dataset`, or a dictionary of several."""
    return all(hasattr(data, name) for name in ("column_names", "with_format", "cast_column"))


def read_arrays(path: Path, *names: str) -> list[np.ndarray]:
    """Read arrays of a .npz file by their names.

    Raises:
        InputError: if one is absent, cannot be read, holds pickled objects, or takes too much memory.
    """
    what = f"arrays {path}"
    try:
        # Opened here: given a damaged file by name, numpy leaves it open.
        with path.open("rb") as file, zipfile.ZipFile(file) as archive, np.load(file, allow_pickle=False) as arrays:
            for name in names:
                _require_size(archive, name, what)
            return [arrays[name] for name in names]
    except InputError:
        raise
    except (OSError, ValueError, TypeError, KeyError, EOFError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error) as error:
        expected = f"a .npz with {' and '.join(names)}, no objects"
        raise InputError(what, expected=expected, got=f"{type(error).__name__}: {error}") from error


def _require_size(archive: zipfile.ZipFile, name: str, what: str) -> None:
    """Check the size that an array's header claims before memory is allocated for it."""
    with archive.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        shape, _, dtype = NPY_HEADERS[version](member)
    size = prod(shape) * dtype.itemsize
    if max(size, archive.getinfo(f"{name}.npy").file_size) > MAX_BYTES:
        raise InputError(what, expected=f"at most {MAX_BYTES // 2**30} GiB of {name}", got=f"{size / 2**30:,.1f} GiB")


def read_parquet(path: Path, policy: ErrorPolicy) -> RawTable:
    """Read a .parquet file; if `datasets` wrote it, with the names of its classes.

    Raises:
        InputError: if it cannot be read, or its values take too much memory.
        MissingExtraError: without pyarrow.
    """
    pyarrow, parquet = (import_extra(module, "Parquet files", "tables") for module in ("pyarrow", "pyarrow.parquet"))
    what = f"table {path}"
    try:
        with parquet.ParquetFile(path) as file:
            metadata = file.metadata
            size = sum(metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups))
            if max(size, 8 * metadata.num_rows * metadata.num_columns) > MAX_BYTES:
                raise InputError(what, expected=f"at most {MAX_BYTES // 2**30} GiB in memory", got=f"{metadata.num_rows:,} rows")
            table = file.read()
    except (OSError, pyarrow.ArrowException, MemoryError) as error:
        raise InputError(what, expected="a readable .parquet file", got=f"{type(error).__name__}: {error}") from error
    return _from_arrow(table, what, path.parent)


def read_huggingface(data: Any) -> RawTable:
    """Read a `datasets.Dataset`; its pictures and sounds stay encoded.

    Raises:
        InputError: for a dictionary of several data sets, or a stream without a length.
    """
    what = f"data set {type(data).__name__}"
    if isinstance(data, Mapping):
        parts = ", ".join(map(repr, data))
        do = f"Choose one, such as data[{next(iter(data), '')!r}]"
        raise InputError(what, expected="one part of it", got=f"the parts {parts}", do=do)
    if not hasattr(data, "__len__"):
        raise InputError(what, expected="one with a length", got="a stream", do="Load it with streaming=False, or take a list of its rows")
    features = data.features or {}
    classes = {name: label.names for name, feature in features.items() if (label := _class_label(feature)) is not None}
    return _from_arrow(data.with_format("arrow")[:], what, Path(), classes)


def _class_label(feature: Any) -> Any:
    """The `ClassLabel` of a column that holds classes, or a list of them for each row; None for any other."""
    held = feature[0] if isinstance(feature, list) and len(feature) == 1 else getattr(feature, "feature", feature)
    return held if type(held).__name__ == "ClassLabel" else None


def is_arrow(data: Any) -> bool:
    """Whether this is a table of pyarrow."""
    return all(hasattr(data, name) for name in ("column_names", "schema", "to_pylist"))


def read_arrow(table: Any) -> RawTable:
    """Read a table of pyarrow.

    Raises:
        InputError: if a name occurs twice.
    """
    return _from_arrow(table, "table", Path())


def read_frame(frame: Any) -> RawTable:
    """Read a data frame of pandas or polars.

    Raises:
        InputError: if a name occurs twice.
    """
    names = [as_word(str(name)) for name in frame.columns]
    require_header(names, "data frame")
    columns = {name: unmasked(np.asanyarray(frame[key].to_numpy())) for name, key in zip(names, frame.columns, strict=True)}
    if all(isinstance(name, str) for name in frame.columns):
        require_header_line(columns, "data frame")
    return RawTable("data frame", columns)


def _from_arrow(table: Any, what: str, folder: Path, classes: Mapping[str, Sequence[str]] | None = None) -> RawTable:
    """A table of pyarrow.

    Args:
        classes: names of classes by column; None takes those that its metadata have.
    """
    names = [as_word(str(name)) for name in table.column_names]
    require_header(names, what)
    columns = {name: _values(column) for name, column in zip(names, table.columns, strict=True)}
    metadata = table.schema.metadata or {}
    known = {as_word(name): class_names for name, class_names in (_class_names(metadata) if classes is None else classes).items()}
    present = {name: class_names for name, class_names in known.items() if name in columns}
    return RawTable(what, columns, range(table.num_rows), "row", folder, present, _row_names(metadata))


def _values(column: Any) -> np.ndarray:
    if column.null_count == 0 and str(column.type).startswith(("int", "uint", "float", "double", "half")):
        return np.asarray(column.to_numpy())
    return column_array(column.to_pylist())


def _row_names(metadata: Mapping[bytes, bytes]) -> list[str]:
    """The columns that hold the index of the data frame from which pandas made the table."""
    try:
        names = json.loads(metadata.get(b"pandas", b"{}")).get("index_columns", [])
        return [as_word(name) for name in names if isinstance(name, str)]
    except (ValueError, AttributeError, TypeError):
        return []


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """The names of classes that `datasets` wrote into a file's metadata."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
        # Of a list of classes the feature says what is in it.
        items = {name: feature[0] if isinstance(feature, list) else feature for name, feature in features.items()}
        held = {name: feature.get("feature", feature) for name, feature in items.items()}
        return {name: [*map(str, feature["names"])] for name, feature in held.items() if feature.get("_type") == "ClassLabel"}
    except (ValueError, AttributeError, TypeError, KeyError):
        return {}
