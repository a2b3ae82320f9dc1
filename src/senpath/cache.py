"""Where senpath keeps what it may lose: downloads, rendered data, searches that were stopped."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

SEARCHES = "searches"
"""Folder, in the cache, of searches that are not finished."""
EMBEDDED = "embedded"
"""Folder, in the cache, of rendered data."""


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/senpath`, else `~/.cache/senpath`; it need not exist. XDG ignores a relative path, and so do we.

    Users without a home (of containers) have theirs among the system's temporary files.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(base):
        return Path(base) / "senpath"
    try:
        return Path.home() / ".cache" / "senpath"
    except RuntimeError:
        return _without_home()


def _without_home() -> Path:
    """A folder of this user's alone: others, who write there too, may have made one of this name."""
    folder = Path(tempfile.gettempdir()) / f"senpath-cache-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    state = folder.lstat()
    mine = stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and not state.st_mode & 0o077
    return folder if mine else Path(tempfile.mkdtemp(prefix="senpath-cache-"))
