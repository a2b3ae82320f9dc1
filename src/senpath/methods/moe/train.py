"""Training tasks together, and keeping the best state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import torch
from torch import nn

from senpath.methods.moe.config import MoeSettings
from senpath.methods.moe.model import Mixture, load_balance, trimmed
from senpath.pathways import run_chain
from senpath.progress import Progress
from senpath.seeds import derive
from senpath.training import BestState, Descent, TaskSplit, in_chunks, mean_quality, training_steps
from senpath.types import Examples

RATES = {False: (2e-4, 5e-3), True: (1e-3, 2e-3)}
"""Learning rates of blocks and of output layers, where blocks begin as trained ones (experts are not scaled by the gate), and otherwise."""
EPOCHS = {False: 4, True: 20}
"""Likewise."""
LOOKED_AT = 1_000
"""Examples of a task, at most, by whose tokens it is decided which experts the task keeps."""


@dataclass(frozen=True)
class Use:
    """Where the tokens of a task go.

    Args:
        shares: for each block with experts the share of the tokens that goes to each expert, where none is dropped.
        kept: for each the places of the experts that the task keeps.
    """

    shares: tuple[torch.Tensor, ...]
    kept: tuple[list[int], ...]


def fit_mixture(
    mixture: Mixture, tasks: Mapping[str, Examples], settings: MoeSettings, device: torch.device, progress: Progress
) -> tuple[dict[str, Any], list[Use]]:
    """Train the weights of a mixture that require gradients, on all tasks at once; the same seed gives the same bits.

    What is validated is what the network gets: each task with the experts alone that it keeps.

    Args:
        tasks: in the order of the mixture's output layers, which then answer in the targets' own units.

    Returns:
        What is kept of it: "steps"; "curve", the mean quality over the tasks on what was held out at each check, and "quality", that of
        the state that was kept, unless nothing was held out; with experts the means over the last tenth of the steps of their
        load-balancing loss, "balance", which is 1 where they are used evenly, and of the share of tokens above their capacity, "dropped".
        And how each task uses experts.
    """
    seed = settings.random_state
    splits = [TaskSplit.spare(examples, settings.validation, derive(seed, "held", name)) for name, examples in tasks.items()]
    sizes = [len(split.fitted) for split in splits]
    size = min(settings.batch_size, sum(sizes))
    epochs = EPOCHS[mixture.plan.scaled] if settings.epochs is None else settings.epochs
    steps = max(settings.least_steps, epochs * -(-sum(sizes) // size)) if epochs else 0
    mixture.to(device).train()
    loss, best, curve = _Loss(mixture, splits, settings, steps), BestState(mixture, latest=True), list[float]()
    descent = Descent(_optimizer(mixture, settings), steps=steps, warm_up=settings.warm_up, clip=1.0)
    batches = islice(mixed_batches(sizes, size, torch.Generator().manual_seed(derive(seed, "batches"))), steps)
    checks = {round(steps * place / settings.checks) for place in range(1, settings.checks + 1)}
    figures: dict[str, float] = {}
    for step in training_steps(batches, loss, descent, progress=progress, figures=figures):
        if step in checks and (quality := _quality(mixture, splits, settings.keep, device)) is not None:
            curve.append(quality)
            best.offer(quality)
            figures["accuracy"] = quality
    best.restore()
    mixture.eval()
    uses = [use_of(mixture, task, split, settings.keep, device) for task, split in enumerate(splits)]
    for split, head in zip(splits, mixture.output_layers, strict=True):
        split.scaler.fold_into(head)
    record: dict[str, Any] = {"steps": steps, "curve": [round(value, 4) for value in curve]}
    record |= {"quality": best.quality[0]} if best.kept else {}
    last = loss.used[-max(1, len(loss.used) // 10) :]
    return record | {name: round(sum(use[name] for use in last) / len(last), 4) for name in (last[0] if last else ())}, uses


class MixedBatch(NamedTuple):
    """A batch of several tasks' examples.

    Args:
        tasks: of every example, int64 ascending.
        places: for each task those of its examples.
        order: of all, so that the tokens above an expert's capacity, the last ones, are not always of the same task.
    """

    tasks: torch.Tensor
    places: Sequence[torch.Tensor]
    order: torch.Tensor


def mixed_batches(sizes: Sequence[int], size: int, generator: torch.Generator) -> Iterator[MixedBatch]:
    """Batches without end: an example's task is drawn in proportion to √size, and each task's examples pass after pass."""
    shares = torch.tensor(sizes, dtype=torch.float64).sqrt()
    orders = [torch.zeros(0, dtype=torch.int64) for _ in sizes]
    while True:
        tasks = torch.multinomial(shares, size, replacement=True, generator=generator).sort().values
        places = []
        for task, count in enumerate(tasks.bincount(minlength=len(sizes)).tolist()):
            while len(orders[task]) < count:
                orders[task] = torch.cat([orders[task], torch.randperm(sizes[task], generator=generator)])
            places.append(orders[task][:count])
            orders[task] = orders[task][count:]
        yield MixedBatch(tasks, places, torch.randperm(size, generator=generator))


class _Loss:
    """The loss of a batch. One task alone may use experts as it likes: capacity and load balance are for several.

    Args:
        steps: in all, of which the first ones are soft.

    Attributes:
        used: how experts were used in each batch so far, see `fit_mixture`; empty without experts.
    """

    def __init__(self, mixture: Mixture, splits: Sequence[TaskSplit], settings: MoeSettings, steps: int) -> None:
        self._mixture, self._splits = mixture, splits
        several = len(splits) > 1
        self._capacity, self._balance = settings.capacity if several else None, settings.balance if several else 0.0
        self._soft, self._done = settings.soften * steps, 0
        self.used: list[dict[str, float]] = []

    def __call__(self, batch: MixedBatch) -> torch.Tensor:
        tasks, places, order = batch
        device = self._mixture.tasks.device
        tokens = torch.cat([split.inputs(rows) for split, rows in zip(self._splits, places, strict=True)])
        softness = max(0.0, 1 - self._done / self._soft) if self._soft else 0.0
        self._done += 1
        pooled, flows = self._mixture(trimmed(tokens.to(device))[order], tasks[order].to(device), self._capacity, softness)
        pooled = pooled[order.argsort()]
        loss: torch.Tensor = pooled.new_zeros(())
        parts = pooled.split([len(rows) for rows in places])
        for split, head, rows, values in zip(self._splits, self._mixture.heads, places, parts, strict=True):
            if len(rows):
                loss = loss + split.loss(head(values), rows) * (len(rows) / len(tasks))
        if flows:
            balance = torch.stack([load_balance(flow) for flow in flows]).mean()
            self.used.append({"balance": float(balance.detach()), "dropped": sum(flow.dropped for flow in flows) / len(flows)})
            loss = loss + self._balance * balance
        return loss


def _optimizer(mixture: Mixture, settings: MoeSettings) -> torch.optim.Optimizer:
    """Adam, with a rate for blocks, one for output layers, and one for gates and tasks' embeddings."""
    blocks, heads = RATES[mixture.plan.scaled]
    gates = [mixture.tasks, *(values for block in mixture.expert_blocks for values in block.router.parameters())]
    groups = [(settings.head_learning_rate or heads, [*mixture.heads.parameters()]), (settings.gate_learning_rate, gates)]
    named = {id(values) for _, group in groups for values in group}
    groups.append((settings.learning_rate or blocks, [values for values in mixture.parameters() if id(values) not in named]))
    trained = [(rate, [values for values in group if values.requires_grad]) for rate, group in groups]
    return torch.optim.AdamW([{"params": group, "lr": rate} for rate, group in trained if group], weight_decay=0.01, fused=True)


def _quality(mixture: Mixture, splits: Sequence[TaskSplit], keep: float, device: torch.device) -> float | None:
    """Mean of the tasks' scores on what is held out; None where nothing is."""
    mixture.eval()
    scores = []
    for task, split in enumerate(splits):
        if len(split.held):
            chain = mixture.of_task(task, use_of(mixture, task, split, keep, device).kept)
            scores.append(split.validate(partial(answer, chain, device=device)))
    mixture.train()
    return mean_quality(scores)


def answer(chain: Sequence[nn.Module], inputs: torch.Tensor, device: torch.device) -> torch.Tensor:
    """What a task's modules answer, (n, outputs)."""
    return in_chunks(partial(run_chain, chain), inputs, device)


def use_of(mixture: Mixture, task: int, split: TaskSplit, keep: float, device: torch.device) -> Use:
    """How a task uses experts, by examples that it learns from; see `MoeSettings.keep`."""
    blocks = mixture.expert_blocks
    if not blocks:
        return Use((), ())
    places = torch.arange(0, len(split.fitted), -(-len(split.fitted) // LOOKED_AT))
    inputs = split.inputs(places)
    choices = in_chunks(lambda part: torch.stack([flow.choice for flow in mixture.run_task(part, task)[1]], 1), inputs, device)
    counts = [choice.bincount(minlength=len(block.rows)) for block, choice in zip(blocks, choices.unbind(1), strict=True)]
    shares = tuple(count / count.sum().clamp(min=1) for count in counts)
    return Use(shares, tuple(kept_experts(share, keep) for share in shares))


def kept_experts(shares: torch.Tensor, least: float) -> list[int]:
    """Places of the experts with at least this share; the most used one in any case."""
    best = int(shares.argmax())
    return [place for place, share in enumerate(shares.tolist()) if share >= max(least, 1e-12) or place == best]
