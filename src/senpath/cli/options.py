"""Arguments and options that several commands have, and how they are read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from senpath.errors import InputError, StoreError

if TYPE_CHECKING:
    from senpath import Client, Network

NetFolder = Annotated[str, typer.Argument(metavar="NET", help="Folder of the network, or its address, such as s3://bucket/team.sen.")]
Net = Annotated[str, typer.Argument(metavar="NET", help="Folder or address of the network, or the URL of a server.")]
Url = Annotated[str | None, typer.Option(metavar="URL", help="A server's, such as http://127.0.0.1:8000, in place of NET.")]
Key = Annotated[str | None, typer.Option(envvar="SENPATH_KEY", show_envvar=True, help="What the server asks for, if it asks.")]
Task = Annotated[str, typer.Argument(metavar="TASK", help="Name of the task.")]
NewTasks = Annotated[list[str], typer.Argument(metavar="TASK=DATA…", help="Names of new tasks, each with its data, as for learn.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of everything that is drawn.")]
Kind = Annotated[str | None, typer.Option(help="classification, multilabel or regression; by default what the labels look like.")]
Engine = Annotated[
    str | None, typer.Option(metavar="ray", help="Work on Ray: the cluster of RAY_ADDRESS, or this machine. Needs senpath[ray].")
]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting, see `senpath methods NAME`; may be repeated.")
]

TRUST: ContextVar[bool] = ContextVar("trust", default=False)
"""What `senpath --trust` says, for the command that comes after it."""
KEY: ContextVar[str | None] = ContextVar("key", default=None)
"""What `--key` says."""


def is_url(net: str) -> bool:
    """Whether this is a server's address and no folder."""
    return net.lower().startswith(("http://", "https://"))


def connect(net: str) -> Network | Client:
    """An existing network: the one in a folder, or what a server serves."""
    return remote(net) if is_url(net) else open_network(net)


def remote(url: str) -> Client:
    """A server, which may ask for the key that `--key` says."""
    from senpath import Client

    return Client(url, KEY.get())


def open_network(given: str | Path) -> Network:
    """An existing network; asking for one that is not there does not make it."""
    from senpath import Network
    from senpath.store import as_place, has_network

    place = as_place("path of the network", given)
    if not has_network(place):
        shown = given if isinstance(place, Path) else place
        do = f"Make it with `senpath learn {shown} TASK DATA`"
        raise StoreError(f"network {shown}", expected="a folder with network.json", got="none", do=do)
    return Network(given, trust=trusted())


def trusted() -> bool:
    """Whether `senpath --trust` was called."""
    return TRUST.get()


def read_settings(texts: Sequence[str] | None, *own: str) -> dict[str, Any]:
    """What `--set` gives: NAME=VALUE each, the value as JSON where it is that.

    Args:
        own: settings for which the command has options of their own.
    """
    settings = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InputError("--set", expected="NAME=VALUE", got=repr(text))
        name = name.replace("-", "_")
        if name in own:
            raise InputError("--set", expected="a setting", got=name, do="The command has an option of its own for it: see --help")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            settings[name] = value
    return settings


def read_pairs(texts: Iterable[str], what: str, known: Iterable[str] = ()) -> dict[str, str]:
    """TASK=DATA, each in two.

    Args:
        what: they are, for messages.
        known: tasks' names. Names and data may have "=" in them: the longest known name that a text begins with counts.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        task = max((name for name in known if text.startswith(f"{name}=")), key=len, default=text.partition("=")[0])
        source = text[len(task) + 1 :]
        if not task or not source:
            raise InputError(what, expected="TASK=DATA", got=repr(text))
        if task in pairs:
            raise InputError(f"task {task!r}", expected="its data once", got="it twice")
        pairs[task] = source
    return pairs
