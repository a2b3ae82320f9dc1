"""From a place to the objects that are there."""

from __future__ import annotations

import errno
from pathlib import Path

from senpath.errors import StoreError
from senpath.store.address import Place
from senpath.store.cloud_objects import CloudObjects
from senpath.store.folder_objects import ROOT, FolderObjects
from senpath.store.objects import Objects


def objects_at(place: Place) -> Objects:
    """The objects of a folder, or at an address; nothing is read yet."""
    return FolderObjects(place) if isinstance(place, Path) else CloudObjects(place)


def has_network(place: Place) -> bool:
    """Whether there is a network.

    Raises:
        StoreError: if object storage does not answer.
    """
    if isinstance(place, Path):
        return (place / ROOT).exists()
    try:
        return CloudObjects(place).read(ROOT) is not None
    except FileNotFoundError:
        return False
    except OSError as error:
        raise unreachable(str(place), error) from error


def unreachable(where: str, error: OSError) -> StoreError:
    """The error where the root of a network cannot be read."""
    expected, do = f"a folder with {ROOT}", ""
    if "://" in where:
        expected = "a network" if isinstance(error, FileNotFoundError) else "an answer of the service"
    if error.errno == errno.ENXIO:
        expected, do = "a bucket that is there", "Look at its name; senpath makes no buckets"
    return StoreError(where, expected=expected, got=error.strerror or str(error), do=do)
