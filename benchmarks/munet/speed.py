"""Two workers against one, and Ray against processes: the same searches, in turn, cores free."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

import senpath as sp
from benchmarks.common import write_section
from benchmarks.munet.page import PAGE
from senpath import data
from senpath.learning import propose
from senpath.methods import SearchObserver, SearchStatus
from senpath.reports.markdown import markdown_table
from senpath.types import Examples

PLACES: dict[str, dict[str, Any]] = {
    "one, in this process": {"jobs": 1},
    "two, local processes": {"jobs": 2},
    "two, Ray": {"jobs": 2, "ray": "local"},
}
SEARCHES: dict[str, dict[str, Any]] = {
    "children that train all layers, 4 a generation": {"children": 4, "clone": "all", "adapters": "none", "layers": False},
    "children as they come, 8 a generation": {"children": 8},
}
GENERATIONS, ROUNDS = 3, 2
IMAGES = 5_000


def run(file: Path) -> None:
    """Measure what is not measured yet, keep it in `file`, and write the page's section."""
    records: list[dict[str, Any]] = json.loads(file.read_text()) if file.exists() else []
    net = sp.Network(image_shape=(3, 32, 32))
    x, y = data.load("mnist")
    examples = net.encode_examples(x[:IMAGES], y[:IMAGES])
    for index in range(ROUNDS):
        for search, settings in SEARCHES.items():
            for place, where in PLACES.items():
                if not any((record["round"], record["search"], record["place"]) == (index, search, place) for record in records):
                    records.append({"round": index, "search": search, "place": place, **_measure(net, examples, {**settings, **where})})
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(json.dumps(records, indent=1))
                    print(records[-1], flush=True)
    write_section(PAGE, "speed", _table(records))


def _measure(net: sp.Network, examples: Examples, settings: dict[str, Any]) -> dict[str, Any]:
    """Seconds from the call to the proposal, and from the first child that is handed out to the last generation's end."""
    begun: list[float] = []

    def status(found: SearchStatus) -> None:
        begun.append(time.perf_counter())

    method = sp.Munet(SearchObserver(status), generations=GENERATIONS, cycles=2, examples=1_200, **settings)
    start = time.perf_counter()
    proposal = propose(net.view, method, "digits", examples)
    return {"whole": time.perf_counter() - start, "training": begun[-1] - begun[0], "path": proposal.pathways[0].components[-1][:12]}


def _table(records: list[dict[str, Any]]) -> str:
    rows = []
    for search in SEARCHES:
        found = {place: [record for record in records if (record["search"], record["place"]) == (search, place)] for place in PLACES}
        for place in PLACES:
            cells = [search, place]
            for figure in ("training", "whole"):
                seconds = statistics.median(record[figure] for record in found[place])
                one = found["one, in this process"]
                ratios = [first[figure] / record[figure] for first, record in zip(one, found[place], strict=True)]
                cells += [f"{seconds:.1f}", f"{statistics.median(ratios):.2f}"]
            same = {record["path"] for records in found.values() for record in records}
            rows.append([*cells, "yes" if len(same) == 1 else "no"])
    columns = ["search", "workers", "training, s", "times as fast as one", "with start and end, s", "times as fast", "same path found"]
    rounds = 1 + max(record["round"] for record in records)
    note = f"{GENERATIONS} generations, 2 cycles of 1,200 images of MNIST; medians of {rounds} round(s), all places in turn."
    return markdown_table(columns, rows) + f"\n\n{note}"
