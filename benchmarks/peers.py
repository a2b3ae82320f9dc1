"""senpath beside Avalanche 0.6 on one sequence of tasks with the task given: accuracy, forgetting, and time as ratios within one run.

    python -m benchmarks.peers [--rounds 3] [--peer PYTHON]
    python -m benchmarks.peers --strengths 1 10 100 [--peer PYTHON]

`--peer` names a Python that has avalanche-lib 0.6, in an environment of its own (`make peer` makes one); without it senpath's own rows
are printed, and nothing is written. Round r uses seed r. `--strengths` tries EWC's λ on held-out training examples instead. Needs
SENPATH_DATA.
"""

import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from statistics import median

import torch

from benchmarks.harness import PEER as PEER_OPTION
from benchmarks.harness import Benchmark, Part, Record, Records, markdown_table, ratio, spread
from benchmarks.sequence import EPOCHS, TITLES, Task, hand_over, learn_peer, learn_sen, learn_strategy, read_tasks, with_validation
from senpath.evaluation.baselines import Pnn, Shared

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


def _measure(rounds: int, peer: str | None) -> Iterator[Record]:
    """Every method once per round, so that a drift of the machine meets all alike."""
    tasks, version = read_tasks(), [peer, "-c", "import torch; print(torch.__version__)"]
    theirs = subprocess.run(version, stdout=subprocess.PIPE, text=True, check=True).stdout.strip() if peer else None
    yield {"threads": torch.get_num_threads(), "torch": torch.__version__, "peer": theirs}
    with tempfile.TemporaryDirectory() as folder:
        learners = _learners(tasks, Path(folder), peer)
        for seed in range(rounds):
            for (method, where), learn in learners.items():
                run = learn(seed)
                print(f"round {seed + 1}, {method}, {where}: {run['total']:.2f} s, {100 * run['mean']:.1f} %", flush=True)
                yield {"method": method, "where": where, "seed": seed, **run}


def _learners(tasks: list[Task], folder: Path, peer: str | None) -> dict[tuple[str, str], Callable[[int], Record]]:
    """Every row of the table by (method, where): a function of the seed."""
    ours = {NAIVE: Shared(), EWC: Shared(strength=STRENGTH), PNN: Pnn()}
    # First a small part of two tasks, untimed, as the peer does it: what a first use costs is no part of the comparison.
    small = [Task(task.name, (task.train[0][:SMALL], task.train[1][:SMALL]), task.test) for task in tasks[:2]]
    learn_sen(small, 0)
    for first in ours.values():
        learn_strategy(first, small, 0)
    if peer:
        hand_over(tasks, folder)
    learners: dict[tuple[str, str], Callable[[int], Record]] = {(SEN, OURS): partial(learn_sen, tasks)}
    for method, first in ours.items():
        learners[method, OURS] = partial(learn_strategy, first, tasks)
        if peer:
            learners[method, PEER] = partial(learn_peer, peer, PEER_METHODS[method], folder, strength=PEER_STRENGTH)
    return learners


def _table(records: Records) -> str:
    about, runs = records[0], records.where(lambda one: "method" in one).by("method", "where")
    figures = [*TITLES.values(), "mean", "forgetting", "weights", "seconds"]
    columns = ["method", "where", *figures, "time ÷ SEN's", "time ÷ the same method in senpath"]
    versions = f"torch {about['torch']} in senpath"
    if about["peer"]:
        versions += f", {about['peer']} in the peer's environment"
    note = (
        f"{EPOCHS} passes per task, {about['threads']} threads, {versions}; {len(runs[SEN, OURS])} rounds taken in turn, a seed each. "
        f"Accuracy in %, mean ± sample standard deviation over the seeds; seconds and ratios are medians over the rounds. "
        f"EWC's λ: {STRENGTH:g} in senpath, {PEER_STRENGTH:g} in Avalanche."
    )
    return f"{markdown_table(columns, [_row(*key, runs) for key in runs])}\n\n{note}"


def _row(method: str, where: str, runs: dict[tuple[str, str], Records]) -> list[str]:
    mine = runs[method, where]
    finals = zip(*(run["final"] for run in mine), strict=True)
    shares = [spread([100 * value for value in values]) for values in (*finals, mine.values("mean"), mine.values("forgetting"))]
    sizes = f"{median(mine.values('weights')):,.0f}", f"{median(mine.values('total')):.1f}"
    others = runs[SEN, OURS], runs[method, OURS]
    ratios = ["–" if mine is other else f"**{ratio(mine.values('total'), other.values('total')):.2f}**" for other in others]
    return [method, where, *shares, *sizes, *ratios]


def _try_strengths(strengths: Sequence[float], peer: str | None) -> Iterator[Record]:
    """EWC's accuracy on the held-out examples after the last task, for each λ, one seed."""
    tasks = with_validation(read_tasks())
    with tempfile.TemporaryDirectory() as folder:
        hand_over(tasks, Path(folder))
        for strength in strengths:
            runs = {OURS: learn_strategy(Shared(strength=strength), tasks, 0)}
            if peer:
                runs[PEER] = learn_peer(peer, "ewc", Path(folder), 0, strength)
            for where, run in runs.items():
                yield {"where": where, "strength": strength, "mean": run["mean"], "forgetting": run["forgetting"]}
            print(f"λ = {strength:g}: " + ", ".join(f"{where} {100 * run['mean']:.1f} %" for where, run in runs.items()), flush=True)


def _strengths_table(records: Records) -> str:
    rows = [[one["where"], f"{one['strength']:g}", f"{100 * one['mean']:.1f}", f"{100 * one['forgetting']:.1f}"] for one in records]
    return markdown_table(["EWC of", "λ", "mean accuracy, held out", "forgetting"], sorted(rows, key=itemgetter(0)))


PARTS = {
    "sequence": Part(_measure, lambda arguments: [] if arguments.strengths else [{}]),
    "strengths": Part(_try_strengths, lambda arguments: [{}] if arguments.strengths else []),
}
SECTIONS = {"sequence": _table, "strengths": _strengths_table}
OPTIONS = {
    **PEER_OPTION,
    "--rounds": {"type": int, "default": 3},
    "--strengths": {"type": float, "nargs": "+", "help": "values of EWC's λ to try on held-out training examples"},
}
BENCHMARK = Benchmark(
    "peers", __doc__, PARTS, SECTIONS, anew=True, options=OPTIONS, writes=lambda arguments: arguments.peer and not arguments.strengths
)

if __name__ == "__main__":
    BENCHMARK.main()
