"""senpath beside Avalanche 0.6 on one sequence of tasks with the task given: accuracy, forgetting, and time as ratios within one run.

    python -m benchmarks.peers [--rounds 3] [--peer PYTHON]
    python -m benchmarks.peers --strengths 1 10 100 [--peer PYTHON]

`--peer` names a Python that has avalanche-lib 0.6, in an environment of its own (`make peer` makes one); without it senpath's own rows
are printed, and nothing is written. Round r uses seed r. `--strengths` tries EWC's λ on held-out training examples instead. Needs the
real data.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from operator import itemgetter
from pathlib import Path
from statistics import median

import torch

from benchmarks.common import RESULTS, write_section
from benchmarks.sequence import EPOCHS, TITLES, Run, Task, hand_over, learn_peer, learn_sen, learn_strategy, read_tasks, with_validation
from senpath.evaluation.baselines import Pnn, Shared
from senpath.evaluation.strategy import Strategy
from senpath.reports.markdown import markdown_table, spread

OURS, PEER = "senpath", "Avalanche 0.6"
PEER_STRENGTH = 1e4
STRENGTH = 1e2
"""EWC's λ in Avalanche and in senpath: each the best in mean accuracy on held-out training examples, one seed, of 300, 1e3, 3e3, 1e4,
3e4, 1e5 and of 1, 10, 30, 100, … 1e6, by `python -m benchmarks.peers --strengths 300 1e3 … --peer PYTHON`. Their scales differ: Avalanche's
importances are squares of whole batches' mean gradients, smaller by about the size of a batch than senpath's, which are those of single
examples, and its penalty has no factor 1/2."""
NAIVE, EWC, PNN, SEN = "Naive, one head per task", "EWC", "PNN", "SEN, the whole `learn`"
PEER_METHODS = {NAIVE: "naive", EWC: "ewc", PNN: "pnn"}
SMALL = 1_280

Job = Callable[[int], Run]
Key = tuple[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", help="a Python with avalanche-lib 0.6")
    parser.add_argument("--strengths", type=float, nargs="+", help="values of EWC's λ to try on held-out training examples")
    arguments = parser.parse_args()
    tasks = read_tasks()
    with tempfile.TemporaryDirectory() as name:
        if arguments.strengths:
            print(_try_strengths(with_validation(tasks), Path(name), arguments.peer, arguments.strengths))
            return
        runs = _in_turn(_jobs(tasks, Path(name), arguments.peer), arguments.rounds)
    text = markdown_table(_columns(), [_row(key, runs) for key in runs]) + "\n\n" + _note(arguments.rounds, arguments.peer)
    if arguments.peer:
        write_section(RESULTS / "peers.md", "sequence", text)
    else:
        print(text)


def _jobs(tasks: list[Task], folder: Path, peer: str | None) -> dict[Key, Job]:
    """Every row of the table by (method, where): a function of the seed."""
    ours = {NAIVE: Shared(), EWC: Shared(strength=STRENGTH), PNN: Pnn()}
    _warm_up(tasks, ours.values())
    if peer:
        hand_over(tasks, folder)
    jobs: dict[Key, Job] = {(SEN, OURS): partial(learn_sen, tasks)}
    for method, first in ours.items():
        jobs[method, OURS] = partial(learn_strategy, first, tasks)
        if peer:
            jobs[method, PEER] = partial(learn_peer, peer, PEER_METHODS[method], folder, strength=PEER_STRENGTH)
    return jobs


def _warm_up(tasks: list[Task], ours: Iterable[Strategy]) -> None:
    """A small part of two tasks, untimed, as the peer does it in its own process: what a first use costs is no part of the comparison."""
    small = [Task(task.name, (task.train[0][:SMALL], task.train[1][:SMALL]), task.test) for task in tasks[:2]]
    learn_sen(small, 0)
    for first in ours:
        learn_strategy(first, small, 0)


def _in_turn(jobs: dict[Key, Job], rounds: int) -> dict[Key, list[Run]]:
    """Each job once per round, so that a drift of the machine meets all alike."""
    runs: dict[Key, list[Run]] = {key: [] for key in jobs}
    for seed in range(rounds):
        for (method, where), job in jobs.items():
            run = job(seed)
            print(f"round {seed + 1}, {method}, {where}: {run.total:.2f} s, {100 * run.mean:.1f} %", flush=True)
            runs[method, where].append(run)
    return runs


def _columns() -> list[str]:
    figures = [*TITLES.values(), "mean", "forgetting", "weights", "seconds"]
    return ["method", "where", *figures, "time ÷ SEN's", "time ÷ the same method in senpath"]


def _row(key: Key, runs: dict[Key, list[Run]]) -> list[str]:
    mine = runs[key]
    finals = zip(*(run.final for run in mine), strict=True)
    shares = [*finals, [run.mean for run in mine], [run.forgetting for run in mine]]
    sizes = f"{median(run.weights for run in mine):,.0f}", f"{median(run.total for run in mine):.1f}"
    ratios = _ratio(mine, runs[SEN, OURS]), _ratio(mine, runs[key[0], OURS])
    return [*key, *(spread([100 * value for value in values]) for values in shares), *sizes, *ratios]


def _ratio(mine: list[Run], other: list[Run]) -> str:
    return "–" if mine is other else f"**{median(a.total / b.total for a, b in zip(mine, other, strict=True)):.2f}**"


def _note(rounds: int, peer: str | None) -> str:
    versions = f"torch {torch.__version__} in senpath"
    if peer:
        theirs = subprocess.run([peer, "-c", "import torch; print(torch.__version__)"], stdout=subprocess.PIPE, text=True, check=True)
        versions += f", {theirs.stdout.strip()} in the peer's environment"
    return (
        f"{EPOCHS} passes per task, {torch.get_num_threads()} threads, {versions}; {rounds} rounds taken in turn, a seed each. "
        f"Accuracy in %, mean ± sample standard deviation over the seeds; seconds and ratios are medians over the rounds. "
        f"EWC's λ: {STRENGTH:g} in senpath, {PEER_STRENGTH:g} in Avalanche."
    )


def _try_strengths(tasks: list[Task], folder: Path, peer: str | None, strengths: list[float]) -> str:
    """EWC's accuracy on the held-out examples after the last task, for each λ, one seed."""
    hand_over(tasks, folder)
    rows = []
    for strength in strengths:
        runs = {OURS: learn_strategy(Shared(strength=strength), tasks, 0)}
        if peer:
            runs[PEER] = learn_peer(peer, "ewc", folder, 0, strength)
        rows += [[where, f"{strength:g}", f"{100 * run.mean:.1f}", f"{100 * run.forgetting:.1f}"] for where, run in runs.items()]
        print(f"λ = {strength:g}: " + ", ".join(f"{where} {100 * run.mean:.1f} %" for where, run in runs.items()), flush=True)
    return markdown_table(["EWC of", "λ", "mean accuracy, held out", "forgetting"], sorted(rows, key=itemgetter(0)))


if __name__ == "__main__":
    main()
