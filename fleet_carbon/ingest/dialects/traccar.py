"""Traccar: positions that it forwards, answers of its API, the export of its database.

https://www.traccar.org/forward/ and https://www.traccar.org/api-reference/ (Position). Speeds are
knots, distances metres. What moves is dated by `fixTime`; `totalDistance` is computed by the
server, which counts drift and jumps, and is not taken for an odometer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fleet_carbon.ingest.delimited import Chunk, Column
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
from fleet_carbon.ingest.dialects.records import (
    RecordReader,
    Records,
    Scalar,
    column_of,
    text_column,
)
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.readers import Table, open_table
from fleet_carbon.ingest.values import Flags

_EXPECTED = "positions as JSON with fixTime, latitude and longitude, or a CSV with FIXTIME"


class _Attributes(msgspec.Struct, gc=False):
    odometer: Scalar = None
    fuelUsed: Scalar = None  # noqa: N815
    fuel: Scalar = None
    driverUniqueId: Scalar = None  # noqa: N815
    archive: Scalar = None


class _Device(msgspec.Struct, gc=False):
    id: Scalar = None
    name: Scalar = None
    uniqueId: Scalar = None  # noqa: N815


_NO_DEVICE, _NO_ATTRIBUTES = _Device(), _Attributes()


class _Position(msgspec.Struct, gc=False):
    deviceId: Scalar = None  # noqa: N815
    fixTime: Scalar = None  # noqa: N815
    latitude: Scalar = None
    longitude: Scalar = None
    speed: Scalar = None
    course: Scalar = None
    altitude: Scalar = None
    accuracy: Scalar = None
    valid: Scalar = None
    outdated: Scalar = None
    attributes: _Attributes | None = None


class _Message(_Position, gc=False):
    """A position as the API gives it, or one that is forwarded beside its device."""

    position: _Position | None = None
    device: _Device | None = None


_MESSAGES = RecordReader(_Message)
_ATTRIBUTES = msgspec.json.Decoder(_Attributes)
_OF_POSITION = {
    "time": "fixTime",
    "lon": "longitude",
    "lat": "latitude",
    "speed_kmh": "speed",
    "heading_deg": "course",
    "altitude_m": "altitude",
    "accuracy_m": "accuracy",
}
_OF_ATTRIBUTES = {"odometer_km": "odometer", "fuel_used_l": "fuelUsed", "fuel_level_l": "fuel"}
_SIGNALS_OF_ITS_MOMENT = (*_OF_ATTRIBUTES, "speed_kmh")
_EXPORTED = {
    "vehicle_id": "DEVICEID",
    "time": "FIXTIME",
    "lon": "LONGITUDE",
    "lat": "LATITUDE",
    "speed_kmh": "SPEED",
    "heading_deg": "COURSE",
    "altitude_m": "ALTITUDE",
    "accuracy_m": "ACCURACY",
}
_YES, _NO = ("true", "t", "1"), ("false", "f", "0")


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind  # it holds nothing but positions
    if head_of(path).lstrip()[:1] in (b"{", b"["):
        return table_in_pieces(_pieces(path))
    return _ExportTable(path, open_table(path, profile))


def _pieces(path: Path) -> Iterator[Piece]:
    is_met = False
    for read in _MESSAGES.read_blocks(blocks_of(path), file=path.name):
        positions = [one.position or one for one in read.held]
        is_met |= not positions or any(one.fixTime is not None for one in positions)
        if not is_met:
            raise not_of("Traccar", path, _EXPECTED)
        yield _of_messages(read, positions, path.name)


def _of_messages(read: Records[_Message], positions: Sequence[_Position], file: str) -> Piece:
    devices = [one.device or _NO_DEVICE for one in read.held]
    attributes = [one.attributes or _NO_ATTRIBUTES for one in positions]
    device_id = pc.coalesce(text_column(positions, "deviceId"), text_column(devices, "id"))
    columns = {
        "vehicle_id": pc.coalesce(text_column(devices, "uniqueId"), device_id),
        "device_id": device_id,
        "device_name": text_column(devices, "name"),
        **{ours: column_of(positions, theirs) for ours, theirs in _OF_POSITION.items()},
        **_of_attributes(attributes),
    }
    return _judged(
        Piece(columns, read.lines, read.broken),
        is_valid=~_is(column_of(positions, "valid"), _NO),
        is_outdated=_is(column_of(positions, "outdated"), _YES),
        is_archived=_is(column_of(attributes, "archive"), _YES),
        file=file,
    )


def _of_attributes(attributes: Sequence[_Attributes]) -> dict[str, Column]:
    return {
        **{ours: column_of(attributes, theirs) for ours, theirs in _OF_ATTRIBUTES.items()},
        "driver_id": text_column(attributes, "driverUniqueId"),
    }


class _ExportTable(DialectTable):
    """The table of positions as its database exports it, the attributes being JSON in a cell."""

    def __init__(self, path: Path, table: Table) -> None:
        self._file, self._table = path.name, table
        self._places = {name.upper(): place for place, name in enumerate(table.names)}
        if not {"FIXTIME", "LATITUDE", "LONGITUDE", "DEVICEID"} <= self._places.keys():
            raise not_of("Traccar", path, _EXPECTED)
        exported = [ours for ours, theirs in _EXPORTED.items() if theirs in self._places]
        of_attributes = [*_OF_ATTRIBUTES, "driver_id"] if "ATTRIBUTES" in self._places else []
        super().__init__([*exported, *of_attributes], self._read)

    def _read(self, chunk_rows: int) -> Iterator[Piece]:
        for chunk in self._table.chunks(sorted(self._places.values()), chunk_rows):
            yield self._piece(chunk)

    def _piece(self, chunk: Chunk) -> Piece:
        none = pa.nulls(len(chunk.lines), pa.string())

        def cells(theirs: str) -> Column:
            place = self._places.get(theirs)
            return none if place is None else chunk.columns[place]

        attributes = [_attributes(cell) for cell in cells("ATTRIBUTES").to_pylist()]
        columns = {ours: cells(theirs) for ours, theirs in _EXPORTED.items()}
        return _judged(
            Piece(columns | _of_attributes(attributes), chunk.lines, chunk.broken),
            is_valid=~_is(cells("VALID"), _NO),
            is_outdated=_is(cells("OUTDATED"), _YES),
            is_archived=_is(column_of(attributes, "archive"), _YES),
            file=self._file,
        )


def _attributes(cell: str | None) -> _Attributes:
    """What a cell holds; a broken one says nothing, and its fix stands without it."""
    try:
        return _ATTRIBUTES.decode(cell) if cell else _NO_ATTRIBUTES
    except (msgspec.DecodeError, RecursionError):
        return _NO_ATTRIBUTES


def _judged(
    piece: Piece, *, is_valid: Flags, is_outdated: Flags, is_archived: Flags, file: str
) -> Piece:
    """The rows with what their flags mean.

    An outdated position repeats the last fix under its old moment, with attributes of now: these
    belong to no moment that it names. An archived one was held back by the device, and came late.
    A radius of 0 is how it says that none is known.
    """
    columns = dict(piece.columns)
    if is_outdated.any():
        is_now = pa.array(is_outdated)
        for name in _SIGNALS_OF_ITS_MOMENT:
            cells = columns[name]
            columns[name] = pc.if_else(is_now, pa.scalar(None, cells.type), cells)
    radius = columns["accuracy_m"]
    zero = pc.is_in(radius.cast(pa.string()), pa.array(["0", "0.0"]))
    columns["accuracy_m"] = pc.if_else(zero, pa.scalar(None, radius.type), radius)
    remarks = {"fixes_outdated": int((is_outdated & is_valid).sum())}
    remarks["fixes_archived"] = int((is_archived & is_valid).sum())
    told = {name: count for name, count in remarks.items() if count}
    judged = Piece(columns, piece.lines, piece.broken, told)
    return without_invalid(judged, is_valid, file=file)


def _is(column: Column, words: Sequence[str]) -> Flags:
    """Which cells say one of the words, whatever the case."""
    text = pc.utf8_lower(column.cast(pa.string()))
    return np.asarray(pc.is_in(text, pa.array(words)), dtype=np.bool_)


def _is_certain(head: bytes) -> bool:
    if head.lstrip()[:1] in (b"{", b"["):
        return b'"fixTime"' in head and b'"deviceId"' in head
    return {b"FIXTIME", b"DEVICEID", b"PROTOCOL"} <= set(
        head.split(b"\n", 1)[0].upper().replace(b'"', b"").strip().split(b",")
    )


DIALECT = Dialect(
    name="traccar",
    title="Traccar",
    text="Positions that a server forwards as JSON (`forward.type` json or mqtt), answers of"
    " `/api/positions`, a list or a document on each line, and the CSV export of its table"
    " of positions.",
    kinds=("positions",),
    open_table=_open,
    is_certain=_is_certain,
    declares={
        "units": {"speed": "knots", "odometer": "m", "fuel": "l", "fuel_level": "l"},
        "time_zone": "UTC",
    },
    vehicle="`uniqueId` of the device, else its `deviceId`; also offered: `device_id`,"
    " `device_name`",
)
