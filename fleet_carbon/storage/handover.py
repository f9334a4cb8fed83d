"""What leaves an installation in an archive and comes into another: rows as they stand.

What speaks for the ledger goes whole and comes back as it was. Of traces, files, orders and the
register only digests go: they are evidence, and what they are of stays where it was received.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Select,
    Table,
    Text,
    func,
    insert,
    select,
    type_coerce,
)

from fleet_carbon.periods import to_epoch_ms
from fleet_carbon.storage import tables
from fleet_carbon.storage.bulk import grown, insert_rows
from fleet_carbon.storage.checkpoints import Checkpoints
from fleet_carbon.storage.claim_tables import claim_letters, claim_peers, claimed_orders
from fleet_carbon.storage.closing_down import closing_downs
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.ledger import LedgerRecords
from fleet_carbon.storage.ledger_tables import ledger_checkpoints, ledger_entries
from fleet_carbon.storage.lots import lots
from fleet_carbon.storage.tables import (
    METADATA,
    Moment,
    fleet_column,
    only_grows,
    sequence_column,
)

# Ledgers that came from another installation, each with what its archive's manifest says.
ledger_imports = Table(
    "ledger_imports",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("archive_sha256", Text, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("runs_until", BigInteger, nullable=False),
    Column("imported_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)
only_grows(ledger_imports)

CARRIED: dict[str, Table] = {
    "checkpoints.jsonl": ledger_checkpoints,
    "lots.jsonl": lots,
    "prices.jsonl": tables.prices,
    "runs.jsonl": tables.closing_runs,
    "tables.jsonl": tables.closing_tables,
    "imports.jsonl": ledger_imports,
    "claim_letters.jsonl": claim_letters,
    "claim_peers.jsonl": claim_peers,
    "claimed_orders.jsonl": claimed_orders,
}
"""Members of an archive that are tables, row by row; they go in this order."""

CLAIMS = "claims.jsonl"
"""The member of the claims, whose trucks have other numbers elsewhere."""

_EVIDENCE: dict[str, tuple[Table, tuple[str, ...]]] = {
    # A file's name may be that of a person.
    "files": (tables.files, ("file_id", "kind", "size_bytes", "received_at")),
    "receptions": (tables.receptions, ("sequence", "file_id", "kind", "options", "received_at")),
    "withdrawals": (tables.withdrawals, ("reception", "withdrawn_at")),
    "segments": (
        tables.segments,
        ("segment", "segment_id", "month", "bucket", "rows", "from_version", "until_version"),
    ),
    "closing_downs": (closing_downs, ("sequence", "state", "facts", "recorded_at")),
    **{
        kind: (table, ("sequence", "key_text", "content_sha256", "file_id", "recorded_at"))
        for kind, table in tables.VERSIONS.items()
    },
}
EVIDENCE = tuple(_EVIDENCE)
"""What of the evidence an archive has digests of."""

_OF_ANYBODY = ("files", "receptions", "withdrawals", "segments", "closing_downs")

_ROWS_TOGETHER = 1_000
_ENTRIES_TOGETHER = 100_000
_ENTRY_COLUMNS = tuple(column.name for column in ledger_entries.columns)[1:]


def evidence_of_driver(driver_id: str) -> list[tuple[str, dict[str, str]]]:
    """What of `EVIDENCE` concerns a driver, with the columns by which it is chosen."""
    chosen = [(what, table) for what, (table, _) in _EVIDENCE.items()]
    return [
        (what, {"driver_id": driver_id} if "driver_id" in table.columns else {})
        for what, table in chosen
        if what in _OF_ANYBODY or "driver_id" in table.columns
    ]


@dataclass(frozen=True)
class Import:
    """A ledger that came from another installation.

    Attributes
    ----------
    archive_sha256 : str
        Of the archive's file.
    manifest : dict
        What its operator signed.
    imported_at : datetime
        Aware moment.
    """

    archive_sha256: str
    manifest: dict[str, Any]
    imported_at: datetime


class Handover:
    """The rows of a fleet that an archive carries."""

    def __init__(
        self, transaction: Transaction, ledger: LedgerRecords, checkpoints: Checkpoints
    ) -> None:
        self._transaction = transaction
        self._ledger = ledger
        self._checkpoints = checkpoints

    def carried(self, member: str) -> Iterator[dict[str, Any]]:
        """The rows of a table of `CARRIED`, JSON-ready, moments in ms, in order of their key."""
        table = CARRIED[member]
        return self._rows(table, [one.name for one in table.columns][1:])

    def evidence(self, what: str, **of: str) -> Iterator[dict[str, Any]]:
        """Digests of one of `EVIDENCE`, in order; `of` names columns with the value they have."""
        table, names = _EVIDENCE[what]
        return self._rows(table, names, **of)

    def imports(self) -> list[Import]:
        """Where the ledger came from; empty if it began here."""
        chosen = self._of_fleet(ledger_imports, list(ledger_imports.columns))
        found = self._transaction.reading.execute(chosen.order_by(ledger_imports.c.sequence))
        return [
            Import(row["archive_sha256"], json.loads(row["manifest"]), row["imported_at"])
            for row in found.mappings()
        ]

    def imported_months(self) -> set[str]:
        """Months that another installation closed: what they rest on is not here."""
        fleet_id = self._transaction.fleet_id
        until = select(func.max(ledger_imports.c.runs_until)).where(
            ledger_imports.c.fleet_id == fleet_id
        )
        runs = tables.closing_runs.c
        chosen = select(runs.month).where(
            runs.fleet_id == fleet_id, runs.sequence <= until.scalar_subquery()
        )
        return set(self._transaction.reading.scalars(chosen.distinct()))

    def is_untouched(self) -> bool:
        """Whether the fleet has nothing on record that an import would add to."""
        there = (*CARRIED.values(), ledger_entries, tables.files, tables.trace_versions)
        return not any(
            self._transaction.reading.scalar(self._of_fleet(table, [func.count()]))
            for table in there
        )

    def restore_table(self, member: str, rows: Iterable[dict[str, Any]]) -> int:
        """Put the rows of a table of `CARRIED` on record; says how many there were."""
        table = CARRIED[member]
        names = [one.name for one in table.columns]
        values = (
            (self._transaction.fleet_id, *(_taken(name, row) for name in names[1:])) for row in rows
        )
        return insert_rows(self._transaction.writing, table, values, columns=names)

    def restore_entries(self, entries: Iterable[dict[str, Any]]) -> Iterator[int]:
        """Put a ledger on record that has none yet, with who holds what.

        Parameters
        ----------
        entries : iterable of dict
            In their order, with their hashes; checked before.

        Yields
        ------
        int
            How many more are on record.
        """
        connection, remaining = self._transaction.writing, iter(entries)
        after = 0
        while (first := next(remaining, None)) is not None:
            stretch = _Stretch(self._transaction.fleet_id, first, remaining)
            count = insert_rows(
                connection, ledger_entries, stretch.rows(), columns=("fleet_id", *_ENTRY_COLUMNS)
            )
            grown(connection, ledger_entries, count)
            self._ledger.holdings.follow(after)
            after += count
            if stretch.overlapping is not None:
                remaining = chain((stretch.overlapping,), remaining)
            yield count

    def restore_proofs(self, keys: Iterable[str]) -> None:
        """Put the keys on record, and the tiles up to the newest checkpoint."""
        for note in keys:
            self._checkpoints.add_key(note)
        newest = self._checkpoints.newest()
        if newest is not None:
            self._checkpoints.grow_tiles(newest.entries_count)

    def record_import(self, found: Import) -> None:
        """Say where the ledger came from, after everything else of it is on record."""
        runs = tables.closing_runs
        self._transaction.writing.execute(
            insert(ledger_imports).values(
                fleet_id=self._transaction.fleet_id,
                sequence=self._transaction.next_sequence(ledger_imports),
                archive_sha256=found.archive_sha256,
                manifest=json.dumps(found.manifest, sort_keys=True, ensure_ascii=False),
                runs_until=self._transaction.next_sequence(runs) - 1,
                imported_at=found.imported_at,
            )
        )

    def _rows(self, table: Table, names: Iterable[str], **of: str) -> Iterator[dict[str, Any]]:
        columns = [table.c[name] for name in names]
        plain = [
            type_coerce(one, BigInteger).label(one.name) if isinstance(one.type, Moment) else one
            for one in columns
        ]
        chosen = self._of_fleet(table, plain).where(
            *(table.c[name] == held for name, held in of.items())
        )
        options = {"yield_per": _ROWS_TOGETHER}
        found = self._transaction.reading.execute(
            chosen.order_by(*table.primary_key.columns), execution_options=options
        )
        return (dict(row) for row in found.mappings())

    def _of_fleet(self, table: Table, columns: list[Any]) -> Select[Any]:
        return (
            select(*columns)
            .select_from(table)
            .where(table.c.fleet_id == self._transaction.fleet_id)
        )


class _Stretch:
    """Entries in which no serial moves twice: what holdings can follow in one step.

    Attributes
    ----------
    overlapping : dict or None
        The entry that would be the first to move a serial again: it begins the next stretch.
    """

    def __init__(
        self, fleet_id: str, first: dict[str, Any], remaining: Iterator[dict[str, Any]]
    ) -> None:
        self.overlapping: dict[str, Any] | None = None
        self._fleet_id = fleet_id
        self._entries = chain((first,), remaining)
        self._moved: dict[tuple[str, str], list[tuple[int, int]]] = {}

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """The rows of the table, as far as the stretch goes."""
        for number, entry in enumerate(self._entries, start=1):
            if number > _ENTRIES_TOGETHER or not self._is_apart(entry):
                self.overlapping = entry
                return
            yield (self._fleet_id, *(_taken(name, entry) for name in _ENTRY_COLUMNS))

    def _is_apart(self, entry: dict[str, Any]) -> bool:
        if entry["book"] != "carbon" or entry["credit_account"] == "issued":
            return True
        moved = self._moved.setdefault((entry["month"], entry["edition"]), [])
        serials = (entry["serial_from"], entry["serial_until"])
        place = bisect_left(moved, serials)
        if place and moved[place - 1][1] > serials[0]:
            return False
        if place < len(moved) and moved[place][0] < serials[1]:
            return False
        moved.insert(place, serials)
        return True


def _taken(name: str, row: dict[str, Any]) -> Any:
    """A value as the table keeps it, from how an archive writes it."""
    held = row[name]
    if name == "trace_version":
        return None  # the traces stayed where they were; a version of that number here is another
    if name == "recorded_at" and isinstance(held, str):
        return to_epoch_ms(datetime.fromisoformat(held))
    if name == "evidence":
        return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return held
