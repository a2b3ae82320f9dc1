"""How related a source is to a new task, by the few examples of the new task and the source's pathway alone."""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from senpath.methods.sen.links import readable, similarities
from senpath.seeds import derive
from senpath.snapshot import View
from senpath.types import Examples

LEAST = 0.7
"""The paper's threshold."""


def relatedness(view: View, source: str, examples: Examples, seed: int) -> dict[str, float]:
    """Every candidate measure, by name; larger means more related."""
    (found,) = similarities(view, examples, derive(seed, "similarity"))
    shares, targets = found.shares.numpy(), examples.targets.numpy()
    hidden = _hidden(view, source, examples.inputs)
    chances = view.logits(source, examples.inputs).double().softmax(1).numpy()
    pixels = examples.inputs.flatten(1).double().numpy()
    of_hidden, of_pixels = nearest_mean(hidden, targets), nearest_mean(pixels, targets)
    of_ridge, active = ridge(kernel(hidden), targets), (hidden > 0).mean(0)
    return {
        "highest": float(shares.max()),
        "mean": float(shares.max(1).mean()),
        "reaching": float((shares.max(1) >= LEAST).mean()),
        "worth": worth(shares, LEAST) / len(shares),
        "worth_all": worth(shares, 0.0) / len(shares),
        "separability": max(0.0, (worth(shares, 0.0) - 1) / (len(shares) - 1)),
        "matched": matched(shares),
        "leep": leep(chances, targets),
        "logme": logme(hidden, targets),
        "logme_over_pixels": logme(hidden, targets) - logme(pixels, targets),
        "means": of_hidden,
        "means_over_pixels": of_hidden - of_pixels,
        "ridge": of_ridge,
        "ridge_over_pixels": of_ridge - ridge(kernel(pixels), targets),
        "ridge_beside_pixels": ridge(kernel(pixels) + kernel(hidden), targets) - ridge(kernel(pixels), targets),
        "leep_left_out": leep_left_out(chances, targets),
        "units": float((4 * active * (1 - active)).mean()),
    }


def worth(shares: np.ndarray, least: float) -> float:
    """Sum of the classes' highest shares that reach `least`, each class of the source counted once, as the method chooses its source by."""
    best, of = shares.max(1), shares.argmax(1)
    counted = np.zeros(shares.shape[1])
    np.maximum.at(counted, of, np.where(best >= least, best, 0))
    return float(counted.sum())


def matched(shares: np.ndarray) -> float:
    """Mean share of the new classes when each has a class of the source to itself, as well as that can be done."""
    rows, columns = linear_sum_assignment(-shares)
    return float(shares[rows, columns].sum() / len(shares))


def leep(chances: np.ndarray, targets: np.ndarray) -> float:
    """Mean log-likelihood of the labels when the source's probabilities are read by how its classes go with them (Nguyen 2020)."""
    joint = np.zeros((targets.max() + 1, chances.shape[1]))
    np.add.at(joint, targets, chances)
    given = joint / np.maximum(joint.sum(0), 1e-300)
    return float(np.log(np.maximum((given[targets] * chances).sum(1), 1e-300)).mean())


def leep_left_out(chances: np.ndarray, targets: np.ndarray) -> float:
    """Share of the examples that are right when each is read by how the source's classes go with the labels of the others."""
    joint = np.zeros((targets.max() + 1, chances.shape[1]))
    np.add.at(joint, targets, chances)
    right = 0
    for place, label in enumerate(targets):
        others = joint.copy()
        others[label] -= chances[place]
        others /= np.maximum(others.sum(1, keepdims=True), 1e-300)  # each class as if it had as many examples as any
        given = others / np.maximum(others.sum(0), 1e-300)
        right += int((given @ chances[place]).argmax() == label)
    return right / len(targets)


def logme(features: np.ndarray, targets: np.ndarray, rounds: int = 20) -> float:
    """Log evidence per example of a Bayesian linear model from features to labels, mean over the classes (You 2021)."""
    number, width = features.shape
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    square, found = singular**2, []
    for label in range(targets.max() + 1):
        wanted = (targets == label).astype(float)
        inside = (left.T @ wanted) ** 2
        outside = max(float(wanted @ wanted - inside.sum()), 1e-12)
        alpha = beta = 1.0
        for _ in range(rounds):  # of the fixed point
            ratio = beta / alpha
            effective = float((ratio * square / (1 + ratio * square)).sum())
            length = float((ratio**2 * square * inside / (1 + ratio * square) ** 2).sum())
            residue = float((inside / (1 + ratio * square) ** 2).sum()) + outside
            alpha, beta = effective / max(length, 1e-12), (number - effective) / residue
        ratio = beta / alpha
        length = float((ratio**2 * square * inside / (1 + ratio * square) ** 2).sum())
        residue = float((inside / (1 + ratio * square) ** 2).sum()) + outside
        determinant = float(np.log(alpha + beta * square).sum()) + (width - len(square)) * np.log(alpha)
        evidence = width * np.log(alpha) + number * np.log(beta / (2 * np.pi)) - beta * residue - alpha * length - determinant
        found.append(evidence / 2 / number)
    return float(np.mean(found))


def nearest_mean(features: np.ndarray, targets: np.ndarray) -> float:
    """Share of the examples nearest to their own class's mean, which is taken without them."""
    labels = np.eye(targets.max() + 1)[targets]
    counts = labels.sum(0)
    means = (labels.T @ features) / counts[:, None]
    distances = ((features[:, None] - means[None]) ** 2).sum(2)
    own = np.arange(len(targets)), targets
    distances[own] *= (counts[targets] / (counts[targets] - 1)) ** 2
    return float((distances.argmin(1) == targets).mean())


def kernel(features: np.ndarray) -> np.ndarray:
    """Inner products of the centred features, a mean of 1 on the diagonal."""
    centred = features - features.mean(0)
    products: np.ndarray = centred @ centred.T
    return products / max(float(np.trace(products)) / len(products), 1e-12)


def ridge(products: np.ndarray, targets: np.ndarray, strength: float = 0.1) -> float:
    """Share of the examples that ridge regression on the labels gets right, each by the others."""
    labels = np.eye(targets.max() + 1)[targets]
    labels = labels - labels.mean(0)
    hat = products @ np.linalg.inv(products + strength * np.eye(len(products)))
    own = np.diag(hat)[:, None]
    found = (hat @ labels - own * labels) / (1 - own)
    return float((found.argmax(1) == targets).mean())


def _hidden(view: View, source: str, inputs: torch.Tensor) -> np.ndarray:
    """What a link to this source would read."""
    values = inputs
    for name in readable(view, view.pathway(source))[0]:
        values = view.component(name)(values)
    return values.double().numpy()
