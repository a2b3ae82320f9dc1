"""The network drawn: tasks as columns of classes, links as lines between similar ones."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

import numpy as np

from senpath.reproduce.sen.published import TASKS, TITLES
from senpath.reproduce.sen.records import Found

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Places = dict[tuple[str, str], float]

DIGITS = tuple(string.digits)
CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
SPOKEN = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
CLASSES = {
    "fashion": dict(zip(DIGITS, CLOTHES, strict=True)),
    "mnist": dict(zip(DIGITS, DIGITS, strict=True)),
    "lower": {letter: letter for letter in string.ascii_lowercase},
    "upper": {letter: letter for letter in string.ascii_uppercase},
    "speech": dict(zip(DIGITS, SPOKEN, strict=True)),
}
"""By task: labels and how they are written."""
COLOURS = {"fashion": "#886644", "mnist": "#ee7733", "lower": "#228855", "upper": "#3366aa", "speech": "#aa3377"}
OFTEN = 0.5
"""A link is drawn if at least this share of the seeds made it."""


def draw_network(figure: Figure, found: Found) -> None:
    """Paper recipe, all samples: the classes that are similar, with the mean similarity over the seeds that linked them."""
    axes = figure.subplots()
    tasks = [*TASKS]
    places = {(task, name): (row + 0.5) / len(CLASSES[task]) for task in tasks for row, name in enumerate(CLASSES[task])}
    for column, task in enumerate(tasks):
        for name, words in CLASSES[task].items():
            axes.text(column, 1 - places[task, name], words, ha="center", va="center", fontsize=9.5, color=COLOURS[task], weight="bold")
        axes.text(column, 1.045, TITLES[task], ha="center", fontsize=12, weight="bold", color=COLOURS[task])
    for task in tasks:
        _draw_links(axes, found, task, places)
    axes.set_xlim(-0.5, len(tasks) - 0.5)
    axes.set_ylim(-0.1, 1.08)
    axes.axis("off")


def _draw_links(axes: Axes, found: Found, task: str, places: Places) -> None:
    column, seeds = TASKS.index(task), len(found.distinct("cell", "seed", recipe="paper"))
    often = {pair: float(np.mean(shares)) for pair, shares in found.similarities(task).items() if len(shares) >= OFTEN * seeds}
    for (source, first, second), share in often.items():
        start, end = (TASKS.index(source) + 0.09, 1 - places[source, first]), (column - 0.2, 1 - places[task, second])
        width = 0.6 + 9 * (share - 0.7)
        axes.plot([start[0], end[0]], [start[1], end[1]], color=COLOURS[source], linewidth=width, alpha=0.65, solid_capstyle="round")
        axes.text(column - 0.185, end[1], f".{round(1000 * share):03d}", ha="left", va="center", fontsize=8, color="#444444")
    words = "borrows nothing"
    if often:
        words = f"{len(often)} of {len(CLASSES[task])} classes similar\nto classes of {TITLES[next(iter(often))[0]]}"
    axes.text(column, -0.03, words, ha="center", va="top", fontsize=9, color="#666666")
