"""`senpath methods`: the ways to learn and to change a task, and their settings; and a method of another package."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from senpath import METHODS, REVISIONS, MunetSettings, Network
from senpath.evaluation.baselines import BASELINES

Run = Callable[..., Any]
TOY = '''
"""A method of another package."""

from senpath import Sen


class Alone:
    """What `sen` learns without links."""

    name = "alone"

    def __init__(self, random_state=0, hidden=4):
        self.sen = Sen(links="none", start="random", epochs=1, hidden=hidden, random_state=random_state)

    def propose(self, view, task, examples, progress):
        return self.sen.propose(view, task, examples, progress)


class Bare:
    def propose(self, view, task, examples, progress):
        """Of a class that says nothing of itself."""
'''


def test_all_are_listed(senpath: Run) -> None:
    ended = senpath("methods")
    assert ended.code == 0
    for name in METHODS:
        assert f"\n{name} " in ended.out
    assert ended.out.count("learns tasks") == len(METHODS)
    assert ended.out.count("changes a task") == len(REVISIONS)
    assert ended.out.count("is compared with") == len(BASELINES)
    assert "elastic weight consolidation" in senpath("methods", "ewc").out


@pytest.mark.parametrize("name", [*METHODS, *REVISIONS])
def test_the_settings_of_each_are_shown(senpath: Run, name: str) -> None:
    ended = senpath("methods", name)
    assert ended.code == 0
    assert ended.out.startswith(f"{name}: ")
    assert "\nrandom_state: a whole number from 0 to 4294967295, by default 0\n" in ended.out


def test_a_setting_says_what_it_takes_and_what_it_is_for(senpath: Run) -> None:
    told = senpath("methods", "munet").out
    assert "\ncompute_penalty: a number from 0.001 to 1, by default 1.0\n" in told
    for setting in MunetSettings.describe():
        assert setting.about in " ".join(told.split())


def test_a_method_of_another_package(senpath: Run, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "toy_of_the_command_line.py").write_text(TOY)
    monkeypatch.syspath_prepend(str(tmp_path))
    place, net = "toy_of_the_command_line:Alone", tmp_path / "n.sen"
    ended = senpath("learn", net, "digits", files / "digits", "--method", place, "--set", "hidden=6")
    assert ended.code == 0, ended.err
    assert Network(net).tasks["digits"].provenance.method == "alone"
    assert "What `sen` learns without links." in senpath("methods", place).out
    bare = senpath("methods", "toy_of_the_command_line:Bare").out
    assert bare == "toy_of_the_command_line:Bare\n\nNothing is said of its settings: its class has no settings_class.\n"
    ended = senpath("learn", net, "more", files / "digits", "--method", place, "--set", "width=6")
    assert (ended.code, f"settings of '{place}': expected those that it takes" in ended.err) == (2, True)
