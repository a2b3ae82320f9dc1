"""What a check says of a promise that is broken."""

from __future__ import annotations


def require(of: str, condition: bool, promise: str) -> None:
    """Raise an AssertionError that names the promise, unless it is kept.

    Args:
        of: whose promise it is.
    """
    if not condition:
        raise AssertionError(f"broken promise of {of}: {promise}")
