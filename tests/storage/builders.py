"""Small tables written in code, and files to go with them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from fleet_carbon import frames
from fleet_carbon.storage.files import ReceivedFile
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork

NOW = datetime(2026, 3, 1, 8, 30, 0, 123_000, tzinfo=UTC)
JANUARY_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z: 20,454 days of 86,400,000 ms."""
FEBRUARY_MS = JANUARY_MS + 31 * 86_400_000
ALL_TIME = (-(2**62), 2**62)


def received(
    work: UnitOfWork, folder: Path, content: str, *, kind: str = "positions", at: datetime = NOW
) -> ReceivedFile:
    """A file with that content, kept."""
    path = folder / f"{abs(hash(content))}.csv"
    path.write_text(content, encoding="utf-8")
    return work.files.keep(path, kind, at)


def rows_of(frame: frames.Frame, *rows: dict[str, Any]) -> pd.DataFrame:
    """Rows of a frame from what matters in them."""
    return frame.shape(pd.DataFrame(list(rows), columns=frame.names))


def fixes(*rows: tuple[str, int, int, int], **optional: list[Any]) -> pd.DataFrame:
    """Fixes from (vehicle_id, time_ms, lon_udeg, lat_udeg), and optional columns."""
    keys = ["vehicle_id", "time_ms", "lon_udeg", "lat_udeg"]
    return frames.POSITIONS.shape(pd.DataFrame(list(rows), columns=keys).assign(**optional))


def ingest(storage: Storage, folder: Path, content: str, *pieces: pd.DataFrame) -> tuple[int, int]:
    """Take fixes in as one file; accepted and duplicate."""
    with storage.begin() as work:
        writer = work.traces.writer(received(work, folder, content))
        for piece in pieces:
            writer.add(piece)
        saved = writer.finish()
    return saved.accepted, saved.duplicate


def keys_on_record(storage: Storage) -> list[tuple[str, int, int, int]]:
    """Key of every fix in the store, in the order of reading."""
    with storage.begin(read_only=True) as work:
        return [
            (vehicle_id, int(time_ms), int(lon), int(lat))
            for vehicle_id, rows in work.traces.read_by_vehicle(*ALL_TIME)
            for time_ms, lon, lat in zip(
                rows["time_ms"], rows["lon_udeg"], rows["lat_udeg"], strict=True
            )
        ]
