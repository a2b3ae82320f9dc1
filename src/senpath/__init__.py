"""One network that grows: learn tasks one after another, predict without saying which task an input belongs to.

The public names are listed in `__init__.pyi`. Each is loaded when it is first used (PEP 562): torch alone takes a second, which
`senpath --help`, or a program that only talks to a server, need not pay.
"""

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__version__ = "1.0.0"

_STUB = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
_ROOMS = {name.name: str(line.module) for line in _STUB.body if isinstance(line, ast.ImportFrom) for name in line.names}
__all__ = [*_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        value = globals()[name] = getattr(import_module(_ROOMS[name]), name)
        return value
    if not name.startswith("_") and find_spec(f"{__name__}.{name}") is not None:  # a room itself
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS})
