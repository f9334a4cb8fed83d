"""JT/T 809: locations that platforms exchange, sub-types 0x1202 and 0x1203 of 0x1200.

JT/T 809-2011, 36 bytes a location: encryption, day, month, year, time of day, longitude before
latitude, speed by satellite and by recorder [km/h], mileage [km], direction, height, state, alarm.
JT/T 809-2019: a moment more in the head, and for each location encryption, length, a location of
JT/T 808 with its further items, and the state of alarm at three platforms. Plate and colour stand
before them; only both together are of one truck. Senders write the mileage in other units, too: it
is held against the kilometres driven as that of every file is.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fleet_carbon.ingest.delimited import Column
from fleet_carbon.ingest.dialects import framing
from fleet_carbon.ingest.dialects.columns import degrees_column, known, known_counter
from fleet_carbon.ingest.dialects.dialect import (
    Dialect,
    DialectTable,
    Piece,
    content_of,
    not_of,
    table_of,
    without_invalid,
    without_shifted,
)
from fleet_carbon.ingest.dialects.frames import frames_of
from fleet_carbon.ingest.profiles import SourceProfile

_MARK, _END = 0x5B, 0x5D
_IS_FIXED, _IS_SOUTH, _IS_WEST, _IS_ENCRYPTED = 1 << 1, 1 << 2, 1 << 3, 1 << 5
_WITH_ITEMS = 2019
_PLATE_BYTES = 21
_HEX = re.compile(rb"(?:[0-9a-f]{2}){40}")


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind  # it holds nothing but positions
    sent = frames_of(content_of(path), (_MARK, _END))
    if not len(sent.starts):
        raise not_of("JT/T 809", path, "frames between 5B and 5D, binary or hexadecimal")
    verdicts = np.zeros(len(sent.starts), dtype=np.int64)
    found = sent.room(framing.EXCHANGE_ROWS, framing.LOCATION_BYTES)
    frames = np.empty(found.shape[1], dtype=np.int64)
    plates = np.zeros((len(sent.starts), _PLATE_BYTES + 1), dtype=np.uint8)
    rows = framing.read_exchanges(
        sent.data, sent.starts, sent.stops, verdicts, found, frames, plates
    )
    found, of_frame = found[:, :rows], frames[:rows]
    status = found[framing.STATUS]
    columns = {
        **_trucks(plates[of_frame]),
        "time": known(found[framing.TIME]).cast(pa.timestamp("ms")),
        "lon": degrees_column(found[framing.LON], (status & _IS_WEST) != 0),
        "lat": degrees_column(found[framing.LAT], (status & _IS_SOUTH) != 0),
        "speed_kmh": _in_whole_units(known(found[framing.SPEED]), found),
        "heading_deg": known(found[framing.HEADING]),
        "altitude_m": known(found[framing.ALTITUDE]),
        "odometer_km": _in_whole_units(known_counter(found[framing.ODOMETER]), found),
    }
    if (found[framing.EDITION] == _WITH_ITEMS).any():
        fuel = known_counter(found[framing.FUEL])
        columns["fuel_level_l"] = _in_whole_units(fuel, found)
    piece = Piece(
        columns,
        sent.lines[of_frame],
        sent.refused(verdicts, file=path.name),
        sent.remarks(verdicts),
    )
    is_fixed = (status & _IS_FIXED) != 0
    is_shifted = (found[framing.IS_SHIFTED] != 0) | ((status & _IS_ENCRYPTED) != 0)
    piece = without_invalid(piece, is_fixed, file=path.name)
    return table_of(without_shifted(piece, is_shifted[is_fixed], profile, file=path.name))


def _in_whole_units(cells: Column, found: framing.Ints) -> Column:
    """Tenths of the edition of 2019 in the units of 2011. [0.1 km/h, km, l -> km/h, km, l]"""
    is_tenths = found[framing.EDITION] == _WITH_ITEMS
    if not is_tenths.any():
        return cells
    return pc.divide(cells.cast(pa.float64()), pa.array(np.where(is_tenths, 10.0, 1.0)))


def _trucks(plates: framing.Bytes) -> dict[str, Column]:
    """Plate, colour and both, each written once; a plate of broken characters is none."""
    keys, places = np.unique(
        plates.view(f"S{_PLATE_BYTES + 1}").ravel() if len(plates) else np.array([], dtype="S1"),
        return_inverse=True,
    )
    first = np.zeros(len(keys), dtype=np.int64)
    first[places[::-1]] = np.arange(len(places))[::-1]
    held = plates[first]
    names = [bytes(one[:_PLATE_BYTES]).rstrip(b"\0 ").decode("gb18030", "ignore") for one in held]
    colors = [str(int(one[_PLATE_BYTES])) for one in held]
    both = [f"{name}_{color}" if name else None for name, color in zip(names, colors, strict=True)]
    indices = pa.array(places.astype(np.int32))

    def column(words: list[str | None]) -> Column:
        return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string()))

    named = [name or None for name in names]
    return {
        "vehicle_id": column(named),
        "plate_color_code": column(list(colors)),
        "plate_and_color": column(list(both)),
    }


def _is_certain(head: bytes) -> bool:
    begin = head[:200]
    if begin[:1] != bytes((_MARK,)):
        digits = begin.replace(b" ", b"").lower()
        if _HEX.fullmatch(digits[:80]) is None:
            return False
        begin = bytes.fromhex(digits[:80].decode())
    for escaped, byte in ((b"\x5a\x01", b"\x5b"), (b"\x5e\x01", b"\x5d")):
        begin = begin.replace(escaped, byte)
    begin = begin.replace(b"\x5a\x02", b"\x5a").replace(b"\x5e\x02", b"\x5e")
    # After the mark: length and number of 4 bytes each, then the kind of the message.
    return begin[:1] == bytes((_MARK,)) and begin[9:11] == b"\x12\x00"


DIALECT = Dialect(
    name="jt809",
    title="JT/T 809 (部标 809)",
    text="Locations that platforms exchange, 0x1202 and those sent later in 0x1203, by the editions"
    " of 2011 and 2019: frames one after the other, or logs with frames in hexadecimal.",
    kinds=("positions",),
    open_table=_open,
    is_certain=_is_certain,
    declares={"units": {"speed": "kmh", "odometer": "km"}, "time_zone": "Asia/Shanghai"},
    vehicle="the plate; also offered: `plate_and_color`, such as 赣B63265_2",
)
