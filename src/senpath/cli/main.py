"""The command `senpath`."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from senpath import __version__
from senpath.cli import bench, data, reproduce
from senpath.cli.demo import demo
from senpath.cli.doctor import doctor
from senpath.cli.emit import Result, with_forms
from senpath.cli.evaluate import evaluate, evaluations
from senpath.cli.experiment import experiment
from senpath.cli.inspection import log, report, tasks, verify
from senpath.cli.learn import learn, learn_many
from senpath.cli.limit import limit
from senpath.cli.methods import methods
from senpath.cli.options import TRUST, is_url
from senpath.cli.predict import explain, predict
from senpath.cli.revise import extend, prune, review
from senpath.cli.serve import app as keys
from senpath.cli.serve import serve
from senpath.cli.show import accept_any_text, note, open_streams
from senpath.cli.upkeep import copy, describe, export, gc, import_, remove, rename, rollback
from senpath.errors import InputError, SenpathError, SenpathWarning

# Nothing that is imported here loads torch, which takes seconds: `senpath --help` is to answer at once.
COMMANDS: tuple[Callable[..., Result], ...] = (
    *(learn, learn_many, predict, tasks, log, explain, evaluate, evaluations, experiment, report, verify, doctor),
    *(review, prune, extend, methods, limit, rename, describe, remove, rollback, gc, copy, export, import_),
)
ABOUT = "One network that grows: learn, predict, look inside."
CODES = (
    "Exit codes: 0 done, every input answered; 1 failed; 2 wrong usage or data; 3 the network's folder; 4 an extra to install; "
    "5 a download; 6 an input without an answer; 70 a bug; 130 interrupted."
)


ASKED = ("inputs", "what")
"""What the arguments are called that may be texts."""


class _Commands(TyperGroup):
    """The commands; an interrupted one says what became of the network, where typer would say nothing."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            _end(str(error) or "interrupted", 130)


class _Command(TyperCommand):
    """A command whose `--url URL` stands for its first argument, NET, and that knows what `--epochs 3` was meant to be."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        options = args[: args.index("--")] if "--" in args else args
        for place, argument in enumerate(options):
            name, equals, value = argument.partition("=")
            if name == "--url" and any(parameter.name == "url" for parameter in self.params):
                url = [value] if equals else args[place + 1 : place + 2]
                if url and not is_url(url[0]):
                    raise InputError("--url", expected="http://HOST:PORT", got=url[0])
                args = [*url, *args[:place], *args[place + 1 + (not equals) :]]
                break
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            option = getattr(error, "option_name", None)  # typer's class for an unknown option has no public name
            names = {parameter.name for parameter in self.params}
            if option is None or not hasattr(error, "possibilities") or names.isdisjoint({"settings", *ASKED}):
                raise
            if not names.isdisjoint(ASKED):
                if option.startswith("--"):
                    raise
                do = f"A text that begins with a dash comes behind --: {ctx.command_path} NET -- '-5 degrees'"
                raise InputError("options", expected=f"those of `{ctx.command_path} --help`", got=option, do=do) from None
            setting = f"--set {option.lstrip('-').replace('-', '_')}=VALUE"
            do = f"If it is a setting of the method, as `senpath methods NAME` lists them, write {setting}"
            raise InputError("options", expected=f"those of `{ctx.command_path} --help`", got=option, do=do) from None


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"senpath {__version__}")
        raise typer.Exit


app = typer.Typer(cls=_Commands, no_args_is_help=True, rich_markup_mode=None, help=ABOUT, epilog=CODES)


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="You vouch for whoever made the network or file: see docs/howto/estimators.md.")
    ] = False,
) -> None:
    """One network that grows: learn, predict, look inside."""
    TRUST.set(trust)


app.command("demo")(demo)
app.command("serve")(serve)
for command in COMMANDS:
    app.command(command.__name__.strip("_").replace("_", "-"), cls=_Command, epilog=CODES)(with_forms(command))
app.add_typer(data.app, name="data")
app.add_typer(reproduce.app, name="reproduce")
app.add_typer(bench.app, name="bench")
app.add_typer(keys, name="keys")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; ends the process with 0, or with an error's exit code after one line that explains it."""
    open_streams()
    accept_any_text()
    interrupts = _count_interrupts()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", SenpathWarning)
            warnings.showwarning = _show_warning
            app(args=arguments)  # wrong options are typer's to explain; it ends the process with 2 then
    except SenpathError as error:
        _end(str(error), error.exit_code)
    except OSError as error:  # such as a folder that may not be read
        _end(str(error), InputError.exit_code)
    except Exception as error:  # no traceback reaches a user, whatever goes wrong
        if os.environ.get("SENPATH_DEBUG"):
            raise
        if interrupts:  # it came while a library was imported, which is half there then
            _end("interrupted", 130)
        _end(f"internal error: {type(error).__name__}: {error} (set SENPATH_DEBUG=1 to see where)", 70)


def _count_interrupts() -> list[int]:
    """A list that each interrupt from the keyboard is added to before it is raised; stays empty where somebody else handles them."""
    interrupts: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    return interrupts


def _show_warning(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    """One line of senpath's own warnings, and of others what Python shows."""
    own = issubclass(category, SenpathWarning)
    note(f"warning: {message}" if own else warnings.formatwarning(message, category, *where[:2]).rstrip(), style="yellow")


def _end(message: str, code: int) -> NoReturn:
    note(f"error: {message}", style="red")
    sys.exit(code)
