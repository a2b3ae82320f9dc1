"""Estimators as files of the skops format: read without making any of what they name, or, on the user's word, by skops."""

from __future__ import annotations

import io
import json
import tokenize
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

import numpy as np

from senpath.components.estimators.fitted import Fitted
from senpath.components.estimators.steps import require
from senpath.errors import InputError, StoreError

SCHEMA = "schema.json"
"""The part of a skops file that says what its arrays belong to."""
OWN = ("sklearn.", "numpy.", "scipy.")
"""Packages whose types may be in an estimator, also those that skops leaves to the reader's judgement."""
DEEPEST = 100
"""Parts that lie in each other in a schema, at most."""


def read_members(payload: bytes) -> dict[str, bytes]:
    """The parts of a skops file, which lie in it as they are, so that together they are no longer than the file.

    Raises:
        Exception: of any kind, if the file is damaged.
    """
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        members = archive.infolist()
        stored = all(member.compress_type == zipfile.ZIP_STORED for member in members)
        require(stored and sum(member.file_size for member in members) <= len(payload), "parts that are stored uncompressed, once each")
        return {member.filename: archive.read(member) for member in members}


def read_fitted(payload: bytes) -> Any:
    """What a skops file holds: numbers, arrays, lists, and objects as `Fitted`. Nothing that it names is imported or made.

    Raises:
        Exception: of any kind, if the file is damaged.
    """
    members = read_members(payload)
    return _Reader(members).read(json.loads(members[SCHEMA]), 0)


class _Reader:
    """Reads the nodes of a schema.

    Args:
        members: content of each file of arrays.
    """

    def __init__(self, members: Mapping[str, bytes]) -> None:
        self._members = members
        self._arrays: dict[str, np.ndarray] = {}

    def read(self, node: Any, depth: int) -> Any:
        """What a node stands for; of a kind that is of no use here, an object without attributes."""
        require(isinstance(node, dict) and depth <= DEEPEST, f"a schema at most {DEEPEST} deep")
        content, loader = node.get("content"), node.get("__loader__")
        if loader == "JsonNode":
            return json.loads(content)
        if loader in ("ListNode", "TupleNode"):
            return [self.read(part, depth + 1) for part in content]
        if loader in ("DictNode", "DefaultDictNode"):
            return {name: self.read(part, depth + 1) for name, part in content.items()}
        if loader == "NdArrayNode":
            return self._array(node, depth)
        name, module = str(node.get("__class__")), str(node.get("__module__"))
        if isinstance(content, dict) and content.get("__loader__") == "DictNode":
            return Fitted(module, name, self.read(content, depth + 1))
        return Fitted(module, name, {})

    def _array(self, node: Mapping[str, Any], depth: int) -> Any:
        if node.get("type") == "json":
            shape = self.read(node["shape"], depth + 1)
            flat = list(_leaves(node["content"], len(shape)))
            values = np.empty(len(flat), dtype=object)
            for place, part in enumerate(flat):
                values[place] = self.read(part, depth + 1)
            return values.reshape(shape)
        array = self._arrays.setdefault(node["file"], read_array(self._members[node["file"]]))
        return array if node.get("__class__") == "ndarray" else array[()]


def _leaves(nodes: Any, axes: int) -> Iterator[Any]:
    """The nodes of nested lists, with so many axes."""
    for node in nodes:
        if axes > 1:
            yield from _leaves(node["content"], axes - 1)
        else:
            yield node


def read_array(content: bytes) -> np.ndarray:
    """The array of an .npy file, which shares the file's memory: its shape takes as many bytes as there are.

    Raises:
        ValueError: if they are more or less, or are no numbers or text.
    """
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    require(version in readers, "an array of format 1 or 2")
    try:
        shape, fortran, dtype = readers[version](file)
    except (tokenize.TokenError, SyntaxError, RecursionError, MemoryError) as error:  # numpy's parser of headers
        raise ValueError(f"a header that is none: {error}") from error
    count = 1
    for length in shape:
        count *= length
    require(
        not dtype.hasobject and min((0, *shape)) >= 0 and count * dtype.itemsize == len(content) - file.tell(),
        "an array as its header says",
    )
    flat = np.frombuffer(content, dtype, count, file.tell()) if count else np.empty(0, dtype)
    return flat.reshape(shape, order="F" if fortran else "C")


def dump_estimator(estimator: Any) -> bytes:
    """The estimator in the skops format, which holds no code.

    Raises:
        InputError: if it contains a type that could not be loaded again without running code of that type.
    """
    import skops.io  # large, and rarely needed

    payload = _canonical(skops.io.dumps(estimator))
    unknown = sorted(name for name in skops.io.get_untrusted_types(data=payload) if not name.startswith(OWN))
    if unknown:
        raise InputError(
            f"estimator {type(estimator).__name__}",
            expected="only types of numpy, scipy and scikit-learn",
            got=f"{unknown}, which could run code when loaded",
            do="Use an estimator made of scikit-learn's own parts; docs/howto/estimators.md lists them",
        )
    return payload


def load_estimator(payload: bytes, where: str) -> Any:
    """The estimator in this content, made by skops of scikit-learn's types. Only for files whose makers are trusted.

    Raises:
        StoreError: if the content is no skops file, or holds types that are not trusted.
    """
    import skops.io  # large, and rarely needed
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        read_members(payload)
        judged = [name for name in skops.io.get_untrusted_types(data=payload) if name.startswith(OWN)]
        return skops.io.loads(payload, trusted=judged)
    except UntrustedTypesFoundException as error:
        raise StoreError(f"{where}: scikit-learn component", expected="trusted types only", got=str(error)) from error
    except Exception as error:  # skops raises whatever the zip, JSON or array readers under it raise
        raise StoreError(f"{where}: scikit-learn component", expected="a skops file", got=f"{type(error).__name__}: {error}") from error


def _canonical(payload: bytes) -> bytes:
    """The same content without the time and the memory addresses that skops writes down, so that equal estimators have equal hashes."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(payload)) as old, zipfile.ZipFile(content, "w") as new:
        schema = json.loads(old.read(SCHEMA))
        files: dict[str, str] = {}
        _renumber(schema, {}, files)
        for name, canonical in files.items():
            new.writestr(zipfile.ZipInfo(canonical), old.read(name))
        new.writestr(zipfile.ZipInfo(SCHEMA), json.dumps(schema))
    return content.getvalue()


def _renumber(node: Any, numbers: dict[object, int], files: dict[str, str]) -> None:
    """Number objects and files in the order in which they appear; one that appears twice keeps its number."""
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _renumber(part, numbers, files)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("__id__"), int):
        # Whether two plain values are one object says nothing of them.
        shared = node["__id__"] if node.get("__loader__") != "JsonNode" else object()
        node["__id__"] = numbers.setdefault(shared, len(numbers))
    if isinstance(node.get("file"), str):
        node["file"] = files.setdefault(node["file"], f"{len(files)}{PurePath(node['file']).suffix}")


def count_numbers(value: Any) -> int:
    """How many numbers the fitted arrays within an estimator hold, whether it is there or was read."""
    return _count_numbers(value, set())


def _count_numbers(value: Any, seen: set[int]) -> int:
    if type(value).__name__ == "Tree" or (isinstance(value, Fitted) and value.name == "Tree"):  # its arrays are made whenever asked for
        state = Fitted.of(value).attributes
        return _size(state["nodes"]) + _size(state["values"])
    if id(value) in seen:
        return 0
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        return sum(_count_numbers(item, seen) for item in value.ravel()) if value.dtype == object else _size(value)
    if isinstance(value, list | tuple):
        return sum(_count_numbers(item, seen) for item in value)
    if isinstance(value, dict):
        return sum(_count_numbers(item, seen) for item in value.values())
    if isinstance(value, Fitted) or (type(value).__module__.startswith("sklearn.") and hasattr(value, "__dict__")):
        fitted = Fitted.of(value)
        inner = fitted.attributes.values() if fitted.module.startswith("sklearn.") else ()
        return sum(_count_numbers(item, seen) for item in inner)
    return 0


def _size(array: np.ndarray) -> int:
    return array.size * (len(array.dtype.names) if array.dtype.names else 1)
