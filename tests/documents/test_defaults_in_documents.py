"""What documents say of defaults and limits is what the code has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from senpath.evaluation.baselines import BASELINES
from senpath.inputs import limits
from senpath.inputs.modalities.audio import LEAST_SECONDS, MAX_SAMPLES, RATES, READ_SECONDS
from senpath.inputs.sources.workbooks import ROWS
from senpath.inputs.sources.zipped import ENTRIES
from senpath.serving.settings import ServerSettings
from senpath.teaching import drafts, inbox, jobs

DOCS = Path(__file__).parents[2] / "docs"
UNITS = {"": 1, " MiB": 2**20, " million": 10**6}


def number(text: str) -> float:
    """Such as "64 MiB", "10,000" or "16.8 million"."""
    digits, unit = re.fullmatch(r"([\d.,]+)(.*)", text).groups()  # type: ignore[union-attr]
    return float(digits.replace(",", "")) * UNITS[unit]


def test_the_limits_of_a_server() -> None:
    page = (DOCS / "howto" / "serve.md").read_text(encoding="utf-8").partition("## Limits\n")[2].partition("\n## ")[0]
    told = {
        name: number(default)
        for names, defaults in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| ([^|]+) \|", page, re.MULTILINE)
        for name, default in zip(re.findall(r"\w+", names), defaults.split("; "), strict=True)
    }
    assert len(told) > 10
    assert told == pytest.approx({name: getattr(ServerSettings(), name) for name in told}, rel=2e-3), "as 16.8 million is for 2**24"


def test_the_limits_of_teaching() -> None:
    page = (DOCS / "howto" / "teach-over-http.md").read_text(encoding="utf-8")
    mib = drafts.BYTES // 2**20
    assert f"at most {drafts.DRAFTS} drafts, of {drafts.EXAMPLES:,} examples each and {mib} MiB together" in page
    assert f"At most {jobs.QUEUED} jobs wait" in page
    assert f"{jobs.KEPT:,} jobs are remembered for {jobs.DAYS} days" in page
    assert f"At most {ServerSettings().inbox_inputs:,} inputs and {ServerSettings().inbox_bytes // 2**20} MiB are kept" in page
    assert f"all after {inbox.DAYS} days" in page


def test_the_limits_of_inputs() -> None:
    page = (DOCS / "concepts" / "data-types.md").read_text(encoding="utf-8")
    for words in (
        f"{limits.TABLE_FILE_BYTES // 2**20} MiB, {limits.TABLE_VALUES:,} values",
        f"512 MiB unpacked, {ROWS:,} rows",
        f"{ENTRIES:,} files, {limits.UNFOLDED_BYTES // 2**30} GiB unpacked, or {limits.UNFOLDED_TIMES} times its size",
        f"or {limits.UNFOLDED_TIMES} times the file up to {limits.MEMORY_BYTES // 2**30} GiB",
        f"| columns of a table | {limits.TABLE_COLUMNS:,} |",
        f"| one text | {limits.TEXT_BYTES // 2**20} MiB",
        f"above {limits.PICTURE_PIXELS / 10**6:.1f} million",
        f"its first {READ_SECONDS:g} s, and of these {MAX_SAMPLES:,} samples of all channels; where that is less than {LEAST_SECONDS:g} s",
        f"{RATES[0]:,} to {RATES[1]:,} Hz",
        f"{limits.CLIP_BYTES // 2**30} GiB, {limits.CLIP_SECONDS:g} s, {limits.CLIP_FRAMES:,} frames of ",
        f"frames of {limits.FRAME_PIXELS / 10**6:.1f} million pixels, {limits.CLIP_PIXELS / 10**9:.1f} billion pixels in all",
    ):
        assert words in page


def test_the_settings_of_baselines() -> None:
    page = (DOCS / "howto" / "experiment.md").read_text(encoding="utf-8").partition("| baseline |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([^`]+)` \| [^|]+ \|([^|]*)\|", page, re.MULTILINE)
    told = {name: {*re.findall(r"\w+", own)} for name, own in rows}
    assert told == {name: {*known.settings} for name, known in BASELINES.items()}
