"""Training tasks together, and keeping the best state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass

import torch
from torch import nn

from senpath.methods.moe.config import MoeSettings
from senpath.methods.moe.mixture import Mixture, load_balance, trimmed
from senpath.progress import Progress
from senpath.seeds import derive
from senpath.training import TargetScaler, schedule, spare
from senpath.types import Examples

CHUNK = 256
"""Inputs that are validated at once."""
RATES = {False: (2e-4, 5e-3), True: (1e-3, 2e-3)}
"""Learning rates of blocks and of output layers, where blocks begin as trained ones (experts are not scaled by the gate), and otherwise."""
TOLD = 50
"""How often in all a run tells its progress."""


@dataclass(frozen=True)
class Used:
    """How experts were used in training: the load-balance loss, 1 where evenly, and the share of tokens above their capacity."""

    balance: float
    dropped: float


@dataclass(frozen=True)
class Fitted:
    """How a training went.

    Attributes:
        steps: of the training.
        quality: mean over the tasks on what was held out, in the state that was kept; None where nothing was.
        curve: that mean at each check.
        used: means over the last tenth of the steps; None without experts.
        scalers: of each task's numbers.
    """

    steps: int
    quality: float | None
    curve: tuple[float, ...]
    used: Used | None
    scalers: tuple[TargetScaler, ...]


@dataclass(frozen=True)
class _Part:
    """One task's share in the training: where its examples are among all tasks' together."""

    examples: Examples
    fitted: torch.Tensor
    held: torch.Tensor
    scaler: TargetScaler


def fit_mixture(mixture: Mixture, tasks: Mapping[str, Examples], settings: MoeSettings, device: torch.device, progress: Progress) -> Fitted:
    """Train those weights of a mixture that require gradients, on all tasks at once; the same seed gives the same bits.

    Args:
        tasks: in the order of the mixture's output layers.
    """
    parts = [_part(examples, settings, name) for name, examples in tasks.items()]
    mixture.to(device)
    mixture.train()
    draw = _Draw([len(part.fitted) for part in parts], settings)
    optimizer = _optimizer(mixture, settings)
    rates = [group["lr"] for group in optimizer.param_groups]
    trained = [values for group in optimizer.param_groups for values in group["params"]]
    checks = {round(draw.steps * place / settings.checks) for place in range(1, settings.checks + 1)}
    best, kept, curve, uses = -float("inf"), None, list[float](), list[Used]()
    for step, batch in enumerate(draw, 1):
        share = schedule((step - 1) / draw.steps, settings.warm_up)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * share
        loss, used = _loss(mixture, parts, batch, settings, device)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        uses += [used] if used is not None else []
        if step % max(1, draw.steps // TOLD) == 0 or step == draw.steps:
            progress("train", step, draw.steps)
        if step in checks and any(len(part.held) for part in parts):
            curve.append(_quality(mixture, parts, device))
            if curve[-1] >= best:  # of equals the later one, which was trained longer
                best, kept = curve[-1], {name: value.clone() for name, value in mixture.state_dict().items()}
    if kept is not None:
        mixture.load_state_dict(kept)
    mixture.eval()
    last = uses[-max(1, len(uses) // 10) :]
    return Fitted(
        steps=draw.steps,
        quality=best if kept is not None else None,
        curve=tuple(curve),
        used=Used(*(sum(values) / len(last) for values in zip(*map(astuple, last), strict=True))) if last else None,
        scalers=tuple(part.scaler for part in parts),
    )


def _part(examples: Examples, settings: MoeSettings, name: str) -> _Part:
    fitted, held = spare(examples, settings.validation, derive(settings.random_state, "held", name))
    return _Part(examples, fitted, held, TargetScaler.fit(examples.subset(fitted)))


class _Draw:
    """Batches of all tasks mixed: an example's task is drawn in proportion to √size, and each task's examples pass after pass."""

    def __init__(self, sizes: Sequence[int], settings: MoeSettings) -> None:
        self._sizes, self._batch = sizes, min(settings.batch_size, sum(sizes))
        self.steps = max(settings.least_steps, settings.epochs * -(-sum(sizes) // self._batch)) if settings.epochs else 0
        self._generator = torch.Generator().manual_seed(derive(settings.random_state, "batches"))

    def __iter__(self) -> Iterator[tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]]:
        """For each step the task of every example, int64 ascending; for each task the places among its examples; and an order of them all,
        so that those who come too late for an expert are not always the same task's."""
        shares = torch.tensor(self._sizes, dtype=torch.float64).sqrt()
        orders = [torch.zeros(0, dtype=torch.int64) for _ in self._sizes]
        for _ in range(self.steps):
            which = torch.multinomial(shares, self._batch, replacement=True, generator=self._generator).sort().values
            places = []
            for task, count in enumerate(which.bincount(minlength=len(self._sizes)).tolist()):
                while len(orders[task]) < count:
                    orders[task] = torch.cat([orders[task], torch.randperm(self._sizes[task], generator=self._generator)])
                places.append(orders[task][:count])
                orders[task] = orders[task][count:]
            yield which, places, torch.randperm(self._batch, generator=self._generator)


def _loss(
    mixture: Mixture,
    parts: Sequence[_Part],
    batch: tuple[torch.Tensor, list[torch.Tensor], torch.Tensor],
    settings: MoeSettings,
    device: torch.device,
) -> tuple[torch.Tensor, Used | None]:
    """The loss of a batch, see `_Draw`, and what the experts were used like.

    One task alone may use experts as it likes: capacity and load balance are for a mixture.
    """
    mixed = len(parts) > 1
    which, places, order = batch
    rows = [part.fitted[mine] for part, mine in zip(parts, places, strict=True)]
    tokens = trimmed(torch.cat([part.examples.inputs[mine] for part, mine in zip(parts, rows, strict=True)]).to(device))
    pooled, flows = mixture(tokens[order], which[order].to(device), settings.capacity if mixed else None)
    pooled = pooled[order.argsort()]
    loss = pooled.new_zeros(())
    for part, head, mine, values in zip(parts, mixture.heads, rows, pooled.split([len(mine) for mine in rows]), strict=True):
        if len(mine):
            targets = part.scaler.transform(part.examples.targets[mine]).to(device)
            loss = loss + part.examples.task_kind.loss(head(values), targets) * (len(mine) / len(which))
    if not flows:
        return loss, None
    balance = torch.stack([load_balance(flow) for flow in flows]).mean()
    used = Used(float(balance.detach()), sum(flow.dropped for flow in flows) / len(flows))
    return loss + (settings.balance if mixed else 0.0) * balance, used


def _optimizer(mixture: Mixture, settings: MoeSettings) -> torch.optim.Optimizer:
    """Adam, with a rate for blocks, one for output layers, and one for gates and tasks' embeddings."""
    blocks, heads = RATES[mixture.plan.scaled]
    gates = [mixture.tasks, *(values for block in mixture.expert_blocks for values in block.router.parameters())]
    groups = [(settings.head_learning_rate or heads, [*mixture.heads.parameters()]), (settings.gate_learning_rate, gates)]
    named = {id(values) for _, group in groups for values in group}
    groups.append((settings.learning_rate or blocks, [values for values in mixture.parameters() if id(values) not in named]))
    trained = [(rate, [values for values in group if values.requires_grad]) for rate, group in groups]
    return torch.optim.AdamW([{"params": group, "lr": rate} for rate, group in trained if group], weight_decay=0.01, fused=True)


def _quality(mixture: Mixture, parts: Sequence[_Part], device: torch.device) -> float:
    """Mean of the tasks' scores on what is held out; R² has no least value, and one below 0 counts 0."""
    mixture.eval()
    found = []
    for task, part in enumerate(parts):
        if len(part.held):
            outputs = answer(mixture, task, part.examples.inputs[part.held], device)
            found.append(max(0.0, part.examples.task_kind.score(outputs, part.scaler.transform(part.examples.targets[part.held]))))
    mixture.train()
    return sum(found) / len(found)


def answer(mixture: Mixture, task: int, inputs: torch.Tensor, device: torch.device) -> torch.Tensor:
    """What a mixture answers for one task, (n, outputs); nothing is dropped."""
    outputs = []
    with torch.no_grad():
        for part in inputs.split(CHUNK):
            which = torch.full((len(part),), task, device=device)
            outputs.append(mixture.heads[task](mixture(trimmed(part.to(device)), which)[0]).cpu())
    return torch.cat(outputs)
