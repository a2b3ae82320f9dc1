"""Concepts: tasks that share their labels, for they answer what several senses tell of one thing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch.nn.functional import cross_entropy

from senpath.errors import InputError
from senpath.pathways import Pathway
from senpath.progress import silent
from senpath.snapshot.proposal import Method, Proposal, try_out
from senpath.snapshot.view import View
from senpath.training import splits
from senpath.types import Examples, Label, TaskKind

ENOUGH = 100
"""Held-out examples from which a temperature is well known: no further fold is learned then."""
TEMPERATURES = torch.logspace(-3, 5, 161, base=2.0, dtype=torch.float64)
"""1/8 … 32, in steps of 3.5 %, which cross-entropy does not feel."""
NAMED = 10
"""Labels that a message names at most."""


def labels_of(pathways: Iterable[Pathway], concept: str) -> tuple[Label, ...]:
    """The labels that any task of a concept has, in the order of learning; none if there is no such task."""
    return tuple(dict.fromkeys(label for pathway in pathways if pathway.concept == concept for label in pathway.classes))


def check_concept(concept: str, kind: TaskKind, classes: tuple[Label, ...], known: tuple[Label, ...]) -> None:
    """Whether a new task may be of a concept.

    Args:
        known: the labels that the concept has; none if it is new.

    Raises:
        InputError: if it tells no classes apart, or others than the concept has.
    """
    if kind != "classification":
        raise InputError(f"task of concept {concept!r}", expected="a classification", got=f"a {kind}", do="Learn it without a concept")
    missing = [label for label in known if label not in classes]
    new = [label for label in classes if known and label not in known]
    if missing or new:
        parts = [f"{_named(labels)} {what}" for labels, what in ((missing, "missing"), (new, "besides")) if labels]
        raise InputError(
            f"labels of a task of concept {concept!r}",
            expected=f"those that the concept has: {_named(known)}",
            got=" and ".join(parts),
            do="A whole number and its text are different labels" if set(map(str, missing)) & set(map(str, new)) else "",
        )


def with_concept(view: View, method: Method, proposal: Proposal, examples: Examples, concept: str) -> Proposal:
    """The proposal of a new task of this concept, with the temperature that its answers need to be weighed against other senses'."""
    temperature = _temperature(view, method, examples)
    first, *others = proposal.pathways
    entry = {**proposal.entry, "concept": concept, "temperature": temperature}
    own = replace(first, concept=concept, temperature=temperature)
    return replace(proposal, pathways=(own, *others), entry=entry)


def _temperature(view: View, method: Method, examples: Examples) -> float:
    """At which softmax has the least cross-entropy on examples that were held out, by cross-validation (Guo et al. 2017).

    As if one example more had had any label (Platt 1999): few that are all right do not say that answers are never wrong.
    """
    logits, targets, held_out = [], [], 0
    for fitted, held in splits(examples, 0):
        rest = examples.subset(held)
        logits.append(try_out(view, method.propose(view, "", examples.subset(fitted), silent), rest.inputs).double().cpu())
        targets.append(rest.targets)
        held_out += len(held)
        if held_out >= ENOUGH:
            break
    if not held_out:  # one example of some class: nothing is known of how sure it may be
        return 1.0
    outputs, truth = torch.cat(logits), torch.cat(targets)
    losses = [cross_entropy(outputs / temperature, truth, label_smoothing=1 / (held_out + 2)) for temperature in TEMPERATURES]
    return round(float(TEMPERATURES[torch.stack(losses).argmin()]), 4)


def _named(labels: Iterable[Label]) -> str:
    labels = list(labels)
    return ", ".join(map(repr, labels[:NAMED])) + (f", … ({len(labels)} in all)" if len(labels) > NAMED else "")
