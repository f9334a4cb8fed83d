"""Finding the columns of a kind in a file, and checking its rows column by column.

`bind` decides which column of the file serves which of ours. `RowCheck` reads them and remembers
the first fault of each row; one refused row makes one rejection, however many faults it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from fleet_carbon.errors import InputRefused, Rejection
from fleet_carbon.frames import Frame
from fleet_carbon.ingest.coordinates import Mainland, to_wgs84
from fleet_carbon.ingest.delimited import Chunk, Column
from fleet_carbon.ingest.headers import Known, joined_headings, known_headings, nearest_of
from fleet_carbon.ingest.plates import PlateBook, identity_of
from fleet_carbon.ingest.profiles import UNIT_CHOICES, SourceProfile, zone_named
from fleet_carbon.ingest.shaping import Join, PlacedFilter
from fleet_carbon.ingest.values import (
    Flags,
    Floats,
    Ints,
    Moments,
    as_digits,
    choices_of,
    days_of,
    flags,
    identifiers_of,
    lie_between,
    moments_of,
    numbers_of,
    text_of,
)

_NO_NUL = "text without the character NUL"
_VALUE_SHOWN_CHARACTERS = 60
LON_DEG_MAX, LAT_DEG_MAX = 180.0, 90.0


@dataclass(frozen=True)
class Layout:
    """The columns of one kind of file.

    Attributes
    ----------
    frame : Frame
        The table the rows become.
    names : tuple of str
        Columns a file may have, by their names in files.
    required : tuple of str
        Those it must have.
    either : tuple of tuple of str
        Groups of which at least one column must be there.
    frame_names : dict of str to str
        Name in the frame of the columns that are called otherwise in files.
    """

    frame: Frame
    names: tuple[str, ...]
    required: tuple[str, ...]
    either: tuple[tuple[str, ...], ...] = ()
    frame_names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnUse:
    """Which column of the file serves which of ours.

    Attributes
    ----------
    headers : dict of str to str
        Our column to the name in the file.
    places : dict of str to int
        Our column to the place in the file.
    ignored : tuple of str
        Columns of the file that serve nothing.
    repeated : tuple of str
        Names that stand more than once; the first column of that name serves.
    known : dict of str to Known
        Our columns that were taken from a heading of another system.
    joins, filters : tuple
        What is done to rows before they are checked.
    """

    headers: dict[str, str]
    places: dict[str, int]
    ignored: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    known: Mapping[str, Known] = field(default_factory=dict)
    joins: tuple[Join, ...] = ()
    filters: tuple[PlacedFilter, ...] = ()

    @property
    def read(self) -> list[int]:
        """Places of the columns that are needed, in order."""
        joined = {join.place: join.parts for join in self.joins}
        served = {part for place in self.places.values() for part in joined.get(place, (place,))}
        return sorted(served | {one.place for one in self.filters})

    @property
    def constants(self) -> dict[str, str]:
        """What headings say of every row: unit of what was sold, currency."""
        told: dict[str, str] = {}
        for ours, known in self.known.items():
            if ours == "quantity" and known.unit in ("kWh", "kg"):
                told["unit"] = known.unit
            if known.currency:
                told["currency"] = known.currency
        return {name: value for name, value in told.items() if name not in self.places}

    def unit(self, name: str, quantity: str, profile: SourceProfile) -> str:
        """Unit in which a column is read: by the profile, else by its heading, else the house's."""
        known = self.known.get(name)
        if quantity in profile.units or known is None or known.unit is None:
            return profile.unit(quantity)
        return known.unit

    def mass_unit(self, kind: str, profile: SourceProfile) -> str:
        """Unit of the masses that tell most of a file: of cargoes, or of what trucks may carry."""
        if kind != "orders":
            return self.unit("rated_payload_t", "mass", profile)
        weighed = "cargo_t" if "cargo_t" in self.places else "loaded_t"
        return self.unit(weighed, "cargo", profile)


def _plain(name: str) -> str:
    return "_".join(name.strip().lower().replace("-", " ").replace("_", " ").split())


def bind(layout: Layout, names: list[str], profile: SourceProfile, *, path: Path) -> ColumnUse:
    """Decide which columns of the file are read.

    Raises
    ------
    InputRefused
        If a required column is missing, or the profile names a column that is not there.
    """
    found: dict[str, int] = {}
    for place, name in enumerate(names):
        found.setdefault(_plain(name), place)
    places, joins = _joined(layout, found, names, profile=profile, path=path)
    for ours in layout.names:
        if ours in places:
            continue
        told = profile.columns.get(ours) or profile.columns.get(layout.frame_names.get(ours, ""))
        name = _plain(told or ours)
        if name in found:
            places[ours] = found[name]
        elif told:
            raise _mapped_column_missing(ours, told, names, path)
    known = known_headings(layout.frame.name, names, profile, taken=places)
    places |= {ours: names.index(one.name) for ours, one in known.items()}
    used = {place for ours, place in places.items() if place < len(names)}
    used |= {part for join in joins for part in join.parts}
    _require(layout, places, names, used=used, profile=profile, path=path)
    plain = [_plain(name) for name in names]
    parts = {join.place: " + ".join(names[one] for one in join.parts) for join in joins}
    use = ColumnUse(
        headers={ours: parts.get(place) or names[place] for ours, place in places.items()},
        places=places,
        repeated=tuple(dict.fromkeys(n for n in names if n and plain.count(_plain(n)) > 1)),
        known=known,
        joins=joins,
        filters=_placed_filters(places, found, names, profile=profile, path=path),
    )
    return replace(
        use, ignored=tuple(n for place, n in enumerate(names) if place not in set(use.read) and n)
    )


def _joined(
    layout: Layout, found: dict[str, int], names: list[str], *, profile: SourceProfile, path: Path
) -> tuple[dict[str, int], tuple[Join, ...]]:
    """Our columns that are made of several, and of which; they stand behind those of the file."""
    places: dict[str, int] = {}
    joins: list[Join] = []
    by_headings = joined_headings(layout.frame.name, names)
    told = {*profile.columns, *names}  # a column of our very name is a moment as a whole
    apart = {ours: parts for ours, parts in by_headings.items() if ours not in told}
    for ours, parts in {**apart, **profile.joins}.items():
        if ours not in layout.names:
            continue
        for part in parts:
            if _plain(part) not in found:
                raise _mapped_column_missing(ours, part, names, path)
        places[ours] = len(names) + len(joins)
        joins.append(Join(places[ours], tuple(found[_plain(part)] for part in parts)))
    return places, tuple(joins)


def _placed_filters(
    places: dict[str, int],
    found: dict[str, int],
    names: list[str],
    *,
    profile: SourceProfile,
    path: Path,
) -> tuple[PlacedFilter, ...]:
    placed: list[PlacedFilter] = []
    for rule in profile.filters:
        place = found.get(_plain(rule.column), places.get(rule.column))
        if place is None:
            raise _mapped_column_missing("the rows", rule.column, names, path)
        placed.append(PlacedFilter(place, rule))
    return tuple(placed)


def _require(
    layout: Layout,
    places: dict[str, int],
    names: list[str],
    *,
    used: set[int],
    profile: SourceProfile,
    path: Path,
) -> None:
    there = set(places) | set(profile.constants)
    missing = [name for name in layout.required if name not in there]
    groups = [group for group in layout.either if not there & set(group)]
    if not missing and not groups:
        return
    wanted = [*missing, *(" or ".join(group) for group in groups)]
    near: dict[str, str] = {}
    for wanted_names in [*((name,) for name in missing), *groups]:
        free = [name for place, name in enumerate(names) if name and place not in used]
        # A place that is offered serves for its longitude and for its latitude.
        offer = None if near.keys() & set(wanted_names) else _nearest(wanted_names, free)
        if offer is not None:
            near |= dict([offer])
            used = used | {names.index(offer[1])}
    example = ", ".join(f"{ours}: {theirs}" for ours, theirs in near.items())
    first = [*missing, *(group[0] for group in groups)][0]
    raise InputRefused(
        "column_missing",
        f"{path.name} has no column {', '.join(wanted)} for {layout.frame.name}."
        f" Found: {', '.join(name for name in names if name) or 'none'}.",
        "Rename it, or map it in a source profile given with --source, for example "
        f"columns: {{{example or f'{first}: <name in the file>'}}}."
        " A file without a header line needs header: [...] there, one with titles above it"
        " title_rows: N.",
        file=str(path),
        missing=wanted,
        found=names,
        suggestions=near,
    )


def _mapped_column_missing(ours: str, told: str, names: list[str], path: Path) -> InputRefused:
    near = get_close_matches(told, names, 1)
    return InputRefused(
        "column_missing",
        f"The source profile takes {ours} from column {told!r}, which {path.name} does not have."
        f" Found: {', '.join(name for name in names if name) or 'none'}.",
        f"Did you mean {near[0]!r}?" if near else "Correct columns in the source profile.",
        file=str(path),
        missing=[told],
        found=names,
    )


def _nearest(wanted: tuple[str, ...], free: list[str]) -> tuple[str, str] | None:
    """Which of our columns a heading may be, by what others call them, else by its spelling."""
    by_plain = {_plain(name).replace("_", ""): name for name in free}
    for ours in wanted:
        for other in nearest_of(ours):
            if _plain(other).replace("_", "") in by_plain:
                return ours, by_plain[_plain(other).replace("_", "")]
    for ours in wanted:
        # A latitude is spelled nearly as a date.
        cutoff = 0.9 if ours.endswith(("lon", "lat")) else 0.82
        close = get_close_matches(ours.replace("_", ""), list(by_plain), 1, cutoff=cutoff)
        if close:
            return ours, by_plain[close[0]]
    return None


@dataclass(frozen=True)
class _Fault:
    column: str
    code: str
    expected: str


class RowCheck:
    """The rows of one chunk under check.

    Parameters
    ----------
    chunk : Chunk
        Cells as read.
    use : ColumnUse
        Which of them are ours.
    profile : SourceProfile
        Units, zone, constants.
    file : str
        Name of the file for rejections.
    decimal_comma : bool
        Whether a comma may stand for the decimal point.
    mainland : Mainland or None
        Needed where the profile's coordinates are not WGS-84.
    plates : PlateBook or None
        The fleet's trucks, where rows may name them by their plates; without them the plate and
        its colour are the identifier.
    """

    def __init__(
        self,
        chunk: Chunk,
        use: ColumnUse,
        profile: SourceProfile,
        *,
        file: str,
        decimal_comma: bool = False,
        mainland: Mainland | None = None,
        plates: PlateBook | None = None,
    ) -> None:
        self._chunk, self._use, self.profile, self._file = chunk, use, profile, file
        self._decimal_comma, self._mainland = decimal_comma, mainland
        self._plates = plates
        self._constants = use.constants | profile.constants
        self._faults: list[_Fault] = []
        self._fault_of_row = np.zeros(len(chunk.lines), dtype=np.int32)
        self.remarks: dict[str, int] = dict(chunk.remarks)
        self.tallies: dict[str, Ints] = {}

    def __len__(self) -> int:
        return len(self._chunk.lines)

    @property
    def sound(self) -> Flags:
        """Rows without a fault so far."""
        if not self._faults:
            return np.ones(len(self), dtype=np.bool_)
        sound: Flags = self._fault_of_row == 0
        return sound

    @property
    def is_faulty(self) -> bool:
        """Whether any row has a fault so far."""
        return bool(self._faults)

    def has(self, name: str) -> bool:
        """Whether the file or the profile gives values for the column."""
        return name in self._use.places or name in self._constants

    def factor(self, name: str, quantity: str) -> float:
        """What one unit of the column is in the house's: by the profile, or by its heading."""
        return UNIT_CHOICES[quantity].get(self._use.unit(name, quantity, self.profile), 1.0)

    def fault(self, rows: Flags, name: str, *, code: str, expected: str) -> None:
        """Refuse the rows marked, unless an earlier fault already did."""
        if not rows.any():
            return
        self._faults.append(_Fault(name, code, expected))
        self._fault_of_row[rows & self.sound] = len(self._faults)

    def remark(self, code: str, count: int) -> None:
        """Count something that was read in a way the sender should know."""
        if count:
            self.remarks[code] = self.remarks.get(code, 0) + count

    def cells(self, name: str) -> Column:
        """Cells of the column as the file has them, or the profile's constant where empty."""
        cells = self._cells_as_read(name)
        return cells.dictionary_decode() if pa.types.is_dictionary(cells.type) else cells

    def _cells_as_read(self, name: str) -> Column:
        place = self._use.places.get(name)
        constant = self._constants.get(name)
        if place is None:
            return pa.array([constant] * len(self), pa.string())
        cells = self._chunk.columns[place]
        if constant is None:
            return cells
        if pa.types.is_dictionary(cells.type):
            cells = cells.dictionary_decode()
        return pc.fill_null(text_of(cells), constant)

    def identifier(self, name: str, *, required: str = "") -> pd.Categorical:
        """Trimmed identifiers; where `required` says why they are needed, empty cells are refused.

        The same few words in every row: each of them is looked at once.
        """
        places, words = identifiers_of(self._cells_as_read(name))
        if required:
            self.fault(places < 0, name, code="missing_value", expected=required)
        has_nul = np.array([*("\0" in word for word in words), False])  # the last: of empty cells
        if has_nul.any():
            self.fault(has_nul[places], name, code="text_has_nul", expected=_NO_NUL)
        return pd.Categorical.from_codes(places, pd.Index(words, dtype=object))

    def text(self, name: str, *, required: str = "") -> Column:
        """Trimmed text; where `required` says why it is needed, empty cells are refused."""
        text = text_of(self.cells(name))
        if required:
            self.fault(flags(text.is_null()), name, code="missing_value", expected=required)
        has_nul = flags(pc.fill_null(pc.match_substring(text, "\0"), False))
        self.fault(has_nul, name, code="text_has_nul", expected=_NO_NUL)
        return text

    def truck(self, *, required: str) -> Column:
        """The truck of each row: its identifier, or the one that the plate and colour belong to."""
        named = self.text("vehicle_id")
        if not self.has("plate"):
            self.fault(
                flags(named.is_null()), "vehicle_id", code="missing_value", expected=required
            )
            return named
        plates, colors = self.text("plate"), self.text("plate_color_code")
        column = "vehicle_id" if self.has("vehicle_id") else "plate"
        nobody = flags(pc.and_(named.is_null(), plates.is_null()))
        self.fault(nobody, column, code="missing_value", expected=required)
        find = identity_of if self._plates is None else self._plates.find
        pairs = list(zip(plates.to_pylist(), colors.to_pylist(), strict=True))
        found = {pair: find(*pair) for pair in set(pairs) if pair[0]}
        held = [found.get(pair) for pair in pairs]
        by_plate = flags(named.is_null()) & ~nobody
        several = np.array([isinstance(one, tuple) for one in held], dtype=np.bool_)
        unknown = np.array([one is None for one in held], dtype=np.bool_)
        text = "several registered trucks have this plate: give plate_color_code"
        self.fault(by_plate & several, "plate", code="plate_ambiguous", expected=text)
        text = "no registered truck has this plate and colour: ingest vehicles with plate first"
        self.fault(by_plate & unknown, "plate", code="plate_unknown", expected=text)
        trucks = pa.array([one if isinstance(one, str) else None for one in held], pa.string())
        return pc.coalesce(named, trucks)

    def number(
        self,
        name: str,
        *,
        required: str = "",
        factor: float = 1.0,
        expected: str = "a number",
        is_printed: bool = False,
    ) -> Floats:
        """Finite numbers times `factor`, NaN where empty; other cells are refused.

        What is printed may have a sign of money before it and thousands apart: $1,234.56.
        """
        if not self.has(name) and not required:
            return np.full(len(self), np.nan)
        cells = self.cells(name)
        if is_printed:
            cells = as_digits(cells, decimal_comma=self._decimal_comma)
        numbers = numbers_of(cells, decimal_comma=self._decimal_comma)
        values, bad = numbers.values, numbers.bad
        if factor != 1.0:
            with np.errstate(over="ignore"):
                values = values * factor
            is_beyond = np.isinf(values)  # finite as given, and beyond all numbers in our unit
            values, bad = np.where(is_beyond, np.nan, values), bad | is_beyond
        self.fault(bad, name, code="not_a_number", expected=f"expected {expected}")
        if required:
            self.fault(numbers.missing, name, code="missing_value", expected=required)
        return values

    def decimal(self, name: str) -> Column:
        """Numbers kept as text, digit by digit: money."""
        text = as_digits(self.text(name), decimal_comma=self._decimal_comma)
        self.number(name, expected="an amount such as 7.42", is_printed=True)
        if self._decimal_comma:
            comma = pc.fill_null(pc.match_substring(text, ","), False)
            plain = pc.replace_substring(pc.replace_substring(text, ".", ""), ",", ".")
            text = pc.if_else(comma, plain, text)
        return text

    def moment(
        self, name: str, *, required: str = "", day_is_enough: bool = True
    ) -> tuple[Ints, Flags]:
        """Moments in ms since 1970-01-01 UTC, and which rows have none."""
        if not self.has(name) and not required:
            return np.zeros(len(self), dtype=np.int64), np.ones(len(self), dtype=np.bool_)
        moments = self._moments(name, required)
        if not day_is_enough:
            text = "names a day without a time of day"
            self.fault(moments.day_only, name, code="time_without_clock", expected=text)
        return moments.values_ms, moments.missing | moments.bad

    def day(self, name: str, *, required: str = "") -> Column:
        """Civil days of the profile's zone as text YYYY-MM-DD."""
        if not self.has(name) and not required:
            return pa.nulls(len(self), pa.string())
        return days_of(self._moments(name, required), self.profile.zone)

    def _moments(self, name: str, required: str) -> Moments:
        moments = moments_of(self.cells(name), self.profile.zone, self.profile.time_format)
        for zone, rows in self._zones.items():
            told = moments_of(self.cells(name), zone, self.profile.time_format)
            values_ms = np.where(rows, told.values_ms, moments.values_ms)
            moments = replace(moments, values_ms=values_ms)
        if self.profile.time_format:
            expected = f"expected a time of the form {self.profile.time_format}"
        else:
            expected = "expected a time such as 2026-03-02T06:45:00+08:00 (or set time_format)"
        self.fault(moments.bad, name, code="time_unreadable", expected=expected)
        if required:
            self.fault(moments.missing, name, code="missing_value", expected=required)
        return moments

    @cached_property
    def _zones(self) -> dict[ZoneInfo, Flags]:
        """Rows that name a zone of their own, by it; a name of none is refused."""
        if not self.has("time_zone"):
            return {}
        text = self.text("time_zone")
        found: dict[ZoneInfo, Flags] = {}
        for name in pc.unique(text.drop_null()).to_pylist():
            rows = flags(pc.fill_null(pc.equal(text, name), False))
            zone = zone_named(name)
            if zone is None:
                expected = "expected an IANA zone such as Asia/Shanghai"
                self.fault(rows, "time_zone", code="time_zone_unknown", expected=expected)
            else:
                found[zone] = rows
        return found

    def choice(
        self, name: str, allowed: Mapping[str, str], *, default: str | None = None
    ) -> Column:
        """One of the words, the default where empty; other words are refused."""
        words, unknown = choices_of(self.text(name), allowed)
        expected = f"expected one of {', '.join(dict.fromkeys(allowed.values()))}"
        self.fault(unknown, name, code=f"{name}_unknown", expected=expected)
        return words if default is None else pc.fill_null(words, default)

    def choice_or_text(self, name: str, known: Mapping[str, str]) -> Column:
        """The house's word where the text is one of the known words, the text itself elsewhere."""
        text = self.text(name)
        return pc.coalesce(choices_of(text, known)[0], text)

    def coordinates(self, lon_name: str, lat_name: str, combined: str) -> tuple[Floats, Floats]:
        """Longitude and latitude as given, NaN where empty; half a pair and non-places refused.

        A combined column holds both, in the profile's coordinate order.
        """
        if combined in self._use.places and lon_name not in self._use.places:
            lon, lat = self._split_pair(combined)
            lon_name = lat_name = combined
        else:
            lon, lat = self.number(lon_name), self.number(lat_name)
        if self.profile.coordinate_order == "lat_lon":
            lon, lat, lon_name, lat_name = lat, lon, lat_name, lon_name
        on_earth = lie_between(lon, -LON_DEG_MAX, LON_DEG_MAX)
        if on_earth and lie_between(lat, -LAT_DEG_MAX, LAT_DEG_MAX):
            return lon, lat
        half = np.isnan(lon) != np.isnan(lat)
        text = "a place needs both longitude and latitude"
        for missing, name in ((np.isnan(lon), lon_name), (np.isnan(lat), lat_name)):
            self.fault(half & missing, name, code="coordinate_pair_incomplete", expected=text)
        swapped = (np.abs(lat) > LAT_DEG_MAX) & (np.abs(lat) <= LON_DEG_MAX)
        swapped &= np.abs(lon) <= LAT_DEG_MAX
        text = "is no latitude, but the pair fits with longitude and latitude interchanged;"
        text += " if so set coordinate_order: lat_lon in the source profile"
        self.fault(swapped, lat_name, code="coordinates_swapped", expected=text)
        text = "expected degrees between -90 and 90"
        self.fault(np.abs(lat) > LAT_DEG_MAX, lat_name, code="latitude_out_of_range", expected=text)
        text = "expected degrees between -180 and 180"
        self.fault(
            np.abs(lon) > LON_DEG_MAX, lon_name, code="longitude_out_of_range", expected=text
        )
        return lon, lat

    def _split_pair(self, combined: str) -> tuple[Floats, Floats]:
        text = self.text(combined)
        parts = pc.extract_regex(
            text,
            pattern=r"^[(\[]?\s*(?P<a>[+-]?\d+\.?\d*)\s*[,; ]\s*(?P<b>[+-]?\d+\.?\d*)\s*[)\]]?$",
        )
        unreadable = flags(pc.and_(parts.is_null(), pc.is_valid(text)))
        expected = "expected two numbers such as 110.44,35.48"
        self.fault(unreadable, combined, code="not_a_number", expected=expected)
        a, b = (numbers_of(pc.struct_field(parts, name)).values for name in ("a", "b"))
        return a, b

    def in_wgs84(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        """The coordinates of sound rows converted from the profile's system; NaN stays."""
        return to_wgs84(lon, lat, crs=self.profile.crs, mainland=self._mainland)

    @cached_property
    def _shown(self) -> dict[str, list[Any]]:
        """Cells of the refused rows, for messages."""
        rows = pa.array(np.flatnonzero(~self.sound))
        return {
            name: self._chunk.columns[place].take(rows).to_pylist()
            for name, place in self._use.places.items()
        }

    def rejections(self) -> list[Rejection]:
        """One rejection for each refused row, and those of rows that could not be read at all."""
        found = list(self._chunk.broken)
        for number, row in enumerate(np.flatnonzero(~self.sound).tolist()):
            fault = self._faults[self._fault_of_row[row] - 1]
            header = self._use.headers.get(fault.column, fault.column)
            cells = self._shown.get(fault.column)
            value = cells[number] if cells else self._constants.get(fault.column)
            text = f"{header} {_shown_value(value)}: {fault.expected}"
            line = int(self._chunk.lines[row])
            found.append(Rejection(self._file, line, header, fault.code, text))
        return sorted(found, key=lambda rejection: rejection.line)

    def kept(self, values: Any) -> Any:
        """Values of the sound rows."""
        return values[self.sound] if self._faults else values

    def plain_rows(self, columns: Mapping[str, Any]) -> pd.DataFrame:
        """The sound rows as they are, without a copy where all are sound, with their `line`."""
        given = {**columns, "line": self._chunk.lines}
        return pd.DataFrame({name: self.kept(held) for name, held in given.items()}, copy=False)

    def rows(self, frame: Frame, columns: Mapping[str, Any]) -> pd.DataFrame:
        """The sound rows in the shape of the frame, with their `line`."""
        keep = None if self.sound.all() else self.sound
        given = {name: _series(values, keep) for name, values in columns.items()}
        shaped = frame.shape(pd.DataFrame(given))
        lines = self._chunk.lines if keep is None else self._chunk.lines[keep]
        shaped["line"] = pd.array(lines, dtype="Int64")
        return shaped


def _shown_value(value: Any) -> str:
    if value is None:
        return "is empty"
    text = str(value)
    short = text if len(text) <= _VALUE_SHOWN_CHARACTERS else text[:_VALUE_SHOWN_CHARACTERS] + "…"
    return f"is {short!r}"


def moments_column(values_ms: Ints, missing: Flags) -> pd.DatetimeIndex:
    """Moments in ms as the frames' dtype, missing where marked."""
    stamps = values_ms.astype("datetime64[ms]")
    stamps[missing] = np.datetime64("NaT")
    return pd.DatetimeIndex(stamps).tz_localize("UTC")


def _series(values: Any, keep: Flags | None) -> pd.Series[Any]:
    if isinstance(values, pa.Array):
        chosen = values if keep is None else values.filter(pa.array(keep))
        return pd.Series(pd.array(chosen, dtype="string"))
    series: pd.Series[Any] = pd.Series(values)
    return series if keep is None else series[keep].reset_index(drop=True)


def words(*names: str, **others: str) -> dict[str, str]:
    """Words that stand for themselves, and other words of senders for them."""
    return {name.lower(): name for name in names} | others
