"""What a report says of tasks that were learned together, each with components of its own choice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import HOSTILE, Page, check_inert, report, section_of, summary

import senpath as sp
from senpath.methods.allocation.report import GROUPS
from senpath.reports.page import render

Labelled = tuple[np.ndarray, np.ndarray]
SMALL = {"layers": 2, "width": 4, "components": ("3x3", "max", "identity"), "steps": 10, "p0": 0.55, "router_rate": 0.05}


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, digits: Labelled, iris: Labelled) -> sp.Network:
    """Two tasks learned together, one by the same method alone, one by another."""
    x, y = digits[0][:200], digits[1][:200]
    net = sp.Network(tmp_path_factory.mktemp("together") / "together.sen")
    net.learn_many({"low": (x[y < 5], y[y < 5]), "high": (x[y >= 5], y[y >= 5])}, method="allocation", **SMALL)
    net.learn("odd", x[y % 2 == 1], y[y % 2 == 1], method="allocation", **SMALL, random_state=1)
    net.learn("iris", *iris, model="mlp", epochs=1, hidden=4)
    return net


def test_a_table_for_each_layer_and_one_of_likeness(together: sp.Network, tmp_path: Path) -> None:
    page = report(together, tmp_path)
    check_inert(page)
    notes = {task: together.tasks[task].provenance.record for task in ("low", "high", "odd")}
    heads = [" ".join(rows[0][0].split()) for rows in page.rows]
    assert [head for head in heads if head.startswith("layer")] == [f"layer {place}: task ↓ uses →" for place in (1, 2, 1, 2)]
    first = page.table("layer 1")
    assert [row[0] for row in first] == ["low", "high"]
    assert [int(row[-1]) for row in first] == [notes[task]["active"][0] for task in ("low", "high")]
    for row, task in zip(first, ("low", "high"), strict=True):
        shown = [float(cell) for cell in row[1:-1]]
        np.testing.assert_allclose(shown, [100 * chance for chance in notes[task]["probabilities"][0]], atol=0.051)
    alike = [[float(cell) for cell in row[1:]] for row in page.table("alike")]
    difference = np.abs(np.subtract(notes["low"]["probabilities"], notes["high"]["probabilities"])).mean()
    np.testing.assert_allclose(alike, [[100, 100 * (1 - difference)], [100 * (1 - difference), 100]], atol=0.051)


def test_others_have_no_such_section(tmp_path: Path, iris: Labelled) -> None:
    net = sp.Network(tmp_path / "n.sen")
    net.learn("iris", *iris, model="mlp", epochs=1, hidden=4)
    assert "Components in use" not in report(net, tmp_path).text


@settings(max_examples=15, deadline=None)
@given(names=st.lists(HOSTILE, min_size=2, max_size=2, unique=True), component=HOSTILE)
def test_names_are_shown_as_they_are(together: sp.Network, names: list[str], component: str) -> None:
    network = summary(together)
    tasks = {}
    for name, task in zip(names, [network.tasks["low"], network.tasks["high"]], strict=True):
        noted = {**task.pathway.provenance.record, "components": [component, "max", "identity"]}
        pathway = replace(task.pathway, task=name, provenance=replace(task.pathway.provenance, record=noted))
        tasks[name] = replace(task, name=name, pathway=pathway)
    page = Page()
    page.feed(render(replace(network, tasks=tasks), []))
    page.close()
    check_inert(page)
    head = next(rows[0] for rows in page.rows if rows[0][0].strip().startswith("layer 1"))
    assert head[1].strip() == component.strip()


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"components": ["a"], "probabilities": "many"},
        {"components": ["a"], "probabilities": [[0.1, 0.2]]},
        {"components": ["a"], "probabilities": [["much"]]},
        {"components": ["a"], "probabilities": [[7]]},
        {"components": [], "probabilities": []},
    ],
)
def test_a_record_that_says_nothing_is_left_out(together: sp.Network, record: dict[str, Any]) -> None:
    network = summary(together)
    task = network.tasks["low"]
    odd = replace(task, pathway=replace(task.pathway, provenance=replace(task.pathway.provenance, record=record)))
    assert section_of(replace(network, tasks={"low": odd}), "allocation") is None


def test_only_the_last_groups_are_shown(together: sp.Network) -> None:
    network = summary(together)
    task = network.tasks["low"]
    tasks = {
        str(place): replace(task, pathway=replace(task.pathway, components=(f"stem {place}", *task.pathway.components[1:])))
        for place in range(GROUPS + 2)
    }
    section = section_of(replace(network, tasks=tasks), "allocation")
    assert section is not None
    assert [group["count"] for group in section.values["groups"]] == [1] * GROUPS
