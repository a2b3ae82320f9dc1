"""Changing images while training: mirrored, cut and coloured; distortion is tested with the training."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from senpath.training import Augmentation
from senpath.training.augment import turn_hue


def images(channels: int = 3, count: int = 200) -> torch.Tensor:
    """A bright patch at the left of a darker ground, in other colours each."""
    found = torch.rand(count, channels, 1, 1, generator=torch.Generator().manual_seed(1)).expand(-1, -1, 12, 12) * 0.4 + 0.1
    found = found.clone()
    found[:, :, 4:8, :4] += 0.4
    return found


def changed(start: torch.Tensor, seed: int = 0, **settings: Any) -> torch.Tensor:
    return Augmentation(**settings)(start, torch.Generator().manual_seed(seed))


def test_nothing_is_changed_by_itself() -> None:
    assert torch.equal(changed(images()), images())
    assert not Augmentation().changes(3)


def test_half_of_the_images_are_mirrored() -> None:
    start = images()
    found = changed(start, flip=True)
    same = (found - start).abs().amax((1, 2, 3)) < 1e-5
    mirrored = (found - start.flip(3)).abs().amax((1, 2, 3)) < 1e-5
    assert bool((same | mirrored).all())
    assert 70 <= int(mirrored.sum()) <= 130


def test_a_crop_shows_at_least_its_share() -> None:
    start = torch.linspace(0, 1, 40).expand(300, 1, 40, 40).contiguous()  # brightness tells the column
    found = changed(start, crop=0.5)
    widths = found[:, 0, 20, -1] - found[:, 0, 20, 0]
    assert float(widths.min()) >= 0.5 * (3 / 4) ** 0.5 - 0.05
    assert float(widths.max()) <= 1.0 + 1e-5
    assert float(widths.std()) > 0.05
    assert torch.allclose(changed(start, crop=1.0), start, atol=1e-4)


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue"])
def test_colours_move_by_so_much(name: str) -> None:
    start = images()
    found, further = changed(start, **{name: 0.05}), changed(start, **{name: 0.2})
    assert 0 < float((found - start).abs().mean()) < float((further - start).abs().mean())
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1
    if name == "contrast":
        assert torch.allclose(found.mean((1, 2, 3)), start.mean((1, 2, 3)), atol=1e-3)
    if name == "hue":
        assert torch.allclose(found.mean((1, 2, 3)), start.mean((1, 2, 3)), atol=1e-3)  # what is turned about the grey axis is as bright


def test_a_whole_turn_of_colours_changes_nothing() -> None:
    turned = turn_hue(images(), torch.full((200, 1, 1, 1), 1 / 3))
    assert torch.allclose(turned, images().roll(1, 1), atol=1e-5)  # red is where green was: a third of a turn


def test_grey_images_have_no_saturation() -> None:
    assert not Augmentation(saturation=0.2, hue=0.2).changes(1)
    assert torch.equal(changed(images(1), saturation=0.2, hue=0.2), images(1))


def test_a_generator_decides() -> None:
    every = {"flip": True, "crop": 0.7, "brightness": 0.1, "contrast": 0.1, "saturation": 0.1, "hue": 0.1}
    assert torch.equal(changed(images(), 3, **every), changed(images(), 3, **every))
    assert not torch.equal(changed(images(), 3, **every), changed(images(), 4, **every))


def test_a_wide_image_is_distorted_as_a_square_one_is() -> None:
    def stretched(height: int) -> torch.Tensor:
        """Of a distorted disc: variances across and down, and covariance, (n, 3)."""
        down, across = torch.arange(height) - (height - 1) / 2, torch.arange(60) - 29.5
        disc = (down[:, None] ** 2 + across**2 < 36).float()
        found = changed(disc.expand(100, 1, -1, -1), distortion=1.0)[:, 0]
        ink = found / found.sum((1, 2), keepdim=True)
        y, x = (ink.sum(2) @ down)[:, None, None], (ink.sum(1) @ across)[:, None, None]
        y, x = down[:, None] - y, across - x
        return torch.stack([(ink * part).sum((1, 2)) for part in (x * x, y * y, x * y)], 1)

    assert torch.allclose(stretched(24), stretched(60), atol=0.3)
    assert float(stretched(24)[:, 2].abs().mean()) > 0.5  # they do turn


def test_half_of_the_copies_are_distorted_the_opposite_way() -> None:
    start = torch.zeros(50, 1, 24, 24)
    start[:, :, 8:16, 8:16] = 1.0
    copies = changed(start.repeat_interleave(4, 0), distortion=1.0, opposed=2).view(50, 4, 24, 24)
    across = torch.arange(24.0)
    moved = (copies.sum(2) @ across) / copies.sum((2, 3)) - 11.5  # how far the square's middle went
    assert float(moved.abs().mean()) > 0.5
    # Drawn by themselves, two would add up to 1.4 times what one is.
    assert float((moved[:, :2] + moved[:, 2:]).abs().mean()) < 0.6 * float(moved.abs().mean())
