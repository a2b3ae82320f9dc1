"""How long the forward pass takes with experts, beside the dense model on the same batch."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

import torch

import senpath as sp
from benchmarks.common import write_section
from benchmarks.moe.tasks import load
from senpath.methods.moe.model import trimmed
from senpath.pathways import run_chain
from senpath.reports.markdown import markdown_table

ENCODER, TASK, EXPERTS, ROUNDS = "minilm-tokens", "sst2", (2, 4, 8), 40
BATCHES = (1, 32, 256)


def run(page: Path, folder: Path) -> None:
    """Measure, keep the figures and write the page's section."""
    torch.set_num_threads(1)
    examples = load(folder / "encoded", ENCODER, TASK).train
    nets = {}
    for experts in (1, *EXPERTS):
        net = nets[experts] = sp.Network(encoders={"text": ENCODER})
        net.learn_many(
            {TASK: examples.subset(torch.arange(64))}, method="moe", experts=experts, gate="token", keep=0, epochs=1, least_steps=1
        )
    found = []
    for size in BATCHES:
        batch = trimmed(examples.inputs[:size])
        seconds: dict[int, list[float]] = {experts: [] for experts in nets}
        for _ in range(ROUNDS if size < 100 else ROUNDS // 4):
            for experts, net in nets.items():  # in turn, so that what else the machine does meets all alike
                chain = [net.view.component(name) for name in net.view.pathway(TASK).components]
                start = time.perf_counter()
                run_chain(chain, batch)
                seconds[experts].append(time.perf_counter() - start)
        for experts, times in seconds.items():
            ratio = statistics.median(mine / dense for mine, dense in zip(times, seconds[1], strict=True))
            kept = next((len(brick["rows"]) for brick in nets[experts].tasks[TASK].provenance.record["experts"]), 1)
            found.append({"batch": size, "experts": experts, "kept": kept, "seconds": statistics.median(times), "ratio": ratio})
    (folder / "speed.json").write_text(json.dumps(found, indent=1))
    write_section(page, "speed", _table(found))


def _table(found: list[dict[str, Any]]) -> str:
    rows = [
        [record["batch"], record["experts"], record["kept"], f"{1000 * record['seconds']:.1f}", f"{record['ratio']:.2f}"]
        for record in found
    ]
    columns = ["inputs of a batch", "experts", "of them reached", "milliseconds", "times the dense model's"]
    return markdown_table(columns, rows) + (
        "\n\nWhat is learned of MiniLM (two blocks, mean, output layer) on texts of SST-2, one thread; the token "
        "gate, by which tokens are spread most evenly. Medians, ratios paired."
    )
