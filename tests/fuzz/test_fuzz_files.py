"""Whatever is in a network's folder: an error of senpath or an answer, the right one unless hashes were forged; no code of a file runs."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fuzz_tools import (
    answer,
    changed_bytes,
    changed_json,
    check_prediction,
    in_time,
    read_manifest,
    refused,
    replace_file,
    sealed,
    tries,
    write_manifest,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.torch import load, save
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

import senpath as sp
from senpath.components import Estimator, canonical_json, content_hash, freeze
from senpath.tasks import Classification

pytestmark = pytest.mark.slow("changes hundreds of folders, and uses each")

Labelled = tuple[np.ndarray, np.ndarray]
Fresh = Callable[[Path], Path]
Questions = list[tuple[Any, str | None]]
Answers = list[list[Any] | None]


@pytest.fixture(scope="module")
def questions(digits: Labelled, iris: Labelled) -> Questions:
    return [(digits[0][100:103], None), (iris[0][:3], None), (digits[0][100:103], "high"), (iris[0][:3], "iris")]


@pytest.fixture(scope="module")
def gated_questions(iris: Labelled) -> Questions:
    return [(iris[0][:3], None), (iris[0][:3], "second")]


def explore(folder: Path, questions: Questions) -> tuple[Answers, bool]:
    """Everything that can be asked of a folder; what it predicts, None where it refused, and whether it was verified."""
    nothing: Answers = [None] * len(questions)
    with in_time():
        net, error = refused(lambda: sp.Network(folder))
        if error is not None:
            return nothing, False
        for ask in (lambda: net.tasks, lambda: net.weights, lambda: net.log, lambda: sp.recorded_evaluations(net), lambda: repr(net)):
            refused(ask)
        found = []
        for x, task in questions:
            prediction, error = refused(lambda x=x, task=task: net.predict(x, task=task))
            if error is None:
                check_prediction(net, prediction)
                prediction.top(3)
            explanation, _ = refused(lambda x=x: net.explain(x[0]))
            if explanation is not None:
                assert math.isfinite(explanation.confidence)
                assert 0 <= explanation.confidence <= 1 + 1e-9
            found.append(None if error else answer(prediction))
        return found, refused(net.verify)[1] is None


@pytest.fixture(scope="module")
def right(grown: Path, questions: Questions) -> Answers:
    """What the intact network answers."""
    found, verified = explore(grown, questions)
    assert verified
    assert None not in found
    return found


def check_right(found: Answers, right: Answers) -> None:
    """Refused, or what the intact network answers."""
    assert all(mine in (None, true) for mine, true in zip(found, right, strict=True))


def draw_file(data: st.DataObject, folder: Path, pattern: str) -> Path:
    return data.draw(st.sampled_from(sorted(folder.glob(pattern))).map(lambda path: path.relative_to(folder)), label="file")


@pytest.mark.parametrize("pattern", ["network.json", "components/*.safetensors", "components/*.json", "dispatcher/*"])
@tries(10)
@given(data=st.data())
def test_changed_content(grown: Path, fresh: Fresh, questions: Questions, right: Answers, pattern: str, data: st.DataObject) -> None:
    folder = fresh(grown)
    path = folder / draw_file(data, folder, pattern)
    before = path.read_bytes()
    replace_file(path, changed_bytes(data.draw, before))
    found, verified = explore(folder, questions)
    check_right(found, right)
    if path.read_bytes() == before:
        assert verified
        assert found == right
    elif path.name.endswith(".columns"):
        named = (folder / "network.json").read_bytes()
        assert not verified or path.name.encode() not in named or path.read_bytes().startswith(before)
    else:
        assert not verified or path.name.removesuffix(".covariance").encode() not in (folder / "network.json").read_bytes()


@tries(15)
@given(data=st.data())
def test_changed_records(grown: Path, fresh: Fresh, questions: Questions, right: Answers, data: st.DataObject) -> None:
    folder = fresh(grown)
    path = folder / data.draw(st.sampled_from(["log.jsonl", "evaluations.jsonl"]), label="file")
    content = path.read_bytes()
    for _ in range(data.draw(st.integers(1, 2))):
        if data.draw(st.booleans(), label="as JSON"):
            lines = [json.dumps(changed_json(data.draw, json.loads(line))) for line in path.read_text().splitlines()]
            content = "\n".join(lines).encode() + b"\n"
        else:
            content = changed_bytes(data.draw, content)
    replace_file(path, content)
    found, verified = explore(folder, questions)
    assert verified
    assert found == right  # these files are no part of a version
    net = sp.Network(folder)
    assert [entry["version"] for entry in net.log if entry["version"] == 3]
    _, error = refused(lambda: net.learn("new", questions[1][0], [0, 1, 0], epochs=1, hidden=2))
    assert error is None


@tries(60)
@given(data=st.data())
def test_a_forged_manifest(grown: Path, fresh: Fresh, questions: Questions, data: st.DataObject) -> None:
    folder = fresh(grown)
    content = read_manifest(folder)
    if data.draw(st.integers(0, 4), label="format") == 0:
        content["format_version"] = 1
    forged = changed_json(data.draw, content)
    try:
        write_manifest(folder, forged)
    except UnicodeEncodeError:
        assume(False)
    explore(folder, questions)


@tries(20)
@given(data=st.data())
def test_a_forged_manifest_with_gates(gated: Path, fresh: Fresh, gated_questions: Questions, data: st.DataObject) -> None:
    folder = fresh(gated)
    write_manifest(folder, changed_json(data.draw, read_manifest(folder)))
    explore(folder, gated_questions)


@tries(25)
@given(data=st.data())
def test_a_manifest_of_other_bytes(grown: Path, fresh: Fresh, questions: Questions, data: st.DataObject) -> None:
    folder = fresh(grown)
    body = (folder / "network.json").read_bytes().rpartition(b',\n"checksum":"')[0]
    replace_file(folder / "network.json", sealed(changed_bytes(data.draw, body)))
    explore(folder, questions)


def forge(folder: Path, old: str, kind: Any, config: Any, payload: bytes) -> None:
    """Put a component in another's place, under the name and with the checksum that fit."""
    before = json.loads((folder / "components" / f"{old}.json").read_text())
    ending = ".skops" if before["kind"] == "sklearn.v1" else ".safetensors"
    (folder / "components" / (old + ending)).unlink()
    (folder / "components" / f"{old}.json").unlink()
    try:
        new = content_hash(kind, config, payload)
        described = canonical_json({"kind": kind, "config": config})
    except (ValueError, TypeError):
        assume(False)
    ending = ".skops" if kind == "sklearn.v1" else ".safetensors"
    (folder / "components" / (new + ending)).write_bytes(payload)
    (folder / "components" / f"{new}.json").write_text(described, encoding="utf-8")
    body = (folder / "network.json").read_bytes().rpartition(b',\n"checksum":"')[0]
    replace_file(folder / "network.json", sealed(body.replace(old.encode(), new.encode())))


def forged_tensors(draw: Callable[[Any], Any], payload: bytes) -> bytes:
    """The content of a safetensors file with a tensor of other numbers, shape or type, or with its header changed."""
    if draw(st.booleans()):
        length = int.from_bytes(payload[:8], "little")
        head = json.dumps(changed_json(draw, json.loads(payload[8 : 8 + length]))).encode()
        return len(head).to_bytes(8, "little") + head + payload[8 + length :]
    tensors = load(payload)
    for name in draw(st.lists(st.sampled_from(sorted(tensors)), min_size=1, max_size=2)) if tensors else ():
        values = tensors[name]
        how = draw(st.sampled_from(["fill", "one", "type", "shape", "drop", "add", "scale"]))
        number = draw(st.sampled_from([0.0, -1.0, 1e30, -1e38, float("nan"), float("inf"), 1e-38]))
        if how == "fill":
            tensors[name] = torch.full_like(values, number)
        elif how == "one" and values.numel():
            values.view(-1)[draw(st.integers(0, values.numel() - 1))] = number
        elif how == "scale":
            tensors[name] = values * number
        elif how == "type":
            types = [torch.float64, torch.float16, torch.int64, torch.bool, torch.uint8, torch.bfloat16]
            tensors[name] = values.to(draw(st.sampled_from(types)))
        elif how == "shape":
            tensors[name] = draw(
                st.sampled_from(
                    [values[:-1] if values.ndim else values, values[None], values.flatten(), values[:0] if values.ndim else values]
                )
            )
        elif how == "drop":
            tensors.pop(name)
            break
        else:
            tensors["more"] = torch.zeros(2)
    return save({name: values.contiguous() for name, values in tensors.items()})


def draw_component(data: st.DataObject, folder: Path, ending: str) -> tuple[str, Any, Any, bytes]:
    path = folder / draw_file(data, folder, f"components/*{ending}")
    described = json.loads(path.with_suffix(".json").read_text())
    return path.stem, described["kind"], described["config"], path.read_bytes()


@pytest.mark.parametrize("dispatcher", ["discriminant", "binary"])
@tries(20)
@given(data=st.data())
def test_forged_weights(
    grown: Path, gated: Path, fresh: Fresh, questions: Questions, gated_questions: Questions, dispatcher: str, data: st.DataObject
) -> None:
    folder = fresh(grown if dispatcher == "discriminant" else gated)
    old, kind, config, payload = draw_component(data, folder, ".safetensors")
    how = data.draw(st.sampled_from(["bytes", "tensors", "tensors", "config"]), label="how")
    if how == "bytes":
        payload = changed_bytes(data.draw, payload)
    elif how == "tensors":
        payload = forged_tensors(data.draw, payload)
    else:
        changed = changed_json(data.draw, {"kind": kind, "config": config})
        assume(isinstance(changed, dict) and isinstance(changed.get("kind"), str) and isinstance(changed.get("config"), dict))
        kind, config = changed["kind"], changed["config"]
    forge(folder, old, kind, config, payload)
    explore(folder, questions if dispatcher == "discriminant" else gated_questions)


LOADERS = ["ObjectNode", "FunctionNode", "TypeNode", "MethodNode", "PartialNode", "OperatorFuncNode", "ReduceNode", "TreeNode", "DictNode"]
LOADERS += [
    "ListNode",
    "TupleNode",
    "SetNode",
    "JsonNode",
    "NdArrayNode",
    "RandomStateNode",
    "CachedNode",
    "DefaultDictNode",
    "_DictWithDeprecatedKeysNode",
]
RUNNERS = [
    ("os", "system"),
    ("posix", "system"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("subprocess", "getoutput"),
    ("pathlib", "Path"),
]
RUNNERS += [
    ("sklearn.tree._tree", "os.system"),
    ("numpy", "load"),
    ("operator", "methodcaller"),
    ("functools", "partial"),
    ("builtins", "__import__"),
]


def hostile(draw: Callable[[Any], Any], node: Any, marker: Path) -> None:
    """Let a part of a skops schema name something that would make the marker file."""
    module, name = draw(st.sampled_from(RUNNERS))
    told = f"touch {marker}" if name in ("system", "getoutput", "os.system") else f"__import__('pathlib').Path({str(marker)!r}).touch()"
    text = {
        "__class__": "str",
        "__module__": "builtins",
        "__loader__": "JsonNode",
        "content": json.dumps(told),
        "is_json": True,
        "__id__": 90_001,
    }
    several = {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode", "content": [text], "__id__": 90_002}
    state = {
        "__class__": "dict",
        "__module__": "builtins",
        "__loader__": "DictNode",
        "content": {"x": text},
        "key_types": {"content": [text]},
        "__id__": 90_003,
    }
    node.update({"__class__": name, "__module__": module})
    if draw(st.booleans()):
        node["__loader__"] = draw(st.sampled_from(LOADERS))
    parts = {
        "__reduce__": {"args": several},
        "args": several,
        "func": text,
        "content": draw(st.sampled_from([several, state, text, f"{module}.{name}", {"args": several}])),
    }
    node.update(draw(st.fixed_dictionaries({}, optional={key: st.just(value) for key, value in parts.items()})))


def nodes(schema: Any) -> list[dict[str, Any]]:
    """All parts of a schema that are loaded."""
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    own = [schema] if isinstance(schema, dict) and "__loader__" in schema else []
    return own + [node for part in inner for node in nodes(part)]


def forged_skops(draw: Callable[[Any], Any], payload: bytes, marker: Path) -> bytes:
    """The content of a skops file with other arrays or another schema."""
    with zipfile.ZipFile(io.BytesIO(payload)) as file:
        members = {name: file.read(name) for name in file.namelist()}
    how = draw(st.sampled_from(["hostile", "hostile", "schema", "schema", "member", "array", "drop"]))
    name = draw(st.sampled_from(sorted(members)))
    schema = json.loads(members["schema.json"])
    if how == "hostile":
        hostile(draw, draw(st.sampled_from(nodes(schema))), marker)
        members["schema.json"] = json.dumps(schema).encode()
    elif how == "schema":
        members["schema.json"] = json.dumps(changed_json(draw, schema)).encode()
    elif how == "member":
        members[name] = changed_bytes(draw, members[name])
    elif how == "array" and name.endswith(".npy"):
        content = io.BytesIO()
        np.save(content, forged_array(draw, np.load(io.BytesIO(members[name]))))
        members[name] = content.getvalue()
    elif how == "drop":
        del members[name]
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w", draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return changed.getvalue()


def forged_array(draw: Callable[[Any], Any], array: np.ndarray) -> np.ndarray:
    """The array with other numbers in some places, of another shape or another type."""
    how = draw(st.sampled_from(["number", "number", "number", "shape", "type"]))
    if how == "shape":
        return draw(
            st.sampled_from([array[:-1] if array.ndim else array, array.reshape(-1), array[None], array[:0] if array.ndim else array])
        )
    if how == "type" and array.dtype.names is None:
        return array.astype(draw(st.sampled_from(["i4", "f4", "U3", "?", "f2"])))
    found = array.copy()
    number = draw(st.sampled_from([-1, 0, 1, 2, 5, 10**6, -(2**31), 2**31 - 1, -2]))
    if found.size:
        place = draw(st.integers(0, found.size - 1))
        if found.dtype.names:
            field = draw(st.sampled_from(found.dtype.names))
            found.reshape(-1)[field][place] = number % 256 if found.dtype[field].kind == "u" else number
        elif found.dtype.kind in "iuf":
            found.reshape(-1)[place] = (
                abs(number) % 256
                if found.dtype.kind == "u"
                else draw(st.sampled_from([number, np.nan]))
                if found.dtype.kind == "f"
                else number
            )
    return found


@cache
def skops_of_a_forest() -> bytes:
    """A forest as folders of formats 1 to 6 have it."""
    forest = RandomForestClassifier(n_estimators=3, max_depth=4, random_state=0).fit(*load_iris(return_X_y=True))
    return freeze("sklearn.v1", {"outputs": 3}, Estimator(forest, 3, Classification())).payload or b""


@tries(35)
@given(data=st.data())
def test_a_forged_estimator(
    grown: Path, fresh: Fresh, questions: Questions, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = fresh(grown)
    paths = sorted(folder.glob("components/*.json"))
    old = next(path.stem for path in paths if json.loads(path.read_text())["kind"] == "estimator.v1")
    kind, config, payload = "sklearn.v1", {"outputs": 3}, skops_of_a_forest()
    marker = tmp_path_factory.getbasetemp() / "code_of_a_file_ran"
    how = data.draw(st.sampled_from(["bytes", "parts", "parts", "parts", "config"]), label="how")
    if how == "bytes":
        payload = changed_bytes(data.draw, payload)
    elif how == "parts":
        payload = forged_skops(data.draw, payload, marker)
    else:
        config = changed_json(data.draw, config)
        assume(isinstance(config, dict))
    forge(folder, old, kind, config, payload)
    explore(folder, questions)
    assert not marker.exists()


@tries(25)
@given(data=st.data())
def test_forged_statistics(grown: Path, fresh: Fresh, questions: Questions, data: st.DataObject) -> None:
    folder = fresh(grown)
    content = read_manifest(folder)
    key = data.draw(st.sampled_from(sorted(content["network"]["types"])), label="type")
    kept = content["network"]["types"][key]
    what = data.draw(st.sampled_from(["columns", "covariance", "metric"]), label="what")
    task = data.draw(st.sampled_from(sorted(kept["covariances"])), label="task")
    name = {"columns": f"{key}.columns", "covariance": f"{kept['covariances'][task]}.covariance", "metric": kept["metric"]["file"]}[what]
    path = folder / "dispatcher" / name
    before = path.read_bytes()
    if data.draw(st.integers(0, 2), label="bytes") == 0:
        after = changed_bytes(data.draw, before)
    elif what == "metric":
        try:
            after = forged_tensors(data.draw, before)
        except SafetensorError:
            assume(False)
    else:
        numbers = np.frombuffer(before, dtype="<f4")
        after = forged_array(data.draw, numbers).tobytes()
    if what == "covariance":
        kept["covariances"][task] = hashlib.sha256(after).hexdigest()
        path = path.with_name(f"{kept['covariances'][task]}.covariance")
    replace_file(path, after)
    if what == "metric":
        kept["metric"]["sha256"] = hashlib.sha256(after).hexdigest()
    elif what == "columns":
        for task in content["network"]["tasks"].values():
            if task["pathway"]["data_type"] == key:
                first, rows, wide = task["statistics"]["first"], task["statistics"]["rows"], kept["width"] * 4
                task["statistics"]["sha256"] = hashlib.sha256(after[first * wide : (first + rows) * wide]).hexdigest()
    if data.draw(st.booleans(), label="without metric"):
        kept["metric"] = None  # as an earlier senpath left it
    write_manifest(folder, content)
    explore(folder, questions)
