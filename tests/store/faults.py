"""Failing at a chosen file operation."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Faults:
    """Lets a chosen file operation of this process fail, as a full disk or Ctrl-C would."""

    def __init__(self) -> None:
        self._folder, self._left = "", 0
        self._error: BaseException | None = None
        sys.addaudithook(self._look)

    @contextmanager
    def at(self, folder: Path, step: int, error: BaseException) -> Iterator[None]:
        """Raise `error` in place of the file operation of this number below `folder`; `fired` tells whether there was one."""
        self._folder, self._left, self._error = str(folder), step, error
        try:
            yield
        finally:
            self.fired, self._error = self._error is None, None

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if (
            self._error is None
            or event not in ("open", "os.rename", "os.remove", "os.link")
            or not str(arguments[0]).startswith(self._folder)
        ):
            return
        self._left -= 1
        if self._left < 0:
            error, self._error = self._error, None
            raise error
