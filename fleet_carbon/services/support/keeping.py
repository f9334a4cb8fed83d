"""What was made of records and may be asked for again: kept as long as there is room for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Name = TypeVar("Name")
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
        return self.get_each({None: key}, lambda _: {None: make()})[None]

    def get_each(
        self,
        keys: Mapping[Name, tuple[Any, ...]],
        make: Callable[[list[Name]], Mapping[Name, Made]],
    ) -> dict[Name, Made]:
        """What is kept under several keys; what is missing is made at once.

        Parameters
        ----------
        keys : mapping
            By any name for each.
        make : callable
            Is told the names of those that are missing, and gives what it made by name.
        """
        found: dict[Name, Made] = {}
        with self._lock:
            for name, key in keys.items():
                if key in self._found:
                    self._found.move_to_end(key)
                    found[name] = self._found[key]
        missing = [name for name in keys if name not in found]
        made = make(missing) if missing else {}
        with self._lock:
            for name in missing:
                self._keep(keys[name], made[name])
        return {**found, **made}

    def _keep(self, key: tuple[Any, ...], made: Any) -> None:
        if key not in self._found:  # another thread may have been as quick
            self._found[key] = made
            self._weight += self._weight_of(made)
        while self._weight > self._weight_max and len(self._found) > 1:
            _, gone = self._found.popitem(last=False)
            self._weight -= self._weight_of(gone)
