"""Manifests as they were read or written last."""

from __future__ import annotations

from collections import OrderedDict

from senpath.store.manifest import Manifest
from senpath.store.objects import ChangedError

MOST = 4
"""Versions whose content is remembered."""


class Roots:
    """Content and tag of the last few manifests, as their store has them."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[bytes, str]] = OrderedDict()  # by checksum

    def remember(self, manifest: Manifest, content: bytes, tag: str) -> None:
        """Keep what a manifest was read from or written as."""
        self._known[manifest.checksum] = content, tag
        while len(self._known) > MOST:
            self._known.popitem(last=False)

    def knows(self, manifest: Manifest) -> bool:
        """Whether it is one of them."""
        return manifest.checksum in self._known

    def tag(self, manifest: Manifest | None) -> str:
        """Its tag, if it is one of them; else ""."""
        return self._known.get(manifest.checksum, (b"", ""))[1] if manifest is not None else ""

    def of(self, manifest: Manifest) -> tuple[bytes, str]:
        """Its content and tag.

        Raises:
            ChangedError: if it is none of them: others have been read or written since.
        """
        if manifest.checksum not in self._known:
            raise ChangedError(f"version {manifest.version} is not the present one by now")
        return self._known[manifest.checksum]
