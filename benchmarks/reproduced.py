"""The table "published, Avalanche, ours, command" of docs/results/reproduced.md, made of the experiments in benchmarks/experiments.

    python -m benchmarks.reproduced [--folder runs] [--seeds N] [--only NAME …] [--peer PYTHON]

Runs the experiments that are not done (`senpath experiment` goes on with the same folders), and writes the page's sections. `--peer` names
a Python that has avalanche-lib 0.6, in an environment of its own (`make peer` makes one), and runs its strategies with the same settings;
what they found is kept beside our records, and stands on the page from then on. Needs SENPATH_DATA, and for features `senpath[image]`.
"""

import argparse
import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

from benchmarks.harness import PEER, Record, follow_peer, markdown_table, write_section
from benchmarks.harness.tables import RESULTS
from senpath.experiments import ExperimentResults
from senpath.experiments.plan import ExperimentPlan, read_plan
from senpath.experiments.results import TableRow
from senpath.experiments.run import run_plan
from senpath.experiments.streams import read_stream
from senpath.reports.markdown import share_interval

HERE = Path(__file__).parent / "experiments"
TABLES = {
    "reproduced-given": ("split-mnist-given",),
    "reproduced": ("split-mnist",),
    "reproduced-features": ("split-cifar10-features", "split-signdigits-features"),
}
"""Experiments by the section whose table has them."""
NAMES = tuple(name for names in TABLES.values() for name in names)
FALLS_SHORT = 2.0
"""Points below another's figure from which on a row counts as not reproduced."""


@dataclass(frozen=True)
class Published:
    """A figure of somebody else's.

    Args:
        percent: mean accuracy after the last task.
        where: it was found, and how it came about.
    """

    percent: float
    where: str


AVALANCHE = "[ContinualAI/continual-learning-baselines](https://github.com/ContinualAI/continual-learning-baselines)"
_LWF = Published(
    23,
    f"{AVALANCHE}, Avalanche's and van de Ven and Tolias's (2019): a hidden layer of 256, 10 epochs, batches of 128, SGD 1e-3; its program "
    "weighs the distillation 1, at temperature 1",
)
_ER = Published(
    92,
    f"{AVALANCHE}, Avalanche's online replay: a hidden layer of 512 with dropout, 1,000 examples kept in balance, one pass, batches of 10, "
    "SGD 0.1",
)
PUBLISHED = {
    ("split-mnist-given", "si", "given"): Published(
        97, f"{AVALANCHE}, Avalanche's and the paper's (Zenke et al. 2017): two hidden layers of 256, 10 epochs, batches of 64, Adam 1e-3"
    ),
    ("split-mnist", "lwf", "found"): _LWF,
    ("split-mnist", "lwf, as published", "found"): _LWF,
    ("split-mnist", "er, 1000 kept, batches of 10", "found"): _ER,
    ("split-mnist", "er, as published", "found"): _ER,
}
"""By experiment, label and figure. What is not here was looked for and not found where it could be checked."""
MEASURED = {
    "split-mnist-given": "given",
    "split-mnist": "found",
    "split-cifar10-features": "found",
    "split-signdigits-features": "found",
}


PEERS = ("sequential", "joint", "ewc", "si", "lwf", "er", "der++", "icarl", "ncm")
"""Baselines that Avalanche has too. It has PNN only for tasks that are given (docs/results/peers.md), and no RanPAC."""
PEER_STRENGTHS = {"ewc": 1e4, "si": 1.0}
"""Those of Avalanche's EWC and SI, whose scales are not ours: of EWC as `benchmarks.peers` has it, chosen on held-out examples of another
sequence; of SI as ContinualAI's continual-learning-baselines have it for Split-MNIST."""


def accuracy(row: TableRow, figure: str, tasks: tuple[str, ...]) -> list[float]:
    """Mean over the tasks after the last one, in %, by seed."""
    return [float(np.mean(values)) for values in zip(*(row.final(figure, task) for task in tasks), strict=False)]


def table(plans: dict[str, ExperimentPlan], done: dict[str, ExperimentResults], folder: Path) -> str:
    """Rows that fall short first, then those that are reproduced, then those with nothing beside them."""
    rows = []
    for name, results in done.items():
        theirs = peer_accuracy(plans[name], folder / name, MEASURED[name])
        for row in results.rows():
            ours = accuracy(row, MEASURED[name], results.tasks)
            said, peer = PUBLISHED.get((name, row.title, MEASURED[name])), theirs.get(row.label, [])
            apart = [float(np.mean(ours)) - other for other in ([said.percent] if said else []) + ([float(np.mean(peer))] if peer else [])]
            worst = min(apart, default=0.0)
            state = "" if not apart else "**falls short**" if worst < -FALLS_SHORT else "reproduced" if worst <= FALLS_SHORT else "above"
            cells = [
                row.title,
                name,
                f"task {MEASURED[name]}",
                f"{said.percent:g}" if said else "not found",
                share_interval(peer) if peer else "–",
                share_interval(ours),
                ", ".join(f"{round(each, 1) + 0.0:+.1f}" for each in apart) or "–",
                state,
                f"`senpath experiment benchmarks/experiments/{name}.toml`",
            ]
            rows.append(((not apart, worst), cells))
    columns = ["method", "experiment", "figure", "published, %", "Avalanche 0.6, same run, %", "ours, %", "ours less theirs", "", "command"]
    return markdown_table(columns, [cells for _, cells in sorted(rows, key=lambda each: each[0])])


def peer_runs(plan: ExperimentPlan) -> Iterable[tuple[str, Record]]:
    """What Avalanche is asked to run, by the label of our contender: its settings, but for strengths."""
    for contender in plan.contenders:
        if contender.method in PEERS:
            taken = {name: value for name, value in contender.taken.items() if name not in ("model", "augment", "online")}
            if contender.method in PEER_STRENGTHS:
                taken["strength"] = PEER_STRENGTHS[contender.method]
            for seed in plan.seeds:
                yield contender.label, {"method": contender.method, "heads": "one", **taken, "seed": seed}


def peer_file(folder: Path, run: Record) -> Path:
    """Where the peer writes what it found."""
    key = sha256(json.dumps(run, sort_keys=True).encode()).hexdigest()[:8]
    return folder / "peer" / f"{run['method']}-{key}-{run['seed']}.json"


def ask_peer(python: str, plan: ExperimentPlan, folder: Path, runs: Sequence[Record]) -> None:
    """Let Avalanche run what it has not run yet.

    Raises:
        RuntimeError: if it fails; what was done stays.
    """
    waiting = [
        {**run, "file": str(file), "threads": torch.get_num_threads()} for run in runs if not (file := peer_file(folder, run)).exists()
    ]
    if not waiting:
        return
    (folder / "peer").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        arrays, stream = {}, read_stream(plan.source, plan.stream)
        for place, task in enumerate(stream.tasks):
            for part, examples in (("train", stream.train(task)), ("test", stream.test(task))):
                arrays |= {f"{place}_{part}_x": examples.inputs.flatten(1).numpy(), f"{place}_{part}_y": examples.targets.numpy()}
        np.savez(Path(scratch) / "tasks.npz", **arrays)
        _, reason = follow_peer(python, "benchmarks.peer_baselines", Path(scratch) / "tasks.npz", json.dumps(waiting))
    if reason:
        raise RuntimeError(f"{python} -m benchmarks.peer_baselines: {reason}")


def peer_accuracy(plan: ExperimentPlan, folder: Path, figure: str) -> dict[str, list[float]]:
    """Mean over the tasks after the last one, in %, by label, of the seeds that the peer has run."""
    found: dict[str, list[float]] = {}
    for label, run in peer_runs(plan):
        if (file := peer_file(folder, run)).exists():
            found.setdefault(label, []).append(100 * float(np.mean(json.loads(file.read_text(encoding="utf-8"))[figure])))
    return found


BESIDE = """Avalanche, same run: its strategies Naive, JointTraining, EWC, SynapticIntelligence, LwF, Replay, DER (as DER++), ICaRL and its
nearest-class-mean classifier learn the very arrays that our learners do, in the same order of tasks, with the same hidden layer, passes,
batches, optimiser and schedule; LwF's distillation weighs as ours does. Weights and the order of examples come from its own random numbers.
EWC's λ is 10,000 ([chosen on another sequence](peers.md)), SI's strength 1 as in continual-learning-baselines. A dash: not in the library,
or not run yet; without an interval: one seed. It has no RanPAC; ours is held to scikit-learn's ridge regression
[by a test](../../tests/evaluation/test_incremental_baselines.py). Its PNN needs the task ([figures](peers.md))."""


def sources() -> str:
    """Where the published figures and Avalanche's are from."""
    first = {said: (label, name, figure) for (name, label, figure), said in reversed(PUBLISHED.items())}
    said = [f"- {label}, {name}, task {figure}: {said.percent:g} %. {said.where}." for said, (label, name, figure) in first.items()]
    return "\n".join([*reversed(said), "", BESIDE])


def about(results: ExperimentResults) -> str:
    """One experiment in full."""
    seeds = f"Seeds {', '.join(map(str, results.seeds))}" if len(results.seeds) > 1 else f"Seed {results.seeds[0]}"
    parts = [f"{results.about.strip()} {seeds}. Data: {results.stream}."]
    parts += [f"Task {figure}, %:\n\n{results.table(figure)}" for figure in ("given", "found")]
    return "\n\n".join([*parts, "What learning took:\n\n" + results.costs()])


def measure(names: Sequence[str], folder: Path, seeds: int | None, peer: str | None) -> None:
    """Run what is not done, and write the sections; a table only if all of its experiments are named."""
    changed = {} if seeds is None else {"seeds": seeds}
    plans, done = {name: read_plan(HERE / f"{name}.toml", **changed) for name in names}, {}
    for name, plan in plans.items():
        if peer:
            ask_peer(peer, plan, folder / name, [run for _, run in peer_runs(plan)])
        done[name] = run_plan(plan, folder / name, look=lambda so_far: print(so_far, flush=True))
        write_section(RESULTS / "reproduced.md", name, about(done[name]))
    for section, parts in TABLES.items():
        if {*parts} <= {*done}:
            write_section(RESULTS / "reproduced.md", section, table(plans, {name: done[name] for name in parts}, folder))
    write_section(RESULTS / "reproduced.md", "published", sources())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs"))
    parser.add_argument("--seeds", type=int, help="in place of the files'")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--peer", **PEER["--peer"])
    arguments = parser.parse_args()
    measure(arguments.only, arguments.folder.resolve(), arguments.seeds, arguments.peer)


if __name__ == "__main__":
    main()
