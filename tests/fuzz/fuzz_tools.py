"""What the random tests share: how many examples they try, how long one may take, and what they ask a network."""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

import senpath as sp
from benchmarks.fuzz_folders.mutants import collect_places

TIMES = float(os.environ.get("SENPATH_FUZZ", "1"))
"""Multiplies the number of examples. At 1 they are the same in every run, otherwise they are drawn anew."""
SECONDS = 60
"""One example that takes longer hangs: a hundred times what it needs."""
CHECKSUM = b',\n"checksum":"'
TASKS = b',\n"tasks":{\n'


def tries(count: int) -> settings:
    """So many examples, times SENPATH_FUZZ."""
    return settings(
        max_examples=max(1, round(count * TIMES)),
        deadline=None,
        derandomize=TIMES == 1,
        database=None,
        print_blob=True,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def in_time() -> Iterator[None]:
    """What takes too long within is an error; without limit where the system has no alarm clock."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def ring(number: int, frame: Any) -> None:
        raise AssertionError(f"still running after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def refused(ask: Callable[[], Any]) -> tuple[Any, sp.SenpathError | None]:
    """What the call answers, or the error of senpath that it raises; any other exception goes on."""
    try:
        return ask(), None
    except sp.SenpathError as raised:
        error = raised
    assert str(error).strip()
    assert type(error) is not sp.SenpathError, f"an error of no particular kind: {error}"
    return None, error


def check_prediction(net: sp.Network, found: sp.Prediction) -> None:
    """Confidences are probabilities, and every label is one of its task's."""
    assert len(found.task) == len(found.label) == len(found.confidence) == len(found.activated) == len(found.candidates)
    assert np.isfinite(found.confidence).all()
    assert ((found.confidence >= 0) & (found.confidence <= 1 + 1e-9)).all()
    for task, label in zip(found.task, found.label, strict=True):
        assert (task is None) == (label is None)
        assert task is None or label in net.tasks[task].classes_


def answer(found: sp.Prediction) -> list[Any]:
    """What is compared of a prediction."""
    return [found.task.tolist(), found.label.tolist(), found.confidence.tolist()]


def sealed(body: bytes) -> bytes:
    """The content of a network.json with the checksum that fits."""
    return body + CHECKSUM + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


def read_manifest(folder: Path) -> dict[str, Any]:
    """network.json without its checksum, as plain JSON."""
    content: dict[str, Any] = json.loads((folder / "network.json").read_bytes())
    del content["checksum"]
    return content


def write_manifest(folder: Path, content: Any) -> None:
    """Write JSON as network.json is laid out, as far as it has these parts, with the checksum that fits."""
    network = content.get("network") if isinstance(content, dict) else None
    if isinstance(network, dict) and isinstance(network.get("tasks"), dict) and content.get("format_version") != 1:
        head = {**content, "network": {name: value for name, value in network.items() if name != "tasks"}}
        lines = [json.dumps(name).encode() + b":" + json.dumps(task).encode() for name, task in network["tasks"].items()]
        body = json.dumps(head).encode().removesuffix(b"}}") + TASKS + b",\n".join(lines) + b"\n}}"
    else:
        body = json.dumps(content).encode().removesuffix(b"}")
    replace_file(folder / "network.json", sealed(body))


def replace_file(path: Path, content: bytes) -> None:
    """Write a file anew, so that another name of the old one keeps the old content."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


VALUES: list[Any] = [None, True, False, -1, 0, 1, 2, 7, 2**31, 2**40, 2**63, 2**70, 0.5, -1.5, 1e-300, 1e300, math.nan, math.inf]
VALUES += [
    "",
    "x",
    "image",
    "table",
    "text",
    "../x",
    "/",
    ".",
    "\0",
    "é\u2028",
    "NaN",
    "0" * 64,
    [],
    {},
    [[]],
    [0],
    ["x"],
    {"x": 1},
    [1, 8, 8],
]


def changed_json(draw: Callable[[Any], Any], value: Any) -> Any:
    """JSON with one to three changes at random places; the kinds of places are equally likely, however often they occur."""
    root = [json.loads(json.dumps(value))]
    for _ in range(draw(st.integers(1, 3))):
        kinds: dict[tuple[Any, ...], list[tuple[Any, Any]]] = {}
        collect_places(root, (), kinds)
        kind = draw(st.sampled_from(sorted(kinds, key=str)))
        parent, key = draw(st.sampled_from(kinds[kind][:50]))
        _change(draw, parent, key)
    return root[0]


def _change(draw: Callable[[Any], Any], parent: Any, key: Any) -> None:
    how = draw(st.sampled_from(["value", "value", "value", "delete", "add", "twice", "near", "swap", "reverse"]))
    value = parent[key]
    other = deepcopy(draw(st.sampled_from(VALUES)))  # a later change may be made within it
    if how == "delete":
        if len(parent) > 1 or isinstance(parent, dict):
            del parent[key]
    elif how == "add" and isinstance(value, dict):
        value[draw(st.sampled_from(["x", "", "version", *map(str, value)]))] = other
    elif how == "add" and isinstance(value, list):
        value.insert(draw(st.integers(0, len(value))), other)
    elif how == "twice" and isinstance(parent, list):
        parent.insert(key, json.loads(json.dumps(value)))
    elif how == "near" and isinstance(value, int | float):
        parent[key] = draw(st.sampled_from([value + 1, value - 1, -value, value * 1000, value / 2, float(value), str(value)]))
    elif how == "swap":
        there = draw(st.sampled_from(list(parent) if isinstance(parent, dict) else range(len(parent))))
        parent[key], parent[there] = parent[there], parent[key]
    elif how == "reverse" and isinstance(value, list):
        value.reverse()
    else:
        parent[key] = other


def changed_bytes(draw: Callable[[Any], Any], content: bytes) -> bytes:
    """Content with some bytes flipped, cut out, put in, or lines moved."""
    how = draw(st.sampled_from(["flip", "cut", "remove", "insert", "repeat line", "drop line", "swap lines", "zero", "nothing"]))
    end = len(content)
    first, second = sorted(draw(st.tuples(st.integers(0, end), st.integers(0, end))))
    if how == "flip" and content:
        changed = bytearray(content)
        for place in draw(st.lists(st.integers(0, end - 1), min_size=1, max_size=4)):
            changed[place] = draw(st.integers(0, 255))
        return bytes(changed)
    if how == "cut":
        return content[:first]
    if how == "remove":
        return content[:first] + content[second:]
    if how == "insert":
        return content[:first] + draw(st.binary(max_size=20)) + content[first:]
    if how == "zero":
        return content[:first] + bytes(second - first) + content[second:]
    if "line" in how:
        lines = content.split(b"\n")
        one, two = draw(st.tuples(st.integers(0, len(lines) - 1), st.integers(0, len(lines) - 1)))
        if how == "repeat line":
            lines.insert(two, lines[one])
        elif how == "drop line":
            del lines[one]
        else:
            lines[one], lines[two] = lines[two], lines[one]
        return b"\n".join(lines)
    return content
