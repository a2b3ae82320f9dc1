"""`senpath keys`, and what `senpath serve` refuses before it starts."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from senpath.cli.main import main
from senpath.testing import tiny_network


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*words])
    code = ended.value.code
    assert isinstance(code, int)
    return code


def test_keys_are_made_listed_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "keys")
    assert run("keys", "add", file, "--name", "shop", "--role", "teach") == 0
    key = capsys.readouterr().out.strip()
    assert key.startswith("sp_")
    assert key not in Path(file).read_text()
    assert run("keys", "list", file) == 0
    assert {"shop", "teach"} <= {*capsys.readouterr().out.split()}
    assert run("keys", "remove", file, "--name", "other") == 2
    assert run("keys", "remove", file, "--name", "shop") == 0
    assert Path(file).read_text() == ""


def test_a_server_that_cannot_be_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "n.sen"
    assert run("serve", str(folder)) == 3
    assert "senpath learn" in capsys.readouterr().err
    tiny_network(folder, ["iris"])
    assert run("serve", str(folder), "--host", "0.0.0.0") == 2
    assert "senpath keys add" in capsys.readouterr().err
    assert run("serve", str(folder), "--keys", str(tmp_path / "none")) == 2
    assert "file of keys" in capsys.readouterr().err
    assert run("serve", str(folder), "--set", "inputs=0") == 2
    assert "inputs" in capsys.readouterr().err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert run("serve", str(folder), "--port", port) == 2
    assert "one that is free" in capsys.readouterr().err
