"""What could make an experiment's results say something else than they seem to: old runs, ignored seeds, tasks without examples."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression

import senpath as sp
from senpath.evaluation.baselines import RanPac
from senpath.experiments import ExperimentResults, StreamSettings
from senpath.experiments.records import Records, setting_fields
from senpath.experiments.run import experiment
from senpath.experiments.streams import read_stream
from senpath.testing import ConstantMethod
from tests.raising import raises_error

Labelled = tuple[np.ndarray, np.ndarray]
Pair = tuple[Labelled, Labelled]


@pytest.fixture(scope="module")
def digits() -> Pair:
    """UCI's digits 0 … 5, half to learn from."""
    bunch = load_digits(n_class=6)
    x, y = bunch.images[:300] / 16, bunch.target[:300]
    return (x[::2], y[::2]), (x[1::2], y[1::2])


SLOW = sp.Sen(hidden=3, epochs=8, augment=0)


def given(results: ExperimentResults) -> list[float]:
    return results.records.where(kind="score").values("given")


@pytest.mark.parametrize("make", [lambda size: ConstantMethod(hidden=size), lambda size: RanPac(projected=size)])
def test_an_object_that_changed_is_run_again(digits: Pair, tmp_path: Path, make: Any) -> None:
    small, large = (experiment(digits, {"mine": make(size)}, split=3, seeds=1, folder=tmp_path) for size in (2, 64))
    assert given(large) == given(experiment(digits, {"mine": make(64)}, split=3, seeds=1))
    assert given(small) != given(large)
    done: list[int] = []
    experiment(digits, {"mine": make(64)}, split=3, seeds=1, folder=tmp_path, look=lambda so_far: done.append(so_far.done))
    assert done[0] == 1  # which was done already


@dataclass(frozen=True)
class Frozen:
    """A method whose settings are its fields."""

    random_state: int = 0
    name = "frozen"

    def propose(self, view: Any, task: str, examples: Any, progress: Any = None) -> Any:
        return ConstantMethod(hidden=4, random_state=self.random_state).propose(view, task, examples)


@pytest.mark.parametrize("method", [ConstantMethod(hidden=4), Frozen(), pytest.param(SLOW, marks=pytest.mark.slow("trains"))])
def test_an_object_has_the_experiments_seeds(digits: Pair, method: Any) -> None:
    results = experiment(digits, {"mine": method}, split=[[0, 2, 3, 5]], seeds=2)
    first, second = (mine.values("given") for mine in results.records.where(kind="score").by("seed").values())
    assert first != second
    assert second == given(experiment(digits, {"mine": method}, split=[[0, 2, 3, 5]], seeds=[1]))


def test_settings_as_fields_of_records(digits: Pair) -> None:
    fields = {"setting seconds": 3, "hidden": [1, 2], "model": "LogisticRegression()"}
    assert setting_fields({"seconds": 3, "hidden": (1, 2), "model": LogisticRegression()}) == fields
    assert Records([{"setting test": 1}]).where(**setting_fields({"test": 1}))
    models = [LogisticRegression(C=share) for share in (1e-6, 1.0)]
    results = experiment(digits, ["sen"], split=[[0, 1]], seeds=1, settings={"links": "none"}, grid={"model": models})
    assert [row.title for row in results.rows()] == ["sen, model LogisticRegression(C=1e-06)", "sen, model LogisticRegression()"]
    assert results.costs().count("\n") == 3


def test_a_task_without_examples_is_refused_before_anything_is_run(digits: Pair) -> None:
    (x, y), (a, b) = digits
    with raises_error(sp.InputError, "task '4+5' of the stream", expected="examples to be measured on", got="none"):
        experiment(((x, y), (a[b < 4], b[b < 4])), ["ncm"], split=2)
    with raises_error(sp.InputError, "task 'data' of the stream", expected="examples to be measured on", do="A larger holdout"):
        experiment((x[:4], y[:4]), ["ncm"], holdout=0.1)
    few = np.flatnonzero((y == 0) | (np.cumsum(y == 1) * (y == 1) == 1))
    with raises_error(sp.InputError, "task 'data' of the stream", expected="examples of each class to learn from", got="none of 1"):
        experiment((x[few], y[few]), ["ncm"], holdout=0.9)
    with raises_error(sp.InputError, "task 'data' of the stream", expected="examples of each class to learn from", do="a larger train"):
        experiment(digits, ["ncm"], train=3)


def test_what_a_session_defines_other_processes_cannot_import(digits: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Frozen, "__module__", "__main__")
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)
    for method in (Frozen, Frozen()):
        with raises_error(sp.InputError, "method 'frozen'", expected="one that processes can import", do="Put it into a file"):
            experiment(digits, [method], split=3, jobs=2)


@pytest.mark.slow("starts Python, and processes of its own")
def test_a_script_that_each_process_reads(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    part = "(np.eye(8), np.arange(8) % 2)"
    script.write_text(f"import numpy as np, senpath as sp\nsp.experiment(({part}, {part}), ['ncm'], seeds=2, jobs=2)\n")
    said = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False).stderr
    assert 'A script puts what it runs below `if __name__ == "__main__":`' in said.splitlines()[-1]


def test_a_mean_over_fewer_tasks_says_so(digits: Pair) -> None:
    flowers = load_iris()
    iris = (flowers.data[::2], flowers.target[::2]), (flowers.data[1::2], flowers.target[1::2])
    results = experiment({"digits": digits, "iris": iris}, {"mean": "ncm", "mine": ConstantMethod}, seeds=1)
    told = {line[0]: line[1] for line in results.lines_of("given")[1]}
    assert told["mean"].endswith(" (1 of 2 tasks)")
    assert "tasks" not in told["mine"]


def test_pictures_that_are_no_squares_are_turned_without_shear() -> None:
    x = np.zeros((20, 12, 20))
    x[:, 5:7, 2:18] = 1.0  # a lying bar in the middle, 16 long and 2 thick
    part = x, np.repeat([0, 1], 10)
    turned = read_stream((part, part), StreamSettings(rotate=[90.0])).test("data 90°").inputs[0, 0]
    standing = np.zeros((12, 20))
    standing[:, 9:11] = 1.0
    np.testing.assert_allclose(turned, standing, atol=1e-5)


def test_frames_that_an_encoder_reads() -> None:
    texts = [f"{word} on day {day}" for day in range(20) for word in ("sun", "rain", "snow", "wind")]
    frame = pd.DataFrame({"text": texts, "label": [text.split()[0] for text in texts]}, index=range(100, 180))
    for part in ((frame, "label"), (frame["text"], frame["label"])):
        stream = read_stream((part, part), StreamSettings(split=2, encoder="random-tokens", train=10, test=5))
        assert {len(stream.train(task)) for task in stream.tasks} == {10}


def test_numbers_of_numpy(digits: Pair) -> None:
    results = experiment(digits, ["ncm"], split=np.int64(3), seeds=np.arange(2), shots=np.int64(5))
    assert (results.seeds, results.shots) == ((0, 1), (5,))
    assert experiment(digits, ["ncm"], split=3, seeds=[np.int64(3)], grid={}).seeds == (3,)


@pytest.mark.slow("draws")
def test_pages_of_many_tasks_and_of_odd_names(digits: Pair, tmp_path: Path) -> None:
    many = experiment(digits, ["ncm"], permute=13, seeds=1, name="many")
    assert many.save(tmp_path).exists()
    odd = experiment({"a|b": digits, "$x$": digits}, ["ncm"], seeds=1, name="odd")
    head, line, *_ = odd.table().splitlines()
    assert r"a\|b" in head
    assert head.replace(r"\|", "").count("|") == line.count("|")
    assert odd.save(tmp_path).exists()
    assert odd.plot()._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
