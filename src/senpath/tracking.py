"""Callbacks that write what is told while learning to TensorBoard, MLflow or Weights & Biases. None of them needs a server."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any, cast, final

from senpath.errors import InputError
from senpath.plugins import import_extra
from senpath.progress import Callback

LONGEST = 250
"""Characters of a setting that are written, at most: MLflow takes 500 bytes in a parameter's value."""


class Tracker(Callback, ABC):
    """A run for each long call: its settings, each stage's figures by step, and what came of it.

    Pass one as `progress` of `Network.learn` and others, beside bars or functions in a list. A tracker of your own says how a run is
    opened, written to and closed.

    Example:
        >>> from senpath.tracking import Tracker
        >>> issubclass(Tracker, sp.Callback)
        True
    """

    def begin(self, call: str, about: Mapping[str, Any]) -> None:
        given = {name: value for name, value in about.items() if name != "settings" and value is not None}
        settings = about.get("settings") or {}
        self._open(" ".join([call, str(about.get("task") or "")]).strip(), {**_words(given), **_words(settings)})

    def __call__(self, stage: str, done: int, total: int, /, **figures: float) -> None:
        for name, value in figures.items():
            if isfinite(value):
                self._write(f"{stage}/{name}", value, done)

    def end(self, outcome: Any, error: BaseException | None) -> None:
        for name, value in _outcomes(outcome):
            if isfinite(value):
                self._write(name, value, 0)
        self._close(failed=error is not None)

    @abstractmethod
    def _open(self, name: str, settings: Mapping[str, str]) -> None:
        """Begin a run."""

    @abstractmethod
    def _write(self, name: str, value: float, step: int) -> None:
        """Write a finite figure of the run."""

    @abstractmethod
    def _close(self, *, failed: bool) -> None:
        """End the run."""


def _words(values: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value)[:LONGEST] for name, value in values.items()}


def _outcomes(outcome: Any) -> Iterator[tuple[str, float]]:
    """Figures of what a call returned, whatever that is: seconds, examples, the share of inputs that it misled; an evaluation's means."""
    for name in ("seconds", "misled"):
        value = getattr(outcome, name, None)
        if isinstance(value, int | float):
            yield name, float(value)
    examples = getattr(getattr(outcome, "provenance", None), "examples", None)
    if isinstance(examples, int):
        yield "examples", float(examples)
    for task, score in getattr(outcome, "scores", {}).items():
        yield f"accuracy/{_plain(task)}", float(score.accuracy)


def _plain(name: str) -> str:
    """A name that is a name everywhere: of a folder, a tag, a figure."""
    return re.sub(r"[^\w\- ]", "_", name).strip()[:80] or "_"


@final
class TensorBoard(Tracker):
    """Writes event files, a folder for each call: `tensorboard --logdir FOLDER` shows them.

    Args:
        folder: made if need be.

    Raises:
        MissingExtraError: if tensorboard is not installed.

    Example:
        >>> from senpath.tracking import TensorBoard
        >>> learned = net.learn("odd", *tiny_task("odd"), epochs=1, progress=TensorBoard("runs"))
        >>> len(list(Path("runs").iterdir()))
        1
    """

    def __init__(self, folder: str | Path = "runs") -> None:
        self.folder, self._writer = Path(folder), cast(Any, None)
        import_extra("tensorboard", "writing for TensorBoard", "tensorboard")

    def _open(self, name: str, settings: Mapping[str, str]) -> None:
        from torch.utils.tensorboard import SummaryWriter  # loads tensorboard

        # Behind the last, whichever were deleted: TensorBoard draws two runs in one folder as one zigzag line.
        places = [int(child.name.partition(" ")[0]) for child in self.folder.glob("[0-9]*") if child.name.partition(" ")[0].isdecimal()]
        self._writer = SummaryWriter(str(self.folder / f"{max(places, default=-1) + 1:03d} {_plain(name)}"))
        self._writer.add_text("settings", "\n".join(f"    {name}: {value}" for name, value in settings.items()))

    def _write(self, name: str, value: float, step: int) -> None:
        self._writer.add_scalar(name, value, step)

    def _close(self, *, failed: bool) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


@final
class MLflow(Tracker):
    """Writes a run of MLflow for each call, beside whatever run is active.

    Args:
        experiment: its name; made if need be.
        uri: where runs are kept: a folder, a database such as "sqlite:///runs.db", which needs the whole of MLflow, or a server; None for
            its own choice.

    Raises:
        InputError: if the experiment was deleted.
        MissingExtraError: if MLflow is not installed.

    Example:
        >>> import os
        >>> from senpath.tracking import MLflow
        >>> os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # or uri="sqlite:///runs.db" with the whole of MLflow
        >>> learned = net.learn("odd", *tiny_task("odd"), epochs=1, progress=MLflow("tries", uri="runs"))
        >>> Path("runs").exists()
        True
    """

    def __init__(self, experiment: str = "senpath", uri: str | None = None) -> None:
        tracking = import_extra("mlflow.tracking", "writing for MLflow", "mlflow")
        self._client, self._run = tracking.MlflowClient(tracking_uri=uri), ""
        known = self._client.get_experiment_by_name(experiment)
        if known is not None and known.lifecycle_stage == "deleted":  # which takes no runs, but keeps its name
            do = "Restore it in MLflow, or name another"
            raise InputError("experiment of MLflow", expected="one that is not deleted", got=f"{experiment!r}, which is", do=do)
        self._experiment = self._client.create_experiment(experiment) if known is None else known.experiment_id

    def _open(self, name: str, settings: Mapping[str, str]) -> None:
        self._run = self._client.create_run(self._experiment, run_name=name[:LONGEST]).info.run_id
        for setting, value in settings.items():
            self._client.log_param(self._run, _plain(setting), value)

    def _write(self, name: str, value: float, step: int) -> None:
        self._client.log_metric(self._run, re.sub(r"[^\w\-./ ]", "_", name), value, step=step)

    def _close(self, *, failed: bool) -> None:
        if self._run:
            self._client.set_terminated(self._run, "FAILED" if failed else "FINISHED")
            self._run = ""


@final
class WeightsAndBiases(Tracker):
    """Writes a run of Weights & Biases for each call, to a folder unless asked otherwise: `wandb sync` uploads it.

    Args:
        project: its name.
        folder: where runs are kept.
        online: send what is written to the service, which needs an account.

    Raises:
        MissingExtraError: if wandb is not installed.

    Example:
        >>> from senpath.tracking import WeightsAndBiases
        >>> learned = net.learn("odd", *tiny_task("odd"), epochs=1, progress=WeightsAndBiases("tries"))
        >>> Path("wandb").exists()
        True
    """

    def __init__(self, project: str = "senpath", folder: str | Path = ".", *, online: bool = False) -> None:
        self._wandb, self._run = import_extra("wandb", "writing for Weights & Biases", "wandb"), cast(Any, None)
        self._options = {"project": project, "dir": str(folder), "mode": "online" if online else "offline"}

    def _open(self, name: str, settings: Mapping[str, str]) -> None:
        Path(self._options["dir"]).mkdir(parents=True, exist_ok=True)
        self._run = self._wandb.init(name=name[:LONGEST], config=dict(settings), reinit="create_new", **self._options)

    def _write(self, name: str, value: float, step: int) -> None:
        stage = name.rpartition("/")[0]
        self._run.log({name: value, f"{stage}/step" if stage else "step": step})

    def _close(self, *, failed: bool) -> None:
        if self._run is not None:
            self._run.finish(exit_code=int(failed))
            self._run = None
