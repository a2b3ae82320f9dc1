"""A path of layers: what one model is made of, as evolution sees it. It holds no weights, only their hashes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

ROOT = None
"""In the place of a task's name, for what comes from the root model."""
HEAD = "head"
ADAPTER = "adapter"


@dataclass(frozen=True)
class PathLayer:
    """One layer of a path.

    Args:
        name: unique in its path; "head" is the output layer, "adapter NAME" what stands behind the layer NAME.
        kind, config: of the component, see `senpath.components.ComponentKind`.
        weights: numbers in it.
        component: hash of the component that it is, or that a trained one starts from; None for a new one.
        trained: whether it is trained along with this path; the others are frozen.
        origin: the task whose training made it, or will; None if none did: it is of the root.
    """

    name: str
    kind: str
    config: Mapping[str, Any] = field(hash=False)
    weights: int
    component: str | None
    trained: bool
    origin: str | None


@dataclass(frozen=True)
class LayerPath:
    """One individual of the population.

    Args:
        task: whose path it is; None for the root model, which has no output layer.
        layers: in the order in which they run.
        hyper: hyperparameters by name, see `senpath.methods.munet.hyper`.
        rates: probabilities of single mutations that were learned (µ2Net+), by the mutation's name; the others have `hyper["mutation"]`.
        number: of the child that it was, counted from 1; 0 for one that was there before the search.
        quality: on validation examples, at most 1.
        score: quality after the penalties, see `Evolution`.
        accounted: parameters that it accounts for.
        flops: floating-point operations of one input.
    """

    task: str | None
    layers: tuple[PathLayer, ...]
    hyper: Mapping[str, Any] = field(hash=False)
    rates: Mapping[str, float] = field(default_factory=dict, hash=False)
    number: int = 0
    quality: float = 0.0
    score: float = 0.0
    accounted: float = 0.0
    flops: float = 0.0

    def rate(self, mutation: str) -> float:
        """Probability of a mutation."""
        return self.rates.get(mutation, float(self.hyper["mutation"]))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> LayerPath:
        """What `to_json` made."""
        return LayerPath(**{**values, "layers": tuple(PathLayer(**layer) for layer in values["layers"])})
