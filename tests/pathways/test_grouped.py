"""Many small components of one shape give, as one product, what each of them gives alone."""

from __future__ import annotations

import pytest
import torch

from senpath.components import Component, build, freeze
from senpath.pathways import Link, Pathway, Transfer, run_batch
from senpath.pathways.run import LEAST, run_grouped
from senpath.seeds import seeded

CONFIGS = {
    "linear.v1": {"inputs": 6, "outputs": 3},
    "mlp.v1": {"inputs": 6, "hidden": [5, 4]},
    "link.v1": {"inputs": 6, "outputs": 4, "classes": [0, 3]},
}


def layers(kind: str, count: int, seed: int = 0) -> list[Component]:
    with seeded(seed):
        made = [build(kind, CONFIGS[kind]) for _ in range(count)]
        for module in made:
            for parameter in module.parameters():
                torch.nn.init.normal_(parameter)
    return [freeze(kind, CONFIGS[kind], module) for module in made]


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("count", [1, 9, 300])
def test_grouped_is_as_alone(kind: str, count: int) -> None:
    parts = layers(kind, count)
    sizes = torch.randint(0, 7, (count,), generator=torch.Generator().manual_seed(1)).tolist()
    inputs = [torch.randn(size, 6, generator=torch.Generator().manual_seed(place)) for place, size in enumerate(sizes)]
    for part, mine, found in zip(parts, inputs, run_grouped(parts, inputs), strict=True):
        torch.testing.assert_close(found, part(mine), rtol=1e-5, atol=1e-6)


def test_a_batch_over_many_pathways(monkeypatch: pytest.MonkeyPatch) -> None:
    trunk, heads, links = layers("mlp.v1", 1, 3)[0], layers("linear.v1", 2 * LEAST, 4), layers("link.v1", 2 * LEAST, 5)
    own = {part.hash: part for part in (trunk, *heads, *links)}
    one = Transfer(0, 0, 1.0)
    paths = [
        Pathway(f"task {place}", "table", (0, 1, 2), (head.hash,))
        if place % 2
        else Pathway(f"task {place}", "table", (0, 1, 2, 3), (), (Link("before", (), link.hash, (one,), 5),))
        for place, (head, link) in enumerate(zip(heads, links, strict=True))
    ]
    inputs = torch.randn(60, 6, generator=torch.Generator().manual_seed(2))
    jobs = {path: torch.arange(place % 5, 60, 7) for place, path in enumerate(paths)}
    together = run_batch(jobs, inputs, own.__getitem__)
    monkeypatch.setattr("senpath.pathways.run.LEAST", 10**9)
    alone = run_batch(jobs, inputs, own.__getitem__)
    assert list(together) == [path.task for path in paths]
    for name, found in together.items():
        torch.testing.assert_close(found, alone[name], rtol=1e-5, atol=1e-6)


def test_one_task_with_nearly_all_inputs() -> None:
    parts = layers("linear.v1", 40)
    sizes = [3] * 39 + [5000]
    inputs = [torch.randn(size, 6, generator=torch.Generator().manual_seed(place)) for place, size in enumerate(sizes)]
    found = run_grouped(parts, inputs)
    # Had the others been filled up to the longest, their answers would be parts of arrays of that size.
    assert max(answer.untyped_storage().nbytes() for answer in found[:39]) < 100_000
    for part, mine, answer in zip(parts, inputs, found, strict=True):
        torch.testing.assert_close(answer, part(mine), rtol=1e-5, atol=1e-6)
