"""Running an experiment: its jobs here, on processes or on Ray, and what came of them."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

from senpath import __version__
from senpath.data.registry import SOURCES
from senpath.errors import InputError
from senpath.experiments.jobs import Job, claimed, read_records, run_jobs
from senpath.experiments.plan import ExperimentPlan, make_plan, read_plan
from senpath.experiments.records import Records
from senpath.experiments.results import ExperimentResults
from senpath.experiments.runs import ALL, ExperimentRun, Shots, StreamHandle, run_once
from senpath.experiments.streams import INDEX, Stream, load_stream, read_stream, save_stream
from senpath.isolation import isolated
from senpath.parallel import Backend, InProcess, Processes, check_jobs
from senpath.parallel.ray_backend import Ray
from senpath.progress import Progress, follow, silent

Look = Callable[[ExperimentResults], None]
"""Told what is known so far."""


@isolated
def experiment(
    stream: Any,
    methods: Any = None,
    *,
    settings: Mapping[str, Any] | None = None,
    grid: Mapping[str, Sequence[Any]] | None = None,
    seeds: int | Sequence[int] | None = None,
    shots: Shots | Sequence[Shots] | None = None,
    earlier: str | None = None,
    name: str | None = None,
    about: str | None = None,
    folder: str | Path | None = None,
    jobs: int = 1,
    ray: str | None = None,
    look: Look | None = None,
    **tasks: Any,
) -> ExperimentResults:
    """Compare ways to learn a stream of tasks: each contender with each seed learns the tasks one after another, and after each task all so
    far are measured, with the task given and with the task found. docs/howto/experiment.md has more.

    Args:
        stream: a TOML file, which says all but `folder`, `jobs`, `ray` and `look`; or data: a data set, or several as a list or mapping.
        methods: a list of names, "package:Class" places, classes or objects; or a mapping of labels to these, or to "method" and settings.
        settings: for all methods that have them.
        grid: values of settings: every combination is run.
        seeds: how many, 3 by default, or which. A seed decides what is drawn: weights, the order of examples, the few shots.
        shots: examples of each class, or "all", the default; or several of these. 0 adds tasks without a gradient step.
        earlier: "same": every task has so few shots, the default; "all": only the newest task (Ling et al., section 4).
        name, about: for the page.
        folder: keeps what each run found: a call that was stopped goes on from there. None keeps nothing.
        jobs: processes at once; 1 works in this one. A script that asks for more needs `if __name__ == "__main__":`.
        ray: work on Ray: "local", or a cluster's address, whose machines find `folder` at the same place.
        look: called with the results so far whenever there are more.
        tasks: how tasks are made of the data: `split`, `permute`, `encoder`, …; see `senpath.experiments.StreamSettings`.

    Raises:
        InputError: if the plan, a setting or the data cannot be used, or the folder belongs to another experiment.
        MissingExtraError: for an encoder or Ray without the extra that it needs.
        SenpathError: as the first run that fails raised it; what was done stays.

    Example:
        >>> from senpath.testing import ConstantMethod
        >>> sp.experiment(sp.read(x[y < 4], y[y < 4]), {"constant": ConstantMethod}, seeds=1, split=2, holdout=0.3).done
        1
    """
    check_jobs(jobs)
    given: dict[str, Any] = {
        "settings": settings,
        "grid": grid,
        "seeds": seeds,
        "shots": shots,
        "earlier": earlier,
        "name": name,
        "about": about,
    }
    plan = _planned(stream, methods, tasks, {key: value for key, value in given.items() if value is not None})
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="senpath-experiment-") as scratch:
            return _followed(plan, Path(scratch), jobs, ray, look)
    return _followed(plan, Path(folder).resolve(), jobs, ray, look)


def _followed(plan: ExperimentPlan, folder: Path, jobs: int, ray: str | None, look: Look | None) -> ExperimentResults:
    """With a bar where somebody sees one, unless the caller looks for itself."""
    if look is not None:
        return run_plan(plan, folder, jobs=jobs, ray=ray, look=look)
    return follow(None, "experiment", {"runs": len(plan.runs())}, lambda told: run_plan(plan, folder, jobs=jobs, ray=ray, progress=told))


def _planned(stream: Any, methods: Any, tasks: dict[str, Any], said: dict[str, Any]) -> ExperimentPlan:
    if isinstance(stream, str | Path) and Path(stream).suffix.lower() == ".toml":
        if methods is not None or tasks:
            raise InputError("experiment", expected="a TOML file alone, or a stream and methods", got="a file and others")
        return read_plan(stream, **said)
    if methods is None:
        raise InputError("methods", expected="what is compared", got="nothing", do='Name them, such as methods=["sen", "ewc"]')
    return make_plan(stream, methods, stream=tasks, **said)


def run_plan(
    plan: ExperimentPlan,
    folder: Path,
    *,
    jobs: int = 1,
    ray: str | None = None,
    look: Look | None = None,
    progress: Progress = silent,
) -> ExperimentResults:
    """Run what is not done yet; see `experiment`."""
    backend: Backend = Ray(ray) if ray is not None else InProcess() if jobs == 1 else Processes()
    if isinstance(backend, Processes):
        _require_files(plan)
    opened = _open(plan, folder)
    versions = {"senpath": __version__, "torch": torch.__version__, "numpy": np.__version__}
    handle = StreamHandle.of(opened, _reader(plan, opened, folder, isinstance(backend, InProcess)))
    runs = plan.runs()
    work = [Job(run.name, partial(run_once, handle, run)) for run in runs]
    with claimed(folder, {"experiment": plan.name, "stream": opened.fingerprint, "versions": versions}):

        def results(done: int, unfinished: bool = True) -> ExperimentResults:
            return _results(plan, opened, runs, read_records(work, folder, unfinished=unfinished), done)

        def told(done: int, total: int) -> None:
            progress("runs", done, total)
            if look is not None:
                look(results(done))

        run_jobs(work, folder, jobs, backend=backend, look=told)
        return results(len(work), unfinished=False)


def _require_files(plan: ExperimentPlan) -> None:
    """Whether processes can import what is compared.

    Raises:
        InputError: if a method was written in a notebook, or typed.
    """
    typed = not Path(getattr(sys.modules["__main__"], "__file__", "")).is_file()
    for contender in plan.contenders:
        kind = contender.method if isinstance(contender.method, type) else type(contender.method)
        if typed and kind.__module__ == "__main__":
            do = "Put it into a file and import it, or set jobs=1"
            raise InputError(f"method {contender.label!r}", expected="one that processes can import", got="one of this session", do=do)


def _results(
    plan: ExperimentPlan, stream: Stream, runs: Sequence[ExperimentRun], records: Sequence[dict[str, Any]], done: int
) -> ExperimentResults:
    contenders = [(contender.label, varied, contender.about, contender.taken) for contender, varied in plan.learned()]
    return ExperimentResults(
        plan.name,
        plan.about,
        plan.command,
        stream.about,
        tuple(stream.tasks),
        tuple(contenders),
        tuple(plan.grid),
        plan.shots,
        plan.seeds,
        plan.earlier == ALL,
        Records(records),
        done,
        len(runs),
    )


def _open(plan: ExperimentPlan, folder: Path) -> Stream:
    """The plan's stream; what a pretrained encoder reads is kept, for it takes longest."""
    kept = _kept(plan, folder)
    if kept is not None and (kept / INDEX).exists():
        return load_stream(kept, plan.stream)
    stream = read_stream(plan.source, plan.stream)
    if kept is not None:
        save_stream(stream, kept)
    return stream


def _kept(plan: ExperimentPlan, folder: Path) -> Path | None:
    """Where encoded data is kept, where it is worth it and the data never changes."""
    if plan.stream.encoder is None or not _by_name(plan.source):
        return None
    return folder / f"encoded-{sha256(repr((plan.source, plan.stream.to_json())).encode()).hexdigest()[:8]}"


def _by_name(source: Any) -> bool:
    names = [*source.values()] if isinstance(source, Mapping) else source if isinstance(source, list) else [source]
    return all(isinstance(name, str) and name in SOURCES for name in names)


def _reader(plan: ExperimentPlan, stream: Stream, folder: Path, here: bool) -> Callable[[], Stream]:
    """How a worker comes by the stream: from the data's name, or what was encoded and kept."""
    if here:
        return partial(load_stream, folder, plan.stream)  # never called: the stream is open
    kept = _kept(plan, folder)
    if kept is None and _by_name(plan.source):
        return partial(read_stream, plan.source, plan.stream)
    if kept is None:
        kept = folder / f"encoded-{stream.fingerprint}"
        save_stream(stream, kept)
    return partial(load_stream, kept, plan.stream)
