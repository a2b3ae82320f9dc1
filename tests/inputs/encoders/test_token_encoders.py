"""Pictures and sounds as tokens."""

from __future__ import annotations

from math import cos, pi
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import senpath as sp
from senpath.components import real
from senpath.errors import InputError, StoreError
from senpath.inputs.encoders import TorchEncoder
from senpath.inputs.encoders.efficientnet import MEAN, STD, efficientnet_tokens, pretrained_model
from senpath.inputs.encoders.tokens import CONTENT, FrameTokens, PatchTokens
from senpath.inputs.modalities import MODALITIES
from senpath.testing import check_encoder
from senpath.types import Audio

random = np.random.default_rng(0)


def test_they_keep_what_encoders_promise() -> None:
    assert check_encoder(PatchTokens()).shape == (16, 128)
    assert check_encoder(FrameTokens()).shape[1] == 128


@pytest.mark.parametrize(
    ("shape", "tokens"), [((28, 28), 16), ((8, 8), 16), ((32, 32, 3), 16), ((64, 48, 3), 12), ((16, 60), 4), ((1, 1), 1)], ids=str
)
def test_a_picture_is_cut_into_squares(shape: tuple[int, ...], tokens: int) -> None:
    encoder, pictures = PatchTokens(), random.random((3, *shape), dtype=np.float32)
    kind = encoder.define(pictures)
    assert (kind.shape, kind.form) == ((tokens, 128), "tokens")
    assert bool(real(encoder.encode(pictures, kind)).all())


def test_a_square_of_a_patch_can_be_read_back() -> None:
    """28 pixels are 4 × 4 squares of 8, so all cosines of a square are there."""
    encoder, pictures = PatchTokens(), random.random((2, 28, 28), dtype=np.float32)
    tokens = encoder.encode(pictures, encoder.define(pictures))
    waves = torch.tensor([[cos(pi * wave * (place + 0.5) / 8) * (0.5 if wave else 0.125**0.5) for place in range(8)] for wave in range(8)])
    order = sorted(((down, across) for down in range(8) for across in range(8)), key=lambda place: (sum(place), place))
    for square, (top, left) in {5: (8, 8), 14: (24, 16)}.items():
        coefficients = torch.zeros(8, 8)
        for number, (down, across) in zip(tokens[1, square, :64], order, strict=True):
            coefficients[down, across] = number
        pixels = (waves.T @ coefficients @ waves + 1) / 2
        held = torch.from_numpy(pictures[1, top : top + 8, left : left + 8])
        torch.testing.assert_close(pixels[: len(held)], held, atol=1e-5, rtol=0)
        torch.testing.assert_close(pixels[len(held) :], held[-1].expand(8 - len(held), -1), atol=1e-5, rtol=0)
    assert not tokens[..., 64:CONTENT].any()
    assert len(tokens[0, :, CONTENT:].unique(dim=0)) == 16, "every place is another one"


def test_frames_are_log_mels_and_silence_at_the_end_is_padding() -> None:
    wave = 0.5 * np.sin(np.arange(8000) * 0.3)
    pause = np.concatenate([wave[:2000], np.zeros(3000), wave[:1000]])
    sounds = [Audio(wave, 8000), Audio(wave[:3000], 8000), Audio(pause, 8000), Audio(np.zeros(4000), 8000)]
    encoder = FrameTokens()
    kind = encoder.define(sounds)
    tokens = encoder.encode(sounds, kind)
    heard = real(tokens).sum(1).tolist()
    assert heard[0] == kind.shape[0]
    assert heard[1] < 12
    assert heard[2] == pytest.approx(19, abs=2), "a pause is none"
    assert heard[3] == 1
    torch.testing.assert_close(tokens[0, :, :64], MODALITIES["audio"].encode(sounds[:1], MODALITIES["audio"].define(sounds))[0])


@pytest.mark.slow("runs a pretrained model of pictures many times")
def test_feature_maps_are_tokens() -> None:
    pytest.importorskip("efficientnet_lite_pytorch", reason="needs the extra [image]")
    encoder = efficientnet_tokens()
    kind = check_encoder(encoder, [*random.integers(0, 256, (2, 50, 60, 3), dtype=np.uint8)])
    assert (kind.shape, kind.form) == ((49, 320), "tokens")
    model, pictures = pretrained_model().eval(), random.random((2, 224, 224, 3), dtype=np.float32)
    seen: list[torch.Tensor] = []
    blocks: Any = model._blocks
    blocks[-1].register_forward_hook(lambda *answer: seen.append(answer[2]))
    with torch.no_grad():
        model.extract_features((torch.from_numpy(pictures).movedim(3, 1) - MEAN) / STD)  # type: ignore[operator]
    maps = seen[0].flatten(2).transpose(1, 2)
    centred = maps - maps.mean(2, keepdim=True)
    torch.testing.assert_close(encoder.encode(pictures, kind), centred / centred.std(2, correction=0, keepdim=True), atol=1e-3, rtol=1e-3)


class Rows(nn.Module):
    """The rows of a picture."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(2.0))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images[:, 0] * self.scale


def test_a_module_may_answer_with_tokens() -> None:
    pictures = random.random((4, 6, 5), dtype=np.float32)
    encoder = TorchEncoder("rows", "image", Rows(), shape=(1, 6, 5), tokens=True)
    kind = check_encoder(encoder, [*pictures])
    assert (kind.shape, kind.form) == ((6, 5), "tokens")
    torch.testing.assert_close(encoder.encode(pictures, kind), torch.from_numpy(pictures) * 2)
    flat = TorchEncoder("rows", "image", Rows(), shape=(1, 6, 5))
    assert flat.define(pictures).shape == (30,)
    assert flat.sha256 != encoder.sha256
    with pytest.raises(
        InputError, match=r"answer of the encoder 'mean': expected a tensor of shape \(1, tokens, width\), got shape \(1, 6\)"
    ):
        TorchEncoder("mean", "table", nn.Linear(3, 6), tokens=True).define(np.zeros((2, 3)))


def test_an_encoder_that_is_given_as_tokens_once_and_as_vectors_then_is_refused(digits: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = digits[0][:60], digits[1][:60]
    net = sp.Network(encoders={"image": TorchEncoder("rows", "image", Rows(), shape=(1, 6, 5), tokens=True)})
    net.learn("digits", x, y, model="wide-and-deep")
    other = sp.Network(net.path, encoders={"image": TorchEncoder("rows", "image", Rows(), shape=(1, 6, 5))})
    with pytest.raises(StoreError, match="encoder 'rows'"):
        other.predict(x)
