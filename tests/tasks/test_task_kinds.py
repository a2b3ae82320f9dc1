"""What each kind of task says of outputs and targets, against scikit-learn and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, jaccard_score, r2_score
from torch import nn

from senpath.components import ClassLink
from senpath.errors import InputError
from senpath.tasks import TASK_KINDS, Classification, Multilabel, Regression, TaskKind, task_kind
from senpath.training import TargetScaler
from senpath.types import DataType, Examples
from tests.raising import raises_error

KINDS = [Classification(), Multilabel(), Regression()]
Y: dict[str, Any] = {
    "classification": np.arange(40) % 4,
    "multilabel": np.random.default_rng(0).integers(0, 2, (40, 4)),
    "regression": np.random.default_rng(0).normal(50, 20, (40, 4)),
}
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def outputs(seed: int = 0) -> torch.Tensor:
    return torch.randn(40, 4, generator=torch.Generator().manual_seed(seed))


def examples(kind: TaskKind) -> Examples:
    targets = kind.read(Y[kind.name], 40)
    return Examples(DataType("table", (3,)), torch.zeros(40, 3), targets.values, targets.classes, targets.kind)


@each_kind
def test_a_kind_is_found_by_the_name_that_users_give(kind: TaskKind) -> None:
    assert type(task_kind(kind.name)) is type(kind) is type(examples(kind).task_kind)
    assert examples(kind).kind == kind.name  # a plain string
    assert [*TASK_KINDS] == ["classification", "multilabel", "regression"]


@pytest.mark.parametrize("name", ["ranking", None, ["regression"]])
def test_another_kind_is_refused(name: Any) -> None:
    with raises_error(InputError, "kind of task", expected="classification, multilabel, regression", got=repr(name)):
        task_kind(name)


@each_kind
def test_targets_that_were_read_pass_the_check(kind: TaskKind) -> None:
    data = examples(kind)
    kind.check(data.targets, data.classes, 40)
    more = kind.read_more(Y[kind.name], 40, data.classes, new_classes=False)
    torch.testing.assert_close(more.values, data.targets)
    assert kind.empty_targets(4).shape == data.targets[:0].shape
    with pytest.raises(InputError, match=rf"^encoded examples: expected torch\.\w+ targets of shape .* for a {kind.name}, got"):
        kind.check(data.targets[:-1], data.classes, 40)


@each_kind
def test_scores_are_those_of_scikit_learn(kind: TaskKind) -> None:
    targets = examples(kind).targets
    expected = {
        "classification": lambda: accuracy_score(targets, outputs().argmax(1)),
        "multilabel": lambda: jaccard_score(targets, outputs() > 0, average="samples", zero_division=1),
        "regression": lambda: r2_score(targets, outputs()),
    }[kind.name]()
    assert kind.score(outputs(), targets) == pytest.approx(expected)


@each_kind
def test_what_users_get_is_scored_as_outputs_are(kind: TaskKind) -> None:
    data = examples(kind)
    (values,) = kind.values([outputs()])
    answers = [*kind.answers(values, data.classes)]
    truth = kind.read_truth(Y[kind.name], 40, data.classes)
    assert kind.score_answers(answers, truth, data.classes) == pytest.approx(kind.score(outputs(), data.targets))
    assert kind.score_answers([None] * 40, truth, data.classes) == pytest.approx(0, abs=1e-6)  # as bad as knowing nothing


@each_kind
def test_outputs_of_several_tasks_mean_what_they_mean_alone(kind: TaskKind) -> None:
    several = [outputs(1), outputs(2)[:7], outputs(3)[:, :3]]
    for part, values in zip(several, kind.values(several), strict=True):
        np.testing.assert_allclose(values, kind.values([part])[0])
        assert values.dtype == np.float64
        assert not kind.has_labels or ((values > 0) & (values < 1)).all()
        assert not kind.exclusive or values.sum(1) == pytest.approx(1)
        assert ((kind.certainty(values) > 0) & (kind.certainty(values) <= 1)).all()


@each_kind
def test_keeping_earlier_outputs_is_best_by_distillation(kind: TaskKind) -> None:
    earlier = outputs()
    now = earlier.clone().requires_grad_()
    kind.distillation_loss(now, earlier).backward()
    assert now.grad is not None
    torch.testing.assert_close(now.grad, torch.zeros_like(earlier), atol=1e-7, rtol=0)


@each_kind
def test_an_example_of_weight_two_counts_as_two(kind: TaskKind) -> None:
    targets, said, copies = examples(kind).targets, outputs(), torch.arange(40) % 3
    twice = torch.arange(40).repeat_interleave(copies)
    weighted = kind.loss(said, targets, copies.float() / copies.float().mean())
    torch.testing.assert_close(weighted, kind.loss(said[twice], targets[twice]))


@each_kind
def test_the_scale_of_targets_is_folded_into_what_answers(kind: TaskKind) -> None:
    data = examples(kind)
    scaler, inputs = TargetScaler.fit(data), torch.randn(40, 3)
    head, link = nn.Linear(3, 4), ClassLink(3, 4, (1, 2))
    with torch.no_grad():
        link.weight.normal_()
        before = head(inputs) + link(inputs)
        scaler.fold_into(head, [link])
        torch.testing.assert_close(
            scaler.transform(head(inputs) + link(inputs)) if not kind.has_labels else head(inputs) + link(inputs), before
        )
        scaler.inverse().fold_into(head, [link])
        torch.testing.assert_close(head(inputs) + link(inputs), before)
    trained = scaler.transform(data.targets)
    if kind.has_labels:
        assert trained is data.targets
    else:
        torch.testing.assert_close(torch.stack([*torch.std_mean(trained, 0, correction=0)]), torch.tensor([[1.0], [0.0]]).expand(2, 4))


@each_kind
def test_only_classes_are_strata_and_groups(kind: TaskKind) -> None:
    data = examples(kind)
    strata = kind.strata(data.targets)
    assert (strata is not None) == kind.exclusive == (kind.groups(4) == 4)
    expected = {"classification": [10] * 4, "multilabel": Y["multilabel"].sum(0).tolist(), "regression": [40] * 4}[kind.name]
    assert kind.counts(data.targets, 4).tolist() == expected
