"""Removing tasks and freeing what nobody needs: nothing goes before it is asked for, and then it is gone."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking import answers, files, learn, same

import senpath as sp
from senpath.testing import ConstantMethod

Labelled = tuple[np.ndarray, np.ndarray]
Watch = Callable[[Path], AbstractContextManager[None]]
Contents = Callable[[Path], dict[str, str]]


def test_borrowers_answer_as_before(folder: Path, digits: Labelled) -> None:
    net, x = sp.Network(folder), digits[0]
    before = net.predict(x, task="high").probabilities["high"]
    body, head = net.view.pathway("low").components
    removed = net.remove("low")
    assert (removed.task, removed.version, removed.components, removed.shared) == ("low", 4, (head,), (body,))
    assert list(net.tasks) == ["high", "iris"]
    assert (net.predict(x, task="high").probabilities["high"] == before).all()
    with pytest.raises(sp.UnknownTaskError, match=r"task 'low': expected one that the network has learned: high, iris, got another name"):
        net.predict(x, task="low")
    net.verify()
    assert net.gc(versions=1).versions == (5,)
    assert files(folder, "components/*") >= {f"{body}.safetensors", f"{body}.json"}
    again = sp.Network(folder)
    assert (again.predict(x, task="high").probabilities["high"] == before).all()
    assert again.explain(x[60]).candidates
    again.verify()


def test_what_a_removed_task_leaves(folder: Path, iris: Labelled, contents: Contents) -> None:
    net = sp.Network(folder)
    kept, record = net.view.tasks["low"].statistics, net.view.manifest.types["image"]
    rows = (folder / "dispatcher" / record.columns).read_bytes()[: kept.rows * record.width * 4]
    assert kept.first == 0
    removed = net.remove("low")
    before = contents(folder)
    assert net.gc().files == 0
    assert contents(folder) == before
    found = net.gc(versions=1)
    assert found.files > 0
    assert found.bytes > removed.bytes > 0
    assert (found.versions, net.version, net.versions) == ((5,), 5, ())
    left = [path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != "log.jsonl"]
    assert not any(row in content for content in left for row in (rows[:4096], rows[-4096:]))
    assert not any(name in path.name for path in folder.rglob("*") for name in (*removed.components, record.covariances["low"]))
    sizes = {path.name: path.stat().st_size for path in folder.glob("dispatcher/*.columns")}
    mine = net.view.tasks["high"].statistics
    assert sizes["image.5.columns"] == 4 * record.width * mine.rows
    assert mine.first == 0
    assert net.view.manifest.types["image"].metric.file == "image.5.metric"  # type: ignore[union-attr]
    assert net.log[-1]["compacted"] is True
    net.verify()
    assert net.gc(versions=1) == sp.Cleaned(0, 0, (5,))
    learn(net, "more", iris)
    net.verify()


@pytest.fixture(scope="module")
def twenty(built_once: Callable[[str, Callable[[Path], object]], Path], digits: Labelled) -> Path:
    """A network of more tasks than renew the metric each, of which one was extended and others went."""

    def build(path: Path) -> None:
        net, (x, y) = sp.Network(path), digits
        for number in range(19):
            order = np.random.default_rng(number).permutation(64)
            rows = slice(20 * number, 20 * number + 20)
            data = (x[rows].reshape(-1, 64)[:, order].reshape(-1, 8, 8), y[rows])
            if number == 2:  # which is extended
                learn(net, "task 2", data, augment=0, links="none")
            else:
                net.learn(f"task {number}", *data, method=ConstantMethod())
        net.extend("task 2", x[:40], y[:40])
        net.remove("task 5")
        net.remove("task 18")

    return built_once("twenty.sen", build)


@pytest.mark.slow("learns twenty tasks")
def test_what_is_answered_does_not_change_with_what_is_freed(twenty: Path, tmp_path: Path, digits: Labelled) -> None:
    net, x = sp.Network(shutil.copytree(twenty, tmp_path / "net")), digits[0]
    before, metric = net.predict(x, reject=False), net.view.manifest.types["image"].metric
    assert metric is not None
    assert metric.tasks == 16
    assert net.gc(versions=1).files > 0
    for found in (net, sp.Network(net.path)):
        after = found.predict(x, reject=False)
        assert (after.task == before.task).all()
        assert (after.label == before.label).all()
        np.testing.assert_allclose(after.confidence, before.confidence, atol=1e-5)
    net.verify()
    record = net.view.manifest.types["image"].metric
    assert record is not None
    assert record.tasks == 16  # and the next one is due when it was
    net.save_pretrained(tmp_path / "saved")
    assert (sp.Network(tmp_path / "saved").predict(x, reject=False).confidence == after.confidence).all()


@pytest.mark.slow("learns twenty tasks")
def test_the_middle_of_the_columns_is_that_of_those_that_stay(twenty: Path, tmp_path: Path) -> None:
    net = sp.Network(shutil.copytree(twenty, tmp_path / "net"))
    net.gc(versions=1)
    kept = np.concatenate([net.view.statistics(task).columns for task in net.tasks])
    metric = net.view.dispatcher("image").metric  # type: ignore[attr-defined]
    np.testing.assert_allclose(metric.centre.numpy(), kept.mean(0, dtype=np.float64), rtol=1e-6)
    assert len(metric.norms) == len(kept)


def test_gc_keeps_what_its_versions_need(folder: Path, digits: Labelled, iris: Labelled) -> None:
    net = sp.Network(folder)
    before = answers(folder, digits[0][:20], iris[0][:20])
    net.remove("iris")
    net.remove("low")
    dead = folder / "components" / f"{'0' * 64}.safetensors"
    dead.write_bytes(b"left by a writer that died")
    (folder / "components" / "notes.txt").write_text("not ours")
    (folder / "dispatcher" / "image.99.metric").write_bytes(b"left too")
    found = net.gc(versions=3)
    assert found.versions == (3, 4, 5)
    assert not dead.exists()
    assert (folder / "components" / "notes.txt").exists()
    assert not (folder / "dispatcher" / "image.99.metric").exists()
    net.rollback(3)
    assert same(answers(folder, digits[0][:20], iris[0][:20]), before)


@pytest.mark.parametrize("versions", [0, -1, 1.5, True, "all"])
def test_a_number_of_versions_that_is_none(folder: Path, unchanged: Watch, versions: Any) -> None:
    with unchanged(folder), pytest.raises(sp.InputError, match=r"versions: expected a number of versions to keep, 1 .* or more, got"):
        sp.Network(folder).gc(versions)


def test_a_reader_of_a_version_that_was_freed(folder: Path, digits: Labelled, iris: Labelled) -> None:
    late, found = sp.Network(folder), sp.Network(folder)
    found.predict(digits[0][:5])  # has read what it needs
    writer = sp.Network(folder)
    writer.remove("low")
    writer.remove("iris")
    writer.gc(versions=1)
    assert len(found.predict(digits[0][:5])) == 5
    for ask in (
        lambda: late.predict(digits[0][:5]),
        lambda: late.predict(iris[0][:5], task="iris"),
        lambda: late.export("iris", folder / "x"),
    ):
        with pytest.raises(sp.StoreError, match=r"No such file or directory.*Call refresh\(\), for the network moved on"):
            ask()
    assert late.refresh()
    assert len(late.predict(digits[0][:5])) == 5


@pytest.mark.slow("learns twenty tasks")
def test_a_damaged_metric_stops_gc_before_anything_goes(twenty: Path, tmp_path: Path, unchanged: Watch) -> None:
    net = sp.Network(shutil.copytree(twenty, tmp_path / "net"))
    path = net.path / "dispatcher" / net.view.manifest.types["image"].metric.file  # type: ignore[union-attr]
    path.write_bytes(path.read_bytes()[:-1])
    with unchanged(net.path), pytest.raises(sp.StoreError, match=r"image\.\d+\.metric: expected content that matches its hash"):
        net.gc(versions=1)


class Interrupted(sp.Sen):
    """A method that another writer comes in between of: it removes what this one is about to read."""

    def __init__(self, path: Path, **settings: Any) -> None:
        super().__init__(**settings)
        self._path = path

    def propose(self, view: Any, task: str, examples: Any, progress: Any) -> Any:
        other = sp.Network(self._path)
        for name in ("low", "high", "iris"):
            other.remove(name)
        other.gc(versions=1)
        return super().propose(view, task, examples, progress)


def test_learning_from_what_was_freed_meanwhile(folder: Path, digits: Labelled) -> None:
    net = sp.Network(folder)
    with pytest.raises(sp.ConflictError, match=r"No such file or directory.*what was being learned, learn again on the present version"):
        net.learn("late", *digits, method=Interrupted(folder, epochs=1, hidden=4, threshold=0))
    learn(net, "late", digits)
    assert list(net.tasks) == ["late"]


def test_a_file_that_goes_while_a_removed_task_is_measured(folder: Path) -> None:
    """Between listing it and asking for its size, as by another writer's gc: to the caller it is a link to nothing."""
    net = sp.Network(folder)
    (folder / "components" / f"{net.view.pathway('iris').components[0]}.tmp").symlink_to(folder / "nothing")
    assert net.remove("iris").bytes > 0
    assert list(net.tasks) == ["low", "high"]


def test_a_removed_task_is_measured_before_others_can_free_it(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    looked = []

    def free(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "os.scandir" and str(arguments[0]) == str(folder / "components") and not looked:
            looked.append(event)
            sp.Network(folder).gc(versions=1)

    sys.addaudithook(free)  # it cannot be taken back, and does nothing in other folders
    assert sp.Network(folder).remove("iris").bytes == sp.Network(copy).remove("iris").bytes
    assert looked


def test_a_task_to_remove_that_is_not_there(folder: Path, unchanged: Watch) -> None:
    with (
        unchanged(folder),
        pytest.raises(sp.UnknownTaskError, match=r"task 'x': expected one that the network has learned: low, high, iris"),
    ):
        sp.Network(folder).remove("x")
