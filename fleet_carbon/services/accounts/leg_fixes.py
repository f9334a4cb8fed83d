"""The fixes of legs as they were received, and which of them count for nothing, and why."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fleet_carbon.errors import NotFound
from fleet_carbon.frames import epoch_ms
from fleet_carbon.periods import parse_moment, parse_month
from fleet_carbon.services.accounts.mapping import legs_of, refuse_zoom, trace_of_month
from fleet_carbon.services.accounts.thinning import Box, one_a_cell
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.storage.unit_of_work import open_storage
from fleet_carbon.traces import cleaning
from fleet_carbon.traces.trace import Trace

_DOTS_COUNT = 12  # pixels of a square of the screen in which one fix is shown at most
_UDEG_PER_DEG = 1e6
_VERDICTS = 1 + max(cleaning.REASONS)


@dataclass(frozen=True)
class LegFixes:
    """The fixes of a leg, those before and after its ends left out.

    Attributes
    ----------
    vehicle_id, month, started_at : str
        Of which leg; its moment as the tables of the month write it.
    rows : list of dict
        Of `fixes_of`, JSON-ready: `at`, `lon`, `lat`, `speed_kmh` or None, and `dropped`, why it
        counts for nothing; empty if it counts.
    """

    vehicle_id: str
    month: str
    started_at: str
    rows: list[dict[str, Any]]

    def shown(self, zoom_level: float, box: Box | None = None) -> dict[str, Any]:
        """A FeatureCollection of points: those in view, one a few pixels."""
        refuse_zoom(zoom_level)
        lon = np.array([row["lon"] for row in self.rows], dtype=np.float64)
        lat = np.array([row["lat"] for row in self.rows], dtype=np.float64)
        seen = np.arange(len(lon)) if box is None else np.flatnonzero(box.holds(lon, lat))
        places = seen[one_a_cell(lon[seen], lat[seen], zoom_level, cell_count=_DOTS_COUNT)]
        features = [_point(self.rows[place]) for place in places.tolist()]
        return {"type": "FeatureCollection", "features": features}


def read_leg_fixes(settings: Settings, vehicle_id: str, started_at: str) -> LegFixes:
    """Every fix of a leg as it was received, and which of them count for nothing, and why.

    Parameters
    ----------
    settings : Settings
        The fleet.
    vehicle_id : str
        Truck.
    started_at : str
        When the leg began: ISO 8601, as the legs of the month tell it.

    Raises
    ------
    InputRefused
        If that is no moment.
    NotFound
        ``leg_not_found``, or the month was never closed.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        began = parse_moment(started_at, storage.zone)
        month = parse_month(f"{began.astimezone(storage.zone):%Y-%m}", storage.zone)
        legs = legs_of(work, latest_run(work, str(month)), vehicle_id)
        legs = legs[legs["started_at"] == began]
        if legs.empty:
            raise NotFound(
                "leg_not_found",
                f"No leg of {vehicle_id!r} began at {started_at}.",
                "The page of the day lists its legs; a later close may have cut them otherwise.",
            )
        # Of the whole month, since what counts is told by what was before and after.
        trace = trace_of_month(work, settings, month, vehicle_id=vehicle_id)
    rows = [] if trace is None else tables.records(fixes_of(trace, legs))
    written = tables.records(legs[["started_at"]])[0]["started_at"]
    return LegFixes(vehicle_id, str(month), written, rows)


def fixes_of(trace: Trace, legs: pd.DataFrame) -> pd.DataFrame:
    """The fixes of some legs, from departure to arrival, in the order of time.

    Parameters
    ----------
    trace : Trace
        Of the month of the truck.
    legs : DataFrame
        Rows of `frames.LEGS` of the truck.

    Returns
    -------
    fixes : DataFrame
        `started_at` of the leg, `at`, `lon`, `lat`, `speed_kmh`, and `dropped`, why a fix counts
        for nothing; empty if it counts.
    """
    fixes = trace.fixes
    first = np.searchsorted(fixes.time_ms, epoch_ms(legs["started_at"]))
    stop = np.searchsorted(fixes.time_ms, epoch_ms(legs["finished_at"]), side="right")
    row = np.concatenate([np.arange(*ends) for ends in zip(first, stop, strict=True)])
    reason = np.array([cleaning.REASONS.get(code, "") for code in range(_VERDICTS)], dtype=object)
    nothing = np.full(len(row), np.nan)
    return pd.DataFrame(
        {
            "started_at": legs["started_at"].repeat((stop - first).tolist()).to_numpy(),
            "at": pd.to_datetime(fixes.time_ms[row], unit="ms", utc=True),
            "lon": fixes.lon_udeg[row] / _UDEG_PER_DEG,
            "lat": fixes.lat_udeg[row] / _UDEG_PER_DEG,
            "speed_kmh": nothing if fixes.speed_kmh is None else fixes.speed_kmh[row],
            "dropped": reason[trace.verdict[row]],
        }
    )


def _point(row: dict[str, Any]) -> dict[str, Any]:
    told = {
        "kind": "fix",
        "at": row["at"],
        "speed_kmh": row["speed_kmh"],
        "dropped": row["dropped"],
    }
    place = {"type": "Point", "coordinates": [row["lon"], row["lat"]]}
    return {"type": "Feature", "geometry": place, "properties": told}
