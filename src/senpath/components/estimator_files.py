"""Scikit-learn estimators as files; imported only where there is an estimator, for scikit-learn and skops are large."""

from __future__ import annotations

import io
import json
from pathlib import PurePath
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
import skops.io
from sklearn.tree._tree import Tree
from skops.io.exceptions import UntrustedTypesFoundException

from senpath.components.trees import TRUSTED, check_trees
from senpath.errors import InputError, StoreError

SCHEMA = "schema.json"
"""The part of a skops file that says what its arrays belong to."""


def dump_estimator(estimator: Any) -> bytes:
    """The estimator in the skops format, which holds no code.

    Raises:
        InputError: if it contains a type that could not be loaded again without trust.
    """
    payload = _canonical(skops.io.dumps(estimator))
    unknown = set(skops.io.get_untrusted_types(data=payload)) - set(TRUSTED)
    if unknown:
        raise InputError(
            f"estimator {type(estimator).__name__}",
            expected="only types of numpy, scipy and scikit-learn",
            got=f"{sorted(unknown)}, which could run code when loaded",
            do="Use an estimator made of scikit-learn's own parts",
        )
    return payload


def _canonical(payload: bytes) -> bytes:
    """The same content without the time and the memory addresses that skops writes down, so that equal estimators have equal hashes."""
    content = io.BytesIO()
    with ZipFile(io.BytesIO(payload)) as old, ZipFile(content, "w") as new:
        schema = json.loads(old.read(SCHEMA))
        files: dict[str, str] = {}
        _renumber(schema, {}, files)
        for name, canonical in files.items():
            new.writestr(ZipInfo(canonical), old.read(name))
        new.writestr(ZipInfo(SCHEMA), json.dumps(schema))
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


def load_estimator(payload: bytes, where: str) -> Any:
    """The estimator in this content; nothing in it is run.

    Raises:
        StoreError: if the content is no skops file, holds types that are not trusted, or a tree that leads nowhere.
    """
    try:
        estimator = skops.io.loads(payload, trusted=list(TRUSTED))
        check_trees(estimator)
        return estimator
    except StoreError:
        raise
    except UntrustedTypesFoundException as error:
        raise StoreError(f"{where}: scikit-learn component", expected="trusted types only", got=str(error)) from error
    except Exception as error:  # skops raises whatever the zip, JSON or array readers under it raise
        raise StoreError(f"{where}: scikit-learn component", expected="a skops file", got=f"{type(error).__name__}: {error}") from error


def count_numbers(estimator: Any) -> int:
    """How many numbers the fitted arrays within an estimator hold."""
    return _count_numbers(estimator, set())


def _count_numbers(value: Any, seen: set[int]) -> int:
    if isinstance(value, Tree):  # its arrays are made anew whenever they are asked for, so they cannot be told by their identity
        state = value.__getstate__()
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
    if type(value).__module__.startswith("sklearn.") and hasattr(value, "__dict__"):
        return sum(_count_numbers(item, seen) for item in vars(value).values())
    return 0


def _size(array: np.ndarray) -> int:
    return array.size * (len(array.dtype.names) if array.dtype.names else 1)
