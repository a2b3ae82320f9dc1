"""The command `senpath`."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from senpath import __version__
from senpath.cli import data, reproduce
from senpath.cli.demo import demo
from senpath.cli.evaluate import evaluate, evaluations
from senpath.cli.inspection import explain, report, tasks, verify
from senpath.cli.learn import learn, learn_many
from senpath.cli.methods import methods
from senpath.cli.options import TRUST
from senpath.cli.predict import predict
from senpath.cli.revise import extend, prune, review
from senpath.cli.serve import app as keys
from senpath.cli.serve import serve
from senpath.cli.show import accept_any_text, errors
from senpath.cli.upkeep import export, gc, import_, remove, rollback
from senpath.errors import InputError, SenpathError, SenpathWarning

COMMANDS: tuple[Callable[..., None], ...] = (
    *(demo, learn, learn_many, predict, tasks, explain, evaluate, evaluations, report, verify),
    *(review, prune, extend, methods, remove, rollback, gc, export, import_, serve),
)
ABOUT = "One network that grows: learn, predict, look inside."


class _Commands(TyperGroup):
    """The commands; an interrupted one says what became of the network, where typer would say nothing."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            _end(str(error) or "interrupted", 130)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"senpath {__version__}")
        raise typer.Exit


app = typer.Typer(cls=_Commands, no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=ABOUT)


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="You vouch for whoever made the network or file: see docs/howto/estimators.md.")
    ] = False,
) -> None:
    """One network that grows: learn, predict, look inside."""
    TRUST.set(trust)


for command in COMMANDS:
    app.command(command.__name__.strip("_").replace("_", "-"))(command)
app.add_typer(data.app, name="data")
app.add_typer(reproduce.app, name="reproduce")
app.add_typer(keys, name="keys")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; ends the process with 0, or with an error's exit code after one line that explains it."""
    accept_any_text()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", SenpathWarning)
            warnings.showwarning = _show_warning
            app(args=arguments)  # wrong options are typer's to explain; it ends the process with 2 then
    except SenpathError as error:
        _end(str(error), error.exit_code)
    except OSError as error:  # such as a folder that may not be read
        _end(str(error), InputError.exit_code)
    except Exception as error:
        if os.environ.get("SENPATH_DEBUG"):
            raise
        _end(f"internal error: {type(error).__name__}: {error} (set SENPATH_DEBUG=1 to see where)", 70)


def _show_warning(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    """One line of senpath's own warnings, and of others what Python shows."""
    text = str(message) if issubclass(category, SenpathWarning) else warnings.formatwarning(message, category, *where[:2]).rstrip()
    errors.print(f"warning: {text}" if issubclass(category, SenpathWarning) else text, style="yellow", highlight=False, soft_wrap=True)


def _end(message: str, code: int) -> NoReturn:
    errors.print(f"error: {message}", style="red", highlight=False, soft_wrap=True)
    sys.exit(code)
