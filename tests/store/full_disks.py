"""A network on file systems of its own that fill up, run out of inodes, or turn read-only.

Run in a mount namespace, with an empty folder.

Prints, as JSON, for each way how many commits were refused and how many went well, or the error if a version was lost or half-written.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import senpath as sp
from senpath.testing import ConstantMethod, tiny_network, tiny_task

OPTIONS = {"full": "size=6m", "few inodes": "nr_inodes=60", "read-only": "size=64m"}


def mount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)


def learn(net: sp.Network, name: str) -> bool:
    x, y = tiny_task("iris")
    before = (net.version, [*net.tasks])
    try:
        net.learn(name, x, y, method=ConstantMethod(hidden=512))
    except sp.StoreError as error:
        if "Nothing was changed" not in str(error):
            raise
        found = sp.Network(net.path)
        assert (found.version, [*found.tasks]) == before, "a version that was refused is there"
        found.verify()
        return False
    return True


def tried(way: str, folder: Path) -> dict[str, Any]:
    """What commits came to on a disk of a folder of its own."""
    folder.mkdir()
    mount(folder, OPTIONS[way])
    if way == "read-only":
        net = tiny_network(folder / "net", ["iris"])
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        refused = [learn(net, "refused"), learn(sp.Network(net.path), "refused")].count(False)
        assert sp.Network(net.path).predict(tiny_task("iris")[0][:5]).task[0] == "iris"
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
        learned = int(learn(net, "learned"))
    else:
        net = tiny_network(folder / "net", ["iris"])
        room = shutil.copytree(net.path, folder / "room")
        learned, refused, attempt = 0, 0, 0
        while refused < 3:
            attempt += 1
            if learn(net, f"task-{attempt}"):
                learned += 1
            else:
                refused += 1
        shutil.rmtree(room)
        assert learn(net, "with room again"), "no commit where there is room again"
        learned += 1
    sp.Network(folder / "net").verify()
    return {"learned": learned, "refused": refused}


def main(folder: Path) -> None:
    told: dict[str, dict[str, Any]] = {}
    for way in OPTIONS:
        try:
            told[way] = tried(way, folder / way)
        except Exception:
            told[way] = {"error": traceback.format_exc()}
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
