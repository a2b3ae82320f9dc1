"""Errors as JSON, with the library's what, expected, got and do; no folder of this machine is named in them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from senpath.errors import BusyError, SenpathError
from senpath.store import Place


class Refusal(SenpathError):
    """A request that is refused for a reason of the server's, not of the library's.

    Args:
        status: of the response.
        code: what the error is called.
        headers: further ones of the response.
    """

    def __init__(
        self,
        status: int,
        code: str,
        what: str,
        *,
        expected: object = None,
        got: object = None,
        do: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(what, expected=expected, got=got, do=do)
        self.status, self.code, self.headers = status, code, dict(headers or {})


def busy(what: str, *, expected: object = None, got: object = None) -> BusyError:
    """The refusal of what might be answered a little later."""
    return BusyError(what, expected=expected, got=got, do="Ask again a little later")


def hide_paths(text: str, network: Place | None) -> str:
    """A text in which no folder of this machine is named."""
    hidden = {str(network): network.name} if network is not None else {}
    hidden |= {str(network.resolve()): network.name} if isinstance(network, Path) else {}
    for place in (tempfile.gettempdir, os.getcwd, Path.home):
        with suppress(OSError, RuntimeError):  # the working directory may be gone, and an account have no home
            hidden[str(place())] = "…"
    for path in sorted(hidden, key=len, reverse=True):
        if len(path) > 1:
            text = text.replace(path, hidden[path])
    return text


def describe(error: Exception, network: Place | None, request_id: str = "") -> dict[str, Any]:
    """An error as JSON; a bug says no more than that it is one.

    Args:
        network: its folder, which is called by its name alone.
    """
    if not isinstance(error, SenpathError):
        error = SenpathError("internal error", do="The server's log has what it was")
    parts = {"message": error.message, "what": error.what, "expected": error.expected, "got": error.got, "do": error.do}
    shown = {name: None if part is None else hide_paths(part, network) for name, part in parts.items()}
    return {"code": error.code, **shown, "request_id": request_id}
