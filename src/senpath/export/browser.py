"""A page that runs exported models in a browser: files that need neither a server nor another host."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any

from senpath.errors import InputError
from senpath.tasks import Label

RUNTIME = {"script": "ort.wasm.min.js", "loader": "ort-wasm-simd-threaded.mjs", "wasm": "ort-wasm-simd-threaded.wasm"}
"""Files of onnxruntime-web that the page needs, by what they are: the interface, what starts the compiled part, and that part."""
OWN = ("index.html", "page.js")
FETCH = "npm install onnxruntime-web, and name node_modules/onnxruntime-web"
MOST_BYTES = 2**27
"""Of a file of onnxruntime-web; the largest has 14 MB."""


PAGE = (*OWN, "models.js", "runtime.js")
MODELS = "const MODELS = "
EXACT = 2**53 - 1
"""Whole numbers of JavaScript are exact up to here (ECMA-262, Number.MAX_SAFE_INTEGER)."""


def read_runtime(package: Path) -> dict[str, bytes]:
    """The files of the npm package onnxruntime-web that the page needs, by what they are.

    Raises:
        InputError: if the package is not in this folder, or is another.
    """
    return {what: _file_of(package, name) for what, name in RUNTIME.items()}


def _file_of(package: Path, name: str) -> bytes:
    for file in (package / "dist" / name, package / name):
        if file.is_file() and file.stat().st_size <= MOST_BYTES:
            return file.read_bytes()
    raise InputError(f"onnxruntime-web in {package}", expected=f"its file dist/{name}", got="none", do=FETCH)


def page_files(runtime: Mapping[str, bytes], models: Sequence[tuple[dict[str, Any], bytes]]) -> dict[str, bytes]:
    """The page's files by name, those of `PAGE`.

    A page that is opened from a folder may load scripts and nothing else, so models and runtime are scripts too, as texts in base64.

    Args:
        runtime: of `read_runtime`.
        models: what each says of itself, and its content.
    """
    texts = {what: b64encode(runtime[what]).decode() for what in ("loader", "wasm")}
    listed = json.dumps([{"about": _readable(about), "model": b64encode(content).decode()} for about, content in models])
    own = files("senpath.export") / "page"
    return {
        **{name: (own / name).read_bytes() for name in OWN},
        # Parsed, for in a script's own objects a column "__proto__" would be no column.
        "models.js": f"{MODELS}JSON.parse({json.dumps(listed)});\n".encode(),
        "runtime.js": runtime["script"] + f"\nconst RUNTIME = {json.dumps(texts)};\n".encode(),
    }


def _readable(about: dict[str, Any]) -> dict[str, Any]:
    """What a model says of itself, with the labels as texts that are numbers which JavaScript would round."""
    tasks = [{**task, "classes": [str(label) if _is_rounded(label) else label for label in task["classes"]]} for task in about["tasks"]]
    return {**about, "tasks": tasks}


def _is_rounded(label: Label) -> bool:
    """Whether JavaScript, whose numbers are floats, would read another whole number."""
    return isinstance(label, int) and abs(label) > EXACT


def is_page(path: Path) -> bool:
    """Whether this is a file of a page that senpath wrote: the folder's models say so."""
    models = path.with_name("models.js")
    with suppress(OSError), models.open("rb") as file:
        return path.name in PAGE and file.read(len(MODELS)) == MODELS.encode()
    return False
