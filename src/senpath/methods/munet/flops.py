"""What one input costs to compute."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from senpath.pathways import run_chain


def count_flops(modules: Sequence[nn.Module], inputs: torch.Tensor) -> float:
    """Floating-point operations of matrix products and convolutions, a multiplication and an addition counted as two.

    Args:
        inputs: one input, (1, …).
    """
    # Of attention only this form is counted on every device.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter, torch.no_grad():
        run_chain(modules, inputs)
    return float(counter.get_total_flops())
