"""Folders with hashes that fit whatever was changed in them, as their maker can always write them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHECKSUM = b',\n"checksum":"'
TASKS = b',\n"tasks":{\n'
EPOCH = (1980, 1, 1, 0, 0, 0)


def sealed(body: bytes) -> bytes:
    """Content with the checksum that fits behind it."""
    return body + CHECKSUM + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


def canonical(value: Any) -> bytes:
    """The spelling of a component's description."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def hash_of(description: bytes, payload: bytes) -> str:
    """The name of a component with this description."""
    return hashlib.sha256(len(description).to_bytes(8, "little") + description + payload).hexdigest()


def needed(task: Any) -> list[str]:
    """Hashes of the components that a task's record names, as far as it is one."""
    try:
        pathway, statistics = task["pathway"], task["statistics"]
        names = [*pathway["components"], *(name for link in pathway["links"] for name in (*link["reads"], link["component"]))]
        names += [name for inside in pathway["children"].values() for name in inside]
        return [name for name in (*names, statistics["gate"]) if isinstance(name, str)]
    except (KeyError, TypeError, AttributeError):
        return []


class Folder:
    """A network's folder in memory, to be changed and written with hashes that fit.

    Args:
        names: content of its files, by name.

    Attributes:
        manifest: network.json without its checksum.
        components: by hash, description and the content of the file of weights, with its ending.
        files: content of all others, by name.
        runs: of how many tasks each page has, from the first on; the others are in network.json.
        change_page: what becomes of each page's content before it is hashed.
        change_list: what becomes of the list of pages.
    """

    def __init__(self, names: dict[str, bytes]) -> None:
        self.manifest = json.loads(names.pop("network.json"))
        del self.manifest["checksum"]
        self.runs: list[int] = []
        self.change_page: Callable[[Any], Any] = lambda page: page
        self.change_list: Callable[[Any], Any] = lambda records: records
        self._unpage(names)
        self.components: dict[str, tuple[Any, bytes, str]] = {}
        for name in [name for name in names if name.startswith("components/") and name.endswith(".json")]:
            stem = name.removesuffix(".json")
            file = next(other for other in names if other.startswith(stem) and other != name)
            self.components[stem.removeprefix("components/")] = (json.loads(names[name]), names[file], Path(file).suffix)
            del names[name], names[file]
        self.files = names

    @classmethod
    def read(cls, path: Path) -> Folder:
        """A folder on disk."""
        return cls({str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()})

    @classmethod
    def unpack(cls, path: Path) -> Folder:
        """The network within an exported task."""
        with zipfile.ZipFile(path) as archive:
            return cls({name: archive.read(name) for name in archive.namelist() if name != "task.json"})

    @property
    def network(self) -> dict[str, Any]:
        """What the manifest says of the network."""
        network: dict[str, Any] = self.manifest["network"]
        return network

    def put(self, description: Any, payload: bytes, ending: str = ".safetensors", weights: int = 0) -> str:
        """Add a component; returns its hash."""
        name = hash_of(canonical(description), payload)
        self.components[name] = (description, payload, ending)
        self.network["components"][name] = weights
        return name

    def replace(self, old: str, description: Any, payload: bytes) -> None:
        """Put a component in another's place, and everything that names that one with it."""
        ending = self.components.pop(old)[2]
        new = hash_of(canonical(description), payload)
        self.components[new] = (description, payload, ending)
        self.manifest = json.loads(json.dumps(self.manifest).replace(old, new))
        for name, (other, content, _) in list(self.components.items()):
            text = json.dumps(other)
            if old in text and name in self.components:
                self.replace(name, json.loads(text.replace(old, new)), content)

    def seal_statistics(self) -> None:
        """Give types and tasks the hashes of the dispatcher's files as they are."""
        for name in [name for name in self.files if name.endswith(".covariance")]:  # which are called by their hashes
            new = hashlib.sha256(self.files[name]).hexdigest()
            self.manifest = json.loads(json.dumps(self.manifest).replace(Path(name).stem, new))
            self.files[f"dispatcher/{new}.covariance"] = self.files.pop(name)
        for key, record in self.network["types"].items():
            files = [(record, "pooled", "pooled_sha256")]
            if isinstance(record.get("metric"), dict):
                files.append((record["metric"], "file", "sha256"))
            for place, name, digest in files:
                content = self.files.get(f"dispatcher/{place.get(name)}")
                if content is not None:
                    place[digest] = hashlib.sha256(content).hexdigest()
            rows = self.files.get(f"dispatcher/{record.get('columns')}", b"")
            for task in self.network["tasks"].values():
                if task["pathway"].get("data_type") == key:
                    first, count, wide = task["statistics"]["first"], task["statistics"]["rows"], record["width"] * 4
                    task["statistics"]["sha256"] = hashlib.sha256(rows[first * wide : (first + count) * wide]).hexdigest()

    def contents(self) -> dict[str, bytes]:
        """Every file's content, by its name."""
        content = dict(self.files)
        for name, (description, payload, ending) in self.components.items():
            content[f"components/{name}.json"] = canonical(description)
            content[f"components/{name}{ending}"] = payload
        network = self.manifest.get("network") if isinstance(self.manifest, dict) else None
        if isinstance(network, dict) and isinstance(network.get("tasks"), dict) and self.manifest.get("format_version") != 1:
            network = self._page(network, content) if self.runs else network
            head = {**self.manifest, "network": {name: value for name, value in network.items() if name != "tasks"}}
            lines = [json.dumps(name).encode() + b":" + json.dumps(task).encode() for name, task in network["tasks"].items()]
            body = json.dumps(head).encode().removesuffix(b"}}") + TASKS + b",\n".join(lines) + b"\n}}"
        else:
            body = json.dumps(self.manifest).encode().removesuffix(b"}")
        return {**content, "network.json": sealed(body)}

    def _unpage(self, names: dict[str, bytes]) -> None:
        """Put all tasks into the manifest, to be changed there, and note which were in pages."""
        network = self.network
        pages = [json.loads(names.pop(f"pages/{record['sha256']}.json")) for record in network.pop("pages", [])]
        self.runs = [len(page["tasks"]) for page in pages]
        for part in ("tasks", "components"):
            network[part] = {name: value for page in (*pages, network) for name, value in page[part].items()}

    def _page(self, network: dict[str, Any], content: dict[str, bytes]) -> dict[str, Any]:
        """The network with its first tasks in pages, whose content is added."""
        rest, records = list(network["tasks"].items()), []
        for count in self.runs:
            tasks, rest = dict(rest[:count]), rest[count:]
            sizes = {name: network["components"].get(name, 0) for task in tasks.values() for name in needed(task)}
            page = json.dumps(self.change_page({"components": sizes, "tasks": tasks})).encode()
            name = hashlib.sha256(page).hexdigest()
            content[f"pages/{name}.json"] = page
            records.append({"sha256": name, "bytes": len(page), "tasks": len(tasks), "pages": 0})
        return {**network, "tasks": dict(rest), "pages": self.change_list(records)}

    def write(self, path: Path) -> None:
        """Make a folder of it."""
        for part in ("components", "dispatcher", "pages", "temporary", "versions"):
            (path / part).mkdir(parents=True, exist_ok=True)
        for name, content in self.contents().items():
            file = path / name
            if not file.parent.resolve().is_relative_to(path.resolve()):
                continue
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            except (OSError, ValueError):
                continue  # a name that no system takes

    def archive(self, path: Path) -> None:
        """Make an exported task of it."""
        files = self.contents()
        members = {name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in files.items()}
        body = json.dumps({"format": "senpath-task", "format_version": 1, "members": members}).encode().removesuffix(b"}")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            for name, content in {"task.json": sealed(body), **files}.items():
                archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
