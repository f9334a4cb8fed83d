"""The fleets as they are now, for a process that is asked again and again."""

from __future__ import annotations

import base64
import binascii
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.positions.watching import LiveFleet, LiveReport
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage

# What is on record when it is asked for is told at most so much later.
_CAUGHT_UP_EVERY_S = 2.0


@dataclass(frozen=True)
class LivePage:
    """The states of some trucks, and what gives the next ones."""

    report: LiveReport
    next_cursor: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {**self.report.as_dict(), "next_cursor": self.next_cursor}


class _Watched:
    """One fleet, and when it was last read."""

    def __init__(self, settings: Settings) -> None:
        self._lock = threading.Lock()
        self._storage = open_storage(settings)
        self.fleet = LiveFleet(self._storage, settings.models_dir)
        self.timezone = self._storage.zone.key
        self._caught_up_s = -1e9

    def at(self) -> datetime:
        """The moment that is told of, with everything on record a moment ago."""
        with self._lock:
            now = datetime.now(UTC)
            if time.monotonic() - self._caught_up_s >= _CAUGHT_UP_EVERY_S:
                begun_s = time.monotonic()
                self.fleet.catch_up(now)
                self._caught_up_s = begun_s
            return now

    def close(self) -> None:
        self._storage.close()


class LiveDesk:
    """Tells of all fleets that this process serves; its threads share it.

    Parameters
    ----------
    settings : Settings
        Of every fleet but for its name.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}

    def vehicle(self, fleet_id: str, vehicle_id: str) -> LiveReport:
        """What one truck does now.

        Raises
        ------
        NotFound
            ``vehicle_not_on_record``.
        """
        watched = self._of(fleet_id)
        now = watched.at()
        state = watched.fleet.state(vehicle_id, now)
        return LiveReport(fleet_id, watched.timezone, now, (state,))

    def page(self, fleet_id: str, *, cursor: str = "", limit_rows: int = 100) -> LivePage:
        """What the trucks do now, in order of their identifiers.

        Parameters
        ----------
        fleet_id : str
            Whose.
        cursor : str
            `next_cursor` of the page before; empty for the first.
        limit_rows : int
            Trucks at most.

        Raises
        ------
        InputRefused
            ``cursor_malformed``.
        """
        after = _named(cursor)
        watched = self._of(fleet_id)
        now = watched.at()
        names = [name for name in watched.fleet.vehicle_ids(now) if name > after]
        states = tuple(watched.fleet.state(name, now) for name in names[:limit_rows])
        following = _cursor(states[-1].vehicle_id) if len(names) > limit_rows else ""
        return LivePage(LiveReport(fleet_id, watched.timezone, now, states), following)

    def close(self) -> None:
        """Let go of the connections."""
        for watched in self._watched.values():
            watched.close()

    def _of(self, fleet_id: str) -> _Watched:
        with self._lock:
            if fleet_id not in self._watched:
                settings = self._settings.model_copy(update={"fleet": fleet_id})
                self._watched[fleet_id] = _Watched(settings)
            return self._watched[fleet_id]


def _cursor(vehicle_id: str) -> str:
    return base64.urlsafe_b64encode(vehicle_id.encode()).decode()


def _named(cursor: str) -> str:
    try:
        return base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error) as malformed:
        raise InputRefused(
            "cursor_malformed", "The cursor is none of ours.", "Take next_cursor as it is."
        ) from malformed
