"""The dispatcher alone, of 1,000 to 100,000 tasks: which task it finds, how long that takes, and what it holds in memory.

    python -m benchmarks.scale.simulated [--tasks 100000] [--copies 3] [--inputs 2000] [--folder runs/simulated]

No network is grown. A task is five characters of Omniglot, turned, stretched, sheared and mirrored together as no other task's are; its
columns are the mean features of five drawings of each and of distorted copies, fewer of each drawing than `learn` reads;
what columns as `learn` makes them find among the first thousand tasks stands beside it. Nothing else of a task is made. The folder keeps
the columns, 4 KB each (2 GB for 100,000 tasks); a run that was stopped goes on. Time is the processor's, in one thread. Needs SENPATH_DATA.
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from argparse import Namespace
from collections.abc import Callable, Iterator
from math import pi
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch.nn import functional

from benchmarks.harness import Benchmark, Part, Record, Records, in_turn, markdown_table, processor_timed
from benchmarks.scale.stream import CLASSES, SHOTS, SIDE, characters
from senpath.components import Component
from senpath.routing import (
    CARRIERS,
    Columns,
    CommonCovariance,
    Discriminant,
    Metric,
    StoredTask,
    TaskStatistics,
    collect,
    image_features,
    statistics_of,
)
from senpath.routing.dispatcher import read_features
from senpath.training import Augmentation
from senpath.types import DataType, Examples

SIZES = (1_000, 10_000, 100_000)
CHUNK = 100
"""Tasks whose columns are written at once."""
SHARDS = (8, 32)
"""Machines among which columns may be divided, by k-means of their coordinates."""
ASKED = (1, 2, 3)
"""Of these, how many are asked for an input."""
CALLS, ROUNDS, BATCH = 20, 9, 1_024
DRAWINGS = 20


def drawn(number: int, rows: np.ndarray, images: np.ndarray) -> torch.Tensor:
    """Drawings as the task of this number has them: float32 (n, 1, SIDE, SIDE)."""
    random = np.random.default_rng([1, number])
    angle, shear = random.uniform(0, 2 * pi), random.uniform(-0.3, 0.3)
    wide, high = np.exp(random.uniform(-0.25, 0.25, 2))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn @ np.array([[wide * random.choice([-1, 1]), shear], [0, high]])
    theta = torch.from_numpy(np.concatenate([matrix, np.zeros((2, 1))], 1)).float()[None].expand(len(rows), -1, -1)
    pixels = torch.from_numpy(images[rows]).float()[:, None] / 255
    grid = functional.affine_grid(theta, [len(rows), 1, SIDE, SIDE], align_corners=False)
    return functional.grid_sample(pixels, grid, align_corners=False)


def members(number: int) -> np.ndarray:
    """The drawings of a task: rows of `characters()`, int64 (CLASSES, DRAWINGS), in random order."""
    _, _, labels = characters()
    order = np.argsort(labels, kind="stable").reshape(-1, DRAWINGS)
    random = np.random.default_rng([0, number])
    mine = order[random.choice(len(order), CLASSES, replace=False)]
    return np.asarray(random.permuted(mine, axis=1))


def columns_of(numbers: range, features: Component, copies: int) -> np.ndarray:
    """The tasks' columns, float32 (tasks · CLASSES, features)."""
    images = characters()[0]
    inputs = torch.cat([drawn(number, members(number)[:, :SHOTS].ravel(), images) for number in numbers])
    generator = torch.Generator().manual_seed(numbers.start)
    rounds = [inputs, *(Augmentation(distortion=1.0)(inputs, generator) for _ in range(copies))]
    features_of = torch.stack([read_features(features, one) for one in rounds]).mean(0)
    return np.asarray(features_of.view(len(numbers) * CLASSES, SHOTS, -1).mean(1))


def written(folder: Path, tasks: int, features: Component, copies: int) -> np.ndarray:
    """The columns of so many tasks, mapped from a file; those that are there already stay."""
    file, width = folder / f"columns-{copies}.f32", columns_of(range(1), features, 0).shape[1]
    each = CLASSES * width * 4
    with file.open("ab") as out:
        there = out.tell() // (each * CHUNK) * CHUNK
        out.truncate(there * each)
        for first in range(there, tasks, CHUNK):
            out.write(columns_of(range(first, min(first + CHUNK, tasks)), features, copies).tobytes())
            print(f"\r{min(first + CHUNK, tasks):,} tasks", end="", flush=True)
    print()
    return np.memmap(file, np.float32, "c", shape=(tasks * CLASSES, width))


def learned(number: int, features: Component) -> TaskStatistics:
    """What `learn` makes of a task, with distorted copies."""
    inputs = drawn(number, members(number)[:, :SHOTS].ravel(), characters()[0])
    targets = torch.arange(CLASSES).repeat_interleave(SHOTS)
    examples = Examples(DataType("image", tuple(inputs.shape[1:])), inputs, targets, tuple(range(CLASSES)))
    return statistics_of(collect(examples, features, number, device=torch.device("cpu")), gate=False)


def dispatcher_of(rows: np.ndarray, common: np.ndarray, figures: dict[str, float], features: Component) -> Discriminant:
    """A dispatcher with these columns, as a network with as many tasks has it."""
    tasks = len(rows) // CLASSES
    stored = [StoredTask(f"{number}", CLASSES * number, [SHOTS] * CLASSES, figures) for number in range(tasks)]
    metric = Metric.of(common, tasks, rows, torch.device("cpu"))
    return Discriminant(features, metric, Columns(rows, stored, lambda task: None), stored)


def _measure(size: int, folder: Path, tasks: int, copies: int, inputs: int) -> Iterator[Record]:
    folder.mkdir(parents=True, exist_ok=True)
    features = image_features(1, 0)
    carriers = [learned(number, features) for number in range(CARRIERS)]
    covariances = {str(number): one.covariance for number, one in enumerate(carriers) if one.covariance is not None}
    rows = written(folder, tasks, features, copies)
    common = CommonCovariance.of([*covariances], covariances.__getitem__, rows.shape[1]).mean(covariances.__getitem__)
    images, right = _asked(size or SIZES[0], inputs)
    figures = carriers[0].figures | {"limit": 1.0}
    if not size:  # columns as `learn` makes them
        rows = np.concatenate([learned(number, features).columns for number in range(SIZES[0])])
        order = dispatcher_of(rows, common, figures, features).decide(images).order
        yield {"first": float((order[:, 0] == right).mean())}
        return
    made: list[Discriminant] = []
    seconds = processor_timed(lambda: made.append(dispatcher_of(rows[: size * CLASSES], common, figures, features)))()
    yield {"making": seconds, **_found(made[0], images, right), **_timed(made[0], images), "torch": torch.__version__, "copies": copies}


def _sizes(arguments: Namespace) -> list[dict[str, int]]:
    return [{"size": size} for size in (0, *SIZES) if size <= arguments.tasks]


def _asked(size: int, inputs: int) -> tuple[torch.Tensor, np.ndarray]:
    """Drawings that no column was made of, of random tasks, and whose they are."""
    random, images = np.random.default_rng(size), characters()[0]
    right = random.choice(size, inputs, replace=inputs > size)
    parts = []
    for number in right.tolist():
        row = members(number)[random.integers(CLASSES), random.integers(SHOTS, DRAWINGS)]
        parts.append(drawn(number, np.array([row]), images))
    return torch.cat(parts), right


def _found(dispatcher: Discriminant, images: torch.Tensor, right: np.ndarray) -> Record:
    decision = dispatcher.decide(images)
    exact = _all_scored(dispatcher, images)
    first = decision.order[:, 0]
    kept = {str(shards): _kept(dispatcher, images, first, shards) for shards in SHARDS}
    figures = {"first": first == right, "two": (decision.order == right[:, None]).any(1), "exact": exact == right, "best": exact == first}
    return {name: float(np.mean(one)) for name, one in figures.items()} | {"kept": kept, "memory": _held(dispatcher)}


def _all_scored(dispatcher: Discriminant, images: torch.Tensor) -> np.ndarray:
    """The likeliest task of each input where every column is scored: int64 (n,)."""
    metric, rows = dispatcher.metric, dispatcher.columns.rows
    query = (read_features(dispatcher.features, images) - metric.centre) @ metric.precision
    offsets, temperature = dispatcher._offsets, dispatcher._temperature
    best, first = torch.full((len(query),), -torch.inf), torch.zeros(len(query), dtype=torch.int64)
    for start in range(0, len(rows), CLASSES * 1_000):
        part = torch.from_numpy(np.array(rows[start : start + CLASSES * 1_000])) - metric.centre
        likeness = (query @ part.T + offsets[start : start + len(part)]) / temperature
        score, place = likeness.unflatten(1, (-1, CLASSES)).logsumexp(2).max(1)
        first = torch.where(score > best, place + start // CLASSES, first)
        best = torch.maximum(best, score)
    return first.numpy()


def _kept(dispatcher: Discriminant, images: torch.Tensor, answered: np.ndarray, shards: int) -> list[float]:
    """The share of inputs whose answer has a column in the 1, 2, 3 shards nearest to the input."""
    import faiss

    coordinates = dispatcher.metric.coordinates
    assert coordinates is not None
    points = np.ascontiguousarray(coordinates.columns.numpy())
    means = faiss.Kmeans(points.shape[1], shards, niter=20, seed=0, max_points_per_centroid=1_000)
    means.train(points)
    shard = means.index.search(points, 1)[1][:, 0].reshape(-1, CLASSES)
    features = read_features(dispatcher.features, images) - dispatcher.metric.centre
    nearest = means.index.search((features @ coordinates.projection).numpy(), max(ASKED))[1]
    mine = shard[answered]
    return [float((mine[:, :, None] == nearest[:, None, :asked]).any((1, 2)).mean()) for asked in ASKED]


def _held(dispatcher: Discriminant) -> int:
    """Bytes of the dispatcher's arrays: a few numbers a column, its coordinates, and these once more in the index with its number."""
    metric, columns = dispatcher.metric, dispatcher.columns
    coordinates = metric.coordinates
    assert coordinates is not None
    tensors = [metric.precision, metric.norms, coordinates.projection, coordinates.cells, coordinates.columns, dispatcher._offsets]
    arrays = [columns.owner, columns.counts, columns.first, columns.sizes]
    index = coordinates.columns.nbytes + 16 * len(coordinates.columns)
    return sum(one.nbytes for one in (*tensors, *arrays)) + index


def _timed(dispatcher: Discriminant, images: torch.Tensor) -> Record:
    def one_by_one() -> None:
        for place in range(CALLS):
            dispatcher.decide(images[place : place + 1])

    def batch() -> None:
        dispatcher.decide(images[:BATCH])

    taken = in_turn({"one": processor_timed(one_by_one), "batch": processor_timed(batch)}, ROUNDS, warm=2)
    return {"one": median(taken["one"]) / CALLS, "batch": median(taken["batch"]) / min(BATCH, len(images))}


def _table(records: Records) -> str:
    sizes = {one["size"]: one for one in records if one["size"]}
    real, any_size = records[0], records[-1]
    share = "{:.1f}".format

    def line(title: str, shown: Callable[[Record], str]) -> list[str]:
        return [title, *(shown(one) for one in sizes.values())]

    rows = [
        line("columns", lambda one: f"{CLASSES * one['size']:,}"),
        line("right task first, %", lambda one: share(100 * one["first"])),
        line("… among the first two, %", lambda one: share(100 * one["two"])),
        line("… first, where every column is scored, %", lambda one: share(100 * one["exact"])),
        line("the index finds the task that all columns put first, %", lambda one: share(100 * one["best"])),
        line("one input, ms", lambda one: f"{1e3 * one['one']:.2f}"),
        line(f"an input of a batch of {BATCH:,}, ms", lambda one: f"{1e3 * one['batch']:.3f}"),
        line("the dispatcher's own memory, MB", lambda one: f"{one['memory'] / 1e6:,.0f}"),
        line("columns on disk, mapped, MB", lambda one: f"{one['size'] * CLASSES * 4_096 / 1e6:,.0f}"),
        line("making metric, coordinates and index anew, s", lambda one: f"{one['making']:,.1f}"),
    ]
    for shards in SHARDS:
        for place, asked in enumerate(ASKED):
            title = f"{shards} shards, {asked} asked: same answer possible, %"
            rows.append(line(title, lambda one, shards=shards, place=place: share(100 * one["kept"][str(shards)][place])))
    table = markdown_table(["tasks", *(f"{size:,}" for size in sizes)], rows)
    copies, torch_version = any_size["copies"], any_size["torch"]
    told = f"Each drawing with {copies} distorted copies; as `learn` reads it, the right one of {SIZES[0]:,} tasks is"
    return f"{table}\n\n{told} first for {100 * real['first']:.1f} %. Times are of the dispatcher alone, one thread, torch {torch_version}."


OPTIONS = {
    "--tasks": {"type": int, "default": SIZES[-1], "help": "how many columns are made for"},
    "--copies": {"type": int, "default": 3, "help": "distorted copies of each drawing that its column is the mean of too"},
    "--inputs": {"type": int, "default": 2_000, "help": "drawings that are asked for at each size"},
}
BENCHMARK = Benchmark(
    "simulated", __doc__, {"simulated": Part(_measure, _sizes)}, {"simulated": _table}, "cluster.md", anew=True, options=OPTIONS
)

if __name__ == "__main__":
    BENCHMARK.main()
