"""Whether the parts of a manifest fit each other, as all that reads it takes for granted: a checksum says nothing of who made it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import inf, prod
from typing import TYPE_CHECKING, Any

from senpath.arrays import is_description, is_name
from senpath.components import NUMBERS
from senpath.confined import LARGEST_FILE
from senpath.inputs.modalities import MODALITIES
from senpath.inputs.modalities.normalised import CONVENTIONS
from senpath.inputs.modalities.picture_types import type_name
from senpath.inputs.modalities.plans import fits_options, plans_of
from senpath.inputs.modalities.table import fingerprint, old_fingerprint
from senpath.inputs.modalities.video import video_width
from senpath.routing import CARRIERS
from senpath.tasks.labels import LARGEST_WHOLE
from senpath.types import DataType

if TYPE_CHECKING:
    from senpath.pathways import Pathway
    from senpath.store.manifest import Manifest
    from senpath.store.pages import Page
    from senpath.store.records import StatisticsRecord, TaskRecord, TypeRecord

LARGEST = NUMBERS
"""Numbers in one encoded input, at most: 64 megabytes."""
LARGEST_READ, LONGEST_TEXT = 2**22, 4096
"""Numbers and parts of a text that an encoder reads of one input, at most."""
WIDEST = 2**14
"""Numbers in a row of columns, at most: their covariances take the square of it."""
SOFTEST, HUGE = 1e12, 1e300
ROWS = 2**31
VERSIONS = 2**53
WEIGHTS = 2**40
COUNTS = 2**53
"""What is counted: examples, weights that ran."""
LONGEST, LONGEST_TOGETHER = 1024, 2**14
"""Components of a chain, and of all chains of a task together, at most: each of a chain's beginnings is computed with."""
HASH = re.compile(r"[0-9a-f]{64}")
KEY = re.compile(r"[a-z0-9-]{1,100}")
"""The key of a type, of which files' names are made."""
FILE = re.compile(r"[a-z0-9-]{1,100}(\.[0-9]{1,16})?\.(columns|pooled|metric)")
"""The name of a file of the dispatcher's."""
RATES = range(1_000, 16_001)
SEEDS = range(2**64)
ID = re.compile(r"[0-9a-f]{32}")
"""Of a network."""
REVISION = re.compile(r"[0-9a-f]{40}")
"""A commit on the Hugging Face hub."""
PACKAGE = re.compile(r"[A-Za-z0-9._-]{1,100}")
"""The name of a package, which messages may advise to install."""


def check_parts(manifest: Manifest, tail: Iterable[str], new: Iterable[Page]) -> None:
    """Look at a manifest's types, at the tasks that are in no page, and at pages. Components are `check_components`'s business.

    Args:
        tail: names of the tasks that are in no page.
        new: pages that were not looked at before. Of others it is enough that their rows and versions are within the network's.

    Raises:
        ValueError: naming the first place that cannot be.
    """
    _require(not manifest.id or ID.fullmatch(manifest.id) is not None, "id")
    _require(0 <= manifest.version < VERSIONS, "version")
    for key, record in manifest.types.items():
        _require(_fits_type(key, record, manifest.components), f"types.{key}")
        of_type = all(task in manifest.tasks and manifest.tasks[task].pathway.data_type == key for task in record.covariances)
        _require(of_type, f"types.{key}.covariances")
    used = set[str]()
    for page in manifest.pages:
        within = all(key in manifest.types and rows <= manifest.types[key].rows for key, rows in page.rows.items())
        _require(within and page.version <= manifest.version, f"pages.{page.record.sha256}")
        used |= page.rows.keys()
    for name in chain(tail, *(page.tasks for page in new)):
        _require(_fits_task(name, manifest.tasks[name], manifest), f"tasks.{name}")
        used.add(manifest.tasks[name].pathway.data_type)
    _require(used == set(manifest.types), "types, or the tasks of one")


def check_components(components: Mapping[str, int]) -> None:
    """Look at hashes of components and at their numbers of weights.

    Raises:
        ValueError: naming the first that cannot be.
    """
    for name, weights in components.items():
        _require(HASH.fullmatch(name) is not None and 0 <= weights <= WEIGHTS, f"components.{name[:64]}")


def _require(holds: bool, where: str) -> None:
    if not holds:
        raise ValueError(where)


def _fits_type(key: str, record: TypeRecord, components: Mapping[str, int]) -> bool:
    metric, pooled = record.metric, [record.pooled] if record.pooled else []
    names = [record.columns, *pooled, *([metric.file] if metric is not None else [])]
    return (
        _fits_encoding(record.data_type)
        and KEY.fullmatch(key) is not None
        and record.data_type.key == key
        and record.features in components
        and fits_columns(record)
        and bool(record.pooled) == (1 <= record.summed <= VERSIONS)
        and (not record.pooled or HASH.fullmatch(record.pooled_sha256) is not None)
        and not (record.pooled and record.covariances)
        and len(record.covariances) <= CARRIERS
        and all(HASH.fullmatch(name) for name in record.covariances.values())
        and all(FILE.fullmatch(name) for name in names)
        and (metric is None or HASH.fullmatch(metric.sha256) is not None)
        and (metric is None or all(0 <= number <= WEIGHTS for number in (metric.tasks, metric.shared, metric.each)))
    )


def fits_columns(record: TypeRecord) -> bool:
    """Whether a type's columns are so many numbers, in segments that are together as long as a file may be, and each of them once."""
    segments = record.segments
    once = len({segment.sha256 for segment in segments}) == len(segments)
    return (
        1 <= record.rows <= ROWS
        and 1 <= record.width <= WIDEST
        and (not segments or (once and record.rows * record.width * 4 <= LARGEST_FILE))
        and (not segments or sum(segment.rows for segment in segments) == record.rows)
        and all(HASH.fullmatch(segment.sha256) is not None and segment.rows >= 1 for segment in segments)
    )


def _fits_encoding(kind: DataType) -> bool:
    shape, options = kind.shape, kind.options
    if "encoder" in options:
        return _fits_encoder(kind)
    if kind.modality not in MODALITIES or min(shape, default=0) < 1 or prod(shape) > LARGEST:
        return False
    if kind.modality == "table":
        return _fits_table(shape, options)
    if kind.modality == "audio":
        averaged = options.get("averaged", 1)
        heard = isinstance(averaged, int) and 1 <= averaged <= LARGEST and averaged * prod(shape) <= LARGEST
        return len(shape) == 2 and heard and isinstance(options.get("rate"), int) and options["rate"] in RATES
    if kind.modality == "text":
        return isinstance(options.get("buckets"), int) and shape == (2 * options["buckets"],)
    if kind.modality == "video":
        frame = options.get("frame")
        return len(shape) == 2 and isinstance(frame, list) and _fits_frame(frame) and shape[1] == video_width(frame[0])
    return len(shape) == 3 and shape[0] in (1, 3) and _fits_name(kind)


def _fits_name(kind: DataType) -> bool:
    """Whether pictures of a further type have the name that follows from their encoding; of the first type they have none."""
    return _fits_normalised(kind) and kind.options.get("name") in (None, type_name(kind))


def _fits_normalised(kind: DataType) -> bool:
    kept = kind.options.get("normalised")
    if kept is None:
        return "normalised" not in kind.options
    if kind.encoder is not None or not isinstance(kept, dict) or kept.keys() != {"mean", "std", "name"}:
        return False
    if not isinstance(kept["mean"], list) or not isinstance(kept["name"], str):
        return False
    numbers = all(_numbers(kept[part], len(kept["mean"])) for part in ("mean", "std")) and len(kept["mean"]) in (1, kind.shape[0])
    return numbers and min(kept["std"]) > 0 and (kept["name"] == "" or kept["name"] in CONVENTIONS)


def _fits_table(shape: tuple[int, ...], options: Mapping[str, Any]) -> bool:
    if not fits_options(options) or (sum(plan.width for plan in plans_of(options)),) != shape:
        return False
    numbers = all(_numbers(options.get(name), shape[0]) for name in ("mean", "scale", *({"fill"} & options.keys())))
    marked = options.get("fingerprint") in (fingerprint(options["columns"]), old_fingerprint(options["columns"]))
    straight = options.get("straight", 1.0)
    bent = isinstance(straight, float) and 0 < straight < inf
    return numbers and 0 not in options["scale"] and marked and bent


def _fits_encoder(kind: DataType) -> bool:
    encoder, reads = kind.options["encoder"], kind.options.get("reads")
    known = isinstance(encoder, dict) and isinstance(encoder.get("name"), str) and _is_hash(encoder.get("sha256"))
    counted = known and isinstance(encoder.get("weights"), int) and 0 <= encoder["weights"] <= WEIGHTS
    package = encoder.get("package", "-") if known else None
    revision = encoder.get("revision", "0" * 40) if known else None
    if not isinstance(package, str) or not PACKAGE.fullmatch(package) or not isinstance(revision, str) or not REVISION.fullmatch(revision):
        return False
    if not counted or not isinstance(reads, dict) or not isinstance(reads.get("shape"), list) or not isinstance(reads.get("options"), dict):
        return False
    if kind.modality not in MODALITIES or len(kind.shape) not in (1, 2) or min(kind.shape) < 1 or prod(kind.shape) > LARGEST:
        return False
    shape, options = tuple(reads["shape"]), reads["options"]
    if not all(isinstance(size, int) and size >= 1 for size in shape) or prod(shape) > LARGEST_READ:
        return False
    if kind.modality == "audio":  # spectra, or waves
        return len(shape) in (1, 2) and options.get("rate") in RATES
    if kind.modality == "text":
        return len(shape) == 1 and shape[0] <= LONGEST_TEXT
    if kind.modality == "video":  # pictures
        return len(shape) == 4 and _fits_frame(shape[1:])
    return _fits_encoding(DataType(kind.modality, shape, options)) and (kind.modality != "image" or _fits_name(kind))


def _fits_frame(shape: Sequence[Any]) -> bool:
    """Whether this is the shape of a picture, (channels, height, width)."""
    sizes = all(isinstance(size, int) and size >= 1 for size in shape)
    return len(shape) == 3 and sizes and shape[0] in (1, 3) and prod(shape) <= LARGEST_READ


def _fits_task(name: str, record: TaskRecord, manifest: Manifest) -> bool:
    path = record.pathway
    return (
        path.task == name
        and is_name(name)
        and is_description(record.description)
        and path.data_type in manifest.types
        and bool(path.classes)
        and len(set(path.classes)) == len(path.classes)
        and not any(isinstance(label, int) and abs(label) >= LARGEST_WHOLE for label in path.classes)
        and _fits_history(path)
        and abs(record.misled) < HUGE
        and bool(path.chains)
        and max(map(len, path.chains)) <= LONGEST
        and sum(map(len, path.chains)) <= LONGEST_TOGETHER
        and 0 <= record.version <= manifest.version
        and (path.concept is None or (is_name(path.concept) and path.task_kind.exclusive))
        and 0 < path.temperature < HUGE
        and (path.scale is None or (not path.task_kind.has_labels and len(path.scale.offset) == len(path.classes)))
        and path.references <= manifest.components.keys()
        and len(record.statistics.owners) in (0, record.statistics.rows)
        and all(owner is None or 0 <= owner < len(path.classes) for owner in record.statistics.owners)
        and record.probe.seed in SEEDS
        and _fits_statistics(record.statistics, manifest.types[path.data_type], manifest)
        and _fits_vote(record.statistics, path)
    )


def _fits_history(path: Pathway) -> bool:
    """Whether what is told of how a task was learned are counts and numbers that can be computed with."""
    of = path.provenance
    cost = vars(of.cost).values() if of.cost is not None else ()
    counts = (
        of.examples,
        of.fewest_per_class,
        *cost,
        *(change.version for change in of.revisions),
        *(link.examples for link in path.links),
    )
    shares = sum(abs(transfer.share) for link in path.links for transfer in link.transfers) + sum(map(abs, of.sources_tried.values()))
    return all(0 <= count <= COUNTS for count in counts) and shares < HUGE


def _fits_vote(kept: StatisticsRecord, path: Pathway) -> bool:
    """Whether columns that vote on classes are each of one, and every class has one."""
    vote = kept.figures.get("vote", 0)
    classes = {*(kept.owners or range(kept.rows))}
    return vote == 0 or (0 < vote <= 1 and path.task_kind.exclusive and classes == {*range(len(path.classes))})


def _fits_statistics(kept: StatisticsRecord, record: TypeRecord, manifest: Manifest) -> bool:
    gated = manifest.settings.get("dispatcher") == "binary"
    return (
        0 <= kept.first < kept.first + kept.rows <= record.rows
        and HASH.fullmatch(kept.sha256) is not None
        and len(kept.counts) == kept.rows
        and min(kept.counts) > 0
        and sum(kept.counts) < HUGE  # none is NaN or infinite
        and kept.figures.keys() >= {"limit", "few"}
        and sum(map(abs, kept.figures.values())) < HUGE
        and kept.figures["limit"] > 0
        and kept.figures.get("learned_limit", 1) > 0
        and 0 <= kept.figures.get("softness", 0) <= SOFTEST
        and 0 <= kept.figures.get("correction", 0) <= 1
        and 0 <= kept.figures.get("prior", 0) <= 1
        and 0.1 <= kept.figures.get("temperature", 1) <= 1000
        and (kept.gate in manifest.components if gated else kept.gate is None)
    )


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and HASH.fullmatch(value) is not None


def _numbers(values: Any, count: int) -> bool:
    """Whether these are so many finite numbers, as JSON has them."""
    if not isinstance(values, list) or len(values) != count:
        return False
    return all(isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < HUGE for value in values)
