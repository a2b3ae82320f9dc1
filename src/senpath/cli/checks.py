"""What `senpath doctor` looks at: the program, its packages and extras, threads, the GPU, folders, and a network."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from senpath import __version__
from senpath.cache import cache_folder
from senpath.confined import open_plain
from senpath.errors import InputError, MissingExtraError, SenpathError
from senpath.installation import how_to_install, installed_senpath, requirements

SMALL_DISK = 2**30
"""Bytes that should be free where a network is written."""
FORMAT = re.compile(rb'"format_version":\s*(\d+)')
HEAD = 1000
"""Bytes of network.json that are sure to say its format."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Health(StrEnum):
    """How something is: in order; good to know, as an extra that is not installed; not working."""

    OK = "ok"
    NOTE = "note"
    BAD = "bad"


OK, NOTE, BAD = Health


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Args:
        part: program, packages, extras, threads, gpu, folders or network.
        do: what to do about it; None where nothing is to be done.
    """

    part: str
    name: str
    state: Health
    value: str
    do: str | None = None


def checks(network: str | Path | None) -> Iterator[Finding]:
    """Everything, and the network if one is named. What fails is a check that is bad; nothing is raised."""
    parts: dict[str, Callable[[], Iterator[Finding]]] = {
        "program": _program,
        "packages": _packages,
        "extras": _extras,
        "threads": _threads,
        "gpu": _gpu,
        "folders": _folders,
    }
    if network is not None:
        parts["network"] = lambda: _network(network)
    for part, look in parts.items():
        try:
            yield from look()
        except SenpathError as error:
            yield Finding(part, part, BAD, error.message.removesuffix(f". {error.do}"), error.do)
        except Exception as error:  # a broken installation can fail in any way, and is what this is to find
            yield Finding(part, part, BAD, f"{type(error).__name__}: {error}".splitlines()[0])


def _program() -> Iterator[Finding]:
    package = installed_senpath()
    if package is None:
        yield Finding("program", "senpath", NOTE, f"{__version__}, run from its source and not installed", "pip install . in its folder")
    elif package.version != __version__:
        value = f"{__version__}, though {package.version} is what is installed"
        yield Finding("program", "senpath", NOTE, value, "Install it anew: what is known of its extras is that version's")
    else:
        yield Finding("program", "senpath", OK, __version__)
    yield Finding("program", "Python", OK, f"{platform.python_version()}, {sys.executable}")
    yield Finding("program", "system", OK, f"{platform.system()} {platform.release()}, {platform.machine()}")


def _packages() -> Iterator[Finding]:
    for package in requirements().get("", ()):
        if package.fits:
            yield Finding("packages", package.package, OK, str(package.installed))
        else:
            got = package.installed or "not installed"
            yield Finding("packages", package.package, BAD, got, f"pip install '{package.package}{package.range}'")


def _extras() -> Iterator[Finding]:
    for extra, packages in requirements().items():
        if not extra:
            continue
        wrong = [f"{each.package} {each.installed or 'not installed'}" for each in packages if not each.fits]
        if not wrong:
            yield Finding("extras", extra, OK, ", ".join(f"{each.package} {each.installed}" for each in packages))
        else:
            yield Finding("extras", extra, NOTE, ", ".join(wrong), how_to_install(extra))


def _threads() -> Iterator[Finding]:
    import torch

    from senpath.parallel.backend import cores

    usable, quota = cores(), _quota()
    allowed = usable if quota is None else min(usable, max(1, round(quota)))
    limited = "" if quota is None else f", of which this container may use {quota:g}"
    yield Finding("threads", "cores", OK, f"{usable}{limited}")
    threads = torch.get_num_threads()
    many = threads > allowed
    do = f"export OMP_NUM_THREADS={allowed}: threads without a core of their own wait for each other" if many else None
    yield Finding("threads", "torch", NOTE if many else OK, f"{threads} threads", do)
    given = ", ".join(f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if name in os.environ)
    yield Finding("threads", "environment", OK, given or "sets nothing")


def _quota() -> float | None:
    """Processors that a container's limit (cgroup v2) comes to; None without a limit."""
    try:
        most, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return None if most == "max" else int(most) / int(period)
    except (OSError, ValueError):
        return None


def _gpu() -> Iterator[Finding]:
    import torch

    build = f"torch {torch.__version__}"
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            about = torch.cuda.get_device_properties(number)
            yield Finding("gpu", f"cuda:{number}", OK, f"{about.name}, {about.total_memory / 2**30:.0f} GiB, {build}")
    elif torch.backends.mps.is_available():
        yield Finding("gpu", "mps", OK, f"Apple's, {build}")
    elif shutil.which("nvidia-smi") is not None:
        why = "a build for the processor alone" if torch.version.cuda is None else f"built for CUDA {torch.version.cuda}"
        yield Finding("gpu", "cuda", NOTE, f"a driver is there, {build} ({why}) sees no GPU", "Install the build of torch for this driver")
    else:
        yield Finding("gpu", "none", OK, f"nothing needs one; {build}")


def _folders() -> Iterator[Finding]:
    cache = cache_folder()
    nearest = next(folder for folder in (cache, *cache.parents) if folder.exists())
    writable = os.access(nearest, os.W_OK)
    do = None if writable else "Set XDG_CACHE_HOME to a folder that can be written; without one, downloads and searches are not kept"
    yield Finding("folders", "cache", OK if writable else NOTE, f"{cache}{'' if cache.exists() else ', not made yet'}", do)
    yield _disk("folders", "temporary", Path(tempfile.gettempdir()))
    data = os.environ.get("SENPATH_DATA")
    if data is not None:
        there = Path(data).is_dir()
        yield Finding("folders", "SENPATH_DATA", OK if there else BAD, data, None if there else "Name a folder that is there, or unset it")


def _disk(part: str, name: str, folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    little, writable = free < SMALL_DISK, os.access(folder, os.W_OK)
    do = "Free some space" if little else None if writable else "Give yourself the right to write there"
    value = f"{folder}, {free / 2**30:.1f} GiB free" + ("" if writable else ", not to be written by you")
    return Finding(part, name, OK if writable and not little else NOTE, value, do)


def _network(given: str | Path) -> Iterator[Finding]:
    from senpath.cli.options import open_network
    from senpath.progress import bars
    from senpath.store import as_place

    place = as_place("path of the network", given)
    if isinstance(place, Path):
        yield from _format(place)
    net = open_network(given)
    yield Finding("network", "opens", OK, f"version {net.version}, {len(net.tasks)} tasks, {net.weights['total']:,} weights")
    if isinstance(place, Path):
        yield _disk("network", "folder", place)
        left = [*(place / "temporary").glob("*")]
        if left:
            value = f"{len(left)} files of a writer that is at work, or was stopped; a commit removes them"
            yield Finding("network", "temporary", NOTE, value)
    for kind in net.view.types.values():
        if kind.encoder is not None:
            try:
                net.view.encoders.of(kind)  # which loads none of the hub that only the network names
                yield Finding("network", f"encoder {kind.encoder}", OK, f"of {kind.modality}")
            except MissingExtraError as error:
                yield Finding("network", f"encoder {kind.encoder}", BAD, f"{error.expected} {error.got}", error.do)
            except InputError as error:  # one that a program gives when it opens the network, or has to name
                yield Finding("network", f"encoder {kind.encoder}", NOTE, error.message.removesuffix(f". {error.do}"), error.do)
    with bars(str(place)) as progress:
        net.verify(progress)
    yield Finding("network", "whole", OK, "every hash and every probe is as it was committed")


def _format(folder: Path) -> Iterator[Finding]:
    """The format of a network's folder, as far as its file says one."""
    from senpath.store.manifest import FORMAT_VERSION

    manifest = folder / "network.json"
    match = None
    with suppress(OSError), open_plain(manifest) as file:
        match = FORMAT.search(file.read(HEAD))
    if match is not None:
        older = int(match[1]) < FORMAT_VERSION
        do = f"The next commit writes format {FORMAT_VERSION}, which earlier versions of senpath cannot read" if older else None
        yield Finding("network", "format", NOTE if older else OK, match[1].decode(), do)
