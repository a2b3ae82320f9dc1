"""Settings of the method `sen`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from senpath.errors import InputError
from senpath.settings import Expected, LearningRate, Seed, Settings, Share, all_differ

UNITS = "a whole number from 2 to 65536, or from 0 with may_change"


class SenSettings(Settings, owner="method sen"):
    """How a task is learned. The defaults won on validation data (docs/results/foundation.md).

    Args:
        model: "auto", "mlp", "wide-and-deep", "cnn", "pooled-cnn", "lstm", "svm", "forest", an unfitted scikit-learn classifier, or a torch
            module of a registered class (docs/howto/bring-a-backbone.md), of which a copy is trained. "auto" follows the form of the
            inputs, and the size of images.
        hidden: units of the last hidden layer, which sets the size of a torch model.
        links: which classes may borrow. "similar" links the classes whose similarity reaches `threshold` (the paper); "all" links every
            class as soon as one reaches it, and the others start from a mixture of the source's classes; "none" learns alone.
        source: "one" earlier task for all links (the paper's strict mode: at most two pathways), or the best task "per-class".
        threshold: least similarity for a transfer (Ling et al., section 4: 0.7).
        min_separability: least share of the new task's classes that a source has to separate, see `separability`. A source below it is
            used only if cross-validation finds a gain, and never where a class has fewer than ten examples. 0 is the paper.
            None is 0.2, or 0.3 for vectors of pretrained encoders, where there is less to gain (docs/results/senses.md).
        start: how the task's own hidden layer starts: as a "copy" of the source's where the shapes agree, or "random". None copies where
            there are links. "copy" with links="none" borrows the hidden layer alone, so the source does not run afterwards.
        augment: strength of the augmentation of training images; 0 for none. None augments where it helps: up to 20,000 examples.
        guard: keep a transfer only if cross-validation finds a gain.
        epochs: passes over the examples. None follows from their number; 0 is zero-shot: links alone, no gradient step.
        batch_size: examples in one step; None follows from their number.
        learning_rate: the highest learning rate; None is the model's own.
        may_change: earlier tasks whose hidden layer may be trained along with the new task. The new task reads that layer and needs fewer
            `hidden` units of its own, or none (0); what the earlier tasks lose is the price (Ling et al., "graceful forgetting").
        remember: how strongly a task in `may_change` is held to its earlier answers, by distillation on the new examples (Li and Hoiem
            2016); 0 for not at all.
        random_state: seed of everything that is drawn.

    Example:
        >>> sp.SenSettings(epochs=3).hidden
        128
        >>> sp.SenSettings(epochs="three")
        Traceback (most recent call last):
            ...
        senpath.errors.InputError: setting 'epochs': expected a whole number from 0 to 1000000, or None, got 'three'
    """

    model: Annotated[Any, Expected("a model's name, a torch module, or an unfitted scikit-learn classifier")] = "auto"
    hidden: Annotated[int, Field(ge=0, le=65_536), Expected(UNITS)] = 128
    links: Literal["all", "similar", "none"] = "all"
    source: Literal["one", "per-class"] = "one"
    threshold: Share = 0.7
    min_separability: Share | None = None
    start: Literal["copy", "random"] | None = None
    augment: Annotated[float, Field(ge=0, le=3)] | None = None
    guard: bool = False
    epochs: Annotated[int, Field(ge=0, le=10**6)] | None = None
    batch_size: Annotated[int, Field(ge=1, le=10**6)] | None = None
    learning_rate: LearningRate | None = None
    may_change: Annotated[tuple[str, ...], Expected("a list of different tasks' names", all_differ)] = ()
    remember: Annotated[float, Field(ge=0, le=1_000)] = 1.0
    random_state: Seed = 0

    def __post_init__(self) -> None:
        if self.hidden < 2 and not self.may_change:
            raise InputError("setting 'hidden'", expected=UNITS, got=self.hidden)
        trained = self.epochs != 0 and self.model in ("auto", "mlp", "wide-and-deep", "cnn", "pooled-cnn", "lstm")
        if self.may_change and (self.guard or not trained):
            raise InputError("may_change", expected="a torch model that is trained, without guard", got="guard, epochs=0 or another model")

    @property
    def copies(self) -> bool:
        """Whether the own hidden layer starts as a copy of the source's."""
        return self.start == "copy" or (self.start is None and self.links != "none")

    @property
    def borrows(self) -> bool:
        """Whether an earlier task is looked for at all."""
        return self.links != "none" or self.copies
