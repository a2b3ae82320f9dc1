"""Settings of the method `munet`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from senpath.errors import InputError
from senpath.methods.munet.hyper import DEFAULTS, lists
from senpath.methods.munet.mutate import Choice
from senpath.methods.munet.roots import ROOTS, Root
from senpath.settings import Expected, OfMachine, Seed, Settings

NAMES = ("auto", *ROOTS)
"""Of roots."""
Count = Annotated[int, Field(ge=1, le=10_000)]
Penalty = Annotated[float, Field(ge=1e-3, le=1)]
MANY = 1_000
"""Examples from which on a ladder is taken."""


PUBLISHED: dict[str, Any] = {"mutation": 0.2, "learning_rate": 0.01, "nesterov": False, "flip": True, "crop": True}
"""Hyperparameters that the notebooks of Gesmundo and Dean (2022) start with."""
TOY: dict[str, Any] = {
    "schedule": "evolve",
    "root": "vit",
    "depth": 0,
    "generations": 64,
    "children": 1,
    "cycles": 4,
    "examples": 4_000,
    "validation": 1_000,
    "batch_size": 512,
    "adapters": "none",
    "start": PUBLISHED,
}
"""The "Toy" configuration of the notebooks, some 1 M images a task, for images of 32 pixels. They go through the tasks twice, with 32
children each time, and their random root is locked."""
CHARS: dict[str, Any] = {**TOY, "depth": None, "generations": 128, "adapters": "evolve"}
"""The "Chars" configuration; its root is pretrained, and ours, unless another is given, random."""


def is_root(value: Any) -> bool:
    """Whether it is a root, or the name of one."""
    return isinstance(value, Root) or (isinstance(value, str) and value in NAMES)


class MunetSettings(Settings, owner="method munet"):
    """How a task's path is searched for. One search trains on at most generations × children × cycles × examples examples.

    Args:
        root: the model that paths start from: "cnn", convolutions with random weights; "vit", a Vision Transformer of width 192 with random
            weights; "efficientnet-lite0", with weights of ImageNet; "mlp"; or a `Root`. "auto" is that of the last task of this type of
            data, else "cnn" for images and "mlp" for all other inputs.
        schedule: "ladder", short trials of how deep to be and how much of whose path to share, and one long run of the best; "evolve", the
            published search; or "once", a single run from the root with the hyperparameters that it has: fine-tuning, with the same
            budget. "auto" is "ladder" from 1,000 examples on, else "evolve", which tries hyperparameters too.
        blocks: number of the root's blocks; None is 3 for "vit" (Gesmundo and Dean 2022, Chars configuration), 2 for "cnn", 1 for "mlp".
        depth: number of optional blocks that a path starts with; None is all of the root's.
        generations: how often a generation of children is trained. The ladder counts no generations, but has the same budget in all.
        children: children in one generation.
        cycles: training cycles of a child; after each it is validated, and its best state is kept.
        examples: examples of one cycle, at most; and at most 10 passes over all there are.
        validation: examples that are held out to validate on, at most; and at most a fifth, but one of each class.
        batch_size: examples in one step; None follows from their number, 16 to 64.
        clone: "evolve" clones frozen layers by chance, "all" trains every layer (fine-tuning), "none" trains none.
        adapters: "evolve" inserts residual adapters by chance, "all" inserts one behind every block, "none" none.
        layers: whether the number of layers evolves; in a ladder, whether a random root is tried with a third of its blocks fewer.
        others: whether paths of other tasks may be parents; if not, only the root may.
        learned_rates: whether every mutation has a probability of its own, which is learned (µ2Net+, Gesmundo 2022).
        size_penalty: share of its quality that a path as large as the root keeps as its score; 1 is no penalty. None is .95 for the ladder,
            and 1 for all others, as published.
        compute_penalty: the same for the operations that one input takes (µ2Net+).
        start: hyperparameters of the root path that differ from the defaults, by name, see `senpath.methods.munet.hyper`.
        jobs: workers of one thread each that train at once; 1 trains in this process. Their number does not change the result.
        ray: None trains in processes of this machine; "local" uses Ray on this machine, anything else is the address of a Ray cluster.
        work: folder that keeps finished generations until the task is learned, so that a search that was stopped goes on from there;
            None is one in the user's cache.
        random_state: seed of everything that is drawn.

    Example:
        >>> sp.MunetSettings(root="mlp", blocks=2).schedule
        'auto'
    """

    root: Annotated[Any, Expected(f"one of {', '.join(NAMES)}, or a Root", is_root)] = "auto"
    schedule: Literal["auto", "ladder", "evolve", "once"] = "auto"
    blocks: Annotated[int, Field(ge=0, le=24)] | None = None
    depth: Annotated[int, Field(ge=0, le=24)] | None = None
    generations: Count = 4
    children: Count = 2
    cycles: Count = 4
    examples: Annotated[int, Field(ge=1, le=10**9)] = 2_000
    validation: Annotated[int, Field(ge=1, le=10**9)] = 2_000
    batch_size: Annotated[int, Field(ge=1, le=10**6)] | None = None
    clone: Choice = "evolve"
    adapters: Choice = "evolve"
    layers: bool = True
    others: bool = True
    learned_rates: bool = False
    size_penalty: Penalty | None = None
    compute_penalty: Penalty = 1.0
    start: Annotated[Mapping[str, Any], Expected("a mapping of hyperparameters to values")] = field(default_factory=dict)
    jobs: Annotated[Count, OfMachine()] = 1
    ray: Annotated[str | None, OfMachine()] = None
    work: Annotated[Annotated[str | Path, Expected("a path")] | None, OfMachine()] = None
    random_state: Seed = 0

    def __post_init__(self) -> None:
        known = lists(image=True)
        for name, value in self.start.items():
            if name not in known:
                raise InputError(f"hyperparameter {name!r}", expected=f"one of {', '.join(known)}", got="another name")
            if value not in known[name]:
                raise InputError(f"hyperparameter {name!r}", expected=f"one of {', '.join(map(str, known[name]))}", got=repr(value))

    def for_examples(self, count: int) -> MunetSettings:
        """The same with a schedule for so many examples in place of "auto"."""
        return self if self.schedule != "auto" else replace(self, schedule="ladder" if count >= MANY else "evolve")

    @property
    def kept(self) -> float:
        """The size penalty."""
        return self.size_penalty if self.size_penalty is not None else 0.95 if self.schedule == "ladder" else 1.0

    @property
    def hyper(self) -> dict[str, Any]:
        """Hyperparameters of the root path."""
        return {**DEFAULTS, **self.start}

    def to_json(self) -> dict[str, Any]:
        """What decides the result, as JSON values; of a root its name."""
        kept = {name: value for name, value in super().to_json().items() if name not in self.of_machine()}
        return {**kept, "root": getattr(self.root, "name", self.root)}
