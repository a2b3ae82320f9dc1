"""What is compared: methods and baselines by name, classes and objects, each with its settings, as strategies that learn a stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from hashlib import sha256
from typing import Any

from senpath.errors import InputError
from senpath.evaluation.baselines import BASELINES, KnownBaseline
from senpath.evaluation.strategy import Growing, Strategy
from senpath.methods import SenSettings, find_method, known_methods, make_method
from senpath.plugins import import_place
from senpath.settings import Settings

SHARED = ("model", "hidden", "augment", "epochs", "batch_size", "learning_rate")
"""Settings of SEN that every baseline is trained by."""
SEED = "random_state"


@dataclass(frozen=True)
class Learner:
    """A method or a baseline with its settings.

    Args:
        label: as tables print it.
        kind: name of a method or a baseline; a place, "package:Class"; a class of methods or strategies; or a method or a strategy itself.
        settings: its own.
        shared: settings that all learners share; it takes those that it has.
    """

    label: str
    kind: Any
    settings: Mapping[str, Any] = field(default_factory=dict)
    shared: Mapping[str, Any] = field(default_factory=dict)

    @property
    def taken(self) -> dict[str, Any]:
        """All settings that it learns with, but the seed."""
        return {name: value for name, value in self.shared.items() if self.knows(name)} | dict(self.settings)

    @property
    def key(self) -> str:
        """Eight digits that stand for what it is and its settings."""
        kind = self.kind if isinstance(self.kind, str) else f"{type(self.kind).__name__} {getattr(self.kind, '__qualname__', '')}"
        told = json.dumps([kind, self.taken, repr(getattr(self.kind, "settings", ""))], sort_keys=True, default=repr)
        return sha256(told.encode()).hexdigest()[:8]

    def make(self, seed: int, untrained: bool = False) -> tuple[Strategy, SenSettings]:
        """The strategy before it has learned anything, and the settings that its `learn` takes.

        Args:
            untrained: add tasks without a gradient step.

        Raises:
            InputError: for an unknown learner or setting, or one that cannot learn so.
        """
        if SEED in self.settings:
            raise InputError(f"setting {SEED!r} of {self.label!r}", expected="none, for the experiment's seeds decide it", got="one")
        taken, kind = {**self.taken, **({"epochs": 0} if untrained else {})}, self._kind()
        if kind == "sen":
            return Growing(), SenSettings(**taken, random_state=seed)
        own = self._own()
        if own is not None:
            for name in taken:
                if name not in (*SHARED, *own):
                    expected = f"one of {', '.join([*SHARED, *own])}"
                    raise InputError(f"setting {name!r} of {self.label!r}", expected=expected, got="another name")
            settings = SenSettings(**{name: value for name, value in taken.items() if name in SHARED}, random_state=seed)
            if isinstance(kind, Strategy):
                return kind, settings
            make = kind.make if isinstance(kind, KnownBaseline) else kind
            return make(**{name: value for name, value in taken.items() if name in own}), settings
        if untrained:
            raise InputError(f"0 shots of {self.label!r}", expected="'sen' or a baseline", got="a method that has to train")
        if isinstance(kind, type):
            return Growing(method=make_method(kind(**taken, random_state=seed), {})), SenSettings()
        return Growing(method=make_method(kind, {**taken, SEED: seed} if isinstance(kind, str) else taken)), SenSettings()

    def _kind(self) -> Any:
        """The kind itself, where a name or a place stands for it; senpath's methods keep their names."""
        if not isinstance(self.kind, str):
            return self.kind
        if ":" in self.kind:
            return import_place(self.kind, "method")
        if self.kind not in BASELINES and self.kind not in known_methods():
            known = ", ".join([*known_methods(), *BASELINES])
            raise InputError(f"method of {self.label!r}", expected=f"one of {known}, or package:Class", got=repr(self.kind))
        return BASELINES.get(self.kind, self.kind)

    def _own(self) -> tuple[str, ...] | None:
        """Settings that a strategy has beside those of SEN; None for a method."""
        kind = self._kind()
        if isinstance(kind, KnownBaseline):
            return kind.settings
        if isinstance(kind, type) and issubclass(kind, Strategy):
            return tuple(each.name for each in fields(kind)) if is_dataclass(kind) else ()
        return () if isinstance(kind, Strategy) else None

    def knows(self, name: str) -> bool:
        """Whether it has a setting of this name."""
        kind, own = self._kind(), self._own()
        if own is not None:
            return name in (*SHARED, *own)
        described = getattr(find_method(kind) if isinstance(kind, str) else kind, "settings_class", None)
        if not isinstance(kind, str | type) or not isinstance(described, type) or not issubclass(described, Settings):
            return False
        return any(each.name == name for each in described.describe())


def read_learners(methods: Any, shared: Mapping[str, Any]) -> list[Learner]:
    """What an experiment names, checked: every setting is one that its learner, or for shared ones any learner, has.

    Args:
        methods: a list of names, classes or objects, or a mapping of labels to these, or to a mapping with "method" and settings.
        shared: settings for all that have them.

    Raises:
        InputError: for an unknown learner or setting.
    """
    if isinstance(methods, str) or not isinstance(methods, Mapping | list | tuple) or not methods:
        raise InputError("methods", expected="a list of names, or a mapping of labels to methods", got=repr(methods))
    named = methods if isinstance(methods, Mapping) else {_label(each): each for each in methods}
    if len(named) < len(methods):
        raise InputError("methods", expected="different labels", got=", ".join(map(_label, methods)), do="Name them, in a mapping")
    learners = []
    for label, each in named.items():
        own = dict(each) if isinstance(each, Mapping) else {"method": each}
        learners.append(Learner(str(label), own.pop("method", label), own, shared))
    for learner in learners:
        learner.make(0)
    for name in shared:
        if not any(learner.knows(name) for learner in learners):
            raise InputError(f"setting {name!r}", expected="one that some method of the experiment has", got="one that none has")
    return learners


def _label(each: Any) -> str:
    if isinstance(each, str):
        return each.rpartition(":")[2]
    return str(getattr(each, "name", None) or getattr(each, "__name__", None) or type(each).__name__)
