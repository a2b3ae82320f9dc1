"""Where data lies: the folder that the user names, or the one that downloads go to."""

from __future__ import annotations

import os
from pathlib import Path

from senpath.cache import SEARCHES, cache_folder
from senpath.errors import InputError

VARIABLE = "SENPATH_DATA"
EMBEDDED = "embedded"


def download_folder() -> Path:
    """The user's cache, see `senpath.cache`; it need not exist."""
    return cache_folder()


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
    # Rendered data and searches lie in the same folder; they alone do not make a data root.
    if folder.is_dir() and any(child.name not in (EMBEDDED, SEARCHES) for child in folder.iterdir()):
        return folder
    return None
