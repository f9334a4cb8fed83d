"""JT/T 808: location reports 0x0200 and 0x0704 of onboard units in China, as logged or published.

JT/T 808-2013 and JT/T 808-2019, location report and its further items. The two bits for the load
are set by a button or a sensor; 00 is also what a unit sends that knows nothing. They are counted
and serve nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fleet_carbon.errors import Rejection
from fleet_carbon.ingest.delimited import Column
from fleet_carbon.ingest.dialects import framing
from fleet_carbon.ingest.dialects.columns import degrees_column, known, known_counter
from fleet_carbon.ingest.dialects.dialect import (
    Dialect,
    DialectTable,
    Piece,
    blocks_of,
    content_of,
    head_of,
    not_of,
    table_in_pieces,
    table_of,
    without_invalid,
    without_shifted,
)
from fleet_carbon.ingest.dialects.frames import Frames, frames_of
from fleet_carbon.ingest.dialects.framing import UNKNOWN
from fleet_carbon.ingest.dialects.records import RecordReader, Records
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.values import Ints

_MARK = 0x7E
_LOCATION = 0x0200
_IS_FIXED, _IS_SOUTH, _IS_WEST, _IS_ENCRYPTED, _LOAD = 1 << 1, 1 << 2, 1 << 3, 1 << 5, 3 << 8
_EXPECTED = "frames between 7E and 7E, binary or hexadecimal, or JSON with header and body"


class _Header(msgspec.Struct, gc=False):
    phone: str | int
    msg_id: int = _LOCATION


_Number = Annotated[int, msgspec.Meta(ge=-(1 << 32), le=1 << 32)]


class _Extra(msgspec.Struct, gc=False):
    mileage: _Number | None = None
    fuel_meter: _Number | None = None


class _Body(msgspec.Struct, gc=False):
    status: _Number = 0
    latitude: _Number | None = None
    longitude: _Number | None = None
    altitude: _Number | None = None
    speed: _Number | None = None
    direction: _Number | None = None
    time: str | int | None = None
    extra: _Extra = msgspec.field(default_factory=_Extra)


class _Message(msgspec.Struct, gc=False):
    header: _Header
    body: _Body = msgspec.field(default_factory=_Body)


_MESSAGES = RecordReader(_Message)
_OF_BODY = {
    framing.STATUS: "status",
    framing.LAT: "latitude",
    framing.LON: "longitude",
    framing.ALTITUDE: "altitude",
    framing.SPEED: "speed",
    framing.HEADING: "direction",
}
_MOMENT_PATTERN = "^[0-9]{12}$"


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind  # it holds nothing but positions
    if head_of(path).lstrip()[:1] in (b"{", b"["):
        blocks = _MESSAGES.read_blocks(blocks_of(path), file=path.name)
        return table_in_pieces(_of_messages(read, path, profile) for read in blocks)
    return table_of(_of_frames(frames_of(content_of(path), (_MARK,)), path, profile))


def _of_frames(sent: Frames, path: Path, profile: SourceProfile) -> Piece:
    if not len(sent.starts):
        raise not_of("JT/T 808", path, _EXPECTED)
    verdicts = np.zeros(len(sent.starts), dtype=np.int64)
    found = sent.room(framing.DIGITS + 1, framing.LOCATION_BYTES)
    frames = np.empty(found.shape[1], dtype=np.int64)
    rows = framing.read_locations(sent.data, sent.starts, sent.stops, verdicts, found, frames)
    return _piece(
        found[:, :rows],
        sent.lines[frames[:rows]],
        broken=sent.refused(verdicts, file=path.name),
        remarks=sent.remarks(verdicts),
        file=path.name,
        profile=profile,
    )


def _of_messages(read: Records[_Message], path: Path, profile: SourceProfile) -> Piece:
    is_location = np.array([one.header.msg_id == _LOCATION for one in read.held], dtype=np.bool_)
    told = [one for one in read.held if one.header.msg_id == _LOCATION]
    bodies = [one.body for one in told]
    found = np.full((framing.DIGITS + 1, len(told)), UNKNOWN, dtype=np.int64)
    extras = [one.extra for one in bodies]
    for place, name in _OF_BODY.items():
        found[place] = _numbers(bodies, name)
    found[framing.TIME] = framing.times_ms_of_digits(_digits([one.time for one in bodies]))
    found[framing.ODOMETER] = _numbers(extras, "mileage")
    found[framing.FUEL] = _numbers(extras, "fuel_meter")
    others = len(read.held) - len(told)
    return _piece(
        found,
        read.lines[is_location],
        phones=[str(one.header.phone) for one in told],
        broken=read.broken,
        remarks={"messages_of_other_kinds": others} if others else {},
        file=path.name,
        profile=profile,
    )


def _numbers(records: Sequence[Any], name: str) -> Ints:
    cells = pa.array(list(map(attrgetter(name), records)), pa.int64())
    return np.asarray(cells.fill_null(UNKNOWN))


def _digits(cells: list[str | int | None]) -> Ints:
    """YYMMDDhhmmss as numbers; -1 for what is none."""
    try:
        texts = pa.array(cells, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # of which some are numbers
        texts = pa.array([None if cell is None else str(cell) for cell in cells], pa.string())
    is_moment = pc.match_substring_regex(texts, _MOMENT_PATTERN)
    digits = pc.if_else(is_moment, texts, pa.scalar("-1"))
    return np.asarray(digits.cast(pa.int64()).fill_null(-1))


def _piece(
    found: Ints,
    lines: Ints,
    *,
    broken: tuple[Rejection, ...],
    remarks: Mapping[str, int],
    file: str,
    profile: SourceProfile,
    phones: list[str] | None = None,
) -> Piece:
    status = found[framing.STATUS]
    devices = (
        _phones_of(found) if phones is None else pa.array(phones, pa.string()).dictionary_encode()
    )
    words = devices.dictionary.to_pylist()
    without_zeros = pa.array([word.lstrip("0") for word in words], pa.string())
    columns = {
        "vehicle_id": devices,
        "phone": pa.DictionaryArray.from_arrays(devices.indices, without_zeros),
        "time": known(found[framing.TIME]).cast(pa.timestamp("ms")),
        "lon": degrees_column(found[framing.LON], (status & _IS_WEST) != 0),
        "lat": degrees_column(found[framing.LAT], (status & _IS_SOUTH) != 0),
        "speed_kmh": known(found[framing.SPEED]),
        "heading_deg": known(found[framing.HEADING]),
        "altitude_m": known(found[framing.ALTITUDE]),
        "odometer_km": known_counter(found[framing.ODOMETER]),
        "fuel_level_l": known_counter(found[framing.FUEL]),
    }
    loads = int(((status & _LOAD) != 0).sum())
    told = dict(remarks) | ({"load_bits_not_used": loads} if loads else {})
    piece = Piece(columns, lines, broken, told)
    is_fixed = (status & _IS_FIXED) != 0
    is_shifted = (status[is_fixed] & _IS_ENCRYPTED) != 0
    piece = without_invalid(piece, is_fixed, file=file)
    return without_shifted(piece, is_shifted, profile, file=file)


def _phones_of(found: Ints) -> Column:
    """The numbers of devices, with all their digits; one word for each."""
    parts = found[[framing.PHONE_HIGH, framing.PHONE_LOW, framing.DIGITS]]
    codes, words = _factorized(parts[1])
    if len(words) and (parts[0].any() or (parts[2] != parts[2, 0]).any()):
        codes, words = _factorized(codes * 32 + parts[2])
        high, rest = _factorized(parts[0])
        codes, words = _factorized(codes * len(rest) + high)
    first = np.unique(codes, return_index=True)[1]
    texts = [
        f"{high * 10**12 + low:0{digits}d}" for high, low, digits in parts[:, first].T.tolist()
    ]
    return pa.DictionaryArray.from_arrays(
        pa.array(codes.astype(np.int32)), pa.array(texts, pa.string())
    )


def _factorized(values: Ints) -> tuple[npt.NDArray[np.int64], Ints]:
    codes, words = pd.factorize(values)
    return codes.astype(np.int64), words


def _is_certain(head: bytes) -> bool:
    if head.lstrip()[:1] in (b"{", b"["):
        return b'"msg_id"' in head and b'"phone"' in head
    compact = head.replace(b" ", b"").upper()
    return head.startswith(b"\x7e\x02\x00") or compact.startswith(b"7E0200")


DIALECT = Dialect(
    name="jt808",
    title="JT/T 808 (部标 808)",
    text="Location reports 0x0200, and those held back in 0x0704, of the editions of 2013 and 2019:"
    " frames one after the other, logs with frames in hexadecimal anywhere in a line, and the JSON"
    " that brokers publish (`header`, `body`).",
    kinds=("positions",),
    open_table=_open,
    is_certain=_is_certain,
    declares={
        "units": {
            "speed": "0.1kmh",
            "odometer": "0.1km",
            "fuel_level": "0.1l",
        },
        "time_zone": "Etc/GMT-8",
    },
    vehicle="the number of the device with all its digits; also offered: `phone`, without zeros"
    " before it",
)
