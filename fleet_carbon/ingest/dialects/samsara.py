"""Samsara: vehicle stats as a snapshot, a history or a feed, and its stream of locations.

https://developers.samsara.com/reference/getvehiclestats: a snapshot gives an object where history
and feed give lists. Speeds are miles per hour. Counters have moments of their own: one is taken for
a fix only if it stands in its decorations or was read at its moment. The stream of locations and
speeds, over Kafka or as pages, tells metres per second: it goes by a name of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fleet_carbon.ingest.delimited import Column
from fleet_carbon.ingest.dialects.dialect import (
    Dialect,
    DialectTable,
    Piece,
    blocks_of,
    counted_from_one,
    not_of,
    table_in_pieces,
)
from fleet_carbon.ingest.dialects.readings import Readings, laid_beside
from fleet_carbon.ingest.dialects.records import (
    RecordReader,
    Records,
    Scalar,
    column_of,
    text_column,
)
from fleet_carbon.ingest.profiles import SourceProfile

# Our column -> the counter it is of, over the life of the vehicle, and what is left of it.
_COUNTERS = {
    "odometer_km": ("obdOdometerMeters", "odometer_readings_without_fix"),
    "fuel_used_l": ("fuelConsumedMilliliters", "fuel_readings_without_fix"),
}
_EXPECTED = "data with the gps of vehicles, as of /fleet/vehicles/stats"


class _Reading(msgspec.Struct, gc=False):
    time: Scalar = None
    value: Scalar = None


_NOT_READ = _Reading()


class _Decorations(msgspec.Struct, gc=False):
    obdOdometerMeters: _Reading | None = None  # noqa: N815
    fuelConsumedMilliliters: _Reading | None = None  # noqa: N815


class _Fix(msgspec.Struct, gc=False):
    time: Scalar = None
    latitude: Scalar = None
    longitude: Scalar = None
    headingDegrees: Scalar = None  # noqa: N815
    speedMilesPerHour: Scalar = None  # noqa: N815
    decorations: _Decorations | None = None


class _Vehicle(msgspec.Struct, gc=False):
    id: Scalar = None
    name: Scalar = None
    gps: _Fix | list[_Fix] | None = None
    obdOdometerMeters: _Reading | list[_Reading] | None = None  # noqa: N815
    fuelConsumedMilliliters: _Reading | list[_Reading] | None = None  # noqa: N815


class _Page(msgspec.Struct, gc=False):
    data: list[msgspec.Raw] = []


_PAGES, _VEHICLES = RecordReader(_Page), RecordReader(_Vehicle)


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind  # it holds nothing but positions
    return table_in_pieces(_pieces(path, profile))


def _pieces(path: Path, profile: SourceProfile) -> Iterator[Piece]:
    """All are read before the first is told: a later page may hold the counters of a fix."""
    blocks = _PAGES.read_blocks(blocks_of(path), file=path.name)
    pieces: list[Piece] = []
    readings: dict[str, list[Readings]] = {name: [] for name in _COUNTERS}
    before = 0
    for _, read in _VEHICLES.in_pages(blocks, attrgetter("data"), file=path.name):
        pieces.append(_piece(read, before))
        before += len(pieces[-1].lines)
        for name, (stat, _) in _COUNTERS.items():
            readings[name].append(_readings(stat, read.held))
    if not before and not any(one.broken for one in pieces):
        raise not_of("Samsara", path, _EXPECTED)
    for name, (_, remark) in _COUNTERS.items():
        pieces, unused = laid_beside(pieces, name, readings[name], profile=profile)
        if unused:
            pieces[0] = replace(pieces[0], remarks={**pieces[0].remarks, remark: unused})
    yield from pieces


def _piece(read: Records[_Vehicle], before: int) -> Piece:
    """The fixes of some vehicles, counters as they stand beside each."""
    pairs = [(one, fix) for one in read.held for fix in _several(one.gps)]
    vehicles, fixes = [one for one, _ in pairs], [fix for _, fix in pairs]
    columns = {
        "vehicle_id": text_column(vehicles, "id"),
        "vehicle_name": text_column(vehicles, "name"),
        "time": text_column(fixes, "time"),
        "lon": column_of(fixes, "longitude"),
        "lat": column_of(fixes, "latitude"),
        "speed_kmh": column_of(fixes, "speedMilesPerHour"),
        "heading_deg": column_of(fixes, "headingDegrees"),
    }
    for name, (stat, _) in _COUNTERS.items():
        told = [getattr(one.decorations, stat, None) or _NOT_READ for one in fixes]
        columns[name] = column_of(told, "value")
    return Piece(columns, before + counted_from_one(len(pairs)), read.broken)


def _readings(stat: str, vehicles: list[_Vehicle]) -> Readings:
    pairs = [(one, reading) for one in vehicles for reading in _several(getattr(one, stat))]
    of, readings = [one for one, _ in pairs], [reading for _, reading in pairs]
    values = [one.value for one in readings]
    return Readings(text_column(of, "id"), text_column(readings, "time"), values)


class _Named(msgspec.Struct, gc=False):
    id: Scalar = None
    name: Scalar = None


class _Location(msgspec.Struct, gc=False):
    latitude: Scalar = None
    longitude: Scalar = None
    headingDegrees: Scalar = None  # noqa: N815
    accuracyMeters: Scalar = None  # noqa: N815


class _Speed(msgspec.Struct, gc=False):
    gpsSpeedMetersPerSecond: Scalar = None  # noqa: N815
    ecuSpeedMetersPerSecond: Scalar = None  # noqa: N815

    @property
    def told(self) -> Scalar:
        """That of the satellites, else that of the wheels."""
        by_satellite = self.gpsSpeedMetersPerSecond
        return self.ecuSpeedMetersPerSecond if by_satellite is None else by_satellite


_NOBODY, _NOWHERE, _UNKNOWN = _Named(), _Location(), _Speed()


class _Event(msgspec.Struct, gc=False):
    """A record of the stream, or a page of them."""

    happenedAtTime: Scalar = None  # noqa: N815
    asset: _Named | None = None
    location: _Location | None = None
    speed: _Speed | None = None
    data: list[_Event] | None = None


_EVENTS = RecordReader(_Event)


def _open_stream(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind, profile  # it holds nothing but positions
    return table_in_pieces(_pieces_of_stream(path))


def _pieces_of_stream(path: Path) -> Iterator[Piece]:
    is_met = False
    for read in _EVENTS.read_blocks(blocks_of(path), file=path.name):
        pairs = [
            (one, line)
            for held, line in zip(read.held, read.lines.tolist(), strict=True)
            for one in (held.data if held.data is not None else (held,))
        ]
        events = [one for one, _ in pairs]
        is_met |= bool(read.broken) or any(one.happenedAtTime is not None for one in events)
        if not is_met:
            expected = "records with asset, happenedAtTime and location"
            raise not_of("Samsara's stream", path, expected)
        lines = np.array([line for _, line in pairs], dtype=np.int64)
        yield Piece(_of_events(events), lines, read.broken)


def _of_events(events: list[_Event]) -> dict[str, Column]:
    assets = [one.asset or _NOBODY for one in events]
    places = [one.location or _NOWHERE for one in events]
    return {
        "vehicle_id": text_column(assets, "id"),
        "vehicle_name": text_column(assets, "name"),
        "time": text_column(events, "happenedAtTime"),
        "lon": column_of(places, "longitude"),
        "lat": column_of(places, "latitude"),
        "speed_kmh": column_of([one.speed or _UNKNOWN for one in events], "told"),
        "heading_deg": column_of(places, "headingDegrees"),
        "accuracy_m": column_of(places, "accuracyMeters"),
    }


def _several(given: Any) -> Sequence[Any]:
    if given is None:
        return ()
    return given if isinstance(given, list) else (given,)


def _is_certain(head: bytes) -> bool:
    return b'"speedMilesPerHour"' in head and b'"headingDegrees"' in head


DIALECT = Dialect(
    name="samsara",
    title="Samsara",
    text="Answers of `/fleet/vehicles/stats` and of its history and feed with `gps`: one, or a page"
    " on each line. Odometers and counters of burnt fuel stand beside a fix in its `decorations`,"
    " or were read at its moment.",
    kinds=("positions",),
    open_table=_open,
    is_certain=_is_certain,
    declares={"units": {"speed": "mph", "odometer": "m", "fuel": "ml"}, "time_zone": "UTC"},
    vehicle="`id` of the vehicle; also offered: `vehicle_name`",
)
STREAM = Dialect(
    name="samsara_stream",
    title="Samsara, stream of locations",
    text="Locations and speeds as its Kafka connector publishes them, a record on each line or a"
    " list, and pages of `/assets/location-and-speed/stream`.",
    kinds=("positions",),
    open_table=_open_stream,
    is_certain=lambda head: b'"happenedAtTime"' in head and b'"asset"' in head,
    declares={"units": {"speed": "ms"}, "time_zone": "UTC"},
    vehicle="`id` of the asset; also offered: `vehicle_name`",
)
