"""How far a task of a concept is to be trusted."""

from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from senpath.progress import silent
from senpath.snapshot.method import Method
from senpath.snapshot.proposal import run_new
from senpath.snapshot.view import View
from senpath.training import splits
from senpath.types import Examples

ENOUGH = 100
"""Held-out examples from which a temperature is well known: no further fold is learned then."""
TEMPERATURES = torch.logspace(-3, 5, 161, base=2.0, dtype=torch.float64)
"""1/8 … 32, in steps of 3.5 %, which cross-entropy does not feel."""


def fitted_temperature(view: View, method: Method, examples: Examples) -> float:
    """The temperature at which softmax has the least cross-entropy on held-out examples, by cross-validation (Guo et al. 2017).

    As if one example more had had any label (Platt 1999): few that are all right do not say that answers are never wrong.
    """
    logits, targets, held_out = [], [], 0
    for fitted, held in splits(examples, 0):
        part, rest = examples.subset(fitted), examples.subset(held)
        result = method.propose(view, "", part, silent)
        logits.append(run_new(view, result.pathway("", part), result.components, rest.inputs).double().cpu())
        targets.append(rest.targets)
        held_out += len(held)
        if held_out >= ENOUGH:
            break
    if not held_out:  # one example of some class: nothing is known of how sure it may be
        return 1.0
    outputs, truth = torch.cat(logits), torch.cat(targets)
    losses = [cross_entropy(outputs / temperature, truth, label_smoothing=1 / (held_out + 2)) for temperature in TEMPERATURES]
    return round(float(TEMPERATURES[torch.stack(losses).argmin()]), 4)
