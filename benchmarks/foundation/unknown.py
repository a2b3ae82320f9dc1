"""Inputs that belong to no task: how well they are told from the known ones."""

from collections.abc import Iterator

import numpy as np
import torch
from sklearn.metrics import roc_auc_score

import senpath as sp
from benchmarks.foundation.growing import grow, tasks
from benchmarks.harness import Record, Records, markdown_table, percent, spread
from senpath.data import load
from senpath.inputs.modalities import MODALITIES

KNOWN = ("fashion", "mnist", "lower", "upper")
MOST = 2_000


def measure(seed: int) -> Iterator[Record]:
    net = grow(seed)[0]
    known = {name: _scores(net, tasks()[name].test[0][:MOST]) for name in KNOWN}
    together = {index: np.concatenate([scores[index] for scores in known.values()]) for index in range(3)}
    # Every known task weighs the same in the comparison, whatever the size of its test set.
    weights = np.concatenate([np.full(len(scores[0]), 1 / len(scores[0])) for scores in known.values()])
    for name, images in unknown_sets(seed).items():
        scores = _scores(net, images)
        areas = [_auroc(together[index], scores[index], weights) for index in range(3)]
        yield {"unknown": name, "areas": areas, "refused": percent(scores[0] > 1)}
    for name, scores in known.items():
        yield {"known": name, "refused": percent(scores[0] > 1)}


def table(records: Records) -> str:
    columns = [
        "unknown set",
        "AUROC, senpath",
        "AUROC, largest softmax of any pathway",
        "AUROC, softmax of the picked pathway",
        "refused %",
    ]
    rows = []
    for name, mine in records.where(known=None).by("unknown").items():
        areas = [spread(values, 3) for values in zip(*(one["areas"] for one in mine), strict=True)]
        rows.append([name, *areas, spread(mine.values("refused"))])
    refused = [f"{name} {spread(records.where(known=name).values('refused'))}" for name in KNOWN]
    return markdown_table(columns, rows) + f"\n\nKnown test inputs refused at the same limits, %: {', '.join(refused)}."


def unknown_sets(seed: int) -> dict[str, np.ndarray]:
    """uint8 images (n, h, w)."""
    random = np.random.default_rng(seed)
    return {
        "pneumoniamnist": load("pneumonia", "test")[0],
        "semeion turned by 90°": np.rot90(load("semeion", "test")[0], axes=(1, 2)).copy(),
        "uniform noise": random.integers(0, 256, (MOST, 28, 28), dtype=np.uint8),
        "gaussian noise": random.normal(128, 64, (MOST, 28, 28)).clip(0, 255).astype(np.uint8),
        "omniglot": load("omniglot", "test")[0][random.choice(13_180, MOST, replace=False)],
    }


def _scores(net: sp.Network, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How unknown each image looks: ood_score; 1 − the largest softmax of any image pathway; 1 − that of the dispatcher's pick."""
    inputs = MODALITIES["image"].encode(images, net.view.manifest.types["image"].data_type)
    decision = net.view.dispatcher("image").decide(inputs)
    softmax = np.stack([torch.softmax(net.view.logits(name, inputs), 1).max(1).values.numpy() for name in decision.names], 1)
    picked = softmax[np.arange(len(images)), decision.order[:, 0]]
    return decision.ood_score, 1 - softmax.max(1), 1 - picked


def _auroc(known: np.ndarray, unknown: np.ndarray, weights: np.ndarray) -> float:
    truth = np.r_[np.zeros(len(known)), np.ones(len(unknown))]
    return float(roc_auc_score(truth, np.r_[known, unknown], sample_weight=np.r_[weights, np.ones(len(unknown)) / len(unknown)]))
