"""Samsara: vehicle stats, as a snapshot, as a history or as a feed.

https://developers.samsara.com/reference/getvehiclestats: a snapshot gives an object where history
and feed give lists. Speeds are miles per hour. Counters have moments of their own: one is taken for
a fix only if it stands in its decorations or has its very moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fleet_carbon.ingest.dialects.dialect import (
    Dialect,
    DialectTable,
    Piece,
    content_of,
    not_of,
    table_of,
)
from fleet_carbon.ingest.dialects.records import (
    RecordReader,
    Scalar,
    cells_of,
    column_of,
    text_column,
)
from fleet_carbon.ingest.profiles import SourceProfile

_EXPECTED = "data with the gps of vehicles, as of /fleet/vehicles/stats"


class _Reading(msgspec.Struct):
    time: Scalar = None
    value: Scalar = None


class _Decorations(msgspec.Struct):
    obdOdometerMeters: _Reading | None = None  # noqa: N815


class _Fix(msgspec.Struct):
    time: Scalar = None
    latitude: Scalar = None
    longitude: Scalar = None
    headingDegrees: Scalar = None  # noqa: N815
    speedMilesPerHour: Scalar = None  # noqa: N815
    decorations: _Decorations | None = None


class _Vehicle(msgspec.Struct):
    id: Scalar = None
    name: Scalar = None
    gps: _Fix | list[_Fix] | None = None
    obdOdometerMeters: _Reading | list[_Reading] | None = None  # noqa: N815


class _Page(msgspec.Struct):
    data: list[msgspec.Raw] = []


_PAGES, _VEHICLES = RecordReader(_Page), RecordReader(_Vehicle)


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind, profile  # it holds nothing but positions
    pages = _PAGES.read(content_of(path), file=path.name)
    read = _VEHICLES.of_parts([part for one in pages.held for part in one.data], file=path.name)
    rows = [pair for one in read.held for pair in _rows(one)]
    if not rows and not read.broken and not pages.broken:
        raise not_of("Samsara", path, _EXPECTED)
    vehicles, fixes = [one for one, _, _ in rows], [fix for _, fix, _ in rows]
    used = sum(odometer is not None for _, _, odometer in rows)
    readings = sum(len(_several(one.obdOdometerMeters)) for one in read.held)
    columns = {
        "vehicle_id": text_column(vehicles, "id"),
        "vehicle_name": text_column(vehicles, "name"),
        "time": text_column(fixes, "time"),
        "lon": column_of(fixes, "longitude"),
        "lat": column_of(fixes, "latitude"),
        "speed_kmh": column_of(fixes, "speedMilesPerHour"),
        "heading_deg": column_of(fixes, "headingDegrees"),
        "odometer_km": cells_of([odometer for _, _, odometer in rows]),
    }
    lines = np.arange(1, len(rows) + 1, dtype=np.int64)
    left = {"odometer_readings_without_fix": readings - used} if readings > used else {}
    return table_of(Piece(columns, lines, pages.broken + read.broken, left))


def _rows(vehicle: _Vehicle) -> Iterator[tuple[_Vehicle, _Fix, Scalar]]:
    counted = {one.time: one.value for one in _several(vehicle.obdOdometerMeters)}
    for fix in _several(vehicle.gps):
        beside = fix.decorations.obdOdometerMeters if fix.decorations else None
        yield vehicle, fix, beside.value if beside else counted.get(fix.time)


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
    " on each line. Odometers stand beside a fix in its `decorations`, or have its moment.",
    kinds=("positions",),
    open_table=_open,
    is_certain=_is_certain,
    declares={"units": {"speed": "mph", "odometer": "m"}, "time_zone": "UTC"},
    vehicle="`id` of the vehicle; also offered: `vehicle_name`",
)
