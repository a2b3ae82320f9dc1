"""Settings of the method `sen`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from senpath.errors import InputError
from senpath.methods.checks import check_choice, check_flag, check_range, check_training, settings_of

Links = Literal["all", "similar", "none"]
Source = Literal["one", "per-class"]
Start = Literal["copy", "random"]


@dataclass(frozen=True)
class SenSettings:
    """How a task is learned. The defaults are what won on validation data (docs/results/foundation.md).

    Args:
        model: "auto", "mlp", "skip", "cnn", "lstm", "svm", "forest", or an unfitted scikit-learn classifier.
        hidden: units of the last hidden layer; the one dial of a torch model's size.
        links: "similar" links the classes whose similarity reaches `threshold` (the paper); "all" links every class as soon as one
            does, those below it starting from a mixture of the source's classes; "none" learns alone.
        source: "one" earlier task for all links (the paper's strict mode: two pathways at most), or the best "per-class".
        threshold: least similarity of a transfer, in 0 … 1 (Ling et al., section 4: 0.7).
        apart: least part of the new task's classes, in 0 … 1, that a source has to tell from each other, see `told_apart`. One that tells
            fewer is taken only if cross-validation finds a gain, and where a class has less than ten examples not at all. 0 is the paper.
            None is 0.2, for vectors of pretrained encoders 0.3: there is less to gain (docs/results/senses.md).
        start: own hidden layer as a "copy" of the source's where they have one shape, or "random"; None copies where there are links.
            "copy" beside links="none" borrows the hidden layer alone, so the source does not run afterwards.
        augment: distort training images at random: None does so where it pays, at most 20,000 examples; a strength, 0 for never.
        guard: keep a transfer only if cross-validation finds that the new task gains by it.
        epochs: passes over the examples; None follows from their number; 0 is zero-shot: links alone, no gradient step.
        batch_size: examples in one step; None follows from their number.
        learning_rate: the highest; None is the model's own.
        may_change: earlier tasks whose hidden layer may be trained along with the new task, which reads it and needs fewer `hidden`
            units of its own, none even (0); what these tasks lose by it is the price (Ling et al., "graceful forgetting").
        remember: how strongly a task in `may_change` is held to its earlier answers, by distillation on the new examples (Li and
            Hoiem 2016); 0 for not at all.
        random_state: decides everything that is drawn.
    """

    model: Any = "auto"
    hidden: int = 128
    links: Links = "all"
    source: Source = "one"
    threshold: float = 0.7
    apart: float | None = None
    start: Start | None = None
    augment: float | None = None
    guard: bool = False
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    may_change: tuple[str, ...] = ()
    remember: float = 1.0
    random_state: int = 0

    def __post_init__(self) -> None:
        self._check_sharing()
        for name, choices in (("links", get_args(Links)), ("source", get_args(Source)), ("start", (*get_args(Start), None))):
            check_choice(name, getattr(self, name), choices)
        check_flag("guard", self.guard)
        for name, high in (("threshold", 1.0), ("remember", 1_000.0)):
            check_range(name, getattr(self, name), 0, high)
        check_range("apart", self.apart, 0, 1, optional=True)
        check_range("hidden", self.hidden, 0 if self.may_change else 2, 65_536, whole=True)
        check_range("augment", self.augment, 0, 3, optional=True)
        check_range("batch_size", self.batch_size, 1, 10**6, optional=True, whole=True)
        check_training(self.epochs, self.learning_rate, self.random_state)

    def _check_sharing(self) -> None:
        names = self.may_change
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise InputError("setting 'may_change'", expected="a list of different tasks' names", got=repr(names))
        object.__setattr__(self, "may_change", tuple(names))  # lists too, as the command line reads them
        if names and (self.guard or self.epochs == 0 or self.model not in ("auto", "mlp", "skip", "cnn", "lstm")):
            raise InputError("may_change", expected="a torch model that is trained, without guard", got="guard, epochs=0 or another model")

    @property
    def copies(self) -> bool:
        """Whether the own hidden layer starts as a copy of the source's."""
        return self.start == "copy" or (self.start is None and self.links != "none")

    @property
    def borrows(self) -> bool:
        """Whether an earlier task is looked for at all."""
        return self.links != "none" or self.copies

    @staticmethod
    def of(**settings: Any) -> SenSettings:
        """Settings by name; see `settings_of`."""
        return settings_of(SenSettings, "method sen", settings)
