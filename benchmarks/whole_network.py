"""A whole network as one ONNX model under onnxruntime, beside `predict`: size, time to export, time of an answer, agreement.

    python -m benchmarks.whole_network [--folder runs/whole-network] [--rounds 8]

Grows networks of 10 and of 100 tasks of five characters (Omniglot), two minutes, which the folder keeps. Both sides read the same raw
pictures and run on one thread, in turn. Needs SENPATH_DATA and senpath[onnx].
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import json
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime

import senpath as sp
from benchmarks.harness import Benchmark, Part, Record, Records, Section, in_turn, markdown_table, ratio, timed
from benchmarks.scale.stream import five_characters
from benchmarks.sequence import Task
from senpath.testing import ConstantMethod

SIZES = (10, 100)
BATCHES = {1: 40, 64: 4}
"""Inputs of a call, and calls of a round."""


def _grown(path: Path, tasks: Sequence[Task]) -> sp.Network:
    """A network of these tasks, each with a layer of 128 units of its own; one that was stopped while it grew goes on."""
    net = sp.Network(path)
    for number, task in enumerate(tasks[len(net.tasks) :], len(net.tasks)):
        net.learn(task.name, *task.train, method=ConstantMethod(hidden=128, random_state=number))
    return net


def _measure(folder: Path, rounds: int) -> Iterator[Record]:
    for size in SIZES:
        tasks = [*five_characters(size)]
        net, path = _grown(folder / f"{size}.sen", tasks), folder / f"{size}.onnx"
        start = time.process_time()
        net.export_all(path, overwrite=True)
        spent = time.process_time() - start
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        model = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        pictures = np.concatenate([task.test[0] for task in tasks])
        pictures = pictures[np.random.default_rng(0).permutation(len(pictures))]
        yield {
            "tasks": size,
            "weights": net.weights["total"],
            "export": spent,
            "bytes": path.stat().st_size,
            **_agreement(net, model, pictures),
        }
        for batch, calls in BATCHES.items():
            parts = [pictures[place * batch : (place + 1) * batch] for place in range(calls)]
            jobs = {"predict": partial(_each, net.predict, parts), "onnx": partial(_each, partial(_run, model), parts)}
            seconds = in_turn({name: timed(job) for name, job in jobs.items()}, rounds, alternate=True)
            yield {"tasks": size, "batch": batch, "seconds": {name: [one / calls for one in taken] for name, taken in seconds.items()}}


def _each(answer: object, parts: list[np.ndarray]) -> None:
    for part in parts:
        answer(part)  # type: ignore[operator]


def _run(model: onnxruntime.InferenceSession, pictures: np.ndarray) -> dict[str, np.ndarray]:
    names = [output.name for output in model.get_outputs()]
    return dict(zip(names, model.run(None, {"pictures": pictures[..., None]}), strict=True))


def _agreement(net: sp.Network, model: onnxruntime.InferenceSession, pictures: np.ndarray) -> Record:
    """Of how many inputs the tasks are the same, and how far apart the confidences of these are at most."""
    expected, answers = net.predict(pictures), _run(model, pictures)
    tasks = json.loads(model.get_modelmeta().custom_metadata_map["tasks"])
    same = np.array([(tasks[place]["name"] if place >= 0 else None) for place in answers["task"]], dtype=object) == expected.task
    away = float(np.abs(answers["confidence"] - expected.confidence)[same].max())
    return {"inputs": len(pictures), "same": int(same.sum()), "away": away}


def _table(records: Records) -> str:
    rows = []
    for size in SIZES:
        about, *times = [record for record in records if record["tasks"] == size]
        told = [
            f"{about['weights'] / 1e6:.1f} M",
            f"{about['bytes'] / 1e6:.1f} MB",
            f"{about['export']:.0f} s",
            f"{about['same']:,} of {about['inputs']:,}",
            f"{about['away']:.0e}",
        ]
        for record in times:
            seconds, batch = record["seconds"], record["batch"]
            each = [f"{1e6 * median(seconds[name]) / batch:,.0f}" for name in ("predict", "onnx")]
            rows.append([f"{size}", *told, f"{batch}", *each, f"**{ratio(seconds['onnx'], seconds['predict']):.2f}**"])
            told = [""] * len(told)
    head = ["tasks", "weights", "model", "export, of one processor", "same task", "largest difference of confidence", "inputs a call"]
    return markdown_table([*head, "`predict`, µs an input", "onnxruntime", "onnxruntime ÷ `predict`"], rows)


PARTS = {"measured": Part(_measure)}
SECTIONS = {"whole-network": Section(_table, ["measured"])}
OPTIONS = {"--rounds": {"type": int, "default": 8, "help": "rounds of both sides in turn"}}
BENCHMARK = Benchmark("whole-network", __doc__, PARTS, SECTIONS, "onnx.md", anew=True, options=OPTIONS)

if __name__ == "__main__":
    BENCHMARK.main()
