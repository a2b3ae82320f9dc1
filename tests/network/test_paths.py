"""Paths as people write them: what names no place on this machine is refused before anything is written, the rest leads where it says."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from raising import raises_error

import senpath as sp
from senpath.testing import tiny_network, tiny_task

Write = Callable[[sp.Network, str | Path], object]
WRITERS: dict[str, Write] = {
    "save_pretrained": lambda net, path: net.save_pretrained(path),
    "export": lambda net, path: net.export("iris", path),
    "export_onnx": lambda net, path: net.export_onnx("iris", path),
    "export_all": lambda net, path: net.export_all(path),
    "report": sp.report,
    "to_json": lambda net, path: net.predict(tiny_task("iris")[0][:2]).to_json(path),
    "import_task": lambda net, path: net.import_task(path),
    "from_pretrained": lambda net, path: sp.Network.from_pretrained(path),
}


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> sp.Network:
    return tiny_network(tmp_path_factory.mktemp("paths") / "net", ["iris"])


@pytest.mark.parametrize("writer", WRITERS)
def test_an_address_is_no_path(net: sp.Network, writer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for place in ("s3://bucket/copy", Path("s3://bucket/copy"), "https://host/copy", "gs://bucket/copy"):
        with raises_error(sp.InputError, expected="a path of this machine", do="senpath.copy_network"):
            WRITERS[writer](net, place)
    assert not list(tmp_path.iterdir())


def test_file_addresses_and_the_home_folder(net: sp.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    net.export("iris", f"file://{tmp_path}/iris.sentask")
    net.save_pretrained("~/copy")
    assert [*sp.Network("~/copy").tasks] == [*sp.Network(Path("~") / "copy").tasks] == ["iris"]
    assert sp.Network("~/new/net").path == tmp_path / "home" / "new" / "net"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "iris.sentask"]


@pytest.mark.parametrize("place", ["", "a\0b"])
def test_what_is_no_path(net: sp.Network, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with raises_error(sp.InputError, "path of the network", expected="a str or Path", got=repr(place)):
        sp.Network(place)
    with raises_error(sp.InputError, "path of the file", expected="a str or Path"):
        net.export("iris", place)
    assert not list(tmp_path.iterdir())


def test_a_name_that_is_too_long(net: sp.Network, tmp_path: Path) -> None:
    with raises_error(sp.StoreError, got="File name too long"):
        sp.Network(tmp_path / ("x" * 300))
    with raises_error(sp.StoreError, got="File name too long", do="Choose another name"):
        net.export("iris", tmp_path / ("x" * 300))
    net.export("iris", tmp_path / ("x" * 255))  # the longest that there is
    assert [path.name for path in tmp_path.iterdir()] == ["x" * 255]


def test_a_folder_whose_name_is_no_utf8(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.sen"))
    try:
        net = tiny_network(folder, ["low", "high"])
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    inputs = tiny_task("high")[0][:3]
    assert sp.Network(folder).predict(inputs).label.tolist() == net.predict(inputs).label.tolist()
    net.verify()
    assert "caf\\udce9.sen" in repr(net)


def test_no_place_for_temporary_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with raises_error(sp.StoreError, "making a temporary folder", got="No such file", do="TMPDIR"):
        sp.Network()
