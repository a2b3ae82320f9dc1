"""What kind of table or arrays a file holds, by its first bytes; pictures, sounds and clips say it to `senpath.inputs.modalities`."""

from __future__ import annotations

import zipfile
from io import BytesIO


def table_ending(content: bytes) -> str | None:
    """The ending for a file with this content: ".npz", ".xlsx", ".zip" or ".parquet"; None where its first bytes say nothing."""
    if content.startswith(b"PK"):
        return _zip_ending(content)
    return ".parquet" if content.startswith(b"PAR1") else None


def _zip_ending(content: bytes) -> str:
    """The ending of a file that is a zip file, by what is in it."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            names = packed.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return ".npz"  # whose reader refuses it
    if any(name.startswith("xl/") for name in names):
        return ".xlsx"
    return ".npz" if all(name.endswith(".npy") for name in names) else ".zip"
