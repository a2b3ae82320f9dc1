"""Tables whose values have types: Parquet files, data sets of Hugging Face, data frames."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from senpath.arrays import as_word, object_array
from senpath.errors import InputError
from senpath.inputs.limits import require_memory, require_plain_file
from senpath.inputs.modalities.columns import Names, names_of, values_of
from senpath.inputs.sources.dataset import ErrorPolicy
from senpath.inputs.sources.raw_table import LABEL_NAMES, RawTable, column_array, require_header
from senpath.plugins import import_extra

EXACT = 2**53
"""Up to here whole numbers are the same as floats."""
PICKLED = "ray.data.arrow_pickled_object"
"""The type of Arrow whose values Ray, where it is imported, makes of pickles as they are read."""
NO_METADATA = (ValueError, AttributeError, TypeError, LookupError, RecursionError)
"""What reading metadata ends in that are no JSON, or another than a table of pandas or `datasets` has."""
VALUES_AT_ONCE = 2**21
"""Values of a Parquet file that are unpacked together, about."""
NESTED_BYTES = 40
"""Bytes of a value in a list or an object, which Python holds one by one."""


def is_huggingface(data: Any) -> bool:
    """Whether this is a `datasets.Dataset`, or a dictionary of several."""
    return all(hasattr(data, name) for name in ("column_names", "with_format", "cast_column"))


def read_parquet(path: Path, policy: ErrorPolicy) -> RawTable:
    """Read a .parquet file; if `datasets` wrote it, with the names of its classes.

    Raises:
        InputError: if it cannot be read, or its values take too much memory.
        MissingExtraError: without pyarrow.
    """
    pyarrow, parquet = (import_extra(module, "Parquet files", "tables") for module in ("pyarrow", "pyarrow.parquet"))
    what = f"table {path}"
    require_plain_file(path, what)
    try:
        with parquet.ParquetFile(path) as file:
            words = _words_of(file, what, path)
        # They stay places in a dictionary: each of a million rows may hold the same long one.
        with parquet.ParquetFile(path, read_dictionary=words) as file:
            columns, classes, words_of, unfolded = dict[str, np.ndarray](), dict[str, Sequence[str]](), list[str](), 0
            for names in _batches(file):
                table = file.read(columns=names)
                unfolded += sum(_unfolded(chunk) for column in table.columns for chunk in column.chunks)
                require_memory(what, unfolded, path)
                read = _from_arrow(table, what, path.parent)
                # Copied, so that what Parquet unpacked goes again.
                columns |= {name: np.array(values, subok=True) if names is not None else values for name, values in read.columns.items()}
                classes |= read.classes
                words_of += read.words
                del table
            require_header([*columns], what)
    except InputError:
        raise
    except (OSError, pyarrow.ArrowException, MemoryError, UnicodeDecodeError) as error:  # of names, which nobody looks at before
        raise InputError(what, expected="a readable .parquet file", got=f"{type(error).__name__}: {error}") from error
    return replace(read, columns=columns, classes=classes, words=words_of)


def _batches(file: Any) -> Iterator[list[str] | None]:
    """The columns of a Parquet file that are read together, by name; None for all, where a name alone does not tell which."""
    names, rows = file.schema_arrow.names, max(1, file.metadata.num_rows)
    if not names or len({*names}) < len(names) or any("." in name for name in names):
        yield None
        return
    size = max(1, VALUES_AT_ONCE // rows)
    for start in range(0, len(names), size):
        yield names[start : start + size]


def _words_of(file: Any, what: str, path: Path) -> list[str]:
    """The places of a Parquet file's words, also inside of lists and objects; refuses it if its metadata claim too many values."""
    metadata, schema = file.metadata, file.schema
    size, words = 8 * metadata.num_rows * metadata.num_columns, set[str]()
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for chunk in map(group.column, range(group.num_columns)):
            size += max(chunk.total_uncompressed_size, chunk.num_values * (NESTED_BYTES if "." in chunk.path_in_schema else 0))
            if chunk.physical_type == "BYTE_ARRAY":
                words.add(chunk.path_in_schema)
    require_memory(what, size, path)
    return [column.path for column in map(schema.column, range(len(schema))) if column.path in words]


def read_huggingface(data: Any, label: str | None = None) -> RawTable:
    """Read a `datasets.Dataset`, of the columns that its format has; its pictures and sounds stay encoded.

    Args:
        label: the column of labels, which is read in any case. Where none is given, the one that is known by its name or type is; if there
            is none, all columns are read.

    Raises:
        InputError: for a dictionary of several data sets, or a stream without a length.
    """
    what = f"data set {type(data).__name__}"
    if isinstance(data, Mapping):
        parts = ", ".join(map(repr, data))
        do = f"Choose one, such as data[{next(iter(data), '')!r}]"
        raise InputError(what, expected="one part of it", got=f"the parts {parts}", do=do)
    if not hasattr(data, "__len__"):
        raise InputError(
            what,
            expected="one with a length",
            got="a stream",
            do="Load it with streaming=False, or make one of its rows: Dataset.from_list(list(stream))",
        )
    features = data.features or {}
    classes = {name: held.names for name, feature in features.items() if (held := _class_label(feature)) is not None}
    form = getattr(data, "format", {})
    table = _from_arrow(data.with_format("arrow", columns=_columns_of(data, form, label, classes))[:], what, Path(), classes)
    raw = form.get("type") == "custom"
    return replace(table, note="read as it is stored, without its transform") if raw else table


def _columns_of(data: Any, form: Mapping[str, Any], label: str | None, classes: Collection[str]) -> list[str] | None:
    """The columns of a format, and that of the labels; None for all."""
    names = [*data.column_names]
    chosen = {*(form.get("columns") or names)}
    if form.get("output_all_columns") or chosen >= {*names}:
        return None
    by_name = {name.lower(): name for name in reversed(names)}
    labels = [label] if label is not None else [by_name[name] for name in LABEL_NAMES if name in by_name] + [*classes]
    if label is None and not labels:  # the last of the chosen ones would be taken for it
        return None
    wanted = chosen | {*labels[:1]} if not chosen & {*labels} else chosen
    return [name for name in names if name in wanted]


def _class_label(feature: Any) -> Any:
    """The `ClassLabel` of a column that holds classes, or a list of them for each row; None for any other."""
    held = feature[0] if isinstance(feature, list) and len(feature) == 1 else getattr(feature, "feature", feature)
    return held if type(held).__name__ == "ClassLabel" else None


def is_arrow(data: Any) -> bool:
    """Whether this is a table of pyarrow."""
    return all(hasattr(data, name) for name in ("column_names", "schema", "to_pylist"))


def read_arrow(table: Any) -> RawTable:
    """Read a table of pyarrow, or a batch of its rows.

    Raises:
        InputError: if a name occurs twice.
    """
    pyarrow = import_extra("pyarrow", "tables of pyarrow", "tables")
    whole = pyarrow.Table.from_batches([table]) if isinstance(table, pyarrow.RecordBatch) else table
    return _from_arrow(whole, "table", Path())


def require_no_pickle(table: Any, what: str = "table") -> None:
    """Refuse a table of pyarrow with values that are pickled, also inside of lists and objects: to read one may run anything.

    Raises:
        InputError: if a column has some.
    """
    for field in table.schema:
        if _is_pickled(field.type):
            raise InputError(f"column {field.name!r} of {what}", expected="plain values", got=f"pickled objects ({PICKLED})")


def _is_pickled(held: Any) -> bool:
    if hasattr(held, "extension_name"):
        return held.extension_name == PICKLED or _is_pickled(held.storage_type)
    if held.num_fields:
        return any(_is_pickled(held.field(place).type) for place in range(held.num_fields))
    return hasattr(held, "value_type") and _is_pickled(held.value_type)  # of a dictionary


def read_frame(frame: Any) -> RawTable:
    """Read a data frame of pandas or polars.

    Raises:
        InputError: if a name occurs twice.
    """
    names = [as_word(str(name)) for name in frame.columns]
    require_header(names, "data frame")
    columns = {name: values_of(frame[key]) for name, key in zip(names, frame.columns, strict=True)}
    words = [name for name, key in zip(names, frame.columns, strict=True) if not _are_numbers(frame[key], columns[name])]
    return RawTable("data frame", columns, from_line=all(isinstance(name, str) for name in frame.columns), words=words)


def _are_numbers(column: Any, values: np.ndarray) -> bool:
    """Whether a column of a data frame holds numbers, perhaps as categories."""
    return (np.asanyarray(column.to_numpy()) if isinstance(values, Names) else values).dtype.kind in "iuf"


def _from_arrow(table: Any, what: str, folder: Path, classes: Mapping[str, Sequence[str]] | None = None) -> RawTable:
    """A table of pyarrow.

    Args:
        classes: names of classes by column; None takes those that its metadata have.
    """
    names = [as_word(str(name)) for name in table.column_names]
    require_header(names, what)
    require_no_pickle(table, what)
    metadata = table.schema.metadata or {}
    categories, columns = _categories(metadata), {}
    for name, column in zip(names, table.columns, strict=True):
        try:
            columns[name] = _values(column, name in categories)
        except (ValueError, OverflowError) as error:  # bytes that are no text, times beyond the year 9999
            got = f"{type(error).__name__}: {error}"
            raise InputError(f"column {name!r} of {what}", expected="values that can be read", got=got) from error
    known = {as_word(name): class_names for name, class_names in (_class_names(metadata) if classes is None else classes).items()}
    present = {name: class_names for name, class_names in known.items() if name in columns}
    held = [column.type.value_type if _has_dictionary(column) else column.type for column in table.columns]
    words = [name for name, kind in zip(names, held, strict=True) if "string" in str(kind)]
    return RawTable(what, columns, range(table.num_rows), "row", folder, present, _row_names(metadata), words=words)


def _values(column: Any, category: bool) -> np.ndarray:
    """The values of a column.

    Args:
        category: whether words and numbers are known to be names. Numbers in a dictionary are, unless they have an order.
    """
    if category or _has_dictionary(column):
        listed = _of_dictionary(column) if _has_dictionary(column) else column_array(column.to_pylist())
        kinds = {*map(type, listed.tolist())} - {type(None)}
        named = category or (not column.type.ordered and kinds <= {int, float})
        return names_of(listed) if named and kinds and kinds <= {str, int, float} else listed
    held = str(column.type)
    if held.startswith(("timestamp", "date")):
        finer = held.startswith("timestamp[ns")  # of seconds and days what has no place would be another time
        return np.asarray(column.cast("timestamp[us]", safe=not finer).to_numpy())
    if held.startswith(("int", "uint", "float", "double", "half", "duration")):
        values: np.ndarray = np.asarray(column.to_numpy())
        whole = column.null_count and held.startswith(("int", "uint")) and len(values)
        if not whole or np.nanmax(np.abs(values), initial=0) < EXACT:  # with gaps they are floats
            return values
    return column_array(column.to_pylist())


def _unfolded(array: Any) -> int:
    """Bytes of the words of a part of a column, also inside of lists and objects, each counted as often as it occurs."""
    if _has_dictionary(array):
        lengths = np.array([len(word) if isinstance(word, str | bytes) else 0 for word in array.dictionary.to_pylist()], dtype=np.int64)
        return int(lengths[array.indices.drop_null().to_numpy(zero_copy_only=False)].sum())
    if not array.type.num_fields:
        return 0
    inside = array.flatten()
    return sum(map(_unfolded, inside if isinstance(inside, list) else [inside]))


def _has_dictionary(column: Any) -> bool:
    """Whether it holds words by their places in a dictionary."""
    return hasattr(column.type, "value_type") and hasattr(column.type, "index_type")


def _of_dictionary(column: Any) -> np.ndarray:
    """The values of a column in a dictionary; equal ones are one object."""
    parts = [np.zeros(0, dtype=object)]
    for chunk in column.chunks if hasattr(column, "chunks") else [column]:
        words = object_array([*chunk.dictionary.to_pylist(), None])
        parts.append(words[chunk.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)])
    return column_array(np.concatenate(parts).tolist())


def _row_names(metadata: Mapping[bytes, bytes]) -> list[str]:
    """The columns that hold the index of the data frame from which pandas made the table."""
    try:
        names = json.loads(metadata.get(b"pandas", b"{}")).get("index_columns", [])
        return [as_word(name) for name in names if isinstance(name, str)]
    except NO_METADATA:
        return []


def _categories(metadata: Mapping[bytes, bytes]) -> set[str]:
    """The columns that were categories without an order in the data frame from which pandas made the table."""
    try:
        columns = json.loads(metadata.get(b"pandas", b"{}")).get("columns", [])
        kinds = {str(each["name"]): each["metadata"] for each in columns if each["pandas_type"] == "categorical"}
        return {as_word(name) for name, kind in kinds.items() if not kind["ordered"]}
    except NO_METADATA:
        return set()


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """The names of classes that `datasets` wrote into a file's metadata."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
        # Of a list of classes the feature says what is in it.
        items = {name: feature[0] if isinstance(feature, list) else feature for name, feature in features.items()}
        held = {name: feature.get("feature", feature) for name, feature in items.items()}
        return {name: [*map(str, feature["names"])] for name, feature in held.items() if feature.get("_type") == "ClassLabel"}
    except NO_METADATA:
        return {}
