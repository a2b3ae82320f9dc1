"""Which code a figure was measured on, and what of it has changed since: asked of git."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterable, Sequence
from functools import cache

from benchmarks.figures.declared import ROOT
from senpath.errors import InputError

CODE = ("src", "benchmarks", "pyproject.toml", "constraints.txt", ":(exclude)benchmarks/figures", ":(exclude)benchmarks/*/page.py")
"""Where code lies that figures depend on: not on what writes them down."""


def git(*words: str) -> str:
    """What git answers.

    Raises:
        InputError: if it does not, as where there is no git, or no repository.
    """
    try:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        got = (getattr(error, "stderr", None) or str(error)).strip()
        raise InputError(str(ROOT), expected="a checkout that git can read", got=got) from error


def code_commit() -> str:
    """The last commit that changed code. Later ones, as those that bring figures, are the same code, and it outlives a rebase of them."""
    return git("log", "-1", "--format=%h", "--abbrev=10", "--", *CODE).strip()


@cache
def known(commit: str) -> bool:
    """Whether this repository has the commit, as a clone of the last commits alone has not."""
    try:
        git("cat-file", "-e", f"{commit}^{{commit}}")
    except InputError:
        return False
    return True


def uncommitted(paths: Iterable[str]) -> list[str]:
    """Files below the paths that differ from the last commit, or that it does not have."""
    return [line[3:] for line in git("status", "--porcelain", "--", *paths).splitlines()]


def changed(commit: str, paths: Sequence[str]) -> list[str]:
    """Files below the paths whose code is not what it was: comments, docstrings and the layout of Python files do not count."""
    return [path for path, old in _differences(commit) if _below(path, paths) and _differs(path, old)]


@cache
def _differences(commit: str) -> list[tuple[str, str]]:
    """All files of the working tree that differ from the commit's, with git's names of their contents then; zeros for new ones."""
    lines = git("diff", "--raw", "--no-renames", "--no-abbrev", commit, "--", *CODE, "tools", "tests").splitlines()
    return [(path, fields.split()[2]) for fields, path in (line.split("\t", 1) for line in lines)]


def _below(path: str, places: Sequence[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def _differs(path: str, old: str) -> bool:
    file = ROOT / path
    if not path.endswith(".py") or not file.exists() or not int(old, 16):
        return True
    return _meaning(file.read_text(encoding="utf-8")) != _old_meaning(old)


@cache
def _old_meaning(blob: str) -> str:
    return _meaning(git("cat-file", "blob", blob))


@cache
def _meaning(text: str) -> str:
    """The code without comments, docstrings and layout."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [one for one in node.body if not _is_text(one)]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    """Docstrings of modules, classes, functions, and those below a constant."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
