"""Whether a method keeps what networks rely on."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
import torch

from senpath.components import Component
from senpath.errors import InputError, SenpathWarning
from senpath.network import Network
from senpath.pathways import Link, pathways_touched
from senpath.progress import Progress, silent
from senpath.snapshot import JointMethod, Method, MethodResult, View
from senpath.tasks import TASK_KINDS, Classification, Multilabel, Regression
from senpath.testing.promise import require
from senpath.testing.tiny import Labelled, tiny_network, tiny_task
from senpath.types import Examples

_require = partial(require, "a method")
TASK = "checked"
"""Name of the task that the method learns."""
SEED, OTHER_SEED = 3, 4
ASKED = 50
"""Inputs for which a network is asked whose they are, at most."""


def check_method(
    make: Callable[..., Method],
    *,
    network: Network | None = None,
    data: Labelled | None = None,
    kinds: Sequence[str] | None = None,
    draws: bool = True,
    strict: bool = True,
) -> None:
    """Let a method learn a small task of each kind on top of a network, and look at what it did.

    Args:
        make: called with `random_state=` a seed, gives the method.
        network: what it learns on top of; copies of it are used. None is a network of two tasks of small pictures.
        data: inputs of the new task and their classes, three at least; None is a task of small pictures.
        kinds: the kinds of task that it learns; None is what its attribute `kinds` says, or every kind if it has none.
        draws: whether what it learns depends on the seed.
        strict: whether a task that it learned has one source at most.

    Raises:
        AssertionError: naming the first promise that is broken.

    Example:
        >>> from senpath.testing import ConstantMethod, check_method
        >>> check_method(ConstantMethod)  # says nothing: every promise is kept
    """
    method = make(random_state=SEED)
    _require(isinstance(method.name, str) and method.name != "", "it has a name")
    claimed = [*(kinds if kinds is not None else getattr(method, "kinds", TASK_KINDS))]
    x, y = data if data is not None else tiny_task("odd")
    with TemporaryDirectory() as folder, catch_warnings():
        simplefilter("ignore", SenpathWarning)  # how well it learns is not asked here
        earlier = network if network is not None else _earlier()
        for place, kind in enumerate([*claimed, *(TASK_KINDS.keys() - {*claimed})]):
            copy = Network(shutil.copytree(_folder(earlier), Path(folder) / f"{place}.sen"))
            if kind not in claimed:
                _check_refused(method, copy, x, _targets(kind, y), kind)
                continue
            view, examples = copy.view, copy.encode_examples(x, _targets(kind, y), kind=kind)
            _check_learning(_Observed(method, copy), copy, examples, x[:ASKED], strict=strict)
            if place == 0:
                _check_seeds(make, view, examples, draws=draws)
                if isinstance(method, JointMethod):
                    _check_together(method, copy, examples)


@cache
def _earlier() -> Network:
    """What methods learn on top of by default. Only copies of its folder are given away."""
    return tiny_network(tasks=("low", "high"))


def _targets(kind: str, classes: Sequence[Any]) -> Any:
    """Targets of this kind, made of classes."""
    places = np.unique(np.asarray(classes), return_inverse=True)[1]
    made = {
        Classification.name: classes,
        Multilabel.name: np.stack([places % 2, places // 2 % 2, places > 1], 1).astype(int),
        Regression.name: places * 10.0 - 7,
    }
    return made[kind]


def _files(folder: Path) -> dict[str, str]:
    """For every file in a folder a hash of its content."""
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.rglob("*") if file.is_file()}


def _contents(result: MethodResult) -> tuple[list[str], list[str], tuple[Link, ...]]:
    """What two results are compared by."""
    return [*result.names], [component.hash for component in result.components], result.links


class _Observed:
    """A method whose work on a network is looked at.

    Attributes:
        result: what it returned last.
    """

    def __init__(self, method: Method, network: Network) -> None:
        self.name, self._method, self._network = method.name, method, network
        self.result = MethodResult(())

    def propose(self, view: View, task: str, examples: Examples, progress: Progress) -> MethodResult:
        before, state = _files(_folder(self._network)), torch.get_rng_state()
        result: Any = self._method.propose(view, task, examples, progress)
        _require(_files(_folder(self._network)) == before, "propose() writes nothing into the network's folder")
        _require(torch.equal(torch.get_rng_state(), state), "torch's global random numbers stay as they were (senpath.seeds.seeded)")
        _require(isinstance(result, MethodResult), f"propose() returns a MethodResult, not {type(result).__name__}")
        others = [type(part).__name__ for part in (*result.chain, *result.parts) if not isinstance(part, Component | str)]
        _require(not others, f"a result consists of components and of hashes, not of {', '.join(others)}")
        self.result = result
        return self.result


def _folder(network: Network) -> Path:
    _require(isinstance(network.path, Path), "the network is in a folder, whose files can be compared")
    return Path(str(network.path))


def _check_seeds(make: Callable[..., Method], view: View, examples: Examples, *, draws: bool) -> None:
    first, again, other = (_contents(make(random_state=seed).propose(view, TASK, examples, silent)) for seed in (SEED, SEED, OTHER_SEED))
    _require(first == again, "one seed makes the same components and links, to the bit")
    if draws:
        _require(first != other, "another seed makes other components; draws=False if the method draws nothing")


def _check_learning(method: _Observed, network: Network, examples: Examples, inputs: Any, *, strict: bool) -> None:
    """Learn a task and compare everything with what was there before, and with what is read from the folder."""
    told: dict[str, list[tuple[int, int]]] = {}
    view, before = network.view, _files(_folder(network) / "components")
    logits = {task: view.logits(task, examples.inputs) for task in view.tasks_of_type(examples.data_type.key)}
    live = [view.component(name) for pathway in view.paths for name in pathway.references]
    network.learn(TASK, examples, method=method, progress=lambda stage, done, total: told.setdefault(stage, []).append((done, total)))
    unfinished = [stage for stage, steps in told.items() if steps[-1][0] != steps[-1][1]]
    _require(not unfinished, f"progress ends at its total: {', '.join(unfinished)} did not")
    _require(before.items() <= _files(_folder(network) / "components").items(), "files of earlier components stay as they are")
    _require(all(network.view.pathway(pathway.task) == pathway for pathway in view.paths), "pathways of earlier tasks stay as they are")
    same = [torch.equal(network.view.logits(task, examples.inputs), outputs) for task, outputs in logits.items()]
    _require(all(same), "earlier tasks answer as before, to the bit")
    _require(
        not any(part.training for component in live for part in component.module.modules()), "earlier components stay in evaluation mode"
    )
    _check_pathway(method.result, network, examples)
    _check_loaded(network, Network(network.path), examples, inputs)
    touched = [len(pathways_touched([network.view.pathway(name) for name in names])) for names in _candidates(network, inputs)]
    _require(not strict or max(touched) <= 2, "in strict mode at most two pathways are active; strict=False if it may have several sources")
    network.verify()


def _candidates(network: Network, inputs: Any) -> set[tuple[str, ...]]:
    """The tasks that ran for each input, in strict mode."""
    return {*map(tuple, network.predict(inputs, strict=True, admit=1e-9, reject=False).candidates), (TASK,)}


def _check_pathway(result: MethodResult, network: Network, examples: Examples) -> None:
    pathway, outputs = network.view.pathway(TASK), network.view.logits(TASK, examples.inputs)
    _require(
        (pathway.kind, pathway.classes) == (examples.kind, examples.classes), "the task is of the kind and has the classes of its examples"
    )
    needed = {component.hash for component in result.components}
    _require(needed <= pathway.references, "a result has no component that its pathway does not need")
    right = outputs.shape == (len(examples), len(examples.classes)) and bool(torch.isfinite(outputs).all())
    _require(right, f"outputs are finite numbers, {len(examples.classes)} for each input")


def _check_loaded(live: Network, loaded: Network, examples: Examples, inputs: Any) -> None:
    outputs = [network.view.logits(TASK, examples.inputs) for network in (live, loaded)]
    answers = [network.predict(inputs) for network in (live, loaded)]
    _require(torch.equal(*outputs) and live.tasks[TASK] == loaded.tasks[TASK], "what is read from the folder answers as what was learned")
    _require([*answers[0].task] == [*answers[1].task], "what is read from the folder finds the same tasks")
    _require(np.array_equal(answers[0].confidence, answers[1].confidence), "what is read from the folder is as sure of its answers")


def _check_together(method: JointMethod, network: Network, examples: Examples) -> None:
    names = {f"{TASK} {place}": examples for place in range(2)}
    learned = network.learn_many(names, method=method)
    _require([*learned] == [*names], "propose_many() gives a result for each task")
    network.verify()


def _check_refused(method: Method, network: Network, inputs: Any, targets: Any, kind: str) -> None:
    promise = f"a {kind}, which it does not learn, is refused by an InputError that names the method {method.name!r}"
    try:
        network.learn(TASK, inputs, targets, kind=kind, method=method)
    except InputError as error:
        _require(method.name in str(error), f"{promise}, not by {error!s:.200}")
    except Exception as error:
        raise AssertionError(f"broken promise of a method: {promise}, not by {error!r:.200}") from error
    else:
        _require(False, promise)
