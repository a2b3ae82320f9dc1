"""Which bricks a new task's own part is built of."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from torch import nn

from senpath.components import Component, build, freeze
from senpath.errors import InputError
from senpath.types import DataType

TORCH_MODELS = ("mlp", "skip", "cnn", "lstm")
AUTO = {"audio": "lstm", "table": "skip", "vector": "skip", "tokens": "skip"}
"""The model for a form of inputs where none is asked for; for others an MLP."""


@dataclass(frozen=True)
class Body:
    """The layers from the raw input to the last hidden layer.

    Args:
        kind: key of `KINDS`.
        config: of the kind.
        outputs: units of the last hidden layer.
    """

    kind: str
    config: dict[str, Any]
    outputs: int

    def fresh(self) -> nn.Module:
        """With random weights, drawn from torch's global generator."""
        return build(self.kind, self.config)

    def freeze(self, module: nn.Module) -> Component:
        """As a component."""
        return freeze(self.kind, self.config, module)


def choose_body(model: str, data_type: DataType, hidden: int) -> Body:
    """The body of this name for inputs of this type; "auto" goes by the form of the inputs, see `AUTO`.

    Raises:
        InputError: if the model cannot read such inputs.
    """
    name = AUTO.get(data_type.form, "mlp") if model == "auto" else model
    if name == "mlp":
        return Body("mlp.v1", {"inputs": prod(data_type.shape), "hidden": [hidden]}, hidden)
    if name == "skip" and data_type.form == "tokens":
        inputs = data_type.shape[1]
        return Body("pooled-skip.v1", {"inputs": inputs, "hidden": hidden}, inputs + hidden)
    if name == "skip":
        inputs = prod(data_type.shape)
        return Body("skip.v1", {"inputs": inputs, "hidden": hidden}, inputs + hidden)
    if name == "cnn" and data_type.form == "image":
        return Body("cnn.v1", {"shape": list(data_type.shape), "filters": [32, 64], "hidden": hidden}, hidden)
    if name == "lstm" and len(data_type.shape) == 2:
        # Ling et al., section 4: 500 units, mean over time, then 128 and 64.
        return Body("lstm.v1", {"inputs": data_type.shape[1], "units": 500, "hidden": [hidden, hidden // 2]}, hidden // 2)
    if name in TORCH_MODELS:
        raise InputError(f"model {name!r}", expected="images" if name == "cnn" else "sequences (sounds)", got=f"{data_type.form} inputs")
    raise InputError(
        "model", expected=f"one of auto, {', '.join(TORCH_MODELS)}, svm, forest, or a scikit-learn classifier", got=repr(model)
    )
