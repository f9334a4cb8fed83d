"""Motive: locations of vehicles.

https://developer.gomotive.com, vehicle locations. Whether speeds and distances are metric is of the
account or of a header of the request and not told in the answer: whoever asked says which by the
name of the dialect. `odometer` jumps when a device is changed, `true_odometer` is the vehicle's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

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

_EXPECTED = "vehicles with their current_location, or vehicle_locations"


class _Location(msgspec.Struct):
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


class _Vehicle(msgspec.Struct):
    id: Scalar = None
    number: Scalar = None
    current_location: _Location | None = None
    vehicle_location: _Location | None = None


_NOBODY = _Vehicle()


class _Held(msgspec.Struct):
    vehicle: _Vehicle | None = None
    vehicle_location: _Location | None = None


class _Page(msgspec.Struct):
    vehicles: list[msgspec.Raw] = []
    vehicle_locations: list[msgspec.Raw] = []


_PAGES, _HELD = RecordReader(_Page), RecordReader(_Held)


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind, profile  # it holds nothing but positions
    pages = _PAGES.read(content_of(path), file=path.name)
    parts = [part for one in pages.held for part in (*one.vehicles, *one.vehicle_locations)]
    read = _HELD.of_parts(parts, file=path.name)
    rows = [row for one, line in zip(read.held, read.lines, strict=True) for row in _row(one, line)]
    if not rows and not read.broken and not pages.broken:
        raise not_of("Motive", path, _EXPECTED)
    vehicles, places = [one for one, _, _ in rows], [place for _, place, _ in rows]
    columns = {
        "vehicle_id": text_column(vehicles, "number"),
        "device_id": text_column(vehicles, "id"),
        "time": text_column(places, "located_at"),
        "lon": column_of(places, "lon"),
        "lat": column_of(places, "lat"),
        "speed_kmh": column_of(places, "speed_told"),
        "heading_deg": column_of(places, "bearing"),
        "odometer_km": cells_of(_odometers(vehicles, places)),
    }
    lines = np.array([line for _, _, line in rows], dtype=np.int64)
    silent = len(read.held) - len(rows)
    remarks = {"vehicles_without_location": silent} if silent else {}
    return table_of(Piece(columns, lines, pages.broken + read.broken, remarks))


def _odometers(vehicles: list[_Vehicle], places: list[_Location]) -> list[Scalar]:
    """Those of the vehicle where one of its locations tells it, else those of the device.

    The two are never mixed for one vehicle: they differ by whatever the device did not see.
    """
    pairs = list(zip(vehicles, places, strict=True))
    of_vehicles = {str(one.number) for one, place in pairs if place.true_odometer is not None}
    return [
        place.true_odometer if str(one.number) in of_vehicles else place.odometer
        for one, place in pairs
    ]


def _row(held: _Held, line: int) -> Iterator[tuple[_Vehicle, _Location, int]]:
    vehicle = held.vehicle or _NOBODY
    place = held.vehicle_location or vehicle.current_location
    if place is not None:
        yield vehicle, place, line


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
