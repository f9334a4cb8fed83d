"""NMEA 0183: the sentences RMC of a receiver, as they are logged.

NMEA 0183, RMC: time of day and day in UTC, degrees and minutes with their side, knots. The year has
two digits: from 80 on it is of the last century. GGA names no day and is no row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fleet_carbon.errors import Rejection
from fleet_carbon.ingest.delimited import Column, empty_to_null
from fleet_carbon.ingest.dialects.dialect import (
    Dialect,
    DialectTable,
    Piece,
    lines_of,
    not_of,
    table_in_pieces,
    without_invalid,
)
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.values import Flags, Ints

_FIELDS_MIN = 10
_DOLLAR, _STAR, _CR, _LF = b"$*\r\n"
_OF_LAST_CENTURY = pa.array([str(year) for year in range(80, 100)])
_NAME_BYTES = 5  # two letters of the talker, three of the kind
_NO_HEX = 255
_HEX = np.full(256, _NO_HEX, dtype=np.uint8)
_HEX[list(b"0123456789abcdef")] = _HEX[list(b"0123456789ABCDEF")] = range(16)


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind, profile  # it holds nothing but positions
    return table_in_pieces(_pieces(path))


def _pieces(path: Path) -> Iterator[Piece]:
    is_met = False
    for block, lines_before in lines_of(path):
        found = _sentences(block)
        is_met |= bool(len(found.starts))
        yield _piece(found, block, lines_before, path.name)
    if not is_met:
        raise not_of("an NMEA receiver", path, "sentences such as $GPRMC,...*68")


@dataclass(frozen=True, eq=False)
class _Sentences:
    """Where the sentences of a block stand, without their first and last sign.

    Attributes
    ----------
    starts, stops : int64 arrays
        Between which places.
    is_rmc : bool array
        Whether each is of the kind that is read.
    is_damaged : bool array
        Whether it does not fit its check; one without a check fits.
    """

    starts: Ints
    stops: Ints
    is_rmc: Flags
    is_damaged: Flags


def _sentences(block: bytes) -> _Sentences:
    """What stands between a dollar and a star, a line end, or the next dollar."""
    # Further bytes let each sentence have all that is looked at.
    data = np.frombuffer(block + bytes(_NAME_BYTES + 1), dtype=np.uint8)
    signs = np.flatnonzero((data == _DOLLAR) | (data == _STAR) | (data == _CR) | (data == _LF))
    is_begin = data[signs] == _DOLLAR
    starts = signs[is_begin] + 1
    stops = np.append(signs[1:], len(block))[is_begin]
    letters = data[starts[:, None] + np.arange(_NAME_BYTES)]
    is_named = ((letters >= ord("A")) & (letters <= ord("Z"))).all(axis=1)
    is_named &= data[starts + _NAME_BYTES] == ord(",")
    starts, stops, letters = starts[is_named], stops[is_named], letters[is_named]
    is_rmc = (letters[:, 2:] == list(b"RMC")).all(axis=1)
    high, low = _HEX[data[stops + 1]], _HEX[data[stops + 2]]
    has_check = (data[stops] == _STAR) & (high != _NO_HEX) & (low != _NO_HEX)
    sums = np.bitwise_xor.reduceat(data, np.stack([starts, stops], axis=1).ravel())[::2]
    return _Sentences(starts, stops, is_rmc, has_check & (sums != high * 16 + low))


def _piece(found: _Sentences, block: bytes, lines_before: int, file: str) -> Piece:
    starts, stops = found.starts[found.is_rmc], found.stops[found.is_rmc]
    is_damaged = found.is_damaged[found.is_rmc]
    line_ends = np.flatnonzero(np.frombuffer(block, dtype=np.uint8) == _LF)
    lines = np.searchsorted(line_ends, starts) + lines_before + 1
    spans = zip(starts.tolist(), stops.tolist(), strict=True)
    texts = [block[start:stop].decode("ascii", "replace") for start, stop in spans]
    fields = pc.split_pattern(pa.array(texts, pa.string()), ",")
    counts = np.asarray(pc.list_value_length(fields))
    is_short = counts < _FIELDS_MIN
    broken = tuple(
        _refused(file, int(lines[place]), int(counts[place]), is_damaged=bool(is_damaged[place]))
        for place in np.flatnonzero(is_damaged | is_short).tolist()
    )
    is_whole = ~is_damaged & ~is_short
    others = len(found.starts) - len(starts)
    told = {"sentences_of_other_kinds": others} if others else {}
    rows = fields.filter(pa.array(is_whole))
    piece = Piece(_columns(rows), lines[is_whole], broken, told)
    is_valid = np.asarray(pc.not_equal(pc.list_element(rows, 2), "V"), dtype=np.bool_)
    return without_invalid(piece, is_valid, file=file)


def _refused(file: str, line: int, fields_count: int, *, is_damaged: bool) -> Rejection:
    if is_damaged:
        text = "the sentence does not fit its check: cut off or damaged"
        return Rejection(file, line, "", "sentence_check_wrong", text)
    text = f"the sentence has {fields_count} fields; RMC has at least {_FIELDS_MIN}"
    return Rejection(file, line, "", "sentence_cut_off", text)


def _columns(rows: Column) -> dict[str, Column]:
    """What the fields of whole sentences tell."""

    def field(place: int) -> Column:
        return empty_to_null(pc.list_element(rows, place))

    return {
        "time": _moments(field(9), field(1)),
        "lon": _degrees(field(5), 3, pc.equal(field(6), "W")),
        "lat": _degrees(field(3), 2, pc.equal(field(4), "S")),
        "speed_kmh": field(7),
        "heading_deg": field(8),
    }


def _moments(days: Column, clocks: Column) -> Column:
    """In ISO 8601, or as it stands where it is none: the checks say so."""

    def part(cells: Column, first: int, stop: int | None = None) -> Column:
        return pc.utf8_slice_codeunits(cells, first, stop)

    year = part(days, 4, 6)
    century = pc.if_else(pc.is_in(year, value_set=_OF_LAST_CENTURY), "19", "20")
    day = pc.binary_join_element_wise(
        pc.binary_join_element_wise(century, year, ""), part(days, 2, 4), part(days, 0, 2), "-"
    )
    clock = pc.binary_join_element_wise(
        part(clocks, 0, 2), part(clocks, 2, 4), part(clocks, 4), ":"
    )
    return pc.binary_join_element_wise(
        pc.binary_join_element_wise(day, clock, "T"), pa.scalar("Z"), ""
    )


def _degrees(texts: Column, digits: int, is_negative: Column) -> Column:
    """Degrees and minutes as degrees; what is none stays as it stands. [ddmm.mmmm -> deg]"""
    is_plain = pc.match_substring_regex(texts, rf"^[0-9]{{{digits}}}[0-9]+(\.[0-9]+)?$")
    if pc.all(is_plain).as_py() is False:
        signs = is_negative.to_pylist()
        cells = [_degrees_of(*pair, digits) for pair in zip(texts.to_pylist(), signs, strict=True)]
        return pa.array(cells, pa.string())
    whole = pc.utf8_slice_codeunits(texts, 0, digits).cast(pa.float64())
    minutes = pc.utf8_slice_codeunits(texts, digits).cast(pa.float64())
    degrees = pc.add(whole, pc.divide(minutes, 60.0))
    return pc.if_else(pc.fill_null(is_negative, False), pc.negate(degrees), degrees)


def _degrees_of(text: str | None, is_negative: bool | None, digits: int) -> str | None:
    """One of them, among others that are none."""
    if text is None:
        return None
    try:
        degrees = int(text[:digits]) + float(text[digits:]) / 60
    except ValueError:
        return text
    return repr(-degrees if is_negative else degrees)


def _is_certain(head: bytes) -> bool:
    return re.search(rb"^\$[A-Z]{2}RMC,\d{6}", head, re.MULTILINE) is not None


DIALECT = Dialect(
    name="nmea",
    title="NMEA 0183",
    text="Sentences RMC of any talker, anywhere in a line of a log; a check that stands there is"
    " looked at.",
    kinds=("positions",),
    open_table=_open,
    is_certain=_is_certain,
    declares={"units": {"speed": "knots"}, "time_zone": "UTC"},
)
