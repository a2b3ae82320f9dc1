"""Tasks as formats 1 to 5 wrote them, brought to the present one. What formats 6 and 7 lack has a default where it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json

TYPED = ("method", "settings", "examples", "fewest_per_class", "data")
"""What earlier formats kept among a task's notes, and is a field of its provenance now."""
REVISIONS = {"reviewed": "review", "pruned": "prune", "extended": "extend"}
SETTINGS = {"sen": {"apart": "min_separability"}}
"""By method: settings that have another name now."""
VALUES = {"model": {"skip": "wide-and-deep"}}
"""By setting: values that have another name now."""
OWN_RECORD = ("munet", "allocation")
"""Methods that kept their record under their name."""


def upgrade_line(line: bytes) -> bytes:
    """One task's line of network.json, `"name":{…}`, in the present format.

    Raises:
        ValueError: if it is no such line.
    """
    tasks = from_json(b"{" + line + b"}")
    if not isinstance(tasks, dict) or len(tasks) != 1:
        raise ValueError("a task's line")
    (name, record) = next(iter(tasks.items()))
    return to_json(name) + b":" + to_json(upgrade_task(record))


def upgrade_task(record: Any) -> Any:
    """A task's record with its notes as provenance; what is no record is left as it is, to be refused later."""
    pathway, statistics = (record.get(part) if isinstance(record, dict) else None for part in ("pathway", "statistics"))
    if not isinstance(pathway, dict) or not isinstance(statistics, dict) or "notes" not in pathway:
        return record
    notes = pathway["notes"] if isinstance(pathway["notes"], dict) else {}
    rest = {name: value for name, value in notes.items() if name not in (*TYPED, *REVISIONS, "tried_sources", "changed_by", "columns")}
    components = pathway.get("components", [])
    method = notes.get("method", "")
    own = rest.pop(method) if method in OWN_RECORD and isinstance(rest.get(method), dict) else {}
    parts = own.get("parts")
    untrained = []
    if isinstance(parts, list) and all(isinstance(part, dict) for part in parts):
        pairs = zip(parts, components, strict=False)
        layers = [{"name": part.get("place"), "origin": part.get("origin"), "component": component} for part, component in pairs]
        own = {**{name: value for name, value in own.items() if name != "parts"}, "layers": layers}
        untrained = [layer["component"] for layer in layers if layer["origin"] is None]
    provenance = {name: notes[name] for name in TYPED if name in notes} | {
        "sources_tried": notes.get("tried_sources", {}),
        "untrained": untrained,
        "record": {**rest, **own},
        "revisions": _revisions(notes),
    }
    if isinstance(settings := notes.get("settings"), dict):
        provenance["settings"] = with_present_names(str(method), settings)
    owners = notes.get("columns")
    upgraded = {name: value for name, value in pathway.items() if name != "notes"} | {"provenance": provenance}
    kept = {**statistics, "owners": owners} if isinstance(owners, list) and len(owners) == statistics.get("rows") else statistics
    return {**record, "pathway": upgraded, "statistics": kept}


def with_present_names(method: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A method's settings by the names that they and their values have now, where they were written with earlier ones."""
    renamed = {old: new for old, new in SETTINGS.get(method, {}).items() if new not in settings}
    return {renamed.get(name, name): _value(name, value) for name, value in settings.items()}


def _value(setting: str, value: Any) -> Any:
    return VALUES.get(setting, {}).get(value, value) if isinstance(value, str) else value


def _revisions(notes: dict[str, Any]) -> list[dict[str, Any]]:
    revisions = []
    for name, revision in REVISIONS.items():
        told = notes.get(name, [])
        for entry in (entry for entry in (told if isinstance(told, list) else [told]) if isinstance(entry, dict)):
            record = {key: value for key, value in entry.items() if key not in ("version", "method", "reason")}
            revisions.append({"revision": revision, "version": entry.get("version", 0), "record": record})
    changed_by = notes.get("changed_by", [])
    revisions += [{"revision": "sen", "version": 0, "record": {"along_with": task}} for task in changed_by if isinstance(changed_by, list)]
    return sorted(revisions, key=lambda change: change["version"] if isinstance(change["version"], int) else 0)
