"""Where data lies: the folder that the user names, or the one that downloads go to."""

from __future__ import annotations

import os
from pathlib import Path

from senpath.errors import InputError

VARIABLE = "SENPATH_DATA"
EMBEDDED = "embedded"


def download_folder() -> Path:
    """`$XDG_CACHE_HOME/senpath`, else `~/.cache/senpath`; it need not exist. XDG ignores a relative path, and so do we."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "senpath"


def data_root() -> Path | None:
    """The folder that real data is read from.

    Returns: `$SENPATH_DATA` if it is set; else the download folder, if anything was downloaded into it; else None.
    Raises: InputError if `$SENPATH_DATA` is not a folder.
    """
    named = os.environ.get(VARIABLE, "")
    if named:
        root = Path(named).expanduser()
        if not root.is_dir():
            raise InputError(f"{VARIABLE} is not a folder", expected="a folder that exists", got=named, do=f"Correct or unset {VARIABLE}.")
        return root
    folder = download_folder()
    # The cache of rendered data lies in the same folder; alone it does not make a data root.
    if folder.is_dir() and any(child.name != EMBEDDED for child in folder.iterdir()):
        return folder
    return None
