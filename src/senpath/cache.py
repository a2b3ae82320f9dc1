"""Where senpath keeps what it may lose: downloads, rendered data, searches that were stopped."""

from __future__ import annotations

import os
from pathlib import Path

SEARCHES = "searches"
"""Folder, in the cache, of searches that are not finished."""
EMBEDDED = "embedded"
"""Folder, in the cache, of rendered data."""


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/senpath`, else `~/.cache/senpath`; it need not exist. XDG ignores a relative path, and so do we."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if os.path.isabs(base) else Path.home() / ".cache") / "senpath"
