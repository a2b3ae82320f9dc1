"""The section on layers: who shares what, how searches went, what paths account for; of real searches, and of odd folders."""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from chains import ROOT, Chain, check_drawing, generations, grow_chains, layers_of, many_chains, numbers, record_of
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import FLOWERS, HOSTILE, Page, check_inert, grow, report, section_of, unstyled

import senpath as sp
from senpath.errors import printable
from senpath.reports.page import percent

Labelled = tuple[np.ndarray, np.ndarray]


def section(page: Page) -> str:
    """What a reader sees of the section."""
    return page.text.partition(" Layers ")[2].partition(" Activated weights ")[0]


def test_without_such_tasks_there_is_no_section(tmp_path: Path) -> None:
    net = grow(tmp_path / "n.sen", ["one", "two"], links=True)
    assert section_of(net, "munet") is None
    page = report(net, tmp_path)
    assert "Layers" not in page.texts
    assert ("section", "id", "layers") not in page.attributes


def test_the_table_says_what_the_network_holds(searched: sp.Network, tmp_path: Path) -> None:
    page = report(searched, tmp_path)
    check_inert(page)
    assert unstyled(tmp_path / "report.html") <= {"nil"}
    rows = {row[0]: row for row in page.table("path of")}
    assert list(rows) == ["low", "high", "odd"]
    paths = {name: searched.view.pathway(name) for name in rows}
    sizes, users = searched.view.manifest.components, Counter(name for path in paths.values() for name in path.components)
    for name, path in paths.items():
        record = path.provenance.record
        own = sum(layer["origin"] == name for layer in record["layers"])
        assert rows[name][2] == f"{own} of {len(path.components)}"
        accounted = sum(sizes[part] / users[part] for part in path.components) / record["root_weights"]
        now, first = percent(accounted), percent(record["accounted"] / record["root_weights"])
        assert rows[name][5] == (now if now == first else f"{now} {first} at first")
        assert rows[name][7:10] == [f"{record['flops'] / record['root_flops']:.2f}", percent(record["quality"]), f"{record['score']:.3f}"]


def test_all_weights_are_accounted_for_once(searched: sp.Network) -> None:
    paths = layers_of(searched).paths
    sizes = searched.view.manifest.components
    used = {name for path in paths for name in path.task.pathway.components}
    assert sum(path.accounted for path in paths) == pytest.approx(sum(sizes[name] for name in used))
    for path in paths:
        assert path.own + sum(count for _, count in path.taken) == len(path.layers)


def test_a_dot_is_filled_where_test_data_was_measured(searched: sp.Network) -> None:
    dots = {dot.path.task.name: dot for dot in layers_of(searched).dots}
    accuracy = sp.recorded_evaluations(searched)[-1].evaluation.scores["low"].accuracy
    assert (dots["low"].measured, dots["low"].value) == (True, accuracy)
    for name in ("high", "odd"):
        assert (dots[name].measured, dots[name].value) == (False, searched.tasks[name].provenance.record["quality"])


def test_searches_are_drawn_as_the_log_tells_them(searched: sp.Network) -> None:
    searches = layers_of(searched).searches
    entries = [entry for entry in searched.log if "generations" in entry]
    assert [search.task.name for search in searches] == ["low", "high", "odd"]
    for search, entry in zip(searches, entries, strict=True):
        children = [child for generation in entry["generations"] for child in generation]
        kept = [child["score"] for child in children if child["kept"]]
        assert (search.children, search.joined, search.failed, search.best) == (4, len(kept), 0, max(kept))
        assert search.kept.count("M") == len(kept)
        assert search.dropped.count("M") == len(children) - len(kept)
        assert [tick.text for tick in search.across] == ["1", "2"]
        heights = {float(tick.text.replace(",", "")): tick.place for tick in search.up}
        (low, bottom), (high, top) = min(heights.items()), max(heights.items())
        expected = bottom + (max(kept) - low) / (high - low) * (top - bottom)
        assert numbers(search.line)[-2] == pytest.approx(expected, abs=0.02)


def test_who_shares_what(tmp_path: Path) -> None:
    chains = [Chain("one", dict.fromkeys(ROOT)), Chain("two", {"inputs": None, "block 1": "two"}), Chain("three", {"block 1": "two"})]
    page = report(grow_chains(tmp_path / "n.sen", chains), tmp_path)
    rows = {row[0]: row for row in page.table("path of")}
    assert [row[2:5] for row in rows.values()] == [
        ["1 of 4", "3 root", "1 two"],
        ["2 of 3", "1 root", "1 one 1 three"],
        ["1 of 2", "1 two", "1 two"],
    ]
    assert [row[5] for row in page.table("task")] == ["–", "–", "two layers"]
    assert rows["one"][10] == "2 values learning rate 0.0001 momentum 0.5"
    assert "block 1: 20 weights, trained by two; used by two, three" in page.texts
    assert "inputs: 20 weights, of the root; used by one, two" in page.texts
    assert "From the root mlp : 3 paths; 2 of 7 layers shared; the root has 60 weights" in page.text
    assert "best 0.700 · 2 of 4 kept, 1 failed" in page.text
    assert "What was borrowed" not in page.texts  # where there are no links, and this section says it all


def test_a_trainer_that_is_gone(tmp_path: Path) -> None:
    net = grow_chains(tmp_path / "n.sen", [Chain("one", {"inputs": "one"}), Chain("two", {"inputs": "one"})])
    net.remove("one")
    page = report(net, tmp_path)
    check_inert(page)
    assert "inputs: 20 weights, trained by one, which is gone; used by two" in page.texts
    assert "by one that is gone" in page.texts
    (graph,) = layers_of(net).graphs
    assert [(row.name, row.note) for row in graph.rows] == [("one", "removed"), ("two", "")]
    net = grow_chains(tmp_path / "n.sen", [Chain("one")])
    (graph,) = layers_of(net).graphs
    assert [(row.name, row.note) for row in graph.rows] == [("root", "mlp"), ("one", "as it was before"), ("two", ""), ("one", "")]
    check_drawing(graph)


def test_an_imported_task_keeps_what_it_trained(tmp_path: Path) -> None:
    grow_chains(tmp_path / "a.sen", [Chain("one", {"inputs": "one", "block 1": None})]).export("one", tmp_path / "one.zip")
    net = sp.Network(tmp_path / "b.sen")
    net.import_task(tmp_path / "one.zip", "renamed")
    (path,) = layers_of(net).paths
    assert (path.own, [(by.name, count) for by, count in path.taken]) == (2, [(None, 1)])
    page = report(net, tmp_path)
    assert "Score by generation" not in page.texts
    assert page.table("path of")[0][:3] == ["renamed", "the root", "2 of 3"]


def test_tasks_that_were_changed_since(tmp_path: Path) -> None:
    chains = [Chain(name, {"inputs": by}, root=name) for name, by in (("of a", "of a"), ("of b", None), ("of c", None))]
    net = grow_chains(tmp_path / "n.sen", chains)
    assert net.prune("of a", keep=0.75).changed
    assert net.extend("of b", FLOWERS.data[:6], ["x", "y", "new"] * 2).changed
    assert net.extend("of c", FLOWERS.data, np.array(["x", "y", "z"])[FLOWERS.target], finetune=True).changed
    page = report(net, tmp_path)
    check_inert(page)
    assert [row[:4] for row in page.table("path of")] == [
        ["of a pruned since", "the root", "2 of 2", "–"],
        ["of b extended since", "the root", "1 of 2", "1 root"],
        ["of c extended since", "the root", "2 of 2", "–"],
    ]
    assert len(layers_of(net).searches) == 3


BROKEN: dict[str, dict[str, Any]] = {
    "no root": {"root": None},
    "no key": {"root_id": 7},
    "weights in words": {"root_weights": "many"},
    "a root of less than nothing": {"root_weights": -1},
    "endless weights": {"root_weights": 1e300},
    "no layers": {"layers": None},
    "fewer layers": {"layers": [{"name": "inputs", "origin": None}]},
    "layers in words": {"layers": ["inputs", "block 1", "block 2", "head"]},
    "a name in numbers": {"layers": [{"name": place, "origin": None} for place in (1, 2, 3, 4)]},
    "an origin in numbers": {"layers": [{"name": place, "origin": 4} for place in (*ROOT, "head")]},
    "one name twice": {"layers": [{"name": "inputs", "origin": None}] * 4},
}


@pytest.mark.parametrize("record", BROKEN.values(), ids=BROKEN.keys())
def test_a_task_whose_record_does_not_fit_is_left_out(tmp_path: Path, record: dict[str, Any]) -> None:
    net = grow_chains(tmp_path / "n.sen", [Chain("broken", record=record), Chain("whole")])
    page = report(net, tmp_path)
    assert [row[0] for row in page.table("path of")] == ["whole"]
    assert len(page.table("task")) == 2


ODD: dict[str, dict[str, Any]] = {
    "nothing else": dict.fromkeys(("root_flops", "hyper", "rates", "parent", "child", "quality", "score", "accounted", "flops")),
    "words for numbers": dict.fromkeys(("root_flops", "quality", "score", "accounted", "flops"), "much"),
    "lists for words": {"parent": ["root"], "hyper": [1], "child": {}},
    "numbers beyond all": {"quality": 1e300, "score": -1e300, "accounted": 10**400, "flops": True},
    "a root of nothing": {"root_weights": 0, "root_flops": 0},
    "hyperparameters of any kind": {"hyper": {"learning_rate": "x" * 1000, "momentum": None, "adapter": [1], "crop": {"a": 1}, "new": 3}},
    "places that run in another order": {
        "layers": record_of(dict.fromkeys(["block 2", "inputs", "block 1", "head"]), ["a", "b", "c", "d"])["layers"]
    },
}


@pytest.mark.parametrize("record", ODD.values(), ids=ODD.keys())
def test_what_else_is_recorded_may_be_anything(tmp_path: Path, record: dict[str, Any]) -> None:
    page = report(grow_chains(tmp_path / "n.sen", [Chain("odd", record=record), Chain("whole")]), tmp_path)
    check_inert(page)
    assert [row[0] for row in page.table("path of")] == ["odd", "whole"]
    assert "x" * 41 not in section(page)


HISTORIES: dict[str, Any] = {
    "none": None,
    "of no generation": [],
    "of no children": [[], []],
    "in words": "long",
    "of words": [["long"], 3],
    "all failed": [[{"score": None, "kept": False}]],
    "without scores": [[{"kept": True}]],
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES.keys())
def test_a_log_that_tells_nothing_of_a_search(tmp_path: Path, history: Any) -> None:
    page = report(grow_chains(tmp_path / "n.sen", [Chain("one", entry={"generations": history})]), tmp_path)
    assert "Score by generation" not in page.texts
    assert [row[0] for row in page.table("path of")] == ["one"]


def test_a_log_that_is_cut(tmp_path: Path) -> None:
    net = grow_chains(tmp_path / "n.sen", [Chain("one"), Chain("two")])
    (net.path / "log.jsonl").write_text("")
    net = sp.Network(net.path)
    assert [search.task.name for search in layers_of(net).searches] == ["two"]  # the last entry is kept with the network, too
    report(net, tmp_path)


def test_a_search_that_another_task_s_entry_tells_of(tmp_path: Path) -> None:
    other = {**record_of({"inputs": None, "head": "other"}, ["a", "b"]), "child": 3}
    net = grow_chains(tmp_path / "n.sen", [Chain("one", entry={"record": other})])
    assert layers_of(net).searches == []


def test_a_long_search_is_thinned(tmp_path: Path) -> None:
    scores = [0.5 + 0.4 * place / 1000 for place in range(1000)]
    long = [[{"score": score - 0.1 * child, "kept": child == 0} for child in range(20)] for score in scores]
    (search,) = layers_of(grow_chains(tmp_path / "n.sen", [Chain("one", entry={"generations": long})])).searches
    assert (search.children, search.generations, search.thinned) == (20_000, 1000, True)
    assert len(search.line + search.kept + search.dropped) < 20_000
    assert search.best == scores[-1]


def test_a_hundred_tasks(tmp_path: Path) -> None:
    names = [f"{place:03}" + "界" * 197 for place in range(100)]
    net = grow_chains(tmp_path / "n.sen", many_chains(names), together=90)
    start = time.perf_counter()
    page = report(net, tmp_path)
    assert time.perf_counter() - start < 3
    assert (tmp_path / "report.html").stat().st_size < 1_700_000
    check_inert(page)
    assert "100 paths; " in page.text
    assert "The last 8 of 10 searches are drawn." in page.text
    assert "The last 12 of 100 tasks are named." in page.text
    assert len(page.table("path of")) == 100
    layers = layers_of(net)
    labels = sorted(dot.label for dot in layers.dots if dot.label is not None)
    assert len(labels) == 12
    assert all(after - before >= 5.9 for before, after in pairwise(labels))
    assert len(layers.graphs[0].lines) == 100
    check_drawing(layers.graphs[0])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The report on tasks with names that are nothing but names."""
    folder = tmp_path_factory.mktemp("plain")
    return report(grow_chains(folder / "n.sen", many_chains(["a", "b", "c"]), together=2), folder)


@settings(max_examples=12, deadline=None)
@given(names=st.lists(HOSTILE, min_size=3, max_size=3, unique=True), places=st.lists(HOSTILE, min_size=3, max_size=3, unique=True))
def test_no_name_is_more_than_a_name(plain: Page, names: list[str], places: list[str]) -> None:
    with TemporaryDirectory() as folder:
        page = report(grow_chains(Path(folder) / "n.sen", many_chains(names, places), together=2), Path(folder))
    check_inert(page)
    assert page.tags == plain.tags
    for name in (*names, *places):
        assert printable(name).strip() in page.texts


def test_the_made_up_history_is_as_the_method_writes_it(searched: sp.Network) -> None:
    entry = next(entry for entry in searched.log if "generations" in entry)
    assert entry["generations"][0][0].keys() == generations("one")[0][0].keys()
    assert entry["record"].keys() == record_of({}, []).keys()
