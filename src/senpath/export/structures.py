"""Pathways of one structure: they differ in their numbers alone, so that not each has to be traced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from senpath.components import Component, canonical_json
from senpath.export.onnx import PathwayModule
from senpath.export.tracing import traced
from senpath.pathways import Pathway
from senpath.snapshot.view import View
from senpath.types import DataType

if TYPE_CHECKING:
    import onnx


class Structure:
    """Pathways that differ in their numbers alone: two are traced, and the others take their weights' places.

    That is sound where the two models differ in weights alone that are there under the names that the modules have for them.
    """

    def __init__(self) -> None:
        self._first: _Traced | None = None
        self._alike: bool | None = None

    def traced(
        self, module: PathwayModule, data_type: DataType, names: Sequence[str]
    ) -> tuple[onnx.ModelProto, dict[str, np.ndarray] | None]:
        """A model, and the weights that are to take the place of its own; None for its own."""
        if self._first is not None and self._alike:
            weights = self._first.weights_of(module)
            if weights is not None:
                return self._first.model, weights
        model = _Traced(traced(module, {"input": torch.zeros(2, *data_type.shape)}, names), module)
        if self._first is None:
            self._first = model
        elif self._alike is None:
            self._alike = model.rest == self._first.rest
        return model.model, None


class _Traced:
    """A traced pathway, and what of it are not its weights.

    Attributes:
        rest: the model without its weights.
    """

    def __init__(self, model: onnx.ModelProto, module: PathwayModule) -> None:
        self.model = model
        bare = type(model)()
        bare.CopyFrom(model)
        weights = _weights(module)
        self._kept = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer if _is_weight(tensor, weights)}
        others = [tensor for tensor in bare.graph.initializer if tensor.name not in self._kept]
        del bare.graph.initializer[:]
        bare.graph.initializer.extend(others)
        self.rest = bare.SerializeToString(deterministic=True), self._kept

    def weights_of(self, module: PathwayModule) -> dict[str, np.ndarray] | None:
        """The weights of another pathway by the names that they have in this model; None if they do not fit."""
        weights = _weights(module)
        own = {name: weights[name] for name in self._kept if name in weights}
        return own if {name: value.shape for name, value in own.items()} == self._kept else None


def _weights(module: PathwayModule) -> dict[str, np.ndarray]:
    return {name: value.detach().cpu().numpy() for name, value in module.state_dict().items()}


def _is_weight(tensor: onnx.TensorProto, weights: dict[str, np.ndarray]) -> bool:
    """Whether an initializer is a weight as the module has it."""
    own = weights.get(tensor.name)
    return own is not None and own.shape == tuple(tensor.dims) and own.tobytes() == tensor.raw_data


def structure_of(view: View, pathway: Pathway) -> str:
    """What pathways have in common that differ in their numbers alone; composites are alike only if they are the same."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(name for chain in pathway.chains for name in chain))}
    parts = [_kind_of(view.component(name)) for name in numbers]
    chains = [[numbers[name] for name in chain] for chain in pathway.chains]
    told = [pathway.kind, len(pathway.classes), pathway.temperature, pathway.scale is None]
    return canonical_json([parts, chains, told])


def _kind_of(component: Component) -> list[Any]:
    return [component.kind.name, component.hash if component.children else component.config]
