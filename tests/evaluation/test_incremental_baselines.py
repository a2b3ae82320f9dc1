"""Baselines with one growing output layer, and those in closed form: each solves its toy, and is what a plain computation says."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from raising import raises_error
from sklearn.datasets import load_digits
from sklearn.linear_model import Ridge
from sklearn.neighbors import NearestCentroid
from torch import nn
from torch.nn import functional

from senpath import DataType, Examples, InputError, SenSettings, UnknownTaskError
from senpath.evaluation.baselines import BASELINES, Ewc, Icarl, Joint, Lwf, NearestMean, RanPac, Replay, Sequential, Si
from senpath.evaluation.baselines.distillation import herding
from senpath.evaluation.baselines.replay import BalancedReservoir, ReplayMemory, Reservoir
from senpath.evaluation.baselines.shared import fisher
from senpath.evaluation.closed_form import STRENGTHS
from senpath.evaluation.protocol import Split, score
from senpath.evaluation.strategy import Strategy
from senpath.experiments.transforms import permuted
from senpath.methods.sen.model import choose_backbone, recipe_for
from senpath.seeds import derive, seeded
from senpath.training import passes, schedule

SETTINGS = SenSettings(hidden=32, epochs=60, augment=0.0, learning_rate=2e-2, batch_size=30)
BRIEF = replace(SETTINGS, hidden=6, epochs=2, learning_rate=1e-2, batch_size=20)


@pytest.fixture(scope="module")
def splits() -> dict[str, Split]:
    """The digits 0 and 1, 2 and 3, 4 and 5: half of 360 to learn from."""
    bunch = load_digits(n_class=6)
    x, y = torch.tensor(bunch.images[:360, None] / 16, dtype=torch.float32), torch.tensor(bunch.target[:360])

    def part(low: int, start: int) -> Examples:
        mine = (y[start::2] == low) | (y[start::2] == low + 1)
        return Examples(DataType("image", (1, 8, 8)), x[start::2][mine], y[start::2][mine] - low, (low, low + 1))

    return {f"{low}+{low + 1}": Split(part(low, 0), part(low, 1)) for low in (0, 2, 4)}


def learned(strategy: Strategy, splits: dict[str, Split], settings: SenSettings, tasks: int = 3) -> Strategy:
    for task, split in [*splits.items()][:tasks]:
        strategy = strategy.learn(task, split.train, settings)
    return strategy


def measured(strategy: Strategy, splits: dict[str, Split]) -> tuple[float, float]:
    """Mean accuracy with the task given, and found."""
    scores = [score(strategy, task, split.test, {name: each.train for name, each in splits.items()}) for task, split in splits.items()]
    return float(np.mean([each.given for each in scores])), float(np.mean([each.found for each in scores]))


# What each reaches at least with the task given and found. Without examples of earlier tasks the last one takes all answers.
TOY = {
    "joint": ({}, 0.95, 0.9),
    "sequential": ({}, 0.0, 0.2),
    "ewc": ({"heads": "each"}, 0.9, 0.0),
    "si": ({"heads": "each", "strength": 1.0}, 0.95, 0.0),
    "lwf": ({"heads": "each"}, 0.95, 0.0),
    "er": ({"memory": 60}, 0.95, 0.8),
    "der++": ({"memory": 60}, 0.95, 0.85),
    "icarl": ({"memory": 60}, 0.95, 0.85),
    "ncm": ({}, 0.9, 0.85),
    "ranpac": ({"projected": 200}, 0.95, 0.9),
    "single": ({}, 0.95, 0.0),
    "pnn": ({}, 0.95, 0.0),
}


@pytest.mark.parametrize("name", BASELINES)
def test_each_solves_its_toy(name: str, splits: dict[str, Split]) -> None:
    own, least_given, least_found = TOY[name]
    given, found = measured(learned(BASELINES[name].make(**own), splits, SETTINGS), splits)
    assert given >= least_given
    assert found >= least_found
    assert name != "sequential" or found < 0.45  # it answers with the last task's classes, whatever is shown


def test_what_holds_weights_or_answers_forgets_less() -> None:
    bunch = load_digits(n_class=5)
    x, y = torch.tensor(bunch.images[:500, None] / 16, dtype=torch.float32), torch.tensor(bunch.target[:500])
    train, test = (Examples(DataType("image", (1, 8, 8)), x[start::2], y[start::2], (0, 1, 2, 3, 4)) for start in (0, 1))
    settings, moved = replace(SETTINGS, hidden=16, epochs=20, learning_rate=1e-2), {}
    for name, own in (("sequential", {}), ("ewc", {"strength": 100.0}), ("si", {"strength": 1.0}), ("lwf", {})):
        first = BASELINES[name].make(heads="each", **own).learn("plain", train, settings)
        both = first.learn("mixed", permuted(train, 1), settings)
        assert both.accuracy("mixed", permuted(test, 1)) > 0.95
        moved[name] = float((both.logits("plain", test.inputs).softmax(1) - first.logits("plain", test.inputs).softmax(1)).abs().mean())
    assert max(moved["ewc"], moved["si"], moved["lwf"]) < 0.6 * moved["sequential"]


def plain(
    model: nn.Module,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    train: Examples,
    seen: Callable[..., None] = print,
    sgd: bool = False,
) -> None:
    """Train with plain torch, as `senpath.training.fit` does: Adam, a schedule, batches in the order of the seed; or without both."""
    recipe = recipe_for(choose_backbone("mlp", train.data_type, BRIEF.hidden).kind, train, BRIEF)
    adam = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.decay)
    optimizer = torch.optim.SGD(model.parameters(), lr=recipe.learning_rate) if sgd else adam
    batches = passes(len(train), recipe.batch_size, torch.Generator().manual_seed(derive(0, "train")))
    for step, batch in enumerate(islice(batches, recipe.steps)):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * (1 if sgd else schedule(step / recipe.steps))
        optimizer.zero_grad()
        value = loss(train.inputs[batch], train.targets[batch])
        value.backward()
        if recipe.clip is not None and not sgd:
            nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimizer.step()
        if seen is not print:
            seen(train.inputs[batch], train.targets[batch])


def widened(model: Any, columns: int = 2) -> nn.Sequential:
    """A copy of a learner's model with more columns, as torch draws them."""
    with seeded(derive(0, "columns", model.head.out_features)):
        head = nn.Linear(BRIEF.hidden, model.head.out_features + columns)
    for new, old in zip(head.parameters(), model.head.parameters(), strict=True):
        new.data[: len(old)] = old.data
    return nn.Sequential(copy.deepcopy(model.backbone), head)


def shifted(split: Split, by: int) -> Examples:
    return replace(split.train, targets=split.train.targets + by)


def same(model: Any, reference: nn.Sequential) -> None:
    for mine, theirs in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(mine.detach(), theirs.detach(), rtol=1e-3, atol=1e-4)


def second(strategy: Any, splits: dict[str, Split]) -> tuple[Any, Any, nn.Sequential, Examples]:
    """A learner after one task and after two, a plain copy to be trained on the second, and its examples."""
    one = learned(strategy, splits, BRIEF, 1)
    return one, learned(strategy, splits, BRIEF, 2), widened(one.model), shifted([*splits.values()][1], 2)


def test_sequential_training_is_plain(splits: dict[str, Split]) -> None:
    for heads, low in (("one", 0), ("each", 2)):
        _, two, reference, train = second(Sequential(heads), splits)
        plain(reference, lambda x, y, low=low, model=reference: functional.cross_entropy(model(x)[:, low:], y - low), train)
        same(two.model, reference)


def test_plain_gradient_descent_is_torchs(splits: dict[str, Split]) -> None:
    _, two, reference, train = second(Sequential(optimizer="sgd"), splits)
    before = copy.deepcopy(reference)
    plain(reference, lambda x, y: functional.cross_entropy(reference(x), y), train, sgd=True)
    same(two.model, reference)
    with pytest.raises(AssertionError, match="not close"):
        same(two.model, before)


def test_joint_training_is_plain_training_on_all(splits: dict[str, Split]) -> None:
    two = learned(Joint(), splits, BRIEF, 2)
    first, train = next(iter(splits.values())).train, shifted([*splits.values()][1], 2)
    both = replace(train, inputs=torch.cat([first.inputs, train.inputs]), targets=torch.cat([first.targets, train.targets]))
    untrained = learned(Joint(), splits, replace(BRIEF, epochs=0), 2)
    reference = widened(untrained.model, 0)
    plain(reference, lambda x, y: functional.cross_entropy(reference(x), y), both)
    same(two.model, reference)


def test_consolidation_is_its_formula(splits: dict[str, Split]) -> None:
    one, two, reference, train = second(Ewc(strength=30.0), splits)
    first = next(iter(splits.values())).train
    importance = fisher(nn.Sequential(one.model.backbone, one.model.head), nn.Identity(), first, 0)
    old = [weight.detach().clone() for weight in one.model.parameters()]

    def loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        pulls = [(f * (w[: len(o)] - o) ** 2).sum() for f, o, w in zip(importance, old, reference.parameters(), strict=True)]
        return functional.cross_entropy(reference(x), y) + 30 / 2 * sum(pulls)

    plain(reference, loss, train)
    same(two.model, reference)


def test_synaptic_intelligence_is_its_formula(splits: dict[str, Split]) -> None:
    untrained, first = learned(Si(), splits, replace(BRIEF, epochs=0), 1), next(iter(splits.values())).train
    one, two, reference, train = second(Si(strength=0.7, damping=0.05), splits)
    model = widened(untrained.model, 0)
    start = [weight.detach().clone() for weight in model.parameters()]
    way, omega, at = [torch.zeros_like(w) for w in start], [], [w.clone() for w in start]
    held: list[torch.Tensor] = []

    def loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        value = functional.cross_entropy(model(x), y)
        held[:] = torch.autograd.grad(value, list(model.parameters()), retain_graph=True)
        return value

    def seen(x: torch.Tensor, y: torch.Tensor) -> None:
        for place, weight in enumerate(model.parameters()):
            way[place] -= held[place] * (weight.detach() - at[place])
            at[place] = weight.detach().clone()

    plain(model, loss, first, seen)
    same(one.model, model)
    omega = [w.clamp(min=0) / ((end - begin) ** 2 + 0.05) for w, end, begin in zip(way, at, start, strict=True)]

    def second_loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        pulls = [(f * (w[: len(o)] - o) ** 2).sum() for f, o, w in zip(omega, at, reference.parameters(), strict=True)]
        return functional.cross_entropy(reference(x), y) + 0.7 * sum(pulls)

    plain(reference, second_loss, train)
    same(two.model, reference)
    assert sum(float(part.sum()) for part in omega) > 0


def test_learning_without_forgetting_is_its_formula(splits: dict[str, Split]) -> None:
    for heads, low, strength in (("one", 0, None), ("each", 2, None), ("one", 0, 0.8)):
        one, two, reference, train = second(Lwf(heads, temperature=3.0, strength=strength), splits)
        now, then = (0.5, 0.5) if strength is None else (1, strength)

        def loss(
            x: torch.Tensor, y: torch.Tensor, low: int = low, one: Any = one, model: nn.Module = reference, now: Any = now, then: Any = then
        ) -> torch.Tensor:
            logits, old = model(x), one.model(x).detach()
            # KL's gradient is that of the cross-entropy: the old answers' entropy is constant.
            soft = functional.kl_div((logits[:, :2] / 3).log_softmax(1), (old / 3).softmax(1), reduction="batchmean")
            return now * functional.cross_entropy(logits[:, low:], y - low) + then * 9 * soft

        plain(reference, loss, train)
        same(two.model, reference)


@pytest.mark.parametrize("online", [True, False], ids=["while a task is learned", "when it is"])
@pytest.mark.parametrize("dark", [False, True])
def test_replay_is_its_formula(splits: dict[str, Split], dark: bool, online: bool) -> None:
    own: dict[str, Any] = {"memory": 10_000, "online": online, **({"alpha": 0.3, "beta": 0.7} if dark else {})}
    untrained, first = learned(Replay(**own), splits, replace(BRIEF, epochs=0), 1), next(iter(splits.values())).train
    one, two, reference, train = second(Replay(**own), splits)
    kept: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []  # with room for all, every example that was seen, in order

    def train_plainly(model: nn.Module, examples: Examples, start: int) -> None:
        generator, answered = torch.Generator().manual_seed(derive(0, "reservoir", start)), []

        def drawn(count: int) -> tuple[torch.Tensor, ...]:
            inputs, columns, logits = (torch.cat(parts) for parts in zip(*kept, strict=True))
            places = torch.randperm(len(columns), generator=generator)[:count]
            return inputs[places], columns[places], logits[places]

        def loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            logits = model(x)
            answered[:] = [functional.pad(logits.detach(), (0, 4 - logits.shape[1]))]
            if not kept:
                return functional.cross_entropy(logits, y)
            if not dark:
                old_x, old_y, _ = drawn(len(y))
                return functional.cross_entropy(torch.cat([logits, model(old_x)]), torch.cat([y, old_y]))
            old_x, _, old = drawn(len(y))
            value = functional.cross_entropy(logits, y) + 0.3 * ((model(old_x) - old[:, : logits.shape[1]]) ** 2).mean()
            old_x, old_y, _ = drawn(len(y))
            return value + 0.7 * functional.cross_entropy(model(old_x), old_y)

        plain(model, loss, examples, (lambda x, y: kept.append((x, y, answered[0]))) if online else print)
        if not online:
            logits = model(examples.inputs).detach()
            kept.append((examples.inputs, examples.targets, functional.pad(logits, (0, 4 - logits.shape[1]))))

    model = widened(untrained.model, 0)
    train_plainly(model, first, 0)
    same(one.model, model)
    train_plainly(reference, train, 2)
    same(two.model, reference)


def kept_of(first: Callable[[int], ReplayMemory], seed: int, columns: torch.Tensor) -> ReplayMemory:
    """Ten places, offered 40 examples, each of which is its number."""
    kept, generator = first(10), torch.Generator().manual_seed(seed)
    for batch in torch.arange(40).split(7):
        kept.add(batch[:, None].float(), columns[batch], batch[:, None].float().expand(-1, 2), generator)
    numbers = kept.inputs[:, 0].long()
    assert torch.equal(columns[numbers], kept.columns)
    assert torch.equal(kept.logits[:, 1].long(), numbers)
    return kept


def test_a_reservoir_keeps_each_example_with_the_same_probability() -> None:
    counts = torch.zeros(40)
    for seed in range(300):
        kept = kept_of(Reservoir, seed, torch.arange(40))
        counts += torch.bincount(kept.columns, minlength=40)
    spread = (300 * 0.25 * 0.75) ** 0.5
    assert (counts - 75).abs().max() < 4 * spread


def test_a_balanced_reservoir_keeps_as_many_of_each_class_and_each_of_them_with_the_same_probability() -> None:
    columns = torch.tensor([0] * 25 + [1] * 15)  # the second class comes when the first has all places
    counts = torch.zeros(40)
    for seed in range(300):
        kept = kept_of(BalancedReservoir, seed, columns)
        assert torch.bincount(kept.columns).tolist() == [5, 5]
        counts[kept.inputs[:, 0].long()] += 1
    for mine, share in ((counts[:25], 5 / 25), (counts[25:], 5 / 15)):
        assert (mine - 300 * share).abs().max() < 4 * (300 * share * (1 - share)) ** 0.5


def test_a_learner_stays_as_it_was_when_it_goes_on(splits: dict[str, Split]) -> None:
    for name, baseline in BASELINES.items():
        one = learned(baseline.make(), splits, BRIEF, 1)
        before = one.logits("0+1", splits["0+1"].test.inputs).clone()
        first, again = (one.learn("2+3", splits["2+3"].train, BRIEF) for _ in range(2))
        assert torch.equal(one.logits("0+1", splits["0+1"].test.inputs), before), name
        both = [moment.logits("2+3", splits["2+3"].test.inputs) for moment in (first, again)]
        assert torch.equal(*both), name


def test_icarl_is_its_formula(splits: dict[str, Split]) -> None:
    one, two, reference, train = second(Icarl(memory=8), splits)
    exemplars = torch.cat([one.exemplars[0], one.exemplars[1]])
    assert [len(one.exemplars[column]) for column in (0, 1)] == [4, 4]
    assert [len(two.exemplars[column]) for column in range(4)] == [2, 2, 2, 2]
    assert torch.equal(two.exemplars[0], one.exemplars[0][:2])  # the first that were chosen stay
    both = replace(
        train, inputs=torch.cat([train.inputs, exemplars]), targets=torch.cat([train.targets, torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])])
    )

    def loss(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        targets = torch.cat([one.model(x).detach().sigmoid(), functional.one_hot(y, 4)[:, 2:].float()], 1)
        return functional.binary_cross_entropy_with_logits(reference(x), targets, reduction="none").sum(1).mean()

    plain(reference, loss, both)
    same(two.model, reference)
    with torch.no_grad():
        means = [functional.normalize(reference[0](two.exemplars[column]), dim=1).mean(0) for column in range(4)]
        units = functional.normalize(reference[0](splits["2+3"].test.inputs), dim=1)
    distances = torch.stack([(units - mean / mean.norm()).norm(dim=1) for mean in means], 1)
    tasks, labels = two.find(splits["2+3"].test, {"0+1": (0, 1), "2+3": (2, 3)})
    assert labels.tolist() == distances.argmin(1).tolist()
    assert [*dict.fromkeys(tasks)] == [*dict.fromkeys("0+1" if label < 2 else "2+3" for label in labels)]


def test_herding_takes_the_example_that_brings_the_mean_nearest() -> None:
    features = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
    chosen: list[int] = []
    for _ in range(5):
        rest = [place for place in range(12) if place not in chosen]
        chosen.append(min(rest, key=lambda place: float((features.mean(0) - features[[*chosen, place]].mean(0)).norm())))
    assert herding(features, 5).tolist() == chosen
    assert sorted(herding(features, 99).tolist()) == [*range(12)]


@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_:UserWarning")  # of pixels that are always white
def test_the_nearest_mean_is_scikit_learns(splits: dict[str, Split]) -> None:
    strategy = learned(NearestMean(), splits, BRIEF)
    x = np.concatenate([split.train.inputs.flatten(1).numpy() for split in splits.values()])
    y = np.concatenate([shifted(split, 2 * place).targets.numpy() for place, split in enumerate(splits.values())])
    test = torch.cat([split.test.inputs for split in splits.values()])
    expected = NearestCentroid().fit(x, y).predict(test.flatten(1).numpy())
    assert strategy.outputs(test).argmax(1).tolist() == expected.tolist()


def test_ranpac_is_ridge_regression_on_random_features(splits: dict[str, Split]) -> None:
    strategy = learned(RanPac(projected=50), splits, BRIEF)
    x = torch.cat([split.train.inputs.flatten(1) for split in splits.values()])
    y = torch.cat([shifted(split, 2 * place).targets for place, split in enumerate(splits.values())])
    features = (x @ strategy.projection.weight).clamp(min=0).double().numpy()
    targets = functional.one_hot(y, 6).double().numpy()
    scale = float((features**2).sum(0).mean())
    solved = [Ridge(alpha=strength * scale, fit_intercept=False).fit(features, targets).coef_.T for strength in STRENGTHS]
    assert min(np.abs(strategy.weight.numpy() - each).max() / np.abs(each).max() for each in solved) < 1e-3
    assert strategy.projection.weight.shape == (64, 50)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: Sequential("two"), "setting 'heads'"),
        (lambda: Replay(memory=0), "setting 'memory'"),
        (lambda: Replay(alpha=-1.0), "setting 'alpha'"),
        (lambda: Si(strength=float("nan")), "strength of synaptic intelligence"),
        (lambda: Si(damping=0), "setting 'damping'"),
        (lambda: Sequential(optimizer="rmsprop"), "setting 'optimizer'"),
        (lambda: Replay(balanced=1), "setting 'balanced'"),  # type: ignore[arg-type]
        (lambda: Replay(online="no"), "setting 'online'"),  # type: ignore[arg-type]
        (lambda: Lwf(temperature=0), "setting 'temperature'"),
        (lambda: Lwf(strength=-1.0), "setting 'strength'"),
        (lambda: Icarl(memory=True), "setting 'memory'"),
        (lambda: RanPac(projected=0.5), "setting 'projected'"),
        (lambda: Ewc(strength=-1), "strength of elastic"),
    ],
)
def test_settings_out_of_their_range_are_refused(make: Callable[[], object], what: str) -> None:
    with raises_error(InputError, what):
        make()


@pytest.mark.parametrize("make", [NearestMean, RanPac, Sequential])
def test_tasks_are_found_among_those_that_are_asked_about(make: Callable[[], Strategy], splits: dict[str, Split]) -> None:
    learned, settings = make(), SenSettings(epochs=1, hidden=8, augment=0.0)
    for task, split in splits.items():
        learned = learned.learn(task, split.train, settings)
    classes = {task: split.train.classes for task, split in splits.items()}
    last = [*splits][-1]
    test = splits[last].test
    tasks, labels = learned.find(test, classes)
    turned = learned.find(test, dict(reversed(classes.items())))
    assert tasks.tolist() == turned[0].tolist()
    assert labels.tolist() == turned[1].tolist()
    alone = learned.find(test, {last: classes[last]})
    assert {*alone[0].tolist()} == {last}
    assert alone[1].tolist() == [classes[last][place] for place in learned.logits(last, test.inputs).argmax(1).tolist()]
    with pytest.raises(UnknownTaskError, match="task 'other': expected one that was learned"):
        learned.find(test, {"other": (0, 1)})
