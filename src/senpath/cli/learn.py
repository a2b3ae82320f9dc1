"""`senpath learn` and `senpath learn-many`."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import typer

from senpath import Network, TaskInfo, data
from senpath.cli.encoders import EncoderName, choose_encoders, show_encoder
from senpath.cli.inspection import run_share
from senpath.cli.munet import show_path, watched
from senpath.cli.options import Kind, NetFolder, NewTasks, Seed, Sets, read_pairs, read_settings, trusted
from senpath.cli.reading import Label, Modality, ReadingOptions, SkipBad, labelled
from senpath.cli.show import bars, console, percent
from senpath.inputs.encoders import AUTO
from senpath.inputs.sources.dataset import counted
from senpath.learning import Learned
from senpath.methods import Munet, make_method
from senpath.snapshot import JointMethod, Method
from senpath.tasks import task_kind


def learn(
    net: NetFolder,
    task: Annotated[str, typer.Argument(metavar="TASK", help="Name of the new task.")],
    source: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="Folder with a subfolder per class, table (.csv, .parquet, .jsonl, …), .npz file, or a known set's name."
        ),
    ],
    shots: Annotated[int | None, typer.Option(help="Learn from only this many examples per class.")] = None,
    seed: Seed = 0,
    method: Annotated[str, typer.Option(help="How to learn: a name that `senpath methods` lists, or package:Class.")] = "sen",
    settings: Sets = None,
    kind: Kind = None,
    encoder: EncoderName = AUTO,
    concept: Annotated[
        str | None, typer.Option(help="Name shared by tasks of several modalities that have the same labels for the same things.")
    ] = None,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
) -> None:
    """Learn a task and commit it; the folder is created if needed."""
    # Before the folder is made: a mistyped setting must not leave an empty network behind.
    learner = _make_method(method, seed, settings)
    x, y = labelled(source, reading=ReadingOptions(label, modality, skip_bad, kind), say=True)
    if shots is not None:
        places = data.few_shot(x, np.asarray(y), shots, seed)
        x, y = (x[places] if isinstance(x, np.ndarray) else [x[index] for index in places]), np.asarray(y)[places]
    network = Network(net, encoders=choose_encoders(encoder, x, learner), trust=trusted())
    with watched(learner, task) as progress:
        learned = network.learn(task, x, y, kind=kind, concept=concept, method=learner, progress=progress)
    _show_learned(network, task, learned, encoder, x)


def learn_many(
    net: NetFolder,
    tasks: NewTasks,
    seed: Seed = 0,
    method: Annotated[
        str, typer.Option(help="allocation or moe, which learn the tasks together; any other, such as sen, learns each by itself.")
    ] = "allocation",
    settings: Sets = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes, for tasks that are learned each by itself.")] = 1,
    kind: Kind = None,
    encoder: EncoderName = AUTO,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
) -> None:
    """Learn several tasks of one type of data at once; the folder is created if needed."""
    sources, learner = read_pairs(tasks, "tasks"), _make_method(method, seed, settings)
    reading = ReadingOptions(label, modality, skip_bad, kind)
    examples = {task: labelled(source, reading=reading, say=True) for task, source in sources.items()}
    first = next(iter(examples.values()))[0]
    network = Network(net, encoders=choose_encoders(encoder, first, learner), trust=trusted())
    with bars(method) as progress:
        learned = network.learn_many(examples, kind=kind, method=learner, jobs=jobs, progress=progress)
    show_encoder(network, next(iter(learned)), encoder, first)
    for task, what in learned.items():
        info = network.tasks[task]
        share = f"runs {percent(run_share(network, info))} of all weights"
        console.print(f"learned {task!r}: {_examples_and_outputs(info)}; {share}; version {what.version}", highlight=False)
    last = next(reversed(learned.values()))
    together = ", together" if isinstance(learner, JointMethod) else ""
    console.print(f"{len(learned)} tasks{together}, {last.seconds:.1f} s", highlight=False)


def _make_method(name: str, seed: int, settings: list[str] | None) -> Method:
    return make_method(name, {"random_state": seed, **read_settings(settings, "random_state")})


def _show_learned(net: Network, task: str, learned: Learned, encoder: str, x: Any) -> None:
    info = net.tasks[task]
    console.print(f"learned {task!r}: {_examples_and_outputs(info)}, {learned.seconds:.1f} s; version {learned.version}")
    show_encoder(net, task, encoder, x)
    cost = learned.cost
    console.print(f"learned or changed: {cost.updated:,} weights of pathways, {cost.dispatcher_updated:,} numbers of the dispatcher")
    console.print(f"ran meanwhile: {percent(cost.run_share)} of all weights, the search for a source included")
    show_transfers(net, task)
    if learned.provenance.method == Munet.name:
        show_path(net, task)
    guard = learned.provenance.record.get("guard")
    if guard:
        verdict = "kept" if guard["kept"] else "dropped"
        console.print(
            f"transfer {verdict}: {percent(guard['with_transfer'])} with it, {percent(guard['alone'])} alone, on held-out examples"
        )


def _examples_and_outputs(info: TaskInfo) -> str:
    return f"{info.examples:,} examples, {counted(len(info.classes_), *task_kind(info.kind).nouns)}"


def show_transfers(net: Network, task: str) -> None:
    """The classes that borrow, the most similar first."""
    for link in net.view.pathway(task).links:
        ranked = sorted(link.transfers, key=lambda transfer: -transfer.share)
        best = ", ".join(f"{transfer.source}→{transfer.target} {transfer.share:.2f}" for transfer in ranked[:8])
        rest = f", and {len(ranked) - 8} more" if len(ranked) > 8 else ""
        if ranked:
            console.print(
                f"  borrows from {link.source!r} (similarity on {link.examples} labelled examples): {best}{rest}", highlight=False
            )
