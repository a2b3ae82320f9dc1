"""Choices made when a network is created and kept in its folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from senpath.errors import InputError

DispatcherForm = Literal["discriminant", "binary"]


@dataclass(frozen=True)
class NetworkSettings:
    """What holds for a network for ever.

    Args:
        dispatcher: "discriminant", one closed-form classifier over all tasks, or "binary", one small model per task (the paper's reading).
        image_shape: (channels, height, width) that images are brought to; None takes that of the first image.
        random_state: seed of the dispatcher's feature maps.
    """

    dispatcher: DispatcherForm = "discriminant"
    image_shape: tuple[int, int, int] | None = None
    random_state: int = 0

    def __post_init__(self) -> None:
        if self.dispatcher not in get_args(DispatcherForm):
            raise InputError("dispatcher", expected=f"one of {', '.join(get_args(DispatcherForm))}", got=repr(self.dispatcher))
        shape = self.image_shape
        if shape is not None and (len(shape) != 3 or shape[0] not in (1, 3) or min(shape) < 1):
            raise InputError("image_shape", expected="(channels, height, width) with 1 or 3 channels", got=shape)

    def to_json(self) -> dict[str, Any]:
        """As network.json keeps them."""
        return asdict(self)

    @staticmethod
    def from_json(values: dict[str, Any]) -> NetworkSettings:
        """As they were kept."""
        shape = values.get("image_shape")
        return NetworkSettings(**{**values, "image_shape": tuple(shape) if shape else None})
