"""What is compared: methods and baselines by name, classes and objects, each with its settings, as strategies that learn a stream."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, fields, is_dataclass, replace
from hashlib import sha256
from inspect import getdoc
from typing import Any

from senpath.errors import InputError
from senpath.evaluation.baselines import BASELINES, KnownBaseline
from senpath.evaluation.strategy import Growing, Strategy
from senpath.methods import METHODS, SenSettings, find_method, known_methods, make_method
from senpath.plugins import import_place
from senpath.settings import Settings

SHARED = ("model", "hidden", "augment", "epochs", "batch_size", "learning_rate")
"""Settings of SEN that every baseline is trained by."""
SEED = "random_state"


@dataclass(frozen=True)
class Contender:
    """A method or a baseline with its settings.

    Args:
        label: as tables print it.
        method: name of a method or a baseline; a place, "package:Class"; a class of methods or strategies; or one itself.
        settings: its own.
        shared: settings that all contenders share; it takes those that it has.
    """

    label: str
    method: Any
    settings: Mapping[str, Any] = field(default_factory=dict)
    shared: Mapping[str, Any] = field(default_factory=dict)

    @property
    def taken(self) -> dict[str, Any]:
        """All settings that it learns with, but the seed."""
        return {name: value for name, value in self.shared.items() if self.knows(name)} | dict(self.settings)

    @property
    def about(self) -> str:
        """What it is, in a line: its name or place, and what is said of it."""
        meant = self._meant()
        said = meant.about if isinstance(meant, KnownBaseline) else getdoc(find_method(meant) if isinstance(meant, str) else meant) or ""
        name = self.method if isinstance(self.method, str) else _label(self.method)
        return f"{name}: {said.partition(chr(10))[0]}".rstrip(": ")

    @property
    def key(self) -> str:
        """Eight digits that stand for what it is and its settings."""
        meant = self.method if isinstance(self.method, str) else f"{type(self.method).__name__} {getattr(self.method, '__qualname__', '')}"
        told = json.dumps([meant, self.taken, _state(self.method)], sort_keys=True, default=repr)
        return sha256(told.encode()).hexdigest()[:8]

    @property
    def waits(self) -> bool:
        """Whether it can add a task without a step of training, as forward transfer is measured."""
        return self._meant() == "sen" or self._own() is not None

    def make(self, seed: int, untrained: bool = False) -> tuple[Strategy, SenSettings]:
        """The strategy before it has learned anything, and the settings that its `learn` takes.

        Args:
            untrained: add tasks without a gradient step.

        Raises:
            InputError: for an unknown one or setting, or one that cannot learn so.
        """
        if SEED in self.settings:
            raise InputError(f"setting {SEED!r} of {self.label!r}", expected="none, for the experiment's seeds decide it", got="one")
        taken, meant = {**self.taken, **({"epochs": 0} if untrained else {})}, self._meant()
        if meant == "sen":
            return Growing(), SenSettings(**taken, random_state=seed)
        own = self._own()
        if own is not None:
            for name in taken:
                if name not in (*SHARED, *own):
                    expected = f"one of {', '.join([*SHARED, *own])}"
                    raise InputError(f"setting {name!r} of {self.label!r}", expected=expected, got="another name")
            settings = SenSettings(**{name: value for name, value in taken.items() if name in SHARED}, random_state=seed)
            if isinstance(meant, Strategy):
                return meant, settings
            make = meant.make if isinstance(meant, KnownBaseline) else meant
            return make(**{name: value for name, value in taken.items() if name in own}), settings
        if untrained:
            raise InputError(f"0 shots of {self.label!r}", expected="'sen' or a baseline", got="a method that has to train")
        if isinstance(meant, type):
            return Growing(method=make_method(meant(**taken, random_state=seed), {})), SenSettings()
        if isinstance(meant, str):
            return Growing(method=make_method(meant, {**taken, SEED: seed})), SenSettings()
        return Growing(method=make_method(_seeded(meant, seed), taken)), SenSettings()

    def _meant(self) -> Any:
        """The method itself, where a name or a place stands for it; senpath's methods keep their names."""
        if not isinstance(self.method, str):
            return self.method
        if ":" in self.method:
            return import_place(self.method, "method")
        if self.method not in {*BASELINES, *METHODS} and self.method not in known_methods():  # to ask what packages offer takes long
            known = ", ".join([*known_methods(), *BASELINES])
            raise InputError(f"method of {self.label!r}", expected=f"one of {known}, or package:Class", got=repr(self.method))
        return BASELINES.get(self.method, self.method)

    def _own(self) -> tuple[str, ...] | None:
        """Settings that a strategy has beside those of SEN; None for a method."""
        meant = self._meant()
        if isinstance(meant, KnownBaseline):
            return meant.settings
        if isinstance(meant, type) and issubclass(meant, Strategy):
            return tuple(each.name for each in fields(meant)) if is_dataclass(meant) else ()
        return () if isinstance(meant, Strategy) else None

    def knows(self, name: str) -> bool:
        """Whether it has a setting of this name."""
        meant, own = self._meant(), self._own()
        if own is not None:
            return name in (*SHARED, *own)
        described = getattr(find_method(meant) if isinstance(meant, str) else meant, "settings_class", None)
        if not isinstance(meant, str | type) or not isinstance(described, type) or not issubclass(described, Settings):
            return False
        return any(each.name == name for each in described.describe())


def read_contenders(methods: Any, shared: Mapping[str, Any]) -> list[Contender]:
    """What an experiment names, checked: every setting is one that its contender, or for shared ones any contender, has.

    Args:
        methods: a list of names, classes or objects, or a mapping of labels to these, or to a mapping with "method" and settings.
        shared: settings for all that have them.

    Raises:
        InputError: for an unknown one or setting.
    """
    if isinstance(methods, str) or not isinstance(methods, Mapping | list | tuple) or not methods:
        raise InputError("methods", expected="a list of names, or a mapping of labels to methods", got=repr(methods))
    named = methods if isinstance(methods, Mapping) else {_label(each): each for each in methods}
    if len(named) < len(methods):
        raise InputError("methods", expected="different labels", got=", ".join(map(_label, methods)), do="Name them, in a mapping")
    contenders = []
    for label, each in named.items():
        own = dict(each) if isinstance(each, Mapping) else {"method": each}
        contenders.append(Contender(str(label), own.pop("method", label), own, shared))
    for contender in contenders:
        contender.make(0)
    for name in shared:
        if not any(contender.knows(name) for contender in contenders):
            raise InputError(f"setting {name!r}", expected="one that some method of the experiment has", got="one that none has")
    return contenders


def _label(each: Any) -> str:
    if isinstance(each, str):
        return each.rpartition(":")[2]
    return str(getattr(each, "name", None) or getattr(each, "__name__", None) or type(each).__name__)


def _state(method: Any) -> str:
    """What an object is beside its class. What shows its place in memory differs in each process, so that nothing old is taken for it."""
    if isinstance(method, str | type):
        return repr("")
    settings = getattr(method, "settings", None)
    return repr(getattr(method, "__dict__", "") if settings is None else settings)


def _seeded(method: Any, seed: int) -> Any:
    """An object with settings of its own, but the experiment's seed, wherever it keeps that."""
    settings = getattr(method, "settings", None)
    if is_dataclass(settings) and not isinstance(settings, type) and hasattr(settings, SEED):
        method = copy(method)
        method.settings = replace(settings, random_state=seed)
    elif is_dataclass(method) and not isinstance(method, type) and hasattr(method, SEED):
        method = replace(method, random_state=seed)
    elif hasattr(method, SEED):
        method = copy(method)
        method.random_state = seed
    return method
