"""Several tasks in one call: the same network for any number of jobs, and all or a named part of it if something goes wrong."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_iris

import senpath as sp
from senpath.history.checkout import Checkout
from senpath.learning import propose
from senpath.learning.batch import learn_batch
from senpath.parallel import one_thread
from senpath.progress import Progress, silent
from senpath.snapshot import MethodResult, encode_examples, try_out

Labelled = tuple[np.ndarray, np.ndarray]
Refused = Callable[..., AbstractContextManager[None]]
SMALL: dict[str, Any] = {"epochs": 1, "hidden": 4, "model": "mlp"}
NAMES = ["a", "b", "c", "d"]
ROWS = np.linspace(0, 1, 24).reshape(6, 4)
LABELS = [0, 1, 0, 1, 0, 1]
TEXTS = ["red wine", "white wine", "green tea", "black tea", "red grapes", "tea leaves"]


def flowers(*names: str) -> dict[str, Labelled]:
    """For each name some of the flowers, others for each."""
    x, y = load_iris(return_X_y=True)
    chosen = {name: np.random.default_rng(seed).choice(150, 60, replace=False) for seed, name in enumerate(names)}
    return {name: (x[rows], y[rows]) for name, rows in chosen.items()}


class Faulty(sp.Sen):
    """Goes wrong at task c; told to by its only setting."""

    def __init__(self, fault: str, folder: Path | None = None) -> None:
        super().__init__(**SMALL)
        self.fault, self.folder = fault, folder

    def check(self, data_type: sp.DataType) -> None:
        if self.fault == data_type.modality:
            raise sp.InputError("model", expected="other inputs", got=data_type.modality)

    def propose(self, view: sp.View, task: str, examples: sp.Examples, progress: Progress = silent) -> MethodResult:
        if task == "c":
            if self.fault == "refuse":
                raise sp.InputError("examples", expected="luck", got="none")
            if self.fault == "mistake":
                raise ZeroDivisionError("of the method's own making")
            if self.fault == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.fault == "sleep" and self.folder is not None:
                (self.folder / "asleep").touch()
                time.sleep(600)
        return super().propose(view, task, examples, progress)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    assert multiprocessing.active_children() == []
    assert torch.get_num_threads() == threads


@pytest.fixture(scope="module")
def grown(built_once: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    """A folder with digits below five and more tasks of flowers than a new task is compared with; to be copied."""

    def build(path: Path) -> None:
        net = sp.Network(path)
        x, y = load_digits(return_X_y=True)
        net.learn("low", x.reshape(-1, 8, 8)[y < 5] / 16, y[y < 5], epochs=3, hidden=16)
        for name, data in flowers(*"qrstuv").items():
            net.learn(name, *data, **SMALL)

    return built_once("low and flowers.sen", build)


def batch() -> dict[str, Any]:
    """Tasks of three types of data; images of several sizes, tables of other ranges."""
    x, y = load_digits(return_X_y=True)
    images = x.reshape(-1, 8, 8) / 16
    return {
        "high": (images[y >= 5][:200], y[y >= 5][:200]),
        "texts": (TEXTS, LABELS),
        "large": (np.kron(images[:60], np.ones((2, 2))), y[:60] % 2),
        "few": (list(images[:20]), (y[:20] > 4).astype(str)),
        "other texts": (TEXTS[::-1], LABELS),
        "coarse": (ROWS * 10, LABELS),
    } | flowers(*NAMES)


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_times(part) for key, part in value.items() if key not in ("time", "checksum", "id")}
    return [without_times(part) for part in value] if isinstance(value, list) else value


def content(folder: Path) -> dict[str, Any]:
    """What is in every file, but for the times at which things were done, and the network's id."""
    found: dict[str, Any] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data, name = path.read_bytes(), str(path.relative_to(folder))
        found[name] = hashlib.sha256(data).hexdigest()
        if name == "network.json" or name.startswith("versions/"):
            found[name] = without_times(json.loads(data))
        elif name == "log.jsonl":
            found[name] = [without_times(json.loads(line)) for line in data.splitlines()]
    return found


several_processes = pytest.mark.slow("several processes that load all of torch")


@pytest.mark.slow("starts several processes")
@pytest.mark.parametrize("start", ["empty", pytest.param("grown", marks=several_processes)])
def test_any_number_of_jobs_makes_the_same_network(start: str, grown: Path, tmp_path: Path) -> None:
    made, answers, tasks = {}, {}, batch()
    for jobs in (1, 3) if start == "grown" else (1, 2):
        folder = tmp_path / str(jobs)
        if start == "grown":
            shutil.copytree(grown, folder)
        net = sp.Network(folder)
        before, told = list(net.tasks), []
        learned = net.learn_many(tasks, jobs=jobs, epochs=2, hidden=8, model="mlp", progress=lambda *step, told=told: told.append(step))
        assert told == [("tasks", done + 1, len(tasks)) for done in range(len(tasks))]
        assert list(learned) == list(tasks)
        assert list(net.tasks) == [*before, *tasks]
        assert [found.version for found in learned.values()] == list(range(len(before) + 1, net.version + 1))
        assert [found.seconds for found in learned.values()] == sorted(found.seconds for found in learned.values())
        assert [entry["tasks"] for entry in net.log][len(before) :] == [[task] for task in tasks]
        net.verify()
        made[jobs] = content(folder), [(found.cost, found.transfers, found.provenance) for found in learned.values()]
        known, free = (net.predict([*tasks["few"][0][:5], *tasks["large"][0][:5]], task=task) for task in ("high", None))
        answers[jobs] = known.probabilities["high"].tobytes(), free.label.tolist(), free.task.tolist(), free.confidence.tobytes()
    assert all(found == made[1] for found in made.values())
    assert all(found == answers[1] for found in answers.values())


def test_no_task_borrows_from_another_of_the_call(grown: Path, tmp_path: Path) -> None:
    shutil.copytree(grown, tmp_path / "net")
    net = sp.Network(tmp_path / "net")
    tasks = flowers("one", "same") | {"again": flowers("one")["one"]}
    with one_thread():
        alone = {
            task: propose(net.view, sp.Sen(epochs=2, model="mlp"), task, encode_examples(net.view, *data)) for task, data in tasks.items()
        }
    learned = net.learn_many(tasks, epochs=2, model="mlp")
    sources = {source for found in learned.values() for source, _ in found.transfers}
    assert sources
    assert sources <= set("qrstuv")
    assert {task: net.view.pathway(task) for task in tasks} == {task: proposal.pathways[0] for task, proposal in alone.items()}


def test_one_task_is_learned_as_by_learn(tmp_path: Path) -> None:
    one, other = sp.Network(tmp_path / "one"), sp.Network(tmp_path / "other")
    with one_thread():
        first = one.learn("a", *flowers("a")["a"], **SMALL)
    second = other.learn_many(flowers("a"), **SMALL)["a"]
    assert content(one.path) == content(other.path)
    assert (first.provenance, first.transfers, first.version) == (second.provenance, second.transfers, second.version)


def test_the_first_task_of_a_type_defines_it(tmp_path: Path) -> None:
    net = sp.Network(tmp_path / "net")
    tasks = batch()
    coded = encode_examples(sp.Network().view, *tasks["high"])
    net.learn_many({"encoded": coded} | tasks, **SMALL)
    types = {info: net.view.types[record.data_type] for info, record in net.tasks.items()}
    assert [types[name].key for name in ("encoded", "high", "large")] == ["image", "image", "image-1x16x16"]
    (table,) = {kind for kind in types.values() if kind.modality == "table"}
    assert table.options["mean"] == pytest.approx((ROWS * 10).mean(0))
    assert net.tasks["large"].classes_ == (0, 1)


def test_nothing_to_learn(net: sp.Network) -> None:
    assert net.learn_many({}) == {}


def encoded(**changes: Any) -> sp.Examples:
    """Six rows as the fixture's network encodes its flowers, with something changed."""
    parts = {"inputs": torch.linspace(0, 1, 24).view(6, 4), "targets": torch.tensor(LABELS), "classes": (0, 1)}
    kind = sp.DataType("image", (1, 2, 2)) if "image" in changes else sp.DataType("text", (4,))
    return sp.Examples(kind, **(parts | {name: value for name, value in changes.items() if name != "image"}))


IMAGES = np.linspace(0, 1, 6 * 64).reshape(6, 8, 8)
NAN = np.where(np.arange(24).reshape(6, 4) == 9, np.nan, ROWS)
BAD = {
    "name": ({" ": (ROWS, LABELS)}, "task name: expected 1 to 200 printable characters, got ' '"),
    "number as a name": ({7: (ROWS, LABELS)}, "task name: expected 1 to 200 printable characters, got 7"),
    "taken": ({"iris": (ROWS, LABELS)}, "task 'iris': expected a new name, got one the network has learned"),
    "infinity": ({"x": (np.where(np.isnan(NAN), np.inf, NAN), LABELS)}, "task 'x': row 2: expected finite numbers, got NaN"),
    "labels": ({"x": (ROWS, LABELS[1:])}, "task 'x': labels y: expected 6, one per input, got 5"),
    "one class": ({"x": (ROWS, [1] * 6)}, "task 'x': labels y: expected two classes or more, got one class"),
    "no labels": ({"x": ROWS}, "task 'x': labels y: expected one label per input, got None"),
    "no data": ({"x": ([], [])}, "task 'x': inputs: expected at least two, got none"),
    "no file": ({"x": "nowhere.csv"}, "task 'x': data nowhere.csv: expected a folder or file, got nothing of that name"),
    "three": ({"x": (ROWS, LABELS, LABELS)}, "task 'x': labels y: expected one label per input, got None"),
    "types mixed in a task": ({"x": (["tea", *ROWS[:5]], LABELS)}, "task 'x': inputs of one task: expected one data type, got text and"),
    "another type": ({"x": encoded(image=True)}, "task 'x': encoded examples: expected the network's type .*8, 8.*, got"),
    "two types": (
        {"t": (TEXTS, LABELS), "x": encoded()},
        r"task 'x': encoded examples: expected the type of an earlier task of the call, DataType\(modality='text'",
    ),
    "labels beside examples": ({"x": (encoded(), LABELS)}, "task 'x': labels y: expected None beside Examples"),
    "nan encoded": ({"x": encoded(inputs=torch.tensor(NAN).float())}, "task 'x': encoded input 2: expected finite numbers"),
    "float64": (
        {"x": encoded(inputs=torch.zeros(6, 4).double())},
        "task 'x': encoded examples: expected float32 inputs, got 6 of torch.float64",
    ),
    "targets": ({"x": encoded(targets=torch.tensor([0, 1, 2, 0, 1, 2]))}, r"task 'x': .* got targets \[0, 1, 2\] of 2 classes"),
    "a class without": ({"x": encoded(classes=(0, 1, 2))}, r"task 'x': .* examples of each class, got targets \[0, 1\] of 3 classes"),
}


@pytest.mark.parametrize(("bad", "match"), BAD.values(), ids=BAD)
def test_one_task_that_cannot_be_learned_and_none_is(refused: Refused, net: sp.Network, bad: dict[Any, Any], match: str) -> None:
    good = {"good": (ROWS, LABELS), "image": (IMAGES, LABELS)}
    for tasks in (good | bad, bad | good):
        with refused(f"^{match}"):
            net.learn_many(tasks, jobs=2, **SMALL)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        ({"tasks": [("a", ROWS, LABELS)]}, "tasks: expected a mapping of new names to labelled data, got list"),
        ({"jobs": 0}, "jobs: expected a whole number, 1 or more, got 0"),
        ({"jobs": True}, "jobs: expected a whole number, 1 or more, got True"),
        ({"epochs": -1}, "setting 'epochs': expected a whole number"),
        ({"epoch": 1}, "setting 'epoch' of method sen: expected one of"),
        ({"method": "magic"}, "method: expected one of sen"),
        ({"method": sp.Sen(), "epochs": 1}, "settings: expected none beside a method"),
        ({"model": "cnn"}, "task 'a': model 'cnn': expected images, got table inputs"),
        ({"method": Faulty("table")}, "task 'a': model: expected other inputs, got table"),
    ],
)
def test_calls_that_cannot_be_made(refused: Refused, net: sp.Network, call: dict[str, Any], match: str) -> None:
    with refused(f"^{match}"):
        net.learn_many(**({"tasks": {"image": (IMAGES, LABELS), "a": (ROWS, LABELS)}} | call))


def test_a_method_that_cannot_be_sent_to_a_worker(refused: Refused, net: sp.Network) -> None:
    method = sp.Sen(**SMALL)
    method.note = lambda: None  # type: ignore[attr-defined]
    with refused("work for several jobs: expected what pickle can send, .* The network is as it was, at version 2"):
        net.learn_many(flowers("a", "b"), method=method, jobs=2)


MISTAKE = "^task 'c': expected a proposal of the method, got ZeroDivisionError: of the method's own making"


@pytest.mark.parametrize(
    ("fault", "jobs", "match"),
    [
        ("refuse", 1, "^task 'c': examples: expected luck, got none"),
        ("mistake", 1, MISTAKE),
        pytest.param("mistake", 2, MISTAKE, marks=several_processes),
        pytest.param("die", 2, "^task 'c': worker process: .*, got one that was ended by SIGKILL", marks=several_processes),
    ],
)
def test_what_was_committed_before_stays(tmp_path: Path, fault: str, jobs: int, match: str) -> None:
    net = sp.Network(tmp_path / "net")
    with pytest.raises(sp.SenpathError, match=match + r".*\. Learned before: 'a', 'b'; the network is otherwise as it was, at version 2$"):
        net.learn_many(flowers(*NAMES), method=Faulty(fault), jobs=jobs, concept="flower")
    assert {name: info.concept for name, info in net.tasks.items()} == {"a": "flower", "b": "flower"}
    assert list(sp.Network(net.path).tasks) == ["a", "b"]
    net.verify()
    net.learn_many({name: data for name, data in flowers(*NAMES).items() if name in "cd"}, **SMALL)
    assert list(net.tasks) == NAMES


def test_a_name_that_another_writer_takes_meanwhile(tmp_path: Path) -> None:
    net = sp.Network(tmp_path / "net")
    tasks = flowers(*NAMES)

    def take(stage: str, done: int, total: int) -> None:
        if done == 1:
            sp.Network(net.path).learn("b", *tasks["b"], **SMALL)

    match = "^task 'b': expected a new name, .*Choose another name. Learned before: 'a'; the network is otherwise as it was, at version 2$"
    with pytest.raises(sp.TaskExistsError, match=match):
        net.learn_many(tasks, progress=take, **SMALL)
    assert list(net.tasks) == ["a", "b"]


def test_who_listens_may_stop_it(tmp_path: Path) -> None:
    net = sp.Network(tmp_path / "net")

    def stop(stage: str, done: int, total: int) -> None:
        raise ZeroDivisionError("enough")

    with pytest.raises(ZeroDivisionError, match=r"^enough$"):
        net.learn_many(flowers(*NAMES), progress=stop, **SMALL)
    assert list(net.tasks) == ["a"]


class Interrupted(Checkout):
    """Ctrl-C after its second commit is on disk and before this object knows of it."""

    def commit(self, proposal: sp.Proposal) -> sp.View:
        if self.view.version == 1:
            sp.Network(self.path).commit(proposal)
            raise KeyboardInterrupt
        return super().commit(proposal)


def test_interrupted_just_after_a_commit(tmp_path: Path) -> None:
    checkout = Interrupted(tmp_path / "net", device="cpu", lock_seconds=30.0, encoders=None, settings={})
    match = r"^interrupted\. Learned before: 'a', 'b'; the network is otherwise as it was, at version 2$"
    with pytest.raises(KeyboardInterrupt, match=match):
        learn_batch(checkout, flowers(*NAMES), sp.Sen(**SMALL), 1, silent)


@pytest.mark.parametrize(("form", "model"), [("discriminant", "svm"), ("binary", "mlp")])
def test_a_proposal_travels_whole(form: Any, model: str, tmp_path: Path) -> None:
    net = sp.Network(tmp_path / "net", dispatcher=form)
    x, y = flowers("a")["a"]
    made = propose(net.view, sp.Sen(**{**SMALL, "model": model}), "a", encode_examples(net.view, x, y))
    sent = pickle.loads(pickle.dumps(made))  # noqa: S301 (made here)
    assert [part.hash for part in sent.components] == [part.hash for part in made.components]
    inputs = encode_examples(net.view, x, y).inputs
    assert torch.equal(try_out(net.view, sent, inputs), try_out(net.view, made, inputs))
    net.commit(sent)
    net.verify()
    with pytest.raises(TypeError, match=r"component .* has been read from its folder; send its hash"):
        pickle.dumps(sp.Network(net.path).view.component(made.components[0].hash))


def wait_for_sleep(folder: Path, seconds: float = 120.0) -> None:
    """Until task c is slept on and the tasks before it are committed."""
    end = time.monotonic() + seconds
    while not (folder / "asleep").exists() or sp.Network(folder / "net").version < 2:
        assert time.monotonic() < end, "the other process did not get there"
        time.sleep(0.05)


@pytest.mark.slow("starts real processes and kills them")
@pytest.mark.parametrize(("jobs", "stop"), [(1, signal.SIGINT), (2, signal.SIGINT), (2, signal.SIGKILL)])
def test_stopped_from_outside(tmp_path: Path, jobs: int, stop: signal.Signals) -> None:
    script = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path; import senpath as sp; from test_learn_many import Faulty, NAMES, flowers\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "if __name__ == '__main__':\n"
        f"    sp.Network(folder / 'net').learn_many(flowers(*NAMES), method=Faulty('sleep', folder), jobs={jobs})\n"
    )
    (tmp_path / "script.py").write_text(script)
    process = subprocess.Popen([sys.executable, str(tmp_path / "script.py")], stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        wait_for_sleep(tmp_path)
        if stop == signal.SIGINT:
            os.killpg(process.pid, stop)  # as the terminal does
        else:
            process.kill()
        _, said = process.communicate(timeout=60)  # ends when nobody holds the pipe any more, no worker either
    finally:
        process.kill()
        process.wait()
    if stop == signal.SIGINT:
        assert said.count("Traceback") == 1
        assert "KeyboardInterrupt: interrupted. Learned before: 'a', 'b'; the network is otherwise as it was, at version 2" in said
    net = sp.Network(tmp_path / "net")
    assert list(net.tasks) == ["a", "b"]
    net.verify()
