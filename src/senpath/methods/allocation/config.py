"""Settings of the method `allocation`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from senpath.errors import InputError
from senpath.settings import Expected, LearningRate, Seed, Settings, Share

NAME = "allocation"
GROUPS = 4
"""Of group normalisation."""
PAPER: dict[str, Any] = {
    "layers": 8,
    "components": ("3x3", "5x5", "7x7", "1x7", "max", "avg", "identity"),
    "width": 48,
    "strides": (2, 2, 1, 2, 2, 1, 2, 1),
    "steps": 8_000,
    "batch": 16,
    "learning_rate": 1e-4,
    "router_rate": 2e-3,
    "tasks_per_update": 1,
}
"""What differs from the defaults in the configuration for Omniglot of Maziarz et al. (2019), images of 105 × 105."""


class AllocationSettings(Settings, owner=f"method {NAME}"):
    """How tasks are learned together, and which of the components of each layer a task uses.

    Args:
        layers: number of layers of components.
        components: the components of each layer. For images, names out of "3x3", "5x5", "7x7", "1x7" (pairs of convolutions), "max", "avg"
            (pooling) and "identity"; for other inputs, out of "dense" and "identity". Or how many 3×3 pairs or dense layers. None is
            three of "3x3", "1x7" and "identity" for images, else four of "dense" and "identity".
        width: maps or units between layers, a multiple of 4; None is 16 maps for images, else 64 units.
        strides: the stride of each layer, for images; None halves the maps until a side is 7 or less.
        dropout: share of the output layers' inputs that is left out in training.
        steps: training steps; in each, every task is trained on one batch.
        batch: examples of a task in one step.
        learning_rate: learning rate of the weights. The paper's 1e-4 takes thousands of steps.
        router_rate: learning rate of the allocation.
        l2: weight decay: the share of each weight that is added to its gradient.
        p0: probability with which a component is in use at first.
        budget: mean probability of use, over all components, up to which a task pays no penalty; None is no limit.
        penalty: how strongly use beyond the budget is pressed down, λ of the paper: by so many of the router's own steps, see
            `AllocationRouter.press`.
        evaluate: in training, "all" evaluates every component for every task, so that those which a task did not draw in this step get a
            gradient of their probability too, as the authors do and call necessary; "used" runs only what was drawn, and is faster.
        entropy_penalty, entropy_alpha: entropy_penalty · (share of the steps that is done)^entropy_alpha times the entropy of all of a
            task's decisions is added to its loss. The authors' code has it and their experiments do not use it.
        tasks_per_update: how many tasks, in random order, move the weights together. None is all of them; the paper has 1.
        allocation: "learned"; or "shared", where every task uses every component.
        validation: examples of a task that are held out to validate on, at most, and at most a fifth. None are held out of a task with
            fewer than 100 examples, or five a class. With 0 the last state is kept.
        validate_every: steps between validations. The best state by the mean over tasks is kept, among those within the budget if there
            are any.
        random_state: seed of everything that is drawn.

    Example:
        >>> sp.AllocationSettings(layers=2, budget=0.5).layers
        2
    """

    layers: Annotated[int, Field(ge=1, le=24)] = 3
    components: (
        Annotated[int, Field(ge=1, le=64)]
        | Annotated[tuple[str, ...], Field(min_length=1, max_length=64), Expected("1 to 64 names")]
        | None
    ) = None
    width: (
        Annotated[
            int,
            Field(ge=GROUPS, le=4096, multiple_of=GROUPS),
            Expected(f"a multiple of {GROUPS}, the groups of its normalisation, to 4096"),
        ]
        | None
    ) = None
    strides: Annotated[tuple[Literal[1, 2], ...], Expected("numbers, 1 or 2, one of each layer")] | None = None
    dropout: Annotated[float, Field(ge=0, le=0.99)] = 0.5
    steps: Annotated[int, Field(ge=1, le=10**7)] = 600
    batch: Annotated[int, Field(ge=1, le=10**5)] = 16
    learning_rate: LearningRate = 1e-3
    router_rate: Annotated[float, Field(ge=0, le=10)] = 1e-2
    l2: Annotated[float, Field(ge=0, le=10)] = 3e-4
    p0: Annotated[float, Field(ge=0.01, le=0.99)] = 0.97
    budget: Share | None = None
    penalty: Annotated[float, Field(ge=0, le=10**6)] = 1.0
    evaluate: Literal["all", "used"] = "all"
    entropy_penalty: Annotated[float, Field(ge=0, le=10**6)] = 0.0
    entropy_alpha: Annotated[float, Field(ge=0, le=100)] = 1.0
    tasks_per_update: Annotated[int, Field(ge=1, le=10**6)] | None = None
    allocation: Literal["learned", "shared"] = "learned"
    validation: Annotated[int, Field(ge=0, le=10**9)] = 2_000
    validate_every: Annotated[int, Field(ge=1, le=10**7)] = 50
    random_state: Seed = 0

    def __post_init__(self) -> None:
        if self.strides is not None and len(self.strides) != self.layers:
            raise InputError("setting 'strides'", expected=f"{self.layers} numbers, 1 or 2, one of each layer", got=self.strides)
