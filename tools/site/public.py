"""The public names, by the page of the reference that describes each. A test holds that none is missing, and what each has to say."""

from __future__ import annotations

import ast
import inspect
import sys
from dataclasses import dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

from sphinx.ext.autodoc.mock import mock

import senpath

ABSENT = ["avalanche", "mlflow"]
"""Packages that need an environment of their own, or seconds to load: a module of senpath that is called as one is read without it."""


@dataclass(frozen=True)
class Page:
    """A page of the reference.

    Args:
        place: its file below `reference`, without ".md".
        title: its heading.
        about: what stands below the heading, in Markdown.
        module: where the names are imported from.
        names: what it describes, in order.
    """

    place: str
    title: str
    about: str
    module: str
    names: tuple[str, ...]

    def objects(self) -> dict[str, Any]:
        """What the names stand for, by their whole names."""
        module = _read(self.module)
        return {f"{self.module}.{name}": getattr(module, name) for name in self.names}


def _read(name: str) -> ModuleType:
    """A module of senpath, for its descriptions: one of an absent package is made without that, and forgotten again."""
    short = name.rpartition(".")[2]
    if short not in ABSENT or name in sys.modules:
        return import_module(name)
    with mock(ABSENT):
        module = import_module(name)
    for made in [made for made in sys.modules if made == name or made.startswith(f"{name}.")]:
        del sys.modules[made]
    delattr(senpath, short)
    return module


def docstring_of(name: str, thing: Any) -> str:
    """What a public name says of itself; a constant says it in the string below it. "" where it says nothing."""
    if inspect.isclass(thing) or inspect.isroutine(thing):
        return inspect.cleandoc(thing.__doc__ or "")
    module, _, short = name.rpartition(".")
    room = import_module(senpath._ROOMS[short] if module == "senpath" else module)
    home = Path(str(room.__file__))
    for file in sorted(home.parent.rglob("*.py")) if hasattr(room, "__path__") else [home]:
        body = ast.parse(file.read_text(encoding="utf-8")).body
        for statement, text in pairwise(body):
            targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == short for target in targets) and isinstance(text, ast.Expr):
                return inspect.cleandoc(str(ast.literal_eval(text.value)))
    return ""


PAGES = (
    Page("network", "Network", "One network in a folder: everything begins here.", "senpath", ("Network",)),
    Page(
        "answers",
        "What a network answers",
        "What `predict` and `explain` return, and what ran for it.",
        "senpath",
        (
            *("Prediction", "InputAnswer", "MultimodalPrediction", "ThingAnswer", "Explanation", "Encoded", "Activation"),
            *("TaskInfo", "Threshold", "SuggestedLimit", "predict_dataset"),
        ),
    ),
    Page(
        "changes",
        "What a change returns",
        "What learning, revising and taking back say of what they did.",
        "senpath",
        ("Learned", "Routed", "TaskChange", "Revised", "Removed", "RolledBack", "Cleaned", "copy_network", "Copied"),
    ),
    Page(
        "data",
        "Data",
        "Reading data as people have it, and the types that data can be of.",
        "senpath",
        ("read", "tasks_of", "Data", "Audio", "Video", "Examples", "DataType"),
    ),
    Page(
        "methods",
        "Methods and their settings",
        "Ways to learn a task, and to change one; each has a page of its own in [Methods](../methods/index.md).",
        "senpath",
        (
            *("METHODS", "Sen", "SenSettings", "Munet", "MunetSettings", "Root", "Allocation", "AllocationSettings", "Moe", "MoeSettings"),
            *("REVISIONS", "Review", "Prune", "PruneSettings", "Extend", "ExtendSettings"),
        ),
    ),
    Page(
        "evaluation",
        "Measuring",
        "How good a network is, kept with it, as a page, and beside others.",
        "senpath",
        (
            *("evaluate", "Evaluation", "TaskScore", "ClassConfusion", "Recorded", "recorded_evaluations", "remove_evaluation"),
            *("evaluate_dataset", "report", "experiment", "ExperimentResults"),
        ),
    ),
    Page(
        "inside",
        "Inside a network",
        "Pathways and links, and what a method gets and gives; see [Pathways](../concepts/pathways.md).",
        "senpath",
        ("Pathway", "Link", "Transfer", "View", "Proposal", "Callback", "ENCODERS", "TorchEncoder"),
    ),
    Page("client", "Client", "A network that a server has; see [Serve a network](../howto/serve.md).", "senpath", ("Client",)),
    Page(
        "errors",
        "Errors and warnings",
        "Every error says what is wrong, what was expected, what was there, and what to do.",
        "senpath",
        (
            *("SenpathError", "InputError", "StoreError", "TaskExistsError", "UnknownTaskError", "ConflictError", "FormatVersionError"),
            *("MissingExtraError", "DownloadError", "SenpathWarning", "RoutingWarning"),
        ),
    ),
    Page(
        "senpath.testing",
        "senpath.testing",
        "What tests and authors of plug-ins need.",
        "senpath.testing",
        ("tiny_network", "tiny_task", "ConstantMethod", "check_method", "check_kind", "check_encoder"),
    ),
    Page(
        "senpath.sklearn",
        "senpath.sklearn",
        "Estimators of scikit-learn; see [the how-to](../howto/sklearn.md).",
        "senpath.sklearn",
        ("SENClassifier", "SENRegressor"),
    ),
    Page(
        "senpath.client",
        "senpath.client",
        "What a [client](client.md) answers, where it differs from what a network does.",
        "senpath.client",
        ("RemoteAnswers", "RemoteThingAnswers", "RemoteExplanation", "Taught"),
    ),
    Page(
        "senpath.mlflow",
        "senpath.mlflow",
        "Networks as models of MLflow; see [the how-to](../howto/mlflow.md).",
        "senpath.mlflow",
        ("save_model", "log_model", "NetworkModel"),
    ),
    Page(
        "senpath.avalanche",
        "senpath.avalanche",
        "A network as a strategy of Avalanche; see [the how-to](../howto/avalanche.md).",
        "senpath.avalanche",
        ("NetworkStrategy",),
    ),
    Page(
        "senpath.tracking",
        "senpath.tracking",
        "What is told while learning, for programs that follow experiments; see [the how-to](../howto/notebook.md).",
        "senpath.tracking",
        ("Tracker", "TensorBoard", "MLflow", "WeightsAndBiases"),
    ),
    Page(
        "senpath.evaluation",
        "senpath.evaluation",
        "Tasks that are learned one after another, baselines, and what is measured of them.",
        "senpath.evaluation",
        (
            *("learn_in_turn", "accuracy_matrix", "AccuracyMatrix", "Strategy", "Split", "Score", "Stage"),
            *("Single", "Shared", "Growing", "Pnn", "BASELINES", "FORMULAS"),
        ),
    ),
    Page(
        "senpath.bench",
        "senpath.bench",
        "The benchmark of routing, and what a row of one's own needs; see [the how-to](../howto/benchmark.md).",
        "senpath.bench",
        ("BenchCell", "TaskLesson", "RowAnswers", "Unlabelled", "BenchRow", "ColumnRow", "best_two"),
    ),
    Page(
        "senpath.data",
        "senpath.data",
        "Data sets by name, and what comes with the package.",
        "senpath.data",
        ("available", "describe", "load", "embedded_tasks", "few_shot", "moving_pictures", "Task"),
    ),
    Page(
        "plugins",
        "For plug-ins",
        "What methods of your own are made of; see [Write a method](../howto/write-a-method.md).",
        "senpath.snapshot",
        ("Method", "JointMethod", "Revision", "MethodResult", "RevisionResult", "Declined"),
    ),
    Page(
        "components",
        "Components",
        "Layers; see [Write a kind of component](../howto/write-a-component.md) and [Bring a backbone](../howto/bring-a-backbone.md).",
        "senpath.components",
        ("Component", "ComponentKind", "Linear", "freeze", "find_kind", "register", "register_backbone"),
    ),
    Page(
        "encoders",
        "Encoders",
        "What reads raw inputs; see [Write an encoder](../howto/write-an-encoder.md).",
        "senpath.inputs.encoders",
        ("Encoder", "register"),
    ),
    Page("modalities", "Modalities", "Forms that data can have.", "senpath.inputs.modalities", ("MODALITIES",)),
    Page("tasks", "Kinds of task", "See [the concept](../concepts/kinds-of-task.md).", "senpath.tasks", ("task_kind", "TaskKind")),
    Page("settings", "Settings", "Settings of a method of your own.", "senpath.settings", ("Settings", "Seed")),
    Page("seeds", "Seeds", "Same settings and seed, same bits.", "senpath.seeds", ("derive", "seeded")),
)
