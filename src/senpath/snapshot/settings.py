"""Choices made when a network is created and kept in its folder."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from senpath.errors import InputError, StoreError
from senpath.settings import Expected, Seed, Settings

DispatcherForm = Literal["discriminant", "binary"]
Side = Annotated[int, Field(ge=1, le=4096)]
ImageShape = Annotated[tuple[Literal[1, 3], Side, Side], Expected("(channels, height, width) with 1 or 3 channels")]


class NetworkSettings(Settings, owner="the network"):
    """What holds for a network for ever.

    Args:
        dispatcher: "discriminant", one closed-form classifier over all tasks, or "binary", one small model per task (the paper's reading).
        image_shape: what images are brought to; None takes the shape of a type's first image.
        random_state: seed of the dispatcher's feature maps.
    """

    dispatcher: DispatcherForm = "discriminant"
    image_shape: ImageShape | None = None
    random_state: Seed = 0

    @staticmethod
    def from_json(values: dict[str, Any]) -> NetworkSettings:
        """As they were kept."""
        try:
            return NetworkSettings(**values)
        except InputError as error:
            raise StoreError("settings of the network", expected="those it was created with", got=str(error)) from error
