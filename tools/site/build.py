"""`python -m tools.site.build FOLDER`: the documentation as a site that needs no network; a warning ends it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from sphinx.cmd.build import build_main

from tools.site.checks import dead_links, external_links, remote_parts
from tools.site.notebooks import write_notebooks
from tools.site.pages import ROOT, copy_pictures, stage, write_menu
from tools.site.reference import write_reference


def build(folder: Path) -> int:
    """Build the site in a folder, whose content is replaced; returns an exit code."""
    with tempfile.TemporaryDirectory() as scratch:
        source, made = Path(scratch) / "source", Path(scratch) / "site"
        stage(source)
        write_reference(source)
        write_notebooks(ROOT, source)
        write_menu(source)
        strict = ["-q", "-W", "--keep-going"]
        places = ["-c", str(Path(__file__).parent), "-d", f"{scratch}/trees", str(source), str(made)]
        code = build_main([*strict, "-b", "html", *places])
        if code:
            return int(code)
        copy_pictures(source, made)
        faults = [f"fetched from elsewhere: {place}" for place in remote_parts(made)]
        faults += [f"leads nowhere: {place}" for place in dead_links(made)]
        print(*faults, sep="\n", end="\n" if faults else "", file=sys.stderr)
        (made / "external-links.txt").write_text(external_links(made), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made, folder)
    print(f"{folder}/index.html: open it in a browser; the search needs no server")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1])))
