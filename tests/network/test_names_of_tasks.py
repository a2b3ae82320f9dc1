"""Another name for a task, and words that say what it is for."""

from __future__ import annotations

from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest

import senpath as sp
from senpath.reports.network_records import task_records
from senpath.testing import ConstantMethod, tiny_network, tiny_task
from tests.raising import raises_error

X = tiny_task("low")[0][:40]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_network(tmp_path_factory.mktemp("names") / "net").path


@pytest.fixture
def net(folder: Path, tmp_path: Path) -> sp.Network:
    return sp.Network(copytree(folder, tmp_path / "net"))


def answers(net: sp.Network, **given: Any) -> list[np.ndarray]:
    told = net.predict(X, **given)
    return [told.label, told.confidence, told.ood_score]


def test_a_task_is_renamed_and_nothing_else_changes(net: sp.Network) -> None:
    free, given, places = net.predict(X), answers(net, task="low"), list(net.tasks)
    info = net.rename("low", "few")
    assert (net.version, list(net.tasks)) == (4, ["few", *places[1:]])
    assert info == net.tasks["few"]
    after = net.predict(X)
    assert after.task.tolist() == ["few" if task == "low" else task for task in free.task.tolist()]
    np.testing.assert_array_equal(after.confidence, free.confidence)
    for before, now in zip(given, answers(net, task="few"), strict=True):
        np.testing.assert_array_equal(now, before)
    assert net.view.pathway("high").sources == ("few",)
    assert net.view.pathway("high").links[0].reads_from(net.view.pathway("few"))
    net.verify()
    for before, now in zip(given, answers(sp.Network(net.path), task="few"), strict=True):  # as others read it
        np.testing.assert_array_equal(now, before)
    with raises_error(sp.UnknownTaskError, what="task 'low'"):
        net.predict(X, task="low")
    assert net.log[-1]["renamed"] == {"from": "low", "to": "few"}


def test_a_name_that_is_free_again_is_another_tasks(net: sp.Network) -> None:
    net.rename("low", "few")
    net.learn("low", *(part[::2] for part in tiny_task("iris")), method=ConstantMethod(hidden=5))
    net.learn("more", *(part[::2] for part in tiny_task("high")), method=ConstantMethod(source="few"))
    assert net.view.pathway("high").sources == net.view.pathway("more").sources == ("few",)
    assert net.tasks["low"].classes_ != net.tasks["few"].classes_
    net.verify()
    net.rollback(3)
    assert list(net.tasks) == ["low", "high", "iris"]
    net.verify()


def test_what_a_name_may_not_be(net: sp.Network) -> None:
    with raises_error(sp.TaskExistsError, what="task 'high'"):
        net.rename("low", "high")
    with raises_error(sp.InputError, what="task name", got="' '"):
        net.rename("low", " ")
    with raises_error(sp.UnknownTaskError, what="task 'nothing'"):
        net.rename("nothing", "something")
    net.rename("low", "low")
    assert net.version == 3


def test_what_was_measured_follows_the_task(net: sp.Network) -> None:
    measured = sp.evaluate(net, {"low": tiny_task("low"), "high": tiny_task("high")}, record=True)
    net.rename("low", "few")
    net.rename("high", "low")
    [entry] = sp.recorded_evaluations(net)
    assert entry.evaluation.scores == {"few": measured.scores["low"], "low": measured.scores["high"]}
    assert entry.evaluation.confusion["few"].get("few") == measured.confusion["low"].get("low")
    figures = {record["name"]: record["accuracy"] for record in task_records(net, net.view)}
    assert figures == {"few": measured.scores["low"].accuracy, "low": measured.scores["high"].accuracy, "iris": None}
    sp.report(net, net.path.parent / "page.html")
    assert "few" in (net.path.parent / "page.html").read_text()
    sp.remove_evaluation(net, entry)
    assert not sp.recorded_evaluations(net)


def test_a_measurement_of_another_task_of_the_new_name_says_so(net: sp.Network) -> None:
    sp.evaluate(net, {"low": tiny_task("low"), "iris": tiny_task("iris")}, record=True)
    net.remove("iris")
    net.rename("low", "iris")
    [entry] = sp.recorded_evaluations(net)
    assert set(entry.evaluation.scores) == {"iris", "iris, earlier"}


def test_what_was_proposed_before_a_renaming_reads_from_the_task_still(net: sp.Network) -> None:
    other = sp.Network(net.path)
    x, y = (part[::2] for part in tiny_task("high"))

    class Slow(ConstantMethod):
        def propose(self, *given: Any) -> Any:
            result = super().propose(*given)
            other.rename("low", "few")
            return result

    net.learn("late", x, y, method=Slow(source="low"))
    assert net.view.pathway("late").links[0].source == "few"
    assert net.view.pathway("late").links[0].reads_from(net.view.pathway("few"))


def test_a_description_stays_with_its_task(net: sp.Network, tmp_path: Path) -> None:
    assert net.tasks["low"].description == ""
    info = net.describe("low", "Digits from 0 to 4,\nas scanned.")
    assert (info.description, net.version, net.log[-1]["described"]) == ("Digits from 0 to 4,\nas scanned.", 4, "low")
    net.describe("low", info.description)
    assert net.version == 4  # nothing to change
    net.rename("low", "few")
    net.extend("few", *tiny_task("low"))
    assert sp.Network(net.path).tasks["few"].description == info.description
    net.export("few", tmp_path / "few.sentask")
    other = sp.Network(tmp_path / "other")
    assert other.import_task(tmp_path / "few.sentask").description == info.description
    other.save_pretrained(tmp_path / "copy")
    assert "as scanned" in (tmp_path / "copy" / "README.md").read_text()
    assert "as scanned" in net.tasks["few"]._repr_html_()
    net.describe("few", "")
    assert net.tasks["few"].description == ""
    net.rollback(net.version - 1)
    assert net.tasks["few"].description == info.description


def test_what_a_description_may_not_be(net: sp.Network) -> None:
    for wrong in (None, 3, "x" * 2001, "bell\a"):
        with raises_error(sp.InputError, what="description"):
            net.describe("low", wrong)  # type: ignore[arg-type]
    assert net.version == 3
