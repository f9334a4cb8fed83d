"""Motive: locations of vehicles.

https://developer.gomotive.com, vehicle locations. Whether speeds and distances are metric is of the
account or of a header of the request and not told in the answer: whoever asked says which by the
name of the dialect. `odometer` jumps when a device is changed, `true_odometer` is the vehicle's.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    blocks_of,
    not_of,
    table_in_pieces,
)
from fleet_carbon.ingest.dialects.records import (
    RecordReader,
    Records,
    Scalar,
    column_of,
    text_column,
)
from fleet_carbon.ingest.profiles import SourceProfile

_OF_VEHICLE, _OF_DEVICE = "true_odometer", "odometer"
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
    return table_in_pieces(_pieces(path))


def _pieces(path: Path) -> Iterator[Piece]:
    """All are read before the first is told: any may say whose odometer is that of the vehicle."""
    blocks = _PAGES.read_blocks(blocks_of(path), file=path.name)
    read = _HELD.in_pages(blocks, _parts, file=path.name)
    pieces = [_piece(held) for _, held in read]
    if not any(len(one.lines) or one.broken for one in pieces):
        raise not_of("Motive", path, _EXPECTED)
    told = [one.columns["vehicle_id"].filter(one.columns[_OF_VEHICLE].is_valid()) for one in pieces]
    names = pa.chunked_array(told, pa.string()).unique()
    for piece in pieces:
        yield replace(piece, columns=_with_odometer(dict(piece.columns), names))


def _piece(read: Records[_Held]) -> Piece:
    told = [_place(one) for one in read.held]
    is_told = np.array([place is not None for place in told], dtype=np.bool_)
    places = [place for place in told if place is not None]
    vehicles = [one.vehicle or _NOBODY for one in compress(read.held, is_told.tolist())]
    columns = {
        "vehicle_id": text_column(vehicles, "number"),
        "device_id": text_column(vehicles, "id"),
        "time": text_column(places, "located_at"),
        "lon": column_of(places, "lon"),
        "lat": column_of(places, "lat"),
        "speed_kmh": column_of(places, "speed_told"),
        "heading_deg": column_of(places, "bearing"),
        _OF_VEHICLE: column_of(places, "true_odometer"),
        _OF_DEVICE: column_of(places, "odometer"),
    }
    silent = len(told) - len(places)
    remarks = {"vehicles_without_location": silent} if silent else {}
    return Piece(columns, read.lines[is_told], read.broken, remarks)


def _with_odometer(columns: dict[str, Column], names: Column) -> dict[str, Column]:
    """That of the vehicle where any of its locations tells it, else that of the device.

    The two are never mixed for one vehicle: they differ by whatever the device did not see.
    """
    of_vehicle, of_device = columns.pop(_OF_VEHICLE), columns.pop(_OF_DEVICE)
    is_told = pc.is_in(columns["vehicle_id"], value_set=names)
    kinds = {of_vehicle.type, of_device.type}
    if pa.string() in kinds and len(kinds) > 1:
        of_vehicle, of_device = of_vehicle.cast(pa.string()), of_device.cast(pa.string())
    return columns | {"odometer_km": pc.if_else(is_told, of_vehicle, of_device)}


def _parts(page: _Page) -> Iterator[msgspec.Raw]:
    yield from page.vehicles
    yield from page.vehicle_locations


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
