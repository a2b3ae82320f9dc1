"""Experiments: streams made of data of all kinds, runs that go on where they were, records, tables and pages."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from raising import raises_error
from sklearn.datasets import load_digits
from torch.utils.data import TensorDataset

import senpath as sp
from senpath.evaluation.baselines import Single
from senpath.evaluation.protocol import Split
from senpath.experiments import ExperimentResults, StreamSettings
from senpath.experiments.plan import read_plan
from senpath.experiments.run import experiment
from senpath.experiments.streams import load_stream, read_stream, save_stream
from senpath.reports.markdown import half_interval, points_interval, share_bounds
from senpath.testing import ConstantMethod

Labelled = tuple[np.ndarray, np.ndarray]
Pair = tuple[Labelled, Labelled]
EXPERIMENTS = Path(__file__).parents[2] / "benchmarks" / "experiments"
BRIEF: dict[str, Any] = {"hidden": 8, "epochs": 2, "augment": 0.0}


def halves(x: np.ndarray, y: np.ndarray) -> Pair:
    return (x[::2], y[::2]), (x[1::2], y[1::2])


@pytest.fixture(scope="module")
def digits() -> Pair:
    """UCI's digits 0 … 5, half to learn from."""
    bunch = load_digits(n_class=6)
    return halves(bunch.images[:400] / 16, bunch.target[:400])


@pytest.fixture(scope="module")
def results(digits: Pair) -> ExperimentResults:
    methods = {"mine": ConstantMethod, "Single": {"method": "single", "hidden": 8}, "PNN": "pnn"}
    return sp.experiment(digits, methods, split=2, settings={"epochs": 2, "augment": 0.0, "hidden": 16}, seeds=2, name="digits")


def test_every_task_is_measured_after_every_task(results: ExperimentResults) -> None:
    assert results.tasks == ("0+1", "2+3", "4+5")
    for method in ("mine", "Single", "PNN"):
        for seed in (0, 1):
            pairs = [(record["after"], record["task"]) for record in results.records.where(kind="score", method=method, seed=seed)]
            assert pairs == [(after, task) for place, after in enumerate(results.tasks) for task in results.tasks[: place + 1]]
    # A right label of a task's own class is a right task here, for no two tasks share one. (It may be right more often than with the task
    # given: columns vote on the class where they find the task.)
    for record in results.records.where(kind="score"):
        assert record["found"] == record["label"] <= record["routed"]


def test_forward_transfer_is_what_was_known_before_a_step(results: ExperimentResults) -> None:
    (row,) = [row for row in results.rows() if row.label == "PNN"]
    for seed, matrix in enumerate(row.matrices("given")):
        mine = [results.records.where(kind="before", method="PNN", seed=seed, task=task)[0] for task in results.tasks[1:]]
        assert matrix.fwt == pytest.approx(np.mean([record["given"] - record["untrained"] for record in mine]))
    assert "FWT" not in results.lines_of("found")[0]
    assert not results.records.where(kind="before", method="mine")


@pytest.mark.parametrize("shares", [[98.0, 99.0], [100.0, 92.0], [0.0, 0.0], [0.0, 3.0, 1.0], [50.0, 52.0, 49.0], [100.0, 100.0, 99.9]])
def test_intervals_of_shares_stay_shares(shares: list[float]) -> None:
    low, high = share_bounds(shares)
    assert 0 <= low <= np.mean(shares) <= high <= 100
    plain = np.mean(shares) - half_interval(shares), np.mean(shares) + half_interval(shares)
    if plain[0] >= 0 and plain[1] <= 100:
        assert (low, high) == pytest.approx(plain)
    else:
        assert high - low > 0


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ([-99.0, -99.5, -90.0], None),
        ([99.9, 80.0], None),
        ([-1.0, 2.0, 0.5], "0.5 [-3.2, 4.2]"),
        ([-0.01, -0.01], "0.0 [0.0, 0.0]"),
        ([-3.0], "-3.0"),
    ],
)
def test_intervals_of_points_stay_points(points: list[float], told: str | None) -> None:
    found = points_interval(points)
    if told is None:
        low, high = map(float, found.partition(" [")[2].removesuffix("]").split(", "))
        assert -100 <= low <= np.mean(points) <= high <= 100
    else:
        assert found == told


def test_a_method_is_measured_as_its_network_is(results: ExperimentResults, digits: Pair) -> None:
    net, ((x, y), (test_x, test_y)) = sp.Network(), digits
    for low in (0, 2, 4):
        mine = (y == low) | (y == low + 1)
        net.learn(f"{low}+{low + 1}", x[mine], y[mine], method=ConstantMethod(random_state=1))
    chosen = {f"{low}+{low + 1}": (test_y == low) | (test_y == low + 1) for low in (0, 2, 4)}
    tests = {task: (test_x[mine], test_y[mine]) for task, mine in chosen.items()}
    measured = sp.evaluate(net, tests, reject=False)
    for task in results.tasks:
        record = results.records.where(kind="score", method="mine", seed=1, after="4+5", task=task)[0]
        assert record["given"] == pytest.approx(measured.scores[task].accuracy)
        assert record["found"] == pytest.approx(measured.scores[task].accuracy_unlabelled)


def test_a_baseline_is_trained_with_its_own_and_the_shared_settings(results: ExperimentResults, digits: Pair) -> None:
    (x, y), (test_x, test_y) = digits
    split = Split.of((x[y < 2], y[y < 2]), (test_x[test_y < 2], test_y[test_y < 2]))
    after = Single().learn("0+1", split.train, sp.SenSettings(hidden=8, epochs=2, augment=0.0, random_state=1))
    record = results.records.where(method="Single", seed=1, kind="score")[0]
    assert record["given"] == after.accuracy("0+1", split.test)
    assert results.contenders[1][3] == {"epochs": 2, "augment": 0.0, "hidden": 8}
    assert results.contenders[0][3] == {}  # a class that does not say what settings it has gets its own alone


def test_tables_say_what_the_records_say(results: ExperimentResults) -> None:
    columns, lines = results.lines_of("given")
    assert columns == ["method", "ACC", "BWT", "forgetting", "FWT", "0+1", "2+3", "4+5"]
    assert [line[0] for line in lines] == ["mine", "Single", "PNN"]
    last = results.records.where(kind="score", method="PNN", after="4+5")
    assert lines[2][1].startswith(f"{last.mean('given', 100):.1f} [")
    assert [line[4] for line in lines[:2]] == ["–", "0.0 [0.0, 0.0]"]  # ConstantMethod cannot wait; Single has nothing from before
    assert lines[1][2:4] == ["0.0 [0.0, 0.0]", "0.0 [0.0, 0.0]"]  # what has a model of its own forgets nothing, told the task
    assert results.table("found").count("\n") == 4
    assert len(results.to_pandas()) == len(results.records)
    with raises_error(sp.InputError, what="figure", got="'wrong'"):
        results.table("wrong")


def test_the_page_says_how_it_came_about(results: ExperimentResults, tmp_path: Path) -> None:
    page = results.save(tmp_path / "pages")
    text, html = page.read_text(encoding="utf-8"), page.with_suffix(".html").read_text(encoding="utf-8")
    for said in (text, html):
        assert "(1/T) Σⱼ R[T,j]" in said
        assert "senpath.experiment(…)" in said
        assert "0, 1; mean and 95 % interval" in said
    assert results.table("found") in text
    assert "| PNN | pnn: a column for each task that reads all earlier ones (Rusu et al. 2016) |" in text
    assert html.count("<svg") == 2
    assert (tmp_path / "pages" / "digits-given.svg").exists()
    blocked = tmp_path / "file"
    blocked.write_text("")
    with raises_error(sp.InputError, what=f"page in {blocked}"):
        results.save(blocked)


def test_a_stopped_experiment_goes_on(digits: Pair, tmp_path: Path) -> None:
    seen: list[int] = []
    plan: dict[str, Any] = {
        "methods": [ConstantMethod],
        "split": 3,
        "seeds": 2,
        "folder": tmp_path,
        "look": lambda so_far: seen.append(so_far.done),
    }
    first = experiment(digits, **plan)
    assert seen == [0, 1, 2]
    file = next(tmp_path.glob("constant-*-1.jsonl"))
    file.unlink()
    seen.clear()
    again = experiment(digits, **plan)
    assert seen == [1, 2]
    timeless = [[{**record, "seconds": 0} for record in each.records] for each in (first, again)]
    assert timeless[0] == timeless[1]
    with raises_error(sp.InputError, what=f"work folder {tmp_path}", got="those of others"):
        experiment((digits[1], digits[0]), **plan)


def test_a_grid_is_every_combination_for_those_that_have_the_setting(digits: Pair) -> None:
    found = experiment(
        digits, ["single", ConstantMethod], split=[[0, 1]], grid={"hidden": [2, 4], "epochs": [1]}, seeds=[7], settings={"augment": 0}
    )
    assert [row.title for row in found.rows()] == ["single, hidden 2, epochs 1", "single, hidden 4, epochs 1", "constant"]
    weights = [row.records.where(kind="learned")[0]["weights"] for row in found.rows()]
    assert weights[:2] == [64 * 2 + 2 + 2 * 2 + 2, 64 * 4 + 4 + 4 * 2 + 2]


def test_few_shots_of_every_task_or_of_the_newest(digits: Pair) -> None:
    same = experiment(digits, ["single"], split=3, shots=[0, 5, "all"], settings=BRIEF, seeds=1)
    counts = {(record["shots"], record["task"]): record["examples"] for record in same.records.where(kind="learned")}
    assert counts[5, "0+1+2"] == 15
    newest = experiment(digits, ["single"], split=3, shots=[0, 5], earlier="all", settings=BRIEF, seeds=1)
    for shots in (0, 5):  # its own model: what came before makes no difference to it
        mine = [each.records.where(kind="score", shots=shots, task="3+4+5", after="3+4+5").values("given") for each in (same, newest)]
        assert mine[0] == mine[1]
    assert [line[:2] for line in newest.lines_of()[1]] == [["single", "0"], ["single", "5"], ["single", "all"]]
    assert newest.lines_of()[1][0][4] == "–"
    with raises_error(sp.InputError, what="0 shots of 'constant'"):
        experiment(digits, [ConstantMethod], split=3, shots=0)


@pytest.mark.slow("starts processes, and Ray")
@pytest.mark.parametrize("where", [{"jobs": 2}, {"jobs": 2, "ray": "local"}], ids=["processes", "Ray"])
def test_wherever_it_runs_it_finds_the_same(digits: Pair, tmp_path: Path, where: dict[str, Any], request: pytest.FixtureRequest) -> None:
    if "ray" in where:
        request.getfixturevalue("with_ray")
    plan: dict[str, Any] = {"methods": ["single", "senpath.testing:ConstantMethod"], "split": 2, "seeds": 2, "settings": BRIEF}
    here, there = experiment(digits, **plan), experiment(digits, **plan, **where, folder=tmp_path)
    assert [{**record, "seconds": 0} for record in here.records] == [{**record, "seconds": 0} for record in there.records]


def test_what_an_encoder_need_not_read_is_left_out(tmp_path: Path) -> None:
    words = ("sun", "rain", "snow", "wind")
    texts = [f"{word} on day {day}" for day in range(20) for word in words], np.array([*range(4)] * 20)
    settings = StreamSettings(split=2, encoder="random-tokens", train=10, test=5)
    stream = read_stream((texts, texts), settings)
    assert len(stream.bases["data"].train) == 20  # two tasks of ten
    assert all(len(stream.train(task)) <= 10 and len(stream.test(task)) <= 5 for task in stream.tasks)
    assert stream.train("0+1").data_type.encoder == "random-tokens"
    save_stream(stream, tmp_path)
    again = load_stream(tmp_path, settings)
    assert again.fingerprint == stream.fingerprint
    assert torch.equal(again.train("2+3").inputs, stream.train("2+3").inputs)


def tasks_in(stream: Any) -> dict[str, tuple[int, int, tuple[Any, ...]]]:
    return {task: (len(stream.train(task)), len(stream.test(task)), stream.train(task).classes) for task in stream.tasks}


def test_classes_in_groups(digits: Pair) -> None:
    stream = read_stream(digits, StreamSettings(split=[[5, 0], [1, 2, 3, 4]], train=30))
    assert [*stream.tasks] == ["5+0", "1…4"]
    assert stream.train("5+0").classes == (5, 0)
    assert len(stream.train("5+0")) == 30
    truth = np.array(stream.test("5+0").classes)[stream.test("5+0").targets.numpy()]
    assert truth.tolist() == [label for label in digits[1][1].tolist() if label in (5, 0)]
    first, second = (read_stream(digits, StreamSettings(split=2, order=order)) for order in (3, 4))
    assert sorted(label for task in first.tasks for label in first.test(task).classes) == [*range(6)]
    assert [*first.tasks] != [*second.tasks]


def test_pixels_in_other_orders_and_pictures_turned(digits: Pair) -> None:
    stream = read_stream(digits, StreamSettings(permute=3))
    plain, other = (stream.test(f"data {number}").inputs for number in (1, 2))
    np.testing.assert_array_equal(plain.flatten(1).sort(1).values, other.flatten(1).sort(1).values)
    assert not np.array_equal(plain, other)
    turned = read_stream(digits, StreamSettings(rotate=[0.0, 90.0]))
    quarter = np.rot90(turned.test("data 0°").inputs[0, 0].numpy())
    np.testing.assert_allclose(turned.test("data 90°").inputs[0, 0], quarter, atol=1e-5)


def test_data_of_any_kind(digits: Pair, tmp_path: Path) -> None:
    (x, y), (test_x, test_y) = digits
    np.savez(tmp_path / "files.npz", x_train=x, y_train=y, x_test=test_x, y_test=test_y)
    expected = (len(y), len(test_y), (0, 1, 2, 3, 4, 5))
    for source in (digits, {"train": digits[0], "test": digits[1]}, str(tmp_path / "files.npz")):
        assert [*tasks_in(read_stream(source, StreamSettings())).values()] == [expected]
    named = read_stream({"a": digits, "b": str(tmp_path / "files.npz")}, StreamSettings())
    assert [*named.tasks] == ["a", "b"]
    held = tasks_in(read_stream((x, y), StreamSettings(holdout=0.25)))["data"]
    assert held == (150, 50, (0, 1, 2, 3, 4, 5))


def test_experiences_of_avalanche(digits: Pair) -> None:
    def experience(part: Labelled, low: int) -> Any:
        mine = (part[1] == low) | (part[1] == low + 1)
        data = TensorDataset(torch.tensor(part[0][mine][:, None], dtype=torch.float32), torch.tensor(part[1][mine]))
        return SimpleNamespace(dataset=data, current_experience=low // 2)

    streams = {f"{name}_stream": [experience(part, low) for low in (0, 2)] for name, part in zip(("train", "test"), digits, strict=True)}
    found = experiment(SimpleNamespace(**streams), [ConstantMethod], seeds=1)
    assert found.tasks == ("experience 0", "experience 1")
    assert found.records[-1]["given"] > 0.9


def test_data_sets_of_hugging_face(digits: Pair) -> None:
    datasets = pytest.importorskip("datasets", reason="needs datasets of Hugging Face")
    parts = {
        name: datasets.Dataset.from_dict({**{f"p{place}": x[:, place] for place in range(64)}, "label": y})
        for name, (x, y) in zip(("train", "test"), ((x.reshape(-1, 64), y) for x, y in digits), strict=True)
    }
    stream = read_stream(datasets.DatasetDict(parts), StreamSettings(split=3))
    assert [*tasks_in(stream)] == ["0+1+2", "3+4+5"]
    assert len(stream.test("3+4+5")) == int((digits[1][1] > 2).sum())


TOML = """
about = "Two digits a task."
methods = ["single", "senpath.testing:ConstantMethod"]
seeds = [3]
[stream]
data = "{data}"
split = 2
[settings]
epochs = 1
hidden = 4
"""


@pytest.fixture
def file(digits: Pair, tmp_path: Path) -> Path:
    (x, y), (test_x, test_y) = digits
    np.savez(tmp_path / "files.npz", x_train=x, y_train=y, x_test=test_x, y_test=test_y)
    (tmp_path / "two-digits.toml").write_text(TOML.format(data=(tmp_path / "files.npz").as_posix()))
    return tmp_path / "two-digits.toml"


def test_a_file_is_the_same_experiment(file: Path, digits: Pair) -> None:
    told = sp.experiment(file)
    same = sp.experiment(digits, ["single", "senpath.testing:ConstantMethod"], seeds=[3], split=2, settings={"epochs": 1, "hidden": 4})
    assert [{**record, "seconds": 0} for record in told.records] == [{**record, "seconds": 0} for record in same.records]
    assert (told.name, told.about) == ("two-digits", "Two digits a task.")


WRONG = {
    "key": ("seedz = 3", "key 'seedz'", "one of name, about"),
    "method": ('methods = ["sem"]', "method of 'sem'", "one of sen, munet"),
    "baseline": ('[methods.EWC]\nmethod = "ewc"\nstrenght = 3', "setting 'strenght' of 'EWC'", "one of model"),
    "setting": ('methods = ["single"]\n[settings]\nepoch = 1', "setting 'epoch'", "one that some method"),
    "range": ('methods = ["single"]\n[settings]\nepochs = -1', "setting 'epochs'", "a whole number from 0"),
    "grid": ('methods = ["single"]\n[grid]\nepochs = [1, "x"]', "setting 'epochs'", "a whole number from 0"),
    "no list": ('methods = ["single"]\n[grid]\nepochs = 1', "grid of 'epochs'", "a list of values"),
    "seed": ('[methods.one]\nmethod = "sen"\nrandom_state = 1', "setting 'random_state' of 'one'", "none"),
    "seeds": ('seeds = 0\nmethods = ["single"]', "seeds", "how many"),
    "shots": ('shots = [5, "some"]\nmethods = ["single"]', "shots", "different whole numbers"),
    "name": ('name = "../x"\nmethods = ["single"]', "name of the experiment", "a word"),
    "stream": ('methods = ["single"]\n[stream]\ndata = "x"\npermute = 2\nsplit = 2', "the stream", "one of split"),
    "no data": ('methods = ["single"]\n[stream]\nsplit = 2', "stream", "'data'"),
    "unknown data": ('methods = ["single"]\n[stream]\ndata = "mnits"', "data mnits", "a folder, a file, or one of"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_file_is_said_before_anything_is_run(name: str, tmp_path: Path) -> None:
    text, what, expected = WRONG[name]
    file = tmp_path / "wrong.toml"
    file.write_text(text if "[stream]" in text else text + '\n[stream]\ndata = "mnist"\n')
    with raises_error(sp.InputError, what, expected=expected) as raised:
        sp.experiment(file, folder=tmp_path / "work")
    assert name == "unknown data" or str(raised.value).startswith(f"experiment {file}: ")
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.glob("*.toml")), ids=lambda path: path.stem)
def test_the_projects_own_experiments_can_be_run(path: Path) -> None:
    assert read_plan(path).runs()


def test_a_pair_is_asked_for(digits: Pair) -> None:
    with raises_error(sp.InputError, what="data of 'a'", expected="a pair (train, test)"):
        experiment({"a": np.zeros((3, 2))}, ["single"])
    with raises_error(sp.InputError, what="split"):
        experiment(digits, ["single"], split=[[0, 9]])
    with raises_error(sp.InputError, what="the stream", got="2"):
        experiment({"a": digits, "b": digits}, ["single"], split=2)
    with raises_error(sp.InputError, what="methods", got="'A b' and 'a-b'"):
        experiment(digits, {"A b": "single", "a-b": "single"}, split=2)
    with raises_error(sp.InputError, what="methods", got="nothing"):
        experiment(digits)
