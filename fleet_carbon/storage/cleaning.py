"""What the trace store holds and nobody needs: superseded segments, and files never named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, exists, select

from fleet_carbon.storage import tables
from fleet_carbon.storage.catalog import KnownSegment, SegmentCatalog
from fleet_carbon.storage.codes import in_parts
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import PARTIAL_SUFFIX
from fleet_carbon.storage.segments import segment_name


@dataclass(frozen=True)
class Leftover:
    """A file that the catalog does not name.

    Attributes
    ----------
    where : str
        Path or URL.
    size_bytes : int
        Size. [byte]
    name : str or None
        Name in the trace store; None for one that was not written to its end.
    """

    where: str
    size_bytes: int
    name: str | None


class TraceCleaning:
    """Finds and removes what no version in force, and none that a closing run names, needs."""

    def __init__(self, transaction: Transaction, catalog: SegmentCatalog) -> None:
        self._transaction = transaction
        self._fleet_id = transaction.fleet_id
        self._catalog = catalog

    def superseded(self, before: datetime) -> list[KnownSegment]:
        """Segments out of force since before a moment that no closing run needs.

        A run needs those that were in force at the version it names.
        """
        rows, ended, runs = tables.segments.c, tables.trace_versions.c, tables.closing_runs.c
        is_named = exists().where(
            runs.fleet_id == rows.fleet_id,
            runs.trace_version >= rows.from_version,
            runs.trace_version < rows.until_version,
        )
        is_old = exists().where(
            ended.fleet_id == rows.fleet_id,
            ended.version == rows.until_version,
            ended.recorded_at < before,
        )
        return self._catalog.segments(rows.until_version.is_not(None), is_old, ~is_named)

    def forget(self, segments: Sequence[KnownSegment], removed_at: datetime) -> None:
        """Take superseded segments off the record; from then on their files are leftovers."""
        rows = tables.segments
        spans = [
            (segment.from_version, segment.until_version)
            for segment in segments
            if segment.until_version is not None
        ]
        if spans:
            self._catalog.versions.note_removal(spans, removed_at)
        for numbers in in_parts([segment.number for segment in segments]):
            # What belongs to a segment goes with it.
            self._transaction.writing.execute(
                delete(rows).where(
                    rows.c.fleet_id == self._fleet_id,
                    rows.c.segment.in_(numbers),
                    rows.c.until_version.is_not(None),
                )
            )

    def leftovers(self, before: datetime) -> list[Leftover]:
        """Files last written before a moment that the catalog does not name, in order.

        An ingest or a compaction was broken off, or is running at this moment. They hold
        nothing that is on record, and an ingest that is repeated adopts those of its own bytes.
        """
        blobs = self._catalog.blobs
        named = self._named()
        found = [
            Leftover(blobs.path_of(blob.name), blob.size_bytes, blob.name)
            for blob in blobs.names()
            if blob.name not in named and blob.modified_at < before
        ]
        for path in blobs.scratch.glob(f"*{PARTIAL_SUFFIX}"):
            size_bytes = _size_if_before(path, before)
            if size_bytes is not None:
                found.append(Leftover(str(path), size_bytes, None))
        return sorted(found, key=lambda one: one.where)

    def _named(self) -> set[str]:
        rows = tables.segments.c
        chosen = select(rows.month, rows.bucket, rows.segment_id).where(
            rows.fleet_id == self._fleet_id
        )
        found = self._transaction.reading.execute(chosen.distinct())
        return {segment_name(*row) for row in found}

    def remove_leftovers(self, before: datetime) -> list[Leftover]:
        """Delete the files that `leftovers` names.

        Needs a unit of work that may write: a writer that is about to name its files holds
        the same lock, so that none of them is taken away. A compaction writes without the lock,
        and looks for its files once it has it.
        """
        _ = self._transaction.writing
        found = self.leftovers(before)
        for one in found:
            if one.name is None:
                Path(one.where).unlink(missing_ok=True)
            else:
                self._catalog.blobs.delete(one.name)
        return found


def _size_if_before(path: Path, before: datetime) -> int | None:
    """Size of a file last written before a moment; None of another, or if it is gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    is_old = datetime.fromtimestamp(found.st_mtime, UTC) < before
    return found.st_size if is_old else None
