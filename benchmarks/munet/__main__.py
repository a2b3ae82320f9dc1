"""Everything of docs/results/munet.md.

    python -m benchmarks.munet [EXPERIMENT ...] [--jobs 2] [--folder runs/munet]

Experiments: toy, convolutions, notebook, chars, photographs, cifar, stream, speed, page; all of them by default but notebook, which trains
a million images a task. A run that was stopped goes on: with the networks
that it has made, and within a task with the generations that it has finished. Needs SENPATH_DATA.
"""

from dataclasses import replace
from functools import partial

from benchmarks.harness import Benchmark, Part, Section
from benchmarks.munet import page
from benchmarks.munet.measure import ROUNDS, compare_workers, learn_in_turn
from benchmarks.munet.plan import PLAN, Experiment


def _part(plan: Experiment) -> Part:
    about = {"experiment": repr(replace(plan, seeds=0))}  # further seeds may be added
    return Part(partial(learn_in_turn, plan), {"seed": range(plan.seeds), "row": plan.rows}, about, asked=plan is PLAN["notebook"])


PARTS = {name: _part(plan) for name, plan in PLAN.items()} | {"speed": Part(compare_workers, {"round": range(ROUNDS)}, workers=0)}
SECTIONS = {
    "toy": partial(page.compared, PLAN["toy"]),
    **{name: partial(page.compared, PLAN[name]) for name in ("convolutions", "notebook", "chars")},
    "photographs": Section(page.photographs, ["photographs", "cifar"]),
    "stream": page.stream,
    "speed": page.speed,
}
BENCHMARK = Benchmark("munet", __doc__, PARTS, SECTIONS, jobs=2)

if __name__ == "__main__":
    BENCHMARK.main()
