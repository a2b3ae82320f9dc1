"""A process that remembers what it saw first of every task, and looks again after every kill."""

from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

import senpath as sp
from benchmarks.endurance.actors import answer, up_to_date
from benchmarks.endurance.processes import Channel, Failure

SAMPLE = 30
"""Earlier tasks that are looked at when not all are."""


@dataclass
class Witness:
    """What was seen first of each task: the hashes of its components' files, and the bits that it answers to fixed inputs."""

    folder: Path
    random: np.random.Generator
    first: dict[str, tuple[dict[str, str], str]] = field(default_factory=dict)
    learned: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def look(self, channel: Channel, *, everything: bool) -> int:
        """Open the network anew, verify it and compare tasks; gives the number of components' files that no version names.

        Raises:
            Failure: at the first difference.
            SenpathError: what the network itself finds.
        """
        net = sp.Network(self.folder)
        up_to_date(channel, net, net.verify)
        self._require_tasks(net)
        files = component_files(self.folder)
        for name in self._chosen(set(net.view.tasks), everything):
            seen = self._hashes(net, name, files), answer(net, name)
            for what, before, now in zip(("component files", "answers"), self.first.setdefault(name, seen), seen, strict=True):
                if before != now:
                    raise Failure(f"task {name}: its {what} changed after they were first seen (now at version {net.version})")
        return len(files.keys() - net.view.manifest.components.keys())

    def require_log(self) -> None:
        """The log has one entry for each version."""
        net = sp.Network(self.folder)
        if [entry["version"] for entry in net.log] != list(range(1, net.version + 1)):
            raise Failure(f"the log does not have one entry for each of the {net.version} versions")

    def _require_tasks(self, net: sp.Network) -> None:
        names = set(net.view.tasks)
        for lost in sorted(self.learned - names):
            raise Failure(f"task {lost} was learned, as its writer was told, but version {net.version} does not have it")
        for gone in sorted(self.first.keys() - names):
            raise Failure(f"task {gone} was there, but version {net.version} does not have it")
        for there in sorted(self.refused & names):
            raise Failure(f"learning task {there} failed, as its writer was told, but version {net.version} has it")

    def _chosen(self, names: set[str], everything: bool) -> list[str]:
        old = sorted(self.first)
        if not everything and len(old) > SAMPLE:
            old = [str(name) for name in self.random.choice(old, SAMPLE, replace=False)]
        return [*sorted(names - self.first.keys()), *old]

    def _hashes(self, net: sp.Network, name: str, files: dict[str, list[Path]]) -> dict[str, str]:
        found: dict[str, str] = {}
        for component in net.view.pathway(name).references:
            if component not in files:
                raise Failure(f"task {name}: there is no file of its component {component[:12]}")
            found |= {path.name: sha256(path.read_bytes()).hexdigest() for path in files[component]}
        return found


def component_files(folder: Path) -> dict[str, list[Path]]:
    """Files of components, by hash: whatever is named by one, wherever it lies below the folder of components."""
    found = defaultdict(list)
    for path in sorted((folder / "components").rglob("*")):
        if path.is_file() and len(path.name.split(".")[0]) == 64 and not path.name.endswith(".tmp"):
            found[path.name.split(".")[0]].append(path)
    return dict(found)


def witness(channel: Channel, folder: Path, seed: int) -> None:
    """Look whenever the main process asks."""
    torch.set_num_threads(1)
    kept = Witness(folder, np.random.default_rng([seed, 2_000_000]))
    while True:
        asked = channel.hear()
        kept.learned |= set(asked["learned"])
        kept.refused |= set(asked["refused"])
        orphans = kept.look(channel, everything=asked["everything"])
        if asked["last"]:
            kept.require_log()
        channel.tell(looked=asked["number"], orphans=orphans)
