"""One more task of five shots, of a family whose other tasks were learned together before; see `families`.

A dense model is fine-tuned for it. In a mixture it is sent as a task of before is, and trained from there: as the nearest, which the method
finds, or, to see what that is worth, as one of another family. With sentences that name their families it is sent by its
own.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch

import senpath as sp
from benchmarks.harness import Record, Records, differences, interval, mean, percent, table_of
from benchmarks.moe.families import FAST, RICH, SETTINGS, likeliest, network, same_expert, task_of
from senpath.learning import propose
from senpath.methods.moe.family import Family
from senpath.methods.moe.train import answer, fit_mixture
from senpath.progress import silent
from senpath.snapshot import try_out
from senpath.types import Examples

WIDTH, EXAMPLES = 16, 500
"""Of a token; of a task that is learned before."""
FAMILIES, SEEDS = (8, 1), 5
A_FAMILY, RATE = 64, 3e-3
"""Images in a step for each family, and the learning rate with two; it grows as the square root of the batch. A quarter of the steps of
`families`, with a quarter of the images a task: what a machine that others use has time for."""
SOFT: dict[str, Any] = {"soften": 0.5}
BEFORE: dict[str, dict[str, Any]] = {
    "dense": {"experts": 1},
    "task gate": {"gate": "task", **SOFT},
    "task-aware gate": {"gate_learning_rate": FAST, **SOFT},
    "task-aware gate, sentences": {"gate_learning_rate": FAST, "embedding": "description", **SOFT},
}
"""Settings by row, of the tasks that are learned together before: gates are as they did best in `families`."""
ADAPT: dict[str, Any] = {"epochs": 1, "least_steps": 100, "soften": 0.0, "learning_rate": 3e-3, "head_learning_rate": 3e-3, "tune": "head"}
"""Of the task that is added, besides: chosen on training images that no task had."""
COLOURS = ("red", "green", "blue", "yellow", "black", "white", "brown", "pink")
"""Families by the sentences of their tasks."""
IN_TURN = ("dense", "task-aware gate", "task gate")
TITLES = {"nearest": "its nearest task", "other": "a task of another family", "sentence": "its sentence"}


def cells(seeds: int = SEEDS) -> list[dict[str, Any]]:
    """The rows that say most first, with all seeds; sentences, and each alone, with most families only."""
    rounds = ((8, ("dense", "task-aware gate")), (8, ("task gate", "task-aware gate, sentences")), (1, IN_TURN[:2]), (8, ("alone",)))
    return [{"seed": seed, "families": families, "row": row} for families, rows in rounds for seed in range(seeds) for row in rows]


def learn(seed: int, families: int, row: str) -> Iterator[Record]:
    """What the tasks before have, by family, and what the one that is added to them has, by how it was sent; "alone" has none before."""
    together = {f"{family}-{place}": task_of(family, place, seed, EXAMPLES) for family in range(families) for place in range(RICH)}
    settings = _settings(families, row) | {"random_state": seed, "descriptions": _sentences(families)}
    net = network()
    if row != "alone":
        net.learn_many({name: task[0] for name, task in together.items()}, method="moe", **settings)
        for name, (_, (x, y)) in together.items():
            yield {"family": int(name[0]), "task": name, "accuracy": percent(net.predict(x, task=name).label == y)}
        experts = likeliest(net)
        yield {"task": "pairs", **same_expert(experts)}
    method = sp.Moe(**settings | ADAPT)
    for family in range(families):
        train, test = (net.encode_examples(*part) for part in task_of(family, RICH, seed, EXAMPLES))
        proposal = propose(net.view, method, f"{family}-{RICH}", train)
        said, record = try_out(net.view, proposal, test.inputs), proposal.pathways[0].provenance.record
        nearest = record.get("nearest")
        about = {"family": family, "nearest is of the family": nearest and nearest[0] == str(family)}
        yield {**about, "sent": "sentence" if "sentences" in row else "nearest", "accuracy": _right(said, test)}
        if nearest and row in IN_TURN[1:] and families > 1:
            said = _sent(net, f"{(family + 1) % families}-0", method, train, test)
            yield {"family": family, "sent": "other", "accuracy": _right(said, test)}


def _sent(net: sp.Network, nearest: str, method: sp.Moe, train: Examples, test: Examples) -> torch.Tensor:
    """What a task answers that is learned as if this one were found nearest."""
    mixture = Family.of(net.view, nearest).mixture(net.view, len(train.classes), None).requires_grad_(False)
    for part in (mixture.heads, *(block.norm for block in mixture.expert_blocks)):
        part.requires_grad_(True)
    _, uses = fit_mixture(mixture, {"": train}, method.settings, net.view.device, silent)
    return answer(mixture.of_task(0, uses[0].kept), test.inputs, net.view.device)


def _settings(families: int, row: str) -> dict[str, Any]:
    larger = (families / 2) ** 0.5
    own = BEFORE.get(row, BEFORE["dense"])
    rates = dict.fromkeys(("learning_rate", "head_learning_rate"), RATE * larger)
    gate = {"gate_learning_rate": own["gate_learning_rate"] * larger} if "gate_learning_rate" in own else {}
    return {**SETTINGS, "width": WIDTH, "batch_size": A_FAMILY * families, **rates, **own, **gate}


def _sentences(families: int) -> dict[str, str]:
    """Of each task, by which its family can be told."""
    names = [f"{family}-{place}" for family in range(families) for place in range(RICH + 1)]
    return {
        name: f"Which digit is this? Its pixels are in the {COLOURS[int(name[0])]} order, its digits have name {name[-1]}."
        for name in names
    }


def _right(said: torch.Tensor, test: Examples) -> float:
    return percent((said.argmax(1) == test.targets).numpy())


def page(records: Records) -> str:
    """What tasks that are added have, and what the first family's tasks have beside others."""
    added = records.where(lambda one: "sent" in one)
    ways = [("alone", "nearest"), ("dense", "nearest"), *((row, sent) for row in BEFORE for sent in TITLES if row != "dense")]
    groups = [added.where(families=families, row=row, sent=sent) for families in FAMILIES for row, sent in ways]
    columns: dict[str, Callable[[Records], object]] = {
        "families": lambda mine: mine[0]["families"],
        "learned before": lambda mine: "nothing" if mine[0]["row"] == "alone" else mine[0]["row"],
        "sent as": lambda mine: TITLES[mine[0]["sent"]] if mine[0]["row"] not in ("alone", "dense") else "–",
        "seeds": lambda mine: len(mine.distinct("seed")),
        "accuracy": lambda mine: interval([*mine.by_seed("accuracy").values()]),
        "less dense": lambda mine: _less(added.where(families=mine[0]["families"], row="dense"), mine),
        "nearest is of its family, %": lambda mine: (
            mean(mine.values("nearest is of the family", 100), 0) if mine[0]["sent"] == "nearest" else ""
        ),
    }
    first = records.where(family=0).where(lambda one: "task" in one)
    beside: dict[str, Callable[[Records], object]] = {
        "learned together": lambda mine: mine[0]["row"],
        **{f"{families}": lambda mine, families=families: _first(mine, families) for families in sorted(FAMILIES)},
        **{f"{families} less 1": lambda mine, families=families: _change(mine, families) for families in sorted(FAMILIES)[1:]},
    }
    seen = records.where(families=max(FAMILIES)).where(lambda one: "task" in one)
    before: dict[str, Callable[[Records], object]] = {
        "learned together": lambda mine: mine[0]["row"],
        "accuracy": lambda mine: interval([*mine.by_seed("accuracy").values()]),
        "less dense": lambda mine: _less(seen.where(row="dense"), mine),
        "same expert within a family / across, %": lambda mine: " / ".join(mean(mine.values(which), 0) for which in ("within", "across")),
    }
    return "\n\n".join(
        [
            "Means over seeds, and 95 % intervals. Test accuracy of a task of five shots that is added, %, task given:",
            table_of(filter(None, groups), columns),
            f"The tasks before, {max(FAMILIES)} families, and pairs of them that have the same likeliest expert:",
            table_of(filter(None, (seen.where(row=row) for row in BEFORE)), before),
            "Accuracy of the first family's tasks, %, learned together with those of so many families:",
            table_of(filter(None, (first.where(row=row) for row in IN_TURN)), beside),
        ]
    )


def _less(dense: Records, mine: Records) -> str:
    points = differences(mine.by_seed("accuracy"), dense.by_seed("accuracy"))
    return interval(points, sign=True) if points and mine[0]["row"] != "dense" else ""


def _first(mine: Records, families: int) -> str:
    values = [*mine.where(families=families).by_seed("accuracy").values()]
    return interval(values) if values else "–"


def _change(mine: Records, families: int) -> str:
    points = differences(*(mine.where(families=count).by_seed("accuracy") for count in (families, 1)))
    return interval(points, sign=True) if points else "–"
