"""The command `senpath`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from senpath import __version__
from senpath.cli.commands import (
    download_sets,
    evaluate_network,
    explain_input,
    learn_task,
    list_sets,
    predict_files,
    show_tasks,
    verify_network,
    write_report,
)
from senpath.cli.demo import run_demo
from senpath.cli.reading import Reading
from senpath.cli.reproduce import app as reproduce_app
from senpath.cli.revisions import extend_tasks, prune_task, review_task
from senpath.cli.several import learn_tasks
from senpath.cli.show import errors
from senpath.cli.together import predict_together
from senpath.cli.upkeep import clean, export_task, import_task, remove_task, roll_back
from senpath.errors import InputError, SenpathError
from senpath.inputs.encoders import AUTO
from senpath.store import KEPT_VERSIONS


class _Commands(TyperGroup):
    """The commands; an interrupted one says what became of the network, where typer would say nothing."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            _end(str(error) or "interrupted", 130)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    help="One network that grows: learn, predict, look inside.",
)
data_app = typer.Typer(no_args_is_help=True, help="Data sets that senpath knows by name.")
app.add_typer(data_app, name="data")
app.add_typer(reproduce_app, name="reproduce")

NetFolder = Annotated[Path, typer.Argument(metavar="NET", help="Folder of the network.")]
Label = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column of labels; by itself label, class, target or y, else the last.")]
Modality = Annotated[str | None, typer.Option(metavar="KIND", help="image, audio, text or table; else what the data looks like.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out what cannot be read, and say so.")]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"senpath {__version__}")
        raise typer.Exit


@app.callback()
def root(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False) -> None:
    """One network that grows: learn, predict, look inside."""


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the network and the figure; must not exist or be an earlier demo's.")] = Path(
        "demo"
    ),
    embedded: Annotated[bool, typer.Option("--embedded", help="Use the embedded data even where real data is there.")] = False,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Decides everything that is drawn.")] = 0,
) -> None:
    """Grow a network on five tasks and show what it learned."""
    run_demo(out, embedded=embedded, seed=seed)


@app.command()
def learn(
    net: NetFolder,
    task: Annotated[str, typer.Argument(help="Name of the new task.")],
    data: Annotated[
        str,
        typer.Argument(help="Folder with a subfolder per class, table (.csv, .parquet, .jsonl, …), .npz file, or the name of a known set."),
    ],
    shots: Annotated[int | None, typer.Option(help="Learn from this many examples a class only.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Decides everything that is drawn.")] = 0,
    method: Annotated[str, typer.Option(help="How to learn: sen; munet, which searches for a path; allocation or moe.")] = "sen",
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the method; may be repeated.")] = None,
    kind: Annotated[str | None, typer.Option(help="classification, multilabel or regression; else what labels look like.")] = None,
    encoder: Annotated[
        str, typer.Option(help="Pretrained encoder for a new type of data: a name, hf:NAME, none, or auto: what is installed and fits.")
    ] = AUTO,
    concept: Annotated[str | None, typer.Option(help="What other tasks' inputs are signs of too; they have the same labels.")] = None,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
) -> None:
    """Learn a task and commit it; the folder is made if need be."""
    reading = Reading(label, modality, skip_bad)
    learn_task(
        net,
        task,
        data,
        shots=shots,
        seed=seed,
        method=method,
        settings=set_ or [],
        kind=kind,
        concept=concept,
        encoder=encoder,
        reading=reading,
    )


@app.command(name="learn-many")
def learn_many(
    net: NetFolder,
    tasks: Annotated[list[str], typer.Argument(metavar="TASK=DATA…", help="Names of new tasks, each with its data, as for learn.")],
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Decides everything that is drawn.")] = 0,
    method: Annotated[
        str, typer.Option(help="allocation or moe, which learn the tasks together; sen or munet, each by itself.")
    ] = "allocation",
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of the method; may be repeated.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes, for tasks that are learned each by itself.")] = 1,
    kind: Annotated[str | None, typer.Option(help="classification, multilabel or regression; else what labels look like.")] = None,
    encoder: Annotated[
        str, typer.Option(help="Pretrained encoder for a new type of data: a name, hf:NAME, none, or auto: what is installed and fits.")
    ] = AUTO,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
) -> None:
    """Learn several tasks of one type of data at once; the folder is made if need be."""
    learn_tasks(
        net,
        tasks,
        seed=seed,
        method=method,
        settings=set_ or [],
        jobs=jobs,
        kind=kind,
        encoder=encoder,
        reading=Reading(label, modality, skip_bad),
    )


@app.command()
def predict(
    net: NetFolder,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Pictures, sounds, texts, or tables and .npz files of several inputs.")
    ],
    task: Annotated[str | None, typer.Option(help="The task, if it is known.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Show this many answers an input.")] = 1,
    together: Annotated[bool, typer.Option("--together", help="The files are of one thing: a picture, a sound, …")] = False,
) -> None:
    """Answer for files, without being told the task."""
    if together:
        predict_together(net, files, task=task, top=top)
    else:
        predict_files(net, files, task=task, top=top)


@app.command()
def tasks(net: NetFolder) -> None:
    """List what the network has learned."""
    show_tasks(net)


@app.command()
def explain(net: NetFolder, file: Annotated[Path, typer.Argument(metavar="FILE", help="One picture, sound or text.")]) -> None:
    """Show why one input gets its answer."""
    explain_input(net, file)


@app.command()
def evaluate(
    net: NetFolder,
    tests: Annotated[list[str], typer.Argument(metavar="TASK=DATA…", help="Labelled test data, as for learn, or a known set's test part.")],
    record: Annotated[bool, typer.Option(help="Keep the figures with the network, for its report.")] = True,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
) -> None:
    """Measure tasks on test data, with the task given and found."""
    evaluate_network(net, tests, record=record, reading=Reading(label, modality, skip_bad))


@app.command()
def report(
    net: NetFolder,
    out: Annotated[Path | None, typer.Option(help="The page; by default named after the network, in this folder.")] = None,
) -> None:
    """Write a page that shows the whole network, to open in a browser."""
    write_report(net, out)


@app.command()
def verify(net: NetFolder) -> None:
    """Recompute every hash and replay every pathway's probe."""
    verify_network(net)


@app.command()
def review(
    net: NetFolder,
    task: Annotated[str, typer.Argument(help="Name of the task.")],
    data: Annotated[str, typer.Argument(help="The examples that it was learned from, as for learn.")],
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting; may be repeated.")] = None,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
) -> None:
    """Let a task borrow from tasks that were learned after it, if it gains."""
    review_task(net, task, data, set_ or [], Reading(label, modality, skip_bad))


@app.command()
def prune(
    net: NetFolder,
    task: Annotated[str, typer.Argument(help="Name of the task.")],
    keep: Annotated[float, typer.Option(help="The share of its weights, or of its hidden units, that stays.")] = 0.5,
    what: Annotated[str, typer.Option(help="What to leave out: weights (saves disk) or units (saves disk and time).")] = "weights",
    data: Annotated[str | None, typer.Option(help="Examples of the task, as for learn, to measure with and to train on.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting; may be repeated.")] = None,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
) -> None:
    """Make a task's pathway smaller, unless that loses too much."""
    prune_task(net, task, keep, what, data, set_ or [], Reading(label, modality, skip_bad))


@app.command()
def extend(
    net: NetFolder,
    first: Annotated[str, typer.Argument(metavar="[TASK]", help="Name of the task; without it the examples are split among the tasks.")],
    second: Annotated[str | None, typer.Argument(metavar="DATA", help="Labelled examples, as for learn.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting; may be repeated.")] = None,
    label: Label = None,
    modality: Modality = None,
    skip_bad: SkipBad = False,
) -> None:
    """Add examples or new classes to a task, or split a mixed stream among all tasks."""
    task, data = (None, first) if second is None else (first, second)
    extend_tasks(net, task, data, set_ or [], Reading(label, modality, skip_bad))


@app.command()
def remove(net: NetFolder, task: Annotated[str, typer.Argument(help="Name of the task.")]) -> None:
    """Remove a task; `rollback` brings it back, until `gc`."""
    remove_task(net, task)


@app.command()
def rollback(
    net: NetFolder, version: Annotated[int | None, typer.Argument(help="To return to; without it, those that there are are listed.")] = None
) -> None:
    """Return to an earlier version."""
    roll_back(net, version)


@app.command()
def gc(net: NetFolder, versions: Annotated[int, typer.Option(min=1, help="To keep, the present one counted.")] = KEPT_VERSIONS) -> None:
    """Forget earlier versions and free the files that only they needed."""
    clean(net, versions)


@app.command()
def export(
    net: NetFolder,
    task: Annotated[str, typer.Argument(help="Name of the task.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="To write: *.onnx for an ONNX model, by custom *.sentask for a task.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is an exported one.")] = False,
) -> None:
    """Write a task to one file, for another network, or as an ONNX model for other programs."""
    export_task(net, task, file, overwrite=overwrite)


@app.command("import")
def import_(
    net: NetFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An exported task.")],
    name: Annotated[str | None, typer.Option(help="For the task; by default the one that it had.")] = None,
) -> None:
    """Take in an exported task; the folder is made if need be."""
    import_task(net, file, name)


@data_app.command("list")
def list_() -> None:
    """Show the known sets and whether they are here."""
    list_sets()


@data_app.command()
def download(
    names: Annotated[list[str] | None, typer.Argument(help="Sets to fetch; by default those of the paper's five tasks.")] = None,
    to: Annotated[Path | None, typer.Option(help="Folder to put them in.")] = None,
) -> None:
    """Fetch sets from their official sources and check them."""
    download_sets(names or [], to)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; ends the process with 0, or with an error's exit code after one line that explains it."""
    try:
        app(args=arguments)  # wrong options are typer's to explain; it ends the process with 2 then
    except SenpathError as error:
        _end(str(error), error.exit_code)
    except OSError as error:  # such as a folder that may not be read
        _end(str(error), InputError.exit_code)
    except Exception as error:
        if os.environ.get("SENPATH_DEBUG"):
            raise
        _end(f"internal error: {type(error).__name__}: {error} (set SENPATH_DEBUG=1 to see where)", 70)


def _end(message: str, code: int) -> NoReturn:
    errors.print(f"error: {message}", style="red", highlight=False, soft_wrap=True)
    sys.exit(code)
