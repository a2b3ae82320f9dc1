"""What an experiment is: a stream, contenders, settings that vary, seeds, shots; from Python or from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from senpath.errors import InputError
from senpath.experiments.contenders import Contender, read_contenders
from senpath.experiments.runs import ALL, ExperimentRun, Shots, check_shots
from senpath.experiments.streams import StreamSettings

KEYS = ("name", "about", "seeds", "shots", "earlier", "methods", "stream", "settings", "grid")
"""What a file may have at its top."""
MOST_SEEDS = 10_000
"""As a number; more is taken for a mistake."""


@dataclass(frozen=True)
class ExperimentPlan:
    """An experiment before it is run.

    Args:
        name: of its folder and page.
        about: what it is for, a paragraph.
        source: see `senpath.experiments.streams.read_stream`.
        stream: how tasks are made of it.
        contenders: what is compared.
        grid: values of settings, of which every combination is run.
        seeds: each decides one run.
        shots: examples of each class, or "all".
        earlier: "same": every task has as few shots; "all": earlier tasks have all examples, and the newest few.
        command: what runs it, for the page.
    """

    name: str
    about: str
    source: Any
    stream: StreamSettings
    contenders: tuple[Contender, ...]
    grid: Mapping[str, Sequence[Any]]
    seeds: tuple[int, ...]
    shots: tuple[Shots, ...]
    earlier: str
    command: str

    def runs(self) -> list[ExperimentRun]:
        """All that is run, in the order of the tables."""
        runs: dict[str, ExperimentRun] = {}
        for contender, varied in self.learned():
            for seed in self.seeds:
                for run in self._of_seed(contender, varied, seed):
                    same = runs.setdefault(run.name, run)
                    if same.contender.label != contender.label:
                        both = f"{same.contender.label!r} and {contender.label!r}, which are called alike"
                        raise InputError("methods", expected="other methods or settings for each label", got=both)
        return [*runs.values()]

    def learned(self) -> Iterator[tuple[Contender, dict[str, Any]]]:
        """Every contender with every combination of those settings of the grid that it has and does not set itself."""
        for contender in self.contenders:
            names = [name for name in self.grid if contender.knows(name) and name not in contender.settings]
            for values in product(*(self.grid[name] for name in names)):
                varied = dict(zip(names, values, strict=True))
                yield replace(contender, shared={**contender.shared, **varied}), varied

    def _of_seed(self, contender: Contender, varied: Mapping[str, Any], seed: int) -> Iterator[ExperimentRun]:
        if self.earlier == ALL:
            yield ExperimentRun(contender, seed, ALL, tuple(shots for shots in self.shots if shots != ALL), varied)
        else:
            yield from (ExperimentRun(contender, seed, shots, (), varied) for shots in self.shots)


def make_plan(
    source: Any,
    methods: Any,
    *,
    settings: Mapping[str, Any] | None = None,
    grid: Mapping[str, Sequence[Any]] | None = None,
    seeds: int | Sequence[int] = 3,
    shots: Shots | Sequence[Shots] = ALL,
    earlier: str = "same",
    name: str = "experiment",
    about: str = "",
    command: str = "senpath.experiment(…)",
    stream: Mapping[str, Any] | None = None,
) -> ExperimentPlan:
    """A plan, checked before any data is read; for the arguments see `senpath.experiment`.

    Raises:
        InputError: for whatever is wrong with it.
    """
    varied = {key: _plain(values) for key, values in (grid or {}).items()}
    for key, values in varied.items():
        if not isinstance(values, list | tuple) or not values:
            raise InputError(f"grid of {key!r}", expected="a list of values", got=repr(values))
    if earlier not in ("same", ALL):
        raise InputError("earlier", expected="'same' or 'all'", got=repr(earlier))
    if not isinstance(name, str) or not name.strip() or Path(name).name != name or name.startswith("."):
        raise InputError("name of the experiment", expected="a word that can name a folder", got=repr(name))
    first = {key: values[0] for key, values in varied.items()}
    contenders = read_contenders(methods, {**(settings or {}), **first})
    contenders = [replace(contender, shared=dict(settings or {})) for contender in contenders]
    plan = ExperimentPlan(
        name,
        about,
        source,
        StreamSettings(**(stream or {})),
        tuple(contenders),
        varied,
        _seeds(_plain(seeds)),
        check_shots(_plain(shots)),
        earlier,
        command,
    )
    for run in plan.runs():  # of every setting each value, and whether contenders can do without a step
        for each in (run.shots, *run.branches):
            run.contender.make(run.seed, untrained=each == 0)
    return plan


def read_plan(file: str | Path, **changed: Any) -> ExperimentPlan:
    """The plan in a TOML file.

    Args:
        changed: arguments of `make_plan` in place of what the file says.

    Raises:
        InputError: if the file cannot be read, or its plan is wrong; names the file.
    """
    path = Path(file)
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"experiment {path}", expected="a TOML file", got=error.strerror or str(error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"experiment {path}", expected="a TOML file", got=str(error)) from error
    try:
        for key in told:
            if key not in KEYS:
                raise InputError(f"key {key!r}", expected=f"one of {', '.join(KEYS)}", got="another")
        for key, kind in (("stream", dict), ("settings", dict), ("grid", dict), ("about", str)):
            if not isinstance(told.get(key, kind()), kind):
                raise InputError(f"key {key!r}", expected="a table" if kind is dict else "a text", got=repr(told[key]))
        for key in ("stream", "methods"):
            if key not in told:
                raise InputError("its keys", expected=f"{key!r} among them", got=", ".join(told) or "none")
        stream = dict(told.pop("stream"))
        if "data" not in stream:
            raise InputError(
                "stream", expected="'data', a set's name, a path, a list, or a table of these", got=", ".join(stream) or "none"
            )
        plan = {"name": path.stem, "command": f"senpath experiment {path}", **told, **changed}
        return make_plan(stream.pop("data"), plan.pop("methods"), stream=stream, **plan)
    except InputError as error:
        error.reword(f"experiment {path}: {error.message}")
        raise


def _seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    values: Any = range(seeds) if isinstance(seeds, int) and not isinstance(seeds, bool) and seeds <= MOST_SEEDS else seeds
    right = isinstance(values, range | list | tuple) and all(
        isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 for seed in values
    )
    if not right or not len(values) or len(set(values)) < len(values):
        raise InputError("seeds", expected="how many, 1 or more, or a list of different ones, from 0", got=repr(seeds))
    return tuple(values)


def _plain(values: Any) -> Any:
    """Numbers as Python has them, where they are numpy's."""
    if isinstance(values, np.ndarray | np.generic):
        return values.tolist()
    return [value.item() if isinstance(value, np.generic) else value for value in values] if isinstance(values, list | tuple) else values
