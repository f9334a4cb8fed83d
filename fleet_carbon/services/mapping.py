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
from fleet_carbon.ingest.places import COLLECTED_DIR
from fleet_carbon.periods import parse_month, to_epoch_ms
from fleet_carbon.quantification import editions
from fleet_carbon.services.cutting import possible_fixes
from fleet_carbon.services.reading import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage
from fleet_carbon.traces.kernels import LINK_GAP, LINK_JUMP, LINK_START
from fleet_carbon.traces.trace import Trace, TraceRules, read_trace

ZOOM_MAX = 20
# Width of a pixel at the equator at zoom_level 0, tiles of 512 pixels (the map library's).
_PIXEL_M = 40_075_016.686 / 512
_M_PER_DEG = 111_319.49  # at the equator, WGS-84
_UDEG_PER_DEG = 1e6
_SHOWN_DIGITS = 5  # of a degree: a metre
# No outline of a province is off by more than this, some 2 km: a ground, not a border.
_OUTLINE_DEG = 0.02
_OUTLINE_GRID_DEG = 0.001
_OF_LEG = ("state", "purpose", "order_ids", "driver_id", "reason_code")
_NUMBERS_OF_LEG = ("distance_km", "imputed_km", "payload_t", "diesel_l", "co2_ttw_kg", "stop_h")
_Pieces = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Track:
    """The way of a truck in a span of time.

    Attributes
    ----------
    vehicle_id, month : str
        Of what, and of when.
    features : tuple of dict
        GeoJSON: ``leg`` and ``gap`` are lines, ``stop`` are points. Lines tell the moment of each
        of their corners as `times_s`, seconds since 1970.
    fixes_count, shown_count : int
        Fixes that the line was made of, and corners that are shown.
    """

    vehicle_id: str
    month: str
    features: tuple[dict[str, Any], ...]
    fixes_count: int
    shown_count: int

    def as_dict(self) -> dict[str, Any]:
        """A FeatureCollection of GeoJSON (RFC 7946), WGS-84."""
        return {
            "type": "FeatureCollection",
            "vehicle_id": self.vehicle_id,
            "month": self.month,
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
        Every truck with legs in the month.
    zone : ZoneInfo
        Of the fleet.
    legs : list of dict
        Of the truck, in the order of time, moments as moments.
    """

    month: str
    vehicle_id: str
    vehicle_ids: tuple[str, ...]
    zone: ZoneInfo
    legs: list[dict[str, Any]]


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
        legs = work.closings.table(latest_run(work, str(wanted)), "legs")
        zone = storage.zone
    vehicle_ids = tuple(sorted(legs["vehicle_id"].unique().tolist()))
    shown = vehicle_id or (vehicle_ids[0] if vehicle_ids else "")
    own = tables.records(legs[legs["vehicle_id"] == shown].sort_values("started_at"))
    for leg in own:
        for name in ("started_at", "finished_at"):
            leg[f"{name}_text"] = leg[name]
            leg[name] = datetime.fromisoformat(leg[name]).astimezone(zone)
    return MonthOnMap(str(wanted), shown, vehicle_ids, zone, own)


@cache
def province_outlines() -> bytes:
    """The provinces as GeoJSON, WGS-84, thin enough to be the ground of a map.

    Each polygon tells as `place` the number of its province in the gazetteer.
    """
    shapes = shapely.from_wkb((COLLECTED_DIR / "provinces.wkb").read_bytes())
    parts, places = shapely.get_parts(
        shapely.simplify(shapely.get_parts(shapes), _OUTLINE_DEG), return_index=True
    )
    bounded = shapely.set_precision(parts, _OUTLINE_GRID_DEG, mode="pointwise")
    features = [
        {
            "type": "Feature",
            "properties": {"place": place},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for place, shape in zip(places.tolist(), bounded, strict=True)
        # Islets that are smaller than a pixel of the whole country would be half of the file.
        if shapely.area(shape) > _OUTLINE_DEG**2
    ]
    told = {"type": "FeatureCollection", "features": features}
    return json.dumps(told, separators=(",", ":")).encode()


def vehicle_track(
    settings: Settings,
    vehicle_id: str,
    month: str,
    *,
    zoom_level: float = 10.0,
    from_at: datetime | None = None,
    until_at: datetime | None = None,
) -> Track:
    """The way of a truck in a month or a part of it.

    Parameters
    ----------
    settings : Settings
        The fleet.
    vehicle_id : str
        Truck.
    month : str
        YYYY-MM, closed.
    zoom_level : float
        Of the map: no corner is shown that moves the line by less than a pixel.
    from_at, until_at : datetime, optional
        Aware; the part of the month that is wanted.

    Raises
    ------
    InputRefused
        ``zoom_malformed`` or ``period_malformed``.
    NotFound
        If the month was never closed, or nothing of the truck is on record in it.
    """
    if not 0 <= zoom_level <= ZOOM_MAX:
        raise InputRefused("zoom_malformed", f"{zoom_level} is no zoom from 0 to {ZOOM_MAX}.", "")
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        wanted = parse_month(month, storage.zone)
        run = latest_run(work, str(wanted))
        span = (from_at or wanted.starts_at, until_at or wanted.ends_at)
        if span[0] >= span[1]:
            raise InputRefused("period_malformed", "The part of the month ends before it begins.")
        legs = work.closings.table(run, "legs")
        legs = legs[(legs["vehicle_id"] == vehicle_id)].sort_values("started_at")
        edition = editions.edition_in_force(settings.models_dir, wanted.first_day)
        rules = editions.fill_rules(edition, "traces", TraceRules)
        trace = _trace_of(work, vehicle_id, span=span, rules=rules)
    if trace is None and legs.empty:
        raise NotFound(
            "vehicle_not_seen",
            f"Nothing of the truck {vehicle_id!r} is on record in {wanted}.",
            "Send its positions and close the month, or choose another truck.",
        )
    return _drawn(trace, _within(legs, span), vehicle_id, month=str(wanted), zoom_level=zoom_level)


def _within(legs: pd.DataFrame, span: tuple[datetime, datetime]) -> list[dict[str, Any]]:
    touched = (legs["finished_at"] >= span[0]) & (legs["started_at"] < span[1])
    return tables.records(legs[touched])


def _trace_of(
    work: UnitOfWork,
    vehicle_id: str,
    *,
    span: tuple[datetime, datetime],
    rules: TraceRules,
) -> Trace | None:
    from_ms, until_ms = map(to_epoch_ms, span)
    for batch in work.traces.batches(from_ms, until_ms, fixes_max=1):
        if vehicle_id in batch.vehicle_ids:
            for found in batch.only([vehicle_id]).read():
                fixes, _ = possible_fixes(found, rules)
                return read_trace(fixes, rules)
    return None


def _drawn(
    trace: Trace | None,
    legs: list[dict[str, Any]],
    vehicle_id: str,
    *,
    month: str,
    zoom_level: float,
) -> Track:
    features = list(_stops(legs))
    shown_count = fixes_count = 0
    if trace is not None and len(trace.time_ms):
        fixes_count = len(trace.fixes)
        lines = list(_lines(trace, legs, zoom_level))
        shown_count = sum(len(line["geometry"]["coordinates"]) for line in lines)
        features = [*lines, *features]
    return Track(vehicle_id, month, tuple(features), fixes_count, shown_count)


def _lines(trace: Trace, legs: list[dict[str, Any]], zoom_level: float) -> Iterator[dict[str, Any]]:
    """The pieces of each leg between its gaps, and the gaps."""
    lon, lat = trace.lon_udeg / _UDEG_PER_DEG, trace.lat_udeg / _UDEG_PER_DEG
    for leg in legs:
        started, finished = (
            to_epoch_ms(datetime.fromisoformat(leg[name])) for name in ("started_at", "finished_at")
        )
        first, stop = np.searchsorted(trace.time_ms, [started, finished + 1]).tolist()
        if stop - first < 2:
            continue
        told = {name: leg.get(name) for name in (*_OF_LEG, *_NUMBERS_OF_LEG)}
        told |= {"started_at": leg["started_at"], "finished_at": leg["finished_at"]}
        cuts = first + np.flatnonzero(_is_broken(trace.link[first:stop]))
        for begin, end in zip(*_pieces(first, stop, cuts), strict=True):
            if end - begin >= 2:
                rows = _thinned(lon[begin:end], lat[begin:end], zoom_level) + begin
                yield _line("leg", lon[rows], lat[rows], trace.time_ms[rows], told)
        for cut in cuts[cuts > first].tolist():
            if trace.link[cut] == LINK_GAP:
                rows = np.array([cut - 1, cut])
                yield _line("gap", lon[rows], lat[rows], trace.time_ms[rows], told)


def _is_broken(link: npt.NDArray[np.int8]) -> npt.NDArray[np.bool_]:
    """Points that no seen drive links to the one before."""
    broken: npt.NDArray[np.bool_] = np.isin(link, (LINK_START, LINK_GAP, LINK_JUMP))
    broken[0] = False
    return broken


def _pieces(first: int, stop: int, cuts: npt.NDArray[np.int64]) -> _Pieces:
    edges = np.concatenate(([first], cuts, [stop])).astype(np.int64)
    return edges[:-1], edges[1:]


def _thinned(
    lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], zoom_level: float
) -> npt.NDArray[np.int64]:
    """The corners without which the line would move by a pixel or more (Douglas and Peucker)."""
    scale = np.cos(np.radians(lat.mean()))
    tolerance_deg = _PIXEL_M * scale / 2**zoom_level / _M_PER_DEG
    # The number of each corner goes along as its height, which thinning keeps.
    line = shapely.linestrings(np.column_stack((lon * scale, lat, np.arange(len(lon)))))
    thin = shapely.simplify(line, tolerance_deg, preserve_topology=False)
    kept: npt.NDArray[np.int64] = shapely.get_coordinates(thin, include_z=True)[:, 2].astype(
        np.int64
    )
    return kept


def _line(
    kind: str,
    lon: npt.NDArray[np.float64],
    lat: npt.NDArray[np.float64],
    time_ms: npt.NDArray[np.int64],
    told: dict[str, Any],
) -> dict[str, Any]:
    corners = np.round(np.column_stack((lon, lat)), _SHOWN_DIGITS).tolist()
    times_s = (time_ms // 1000).tolist()
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": corners},
        "properties": told | {"kind": kind, "times_s": times_s},
    }


def _stops(legs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Where legs end, and until when the truck stood there."""
    for leg, after in zip(legs, [*legs[1:], None], strict=True):
        until = None if after is None else after["started_at"]
        place = [round(leg[name], _SHOWN_DIGITS) for name in ("to_lon", "to_lat")]
        yield {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": place},
            "properties": {
                "kind": "stop",
                "arrived_at": leg["finished_at"],
                "departed_at": until,
                "stop_h": leg["stop_h"],
            },
        }
