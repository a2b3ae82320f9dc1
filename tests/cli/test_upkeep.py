"""Commands that take back, free and move: what they say, what they leave, how they end."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_iris
from sklearn.semi_supervised import LabelSpreading

import senpath as sp
from senpath import Network
from senpath.testing import tiny_network, tiny_task

Run = Callable[..., Any]


@pytest.fixture
def net(learned: Path, tmp_path: Path) -> Path:
    """A copy of the learned network, which these commands may change."""
    return Path(shutil.copytree(learned, tmp_path / "my.sen"))


def test_removing_and_bringing_back(senpath: Run, net: Path) -> None:
    end = senpath("remove", net, "tones")
    assert end.code == 0
    assert "removed 'tones': 2 components go; version 5" in end.out
    assert f"`senpath rollback {net} 4` brings it back; `senpath gc {net} --versions 1` frees" in end.out
    assert "tones" not in senpath("tasks", net).out
    end = senpath("rollback", net)
    assert end.code == 0
    assert [line.split(":")[0] for line in end.out.splitlines()] == ["0", "1", "2", "3", "4", "5"]
    assert "iris" in end.out
    assert "5: present" in end.out
    end = senpath("rollback", net, 4)
    assert "version 6 has the tasks of version 4" in end.out
    assert "back: 'tones'" in end.out
    assert "tones" in senpath("tasks", net).out
    assert "removed tones" in senpath("rollback", net).out
    assert senpath("verify", net).code == 0


def test_naming_and_describing(senpath: Run, net: Path) -> None:
    assert "renamed 'iris' to 'flowers'; version 5" in senpath("rename", net, "iris", "flowers").out
    assert "'flowers': no description" in senpath("describe", net, "flowers").out
    assert "'flowers': Three kinds of iris." in senpath("describe", net, "flowers", "Three kinds of iris.").out
    assert "renamed iris to flowers" in senpath("log", net).out
    assert "5: " in (listed := senpath("rollback", net).out)
    assert "renamed iris to flowers" in listed
    assert senpath("rename", net, "flowers", "digits").code == 2


def test_freeing(senpath: Run, net: Path) -> None:
    senpath("remove", net, "iris")
    end = senpath("gc", net)
    assert "freed 0.0 kB, 0 files; version 5, earlier ones: 0, 1, 2, 3, 4" in end.out
    end = senpath("gc", net, "--versions", 1)
    assert end.code == 0
    assert "MB" in end.out
    assert "; version 5, earlier ones: none" in end.out
    assert Network(net).versions == ()


def test_moving(senpath: Run, net: Path, files: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "digits.sentask", tmp_path / "other.sen"
    end = senpath("export", net, "digits", file)
    assert end.code == 0
    assert f"wrote {file}, " in end.out
    assert senpath("export", net, "again", file).code == 2
    assert senpath("export", net, "digits", file, "--overwrite").code == 0
    end = senpath("import", other, file, "--name", "moved")
    assert end.code == 0
    assert "imported 'moved': 10 classes, " in end.out
    picture = next((files / "digits" / "4").iterdir())
    assert "moved" in senpath("predict", other, picture, "--task", "moved").out


@pytest.mark.slow("torch exports the task three times")
def test_a_task_for_other_programs(senpath: Run, net: Path, tmp_path: Path) -> None:
    file = tmp_path / "iris.onnx"
    end = senpath("export", net, "iris", file)
    assert end.code == 0
    assert f"wrote {file}, " in end.out
    assert senpath("import", tmp_path / "other.sen", file).code == 3
    assert senpath("export", net, "iris", file).code == 2
    assert senpath("export", net, "iris", file, "--overwrite").code == 0


@pytest.mark.slow("torch exports a network")
def test_a_network_for_other_programs(senpath: Run, net: Path, tmp_path: Path) -> None:
    assert senpath("export", net, tmp_path / "all.onnx").code == 2  # of several types
    end = senpath("export", net, f"{tmp_path / 'models'}/")
    assert end.code == 0
    written = sorted((tmp_path / "models").iterdir())
    assert sorted(line.split(", ")[0] for line in end.out.splitlines()) == [f"wrote {file}" for file in written]
    assert {file.name.split("-")[0].removesuffix(".onnx") for file in written} == {"image", "audio", "table"}


def test_a_file_that_is_refused_makes_no_network(senpath: Run, net: Path, tmp_path: Path) -> None:
    file, new = tmp_path / "garbage.txt", tmp_path / "new.sen"
    file.write_text("nothing of value")
    end = senpath("import", new, file)
    assert (end.code, new.exists()) == (3, False)
    assert "expected an exported task, whole, got BadZipFile" in end.err
    senpath("export", net, "iris", tmp_path / "iris.sentask")
    content = bytearray((tmp_path / "iris.sentask").read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert (senpath("import", new, file).code, new.exists()) == (3, False)
    assert (senpath("import", new, tmp_path / "iris.sentask", "--name", "").code, new.exists()) == (2, False)
    assert senpath("import", new, tmp_path / "iris.sentask").code == 0
    assert list(Network(new).tasks) == ["iris"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("remove", "NET", "nothing"), 2, "task 'nothing': expected one that the network has learned: digits, again, tones, iris"),
        (("rollback", "NET", 17), 2, "version to return to: expected one of 0, 1, 2, 3, got 17"),
        (("gc", "NET", "--versions", 0), 2, "Invalid value for '--versions'"),
        (("export", "NET", "nothing", "x.sentask"), 2, "task 'nothing'"),
        (("export", "NET", "digits"), 2, "the whole network: expected a file *.onnx, or a folder that is there or ends in /, got 'digits'"),
        (("export", "NET", "digits", "x.onnx", "--encoded"), 2, "--encoded: expected a whole network, got the task 'digits'"),
        (
            ("export", "NET", "site/", "--page", "nowhere"),
            2,
            "onnxruntime-web in nowhere: expected its file dist/ort.wasm.min.js",
        ),
        (("import", "NET", "nothing.sentask"), 2, "task file nothing.sentask: expected an exported task, got no file of that name"),
        (("import", "NET", "FILES/iris.csv"), 3, "expected an exported task, whole, got BadZipFile"),
        (("remove", "nowhere.sen", "digits"), 3, "expected a folder with network.json, got none"),
        (("gc", "nowhere.sen"), 3, "expected a folder with network.json, got none"),
    ],
)
def test_refusals(
    senpath: Run,
    net: Path,
    files: Path,
    tmp_path: Path,
    unchanged: Any,
    monkeypatch: pytest.MonkeyPatch,
    arguments: Any,
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with unchanged(net):
        end = senpath(*(str(argument).replace("NET", str(net)).replace("FILES", str(files)) for argument in arguments))
    assert end.code == code
    assert message in end.err
    assert not Path("nowhere.sen").exists()


def test_recorded_evaluations_are_listed_and_removed(senpath: Run, tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net", ["iris"])
    for count in (100, 120):
        sp.evaluate(net, {"iris": tuple(part[:count] for part in tiny_task("iris"))}, record=True)
    listed = senpath("evaluations", net.path)
    assert listed.code == 0
    assert "120" in listed.out
    assert senpath("evaluations", net.path, "--remove", "1").code == 0
    assert [entry.evaluation.scores["iris"].examples for entry in sp.recorded_evaluations(net)] == [120]
    ended = senpath("evaluations", net.path, "--remove", "2")
    assert ended.code == 2
    assert "evaluation to remove: expected one of 1, got 2" in ended.err


def test_a_model_that_is_opened_on_the_users_word_alone(senpath: Run, tmp_path: Path) -> None:
    net = Network(tmp_path / "net.sen")
    net.learn("iris", *load_iris(return_X_y=True), model=LabelSpreading())
    net.export("iris", tmp_path / "iris.sentask")
    for arguments in (("verify", net.path), ("import", tmp_path / "other.sen", tmp_path / "iris.sentask")):
        refused = senpath(*arguments)
        assert (refused.code, "LabelSpreading" in refused.err, "`senpath --trust …`" in refused.err) == (3, True, True)
        assert senpath("--trust", *arguments).code == 0
    assert senpath("--trust", "verify", tmp_path / "other.sen").code == 0
