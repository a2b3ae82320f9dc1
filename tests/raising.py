"""Asserting on an error by its parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from senpath.errors import SenpathError

E = TypeVar("E", bound=SenpathError)
Part = str | re.Pattern[str]


@contextmanager
def raises_error(
    kind: type[E], what: Part = "", *, expected: Part | None = None, got: Part | None = None, do: Part | None = None
) -> Iterator[pytest.ExceptionInfo[E]]:
    """Expect an error of this kind with these parts; those that are None are not looked at.

    Args:
        what, expected, got, do: text that the part of this name has in it, or a compiled pattern that is found in it.
    """
    with pytest.raises(kind) as caught:
        yield caught
    for name, wanted in (("what", what), ("expected", expected), ("got", got), ("do", do)):
        if wanted is not None:
            part = getattr(caught.value, name)
            assert part is not None, f"the error does not say {name!r}: {caught.value}"
            assert wanted in part if isinstance(wanted, str) else wanted.search(part), f"{name} is {part!r}, not {wanted!r}: {caught.value}"
