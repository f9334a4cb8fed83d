"""GPX 1.1: the points of tracks, with the speed of Garmin's extension.

https://www.topografix.com/GPX/1/1/. Document types are refused: nothing of a file names another
file, or unfolds. A speed below 0 is how devices say that they do not know it.
"""

from __future__ import annotations

from pathlib import Path
from xml.parsers import expat

import numpy as np
import pyarrow as pa

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.dialects.dialect import (
    Dialect,
    DialectTable,
    Piece,
    content_of,
    not_of,
    table_of,
)
from fleet_carbon.ingest.profiles import SourceProfile

_INSIDE = {"time": "time", "ele": "altitude_m", "speed": "speed_kmh", "course": "heading_deg"}
_NAMES = ("time", "lon", "lat", "speed_kmh", "heading_deg", "altitude_m")
_EXPECTED = "an XML document with <gpx> and points of tracks <trkpt>"


def _open(path: Path, kind: str, profile: SourceProfile) -> DialectTable:
    del kind, profile  # it holds nothing but positions
    points = _Points()
    try:
        points.read(content_of(path))
    except (expat.ExpatError, ValueError, LookupError) as failure:
        raise not_of("GPX", path, f"{_EXPECTED}; {failure}") from failure
    if not points.is_gpx:
        raise not_of("GPX", path, _EXPECTED)
    columns = {
        name: pa.array([point.get(name) for point in points.held], pa.string()) for name in _NAMES
    }
    return table_of(Piece(columns, np.array(points.lines, dtype=np.int64)))


class _Points:
    """Points of tracks, in the order of the document."""

    def __init__(self) -> None:
        self.held: list[dict[str, str]] = []
        self.lines: list[int] = []
        self.is_gpx = False
        self._point: dict[str, str] | None = None
        self._name = ""
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = _refuse_document_type

    def read(self, content: bytes) -> None:
        """Read the whole document.

        Raises
        ------
        ExpatError
            If it is no XML.
        """
        self._parser.Parse(content, True)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if local == "gpx":
            self.is_gpx = True
        elif local == "trkpt":
            self._point = {one: attributes[one] for one in ("lon", "lat") if one in attributes}
            self.held.append(self._point)
            self.lines.append(self._parser.CurrentLineNumber)
        self._name = _INSIDE.get(local, "")

    def _text(self, text: str) -> None:
        if self._point is not None and self._name:
            self._point[self._name] = self._point.get(self._name, "") + text

    def _end(self, name: str) -> None:
        if name.rpartition(" ")[2] == "trkpt":
            self._point = None
        self._name = ""


def _refuse_document_type(*_: object) -> None:
    raise InputRefused(
        "xml_document_type",
        "The document declares a type of its own, which could name other files.",
        "Send it without <!DOCTYPE ...>.",
    )


def _is_certain(head: bytes) -> bool:
    return head.lstrip()[:1] == b"<" and b"<gpx" in head


DIALECT = Dialect(
    name="gpx",
    title="GPX 1.1",
    text="Points of tracks with time, height, speed and course; other points are no rows. A speed"
    " below 0 is not known.",
    kinds=("positions",),
    open_table=_open,
    is_certain=_is_certain,
    declares={"units": {"speed": "ms"}, "time_zone": "UTC"},
)
