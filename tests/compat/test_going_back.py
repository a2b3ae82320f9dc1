"""What an upgrade of senpath changes in a folder, and the way back, as docs/compatibility.md tells them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import senpath as sp
from senpath.store.manifest import FORMAT_VERSION
from tests.compat.test_old_networks import DATA, format_of

ROOT = Path(__file__).resolve().parents[2]
OLDER = sorted((path.name.removesuffix(".tar.xz") for path in DATA.glob("format-*.tar.xz")), key=lambda name: int(name.rpartition("-")[2]))


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A folder of the last format before the present one."""
    shutil.unpack_archive(DATA / f"{OLDER[-1]}.tar.xz", tmp_path, filter="data")
    return tmp_path / f"{OLDER[-1]}.sen"


def pictures() -> tuple[np.ndarray, list[int]]:
    bunch = load_digits()
    return (bunch.images[:40] * 255 / 16).round().astype(np.uint8), (bunch.target[:40] % 2).tolist()


def test_nothing_is_written_until_something_is_learned(older: Path) -> None:
    before = {path: path.read_bytes() for path in older.rglob("*") if path.is_file()}
    net = sp.Network(older)
    net.predict(pictures()[0], task="digits")
    net.verify()
    assert {path: path.read_bytes() for path in older.rglob("*") if path.is_file()} == before


def test_the_last_version_of_the_older_format_can_be_put_back(older: Path) -> None:
    net = sp.Network(older)
    version, tasks, answers = net.version, [*net.tasks], net.predict(pictures()[0], task="digits").confidence
    manifest = (older / "network.json").read_bytes()
    net.learn("one more", *pictures(), hidden=4, epochs=2)
    assert format_of(older) == FORMAT_VERSION
    assert (older / "versions" / f"{version}.json").read_bytes() == manifest
    shutil.copy(older / "versions" / f"{version}.json", older / "network.json")
    again = sp.Network(older)
    again.verify()
    assert (format_of(older), again.version, [*again.tasks]) == (int(OLDER[-1].rpartition("-")[2]), version, tasks)
    np.testing.assert_array_equal(again.predict(pictures()[0], task="digits").confidence, answers)


def test_the_page_lists_every_format(older: Path) -> None:
    page = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
    rows = {int(first): int(last or first) for first, last in re.findall(r"^\| (\d+)(?:–(\d+))? \|", page, re.MULTILINE)}
    assert [*range(1, FORMAT_VERSION + 1)] == sorted(number for first, last in rows.items() for number in range(first, last + 1))
    kept = {int(name.rpartition("-")[2]) for name in OLDER}
    assert kept == {*range(1, FORMAT_VERSION)}, "tests keep a folder of every format before the present one"
