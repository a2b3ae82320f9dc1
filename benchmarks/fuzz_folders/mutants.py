"""Changes of a folder that its hashes follow: values, tensors, components, statistics, kinds of file, archives."""

from __future__ import annotations

import copy
import io
import json
import math
import os
import random
import socket
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save

from benchmarks.fuzz_folders.folders import Folder
from senpath.components import build, known_kinds

ESCAPES = "\x1b]0;taken\x07\x1b[2J<script>alert(1)</script>"
VALUES: list[Any] = [None, True, False, -1, 0, 1, 2, 7, 255, 2**16, 2**24, 2**24 + 1, 2**31, 2**40, 2**63, 2**70, 10**300]
VALUES += [0.5, -1.5, 1e-300, 1e300, 1e38, math.nan, math.inf, -math.inf]
VALUES += ["", "x", "image", "table", "text", "audio", "../x", "../../guard/secret", "/etc/passwd", "**/*", ".", "..", "\0", "é\u2028"]
VALUES += [ESCAPES, "\u202etxt", "hf:somebody/model", "minilm", "random-tokens", "NaN", "0" * 64, "x" * 100_000, "0", "1" * 5000]
VALUES += [[], {}, [[]], [0], ["x"], {"x": 1}, [1, 8, 8], [1] * 1000, [0] * 100_000, [2**24, 2**24], [1, 4096, 4096], [[[[[[]]]]]]]
VALUES += [{str(place): place for place in range(1000)}]
LONGEST = 300_000
"""Values of a list that is repeated: a chain of 60,000 names, 3,000 times, would take minutes to make and to write."""
SIZES = [0, 1, 2, 3, 4, 7, 8, 64, 100, 1000, 4096, 2**16, 2**20, 2**22, 2**24, 2**31, 30_000, -1]


def change_json(draw: random.Random, value: Any) -> Any:
    """JSON with one to three changes at random places; the kinds of places are equally likely, however often they occur."""
    root = [json.loads(json.dumps(value))]
    for _ in range(draw.choice([1, 1, 2, 3])):
        kinds: dict[tuple[Any, ...], list[tuple[Any, Any]]] = {}
        collect_places(root, (), kinds)
        parent, key = draw.choice(kinds[draw.choice(sorted(kinds, key=str))][:50])
        _change(draw, parent, key)
    return root[0]


def collect_places(node: Any, kind: tuple[Any, ...], kinds: dict[tuple[Any, ...], list[tuple[Any, Any]]]) -> None:
    """Add all places of some JSON, as pairs of what holds a value and its key, to `kinds`, by the names that lead there."""
    parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, part in parts:
        here = (*kind, key if isinstance(node, dict) and len(str(key)) < 20 else "*")
        kinds.setdefault(here, []).append((node, key))
        collect_places(part, here, kinds)


def _change(draw: random.Random, parent: Any, key: Any) -> None:
    how = draw.choice(["value"] * 3 + ["delete", "add", "twice", "near", "near", "swap", "reverse", "repeat", "rename"])
    value, other = parent[key], copy.deepcopy(draw.choice(VALUES))  # what is put in may be changed again
    if how == "delete":
        del parent[key]
    elif how == "add" and isinstance(value, dict):
        value[draw.choice(["x", "", ESCAPES, "../x", *map(str, value)])] = other
    elif how == "add" and isinstance(value, list):
        value.insert(draw.randint(0, len(value)), other)
    elif how == "twice" and isinstance(parent, list):
        parent.insert(key, json.loads(json.dumps(value)))
    elif how == "repeat" and isinstance(value, list):
        value.extend(value * min(draw.choice([1, 50, 3000]), 1 + LONGEST // (len(value) or 1)))
    elif how == "near" and isinstance(value, int | float):
        parent[key] = draw.choice([value + 1, value - 1, -value, value * 1000, value * 2**20, value / 2, float(value), str(value)])
    elif how == "swap":
        there = draw.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
        parent[key], parent[there] = parent[there], parent[key]
    elif how == "reverse" and isinstance(value, list):
        value.reverse()
    elif how == "rename" and isinstance(parent, dict):
        parent[draw.choice([ESCAPES, "../x", "**/*", "", "x", "é\u2028"])] = parent.pop(key)
    else:
        parent[key] = other


def change_bytes(draw: random.Random, content: bytes) -> bytes:
    """Content with some bytes flipped, cut out, zeroed, or more put in."""
    first, second = sorted(draw.randint(0, len(content)) for _ in range(2))
    how = draw.choice(["flip", "cut", "remove", "insert", "zero", "double", "empty"])
    if how == "flip" and content:
        changed = bytearray(content)
        for _ in range(draw.randint(1, 4)):
            changed[draw.randrange(len(content))] = draw.randint(0, 255)
        return bytes(changed)
    made = {"cut": content[:first], "remove": content[:first] + content[second:], "double": content * 2, "empty": b""}
    made["insert"] = content[:first] + draw.randbytes(draw.randint(1, 20)) + content[first:]
    made["zero"] = content[:first] + bytes(second - first) + content[second:]
    return made.get(how, content)


def change_tensors(draw: random.Random, payload: bytes) -> bytes:
    """A safetensors file with a tensor of other numbers, shape or type, or with its header changed."""
    if draw.random() < 0.4:
        length = int.from_bytes(payload[:8], "little")
        head = json.dumps(change_json(draw, json.loads(payload[8 : 8 + length]))).encode()
        return len(head).to_bytes(8, "little") + head + payload[8 + length :]
    tensors = load(payload)
    for name in draw.sample(sorted(tensors), min(len(tensors), 2)):
        values, number = tensors[name], draw.choice([0.0, -1.0, 1e30, -1e38, math.nan, math.inf, 1e-38])
        how = draw.choice(["fill", "one", "one", "type", "shape", "drop", "add"])
        if how == "fill":
            tensors[name] = torch.full(values.shape, number).to(values.dtype)
        elif how == "one" and values.numel():
            values.view(-1)[draw.randrange(values.numel())] = number if values.dtype.is_floating_point else draw.choice([-1, 0, 2**30])
        elif how == "type":
            tensors[name] = values.to(draw.choice([torch.float64, torch.float16, torch.int64, torch.bool, torch.uint8, torch.bfloat16]))
        elif how == "shape":
            tensors[name] = draw.choice([values[None], values.flatten(), values[:0] if values.ndim else values])
        elif how == "drop":
            del tensors[name]
        else:
            tensors["more"] = torch.zeros(2)
    return save({name: values.contiguous() for name, values in tensors.items()})


def change_array(draw: random.Random, content: bytes, dtype: str) -> bytes:
    """A file of plain numbers with some of them changed, or of another length."""
    if draw.random() < 0.3:
        return change_bytes(draw, content)
    numbers = np.frombuffer(content[: len(content) // 8 * 8], dtype=dtype).copy()
    for _ in range(draw.choice([1, 5, len(numbers)])):
        if len(numbers):
            numbers[draw.randrange(len(numbers))] = draw.choice([0, -1, 1e30, -1e38, math.nan, math.inf, 1e-38, 1e12])
    return numbers.tobytes()


def change_archive(draw: random.Random, payload: bytes) -> bytes:
    """The content of a zip archive, a skops file or exported task, with other members or put together in another way."""
    with zipfile.ZipFile(io.BytesIO(payload)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    name = draw.choice(sorted(members))
    how = draw.choice(["bytes", "member", "schema", "array", "drop", "deflate", "twice", "bomb", "more"])
    if how == "bytes":
        return change_bytes(draw, payload)
    if how == "member":
        members[name] = change_bytes(draw, members[name])
    elif how == "schema" and "schema.json" in members:
        members["schema.json"] = json.dumps(change_json(draw, json.loads(members["schema.json"]))).encode()
    elif how == "array" and name.endswith(".npy"):
        array = np.load(io.BytesIO(members[name]))
        if array.size and array.dtype.kind in "iuf":
            array.reshape(-1)[draw.randrange(array.size)] = draw.choice([-1, 0, 1, 10**6, 2**31 - 1]) if array.dtype.kind != "u" else 255
        content = io.BytesIO()
        np.save(content, draw.choice([array, array[:-1] if array.ndim else array, array[None]]))
        members[name] = content.getvalue()
    elif how == "drop":
        del members[name]
    elif how == "bomb":
        members[name] = bytes(draw.choice([10**6, 10**8]))
    elif how == "more":
        members[draw.choice(["../x", "/tmp/x", "x\n\x1b[2J", "components/../../x"])] = b"x"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED if how in ("deflate", "bomb") else zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content, file.compression)
            if how == "twice":
                with warnings.catch_warnings(action="ignore"):
                    file.writestr(zipfile.ZipInfo(name), content[:-1])
    return made.getvalue()


def _in_manifest(draw: random.Random, folder: Folder) -> None:
    if draw.random() < 0.05:
        folder.manifest["format_version"] = draw.choice([1, 2, 3, 4, 5, 6, 7, 8, 2**70, -1, "6"])
    folder.manifest = change_json(draw, folder.manifest)


def _in_description(draw: random.Random, folder: Folder) -> None:
    name = draw.choice(sorted(folder.components))
    description, payload, _ = folder.components[name]
    folder.replace(name, change_json(draw, description), payload)


def _in_sizes(draw: random.Random, folder: Folder) -> None:
    """A number of a configuration that is as large, or as small, as it may be or is not."""
    name = draw.choice(sorted(folder.components))
    description, payload, _ = folder.components[name]
    description = json.loads(json.dumps(description))
    kinds: dict[tuple[Any, ...], list[tuple[Any, Any]]] = {}
    collect_places(description.get("config"), (), kinds)
    numbers = [(parent, key) for places in kinds.values() for parent, key in places if isinstance(parent[key], int)]
    if numbers:
        parent, key = draw.choice(numbers)
        parent[key] = draw.choice(SIZES)
    folder.replace(name, description, payload)


def _in_weights(draw: random.Random, folder: Folder) -> None:
    name = draw.choice(sorted(folder.components))
    description, payload, ending = folder.components[name]
    folder.replace(name, description, change_tensors(draw, payload) if ending == ".safetensors" else change_archive(draw, payload))


def _in_statistics(draw: random.Random, folder: Folder) -> None:
    name = draw.choice([name for name in sorted(folder.files) if name.startswith("dispatcher/")])
    content = folder.files[name]
    if name.endswith(".metric"):
        folder.files[name] = change_tensors(draw, content)
    else:
        folder.files[name] = change_array(draw, content, "<f8" if name.endswith(".pooled") else "<f4")
    if draw.random() < 0.3:
        for record in folder.network["types"].values():
            record["metric"] = None
    folder.seal_statistics()


def _in_pages(draw: random.Random, folder: Folder) -> None:
    """Tasks in pages, as many as there may be, with one of these changed, or what names them."""
    folder.manifest["format_version"] = 8
    tasks = len(folder.network["tasks"])
    folder.runs = [draw.randint(1, max(1, tasks // 2)) for _ in range(draw.randint(1, 3))]
    how = draw.choice(["page", "page", "list", "list", "nested", "nothing", "task"])
    if how == "page":
        folder.change_page = lambda page: change_json(draw, page)
    elif how == "list":
        folder.change_list = lambda records: change_json(draw, records)
    elif how == "nested":  # a page that lists pages, or says so
        listed = {"pages": [{"sha256": "0" * 64, "bytes": 9, "tasks": 1, "pages": 1}]}
        folder.change_page = lambda page: draw.choice([page, listed])
        folder.change_list = lambda records: [{**record, "pages": draw.choice([0, 1, 1, 2, 2**31])} for record in records]
    elif how == "task":
        folder.manifest = change_json(draw, folder.manifest)


def _in_records(draw: random.Random, folder: Folder) -> None:
    """The log, the evaluations, an earlier version."""
    names = [name for name in sorted(folder.files) if name.endswith(".jsonl") or name.startswith("versions/")]
    if not names:
        _in_manifest(draw, folder)
        return
    name = draw.choice(names)
    if name.endswith(".jsonl") and draw.random() < 0.7:
        lines = [json.dumps(change_json(draw, json.loads(line))) for line in folder.files[name].splitlines()]
        folder.files[name] = "\n".join(lines).encode() + b"\n"
    else:
        folder.files[name] = change_bytes(draw, folder.files[name])


def _another_component(draw: random.Random, folder: Folder) -> None:
    """A component of any kind somewhere in a task's chains, perhaps many times, or many levels of composites around it."""
    kind = draw.choice([kind for kind in known_kinds() if kind.files.suffix == ".safetensors"])
    described = [description for description, _, _ in folder.components.values() if description["kind"] == kind.name]
    config = json.loads(json.dumps(described[0]["config"])) if described and draw.random() < 0.7 else _drawn_config(draw, kind.name)
    try:
        with torch.device("meta"):
            shapes = build(kind, config).state_dict()
        small = sum(value.numel() for value in shapes.values()) < 10**5
    except Exception:
        shapes, small = {}, False
    payload = save({name: torch.zeros(value.shape, dtype=value.dtype) for name, value in shapes.items()} if small else {})
    name = folder.put({"kind": kind.name, "config": config}, payload)
    for _ in range(draw.choice([0, 0, 0, 1, 3, 20, 40])):  # composites that double
        shape = draw.choice([[10], [2**24], [1, 1], [3 * 10**9]])
        name = folder.put({"kind": "mean.v1", "config": {"children": [name] * draw.choice([0, 1, 2, 2, 2, 50]), "shape": shape}}, save({}))
    pathway = draw.choice(list(folder.network["tasks"].values()))["pathway"]
    chain = pathway["components"] if pathway["components"] or not pathway["links"] else draw.choice(pathway["links"])["reads"]
    place = draw.randint(0, len(chain))
    chain[place : place + draw.randint(0, 1)] = [name] * draw.choice([1, 1, 1, 2, 100, 1000, 60_000])
    children = {}
    for name, (description, _, _) in folder.components.items():
        if isinstance(description["config"], dict) and description["config"].get("children"):
            children[name] = description["config"]["children"]
    pathway["children"] = children


def _drawn_config(draw: random.Random, kind: str) -> dict[str, Any]:
    known = {"hidden": [draw.choice(SIZES)], "shape": [1, 8, 8], "filters": [draw.choice(SIZES)], "gate": "token", "how": "max"}
    names = {
        "patches.v1": ("channels", "side", "patch", "width"),
        "link.v1": ("inputs", "outputs"),
        "positions.v1": ("tokens", "width"),
        "linear.v1": ("inputs", "outputs"),
        "mlp.v1": ("inputs", "hidden"),
        "cnn.v1": ("shape", "filters"),
        "pool.v1": ("how", "stride"),
        "identity.v1": ("stride",),
    }.get(kind, ("width", "heads", "hidden"))
    config = {name: known[name] if name in known and draw.random() < 0.8 else draw.choice(SIZES) for name in names}
    if kind == "link.v1":
        config["classes"] = draw.choice([[0], [0, 1], [], [2**20]])
    if kind == "cnn.v1":
        config["hidden"] = draw.choice(SIZES)
    return config


CHANGES: list[Callable[[random.Random, Folder], None]] = [
    *[_in_manifest] * 6,
    *[_in_description] * 2,
    *[_in_sizes] * 3,
    *[_in_weights] * 3,
    *[_in_statistics] * 2,
    *[_in_pages] * 3,
    _in_records,
    *[_another_component] * 3,
]


def mutate(draw: random.Random, folder: Folder) -> str:
    """Change a folder in one way, seldom in two; returns in which."""
    changes = draw.sample(CHANGES, draw.choice([1, 1, 1, 2]))
    for change in changes:
        with suppress(Exception):  # whatever it finds after another change
            change(draw, folder)
    return "+".join(change.__name__.strip("_") for change in changes)


def change_kinds(draw: random.Random, path: Path, guard: Path) -> None:
    """Put a link, a pipe, a folder or something else in the place of a file or folder."""
    names = [str(file.relative_to(path)) for file in path.rglob("*")]
    names += ["log.jsonl", "evaluations.jsonl", ".lock", "temporary/network.json.tmp", "network.json.tmp", "temporary", "versions", "x"]
    file = path / draw.choice(sorted(names))
    file.parent.mkdir(parents=True, exist_ok=True)
    content = file.read_bytes() if file.is_file() else b""
    if file.is_dir() and not file.is_symlink():
        file.rename(guard / "moved")  # its content is still there, behind a link
    else:
        file.unlink(missing_ok=True)
    how = draw.choice(["file", "folder", "moved", "nothing", "pipe", "device", "folder here", "empty", "holes", "socket", "itself"])
    if how in ("file", "folder", "moved", "nothing", "itself", "device"):
        if how == "moved" and content:
            (guard / "moved").write_bytes(content)
        targets = {
            "file": guard / "secret",
            "folder": guard / "keep",
            "moved": guard / "moved",
            "itself": path,
            "device": Path("/dev/zero"),
        }
        file.symlink_to(targets.get(how, guard / "nothing"))
    elif how == "pipe":
        os.mkfifo(file)
    elif how == "folder here":
        (file / "inside").mkdir(parents=True)
    elif how == "holes":
        file.write_bytes(content)
        os.truncate(file, draw.choice([10**6, 2**33, 2**40]))
    elif how == "socket":
        with suppress(OSError), socket.socket(socket.AF_UNIX) as made:  # its name may be too long
            made.bind(str(file))
    else:
        file.write_bytes(b"")
