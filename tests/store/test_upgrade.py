"""Tasks of older formats, with settings under the names that they had then."""

from __future__ import annotations

from senpath import SenSettings
from senpath.store.upgrade import upgrade_task


def test_settings_have_their_present_names() -> None:
    notes = {"method": "sen", "settings": {"apart": 0.1, "hidden": 8}, "examples": 3}
    task = {"pathway": {"task": "a", "components": [], "notes": notes}, "statistics": {"rows": 1}}
    settings = upgrade_task(task)["pathway"]["provenance"]["settings"]
    assert SenSettings(**settings) == SenSettings(min_separability=0.1, hidden=8)
