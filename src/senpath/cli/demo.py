"""`senpath demo`: the main job as a story."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from senpath.cli.options import Seed


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the network and the figure; must not exist or be an earlier demo's.")] = Path(
        "demo"
    ),
    embedded: Annotated[bool, typer.Option("--embedded", help="Use the embedded data even where real data is there.")] = False,
    seed: Seed = 0,
) -> None:
    """Grow a network on five tasks and show what it learned."""
    from senpath.cli.story import tell

    tell(out, embedded, seed)
