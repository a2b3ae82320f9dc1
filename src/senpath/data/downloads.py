"""Data sets that can be downloaded: official addresses and checksums, and fetching them so that a file is there whole or not at all."""

from __future__ import annotations

import os
import shutil
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from senpath.data.audio import SPEECH_FILE, spoken_names
from senpath.data.registry import SOURCES
from senpath.errors import DownloadError, InputError

MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
EMNIST = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
FSDD = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip"
OMNIGLOT = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"
RECORDINGS = 3000

Progress = Callable[[str, int, int], None]
CHUNK = 1 << 18
TIMEOUT = 30.0
UNFINISHED = ".download-"
"""What names of folders of unfinished downloads begin with; those older than `STALE` seconds were left by a process that was killed."""
STALE = 24 * 3600.0


@dataclass(frozen=True)
class File:
    """One file to fetch.

    Args:
        url: where it is.
        path: where it goes, relative to the data root.
        md5: the checksum that its publisher or torchvision states; None where none is known.
        check: looks at the content where there is no checksum; raises DownloadError.
        members: entries of this zip -> where each goes. If given, these are kept in place of the zip.
    """

    url: str
    path: str
    md5: str | None = None
    check: Callable[[Path], None] | None = None
    members: Mapping[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> list[str]:
        """The files that are there in the end."""
        return list(self.members.values()) or [self.path]


def check_spoken(path: Path) -> None:
    """Check that the archive holds 3,000 recordings, each of ten digits 300 times. Raises DownloadError if not."""
    try:
        digits = [digit for _, digit, _ in spoken_names(path, "all")]
    except InputError as error:
        raise DownloadError("the archive of spoken digits is damaged", got=error, do="Run the download again") from error
    if len(digits) != RECORDINGS or any(digits.count(digit) != RECORDINGS // 10 for digit in range(10)):
        raise DownloadError("the archive of spoken digits has other content", expected=f"{RECORDINGS} recordings", got=len(digits))


def _idx(base: str, folder: str, sums: Mapping[str, str]) -> tuple[File, ...]:
    return tuple(File(f"{base}{stem}-ubyte.gz", f"{folder}/{stem}-ubyte.gz", md5) for stem, md5 in sums.items())


_STEMS = [f"emnist-byclass-{part}-{kind}-ubyte.gz" for part in ("train", "test") for kind in ("images-idx3", "labels-idx1")]

# Checksums: torchvision 0.22 (datasets/mnist.py, datasets/omniglot.py). GitHub states none for the archive of a tag, and may pack
# it anew, so the spoken digits are judged by their content.
DOWNLOADS: dict[str, tuple[File, ...]] = {
    "fashion": _idx(
        FASHION,
        "fashion",
        {
            "train-images-idx3": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "train-labels-idx1": "25c81989df183df01b3e8a0aad5dffbe",
            "t10k-images-idx3": "bef4ecab320f06d8554ea6380940ec79",
            "t10k-labels-idx1": "bb300cfdad3c16e7a12a480ee83cd310",
        },
    ),
    "mnist": _idx(
        MNIST,
        "mnist",
        {
            "train-images-idx3": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1": "d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3": "9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1": "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
    "emnist": (
        File(EMNIST, "emnist/gzip.zip", "58c8d27c78d21e728a6bc7b3cc06412e", members={f"gzip/{stem}": f"emnist/{stem}" for stem in _STEMS}),
    ),
    "speech": (File(FSDD, SPEECH_FILE, check=check_spoken),),
    "omniglot": (
        File(f"{OMNIGLOT}images_background.zip", "omniglot/images_background.zip", "68d2efa1b9178cc56df9314c21c6e718"),
        File(f"{OMNIGLOT}images_evaluation.zip", "omniglot/images_evaluation.zip", "6b91aef0f799c5bb55b94e3f2daec811"),
    ),
}

COMES_WITH = dict.fromkeys(("lower", "upper", "emnist-lower", "emnist-upper"), "emnist")
"""Names of `load` whose files come with another download."""
PAPER = ("fashion", "mnist", "emnist", "speech")


def download(names: Iterable[str], root: Path, *, progress: Progress | None = None) -> None:
    """Fetch data sets below `root`. Files that are there and right stay as they are.

    A file is fetched into a temporary folder, checked, and moved: it is there whole or not at all. An interrupted download starts that
    file anew. The spoken digits have no published checksum; their archive is checked by its content.

    Args:
        names: "mnist", "fashion", "emnist" (also under "lower", "upper"), "speech", "omniglot".
        root: the data folder, made if need be.
        progress: called with (file, bytes done, bytes in all or 0 if unknown).

    Raises: InputError for a name that is unknown or cannot be downloaded; DownloadError if a file cannot be fetched, checked or written.
    """
    files: dict[str, File] = {}
    for name in [names] if isinstance(names, str) else list(names):
        key = COMES_WITH.get(name, name)
        if key not in DOWNLOADS:
            got = "one without an official download here" if name in SOURCES else "another name"
            raise InputError(f"data set {name!r}", expected=f"one of {', '.join([*DOWNLOADS, *COMES_WITH])}", got=got)
        files |= {file.path: file for file in DOWNLOADS[key]}
    for file in files.values():
        fetch(file, Path(root), progress)


def fetch(file: File, root: Path, progress: Progress | None = None) -> None:
    """Fetch one file below `root`, unless it is there and right. Raises DownloadError."""
    if _is_complete(file, root):
        return
    target = root / file.path
    with _scratch(target) as folder:
        part = folder / target.name
        _receive(file, part, progress)
        _verify(file, part)
        if file.members:
            _unpack(file, part, root)
        else:
            _publish(part, target)


def _is_complete(file: File, root: Path) -> bool:
    paths = [root / name for name in file.kept]
    if not all(path.is_file() for path in paths):
        return False
    if file.members:
        return True  # their archive was checked before they were put there
    try:
        _verify(file, paths[0])
    except DownloadError:
        return False
    return True


def _receive(file: File, part: Path, progress: Progress | None) -> None:
    import pooch  # it and requests take long to import, and only downloads need them
    import requests

    meter = _Meter(file.path, progress)
    # Content is to be hashed as it is stored, so servers must not compress it on the way.
    headers = {"User-Agent": "senpath", "Accept-Encoding": "identity"}
    get = pooch.HTTPDownloader(progressbar=meter, chunk_size=CHUNK, timeout=TIMEOUT, headers=headers)
    retry = "Check the network and run the download again"
    try:
        get(file.url, str(part), None)
    except requests.HTTPError as error:
        got = error if error.response is None else f"HTTP {error.response.status_code} {error.response.reason}"
        raise DownloadError(f"{file.url} cannot be fetched", got=got, do=retry) from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise DownloadError(f"{file.url} broke off", expected=f"{meter.total} bytes", got=meter.done, do=retry) from error
    except requests.RequestException as error:
        reason = getattr(error.args[0], "reason", error) if error.args else error
        raise DownloadError(f"{file.url} cannot be fetched", got=reason, do=retry) from error


class _Meter:
    """What pooch takes for a progress bar: it is told chunks, full or not, and in the end the total."""

    def __init__(self, path: str, progress: Progress | None) -> None:
        self._path, self._progress = path, progress
        self.total = self.done = 0

    def update(self, size: int) -> None:
        self.done = min(self.done + size, self.total or self.done + size)
        if self._progress:
            self._progress(self._path, self.done, self.total)

    def reset(self) -> None:
        """Nothing: the total that is told next is where `done` ends."""

    def close(self) -> None:
        """Nothing: whoever passed `progress` closes it."""


def _verify(file: File, path: Path) -> None:
    import pooch

    if file.md5 is not None and (md5 := pooch.file_hash(str(path), alg="md5")) != file.md5:
        do = "Run the download again; if it stays so, the publisher changed the file."
        raise DownloadError(f"{file.url} is not the file that was expected", expected=f"md5 {file.md5}", got=md5, do=do)
    if file.check is not None:
        file.check(path)


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """A temporary folder beside `target`. Disk errors become DownloadError."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for old in target.parent.glob(f"{UNFINISHED}*"):
            if time.time() - old.stat().st_mtime > STALE:
                shutil.rmtree(old, ignore_errors=True)
        with TemporaryDirectory(dir=target.parent, prefix=UNFINISHED) as folder:
            yield Path(folder)
    except OSError as error:
        raise DownloadError(f"{target} cannot be written", got=error, do="Free space, or choose another folder") from error


def _publish(part: Path, target: Path) -> None:
    """Move a file into place once it is on disk; moved earlier, it could be there empty after a power cut."""
    with part.open("rb+") as stream:
        os.fsync(stream.fileno())
    os.replace(part, target)


def _unpack(file: File, archive: Path, root: Path) -> None:
    """Take the wanted entries out of a zip, each whole or not at all."""
    try:
        with zipfile.ZipFile(archive) as source:
            for member, path in file.members.items():
                with _scratch(root / path) as folder:
                    _publish(Path(source.extract(member, folder)), root / path)
    except (zipfile.BadZipFile, KeyError) as error:
        raise DownloadError(f"{file.url} has other content", expected=f"a zip with {', '.join(file.members)}", got=error) from error
