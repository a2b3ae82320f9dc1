"""Task-aware mixture of experts: tasks learned together over shared experts (Gupta et al. 2022, arXiv 2204.07689)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from senpath.components import token_mean
from senpath.errors import InputError
from senpath.inputs.encoders.efficientnet import EFFICIENTNET_TOKENS
from senpath.inputs.encoders.fixed import RANDOM_TOKENS
from senpath.inputs.encoders.minilm import MINILM_TOKENS, minilm
from senpath.inputs.encoders.tokens import FRAMES, PATCHES
from senpath.methods.moe.config import NAME, MoeSettings
from senpath.methods.moe.family import Family, Freezer, members
from senpath.methods.moe.model import EMBEDDING, Mixture, Plan, plan_of, upcycle, upcycles
from senpath.methods.moe.report import report_section
from senpath.methods.moe.train import fit_mixture
from senpath.progress import Progress, silent
from senpath.seeds import derive, seeded
from senpath.snapshot import MethodResult, View, one_type
from senpath.types import DataType, Examples

READERS = {"text": (MINILM_TOKENS, RANDOM_TOKENS), "image": (PATCHES, EFFICIENTNET_TOKENS), "audio": (FRAMES,)}
"""Encoders whose tokens it reads, by modality."""


class Moe:
    """Learns tasks together, with a transformer in which a gate sends each token to one of several experts (Gupta et al. 2022).

    It reads tokens of texts, pictures or sounds; a vector, such as a row of a table, is one token. Every second block has experts. The gate
    looks at the token, the task's embedding, or both. A task's pathway keeps the experts that its examples reach; blocks, gates and experts
    are components that the tasks share. A task that comes later builds on them, see `propose`.

    Args:
        settings: by name, see `MoeSettings`.

    Example:
        >>> both = {"flowers": tiny_task("iris"), "petals": tiny_task("iris")}
        >>> moe = sp.Moe(blocks=2, experts=2, width=16, epochs=1, least_steps=1)
        >>> {task.version for task in sp.Network().learn_many(both, method=moe).values()}
        {1}
    """

    name = NAME
    settings_class = MoeSettings
    report_section = staticmethod(report_section)

    def __init__(self, **settings: Any) -> None:
        self.settings = MoeSettings(**settings)

    def check(self, data_type: DataType) -> None:
        """Raise InputError if the inputs are neither tokens nor vectors, or the settings do not fit them."""
        if data_type.form not in ("tokens", "vector", "table"):
            first, *others = READERS.get(data_type.modality, ("NAME",))
            do = f"Make a network with encoders={{{data_type.modality!r}: {first!r}}} (--encoder {first})"
            do = "sen, munet and allocation learn from clips" if data_type.form == "video" else ", or ".join([do, *map(repr, others)])
            raise InputError(f"method {NAME}", expected="inputs that are vectors or tokens", got=f"{data_type.form} inputs", do=do)
        plan_of(self.settings, data_type)

    def propose_many(self, view: View, tasks: Mapping[str, Examples], progress: Progress = silent) -> dict[str, MethodResult]:
        """Learn tasks together, with a new mixture of their own; nothing is written.

        Raises:
            InputError: if the tasks have several types, or one that this method does not learn; or a task lacks its description.
        """
        data_type = one_type(tasks)
        self.check(data_type)
        described = self._described(view, data_type, tasks) if self.settings.embedding == "description" else None
        plan = plan_of(self.settings, data_type, EMBEDDING if described is None else described.shape[1])
        with seeded(derive(self.settings.random_state, "start")):
            mixture = Mixture(plan, [len(examples.classes) for examples in tasks.values()])
            if upcycles(self.settings, data_type):
                upcycle(mixture, self.settings.noise)
        if described is not None:
            mixture.tasks = nn.Parameter(described, requires_grad=False)
        return self._train(mixture, tasks, {"embedding": self.settings.embedding}, view.device, progress)

    def propose(self, view: View, task: str, examples: Examples, progress: Progress = silent) -> MethodResult:
        """Learn one task: on top of earlier tasks of this method and type, otherwise with a new mixture; nothing is written.

        The task runs all known experts behind the gate of the nearest such task. Its embedding is made of its description if that task's
        was, otherwise it starts as that task's. Copies are trained, so nothing that exists is changed.
        """
        self.check(examples.data_type)
        nearest = _nearest(view, examples)
        if nearest is None:
            return self.propose_many(view, {task: examples}, progress)[task]
        family, embedding = Family.of(view, nearest), view.pathway(nearest).provenance.record.get("embedding")
        by_description = embedding == "description" and task in self.settings.descriptions and family.experts is not None
        described = self._described(view, examples.data_type, [task])[0] if by_description else None
        with seeded(derive(self.settings.random_state, "start")):
            mixture = family.mixture(view, len(examples.classes), described)
        _require_same(self.settings, mixture.plan, nearest, "description" if embedding == "description" else "id")
        if self.settings.tune == "head":
            mixture.requires_grad_(False)
            for part in (mixture.heads, *(block.norm for block in mixture.expert_blocks)):
                part.requires_grad_(True)
        mixture.tasks.requires_grad_(family.experts is not None and self.settings.tune == "all" and described is None)
        origin = {"embedding": f"of {nearest!r}" if described is None else "description", "nearest": nearest}
        return self._train(mixture, {task: examples}, origin, view.device, progress)[task]

    def _described(self, view: View, data_type: DataType, tasks: Collection[str]) -> torch.Tensor:
        """Embeddings of the tasks' descriptions: (tasks, numbers), each of root mean square 1."""
        lacking = [task for task in tasks if task not in self.settings.descriptions]
        if lacking:
            got = f"none for {', '.join(map(repr, lacking[:5]))}"
            raise InputError("setting 'descriptions'", expected="a sentence for every task", got=got, do="Or use embedding='id'")
        sentences = [self.settings.descriptions[task] for task in tasks]
        if data_type.encoder == MINILM_TOKENS or data_type.modality != "text":
            whole = minilm()
            vectors: torch.Tensor = whole.encode(sentences, whole.define(sentences[:1]))
            return vectors
        means = token_mean(view.encode(sentences, data_type))
        scaled: torch.Tensor = functional.normalize(means, dim=1) * means.shape[1] ** 0.5
        return scaled

    def _train(
        self, mixture: Mixture, tasks: Mapping[str, Examples], origin: Mapping[str, str], device: torch.device, progress: Progress
    ) -> dict[str, MethodResult]:
        """Train a mixture, and make of it what the network gets.

        Args:
            origin: for every task's record, where its embedding comes from.
        """
        (training, uses), plan = fit_mixture(mixture, tasks, self.settings, device, progress), mixture.plan
        # The settings that were in effect: a task that is added has what those have that it is added to.
        settings = replace(self.settings, gate=plan.gate, experts=plan.experts, blocks=plan.blocks, width=plan.width).to_json()
        freezer, results = Freezer(mixture), dict[str, MethodResult]()
        for place, (task, use) in enumerate(zip(tasks, uses, strict=True)):
            experts = [
                {
                    "rows": [block.rows[place] for place in places],
                    "shares": {str(row): round(share, 4) for row, share in zip(block.rows, of_block.tolist(), strict=True)},
                }
                for block, places, of_block in zip(mixture.expert_blocks, use.kept, use.shares, strict=True)
            ]
            chain, inside = freezer.components(place, use.kept)
            record = {"training": training, **origin, "experts": experts}
            results[task] = MethodResult(tuple(chain), tuple(inside), settings=settings, record=record)
        return results


def _nearest(view: View, examples: Examples) -> str | None:
    """Of the tasks that this method learned the one that the dispatcher takes most of these inputs for; None if there is none."""
    key = examples.data_type.key
    names = [pathway.task for pathway in members(view, key)] if key in view.types else []
    if len(names) < 2:
        return names[0] if names else None
    order, ranking = view.rank(key, examples.inputs)
    probabilities = ranking.spread(len(order)).mean(0)
    return max(names, key=lambda name: float(probabilities[order.index(name)]))


def _require_same(settings: MoeSettings, plan: Plan, nearest: str, embedding: str) -> None:
    """A task that is added is built as the others are; settings that say otherwise are refused, but for defaults."""
    theirs: dict[str, Any] = {"experts": plan.experts, "blocks": plan.blocks, "width": plan.width, "embedding": embedding}
    theirs |= {"gate": plan.gate} if plan.experts > 1 else {}
    for name, value in theirs.items():
        given = getattr(settings, name)
        if given not in (value, getattr(MoeSettings(), name)):
            expected = f"{value!r}, as {nearest!r} has it, which the task is added to"
            raise InputError(f"setting {name!r}", expected=expected, got=repr(given), do="Leave it out")
