"""What the command line refuses: one line that says why, an exit code that says what kind, and nothing changed."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
NET, FILES = "NET", "FILES"
WRONG: list[tuple[tuple[str, ...], int, str]] = [
    ((), 2, ""),
    (("tasks",), 2, "Missing argument"),
    (("nonsense",), 2, "No such command 'nonsense'"),
    (("tasks", NET, "--nonsense"), 2, "No such option: --nonsense"),
    (("learn", NET, "t", "d", "--learning-rate", "1"), 2, "write --set learning_rate=VALUE"),
    (("learn", NET, "new", "FILES/iris.csv", "--shots", "many"), 2, "--shots"),
    (("learn", NET, "new", "FILES/iris.csv", "--seed", "-1"), 2, "--seed"),
    (("demo", "--seed", "-1"), 2, "--seed"),
    (("predict", NET), 2, "Missing argument"),
    (("predict", NET, "FILES/iris.csv", "--top", "0"), 2, "--top"),
    (("data", "nonsense"), 2, "No such command 'nonsense'"),
    (("data", "download", "nonsense"), 2, "nonsense"),
    (("learn", NET, "new", "FILES/nothing"), 2, "nothing of that name"),
    (("learn", NET, "new", "x" * 5000), 2, "File name too long"),
    (("learn", NET, "new", "FILES/tones/low"), 2, "expected a subfolder per class"),
    (("learn", NET, "new", "FILES/bad/empty.csv"), 2, "header"),
    (("learn", NET, "new", "FILES/bad/cut.npz"), 2, "expected a .npz file, a zip of arrays"),
    (("learn", NET, "new", "FILES/bad/cut.png"), 2, "expected a folder with a subfolder per class"),
    (("learn", NET, "digits", "FILES/digits"), 2, "Choose another name, or extend it"),
    (("learn", "new", NET, "FILES/digits"), 2, "The folder of the network comes first, the name of the task second"),
    (("learn", NET, "new", "FILES/digits", "--modality", "text"), 2, "with texts, got pictures (0/"),
    (("evaluate", NET, "digits=FILES/iris.csv"), 2, "or name the task whose data it is"),
    (("learn", NET, "", "FILES/digits"), 2, "task name: expected 1 to 200 printable characters"),
    (("learn", NET, "new", "FILES/digits", "--shots", "0"), 2, "k >= 1"),
    (("learn", NET, "new", "FILES/digits", "--shots", "99"), 2, "expected 99 examples"),
    (("learn", NET, "new", "FILES/digits", "--method", "magic"), 2, "method: expected one of sen"),
    (("learn", NET, "new", "FILES/digits", "--method", "no_such_module:Magic"), 2, "method 'no_such_module:Magic': expected a module that"),
    (("learn", NET, "new", "FILES/digits", "--method", "json:dumps"), 2, "method 'json:dumps': expected a class with a method `propose`"),
    (
        ("learn", NET, "new", "FILES/digits", "--method", "munet", "--set", "observer=3"),
        2,
        "observer: expected a SearchObserver, or None, got 3",
    ),
    (("methods", "magic"), 2, "method: expected one of sen, munet, allocation, moe, or package:Class, got 'magic'"),
    (("learn", NET, "new", "FILES/digits", "--set", "hidden"), 2, "--set: expected NAME=VALUE, got 'hidden'"),
    (("learn", NET, "new", "FILES/digits", "--set", "=3"), 2, "--set: expected NAME=VALUE"),
    (("learn", NET, "new", "FILES/digits", "--set", "hiden=3"), 2, "setting 'hiden' of method sen: expected one of model, hidden"),
    (
        ("learn", NET, "new", "FILES/digits", "--set", "hidden=wide"),
        2,
        "setting 'hidden': expected a whole number from 2 to 65536, or from 0 with may_change, got 'wide'",
    ),
    (("learn", NET, "new", "FILES/digits", "--set", "guard=yes"), 2, "setting 'guard': expected True or False, got 'yes'"),
    (("learn", NET, "new", "FILES/digits", "--set", "random_state=3"), 2, "--set: expected a setting, got random_state"),
    (("learn", NET, "new", "FILES/digits", "--set", "random-state=3"), 2, "--set: expected a setting, got random_state"),
    (("learn", NET, "new", "FILES/digits", "--set", "progress=3"), 2, "setting 'progress' of method sen: expected one of model, hidden"),
    (("learn", NET, "new", "FILES/digits", "--set", "self=3"), 2, "settings of 'sen': expected those that it takes, got"),
    (("learn", NET, "new", "FILES/iris.csv", "--set", "model=cnn"), 2, "model 'cnn': expected images, got table inputs"),
    (("predict", NET, "FILES/nothing.png"), 2, "expected a file, got nothing of that name"),
    (("predict", NET, "FILES"), 2, "expected a file, got a folder"),
    (("predict", NET, "FILES/bad/cut.png"), 2, "expected a readable picture file"),
    (("predict", NET, "FILES/bad/cut.wav"), 2, "expected a readable sound file"),
    (("predict", NET, "FILES/bad/cut.npz"), 2, "expected a .npz file, a zip of arrays"),
    (("predict", NET, "FILES/iris.csv", "--task", "nobody"), 2, "task 'nobody': expected one that the network has learned: digits, again"),
    (
        ("predict", NET, "FILES/iris.csv", "--task", "digits"),
        2,
        "iris.csv[0] and 149 more: task 'digits' does not read table data: expected image data",
    ),
    (("explain", NET, "FILES/iris.csv"), 2, "expected one input, got 150"),
    (("tasks", "FILES/nothing"), 3, "expected a folder with network.json, got none"),
    (("predict", "FILES/digits", "FILES/iris.csv"), 3, "expected a folder with network.json, got none"),
    (("verify", "FILES/iris.csv"), 3, "expected a folder with network.json, got none"),
    (("learn", "FILES/digits", "new", "FILES/iris.csv"), 3, "expected a network, or an empty or absent folder"),
    (("learn", "FILES/iris.csv", "new", "FILES/iris.csv"), 3, "expected a folder, got a file"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "message"), WRONG, ids=lambda value: " ".join(value)[:60] if isinstance(value, tuple) else None
)
def test_it_is_refused(
    senpath: Run, learned: Path, files: Path, unchanged: Any, arguments: tuple[str, ...], code: int, message: str
) -> None:
    given = [learned if part == NET else part.replace(FILES, str(files)) for part in arguments]
    with unchanged(learned), unchanged(files):
        end = senpath(*given)
    assert end.code == code
    assert message in " ".join((end.err if arguments else end.out + end.err).split())
    assert "Usage:" in end.err + end.out or end.err.splitlines()[-1].startswith("error: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "network.json"),
        (b"{}", '"format": "senpath-network"'),
        (b"\xff\xfe not json", "network.json"),
        (b'{"format":"senpath-network",\n"format_version":99}', "Upgrade senpath"),
        (b'{"format":"senpath-network",\n"format_version":1}', "a file changed or cut after writing"),
    ],
)
@pytest.mark.parametrize("command", ["tasks", "verify", "learn", "predict"])
def test_a_folder_that_is_no_network(senpath: Run, files: Path, tmp_path: Path, command: str, content: bytes, message: str) -> None:
    net = tmp_path / "n.sen"
    net.mkdir()
    (net / "network.json").write_bytes(content)
    more = {"learn": ("new", files / "iris.csv"), "predict": (files / "iris.csv",)}.get(command, ())
    end = senpath(command, net, *more)
    assert end.code == 3
    assert message in end.err
    assert (net / "network.json").read_bytes() == content


def test_a_missing_component_is_named(senpath: Run, learned: Path, files: Path, tmp_path: Path) -> None:
    net = shutil.copytree(learned, tmp_path / "n.sen")
    for weights in (net / "components").glob("*.safetensors"):
        weights.unlink()
    end = senpath("predict", net, files / "iris.csv")
    assert end.code == 3
    assert "expected readable, got No such file or directory" in end.err


@pytest.mark.parametrize(("module", "extra"), [("soundfile", "senpath[audio]"), ("librosa.filters", "senpath[audio]")])
def test_a_missing_extra_says_what_to_install(
    senpath: Run, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, extra: str
) -> None:
    from senpath.inputs.modalities import audio

    audio._mel_filters.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    end = senpath("learn", tmp_path / "n.sen", "tones", files / "tones")
    assert end.code == 4
    assert f"pip install '{extra}'" in end.err


def test_a_download_that_fails(senpath: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(scheme, "http://127.0.0.1:9")  # nobody listens there
    end = senpath("data", "download", "fashion", "--to", tmp_path / "data")
    assert end.code == 5
    assert "error: " in end.err


def test_a_demo_does_not_clear_a_folder_that_is_not_its_own(senpath: Run, tmp_path: Path, unchanged: Any) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with unchanged(tmp_path):
        end = senpath("demo", "--out", tmp_path)
    assert end.code == 2
    assert "expected an absent or empty folder, or an earlier demo's, got other content" in end.err
