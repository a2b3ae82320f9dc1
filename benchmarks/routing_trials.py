"""What the dispatcher's settings do, on validation data: the letters and digits, and the text tasks.

    python -m benchmarks.routing_trials [letters] [texts] [--seeds 2] [--folder runs/routing-trials]

Writes the tables of docs/results/routing-trials.md. "Before" is a task's statistics without what was chosen since. Texts are encoded once
and kept in the folder, which takes longest; at most 4,000 of each set are read. Needs SENPATH_DATA.
"""

from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, markdown_table
from senpath.data import load, paper_tasks
from senpath.experiments.encoded import read_examples, write_examples
from senpath.routing import Discriminant, TaskStatistics, collect, feature_map, statistics_of
from senpath.snapshot import View, encode_examples
from senpath.types import Examples

CPU = torch.device("cpu")
SINCE = ("correction", "temperature", "prior", "softness")
LETTERS = {"fashion": "Fashion", "mnist": "MNIST", "lower": "LOWER", "upper": "UPPER"}
TEXTS = {
    "trec": "TREC",
    "cr": "CR",
    "sst2": "SST-2",
    "cola": "CoLA",
    "agnews": "AG News",
    "banking77": "Banking77",
    "clinc150": "CLINC150",
}
OUTSIDE = "clinc150-oos"
READ, HELD = 4_000, 400
SHOTS = (None, 20, 5)
Split = tuple[Examples, Examples]


def split(examples: Examples) -> Split:
    """Those to learn from, and as many as `HELD` to validate on."""
    order = torch.from_numpy(np.random.default_rng(1).permutation(len(examples)))
    return examples.subset(order[HELD:]), examples.subset(order[:HELD])


@cache
def tasks_of(part: str, folder: Path) -> tuple[dict[str, Split], Examples | None]:
    """The four image tasks of the paper or the seven text tasks, of their training parts, and what is outside of them."""
    if part == "letters":
        view = sp.Network().view
        data = paper_tasks()
        parts = {name: encode_examples(view, *(np.asarray(one)[:20_000] for one in data[name].train)) for name in LETTERS}
        return {name: split(examples) for name, examples in parts.items()}, None
    view = sp.Network(encoders={"text": "minilm"}).view
    return {name: split(_encoded(view, name, folder)) for name in TEXTS}, _encoded(view, OUTSIDE, folder)


def _encoded(view: View, name: str, folder: Path) -> Examples:
    file = folder / "encoded" / f"{name}.npz"
    if not file.exists():
        print(f"encoding {name}", flush=True)
        x, y = (np.asarray(part, dtype=object) for part in load(name))
        chosen = np.random.default_rng(0).permutation(len(x))[:READ]
        labels = np.arange(len(chosen)) % 2 if name == OUTSIDE else y[chosen]  # one class is no task
        file.parent.mkdir(parents=True, exist_ok=True)
        write_examples(file, {"train": encode_examples(view, x[chosen].tolist(), labels)})
    return read_examples(file)[0]["train"]


def drawn(examples: Examples, shots: int | None, seed: int) -> Examples:
    """So many of each class, or all that there are."""
    if shots is None:
        return examples
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(examples)))
    labels = examples.targets[order]
    return examples.subset(torch.cat([order[labels == label][:shots] for label in labels.unique()]))


def before(kept: TaskStatistics) -> TaskStatistics:
    """Without what was chosen since; the limit stays, so that refusals say nothing."""
    return replace(kept, figures={name: value for name, value in kept.figures.items() if name not in SINCE})


@cache
def _statistics(part: str, folder: Path, name: str, shots: int | None, seed: int) -> TaskStatistics:
    examples = tasks_of(part, folder)[0][name][0]
    features = feature_map(examples.data_type, 0)
    return statistics_of(collect(drawn(examples, shots, seed), features, seed, device=CPU), gate=False)


def _measure(part: str, few: str | None, shots: int | None, seeds: int, folder: Path) -> Iterator[Record]:
    """With each seed, before and now: `shots` examples of a class of the task `few`, or of all tasks if it is None."""
    tasks, foreign = tasks_of(part, folder)
    for seed in range(seeds if shots else 1):
        shown = {name: shots if few in (None, name) else None for name in tasks}
        kept = {name: _statistics(part, folder, name, number, seed if number else 0) for name, number in shown.items()}
        yield {"when": "before", "seed": seed, **_routed(tasks, {name: before(one) for name, one in kept.items()}, foreign)}
        yield {"when": "now", "seed": seed, **_routed(tasks, kept, foreign)}


def _routed(tasks: Mapping[str, Split], kept: Mapping[str, TaskStatistics], foreign: Examples | None) -> Record:
    """In %: the right task first, and own inputs refused, task by task; and refused of what is outside."""
    dispatcher = Discriminant.of(feature_map(next(iter(tasks.values()))[0].data_type, 0), kept, CPU)
    decided = [dispatcher.decide(held.inputs) for _, held in tasks.values()]
    first = [100 * float((one.order[:, 0] == place).mean()) for place, one in enumerate(decided)]
    refused = [100 * float((one.ood_score > 1).mean()) for one in decided]
    record: Record = {"first": first, "refused": refused}
    if foreign is not None:
        record["outside"] = 100 * float((dispatcher.decide(foreign.inputs).ood_score > 1).mean())
    return record


def _table(titles: Mapping[str, str], records: Records) -> str:
    outside = "outside" in records[0]
    heads = ["learned from", "settings", *titles.values(), "mean", "own refused, most", *(["outside refused"] if outside else [])]
    rows = []
    for (few, shots, when), mine in records.by("few", "shots", "when").items():
        first, refused = (np.mean(mine.values(part), axis=0) for part in ("first", "refused"))
        learned = f"{few} from five, the others from all" if few else f"{shots or 'all'} examples"
        limits = [refused.max(), *([np.mean(mine.values("outside"))] if outside else [])]
        told = [f"{value:.1f}" if when == "now" else "–" for value in limits]  # before, the limits are today's and say nothing
        rows.append([learned, when, *(f"{value:.1f}" for value in first), f"{first.mean():.2f}", *told])
    return markdown_table(heads, rows)


def _cells(few: Mapping[str, str], arguments: Namespace) -> list[Record]:
    return [{"few": None, "shots": shots} for shots in SHOTS] + [{"few": name, "shots": 5} for name in few]


PARTS = {
    "letters": Part(partial(_measure, "letters"), partial(_cells, LETTERS)),
    "texts": Part(partial(_measure, "texts"), partial(_cells, {})),
}
SECTIONS = {"letters": partial(_table, LETTERS), "texts": partial(_table, TEXTS)}
BENCHMARK = Benchmark("routing-trials", __doc__, PARTS, SECTIONS, seeds=2)

if __name__ == "__main__":
    BENCHMARK.main()
