"""The list of components (SBOM, CycloneDX) of an environment: `python -m tools.sbom CYCLONEDX_PY PYTHON FILE`, part of `make dist`.

cyclonedx-py writes and validates it, without times or random numbers, so that it is the same bytes each time. It does not know the version,
which pyproject.toml does not state; that is added.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from senpath import __version__

ROOT = Path(__file__).resolve().parent.parent


def main(program: str, python: str, file: Path) -> None:
    options = [
        "--pyproject",
        ROOT / "pyproject.toml",
        "--output-reproducible",
        "--validate",
        "--output-format",
        "JSON",
        "--output-file",
        file,
    ]
    subprocess.run([program, "environment", *options, python], check=True)
    content = json.loads(file.read_text(encoding="utf-8"))
    senpath = content["metadata"]["component"]
    senpath |= {"version": __version__, "purl": f"pkg:pypi/senpath@{__version__}"}
    file.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{file}: {len(content['components'])} components of senpath {__version__}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
