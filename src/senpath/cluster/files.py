"""From the place of a large set to a data set of Ray."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from senpath.buckets import is_address, location
from senpath.errors import InputError
from senpath.inputs.modalities import MODALITY_BY_ENDING
from senpath.inputs.sources.located import EXAMPLE
from senpath.plugins import import_extra

FILE, CONTENT = "path", "bytes"
"""Columns of a set of files, as `ray.data.read_binary_files` calls them."""
TABLES = {".parquet": "read_parquet", ".csv": "read_csv", ".jsonl": "read_json", ".ndjson": "read_json", ".json": "read_json"}
"""The function of Ray that reads a table, by the ending of its file."""

CODE = re.compile(r"\bAWS Error ([A-Z_]+)")


@dataclass(frozen=True)
class LargeSet:
    """A data set of Ray.

    Args:
        inputs: how many it has; 0 where that is not known without reading it.
        far: whether it is from object storage. Whoever wrote its tables may be nobody who reads files of these machines.
    """

    rows: Any
    inputs: int = 0
    far: bool = False


def open_set(data: Any) -> LargeSet:
    """A data set of Ray: the one that is given, or what is at a place, or at several.

    Raises:
        InputError: if there is nothing, or files of other kinds.
        MissingExtraError: without what Ray Data needs.
    """
    ray_data = import_extra("ray.data", "large sets", "ray")
    if isinstance(data, ray_data.Dataset):
        return LargeSet(data)
    places = [data] if isinstance(data, str | Path) else data
    if not isinstance(places, Sequence) or not places or not all(isinstance(place, str | Path) for place in places):
        raise InputError("data", expected="a data set of Ray, or places of files", got=type(data).__name__)
    named, far = zip(*(_place("address of data", place) for place in places), strict=True)
    files = [file for place in named for file in _files(place)]
    endings = {PurePosixPath(file).suffix.lower() for file in files}
    readers = {TABLES.get(ending) or ("" if ending in MODALITY_BY_ENDING else None) for ending in endings}
    if len(readers) != 1 or None in readers:
        expected = f"tables ({', '.join(TABLES)}), or files that are an input each ({', '.join(MODALITY_BY_ENDING)})"
        raise InputError(f"data {named[0]}", expected=expected, got=", ".join(sorted(endings)) or "none")
    reader = readers.pop()
    if not reader:
        return LargeSet(ray_data.read_binary_files([*named], include_paths=True), len(files), any(far))
    return LargeSet(getattr(ray_data, reader)([*named]), sum(map(_rows, named)) if reader == TABLES[".parquet"] else 0, any(far))


def _place(what: str, given: str | Path) -> tuple[str, bool]:
    """The name that Ray and pyarrow have for a place, and whether it is in object storage."""
    at = location(what, given, EXAMPLE)
    return (str(at.absolute()), False) if isinstance(at, Path) else (str(at), True)


def _said(place: str | Path, error: Exception) -> str:
    """What is wrong; of a service's error its code alone, for the rest is an answer of the service."""
    if not is_address(place):
        return (str(error).splitlines() or [type(error).__name__])[0][:300]
    code = CODE.search(str(error))
    return f"{code[1].replace('_', ' ').lower()}, says the service" if code else "the service could not be asked"


def _rows(place: str) -> int:
    """Rows of Parquet files, which say it themselves."""
    system, path = import_extra("pyarrow.fs", "large sets", "ray").FileSystem.from_uri(place)
    return int(import_extra("pyarrow.dataset", "large sets", "ray").dataset(path, filesystem=system, format="parquet").count_rows())


def _files(place: str) -> list[str]:
    """The files at a place."""
    fs = import_extra("pyarrow.fs", "large sets", "ray")
    try:
        system, path = fs.FileSystem.from_uri(place)
        info = system.get_file_info(path)
        inside = [info] if info.is_file else system.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True))
    except (OSError, ValueError, NotImplementedError) as error:
        raise InputError(f"data {place}", expected="files that can be read", got=_said(place, error)) from None
    files = [entry.path for entry in inside if entry.is_file and not entry.base_name.startswith((".", "_"))]
    if not files:
        raise InputError(f"data {place}", expected="files", got="none")
    return files


class Output:
    """A folder for Parquet files, here or at an address, which is empty before; what was written goes again if writing fails.

    Raises:
        InputError: if it is not empty, or cannot be reached.
    """

    def __init__(self, place: str | Path) -> None:
        self._fs = import_extra("pyarrow.fs", "large sets", "ray")
        self.place, _ = _place("address of the output", place)
        try:
            self._system, self._path = self._fs.FileSystem.from_uri(self.place)
            inside = self._system.get_file_info(self._fs.FileSelector(self._path, allow_not_found=True))
        except (OSError, ValueError, NotImplementedError) as error:
            raise InputError(f"output {place}", expected="a folder that can be written", got=_said(place, error)) from None
        if inside:
            raise InputError(f"output {place}", expected="an empty or absent folder", got=f"one with {inside[0].base_name}")

    def count(self) -> int:
        """Rows that were written."""
        return _rows(self.place)

    def clear(self) -> None:
        """Remove what was written."""
        self._system.delete_dir_contents(self._path, missing_dir_ok=True)
