"""The page of an experiment, in Markdown and in HTML."""

from __future__ import annotations

from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from senpath.errors import InputError
from senpath.evaluation.metrics import FORMULAS
from senpath.store.files import write_atomic

if TYPE_CHECKING:
    from senpath.experiments.results import ExperimentResults

SHOWN = ("given", "found")
"""Figures of the page, in its order."""
MEASURED = ("ACC", "BWT", "forgetting")
"""Those of `FORMULAS` that the tables have."""


def write_pages(results: ExperimentResults, folder: Path) -> Path:
    """See `ExperimentResults.save`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # only pages need it

    drawn = find_spec("matplotlib") is not None
    pages = Environment(loader=PackageLoader("senpath.experiments", ""), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    values = _values(results)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if drawn:
            for figure in SHOWN:
                results.plot(figure, folder / f"{results.name}-{figure}.svg")
        plain = pages.get_template("page.md.jinja").render(**values, drawn=drawn)
        pages.autoescape = True
        html = pages.get_template("page.html.jinja").render(**values, pictures=_pictures(results) if drawn else {})
        path = folder / f"{results.name}.md"
        write_atomic(path, plain.encode())
        write_atomic(path.with_suffix(".html"), html.encode())
    except OSError as error:
        raise InputError(f"page in {folder}", expected="a folder that can be written", got=error.strerror or str(error)) from error
    return path


def _values(results: ExperimentResults) -> dict[str, Any]:
    from senpath.experiments.results import FIGURES

    return {
        "results": results,
        "tables": {figure: results.lines_of(figure) for figure in SHOWN},
        "figures": FIGURES,
        "formulas": {name: FORMULAS[name] for name in (*MEASURED, *(["FWT"] if results.records.where(kind="before") else []))},
        "settings": [[label, kind, _settings({**settings, **varied})] for label, varied, kind, settings in results.contenders],
    }


def _settings(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in settings.items()) or "its defaults"


def _pictures(results: ExperimentResults) -> dict[str, str]:
    """SVG of each figure, as it stands within HTML."""
    pictures = {}
    for figure in SHOWN:
        text = StringIO()
        results.plot(figure).savefig(text, format="svg")
        pictures[figure] = text.getvalue().partition("<svg")[2].join(["<svg", ""])
    return pictures
