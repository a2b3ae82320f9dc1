"""Rendered pictures of letters and pictograms: the fonts that matplotlib ships, distorted so that no two are alike."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont

from senpath.errors import InputError
from senpath.plugins import import_extra

SIDE = 28
WORK = 64  # Distortion works on glyphs of this many pixels, so that thin strokes survive.
MASTER = 42  # Longest side of an undistorted glyph, which leaves room for rotation.
OVERSAMPLE = 3
"""Times as fine a grid as the picture, of which means are taken."""
BATCH = 512
CUTS = (0.12, 0.5)
CUTS_SHADED = (0.06, 0.2)  # Outlines of pictograms are thin, and gone at a higher cut.

# Held out by font, not by picture: a test glyph is a shape that training has never seen.
LETTER_FONTS = {
    "train": (
        *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-BoldOblique", "DejaVuSansMono-Oblique", "DejaVuSansMono-Bold"),
        *("DejaVuSerif", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic"),
        *("STIXGeneral", "STIXGeneralBolIta", "cmr10", "cmb10", "cmtt10", "cmmi10"),
    ),
    "test": ("DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSerif-Bold", "STIXGeneralItalic", "STIXGeneralBol", "cmss10", "cmti10"),
}
# Only DejaVu draws pictograms, and the same in bold and oblique: nothing to hold out, so the test is other distortions of these.
SYMBOL_FONTS = dict.fromkeys(("train", "test"), ("DejaVuSans", "DejaVuSansMono"))
LETTERS_LOWER = {letter: letter for letter in string.ascii_lowercase}
LETTERS_UPPER = {letter: letter for letter in string.ascii_uppercase}
# Filled and outlined drawings of one thing are one class.
SYMBOLS = {
    "airplane": "\u2708",
    "anchor": "\u2693",
    "cloud": "\u2601",
    "club": "\u2663\u2667",
    "cup": "\u2615",
    "heart": "\u2665\u2661",
    "knight": "\u265e\u2658",
    "phone": "\u260e\u260f",
    "snowman": "\u2603",
    "umbrella": "\u2602",
}


def render(
    classes: Mapping[str, str], fonts: tuple[str, ...], per_class: int, seed: int, *, box: float = 20.0, shaded: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Draws `per_class` distorted pictures of each class, bright on black.

    Each is turned, sheared, stretched, bent and made thicker or thinner at random, brought to `box` pixels, and centred by
    its mass in 28x28 pixels as MNIST's digits are (LeCun 1998).

    Args:
        classes: label -> the characters that are drawn for it.
        fonts: names of font files that matplotlib ships, without ".ttf".
        per_class: pictures of each class, spread evenly over fonts and characters.
        seed: equal seeds draw equal pictures on one machine.
        box: longest side of a drawing, in pixels.
        shaded: the ink's brightness changes across the picture, as on cloth.

    Returns: uint8 (len(classes) * per_class, 28, 28), labels str (n,), in random order.
    Raises: InputError if a font lacks a character; MissingExtraError without matplotlib.
    """
    generator = np.random.default_rng(seed)
    masters, owner = _masters(classes, fonts)
    names = list(classes)
    picks, labels = [], []
    for index, name in enumerate(names):
        own = np.flatnonzero(owner == index)
        picks.append(generator.permutation(np.resize(own, per_class)))
        labels += [name] * per_class
    order = generator.permutation(len(labels))
    pick, y = np.concatenate(picks)[order], np.array(labels)[order]
    pictures = [
        _distorted(torch.from_numpy(masters[pick[start : start + BATCH]]), generator, box, shaded) for start in range(0, len(pick), BATCH)
    ]
    return np.concatenate(pictures), y


def _masters(classes: Mapping[str, str], fonts: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """One clean drawing for each font and character: float32 (m, WORK, WORK) in [0, 1], and the class of each (m,)."""
    matplotlib, ft2font = (import_extra(module, "rendered letters", "demo") for module in ("matplotlib", "matplotlib.ft2font"))
    drawings, owner = [], []
    for name in fonts:
        file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
        held = ft2font.FT2Font(str(file)).get_charmap()
        font = ImageFont.truetype(str(file), 2 * MASTER)
        for index, character in ((i, c) for i, characters in enumerate(classes.values()) for c in characters):
            if ord(character) not in held:
                raise InputError(f"font {name}", expected=f"the character {character!r}", got="none", do="Choose another font or character")
            canvas = Image.new("L", (6 * MASTER, 6 * MASTER))
            ImageDraw.Draw(canvas).text((2 * MASTER, 2 * MASTER), character, fill=255, font=font)
            glyph = canvas.crop(canvas.getbbox())
            factor = MASTER / max(glyph.size)
            width, height = (max(1, round(factor * side)) for side in glyph.size)
            drawing = Image.new("L", (WORK, WORK))
            drawing.paste(glyph.resize((width, height), Image.Resampling.LANCZOS), ((WORK - width) // 2, (WORK - height) // 2))
            drawings.append(np.asarray(drawing, np.float32) / 255)
            owner.append(index)
    return np.stack(drawings), np.array(owner)


def _distorted(masters: torch.Tensor, generator: np.random.Generator, box: float, shaded: bool) -> np.ndarray:
    """(n, WORK, WORK) -> uint8 (n, 28, 28), each distorted in its own way."""
    n = len(masters)
    bent = F.grid_sample(masters[:, None], _affine(n, generator) + _bend(n, generator), align_corners=False)
    inked = _stroke(bent, generator, CUTS_SHADED if shaded else CUTS)
    if shaded:
        inked = inked * _shade(n, generator)
    small = _normalised(inked, box)
    strength = torch.from_numpy(generator.uniform(0.85, 1.0, (n, 1, 1)).astype(np.float32))
    # Noise on the ink alone: speckles on the black would tell these pictures from scanned ones at a glance.
    noise = torch.from_numpy(generator.normal(1, 0.06, small.shape).astype(np.float32))
    return ((strength * small * noise).clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def _affine(n: int, generator: np.random.Generator) -> torch.Tensor:
    """Sampling grids (n, WORK, WORK, 2) that turn by up to 14 degrees, shear and stretch."""
    turn = np.deg2rad(generator.normal(0, 6, n).clip(-14, 14))
    shear = generator.normal(0, 0.15, n).clip(-0.35, 0.35)
    wide, high = generator.uniform(0.8, 1.2, (2, n))
    cos, sin = np.cos(turn), np.sin(turn)
    rows = np.stack([wide * cos, wide * (shear * cos - sin), 0 * turn, high * sin, high * (shear * sin + cos), 0 * turn], axis=1)
    return F.affine_grid(torch.from_numpy(rows.reshape(n, 2, 3).astype(np.float32)), [n, 1, WORK, WORK], align_corners=False)


def _bend(n: int, generator: np.random.Generator) -> torch.Tensor:
    """A smooth random displacement (n, WORK, WORK, 2): the elastic distortion of Simard 2003, from a coarse random grid."""
    coarse = torch.from_numpy(generator.normal(0, 0.06, (n, 2, 5, 5)).astype(np.float32))
    return F.interpolate(coarse, size=(WORK, WORK), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)


def _stroke(pictures: torch.Tensor, generator: np.random.Generator, cuts: tuple[float, float]) -> torch.Tensor:
    """Blurs and cuts at a random height: a low cut thickens the strokes, a high one thins them."""
    blurred = F.avg_pool2d(F.avg_pool2d(pictures, 3, 1, 1, count_include_pad=True), 3, 1, 1)
    cut = torch.from_numpy(generator.uniform(*cuts, (len(pictures), 1, 1, 1)).astype(np.float32))
    # Steep enough that what has no ink stays black at a low cut too.
    slope = (0.5 / cut).clamp_min(4)
    return ((blurred - cut) * slope + 0.5).clamp(0, 1)


def _shade(n: int, generator: np.random.Generator) -> torch.Tensor:
    """Smooth brightness (n, 1, WORK, WORK) between 0.35 and 1."""
    coarse = torch.from_numpy(generator.uniform(0.35, 1.0, (n, 1, 4, 4)).astype(np.float32))
    return F.interpolate(coarse, size=(WORK, WORK), mode="bilinear", align_corners=True)


def _normalised(pictures: torch.Tensor, box: float) -> torch.Tensor:
    """(n, 1, WORK, WORK) -> (n, 28, 28): the longest side of the ink `box` pixels, the centre of its mass in the middle."""
    ink = pictures[:, 0]
    place = torch.linspace(-1 + 1 / WORK, 1 - 1 / WORK, WORK)
    columns, rows = ink.sum(1), ink.sum(2)
    mass = columns.sum(1).clamp_min(1e-6)
    centre = torch.stack([(columns * place).sum(1), (rows * place).sum(1)], dim=1) / mass[:, None]
    extent = torch.stack([_extent(ink.amax(1)), _extent(ink.amax(2))]).amax(0)
    # In the sampling grid 1 is half of the picture: half the output's side, in pixels of the input, over half the input's side.
    scale = extent * SIDE / box / WORK
    theta = torch.zeros(len(ink), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = scale
    theta[:, :, 2] = centre
    fine = SIDE * OVERSAMPLE
    grid = F.affine_grid(theta, [len(ink), 1, fine, fine], align_corners=False)
    return F.avg_pool2d(F.grid_sample(pictures, grid, align_corners=False), OVERSAMPLE)[:, 0]


def _extent(profile: torch.Tensor) -> torch.Tensor:
    """Pixels from the first to the last that bears ink (n,), of profiles (n, WORK)."""
    inked = (profile > 0.2).to(torch.uint8)
    first, last = inked.argmax(1), WORK - 1 - inked.flip(1).argmax(1)
    return (last - first + 1).float()
