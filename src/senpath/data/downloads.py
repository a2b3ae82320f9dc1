"""What can be downloaded: official addresses and checksums."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from senpath.data.archives import zip_names
from senpath.data.audio import RECORDING, SPEECH_FILE
from senpath.errors import DownloadError, InputError

MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FASHION = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
EMNIST = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
FSDD = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.zip"
OMNIGLOT = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python/"
RECORDINGS = 3000


@dataclass(frozen=True)
class File:
    """One file to fetch.

    Args:
        url: where it is.
        path: where it goes, relative to the data root.
        md5: the checksum that its publisher or torchvision states; None where none is known.
        check: looks at the content where there is no checksum; raises DownloadError.
        members: entries of this zip -> where each goes. If given, only these are kept and `path` is deleted again.
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
    """The archive holds 3,000 recordings: each of ten digits 300 times. Raises DownloadError if not."""
    try:
        names = [match for name in zip_names(path) if (match := RECORDING.search(name))]
    except InputError as error:
        raise DownloadError("the archive of spoken digits is damaged", got=error, do="Run the download again.") from error
    counts = {digit: sum(match[1] == digit for match in names) for digit in "0123456789"}
    if len(names) != RECORDINGS or len(set(counts.values())) != 1:
        raise DownloadError("the archive of spoken digits has other content", expected=f"{RECORDINGS} recordings", got=len(names))


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

# Names of `load` whose files come with another download.
COMES_WITH = dict.fromkeys(("lower", "upper", "emnist-lower", "emnist-upper"), "emnist")
PAPER = ("fashion", "mnist", "emnist", "speech")
