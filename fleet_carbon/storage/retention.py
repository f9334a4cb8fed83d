"""For how long fixes are kept, and which months of them were reduced to digests; both on record.

This is the one dated exception to what else holds for the trace store: that nothing is removed
which a closed month names. The catalog keeps digest, count and marks of every segment whose file
is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Integer,
    Table,
    Text,
    insert,
    select,
)

from fleet_carbon.errors import NotFound
from fleet_carbon.storage import tables
from fleet_carbon.storage.catalog import KnownSegment
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.segments import VersionNumber
from fleet_carbon.storage.tables import METADATA, Moment, fleet_column, only_grows, sequence_column

retention_rules = Table(
    "retention_rules",
    METADATA,
    fleet_column(),
    sequence_column(),
    # Null keeps them for good.
    Column("positions_days", Integer),
    Column("recorded_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

# Segments of the month that came into force before the version have no file any more.
trace_reductions = Table(
    "trace_reductions",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("month", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("rule", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("segments", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("reduced_at", Moment, nullable=False),
    ForeignKeyConstraint(
        ["fleet_id", "version"], ["trace_versions.fleet_id", "trace_versions.version"]
    ),
    ForeignKeyConstraint(
        ["fleet_id", "rule"], ["retention_rules.fleet_id", "retention_rules.sequence"]
    ),
)

for _table in (retention_rules, trace_reductions):
    only_grows(_table)


@dataclass(frozen=True)
class RetentionRule:
    """For how many days fixes are kept (None: for good), and since when that holds."""

    sequence: int
    positions_days: int | None
    recorded_at: datetime


@dataclass(frozen=True)
class Reduction:
    """A UTC month whose fixes were reduced: to what, when, and by the rule of which day."""

    month: str
    version: VersionNumber
    rows: int
    segments: int
    size_bytes: int
    reduced_at: datetime
    ruled_at: datetime

    def holds(self, segment: KnownSegment) -> bool:
        """Whether the file of the segment went with it."""
        return segment.month == self.month and segment.from_version < self.version


class Retention:
    """The rules of a fleet, and what was done by them."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add_rule(self, positions_days: int | None, at: datetime) -> None:
        """Put a rule on record, which holds from now on."""
        self._transaction.writing.execute(
            insert(retention_rules).values(
                fleet_id=self._transaction.fleet_id,
                sequence=self._transaction.next_sequence(retention_rules),
                positions_days=positions_days,
                recorded_at=at,
            )
        )

    def rules(self) -> list[RetentionRule]:
        """Every rule there was; the last one holds."""
        rows = retention_rules.c
        chosen = select(rows.sequence, rows.positions_days, rows.recorded_at).where(
            rows.fleet_id == self._transaction.fleet_id
        )
        found = self._transaction.reading.execute(chosen.order_by(rows.sequence))
        return [RetentionRule(*row) for row in found]

    def add_reductions(
        self,
        segments: Iterable[KnownSegment],
        version: VersionNumber,
        rule: RetentionRule,
        *,
        reduced_at: datetime,
    ) -> None:
        """Put on record that the files of these segments go, month by month."""
        first = self._transaction.next_sequence(trace_reductions)
        of_month: dict[str, list[KnownSegment]] = {}
        for segment in segments:
            of_month.setdefault(segment.month, []).append(segment)
        rows = [
            {
                "fleet_id": self._transaction.fleet_id,
                "sequence": first + place,
                "month": month,
                "version": version,
                "rule": rule.sequence,
                "rows": sum(one.rows for one in found),
                "segments": len(found),
                "size_bytes": sum(one.size_bytes for one in found),
                "reduced_at": reduced_at,
            }
            for place, (month, found) in enumerate(sorted(of_month.items()))
        ]
        self._transaction.writing.execute(insert(trace_reductions), rows)

    def reductions(self) -> list[Reduction]:
        """Every reduction of a month there was, in their order."""
        done, rules = trace_reductions.c, retention_rules.c
        chosen = (
            select(
                done.month,
                done.version,
                done.rows,
                done.segments,
                done.size_bytes,
                done.reduced_at,
                rules.recorded_at,
            )
            .select_from(trace_reductions)
            .join(
                retention_rules, (rules.fleet_id == done.fleet_id) & (rules.sequence == done.rule)
            )
            .where(
                done.fleet_id == self._transaction.fleet_id,
                rules.fleet_id == self._transaction.fleet_id,
            )
            .order_by(done.sequence)
        )
        return [Reduction(*row) for row in self._transaction.reading.execute(chosen)]

    def refuse_reduced(
        self, first_month: str, last_month: str, *, version: VersionNumber | None = None
    ) -> None:
        """Pass only if the fixes of these UTC months are there, at a version or at any.

        Raises
        ------
        NotFound
            ``traces_reduced``, with the days of reduction and rule.
        """
        for one in self.reductions():
            is_later = version is None or version < one.version
            if first_month <= one.month <= last_month and is_later:
                raise NotFound(
                    "traces_reduced",
                    f"The fixes of {one.month} were reduced on {one.reduced_at:%Y-%m-%d} by the"
                    f" rule of {one.ruled_at:%Y-%m-%d}: legs and digests are kept, fixes are not.",
                    "What was closed stands; it cannot be computed again from its fixes.",
                    month=one.month,
                )

    def removable_files(self) -> list[str]:
        """Received files all of whose accepted fixes are of reduced months, by digest."""
        reductions = self.reductions()
        if not reductions:
            return []
        fleet_id, read = self._transaction.fleet_id, self._transaction.reading
        parts, segments = tables.segment_receptions.c, tables.segments.c
        chosen = (
            select(parts.reception, segments.month, segments.from_version)
            .select_from(tables.segment_receptions)
            .join(
                tables.segments,
                (segments.fleet_id == parts.fleet_id) & (segments.segment == parts.segment),
            )
            .where(parts.fleet_id == fleet_id, segments.fleet_id == fleet_id)
            .distinct()
        )
        reduced = {one.month: one.version for one in reductions}
        stays: dict[int, bool] = {}
        for reception, month, version in read.execute(chosen):
            is_kept = version >= reduced.get(month, 0)
            stays[reception] = stays.get(reception, False) or is_kept
        received, counts = tables.receptions.c, tables.reception_counts.c
        listed = (
            select(received.file_id, received.sequence, received.kind, counts.rows_accepted)
            .select_from(tables.receptions)
            .join(
                tables.reception_counts,
                (counts.fleet_id == received.fleet_id) & (counts.reception == received.sequence),
                isouter=True,
            )
            .where(received.fleet_id == fleet_id)
        )
        verdicts: dict[str, list[bool]] = {}
        for file_id, reception, kind, accepted in read.execute(listed):
            # What brought fixes that no segment tells of is not known well enough to go.
            is_free = kind == "positions" and not stays.get(reception, accepted != 0)
            verdicts.setdefault(file_id, []).append(is_free)
        holding = {file_id for file_id, reception in self._positions() if reception in stays}
        return sorted(one for one, frees in verdicts.items() if all(frees) and one in holding)

    def _positions(self) -> list[tuple[str, int]]:
        rows = tables.receptions.c
        chosen = select(rows.file_id, rows.sequence).where(
            rows.fleet_id == self._transaction.fleet_id, rows.kind == "positions"
        )
        return [
            (str(file_id), int(number))
            for file_id, number in self._transaction.reading.execute(chosen)
        ]
