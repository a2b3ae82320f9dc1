"""The model that tasks share while it is trained, and what its weights start as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, cast

import torch
from torch import nn

from senpath.components import Attention, EncoderBlock, Experts, FeedForward, Linear, Router, TokenEmbedding, real, token_mean
from senpath.components.attention import BERT_EPSILON
from senpath.components.experts import Gating, pass_through, pass_through_all
from senpath.components.tokens import TokenMean
from senpath.errors import InputError
from senpath.inputs.encoders.minilm import LOWER_BLOCKS, MINILM_TOKENS, minilm
from senpath.methods.moe.config import MoeSettings
from senpath.types import DataType


@dataclass(frozen=True)
class Plan:
    """How a mixture is built.

    Args:
        width: numbers in a token.
        heads: of the attention.
        hidden: units of a feed-forward part.
        blocks: how many; the second, fourth, … have experts.
        experts: in such a block; 1 is a plain block.
        gate: see `Router`.
        embedding: numbers in a task's embedding.
        scaled: whether experts' answers are scaled by the gate; not if they were copied from a trained layer.
        inputs: numbers in a vector, or in a token that is brought to another width; None for tokens as they are.
    """

    width: int
    heads: int
    hidden: int
    blocks: int
    experts: int
    gate: Gating
    embedding: int
    scaled: bool
    inputs: int | None = None

    def has_experts(self, block: int) -> bool:
        """Whether this block, counted from 0, has experts."""
        return self.experts > 1 and block % 2 == 1


@dataclass
class Flow:
    """A pass of tokens through the experts of one block.

    Attributes:
        probabilities: (tokens, experts), with gradients, of a softmax over all experts that the gate has.
        choice: int64 (tokens,).
        dropped: share of the tokens that were above the capacity of their expert.
    """

    probabilities: torch.Tensor
    choice: torch.Tensor
    dropped: float = 0.0


class ExpertBlock(nn.Module):
    """A block with experts, for tokens of all tasks at once.

    Args:
        plan: see `Plan`.
        rows: places of the experts in the gate's rows, of a block where a task has not all of them; None for all.
    """

    def __init__(self, plan: Plan, rows: Sequence[int] | None = None) -> None:
        super().__init__()
        self.attention = Attention(plan.width, plan.heads)
        self.rows = list(range(plan.experts)) if rows is None else list(rows)
        self.router = Router(plan.width, plan.embedding, plan.experts, plan.gate)
        self.experts = nn.ModuleList([FeedForward(plan.width, plan.hidden) for _ in self.rows])
        self.norm = nn.LayerNorm(plan.width, BERT_EPSILON)
        self.plan, self.scaled = plan, plan.scaled

    def forward(
        self, tokens: torch.Tensor, tasks: torch.Tensor, capacity: float | None = None, softness: float = 0.0
    ) -> tuple[torch.Tensor, Flow]:
        """Tokens (n, length, width) of inputs whose tasks have the embeddings (n, embedding).

        Args:
            capacity: tokens that an expert takes at most, as a multiple of its even share; None takes all.
            softness: how much the experts count that are not chosen, see `pass_through_all`; above 0 none has a capacity.
        """
        tokens = self.attention(tokens)
        there = real(tokens)
        given = tokens[there]
        of_task = tasks[there.nonzero()[:, 0]]
        probabilities = self.router(given, of_task).softmax(1)[:, self.rows]
        most = None if capacity is None or softness else ceil(capacity * len(given) / len(self.rows))
        if softness:
            added, choice = pass_through_all(given, probabilities, [*self.experts], scaled=self.scaled, softness=softness)
        else:
            added, choice = pass_through(given, probabilities, [*self.experts], scaled=self.scaled, capacity=most)
        answers = torch.zeros_like(tokens).index_put((there,), self.norm(given + added))
        return answers, Flow(probabilities, choice, _dropped(choice, len(self.rows), most))

    def of_task(self, task: torch.Tensor, places: Sequence[int], names: Sequence[str] = ()) -> Experts:
        """What a task has behind the attention; weights are shared with this block.

        Args:
            task: its embedding, (embedding,).
            places: of the experts that it keeps, among those of the block.
            names: hashes of the gate and these experts, if they have any yet.
        """
        children = [self.router, *(self.experts[place] for place in places)]
        plan = self.plan
        experts = Experts(plan.width, plan.embedding, names or [""] * len(children), [self.rows[place] for place in places], plan.scaled)
        experts.task, experts.norm = nn.Parameter(task.detach(), requires_grad=False), self.norm
        experts.bind(children)
        return experts


def _dropped(choice: torch.Tensor, experts: int, most: int | None) -> float:
    if most is None or not len(choice):
        return 0.0
    return float((choice.bincount(minlength=experts) - most).clamp(min=0).sum()) / len(choice)


class Mixture(nn.Module):
    """Blocks, a gate in every second, tasks' embeddings and output layers; for vectors a layer in front that makes a token of each.

    Args:
        plan: see `Plan`.
        outputs: of each task's output layer.
        rows: for each block with experts, see `ExpertBlock`; None for all.
    """

    def __init__(self, plan: Plan, outputs: Sequence[int], rows: Sequence[Sequence[int]] | None = None) -> None:
        super().__init__()
        self.plan = plan
        self.start = None if plan.inputs is None else TokenEmbedding(plan.inputs, plan.width)
        kept = iter(rows) if rows is not None else None
        self.blocks = nn.ModuleList(
            ExpertBlock(plan, next(kept) if kept is not None else None)
            if plan.has_experts(block)
            else EncoderBlock(plan.width, plan.heads, plan.hidden)
            for block in range(plan.blocks)
        )
        self.tasks = nn.Parameter(torch.randn(len(outputs), plan.embedding))
        self.heads = nn.ModuleList([Linear(plan.width, count) for count in outputs])
        for head in self.heads:
            for values in head.parameters():
                nn.init.zeros_(values)

    @property
    def expert_blocks(self) -> list[ExpertBlock]:
        """Those with experts."""
        return [block for block in self.blocks if isinstance(block, ExpertBlock)]

    @property
    def output_layers(self) -> list[Linear]:
        """One of each task."""
        return [cast(Linear, head) for head in self.heads]

    def of_task(self, task: int, kept: Sequence[Sequence[int]]) -> list[nn.Module]:
        """The modules that a task runs, one after another: what the network gets, and what is validated. Weights are shared with these.

        Args:
            task: its place.
            kept: for each block with experts the places among them that the task keeps.
        """
        chain, rest = list[nn.Module]() if self.start is None else [self.start], iter(kept)
        for block in self.blocks:
            chain += [block.attention, block.of_task(self.tasks[task], next(rest))] if isinstance(block, ExpertBlock) else [block]
        return [*chain, TokenMean(self.plan.width), self.output_layers[task]]

    def run_task(self, inputs: torch.Tensor, task: int) -> tuple[torch.Tensor, list[Flow]]:
        """As `forward`, for inputs of one task; nothing is dropped."""
        means: tuple[torch.Tensor, list[Flow]] = self(trimmed(inputs), torch.full((len(inputs),), task, device=inputs.device))
        return means

    def forward(
        self, inputs: torch.Tensor, tasks: torch.Tensor, capacity: float | None = None, softness: float = 0.0
    ) -> tuple[torch.Tensor, list[Flow]]:
        """Means over the tokens behind the last block, (n, width), and what went through each block with experts.

        Args:
            inputs: tokens (n, length, width), or vectors (n, numbers).
            tasks: int64 (n,).
            capacity, softness: see `ExpertBlock`.
        """
        flows, of_task = [], self.tasks[tasks]
        tokens = inputs if self.start is None else self.start(inputs)
        for block in self.blocks:
            if isinstance(block, ExpertBlock):
                tokens, flow = block(tokens, of_task, capacity, softness)
                flows.append(flow)
            else:
                tokens = block(tokens)
        return token_mean(tokens), flows


def load_balance(flow: Flow) -> torch.Tensor:
    """E·Σ f_i·P_i of one block (Fedus, Zoph and Shazeer 2022, equations 4 to 6): 1 where experts are used evenly.

    f_i is the share of tokens that goes to expert i, P_i the mean of its probabilities.
    """
    experts = flow.probabilities.shape[1]
    used = flow.choice.bincount(minlength=experts) / max(1, len(flow.choice))
    return experts * (used * flow.probabilities.mean(0)).sum()


def trimmed(tokens: torch.Tensor) -> torch.Tensor:
    """Tokens without the columns behind that are padding in every input; vectors as they are."""
    if tokens.ndim == 2:
        return tokens
    used = torch.nonzero(real(tokens).any(0))
    return tokens[:, : int(used.max()) + 1] if len(used) else tokens[:, :1]


HEADS = 12
"""Of MiniLM's attention."""
EMBEDDING = 64
"""Numbers in an embedding that is learned."""
OF_VECTORS, MOST = 64, 384
"""Numbers in a token that is made of a vector, and of any token at most, where no setting says it."""


def plan_of(settings: MoeSettings, data_type: DataType, embedding: int = EMBEDDING) -> Plan:
    """What is to be built for tokens of this type.

    Raises:
        InputError: if MiniLM's upper blocks are wanted where its lower ones do not read.
    """
    if settings.blocks == 1 and settings.experts > 1:
        raise InputError("setting 'blocks'", expected="2 or more, for every second has experts", got=1, do="Or set experts=1")
    read = data_type.shape[-1]
    width = settings.width or (min(read, MOST) if data_type.form == "tokens" else OF_VECTORS)
    inputs = None if data_type.form == "tokens" and width == read else read
    if not upcycles(settings, data_type):
        heads = max(1, width // 32)
        while width % heads:
            heads -= 1
        blocks = settings.blocks or 2
        return Plan(width, heads, 2 * width, blocks, settings.experts, settings.gate, embedding, scaled=True, inputs=inputs)
    if data_type.encoder != MINILM_TOKENS:
        raise InputError("setting 'upcycle'", expected=f"the encoder {MINILM_TOKENS!r}", got=repr(data_type.encoder), do="Leave it out")
    for name, value, known in (("blocks", settings.blocks, 2), ("width", settings.width, read)):
        if value not in (None, known):
            expected = f"{known} where MiniLM's upper blocks are used"
            raise InputError(f"setting {name!r}", expected=expected, got=value, do="Leave it out")
    return Plan(width, HEADS, 4 * width, 2, settings.experts, settings.gate, embedding, scaled=False)


def upcycles(settings: MoeSettings, data_type: DataType) -> bool:
    """Whether MiniLM's upper blocks are begun with."""
    return data_type.encoder == MINILM_TOKENS if settings.upcycle is None else settings.upcycle


def upcycle(mixture: Mixture, noise: float) -> None:
    """Give a mixture the weights of MiniLM's upper blocks (Komatsuzaki et al. 2023, section 2: every expert a copy of the dense layer).

    Args:
        noise: see `MoeSettings`; drawn from torch's global generator.
    """
    whole: Any = minilm().module
    for block, layer in zip(mixture.blocks, whole.encoder.layer[LOWER_BLOCKS:], strict=True):
        if not isinstance(block, EncoderBlock | ExpertBlock):
            raise TypeError(f"a block that is a {type(block).__name__}")
        _copy_attention(block.attention, layer.attention)
        _copy(block.norm, layer.output.LayerNorm)
        experts = [block.feed_forward] if isinstance(block, EncoderBlock) else [*block.experts]
        for expert in experts:
            if isinstance(expert, FeedForward):
                _copy(expert.fc1, layer.intermediate.dense)
                _copy(expert.fc2, layer.output.dense)
        if len(experts) > 1:
            _add_noise(experts, noise)


def _copy(to: nn.Module, source: nn.Module) -> None:
    to.load_state_dict(source.state_dict())


def _copy_attention(to: Attention, source: Any) -> None:
    with torch.no_grad():
        for name in ("weight", "bias"):
            parts = [getattr(getattr(source.self, part), name) for part in ("query", "key", "value")]
            to.attention.qkv.get_parameter(name).copy_(torch.cat(parts))
    _copy(to.attention.out_proj, source.output.dense)
    _copy(to.norm, source.output.LayerNorm)


def _add_noise(experts: Sequence[nn.Module], noise: float) -> None:
    with torch.no_grad():
        for expert in experts:
            for values in expert.parameters():
                values.add_(torch.randn_like(values) * (noise * values.std(correction=0)))
