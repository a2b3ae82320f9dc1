"""Random numbers that follow from a seed alone."""

from __future__ import annotations

import torch

from senpath.seeds import seeded


def test_what_takes_no_generator_draws_by_the_seed_too() -> None:
    ones = torch.ones(100)
    before = torch.get_rng_state()
    drawn = []
    for _ in range(2):
        with seeded(3):  # on an accelerator dropout is this operation
            drawn.append([torch.ops.aten.native_dropout(ones, 0.5, True)[0] for _ in range(2)])
        torch.manual_seed(5)
    assert torch.equal(drawn[0][0], drawn[1][0])
    assert torch.equal(drawn[0][1], drawn[1][1])
    assert not torch.equal(*drawn[0])
    torch.set_rng_state(before)
    with seeded(3):
        torch.ops.aten.native_dropout(ones, 0.5, True)
    assert torch.equal(torch.get_rng_state(), before)
