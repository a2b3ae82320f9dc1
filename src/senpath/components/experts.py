"""The feed-forward half of a transformer's block as a mixture of experts, and the gate that chooses among them.

Tokens are (n, length, width); rows of exact zeros are padding, take no part and stay zero (see `senpath.components.tokens`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, get_args

import torch
from torch import nn
from torch.nn import functional

from senpath.components.attention import BERT_EPSILON
from senpath.components.base import Composite
from senpath.components.kind import ComponentKind, register
from senpath.components.limits import Hashes, Places, Size
from senpath.components.tokens import real

Gating = Literal["token", "task", "task-aware"]
"""What a gate looks at: the token, the task's embedding, or both."""


class Router(nn.Module):
    """A gate over all experts of a block: how much a token of a task speaks for each (Gupta et al. 2022, the three gates).

    Args:
        width: numbers in a token.
        embedding: numbers in a task's embedding.
        experts: how many there are.
        gate: what it looks at, W·x, W·e or W·[x; e].
    """

    def __init__(self, width: Size, embedding: Size, experts: Size, gate: Gating) -> None:
        super().__init__()
        if gate not in get_args(Gating):
            raise ValueError(f"gate {gate!r} is none of {', '.join(get_args(Gating))}")
        self.gate: Gating = gate
        self.embedding = embedding
        self.token, self.task = (
            nn.Parameter(torch.randn(experts, inputs) * inputs**-0.5) if used else None
            for inputs, used in ((width, gate != "task"), (embedding, gate != "token"))
        )

    def forward(self, tokens: torch.Tensor, task: torch.Tensor | None = None) -> torch.Tensor:
        """Logits (n, experts) for tokens (n, width).

        Args:
            task: their tasks' embeddings, (n, embedding), or one for all, (embedding,); None for zeros.
        """
        task = tokens.new_zeros(self.embedding) if task is None else task
        parts = [functional.linear(read, weight) for read, weight in ((tokens, self.token), (task, self.task)) if weight is not None]
        logits = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        return logits.expand(tokens.shape[0], -1)


def pass_through(
    tokens: torch.Tensor,
    probabilities: torch.Tensor,
    experts: Sequence[Callable[[torch.Tensor], torch.Tensor]],
    *,
    scaled: bool,
    capacity: int | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """What each token's likeliest expert makes of it; every expert runs once, over all its tokens together.

    Args:
        tokens: (n, width).
        probabilities: (n, experts), of a softmax over these and perhaps further experts.
        scaled: whether answers are multiplied by the probability p of the expert; else by p over itself, which is 1 and lets gradients
            through to the gate.
        capacity: tokens that an expert takes at most, the first ones; of those above nothing is made. None takes all.

    Returns:
        The answers (n, width), zeros for tokens above capacity, and each token's expert, int64 (n,).
    """
    best, choice = probabilities.max(1)
    order = choice.argsort(stable=True)
    counts = choice.bincount(minlength=len(experts)).tolist()
    parts, places = [], []
    for expert, mine in zip(experts, order.split(counts), strict=True):
        if len(mine):
            taken = mine[:capacity]
            places.append(taken)
            parts.append(expert(tokens.index_select(0, taken)))
    made = torch.cat(parts) if parts else tokens[:0]
    answers = torch.zeros_like(tokens).index_copy(0, torch.cat(places) if places else order, made)
    if scaled:
        answers = answers * best[:, None]
    elif best.requires_grad:
        answers = answers * (best / best.detach())[:, None]
    return answers, choice


def pass_through_all(
    tokens: torch.Tensor,
    probabilities: torch.Tensor,
    experts: Sequence[Callable[[torch.Tensor], torch.Tensor]],
    *,
    scaled: bool,
    softness: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """As `pass_through` without a capacity, but the other experts' answers, each times its probability and `softness`, are added.

    So a gate may begin soft and end as it is used (Ye et al. 2022, arXiv 2205.12701): a softness of 1 is a mixture of all experts, 0 the
    likeliest one alone.
    """
    best, choice = probabilities.max(1)
    chosen = functional.one_hot(choice, len(experts)).to(probabilities)
    own = probabilities if scaled else softness * probabilities + (1 - softness) * probabilities / best.detach()[:, None]
    shares = chosen * own + (1 - chosen) * softness * probabilities
    return torch.stack([shares[:, place, None] * expert(tokens) for place, expert in enumerate(experts)]).sum(0), choice


class Experts(Composite):
    """The feed-forward half of a block for one task: each token goes to one of the experts that the task has (top-1).

    It is a composite: the gate and the experts are children, shared with other tasks; its own are the task's embedding and the
    normalisation. The gate chooses among the experts that are there. In evaluation no token is dropped.

    Args:
        width: numbers in a token.
        embedding: numbers in the task's embedding.
        children: hashes: the gate, then the experts.
        kept: which rows of the gate these experts are, ascending.
        scaled: see `pass_through`.
        whole: whether probabilities are taken over all experts of the gate, as in training; else, in older files, over those of the task.
    """

    def __init__(self, width: Size, embedding: Size, children: Hashes, kept: Places, scaled: bool, whole: bool = True) -> None:
        super().__init__(children)
        if len(children) != len(kept) + 1 or not kept or list(kept) != sorted(set(kept)):
            raise ValueError(f"{len(children)} children for the experts {list(kept)}")
        self.kept, self.scaled, self.whole = list(kept), scaled, whole
        self.task = nn.Parameter(torch.zeros(embedding))
        self.norm = nn.LayerNorm(width, BERT_EPSILON)

    def probabilities(self, tokens: torch.Tensor) -> torch.Tensor:
        """P(expert | token, task) for each of the task's experts: (m, experts) for tokens (m, width)."""
        logits: torch.Tensor = self.parts[0](tokens, self.task)
        return logits.softmax(1)[:, self.kept] if self.whole else logits[:, self.kept].softmax(1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        there = real(tokens)
        mine = tokens[there]
        made, _ = pass_through(mine, self.probabilities(mine), self.parts[1:], scaled=self.scaled)
        return torch.zeros_like(tokens).index_put((there,), self.norm(mine + made))

    def shares(self, tokens: torch.Tensor) -> torch.Tensor:
        """Which part of the real tokens goes to each of the task's experts: (experts,)."""
        choice = self.probabilities(tokens[real(tokens)]).argmax(1)
        return choice.bincount(minlength=len(self.kept)) / max(1, len(choice))


class DenseExperts(nn.Module):
    """The same answers by shapes that do not depend on the tokens: every expert runs on every token, and the chosen one's answer is taken.

    Args:
        experts: what is computed, bound to its children.
    """

    def __init__(self, experts: Experts) -> None:
        super().__init__()
        self.experts = experts
        self.children_modules = nn.ModuleList(experts.parts)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        flat = tokens.flatten(0, 1)
        best, choice = self.experts.probabilities(flat).max(1)
        parts = [expert(flat) * (choice == place)[:, None] for place, expert in enumerate(self.experts.parts[1:])]
        made = torch.stack(parts).sum(0)
        if self.experts.scaled:
            made = made * best[:, None]
        normed: torch.Tensor = self.experts.norm(flat + made)
        return normed.reshape(tokens.shape) * real(tokens)[..., None]


ROUTER = register(ComponentKind("router.v1", Router))
EXPERTS_ALONE = register(ComponentKind("experts.v1", partial(Experts, whole=False), exportable=DenseExperts, outline=DenseExperts))
"""Of files before "experts.v2"."""
EXPERTS = register(ComponentKind("experts.v2", Experts, exportable=DenseExperts, outline=DenseExperts))
