"""Settings of the method `munet`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from senpath.errors import InputError
from senpath.methods.checks import check_choice, check_flag, check_range, settings_of
from senpath.methods.munet.hyper import DEFAULTS, lists
from senpath.methods.munet.mutate import Choice
from senpath.methods.munet.roots import ROOTS, Root

WHERE = ("jobs", "ray", "work")
"""Settings that decide where and how fast a search runs, and nothing of what it finds."""


@dataclass(frozen=True)
class MunetSettings:
    """How a task's path is searched for. One search trains generations × children × cycles × examples examples at most.

    Args:
        root: "vit", a Vision Transformer of width 192 from random weights; "efficientnet-lite0" with weights of ImageNet; "mlp"; or a
            `Root`. "auto" is "vit" for images and "mlp" for all other inputs.
        blocks: of the root, 0 to 24; None is 3 for "vit" (Gesmundo and Dean 2022, Chars configuration), 1 for "mlp".
        depth: optional blocks that a path begins with; None for all of the root's.
        generations, children: how often children are trained, and how many at a time.
        cycles: of a child's training; after each it is validated, and its best state is kept.
        examples: of one cycle, at most; and at most 10 passes over those that there are.
        validation: examples held out to validate on, at most; and at most a fifth of those that there are, but one of each class.
        batch_size: examples of one step; None follows from their number, 16 to 64.
        clone: "evolve" clones frozen layers by chance, "all" trains every layer (fine-tuning), "none" trains none.
        adapters: "evolve" inserts residual adapters by chance, "all" behind every block, "none" never.
        layers: whether the number of layers evolves.
        others: whether paths of other tasks may be parents; else only the root may.
        learned_rates: every mutation has a probability of its own, which is learned (µ2Net+, Gesmundo 2022).
        size_penalty: the part of its quality that a path as large as the root keeps as its score, in (0, 1]; 1 is no penalty.
        compute_penalty: likewise for the operations of one input (µ2Net+).
        start: hyperparameters of the root path that differ from the defaults, by name, see `senpath.methods.munet.hyper`.
        jobs: workers of one thread each that train at once; 1 trains in this process. Their number changes nothing of what is found.
        ray: None trains on processes of this machine; "local" on Ray on this machine, anything else is the address of a Ray cluster.
        work: folder in which finished generations are kept until the task is learned, so that the same search goes on where it was
            stopped; None is one in the user's cache.
        random_state: decides everything that is drawn.
    """

    root: Any = "auto"
    blocks: int | None = None
    depth: int | None = None
    generations: int = 8
    children: int = 2
    cycles: int = 4
    examples: int = 2_000
    validation: int = 2_000
    batch_size: int | None = None
    clone: Choice = "evolve"
    adapters: Choice = "evolve"
    layers: bool = True
    others: bool = True
    learned_rates: bool = False
    size_penalty: float = 0.95
    compute_penalty: float = 1.0
    start: Mapping[str, Any] = field(default_factory=dict)
    jobs: int = 1
    ray: str | None = None
    work: str | Path | None = None
    random_state: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.root, Root):
            check_choice("root", self.root, ("auto", *ROOTS))
        for name in ("clone", "adapters"):
            check_choice(name, getattr(self, name), get_args(Choice))
        for name in ("layers", "others", "learned_rates"):
            check_flag(name, getattr(self, name))
        for name, high in (("blocks", 24), ("depth", 24)):
            check_range(name, getattr(self, name), 0, high, optional=True, whole=True)
        for name in ("generations", "children", "cycles", "jobs"):
            check_range(name, getattr(self, name), 1, 10_000, whole=True)
        for name in ("examples", "validation"):
            check_range(name, getattr(self, name), 1, 10**9, whole=True)
        check_range("batch_size", self.batch_size, 1, 10**6, optional=True, whole=True)
        for name in ("size_penalty", "compute_penalty"):
            check_range(name, getattr(self, name), 1e-3, 1)
        check_range("random_state", self.random_state, 0, 2**32 - 1, whole=True)
        for name, kinds in (("ray", (str,)), ("work", (str, Path))):
            if getattr(self, name) is not None and not isinstance(getattr(self, name), kinds):
                raise InputError(f"setting {name!r}", expected="a str, or None", got=repr(getattr(self, name)))
        self._check_start()

    def _check_start(self) -> None:
        if not isinstance(self.start, Mapping):
            raise InputError("setting 'start'", expected="a mapping of hyperparameters to values", got=repr(self.start))
        known = lists(image=True)
        for name, value in self.start.items():
            if name not in known:
                raise InputError(f"hyperparameter {name!r}", expected=f"one of {', '.join(known)}", got="another name")
            check_choice(name, value, known[name])

    @property
    def hyper(self) -> dict[str, Any]:
        """Hyperparameters of the root path."""
        return {**DEFAULTS, **self.start}

    def to_json(self) -> dict[str, Any]:
        """What decides the result, as JSON values; of a root its name."""
        root = self.root.name if isinstance(self.root, Root) else self.root
        kept = {name: value for name, value in vars(self).items() if name not in WHERE}  # a root is not taken apart
        return {**kept, "root": root, "start": dict(self.start)}

    @staticmethod
    def of(**settings: Any) -> MunetSettings:
        """Settings by name; see `settings_of`."""
        return settings_of(MunetSettings, "method munet", settings)
