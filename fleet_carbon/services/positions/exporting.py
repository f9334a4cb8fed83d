"""Give the fixes of a fleet out as a Delta Lake table that other programs read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fleet_carbon.periods import parse_month, to_epoch_ms
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.settings import Settings
from fleet_carbon.storage.exporting import DeltaFolder, MonthWritten, TableVersion, TruckFixes
from fleet_carbon.storage.segments import VersionNumber
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

_UTC = ZoneInfo("UTC")
# Fixes planned together; they are read truck by truck.
_BATCH_FIXES = 2_000_000


@dataclass(frozen=True)
class Export:
    """What was given out.

    Attributes
    ----------
    folder : Path
        Where the table is.
    trace_version : VersionNumber
    table_version : TableVersion
        Which state of the trace store it is, and which version of the table holds it.
    months : tuple of MonthWritten
        UTC months, in order.
    """

    folder: Path
    trace_version: VersionNumber
    table_version: TableVersion
    months: tuple[MonthWritten, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "folder": str(self.folder),
            "trace_version": self.trace_version,
            "table_version": self.table_version,
            "fixes": sum(month.rows for month in self.months),
            "bytes": sum(month.size_bytes for month in self.months),
            "months": [
                {
                    "month": month.month,
                    "fixes": month.rows,
                    "bytes": month.size_bytes,
                    "files": len(month.files),
                }
                for month in self.months
            ],
        }

    def lines(self) -> list[str]:
        """Text for people."""
        said = self.as_dict()
        return [
            *(f"{month['month']}  {month['fixes']:>15,} fixes" for month in said["months"]),
            f"{said['fixes']:,} fixes, {said['bytes']:,} bytes in {self.folder}",
            f"Version {self.trace_version} of the traces is version {self.table_version}"
            " of the table.",
        ]


def export_traces(
    settings: Settings,
    folder: Path,
    *,
    month: str | None = None,
    version: int | None = None,
    progress: Progress | None = None,
) -> Export:
    """Write the fixes in force to a Delta table, in one commit.

    A whole export replaces what the table had, one of a month what it had of that month. Where
    nothing has changed, nothing is changed.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    folder : Path
        Empty, not there, or with an earlier export of the fleet.
    month : str, optional
        Only this UTC month, YYYY-MM.
    version : int, optional
        The trace store as it was at that version.
    progress : Progress, optional
        Hears how far it is.

    Raises
    ------
    InputRefused
        If the month is malformed or the folder holds something else.
    NotFound
        If that version is unknown or was removed.
    FleetCarbonError
        If the library for such tables is not installed, or the traces cannot be read.
    """
    chosen = None if month is None else str(parse_month(month, _UTC))
    table = DeltaFolder(folder.expanduser().absolute(), settings.fleet)
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        exported = work.traces.version_number() if version is None else version
        try:
            written = _written(work, table, (chosen, version), progress=progress or Silent())
            table_version = table.publish(
                written,
                replaced=chosen,
                facts={"fleet_id": storage.fleet_id, "trace_version": str(exported)},
                at=datetime.now(UTC),
            )
        finally:
            table.discard()
    return Export(table.folder, exported, table_version, written)


def _written(
    work: UnitOfWork,
    table: DeltaFolder,
    chosen: tuple[str | None, int | None],
    *,
    progress: Progress,
) -> tuple[MonthWritten, ...]:
    """Every month of a version, or the one month, in files that are not published yet."""
    month, version = chosen
    segments = [one for one in work.traces.segments(version) if month in (None, one.month)]
    progress.begin("export", sum(segment.rows for segment in segments), "fixes")
    written = []
    try:
        for name in sorted({segment.month for segment in segments}):
            fixes = _fixes(work, name, version, progress=progress)
            written.append(table.write_month(name, fixes))
    finally:
        progress.end()
    return tuple(written)


def _fixes(
    work: UnitOfWork, month: str, version: int | None, *, progress: Progress
) -> Iterator[TruckFixes]:
    """The fixes of one UTC month, truck by truck."""
    period = parse_month(month, _UTC)
    bounds_ms = (to_epoch_ms(period.starts_at), to_epoch_ms(period.ends_at))
    for batch in work.traces.batches(*bounds_ms, fixes_max=_BATCH_FIXES, version=version):
        for fixes in batch.read():
            yield fixes.vehicle_id, fixes.columns
            progress.advance(len(fixes.columns["time_ms"]))
