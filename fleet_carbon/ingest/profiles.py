"""Source profiles: how one sender names its columns and which units, zone and system it uses.

A profile is given as a plain mapping (the reading of its file is not this room's business). It is
never guessed: what the data seem to say otherwise is reported as a suspicion.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.coordinates import CRS_NAMES
from fleet_carbon.units import DEGC_PER, KM_PER, KMH_PER, L_PER, M_PER, T_PER

UNIT_CHOICES: dict[str, dict[str, float]] = {
    "speed": KMH_PER,
    "odometer": KM_PER,
    "fuel": L_PER,
    "mass": T_PER,
    "cargo": T_PER,
    "altitude": M_PER,
    "ambient": DEGC_PER,
    "fuel_level": L_PER,
    "distance": KM_PER,
}
HOUSE_UNITS = {
    "speed": "kmh", "odometer": "km", "fuel": "l", "mass": "t", "cargo": "t", "altitude": "m",
    "ambient": "degc", "fuel_level": "l",
    "distance": "km",
}  # fmt: skip
COORDINATE_ORDERS = ("lon_lat", "lat_lon")


@dataclass(frozen=True)
class Filter:
    """Rows that are read, or not, by what stands in a column.

    Attributes
    ----------
    column : str
        Name in the file, or ours.
    words : tuple of str
        What may stand there, whichever the case; ``*`` stands for anything, the empty word for
        an empty cell.
    keeps : bool
        Whether rows with one of the words are read; else all others are.
    """

    column: str
    words: tuple[str, ...]
    keeps: bool


@dataclass(frozen=True)
class SourceProfile:
    """What must be known about a file beside its bytes.

    Attributes
    ----------
    columns : dict of str to str
        Our column name to the name in the file.
    units : dict of str to str
        Units of ``speed``, ``odometer``, ``fuel``, ``mass``, ``cargo``, ``altitude``, ``ambient``,
        ``fuel_level`` and ``distance`` where not the house's.
    time_zone : str
        IANA zone of times that carry no offset.
    time_format : str or None
        strptime pattern for times of no standard form, such as ``%m/%d/%Y %H:%M``.
    crs : str
        wgs84, gcj02 or bd09.
    coordinate_order : str
        lat_lon if the column taken for the longitude holds the latitude and the other way round,
        or if a combined column names the latitude first.
    encoding : str or None
        Of text files; found out if None.
    separator : str or None
        Of text files; found out if None.
    header : tuple of str
        Column names of a file that has no header line.
    gps_rollover_before : str or None
        Day YYYY-MM-DD; fixes dated before it lie 1,024 weeks too early and are put right.
    title_rows : int
        Lines above the header, or above the first row where there is none.
    sheet : str or None
        Sheet of a workbook; the first if None.
    constants : dict of str to str
        Our column name to a value that holds for every row without a value of its own.
    joins : dict of str to tuple of str
        Our column name to the names of several columns, whose cells are read as one: day and
        clock, town and street.
    filters : tuple of Filter
        Which rows are read at all.
    """

    time_zone: str = "Asia/Shanghai"
    crs: str = "wgs84"
    columns: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    coordinate_order: str = "lon_lat"
    time_format: str | None = None
    encoding: str | None = None
    separator: str | None = None
    header: tuple[str, ...] = ()
    gps_rollover_before: str | None = None
    title_rows: int = 0
    sheet: str | None = None
    constants: dict[str, str] = field(default_factory=dict)
    joins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    filters: tuple[Filter, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """The zone of times without an offset."""
        return ZoneInfo(self.time_zone)

    def unit(self, quantity: str) -> str:
        """Name of the unit in which the file states that quantity."""
        return self.units.get(quantity, HOUSE_UNITS[quantity])

    def factor(self, quantity: str) -> float:
        """What one unit of the file is in the house's unit of that quantity."""
        return UNIT_CHOICES[quantity][self.unit(quantity)]


_TEXT_KEYS = (
    "time_zone",
    "crs",
    "coordinate_order",
    "time_format",
    "encoding",
    "separator",
    "sheet",
)
_TABLE_KEYS = ("columns", "units", "constants")
_KEYS = (
    *_TEXT_KEYS,
    *_TABLE_KEYS,
    *("header", "title_rows", "gps_rollover_before", "joins", "filters"),
)
_FILTER_KEYS = ("keep", "skip")
_SEPARATOR_WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


def zone_named(name: str) -> ZoneInfo | None:
    """The IANA zone of that name; None if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def default_profile(time_zone: str, crs: str) -> SourceProfile:
    """The profile of a file that keeps to the contract, in that zone and system.

    Raises
    ------
    InputRefused
        If the zone or the coordinate system is not known.
    """
    return profile_from_document(
        {"time_zone": time_zone, "crs": crs}, where="the options of the command"
    )


def profile_from_document(document: dict[str, Any], *, where: str) -> SourceProfile:
    """The profile that a document describes.

    Parameters
    ----------
    document : dict
        Keys are the attributes of `SourceProfile`; all are optional.
    where : str
        Name of the document for messages.

    Raises
    ------
    InputRefused
        If a key is unknown or has a value that cannot be; the message names both.
    """
    for key in document:
        if key not in _KEYS:
            raise _refused(where, str(key), "is no key of a source profile", _KEYS)
    given: dict[str, Any] = {key: value for key, value in document.items() if value is not None}
    for key in _TEXT_KEYS:
        if key in given and not isinstance(given[key], str):
            raise _refused(where, key, f"must be text, found {given[key]!r}")
    for key in _TABLE_KEYS:
        if key in given:
            given[key] = _table(given[key], where, key)
    if "header" in given:
        given["header"] = _header(given["header"], where)
    if "joins" in given:
        given["joins"] = _lists(given["joins"], where, "joins")
    if "filters" in given:
        given["filters"] = _filters(given["filters"], where)
    if "gps_rollover_before" in given:  # YAML makes a date of it
        given["gps_rollover_before"] = str(given["gps_rollover_before"])
    profile = SourceProfile(**given | _separator(given))
    _check(profile, where)
    return profile


def _table(value: Any, where: str, key: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise _refused(where, key, f"must map names to values, found {value!r}")
    return {name: str(held) for name, held in value.items() if held is not None}


def _lists(value: Any, where: str, key: str) -> dict[str, tuple[str, ...]]:
    """Names to one word or several; YAML makes numbers and truths of some words."""
    if not isinstance(value, dict) or not value:
        raise _refused(where, key, f"must map names to lists, found {value!r}")
    found: dict[str, tuple[str, ...]] = {}
    for name, held in value.items():
        words = held if isinstance(held, list | tuple) else [held]
        if not words or any(isinstance(word, dict | list) for word in words):
            raise _refused(where, f"{key}.{name}", f"must list words, found {held!r}")
        found[str(name)] = tuple("" if word is None else _word(word) for word in words)
    return found


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _filters(value: Any, where: str) -> tuple[Filter, ...]:
    if not isinstance(value, dict):
        raise _refused(where, "filters", f"must hold keep or skip, found {value!r}", _FILTER_KEYS)
    found: list[Filter] = []
    for key, held in value.items():
        _check_choice(where, "filters", str(key), _FILTER_KEYS)
        for column, words in _lists(held, where, f"filters.{key}").items():
            found.append(Filter(column, words, keeps=key == "keep"))
    return tuple(found)


def _header(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise _refused(where, "header", f"must list the column names, found {value!r}")
    return tuple("" if name is None else str(name) for name in value)


def _separator(given: dict[str, Any]) -> dict[str, Any]:
    named = given.get("separator")
    return {} if named is None else {"separator": _SEPARATOR_WORDS.get(named, named)}


def _check(profile: SourceProfile, where: str) -> None:
    if zone_named(profile.time_zone) is None:
        named = profile.time_zone
        cities = [one for one in sorted(available_timezones()) if one.endswith(f"/{named}")]
        text = f"{named!r} is no IANA zone such as {(cities or ['Asia/Shanghai'])[0]}"
        raise _refused(where, "time_zone", text)
    _check_choice(where, "crs", profile.crs, CRS_NAMES)
    _check_choice(where, "coordinate_order", profile.coordinate_order, COORDINATE_ORDERS)
    for quantity, unit in profile.units.items():
        _check_choice(where, "units", quantity, tuple(UNIT_CHOICES))
        _check_choice(where, f"units.{quantity}", unit, tuple(UNIT_CHOICES[quantity]))
    if profile.separator is not None and (
        len(profile.separator) != 1 or profile.separator in '"\r\n'
    ):
        raise _refused(where, "separator", f"must be one character, found {profile.separator!r}")
    if not (type(profile.title_rows) is int and profile.title_rows >= 0):
        raise _refused(where, "title_rows", f"must be 0 or more, found {profile.title_rows!r}")
    if profile.encoding is not None:
        _check_encoding(profile.encoding, where)
    if profile.gps_rollover_before is not None:
        _check_day(profile.gps_rollover_before, where)


def _check_encoding(encoding: str, where: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError as missing:
        raise _refused(where, "encoding", f"{encoding!r} is no known encoding") from missing


def _check_day(text: str, where: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError as wrong:
        raise _refused(
            where, "gps_rollover_before", f"must be a day YYYY-MM-DD, found {text!r}"
        ) from wrong


def _check_choice(where: str, key: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise _refused(where, key, f"has {value!r}", choices, told=value)


def _refused(
    where: str, key: str, fault: str, choices: tuple[str, ...] = (), *, told: str = ""
) -> InputRefused:
    near = get_close_matches(told or key, choices, 1)
    hint = f"Allowed: {', '.join(choices)}." if choices else "See the source profile in the docs."
    if near:
        hint = f"Did you mean {near[0]}? {hint}"
    return InputRefused(
        "source_profile_refused", f"{where}: {key} {fault}.", hint, where=where, key=key
    )
