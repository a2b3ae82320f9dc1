"""What a command found out, in the form that was asked for: for a person, as JSON lines, or as CSV."""

from __future__ import annotations

import csv
import functools
import inspect
import io
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from senpath.cli.options import KEY, Key, Net, Url
from senpath.cli.show import note, write
from senpath.errors import CONTROLS, InputError, SenpathError, printable

Record = Mapping[str, Any]
Json = Annotated[bool, typer.Option("--json", help="Write one JSON object a line.")]
Csv = Annotated[bool, typer.Option("--csv", help="Write CSV with a header: nested objects as columns a.b, lists as JSON.")]
Output = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write to this file, whole or not at all: CSV if it ends in .csv, a list in .json, else JSON lines. - is standard output.",
    ),
]
STDOUT = {*map(Path, ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"))}
"""Names of standard output; by one of the last three a file that it leads to would be replaced, with all that is in it."""
OTHERS = {".tsv", ".xlsx", ".xls", ".ods", ".parquet", ".feather", ".npz", ".zip", ".gz", ".bz2", ".xz", ".zst"}
"""Endings of files that neither JSON lines nor CSV are."""
UNANSWERED = 6
"""Exit code where an input has no answer, though nothing went wrong."""


@dataclass(frozen=True)
class Result:
    """What a command found out.

    Args:
        records: JSON objects, of the shapes in docs/howto/scripts.md.
        show: prints the same for a person.
        code: the exit code.
    """

    records: Sequence[Record]
    show: Callable[[], None]
    code: int = 0


def with_forms(command: Callable[..., Result]) -> Callable[..., None]:
    """A command for typer that writes its result in the form that its options --json, --csv and --output say.

    If its NET may be a server's URL, it has --url and --key too.
    """

    @functools.wraps(command)
    def run(*, as_json: bool, as_csv: bool, output: Path | None, url: None = None, key: str | None = None, **given: Any) -> None:
        KEY.set(key)
        if as_json and as_csv:
            raise InputError("--json and --csv", expected="one of them", got="both")
        if output in STDOUT:
            output, as_json = None, not as_csv
        if output is not None:
            require_writable(output)
            _require_other(output, given.values())
        result = command(**given)
        if output is None and not as_json and not as_csv:
            result.show()
        else:
            as_csv = as_csv or (not as_json and output is not None and output.suffix.lower() == ".csv")
            whole = not as_json and output is not None and output.suffix.lower() == ".json"
            text = csv_text(result.records) if as_csv else json_list(result.records) if whole else json_lines(result.records)
            _put(text, output, len(result.records))
        if result.code:
            raise typer.Exit(result.code)

    hints = get_type_hints(command, include_extras=True)
    own = [each.replace(annotation=hints[name]) for name, each in inspect.signature(command).parameters.items()]
    more = {"as_json": (Json, False), "as_csv": (Csv, False), "output": (Output, None)}
    if own and own[0].annotation == Net:
        more |= {"url": (Url, None), "key": (Key, None)}
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind) for name, (kind, default) in more.items()
    ]
    run.__signature__ = inspect.Signature([*own, *options])  # type: ignore[attr-defined]
    run.__annotations__ = hints | {name: kind for name, (kind, _) in more.items()}
    return run


def json_lines(records: Sequence[Record]) -> str:
    """A line an object; what would control a terminal is spelled out, which JSON reads as the same."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    lines = "".join(f"{json.dumps(_finite(record), ensure_ascii=not unicode, allow_nan=False)}\n" for record in records)
    return CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", lines)


def json_list(records: Sequence[Record]) -> str:
    """All objects as one list, each in a line of its own."""
    return "[\n" + json_lines(records).removesuffix("\n").replace("\n", ",\n") + "\n]\n"


def _finite(value: Any) -> Any:
    """A value of JSON with null for the numbers that JSON does not have: a folder's log may hold any."""
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [*map(_finite, value)]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def csv_text(records: Sequence[Record]) -> str:
    """A header, and a line for each record."""
    if not records:
        return ""
    flat = [_flat(record) for record in records]
    columns = [*dict.fromkeys(name for record in flat for name in record)]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def _flat(record: Record, before: str = "") -> dict[str, Any]:
    """Objects within it as columns of their own, lists as JSON."""
    row: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            row |= _flat(value, f"{before}{name}.")
        else:
            row[before + name] = json.dumps(value, ensure_ascii=False) if isinstance(value, list | tuple | bool) else value
    return row


def require_writable(path: Path) -> None:
    """Refuse early, before long work, a file that cannot be written, or whose name promises something else than records.

    Raises:
        InputError: if it is a folder, in none, or ends in .html or as a file of another kind does.
    """
    if path.suffix.lower() in (".html", ".htm"):
        do = "Pages have an option of their own: --out, or --page"
        raise InputError(f"output {path}", expected="a file for records, .csv or JSON lines", got=path.suffix, do=do)
    if path.suffix.lower() in OTHERS:
        do = "Write one of these, and convert it"
        raise InputError(f"output {path}", expected="a file for records, .csv or JSON lines", got=path.suffix, do=do)
    if path.is_dir() or not path.parent.is_dir():
        got = "a folder" if path.is_dir() else f"no folder {path.parent}"
        raise InputError(f"output {path}", expected="a file in a folder that is there", got=got)


def _require_other(output: Path, given: Iterable[Any]) -> None:
    """Refuse an output that the command reads, or that is a network's, which would be gone."""
    folder = next((folder for folder in output.resolve().parents if (folder / "network.json").is_file()), None)
    if folder is not None and (folder / "versions").is_dir():
        raise InputError(f"output {output}", expected="a file beside the network", got=f"one in its folder {folder}")
    for value in given:
        for name in value if isinstance(value, list) else [value]:
            places = [name, str(name).partition("=")[2]] if isinstance(name, str | Path) else []  # also of TASK=FILE
            if output.is_file() and any(os.path.isfile(place) and os.path.samefile(output, place) for place in places):
                raise InputError(f"output {output}", expected="another file than the command reads", got="the same")


def _put(text: str, output: Path | None, count: int) -> None:
    if output is None:
        write(sys.stdout, printable(text) if sys.stdout.isatty() else text)
        return
    try:
        if output.exists() and not output.is_file():  # a pipe, /dev/null
            output.write_text(text, encoding="utf-8", newline="")
        else:
            _replace(output, text)
    except OSError as error:
        raise SenpathError(f"output {output}", expected="to be written", got=error.strerror or str(error)) from error
    note(f"wrote {output}: {count:,} {'record' if count == 1 else 'records'}")


def _replace(path: Path, text: str) -> None:
    """Put a file in its place when it is whole; a link stays a link."""
    path = path.resolve()
    part = path.with_name(f"{path.name[:200]}.{os.getpid()}.part")
    try:
        with part.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
