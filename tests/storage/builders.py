"""Small tables written in code, and files to go with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection, create_engine

from fleet_carbon import frames
from fleet_carbon.storage import tenancy
from fleet_carbon.storage.batches import VehicleFixes
from fleet_carbon.storage.database import _sqlite_engine
from fleet_carbon.storage.files import ReceivedFile
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork

NOW = datetime(2026, 3, 1, 8, 30, 0, 123_000, tzinfo=UTC)
JANUARY_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z: 20,454 days of 86,400,000 ms."""
FEBRUARY_MS = JANUARY_MS + 31 * 86_400_000
ALL_TIME = (-(2**62), 2**62)


@contextmanager
def behind(storage: Storage) -> Iterator[Connection]:
    """A connection past the program's own look at statements: only the database refuses."""
    url = storage._engine.url
    is_sqlite = url.get_backend_name() == "sqlite"
    engine = _sqlite_engine(Path(str(url.database)), {}) if is_sqlite else create_engine(url)
    with engine.begin() as connection:
        tenancy.enter(connection, storage.fleet_id)
        yield connection
    engine.dispose()


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
        kept, writer = received(work, folder, content), work.traces.writer()
        for piece in pieces:
            writer.add(piece)
        saved = writer.finish(kept)
    return saved.accepted, saved.duplicate


def fixes_on_record(
    storage: Storage, period_ms: tuple[int, int] = ALL_TIME, *, version: int | None = None
) -> dict[str, VehicleFixes]:
    """Fixes in force, or at a version, by truck in sorted order."""
    with storage.begin(read_only=True) as work:
        batches = list(work.traces.batches(*period_ms, fixes_max=6, version=version))
    found = [fixes for batch in batches for fixes in batch.read()]
    assert len({one.vehicle_id for one in found}) == len(found)
    return {one.vehicle_id: one for one in sorted(found, key=lambda one: one.vehicle_id)}


def keys_on_record(
    storage: Storage, *, version: int | None = None
) -> list[tuple[str, int, int, int]]:
    """Key of every fix in the store, by truck and as they are read."""
    return [
        (vehicle_id, *key)
        for vehicle_id, found in fixes_on_record(storage, version=version).items()
        for key in zip(
            *(found.columns[name].tolist() for name in ("time_ms", "lon_udeg", "lat_udeg")),
            strict=True,
        )
    ]


def marks_on_record(storage: Storage, *, version: int | None = None) -> dict[str, str]:
    """The mark of every truck."""
    with storage.begin(read_only=True) as work:
        return work.traces.marks(*ALL_TIME, version=version)


def merge_all(storage: Storage, *, at: datetime = NOW) -> int:
    """Put together what can be; how many times."""
    with storage.begin(read_only=True) as work:
        merges = [work.traces.merge(one.month, one.bucket) for one in work.traces.mergeable()]
    for merge in merges:
        written = merge.written()
        with storage.begin() as work:
            assert work.traces.replace(merge, written, recorded_at=at)
    return len(merges)
