"""Folders and exported tasks that somebody made to do harm, with hashes that fit: refused, and nothing outside is touched."""

from __future__ import annotations

import os
import shutil
import struct
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from raising import raises_error
from safetensors.torch import save

import senpath as sp
from benchmarks.fuzz_folders.folders import Folder
from senpath.cli.main import main
from senpath.testing import ConstantMethod, tiny_task

X, Y = tiny_task("low")
METHOD = ConstantMethod(hidden=4)
EMPTY = save({})
ESCAPES = "\x1b]0;taken\x07\x1b[2J"
SECONDS = 5
"""Of the processor; a small file that takes longer has got away with it."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with a task of pictures, a log, an evaluation and an earlier version."""
    net = sp.Network(tmp_path_factory.mktemp("kept") / "net")
    net.learn("low", X, Y, method=METHOD)
    sp.evaluate(net, {"low": (X, Y)}, record=True)
    return net.path


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(kept, tmp_path / "net"))


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder of somebody else, with a file that looks like one of a network's; it has to stay as it is."""
    place = tmp_path / "outside"
    place.mkdir()
    (place / "file").write_text('{"version": 0}\nnobody else may change this')
    yield place
    assert [path.name for path in place.iterdir()] == ["file"]
    assert (place / "file").read_text() == '{"version": 0}\nnobody else may change this'


@contextmanager
def in_time() -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < SECONDS


def use(path: Path) -> list[str]:
    """Everything that is done with a network; what was refused."""
    refusals = []
    with in_time():
        try:
            net = sp.Network(path)
        except sp.StoreError as error:
            return [str(error)]
        ways: tuple[Callable[[], Any], ...] = (
            net.verify,
            lambda: net.predict(X[:2]),
            lambda: sp.evaluate(net, {"low": (X[:4], Y[:4])}, record=True),
            lambda: net.learn("high", X, Y, method=METHOD),
            lambda: net.rollback(0),
            lambda: net.gc(versions=1),
        )
        for act in ways:
            try:
                act()
            except sp.SenpathError as error:
                refusals.append(str(error))
    return refusals


PARTS = ["components", "dispatcher", "temporary", "versions"]
FILES = [
    "network.json",
    "log.jsonl",
    "evaluations.jsonl",
    ".lock",
    "dispatcher/image.columns",
    "versions/0.json",
    "temporary/network.json.tmp",
]


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_is_a_link_to_a_folder(folder: Path, outside: Path, name: str) -> None:
    shutil.rmtree(folder / name, ignore_errors=True)
    (folder / name).symlink_to(outside)
    assert any("a symbolic link, not a folder" in refusal for refusal in use(folder))


@pytest.mark.parametrize("name", [*FILES, "a component"])
def test_a_file_that_is_a_link(folder: Path, outside: Path, name: str) -> None:
    path = folder / name if name in FILES else min((folder / "components").iterdir())
    path.unlink(missing_ok=True)
    path.symlink_to(outside / "file")
    refusals = use(folder)
    assert refusals or name in ("log.jsonl", "versions/0.json", "temporary/network.json.tmp"), (
        "only what can be done without is passed over"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="it has no named pipes in folders")
@pytest.mark.parametrize("name", ["network.json", "log.jsonl", ".lock", "dispatcher/image.columns", "a component"])
def test_a_pipe_does_not_hang(folder: Path, name: str) -> None:
    path = min((folder / "components").iterdir()) if name == "a component" else folder / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    assert name == "log.jsonl" or use(folder)
    sp.Network(folder).log if name == "log.jsonl" else None


def test_a_page_is_not_written_through_a_link(kept: Path, outside: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html.tmp").symlink_to(outside / "file")
    sp.report(sp.Network(kept), tmp_path / "page.html")
    assert "low" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("name", ["../../outside/file", "**/*", "", "0" * 63, "A" * 64])
def test_components_whose_names_are_no_hashes(folder: Path, outside: Path, name: str) -> None:
    made = Folder.read(folder)
    made.network["components"][name] = 1
    made.write(folder)
    with raises_error(sp.StoreError, "network.json", expected="parts that fit each other", got="components."):
        sp.Network(folder)


def changed(folder: Path, kind: str, config: dict[str, Any], *, times: int = 1, payload: bytes = EMPTY) -> Path:
    """The network, its task's chain beginning with a component of this kind."""
    made = Folder.read(folder)
    name = made.put({"kind": kind, "config": config}, payload)
    for _ in range(times if kind == "mean.v1" else 0):
        name = made.put({"kind": kind, "config": {**config, "children": [name] * 2}}, EMPTY)
    pathway = made.network["tasks"]["low"]["pathway"]
    pathway["components"][:0] = [name] * (times if kind == "identity.v1" else 1)
    pathway["children"] = {
        key: described["config"]["children"] for key, (described, _, _) in made.components.items() if described["config"].get("children")
    }
    made.write(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "config", "times", "got"),
    [
        ("mean.v1", {"children": [], "shape": [4, 4]}, 40, "levels"),
        ("mean.v1", {"children": [], "shape": [4, 4]}, 14, "16,383|8,191"),
        ("mean.v1", {"children": [], "shape": [3 * 10**9]}, 0, "less than or equal to 16777216"),
        ("mean.v1", {"children": [], "shape": [2**24, 2**24]}, 0, "281,474,976,710,656"),
        ("link.v1", {"inputs": 64, "outputs": 1_500_000_000, "classes": []}, 1, "less than or equal to 16777216"),
        ("patches.v1", {"channels": 1, "side": 30_000, "patch": 1, "width": 1}, 1, "weight|900,000,000"),
        ("mlp.v1", {"inputs": 64, "hidden": [1] * 1_000_000}, 1, "more than the 1,048,576 that are read"),
        ("transformer.v1", {"width": 8, "heads": 0, "hidden": 8}, 1, "greater than or equal to 1"),
        ("pointwise.v1", {"inputs": 1, "outputs": 4, "groups": 0}, 1, "greater than or equal to 1"),
        ("patches.v1", {"channels": 1, "side": 8, "patch": 0, "width": 4}, 1, "greater than or equal to 1"),
    ],
)
def test_components_that_ask_for_much(folder: Path, kind: str, config: dict[str, Any], times: int, got: str) -> None:
    net = sp.Network(changed(folder, kind, config, times=times))
    with in_time(), pytest.raises(sp.StoreError, match=got):
        net.predict(X[:2], task="low")
    with in_time(), pytest.raises(sp.StoreError, match=got):
        net.verify()


def test_a_chain_that_names_a_component_very_often(folder: Path) -> None:
    with in_time(), raises_error(sp.StoreError, expected="parts that fit each other", got="others at tasks.low"):
        sp.Network(changed(folder, "identity.v1", {}, times=60_000))


def test_a_type_whose_inputs_are_huge(folder: Path) -> None:
    made = Folder.read(folder)
    made.network["types"]["image"]["data_type"]["shape"] = [1, 2**12, 2**13]
    made.write(folder)
    with raises_error(sp.StoreError, expected="parts that fit each other", got="types.image"):
        sp.Network(folder)


@pytest.fixture(scope="module")
def exported(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "low.sentask"
    sp.Network(kept).export("low", path)
    return path


def refused_import(path: Path, got: str) -> None:
    net = sp.Network()
    with in_time(), pytest.raises(sp.StoreError, match=got):
        net.import_task(path, "mine")


@pytest.mark.parametrize("how", ["deflated", "twice", "overlapping", "longer"])
def test_an_archive_that_is_put_together_in_another_way(exported: Path, tmp_path: Path, how: str) -> None:
    """A member is as long as it is in the archive, and no two share a byte: what is unpacked is no larger than what was sent."""
    path = tmp_path / "x.sentask"
    with zipfile.ZipFile(exported) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if how == "deflated" else zipfile.ZIP_STORED) as new:
        for name, content in members.items():
            new.writestr(name, content)
        if how == "twice":
            with pytest.warns(UserWarning, match="Duplicate name"):
                new.writestr("network.json", members["network.json"])
        listed = new.infolist()
        if how == "overlapping":
            listed[-1].header_offset = listed[-2].header_offset
        elif how == "longer":
            listed[1].file_size = listed[1].compress_size = 2**31 - 1
    words = {"deflated": "compression 8", "twice": "one name", "overlapping": "overlap", "longer": "overlap"}
    refused_import(path, words[how])


def test_an_archive_with_a_list_that_is_longer_than_it_says(exported: Path, tmp_path: Path) -> None:
    content = bytearray(exported.read_bytes())
    struct.pack_into("<L", content, len(content) - 10, 2**31)
    (tmp_path / "x.sentask").write_bytes(content)
    refused_import(tmp_path / "x.sentask", "members")


def test_what_would_control_a_terminal_is_spelled_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = Folder.read(folder)
    made.network["tasks"]["low"]["pathway"]["classes"][0] = f"label {ESCAPES}"
    made.network["last"] = {**made.network["last"], "time": ESCAPES}
    made.write(folder)
    for command in ("tasks", "verify"):
        with pytest.raises(SystemExit):
            main([command, str(folder)])
    shown = capsys.readouterr()
    assert "\x1b" not in shown.out + shown.err
    made.network["components"][ESCAPES] = 1
    made.write(folder)
    with raises_error(sp.StoreError, got=r"components.\x1b]0;taken\x07\x1b[2J"):
        sp.Network(folder)
