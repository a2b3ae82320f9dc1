"""What would be published has what belongs in it, and is the same bytes wherever and whenever it is built."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.check_package import check_sdist, check_wheel, main, tracked_files

ROOT = Path(__file__).resolve().parent.parent
pytest.importorskip("hatchling", reason="builds packages")


def copy_source(folder: Path, time: int) -> Path:
    """The repository's files in another folder, as if they had been written at this time."""
    for name in tracked_files():
        there = folder / name
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, there)
        os.utime(there, (time, time))
    return folder


def build(source: Path, to: Path, *targets: str, umask: int = 0o022) -> Path:
    """Build in a process of its own, whose new files get the rights that `umask` leaves; returns the folder `to`."""
    program = f"import os, sys; os.umask({umask}); from hatchling.cli import hatchling; sys.exit(hatchling())"
    subprocess.run([sys.executable, "-c", program, "build", "-d", to, *targets], cwd=source, check=True, capture_output=True)
    return to


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    return build(copy_source(folder / "one", 1_600_000_000), folder / "dist")


@pytest.mark.slow("builds packages")
def test_they_hold_what_belongs_in_them(dist: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(dist) == 0, capsys.readouterr().out
    assert "as they should be" in capsys.readouterr().out


@pytest.mark.slow("builds packages")
def test_they_are_the_same_bytes_in_another_folder_at_another_time(dist: Path, tmp_path: Path) -> None:
    source = copy_source(tmp_path / "a longer name" / "two", 1_700_000_000)
    again = build(source, tmp_path / "dist", umask=0o077)
    assert {file.name: file.read_bytes() for file in again.iterdir()} == {file.name: file.read_bytes() for file in dist.iterdir()}


@pytest.mark.slow("builds packages")
def test_a_wheel_built_from_the_source_archive_is_the_same(dist: Path, tmp_path: Path) -> None:
    (archive,) = dist.glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path, filter="data")
    (wheel,) = build(tmp_path / archive.name.removesuffix(".tar.gz"), tmp_path / "dist", "-t", "wheel").iterdir()
    assert wheel.read_bytes() == (dist / wheel.name).read_bytes()


def _add(name: str, content: str) -> Callable[[Path], None]:
    def change(wheel: Path) -> None:
        with zipfile.ZipFile(wheel, "a") as archive:
            archive.writestr(name, content)

    return change


@pytest.mark.slow("builds packages")
@pytest.mark.parametrize(
    ("change", "rule", "what"),
    [
        (_add("tests/test_a.py", ""), "wheel: does not belong", "tests/test_a.py"),
        (_add("senpath/data/letters.npz", "0" * 600_000), "wheel: a large file", "senpath/data/letters.npz"),
        (_add("senpath/notes.txt", "see /root/notes"), "wheel: says too much", "senpath/notes.txt"),
    ],
)
def test_what_does_not_belong_is_named(dist: Path, tmp_path: Path, change: Callable[[Path], None], rule: str, what: str) -> None:
    (wheel,) = dist.glob("*.whl")
    changed = Path(shutil.copy(wheel, tmp_path))
    assert not [*check_wheel(wheel)]
    change(changed)
    assert any(broken == rule and said.startswith(what) for broken, said in check_wheel(changed))


@pytest.mark.slow("builds packages")
def test_a_file_that_is_missing_is_named(dist: Path, tmp_path: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as whole, zipfile.ZipFile(tmp_path / wheel.name, "w", zipfile.ZIP_DEFLATED) as part:
        for name in whole.namelist():
            if name != "senpath/py.typed":
                part.writestr(name, whole.read(name))
    rules = {rule for rule, _ in check_wheel(tmp_path / wheel.name)}
    assert rules == {"wheel: missing", "wheel has no"}
    (archive,) = dist.glob("*.tar.gz")
    assert not [*check_sdist(archive)]
