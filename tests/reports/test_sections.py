"""A method of another package brings a section of its own to the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pages import FLOWERS, check_inert, grow, report

import senpath as sp
from senpath.learning import propose
from senpath.methods import METHODS, register
from senpath.sections import NetworkSummary, Section, TaskSummary
from senpath.snapshot import encode_examples

TEMPLATE = """{% from "macros.html" import cut, dot, plural %}
<section id="mottos"><h2>Mottos</h2>
<ul>{% for task, motto in mottos %}<li>{{ dot(task) }}{{ cut(task.name) }} {{ motto }}, {{ task.share|percent }} %</li>{% endfor %}</ul>
</section>
"""


class Motto:
    """A method whose tasks have a motto."""

    name = "motto"
    template: Path

    def propose(self, *args: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def report_section(cls, network: NetworkSummary, tasks: Mapping[str, TaskSummary]) -> Section:
        mottos = [(task, task.pathway.provenance.record["motto"]) for task in tasks.values()]
        return Section(cls.template, {"mottos": mottos}, dict.fromkeys(tasks, ("one",)), "wisdom")


@pytest.fixture
def registered(tmp_path: Path) -> Iterator[None]:
    Motto.template = tmp_path / "motto.html"
    Motto.template.write_text(TEMPLATE)
    register("motto", Motto)
    yield
    del METHODS["motto"]


@pytest.fixture
def net(tmp_path: Path) -> sp.Network:
    """A task of the method `sen`, then one of that method."""
    net = grow(tmp_path / "n.sen", ["one"], record=False)
    proposal = propose(net.view, sp.Sen(epochs=1, hidden=4, model="mlp"), "two", encode_examples(net.view, FLOWERS.data, FLOWERS.target))
    pathway = proposal.pathways[0]
    provenance = replace(pathway.provenance, method="motto", record={"motto": "<b>carpe diem</b>"})
    net.commit(replace(proposal, pathways=(replace(pathway, provenance=provenance, links=()),)))
    return net


def test_its_section_is_on_the_page(registered: None, net: sp.Network, tmp_path: Path) -> None:
    page = report(net, tmp_path)
    check_inert(page)
    assert ("section", "id", "mottos") in page.attributes
    assert "two <b>carpe diem</b>, " in page.text
    assert page.table("task")[1][5] == "one wisdom"


def test_a_method_that_is_not_there_has_none(net: sp.Network, tmp_path: Path) -> None:
    page = report(net, tmp_path)
    assert "Mottos" not in page.texts
    assert page.table("task")[1][5] == "–"
