"""A task that has the name of one that is gone is another task, wherever the two could meet."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

import senpath as sp
from senpath.reports.network_summary import measured_stages, summarize
from senpath.testing import ConstantMethod, tiny_network, tiny_task


def words(page: Path) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")))


def learn_anew(net: sp.Network, name: str) -> None:
    """Remove a task and learn another of its name, that is nothing but noise."""
    x, y = tiny_task(name)
    net.remove(name)
    net.learn(name, x, np.random.default_rng(0).permutation(y), method=ConstantMethod(hidden=4))


def test_the_report_compares_a_task_with_itself(tmp_path: Path) -> None:
    net, data = tiny_network(tmp_path / "net", ["low"]), {"low": tiny_task("low")}
    sp.evaluate(net, data, record=True)
    learn_anew(net, "low")
    sp.report(net, tmp_path / "r.html")
    assert "Nothing has been measured yet" in words(tmp_path / "r.html")
    sp.evaluate(net, data, record=True)
    sp.report(net, tmp_path / "r.html")
    assert "Measured once" in words(tmp_path / "r.html")
    net.rollback(1)  # the first is back, and what was measured of the other is not its own
    (stage,) = measured_stages(net)
    assert stage.version == 1
    sp.evaluate(net, data, record=True)
    sp.report(net, tmp_path / "r.html")
    assert "no accuracy has changed since it was first measured" in words(tmp_path / "r.html")


def test_the_same_task_changed_is_compared(tmp_path: Path) -> None:
    net, (x, y) = tiny_network(tmp_path / "net", ["low"]), tiny_task("low")
    identity = net.view.pathway("low").identity
    sp.evaluate(net, {"low": (x, y)}, record=True)
    assert net.prune("low", 0.2, what="units").changed
    sp.evaluate(net, {"low": (x, y)}, record=True)
    assert net.view.pathway("low").identity == identity
    assert [stage.version for stage in measured_stages(net)] == [1, 2]


def test_a_link_reads_from_the_task_that_it_was_made_for(tmp_path: Path) -> None:
    net = tiny_network(tmp_path / "net", ["low", "high"])
    (link,) = net.view.pathway("high").links
    assert link.reads_from(net.view.pathway("low"))
    learn_anew(net, "low")
    network = summarize(net, [])
    assert network.lenders(network.tasks["high"]) == ("low (removed)",)
    assert network.lender(network.tasks["high"], link) is None
    net.extend("high", *tiny_task("high"), finetune=True, epochs=1, most_lost=1)  # changed after the other came
    network = summarize(net, [])
    assert network.lenders(network.tasks["high"]) == ("low (removed)",)


def test_an_imported_task_borrows_from_none_of_another_network(tmp_path: Path) -> None:
    theirs, mine = tiny_network(tasks=["low", "high"]), sp.Network()
    theirs.export("high", tmp_path / "high.sentask")
    theirs.export("low", tmp_path / "low.sentask")
    mine.learn("low", *tiny_task("odd"), method=ConstantMethod())
    mine.import_task(tmp_path / "high.sentask")
    network = summarize(mine, [])
    assert network.lenders(network.tasks["high"]) == ("low (removed)",)
    mine.remove("low")
    mine.import_task(tmp_path / "low.sentask")
    network = summarize(mine, [])
    assert network.lenders(network.tasks["high"]) == ("low",)
