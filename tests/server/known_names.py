"""Hooks of schemathesis: half of what it makes up for a path is what there is, by the names of SENPATH_KNOWN (JSON)."""

import json
import os
import zlib
from typing import Any

import schemathesis

KNOWN: dict[str, list[Any]] = json.loads(os.environ.get("SENPATH_KNOWN", "{}"))


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    for name, made in (path_parameters or {}).items():
        place = zlib.crc32(repr(made).encode())
        if name in KNOWN and place % 2:
            path_parameters[name] = KNOWN[name][place // 2 % len(KNOWN[name])]  # type: ignore[index]
    return path_parameters
