"""Where layers and paths are drawn: nodes are apart, lines run through what they use and past all else, places are in their order."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from chains import Chain, check_drawing, grow_chains, layers_of, many_chains
from hypothesis import given
from hypothesis import strategies as st
from pages import report

import senpath as sp
from senpath.methods.munet.report.graph import in_order
from senpath.sections import Axis


def test_every_layer_has_one_node_and_every_line_runs_through_its_own(searched: sp.Network) -> None:
    (graph,) = layers_of(searched).graphs
    check_drawing(graph)
    paths = [searched.view.pathway(name) for name in ("low", "high", "odd")]
    used = Counter(name for path in paths for name in path.components)
    assert (len(graph.nodes), graph.shared) == (len(used), sum(count > 1 for count in used.values()))
    assert [row.name for row in graph.rows if row.name != "root"] == ["low", "high", "odd"]
    for path in paths:
        assert [place for place in graph.columns if place in {layer["name"] for layer in path.provenance.record["layers"]}] == [
            layer["name"] for layer in path.provenance.record["layers"]
        ]


def test_layers_that_a_path_does_without_are_passed_below(tmp_path: Path) -> None:
    chains = [
        Chain("one", {"inputs": None, "block 1": "one", "adapter block 1": "one", "block 2": None}),
        Chain("two", {"inputs": "two", "block 2": None}),
        Chain("three", {"inputs": None, "block 1": "one", "block 2": "three"}),
        Chain("four", {"inputs": None, "block 2": None}),
        Chain("five", {"inputs": None, "adapter block 1": "one"}),
    ]
    (graph,) = layers_of(grow_chains(tmp_path / "n.sen", chains)).graphs
    assert graph.columns == ["inputs", "block 1", "adapter block 1", "block 2", "head"]
    check_drawing(graph)
    assert [row.name for row in graph.rows] == ["root", "one", "two", "three", "four", "five"]


def test_lines_of_a_long_row_of_tasks(tmp_path: Path) -> None:
    (graph,) = layers_of(grow_chains(tmp_path / "n.sen", many_chains([f"task {place}" for place in range(40)]), together=40)).graphs
    assert (graph.paths, len(graph.lines), len(graph.rows)) == (40, 40, 41)
    check_drawing(graph)


def test_many_trainers_that_are_gone_share_a_row(tmp_path: Path) -> None:
    first = [Chain(f"first {number}", {"inputs": f"first {number}"}) for number in range(13)]
    then = [Chain(f"then {number}", {"inputs": f"first {number}"}) for number in range(13)]
    net = grow_chains(tmp_path / "n.sen", [*first, *then], together=26)
    for chain in first:
        net.remove(chain.task)
    (graph,) = layers_of(net).graphs
    assert (len(graph.lines), len(graph.rows)) == (13, 25)
    assert graph.rows[0].name == "2 other tasks"
    assert sum(row.note == "removed" for row in graph.rows) == 11
    check_drawing(graph)


def test_each_root_has_a_graph(tmp_path: Path) -> None:
    chains = [Chain(f"task {number}", root=str(number % 6)) for number in range(9)]
    net = grow_chains(tmp_path / "n.sen", chains, together=9)
    layers = layers_of(net)
    assert [graph.paths for graph in layers.graphs] == [2, 2, 2, 1]
    assert "Of 6 root models the 4 with the most paths are drawn." in report(net, tmp_path).text


@given(st.lists(st.tuples(st.integers(0, 4), st.frozensets(st.integers(0, 4))), min_size=1, max_size=6))
def test_places_are_in_the_order_in_which_they_run(paths: list[tuple[int, frozenset[int]]]) -> None:
    """As the method makes them: the first blocks, some with an adapter behind."""
    everything = [name for block in range(5) for name in (f"block {block}", f"adapter block {block}")]
    sequences = []
    for depth, adapters in paths:
        there = [name for name in everything if int(name[-1]) < depth and ("adapter" not in name or int(name[-1]) in adapters)]
        sequences.append(["patches", *there, "norm", "head"])
    found = in_order(sequences)
    assert found == ["patches", *(name for name in everything if name in found), "norm", "head"]


def test_places_in_no_order_are_there_once() -> None:
    assert sorted(in_order([["a", "b", "c"], ["c", "a"], ["b", "a"]])) == ["a", "b", "c"]


@given(low=st.floats(-1e6, 1e6), span=st.floats(0, 1e6), steps=st.integers(2, 6))
def test_an_axis_spans_its_values(low: float, span: float, steps: int) -> None:
    high = low + span
    axis = Axis.over(low, high, steps)
    slack = 1e-5 * (axis.values[-1] - axis.values[0])
    assert axis.values[0] <= low + slack
    assert high <= axis.values[-1] + slack
    assert 2 <= len(axis.values) <= steps + 3
    words = [text for _, text in axis.labels()]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.0, 43.7, ["0", "10", "20", "30", "40", "50"]),
        (0.912, 0.948, ["0.91", "0.92", "0.93", "0.94", "0.95"]),
        (1.0, 1.0, ["0.9998", "1.0000"]),
        (0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ],
)
def test_an_axis_has_round_numbers(low: float, high: float, words: list[str]) -> None:
    assert [text for _, text in Axis.over(low, high, 5).labels()] == words
