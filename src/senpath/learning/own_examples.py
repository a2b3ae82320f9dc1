"""Whether tasks tell apart the very examples that they were learned from, and what is tried and said where they do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any

import torch

from senpath.errors import PathwayError, warn
from senpath.snapshot.proposal import Method, MethodResult, run_new
from senpath.snapshot.view import View
from senpath.tasks.doubts import doubts_about
from senpath.tasks.skill import CLEAR
from senpath.types import Examples

MOST = 1_000
"""Examples of a task that are asked, at most, evenly spread."""
WELL = 0.5
"""Skill from which no further recipe is tried, once one has failed, if no more is expected."""
BY_HEART = 0.9
"""Skill that is expected of one example a class: a single one can be learned by heart. Of n a class it is less by the root of n, for
examples may contradict each other, and of a hundred or more it is no more than clear skill."""

Learn = Callable[[Method], Mapping[str, MethodResult]]


@dataclass(frozen=True)
class OwnScore:
    """How a task answers its own examples.

    Args:
        score: their `TaskKind.score`.
        skill: their `TaskKind.skill`, 1 where there is nothing to tell apart.
        expected: the least skill of a task that has learned anything from so many examples a class, see `BY_HEART`.
        each: so many.
    """

    score: float
    skill: float
    expected: float = CLEAR
    each: float = 1.0

    def reaches(self, least: float) -> bool:
        """Whether it has this skill, and no less than is expected."""
        return self.skill >= max(least, self.expected)


@dataclass(frozen=True)
class Attempt:
    """What a method, with the settings that it has, made of tasks, and how they answer their own examples."""

    method: Method
    results: Mapping[str, MethodResult]
    scores: Mapping[str, OwnScore]

    @property
    def worth(self) -> float:
        """The skill of the task that has the least."""
        return min(own.skill for own in self.scores.values())

    def reaches(self, least: float) -> bool:
        """Whether every task does, see `OwnScore.reaches`."""
        return all(own.reaches(least) for own in self.scores.values())


def best_attempt(view: View, method: Method, tasks: Mapping[str, Examples], learn: Learn) -> tuple[Attempt, dict[str, Any]]:
    """Learn tasks; where one falls short, with the method's further recipes too, until one does well or there are no more.

    Args:
        method: may have `recipes(examples)`, the same method with other settings, in the order in which to try them, and
            `enough(examples)`, a skill below which to do so although no more is expected.
        tasks: the examples of each.
        learn: calls a method.

    Returns:
        The attempt of most skill, and what the log says of the others: empty where the first one did not fall short.
    """
    best, examples = _attempt(view, method, tasks, learn), next(iter(tasks.values()))
    enough = getattr(method, "enough", None)
    if best.reaches(0.0 if enough is None else enough(examples)):
        return best, {}
    skills, recipes = [best.worth], getattr(method, "recipes", None)
    for other in recipes(examples) if recipes is not None else ():
        attempt = _attempt(view, other, tasks, learn)
        skills.append(attempt.worth)
        best = max(best, attempt, key=lambda one: one.worth)
        if best.reaches(WELL):
            break
    return best, {"recipes_tried": [round(skill, 4) for skill in skills]} if len(skills) > 1 else {}


def _attempt(view: View, method: Method, tasks: Mapping[str, Examples], learn: Learn) -> Attempt:
    results = learn(method)
    return Attempt(method, results, {task: _own_score(view, results[task], examples) for task, examples in tasks.items()})


def _own_score(view: View, result: MethodResult, examples: Examples) -> OwnScore:
    places = torch.linspace(0, len(examples) - 1, min(MOST, len(examples))).round().long()
    if examples.weights is not None:  # one that counts twice as much is asked twice as often
        sums = examples.weights.double().cumsum(0)
        places = torch.searchsorted(sums, (torch.arange(len(places)) + 0.5) / len(places) * sums[-1])
    asked, kind = examples.subset(places).scaled(None if result.in_user_units else examples.scale), examples.task_kind
    each = max(1.0, float(kind.counts(examples.targets, len(examples.classes)).double().mean()))
    try:
        outputs = run_new(view, result.pathway("", asked), result.components, asked.inputs).cpu()
    except PathwayError:  # which the commit explains
        return OwnScore(1.0, 1.0)
    skill = kind.skill(outputs, asked.targets)
    skill = 1.0 if skill is None else skill if isfinite(skill) else 0.0
    return OwnScore(kind.score(outputs, asked.targets), skill, max(CLEAR, BY_HEART / sqrt(each)), each)


def warnings_of(attempt: Attempt, tasks: Mapping[str, Examples], tried: int) -> dict[str, str]:
    """What to say of each task that cannot tell its own examples apart."""
    again = f", after {tried} recipes were tried" if tried > 1 else ""
    do = "Check that the labels belong to the inputs; then try other settings, such as learning_rate, or a pretrained encoder"
    return {
        task: f"task {task!r} hardly tells its own examples apart{again}: its {tasks[task].task_kind.score_name} on them is "
        f"{own.score:.3f}, its skill {own.skill:.2f} (0: one answer to all; 1: all right; {own.expected:.2f}: the least to be expected of "
        f"{own.each:,.0f} for each {tasks[task].task_kind.nouns[0]}). {do}"
        for task, own in attempt.scores.items()
        if not own.reaches(0.0)
    }


def doubts_of(task: str, examples: Examples, known: int = 0) -> dict[str, str]:
    """What to say of a task whose labels look as if they were not what people meant; see `senpath.tasks.doubts`.

    Args:
        known: how many of its classes were learned before; 0 for a new task.
    """
    kind = examples.task_kind
    counts = kind.counts(examples.targets, len(examples.classes)) if kind.exclusive and not known else None
    doubts = doubts_about(examples.classes, counts, known=known) if kind.has_labels else []
    return {task: f"task {task!r}: {'. '.join(doubts)}"} if doubts else {}


def joined(*told: Mapping[str, str]) -> dict[str, str]:
    """What was noticed about tasks, all of a task in one text."""
    texts: dict[str, list[str]] = {}
    for part in told:
        for task, text in part.items():
            texts.setdefault(task, []).append(text)
    return {task: ". ".join(parts) for task, parts in texts.items()}


def say(told: Mapping[str, str]) -> None:
    """Warn of what was noticed about tasks, at the line of whoever called senpath."""
    for text in told.values():
        warn(text)
