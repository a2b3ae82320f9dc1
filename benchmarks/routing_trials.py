"""What the dispatcher's settings do, on validation data: the letters and digits, and the text tasks.

`python -m benchmarks.routing_trials [letters] [texts] [--seeds N]` prints the table of docs/results/routing-trials.md. "Before" is a
task's statistics without what was chosen since. Texts are encoded once and kept, which takes longest; at most 4,000 of each set are read.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

import senpath as sp
from senpath.data import load, paper_tasks
from senpath.experiments.encoded import read_examples, write_examples
from senpath.routing import Discriminant, TaskStatistics, collect, feature_map, statistics_of
from senpath.snapshot import View, encode_examples
from senpath.types import Examples

CPU = torch.device("cpu")
SINCE = ("correction", "temperature", "prior", "softness")
TEXTS = ("trec", "cr", "sst2", "cola", "agnews", "banking77", "clinc150")
OUTSIDE = "clinc150-oos"
ENCODED = Path("runs/routing-trials")
READ, HELD = 4_000, 400
SHOTS = (None, 20, 5)
Split = tuple[Examples, Examples]


def split(examples: Examples) -> Split:
    """Those to learn from, and as many as `HELD` to validate on."""
    order = torch.from_numpy(np.random.default_rng(1).permutation(len(examples)))
    return examples.subset(order[HELD:]), examples.subset(order[:HELD])


def letters() -> dict[str, Split]:
    """The four image tasks of the paper, their training parts."""
    view = sp.Network().view
    parts = {name: task.train for name, task in paper_tasks().items() if name != "speech"}
    return {name: split(encode_examples(view, *(np.asarray(part)[:20_000] for part in data))) for name, data in parts.items()}


def texts() -> dict[str, Split]:
    """The seven text tasks, their training parts."""
    view = sp.Network(encoders={"text": "minilm"}).view
    return {name: split(_encoded(view, name)) for name in TEXTS}


def outside() -> Examples:
    """Requests outside CLINC150 that are meant for training."""
    return _encoded(sp.Network(encoders={"text": "minilm"}).view, OUTSIDE)


def _encoded(view: View, name: str) -> Examples:
    file = ENCODED / f"{name}.npz"
    if not file.exists():
        print(f"encoding {name}", flush=True)
        x, y = (np.asarray(part, dtype=object) for part in load(name))
        chosen = np.random.default_rng(0).permutation(len(x))[:READ]
        labels = np.arange(len(chosen)) % 2 if name == OUTSIDE else y[chosen]  # one class is no task
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


def measure(
    tasks: Mapping[str, Split], kept: Mapping[str, TaskStatistics], foreign: Examples | None
) -> tuple[list[float], list[float], float]:
    """In %: the right task first, and own inputs refused, task by task; and refused of what is outside."""
    features = feature_map(next(iter(tasks.values()))[0].data_type, 0)
    dispatcher = Discriminant.of(features, kept, CPU)
    decided = [dispatcher.decide(held.inputs) for _, held in tasks.values()]
    first = [100 * float((one.order[:, 0] == place).mean()) for place, one in enumerate(decided)]
    refused = [100 * float((one.ood_score > 1).mean()) for one in decided]
    return first, refused, float("nan") if foreign is None else 100 * float((dispatcher.decide(foreign.inputs).ood_score > 1).mean())


def compare(tasks: Mapping[str, Split], seeds: int, foreign: Examples | None = None) -> None:
    """Print the tables."""
    features = feature_map(next(iter(tasks.values()))[0].data_type, 0)

    @cache
    def statistics(name: str, shots: int | None, seed: int) -> TaskStatistics:
        return statistics_of(collect(drawn(tasks[name][0], shots, seed), features, seed, device=CPU), gate=False)

    mixed = [("from five, the others from all", name) for name in tasks if foreign is None]
    for title, few, shots in [(f"{shots or 'all'} examples a class", None, shots) for shots in SHOTS] + [
        (f"{n} {t}", n, 5) for t, n in mixed
    ]:
        rows: dict[str, list[tuple[list[float], list[float], float]]] = {"before": [], "now": []}
        for seed in range(seeds if shots else 1):
            shown = {name: shots if few in (None, name) else None for name in tasks}
            kept = {name: statistics(name, number, seed if number else 0) for name, number in shown.items()}
            rows["before"].append(measure(tasks, {name: before(one) for name, one in kept.items()}, foreign))
            rows["now"].append(measure(tasks, kept, foreign))
        print(f"{title}: {', '.join(tasks)}")
        for when, measured in rows.items():
            first, refused = (np.mean([one[part] for one in measured], axis=0) for part in (0, 1))
            line = f"  {when}: first {' '.join(f'{value:.1f}' for value in first)}, mean {first.mean():.2f}"
            if when == "now":
                line += f"; own refused {' '.join(f'{value:.1f}' for value in refused)}"
                line += "" if foreign is None else f"; outside refused {np.mean([one[2] for one in measured]):.1f}"
            print(line, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="*", default=["letters", "texts"])
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    if "letters" in options.parts:
        compare(letters(), options.seeds)
    if "texts" in options.parts:
        compare(texts(), options.seeds, outside())


if __name__ == "__main__":
    main()
