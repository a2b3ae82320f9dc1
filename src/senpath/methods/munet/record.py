"""The record of a task that `munet` learned: other tasks' searches begin from it, and reports tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from senpath.pathways import Pathway
from senpath.pathways.spec import number

METHOD = "munet"


@dataclass(frozen=True)
class RecordedLayer:
    """One layer of a task's path.

    Args:
        name: see `PathLayer`.
        origin: the task that trained it; None for a layer of the root.
        component: hash of the component that it was when the task was learned.
    """

    name: str
    origin: str | None
    component: str

    def trainer(self, task: str, component: str) -> str | None:
        """The task that trained the component which `task` has here now: itself, if the layer was changed since."""
        return self.origin if component == self.component else task


@dataclass(frozen=True)
class MunetRecord:
    """How the path of a task came about. Figures are None where the record is damaged.

    Args:
        root: name of the model that the path began from; `root_id` tells roots apart.
        root_weights: how many numbers all layers of the root hold.
        root_flops: operations of the root for one input.
        layers: of the path, in order.
        hyper, rates: see `LayerPath`.
        parent: the task whose path the line of descent began with, None for the root; "" where that is not known.
        child: its number in the search.
        quality, score, accounted, flops: see `LayerPath`.
    """

    root: str
    root_id: str
    root_weights: float
    root_flops: float | None
    layers: tuple[RecordedLayer, ...]
    hyper: Mapping[str, Any]
    rates: Mapping[str, float]
    parent: str | None
    child: float | None
    quality: float | None
    score: float | None
    accounted: float | None
    flops: float | None

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"layers": [asdict(layer) for layer in self.layers]}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> MunetRecord:
        """What `to_json` made.

        Raises:
            ValueError: if the root or the layers are missing or damaged.
        """
        weights, layers = number(values.get("root_weights")), values.get("layers")
        if not isinstance(values.get("root"), str) or not isinstance(values.get("root_id"), str) or weights is None or weights < 0:
            raise ValueError("no root")
        if not isinstance(layers, list) or not all(map(_is_layer, layers)):
            raise ValueError("no layers")
        parent = values.get("parent", "")
        return MunetRecord(
            root=values["root"],
            root_id=values["root_id"],
            root_weights=weights,
            layers=tuple(RecordedLayer(layer["name"], layer["origin"], str(layer.get("component", ""))) for layer in layers),
            parent=parent if isinstance(parent, str | None) else "",
            hyper=_mapping(values.get("hyper")),
            rates=_mapping(values.get("rates")),
            root_flops=number(values.get("root_flops")),
            child=number(values.get("child")),
            quality=number(values.get("quality")),
            score=number(values.get("score")),
            accounted=number(values.get("accounted")),
            flops=number(values.get("flops")),
        )

    @staticmethod
    def of(pathway: Pathway) -> MunetRecord | None:
        """The record of a task; None if another method learned it, or it does not fit what the task is made of."""
        if pathway.provenance.method != METHOD:
            return None
        try:
            record = MunetRecord.from_json(pathway.provenance.record)
        except ValueError:
            return None
        return record if len(record.layers) == len(pathway.components) else None


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_layer(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("name"), str) and isinstance(value.get("origin", 0), str | None)
