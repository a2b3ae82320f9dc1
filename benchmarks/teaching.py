"""Teaching over HTTP: servers killed while they teach, the figure before a task is learned, and groups of the inbox.

    python -m benchmarks.teaching [kills] [checks] [groups] [--seeds 5] [--folder runs/teaching] [--page]

Handwritten digits (UCI and MNIST), letters, and Omniglot. Writes docs/results/teaching.md from the records in the folder; a run that was
stopped goes on with what has no record. Checks and groups need SENPATH_DATA.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import torch
from sklearn.cluster import HDBSCAN
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, homogeneity_score

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, markdown_table, spread
from senpath.data import few_shot, load
from senpath.learning.grouping import group_inputs
from senpath.learning.preview import preview
from senpath.routing.dispatcher import read_features
from senpath.testing import ConstantMethod, tiny_network, tiny_task

CHAINS, KILLS = 4, 5
"""Networks, and kills of the server of each."""
DELAYS = (0.0, 3.0)
"""Seconds from the moment that a job runs to the kill."""
SERVE = """
import sys
from pathlib import Path
from senpath.server.run import serve
from senpath.serving.served import prepare
from senpath.serving.settings import ServerSettings

ready, _ = prepare(Path(sys.argv[1]), ServerSettings(port=0))
print(ready.port, flush=True)
serve(Path(sys.argv[1]), ready)
"""


@contextmanager
def _serving(folder: Path) -> Iterator[tuple[httpx.Client, int]]:
    """A server of its own, and its process; it is gone afterwards."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        try:
            port = server.stdout.readline().strip()  # type: ignore[union-attr]
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                for _ in range(600):
                    with suppress(httpx.TransportError):
                        client.get("/health/ready").raise_for_status()
                        break
                    time.sleep(0.1)
                yield client, server.pid
        finally:
            with suppress(ProcessLookupError):
                os.kill(server.pid, signal.SIGKILL)


def _ended(client: httpx.Client, job: str) -> dict[str, object]:
    while (told := client.get(f"/jobs/{job}").json())["ended"] is None:
        time.sleep(0.05)
    return told  # type: ignore[no-any-return]


def _kills(chain: int) -> Iterator[Record]:
    """Teach, kill the server at some moment, look at the network, and start the server again."""
    generator, (x, y) = np.random.default_rng(chain), tiny_task("high")
    examples = [{"input": (255 * one).astype(int).tolist(), "label": int(label)} for one, label in zip(x[:60], y[:60], strict=True)]
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "net.sen"
        tiny_network(folder, ["low", "iris"])
        job, last = "", dict[str, Any]()
        for kill in range(KILLS + 1):
            with _serving(folder) as (client, process):
                if job:
                    told = _ended(client, job)
                    there = f"task {kill - 1}" in client.get("/network").text
                    yield {**last, "state": told["state"], "committed": there}
                if kill == KILLS:
                    return
                job = client.post(f"/tasks/task {kill}", json={"examples": examples}).json()["job"]["id"]
                while client.get(f"/jobs/{job}").json()["progress"] is None:
                    time.sleep(0.01)
                last = {"kill": kill, "delay": float(generator.uniform(*DELAYS))}
                time.sleep(last["delay"])
                last["stage"] = (client.get(f"/jobs/{job}").json()["progress"] or {"stage": "ended"})["stage"]
                os.kill(process, signal.SIGKILL)
            sp.Network(folder).verify()


def _check(seed: int, classes: int, shots: int) -> Iterator[Record]:
    """The figure before a task is learned, and the accuracy of what was learned of the same letters."""
    generator = np.random.default_rng(seed)
    (x, y), (tests, truth) = load("lower"), load("lower", "test")
    labels = generator.choice(np.unique(y), classes, replace=False)
    mine = np.flatnonzero(np.isin(y, labels))
    chosen = mine[few_shot(x[mine], np.asarray(y)[mine], shots, seed)]
    net = _digits()
    start = time.perf_counter()
    told = preview(net.view, x[chosen], np.asarray(y)[chosen])
    seconds = time.perf_counter() - start
    net.learn("letters", x[chosen], np.asarray(y)[chosen], random_state=seed)
    asked = np.flatnonzero(np.isin(truth, labels))[:1000]
    learned = float(np.mean(net.predict(tests[asked], task="letters").label == np.asarray(truth)[asked]))
    yield {"told": told.accuracy, "learned": learned, "seconds": seconds, "nearest": told.nearest_task}


def _digits() -> sp.Network:
    """A network of 3,000 digits; how well it tells them apart does not matter here, for its dispatcher does not depend on the method."""
    x, y = load("mnist")
    chosen = np.random.default_rng(0).choice(len(y), 3000, replace=False)
    net = sp.Network()
    net.learn("digits", x[chosen], np.asarray(y)[chosen], method=ConstantMethod())
    return net


FIRST_SEED = 100
"""Of the groups: the cut was chosen on samples of seeds below."""


def _group(seed: int) -> Iterator[Record]:
    """Six letters (25 pictures each) and ten Omniglot characters (20 each), of which a network of digits refuses most."""
    generator = np.random.default_rng(FIRST_SEED + seed)
    (letters, names), (strange, characters) = load("lower"), load("omniglot", "test")
    names, characters = np.asarray(names), np.asarray(characters)
    items, truth = [], []
    for letter in generator.choice(np.unique(names), 6, replace=False):
        for place in generator.choice(np.flatnonzero(names == letter), 25, replace=False):
            items.append(letters[place])
            truth.append(f"letter {letter}")
    for character in generator.choice(np.unique(characters), 10, replace=False):
        for place in np.flatnonzero(characters == character)[:20]:
            items.append(strange[place])
            truth.append(f"character {character}")
    net = _digits()
    answers = net.predict(items)
    kept = [place for place in range(len(items)) if answers.task[place] is None]
    items, labels = [items[place] for place in kept], np.array(truth)[kept]
    start = time.perf_counter()
    groups = group_inputs(net.view, items)
    seconds = time.perf_counter() - start
    largest = np.bincount(groups).max()
    yield {"way": "as built", "refused": len(kept) / len(truth), "seconds": seconds, "largest": int(largest), **_agreement(labels, groups)}
    data_type = net.view.types["image"]
    features = read_features(net.view.feature_map(data_type), net.view.encode(items, data_type))
    unit = torch.nn.functional.normalize(features - features.mean(0)).numpy()
    reduced = PCA(30, random_state=0).fit_transform(unit)
    found = HDBSCAN(min_cluster_size=3, copy=True).fit_predict(reduced)
    alone = np.where(found < 0, len(found) + np.arange(len(found)), found)
    yield {"way": "HDBSCAN, 30 principal components of the features", **_agreement(labels, alone)}


def _agreement(labels: np.ndarray, groups: np.ndarray) -> Record:
    several = np.isin(groups, np.flatnonzero(np.bincount(groups) > 1))
    rand, pure = adjusted_rand_score(labels, groups), homogeneity_score(labels, groups)
    return {"rand": float(rand), "pure": float(pure), "groups": len({*groups[several]}), "alone": float(1 - several.mean())}


def _kills_table(records: Records) -> str:
    columns = ["kill", "seconds after the job began", "stage", "committed", "said after the restart"]
    rows = [
        [one["chain"] * KILLS + one["kill"] + 1, f"{one['delay']:.2f}", one["stage"], "yes" if one["committed"] else "no", one["state"]]
        for one in records
    ]
    true = sum((one["state"] == "done") == one["committed"] for one in records)
    opened = f"The folder opened and verified after each of {len(rows)} kills; {true} jobs were told as they were."
    return f"{opened}\n\n{markdown_table(columns, rows)}"


def _checks_table(records: Records) -> str:
    rows = []
    for classes, of_classes in records.by("classes").items():
        for shots, mine in of_classes.by("shots").items():
            figures = [spread([100 * one[key] for one in mine]) for key in ("told", "learned")]
            rows.append([classes, shots, *figures, f"{1000 * np.median(mine.values('seconds')):.0f}"])
    return markdown_table(["classes", "examples a class", "told before, %", "learned: test, %", "ms"], rows)


def _groups_table(records: Records) -> str:
    rows = []
    for way, mine in records.by("way").items():
        rand, pure = (spread(mine.values(key), 2) for key in ("rand", "pure"))
        groups, alone = spread(mine.values("groups"), 0), spread([100 * one for one in mine.values("alone")], 0)
        rows.append([way, rand, pure, groups, alone])
    built = records.where(way="as built")
    refused, seconds = spread([100 * one for one in built.values("refused")], 0), np.median(built.values("seconds"))
    columns = ["way", "adjusted Rand index", "homogeneity", "groups of two or more", "alone, %"]
    return f"Refused and kept: {refused} % of 350; grouped in {seconds:.1f} s (median).\n\n" + markdown_table(columns, rows)


PARTS = {
    "kills": Part(_kills, {"chain": range(CHAINS)}, {"kills": KILLS, "delays": DELAYS}),
    "checks": Part(_check, {"seed": "seeds", "classes": (2, 5, 10), "shots": (5, 10)}),
    "groups": Part(_group, {"seed": "seeds"}),
}
SECTIONS = {"kills": _kills_table, "checks": _checks_table, "groups": _groups_table}
BENCHMARK = Benchmark("teaching", __doc__, PARTS, SECTIONS, seeds=5)

if __name__ == "__main__":
    BENCHMARK.main()
