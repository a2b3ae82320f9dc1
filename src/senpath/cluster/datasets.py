"""Large sets, answered and measured on Ray: files in, Parquet out, and no more in memory than a few batches at a time."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, Unpack

from senpath.cluster.answering import Answerer, Compact, How, Measurer
from senpath.cluster.desk import Desk
from senpath.cluster.files import Output, open_set
from senpath.errors import InputError, SenpathError
from senpath.evaluation import Evaluation, record_evaluation
from senpath.evaluation.evaluate import figures, read_truth
from senpath.inference.predict import Routing, RoutingOptions
from senpath.network import Network
from senpath.parallel import check_jobs
from senpath.parallel.backend import pack, unpack
from senpath.parallel.ray_backend import on_ray
from senpath.plugins import import_extra
from senpath.progress import Follower, Progress, follow
from senpath.snapshot.examples import pair_of

BATCH = 1024
"""Inputs that a worker answers at once."""
TICK_SECONDS = 0.5
R = TypeVar("R")


def predict_dataset(
    net: Network,
    data: Any,
    out: str | Path | None = None,
    *,
    task: str | None = None,
    errors: str = "skip",
    keep: Sequence[str] | None = None,
    batch: int = BATCH,
    jobs: int | None = None,
    progress: Follower = None,
    **routing: Unpack[RoutingOptions],
) -> Any:
    """Answer a large set with Ray Data: workers read parts of it and write answers, and wait for one another where memory gets scarce.

    All is answered by the version that the network shows now. A worker that dies is replaced, and what it had is answered again.

    Args:
        net: the network, which all machines see at the same place.
        data: paths or addresses of files: Parquet, CSV or JSON lines with a row for each input, or pictures, sounds, clips or texts, in
            folders too; or a `ray.data.Dataset` of rows, of files (`read_binary_files`, with their paths) or of pictures (`read_images`).
        out: an empty or new folder, or address, for Parquet files. None answers nothing yet, and is for programs that are connected to Ray:
            the answers are a `ray.data.Dataset` to go on with.
        task: that is to answer, if it is known.
        errors: as for `Network.predict`; "skip" says in the column "reason" why an input has no answer.
        keep: columns of the input that go with the answers; None for all but the content of pictures and files.
        batch: inputs that a worker answers at once.
        jobs: workers at most; None is one for each CPU.
        progress: as for `Network.learn`; told ("answer", inputs answered, inputs in all as far as they are known).
        routing: as for `Network.predict`.

    Returns:
        The number of answers in `out`; without it the data set. Columns are "predicted_task", "predicted_label" (what is no string as
        JSON), "confidence", "ood_score", "candidates", "reason" and "version". The order of rows is not that of the input.

    Raises:
        InputError: if the data or `out` cannot be used, or for an input that may not be spared.
        MissingExtraError: without ray; StoreError: if the network is damaged.

    Example:
        >>> from PIL import Image
        >>> Path("digits/0").mkdir(parents=True)
        >>> Image.fromarray((x[0] * 255).astype(np.uint8)).save("digits/0/first.png")
        >>> sp.predict_dataset(net, "digits", "answers")
        1
    """
    _check(batch, jobs)
    task, opened, chosen = net.view.task_name(task), net.opener(), Routing(**routing)
    if task is not None:
        net.view.pathway(task)
    how = How(opened, task, chosen, errors, keep)
    if out is None:
        connected, source = import_extra("ray", "large sets", "ray"), open_set(data)
        return _mapped(source.rows, Answerer, (_desk(connected, replace(how, far=source.far)),), batch, jobs or connected)
    target = Output(out)
    return follow(progress, "predict", {"task": task}, partial(_write, data, target, how, batch, jobs))


def _write(data: Any, target: Output, how: How, batch: int, jobs: int | None, told: Progress) -> int:
    """Answer a set, and write the answers; gives their number."""
    with _quietly() as ray:
        source = open_set(data)
        desk = _desk(ray, replace(how, far=source.far))
        answers = _mapped(source.rows, Answerer, (desk,), batch, jobs or ray)
        try:
            _watched(partial(answers.write_parquet, target.place), desk, told, "answer", source.inputs)
        except BaseException:
            target.clear()
            raise
        return target.count()


def evaluate_dataset(
    net: Network,
    tests: Mapping[str, Any],
    *,
    admit: float | None = None,
    reject: bool = True,
    record: bool = False,
    batch: int = BATCH,
    jobs: int | None = None,
    progress: Follower = None,
) -> Evaluation:
    """As `evaluate`, of large sets with Ray Data; here only labels and answers are gathered, never inputs.

    Args:
        net: the network, as for `predict_dataset`.
        tests: for each task what `predict_dataset` takes, or (that, the column of labels). Files have the name of their folder as label.
        admit, reject, record: see `evaluate`.
        batch, jobs: see `predict_dataset`.
        progress: told ("evaluate", inputs answered, inputs in all as far as they are known) for each task.

    Raises:
        UnknownTaskError, InputError, StoreError, MissingExtraError: see `evaluate` and `predict_dataset`.

    Example:
        >>> from PIL import Image
        >>> Path("digits/0").mkdir(parents=True)
        >>> Image.fromarray((x[0] * 255).astype(np.uint8)).save("digits/0/first.png")
        >>> sp.evaluate_dataset(net, {"low": "digits"}).scores["low"].examples
        1
    """
    _check(batch, jobs)
    if record and (admit is not None or not reject):
        raise InputError("record", expected="False beside admit or reject", got=repr(record), do="Only figures that compare are kept")
    if not isinstance(tests, Mapping):
        raise InputError("tests", expected="a mapping of tasks to labelled data", got=type(tests).__name__)
    named, opened = {net.view.task_name(task): pair_of(data) for task, data in tests.items()}, net.opener()
    pathways = {task: net.view.pathway(task) for task in named}
    how = How(opened, None, Routing(admit=admit, reject=reject), "raise", None)

    def measure(told: Progress) -> Evaluation:
        scores, confusion, by_class = {}, {}, {}
        with _quietly() as ray:
            for task, (data, label) in named.items():
                source = open_set(data)
                desk = _desk(ray, replace(how, task=task, far=source.far))
                rows = _mapped(source.rows, Measurer, (desk, label), batch, jobs or ray)
                taken = _watched(rows.take_all, desk, told, "evaluate", source.inputs)
                labels, parts = zip(*(unpack(row["packed"]) for row in taken), strict=True) if taken else ((), ())
                given, free, answered = (Compact.together(answers) for answers in zip(*parts, strict=True))
                truth = read_truth(pathways[task], [each for some in labels for each in some], len(given))
                scores[task], confused, confusion[task] = figures(pathways[task], truth, given, free, answered)
                if confused is not None:
                    by_class[task] = confused
        return Evaluation(scores, confusion, by_class)

    measured = follow(progress, "evaluate", {}, measure)
    if record:
        record_evaluation(net, measured)
    return measured


def _check(batch: int, jobs: int | None) -> None:
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise InputError("batch", expected="a whole number, 1 or more", got=repr(batch))
    if jobs is not None:
        check_jobs(jobs)


def _mapped(source: Any, work: Any, arguments: tuple[Any, ...], batch: int, jobs: Any) -> Any:
    """The set, of which workers make another, batch by batch.

    Args:
        jobs: workers at most; or Ray itself, which knows how many CPUs there are.
    """
    most = jobs if isinstance(jobs, int) else max(1, int(jobs.cluster_resources().get("CPU", 1)))
    pool = import_extra("ray.data", "large sets", "ray").ActorPoolStrategy(min_size=1, max_size=most)
    how = {"fn_constructor_args": arguments, "batch_size": batch, "batch_format": "pyarrow", "num_cpus": 1}
    return source.map_batches(work, compute=pool, **how)


def _desk(ray: Any, how: Any) -> Any:
    return ray.remote(num_cpus=0)(Desk).remote(pack(how))


def _watched(work: Callable[[], R], desk: Any, told: Progress, stage: str, size: int) -> R:
    """Do the work while its progress is told. After it the desk is no more."""
    ray = import_extra("ray", "large sets", "ray")

    def attempt() -> R | SenpathError:
        try:
            return work()
        except ray.exceptions.RayError as error:
            return _cause(ray, desk, error)

    try:
        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(attempt)
            while wait_for([running], TICK_SECONDS).not_done:
                done = ray.get(desk.total.remote())
                told(stage, done, max(size, done))
        result = running.result()
        if isinstance(result, SenpathError):
            gc.collect()  # workers, each of which has a CPU, live as long as Ray's error, which is part of a circle
            raise result
        done = ray.get(desk.total.remote())
    finally:
        ray.kill(desk)
    told(stage, done, done)
    return result


def _cause(ray: Any, desk: Any, error: Exception) -> SenpathError:
    """The error that a worker told of, or else the last line of Ray's page."""
    told = ray.get(desk.failure.remote())
    if told:
        cause: SenpathError = unpack(told)
        return cause
    last = (str(error).strip().splitlines() or [type(error).__name__])[-1].strip()
    return SenpathError("a large set", expected="workers that answer it", got=last[:300])


@contextmanager
def _quietly() -> Iterator[Any]:
    """Connected to Ray, whose own bars and lines are left out."""
    with on_ray() as ray:
        context = import_extra("ray.data", "large sets", "ray").DataContext.get_current()
        bars, logger = context.enable_progress_bars, logging.getLogger("ray.data")
        level = logger.level
        context.enable_progress_bars = False
        logger.setLevel(logging.CRITICAL)  # of errors the caller gets one
        try:
            yield ray
        finally:
            context.enable_progress_bars = bars
            logger.setLevel(level)
