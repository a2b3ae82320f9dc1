"""Where things are drawn: labels do not overlap, lines begin and end at what they connect, shares add up."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import FLOWERS, grow, report, summary

import senpath as sp
from senpath.learning import propose
from senpath.pathways import Provenance
from senpath.reports.accuracy import describe_accuracy
from senpath.reports.borrowing import NODE, ROW, draw_borrowing
from senpath.reports.network_summary import measured_stages, sections, summarize
from senpath.reports.tables import OTHERS, describe_routes
from senpath.sections import GAP, spread_labels
from senpath.snapshot import encode_examples


def drawing_of(net: sp.Network) -> dict[str, Any]:
    network = summary(net)
    return draw_borrowing(network, sections(network))


@given(values=st.lists(st.floats(0, 100), max_size=10).map(sorted))
def test_labels_are_apart_and_within(values: list[float]) -> None:
    placed = spread_labels(values, 9, 2, 98)
    assert len(placed) == len(values)
    assert all(after - before >= 9 - 1e-9 for before, after in pairwise(placed))
    assert all(2 - 1e-9 <= place <= 98 + 1e-9 for place in placed)


@pytest.mark.parametrize(
    ("values", "placed"), [([], []), ([50], [50]), ([10, 50, 90], [10, 50, 90]), ([98, 98, 98], [80, 89, 98]), ([0, 0, 1], [2, 11, 20])]
)
def test_labels_stay_where_there_is_room(values: list[float], placed: list[float]) -> None:
    assert spread_labels(values, 9, 2, 98) == placed


def test_the_lines_are_at_their_accuracies(mixed: sp.Network) -> None:
    stages = describe_accuracy(summary(mixed), measured_stages(mixed))
    heights = {int(tick.text): tick.place for tick in stages["up"]}
    (low, low_place), (high, high_place) = min(heights.items()), max(heights.items())
    for line in stages["lines"]:
        expected = low_place + (100 * line["score"].accuracy - low) / (high - low) * (high_place - low_place)
        assert line["end"] == pytest.approx(expected, abs=0.02)
        assert line["given"].endswith(f" {line['end']}")
        assert line["given"].count("L") == line["unlabelled"].count("L") == line["dots"].count("M") - 1
    assert [tick.text for tick in stages["across"]] == ["v1", "v2", "v3"]
    assert [tick.more for tick in stages["across"]] == ["low", "high", "mood"]
    labels = sorted(line["label"] for line in stages["lines"])
    assert all(after - before >= GAP - 0.02 for before, after in pairwise(labels))


def test_arcs_begin_and_end_at_their_tasks(mixed: sp.Network) -> None:
    drawing = drawing_of(mixed)
    middles = {task.name: (place + 0.5) * ROW for place, (task, _) in enumerate(drawing["rows"]) if task}
    assert list(middles) == list(mixed.tasks)
    assert [b - a for a, b in pairwise(middles.values())] == [ROW] * 5
    arcs = {(arc["borrowing"].name, arc["borrowing"].task.name): arc for arc in drawing["arcs"]}
    assert arcs.keys() == {(source, name) for name, info in mixed.tasks.items() for source, _ in info.transfers}
    for (source, name), arc in arcs.items():
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", arc["line"])]
        assert numbers[:2] == [drawing["gutter"] - NODE, middles[source]]
        assert numbers[-1] == middles[name]
        assert min(numbers[0], 0.25 * numbers[0] + 0.75 * numbers[2]) - arc["width"] / 2 >= 0  # within the drawing


def test_an_arc_is_thicker_the_more_classes_are_similar(mixed: sp.Network) -> None:
    arcs = drawing_of(mixed)["arcs"]
    assert sorted(arcs, key=lambda arc: arc["width"]) == sorted(arcs, key=lambda arc: arc["borrowing"].similar)


def test_a_copied_layer_is_a_dashed_arc(tmp_path: Path) -> None:
    net = grow(tmp_path / "n.sen", ["one"], record=False)
    proposal = propose(net.view, sp.Sen(epochs=0, hidden=4, links="none"), "two", encode_examples(net.view, FLOWERS.data, FLOWERS.target))
    pathway = replace(proposal.pathways[0], provenance=Provenance("sen", record={"copied_from": "one"}))
    net.commit(replace(proposal, pathways=(pathway,)))
    (arc,) = drawing_of(net)["arcs"]
    assert (arc["borrowing"].name, arc["borrowing"].classes) == ("one", 0)
    page = report(net, tmp_path)
    assert "one → two: hidden layer copied" in page.texts
    assert ("path", "class", "arc copied") in page.attributes
    assert page.table("task")[1][5] == "one hidden layer"
    assert "A dashed arc leads from an earlier task" in page.text


def test_a_link_whose_source_is_gone_is_still_listed(tmp_path: Path) -> None:
    net = grow(tmp_path / "n.sen", ["one", "two"], links=True, record=False)
    network = summary(net)
    drawing = draw_borrowing(replace(network, tasks={"two": network.tasks["two"]}), [])
    assert (len(drawing["arcs"]), [link.name for link in drawing["listed"]]) == (0, ["one"])


def test_parts_are_what_runs(mixed: sp.Network) -> None:
    network = summary(mixed)
    for name, task in network.tasks.items():
        info = mixed.tasks[name]
        parts = task.parts
        assert parts["own"] + parts["links"] == info.weights
        assert parts["own"] + parts["links"] + parts["read"] == info.run_weights
        assert parts["dispatcher"] == mixed.view.dispatcher_weights(info.data_type)
        assert task.share == sum(parts.values()) / mixed.weights["total"]
        assert (parts["links"] > 0) == (parts["read"] > 0) == bool(info.transfers)
    assert network.tasks["zero-shot"].parts["own"] == 0


@pytest.mark.slow("draws many pages")
def test_every_input_went_somewhere(many: sp.Network, mixed: sp.Network) -> None:
    for net in (many, mixed):
        routes = describe_routes(summary(net), measured_stages(net))
        assert routes is not None
        for _, cells in routes["rows"]:
            assert len(cells) == len(routes["columns"]) + len(routes["extra"])
            assert sum(cell.share for cell in cells) == pytest.approx(1)
    assert OTHERS not in routes["extra"]


def test_an_older_picture_is_reported_as_it_was(tmp_path: Path) -> None:
    grow(tmp_path / "n.sen", ["one", "two"])
    reader = sp.Network(tmp_path / "n.sen")
    grow(tmp_path / "n.sen", ["three"])
    stages = measured_stages(reader)
    network = summarize(reader, stages)
    assert list(network.tasks) == ["one", "two"]
    assert [stage.version for stage in stages] == [1, 2]
    assert [entry["version"] for entry in network.log] == [1, 2]
