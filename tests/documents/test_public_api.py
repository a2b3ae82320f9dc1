"""What senpath promises to keep is listed in one file: a change of it is seen where it is reviewed."""

from __future__ import annotations

import difflib

import pytest


@pytest.mark.slow("imports all that is public")
@pytest.mark.filterwarnings("default::UserWarning", "default::DeprecationWarning")  # of packages that extras bring
def test_the_listing_is_of_the_present_interface() -> None:
    for package in ("sphinx", "mlflow", "fastapi"):
        pytest.importorskip(package, reason="the listing needs the extras that it describes")
    from tools.public_api import FILE, listing

    changed = [*difflib.unified_diff(FILE.read_text(encoding="utf-8").splitlines(), listing().splitlines(), lineterm="", n=0)]
    assert not changed, "the public interface changed; if that is meant, `make api` writes it anew:\n" + "\n".join(changed)
