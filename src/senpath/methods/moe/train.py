"""Training tasks together, and keeping the best state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import torch

from senpath.methods.moe.config import MoeSettings
from senpath.methods.moe.model import Mixture, load_balance, trimmed
from senpath.progress import Progress
from senpath.seeds import derive
from senpath.training import BestState, Descent, TaskSplit, in_chunks, mean_quality, training_steps
from senpath.types import Examples

RATES = {False: (2e-4, 5e-3), True: (1e-3, 2e-3)}
"""Learning rates of blocks and of output layers, where blocks begin as trained ones (experts are not scaled by the gate), and otherwise."""


def fit_mixture(
    mixture: Mixture, tasks: Mapping[str, Examples], settings: MoeSettings, device: torch.device, progress: Progress
) -> dict[str, Any]:
    """Train the weights of a mixture that require gradients, on all tasks at once; the same seed gives the same bits.

    Args:
        tasks: in the order of the mixture's output layers, which then answer in the targets' own units.

    Returns:
        What is kept of it: "steps"; "curve", the mean quality over the tasks on what was held out at each check, and "quality", that of the
        state that was kept, unless nothing was held out; with experts the means over the last tenth of the steps of their load-balancing
        loss, "balance", which is 1 where they are used evenly, and of the share of tokens above their capacity, "dropped".
    """
    seed = settings.random_state
    splits = [TaskSplit.spare(examples, settings.validation, derive(seed, "held", name)) for name, examples in tasks.items()]
    sizes = [len(split.fitted) for split in splits]
    size = min(settings.batch_size, sum(sizes))
    steps = max(settings.least_steps, settings.epochs * -(-sum(sizes) // size)) if settings.epochs else 0
    mixture.to(device).train()
    loss, best, curve = _Loss(mixture, splits, settings), BestState(mixture, latest=True), list[float]()
    descent = Descent(_optimizer(mixture, settings), steps=steps, warm_up=settings.warm_up, clip=1.0)
    batches = islice(mixed_batches(sizes, size, torch.Generator().manual_seed(derive(seed, "batches"))), steps)
    checks = {round(steps * place / settings.checks) for place in range(1, settings.checks + 1)}
    for step in training_steps(batches, loss, descent, progress=progress):
        if step in checks and (quality := _quality(mixture, splits, device)) is not None:
            curve.append(quality)
            best.offer(quality)
    best.restore()
    mixture.eval()
    for split, head in zip(splits, mixture.output_layers, strict=True):
        split.scaler.fold_into(head)
    record: dict[str, Any] = {"steps": steps, "curve": [round(value, 4) for value in curve]}
    record |= {"quality": best.quality[0]} if best.kept else {}
    last = loss.used[-max(1, len(loss.used) // 10) :]
    return record | {name: round(sum(use[name] for use in last) / len(last), 4) for name in (last[0] if last else ())}


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

    Attributes:
        used: how experts were used in each batch so far, see `fit_mixture`; empty without experts.
    """

    def __init__(self, mixture: Mixture, splits: Sequence[TaskSplit], settings: MoeSettings) -> None:
        self._mixture, self._splits = mixture, splits
        several = len(splits) > 1
        self._capacity, self._balance = settings.capacity if several else None, settings.balance if several else 0.0
        self.used: list[dict[str, float]] = []

    def __call__(self, batch: MixedBatch) -> torch.Tensor:
        tasks, places, order = batch
        device = self._mixture.tasks.device
        tokens = torch.cat([split.inputs(rows) for split, rows in zip(self._splits, places, strict=True)])
        pooled, flows = self._mixture(trimmed(tokens.to(device))[order], tasks[order].to(device), self._capacity)
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


def _quality(mixture: Mixture, splits: Sequence[TaskSplit], device: torch.device) -> float | None:
    """Mean of the tasks' scores on what is held out; None where nothing is."""
    mixture.eval()
    scores = [split.validate(partial(answer, mixture, task, device=device)) for task, split in enumerate(splits)]
    mixture.train()
    return mean_quality(scores)


def answer(mixture: Mixture, task: int, inputs: torch.Tensor, device: torch.device) -> torch.Tensor:
    """What a mixture answers for one task, (n, outputs); nothing is dropped."""
    return in_chunks(lambda part: mixture.output_layers[task](mixture.run_task(part, task)[0]), inputs, device)
