"""NMEA 0183: the sentences RMC of a receiver, as they are logged.

NMEA 0183, RMC: time of day and day in UTC, degrees and minutes with their side, knots. The year has
two digits: from 80 on it is of the last century. GGA names no day and is no row.
"""

from __future__ import annotations

import re
from functools import reduce
from itertools import count
from operator import xor
from pathlib import Path

import numpy as np
import pyarrow as pa

from fleet_carbon.errors import Rejection
from fleet_carbon.ingest.dialects.dialect import (
    Dialect,
    DialectTable,
    Piece,
    content_of,
    not_of,
    table_of,
    without_invalid,
)
from fleet_carbon.ingest.profiles import SourceProfile

_SENTENCE = re.compile(rb"\$([A-Z]{2}[A-Z]{3},[^*$\r\n]*)(?:\*([0-9A-Fa-f]{2}))?")
_FIELDS_MIN = 10
_YEAR_FIRST = 80
_NAMES = ("time", "lon", "lat", "speed_kmh", "heading_deg")
_Row = tuple[str | None, ...]


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind, profile  # it holds nothing but positions
    found = _Found(path.name)
    for line, text in zip(count(1), content_of(path).split(b"\n")):
        for sentence in _SENTENCE.finditer(text):
            found.take(line, *sentence.groups())
    if not found.sentences_count:
        raise not_of("an NMEA receiver", path, "sentences such as $GPRMC,...*68")
    columns = {
        name: pa.array([row[place] for row in found.rows], pa.string())
        for place, name in enumerate(_NAMES)
    }
    others = {"sentences_of_other_kinds": found.others_count} if found.others_count else {}
    lines = np.array(found.lines, dtype=np.int64)
    piece = Piece(columns, lines, tuple(found.broken), others)
    is_valid = np.array(found.is_valid, dtype=np.bool_)
    return table_of(without_invalid(piece, is_valid, file=path.name))


class _Found:
    """What the sentences of a log have told so far."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.rows: list[_Row] = []
        self.lines: list[int] = []
        self.is_valid: list[bool] = []
        self.broken: list[Rejection] = []
        self.sentences_count = self.others_count = 0

    def take(self, line: int, sentence: bytes, check: bytes | None) -> None:
        """Read one sentence."""
        self.sentences_count += 1
        if sentence[2:5] != b"RMC":
            self.others_count += 1
            return
        if check is not None and reduce(xor, sentence) != int(check, 16):
            text = "the sentence does not fit its check: cut off or damaged"
            self.broken.append(Rejection(self._file, line, "", "sentence_check_wrong", text))
            return
        fields = sentence.decode("ascii", "replace").split(",")
        if len(fields) < _FIELDS_MIN:
            text = f"the sentence has {len(fields)} fields; RMC has at least {_FIELDS_MIN}"
            self.broken.append(Rejection(self._file, line, "", "sentence_cut_off", text))
            return
        self.rows.append(_row(fields))
        self.lines.append(line)
        self.is_valid.append(fields[2] != "V")


def _row(fields: list[str]) -> _Row:
    _, clock, _, lat, north, lon, east, knots, course, day = fields[:10]
    return (
        _moment(day, clock),
        _degrees(lon, 3, east == "W"),
        _degrees(lat, 2, north == "S"),
        knots or None,
        course or None,
    )


def _moment(day: str, clock: str) -> str | None:
    """In ISO 8601, or as it stands where it is none: the checks say so."""
    if not day or not clock:
        return None
    year = day[4:6]
    century = "19" if year.isdecimal() and int(year) >= _YEAR_FIRST else "20"
    return f"{century}{year}-{day[2:4]}-{day[:2]}T{clock[:2]}:{clock[2:4]}:{clock[4:]}Z"


def _degrees(text: str, digits: int, is_negative: bool) -> str | None:
    """Degrees and minutes as degrees; what is none stays as it stands. [ddmm.mmmm -> deg]"""
    if not text:
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
