"""Clips made of pictures: each moves across a black ground, so there are two things to tell of it, what it is and where it goes."""

from __future__ import annotations

import numpy as np

WAYS = ("right", "down right", "down", "down left", "left", "up left", "up", "up right")
FRAMES = 12
MIDDLE, LENGTH = (0.3, 0.7), (0.4, 0.6)
"""Where the middle of a path may lie, and how long it may be, as shares of the picture's side."""


def moving_pictures(pictures: np.ndarray, seed: int, frames: int = FRAMES) -> tuple[np.ndarray, np.ndarray]:
    """Let each picture move in one of eight directions, drawn at random.

    The middle of the path is drawn, not its beginning: what moves left and what moves right is seen at the same places, and only the order
    of the frames tells them apart. Clips that are played backwards are those of the opposite direction.

    Args:
        pictures: uint8 (n, side, side), on black.
        seed: of the directions and the paths.
        frames: of a clip.

    Returns:
        Clips, uint8 (n, frames, 2 · side, 2 · side), and the directions, (n,) of `WAYS`.

    Example:
        >>> from senpath.data import moving_pictures
        >>> clips, directions = moving_pictures((x[:3] * 255).astype(np.uint8), seed=0, frames=4)
        >>> clips.shape, directions.shape
        ((3, 4, 16, 16), (3,))
    """
    count, side, _ = pictures.shape
    generator = np.random.default_rng(seed)
    ways: np.ndarray = generator.integers(len(WAYS), size=(count,))
    middles: np.ndarray = generator.uniform(*MIDDLE, (count, 2))
    lengths: np.ndarray = generator.uniform(*LENGTH, (count,))
    angles = np.multiply(ways, 2 * np.pi / len(WAYS))
    steps = np.stack([np.sin(angles), np.cos(angles)], 1) * lengths[:, None]
    times = np.linspace(-0.5, 0.5, frames)
    shares: np.ndarray = middles[:, None] + times[None, :, None] * steps[:, None]
    places = np.round(side * shares).astype(int).clip(0, side)
    clips = np.zeros((count, frames, 2 * side, 2 * side), np.uint8)
    for clip, picture, path in zip(clips, pictures, places, strict=True):
        for frame, (top, left) in zip(clip, path, strict=True):
            frame[top : top + side, left : left + side] = picture
    return clips, np.array(WAYS)[ways]
