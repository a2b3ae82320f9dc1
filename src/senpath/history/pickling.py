"""Pickled and deep-copied networks: by the path of their folder, or, where nobody named a folder, with what is in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from senpath.errors import StoreError
from senpath.history.checkout import Checkout
from senpath.history.hub import save
from senpath.store import as_place, has_network
from senpath.store.files import explained, go_with, is_temporary, scratch_folder, temporary_folder, write_atomic
from senpath.store.store import MANIFEST

N = TypeVar("N")


def reduce(kind: type[N], checkout: Checkout) -> tuple[Callable[..., N], tuple[Any, ...]]:
    """What pickle keeps of a network, see `object.__reduce__`: no more than its path, if somebody named its folder.

    Raises:
        StoreError: if a file of a temporary network is damaged.
    """
    trust = checkout.store.trust  # what this object wrote stays known
    given = {**checkout.given, "trust": trust if isinstance(trust, bool) else sorted(trust)}  # a set has another order in each process
    if not is_temporary(checkout.path):
        manifest = checkout.view.manifest
        return _opened, (kind, str(checkout.path), manifest.id, given, manifest.version)
    with scratch_folder() as scratch:
        save(checkout.store, checkout.view, scratch / "copy")
        paths = sorted(file for file in (scratch / "copy").rglob("*") if file.is_file())
        files = {str(file.relative_to(scratch / "copy")): file.read_bytes() for file in paths}
    return _unpacked, (kind, files, given)


def _opened(kind: Callable[..., N], path: str, identity: str, given: Mapping[str, Any], version: int = 0) -> N:
    """The network in this folder, at the version that it has by then.

    Args:
        version: that was shown. Nothing is done with it: what caches results by what went into them takes another version for another
            network, for it is in the pickle.
    """
    if not has_network(as_place("path of the network", path)):  # opening it would make an empty one
        do = "Pickles and copies of a network have the path of its folder, no more: copy the folder along, or open it by `senpath.Network`"
        raise StoreError(f"network {path}, which was pickled", expected=f"a folder with {MANIFEST}", got="none", do=do)
    network: Any = kind(path, **_settings(given))
    if identity and network.view.manifest.id != identity:
        raise StoreError(f"network {path}, which was pickled", expected="the network that it was", got="another one in its place")
    return network  # type: ignore[no-any-return]


def _unpacked(kind: Callable[..., N], files: Mapping[str, bytes], given: Mapping[str, Any]) -> N:
    folder = temporary_folder()
    with explained("unpacking a pickled network"):
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            write_atomic(folder / name, content)
    network = kind(folder, **_settings(given))
    go_with(network, folder)
    return network


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    trust = given["trust"]
    return {**given, "trust": trust if isinstance(trust, bool) else frozenset(trust)}
