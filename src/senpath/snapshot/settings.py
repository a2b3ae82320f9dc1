"""Choices made when a network is created and kept in its folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from senpath.errors import InputError, StoreError

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
        if not isinstance(self.dispatcher, str) or self.dispatcher not in get_args(DispatcherForm):
            raise InputError("dispatcher", expected=f"one of {', '.join(get_args(DispatcherForm))}", got=repr(self.dispatcher))
        if not _whole(self.random_state) or not 0 <= self.random_state < 2**32:
            raise InputError("random_state", expected="a whole number from 0 to 2³² − 1", got=repr(self.random_state))
        shape = self.image_shape
        if shape is not None and not _is_image_shape(shape):
            raise InputError("image_shape", expected="(channels, height, width) with 1 or 3 channels", got=repr(shape))

    def to_json(self) -> dict[str, Any]:
        """As network.json keeps them."""
        return asdict(self)

    @staticmethod
    def from_json(values: dict[str, Any]) -> NetworkSettings:
        """As they were kept."""
        shape = values.get("image_shape")
        try:
            return NetworkSettings(**{**values, "image_shape": tuple(shape) if isinstance(shape, list) else shape})
        except (TypeError, InputError) as error:
            raise StoreError("settings of the network", expected="those it was created with", got=str(error)) from error


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_image_shape(shape: object) -> bool:
    if not isinstance(shape, tuple | list) or len(shape) != 3 or not all(map(_whole, shape)):
        return False
    return shape[0] in (1, 3) and min(shape) >= 1
