"""The way of a truck as a map shows it: loaded and empty legs, stops, gaps, thinned by zoom.

The line is the one that the kilometres are counted on; what its pieces are called is what the
closed month says of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.frames import epoch_ms
from fleet_carbon.ingest.places import COLLECTED_DIR
from fleet_carbon.periods import Month, parse_month, to_epoch_ms
from fleet_carbon.quantification import editions
from fleet_carbon.services.accounts.thinning import (
    Box,
    Lines,
    clipped,
    degrees_of,
    gaps_of_legs,
    lines_of_legs,
    thinned,
)
from fleet_carbon.services.months.cutting import possible_fixes
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.storage.unit_of_work import ClosingRun, UnitOfWork, open_storage
from fleet_carbon.traces.trace import Trace, TraceRules, read_trace

ZOOM_MAX = 20
_SHOWN_DIGITS = 5  # of a degree: a metre
# No outline of a province is off by more than this, some 2 km: a ground, not a border.
_OUTLINE_DEG = 0.02
_OUTLINE_GRID_DEG = 0.001
_OF_LINE = ("state", "started_at", "distance_km")
_LISTED = (
    *("vehicle_id", "started_at", "finished_at", "state", "distance_km", "imputed_km", "stop_h"),
    *("payload_t", "diesel_l", "co2_ttw_kg", "order_ids", "reason_code"),
    *("from_lon", "from_lat", "to_lon", "to_lat"),
)
_TOLD = (*_OF_LINE, "finished_at", "stop_h", "to_lon", "to_lat")


@dataclass(frozen=True)
class Track:
    """The way of a truck in a span of time.

    Attributes
    ----------
    vehicle_id, month : str
        Of what, and of when.
    box : Box
        What is told of: the view, or all there is.
    zoom_level : float
        Of the map for which it was thinned.
    features : tuple of dict
        GeoJSON: ``leg`` and ``gap`` are lines, ``stop`` are points. Lines tell the moment of each
        of their corners as `times_s`, seconds since 1970.
    fixes_count, shown_count : int
        Fixes that the line was made of, and corners that are shown.
    """

    vehicle_id: str
    month: str
    box: Box
    zoom_level: float
    features: tuple[dict[str, Any], ...]
    fixes_count: int
    shown_count: int

    def as_dict(self) -> dict[str, Any]:
        """A FeatureCollection of GeoJSON (RFC 7946), WGS-84."""
        return {
            "type": "FeatureCollection",
            "bbox": list(self.box),
            "vehicle_id": self.vehicle_id,
            "month": self.month,
            "zoom": self.zoom_level,
            "fixes_count": self.fixes_count,
            "shown_count": self.shown_count,
            "features": list(self.features),
        }


@dataclass(frozen=True)
class MonthOnMap:
    """What of a closed month can be shown.

    Attributes
    ----------
    month : str
        YYYY-MM.
    vehicle_id : str
        The truck that is shown; empty if none drove.
    vehicle_ids : tuple of str
        Every truck with an account of the month.
    zone : ZoneInfo
        Of the fleet.
    legs : list of dict
        Of the truck, in the order of time, moments as moments.
    track : Track
        Its whole way, as fine as a screen shows it whole.
    """

    month: str
    vehicle_id: str
    vehicle_ids: tuple[str, ...]
    zone: ZoneInfo
    legs: list[dict[str, Any]]
    track: Track


def month_on_map(settings: Settings, month: str, vehicle_id: str = "") -> MonthOnMap:
    """The trucks of a month and the legs of one of them; of the first if none is named.

    Parameters
    ----------
    settings : Settings
        The fleet.
    month : str
        YYYY-MM, closed.
    vehicle_id : str
        Truck.

    Raises
    ------
    NotFound
        If the month was never closed.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        wanted = parse_month(month, storage.zone)
        run, zone = latest_run(work, str(wanted)), storage.zone
        accounts = work.closings.table(run, "accounts", ("vehicle_id",))
        vehicle_ids = tuple(sorted(accounts["vehicle_id"].unique().tolist()))
        shown = vehicle_id or (vehicle_ids[0] if vehicle_ids else "")
        legs = legs_of(work, run, shown)
        track = _track(work, settings, wanted, legs, vehicle_id=shown)
    own = tables.records(legs[list(_LISTED)])
    for leg in own:
        for name in ("started_at", "finished_at"):
            leg[f"{name}_text"] = leg[name]
            leg[name] = datetime.fromisoformat(leg[name]).astimezone(zone)
    return MonthOnMap(str(wanted), shown, vehicle_ids, zone, own, track)


@cache
def province_shapes() -> tuple[list[int], npt.NDArray[np.object_]]:
    """The provinces thin enough to be the ground of a map, WGS-84: their polygons, and the number
    of its province in the gazetteer of each.
    """
    shapes = shapely.from_wkb((COLLECTED_DIR / "provinces.wkb").read_bytes())
    parts, places = shapely.get_parts(
        shapely.simplify(shapely.get_parts(shapes), _OUTLINE_DEG), return_index=True
    )
    bounded = shapely.set_precision(parts, _OUTLINE_GRID_DEG, mode="pointwise")
    # Islets that are smaller than a pixel of the whole country would be half of the file.
    is_seen = shapely.area(bounded) > _OUTLINE_DEG**2
    return places[is_seen].tolist(), bounded[is_seen]


@cache
def province_outlines() -> bytes:
    """The provinces as GeoJSON; each polygon tells as `place` the number of its province."""
    features = [
        {
            "type": "Feature",
            "properties": {"place": place},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for place, shape in zip(*province_shapes(), strict=True)
    ]
    told = {"type": "FeatureCollection", "features": features}
    return json.dumps(told, separators=(",", ":")).encode()


def vehicle_track(
    settings: Settings,
    vehicle_id: str,
    month: str,
    *,
    zoom_level: float | None = None,
    box: Box | None = None,
) -> Track:
    """The way of a truck in a month, or what of it is in view.

    Parameters
    ----------
    settings : Settings
        The fleet.
    vehicle_id : str
        Truck.
    month : str
        YYYY-MM, closed.
    zoom_level : float, optional
        Of the map: no corner is shown that moves the line by less than a pixel. Without it as
        what is shown fills a screen.
    box : Box, optional
        The view; without it the whole way.

    Raises
    ------
    InputRefused
        ``zoom_malformed``.
    NotFound
        If the month was never closed, or nothing of the truck is on record in it.
    """
    if zoom_level is not None:
        refuse_zoom(zoom_level)
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        wanted = parse_month(month, storage.zone)
        legs = legs_of(work, latest_run(work, str(wanted)), vehicle_id)
        found = _track(
            work, settings, wanted, legs, vehicle_id=vehicle_id, zoom_level=zoom_level, box=box
        )
    if not found.fixes_count and legs.empty:
        raise NotFound(
            "vehicle_not_seen",
            f"Nothing of the truck {vehicle_id!r} is on record in {wanted}.",
            "Send its positions and close the month, or choose another truck.",
        )
    return found


def refuse_zoom(zoom_level: float) -> None:
    """Refuse what is no zoom of a map.

    Raises
    ------
    InputRefused
        ``zoom_malformed``.
    """
    if not 0 <= zoom_level <= ZOOM_MAX:
        raise InputRefused("zoom_malformed", f"{zoom_level} is no zoom from 0 to {ZOOM_MAX}.", "")


def legs_of(work: UnitOfWork, run: ClosingRun, vehicle_id: str) -> pd.DataFrame:
    """The legs of a truck in a closing run, in the order of time."""
    legs = work.closings.rows_with(run, "legs", column="vehicle_id", value=vehicle_id)
    return legs.sort_values("started_at")


def trace_of_month(
    work: UnitOfWork, settings: Settings, month: Month, *, vehicle_id: str
) -> Trace | None:
    """The trace of a truck in a month by the edition in force; None if it sent nothing."""
    edition = editions.edition_in_force(settings.models_dir, month.first_day)
    rules = editions.fill_rules(edition, "traces", TraceRules)
    from_ms, until_ms = to_epoch_ms(month.starts_at), to_epoch_ms(month.ends_at)
    for batch in work.traces.batches(from_ms, until_ms, fixes_max=1):
        if vehicle_id in batch.vehicle_ids:
            for found in batch.only([vehicle_id]).read():
                fixes, _ = possible_fixes(found, rules)
                return read_trace(fixes, rules)
    return None


def _track(
    work: UnitOfWork,
    settings: Settings,
    month: Month,
    legs: pd.DataFrame,
    *,
    vehicle_id: str,
    zoom_level: float | None = None,
    box: Box | None = None,
) -> Track:
    trace = trace_of_month(work, settings, month, vehicle_id=vehicle_id)
    rows = tables.records(legs[list(_TOLD)])
    shown = _extent(trace, legs) if box is None else box
    zoom_shown = shown.zoom_filling() if zoom_level is None else zoom_level
    lines = []
    if trace is not None and len(trace.time_ms):
        lines = list(_lines(trace, legs, rows, zoom_level=zoom_shown, box=box))
    return Track(
        vehicle_id,
        str(month),
        shown,
        zoom_shown,
        (*lines, *_stops(rows, box)),
        fixes_count=0 if trace is None else len(trace.fixes),
        shown_count=sum(len(line["geometry"]["coordinates"]) for line in lines),
    )


def _extent(trace: Trace | None, legs: pd.DataFrame) -> Box:
    """Where all of it lies."""
    lon, lat = (legs[f"to_{axis}"].to_numpy(np.float64) for axis in ("lon", "lat"))
    if trace is not None:
        way_lon, way_lat = degrees_of(trace)
        lon, lat = np.append(lon, way_lon), np.append(lat, way_lat)
    return Box.around(lon, lat)


def _lines(
    trace: Trace,
    legs: pd.DataFrame,
    rows: list[dict[str, Any]],
    *,
    zoom_level: float,
    box: Box | None,
) -> Iterator[dict[str, Any]]:
    """The pieces of each leg between its gaps, and the gaps, as far as they are in view."""
    lon, lat = degrees_of(trace)
    ends = (epoch_ms(legs["started_at"]), epoch_ms(legs["finished_at"]))
    for kind, lines in (
        ("leg", lines_of_legs(trace, *ends)),
        ("gap", gaps_of_legs(trace, *ends)),
    ):
        seen = lines if box is None else clipped(lines, lon, lat, box=box)
        shown = thinned(seen, lon, lat, zoom_level=zoom_level)
        places = np.column_stack((lon[shown.row], lat[shown.row]))
        yield from _drawn(kind, shown, places, trace.time_ms[shown.row], rows=rows)


def _drawn(
    kind: str, lines: Lines, places: Any, time_ms: Any, *, rows: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    corners = np.round(places, _SHOWN_DIGITS).tolist()
    times_s = (time_ms // 1000).tolist()
    edges = np.searchsorted(lines.line, np.arange(len(lines.leg) + 1)).tolist()
    for begin, end, leg in zip(edges, edges[1:], lines.leg.tolist(), strict=False):
        told = {name: rows[leg][name] for name in _OF_LINE}
        yield {
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": corners[begin:end]},
            "properties": told | {"kind": kind, "times_s": times_s[begin:end]},
        }


def _stops(legs: list[dict[str, Any]], box: Box | None) -> Iterator[dict[str, Any]]:
    """Where legs end, and until when the truck stood there."""
    lon, lat = (np.array([leg[name] for leg in legs], np.float64) for name in ("to_lon", "to_lat"))
    seen = range(len(legs)) if box is None else np.flatnonzero(box.widened().holds(lon, lat))
    for place in seen:
        leg, after = legs[place], legs[place + 1] if place + 1 < len(legs) else None
        at = [round(leg[name], _SHOWN_DIGITS) for name in ("to_lon", "to_lat")]
        yield {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": at},
            "properties": {
                "kind": "stop",
                "arrived_at": leg["finished_at"],
                "departed_at": None if after is None else after["started_at"],
                "stop_h": leg["stop_h"],
            },
        }
