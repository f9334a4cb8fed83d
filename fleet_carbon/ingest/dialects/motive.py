"""Motive: locations of vehicles.

https://developer.gomotive.com, vehicle locations. Whether speeds and distances are metric is of the
account or of a header of the request and not told in the answer: whoever asked says which by the
name of the dialect. `odometer` jumps when a device is changed, `true_odometer` is the vehicle's.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import compress
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fleet_carbon.ingest.delimited import Column
from fleet_carbon.ingest.dialects.dialect import (
    Dialect,
    DialectTable,
    Piece,
    content_of,
    not_of,
    table_of,
)
from fleet_carbon.ingest.dialects.records import RecordReader, Scalar, column_of, text_column
from fleet_carbon.ingest.profiles import SourceProfile

_EXPECTED = "vehicles with their current_location, or vehicle_locations"


class _Location(msgspec.Struct, gc=False):
    located_at: Scalar = None
    lat: Scalar = None
    lon: Scalar = None
    bearing: Scalar = None
    speed: Scalar = None
    kph: Scalar = None
    odometer: Scalar = None
    true_odometer: Scalar = None

    @property
    def speed_told(self) -> Scalar:
        """In the unit of the account."""
        return self.speed if self.kph is None else self.kph


class _Vehicle(msgspec.Struct, gc=False):
    id: Scalar = None
    number: Scalar = None
    current_location: _Location | None = None
    vehicle_location: _Location | None = None


_NOBODY = _Vehicle()


class _Held(msgspec.Struct, gc=False):
    vehicle: _Vehicle | None = None
    vehicle_location: _Location | None = None


class _Page(msgspec.Struct, gc=False):
    vehicles: list[msgspec.Raw] = []
    vehicle_locations: list[msgspec.Raw] = []


_PAGES, _HELD = RecordReader(_Page), RecordReader(_Held)


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind, profile  # it holds nothing but positions
    pages = _PAGES.read(content_of(path), file=path.name)
    parts = [part for one in pages.held for part in (*one.vehicles, *one.vehicle_locations)]
    read = _HELD.of_parts(parts, file=path.name)
    told = [_place(one) for one in read.held]
    is_told = np.array([place is not None for place in told], dtype=np.bool_)
    places = [place for place in told if place is not None]
    if not places and not read.broken and not pages.broken:
        raise not_of("Motive", path, _EXPECTED)
    vehicles = [one.vehicle or _NOBODY for one in compress(read.held, is_told.tolist())]
    numbers = text_column(vehicles, "number")
    columns = {
        "vehicle_id": numbers,
        "device_id": text_column(vehicles, "id"),
        "time": text_column(places, "located_at"),
        "lon": column_of(places, "lon"),
        "lat": column_of(places, "lat"),
        "speed_kmh": column_of(places, "speed_told"),
        "heading_deg": column_of(places, "bearing"),
        "odometer_km": _odometers(numbers, places),
    }
    silent = len(told) - len(places)
    remarks = {"vehicles_without_location": silent} if silent else {}
    broken = pages.broken + read.broken
    return table_of(Piece(columns, read.lines[is_told], broken, remarks))


def _odometers(numbers: Column, places: list[_Location]) -> Column:
    """Those of the vehicle where one of its locations tells it, else those of the device.

    The two are never mixed for one vehicle: they differ by whatever the device did not see.
    """
    of_vehicle, of_device = (column_of(places, name) for name in ("true_odometer", "odometer"))
    told = numbers.filter(of_vehicle.is_valid())
    is_told = pc.is_in(numbers, value_set=told.unique())
    kinds = {of_vehicle.type, of_device.type}
    if pa.string() in kinds and len(kinds) > 1:
        of_vehicle, of_device = of_vehicle.cast(pa.string()), of_device.cast(pa.string())
    return pc.if_else(is_told, of_vehicle, of_device)


def _place(held: _Held) -> _Location | None:
    vehicle = held.vehicle or _NOBODY
    return held.vehicle_location or vehicle.current_location


def _is_certain(head: bytes) -> bool:
    return b'"located_at"' in head


DIALECT = Dialect(
    name="motive",
    title="Motive, metric",
    text="Locations of vehicles asked for in metric units: `vehicles` with `current_location`, or"
    " the `vehicle_locations` of one vehicle.",
    kinds=("positions",),
    open_table=_open,
    is_certain=_is_certain,
    declares={"units": {"speed": "kmh", "odometer": "km"}, "time_zone": "UTC"},
    vehicle="`number` of the vehicle; also offered: `device_id`, its `id`",
)
IMPERIAL = replace(
    DIALECT,
    name="motive-miles",
    title="Motive, miles",
    text="The same, of an account or a request in miles.",
    declares={"units": {"speed": "mph", "odometer": "mi"}, "time_zone": "UTC"},
)
