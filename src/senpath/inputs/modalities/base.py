"""A modality brings raw inputs of one kind to tensors of one shape."""

from __future__ import annotations

from typing import Any, Protocol

import torch

from senpath.types import DataType


class Modality(Protocol):
    """One way of sensing: image, audio, table or text."""

    name: str

    def define(self, items: Any) -> DataType:
        """The data type that these first inputs establish; a network keeps it for ever."""
        ...

    def encode(self, items: Any, data_type: DataType) -> torch.Tensor:
        """Inputs as float32 (n, *data_type.shape).

        Raises:
            InputError: if an input cannot be read, is not finite, or does not fit the type; the message names its position.
        """
        ...
