"""The rows that come with senpath, and finding those of others."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from senpath.bench.protocol import BenchRow
from senpath.bench.rows.closed import ClassMeans, RanPacRow, Ridge
from senpath.bench.rows.columns import ColumnRow
from senpath.bench.rows.kept import learn_pathways, open_pathways
from senpath.bench.rows.neighbours import NearestNeighbours, SemanticRouter
from senpath.bench.rows.network import JointRow, LargestSoftmax, Oracle, Senpath
from senpath.errors import InputError
from senpath.plugins import import_place, offered

__all__ = ["ROWS", "ColumnRow", "find_row", "known_rows", "learn_pathways", "open_pathways", "row_slug"]

GROUP = "senpath.bench.rows"
"""Entry points by which installed packages offer rows."""
ROWS: dict[str, type[BenchRow]] = {
    "senpath": Senpath,
    "ranpac": RanPacRow,
    "ridge": Ridge,
    "class-means": ClassMeans,
    "neighbours": NearestNeighbours,
    "largest-softmax": LargestSoftmax,
    "semantic-router": SemanticRouter,
    "joint": JointRow,
    "oracle": Oracle,
}
"""In the order of the tables."""


def known_rows() -> list[str]:
    """Names of senpath's own rows and of those that installed packages offer."""
    return list(dict.fromkeys([*ROWS, *offered(GROUP)]))


def find_row(name: str) -> type[BenchRow]:
    """The row of this name, or at this place: `path/to/file.py:Class` or `package.module:Class`.

    Raises:
        InputError: if there is none, or what is there is no row.
    """
    if name in ROWS:
        return ROWS[name]
    place = offered(GROUP).get(name, name)
    if ":" not in place:
        raise InputError("row", expected=f"one of {', '.join(known_rows())}, or FILE.py:CLASS", got=repr(name))
    file, _, attribute = place.rpartition(":")
    row = _from_file(Path(file), attribute) if file.endswith(".py") else import_place(place, "row")
    missing = [part for part in ("title", "about", "learn", "answer") if not hasattr(row, part)]
    if not isinstance(row, type) or missing:
        got = f"{type(row).__name__} without {', '.join(missing)}" if missing else type(row).__name__
        expected, do = "a class as senpath.bench.BenchRow describes it", "See docs/howto/benchmark.md"
        raise InputError(f"row {name!r}", expected=expected, got=got, do=do)
    return row


def row_slug(name: str) -> str:
    """What a row's results are kept under."""
    file, _, attribute = name.rpartition(":")
    words = f"{Path(file).stem}-{attribute}" if file else name
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _from_file(file: Path, attribute: str) -> Any:
    """What a file of Python defines under this name."""
    if not file.is_file():
        raise InputError(f"file {file}", expected="a file of Python", got="nothing there")
    name = f"senpath_bench_row_{row_slug(str(file))}"
    specification = importlib.util.spec_from_file_location(name, file)
    if specification is None or specification.loader is None:
        raise InputError(f"file {file}", expected="a file of Python", got="another file")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    run: Callable[[Any], None] = specification.loader.exec_module
    try:
        run(module)
    except Exception as error:  # whatever a file of somebody else's does
        raise InputError(f"file {file}", expected="one that can be imported", got=f"{type(error).__name__}: {error}") from error
    if not hasattr(module, attribute):
        raise InputError(f"file {file}", expected=f"a class {attribute!r}", got="no such name")
    return getattr(module, attribute)
