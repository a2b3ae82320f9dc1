"""Networks of tasks whose pathways are chains of layers, as the method `munet` makes them, without its training; and how they are drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zlib import crc32

from pages import FLOWERS, section_of

import senpath as sp
from senpath.components import Component, build, freeze
from senpath.learning import propose
from senpath.methods.munet.hyper import DEFAULTS
from senpath.methods.munet.report.graph import NODE
from senpath.pathways import Pathway, Provenance
from senpath.seeds import seeded
from senpath.snapshot import Proposal, encode_examples

HIDDEN = ("mlp.v1", {"inputs": 4, "hidden": [4]})
HEAD = ("linear.v1", {"inputs": 4, "outputs": 3})
ROOT = ["inputs", "block 1", "block 2"]


@dataclass(frozen=True)
class Chain:
    """A task to come.

    Args:
        origins: by place, in order, who trained the layer: a task, or None for the root. The head is the task's own.
        record: put in the place of what the method would record, or beside it.
        entry: likewise, of the log's entry.
        root: tells roots apart.
    """

    task: str
    origins: Mapping[str, str | None] = field(default_factory=lambda: dict.fromkeys(ROOT))
    record: Mapping[str, Any] = field(default_factory=dict)
    entry: Mapping[str, Any] = field(default_factory=dict)
    root: str = "abc"


def grow_chains(path: Path, chains: Sequence[Chain], together: int = 1) -> sp.Network:
    """A network of these tasks. What one task trained at a place, or the root has there, is one component.

    Args:
        together: how many are committed at once, of which the log tells little; each of the others has a commit of its own.
    """
    net = sp.Network(path)
    for group in (chains[:together], *([chain] for chain in chains[together:])):
        net.commit(_proposal(net, group))
    return net


def many_chains(names: list[str], places: list[str] = ROOT) -> list[Chain]:
    """Each task trains one layer and takes another from the task before."""
    chains = []
    for number, name in enumerate(names):
        own, taken = places[number % len(places)], places[(number - 1) % len(places)]
        origins: dict[str, str | None] = {**dict.fromkeys(places), own: name}
        if number:
            origins[taken] = names[number - 1]
        chains.append(Chain(name, origins))
    return chains


def layers_of(net: sp.Network) -> Any:
    """What a report's section on layers shows of a network that has one."""
    section = section_of(net, "munet")
    assert section is not None
    return _named(section.values)


def _named(value: Any) -> Any:
    """Mappings as objects, at any depth."""
    if isinstance(value, list):
        return [_named(each) for each in value]
    return SimpleNamespace(**{name: _named(each) for name, each in value.items()}) if isinstance(value, dict) else value


def numbers(path: str) -> list[float]:
    """All numbers in an SVG path."""
    return [float(digits) for digits in re.findall(r"-?[\d.]+", path)]


def check_drawing(graph: SimpleNamespace) -> None:
    """Nodes are apart; a line runs through nodes in the middle, and past the others."""
    boxes = []
    for node in graph.nodes:
        left, top = numbers(node.path)[:2]
        height = numbers(node.path.partition("v")[2])[0] + 10  # of the side, and two corners
        boxes.append((left - 5, top, left - 5 + NODE, top + height))
        assert 0 <= top < top + height <= graph.height
    assert not [(a, b) for a in boxes for b in boxes if a is not b and a[0] == b[0] and a[1] < b[3] and b[1] < a[3]]
    for line in graph.lines:
        crossed = 0
        place = numbers(line.path)[:2]
        for step in re.findall(r"[HC][^HC]*", line.path):
            values = numbers(step)
            if step[0] == "C":
                place = values[-2:]
                continue
            for left, top, right, bottom in boxes:
                if place[0] <= left and right <= values[0] and top < place[1] < bottom:
                    crossed += 1
                    assert top + 5 < place[1] < bottom - 5
            place = [values[0], place[1]]
        assert f"{crossed} layers" in line.words


@cache
def _lesson() -> Proposal:
    """What any task of flowers begins from."""
    view = sp.Network().view
    return propose(view, sp.Sen(epochs=1, hidden=4), "", encode_examples(view, FLOWERS.data, FLOWERS.target))


def _proposal(net: sp.Network, chains: Sequence[Chain]) -> Proposal:
    alone, parts, pathways = _lesson(), dict[str, Component](), []
    for chain in chains:
        whole = {**chain.origins, "head": chain.task}
        mine = [_component(place, by, chain.root) for place, by in whole.items()]
        parts |= {part.hash: part for part in mine}
        names = tuple(part.hash for part in mine)
        record = {**record_of(whole, names, chain.root), **chain.record}
        provenance = Provenance(method="munet", examples=150, record=record)
        pathways.append(Pathway(chain.task, alone.pathways[0].data_type, ("x", "y", "z"), names, provenance=provenance))
    told = {"generations": generations(chains[0].task), "warnings": [], **chains[0].entry} if len(chains) == 1 else {}
    return Proposal(
        version=net.version,
        pathways=tuple(pathways),
        components=tuple(parts.values()),
        statistics={chain.task: alone.statistics[""] for chain in chains},
        types={} if net.tasks else alone.types,
        entry={**pathways[0].provenance.log_entry(), **told},
    )


def record_of(whole: Mapping[str, str | None], components: Sequence[str], root: str = "abc") -> dict[str, Any]:
    """What the method records of a path of these layers."""
    return {
        "root": "mlp",
        "root_id": root,
        "root_weights": 60,
        "root_flops": 100.0,
        "layers": [{"name": place, "origin": by, "component": name} for (place, by), name in zip(whole.items(), components, strict=True)],
        "hyper": {**DEFAULTS, "learning_rate": 1e-4, "momentum": 0.5},
        "rates": {},
        "parent": None,
        "child": 2,
        "quality": 0.75,
        "score": 0.7,
        "accounted": 75.0,
        "flops": 125.0,
    }


def generations(task: str) -> list[list[dict[str, Any]]]:
    """Two generations: one child kept and one that failed, then one kept and one dropped."""
    scores = [[0.6, None], [0.7, 0.5]]
    return [
        [
            {
                "number": 2 * row + place + 1,
                "parent": 1 if row else 0,
                "parent_task": task if row else None,
                "quality": score,
                "score": score,
                "accounted": score and 75.0,
                "kept": place == 0,
            }
            for place, score in enumerate(children)
        ]
        for row, children in enumerate(scores)
    ]


def _component(place: str, by: str | None, root: str) -> Component:
    kind, config = HEAD if place == "head" else HIDDEN
    with seeded(crc32(repr((place, by, root)).encode())):
        return freeze(kind, config, build(kind, config))
