"""The versions of the trace store: every change of it is one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, insert, select

from fleet_carbon.errors import NotFound
from fleet_carbon.storage import tables
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.segments import VersionNumber


class TraceVersions:
    """The versions of one fleet's traces."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._fleet_id = transaction.fleet_id

    def newest(self) -> VersionNumber:
        """The version that is in force; 0 if nothing was ever stored."""
        rows = tables.trace_versions.c
        chosen = select(func.max(rows.version)).where(rows.fleet_id == self._fleet_id)
        return int(self._transaction.reading.scalar(chosen) or 0)

    def has_since(self, version: VersionNumber, *kinds: str) -> bool:
        """Whether there is a later version of one of some kinds."""
        rows = tables.trace_versions.c
        later = select(rows.version).where(
            rows.fleet_id == self._fleet_id, rows.version > version, rows.kind.in_(kinds)
        )
        return self._transaction.reading.scalar(later.limit(1)) is not None

    def add(self, kind: str, note: str, recorded_at: datetime) -> VersionNumber:
        """Begin the next version: ``ingest``, ``withdrawal`` or ``compaction``."""
        writing = self._transaction.writing
        number = self.newest() + 1
        row = {"fleet_id": self._fleet_id, "version": number, "kind": kind, "note": note}
        writing.execute(insert(tables.trace_versions).values(**row, recorded_at=recorded_at))
        return number

    def require(self, version: VersionNumber) -> None:
        """Refuse a version that never was, or of which segments were removed.

        Raises
        ------
        NotFound
            ``trace_version_unknown`` or ``trace_version_removed``.
        """
        newest = self.newest()
        if not 0 <= version <= newest:
            raise NotFound(
                "trace_version_unknown",
                f"The trace store has no version {version}; the newest is {newest}.",
                "Leave the version out to read what is in force.",
            )
        gone = tables.trace_removals.c
        removed = select(gone.sequence).where(
            gone.fleet_id == self._fleet_id,
            gone.from_version <= version,
            gone.until_version > version,
        )
        if self._transaction.reading.scalar(removed.limit(1)) is not None:
            raise NotFound(
                "trace_version_removed",
                f"Segments of version {version} of the trace store were removed by a cleaning.",
                "Versions that no closed month names are kept only for a time.",
            )

    def note_removal(
        self, spans: Sequence[tuple[VersionNumber, VersionNumber]], removed_at: datetime
    ) -> None:
        """Put on record that versions `[from, until)` cannot be read any more."""
        first = self._transaction.next_sequence(tables.trace_removals)
        rows = [
            {
                "fleet_id": self._fleet_id,
                "sequence": sequence,
                "from_version": begin,
                "until_version": end,
                "removed_at": removed_at,
            }
            for sequence, (begin, end) in enumerate(_united(spans), start=first)
        ]
        self._transaction.writing.execute(insert(tables.trace_removals), rows)


def _united(
    spans: Sequence[tuple[VersionNumber, VersionNumber]],
) -> list[tuple[VersionNumber, VersionNumber]]:
    """The spans without overlaps, in order."""
    united: list[tuple[VersionNumber, VersionNumber]] = []
    for begin, end in sorted(spans):
        if united and begin <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((begin, end))
    return united
