"""Pin what is tested: `python -m tools.lock UV`, called by `make lock`.

Writes two files. constraints.txt: the version of every package of this environment, in which the tests run. requirements.lock: the same
versions of what senpath and its extras need, for every system and Python from 3.11 on, with the hashes of their files; uv works it out.
Torch is left out of the second: which build of it, for a processor or for which GPU, is up to whoever installs, and each has hashes of
its own.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS, LOCK = ROOT / "constraints.txt", ROOT / "requirements.lock"
HEAD = "# The versions that are tested, all of them: `make lock` writes this file. The package itself asks for ranges (pyproject.toml).\n"
LOCK_HEAD = (
    "# Versions and hashes of all that senpath and its extras need but torch: `make lock` writes this file. How to install with it:\n"
    "# docs/howto/install.md.\n"
)
OWN = {"senpath", "pip", "setuptools", "uv"}
INTERNAL = ("dev", "docs")
"""Extras for those who change senpath."""


def main(uv: str) -> None:
    CONSTRAINTS.write_text(HEAD + "".join(f"{name}=={version}\n" for name, version in sorted(tested().items())), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        nothing, pins = Path(folder) / "overrides.txt", Path(folder) / "pins.txt"
        nothing.write_text('torch ; python_version < "3"\n')
        pins.write_text("".join(f"{name}=={version}\n" for name, version in tested().items() if name != "torch"))
        extras = [word for extra in user_extras() for word in ("--extra", extra)]
        options = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header", "--quiet", "--no-config"]
        command = [uv, "pip", "compile", "pyproject.toml", *extras, *options, "--constraint", pins, "--override", nothing]
        compiled = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    LOCK.write_text(LOCK_HEAD + compiled, encoding="utf-8")


def user_extras() -> list[str]:
    """The extras that are not for those who change senpath."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [extra for extra in project["optional-dependencies"] if extra not in INTERNAL]


def tested() -> dict[str, str]:
    """The packages of this environment and their versions, without what a build adds to one ("+cpu")."""
    versions = {normal(each.name): each.version.partition("+")[0] for each in distributions()}
    return {name: version for name, version in versions.items() if name not in OWN}


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main(sys.argv[1])
