"""The door of the room: a file of a kind becomes batches of checked rows and rejections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from fleet_carbon.errors import InputRefused, Rejection
from fleet_carbon.ingest.checking import ColumnUse, Layout, RowCheck, bind
from fleet_carbon.ingest.coordinates import Mainland
from fleet_carbon.ingest.delimited import Chunk
from fleet_carbon.ingest.dialects.registry import certain_dialect, dialect_of
from fleet_carbon.ingest.energy import LAYOUT as ENERGY_LAYOUT
from fleet_carbon.ingest.energy import check_energy
from fleet_carbon.ingest.orders import LAYOUT as ORDER_LAYOUT
from fleet_carbon.ingest.orders import check_orders
from fleet_carbon.ingest.places import COLLECTED_DIR, Gazetteer, Geocoder
from fleet_carbon.ingest.plates import PlateBook
from fleet_carbon.ingest.positions import LAYOUT as POSITION_LAYOUT
from fleet_carbon.ingest.positions import check_positions
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.readers import Table, open_table, read_ahead
from fleet_carbon.ingest.register import (
    ASSIGNMENT_LAYOUT,
    BASELINE_LAYOUT,
    DRIVER_LAYOUT,
    VEHICLE_LAYOUT,
    check_assignments,
    check_baselines,
    check_drivers,
    check_vehicles,
)
from fleet_carbon.ingest.shaping import shaped
from fleet_carbon.ingest.values import Ints

LAYOUTS: dict[str, Layout] = {
    "vehicles": VEHICLE_LAYOUT,
    "drivers": DRIVER_LAYOUT,
    "assignments": ASSIGNMENT_LAYOUT,
    "orders": ORDER_LAYOUT,
    "positions": POSITION_LAYOUT,
    "energy": ENERGY_LAYOUT,
    "baselines": BASELINE_LAYOUT,
}
KINDS = tuple(LAYOUTS)
_CHECKS: dict[str, Callable[[RowCheck], pd.DataFrame]] = {
    "vehicles": check_vehicles,
    "drivers": check_drivers,
    "assignments": check_assignments,
    "positions": check_positions,
    "energy": check_energy,
    "baselines": check_baselines,
}


def frame_name(ours: str) -> str:
    """What a column of files is called in the frame of its kind: `from` is assigned_from."""
    return next(
        (one.frame_names[ours] for one in LAYOUTS.values() if ours in one.frame_names), ours
    )


@dataclass
class Batch:
    """Some rows of a file: the sound ones, and one rejection for each of the others.

    Attributes
    ----------
    rows : DataFrame
        In the shape of the kind's frame, plus `line`: where the row stands in the file.
        Positions come in plain types and without the columns that the file does not have.
    rejections : list of Rejection
        In order of lines.
    columns : ColumnUse
        Which columns of the file were read and which were not; the same in every batch.
    remarks : dict of str to int
        Named counts of what was read in a way the sender should know: signals a device marks as
        unknown, places looked up.
    tallies : dict of str to ndarray
        Counts that the suspicions need from the values as given.
    """

    rows: pd.DataFrame
    rejections: list[Rejection]
    columns: ColumnUse
    remarks: dict[str, int] = field(default_factory=dict)
    tallies: dict[str, Ints] = field(default_factory=dict)

    @property
    def rows_read(self) -> int:
        """Rows of the file in this batch: every row is either sound or refused, once."""
        return len(self.rows) + len(self.rejections)


def read_batches(
    path: Path,
    kind: str,
    profile: SourceProfile,
    *,
    gazetteer: Gazetteer | None,
    chunk_rows: int,
    geocoder: Geocoder | None = None,
    dialect: str = "",
    plates: PlateBook | None = None,
) -> Iterator[Batch]:
    """Open the file and give its rows batch by batch; at least one batch, if only an empty one.

    Parameters
    ----------
    path : Path
        CSV, Parquet, workbook or JSON lines, text also gzipped.
    kind : str
        One of `KINDS`.
    profile : SourceProfile
        Names, units, zone and system of the file.
    gazetteer : Gazetteer or None
        Looks up places of orders; without it they need coordinates.
    chunk_rows : int
        Rows of a batch at most; a workbook comes at once. [rows]
    geocoder : Geocoder or None
        Asked before the gazetteer, where the user configured one.
    dialect : str
        One of `DIALECTS` that the file is written in; empty if its columns are named.
    plates : PlateBook or None
        The fleet's trucks; without them rows must name trucks by their identifiers.

    Returns
    -------
    batches : iterator of Batch
        The file is opened and its columns are found before this returns.

    Raises
    ------
    InputRefused
        At once if the file is unreadable, of no known format, or lacks a required column; while
        iterating only if the file breaks while it is read.
    """
    table, source = _opened(
        path, kind, profile, dialect=dialect, gazetteer=gazetteer, plates=plates
    )
    return _batches(table, source, chunk_rows, gazetteer=gazetteer, geocoder=geocoder)


@dataclass(frozen=True)
class Look:
    """The head of a file as it would be read.

    Attributes
    ----------
    table : Table
        As it was opened.
    given : dict of str to list
        Our column to its cells as they stand in the file, before anything is made of them.
    batch : Batch
        What became of the rows.
    """

    table: Table
    given: dict[str, list[Any]]
    batch: Batch


def look_at(
    path: Path,
    kind: str,
    profile: SourceProfile,
    *,
    gazetteer: Gazetteer | None,
    rows_max: int,
    geocoder: Geocoder | None = None,
    dialect: str = "",
    plates: PlateBook | None = None,
) -> Look:
    """The first rows of a file as `read_batches` reads them; parameters and errors as there."""
    table, source = _opened(
        path, kind, profile, dialect=dialect, gazetteer=gazetteer, plates=plates
    )
    given: dict[str, list[Any]] = {}
    batches: list[Batch] = []
    for read in table.chunks(source.use.read, rows_max):
        chunk, _ = shaped(read, source.use.joins, source.use.filters)
        for ours, place in source.use.places.items():
            if place in chunk.columns:
                given.setdefault(ours, []).extend(chunk.columns[place].to_pylist())
        batches.append(_checked(read, source, gazetteer=gazetteer, geocoder=geocoder))
        if sum(one.rows_read for one in batches) >= rows_max:
            break
    return Look(table, given, _together(batches) if batches else _nothing(source))


def _together(batches: list[Batch]) -> Batch:
    """Batches of one file as one."""
    if len(batches) == 1:
        return batches[0]
    remarks: Counter[str] = Counter()
    tallies: dict[str, Ints] = {}
    for one in batches:
        remarks.update(one.remarks)
        for name, counts in one.tallies.items():
            tallies[name] = tallies[name] + counts if name in tallies else counts
    return Batch(
        pd.concat([one.rows for one in batches], ignore_index=True),
        [refused for one in batches for refused in one.rejections],
        batches[0].columns,
        dict(remarks),
        tallies,
    )


def _opened(
    path: Path,
    kind: str,
    profile: SourceProfile,
    *,
    dialect: str,
    gazetteer: Gazetteer | None,
    plates: PlateBook | None,
) -> tuple[Table, _Source]:
    """The file, opened and with its columns found."""
    if kind not in LAYOUTS:
        raise InputRefused("kind_unknown", f"{kind!r} is no kind of file.", _one_of(kind, KINDS))
    _refuse_unknown_names(profile)
    table, use = _bound(path, kind, profile, dialect)
    mainland = None
    if profile.crs != "wgs84":
        mainland = (
            gazetteer.mainland if gazetteer else Mainland.load(COLLECTED_DIR / "mainland.wkb")
        )
    source = _Source(path.name, kind, profile, use, table.decimal_comma, mainland, plates)
    return table, source


def _bound(path: Path, kind: str, profile: SourceProfile, dialect: str) -> tuple[Table, ColumnUse]:
    """The file as a table, and which columns of it are read; of a dialect only if it is named."""
    layout = LAYOUTS[kind]
    if dialect:
        spoken = dialect_of(dialect, kind)
        if not spoken.vehicle and not {"vehicle_id"} & {*profile.constants, *profile.columns}:
            raise InputRefused(
                "vehicle_not_named",
                f"{spoken.title} names no truck.",
                "Say whose it is: --vehicle T01, or vehicle_id=T01 in the query.",
            )
        table = spoken.open_table(path, kind, profile)
        return table, bind(layout, table.names, profile, path=path)
    try:
        table = open_table(path, profile)
        return table, bind(layout, table.names, profile, path=path)
    except InputRefused as refused:
        likely = certain_dialect(path, kind)
        if likely:
            refused.hint = f"It is what {likely.title} writes: say so with dialect {likely.name}."
            refused.details["dialect"] = likely.name
        raise


def check_positions_table(table: Table, profile: SourceProfile, *, file: str) -> Batch:
    """The rows of a table that is held in memory, checked as those of a file are.

    Parameters
    ----------
    table : Table
        One that comes in a single chunk.
    profile : SourceProfile
        Units, zone and system.
    file : str
        What rejections call it.

    Raises
    ------
    InputRefused
        If it lacks a required column.
    """
    use = bind(POSITION_LAYOUT, table.names, profile, path=Path(file))
    mainland = _mainland() if profile.crs != "wgs84" else None
    source = _Source(file, "positions", profile, use, table.decimal_comma, mainland)
    [chunk] = table.chunks(sorted(set(use.places.values())), 0)
    check = source.check(chunk)
    rows = check_positions(check)
    return Batch(rows, check.rejections(), use, check.remarks, check.tallies)


@cache
def _mainland() -> Mainland:
    return Mainland.load(COLLECTED_DIR / "mainland.wkb")


def _one_of(word: str, choices: tuple[str, ...]) -> str:
    near = get_close_matches(word, choices, 1)
    return (f"Did you mean {near[0]}? " if near else "") + f"Use one of {', '.join(choices)}."


def _refuse_unknown_names(profile: SourceProfile) -> None:
    """A name that is none of ours in any kind of file is a slip of the pen."""
    ours = {name for layout in LAYOUTS.values() for name in layout.names}
    ours |= {name for layout in LAYOUTS.values() for name in layout.frame_names.values()}
    given = (
        ("columns", profile.columns),
        ("constants", profile.constants),
        ("joins", profile.joins),
    )
    for key, names in given:
        for name in names:
            if name not in ours:
                raise InputRefused(
                    "source_profile_refused",
                    f"The source profile's {key} name {name!r}, which is no column of ours.",
                    _one_of(name, tuple(sorted(ours))),
                    key=key,
                )


@dataclass(frozen=True)
class _Source:
    file: str
    kind: str
    profile: SourceProfile
    use: ColumnUse
    decimal_comma: bool
    mainland: Mainland | None
    plates: PlateBook | None = None

    def check(self, chunk: Chunk) -> RowCheck:
        """The chunk's rows, ready to be checked."""
        return RowCheck(
            chunk,
            self.use,
            self.profile,
            file=self.file,
            decimal_comma=self.decimal_comma,
            mainland=self.mainland,
            plates=self.plates,
        )


def _batches(
    table: Table,
    source: _Source,
    chunk_rows: int,
    *,
    gazetteer: Gazetteer | None,
    geocoder: Geocoder | None,
) -> Iterator[Batch]:
    empty = True
    for read in read_ahead(table.chunks(source.use.read, chunk_rows)):
        empty = False
        yield _checked(read, source, gazetteer=gazetteer, geocoder=geocoder)
    if empty:
        yield _nothing(source)


def _checked(
    read: Chunk, source: _Source, *, gazetteer: Gazetteer | None, geocoder: Geocoder | None
) -> Batch:
    """The rows of a chunk, without those that the profile leaves out."""
    chunk, left_out = shaped(read, source.use.joins, source.use.filters)
    check = source.check(chunk)
    check.remark("rows_left_out_by_filters", left_out)
    if source.kind == "orders":
        rows = check_orders(check, gazetteer, geocoder)
    else:
        rows = _CHECKS[source.kind](check)
    return Batch(rows, check.rejections(), source.use, check.remarks, check.tallies)


def _nothing(source: _Source) -> Batch:
    rows = LAYOUTS[source.kind].frame.empty()
    rows["line"] = pd.array([], dtype="Int64")
    return Batch(rows, [], source.use)
