"""Who follows long work: functions, callbacks, bars, trackers, the log; and what they are told."""

from __future__ import annotations

import logging
import os
import pty
import shutil
import subprocess
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import senpath as sp
from senpath.testing import ConstantMethod, tiny_network, tiny_task
from senpath.tracking import MLflow, TensorBoard, Tracker, WeightsAndBiases
from tests.raising import raises_error

Events = list[tuple[str, int, int, dict[str, float]]]


class Notes(sp.Callback):
    """Notes all that it is told."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, dict[str, Any]]] = []
        self.events: Events = []
        self.ended: list[tuple[Any, BaseException | None]] = []

    def begin(self, call: str, about: Mapping[str, Any]) -> None:
        self.begun.append((call, dict(about)))

    def __call__(self, stage: str, done: int, total: int, /, **figures: float) -> None:
        self.events.append((stage, done, total, figures))

    def end(self, outcome: Any, error: BaseException | None) -> None:
        self.ended.append((outcome, error))


def figures(events: Events, stage: str, name: str) -> list[float]:
    return [told[name] for at, _, _, told in events if at == stage and name in told]


def test_loss_falls_and_what_is_held_out_is_told() -> None:
    notes = Notes()
    learned = sp.Network().learn("iris", *tiny_task("iris"), progress=notes)
    losses = figures(notes.events, "train", "loss")
    assert losses[-1] < losses[0]
    (accuracy,) = figures(notes.events, "held out", "accuracy")
    assert 0.9 < accuracy <= 1
    assert notes.begun == [("learn", {"task": "iris", "method": "sen", "settings": {}})]
    assert notes.ended == [(learned, None)]


@pytest.mark.slow("three methods that learn together, or search")
@pytest.mark.parametrize(
    ("method", "settings", "stage"),
    [
        ("allocation", {"steps": 60, "validate_every": 20}, "train"),
        ("munet", {"generations": 1, "children": 2, "cycles": 1, "examples": 64, "jobs": 1, "schedule": "evolve"}, "children"),
        ("moe", {"epochs": 3}, "train"),
    ],
)
def test_methods_that_validate_tell_it(method: str, settings: dict[str, Any], stage: str) -> None:
    net, notes = sp.Network(encoders={"image": "patches"} if method == "moe" else None), Notes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sp.SenpathWarning)
        if method == "munet":
            net.learn("low", *tiny_task("low"), method=method, progress=notes, **settings)
        else:
            net.learn_many({name: tiny_task(name) for name in ("low", "high")}, method=method, progress=notes, **settings)
    accuracies, losses = figures(notes.events, stage, "accuracy"), figures(notes.events, stage, "loss")
    assert accuracies
    assert all(0 <= value <= 1 for value in accuracies)
    assert losses
    assert np.isfinite(losses).all()


def test_a_function_of_three_arguments_and_several_at_once() -> None:
    plain: list[tuple[str, int, int]] = []
    full: list[float] = []

    def follow(stage: str, done: int, total: int) -> None:
        plain.append((stage, done, total))

    def follow_figures(stage: str, done: int, total: int, **told: float) -> None:
        full.extend(told.values())

    named: list[float | None] = []

    def follow_loss(stage: str, done: int, total: int, loss: float | None = None) -> None:
        named.append(loss)

    notes = Notes()
    following = [follow, follow_figures, follow_loss, notes]
    sp.Network().learn("iris", *tiny_task("iris"), model="mlp", epochs=2, min_separability=0, progress=following)
    assert plain == [event[:3] for event in notes.events]
    assert full == [value for *_, told in notes.events for value in told.values()]
    assert named == [told.get("loss") for *_, told in notes.events]


@pytest.mark.parametrize("call", ["learn_many", "encode_examples", "verify", "evaluate", "extend", "prune", "predict"])
def test_every_long_call_can_be_followed(call: str) -> None:
    net, notes = tiny_network(tasks=["low"]), Notes()
    x, y = tiny_task("low")
    {
        "learn_many": lambda: net.learn_many({"a": (x, y), "b": (x, y)}, method=ConstantMethod(), progress=notes),
        "encode_examples": lambda: net.encode_examples(x, y, progress=notes),
        "verify": lambda: net.verify(notes),
        "evaluate": lambda: sp.evaluate(net, {"low": (x, y)}, progress=notes),
        "extend": lambda: net.extend("low", x[:20], y[:20], progress=notes),
        "prune": lambda: net.prune("low", 0.5, progress=notes),
        "predict": lambda: net.predict(x, progress=notes),
    }[call]()
    assert len(notes.begun) == len(notes.ended) == 1
    last = {stage: (done, total) for stage, done, total, _ in notes.events}
    assert all(done == total for done, total in last.values())


def test_an_error_ends_the_call_and_is_told(tmp_path: Path) -> None:
    net, notes = sp.Network(tmp_path / "net"), Notes()

    def cancel(stage: str, done: int, total: int) -> None:
        raise RuntimeError("cancelled")

    with pytest.raises(RuntimeError, match="cancelled"):
        net.learn("iris", *tiny_task("iris"), progress=[notes, cancel])
    ((outcome, error),) = notes.ended
    assert outcome is None
    assert isinstance(error, RuntimeError)
    assert net.version == 0


def test_each_is_told_the_end_whatever_another_one_raises() -> None:
    class Fails(Notes):
        def end(self, outcome: Any, error: BaseException | None) -> None:
            raise RuntimeError("the first one failed")

    net, notes = sp.Network(), Notes()
    with pytest.raises(RuntimeError, match="the first one failed"):
        net.learn("iris", *tiny_task("iris"), method=ConstantMethod(), progress=[Fails(), notes])
    ((outcome, error),) = notes.ended
    assert outcome.task == "iris"
    assert error is None
    assert net.version == 1


@pytest.mark.parametrize("wrong", [3, "bars", [3]])
def test_what_cannot_follow(wrong: Any) -> None:
    with raises_error(sp.InputError, what="progress", got=type(wrong[0] if isinstance(wrong, list) else wrong).__name__):
        sp.Network().learn("iris", *tiny_task("iris"), progress=wrong)


def test_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "senpath"):
        sp.Network().learn("iris", *tiny_task("iris"), method=ConstantMethod())
    messages = [record.getMessage() for record in caplog.records if record.name == "senpath"]
    assert messages[0] == "learn iris begins"
    assert messages[-1].startswith("learn iris done after ")


def test_warnings_are_at_the_line_that_called() -> None:
    x, y = tiny_task("low")
    with pytest.warns(sp.SenpathWarning) as noted:
        sp.Network().learn("low", x, np.random.default_rng(0).permutation(y), epochs=1)
    assert noted[0].filename == __file__


TURN = "-- turn --"
ON_A_TERMINAL = f"""
import os, sys
import senpath as sp
from senpath.testing import tiny_task

for bars, settings in (("1", {{}}), ("0", {{}}), ("1", {{"progress": False}})):
    os.environ["SENPATH_BARS"] = bars
    sp.Network().learn("[b]iris", *tiny_task("iris"), **settings)
    print({TURN!r}, end="", file=sys.stderr, flush=True)
"""


def learn_on_a_terminal() -> list[str]:
    """What a program that learns a task three times writes to a terminal: with bars, without them, and with nobody who follows."""
    reading, writing = pty.openpty()
    environment = {**os.environ, "COLUMNS": "120", "TERM": "xterm"}
    subprocess.run([sys.executable, "-c", ON_A_TERMINAL], stderr=writing, stdout=subprocess.DEVNULL, env=environment, check=True)
    os.close(writing)
    said = b""
    try:
        while part := os.read(reading, 65536):
            said += part
    except OSError:  # the other side is closed
        pass
    os.close(reading)
    return said.decode().split(TURN)


@pytest.mark.slow("starts Python")
def test_bars_on_a_terminal() -> None:
    said, switched_off, unfollowed, end = learn_on_a_terminal()
    assert "learn [b]iris: " in said
    assert "loss" in said
    assert (switched_off, unfollowed, end) == ("", "", "")


def test_no_bars_where_nobody_looks(capfd: pytest.CaptureFixture[str]) -> None:
    sp.Network().learn("iris", *tiny_task("iris"), method=ConstantMethod())
    assert capfd.readouterr() == ("", "")


def followed(tracker: Tracker) -> None:
    net = sp.Network()
    x, y = tiny_task("iris")
    net.learn("a/../b", x[:60], y[:60], epochs=20, progress=tracker)
    with pytest.raises(sp.InputError):
        net.learn("fails", [[1.0]], [], progress=tracker)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    followed(TensorBoard(tmp_path / "runs"))
    folders = sorted((tmp_path / "runs").iterdir())
    assert [folder.name for folder in folders] == ["000 learn a____b", "001 learn fails"]
    events = EventAccumulator(str(folders[0])).Reload()
    losses = [event.value for event in events.Scalars("train/loss")]
    assert losses[-1] < losses[0]
    assert 0 < events.Scalars("held out/accuracy")[0].value <= 1
    assert b"epochs: 20" in events.Tensors("settings/text_summary")[0].tensor_proto.string_val[0]
    shutil.rmtree(folders[0])
    sp.Network().learn("iris", *tiny_task("iris"), model="mlp", epochs=1, progress=TensorBoard(tmp_path / "runs"))
    assert sorted(folder.name for folder in (tmp_path / "runs").iterdir()) == ["001 learn fails", "002 learn iris"]


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking = pytest.importorskip("mlflow.tracking", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = str(tmp_path / "runs")
    followed(MLflow("flowers", uri))
    client = tracking.MlflowClient(uri)
    runs = client.search_runs([client.get_experiment_by_name("flowers").experiment_id])
    assert {run.info.run_name: run.info.status for run in runs} == {"learn a/../b": "FINISHED", "learn fails": "FAILED"}
    run = next(run for run in runs if run.info.status == "FINISHED")
    assert run.data.params["epochs"] == "20"
    assert run.data.metrics["held out/accuracy"] > 0.8
    assert len(client.get_metric_history(run.info.run_id, "train/loss")) > 5
    client.delete_experiment(run.info.experiment_id)
    with raises_error(sp.InputError, "experiment of MLflow", expected="one that is not deleted", got="'flowers', which is"):
        MLflow("flowers", uri)


@pytest.mark.slow("starts the service of Weights & Biases")
def test_weights_and_biases_offline(tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed")
    followed(WeightsAndBiases(folder=tmp_path))
    assert len([*tmp_path.rglob("*.wandb")]) == 2


def test_a_tracker_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with raises_error(sp.MissingExtraError, expected="wandb", do="pip install 'senpath[wandb]'"):
        WeightsAndBiases()
