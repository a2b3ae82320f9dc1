"""A network as an MLflow `python_function` that is loaded by running code ("models from code"), and the two ways to write one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from mlflow.types import ColSpec, Schema

import senpath
from senpath.arrays import as_word, json_value
from senpath.errors import InputError
from senpath.inputs.modalities.table import table_columns
from senpath.network import Network
from senpath.store.files import as_path

NETWORK = "network"
"""What the network's folder is called among the model's artifacts."""
TEXT = "text"
"""The one column of a frame of texts."""
ANSWERS = Schema(
    [
        ColSpec("string", "task", required=False),
        ColSpec("string", "label", required=False),
        ColSpec("double", "confidence"),
        ColSpec("double", "ood_score", required=False),
        ColSpec("string", "reason", required=False),
    ]
)


class NetworkModel(PythonModel):
    """Answers as `Network.predict` does; MLflow makes it.

    A label that is no text is written as JSON, because a column has one type and tasks may have several.

    Example:
        >>> import mlflow
        >>> from senpath.mlflow import save_model
        >>> save_model(net, "model", example=x[:2])
        >>> list(mlflow.pyfunc.load_model("model").predict(x[:2])["task"])
        ['low', 'low']
    """

    network: Network

    def load_context(self, context: PythonModelContext) -> None:
        """Open a copy of the network, so that the model's folder may be read-only."""
        self.network = Network.from_pretrained(context.artifacts[NETWORK])

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """The columns `task`, `label`, `confidence`, `ood_score` and `reason`, a row for each input.

        Args:
            model_input: rows of a table as a data frame; texts as its only column "text"; or an array of pictures, though the type does
                not say so: MLflow would take any other for a signature of its own.
        """
        answers = self.network.predict(self._inputs(model_input)).to_dict()
        labels = [label if label is None or isinstance(label, str) else json.dumps(json_value(label)) for label in answers["label"]]
        return pd.DataFrame({name: labels if name == "label" else answers[name] for name in ANSWERS.input_names()})

    def _inputs(self, given: Any) -> Any:
        if isinstance(given, pd.DataFrame) and [*given.columns] == [TEXT]:
            types = self.network.view.types.values()
            if any(data_type.modality == "text" for data_type in types):
                return given[TEXT].tolist()
        return given


def save_model(net: Network, path: str | Path, example: Any, **settings: Any) -> None:
    """Write a network, at the version that it shows, as an MLflow model to a new folder.

    Args:
        net: the network.
        path: the folder.
        example: a few inputs, which the model is written with and which say what it takes: a data frame of rows, a list of texts, or an
            array of pictures. A model takes inputs of one form; the network may know tasks of others.
        settings: further arguments of `mlflow.pyfunc.save_model`.

    Raises:
        InputError: if the network does not read the example.
        StoreError: if a file of the network is damaged.

    Example:
        >>> from senpath.mlflow import save_model
        >>> save_model(net, "model", example=x[:2])
        >>> (Path("model") / "MLmodel").exists()
        True
    """
    with TemporaryDirectory(prefix="senpath-") as folder:
        mlflow.pyfunc.save_model(as_path("folder of the model", path), **_parts(net, example, Path(folder)), **settings)


def log_model(net: Network, example: Any, *, name: str = NETWORK, **settings: Any) -> Any:
    """Log a network as a model of the active MLflow run, or of a new one; see `save_model`.

    Args:
        net: the network.
        example: as for `save_model`.
        name: of the model.
        settings: further arguments of `mlflow.pyfunc.log_model`, such as `registered_model_name`.

    Returns:
        MLflow's `ModelInfo`.

    Example:
        >>> import os
        >>> import mlflow
        >>> from senpath.mlflow import log_model
        >>> os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # where the whole of MLflow, and so a database, is not installed
        >>> mlflow.set_tracking_uri(Path("runs").absolute().as_uri())
        >>> log_model(net, x[:2], name="digits").name
        'digits'
    """
    with TemporaryDirectory(prefix="senpath-") as folder:
        return mlflow.pyfunc.log_model(name=name, **_parts(net, example, Path(folder)), **settings)


def _parts(net: Network, example: Any, folder: Path) -> dict[str, Any]:
    """What both ways tell MLflow."""
    shown = _read_of(net, _shown(example))
    net.predict(example)  # which says what is wrong with it
    net.save_pretrained(folder / NETWORK)
    return {
        "python_model": str(Path(__file__).with_name("served.py")),
        "artifacts": {NETWORK: str(folder / NETWORK)},
        "signature": ModelSignature(infer_signature(shown).inputs, ANSWERS),
        "input_example": shown,
        "pip_requirements": [f"senpath=={senpath.__version__}", f"mlflow=={mlflow.__version__}", "pandas"],
        "metadata": {"senpath": {"version": net.version, "tasks": [*net.tasks]}},
    }


def _shown(example: Any) -> Any:
    if isinstance(example, pd.DataFrame | np.ndarray) and len(example):
        _require_plain(example)
        return example
    if isinstance(example, list | tuple) and example and all(isinstance(text, str) for text in example):
        return pd.DataFrame({TEXT: [*example]})
    expected = "a data frame, a list of texts, or an array of pictures, with one input at least"
    raise InputError("example", expected=expected, got=_named(example))


def _require_plain(example: Any) -> None:
    """Refuse columns for which MLflow would make a signature that refuses them."""
    for name, column in example.items() if isinstance(example, pd.DataFrame) else ():
        kind = column.dtype
        gaps = pd.api.types.is_extension_array_dtype(kind) and kind.kind in "iub" and column.hasnans
        if gaps or isinstance(kind, pd.CategoricalDtype):
            other = "float" if kind.kind in "iu" else "object"
            do = f"Give it as {other}, here and whenever the model is asked: frame.astype({{{name!r}: {other}}})"
            got = f"{kind.name}{' with gaps' if gaps else ''}"
            raise InputError(f"column {name!r} of the example", expected="a type that MLflow takes", got=got, do=do)


def _read_of(net: Network, example: Any) -> Any:
    """Of a data frame the columns that some task reads: the model asks for every column of its example, and nobody sends it the labels."""
    tables = [data_type for data_type in net.view.types.values() if data_type.modality == "table"]
    known = {column for data_type in tables for column in table_columns(data_type)}
    read = [column for column in getattr(example, "columns", ()) if as_word(str(column)) in known]
    return example[read] if read else example


def _named(example: Any) -> str:
    return type(example).__name__ + (" without any" if hasattr(example, "__len__") and not len(example) else "")
