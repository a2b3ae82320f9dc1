"""`senpath log`, who committed, and what is noticed before and after learning."""

from __future__ import annotations

import json
import logging
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import senpath as sp
from senpath.cli.main import main
from senpath.reports.network_records import version_records
from senpath.testing import ConstantMethod, tiny_network, tiny_task

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command; its exit code and what it said."""

    def command(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([*words])
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return command


def test_the_log_says_who_did_what(tmp_path: Path, run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENPATH_AUTHOR", "Ada \x1b[31mLovelace")
    net = tiny_network(tmp_path / "net", tasks=["low", "iris"])
    monkeypatch.setenv("SENPATH_AUTHOR", "")
    net.remove("iris")
    monkeypatch.delenv("SENPATH_AUTHOR")
    net.rollback(2)
    code, out, _ = run("log", str(net.path), "--json")
    records = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [record["change"] for record in records] == ["low", "iris", "removed iris", "rollback to version 2"]
    assert [record["author"] for record in records[:3]] == [r"Ada \x1b[31mLovelace"] * 2 + [None]  # as one line of text
    assert records[0]["examples"] == 150
    assert net.log[-1].get("author")  # the account's
    assert "\x1b" not in run("log", str(net.path))[1]
    _, out, _ = run("log", str(net.path), "--last", "1")
    assert "rollback to version 2" in out
    assert "iris" not in out
    net.set_limit("low", 1.5)
    said = "limit of low: 1.5 times the learned one"
    assert said in run("log", str(net.path), "--last", "1")[1]
    assert version_records(net, net.view)[0]["what"] == said


def test_names_are_refused_before_data_is_read(tmp_path: Path, run: Callable[..., Any]) -> None:
    net = tiny_network(tmp_path / "net", tasks=["low"])
    code, _, said = run("learn", str(net.path), "low", str(tmp_path / "nothing"))
    assert code == 2
    assert "expected a new name" in said
    code, _, said = run("learn", str(tmp_path / "other"), " ", str(tmp_path / "nothing"))
    assert code == 2
    assert "task" in said
    assert "nothing of that name" not in said
    code, _, said = run("learn-many", str(net.path), f"low={tmp_path / 'nothing'}", f"b={tmp_path / 'nothing'}")
    assert code == 2
    assert "expected a new name" in said
    assert not (tmp_path / "other").exists()


def test_extend_says_what_it_needs(run: Callable[..., Any]) -> None:
    _, out, _ = run("extend", "--help")
    words = " ".join(out.split())
    assert "Needed are labelled examples of the type of data that the task reads" in words
    assert "the old examples are not needed again" in words


def test_the_same_data_under_another_name(tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net", tasks=["low"])
    with pytest.warns(sp.SenpathWarning, match="task 'again' has the very examples and labels of task 'low'"):
        learned = net.learn("again", *tiny_task("low"), method=ConstantMethod())
    assert learned.warning is not None
    assert net.learn("other", *tiny_task("high"), method=ConstantMethod()).warning is None


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["hatch"]["version"]["path"] == "src/senpath/__init__.py"
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = next(line for line in changes.splitlines() if line.startswith("## "))
    assert heading.split()[1] == sp.__version__.partition(".dev")[0]


def test_a_model_of_the_hub_that_cannot_be_reached_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("transformers")
    from senpath.inputs.encoders import hugging_face

    def fail(*_: Any, **__: Any) -> None:
        for attempt in range(5):
            logging.getLogger("huggingface_hub.utils._http").warning("Retrying [Retry %d/5].", attempt)
        raise OSError("cannot be reached\nand more")

    import transformers

    monkeypatch.setattr(transformers.AutoModel, "from_pretrained", fail)
    with pytest.raises(sp.InputError, match=r"^encoder 'hf:no/such'[^\n]*got cannot be reached[^\n]*$"):
        hugging_face._load("hf:no/such", "AutoModel", "no/such")
    assert not caplog.records
    assert logging.getLogger("huggingface_hub").level != logging.ERROR
