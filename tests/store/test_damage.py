"""Missing, foreign, cut, changed and hostile folders: always an error of the store that names the file, never a wrong answer."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import skops.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import senpath as sp
from senpath.components import canonical_json, content_hash
from senpath.store import FORMAT_VERSION

Labelled = tuple[np.ndarray, np.ndarray]
Watch = Callable[[Path], AbstractContextManager[None]]
Questions = dict[str, np.ndarray]
Answers = dict[str, list[object]]

KINDS = {
    "manifest": "network.json",
    "weights": "components/*.safetensors",
    "description": "components/*.json",
    "columns": "dispatcher/*.columns",
    "covariance": "dispatcher/*.covariance",
    "metric": "dispatcher/*.metric",
}
FEW = settings(max_examples=6, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def shared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the template without what old versions left; damage to it is put right again."""
    folder = Path(shutil.copytree(template, tmp_path_factory.mktemp("damage") / "net"))
    manifest = (folder / "network.json").read_text()
    for path in folder.glob("dispatcher/*.metric"):
        if path.name not in manifest:
            path.unlink()
    return folder


def draw_file(data: st.DataObject, folder: Path, kind: str) -> Path:
    return data.draw(st.sampled_from(sorted(folder.glob(KINDS[kind]))), label="file")


def check_found(folder: Path, path: Path, content: bytes, questions: Questions, right: Answers) -> None:
    """With this content in the file, verifying fails and answers are right or refused; then the file is as it was."""
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        with pytest.raises(sp.StoreError, match=path.name[:12]):
            sp.Network(folder).verify()
        for task, x in questions.items():
            assert answers(folder, x, task) in (None, right[task])
            assert answers(folder, x, None) in (None, right[f"{task}, found"])
    finally:
        path.write_bytes(before)


def answers(folder: Path, x: np.ndarray, task: str | None) -> list[object] | None:
    """Labels, or None where the damage was noticed."""
    try:
        return sp.Network(folder).predict(x, task=task).label.tolist()
    except sp.StoreError:
        return None


@pytest.fixture(scope="module")
def questions(digits: Labelled, iris: Labelled) -> Questions:
    return {"high": digits[0][:10], "iris": iris[0][:10]}


@pytest.fixture(scope="module")
def right(shared: Path, questions: Questions) -> Answers:
    """The labels that the intact network gives, with and without the task's name."""
    net = sp.Network(shared)
    known = {task: net.predict(x, task=task).label.tolist() for task, x in questions.items()}
    return known | {f"{task}, found": net.predict(x).label.tolist() for task, x in questions.items()}


@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(data=st.data())
def test_a_flipped_bit(shared: Path, questions: Questions, right: Answers, kind: str, data: st.DataObject) -> None:
    path = draw_file(data, shared, kind)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1) | st.integers(0, min(200, len(content) - 1)), label="byte")
    content[place] ^= 1 << data.draw(st.integers(0, 7), label="bit")
    check_found(shared, path, bytes(content), questions, right)


@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(data=st.data())
def test_a_file_that_was_cut(shared: Path, questions: Questions, right: Answers, kind: str, data: st.DataObject) -> None:
    path = draw_file(data, shared, kind)
    content = path.read_bytes()
    length = data.draw(st.sampled_from([0, 1, len(content) // 2, len(content) - 1]) | st.integers(0, len(content) - 1), label="length")
    check_found(shared, path, content[:length], questions, right)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "manifest"])
def test_a_file_that_is_gone(folder: Path, kind: str) -> None:
    path = min(path for path in folder.glob(KINDS[kind]) if not path.name.startswith("image.1"))
    path.unlink()
    with pytest.raises(sp.StoreError, match=rf"{path.name[:12]}.*No such file or directory"):
        sp.Network(folder).verify()


def test_a_file_that_is_another_of_its_kind(folder: Path) -> None:
    first, second = sorted(folder.glob("components/*.safetensors"))[:2]
    first.write_bytes(second.read_bytes())
    with pytest.raises(sp.StoreError, match=rf"component {first.name[:12]}: content of {first.name}: expected hash"):
        sp.Network(folder).verify()


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{}",
        b'{"kind":["a"],"config":{}}',
        b'{"kind":"x","config":[1]}',
        b'{"config":{"x":NaN},"kind":"mlp.v1"}',
        b"[" * 100_000,
        None,
    ],
)
def test_a_description_of_another_shape(folder: Path, digits: Labelled, content: bytes | None) -> None:
    name = sp.Network(folder).view.pathway("low").components[0]
    path = folder / "components" / f"{name}.json"
    path.write_bytes(path.read_bytes() + b" " if content is None else content)
    with pytest.raises(sp.StoreError, match=rf"component {name[:12]}: {name}\.json: expected its kind and configuration, got .*Error"):
        sp.Network(folder).predict(digits[0][:2], task="low")


def test_damage_to_the_log_harms_nothing(folder: Path, digits: Labelled) -> None:
    (folder / "log.jsonl").write_bytes(b'\xff\n{"version": "x"}\n[]\n{"version": 2}\n')
    net = sp.Network(folder)
    net.verify()
    assert [entry["version"] for entry in net.log] == [2, 3]
    net.learn("new", digits[0][:40], digits[1][:40], epochs=1)
    assert [entry["version"] for entry in net.log] == [2, 3, 4]


def test_line_ends_that_git_changed(folder: Path) -> None:
    manifest = folder / "network.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(sp.StoreError, match=r"changed or cut after writing.*as git may do: write \* -text into .gitattributes"):
        sp.Network(folder)


@pytest.mark.parametrize(
    ("names", "got"),
    [
        (["notes.txt"], "no network.json, but notes.txt"),
        (["a", "b", "c", "d"], "no network.json, but a, b, c$|no network.json, but a, b, c. "),
        (["components/0123.safetensors"], "no network.json, but components"),
        (["photos/1.png", "log.jsonl"], "no network.json, but photos"),
    ],
)
def test_a_foreign_folder(tmp_path: Path, unchanged: Watch, names: list[str], got: str) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("content")
    with unchanged(tmp_path), pytest.raises(sp.StoreError, match=f"expected a network, or an empty or absent folder, got {got}"):
        sp.Network(tmp_path)


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "net").write_text("content")
    with pytest.raises(sp.StoreError, match=r"net: expected a folder, got a file"):
        sp.Network(tmp_path / "net")
    with pytest.raises(sp.StoreError, match=r"creating the network .*inside: expected to be possible, got Not a directory"):
        sp.Network(tmp_path / "net" / "inside")
    assert (tmp_path / "net").read_text() == "content"


def test_a_folder_in_place_of_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "network.json").mkdir()
    with pytest.raises(sp.StoreError, match=r"expected a folder with network\.json, got Is a directory"):
        sp.Network(tmp_path)


def test_a_folder_that_goes_while_it_is_open(folder: Path, digits: Labelled) -> None:
    net = sp.Network(folder)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(sp.StoreError, match=r"expected a folder with network\.json, got No such file or directory"):
        net.learn("new", *digits)
    assert not folder.exists()


def seal(folder: Path, *changes: tuple[str, str]) -> None:
    """Change text of network.json and give it a checksum that fits, as a forger or another senpath would."""
    body, mark, _ = (folder / "network.json").read_text().rpartition(',\n"checksum":"')
    for old, new in changes:
        assert old in body
        body = body.replace(old, new)
    (folder / "network.json").write_text(body + mark + hashlib.sha256(body.encode()).hexdigest() + '"}\n')
    json.loads((folder / "network.json").read_text())


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, FORMAT_VERSION + 17])
def test_a_newer_format(folder: Path, unchanged: Watch, version: int) -> None:
    seal(folder, (f'"format_version":{FORMAT_VERSION}', f'"format_version":{version},"more":[]'))
    with (
        unchanged(folder),
        pytest.raises(sp.FormatVersionError, match=rf"format version {FORMAT_VERSION} or older, got {version}. Upgrade senpath"),
    ):
        sp.Network(folder)


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ('"format":"senpath-network"', '"format":"recipes"', r'expected "format": "senpath-network", got another file'),
        ('"tasks":{\n', '"tasks":{\n"x":3,\n', r"expected .*, got at tasks\.x"),
        ('"version":3', '"version":"three"', r"expected .*valid integer.*, got at network\.version"),
    ],
)
def test_a_manifest_of_another_shape(folder: Path, old: str, new: str, match: str) -> None:
    seal(folder, (old, new))
    with pytest.raises(sp.StoreError, match=match):
        sp.Network(folder)


EVIL = """
from pathlib import Path

with open(Path(__file__).with_suffix(".ran"), "a") as file:
    file.write("imported\\n")

class Evil:
    classes_ = [0, 1, 2]

    def __setstate__(self, state):
        with open(Path(__file__).with_suffix(".ran"), "a") as file:
            file.write("loaded\\n")

    def __getstate__(self):
        return {"a": 1}
"""


def forge(folder: Path, payload: bytes) -> str:
    """Put this in the place of the support vector machine, under a name and with checksums that fit; gives the name."""
    kinds = {path: json.loads(path.read_text())["kind"] for path in folder.glob("components/*.json")}
    old = next(path for path, kind in kinds.items() if kind == "estimator.v1")
    new = content_hash("sklearn.v1", {"outputs": 3}, payload)
    (folder / "components" / f"{new}.skops").write_bytes(payload)
    (folder / "components" / f"{new}.json").write_text(canonical_json({"kind": "sklearn.v1", "config": {"outputs": 3}}))
    old.unlink()
    old.with_suffix(".safetensors").unlink()
    seal(folder, (old.stem, new))
    return new


def test_an_estimator_that_would_run_code(folder: Path, iris: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evil_module.py").write_text(EVIL)
    monkeypatch.syspath_prepend(tmp_path)
    import evil_module

    payload = skops.io.dumps(evil_module.Evil())
    monkeypatch.delitem(sys.modules, "evil_module")
    (tmp_path / "evil_module.ran").unlink()
    forge(folder, payload)
    for ask in (lambda net: net.verify(), lambda net: net.predict(iris[0][:2], task="iris"), lambda net: net.predict(iris[0][:2])):
        with pytest.raises(sp.StoreError, match=r"opened as plain arrays .*, got evil_module\.Evil, .*trust=True"):
            ask(sp.Network(folder))
        with pytest.raises(sp.StoreError, match=r"scikit-learn component: expected trusted types only, got .*evil_module\.Evil"):
            ask(sp.Network(folder, trust=True))
    assert not (tmp_path / "evil_module.ran").exists()


@pytest.mark.parametrize("payload", [b"", b"PK\x05\x06" + bytes(18), b"\x80\x04\x95", b"no zip at all"])
def test_an_estimator_that_is_no_skops_file(folder: Path, iris: Labelled, payload: bytes) -> None:
    name = forge(folder, payload)
    with pytest.raises(sp.StoreError, match=rf"{name}\.skops: scikit-learn component: expected a skops file"):
        sp.Network(folder).predict(iris[0][:2], task="iris")


def test_a_pathway_whose_parts_do_not_fit(folder: Path) -> None:
    body, head = sp.Network(folder).view.pathway("low").components
    seal(folder, (f'"{body}","{head}"', f'"{head}","{body}"'))
    with pytest.raises(sp.StoreError, match=r"task 'low': its pathway: expected parts that fit together, got RuntimeError"):
        sp.Network(folder).verify()


def test_a_probe_that_is_answered_otherwise(folder: Path) -> None:
    probe = sp.Network(folder).view.tasks["low"].probe.output[0]
    seal(folder, (f"[{probe}", f"[{probe + 1}"))
    with pytest.raises(sp.StoreError, match=r"task 'low': answers to its probe: expected .* within 0\.0001, got a difference of 1"):
        sp.Network(folder).verify()
