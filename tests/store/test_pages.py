"""Tasks in pages: what commits write, what readers take over, and what a stranger's pages may not be."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults import Faults

import senpath as sp
from senpath.history.copying import _to_objects
from senpath.store import Change, Manifest, Store, TaskRecord
from senpath.store.cloud_objects import CloudObjects
from senpath.store.folder_objects import FolderObjects
from senpath.store.local_cache import LocalCache
from senpath.store.pages import INDEX, INLINE, PAGE, Page, PageRecord, dump_task, indexed, read_pages
from senpath.testing import tiny_network
from tests.raising import raises_error

HEAVY = 6_000
"""Letters in a task's record, so that a page comes every few commits."""
Edit = Callable[[Path, dict[str, Any]], object]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of one task."""
    return tiny_network(tmp_path_factory.mktemp("pages") / "one.sen", ["iris"]).path


@pytest.fixture(scope="module")
def paged(one: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of 21 tasks, most of them in two pages of unlike size, and some in network.json."""
    path = Path(shutil.copytree(one, tmp_path_factory.mktemp("pages") / "paged.sen"))
    learn(path, *(f"a{number}" for number in range(12)))
    learn(path, *(f"b{number}" for number in range(6)))
    learn(path, "c0", "c1")
    assert len(list((path / "pages").iterdir())) == 2
    return path


@pytest.fixture
def folder(paged: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(paged, tmp_path / "net.sen"))


def named(record: TaskRecord, name: str) -> TaskRecord:
    """The same task by another name, with a record that is told at length."""
    provenance = replace(record.pathway.provenance, record={"told": name[0] * HEAVY})
    return replace(record, pathway=replace(record.pathway, task=name, provenance=provenance))


def revised(record: TaskRecord) -> TaskRecord:
    """The same task, changed a little."""
    return replace(record, misled=record.misled + 0.5)


def write(path: Path, change: Callable[[dict[str, TaskRecord]], object], store: Store | None = None) -> Manifest:
    """Commit other tasks."""
    store = store or Store(path)

    def make(before: Manifest) -> tuple[Manifest, Change]:
        tasks = dict(before.tasks)
        change(tasks)
        return before.followed_by(tasks=tasks, last={"version": before.version + 1, "tasks": []}), Change((), {}, {})

    return store.update(store.read(), make)[1]


def learn(path: Path, *names: str) -> Manifest:
    """Commit copies of the first task."""
    return write(path, lambda tasks: tasks.update({name: named(tasks["iris"], name) for name in names}))


def pages(path: Path) -> dict[str, int]:
    """Bytes of each page, by its hash."""
    return {file.stem: file.stat().st_size for file in (path / "pages").iterdir()}


def same(one: Manifest, other: Manifest) -> bool:
    """Whether two manifests say the same of every task, in the same order."""
    return one == other and [*one.tasks.items()] == [*other.tasks.items()] and one.components == other.components


def test_a_commit_writes_what_is_new(one: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(one, tmp_path / "net.sen"))
    written, sizes, before = [], [], dict[str, int]()
    for number in range(30):
        learned = learn(path, f"task {number}")
        now = pages(path)
        written.append(sum(now[name] for name in now.keys() - before.keys()))
        sizes.append((path / "network.json").stat().st_size)
        before = now
        assert same(Store(path).read(), learned)
    assert max(sizes) < INLINE + 20_000  # tasks up to INLINE, and the head
    assert max(sizes[20:]) <= max(sizes[:10]) + 2_000
    assert sum(written) < 5 * 30 * HEAVY * 1.2
    assert written.count(0) > 20
    assert len(Store(path).read().pages) <= 4
    for number in range(learned.version - 9, learned.version):  # and all kept versions have theirs
        assert len(sp.Network(path).view_of(number).tasks) == number
    sp.Network(path).verify()
    sp.Network(path).gc(versions=1)
    assert {*pages(path)} == {page.record.sha256 for page in Store(path).read().pages}


def test_a_change_of_one_task_rewrites_its_page_alone(folder: Path) -> None:
    first, second = Store(folder).read().pages
    changed = write(folder, lambda tasks: tasks.update(a3=revised(tasks["a3"])))
    assert [page.record.tasks for page in changed.pages] == [first.record.tasks, second.record.tasks]
    assert changed.pages[0].record != first.record
    assert changed.pages[1].record == second.record
    removed = write(folder, lambda tasks: [tasks.pop(name) for name in ("a1", "a4", "c0")])
    assert [*Store(folder).read().tasks] == [*removed.tasks] == [name for name in changed.tasks if name not in ("a1", "a4", "c0")]
    back = write(folder, lambda tasks: tasks.update(a4=named(tasks["a5"], "a4")))
    assert [*Store(folder).read().tasks][-1] == "a4"
    assert same(Store(folder).read(), back)
    returned = sp.Network(folder).rollback(changed.version)
    assert {*returned.restored} == {"a1", "c0"}
    assert [*Store(folder).read().tasks] == [*changed.tasks]


def test_few_tasks_are_left_and_need_no_page(folder: Path) -> None:
    write(folder, lambda tasks: [tasks.pop(name) for name in [*tasks][1:]])
    assert [*Store(folder).read().tasks] == ["iris"]
    assert not Store(folder).read().pages


def test_a_reader_that_goes_along_reads_new_pages_alone(folder: Path) -> None:
    read: list[int] = []

    class Counting(FolderObjects):
        def blobs(self, files: Sequence[tuple[str, str, int]]) -> Sequence[bytes]:
            read.append(len(files))
            return super().blobs(files)

    reader = Store(Counting(folder))
    known = reader.read()
    assert read == [2]
    learned = learn(folder, "d0")
    known = reader.read(known)
    assert same(known, learned)
    learned = learn(folder, *(f"d{number}" for number in range(1, 5)))
    assert same(reader.read(known), learned)
    assert sum(read) == 2 + len({page.record for page in learned.pages} - {page.record for page in known.pages})


def test_a_reader_whose_pages_go_reads_the_newer_version(folder: Path) -> None:
    class Slow(FolderObjects):
        """Twelve versions pass between the reading of network.json and that of the pages."""

        late = True

        def blobs(self, files: Sequence[tuple[str, str, int]]) -> Sequence[bytes]:
            if self.late:
                self.late = False
                write(folder, lambda tasks: tasks.update(a0=revised(tasks["a0"]), b0=revised(tasks["b0"])))
                for number in range(12):
                    learn(folder, f"d{number}")
            return super().blobs(files)

    assert "d11" in Store(Slow(folder)).read().tasks


def test_a_copy_has_pages_of_its_own(folder: Path, tmp_path: Path) -> None:
    net = sp.Network(folder)
    net.save_pretrained(tmp_path / "saved")
    copied = sp.Network.from_pretrained(tmp_path / "saved")
    assert [*copied.tasks] == [*net.tasks]
    copied.verify()
    net.export("b1", tmp_path / "b1.sentask")
    assert sp.Network(tmp_path / "other.sen").import_task(tmp_path / "b1.sentask").provenance.record == {"told": "b" * HEAVY}


@pytest.mark.skipif(not hasattr(os, "link"), reason="the system has no hard links")
def test_a_copy_of_links_stays_as_it_is(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "links.sen", copy_function=os.link)
    before = Store(tmp_path / "links.sen").read()
    learn(folder, *(f"d{number}" for number in range(12)))
    write(folder, lambda tasks: tasks.update(a0=revised(tasks["a0"])))
    assert same(Store(tmp_path / "links.sen").read(), before)
    sp.Network(tmp_path / "links.sen").verify()


def test_a_copy_that_is_made_while_others_commit(folder: Path, tmp_path: Path) -> None:
    """network.json first, then all else that is not there yet, as docs/format.md says."""
    target = tmp_path / "copy.sen"
    target.mkdir()
    shutil.copy(folder / "network.json", target)
    before = Store(folder).read()
    for number in range(8):
        write(folder, lambda tasks, number=number: tasks.update({f"d{number}": named(tasks["a0"], f"d{number}")}) or tasks.pop("a1", None))
    for file in folder.rglob("*"):
        there = target / file.relative_to(folder)
        if file.is_file() and not there.exists():
            there.parent.mkdir(exist_ok=True)
            shutil.copy(file, there)
    copied = sp.Network(target)
    assert [*copied.tasks] == [*before.tasks]
    copied.verify()


def test_interrupted_while_a_page_is_written(folder: Path, faults: Faults) -> None:
    learn(folder, "c2", "c3")
    steps, left = 0, None
    while True:
        before, there = Store(folder).read(), pages(folder)
        with faults.at(folder, steps, KeyboardInterrupt()):
            try:
                learn(folder, f"d{steps}")
            except KeyboardInterrupt:
                left = Store(folder).read()
        if not faults.fired:
            break
        assert left is not None
        assert left.version in (before.version, before.version + 1)
        assert left.version > before.version or pages(folder) == there
        steps += 1
    assert steps > 15
    assert "d0" not in left.tasks if left else False
    learn(folder, "after")
    named_by_versions = {record for number in sp.Network(folder).versions for record in roots(folder, number)}
    assert {*pages(folder)} == named_by_versions | {page.record.sha256 for page in Store(folder).read().pages}


def roots(path: Path, version: int) -> list[str]:
    """The pages that a kept version names."""
    return [page["sha256"] for page in json.loads((path / "versions" / f"{version}.json").read_bytes())["network"]["pages"]]


def sealed(path: Path, edit: Edit) -> None:
    """Change network.json, and give it the checksum that fits."""
    content = json.loads((path / "network.json").read_bytes())
    del content["checksum"]
    edit(path, content["network"])
    tasks = content["network"].pop("tasks")
    lines = ",\n".join(f"{json.dumps(name)}:{json.dumps(task)}" for name, task in tasks.items())
    head = json.dumps(content).removesuffix("}}") + ',\n"tasks":{\n'
    body = (head + lines + "\n}}").encode()
    (path / "network.json").write_bytes(body + b',\n"checksum":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n')


def put(path: Path, network: dict[str, Any], content: bytes, **facts: Any) -> dict[str, Any]:
    """Add a page with this content."""
    record = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), "tasks": 1, "pages": 0, **facts}
    (path / "pages" / f"{record['sha256']}.json").write_bytes(content)
    network["pages"].append(record)
    return record


def edited(change: Callable[[dict[str, Any]], object]) -> Edit:
    """A change of the last page's content, which its hash and its numbers follow."""

    def edit(path: Path, network: dict[str, Any]) -> None:
        record = network["pages"].pop()
        content = json.loads((path / "pages" / f"{record['sha256']}.json").read_bytes())
        change(content)
        put(path, network, json.dumps(content).encode(), tasks=len(content.get("tasks", ())))

    return edit


def listing(*, within: bool) -> Edit:
    """A page that lists a page: one that lists itself others, or the very one that network.json names too."""

    def edit(path: Path, network: dict[str, Any]) -> None:
        inner = network["pages"][-1]
        if within:
            network["pages"].pop()
            inner = put(path, network, json.dumps({"pages": [inner]}).encode(), tasks=inner["tasks"], pages=1)
            network["pages"].pop()
        put(path, network, json.dumps({"pages": [inner]}).encode(), tasks=inner["tasks"], pages=1)

    return edit


def facts(**changed: Any) -> Edit:
    return lambda path, network: network["pages"][-1].update(changed)


def first_file(path: Path, network: dict[str, Any]) -> Path:
    return path / "pages" / f"{network['pages'][0]['sha256']}.json"


HOSTILE: dict[str, tuple[Edit, str]] = {
    "a page twice": (lambda path, network: network["pages"].append(network["pages"][0]), "one is there twice"),
    "another number of tasks": (facts(tasks=7), "others at pages."),
    "no tasks": (facts(tasks=0), "others at pages."),
    "fewer bytes": (facts(bytes=10), "more than the 10 that are read"),
    "more bytes": (facts(bytes=10**6), "changed or cut"),
    "too many bytes": (facts(bytes=2**33), "too large"),
    "bytes below zero": (facts(bytes=-1), "others at pages."),
    "more pages than may be": (facts(pages=INDEX + 1), "others at pages."),
    "a hash that leads elsewhere": (facts(sha256="../../secret"), "others at pages.../../secret"),
    "a list that is none": (facts(pages=1), "others at pages."),
    "a list within a list": (listing(within=True), "others at pages."),
    "a page in two places": (listing(within=False), "one is there twice"),
    "a page that is changed": (lambda path, network: first_file(path, network).write_bytes(b"{}"), "changed or cut"),
    "a page that is gone": (lambda path, network: first_file(path, network).unlink(), "No such file"),
    "a page that is a link": (lambda path, network: link(first_file(path, network)), "symbolic link"),
    "pages that are a link": (lambda path, network: link(path / "pages"), "symbolic link"),
    "no JSON": (lambda path, network: put(path, network, b"\xff"), "others at pages."),
    "other fields": (edited(lambda page: page.update(more=1)), "others at pages."),
    "a task that is no task": (edited(lambda page: page["tasks"].update(b0=7)), "others at pages."),
    "a task of another name": (edited(lambda page: page["tasks"].update(x=page["tasks"].pop("b0"))), "others at tasks.x"),
    "a task in network.json too": (edited(lambda page: page["tasks"].update(c1=page["tasks"]["b0"])), "one is there twice"),
    "components that no task needs": (edited(lambda page: page["components"].update({"0" * 64: 1})), "others at pages."),
    "components that are missing": (edited(lambda page: page["components"].clear()), "others at pages."),
    "a component of two sizes": (edited(lambda page: page["components"].update(dict.fromkeys(page["components"], 5))), "two sizes"),
    "a component of less than nothing": (
        edited(lambda page: page["components"].update(dict.fromkeys(page["components"], -5))),
        "others at",
    ),
    "columns beyond the file's": (edited(lambda page: page["tasks"]["b0"]["statistics"].update(first=10**9)), "others at pages."),
    "a version to come": (edited(lambda page: page["tasks"]["b0"].update(version=10**9)), "others at pages."),
}


def link(path: Path) -> None:
    """Put a link to what has the name in its place."""
    path.rename(path.with_name("aside"))
    path.symlink_to("aside", target_is_directory=path.with_name("aside").is_dir())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_strangers_pages(folder: Path, name: str) -> None:
    edit, got = HOSTILE[name]
    sealed(folder, edit)
    with raises_error(sp.StoreError) as caught:
        sp.Network(folder)
    assert got in str(caught.value)


def test_a_list_is_read_as_the_pages_that_it_lists(folder: Path) -> None:
    before = Store(folder).read()

    def edit(path: Path, network: dict[str, Any]) -> None:
        listed, network["pages"] = network["pages"], []
        put(path, network, json.dumps({"pages": listed}).encode(), tasks=sum(page["tasks"] for page in listed), pages=len(listed))

    sealed(folder, edit)
    after = Store(folder).read()
    assert [*after.tasks.items()] == [*before.tasks.items()]
    learned = learn(folder, "after")  # the kept version needs the list
    assert same(Store(folder).read(), learned)
    assert [*sp.Network(folder).view_of(before.version).tasks] == [*before.tasks]


def test_many_pages_are_listed_in_pages(paged: Path) -> None:
    page = Store(paged).read().pages[0]
    contents, many = dict[PageRecord, bytes](), list[Page]()
    for number in range(3 * INDEX + 5):
        record = named(page.tasks["a0"], f"task {number}")
        content = Store(paged).objects.blob(f"pages/{page.record.file}", page.record.sha256)
        body = json.loads(content)
        line = next(iter(body["tasks"].values()))
        line["pathway"]["task"] = f"task {number}"
        content = json.dumps({"components": body["components"], "tasks": {f"task {number}": line}}).encode()
        kept = PageRecord(hashlib.sha256(content).hexdigest(), len(content), 1)
        contents[kept] = content
        many.append(replace(page, record=kept, tasks={f"task {number}": record}))
    records, lists = indexed(many)
    assert len(records) == 2 + INDEX + 5
    assert [record.pages for record in records[:3]] == [INDEX, INDEX, 0]

    def fetch(wanted: Sequence[PageRecord]) -> list[bytes]:
        return [contents[record] if record in contents else lists[record.sha256] for record in wanted]

    read, new = read_pages(records, fetch, many[:10])
    assert [one.record for one in read] == [one.record for one in many]
    assert len(new) == len(many) - 10
    assert read[0] is many[0]
    assert sum(record.bytes for record in records) < PAGE


def test_a_commit_to_object_storage_writes_every_page_that_it_names(one: Path, tmp_path: Path) -> None:
    """Columns are segments there, which are known only once they are written; the second page is half as long as the first but for what
    stands before its task."""
    service = CloudObjects(None, LocalCache(tmp_path / "cache", 2**30))._service
    store = Store(CloudObjects(None, LocalCache(tmp_path / "mine", 2**30), service))
    _to_objects(Store(one), Store(one).read(), store)

    def learn_long(name: str, letters: int) -> TaskRecord:
        tasks: list[TaskRecord] = []

        def make(before: Manifest) -> tuple[Manifest, Change]:
            (key, record), *_ = before.types.items()
            first = before.tasks["iris"]
            told = replace(first.pathway.provenance, record={"told": "x" * letters})
            statistics = replace(first.statistics, first=record.rows)
            tasks.append(replace(first, pathway=replace(first.pathway, task=name, provenance=told), statistics=statistics))
            types = {key: replace(record, rows=record.rows + statistics.rows, segments=())}
            rows = {record.columns: (record.rows, np.full((statistics.rows, record.width), letters, np.float32))}
            last = {"version": before.version + 1, "tasks": []}
            return before.followed_by(tasks=before.tasks | {name: tasks[-1]}, types=types, last=last), Change((), rows, {})

        store.update(store.read(), make)
        return tasks[-1]

    rest = len(dump_task("t0", learn_long("t0", 2 * INLINE + 10_000))) - (2 * INLINE + 10_000)
    (page,) = store.read().pages
    learn_long("t1", page.record.bytes // 2 - rest - 50)
    stranger = Store(CloudObjects(None, LocalCache(tmp_path / "stranger", 2**30), service))
    assert [*stranger.read().tasks] == ["iris", "t0", "t1"]
