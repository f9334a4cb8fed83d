"""The trace store: the fixes of a fleet as they are, as they were, and how they are kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Set
from datetime import UTC, datetime
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fleet_carbon.storage import tables
from fleet_carbon.storage.batches import TraceBatch
from fleet_carbon.storage.blobs import BlobFolder
from fleet_carbon.storage.catalog import KnownSegment, SegmentCatalog, VehicleMarks, in_force
from fleet_carbon.storage.cleaning import Leftover, TraceCleaning
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import ReceivedFiles, ReceptionNumber, RowCount
from fleet_carbon.storage.folding import Folding
from fleet_carbon.storage.journals import Journals
from fleet_carbon.storage.merging import Merge
from fleet_carbon.storage.novelty import KnownFixes
from fleet_carbon.storage.planning import BucketPlan
from fleet_carbon.storage.positions import PositionsWriter
from fleet_carbon.storage.retention import Retention, RetentionRule
from fleet_carbon.storage.segments import (
    BucketNumber,
    Int64s,
    Segment,
    TraceLimits,
    VersionNumber,
    utc_months,
)

TRACES_LOCK = "traces"
"""Who changes which segments are in force has it; requests that write journals do not need it."""
# Years that have four digits, so that months compare as text: 0000 to 9999.
_FIRST_MS, _LAST_MS = -62_167_219_200_000, 253_402_300_799_999


class MonthBucket(NamedTuple):
    """Segments in force of one UTC month and bucket that may be put together."""

    month: str
    bucket: BucketNumber
    segments: int
    rows: RowCount


class Traces:
    """The fixes of a fleet.

    Attributes
    ----------
    cleaning : TraceCleaning
        What is stored and serves nothing any more.
    retention : Retention
        For how long fixes are kept, and which of them were reduced.
    journals : Journals
        Fixes that are on record and not in segments yet.
    folding : Folding
        What makes segments of them.
    """

    def __init__(
        self,
        transaction: Transaction,
        files: ReceivedFiles,
        blobs: BlobFolder,
        *,
        home: Path,
        limits: TraceLimits,
    ) -> None:
        self._transaction = transaction
        self._files = files
        self._catalog = SegmentCatalog(transaction, blobs)
        self._spill_folder = home / "spill"
        self._limits = limits
        self.journals = Journals(transaction, home, codes=self._catalog.codes)
        self.folding = Folding(transaction, self._catalog, self.journals)
        self.cleaning = TraceCleaning(transaction, self._catalog)
        self.retention = Retention(transaction)

    def hold_and_fold(self) -> None:
        """Have the segments to this transaction alone, with every fix that waited in journals."""
        self._transaction.hold(f"{TRACES_LOCK}/{self._transaction.fleet_id}")
        self.folding.here(self._catalog.blobs, self._limits)

    def known_fixes(self) -> KnownFixes:
        """What is on record of all trucks, to tell new fixes from others; journals come after."""
        return KnownFixes(self._catalog.latest_ms(), self.stored_fixes)

    def stored_fixes(
        self, codes: Int64s, time_ms: Int64s
    ) -> Iterator[tuple[Int64s, Int64s, Int64s]]:
        """Fixes of segments that may equal some others: truck, moment [ms] and packed place."""
        months = utc_months(time_ms)
        for month in np.unique(months).tolist():
            rows = months == month
            trucks = np.unique(codes[rows])
            at = np.searchsorted(trucks, codes[rows])
            first = np.full(len(trucks), np.iinfo(np.int64).max)
            last = np.full(len(trucks), np.iinfo(np.int64).min)
            np.minimum.at(first, at, time_ms[rows])
            np.maximum.at(last, at, time_ms[rows])
            name = str(np.datetime64(month, "M"))
            for found in self._catalog.overlapping(
                name, trucks, time_ms_min=first, time_ms_max=last
            ):
                yield found.vehicle_code, found.time_ms, found.place

    def writer(self) -> PositionsWriter:
        """Begin to take in the fixes of a file."""
        writer = PositionsWriter(
            self._catalog,
            self._files,
            spill_folder=self._spill_folder,
            limits=self._limits,
        )
        self._transaction.when_closed(writer.discard)
        return writer

    def version_number(self) -> VersionNumber:
        """The version that is in force; 0 if nothing was ever stored."""
        return self._catalog.versions.newest()

    def was_withdrawn_since(self, version: VersionNumber) -> bool:
        """Whether anything was taken out of force after a version."""
        return self._catalog.versions.has_since(version, "withdrawal")

    def batches(
        self,
        from_ms: int,
        until_ms: int,
        *,
        fixes_max: int,
        version: VersionNumber | None = None,
        since: VersionNumber = 0,
    ) -> Iterator[TraceBatch]:
        """The fixes of a period as batches of neighbouring trucks, none withdrawn.

        Batches are small and read their fixes without the database, in any order and process.
        Trucks come by code, which is the order in which they were first met and not that of
        their identifiers.

        Parameters
        ----------
        from_ms, until_ms : int
            Period `[from_ms, until_ms)`. [ms]
        fixes_max : int
            Fixes of a batch at most, unless one truck alone has more.
        version : VersionNumber, optional
            Read the store as it was; without it what is in force.
        since : VersionNumber
            Only segments that came into force after this version: all that was added since, and
            what was put together since, which holds earlier fixes too.

        Raises
        ------
        NotFound
            If that version is unknown or was removed.
        """
        if version is not None:
            self._require(version, _months_between(from_ms, until_ms))
        rows = tables.segments.c
        segments = self._catalog.segments(
            in_force(version),
            rows.time_ms_max >= from_ms,
            rows.time_ms_min < until_ms,
            rows.from_version > since,
        )
        for _, of_bucket in groupby(segments, key=lambda segment: segment.bucket):
            plan = BucketPlan(self._catalog, list(of_bucket))
            yield from plan.batches(from_ms, until_ms, fixes_max)

    def marks(
        self, from_ms: int, until_ms: int, *, version: VersionNumber | None = None
    ) -> dict[str, str]:
        """Digest of every truck's fixes in the UTC months that a period touches.

        It changes when fixes of these months are added or withdrawn, and only then: it is the
        same before and after segments are put together.

        Returns
        -------
        marks : dict of str to str
            By vehicle identifier, of those that have fixes in these months.
        """
        months = _months_between(from_ms, until_ms)
        if version is not None:
            self._require(version, months)
        month = tables.segments.c.month
        found = self._catalog.marks(in_force(version), month.between(*months))
        names = self._catalog.codes.vehicle_names()
        return {
            names[code]: _digest_of_marks(list(of_truck))
            for code, of_truck in groupby(found, key=lambda one: one.vehicle_code)
        }

    def holding(self, vehicle_ids: Iterable[str]) -> set[str]:
        """Those of the trucks that have fixes in force."""
        return self._catalog.holding(vehicle_ids)

    def summary(self) -> dict[str, Any]:
        """How much is in force: segments, fixes, first, last (aware UTC), bytes."""
        return self._catalog.summary()

    def spans(self) -> list[tuple[datetime, datetime]]:
        """First and last moment of the fixes in force of every UTC month that has any."""
        return self._catalog.spans()

    def segments(self, version: VersionNumber | None = None) -> list[KnownSegment]:
        """The segments in force, or those that were at a version, by bucket and month."""
        if version is not None:
            self._require(version, _months_between(_FIRST_MS, _LAST_MS))
        return self._catalog.segments(in_force(version))

    def all_segments(self) -> list[KnownSegment]:
        """Every segment on record but those that were reduced, each file once."""
        reductions = self.retention.reductions()
        return list(
            {
                segment.name: segment
                for segment in self._catalog.segments()
                if not any(one.holds(segment) for one in reductions)
            }.values()
        )

    def months(self) -> dict[str, list[KnownSegment]]:
        """The segments in force by UTC month."""
        found: dict[str, list[KnownSegment]] = {}
        for segment in self._catalog.segments(in_force()):
            found.setdefault(segment.month, []).append(segment)
        return found

    def reduce(self, months: Set[str], rule: RetentionRule, *, recorded_at: datetime) -> None:
        """Take the fixes of UTC months out of force for good; the catalog keeps what they were.

        Their files are removed by `remove_reduced`, once this is on record.
        """
        segments = self._catalog.segments(in_force(), tables.segments.c.month.in_(sorted(months)))
        version = self._catalog.versions.add("reduction", ", ".join(sorted(months)), recorded_at)
        self._catalog.end([segment.number for segment in segments], version)
        self.retention.add_reductions(segments, version, rule, reduced_at=recorded_at)

    def remove_reduced(self) -> int:
        """Delete the files of reduced segments that are still there; how many they were.

        Needs a unit of work that may write: nobody names the same bytes anew meanwhile.
        """
        _ = self._transaction.writing
        blobs, kept = self._catalog.blobs, {one.name for one in self.all_segments()}
        gone = {one.name for one in self._catalog.segments()} - kept
        present = [name for name in sorted(gone) if blobs.exists(name)]
        for name in present:
            blobs.delete(name)
        return len(present)

    def _require(self, version: VersionNumber, months: tuple[str, str]) -> None:
        self._catalog.versions.require(version)
        self.retention.refuse_reduced(*months, version=version)

    def problem_of(self, segment: KnownSegment) -> str | None:
        """What is wrong with the file of a segment, by its bytes; None if nothing is."""
        blobs = self._catalog.blobs
        which = f"Segment {segment.segment_id} of {segment.month}"
        where = blobs.path_of(segment.name)
        if not blobs.exists(segment.name):
            return f"{which} is missing: expected at {where}."
        if blobs.digest(segment.name) != segment.segment_id:
            return f"{which} was changed: {where} has another digest."
        return None

    def verify(self) -> list[str]:
        """Name every segment that is missing or was changed; `leftovers` are no fault."""
        found = (self.problem_of(segment) for segment in self.all_segments())
        return [problem for problem in found if problem is not None]

    def withdraw(
        self, receptions: Set[ReceptionNumber], *, note: str, recorded_at: datetime
    ) -> None:
        """Take what receptions brought out of force, as one version; nothing is deleted.

        Segments that hold fixes of others, too, are written again without them.
        """
        affected = self._catalog.brought_by(receptions)
        if not affected:
            return
        rest: list[Segment] = []
        for segment in affected:
            merge = BucketPlan(self._catalog, [segment]).merge(self._limits)
            if merge.received.keys() - receptions:
                rest += merge.written_without(frozenset(receptions))
        version = self._catalog.versions.add("withdrawal", note, recorded_at)
        self._catalog.end([segment.number for segment in affected], version)
        self._catalog.record(rest, version)

    def mergeable(self, month: str | None = None) -> list[MonthBucket]:
        """Months and buckets with several segments that may be put together."""
        rows = tables.segments.c
        conditions = [in_force()] if month is None else [in_force(), rows.month == month]
        found = []
        for (bucket, name), of_cell in groupby(
            self._catalog.segments(*conditions), key=lambda one: (one.bucket, one.month)
        ):
            segments = list(of_cell)
            if len(segments) > 1 and not self._is_settled(segments):
                count = sum(segment.rows for segment in segments)
                found.append(MonthBucket(name, bucket, len(segments), count))
        return found

    def _is_settled(self, segments: list[KnownSegment]) -> bool:
        """Whether nothing is gained: each has trucks of its own, and no two are small enough."""
        rows_max = self._limits.segment_rows_max
        if sum(segment.rows for segment in segments) <= rows_max:
            return False
        spans = sorted(self._catalog.truck_spans([segment.number for segment in segments]))
        return all(
            last < first and rows + next_rows > rows_max
            for (_, last, rows), (first, _, next_rows) in pairwise(spans)
        )

    def merge(self, month: str, bucket: BucketNumber) -> Merge:
        """The segments in force of a month and bucket, to be put together outside of any lock."""
        rows = tables.segments.c
        segments = self._catalog.segments(in_force(), rows.month == month, rows.bucket == bucket)
        return BucketPlan(self._catalog, segments).merge(self._limits)

    def replace(self, merge: Merge, segments: list[Segment], *, recorded_at: datetime) -> bool:
        """Put merged segments in force instead of their inputs, as one version.

        Returns
        -------
        is_done : bool
            False if an input is not in force any more, or a file is gone; then nothing was
            changed and the merge is to be done again.
        """
        _ = self._transaction.writing
        numbers = list(merge.inputs)
        if self._catalog.count_in_force(numbers) < len(numbers):
            return False
        blobs = self._catalog.blobs
        if not all(blobs.exists(segment.file.name) for segment in segments):
            return False
        note = f"{merge.month} bucket {merge.bucket}: {len(numbers)} to {len(segments)} segments"
        version = self._catalog.versions.add("compaction", note, recorded_at)
        self._catalog.end(numbers, version)
        self._catalog.record(segments, version)
        return True

    def leftovers(self, before: datetime | None = None) -> list[Leftover]:
        """Files of the trace store that the catalog does not name, in order."""
        return self.cleaning.leftovers(before or datetime.max.replace(tzinfo=UTC))


def _months_between(from_ms: int, until_ms: int) -> tuple[str, str]:
    """First and last UTC month that a period touches, YYYY-MM."""
    bounds = np.clip([from_ms, until_ms - 1], _FIRST_MS, _LAST_MS).astype(np.int64)
    first, last = (str(np.datetime64(month, "M")) for month in utc_months(bounds).tolist())
    return first, last


def _digest_of_marks(found: list[VehicleMarks]) -> str:
    """Digest of the summed marks of one truck, month by month."""
    told = hashlib.sha256()
    for month, of_month in groupby(found, key=lambda one: one.month):
        held = list(of_month)
        sums = (sum(one.mark_a for one in held) % 2**64, sum(one.mark_b for one in held) % 2**64)
        told.update(f"{month} {sum(one.rows for one in held)} {sums[0]} {sums[1]}\n".encode())
    return told.hexdigest()
