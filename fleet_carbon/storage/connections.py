"""Which engines a process keeps: opened and checked once, for every unit of work that follows.

To open a database, look at its schema and close it again costs more than most requests. A process
that stays says so for its database; everything else opens and closes as it goes.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from fleet_carbon.settings import Settings
from fleet_carbon.storage.database import DATABASE_NAME, open_engine

_Place = tuple[str | None, Path | None]


@dataclass(eq=False)
class Connected:
    """A database that is open.

    Attributes
    ----------
    engine : Engine
        Its connections.
    is_kept : bool
        Whether it stays open when a unit of work has done with it.
    zones : dict of str to ZoneInfo
        Zones of fleets that were looked up; one that is on record never changes.
    """

    engine: Engine
    is_kept: bool = False
    zones: dict[str, ZoneInfo] = field(default_factory=dict)
    which_file: tuple[int, int] | None = None

    def give_back(self) -> None:
        """Close it, unless the process keeps it."""
        if not self.is_kept:
            self.engine.dispose()


class _Keeper:
    """The engines of this process, and those of none that it was copied from."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._places: set[_Place] = set()
        self._kept: dict[_Place, Connected] = {}

    def keep(self, place: _Place) -> None:
        with self._lock:
            self._places.add(place)

    def connected(self, place: _Place, home: Path) -> Connected:
        if place not in self._places:
            return Connected(open_engine(place[0], home))
        with self._lock:
            if self._pid != os.getpid():
                # The connections belong to the process that opened them: they are not closed.
                self._kept, self._pid = {}, os.getpid()
            found = self._kept.get(place)
            if found is None or found.which_file != _which_file(place):
                engine = open_engine(place[0], home, is_kept=True)
                found = Connected(engine, is_kept=True, which_file=_which_file(place))
                self._kept[place] = found
            return found

    def used(self, place: _Place) -> int:
        found = self._kept.get(place) if self._pid == os.getpid() else None
        pool: Any = found.engine.pool if found is not None else None
        return int(pool.checkedout()) if hasattr(pool, "checkedout") else 0


def _which_file(place: _Place) -> tuple[int, int] | None:
    """Which file it is, for one that was put in its place is another database."""
    if place[1] is None:
        return None
    try:
        found = (place[1] / DATABASE_NAME).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


_KEEPER = _Keeper()


def _place_of(settings: Settings, home: Path) -> _Place:
    return (settings.database_url, home if settings.database_url is None else None)


def keep_connected(settings: Settings) -> None:
    """Let this process keep its connections to a database from now on.

    Parameters
    ----------
    settings : Settings
        `home` and `database_url`.
    """
    _KEEPER.keep(_place_of(settings, settings.home.expanduser().absolute()))


def connected(settings: Settings) -> Connected:
    """The database that the settings name, open, with its tables; give it back after use.

    Parameters
    ----------
    settings : Settings
        `home`, an existing folder, and `database_url`.

    Raises
    ------
    InputRefused
        If the database cannot be used.
    """
    home = settings.home.expanduser().absolute()
    return _KEEPER.connected(_place_of(settings, home), home)


def connections_used(settings: Settings) -> int:
    """How many connections to its database this process uses now; 0 if it keeps none."""
    place = _place_of(settings, settings.home.expanduser().absolute())
    return _KEEPER.used(place)
