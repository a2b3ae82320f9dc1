"""The pictures of the page."""

from __future__ import annotations

import string
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from senpath.errors import InputError, MissingExtraError
from senpath.reports.growth import INK
from senpath.reports.markdown import half_interval
from senpath.reproduce.sen.published import ACTIVATED, IMAGES, METHODS, TABLE_2, TASKS, TITLES
from senpath.reproduce.sen.tables import Results, activated_ours, crossing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Places = dict[tuple[str, str], float]

COLOURS = {"SEN": "#3366aa", "PNN": "#228855", "EWC": "#aa3377", "Multi-task (seq)": "#ee7733", "Single": "#777777"}
MARKS = {"SEN": "o", "PNN": "^", "EWC": "s", "Multi-task (seq)": "D", "Single": "v"}
TASK_COLOURS = {"fashion": "#886644", "mnist": "#ee7733", "lower": "#228855", "upper": "#3366aa", "speech": "#aa3377"}
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
OFTEN = 0.5
"""A link is drawn if at least this share of the seeds made it."""


def draw_figures(results: Results, folder: Path) -> None:
    """Write overview.png, stages.png, shots.png, network.png and activated.png.

    Raises:
        MissingExtraError: if matplotlib is not installed.
        InputError: if they cannot be written.
    """
    try:
        import matplotlib.figure
    except ImportError as error:
        raise MissingExtraError.of("drawing", "matplotlib", "plots") from error
    pictures: dict[str, tuple[Callable[[Figure, Results], None], tuple[float, float]]] = {
        "overview": (_draw_overview, (12.5, 4.6)),
        "stages": (_draw_stages, (12.5, 4.2)),
        "shots": (_draw_shots, (9.5, 5.6)),
        "network": (_draw_network, (12.5, 8.5)),
        "activated": (_draw_activated, (9.5, 4.2)),
    }
    for name, (draw, size) in pictures.items():
        figure = matplotlib.figure.Figure(figsize=size, layout="constrained", facecolor="white")
        draw(figure, results)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            figure.savefig(folder / f"{name}.png", dpi=110)
        except OSError as error:
            raise InputError(
                f"figure {folder / name}.png", expected="a place that can be written", got=error.strerror or str(error)
            ) from error


def _draw_overview(figure: Figure, results: Results) -> None:
    """The two promises side by side: fewer examples, and nothing forgotten."""
    fewer, kept = figure.subplots(1, 2)
    _draw_curve(fewer, results)
    fewer.set_xlabel("examples a class of a new task (UPPER)")
    fewer.set_title("What is known makes few examples go further", loc="left", fontsize=12, weight="bold")
    for method in METHODS:
        means = []
        for place, after in enumerate(IMAGES):
            known = [results.percent("stage", method=method, recipe="default", after=after, task=task) for task in IMAGES[: place + 1]]
            means.append(np.mean(known, axis=0))
        _draw_line(kept, method, _beside(range(len(IMAGES)), method), means)
    kept.set_xticks(range(len(IMAGES)), [f"+ {TITLES[task].split()[1]}" for task in IMAGES])
    kept.set_xlim(-0.3, len(IMAGES) - 0.6)
    kept.set_ylabel("test accuracy, mean over the tasks so far, %")
    kept.set_title("Nothing learned before is lost", loc="left", fontsize=12, weight="bold")
    _plain(kept)
    _legend(figure, kept)


def _draw_stages(figure: Figure, results: Results) -> None:
    """Figure 4: a panel per task, a line per strategy."""
    panels = figure.subplots(1, len(IMAGES), sharey=True)
    for panel, task in zip(panels, IMAGES, strict=True):
        for method in METHODS:
            seeds = [results.percent("stage", method=method, recipe="default", after=after, task=task) for after in TASKS]
            measured = [place for place, values in enumerate(seeds) if values]
            _draw_line(panel, method, _beside(measured, method), [seeds[place] for place in measured])
        panel.set_xticks(range(len(TASKS)), [f"T{place + 1}" for place in range(len(TASKS))])
        panel.set_xlim(-0.3, len(TASKS) - 0.7)
        panel.set_title(TITLES[task], loc="left", fontsize=11, weight="bold")
        panel.set_xlabel("after learning")
        _plain(panel)
    panels[0].set_ylabel("test accuracy, %")
    _legend(figure, panels[0])


def _draw_shots(figure: Figure, results: Results) -> None:
    """Accuracy on UPPER against examples a class, with the paper's figures."""
    axes = figure.subplots()
    _draw_curve(axes, results)
    for method in METHODS:
        said = [(int(key), TABLE_2[method, key, "upper"]) for key in ("5", "10") if (method, key, "upper") in TABLE_2]
        points = [float(text.split()[0]) for _, text in said]
        hollow: dict[str, Any] = {"markerfacecolor": "none", "markersize": 8, "linestyle": ""}
        axes.plot([key for key, _ in said], points, marker=MARKS[method], color=COLOURS[method], **hollow)
    axes.set_xlabel("examples a class of UPPER (hollow: the paper's figures, on EMNIST)")
    _legend(figure, axes)


def _draw_curve(axes: Axes, results: Results) -> None:
    """A line per strategy, and how much further SEN's examples go than Single's."""
    most = round(results("cost", method="SEN", task="upper")[0]["examples"] / 26)
    for method in METHODS:
        shots = results.shots(method, "default", "upper")
        _draw_line(axes, method, [*shots, most], [results.cell(method, "default", key, "upper") for key in (*map(str, shots), "all")])
    _mark_gain(axes, results)
    axes.set_xscale("log")
    ticks = [1, 2, 5, 10, 20, 50, 100, most]
    axes.set_xticks(ticks, [*map(str, ticks[:-1]), "all"])
    axes.minorticks_off()
    axes.set_ylabel("test accuracy, %")
    _plain(axes)


def _mark_gain(axes: Axes, results: Results) -> None:
    """A line from SEN's five shots to where Single has as much."""
    at = crossing(results, "default")
    if at.above:
        axes.annotate("", (at.shots, at.aim), (5, at.aim), arrowprops={"arrowstyle": "<->", "color": INK, "linewidth": 1.2})
        words = f"Single needs about {at.shots:.0f} examples\nfor what SEN has from 5"
        axes.text(at.shots * 1.06, at.aim - 1, words, va="top", fontsize=9, color=INK)


def _draw_activated(figure: Figure, results: Results) -> None:
    """Activated weights per task: published and ours."""
    axes = figure.subplots()
    series = {
        "published": (ACTIVATED, "#bbbbbb"),
        "ours, class links": (activated_ours(results, "paper"), "#88aadd"),
        "ours, default": (activated_ours(results, "default"), COLOURS["SEN"]),
    }
    for place, (name, (shares, colour)) in enumerate(series.items()):
        heights = np.arange(len(TASKS)) + (place - 1) * 0.26
        axes.barh(heights, [shares[task] for task in TASKS], height=0.24, color=colour, label=name)
        for height, task in zip(heights, TASKS, strict=True):
            axes.text(shares[task] + 0.8, height, f"{shares[task]:.1f}", va="center", fontsize=8.5)
    axes.set_yticks(range(len(TASKS)), [TITLES[task] for task in TASKS])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of all weights that run to predict, with the task given, %")
    _plain(axes)
    axes.grid(visible=False, axis="y")
    _legend(figure, axes)


def _draw_network(figure: Figure, results: Results) -> None:
    """Paper recipe, all samples: the classes that are similar, with the mean similarity over the seeds that linked them."""
    axes = figure.subplots()
    tasks = [*TASKS]
    places = {(task, name): (row + 0.5) / len(CLASSES[task]) for task in tasks for row, name in enumerate(CLASSES[task])}
    for column, task in enumerate(tasks):
        style: dict[str, Any] = {"ha": "center", "color": TASK_COLOURS[task], "weight": "bold"}
        for name, words in CLASSES[task].items():
            axes.text(column, 1 - places[task, name], words, va="center", fontsize=9.5, **style)
        axes.text(column, 1.045, TITLES[task], fontsize=12, **style)
    for task in tasks:
        _draw_links(axes, results, task, places)
    axes.set_xlim(-0.5, len(tasks) - 0.5)
    axes.set_ylim(-0.1, 1.08)
    axes.axis("off")


def _draw_links(axes: Axes, results: Results, task: str, places: Places) -> None:
    column, seeds = TASKS.index(task), len(results.distinct("cell", "seed", recipe="paper"))
    often = {pair: float(np.mean(shares)) for pair, shares in results.similarities(task).items() if len(shares) >= OFTEN * seeds}
    for (source, first, second), share in often.items():
        start, end = (TASKS.index(source) + 0.09, 1 - places[source, first]), (column - 0.2, 1 - places[task, second])
        width = 0.6 + 9 * (share - 0.7)
        axes.plot([start[0], end[0]], [start[1], end[1]], color=TASK_COLOURS[source], linewidth=width, alpha=0.65, solid_capstyle="round")
        axes.text(column - 0.185, end[1], f".{round(1000 * share):03d}", ha="left", va="center", fontsize=8, color="#444444")
    words = "borrows nothing"
    if often:
        words = f"{len(often)} of {len(CLASSES[task])} classes similar\nto classes of {TITLES[next(iter(often))[0]]}"
    axes.text(column, -0.03, words, ha="center", va="top", fontsize=9, color="#666666")


def _beside(places: Sequence[int], method: str) -> list[float]:
    """Places a little apart for each strategy, for several have the same accuracy."""
    return [place + 0.07 * (METHODS.index(method) - len(METHODS) // 2) for place in places]


def _draw_line(axes: Axes, method: str, places: Sequence[float], seeds: Sequence[Sequence[float]]) -> None:
    """Means over seeds with their 95 % confidence intervals."""
    first = method == "SEN"
    axes.errorbar(
        places,
        [float(np.mean(values)) for values in seeds],
        yerr=np.nan_to_num([half_interval(values) for values in seeds]),
        label=method,
        color=COLOURS[method],
        marker=MARKS[method],
        markersize=5.5 if first else 4,
        linewidth=2.4 if first else 1.3,
        capsize=2,
        zorder=3 if first else 2,
    )


def _plain(axes: Axes) -> None:
    axes.grid(visible=True, color="#e8e8e8", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _legend(figure: Figure, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), frameon=False, fontsize=10)
