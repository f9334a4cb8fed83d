"""Journals: fixes on record before they are segments, many requests in one file and transaction.

A journal holds the fixes that some requests brought and no one else had: integers in the columns
of a segment, sorted by truck and moment, each with its reception. It is kept as a received file.
From time to time journals are folded into segments; until then they are the record of their fixes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    Table,
    Text,
    func,
    insert,
    select,
    text,
    update,
)

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.storage import tables
from fleet_carbon.storage.codes import Codes
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import (
    ReceptionNumber,
    RowCount,
    put_bytes,
)
from fleet_carbon.storage.intake_state import IntakeState
from fleet_carbon.storage.novelty import KnownFixes
from fleet_carbon.storage.segments import (
    DRIVER,
    OPTIONAL,
    RECEPTION_FIELD,
    SCHEMA,
    VEHICLE,
    Int32s,
    Int64s,
    VersionNumber,
    int64_column,
    packed_place,
)

trace_journals = Table(
    "trace_journals",
    tables.METADATA,
    tables.fleet_column(),
    tables.sequence_column(),
    Column("file_id", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("recorded_at", tables.Moment, nullable=False),
    # The version of the trace store whose segments hold its fixes; null until there is one.
    Column("folded_version", BigInteger),
    ForeignKeyConstraint(["fleet_id", "file_id"], ["files.fleet_id", "files.file_id"]),
    Index(
        "trace_journals_waiting",
        "fleet_id",
        "sequence",
        postgresql_where=text("folded_version IS NULL"),
        sqlite_where=text("folded_version IS NULL"),
    ),
)
# Made once: what a statement is kept under is worked out for each anew.
_ADD_FILE, _ADD_RECEPTIONS, _ADD_COUNTS, _ADD_JOURNAL = (
    insert(table)
    for table in (tables.files, tables.receptions, tables.reception_counts, trace_journals)
)
# Of lz4 nothing is gained that zstd at its lowest level does not give for little more.
_OPTIONS = pa.ipc.IpcWriteOptions(
    compression=pa.Codec("zstd", compression_level=1), use_threads=False
)

_KINDS = {VEHICLE: "vehicle", DRIVER: "driver"}
_NAMES_OF = {VEHICLE: "vehicle_ids", DRIVER: "driver_ids"}


@dataclass(frozen=True)
class Journal:
    """A journal on record: its number, the digest of its file, and how many fixes it has."""

    number: int
    file_id: str
    rows: RowCount


@dataclass(frozen=True)
class Arrival:
    """The sound fixes of one request.

    Attributes
    ----------
    fixes : pa.Table
        Columns of a segment; trucks and drivers as places in the next two.
    vehicle_ids, driver_ids : sequence of str
        Distinct identifiers.
    name, options_text : str
        What the record calls the request, and how it was read, as JSON text.
    received_at : datetime
        Aware.
    rejected : RowCount
        Rows of the request that were refused.
    """

    fixes: pa.Table
    vehicle_ids: Sequence[str]
    driver_ids: Sequence[str]
    name: str
    options_text: str
    received_at: datetime
    rejected: RowCount


@dataclass(frozen=True)
class Taken:
    """What became of one request: its reception, the file that holds its fixes, how many are new.

    Attributes
    ----------
    reception : ReceptionNumber
    file_id : str
        Digest of the journal.
    accepted : RowCount
    """

    reception: ReceptionNumber
    file_id: str
    accepted: RowCount


class JournalFiles:
    """The files of journals, among the received files."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "files"

    def write(self, fixes: pa.Table) -> tuple[str, int]:
        """Keep a journal; on return it is durable: its digest and size. [byte]"""
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, fixes.schema, options=_OPTIONS) as stream:
            stream.write_table(fixes)
        content = memoryview(sink.getvalue())
        digest = hashlib.sha256(content).hexdigest()
        put_bytes(content, self.path_of(digest), partial_folder=self._folder)
        return digest, len(content)

    def read(self, journal: Journal) -> pa.Table:
        """The fixes of a journal.

        Raises
        ------
        FleetCarbonError
            ``journal_unreadable``, if its file is gone or is not as it was written.
        """
        path = self.path_of(journal.file_id)
        try:
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() != journal.file_id:
                raise OSError("it has another digest")
            with pa.ipc.open_stream(pa.py_buffer(content)) as stream:
                return stream.read_all()
        except (OSError, pa.ArrowException) as failure:
            raise FleetCarbonError(
                "journal_unreadable",
                f"The journal {path} cannot be read: {failure}",
                "Restore the file from a backup; run `fleet-carbon doctor`. Nothing was changed.",
            ) from failure

    def path_of(self, file_id: str) -> Path:
        """Where a file is kept."""
        return self._folder / file_id[:2] / file_id


class Journals:
    """The journals of a fleet in a transaction."""

    def __init__(self, transaction: Transaction, home: Path, *, codes: Codes) -> None:
        self._transaction = transaction
        self._fleet_id = transaction.fleet_id
        self._files = JournalFiles(home)
        self._codes = codes

    def waiting(self, rows_max: int | None = None) -> list[Journal]:
        """The journals that are not folded, oldest first; at least one, if there is any."""
        found = self._chosen(trace_journals.c.folded_version.is_(None))
        if rows_max is None:
            return found
        counts = np.cumsum([one.rows for one in found])
        return found[: max(1, int(np.searchsorted(counts, rows_max, side="right")))]

    def waiting_rows(self) -> RowCount:
        """Fixes of the journals that are not folded, and at least 1 if there is a journal."""
        rows = trace_journals.c
        chosen = select(func.coalesce(func.sum(rows.rows), 0), func.count()).where(
            rows.fleet_id == self._fleet_id, rows.folded_version.is_(None)
        )
        fixes, journals = self._transaction.reading.execute(chosen).one()
        return max(int(fixes), int(journals > 0))

    def after(self, number: int) -> list[Journal]:
        """The journals that came after one, folded or not."""
        return self._chosen(trace_journals.c.sequence > number)

    def _chosen(self, condition: Any) -> list[Journal]:
        rows = trace_journals.c
        chosen = select(rows.sequence, rows.file_id, rows.rows).where(
            rows.fleet_id == self._fleet_id, condition
        )
        found = self._transaction.reading.execute(chosen.order_by(rows.sequence))
        return [Journal(*row) for row in found]

    def newest(self) -> int:
        """Number of the newest journal; 0 if there is none."""
        rows = trace_journals.c
        chosen = select(func.max(rows.sequence)).where(rows.fleet_id == self._fleet_id)
        return int(self._transaction.reading.scalar(chosen) or 0)

    def read(self, journal: Journal) -> pa.Table:
        """The fixes of a journal; see `JournalFiles.read`."""
        return self._files.read(journal)

    def end(self, journals: Sequence[Journal], version: VersionNumber) -> None:
        """Note that segments hold the fixes of journals from a version on."""
        table = trace_journals
        self._transaction.writing.execute(
            update(table)
            .where(
                table.c.fleet_id == self._fleet_id,
                table.c.sequence.between(journals[0].number, journals[-1].number),
                table.c.folded_version.is_(None),
            )
            .values(folded_version=version)
        )

    def are_waiting(self, journals: Sequence[Journal]) -> bool:
        """Whether none of the journals was folded."""
        rows = trace_journals.c
        chosen = select(func.count()).where(
            rows.fleet_id == self._fleet_id,
            rows.sequence.between(journals[0].number, journals[-1].number),
            rows.folded_version.is_(None),
        )
        return self._transaction.reading.scalar(chosen) == len(journals)

    def add(
        self,
        arrivals: Sequence[Arrival],
        known: KnownFixes,
        state: IntakeState,
        *,
        codes: CodeBook,
        recorded_at: datetime,
    ) -> tuple[list[Taken], Added]:
        """Put the new fixes of some requests on record; durable when the transaction commits.

        Parameters
        ----------
        arrivals : sequence of Arrival
            In the order in which they came: of equal fixes the first is new.
        known : KnownFixes
            What is on record, up to date; it is told of the new fixes after the commit.
        state : IntakeState
            Of this transaction, in which nobody else adds a journal.
        codes : CodeBook
            The codes that are known already; thrown away if the transaction fails.
        recorded_at : datetime
            Aware.

        Returns
        -------
        taken : list of Taken
            What became of each request.
        added : Added
            What `known` is to be told when the transaction has committed.
        """
        first = state.reception + 1
        fixes, which = self._joined(arrivals, codes)
        kept = known.new_among(
            fixes.column(VEHICLE).to_numpy(),
            int64_column(fixes, "time_ms"),
            lambda: _places_of(fixes),
            missing=lambda rows: _missing_count(fixes, rows, which),
        )
        brought_by = which[kept]
        accepted = np.bincount(brought_by, minlength=len(arrivals)).tolist()
        table = fixes.take(pa.array(kept)).append_column(
            RECEPTION_FIELD, pa.array(brought_by + np.int32(first))
        )
        journal = self._recorded(table, arrivals, accepted, state, recorded_at=recorded_at)
        taken = [
            Taken(number, journal.file_id, rows)
            for number, rows in enumerate(accepted, start=first)
        ]
        return taken, Added.of(journal, table)

    def _joined(self, arrivals: Sequence[Arrival], book: CodeBook) -> tuple[pa.Table, Int32s]:
        """All fixes with the codes of the fleet, and which request brought each."""
        given = pa.concat_tables([one.fixes for one in arrivals], promote_options="default")
        counts = [one.fixes.num_rows for one in arrivals]
        ends = np.cumsum(counts)
        columns: dict[str, Any] = {}
        there = set(given.column_names)
        for field in SCHEMA:
            if field.name not in there:
                continue
            column = given.column(field.name).combine_chunks()
            if field.name in _NAMES_OF:
                names = [getattr(one, _NAMES_OF[field.name]) for one in arrivals]
                pieces = [
                    book.coded(field.name, of_one, piece, codes=self._codes)
                    for of_one, piece in _by_names(names, column, ends)
                ]
                column = pa.concat_arrays(pieces)
            columns[field.name] = column
        schema = pa.schema([SCHEMA.field(name) for name in columns])
        joined = pa.table(list(columns.values()), schema=schema)
        return joined, np.repeat(np.arange(len(arrivals), dtype=np.int32), counts)

    def _recorded(
        self,
        table: pa.Table,
        arrivals: Sequence[Arrival],
        accepted: Sequence[RowCount],
        state: IntakeState,
        *,
        recorded_at: datetime,
    ) -> Journal:
        number, first = state.journal + 1, state.reception + 1
        # With its number a journal is a file of its own, even one without fixes.
        table = table.replace_schema_metadata({"journal": f"{self._fleet_id}/{number}"})
        digest, size_bytes = self._files.write(table)
        fleet = {"fleet_id": self._fleet_id}
        writing = self._transaction.writing
        file = {
            **fleet,
            "file_id": digest,
            "kind": "positions",
            "name": f"journal-{number}.arrow",
            "size_bytes": size_bytes,
            "received_at": recorded_at,
        }
        writing.execute(_ADD_FILE, file)
        receptions, counts = [], []
        for place, (one, rows) in enumerate(zip(arrivals, accepted, strict=True)):
            receptions.append(
                {
                    **fleet,
                    "sequence": first + place,
                    "file_id": digest,
                    "kind": "positions",
                    "name": one.name,
                    "options": one.options_text,
                    "received_at": one.received_at,
                }
            )
            counts.append(
                {
                    **fleet,
                    "reception": first + place,
                    "rows_accepted": rows,
                    "rows_duplicate": one.fixes.num_rows - rows,
                    "rows_rejected": one.rejected,
                }
            )
        journal = {
            **fleet,
            "sequence": number,
            "file_id": digest,
            "rows": table.num_rows,
            "recorded_at": recorded_at,
        }
        writing.execute(_ADD_RECEPTIONS, receptions)
        writing.execute(_ADD_COUNTS, counts)
        writing.execute(_ADD_JOURNAL, journal)
        return Journal(number, digest, table.num_rows)


class CodeBook:
    """Codes of trucks and drivers that were met, which never change."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, int]] = {VEHICLE: {}, DRIVER: {}}
        # Of the names that were met last, by their places: many requests share theirs.
        self._names: dict[str, Sequence[str]] = {}
        self._codes: dict[str, Int32s] = {}

    def coded(self, column: str, names: Sequence[str], places: Any, *, codes: Codes) -> Any:
        """Codes of identifiers, given now to those that have none.

        Parameters
        ----------
        column : str
            Of trucks or of drivers.
        names : sequence of str
            Distinct identifiers; it may have grown since it came before.
        places : pa.Array
            Which of them is meant; null for none.
        codes : Codes
            Of the transaction, asked for what is not known.

        Returns
        -------
        coded : pa.Array of int32
            Null where the place is.
        """
        if self._names.get(column) is not names:
            self._names[column], self._codes[column] = names, np.zeros(0, dtype=np.int32)
        lookup = self._codes[column]
        if len(lookup) < len(names):
            lookup = np.append(lookup, np.zeros(len(names) - len(lookup), dtype=np.int32))
            self._codes[column] = lookup
        held = (places.drop_null() if places.null_count else places).to_numpy()
        lacking = held[lookup[held] == 0]
        if len(lacking):
            self._look_up(column, names, np.unique(lacking), codes)
        return pa.array(lookup).take(places)

    def _look_up(self, column: str, names: Sequence[str], places: Any, codes: Codes) -> None:
        known = self._known[column]
        meant = [names[place] for place in places.tolist()]
        missing = sorted(name for name in meant if name not in known)
        if missing:
            given = codes.given(_KINDS[column], missing).tolist()
            known.update(zip(missing, given, strict=True))
        self._codes[column][places] = [known[name] for name in meant]


def _by_names(
    names: Sequence[Sequence[str]], column: Any, ends: Int64s
) -> Iterator[tuple[Sequence[str], Any]]:
    """A column in pieces of which each has its names: mostly all have the same."""
    first = 0
    for place, of_one in enumerate(names):
        if place + 1 == len(names) or names[place + 1] is not of_one:
            stop = int(ends[place])
            yield of_one, column.slice(first, stop - first)
            first = stop


@dataclass(frozen=True, eq=False)
class Added:
    """The fixes of a journal, by truck and moment: truck, moment [ms] and packed place of each."""

    journal: Journal
    codes: Int64s
    time_ms: Int64s
    place: Int64s

    @classmethod
    def of(cls, journal: Journal, fixes: pa.Table) -> Added:
        """What a journal that was read has."""
        codes, time_ms = (int64_column(fixes, name) for name in (VEHICLE, "time_ms"))
        return cls(journal, codes, time_ms, _places_of(fixes))


def _places_of(fixes: pa.Table) -> Int64s:
    """The packed place of each fix."""
    return packed_place(*(fixes.column(name).to_numpy() for name in ("lon_udeg", "lat_udeg")))


def _missing_count(fixes: pa.Table, rows: Int64s, which: Int32s) -> Int64s:
    """By which equal fixes are compared: the earlier request first, then the fewest gaps."""
    missing = np.zeros(len(rows), dtype=np.int64)
    for name in OPTIONAL:
        if name in fixes.column_names and fixes.column(name).null_count:
            column = fixes.column(name).take(pa.array(rows))
            missing += np.asarray(column.is_null().to_numpy(), dtype=np.int64)
    return which[rows].astype(np.int64) * (len(OPTIONAL) + 1) + missing
