"""What was concluded: closing runs with their tables."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from sqlalchemy import Column, ColumnElement, RowMapping, Select, func, insert, select

from fleet_carbon import frames
from fleet_carbon.errors import LedgerBroken, NotFound
from fleet_carbon.storage import tables
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import digest_of_file, make_folder, partial_path, put_in_place
from fleet_carbon.storage.segments import VersionNumber

RESULT_FRAMES = {
    frame.name: frame
    for frame in (
        frames.LEGS,
        frames.LEG_ORDERS,
        frames.ORDER_RESULTS,
        frames.ACCOUNTS,
        frames.LANES,
        frames.DERIVATIONS,
        frames.INTERVALS,
        frames.RECEIPTS,
    )
}
_ROW_GROUP_ROWS = 32_768
_WRITERS_COUNT = 2
_ARROW_TYPES: dict[str, pa.DataType] = {
    frames.TEXT: pa.string(),
    frames.INTEGER: pa.int64(),
    frames.NUMBER: pa.float64(),
    frames.FLAG: pa.bool_(),
    frames.MOMENT: pa.timestamp("ms", tz="UTC"),
    frames.DAY: pa.string(),
}


@dataclass(frozen=True)
class ClosingRun:
    """One computation of a month, with what went in and what came out.

    Attributes
    ----------
    run_id : str
        Identifier given by the closing service.
    month : str
        YYYY-MM.
    edition_label, edition_digest : str
        Methodology edition the figures were made under.
    inputs : dict of str to str
        Digests of what went in, by name.
    closed_at : datetime
        Aware moment of the run.
    summary : dict
        Figures of the month, JSON-ready.
    changes : list of dict
        What differs from the run before, JSON-ready.
    tables : dict of str to DataFrame
        By name, the frames of `RESULT_FRAMES`; given on save, empty on read.
    table_digests : dict of str to str
        SHA-256 of the stored tables; filled by storage.
    traces_at : int or None
        Version of the trace store that was read; it can be read again as long as the run stands.
    """

    run_id: str
    month: str
    edition_label: str
    edition_digest: str
    inputs: dict[str, str]
    closed_at: datetime
    summary: dict[str, Any]
    changes: list[dict[str, Any]] = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    table_digests: dict[str, str] = field(default_factory=dict)
    traces_at: VersionNumber | None = None


class Closings:
    """The closing runs of a fleet; a month that is closed again gets another run."""

    def __init__(self, transaction: Transaction, home: Path) -> None:
        self._transaction = transaction
        self._folder = home / "results"

    def store(self, tables_of_run: Mapping[str, pd.DataFrame]) -> dict[str, str]:
        """Put tables on disk, each under the digest of its bytes; they are on record with a run.

        Needs no database, so that nobody waits for it. Two are written at a time.

        Returns
        -------
        digests : dict of str to str
            SHA-256 by table.
        """
        make_folder(self._folder)
        names = sorted(tables_of_run)
        with ThreadPoolExecutor(max_workers=_WRITERS_COUNT) as writers:
            digests = writers.map(lambda name: self._stored(name, tables_of_run[name]), names)
            return dict(zip(names, digests, strict=True))

    def save(self, month: str, run: ClosingRun) -> ClosingRun:
        """Keep a run: its tables on disk first, unless they are there, then its record.

        Parameters
        ----------
        month : str
            YYYY-MM, the month of the run.
        run : ClosingRun
            With `tables`, and with `table_digests` if they were stored before.

        Returns
        -------
        saved : ClosingRun
            The run with `table_digests`, without `tables`.

        Raises
        ------
        LedgerBroken
            If a run of that identifier is on record.
        """
        if str(month) != run.month:
            raise ValueError(f"run of {run.month} saved under {month}")
        self._refuse_second(run)
        sequence = self._transaction.next_sequence(tables.closing_runs)
        stored = run.table_digests or self.store(run.tables)
        self._transaction.writing.execute(
            insert(tables.closing_runs).values(
                fleet_id=self._transaction.fleet_id,
                sequence=sequence,
                run_id=run.run_id,
                month=run.month,
                edition_label=run.edition_label,
                edition_digest=run.edition_digest,
                inputs=_json_text(run.inputs),
                closed_at=run.closed_at,
                summary=_json_text(run.summary),
                changes=_json_text(run.changes),
                trace_version=run.traces_at,
            )
        )
        for name, digest in stored.items():
            self._transaction.writing.execute(
                insert(tables.closing_tables).values(
                    fleet_id=self._transaction.fleet_id,
                    sequence=sequence,
                    name=name,
                    digest_sha256=digest,
                    rows=len(run.tables[name]),
                )
            )
        return replace(run, tables={}, table_digests=stored)

    def _refuse_second(self, run: ClosingRun) -> None:
        chosen = self._runs().where(tables.closing_runs.c.run_id == run.run_id)
        if self._transaction.reading.execute(chosen).first() is not None:
            # The ledger's entries are named by their run: a second one would be taken for it.
            raise LedgerBroken(
                "run_on_record",
                f"The closing run {run.run_id} of {run.month} is on record already.",
                "Nothing was changed. Every closing run needs an identifier of its own.",
            )

    def latest(self, month: str) -> ClosingRun | None:
        """The run of the month that was recorded last; None if it was never closed."""
        found = self._transaction.reading.execute(
            self._runs().where(tables.closing_runs.c.month == str(month)).limit(1)
        ).mappings()
        return next(iter(self._runs_of(found.all())), None)

    def latest_of(self, months: Collection[str]) -> dict[str, ClosingRun]:
        """The run that was recorded last, of those of the months that were closed."""
        table = tables.closing_runs.c
        newest = (
            self._runs()
            .with_only_columns(func.max(table.sequence))
            .where(table.month.in_(list(months)))
            .order_by(None)
            .group_by(table.month)
        )
        found = self._transaction.reading.execute(
            self._runs().where(table.sequence.in_(newest))
        ).mappings()
        return {run.month: run for run in self._runs_of(found.all())}

    def runs(self, month: str) -> list[ClosingRun]:
        """All runs of the month, the newest first."""
        return self.runs_of([str(month)])[str(month)]

    def runs_of(self, months: Collection[str]) -> dict[str, list[ClosingRun]]:
        """All runs of each of some months, the newest first."""
        chosen = self._runs().where(tables.closing_runs.c.month.in_(list(months)))
        found: dict[str, list[ClosingRun]] = {month: [] for month in months}
        for run in self._runs_of(self._transaction.reading.execute(chosen).mappings().all()):
            found[run.month].append(run)
        return found

    def newest_at(self) -> datetime | None:
        """When a month was closed last; None if none ever was."""
        table = tables.closing_runs
        newest = select(func.max(table.c.closed_at)).where(
            table.c.fleet_id == self._transaction.fleet_id
        )
        found: datetime | None = self._transaction.reading.scalar(newest)
        return found

    def months(self) -> list[str]:
        """The months that were closed, in order."""
        month = tables.closing_runs.c.month
        chosen = select(month).where(tables.closing_runs.c.fleet_id == self._transaction.fleet_id)
        return [
            str(found)
            for found in self._transaction.reading.scalars(chosen.distinct().order_by(month))
        ]

    def run_ids(self) -> dict[str, str]:
        """The identifier of the run that was recorded last, of every month that was closed."""
        return self._of_latest(tables.closing_runs.c.run_id)

    def closed_at(self) -> dict[str, datetime]:
        """When it was closed last, of every month that was."""
        return self._of_latest(tables.closing_runs.c.closed_at)

    def _of_latest(self, column: Column[Any]) -> dict[str, Any]:
        found = self._transaction.reading.execute(
            self._runs().with_only_columns(tables.closing_runs.c.month, column)
        )
        return dict(reversed([(row[0], row[1]) for row in found]))

    def table(
        self, run: ClosingRun, name: str, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        """One table of a run, in the shape of its frame.

        Parameters
        ----------
        run : ClosingRun
            The run.
        name : str
            One of `RESULT_FRAMES`.
        columns : sequence of str, optional
            Only these are read.

        Raises
        ------
        NotFound
            If the run has no such table, or its file is gone.
        """
        return self._read(run.month, name, _digest_in(run, name), columns)

    def each_table(
        self, runs: Sequence[ClosingRun], name: str, columns: Sequence[str]
    ) -> list[pd.DataFrame]:
        """A table of each of some runs, in the shape of its frame.

        They are shaped all at once, which costs hardly more than to shape one.

        Parameters
        ----------
        runs : sequence of ClosingRun
            At least one.
        name : str
            One of `RESULT_FRAMES`.
        columns : sequence of str
            Only these are read.

        Raises
        ------
        NotFound
            If a run has no such table, or its file is gone.
        """
        paths = [self._present(run.month, name, _digest_in(run, name)) for run in runs]
        found = [pq.read_table(path, columns=_held(path, columns)) for path in paths]
        together = pa.concat_tables(found, promote_options="default")
        shaped = RESULT_FRAMES[name].of(columns).shape(together.to_pandas())
        ends = np.cumsum([len(one) for one in found]).tolist()
        return [
            shaped.iloc[begin:end].reset_index(drop=True)
            for begin, end in zip([0, *ends], ends, strict=False)
        ]

    def before(self, month: str, name: str) -> pd.DataFrame:
        """A table of the latest run of every earlier month that has it, in order of month."""
        earlier = self._latest(name, tables.closing_runs.c.month < str(month))
        read = (self._read(closed, name, digest) for closed, digest in earlier)
        found = [rows for rows in read if len(rows)]
        if not found:
            return RESULT_FRAMES[name].empty()
        return RESULT_FRAMES[name].shape(pd.concat(found, ignore_index=True))

    def over_months(
        self, name: str, months: Collection[str], *, column: str, values: Collection[str]
    ) -> pd.DataFrame:
        """The rows of the latest runs of some months whose text is one of many, by month.

        They are shaped all at once: the rows are few, and the columns many.
        """
        closed = self._latest(name, tables.closing_runs.c.month.in_(list(months)))
        paths = [self._present(month, name, digest) for month, digest in closed]
        is_among = pc.field(column).isin(pa.array(values, pa.string()))
        found = [pq.read_table(path, filters=is_among) for path in paths]
        if not found:
            return RESULT_FRAMES[name].empty()
        together = pa.concat_tables(found, promote_options="default")
        return RESULT_FRAMES[name].shape(together.to_pandas())

    def _latest(self, name: str, chosen: ColumnElement[bool]) -> Sequence[tuple[str, str]]:
        """The months whose latest run has a table, in order, each with the digest of that."""
        run, table = tables.closing_runs.c, tables.closing_tables
        latest = (
            self._runs()
            .with_only_columns(run.month, func.max(run.sequence).label("sequence"))
            .where(chosen)
            .order_by(None)
            .group_by(run.month)
            .subquery()
        )
        found = self._transaction.reading.execute(
            select(latest.c.month, table.c.digest_sha256)
            .join(latest, table.c.sequence == latest.c.sequence)
            .where(table.c.fleet_id == self._transaction.fleet_id, table.c.name == name)
            .order_by(latest.c.month)
        )
        return [(row.month, row.digest_sha256) for row in found]

    def _present(self, month: str, name: str, digest: str) -> Path:
        path = self.path_of(digest)
        if not path.exists():
            raise NotFound(
                "table_missing",
                f"The table {name!r} of {month} is not at {path}.",
                "Restore the home folder from a backup, or close the month again.",
            )
        return path

    def _read(
        self, month: str, name: str, digest: str, columns: Sequence[str] | None = None
    ) -> pd.DataFrame:
        path = self._present(month, name, digest)
        if columns is None:
            return RESULT_FRAMES[name].shape(pq.read_table(path).to_pandas())
        found = pq.read_table(path, columns=_held(path, columns))
        return RESULT_FRAMES[name].of(columns).shape(found.to_pandas())

    def rows_of_driver(self, run: ClosingRun, name: str, driver_id: str) -> pd.DataFrame:
        """The rows of a driver in a table that names drivers; nothing else of it is held."""
        return self.rows_with(run, name, column="driver_id", value=driver_id)

    def rows_with(self, run: ClosingRun, name: str, *, column: str, value: str) -> pd.DataFrame:
        """The rows of a table that have a value in a column; nothing else of it is held."""
        path = self.path_of(run.table_digests[name])
        found = pq.read_table(path, filters=[(column, "==", value)])
        return RESULT_FRAMES[name].shape(found.to_pandas())

    def rows_among(
        self,
        run: ClosingRun,
        name: str,
        *,
        column: str,
        values: Collection[str],
        columns: Sequence[str],
    ) -> pd.DataFrame:
        """Some columns of the rows whose text is one of many; nothing else of it is held."""
        path = self.path_of(run.table_digests[name])
        is_among = pc.field(column).isin(pa.array(values, pa.string()))
        found = pq.read_table(path, columns=_held(path, columns), filters=is_among)
        return RESULT_FRAMES[name].of(columns).shape(found.to_pandas())

    def each_rows_among(
        self,
        runs: Sequence[ClosingRun],
        name: str,
        *,
        column: str,
        values: Collection[str],
        columns: Sequence[str],
    ) -> list[pd.DataFrame]:
        """`rows_among` of the table of each of some runs, all of them read at once."""
        digests = [run.table_digests[name] for run in runs]
        paths = [str(self.path_of(digest)) for digest in dict.fromkeys(digests)]
        frame = RESULT_FRAMES[name]
        told = ds.dataset(paths, schema=_schema_of(frame), format="parquet")
        is_among = pc.field(column).isin(pa.array(values, pa.string()))
        found = told.to_table([*columns, "__filename"], filter=is_among)
        held_in = found["__filename"].to_numpy()
        shaped = frame.of(columns).shape(found.select(columns).to_pandas())
        return [
            shaped[held_in == str(self.path_of(digest))].reset_index(drop=True)
            for digest in digests
        ]

    def verify(self) -> list[str]:
        """Name every table of a run whose bytes are missing or have changed."""
        table = tables.closing_tables
        chosen = select(table.c.digest_sha256).where(table.c.fleet_id == self._transaction.fleet_id)
        problems: list[str] = []
        for digest in self._transaction.reading.scalars(
            chosen.distinct().order_by(table.c.digest_sha256)
        ):
            path = self.path_of(digest)
            if not path.exists():
                problems.append(f"Result table {path} is missing.")
            elif digest_of_file(path) != digest:
                problems.append(f"Result table {path} was changed: it has another digest.")
        return problems

    def _runs(self) -> Select[Any]:
        table = tables.closing_runs
        chosen = select(table).where(table.c.fleet_id == self._transaction.fleet_id)
        if self._transaction.known_at is not None:
            chosen = chosen.where(table.c.closed_at < self._transaction.known_at)
        return chosen.order_by(table.c.sequence.desc())

    def _runs_of(self, rows: Sequence[RowMapping]) -> list[ClosingRun]:
        table = tables.closing_tables
        digests: dict[int, dict[str, str]] = {row["sequence"]: {} for row in rows}
        chosen = select(table.c.sequence, table.c.name, table.c.digest_sha256).where(
            table.c.fleet_id == self._transaction.fleet_id, table.c.sequence.in_([*digests])
        )
        for sequence, name, digest in self._transaction.reading.execute(chosen):
            digests[sequence][name] = digest
        return [
            ClosingRun(
                run_id=row["run_id"],
                month=row["month"],
                edition_label=row["edition_label"],
                edition_digest=row["edition_digest"],
                inputs=json.loads(row["inputs"]),
                closed_at=row["closed_at"],
                summary=json.loads(row["summary"]),
                changes=json.loads(row["changes"]),
                table_digests=digests[row["sequence"]],
                traces_at=row["trace_version"],
            )
            for row in rows
        ]

    def path_of(self, digest: str) -> Path:
        """Where the table of a digest is kept."""
        return self._folder / f"{digest}.parquet"

    def _stored(self, name: str, rows: pd.DataFrame) -> str:
        partial = partial_path(make_folder(self._folder))
        try:
            write_parquet(partial, RESULT_FRAMES[name], rows)
            digest = digest_of_file(partial)
            if not self.path_of(digest).exists():
                put_in_place(partial, self.path_of(digest))
            return digest
        finally:
            partial.unlink(missing_ok=True)


def _digest_in(run: ClosingRun, name: str) -> str:
    digest = run.table_digests.get(name)
    if digest is None:
        raise NotFound(
            "table_not_found",
            f"Run {run.run_id} of {run.month} has no table {name!r}.",
            f"It has: {', '.join(sorted(run.table_digests)) or 'none'}.",
        )
    return digest


def _held(path: Path, columns: Sequence[str]) -> list[str]:
    """Those of the columns that are there: a table of an older program has fewer."""
    held = set(pq.read_schema(path).names)
    return [one for one in columns if one in held]


def write_parquet(path: Path, frame: frames.Frame, rows: pd.DataFrame) -> None:
    """Write the rows as Parquet; the same rows in the same order give the same bytes.

    Writer options are fixed and nothing of pandas, of the clock or of the machine is kept. Rows
    are turned into their form on disk a row group at a time.
    """
    schema = _schema_of(frame)
    with pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=1, store_schema=False, version="2.6"
    ) as writer:
        for begin in range(0, max(len(rows), 1), _ROW_GROUP_ROWS):
            shaped = frame.shape(rows.iloc[begin : begin + _ROW_GROUP_ROWS])
            writer.write_table(pa.Table.from_pandas(shaped, schema=schema, preserve_index=False))


def _schema_of(frame: frames.Frame) -> pa.Schema:
    return pa.schema([(column.name, _ARROW_TYPES[column.dtype]) for column in frame.columns])


def _json_text(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
