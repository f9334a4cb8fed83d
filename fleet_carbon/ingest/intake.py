"""The door of the room: a file of a kind becomes batches of checked rows and rejections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path

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
    if kind not in LAYOUTS:
        raise InputRefused("kind_unknown", f"{kind!r} is no kind of file.", _one_of(kind, KINDS))
    _refuse_unknown_names(profile)
    table, use = _opened(path, kind, profile, dialect)
    mainland = None
    if profile.crs != "wgs84":
        mainland = (
            gazetteer.mainland if gazetteer else Mainland.load(COLLECTED_DIR / "mainland.wkb")
        )
    source = _Source(path.name, kind, profile, use, table.decimal_comma, mainland)
    return _batches(table, source, chunk_rows, gazetteer=gazetteer, geocoder=geocoder)


def _opened(path: Path, kind: str, profile: SourceProfile, dialect: str) -> tuple[Table, ColumnUse]:
    """The file as a table, and which columns of it are read; of a dialect only if it is named."""
    layout = LAYOUTS[kind]
    if dialect:
        table = dialect_of(dialect, kind).open_table(path, kind, profile)
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
    for key, names in (("columns", profile.columns), ("constants", profile.constants)):
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

    def check(self, chunk: Chunk) -> RowCheck:
        """The chunk's rows, ready to be checked."""
        return RowCheck(
            chunk,
            self.use,
            self.profile,
            file=self.file,
            decimal_comma=self.decimal_comma,
            mainland=self.mainland,
        )


def _batches(
    table: Table,
    source: _Source,
    chunk_rows: int,
    *,
    gazetteer: Gazetteer | None,
    geocoder: Geocoder | None,
) -> Iterator[Batch]:
    wanted = sorted(set(source.use.places.values()))
    empty = True
    for chunk in read_ahead(table.chunks(wanted, chunk_rows)):
        check = source.check(chunk)
        if source.kind == "orders":
            rows = check_orders(check, gazetteer, geocoder)
        else:
            rows = _CHECKS[source.kind](check)
        empty = False
        yield Batch(rows, check.rejections(), source.use, check.remarks, check.tallies)
    if empty:
        rows = LAYOUTS[source.kind].frame.empty()
        rows["line"] = pd.array([], dtype="Int64")
        yield Batch(rows, [], source.use)
