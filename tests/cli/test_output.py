"""Printing never undoes, hides or ends what a command does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.text import Text

import senpath as sp
from senpath.cli.show import watched_table
from senpath.testing import tiny_network

TABLE = "a,b,label\n" + "\n".join(f"{row},{row % 3},{'größe→' if row % 2 else 'y'}" for row in range(20))


def run(*arguments: str, cwd: Path, output: int = subprocess.PIPE, **environment: str) -> tuple[int, bytes]:
    command = [sys.executable, "-m", "senpath", *arguments]
    done = subprocess.run(
        command,
        cwd=cwd,
        stdout=output,
        stderr=subprocess.STDOUT if output == subprocess.PIPE else subprocess.PIPE,
        env={**os.environ, **environment},
        check=False,
    )
    return done.returncode, (done.stdout or b"") + (done.stderr or b"")


@pytest.mark.slow("starts a process")
def test_output_that_is_no_unicode(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(TABLE, encoding="utf-8")
    assert run("learn", "n.sen", "a", "d.csv", "--set", "epochs=1", cwd=tmp_path, PYTHONIOENCODING="ascii")[0] == 0
    code, said = run("learn", "n.sen", "b→", "d.csv", "--set", "epochs=1", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert code == 0
    assert rb"b\u2192" in said
    assert [*sp.Network(tmp_path / "n.sen").tasks] == ["a", "b→"]


@pytest.mark.slow("starts a process")
def test_a_reader_that_has_gone(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(TABLE, encoding="utf-8")
    read, write = os.pipe()
    os.close(read)
    code, said = run("learn", "n.sen", "a", "d.csv", "--set", "epochs=1", cwd=tmp_path, output=write)
    os.close(write)
    assert code == 0
    assert b"Error" not in said
    assert b"pipe" not in said.lower()
    assert [*sp.Network(tmp_path / "n.sen").tasks] == ["a"]


@pytest.mark.slow("starts a process")
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    tiny_network(tmp_path / "n.sen", ["low"])
    with open("/dev/full", "wb") as full:
        code, said = run("tasks", "n.sen", cwd=tmp_path, output=full.fileno())
    assert code == 1
    assert said.startswith(b"error: output: expected to be written, got No space left on device.")


def test_a_table_that_changes_ends_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    with watched_table(2) as live:
        live.update(Text("done"))
    assert capsys.readouterr().err == "done\n"
    with watched_table(2):
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.slow("starts processes")
@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_streams_that_are_closed(tmp_path: Path) -> None:
    path = tiny_network(tmp_path / "n.sen", ["weather"]).path
    command = f'"{sys.executable}" -m senpath predict "{path}"'
    for arguments, code, said in (
        ("warm --no-reject --json >&-", 0, ""),
        ("warm --no-reject --json 2>&-", 0, '{"input": "warm"'),
        ("- <&-", 2, "error: standard input: expected texts"),
    ):
        done = subprocess.run(["sh", "-c", f"{command} {arguments}"], capture_output=True, text=True, check=False)
        assert (done.returncode, said in done.stdout + done.stderr) == (code, True), done
        assert "internal error" not in done.stderr
