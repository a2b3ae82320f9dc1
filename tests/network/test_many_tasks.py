"""A network of more tasks than are all scored: what it reads, writes and counts."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import senpath as sp
from senpath.methods.sen.links import SOURCES
from senpath.routing import CARRIERS
from senpath.snapshot.component_cache import ComponentCache
from senpath.store import FORMAT_VERSION
from senpath.testing import ConstantMethod

pytestmark = pytest.mark.slow("grows a network of 125 tasks")
TASKS, LOOKED_AT = 125, (16, 17, 19, 20, 123, 124, 125)
"""How many there are, and the versions whose files are kept to be looked at."""
Labelled = tuple[np.ndarray, np.ndarray]


def permuted(count: int) -> Iterator[tuple[str, Labelled, Labelled]]:
    """Tasks of ten digits under an order of the pixels of their own: name, three examples of each digit, ten others."""
    x, y = load_digits(return_X_y=True)
    random = np.random.default_rng(0)
    for number in range(count):
        order = random.permutation(64)
        rows = np.concatenate([random.choice(np.flatnonzero(y == digit), 4, replace=False) for digit in range(10)])
        images = (x[rows][:, order] / 16).reshape(-1, 8, 8)
        learned = np.arange(40) % 4 < 3
        yield f"task {number}", (images[learned], y[rows][learned]), (images[~learned], y[rows][~learned])


@pytest.fixture(scope="module")
def large(
    built_once: Callable[[str, Callable[[Path], object]], Path],
) -> tuple[Path, list[tuple[str, Labelled, Labelled]], dict[int, dict[str, bytes]]]:
    """The folder of 125 tasks, the tasks and one more, and the dispatcher's files after some of the commits."""
    tasks = list(permuted(TASKS + 1))

    def build(path: Path) -> None:
        net = sp.Network(path)
        for number, (name, train, _) in enumerate(tasks[:-1]):
            net.learn(name, *train, method=ConstantMethod(hidden=2, random_state=number))
            if net.version in LOOKED_AT:
                shutil.copytree(path / "dispatcher", path.with_name(f"dispatcher {net.version}"), dirs_exist_ok=True)

    path = built_once("large.sen", build)
    files = {version: path.with_name(f"dispatcher {version}") for version in LOOKED_AT}
    return path, tasks, {version: {file.name: file.read_bytes() for file in folder.iterdir()} for version, folder in files.items()}


Large = tuple[Path, list[tuple[str, Labelled, Labelled]], dict[int, dict[str, bytes]]]


@pytest.fixture
def copied(large: Large, tmp_path: Path) -> Path:
    return Path(shutil.copytree(large[0], tmp_path / "copy.sen"))


def inputs(large: Large) -> np.ndarray:
    return np.concatenate([test[0] for _, _, test in large[1][:TASKS]])


def test_the_right_task_is_found_among_many(large: Large) -> None:
    net = sp.Network(large[0])
    answers = net.predict(inputs(large), reject=False)
    right = np.repeat([name for name, _, _ in large[1][:TASKS]], 10)
    assert net.view.dispatcher("image").indexed  # type: ignore[attr-defined]
    assert np.mean([name in mine for name, mine in zip(right, answers.candidates, strict=True)]) > 0.9


def test_the_metric_is_written_now_and_then(large: Large) -> None:
    files = large[2]
    # Those of the last ten versions.
    expected = {16: range(7, 17), 17: range(8, 17), 19: range(10, 17), 20: [*range(11, 17), 20], 123: [99], 125: [99, 124]}
    for version, made in expected.items():
        assert {name for name in files[version] if "metric" in name} == {f"image.{number}.metric" for number in made}
    for version, mine in files.items():  # a task's own covariance is written once, if it is one of the first
        assert len([name for name in mine if "covariance" in name]) == min(version, CARRIERS)
    assert files[125]["image.columns"].startswith(files[20]["image.columns"])


def test_a_reader_that_goes_along_answers_as_one_that_opens_anew(large: Large, copied: Path) -> None:
    along, x = sp.Network(copied), inputs(large)[::20]
    along.predict(x)
    name, train, _ = large[1][-1]
    sp.Network(copied).learn(name, *train, epochs=1, hidden=2, augment=0)
    assert along.refresh()
    old, new = along.predict(x), sp.Network(copied).predict(x)
    np.testing.assert_array_equal(old.candidates, new.candidates)
    np.testing.assert_allclose(old.confidence, new.confidence, rtol=1e-5)


def test_learning_reads_a_handful_of_the_others(large: Large, copied: Path) -> None:
    net = sp.Network(copied)
    before = {file: file.stat().st_mtime_ns for file in copied.rglob("*") if file.is_file()}
    name, train, _ = large[1][-1]
    with net.view.watch() as touched:
        learned = net.learn(name, *train, epochs=1, hidden=2, augment=0)
    bodies = {part for task in net.view.tasks for part in net.view.pathway(task).components[:1]}
    assert 1 <= len(touched.components & bodies) <= SOURCES
    assert 0 < learned.cost.dispatcher_read < net.view.dispatcher_weights("image")
    # Of what there was, only these files are written again, or grow.
    changed = {file.name for file, when in before.items() if not file.exists() or file.stat().st_mtime_ns != when}
    changed -= {file.name for file in before if file.parent.name == "pages"}  # one that no version names any more goes
    assert changed <= {"network.json", "log.jsonl", "image.columns", "116.json", ".lock"}


def test_predicting_reads_what_it_activates(large: Large, copied: Path) -> None:
    net, x = sp.Network(copied), inputs(large)
    answer = net.predict(x[500:501])
    ran = answer.activated[0]
    for task in net.view.tasks:  # the weights of all other pathways are not needed
        if task not in (*ran.tasks, *ran.sources):
            for part in net.view.pathway(task).references - ran.components:
                (copied / "components" / f"{part}.safetensors").unlink(missing_ok=True)
    again = sp.Network(copied).predict(x[500:501])
    assert (again.task[0], again.label[0], again.confidence[0]) == (answer.task[0], answer.label[0], answer.confidence[0])
    assert 0 < ran.dispatcher_weights < net.view.dispatcher_weights("image")


class IndexedOnly(list[object]):
    """A list that must not be walked."""

    def __iter__(self) -> Iterator[object]:
        raise AssertionError("all tasks were looked at")


def test_predicting_looks_at_no_task_but_its_candidates(large: Large) -> None:
    net, x = sp.Network(large[0]), inputs(large)[500:502]
    before = net.predict(x)
    net.view.__dict__["paths"] = IndexedOnly(net.view.paths)
    after = net.predict(x)
    assert (after.label == before.label).all()
    assert (after.confidence == before.confidence).all()


def test_explaining_shows_the_tasks_that_came_into_question(large: Large) -> None:
    why = sp.Network(large[0]).explain(inputs(large)[300])
    assert 2 <= len(why.scores) < TASKS
    assert list(why.scores.values()) == sorted(why.scores.values(), reverse=True)
    assert why.candidates[0] == next(iter(why.scores))
    assert sum(why.scores.values()) == pytest.approx(1)


def test_damaged_columns_are_noticed_when_they_are_used(large: Large, copied: Path) -> None:
    net = sp.Network(copied)
    record = net.view.tasks["task 40"].statistics
    with open(copied / "dispatcher" / "image.columns", "r+b") as file:
        file.seek(record.first * 1024 * 4 + 100)
        file.write(b"\x00\x00\x80\x3f")
    x = inputs(large)
    with pytest.raises(sp.StoreError, match=r"image\.columns: expected rows that match their hash"):
        net.predict(x[400:410])
    with pytest.raises(sp.StoreError, match=r"image\.columns: expected rows that match their hash"):
        net.verify()


def first_format(folder: Path) -> None:
    """Write the folder as format 1 had it: one JSON document, no metric."""
    path = folder / "network.json"
    content = json.loads(path.read_bytes())
    content.pop("checksum")
    content["format_version"] = 1
    network = content["network"]
    pages = [json.loads((folder / "pages" / f"{page['sha256']}.json").read_bytes()) for page in network.pop("pages")]
    for part in ("tasks", "components"):
        network[part] = {name: value for one in (*pages, network) for name, value in one[part].items()}
    shutil.rmtree(folder / "pages")
    for record in content["network"]["types"].values():
        (folder / "dispatcher" / record.pop("metric")["file"]).unlink()
    (folder / "temporary").rmdir()
    body = json.dumps(content, indent=1, ensure_ascii=False).encode()[:-2]
    path.write_bytes(body + b',\n"checksum":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n')


def test_a_folder_of_the_first_format(large: Large, copied: Path) -> None:
    x = inputs(large)[::20]
    first_format(copied)
    net = sp.Network(copied)
    assert len(net.tasks) == TASKS
    answers = net.predict(x)
    # The reader makes the metric of all tasks itself; the folder's own was of the first 124.
    assert np.mean(answers.task == sp.Network(large[0]).predict(x).task) > 0.9
    net.verify()
    name, train, _ = large[1][-1]
    net.learn(name, *train, epochs=1, hidden=2, augment=0)
    assert f'"format_version":{FORMAT_VERSION}'.encode() in (copied / "network.json").read_bytes()[:100]
    again = sp.Network(copied)
    again.verify()
    assert (len(again.tasks), again.version) == (TASKS + 1, TASKS + 1)
    assert again.view.manifest.types["image"].metric is not None


def test_the_shelf_keeps_what_was_used_last(large: Large) -> None:
    view = sp.Network(large[0]).view
    names = list(dict.fromkeys(view.pathway(f"task {number}").components[-1] for number in range(20)))[:4]
    parts = [view.component(name) for name in names]
    shelf = ComponentCache(3 * parts[0].weights)
    for part in parts[:3]:
        shelf.put(part)
    assert shelf.get(parts[0].hash) is parts[0]
    shelf.put(parts[3])
    assert [shelf.get(part.hash) is part for part in parts] == [True, False, True, True]
    small = ComponentCache(1)
    for part in parts:
        small.put(part)
    assert [small.get(part.hash) is part for part in parts] == [False, False, False, True]


def test_a_prediction_can_be_copied(large: Large) -> None:
    answers = sp.Network(large[0]).predict(inputs(large)[:20])
    again = copy.deepcopy(answers)
    np.testing.assert_array_equal(again.candidates, answers.candidates)
    assert list(again.activated) == list(answers.activated)
    assert again.top(2) == answers.top(2)


def test_threads_share_a_network(large: Large, copied: Path) -> None:
    along, x = sp.Network(copied), inputs(large)[::10]
    along.predict(x)
    name, train, _ = large[1][-1]
    sp.Network(copied).learn(name, *train, epochs=1, hidden=2, augment=0)
    along.refresh()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda part: along.predict(part).task.tolist(), [x] * 16))
    assert all(one == found[0] for one in found)
    assert sp.Network(copied).predict(x).task.tolist() == found[0]


def test_no_inputs_and_an_older_reader(large: Large, copied: Path) -> None:
    older, x = sp.Network(copied), inputs(large)[::10]
    before = older.predict(x).candidates
    newer = sp.Network(copied)
    newer.predict(x)
    for number in range(3):
        newer.learn(f"more {number}", *large[1][-1][1], epochs=1, hidden=2, augment=0)
        newer.predict(x)
    np.testing.assert_array_equal(older.predict(x).candidates, before)
    assert len(older.predict(x[:0])) == 0
