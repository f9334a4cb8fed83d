"""What was made of records and may be asked for again: kept as long as there is room for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

Made = TypeVar("Made")


def _one(_made: Any) -> int:
    return 1


class Kept:
    """What was made, by a key that says all of it; the least used is let go first.

    Parameters
    ----------
    weight_max : int
        All that is kept together weighs no more, but for the last that was asked for.
    weight_of : callable
        What something weighs; without it everything weighs 1.
    """

    def __init__(self, weight_max: int, weight_of: Callable[[Any], int] = _one) -> None:
        self._weight_max, self._weight_of = weight_max, weight_of
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._weight = 0

    def get(self, key: tuple[Any, ...], make: Callable[[], Made]) -> Made:
        """What is kept under a key, made if there is nothing."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                kept: Made = self._found[key]
                return kept
        made = make()
        with self._lock:
            if key not in self._found:  # another thread may have been as quick
                self._found[key] = made
                self._weight += self._weight_of(made)
            while self._weight > self._weight_max and len(self._found) > 1:
                _, gone = self._found.popitem(last=False)
                self._weight -= self._weight_of(gone)
        return made
