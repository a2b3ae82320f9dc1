"""A transformer whose feed-forward parts may be experts: blocks as in BERT (Devlin et al. 2019), and the gate that chooses an expert.

Tokens are (n, length, width); rows of exact zeros are padding, take no part and stay zero (see `senpath.components.tokens`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import torch
from torch import nn
from torch.nn import functional

from senpath.components.base import Composite
from senpath.components.tokens import real

EPSILON = 1e-12
"""Of layer normalisation, as in BERT."""
Gating = Literal["token", "task", "task-aware"]
"""What a gate looks at: the token, the task's embedding, or both."""


class Attention(nn.Module):
    """The attention half of a block: tokens look at each other, then skip connection and normalisation.

    Args:
        width: numbers in a token.
        heads: divides `width`.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads do not divide width {width}")
        self.heads = heads
        self.ask, self.answer = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, EPSILON)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        there = real(tokens)
        seen = there | ~there.any(1, keepdim=True)  # where nothing is real, softmax would have nothing to share out
        count, length, width = tokens.shape
        query, key, value = self.ask(tokens).reshape(count, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen[:, None, None])
        mixed = self.answer(found.transpose(1, 2).reshape(count, length, width))
        normed: torch.Tensor = self.norm(tokens + mixed)
        return normed * there[..., None]


class FeedForward(nn.Module):
    """Two fully connected layers with GELU between: the second half of a block, or one expert. It reads (…, width).

    Args:
        width: numbers in a token.
        hidden: units between.
    """

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.widen, self.narrow = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        made: torch.Tensor = self.narrow(functional.gelu(self.widen(tokens)))
        return made


class EncoderBlock(nn.Module):
    """A whole block: attention, then the feed-forward part, each with skip connection and normalisation behind.

    Args:
        width: numbers in a token.
        heads: of the attention; divides `width`.
        hidden: units of the feed-forward part.
    """

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention, self.feed = Attention(width, heads), FeedForward(width, hidden)
        self.norm = nn.LayerNorm(width, EPSILON)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        tokens = self.attention(tokens)
        there = real(tokens)
        mine = tokens[there]  # padding is not computed with
        return torch.zeros_like(tokens).index_put((there,), self.norm(mine + self.feed(mine)))


class Router(nn.Module):
    """A gate over all experts of a block: how much a token of a task speaks for each (Gupta et al. 2022, the three gates).

    Args:
        width: numbers in a token.
        embedding: numbers in a task's embedding.
        experts: how many there are.
        gate: what it looks at, W·x, W·e or W·[x; e].
    """

    def __init__(self, width: int, embedding: int, experts: int, gate: Gating) -> None:
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
        return logits.expand(len(tokens), -1)


def pass_through(
    tokens: torch.Tensor,
    chances: torch.Tensor,
    experts: Sequence[Callable[[torch.Tensor], torch.Tensor]],
    *,
    scaled: bool,
    capacity: int | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """What each token's likeliest expert makes of it; every expert runs once, over all its tokens together.

    Args:
        tokens: (n, width).
        chances: (n, experts), a softmax.
        scaled: whether answers are multiplied by the chance p of the expert; else by p over itself, which is 1 and lets gradients through
            to the gate.
        capacity: tokens that an expert takes at most, the first ones; of those above nothing is made. None takes all.

    Returns:
        The answers (n, width), zeros for tokens above capacity, and each token's expert, int64 (n,).
    """
    best, choice = chances.max(1)
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


class Experts(Composite):
    """The feed-forward half of a block for one task: each token goes to one of the experts that the task has (top-1).

    It is a composite: the gate and the experts are children, shared with other tasks; its own are the task's embedding and the
    normalisation. The gate chooses among the experts that are there, its softmax taken over them alone. In evaluation no token is dropped.

    Args:
        width: numbers in a token.
        embedding: numbers in the task's embedding.
        children: hashes: the gate, then the experts.
        kept: which rows of the gate these experts are, ascending.
        scaled: see `pass_through`.
    """

    def __init__(self, width: int, embedding: int, children: Sequence[str], kept: Sequence[int], scaled: bool) -> None:
        super().__init__(children)
        if len(children) != len(kept) + 1 or not kept or list(kept) != sorted(set(kept)):
            raise ValueError(f"{len(children)} children for the experts {list(kept)}")
        self.kept, self.scaled = list(kept), scaled
        self.task = nn.Parameter(torch.zeros(embedding))
        self.norm = nn.LayerNorm(width, EPSILON)

    def chances(self, tokens: torch.Tensor) -> torch.Tensor:
        """P(expert | token, task) over the task's experts: (m, experts) for tokens (m, width)."""
        logits: torch.Tensor = self.parts[0](tokens, self.task)
        return logits[:, self.kept].softmax(1)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        there = real(tokens)
        mine = tokens[there]
        made, _ = pass_through(mine, self.chances(mine), self.parts[1:], scaled=self.scaled)
        return torch.zeros_like(tokens).index_put((there,), self.norm(mine + made))

    def shares(self, tokens: torch.Tensor) -> torch.Tensor:
        """Which part of the real tokens goes to each of the task's experts: (experts,)."""
        choice = self.chances(tokens[real(tokens)]).argmax(1)
        return choice.bincount(minlength=len(self.kept)) / max(1, len(choice))
