"""Geotab: log records, readings and fills of its API, and the GPS records of its data intake.

https://developers.geotab.com: LogRecord, StatusData, FuelEvent and FillUp of MyGeotab; GpsRecord of
DIG. Speeds are km/h, odometers of fuel events km, of fills (which derive a volume, too) m; costs
are those of a whole purchase. What it does not know it gives as 0: a place at 0,0, an odometer, a
cost. Readings of diagnostics (StatusData) are no rows: those of odometer (m) and burnt fuel (l) are
laid beside the fixes of their moment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import compress
from pathlib import Path

import msgspec
import numpy as np

from fleet_carbon.ingest.delimited import Column
from fleet_carbon.ingest.dialects.dialect import (
    Dialect,
    DialectTable,
    Piece,
    blocks_of,
    head_of,
    not_of,
    table_in_pieces,
    without_invalid,
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
from fleet_carbon.ingest.values import Flags

# By preference; a device's counters are never mixed. Metres, litres over the life of the device.
_ODOMETERS = ("DiagnosticOdometerAdjustmentId", "DiagnosticOdometerId", "DiagnosticRawOdometerId")
_BURNT = ("DiagnosticTotalFuelUsedId", "DiagnosticDeviceTotalFuelId")
_COUNTERS = {"odometer_km": _ODOMETERS, "fuel_used_l": _BURNT}
_PER_UNIT = dict.fromkeys(_ODOMETERS, 1000) | dict.fromkeys(_BURNT, 1)
DIAGNOSTICS_READ = frozenset(_PER_UNIT)
"""Readings that are laid beside fixes; all others are no rows."""
# A reading has a number of the same name.
_HOLDS_RECORDS = re.compile(rb'"(?:result|data)"\s*:\s*[\[{]')
_EXPECTED = "records with device, dateTime and latitude or volume, or records of DIG with Type"


class _Named(msgspec.Struct, gc=False):
    id: Scalar = None


class _Place(msgspec.Struct, gc=False):
    x: Scalar = None
    y: Scalar = None


class _Record(msgspec.Struct, gc=False):
    """A record of any kind; its members say of which."""

    device: _Named | str | None = None
    dateTime: Scalar = None  # noqa: N815
    latitude: Scalar = None
    longitude: Scalar = None
    speed: Scalar = None
    volume: Scalar = None
    odometer: Scalar = None
    id: Scalar = None
    derivedVolume: Scalar = None  # noqa: N815
    productType: Scalar = None  # noqa: N815
    cost: Scalar = None
    currencyCode: Scalar = None  # noqa: N815
    location: _Place | None = None
    diagnostic: _Named | str | None = None
    data: Scalar = None
    Type: Scalar = None
    DateTime: Scalar = None
    SerialNo: Scalar = None
    Latitude: Scalar = None
    Longitude: Scalar = None
    Speed: Scalar = None
    IsGpsValid: Scalar = None

    @property
    def is_fix(self) -> bool:
        """Whether it is one of the log."""
        return self.Type == "GpsRecord" or (self.Type is None and self.latitude is not None)

    @property
    def is_fill(self) -> bool:
        """Whether it is a purchase of fuel."""
        return self.Type is None and self.volume is not None

    @property
    def odometer_told(self) -> Scalar:
        """That of a fuel event as it stands, in km; a fill tells metres."""
        return self.odometer if self.derivedVolume is None else _scaled(self.odometer, 1000)

    @property
    def diagnostic_id(self) -> Scalar:
        """What was read."""
        named = self.diagnostic
        return named.id if isinstance(named, _Named) else named

    @property
    def device_id(self) -> Scalar:
        """Identifier of the device."""
        if isinstance(self.device, _Named):
            return self.device.id
        return self.device if self.device is not None else self.SerialNo

    @property
    def moment(self) -> Scalar:
        """When it was."""
        return self.dateTime if self.dateTime is not None else self.DateTime

    @property
    def place(self) -> _Place:
        """Where it was."""
        if self.Type is not None:
            return _Place(self.Longitude, self.Latitude)
        return self.location or _Place(self.longitude, self.latitude)

    @property
    def speed_told(self) -> Scalar:
        """How fast it was. [km/h]"""
        return self.speed if self.Type is None else self.Speed


class _Feed(msgspec.Struct, gc=False):
    data: list[msgspec.Raw] = []


class _Answer(msgspec.Struct, gc=False):
    result: list[msgspec.Raw] | _Feed | None = None
    data: list[msgspec.Raw] | None = None


_ANSWERS, _RECORDS = RecordReader(_Answer), RecordReader(_Record)


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    return table_in_pieces(_pieces(path, kind, profile))


def _pieces(path: Path, kind: str, profile: SourceProfile) -> Iterator[Piece]:
    """All are read before the first is told: readings stand apart from their fixes."""
    pieces: list[Piece] = []
    readings: dict[str, list[Readings]] = {}
    is_met, others = False, 0
    for read in _records(path):
        is_met |= bool(read.broken) or any(one.is_fix or one.is_fill for one in read.held)
        is_wanted: Flags = np.array(
            [one.is_fill if kind == "energy" else one.is_fix for one in read.held], dtype=np.bool_
        )
        chosen = list(compress(read.held, is_wanted.tolist()))
        columns = _fills(chosen) if kind == "energy" else _fixes(chosen)
        is_valid = np.array([one.IsGpsValid is not False for one in chosen], dtype=np.bool_)
        piece = Piece(columns, read.lines[is_wanted], read.broken)
        pieces.append(without_invalid(piece, is_valid, file=path.name))
        others += len(read.held) - len(chosen)
        if kind == "positions" and len(chosen) < len(read.held):
            others -= _collect(read.held, readings)
    if not is_met:
        raise not_of("Geotab", path, _EXPECTED)
    unused = 0
    for name, diagnostics in _COUNTERS.items():
        of_one, left = _of_one_counter(diagnostics, readings)
        pieces, beside = laid_beside(pieces, name, of_one, profile=profile)
        unused += left + beside
    remarks = {"records_of_other_kinds": others, "readings_without_fix": unused}
    told = {name: count for name, count in remarks.items() if count}
    yield replace(pieces[0], remarks=told)
    yield from pieces[1:]


def _records(path: Path) -> Iterator[Records[_Record]]:
    """The records of a list, of lines, or of answers of the API around them."""
    head = head_of(path).lstrip()[:200]
    blocks = blocks_of(path)
    if head[:1] == b"{" and _HOLDS_RECORDS.search(head):
        answers = _ANSWERS.read_blocks(blocks, file=path.name)
        return (read for _, read in _RECORDS.in_pages(answers, _parts, file=path.name))
    return _RECORDS.read_blocks(blocks, file=path.name)


def _parts(answer: _Answer) -> list[msgspec.Raw]:
    if isinstance(answer.result, _Feed):
        return answer.result.data
    return answer.result or answer.data or []


def _fixes(records: list[_Record]) -> dict[str, Column]:
    places = [one.place for one in records]
    return {
        "vehicle_id": text_column(records, "device_id"),
        "time": text_column(records, "moment"),
        "lon": column_of(places, "x"),
        "lat": column_of(places, "y"),
        "speed_kmh": column_of(records, "speed_told"),
    }


def _collect(records: Sequence[_Record], readings: dict[str, list[Readings]]) -> int:
    """Put readings of counters to those of their diagnostic; how many they are."""
    found: dict[Scalar, list[_Record]] = {}
    for one in records:
        if one.diagnostic is not None and one.diagnostic_id in _PER_UNIT:
            found.setdefault(one.diagnostic_id, []).append(one)
    for diagnostic, own in found.items():
        name = str(diagnostic)
        values = [_scaled(one.data, _PER_UNIT[name]) for one in own]
        devices, times = (text_column(own, member) for member in ("device_id", "moment"))
        readings.setdefault(name, []).append(Readings(devices, times, values))
    return sum(map(len, found.values()))


def _of_one_counter(
    diagnostics: Sequence[str], readings: Mapping[str, Sequence[Readings]]
) -> tuple[list[Readings], int]:
    """The readings of the best counter of each device, and how many are of others."""
    taken: list[Readings] = []
    known: set[str | None] = set()
    left = 0
    for diagnostic in diagnostics:
        met: set[str | None] = set()
        for one in readings.get(diagnostic, ()):
            devices = one.devices.to_pylist()
            is_new = np.array([device not in known for device in devices], dtype=np.bool_)
            taken.append(one.where(is_new))
            left += int((~is_new).sum())
            met.update(devices)
        known |= met
    return taken, left


def _scaled(value: Scalar, per_unit: int) -> Scalar:
    """A number in units of the house; what is none stays as it was sent, and the checks say so."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    # 0 is what a device sends that has not read the counter yet.
    return value / per_unit or None


def _fills(records: list[_Record]) -> dict[str, Column]:
    """Places at 0,0 and odometers of 0 are taken for unknown by the checks of every purchase."""
    places = [one.location or _Place() for one in records]
    return {
        "vehicle_id": text_column(records, "device_id"),
        "time": text_column(records, "moment"),
        "quantity": column_of(records, "volume"),
        "product": text_column(records, "productType"),
        "amount": column_of(records, "cost"),
        "currency": text_column(records, "currencyCode"),
        "odometer_km": column_of(records, "odometer_told"),
        "receipt_id": text_column(records, "id"),
        "place_lon": column_of(places, "x"),
        "place_lat": column_of(places, "y"),
    }


def _is_certain(head: bytes) -> bool:
    is_dig = b'"GpsRecord"' in head and b'"SerialNo"' in head
    return is_dig or (b'"device"' in head and b'"dateTime"' in head)


DIALECT = Dialect(
    name="geotab",
    title="Geotab",
    text="Log records, fuel events and fills as its API gives them, a list, on lines or inside an"
    " answer, and GPS records of its data intake. Readings (StatusData) of odometer and burnt fuel"
    " are laid beside the fix of their moment, other diagnostics are no rows.",
    kinds=("positions", "energy"),
    open_table=_open,
    is_certain=_is_certain,
    declares={"units": {"speed": "kmh", "odometer": "km", "fuel": "l"}, "time_zone": "UTC"},
    vehicle="`id` of the device, or its `SerialNo`",
)
