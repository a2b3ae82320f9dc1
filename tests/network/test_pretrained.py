"""Saving and loading whole networks: one version, nothing of others, and never half of it."""

from __future__ import annotations

import errno
import gc
import os
import shutil
import sys
import types
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import senpath as sp
from senpath.store import copies

Labelled = tuple[np.ndarray, np.ndarray]
Watch = Callable[[Path], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, digits: Labelled, iris: Labelled) -> sp.Network:
    """A network with a past: one of its tasks was removed."""
    net = sp.Network(tmp_path_factory.mktemp("grown") / "net")
    net.learn("gone", digits[0][:60], digits[1][:60], hidden=4, epochs=1)
    net.learn("digits", digits[0][:150], digits[1][:150], hidden=8, epochs=3, random_state=1)
    net.learn("iris", *iris, model="svm", links="none")
    net.remove("gone")
    return net


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_saved_network_is_the_version_and_no_more(grown: sp.Network, tmp_path: Path, unchanged: Watch, digits: Labelled) -> None:
    folder, record = tmp_path / "new" / "saved", grown.view.manifest.types["image"]
    gone = (grown.path / "dispatcher" / record.columns).read_bytes()[: 4 * 1024]
    with unchanged(grown.path):
        grown.save_pretrained(folder)
    found = sp.Network(folder)
    assert (found.version, list(found.tasks), found.versions) == (4, ["digits", "iris"], ())
    assert found.log == grown.log
    found.verify()
    x = digits[0]
    assert (found.predict(x, task="digits").probabilities["digits"] == grown.predict(x, task="digits").probabilities["digits"]).all()
    np.testing.assert_array_equal(found.predict(x).task, grown.predict(x).task)
    assert not any(gone in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    names = files(folder) - {".lock"}
    assert {name.split("/")[0] for name in names} == {"components", "dispatcher", "network.json", "log.jsonl", "README.md"}
    assert len([name for name in names if name.startswith("dispatcher/")]) == 6
    assert {name.split("/")[1].split(".")[0] for name in names if "components/" in name} == set(found.view.manifest.components)
    found.learn("more", *digits, hidden=4, epochs=1)
    found.verify()


def test_a_network_without_a_past_is_copied_to_the_bit(tmp_path: Path, digits: Labelled) -> None:
    net = sp.Network(tmp_path / "net")
    net.learn("digits", *digits, hidden=8, epochs=1)
    net.save_pretrained(tmp_path / "saved")
    for name in files(tmp_path / "saved") - {".lock", "README.md"}:
        assert (tmp_path / "saved" / name).read_bytes() == (net.path / name).read_bytes()


def test_an_empty_network(tmp_path: Path) -> None:
    sp.Network(tmp_path / "net").save_pretrained(tmp_path / "saved")
    assert sp.Network(tmp_path / "saved").version == 0


@pytest.mark.parametrize("what", ["a file", "a folder that is not empty", "the network itself"])
def test_where_something_is(grown: sp.Network, tmp_path: Path, unchanged: Watch, what: str) -> None:
    (tmp_path / "file").write_text("content")
    folder = {"a file": tmp_path / "file", "a folder that is not empty": tmp_path, "the network itself": grown.path}[what]
    with unchanged(tmp_path), unchanged(grown.path), pytest.raises(sp.StoreError, match="expected a new or empty folder, got"):
        grown.save_pretrained(folder)


def test_a_disk_that_fills_up_leaves_no_network(grown: sp.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, left = copies.write_atomic, 0

    def fail(path: Path, content: bytes, scratch: Path | None = None) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, content, scratch)

    monkeypatch.setattr(copies, "write_atomic", fail)
    total = len(grown.view.manifest.components) * 2 + 6 + 3
    for count in (0, 1, total // 2, total - 2, total - 1):
        left, folder = count, tmp_path / f"{count}"
        with pytest.raises(sp.StoreError, match=r"saving the network to .*: expected to be possible, got No space left on device"):
            grown.save_pretrained(folder)
        assert not list(tmp_path.iterdir())  # and the same folder can be tried again
    left = total
    grown.save_pretrained(tmp_path / "saved")


def test_a_damaged_file_is_not_passed_on(grown: sp.Network, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(grown.path, tmp_path / "net"))
    covariance = next(iter(grown.view.manifest.types["image"].covariances.values()))
    for name in ("components/*.safetensors", "dispatcher/table-*.columns", f"dispatcher/{covariance}.*"):
        path = min(path for path in folder.glob(name) if ".1." not in path.name)
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(sp.StoreError, match="hash"):
            sp.Network(folder).save_pretrained(tmp_path / path.suffix)
        path.write_bytes(content)


def test_what_cannot_be_saved_leaves_nothing(tmp_path: Path, digits: Labelled, iris: Labelled) -> None:
    """The version that the object shows went by another one's gc."""
    net = sp.Network(tmp_path / "net")
    net.learn("flowers", *iris, hidden=4, epochs=1, model="mlp")
    net.learn("digits", *digits, hidden=4, epochs=1)
    other = sp.Network(net.path)
    other.remove("digits")
    other.gc(versions=1)
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "deep" / "saved", tmp_path / "empty"):
        with pytest.raises(sp.StoreError, match=r"No such file or directory.*Call refresh\(\)"):
            net.save_pretrained(folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "net"]
    assert not list((tmp_path / "empty").iterdir())
    net.refresh()
    for folder in (tmp_path / "deep" / "saved", tmp_path / "empty"):
        net.save_pretrained(folder)
        assert list(sp.Network(folder).tasks) == ["flowers"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"random_state": 9}, "setting 'random_state': expected 0, with which the network was created, got 9"),
        ({"dispatcher": "binary"}, "setting 'dispatcher': expected 'discriminant'"),
        ({"device": "nowhere"}, "device: expected one that torch knows"),
        ({"lock_seconds": -1}, "lock_seconds: expected a number of seconds"),
        ({"epochs": 3}, "setting 'epochs': expected one of dispatcher, image_shape, random_state, encoders, device, .*got another name"),
    ],
)
def test_settings_are_looked_at_before_anything_is_copied(
    grown: sp.Network, tmp_path: Path, unchanged: Watch, settings: dict[str, Any], message: str
) -> None:
    with unchanged(grown.path), pytest.raises(sp.InputError, match=message):
        sp.Network.from_pretrained(grown.path, tmp_path / "copy", **settings)
    assert not list(tmp_path.iterdir())
    assert sp.Network.from_pretrained(grown.path, tmp_path / "copy", random_state=0).version == grown.version


@pytest.mark.parametrize("path", [None, 3, b"saved"])
def test_folders_that_are_none(grown: sp.Network, tmp_path: Path, path: Any) -> None:
    with pytest.raises(sp.InputError, match=r"folder to save to: expected a str or Path, got (None|3|b'saved')"):
        grown.save_pretrained(path)
    if path is not None:
        with pytest.raises(sp.InputError, match=r"path of the copy: expected a str or Path, got (3|b'saved')"):
            sp.Network.from_pretrained(grown.path, path)


def test_opening_a_copy_leaves_the_source(grown: sp.Network, tmp_path: Path, unchanged: Watch, digits: Labelled) -> None:
    grown.save_pretrained(tmp_path / "saved")
    with unchanged(tmp_path / "saved"):
        for net in (
            sp.Network.from_pretrained(tmp_path / "saved"),
            sp.Network.from_pretrained(str(tmp_path / "saved"), tmp_path / "mine", lock_seconds=1),
        ):
            net.learn("more", *digits, hidden=4, epochs=1)
            net.verify()
    assert list(sp.Network(tmp_path / "mine").tasks) == ["digits", "iris", "more"]
    path = sp.Network.from_pretrained(grown.path).path
    gc.collect()
    assert not path.exists()  # a temporary copy goes with its object


def test_sources_that_are_none(tmp_path: Path, grown: sp.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "empty", str(tmp_path / "empty"), tmp_path / "nothing", "no id of: a repository", str(tmp_path / "nothing")):
        with pytest.raises(sp.StoreError, match=r"network .*: expected a folder with network\.json, got none"):
            sp.Network.from_pretrained(source)
    with pytest.raises(sp.InputError, match=r"source of the network: expected a folder, or the id of a repository .*, got 5"):
        sp.Network.from_pretrained(5)  # type: ignore[arg-type]
    with pytest.raises(sp.InputError, match="setting 'dispatcher': expected 'discriminant'"):
        sp.Network.from_pretrained(grown.path, dispatcher="binary")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty"]


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(sp.MissingExtraError, match=r"network 'someone/digits', for which .*pip install 'senpath\[hub\]'"):
        sp.Network.from_pretrained("someone/digits", "here")
    assert not list(tmp_path.iterdir())


def test_a_repository_on_the_hub(grown: sp.Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grown.save_pretrained(tmp_path / "cache")
    asked: list[Any] = []

    def snapshot_download(repository: str, **how: Any) -> str:
        asked.append((repository, how))
        if repository == "someone/else":
            raise OSError("404 Client Error")
        return str(tmp_path / "cache")

    library = types.ModuleType("huggingface_hub")
    library.snapshot_download = snapshot_download  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "huggingface_hub", library)
    net = sp.Network.from_pretrained("someone/digits", tmp_path / "mine", revision="v1", token="mine")
    assert list(net.tasks) == ["digits", "iris"]
    assert net.path == tmp_path / "mine"
    files = ["network.json", "components/*", "dispatcher/*", "pages/*", "log.jsonl"]
    assert asked == [("someone/digits", {"revision": "v1", "allow_patterns": files, "token": "mine"})]
    with pytest.raises(sp.DownloadError, match=r"network 'someone/else' from the Hugging Face hub: expected to be fetched, got 404 Client"):
        sp.Network.from_pretrained("someone/else")
