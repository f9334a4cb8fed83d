"""Keep the trace store well: list it, put segments together, verify them, remove the useless.

Nothing of this changes what a close reads. Compaction works outside the writer's lock, so that
files may be taken in meanwhile; broken off, it leaves a consistent store, and goes on next time.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from fleet_carbon.errors import InputRefused
from fleet_carbon.periods import parse_month
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tracekeeping as statements
from fleet_carbon.storage.traces import MonthBucket
from fleet_carbon.storage.unit_of_work import Storage, open_storage

_UTC = ZoneInfo("UTC")
_ATTEMPTS = 3
AGE_H = 24.0
"""Files and segments younger than this may belong to a command that is running."""


@dataclass(frozen=True)
class TraceList:
    """The segments in force by month and bucket."""

    version: int
    parts: list[dict[str, Any]]
    mergeable: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "version": self.version,
            **_summed(self.parts),
            "mergeable": self.mergeable,
            "parts": self.parts,
        }

    def lines(self) -> list[str]:
        """The list for people."""
        return statements.list_lines(self.as_dict())


@dataclass(frozen=True)
class Compaction:
    """What was put together.

    Attributes
    ----------
    parts : list of dict
        Month, bucket, fixes, and segments and bytes before and after of each.
    overtaken : list of MonthBucket
        Those that changed as often as they were tried.
    """

    parts: list[dict[str, Any]]
    overtaken: list[MonthBucket]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        names = ("segments_before", "segments_after", "fixes", "bytes_before", "bytes_after")
        sums = {name: sum(part[name] for part in self.parts) for name in names}
        return {
            **sums,
            "bytes_per_fix": _quotient(sums["bytes_after"], sums["fixes"]),
            "overtaken": len(self.overtaken),
            "parts": self.parts,
        }

    def lines(self) -> list[str]:
        """The outcome for people."""
        return statements.compaction_lines(self.as_dict())


@dataclass(frozen=True)
class Verification:
    """Whether every segment is there and as it was written."""

    segments: int
    problems: list[str]

    @property
    def is_well(self) -> bool:
        """Whether nothing is missing or changed."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"ok": self.is_well, "segments": self.segments, "problems": self.problems}

    def lines(self) -> list[str]:
        """The findings for people."""
        return statements.verification_lines(self.as_dict())


@dataclass(frozen=True)
class Cleaning:
    """What was removed, or would be in earnest."""

    segments: int
    leftovers: int
    size_bytes: int
    age_h: float
    is_dry_run: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "segments": self.segments,
            "leftovers": self.leftovers,
            "bytes": self.size_bytes,
            "age_h": self.age_h,
            "dry_run": self.is_dry_run,
        }

    def lines(self) -> list[str]:
        """The outcome for people."""
        return statements.cleaning_lines(self.as_dict())


def list_traces(settings: Settings) -> TraceList:
    """The segments in force by UTC month and bucket of trucks.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        segments = sorted(work.traces.segments(), key=lambda one: (one.month, one.bucket))
        parts = []
        for (month, bucket), of_part in groupby(segments, key=lambda one: (one.month, one.bucket)):
            held = list(of_part)
            versions = [segment.from_version for segment in held]
            part = {
                "segments": len(held),
                "fixes": sum(segment.rows for segment in held),
                "bytes": sum(segment.size_bytes for segment in held),
                "version_first": min(versions),
                "version_last": max(versions),
            }
            per_fix = _quotient(part["bytes"], part["fixes"])
            parts.append({"month": month, "bucket": bucket, **part, "bytes_per_fix": per_fix})
        mergeable = len(work.traces.mergeable())
        return TraceList(work.traces.version_number(), parts, mergeable)


def _summed(parts: list[dict[str, Any]]) -> dict[str, Any]:
    sums = {name: sum(part[name] for part in parts) for name in ("segments", "fixes", "bytes")}
    return {
        **sums,
        "bytes_per_fix": _quotient(sums["bytes"], sums["fixes"]),
        "version_first": min((part["version_first"] for part in parts), default=0),
        "version_last": max((part["version_last"] for part in parts), default=0),
    }


def _quotient(size_bytes: int, fixes: int) -> float:
    return size_bytes / fixes if fixes else 0.0


def compact_traces(
    settings: Settings, *, month: str | None = None, progress: Progress | None = None
) -> Compaction:
    """Put the segments of each month and bucket together where there are several.

    Every month and bucket is one step of its own: what was done stays, and what others took in
    meanwhile is left beside it.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    month : str, optional
        Only this UTC month, YYYY-MM.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    InputRefused
        If the month is malformed.
    FleetCarbonError
        If a segment is missing, was changed or cannot be read.
    """
    chosen = None if month is None else str(parse_month(month, _UTC))
    progress = progress or Silent()
    report = Compaction([], [])
    with closing(open_storage(settings)) as storage:
        with storage.begin(read_only=True) as work:
            wanted = work.traces.mergeable(chosen)
        if not wanted:
            return report
        progress.begin("compaction", sum(one.rows for one in wanted), "fixes")
        try:
            for one in wanted:
                done = _merged(storage, one, progress)
                if done is None:
                    report.overtaken.append(one)
                else:
                    report.parts.append(done)
        finally:
            progress.end()
    return report


def _merged(storage: Storage, one: MonthBucket, progress: Progress) -> dict[str, Any] | None:
    """Put one month and bucket together; None if others changed it as often as it was tried."""
    for attempt in range(_ATTEMPTS):
        with storage.begin(read_only=True) as work:
            merge = work.traces.merge(one.month, one.bucket)
        written = merge.written(None if attempt else progress.advance)
        with storage.begin() as work:
            is_done = work.traces.replace(merge, written, recorded_at=datetime.now(UTC))
        if is_done:
            return {
                "month": one.month,
                "bucket": one.bucket,
                "fixes": sum(segment.rows for segment in written),
                "segments_before": len(merge.inputs),
                "segments_after": len(written),
                "bytes_before": sum(stored.size_bytes for stored in merge.inputs.values()),
                "bytes_after": sum(segment.file.size_bytes for segment in written),
            }
    return None


def verify_traces(settings: Settings, *, progress: Progress | None = None) -> Verification:
    """Read every segment on record again and compare its digest; nothing is repaired.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    progress : Progress, optional
        Who is told how far it is.
    """
    progress = progress or Silent()
    problems = []
    with closing(open_storage(settings)) as storage:
        with storage.begin(read_only=True) as work:
            segments = work.traces.all_segments()
        progress.begin("verification", sum(one.size_bytes for one in segments), "bytes")
        try:
            for segment in segments:
                problem = work.traces.problem_of(segment)
                if problem is not None:
                    problems.append(problem)
                progress.advance(segment.size_bytes)
        finally:
            progress.end()
    return Verification(len(segments), problems)


def clean_traces(settings: Settings, *, is_dry_run: bool = False, age_h: float = AGE_H) -> Cleaning:
    """Remove segments that nothing needs any more, and files that broken-off commands left.

    A segment is needed while it is in force, and as long as a closed month names a version in
    which it was. The other versions cannot be read after that, and say so.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    is_dry_run : bool
        Only say what would be removed.
    age_h : float
        Only what is older: a younger file may belong to a command that is running. [h]

    Raises
    ------
    InputRefused
        If the age is negative.
    """
    if age_h < 0:
        raise InputRefused("age_negative", f"{age_h} is no age.", "Give hours, 0 or more.")
    now = datetime.now(UTC)
    before = now - timedelta(hours=age_h)
    with closing(open_storage(settings)) as storage:
        with storage.begin(read_only=True) as work:
            superseded = work.traces.cleaning.superseded(before)
            leftovers = work.traces.leftovers(before)
        if not is_dry_run:
            with storage.begin() as work:
                superseded = work.traces.cleaning.superseded(before)
                work.traces.cleaning.forget(superseded, now)
            with storage.begin() as work:
                # Those of the segments just forgotten are among them.
                leftovers = work.traces.cleaning.remove_leftovers(before)
    sizes = {one.where: one.size_bytes for one in leftovers}
    if is_dry_run:
        sizes |= {one.name: one.size_bytes for one in superseded}
    names = {one.name for one in superseded}
    others = sum(one.name not in names for one in leftovers)
    return Cleaning(len(superseded), others, sum(sizes.values()), age_h, is_dry_run)
