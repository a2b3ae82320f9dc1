"""Checks of the repository's own rules that no linter knows: `python tools/check_house.py`, part of `make check`.

A violation is printed as "rule: place (what to do)"; `ALLOWED` lists those that are there for a reason, or not yet mended. An entry that
is no longer needed fails too, so that the list only shrinks.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "senpath"
MOST_LINES, MOST_FUNCTION_LINES = 400, 60
METHODS_MAY_IMPORT = {("review", "sen"), ("prune", "sen"), ("extend", "sen")}
"""Revisions of what `sen` learned train as it does."""
ALLOWED: dict[str, set[str]] = {
    "kind literal outside its kind's file": set(),
    "notes read outside reports and cli": set(),
    "kind compared outside tasks": set(),
    "a method imports another": set(),
    "manifest read outside snapshot, store and history": set(),
    "two public classes of one name": set(),
    "file too long": {
        "src/senpath/network.py",
    },
    "function too long": set(),
    "two files of tests of one name": set(),
}

MEND = {
    "kind literal outside its kind's file": 'import the kind\'s constant from senpath.components, such as LINEAR for "linear.v1"',
    "notes read outside reports and cli": "read a typed field, such as one of Provenance",
    "kind compared outside tasks": "ask the TaskKind, with a method of its own if it has none",
    "a method imports another": "move what both need to a room below, such as training or components",
    "manifest read outside snapshot, store and history": "ask the View",
    "two public classes of one name": "rename one of them",
    "file too long": f"at most {MOST_LINES} lines: a file is a subject, so split it by subject",
    "function too long": f"at most {MOST_FUNCTION_LINES} lines: give its steps names",
    "two files of tests of one name": "rename one of them",
}
"""What to do about a violation."""
Violation = tuple[str, str]
"""The rule, and the place: a file of the repository, and what in it."""


def main() -> int:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
    violations = {*_kind_literals(trees), *_twice_named(trees), *_test_files()}
    for path, tree in trees.items():
        violations |= {*_notes(path, tree), *_comparisons(path, tree), *_imports(path, tree)}
        violations |= {*_manifests(path, tree), *_lengths(path, tree)}
    benchmarks = sorted((ROOT / "benchmarks").rglob("*.py"))
    for path in (*benchmarks, Path(__file__)):
        violations |= {*_lengths(path, ast.parse(path.read_text(encoding="utf-8")))}
    allowed = {(rule, place) for rule, places in ALLOWED.items() for place in places}
    for rule, place in sorted(violations - allowed):
        print(f"{rule}: {place} ({MEND[rule]})")
    for rule, place in sorted(allowed - violations):
        print(f"no longer needed in ALLOWED of {Path(__file__).name}: {rule}: {place}")
    return int(violations != allowed)


def _name(path: Path) -> str:
    return path.resolve().relative_to(ROOT).as_posix()


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _kind_literals(trees: dict[Path, ast.Module]) -> Iterator[Violation]:
    """A kind of component is named by a string in the file that registers it, and by its constant everywhere else."""
    homes: dict[str, Path] = {}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ComponentKind" and node.args:
                name = node.args[0]
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    homes[name.value] = path
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and homes.get(node.value, path) != path:
                yield "kind literal outside its kind's file", f"{_name(path)} {node.value}"


def _notes(path: Path, tree: ast.Module) -> Iterator[Violation]:
    """What code decides by is typed; notes are for people."""
    if _room(path) in ("reports", "cli"):
        return
    for node in ast.walk(tree):
        read = node.value if isinstance(node, ast.Subscript) else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            read = node.func.value
        if isinstance(read, ast.Attribute) and read.attr == "notes":
            yield "notes read outside reports and cli", _name(path)


def _comparisons(path: Path, tree: ast.Module) -> Iterator[Violation]:
    """What differs between kinds is in the kinds' own classes."""
    if _room(path) == "tasks":
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = (node.left, *node.comparators)
            if not any(isinstance(side, ast.Constant) for side in sides):  # whether two kinds are the same says nothing of either
                continue
            for side in sides:
                of_array = isinstance(side, ast.Attribute) and isinstance(side.value, ast.Attribute) and side.value.attr == "dtype"
                if getattr(side, "attr", getattr(side, "id", None)) == "kind" and not of_array:
                    yield "kind compared outside tasks", _name(path)


def _imports(path: Path, tree: ast.Module) -> Iterator[Violation]:
    """Methods are plug-ins beside each other."""
    parts = path.relative_to(PACKAGE).parts
    if parts[0] != "methods" or len(parts) < 3:
        return
    for node in ast.walk(tree):
        module = node.module if isinstance(node, ast.ImportFrom) else None
        names = (module or "").split(".")
        of_method = names[:2] == ["senpath", "methods"] and len(names) > 2 and (PACKAGE / "methods" / names[2]).is_dir()
        if of_method and names[2] != parts[1] and (parts[1], names[2]) not in METHODS_MAY_IMPORT:
            yield "a method imports another", f"{_name(path)} {names[2]}"


def _manifests(path: Path, tree: ast.Module) -> Iterator[Violation]:
    """How a network lies in its folder is known by three rooms."""
    if _room(path) in ("snapshot", "store", "history"):
        return
    if any(isinstance(node, ast.Attribute) and node.attr == "manifest" for node in ast.walk(tree)):
        yield "manifest read outside snapshot, store and history", _name(path)


def _twice_named(trees: dict[Path, ast.Module]) -> Iterator[Violation]:
    """One word for one thing."""
    homes: dict[str, list[str]] = {}
    for path, tree in trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(_name(path))
    for name, places in homes.items():
        if len(places) > 1:
            yield "two public classes of one name", f"{name} in {' and '.join(places)}"


def _test_files() -> Iterator[Violation]:
    """pytest imports them by their names alone, and would stop at the second."""
    names: dict[str, list[Path]] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        names.setdefault(path.name, []).append(path)
    for name, places in names.items():
        if len(places) > 1:
            yield "two files of tests of one name", f"{name} in {' and '.join(sorted(_name(path.parent) for path in places))}"


def _lengths(path: Path, tree: ast.Module) -> Iterator[Violation]:
    """A file is a subject, a function a step."""
    if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES:
        yield "file too long", _name(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= MOST_FUNCTION_LINES:
            yield "function too long", f"{_name(path)} {node.name}"


if __name__ == "__main__":
    sys.exit(main())
