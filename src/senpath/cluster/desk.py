"""Where workers get their orders and tell what they have done. It imports nothing, for its process is to be there at once."""

from __future__ import annotations


class Desk:
    """Lives in a process of Ray's.

    Orders are not arguments of workers, for those are lost to one that takes a dead one's place.

    Args:
        orders: packed, as is the error that a worker tells of.
    """

    def __init__(self, orders: bytes) -> None:
        self._orders, self._total, self._failure = orders, 0, b""

    def orders(self) -> bytes:
        return self._orders

    def add(self, number: int) -> None:
        self._total += number

    def total(self) -> int:
        return self._total

    def fail(self, error: bytes) -> None:
        self._failure = self._failure or error

    def failure(self) -> bytes:
        return self._failure
