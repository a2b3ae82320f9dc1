"""`senpath serve` and `senpath keys`."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from senpath.cli.options import NetFolder, Sets, read_settings, trusted
from senpath.cli.show import say, table
from senpath.errors import SenpathError
from senpath.plugins import import_extra

app = typer.Typer(no_args_is_help=True, help="Keys of the server.")

KeyFile = Annotated[Path, typer.Argument(metavar="FILE", help="File of keys; it holds only hashes of them.")]
OWN = ("host", "port", "keys", "read_only", "workers", "inbox", "trust", "secret")
"""Settings that have options of their own."""
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Hosts that stand for all of the machine's addresses, and one of these."""


def serve(
    net: NetFolder,
    host: Annotated[str, typer.Option(help="Address to listen on; without --keys only this machine's own.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    keys: Annotated[Path | None, typer.Option(metavar="FILE", help="Serve those who have a key: see senpath keys.")] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Answer, but do not change the network.")] = False,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes that answer.")] = 1,
    inbox: Annotated[bool, typer.Option("--inbox", help="Keep inputs that fit nothing, unencrypted, for people to name.")] = False,
    ray: Annotated[bool, typer.Option("--ray", help="Answer from replicas on Ray: the cluster of RAY_ADDRESS, or this machine.")] = False,
    sets: Sets = None,
) -> None:
    """Serve a network over HTTP: a page to ask and teach it, and an interface for programs."""
    # Threads that wait for each other in a busy loop would take the cores from those that read requests. To be said before torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import_extra("uvicorn", "serving a network", "serve")
    from senpath.server.run import serve
    from senpath.serving.served import prepare
    from senpath.serving.settings import ServerSettings

    settings = ServerSettings(
        host=host,
        port=port,
        keys=None if keys is None else str(keys.absolute()),
        read_only=read_only,
        workers=workers,
        inbox=inbox,
        trust=trusted(),
        **read_settings(sets, *OWN),
    )
    settings, what = prepare(net, settings)
    shown = f"[{host}]" if ":" in host else host
    _say_when_open(host, settings.port, f"serving {what} at http://{shown}:{settings.port} (Ctrl-C ends it)")
    if ray:
        import_extra("ray.serve", "serving on Ray", "ray")
        from senpath.cluster.serving import serve_on_ray

        serve_on_ray(net, settings)
    else:
        serve(net, settings)


def _say_when_open(host: str, port: int, text: str) -> None:
    """Say so as soon as the port listens: programs that read it connect at once."""

    def wait() -> None:
        while True:
            try:
                socket.create_connection((EVERY_ADDRESS.get(host, host), port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        with suppress(SenpathError):  # the server goes on though nobody can be told
            say(text)

    threading.Thread(target=wait, name="senpath-says", daemon=True).start()


@app.command()
def add(
    file: KeyFile,
    name: Annotated[str, typer.Option(help="Whose key it is; a new name.")],
    role: Annotated[str, typer.Option(help="read: ask; teach: teach as well; own: everything.")] = "read",
) -> None:
    """Make a key and print it; it is kept nowhere and cannot be shown again."""
    from senpath.serving.keys import add_key

    typer.echo(add_key(file, name, role))


@app.command("list")
def list_(file: KeyFile) -> None:
    """List names and roles."""
    from senpath.serving.keys import read_keys

    table(None, ["name", "role"], [[key.name, key.role] for key in read_keys(file)])


@app.command()
def remove(file: KeyFile, name: Annotated[str, typer.Option(help="Whose key it is.")]) -> None:
    """Remove a key; servers notice at once."""
    from senpath.serving.keys import remove_key

    remove_key(file, name)
