"""Every kind that pathways are made of answers under ONNX Runtime as it does here."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from component_examples import EXAMPLES, Example

from senpath.components import build, freeze
from senpath.export import component_as_onnx

NOT_EXPORTED = ("sklearn.v1", "estimator.v1", "router.v1")  # a router runs in the experts that it chooses among
OF_DISPATCHERS = ("gate.v1", "conv-features.v1", "dense-features.v1", "unit-features.v1", "token-features.v1")
"""Kinds that no pathway is made of."""
EXPORTED = {name: example for name, example in EXAMPLES.items() if example.kind not in (*OF_DISPATCHERS, *NOT_EXPORTED)}
PADDED = ("attention.v1", "encoder-block.v1", "experts.v1", "experts.v2", "token-embedding.v1", "token-mean.v1", "pooled-skip.v1")
"""Kinds that read tokens of which rows of zeros are padding."""


def agrees(example: Example, batch: torch.Tensor) -> None:
    component = example.freeze()
    session = onnxruntime.InferenceSession(component_as_onnx(component, batch.shape[1:]), providers=["CPUExecutionProvider"])
    for part in (batch, batch[:1], batch[:0]):
        expected = component(part).numpy()
        (answers,) = session.run(None, {"input": part.numpy()})
        np.testing.assert_allclose(answers, expected, rtol=0, atol=1e-5 * max(1.0, np.abs(expected).max(initial=0)))


QUICKLY = ("mlp", "linear", "link", "pooled-skip")
"""Those that are exported in every run: torch takes a second for each."""
exporting_is_slow = pytest.mark.slow("torch takes a second to export one")


@pytest.mark.parametrize("name", [name if name in QUICKLY else pytest.param(name, marks=exporting_is_slow) for name in EXPORTED])
def test_it_answers_alike(name: str) -> None:
    example = EXPORTED[name]
    batch = example.batch(7)
    if example.kind in PADDED:
        for row, length in enumerate((4, 3, 1, 0)):
            batch[row, length:] = 0
    agrees(example, batch)


@pytest.mark.slow("torch takes a second to export one")
@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 9, 12), (3, 50, 7)], ids=["grey", "smaller", "higher"])
def test_images_of_other_sizes(shape: tuple[int, ...]) -> None:
    config = {"channels": 3, "side": 16, "patch": 8, "width": 6}
    component = freeze("patches.v1", config, build("patches.v1", config))
    agrees(Example("patches.v1", config, shape, (4, 6), {}, lambda: component.module), torch.rand(3, *shape))
