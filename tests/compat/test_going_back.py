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


def test_the_pages_tell_of_every_format(older: Path) -> None:
    """Whoever makes a format has these to do: see "A field of the stored format" in CONTRIBUTING.md."""
    page, format_page = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("compatibility.md", "format.md"))
    rows = {int(first): int(last or first) for first, last in re.findall(r"^\| (\d+)(?:–(\d+))? \|", page, re.MULTILINE)}
    listed = sorted(number for first, last in rows.items() for number in range(first, last + 1))
    assert listed == [*range(1, FORMAT_VERSION + 1)], "the table of formats in docs/compatibility.md has a row for each"
    for words in (
        f"describes format {FORMAT_VERSION},",
        f'`"senpath-network"`, `{FORMAT_VERSION}`',
        f"written as format {FORMAT_VERSION} by",
    ):
        assert words in format_page, "docs/format.md says which format is the present one"
    assert f"Folders of formats 1 to {FORMAT_VERSION - 1} are read" in format_page, "docs/format.md says which formats are read"
    glossary = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert f"{FORMAT_VERSION}; 1 to {FORMAT_VERSION - 1} can be read" in glossary, "so does docs/glossary.md"
    kept = {int(name.rpartition("-")[2]) for name in OLDER}
    assert kept == {*range(1, FORMAT_VERSION)}, "tests/compat/data has a folder of every format before the present one"
