"""Transformer blocks with experts, and what reads tokens, as ONNX nodes.

Every expert that a task keeps is computed on every token, and the one that the gate chooses is taken: sorting tokens by expert would need
shapes that an ONNX graph does not know, and the answers are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from senpath.components.experts import Attention, EncoderBlock, Experts, FeedForward, Router
from senpath.components.tokens import PooledSkip
from senpath.export.graph import Child, Graph
from senpath.export.parts import affine, attended, dense, gelu, norm, number, sizes


def _attention(graph: Graph, brick: Attention, read: str) -> str:
    there = _real(graph, read)
    # Padding is looked at by nobody: what is large and negative is nothing after the softmax. (n, length, 1) to (n, 1, 1, length)
    across = graph.node("Unsqueeze", graph.node("Transpose", there, perm=[0, 2, 1]), sizes(graph, 1))
    hidden = graph.node("Mul", graph.node("Sub", across, number(graph, 1)), number(graph, 1e9))
    mixed = dense(graph, brick.answer, attended(graph, brick.ask, brick.heads, read, hidden))
    return graph.node("Mul", norm(graph, brick.norm, graph.node("Add", read, mixed)), there)


def _feed_forward(graph: Graph, brick: FeedForward, read: str) -> str:
    return dense(graph, brick.narrow, gelu(graph, dense(graph, brick.widen, read)))


def _encoder_block(graph: Graph, brick: EncoderBlock, read: str) -> str:
    read = _attention(graph, brick.attention, read)
    normed = norm(graph, brick.norm, graph.node("Add", read, _feed_forward(graph, brick.feed, read)))
    return graph.node("Mul", normed, _real(graph, read))


def experts(graph: Graph, brick: Experts, read: str, child: Child) -> str:
    """The composite; its gate is child 0, which is translated here, for it reads the task's embedding too."""
    router = brick.parts[0]
    if not isinstance(router, Router):
        raise TypeError(f"a gate that is a {type(router).__name__}")
    chances = graph.node("Softmax", _router(graph, router, brick, read), axis=-1)
    best = graph.node("ReduceMax", chances, sizes(graph, -1), keepdims=1)
    choice = graph.node("ArgMax", chances, axis=-1, keepdims=1)
    parts = []
    for place in range(len(brick.kept)):
        mine = graph.node("Cast", graph.node("Equal", choice, sizes(graph, place)), to=1)
        parts.append(graph.node("Mul", child(1 + place, read), mine))
    made = graph.node("Sum", *parts) if len(parts) > 1 else parts[0]
    if brick.scaled:
        made = graph.node("Mul", made, best)
    normed = norm(graph, brick.norm, graph.node("Add", read, made))
    return graph.node("Mul", normed, _real(graph, read))


def _router(graph: Graph, router: Router, brick: Experts, read: str) -> str:
    """The gate's logits for the task's experts; what the task's embedding adds is a constant."""
    rows = torch.tensor(brick.kept, device=brick.norm.weight.device)
    constant = torch.zeros(len(rows)) if router.task is None else router.task[rows] @ brick.task
    weight = torch.zeros(len(rows), brick.norm.weight.shape[0]) if router.token is None else router.token[rows]
    return affine(graph, weight, constant, read)


def _token_mean(graph: Graph, brick: nn.Module, read: str) -> str:
    counts = graph.node("ReduceSum", _real(graph, read), sizes(graph, 1), keepdims=0)
    total = graph.node("ReduceSum", read, sizes(graph, 1), keepdims=0)
    return graph.node("Div", total, graph.node("Max", counts, number(graph, 1)))


def _pooled_skip(graph: Graph, brick: PooledSkip, read: str) -> str:
    flat = _token_mean(graph, brick, read)
    return graph.node("Concat", flat, graph.layers(brick.layers, flat), axis=1)


EXPERTS: dict[str, Callable[[Graph, Any, str], str]] = {
    "attention.v1": _attention,
    "encoder-block.v1": _encoder_block,
    "feed-forward.v1": _feed_forward,
    "token-mean.v1": _token_mean,
    "pooled-skip.v1": _pooled_skip,
}
"""How each of these kinds is translated, by versioned name; see `experts` for the composite."""


def _real(graph: Graph, read: str) -> str:
    """1 for tokens, 0 for padding: (n, length, 1)."""
    largest = graph.node("ReduceMax", graph.node("Abs", read), sizes(graph, -1), keepdims=1)
    return graph.node("Cast", graph.node("Greater", largest, number(graph, 0)), to=1)
