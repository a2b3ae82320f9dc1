"""Examples of every kind of component, one at a time."""

from __future__ import annotations

import pytest
from component_examples import EXAMPLES, Example


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest) -> Example:
    """Each example in turn."""
    return EXAMPLES[request.param]


WEIGHTLESS = ("unit-features", "token-mean", "token-features", "max-pool", "avg-pool", "identity", "flatten", "mean", "empty mean")
"""Examples of kinds that compute and hold nothing."""


@pytest.fixture(params=[name for name in EXAMPLES if name not in WEIGHTLESS])
def weighted_example(request: pytest.FixtureRequest) -> Example:
    """Each example that holds numbers."""
    return EXAMPLES[request.param]


@pytest.fixture(params=[name for name, example in EXAMPLES.items() if example.kind != "sklearn.v1" and name not in WEIGHTLESS])
def torch_example(request: pytest.FixtureRequest) -> Example:
    """Each example that holds tensors."""
    return EXAMPLES[request.param]


@pytest.fixture(params=[name for name, example in EXAMPLES.items() if example.kind == "sklearn.v1"])
def sklearn_example(request: pytest.FixtureRequest) -> Example:
    """Each example that holds an estimator."""
    return EXAMPLES[request.param]


@pytest.fixture
def example_kinds() -> set[str]:
    """The kinds that the examples cover."""
    return {example.kind for example in EXAMPLES.values()}
