"""The section on experts."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import check_inert, grow, report, section_of, summary

import senpath as sp
from senpath.reports.page import percent


@pytest.fixture(scope="module")
def mixed_experts(tmp_path_factory: pytest.TempPathFactory) -> sp.Network:
    """Two tasks of texts over shared experts, and one of another method."""
    net = sp.Network(tmp_path_factory.mktemp("experts") / "net.sen", encoders={"text": "random-tokens"})
    colours = [f"{word} {place}" for word in ("red", "blue") for place in range(12)], [0] * 12 + [1] * 12
    animals = [f"a {word} {place}" for word in ("cat", "dog") for place in range(12)], [0] * 12 + [1] * 12
    net.learn_many({"colours": colours, "animals": animals}, method="moe", blocks=4, epochs=1, least_steps=5, batch_size=8)
    net.learn("more", *animals, model="mlp", epochs=1)
    return net


def test_a_histogram_for_each_task(mixed_experts: sp.Network, tmp_path: Path) -> None:
    page = report(mixed_experts, tmp_path)
    check_inert(page)
    rows = page.table("tokens of ↓ go to expert →")
    assert [row[0] for row in rows] == [f"{task} block {block}" for task in ("colours", "animals") for block in (1, 2)]
    for row, block in zip(rows[:2], mixed_experts.tasks["colours"].provenance.record["experts"], strict=True):
        assert row[1:5] == [percent(share) if share else "·" for share in block["shares"].values()]
        assert row[5:] == [str(len(block["rows"])), "task-aware, id"]


def test_without_such_tasks_there_is_no_section(tmp_path: Path) -> None:
    net = grow(tmp_path / "n.sen", ["one"], links=False)
    assert section_of(net, "moe") is None
    assert ("section", "id", "experts") not in report(net, tmp_path).attributes


@pytest.mark.parametrize(
    "told",
    [
        3,
        [4],
        [{"rows": [0], "shares": {"0": "all"}}],
        [{"rows": [5], "shares": {"0": 1.0}}],
        [{"shares": {}}],
        [{"rows": [], "shares": {"²": 1}}],
    ],
)
def test_an_odd_record_is_left_out(mixed_experts: sp.Network, told: object) -> None:
    network = summary(mixed_experts)
    network.tasks["colours"].pathway.provenance.record["experts"] = told
    section = section_of(network, "moe")
    assert section is not None
    assert {row["task"].name for row in section.values["rows"]} == {"animals"}
