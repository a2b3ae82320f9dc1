"""Learning and answering on many machines, with Ray: as far as one machine of two cores can tell, and simulated beyond that.

    python -m benchmarks.cluster [nodes] [costs] [large-sets]

Tasks are five characters of Omniglot, five drawings each. "nodes": 200 of them learned on one node and on two, of one CPU each, in turn
(`ray.cluster_utils.Cluster`), 50 at a time. "costs": the processor's seconds of a proposal and of a commit, of which more workers are
simulated. "large-sets": memory while tables of several sizes are answered. Needs SENPATH_DATA.
"""

import heapq
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, markdown_table
from benchmarks.scale.stream import five_characters
from senpath.learning.propose import propose
from senpath.parallel import one_thread
from senpath.parallel.pool import AHEAD
from senpath.snapshot import encode_examples

KNOWN, TASKS, EACH = 10, 200, 50
"""Tasks that the network has before, those that are learned, and those of one call where calls take turns."""
MEASURED = 200
"""Tasks of which costs are measured."""
STORE_BYTES = 150 * 2**20
WORKERS = (1, 2, 4, 8, 16, 32, 64)
ROWS = {"25,000": 25_000, "100,000": 100_000, "400,000": 400_000, "1,600,000": 1_600_000}
COLUMNS = 64
QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}


def _known(path: Path) -> sp.Network:
    """A network that learns a few tasks."""
    net = sp.Network(path)
    for task in five_characters(KNOWN, seed=1):
        net.learn(task.name + " known", *task.train)
    return net


@contextmanager
def _cluster(nodes: int) -> Iterator[None]:
    """Connected to so many nodes of one CPU each, all on this machine."""
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": STORE_BYTES}
    cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            cluster.add_node(**node)
        ray.init(address=cluster.address, **QUIET)
        yield
    finally:
        ray.shutdown()
        cluster.shutdown()


def _nodes(nodes: int, seed: int) -> Iterator[Record]:
    """Learn some of the tasks; seeds are rounds, each with others."""
    with tempfile.TemporaryDirectory() as folder, _cluster(nodes):
        net, places = _known(Path(folder) / "net"), {}
        for task in islice(five_characters(TASKS), EACH * seed, EACH * (seed + 1)):
            places[task.name] = Path(folder) / f"{task.name}.npz"
            np.savez(places[task.name], x=task.train[0], y=task.train[1])
        begun: list[float] = []

        def follow(stage: str, done: int, total: int, **figures: float) -> None:
            if stage == "tasks" and done and not begun:
                begun.append(time.perf_counter())

        start, own = time.perf_counter(), time.process_time()
        net.learn_many(places, engine="ray", progress=follow)
        end = time.perf_counter()
        yield {"seconds": end - start, "first": begun[0] - start, "own": time.process_time() - own}


def _costs() -> Iterator[Record]:
    """The processor's seconds of each task's proposal, against what was known, and of its commit."""
    with tempfile.TemporaryDirectory() as folder, one_thread():
        net = _known(Path(folder) / "net")
        view, method = net.view, sp.Sen()
        for task in five_characters(MEASURED):
            start = time.process_time()
            proposal = propose(view, method, task.name, encode_examples(view, *task.train))
            proposed = time.process_time()
            net.commit(proposal)
            yield {"propose": proposed - start, "commit": time.process_time() - proposed}


def _simulated(proposals: Sequence[float], commits: Sequence[float], workers: int, tasks: int) -> float:
    """Seconds until all tasks are committed in order; as in `WorkerPool.in_order`, nothing is handed out while there is a commit."""
    work = list(islice(zip(cycle(proposals), cycle(commits), strict=False), tasks))
    ahead, now, idle, given = AHEAD * workers, 0.0, workers, 0
    running, ready = list[tuple[float, int]](), set[int]()

    def hand_out(place: int) -> None:
        nonlocal idle, given
        while idle and given < min(tasks, place + ahead):
            heapq.heappush(running, (now + work[given][0], given))
            idle, given = idle - 1, given + 1

    for place in range(tasks):
        hand_out(place)
        while place not in ready or (running and running[0][0] <= now):
            end, task = heapq.heappop(running)
            now, idle = max(now, end), idle + 1
            ready.add(task)
            hand_out(place)
        now += work[place][1]
    return now


def _memory() -> dict[str, int]:
    """How many of Ray's processes read and answer at this moment, and what the largest has for itself, in bytes."""
    own = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError, ValueError, KeyError):
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            if fields["Name"].strip().startswith(("ray::Map", "ray::Read")):
                own.append(int(fields["RssAnon"].split()[0]) * 1024)
    return {"processes": len(own), "largest": max(own, default=0), "all": sum(own)}


def _large(rows: str) -> Iterator[Record]:
    """Answer a table of so many rows; the most that workers had at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import ray

    random, count = np.random.default_rng(0), ROWS[rows]
    names = [f"x{number}" for number in range(COLUMNS)]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "in").mkdir()
        x = random.normal(size=(300, COLUMNS))
        net = sp.Network(place / "net")
        net.learn("sum", sp.read(pa.table({**dict(zip(names, x.T, strict=True)), "label": (x.sum(1) > 0).astype(int)}), "label"))
        for part in range(0, count, 25_000):
            content = random.normal(size=(COLUMNS, min(25_000, count - part)))
            pq.write_table(pa.table(dict(zip(names, content, strict=True))), place / "in" / f"{part}.parquet")
        ray.init(address="local", include_dashboard=False, num_cpus=2, object_store_memory=STORE_BYTES, **QUIET)
        most, over = dict.fromkeys(_memory(), 0), threading.Event()

        def watch() -> None:
            while not over.wait(0.5):
                now = _memory()
                for name, value in now.items():
                    most[name] = max(most[name], value)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            start = time.perf_counter()
            answers = sp.predict_dataset(net, place / "in", place / "out", keep=[])
            seconds = time.perf_counter() - start
        finally:
            over.set()
            watcher.join()
            ray.shutdown()
        yield {"answers": answers, "input": count * COLUMNS * 8, "seconds": seconds, **most}


def _nodes_table(records: Records) -> str:
    rows, sums = [], [0.0, 0.0]
    for seed, mine in records.by("seed").items():
        some = [mine.where(nodes=nodes) for nodes in (1, 2)]
        if all(some):
            steady = [one.mean("seconds") - one.mean("first") for one in some]
            sums = [total + value for total, value in zip(sums, steady, strict=True)]
            rows.append(
                [
                    seed + 1,
                    *(f"{value:.0f}" for value in steady),
                    f"{steady[0] / steady[1]:.2f}",
                    *(f"{one.mean('first'):.0f}" for one in some),
                ]
            )
    rows.append(["all", *(f"{value:.0f}" for value in sums), f"{sums[0] / sums[1]:.2f}", "", ""])
    columns = ["round", "one node, s", "two nodes, s", "times as fast", "before the first commit, one node, s", "two"]
    return f"Seconds on the clock from the first commit to the last of {EACH} tasks a round.\n\n{markdown_table(columns, rows)}"


def _costs_table(records: Records) -> str:
    proposals, commits = records.values("propose"), records.values("commit")
    alone = {tasks: _simulated(proposals, commits, 1, tasks) for tasks in (TASKS, 2000)}
    rows = [
        [workers, *(f"{alone[tasks] / _simulated(proposals, commits, workers, tasks):.2f}" for tasks in (TASKS, 2000))]
        for workers in WORKERS
    ]
    later = commits[len(commits) // 2 :]
    said = f"A proposal takes {np.mean(proposals):.3f} s of a processor; a commit {np.mean(commits):.3f} s, of the later half of "
    said += f"{len(records)} tasks {np.mean(later):.3f} s. Simulated: as many workers, each on a processor of its own, and one more "
    said += "processor that commits; times as fast as one worker."
    return f"{said}\n\n{markdown_table(['workers', f'{TASKS} tasks', '2,000 tasks'], rows)}"


def _large_table(records: Records) -> str:
    rows = []
    for size, mine in records.by("rows").items():
        memory = [f"{mine.mean(name) / 2**20:,.0f}" for name in ("input", "largest", "all")]
        rows.append([size, memory[0], f"{mine.mean('processes'):.0f}", *memory[1:], f"{mine.mean('seconds'):.0f}"])
    columns = ["rows", "input in memory, MiB", "processes, most at a time", "the largest of them, MiB", "all of them, MiB", "seconds"]
    return markdown_table(columns, rows)


PARTS = {
    "nodes": Part(_nodes, {"seed": "seeds", "nodes": (1, 2)}),
    "costs": Part(_costs, {}),
    "large-sets": Part(_large, {"rows": ROWS}),
}
SECTIONS = {"nodes": _nodes_table, "costs": _costs_table, "large-sets": _large_table}
BENCHMARK = Benchmark("cluster", __doc__, PARTS, SECTIONS, seeds=TASKS // EACH, anew=True)

if __name__ == "__main__":
    BENCHMARK.main()
