"""Fixes as a Delta Lake table, for Spark, DuckDB, Polars and whoever reads the format.

The files are written here, in constant memory, each under its digest; the library commits them.
So one export is one commit, and an export of the same fixes changes nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from fleet_carbon.errors import FleetCarbonError, InputRefused
from fleet_carbon.periods import to_epoch_ms
from fleet_carbon.storage.files import (
    digest_of_file,
    make_folder,
    partial_path,
    put_in_place,
    sync_folder,
)

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable

TableVersion: TypeAlias = int
TruckFixes: TypeAlias = tuple[str, Mapping[str, npt.NDArray[Any]]]
"""A truck, and of its fixes `time_ms`, `lon_udeg`, `lat_udeg` and what else they have."""

MONTH = "month"
_MOMENT = pa.timestamp("us", "UTC")
_QUANTITIES = (
    "speed_kmh", "accuracy_m", "odometer_km", "fuel_used_l", "gross_mass_t", "altitude_m",
    "ambient_degc", "fuel_level_l",
)  # fmt: skip
_DRIVER = "driver_id"
FILE_SCHEMA = pa.schema(
    [
        pa.field("vehicle_id", pa.string(), nullable=False),
        pa.field("time", _MOMENT, nullable=False),
        pa.field("lon", pa.float64(), nullable=False),
        pa.field("lat", pa.float64(), nullable=False),
        *(pa.field(name, pa.float64()) for name in _QUANTITIES),
        pa.field(_DRIVER, pa.string()),
    ]
)
SCHEMA = FILE_SCHEMA.append(pa.field(MONTH, pa.string(), nullable=False))
# Coordinates hardly repeat, moments grow steadily, identifiers and speeds repeat.
_WITH_DICTIONARY = ["vehicle_id", *_QUANTITIES, _DRIVER]
_ROW_GROUP_ROWS = 262_144
_FILE_ROWS_MAX = 64 * _ROW_GROUP_ROWS
_LOG = "_delta_log"


@dataclass(frozen=True)
class MonthWritten:
    """The files of one month, not in the table before `DeltaFolder.publish`.

    Attributes
    ----------
    month : str
        UTC month, YYYY-MM.
    rows, size_bytes : int
        Fixes and bytes.
    files : dict of str to int
        Rows of each file, by path in the folder.
    """

    month: str
    rows: int
    size_bytes: int
    files: Mapping[str, int]


class DeltaFolder:
    """A folder with the Delta table of one fleet, or one where it can be made.

    Parameters
    ----------
    folder : Path
        Empty, not there, or with such a table.
    fleet_id : str
        The fleet.

    Raises
    ------
    InputRefused
        If the folder holds anything else.
    FleetCarbonError
        If the library is not installed, or cannot read the table.
    """

    def __init__(self, folder: Path, fleet_id: str) -> None:
        self.folder = folder
        self._name = f"fleet-carbon traces of {fleet_id}"
        self._table = _opened(folder, self._name)
        self._live = {} if self._table is None else _live_files(self._table)
        self._new: set[str] = set()

    def write_month(self, month: str, fixes: Iterable[TruckFixes]) -> MonthWritten:
        """Write the fixes of one UTC month to files that no reader sees before `publish`."""
        files: dict[str, int] = {}
        for groups in _files_of(_row_groups(fixes)):
            path = self._file_of(month, groups)
            files[path] = pq.read_metadata(self.folder / path).num_rows
        size_bytes = sum((self.folder / path).stat().st_size for path in files)
        return MonthWritten(month, sum(files.values()), size_bytes, files)

    def _file_of(self, month: str, groups: Iterator[pa.Table]) -> str:
        folder = make_folder(self.folder / f"{MONTH}={month}")
        partial = partial_path(folder)
        try:
            with _writer(partial) as writer:
                for group in groups:
                    writer.write_table(group, row_group_size=group.num_rows)
            path = f"{MONTH}={month}/{digest_of_file(partial)}.parquet"
            if not (self.folder / path).exists():  # or an earlier version of the table needs it
                put_in_place(partial, self.folder / path)
                self._new.add(path)
        finally:
            partial.unlink(missing_ok=True)
        return path

    def publish(
        self,
        months: Iterable[MonthWritten],
        *,
        replaced: str | None,
        facts: Mapping[str, str],
        at: datetime,
    ) -> TableVersion:
        """Make the written files the table, in one commit; none if nothing changed.

        Parameters
        ----------
        months : iterable of MonthWritten
            All that was written.
        replaced : str or None
            The one month that they replace; None for the whole table.
        facts : mapping of str to str
            What the commit says of itself, such as the version of the trace store.
        at : datetime
            Moment of the export, aware.

        Returns
        -------
        version : TableVersion
            Version of the table that holds the fixes.

        Raises
        ------
        FleetCarbonError
            If somebody else changed the table in the meantime; then nothing is changed.
        """
        wanted = {path for month in months for path in month.files}
        gone = {
            path: size_bytes
            for path, size_bytes in self._live.items()
            if path not in wanted and (replaced is None or path.startswith(f"{MONTH}={replaced}/"))
        }
        added = sorted(wanted - self._live.keys())
        if self._table is not None and not added and not gone:
            return int(self._table.version())
        version = self._published(added, gone, facts=facts, at_ms=to_epoch_ms(at))
        self._new.clear()
        _sync_log(self.folder / _LOG, version)
        return version

    def _published(
        self,
        added: list[str],
        gone: Mapping[str, int],
        *,
        facts: Mapping[str, str],
        at_ms: int,
    ) -> TableVersion:
        from deltalake import DeltaTable, Schema
        from deltalake.exceptions import DeltaError
        from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

        adds = [
            AddAction(
                path,
                (self.folder / path).stat().st_size,
                {MONTH: _month_of(path)},
                at_ms,
                True,
                _statistics(pq.read_metadata(self.folder / path)),
            )
            for path in added
        ]
        removes = [
            RemoveAction(path, True, at_ms, size_bytes, {MONTH: _month_of(path)})
            for path, size_bytes in sorted(gone.items())
        ]
        try:
            if self._table is None:
                create_table_with_add_actions(
                    str(make_folder(self.folder)),
                    Schema.from_arrow(SCHEMA),
                    adds,
                    partition_by=[MONTH],
                    name=self._name,
                    commit_properties=_commit_properties(facts),
                )
                return 0
            _add_missing_columns(self._table)
            self._table.create_write_transaction(
                [*adds, *removes],
                "append",
                SCHEMA,
                [MONTH],
                commit_properties=_commit_properties(facts),
            )
            return int(DeltaTable(self.folder).version())
        except DeltaError as failure:
            raise FleetCarbonError(
                "export_not_published",
                f"The table in {self.folder} was not changed: {failure}",
                "Another program may have changed it at the same time; run the export again.",
            ) from failure

    def discard(self) -> None:
        """Remove files that were written and not published."""
        for path in self._new:
            (self.folder / path).unlink(missing_ok=True)
        self._new.clear()


def _opened(folder: Path, name: str) -> DeltaTable | None:
    """The table in the folder; None if there is nothing in it."""
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ImportError as missing:
        raise FleetCarbonError(
            "lake_not_installed",
            "The export writes a Delta Lake table and needs the package deltalake.",
            "Install it: pip install 'fleet-carbon[lake]'.",
        ) from missing
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if not (folder / _LOG).is_dir():
            raise InputRefused(
                "export_folder_in_use",
                f"{folder} holds something else than an export.",
                "Name an empty folder, or one that an earlier export made.",
            )
        try:
            table = DeltaTable(folder)
        except DeltaError as failure:
            raise FleetCarbonError(
                "export_folder_unreadable",
                f"The Delta table in {folder} cannot be read: {failure}",
                "Name an empty folder.",
            ) from failure
        if table.metadata().name != name:
            raise InputRefused(
                "export_folder_in_use",
                f"{folder} holds the table {table.metadata().name!r}, not {name!r}.",
                "Name an empty folder, or one that an earlier export of the fleet made.",
            )
        return table
    return None


def _add_missing_columns(table: DeltaTable) -> None:
    """Give a table of an earlier release the columns that fixes have had since."""
    from deltalake import Schema

    known = {field.name for field in table.schema().fields}
    missing = [field for field in Schema.from_arrow(SCHEMA).fields if field.name not in known]
    if missing:
        table.alter.add_columns(missing)


def _live_files(table: DeltaTable) -> dict[str, int]:
    """Size of every file of the table, by path."""
    found = pa.table(table.get_add_actions(flatten=True)).select(["path", "size_bytes"])
    return dict(zip(*(column.to_pylist() for column in found.columns), strict=True))


def _commit_properties(facts: Mapping[str, str]) -> CommitProperties:
    from deltalake import CommitProperties

    # A second export that wins the race has removed files that this one counts on.
    return CommitProperties(custom_metadata=dict(facts), max_commit_retries=0)


def _month_of(path: str) -> str:
    return path.partition("/")[0].removeprefix(f"{MONTH}=")


def _sync_log(log: Path, version: TableVersion) -> None:
    """Make the commit survive a power cut; the library does not."""
    handle = os.open(log / f"{version:020}.json", os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_folder(log)


def _writer(path: Path) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        path,
        FILE_SCHEMA,
        compression="zstd",
        compression_level=1,
        use_dictionary=_WITH_DICTIONARY,
        column_encoding={"time": "DELTA_BINARY_PACKED", "lon": "PLAIN", "lat": "PLAIN"},
        version="2.6",
    )


def _files_of(groups: Iterator[pa.Table]) -> Iterator[Iterator[pa.Table]]:
    """Row groups file by file; each file is to be taken before the next."""
    for first in groups:
        yield _up_to(_FILE_ROWS_MAX, first, groups)


def _up_to(rows_max: int, first: pa.Table, groups: Iterator[pa.Table]) -> Iterator[pa.Table]:
    rows = first.num_rows
    yield first
    while rows + _ROW_GROUP_ROWS <= rows_max:
        group = next(groups, None)
        if group is None:
            return
        rows += group.num_rows
        yield group


def _row_groups(fixes: Iterable[TruckFixes]) -> Iterator[pa.Table]:
    """The fixes in tables of one row group each: the bytes do not depend on the pieces given."""
    held: list[pa.Table] = []
    held_rows = 0
    for vehicle_id, columns in fixes:
        for start in range(0, len(columns["time_ms"]), _ROW_GROUP_ROWS):
            held.append(_table_of(vehicle_id, columns, slice(start, start + _ROW_GROUP_ROWS)))
            held_rows += held[-1].num_rows
            if held_rows >= _ROW_GROUP_ROWS:
                whole = pa.concat_tables(held)
                yield whole.slice(0, _ROW_GROUP_ROWS).combine_chunks()
                held, held_rows = [whole.slice(_ROW_GROUP_ROWS)], held_rows - _ROW_GROUP_ROWS
    if held_rows:
        yield pa.concat_tables(held).combine_chunks()


def _table_of(vehicle_id: str, columns: Mapping[str, npt.NDArray[Any]], rows: slice) -> pa.Table:
    """Some fixes of one truck as the table has them."""
    time_us = columns["time_ms"][rows].astype(np.int64) * 1000
    count = len(time_us)
    given: dict[str, Any] = {
        "vehicle_id": pa.repeat(pa.scalar(vehicle_id, pa.string()), count),
        "time": pa.array(time_us).view(_MOMENT),
        "lon": pa.array(columns["lon_udeg"][rows] / 1e6),
        "lat": pa.array(columns["lat_udeg"][rows] / 1e6),
    }
    for name in _QUANTITIES:
        if name in columns:
            given[name] = pa.array(columns[name][rows], pa.float64(), from_pandas=True)
    if _DRIVER in columns:
        names = columns[_DRIVER][rows]
        given[_DRIVER] = pa.array(names, pa.string(), mask=names == "")
    return pa.table(
        [given.get(field.name, pa.nulls(count, field.type)) for field in FILE_SCHEMA],
        schema=FILE_SCHEMA,
    )


def _statistics(metadata: Any) -> str:
    """What readers skip files by: rows, least and greatest values, nulls; Delta protocol, JSON."""
    least: dict[str, Any] = {}
    greatest: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for number, name in enumerate(FILE_SCHEMA.names):
        groups = range(metadata.num_row_groups)
        found = [metadata.row_group(group).column(number).statistics for group in groups]
        nulls[name] = sum(one.null_count for one in found)
        told = [one for one in found if one.has_min_max]
        if told and len(told) == sum(one.num_values > 0 for one in found):
            least[name] = _json_value(min(one.min for one in told))
            greatest[name] = _json_value(max(one.max for one in told))
    said = {
        "numRecords": metadata.num_rows,
        "minValues": least,
        "maxValues": greatest,
        "nullCount": nulls,
    }
    return json.dumps(said, ensure_ascii=False)


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        # Moments of the store are whole milliseconds, so nothing is cut off.
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value
