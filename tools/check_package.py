"""Check what would be published: `python -m tools.check_package dist`, part of `make dist`.

The folder holds one wheel and one source archive. Looked at are the files in them, their sizes and the metadata, and whether something is
there that does not belong. A violation is printed as "rule: what"; ends with 1 if there is one.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import Parser
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
MOST_BYTES = {"wheel": 2_000_000, "sdist": 8_000_000}
MOST_FILE_BYTES = 500_000
"""Of one file in the wheel: code and pages, no data."""
UNPUBLISHED = (".ci/",)
"""Tracked folders that the source archive leaves out."""
SECRETS = re.compile(rb"/root/|/home/[a-z]|-----BEGIN [A-Z ]*PRIVATE KEY|https?://[^\s/@\"'<>{}]+:[^\s/@\"'<>{}]+@")
"""Places on one machine, keys, addresses with passwords."""
PYTHONS = ("3.11", "3.12", "3.13")


def main(folder: Path) -> int:
    wheels, sdists = [*folder.glob("*.whl")], [*folder.glob("*.tar.gz")]
    if len(wheels) != 1 or len(sdists) != 1:
        print(f"{folder}: expected one wheel and one source archive, got {len(wheels)} and {len(sdists)}")
        return 1
    faults = [*check_wheel(wheels[0]), *check_sdist(sdists[0])]
    for rule, what in faults:
        print(f"{rule}: {what}")
    if not faults:
        print(", ".join(f"{path.name} ({path.stat().st_size:,} bytes)" for path in (*wheels, *sdists)), "as they should be")
    return int(bool(faults))


def check_wheel(path: Path) -> Iterator[tuple[str, str]]:
    """What is wrong with a wheel: the rule, and what breaks it."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    version = re.search(r'__version__ = "(.*)"', files["senpath/__init__.py"].decode())
    info = f"senpath-{version[1] if version else '?'}.dist-info"
    own = {f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    tracked = {name.removeprefix("src/") for name in tracked_files() if name.startswith("src/senpath/")}
    yield from compared("wheel", {*files}, tracked | own)
    yield from sized("wheel", path, files)
    if "senpath/py.typed" not in files:
        yield "wheel has no", "senpath/py.typed: type checkers would ignore its annotations"
    if b"Root-Is-Purelib: true" not in files[f"{info}/WHEEL"] or b"Tag: py3-none-any" not in files[f"{info}/WHEEL"]:
        yield "wheel is not for every system", files[f"{info}/WHEEL"].decode()
    if b"senpath = senpath.cli.main:main" not in files[f"{info}/entry_points.txt"]:
        yield "wheel lacks the command", "senpath"
    yield from check_metadata(Parser().parsestr(files[f"{info}/METADATA"].decode()), version[1] if version else "?")


def check_metadata(metadata: Message, version: str) -> Iterator[tuple[str, str]]:
    """What is wrong with a wheel's metadata."""
    expected = {"Name": "senpath", "Version": version, "Requires-Python": f">={PYTHONS[0]}", "License-Expression": "Apache-2.0"}
    expected |= {"License-File": "LICENSE", "Description-Content-Type": "text/markdown"}
    for name, value in expected.items():
        if metadata[name] != value:
            yield "metadata", f"{name} is {metadata[name]!r}, not {value!r}"
    if not 20 < len(metadata["Summary"] or "") <= 200 or len(str(metadata.get_payload())) < 1000:
        yield "metadata", "summary or description is missing, or of no use"
    wanted = {"Typing :: Typed", *(f"Programming Language :: Python :: {python}" for python in PYTHONS)}
    for classifier in sorted(wanted - {*metadata.get_all("Classifier", ())}):
        yield "metadata lacks", classifier
    for line in metadata.get_all("Requires-Dist", ()):
        package, _, marker = line.partition(";")
        if "@" in package or ">=" not in package:
            yield "a requirement without a lowest version, or from an address", line
        if "senpath" in package:
            yield "an extra that asks for senpath itself", f"{line}{marker}"


def check_sdist(path: Path) -> Iterator[tuple[str, str]]:
    """What is wrong with a source archive: it is the repository, as it is tracked."""
    with tarfile.open(path) as archive:
        members = [member for member in archive.getmembers() if not member.isdir()]
        strange = [member.name for member in members if not member.isreg()]
        files = {}
        for member in members:
            stream = archive.extractfile(member)
            files[PurePosixPath(member.name).relative_to(path.name.removesuffix(".tar.gz")).as_posix()] = stream.read() if stream else b""
    if strange:
        yield "sdist: neither a file nor a folder", ", ".join(strange)
    yield from compared("sdist", {*files}, {name for name in tracked_files() if not name.startswith(UNPUBLISHED)} | {"PKG-INFO"})
    yield from sized("sdist", path, {})


def compared(archive: str, files: set[str], expected: set[str]) -> Iterator[tuple[str, str]]:
    """Files that do not belong, and files that are missing."""
    for name in sorted(files - expected):
        yield f"{archive}: does not belong", name
    for name in sorted(expected - files):
        yield f"{archive}: missing", name


def sized(archive: str, path: Path, files: dict[str, bytes]) -> Iterator[tuple[str, str]]:
    """What is too large, and contents that nobody is to see."""
    if path.stat().st_size > MOST_BYTES[archive]:
        yield f"{archive}: too large", f"{path.stat().st_size:,} bytes, {MOST_BYTES[archive]:,} at most"
    for name, content in files.items():
        if len(content) > MOST_FILE_BYTES:
            yield f"{archive}: a large file", f"{name}: {len(content):,} bytes"
        if (match := SECRETS.search(content)) is not None:
            yield f"{archive}: says too much", f"{name}: {match[0].decode()}"


def tracked_files() -> set[str]:
    """The repository's files, those that are new included."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode()
    return {name for name in listed.split("\0") if name and (ROOT / name).is_file()}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
