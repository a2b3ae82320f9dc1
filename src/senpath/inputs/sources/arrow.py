"""Parquet files, Hugging Face's data sets and data frames: tables whose columns have types."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from senpath.errors import InputError, MissingExtraError
from senpath.inputs.sources.found import Refusals
from senpath.inputs.sources.sheet import Sheet, as_values, require_header

LARGEST = 2**32
"""Bytes of a table's values in memory; compressed, a file of nothing else than zeros is small."""


def is_frame(data: Any) -> bool:
    """Whether this is a data frame, as pandas and polars have them."""
    return hasattr(data, "to_numpy") and hasattr(data, "columns")


def is_huggingface(data: Any) -> bool:
    """Whether this is a `datasets.Dataset`, or several of them."""
    return all(hasattr(data, name) for name in ("column_names", "with_format", "cast_column"))


def read_parquet(path: Path, refusals: Refusals) -> Sheet:
    """A .parquet file; where `datasets` wrote it, with the names of its classes.

    Raises:
        InputError: if it cannot be read, or its values take too much memory.
        MissingExtraError: without pyarrow.
    """
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise MissingExtraError("Parquet files", expected="pyarrow", got="not installed", do="pip install 'senpath[tables]'") from error
    what = f"table {path}"
    try:
        with parquet.ParquetFile(path) as file:
            described = file.metadata
            size = sum(described.row_group(index).total_byte_size for index in range(described.num_row_groups))
            if max(size, 8 * described.num_rows * described.num_columns) > LARGEST:
                raise InputError(what, expected=f"at most {LARGEST // 2**30} GiB in memory", got=f"{described.num_rows:,} rows")
            table = file.read()
    except (OSError, ArrowException, MemoryError) as error:
        raise InputError(what, expected="a readable .parquet file", got=f"{type(error).__name__}: {error}") from error
    return _from_arrow(table, what, path.parent, _written_classes(table.schema.metadata or {}))


def read_huggingface(data: Any) -> Sheet:
    """A `datasets.Dataset`; pictures and sounds in it as they are stored.

    Raises:
        InputError: for a data set of several parts, or one that is read as it comes and has no end.
    """
    what = f"data set {type(data).__name__}"
    if isinstance(data, Mapping):
        parts = ", ".join(map(repr, data))
        raise InputError(
            what, expected="one part of it", got=f"the parts {parts}", do=f"Choose one, such as data[{next(iter(data), '')!r}]"
        )
    if not hasattr(data, "__len__"):
        raise InputError(what, expected="one with a length", got="a stream", do="Load it with streaming=False, or take a list of its rows")
    features = data.features or {}
    classes = {name: feature.names for name, feature in features.items() if type(feature).__name__ == "ClassLabel"}
    return _from_arrow(data.with_format("arrow")[:], what, Path(), classes)


def read_frame(frame: Any) -> Sheet:
    """A data frame of pandas or polars.

    Raises:
        InputError: if a name is there twice.
    """
    what = "data frame"
    names = [str(name) for name in frame.columns]
    require_header(names, what)
    return Sheet(what, {name: np.asarray(frame[given].to_numpy()) for name, given in zip(names, frame.columns, strict=True)})


def _from_arrow(table: Any, what: str, folder: Path, classes: Mapping[str, Sequence[str]]) -> Sheet:
    names = [str(name) for name in table.column_names]
    require_header(names, what)
    columns = {name: _values(column) for name, column in zip(names, table.columns, strict=True)}
    known = {name: found for name, found in classes.items() if name in columns}
    return Sheet(what, columns, range(table.num_rows), "row", folder, known)


def _values(column: Any) -> np.ndarray:
    kind = str(column.type)
    if column.null_count == 0 and kind.startswith(("int", "uint", "float", "double", "half")):
        return np.asarray(column.to_numpy())
    return as_values(column.to_pylist())


def _written_classes(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Names of classes that `datasets` wrote into a file."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
        return {name: [*map(str, found["names"])] for name, found in features.items() if found.get("_type") == "ClassLabel"}
    except (ValueError, AttributeError, TypeError, KeyError):
        return {}
