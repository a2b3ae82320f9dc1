"""One self-contained HTML page on a network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from errno import EINVAL, EISDIR
from functools import cache
from math import prod
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from senpath.errors import InputError, printable
from senpath.evaluation import Recorded
from senpath.inputs.modalities.table import table_columns
from senpath.isolation import isolated
from senpath.network import Network
from senpath.reports import borrowing
from senpath.reports.accuracy import describe_accuracy
from senpath.reports.borrowing import draw_borrowing
from senpath.reports.growth import COLOURS
from senpath.reports.network_summary import measured_stages, sections, summarize
from senpath.reports.tables import describe_classes, describe_log, describe_routes
from senpath.sections import CHART_HEIGHT, NetworkSummary, TaskSummary
from senpath.store.files import as_path, replacing
from senpath.types import DataType

if TYPE_CHECKING:
    from jinja2 import Environment

BARS = 1000
"""At most so many tasks have a bar of what they activate: those that activate most."""


@isolated
def report(net: Network, path: str | Path) -> None:
    """Write a page about the network: tasks and figures, accuracy after each stage, links, shared layers, activation, confusions, log.

    The page is one HTML file that runs no script and fetches nothing. Accuracies are those that `evaluate` recorded.

    Args:
        net: the network, at the version that it shows.
        path: the page's file; an existing file is replaced.

    Raises:
        InputError: if no file of this name can be written.
        StoreError: if the recorded evaluations cannot be read.

    Example:
        >>> sp.report(net, "report.html")
        >>> "iris" in Path("report.html").read_text(encoding="utf-8")
        True
    """
    target = as_path("path of the report", path)
    stages = measured_stages(net)
    page = printable(render(summarize(net, stages), stages)).encode()
    try:
        _check_target(target, net)
        with replacing(target) as file:
            file.write(page)
    except (OSError, ValueError) as error:  # ValueError: a name that no system takes
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"report {path}", expected="a file that can be written", got=reason, do="Choose another path") from error


def render(network: NetworkSummary, stages: Sequence[Recorded]) -> str:
    """The page's HTML."""
    tasks = network.tasks
    most = sorted(tasks, key=lambda name: -sum(tasks[name].parts.values()))[:BARS]
    methods = sections(network)
    borrowed = {task: (names, section.part) for section in methods for task, names in section.borrowed.items()}
    return (
        _environment()
        .get_template("report.html")
        .render(
            network=network,
            accuracy=describe_accuracy(network, stages),
            drawing=draw_borrowing(network, methods),
            borrowed=borrowed,
            shown_below={task for section in methods if section.template is not None for task in section.borrowed},
            sections=[_render_section(section.template, section.values) for section in methods if section.template is not None],
            routes=describe_routes(network, stages),
            classes=describe_classes(network, stages),
            commits=describe_log(network),
            bars=[task for name, task in tasks.items() if name in most],
            full=_full(tasks.values()),
            share=sum(task.share for task in tasks.values()) / max(1, len(tasks)),
            unmeasured=next((name for name, task in tasks.items() if task.accuracy is None), None),
            palette=COLOURS,
            row=borrowing.ROW,
            at_once=borrowing.AT_ONCE,
            node=borrowing.NODE,
            chart=CHART_HEIGHT,
        )
    )


def _render_section(template: Path, values: Mapping[str, Any]) -> Markup:
    return Markup(_environment().from_string(template.read_text(encoding="utf-8")).render(values))


def _check_target(target: Path, net: Network) -> None:
    """Refuse what would be lost or would not be a file; a file of the network itself above all."""
    if target.is_dir():
        raise IsADirectoryError(EISDIR, "a folder")
    if target.exists() and not target.is_file():
        raise OSError(EINVAL, "something else of that name")
    if isinstance(net.path, Path) and target.resolve().is_relative_to(net.path.resolve()):
        raise OSError(EINVAL, "a place within the network's own folder")


def _full(tasks: Iterable[TaskSummary]) -> float:
    """Where the axis of shares ends, in 0 … 1: at all weights, or sooner where all that runs is a small part of them."""
    most = max((task.share for task in tasks), default=1.0)
    return min(end for end in (1.0, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001) if end >= most)


def percent(share: float, digits: int = 1) -> str:
    """A share in 0 … 1 in per cent, without the sign; little is not said to be nothing, nor nearly all to be all."""
    least = 10**-digits
    value = 100 * share
    if 0 < value < least / 2:
        return f"<{least:.{digits}f}"
    if 100 - least / 2 <= value < 100:
        return f">{100 - least:.{digits}f}"
    return f"{value:.{digits}f}"


def points(change: float) -> str:
    """A change of a share in points, with its sign."""
    value = round(100 * change, 1)
    return f"{value:+.1f}".replace("-", "−") if value else "0.0"


def short(count: int) -> str:
    """A number of weights in three figures or so."""
    for size, sign in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.{1 if count < 100 * size else 0}f} {sign}"
    return str(count)


def moment(time: str | datetime) -> str:
    """An ISO time to the minute; what is none stays as it is."""
    try:
        parsed = datetime.fromisoformat(time) if isinstance(time, str) else time
    except ValueError:
        return str(time)
    return parsed.strftime("%Y-%m-%d %H:%M")


def shape(data_type: DataType) -> str:
    """What inputs of a type are brought to."""
    if data_type.form == "video":
        frames, width = data_type.shape
        return f"{frames:,} frames of {width:,} numbers" + (f", of the encoder {data_type.encoder}" if data_type.encoder else "")
    if data_type.form == "tokens":
        length, width = data_type.shape
        return f"{length:,} tokens of {width:,} numbers, of the encoder {data_type.encoder}"
    if data_type.encoder is not None:
        return f"{prod(data_type.shape):,} numbers of the encoder {data_type.encoder}"
    if data_type.modality == "table":
        columns = len(table_columns(data_type))
        return f"{columns:,} column{'s' if columns != 1 else ''}"
    if data_type.modality == "text":
        return f"{prod(data_type.shape):,} buckets"
    return " × ".join(str(size) for size in data_type.shape)


def formula(text: str) -> Markup:
    """Indices in braces set low."""
    return Markup(re.sub(r"_\{(.*?)\}", r"<sub>\1</sub>", str(escape(text))))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # only pages need it

    pages = Environment(
        loader=PackageLoader("senpath.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    pages.filters |= {"percent": percent, "points": points, "short": short, "count": "{:,}".format}
    pages.filters |= {"moment": moment, "shape": shape, "formula": formula, "shell": quote}
    return pages
