"""What workers do with a batch of a large set: answer it, or answer it in the three ways that a measurement compares."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch

from senpath.arrays import json_value
from senpath.cluster.files import CONTENT, FILE
from senpath.errors import InputError, SenpathError
from senpath.inference.predict import Routing, encode_inputs, predict
from senpath.inference.prediction import Prediction
from senpath.inputs.limits import files_within
from senpath.inputs.modalities import modality_of_file
from senpath.inputs.sources import read_labelled
from senpath.inputs.sources.raw_table import plain_labels
from senpath.inputs.sources.typed_tables import read_arrow, require_no_pickle
from senpath.inputs.sources.unlabelled import unlabelled_rows
from senpath.isolation import isolation
from senpath.parallel.backend import pack, unpack
from senpath.snapshot.view import View
from senpath.types import Video

NUMBER, TEXT = "float64", "string"
ANSWERS = {
    "predicted_task": TEXT,
    "predicted_label": TEXT,
    "confidence": NUMBER,
    "ood_score": NUMBER,
    "candidates": "list",
    "reason": TEXT,
    "version": "int64",
}
"""Columns of answers, and what Arrow calls what is in them."""

TENSORS = ("ray.data.arrow_tensor", "ray.data.arrow_tensor_v2", "ray.data.arrow_variable_shaped_tensor", "arrow.fixed_shape_tensor")
"""What Arrow calls the types of columns of pictures."""


@dataclass(frozen=True)
class How:
    """How inputs are answered.

    Args:
        open: opens the network's version.
        task: that answers, if it is known.
        routing: see there.
        errors: see `Network.predict`.
        keep: columns that go into the output; None for all that are no input's content.
        far: whether inputs are from object storage; then tables name no files.
    """

    open: Callable[[], View]
    task: str | None
    routing: Routing
    errors: str
    keep: Sequence[str] | None
    far: bool = False


def _begin(desk: Any) -> tuple[How, View]:
    """In each worker, at first."""
    import ray

    torch.set_num_threads(1)
    how: How = unpack(ray.get(desk.orders.remote()))
    with isolation():
        return how, how.open()


@contextmanager
def _telling(desk: Any, how: How) -> Iterator[None]:
    """Within, an error is told, for Ray would make a page of text of it; and files of this machine are kept from tables of others."""
    import ray

    with isolation():
        try:
            if not how.far:
                yield
                return
            with tempfile.TemporaryDirectory(prefix="senpath-") as nothing, files_within(Path(nothing)):
                yield
        except SenpathError as error:
            ray.get(desk.fail.remote(pack(error)))
            raise


class Answerer:
    """Answers batches, tables of pyarrow, in one process of a cluster.

    Args:
        desk: an actor that has the orders, a `How`, and counts.
    """

    def __init__(self, desk: Any) -> None:
        self._desk = desk
        self._how, self._view = _begin(desk)

    def __call__(self, batch: Any) -> Any:
        """The columns that are kept, and the answers."""
        import pyarrow as pa

        how, view = self._how, self._view
        with _telling(self._desk, how), _inputs_of(batch, view, how.errors) as (inputs, names):
            answers = predict(view, inputs, how.task, how.routing, how.errors)
            kept = batch.select([name for name in batch.column_names if name in how.keep] if how.keep is not None else names)
            taken = [name for name in kept.column_names if name in ANSWERS]
            if taken:
                do = "Say which columns to keep"
                raise InputError("columns", expected="none named as a column of answers", got=", ".join(taken), do=do)
        self._desk.add.remote(len(batch))
        for name, values in _columns(answers, view.version).items():
            kind = pa.list_(pa.string()) if ANSWERS[name] == "list" else ANSWERS[name]
            kept = kept.append_column(name, pa.array(values, type=kind))
        return kept


def _columns(answers: Prediction, version: int) -> dict[str, Sequence[Any]]:
    return {
        "predicted_task": answers.task.tolist(),
        "predicted_label": [_text(label) for label in answers.label.tolist()],
        "confidence": answers.confidence.tolist(),
        "ood_score": [score if np.isfinite(score) else None for score in answers.ood_score.tolist()],
        "candidates": [[*names] for names in answers.candidates],
        "reason": answers.reason.tolist(),
        "version": [version] * len(answers),
    }


def _text(label: Any) -> str | None:
    """A label as text: as it is, or as JSON, for one column holds those of all tasks."""
    return label if label is None or isinstance(label, str) else json.dumps(json_value(label))


@contextmanager
def _inputs_of(batch: Any, view: View, errors: str) -> Iterator[tuple[Any, list[str]]]:
    """The inputs in a batch, and the names of the columns that are not their content."""
    require_no_pickle(batch)
    names: list[str] = batch.column_names
    if {FILE, CONTENT} <= {*names}:
        with _as_files(batch, view) as (files, _):
            yield files, [name for name in names if name != CONTENT]
        return
    tensors = _tensors(batch)
    if tensors:
        if len(tensors) > 1:
            raise InputError("columns", expected="one of pictures", got=", ".join(tensors))
        yield _numbers(batch, tensors[0]), [name for name in names if name not in tensors]
        return
    yield unlabelled_rows(read_arrow(batch), view.types.values(), skip=errors == "skip"), names


def _tensors(batch: Any) -> list[str]:
    """The columns of tensors. Any other type that a package adds to Arrow's is refused, for only that package knows what its values are."""
    kinds = {field.name: getattr(field.type, "extension_name", None) for field in batch.schema}
    for name, kind in kinds.items():
        if kind not in (None, *TENSORS):
            raise InputError(f"column {name!r}", expected="plain values or tensors", got=f"the type {kind}")
    return [name for name, kind in kinds.items() if kind is not None]


def _numbers(batch: Any, name: str) -> Any:
    import pyarrow as pa

    column = batch.column(name).combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    return np.array(column.to_numpy_ndarray()) if hasattr(column, "to_numpy_ndarray") else [*column.to_numpy(zero_copy_only=False)]


@contextmanager
def _as_files(batch: Any, view: View) -> Iterator[tuple[list[Any], list[str]]]:
    """Files' content as files of this machine, for a while, and the names of the folders that they came from."""
    clips = "video" in {data_type.modality for data_type in view.types.values()}
    with tempfile.TemporaryDirectory(prefix="senpath-") as folder:
        files, above = list[Any](), list[str]()
        for row, (place, content) in enumerate(zip(batch.column(FILE), batch.column(CONTENT), strict=True)):
            path = PurePosixPath(place.as_py())
            file = Path(folder) / f"{row}{path.suffix}"
            file.write_bytes(content.as_py())
            files.append(Video(file) if clips and modality_of_file(file) == "video" else file)
            above.append(path.parent.name)
        yield files, above


@dataclass(frozen=True)
class Compact:
    """What is left of a `Prediction` for figures: object arrays of tasks and labels, and the candidates."""

    task: np.ndarray
    label: np.ndarray
    candidates: list[tuple[str, ...]]

    @staticmethod
    def of(answers: Prediction) -> Compact:
        """Of answers that stay behind."""
        return Compact(answers.task.astype(object), _objects(answers.label.tolist()), [tuple(names) for names in answers.candidates])

    @staticmethod
    def together(parts: Sequence[Compact]) -> Compact:
        """Answers to several batches."""
        task, label = (np.concatenate([_objects([]), *arrays]) for arrays in zip(*((part.task, part.label) for part in parts), strict=True))
        return Compact(task, label, [names for part in parts for names in part.candidates])

    def __len__(self) -> int:
        return len(self.task)


def _objects(values: Sequence[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array


class Measurer:
    """Answers labelled batches with the task given, without, and without refusing, in one process of a cluster.

    Args:
        desk: as for `Answerer`; the task is the one that is measured, the routing that of answers without the task.
        label: the column of labels of a table; None is the usual one. Files have the name of the folder that they are in.
    """

    def __init__(self, desk: Any, label: str | None) -> None:
        self._desk, self._label = desk, label
        self._how, self._view = _begin(desk)

    def __call__(self, batch: Any) -> Mapping[str, Any]:
        """One row: labels and three times answers, packed."""
        view, how = self._view, self._how
        with _telling(self._desk, how):
            require_no_pickle(batch)
            if {FILE, CONTENT} <= {*batch.column_names}:
                with _as_files(batch, view) as (x, above):
                    y, inputs = plain_labels(_objects(above)), encode_inputs(view, x)
            else:
                x, y = read_labelled(batch, self._label, view.pathway(how.task or "").kind)
                inputs = encode_inputs(view, x)
            free = predict(view, inputs, None, how.routing)
            answered = predict(view, inputs, None, Routing(admit=how.routing.admit, reject=False)) if how.routing.reject else free
            parts = [Compact.of(answers) for answers in (predict(view, inputs, how.task, Routing()), free, answered)]
        self._desk.add.remote(len(batch))
        return {"packed": np.array([pack((y if isinstance(y, list) else y.tolist(), parts))], dtype=object)}
