"""Scikit-learn estimators as components: an SVM or a random forest is a pathway like any other."""

from __future__ import annotations

import io
import json
from pathlib import PurePath
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
import skops.io
import torch
from sklearn.tree._tree import Tree
from skops.io.exceptions import UntrustedTypesFoundException
from torch import nn

from senpath.components.trees import TRUSTED, check_trees
from senpath.errors import InputError, StoreError

SCHEMA = "schema.json"
"""The part of a skops file that says what its arrays belong to."""
TINY = 1e-6
"""Smallest probability that an estimator's answer counts as: a forest says 0 where no tree voted, and log 0 is no number."""


class Estimator(nn.Module):
    """Wraps a fitted classifier whose classes are 0 … outputs − 1; its output is log P(class | input), shape (n, outputs).

    Args:
        estimator: anything with scikit-learn's `predict_proba` or `decision_function`.
        outputs: classes of the task.
    """

    def __init__(self, estimator: Any, outputs: int) -> None:
        super().__init__()
        self.estimator = estimator
        self.outputs = outputs

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if not len(inputs):
            return torch.zeros(0, self.outputs, device=inputs.device)
        flat = inputs.detach().flatten(1).cpu().numpy()
        return torch.from_numpy(log_probabilities(self.estimator, flat)).to(inputs.device)

    def stored_numbers(self) -> int:
        """Numbers in the fitted arrays (support vectors, tree nodes, …)."""
        return _count_numbers(self.estimator, set())


def log_probabilities(estimator: Any, inputs: np.ndarray) -> np.ndarray:
    """log P(class | input) as float32 (n, classes); scores of `decision_function` are taken as logits.

    Raises:
        InputError: if the estimator has neither method.
    """
    if hasattr(estimator, "predict_proba"):
        chances: np.ndarray = np.clip(estimator.predict_proba(inputs), TINY, 1)
        return np.asarray(np.log(chances), dtype=np.float32)
    if not hasattr(estimator, "decision_function"):
        raise InputError(
            f"estimator {type(estimator).__name__}",
            expected="a classifier with predict_proba or decision_function",
            got="neither",
            do="Wrap it in sklearn.calibration.CalibratedClassifierCV",
        )
    scores = torch.from_numpy(np.asarray(estimator.decision_function(inputs), dtype=np.float32))
    if scores.ndim == 1:
        scores = torch.stack([-scores, scores], dim=1) / 2
    logs: np.ndarray = torch.log_softmax(scores, dim=1).numpy()
    return logs


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
