"""Settings of the method `allocation`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from senpath.errors import InputError
from senpath.methods.checks import check_choice, check_range, settings_of

NAME = "allocation"
GROUPS = 4
"""Of group normalisation."""
Allocation = Literal["learned", "shared"]
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


@dataclass(frozen=True)
class AllocationSettings:
    """How tasks are learned together, and which of the components of each layer a task uses.

    Args:
        layers: of components, 1 to 24.
        components: of each layer: names out of "3x3", "5x5", "7x7", "1x7" (pairs of convolutions), "max", "avg" (pooling), "identity" for
            images, "dense" and "identity" for other inputs; or how many, 3×3 pairs or dense layers. None is three of "3x3", "1x7" and
            "identity" for images, four of "dense" and "identity" else.
        width: maps or units between layers, a multiple of 4; None is 16 maps for images, 64 units else.
        strides: of each layer, for images; None halves the maps until a side is 7 or less.
        dropout: share of what output layers read that is left out in training.
        steps: in each, every task is trained on one batch.
        batch: examples of a task in one step.
        learning_rate: of the weights. The paper's 1e-4 takes thousands of steps.
        router_rate: of the allocation.
        l2: what is added to a weight's gradient, as a share of the weight.
        p0: probability with which a component is in use at first.
        budget: mean probability of use, over all components, that a task may have for nothing; None for any.
        penalty: how strongly more is pressed down, λ of the paper; see `Router.press`.
        tasks_per_update: so many tasks, in random order, move the weights together; None for all, 1 as in the paper.
        allocation: "learned"; or "shared", where every task uses every component.
        validation: examples of a task held out to validate on, at most, and at most a fifth. Of a task with fewer than 100 examples, or
            five a class, none are. 0 keeps the last state.
        validate_every: so many steps. The best state by the mean over tasks is kept, of those within the budget if there are any.
        random_state: decides everything that is drawn.
    """

    layers: int = 3
    components: int | tuple[str, ...] | None = None
    width: int | None = None
    strides: tuple[int, ...] | None = None
    dropout: float = 0.5
    steps: int = 600
    batch: int = 16
    learning_rate: float = 1e-3
    router_rate: float = 1e-2
    l2: float = 3e-4
    p0: float = 0.97
    budget: float | None = None
    penalty: float = 3.0
    tasks_per_update: int | None = None
    allocation: Allocation = "learned"
    validation: int = 2_000
    validate_every: int = 50
    random_state: int = 0

    def __post_init__(self) -> None:
        for name in ("components", "strides"):  # JSON and the command line have lists
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        check_range("layers", self.layers, 1, 24, whole=True)
        for name, most in (("steps", 10**7), ("batch", 10**5), ("validate_every", 10**7)):
            check_range(name, getattr(self, name), 1, most, whole=True)
        check_range("validation", self.validation, 0, 10**9, whole=True)
        check_range("tasks_per_update", self.tasks_per_update, 1, 10**6, optional=True, whole=True)
        for name, low, high in (("dropout", 0, 0.99), ("learning_rate", 1e-8, 10), ("router_rate", 0, 10), ("l2", 0, 10)):
            check_range(name, getattr(self, name), low, high)
        check_range("p0", self.p0, 0.01, 0.99)
        check_range("budget", self.budget, 0, 1, optional=True)
        check_range("penalty", self.penalty, 0, 10**6)
        check_range("random_state", self.random_state, 0, 2**32 - 1, whole=True)
        check_choice("allocation", self.allocation, get_args(Allocation))
        self._check_width()
        self._check_components()
        self._check_strides()

    def _check_width(self) -> None:
        check_range("width", self.width, GROUPS, 4096, optional=True, whole=True)
        if self.width is not None and self.width % GROUPS:
            raise InputError("setting 'width'", expected=f"a multiple of {GROUPS}, the groups of its normalisation", got=self.width)

    def _check_components(self) -> None:
        given: Any = self.components
        if isinstance(given, tuple):
            if not 1 <= len(given) <= 64 or not all(isinstance(name, str) for name in given):
                raise InputError("setting 'components'", expected="1 to 64 names", got=repr(given))
        else:
            check_range("components", given, 1, 64, optional=True, whole=True)

    def _check_strides(self) -> None:
        given: Any = self.strides
        if given is None:
            return
        if not isinstance(given, tuple) or len(given) != self.layers or any(stride not in (1, 2) for stride in given):
            raise InputError("setting 'strides'", expected=f"{self.layers} numbers, 1 or 2, one of each layer", got=repr(given))

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}

    @staticmethod
    def of(**settings: Any) -> AllocationSettings:
        """Settings by name; see `settings_of`."""
        return settings_of(AllocationSettings, f"method {NAME}", settings)
