"""Any torch module as an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import torch
from torch import nn
from torch.nn import functional

from senpath.errors import InputError
from senpath.inputs.encoders.base import Encoder
from senpath.inputs.modalities import MODALITIES, texts_of
from senpath.inputs.modalities.video import FRAMES, pictures_of
from senpath.types import DataType


@final
class TorchEncoder(Encoder):
    """A torch module as an encoder. A network does not contain code, so pass the encoder again whenever you open the network.

    Args:
        name: under which networks know it.
        modality: what it reads. The module gets float32 tensors: "image" (n, *shape) with pixels in 0 … 1, less `mean`, divided by `std`;
            "video" (n, 12, *shape), some frames of each clip, likewise; "audio" log-mel spectra (n, frames, 64); "table" standardised
            columns (n, columns); or, for "text", a list of str.
        module: answers with (n, …), which is flattened, or with (n, tokens, width).
        shape: of images and of the frames of clips, (channels, height, width).
        mean, std: of the pixels, one number or one per channel.
        unit: whether every vector is scaled to a root mean square of 1, see `Encoder`; the same whenever the network is opened.
        tokens: whether the module answers with tokens, which are taken as they are: rows of exact zeros behind the others are padding.

    Raises:
        InputError: for a module, modality or shape that cannot be used.

    Example:
        >>> from torch import nn
        >>> encoder = sp.TorchEncoder("rows", "table", nn.Linear(4, 8))
        >>> net = sp.Network(encoders={"table": encoder})
        >>> tuple(net.encode_examples(*tiny_task("iris")).inputs.shape)
        (150, 8)
    """

    def __init__(
        self,
        name: str,
        modality: str,
        module: nn.Module,
        *,
        shape: Sequence[int] | None = None,
        mean: float | Sequence[float] = 0.0,
        std: float | Sequence[float] = 1.0,
        unit: bool = True,
        tokens: bool = False,
    ) -> None:
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise InputError("name of the encoder", expected="a printable str", got=repr(name))
        if modality not in MODALITIES:
            raise InputError("modality of the encoder", expected=f"one of {', '.join(MODALITIES)}", got=repr(modality))
        if not isinstance(module, nn.Module):
            raise InputError(f"encoder {name!r}", expected="a torch module", got=type(module).__name__)
        if (modality in ("image", "video")) != (shape is not None):
            expected = "(channels, height, width) for images and clips, None for others"
            raise InputError(f"shape of the encoder {name!r}", expected=expected, got=shape)
        if shape is not None and not (len(shape) == 3 and shape[0] in (1, 3) and min(shape) >= 1):
            raise InputError(f"shape of the encoder {name!r}", expected="(channels, height, width) with 1 or 3 channels", got=tuple(shape))
        self._shape = tuple(shape) if shape is not None else None
        channels = shape[0] if shape is not None else 1
        self._mean, self._std = (_per_channel(what, value, channels) for what, value in (("mean", mean), ("std", std)))
        preparation = f"{self._shape} {self._mean.flatten().tolist()} {self._std.flatten().tolist()}" + (" tokens" if tokens else "")
        super().__init__(name, modality, module, unit=unit, tokens=tokens, preparation=preparation)

    def input_type(self, items: Any) -> DataType:
        if self._shape is None:
            return MODALITIES[self.modality].define(items)
        return DataType(self.modality, self._shape if self.modality == "image" else (FRAMES, *self._shape))

    def portable(self) -> nn.Module | None:
        if self.modality == "image":
            return _Portable(self, self._mean, self._std)
        return _Portable(self, torch.zeros(1), torch.ones(1)) if self.modality == "table" else None

    def run(self, items: Any, inputs: DataType) -> torch.Tensor:
        if self.modality == "text":
            texts: torch.Tensor = self.module(texts_of(items))
            return texts
        if self.modality == "video":
            frames, *shape = inputs.shape
            values = torch.stack([pictures_of(item, index, frames, shape) for index, item in enumerate(items)])
        else:
            values = MODALITIES[self.modality].encode(items, inputs)
        if self._shape is not None:
            values = (values - self._mean) / self._std
        answer: torch.Tensor = self.module(values.to(self.device))
        return answer


class _Portable(nn.Module):
    """An encoder of pictures or rows from prepared inputs on; see `Encoder.portable`."""

    def __init__(self, encoder: TorchEncoder, mean: torch.Tensor, std: torch.Tensor) -> None:
        super().__init__()
        self.module, self.unit, self.tokens = encoder.module, encoder.unit, encoder.tokens
        self.mean, self.std = nn.Buffer(mean), nn.Buffer(std)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.module((inputs - self.mean) / self.std)
        if self.tokens:
            return answer.float()
        vectors = answer.flatten(1).float()
        return functional.normalize(vectors, dim=1) * vectors.shape[1] ** 0.5 if self.unit else vectors


def _per_channel(what: str, value: float | Sequence[float], channels: int) -> torch.Tensor:
    """float32 (channels or 1, 1, 1)."""
    try:
        values = torch.as_tensor(value, dtype=torch.float32).reshape(-1, 1, 1)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{what} of the encoder", expected="a number, or one a channel", got=repr(value)) from error
    if len(values) not in (1, channels) or not bool(torch.isfinite(values).all()) or (what == "std" and not bool((values > 0).all())):
        raise InputError(f"{what} of the encoder", expected=f"a finite number, or {channels}, one a channel", got=repr(value))
    return values
