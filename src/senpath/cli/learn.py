"""`senpath learn` and `senpath learn-many`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import isnan
from typing import TYPE_CHECKING, Annotated, Any

import typer

from senpath.cli.emit import Result
from senpath.cli.options import Engine, Kind, Net, NetFolder, NewTasks, Seed, Sets, is_url, read_pairs, read_settings, remote, trusted
from senpath.cli.reading import SHOWN, Label, Modality, ReadingOptions, SkipBad, Split, labelled, place_of
from senpath.cli.show import named, note, percent, say
from senpath.errors import InputError
from senpath.progress import bars

if TYPE_CHECKING:
    from senpath import Learned, Network, TaskInfo
    from senpath.snapshot import Method

AUTO = "auto"
EncoderName = Annotated[
    str, typer.Option(help="Pretrained encoder for a new type of data: a name, hf:NAME, none, or auto: what is installed and fits.")
]


def learn(
    net: Net,
    task: Annotated[str, typer.Argument(metavar="TASK", help="Name of the new task.")],
    source: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="Folder with a subfolder per class, table (.csv, .xlsx, .parquet, …), .npz, .zip or idx file, or a known set's name.",
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
    split: Split = None,
    validation: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Measure on this share of each class, such as 0.2, and do not learn from it.")
    ] = None,
) -> Result:
    """Learn a task and commit it; the folder is created if needed."""
    _check_order([task])
    reading = ReadingOptions(label, modality, skip_bad, kind, split)
    if is_url(net):
        for option, said in (("--encoder", None if encoder == AUTO else encoder), ("--validation", validation)):
            if said is not None:
                raise InputError(option, expected="none beside a server's URL", got=repr(said))
        x, y = _examples(source, reading, shots, seed)
        with bars(task) as progress:
            given = read_settings(settings, "seed")
            made = remote(net).learn(task, x, y, kind=kind, concept=concept, method=method, seed=seed, progress=progress, **given)
        took = "" if isnan(made.seconds) else f" in {made.seconds:.1f} s"
        return Result([dict(made.record)], lambda: _show_made(f"learned {task!r}{took}; version {made.version}", made.record))
    from senpath import Network
    from senpath.cli.described import describe_learned
    from senpath.cli.encoders import choose_encoders
    from senpath.cli.munet import watched

    # Before the folder is made: a mistyped setting must not leave an empty network behind.
    learner = _make_method(method, seed, settings)
    _check_names(net, [task], concept)
    x, y = _examples(source, reading, shots, seed)
    encoders = choose_encoders(encoder, x, learner)
    with _saying_what_is_left(net), watched(learner, task) as progress:
        network = Network(net, encoders=encoders, trust=trusted())
        learned = network.learn(task, x, y, kind=kind, concept=concept, method=learner, validation=validation, progress=progress)
    return Result([describe_learned(network, learned)], lambda: _show_learned(network, task, learned, encoder, x))


def learn_many(
    net: NetFolder,
    tasks: NewTasks,
    seed: Seed = 0,
    method: Annotated[
        str, typer.Option(help="allocation or moe, which learn the tasks together; any other, such as sen, learns each by itself.")
    ] = "allocation",
    settings: Sets = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes, for tasks that are learned each by itself; 1, or on Ray one for each CPU.")
    ] = None,
    engine: Engine = None,
    kind: Kind = None,
    encoder: EncoderName = AUTO,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
    split: Split = None,
) -> Result:
    """Learn several tasks of one type of data at once; the folder is created if needed."""
    from senpath import Network
    from senpath.cli.described import describe_learned
    from senpath.cli.encoders import choose_encoders

    sources, learner = read_pairs(tasks, "tasks"), _make_method(method, seed, settings)
    _check_order([*sources])
    _check_names(net, [*sources], None)
    reading = ReadingOptions(label, modality, skip_bad, kind, split)
    examples: dict[str, Any] = {}
    for task, source in sources.items():  # on Ray workers read them, and here only the first, which may decide on an encoder
        examples[task] = (place_of(source, reading) if engine and examples else None) or labelled(source, reading=reading, say=True)
    first = next(iter(examples.values()))[0]
    encoders = choose_encoders(encoder, first, learner)
    with _saying_what_is_left(net), bars(method) as progress:
        network = Network(net, encoders=encoders, trust=trusted())
        learned = network.learn_many(examples, kind=kind, method=learner, jobs=jobs, engine=engine, progress=progress)
    records = [describe_learned(network, what) for what in learned.values()]
    return Result(records, lambda: _show_many(network, learned, learner, encoder, first))


def _check_order(tasks: Sequence[str]) -> None:
    """Refuse tasks that are called as networks are: a network of the other argument's name would be made."""
    for task in tasks:
        if task.rstrip("/\\").endswith(".sen"):
            do = "The folder of the network comes first, the name of the task second: senpath learn my.sen TASK DATA"
            raise InputError("TASK", expected="a task's name", got=f"{task!r}, as networks are called", do=do)


@contextmanager
def _saying_what_is_left(net: str) -> Iterator[None]:
    """Within, Ctrl-C says that a network which this command made is there, and empty."""
    from senpath import Network
    from senpath.store import as_place, has_network

    place = as_place("path of the network", net)
    there = has_network(place)
    try:
        yield
    except KeyboardInterrupt as error:
        if there or not has_network(place) or Network(net, trust=trusted()).tasks:  # it may have come just after a commit
            raise
        raise KeyboardInterrupt(f"{error}. This command made {net}, which is empty: learn into it, or remove the folder") from None


def _check_names(net: str, tasks: Sequence[str], concept: str | None) -> None:
    """Refuse names that cannot be learned before any data is read, which may take long."""
    from senpath import Network
    from senpath.snapshot.examples import check_name, check_task
    from senpath.store import as_place, has_network

    view = Network(net, trust=trusted()).view if has_network(as_place("path of the network", net)) else None
    for task in tasks:
        if view is None:
            check_name("task", task)
        else:
            check_task(view.task_name(task), view)
    if concept is not None:
        check_name("concept", concept)


def _make_method(name: str, seed: int, settings: list[str] | None) -> Method:
    from senpath.methods import make_method

    return make_method(name, {"random_state": seed, **read_settings(settings, "random_state")})


def _examples(source: str, reading: ReadingOptions, shots: int | None, seed: int) -> tuple[Any, Any]:
    """Labelled examples, or some of each class."""
    x, y = labelled(source, reading=reading, say=True)
    if shots is None:
        return x, y
    import numpy as np

    from senpath import data

    places = data.few_shot(x, np.asarray(y), shots, seed)
    return (x[places] if isinstance(x, np.ndarray) else [x[index] for index in places]), np.asarray(y)[places]


def _show_made(said: str, record: Mapping[str, Any]) -> None:
    say(said)
    if record.get("read_as"):
        note(str(record["read_as"]))


def _show_learned(net: Network, task: str, learned: Learned, encoder: str, x: Any) -> None:
    from senpath.cli.encoders import show_encoder
    from senpath.cli.munet import show_path
    from senpath.methods import Munet

    info = net.tasks[task]
    say(f"learned {task!r}: {_examples_and_outputs(info)}, {learned.seconds:.1f} s; version {learned.version}")
    _show_classes(info)
    show_encoder(net, learned, encoder, x)
    for told in learned.notes[:SHOWN]:
        say(told)
    if len(learned.notes) > SHOWN:
        say(f"and {len(learned.notes) - SHOWN:,} more columns with missing values or new words")
    if learned.validation is not None:
        say(f"{percent(learned.validation)} {net.view.pathway(task).task_kind.score_name} on what was held out")
    cost = learned.cost
    say(f"learned or changed: {cost.updated:,} weights of pathways, {cost.dispatcher_updated:,} numbers of the dispatcher")
    say(f"ran meanwhile: {percent(cost.run_share)} of all weights, the search for a source included")
    show_transfers(net, task)
    if learned.provenance.method == Munet.name:
        show_path(net, task)
    guard = learned.provenance.record.get("guard")
    if guard:
        verdict = "kept" if guard["kept"] else "dropped"
        say(f"transfer {verdict}: {percent(guard['with_transfer'])} with it, {percent(guard['alone'])} alone, on held-out examples")


def _show_many(net: Network, learned: dict[str, Learned], method: Method, encoder: str, x: Any) -> None:
    from senpath.cli.encoders import show_encoder
    from senpath.cli.inspection import run_share
    from senpath.snapshot import JointMethod

    for task, what in learned.items():
        show_encoder(net, what, encoder, x)
        info = net.tasks[task]
        share = f"runs {percent(run_share(net, info))} of all weights"
        say(f"learned {task!r}: {_examples_and_outputs(info)}; {share}; version {what.version}")
        _show_classes(info)
    last = next(reversed(learned.values()))
    together = ", together" if isinstance(method, JointMethod) else ""
    say(f"{len(learned)} tasks{together}, {last.seconds:.1f} s")


def _examples_and_outputs(info: TaskInfo) -> str:
    from senpath.inputs.sources.dataset import counted

    return f"{info.examples:,} examples, {counted(len(info.classes_), *_nouns(info))}"


def _show_classes(info: TaskInfo) -> None:
    """Which they are: a misspelt one would be a class of its own."""
    from senpath.tasks import task_kind

    if task_kind(info.kind).has_labels:
        say(f"  {_nouns(info)[1]}: {named(info.classes_)}")


def _nouns(info: TaskInfo) -> tuple[str, str]:
    """What one answer of the task, and several, are called."""
    from senpath.tasks import task_kind

    return task_kind(info.kind).nouns


def show_transfers(net: Network, task: str) -> None:
    """The classes that borrow, the most similar first."""
    for link in net.view.pathway(task).links:
        ranked = sorted(link.transfers, key=lambda transfer: -transfer.share)
        best = ", ".join(f"{transfer.source}→{transfer.target} {transfer.share:.2f}" for transfer in ranked[:8])
        rest = f", and {len(ranked) - 8} more" if len(ranked) > 8 else ""
        if ranked:
            say(f"  borrows from {link.source!r} (similarity on {link.examples} labelled examples): {best}{rest}")
