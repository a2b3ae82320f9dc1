"""Families that come one after another, see `families`: what the first ones' tasks lose.

One model is trained on with the tasks of each new family, without the examples of earlier ones, as published mixtures are; or the network
learns each family with a mixture of its own, as it always does, for nothing that is stored changes.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks.harness import Record, Records, differences, interval, percent, table_of
from benchmarks.moe.families import RICH, SETTINGS, network, task_of
from benchmarks.moe.later import BEFORE, EXAMPLES, IN_TURN, SEEDS, WIDTH
from senpath.methods.moe import MoeSettings
from senpath.methods.moe.model import Mixture, plan_of
from senpath.methods.moe.train import answer, fit_mixture
from senpath.progress import silent
from senpath.seeds import derive, seeded
from senpath.types import Examples

GROWN = 4
"""Families in all."""
NETWORK = "network, a dense model a family"
CELLS = {"seed": range(SEEDS), "row": (*IN_TURN[:2], NETWORK)}


def learn(seed: int, row: str) -> Iterator[Record]:
    """After each family the accuracy of every family so far."""
    net, parts, tests = network(), list[Mixture](), list[list[Examples]]()
    settings = SETTINGS | BEFORE.get(row, BEFORE["dense"]) | {"width": WIDTH, "random_state": seed}
    for family in range(GROWN):
        tasks = {f"{family}-{place}": task_of(family, place, seed, EXAMPLES) for place in range(RICH)}
        tests.append([net.encode_examples(*test) for _, test in tasks.values()])
        if row == NETWORK:
            net.learn_many({name: train for name, (train, _) in tasks.items()}, method="moe", **settings)
        else:
            examples = {name: net.encode_examples(*train) for name, (train, _) in tasks.items()}
            parts.append(_trained_on(parts, examples, MoeSettings(**settings)))
        for earlier, mine in enumerate(tests):
            said = [
                net.view.logits(f"{earlier}-{place}", test.inputs) if row == NETWORK else _answer(parts[earlier], place, test)
                for place, test in enumerate(mine)
            ]
            right = [percent((logits.argmax(1) == test.targets).numpy()) for logits, test in zip(said, mine, strict=True)]
            yield {"families": family + 1, "family": earlier, "accuracy": float(np.mean(right))}


def _trained_on(parts: list[Mixture], examples: dict[str, Examples], settings: MoeSettings) -> Mixture:
    """The blocks and gates of earlier parts, trained on, with embeddings and output layers of its own."""
    first = next(iter(examples.values()))
    with seeded(derive(settings.random_state, "start", *examples)):
        part = Mixture(plan_of(settings, first.data_type), [len(one.classes) for one in examples.values()])
    if parts:
        part.start, part.blocks = parts[0].start, parts[0].blocks
    fit_mixture(part, examples, settings, torch.device("cpu"), silent)
    return part


def _answer(part: Mixture, task: int, test: Examples) -> torch.Tensor:
    every = [range(len(block.rows)) for block in part.expert_blocks]
    return answer(part.of_task(task, every), test.inputs, torch.device("cpu"))


def page(records: Records) -> str:
    """The first family's tasks as families come, and what all families have at the end."""
    columns: dict[str, Callable[[Records], object]] = {
        "learned in turn": lambda mine: mine[0]["row"],
        "seeds": lambda mine: len(mine.distinct("seed")),
        **{
            f"first family, after {count}": lambda mine, count=count: interval(
                [*mine.where(families=count, family=0).by_seed("accuracy").values()]
            )
            for count in (1, 2, GROWN)
        },
        "lost": lambda mine: _lost(mine, lambda one: one["family"] == 0),
        "lost by all but the last, mean": lambda mine: _lost(mine, lambda one: one["family"] < GROWN - 1),
        "each when it was learned, mean": lambda mine: interval([*_learned(mine).by_seed("accuracy").values()]),
    }
    rows = filter(None, (records.where(row=row) for row in CELLS["row"]))
    return f"Means over seeds and 95 % intervals. Test accuracy, %, task given.\n\n{table_of(rows, columns)}"


def _learned(mine: Records) -> Records:
    return mine.where(lambda one: one["family"] == one["families"] - 1)


def _lost(mine: Records, which: Callable[[Record], bool]) -> str:
    then, now = (records.where(which).by_seed("accuracy") for records in (_learned(mine), mine.where(families=GROWN)))
    return interval(differences(now, then), sign=True)
