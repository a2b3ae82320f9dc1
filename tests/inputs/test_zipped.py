"""Zip files that somebody else made: what is unpacked, and what is refused."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from senpath import read
from senpath.errors import InputError
from senpath.inputs.limits import files_within
from senpath.inputs.modalities import split_by_modality
from senpath.inputs.sources import zipped
from senpath.inputs.sources.zipped import unpack
from tests.raising import raises_error

TEXTS = {"warm/1.txt": b"the sun", "warm/2.txt": b"a warm day", "cold/1.txt": b"the wind", "cold/2.txt": b"a cold night"}


def zip_of(path: Path, files: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def inside(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_a_folder_of_classes_is_read_from_a_zip_file(tmp_path: Path) -> None:
    extra = {"__MACOSX/warm/._1.txt": b"x", ".DS_Store": b"x", "warm/.hidden": b"x"}
    data = read(unpack(zip_of(tmp_path / "a.zip", TEXTS | extra), tmp_path / "out"))
    assert sorted(data.y) == ["cold", "cold", "warm", "warm"]
    assert inside(tmp_path / "out") == {*TEXTS}


def test_a_folder_around_the_classes_is_left_aside(tmp_path: Path) -> None:
    wrapped = {f"my data/{name}": content for name, content in TEXTS.items()}
    assert unpack(zip_of(tmp_path / "a.zip", wrapped), tmp_path / "out") == tmp_path / "out" / "my data"


def test_a_lone_table_is_read(tmp_path: Path) -> None:
    content = b"x,label\n1,a\n2,b\n3,a\n4,b\n"
    assert list(read(unpack(zip_of(tmp_path / "a.zip", {"t.csv": content}), tmp_path / "out")).y) == ["a", "b", "a", "b"]


@pytest.mark.parametrize("name", ["../out.txt", "/etc/out.txt", "a/../../out.txt", "c:/out.txt", "..\\out.txt", "a\x01b.txt", "x" * 250])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    archive = zip_of(tmp_path / "a.zip", {"a/1.txt": b"x", name: b"x"})
    (tmp_path / "in").mkdir()
    with raises_error(InputError, "zip file", expected="below one folder"):
        unpack(archive, tmp_path / "in" / "out")
    assert inside(tmp_path) <= {"a.zip", "in/out/a/1.txt"}


def test_links_are_refused(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("a/link.txt")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(entry, "/etc/passwd")
    with raises_error(InputError, "link.txt", got="a link"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_names_that_a_system_takes_for_one_are_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = _twice(tmp_path / "a.zip")
    with raises_error(InputError, "zip file", got="twice"):
        unpack(archive, tmp_path / "out")


def _twice(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("a/1.txt", "x")
        packed.writestr("a/1.txt", "y")
    return path


def test_what_unfolds_to_too_much_is_refused_before_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, "UNFOLDED_BYTES", 2**21)
    archive = zip_of(tmp_path / "a.zip", {f"a/{n}.txt": bytes(2**20) for n in range(4)})
    with raises_error(InputError, "zip file", expected="fits in memory"):
        unpack(archive, tmp_path / "out")
    assert sum(file.stat().st_size for file in (tmp_path / "out").rglob("*.txt")) <= 2**21


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, "ENTRIES", 3)
    with raises_error(InputError, "zip file", expected="at most 3 files", got="4"):
        unpack(zip_of(tmp_path / "a.zip", TEXTS), tmp_path / "out")


@pytest.mark.parametrize(
    "spoil", [lambda whole: whole[:-30], lambda whole: b"no zip", lambda whole: whole[:50] + b"\xff" * 20 + whole[70:]]
)
def test_damaged_files_are_refused(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    archive = zip_of(tmp_path / "a.zip", {"a/1.txt": b"text " * 100})
    archive.write_bytes(spoil(archive.read_bytes()))
    with raises_error(InputError, "zip file"):
        unpack(archive, tmp_path / "out")


def test_an_empty_one_is_refused(tmp_path: Path) -> None:
    with raises_error(InputError, "zip file", got="no files"):
        unpack(zip_of(tmp_path / "a.zip", {}), tmp_path / "out")


def test_a_table_that_was_sent_names_no_file_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "sent").mkdir()
    (tmp_path / "secret.txt").write_text("the secret")
    (tmp_path / "sent" / "own.txt").write_text("its own")
    for name in (tmp_path / "secret.txt", "../secret.txt"):
        table = tmp_path / "sent" / "t.csv"
        table.write_text(f"file_name,label\nown.txt,a\n{name},b\n")
        with files_within(tmp_path / "sent"), raises_error(InputError, "line 3", expected="the name of a file"):
            read(table)
        assert len(read(table)) == 2  # one's own table may


def test_a_text_that_was_sent_does_not_tell_whether_a_file_is_there(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    with files_within(tmp_path / "sent"):
        (group,) = split_by_modality([str(secret), f"{secret} not there.txt"])
    assert (group.modality, len(group.rows)) == ("text", 2)
