"""What is measured: a task alone, after others that it may borrow from, asked about what is out of its scope, and beside all others."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

import senpath as sp
from benchmarks.harness import Record, percent, read_part, seconds
from benchmarks.senses import peer
from benchmarks.senses.sets import IMAGES, OUTSIDE, SOUND, SPECTRA, TABLES, TEXTS, encoded, sample
from senpath.snapshot import View
from senpath.types import Examples

SHOTS = (5, 20)
FEW = (*TABLES, "trec", SOUND, "clothing", "signdigits", SPECTRA, "banking77", "grocery", "clinc150")
"""In the order in which they are learned: the quick ones first."""
FULL = ("trec", *IMAGES, "banking77", "clinc150")
PAIRS = (
    (("cr",), "sst2"),
    (("sst2",), "cr"),
    (("agnews",), "trec"),
    (("grocery",), "clothing"),
    (("clothing",), "grocery"),
    (("clothing", "grocery"), "signdigits"),
    (("banking77",), "clinc150"),
    (("clinc150",), "banking77"),
)
"""What is learned first, and the task that may borrow from it."""
WAYS: dict[str, dict[str, Any]] = {"default": {}, "alone": {"links": "none", "start": "random"}}
RECORDED = ("separability", "copied_from", "guard")
"""What the method records about its choice of a source."""
SCOPE = "clinc150"
DOUBT = 0.3
"""Weight of 1 − the largest softmax beside ood_score, chosen on validation data for the squared distance."""
SENSES = {"text": TEXTS, "image": IMAGES}


def _share_right(labels: np.ndarray, test: Examples) -> float:
    """In %: of the test inputs that got their label; None is wrong."""
    return percent([label == test.classes[place] for label, place in zip(labels, test.targets.tolist(), strict=True)])


def alone(shots: int | None, task: str, seed: int) -> Iterator[Record]:
    """A task alone in a network, beside a tuned logistic regression on the same inputs."""
    learned, test = sample(task, shots, seed)
    net = sp.Network(random_state=seed)
    report = net.learn("task", learned, random_state=seed)
    right = _share_right(net.predict(test, task="task").label, test)
    settings: dict[str, peer.Choice] = {}
    searched = seconds(lambda: settings.update(peer.choose(learned, shots, seed)))
    record: Record = {"examples": len(learned), "classes": len(learned.classes), "sen": right}
    record |= {"strength": report.provenance.record["training"].get("strength"), "seconds": report.seconds, "seconds of search": searched}
    yield {**record, "logistic": {criterion: _logistic(learned, test, choice) for criterion, choice in settings.items()}}


def _logistic(learned: Examples, test: Examples, choice: peer.Choice) -> Record:
    inputs, targets = peer.arrays(test)
    return {"accuracy": percent(peer.fit(learned, choice).predict(inputs) == targets), "choice": asdict(choice)}


def borrow(sources: tuple[str, ...], target: str, seeds: int) -> Iterator[Record]:
    """The sources are learned once; the seeds draw the target's examples."""
    net = sp.Network()
    for name in sources:
        net.learn(name, sample(name, None, 0)[0])
    ready = net.version
    for shots in SHOTS:
        for seed in range(seeds):
            learned, test = sample(target, shots, seed)
            record: Record = {"shots": shots, "seed": seed}
            for way, settings in WAYS.items():
                report = net.learn(target, learned, random_state=seed, **settings)
                record[way] = _share_right(net.predict(test, task=target).label, test)
                record[f"seconds, {way}"] = report.seconds
                if way == "default":
                    record["linked to"] = sorted({source for source, _ in report.transfers})
                    record["classes linked"] = len({transfer.target for _, transfer in report.transfers})
                    record["choice"] = {key: value for key, value in report.provenance.record.items() if key in RECORDED}
                    record["choice"]["sources_tried"] = report.provenance.sources_tried
                ready = net.rollback(ready).version  # only the last few versions are kept
            yield record


def ask_outside(shots: int | None, seed: int, folder: Path) -> Iterator[Record]:
    """CLINC150 alone in a network, and requests that are outside its 150 intents."""
    learned, test = sample(SCOPE, shots, seed)
    outside = encoded(OUTSIDE, "test")
    net = sp.Network(random_state=seed)
    net.learn(SCOPE, learned, random_state=seed)
    asked = torch.cat([test.inputs, outside.inputs])
    scores = _scores(net.view, asked)
    for criterion, choice in _choices(folder, shots, seed).items():
        chances = peer.fit(learned, choice).predict_proba(asked.numpy().astype(np.float64))
        scores[f"logistic regression, {criterion}"] = 1 - chances.max(1)
    free, always, refused = net.predict(test), net.predict(test, reject=False), net.predict(outside)
    yield {
        "inside": len(test),
        "accuracy": _share_right(free.label, test),
        "accuracy, none refused": _share_right(always.label, test),
        "refused inside": percent([task is None for task in free.task]),
        "recall": percent([task is None for task in refused.task]),
        # Seven digits are what the page needs to compare them.
        "scores": {name: [float(f"{value:.7g}") for value in values] for name, values in scores.items()},
    }


def _scores(view: View, inputs: torch.Tensor) -> dict[str, np.ndarray]:
    """How foreign each input looks to the network."""
    ood_score = view.dispatcher("text").decide(inputs).ood_score
    doubt = 1 - view.logits(SCOPE, inputs).double().softmax(1).max(1).values.numpy()
    return {"ood_score": ood_score, "ood_score and softmax": ood_score + DOUBT * doubt, "softmax of the pathway": doubt}


def _choices(folder: Path, shots: int | None, seed: int) -> dict[str, peer.Choice]:
    """How the logistic regression of this cell was set, from its record; without one it is searched for again."""
    for record in read_part(folder / ("few" if shots else "full"), [{"shots": shots, "task": SCOPE, "seed": seed}]):
        return {criterion: peer.Choice(**logistic["choice"]) for criterion, logistic in record["logistic"].items()}
    return peer.choose(sample(SCOPE, shots, seed)[0], shots, seed)


def learn_all(sense: str, shots: int | None, seed: int) -> Iterator[Record]:
    """All tasks of a type in one network."""
    net, tests, links = sp.Network(random_state=seed), {}, {}
    for name in SENSES[sense]:
        learned, test = sample(name, shots, seed)
        report = net.learn(name, learned, random_state=seed)
        links[name] = sorted({source for source, _ in report.transfers})
        tests[name] = test, np.array(test.classes, dtype=object)[test.targets.numpy()]
    measured = sp.evaluate(net, tests)
    scores = {name: asdict(score) for name, score in measured.scores.items()}
    confusion = {name: {str(task): count for task, count in row.items()} for name, row in measured.confusion.items()}
    yield {"scores": scores, "confusion": confusion, "links": links}
