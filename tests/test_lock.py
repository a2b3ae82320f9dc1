"""The lock file pins what is tested, with hashes, and its page of licences has every package of it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools.lock import CONSTRAINTS, LOCK, normal, user_extras
from tools.try_extras import USES

ROOT = Path(__file__).resolve().parent.parent
CHOSEN = "torch"
"""Which build of it is installed is the user's to choose."""


@pytest.fixture(scope="module")
def locked() -> dict[str, set[str]]:
    """The versions of each package of the lock file: more than one where systems differ."""
    versions: dict[str, set[str]] = {}
    for line in LOCK.read_text(encoding="utf-8").split("\n"):
        if (match := re.match(r"([a-z0-9-]+)==([^ ]+)", line)) is not None:
            versions.setdefault(match[1], set()).add(match[2])
    return versions


def test_every_package_has_hashes(locked: dict[str, set[str]]) -> None:
    entries = re.split(r"\n(?=[a-z])", re.sub(r"^(#.*\n)+", "", LOCK.read_text(encoding="utf-8")))
    assert len(entries) >= len(locked) > 100
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_it_has_what_senpath_and_its_extras_ask_for(locked: dict[str, set[str]]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in user_extras() for line in project["optional-dependencies"][extra])]
    asked = [requirement for requirement in map(Requirement, lines) if normal(requirement.name) not in (CHOSEN, "senpath")]
    assert [each.name for each in asked if normal(each.name) not in locked] == []
    assert [each.name for each in asked if not all(version in each.specifier for version in locked[normal(each.name)])] == []
    assert CHOSEN not in locked


def test_it_has_the_versions_that_are_tested(locked: dict[str, set[str]]) -> None:
    tested = dict(line.split("==") for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines() if "==" in line)
    other = {name: versions for name, versions in locked.items() if name in tested and versions != {tested[name]}}
    assert other == {}, "`make lock` brings it up to date"


def test_the_page_about_installing_has_the_torch_that_is_tested() -> None:
    (tested,) = re.findall(r"^torch==(.+)$", CONSTRAINTS.read_text(encoding="utf-8"), re.MULTILINE)
    assert {*re.findall(r"torch==([\d.]+\d)", (ROOT / "docs/howto/install.md").read_text(encoding="utf-8"))} == {tested}


def test_every_extra_is_tried_before_publishing() -> None:
    assert sorted(USES) == sorted(user_extras())


def test_every_licence_is_stated(locked: dict[str, set[str]]) -> None:
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([a-z0-9-]+) \| ([^|]+) \|", page, re.MULTILINE))
    assert sorted(locked.keys() - rows.keys() - ELSEWHERE) == [], "`make licences` brings it up to date"


ELSEWHERE = {"audioop-lts", "colorama", "httpx2-jsfetch", "standard-aifc", "standard-chunk", "standard-sunau", "tzdata"}
"""Packages that other systems and versions of Python need, and the page's does not."""
