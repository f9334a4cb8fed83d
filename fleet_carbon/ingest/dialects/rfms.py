"""rFMS 4: pages of vehicle positions and of vehicle statuses.

rFMS Standard API 4.0 (https://www.fms-standard.com/Truck/): metres, kilograms, millilitres of fuel
over the life of the vehicle, moments of vehicle (`createdDateTime`) and server. A fix is dated by
its own `positionDateTime`; counters are of the moment at which the message was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

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
from fleet_carbon.ingest.dialects.records import (
    RecordReader,
    Records,
    Scalar,
    column_of,
    text_column,
)
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.values import flags, moments_of

_EXPECTED = "vehiclePositionResponse or vehicleStatusResponse"
# Beyond it a fix is an old one that stands beside counters of now.
_SAME_MOMENT_MS = 60_000


class _Gnss(msgspec.Struct, gc=False):
    latitude: Scalar = None
    longitude: Scalar = None
    heading: Scalar = None
    altitude: Scalar = None
    speed: Scalar = None
    positionDateTime: Scalar = None  # noqa: N815


class _DriverIdentification(msgspec.Struct, gc=False):
    driverIdentification: Scalar = None  # noqa: N815
    cardIssuingMemberState: Scalar = None  # noqa: N815
    oemDriverIdentification: Scalar = None  # noqa: N815


class _Driver(msgspec.Struct, gc=False):
    tachoDriverIdentification: _DriverIdentification | None = None  # noqa: N815
    oemDriverIdentification: _DriverIdentification | None = None  # noqa: N815


class _Snapshot(msgspec.Struct, gc=False):
    gnssPosition: _Gnss | None = None  # noqa: N815
    ambientAirTemperature: Scalar = None  # noqa: N815


_NO_GNSS, _NO_SNAPSHOT = _Gnss(), _Snapshot()


class _Message(msgspec.Struct, gc=False):
    """A position or a status."""

    vin: Scalar = None
    createdDateTime: Scalar = None  # noqa: N815
    gnssPosition: _Gnss | None = None  # noqa: N815
    hrTotalVehicleDistance: Scalar = None  # noqa: N815
    engineTotalFuelUsed: Scalar = None  # noqa: N815
    totalFuelUsedGaseous: Scalar = None  # noqa: N815
    totalElectricEnergyUsed: Scalar = None  # noqa: N815
    grossCombinationVehicleWeight: Scalar = None  # noqa: N815
    driver1Id: _Driver | None = None  # noqa: N815
    snapshotData: _Snapshot | None = None  # noqa: N815


class _Positions(msgspec.Struct, gc=False):
    vehiclePositions: list[msgspec.Raw] = []  # noqa: N815


class _Statuses(msgspec.Struct, gc=False):
    vehicleStatuses: list[msgspec.Raw] = []  # noqa: N815


class _Page(msgspec.Struct, gc=False):
    vehiclePositionResponse: _Positions | None = None  # noqa: N815
    vehicleStatusResponse: _Statuses | None = None  # noqa: N815
    moreDataAvailable: Scalar = None  # noqa: N815


_PAGES, _MESSAGES = RecordReader(_Page), RecordReader(_Message)


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind  # it holds nothing but positions
    return table_in_pieces(_pieces(path, profile))


def _pieces(path: Path, profile: SourceProfile) -> Iterator[Piece]:
    blocks = _PAGES.read_blocks(blocks_of(path), file=path.name)
    is_met, last = False, None
    for pages, read in _MESSAGES.in_pages(blocks, _parts, file=path.name):
        is_met |= not pages or any(_is_page(one) for one in pages)
        if not is_met:
            raise not_of("rFMS", path, _EXPECTED)
        last = pages[-1] if pages else last
        yield _piece(read, profile)
    if last is not None and last.moreDataAvailable is True:
        yield Piece({}, counted_from_one(0), remarks={"more_data_available": 1})


def _piece(read: Records[_Message], profile: SourceProfile) -> Piece:
    messages = read.held
    snapshots = [one.snapshotData or _NO_SNAPSHOT for one in messages]
    pairs = zip(messages, snapshots, strict=True)
    fixes = [one.gnssPosition or two.gnssPosition or _NO_GNSS for one, two in pairs]
    made = text_column(messages, "createdDateTime")
    fixed = text_column(fixes, "positionDateTime")
    columns = {
        "vehicle_id": text_column(messages, "vin"),
        "time": pc.coalesce(fixed, made),
        "lon": column_of(fixes, "longitude"),
        "lat": column_of(fixes, "latitude"),
        "speed_kmh": column_of(fixes, "speed"),
        "heading_deg": column_of(fixes, "heading"),
        "altitude_m": column_of(fixes, "altitude"),
    }
    counted = {
        "odometer_km": column_of(messages, "hrTotalVehicleDistance"),
        "fuel_used_l": column_of(messages, "engineTotalFuelUsed"),
        "gross_mass_t": _without_zero(column_of(messages, "grossCombinationVehicleWeight")),
        "ambient_degc": column_of(snapshots, "ambientAirTemperature"),
        "driver_id": pa.array([_driver(one.driver1Id) for one in messages], pa.string()),
    }
    is_old = _lies_before(fixed, made, profile)
    if pc.any(is_old).as_py():
        counted = {
            name: pc.if_else(is_old, pa.scalar(None, held.type), held)
            for name, held in counted.items()
        }
    remarks = {
        "counters_of_another_moment": pc.sum(is_old).as_py() or 0,
        "gas_counters_not_used": _filled(column_of(messages, "totalFuelUsedGaseous")),
        "electric_counters_not_used": _filled(column_of(messages, "totalElectricEnergyUsed")),
    }
    told = {name: count for name, count in remarks.items() if count}
    return Piece(columns | counted, read.lines, read.broken, told)


def _is_page(page: _Page) -> bool:
    return page.vehiclePositionResponse is not None or page.vehicleStatusResponse is not None


def _parts(page: _Page) -> Iterable[msgspec.Raw]:
    if page.vehiclePositionResponse is not None:
        yield from page.vehiclePositionResponse.vehiclePositions
    if page.vehicleStatusResponse is not None:
        yield from page.vehicleStatusResponse.vehicleStatuses


def _driver(given: _Driver | None) -> str | None:
    """The number of the driver's card, or the name that the maker of the vehicle has for them."""
    if given is None:
        return None
    card, own = given.tachoDriverIdentification, given.oemDriverIdentification
    named = card.driverIdentification if card else None
    if named is None and own is not None:
        named = own.oemDriverIdentification or own.driverIdentification
    return None if named is None else str(named)


def _lies_before(fixed: Column, made: Column, profile: SourceProfile) -> Column:
    """Which fixes are older than their message by more than the reading of both takes."""
    first, second = (moments_of(column, profile.zone) for column in (fixed, made))
    is_known = ~(first.missing | first.bad | second.missing | second.bad)
    return pa.array(is_known & (second.values_ms - first.values_ms > _SAME_MOMENT_MS))


def _without_zero(cells: Column) -> Column:
    """A mass of 0 is what a vehicle sends that stands and does not know it."""
    is_zero = pc.is_in(cells.cast(pa.string()), pa.array(["0", "0.0"]))
    return pc.if_else(is_zero, pa.scalar(None, cells.type), cells)


def _filled(cells: Column) -> int:
    return len(cells) - int(flags(cells.is_null()).sum())


def _is_certain(head: bytes) -> bool:
    return b'"vehicleStatusResponse"' in head or b'"vehiclePositionResponse"' in head


DIALECT = Dialect(
    name="rfms",
    title="rFMS 4",
    text="Pages of `/vehiclepositions` and `/vehiclestatuses`: one, a list, or a page on each line."
    " Lifetime fuel and gross combination mass are those of the statuses.",
    kinds=("positions",),
    open_table=_open,
    is_certain=_is_certain,
    declares={"units": {"speed": "kmh", "odometer": "m", "fuel": "ml", "mass": "kg"}},
    vehicle="the `vin`",
)
