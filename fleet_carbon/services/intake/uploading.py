"""A file that comes by a browser: what it seems to hold, and how far its reading is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pa_parquet

from fleet_carbon.errors import FleetCarbonError, InputRefused
from fleet_carbon.ingest.delimited import is_gzip
from fleet_carbon.ingest.swelling import refuse_swollen
from fleet_carbon.services.intake.ingesting import Intake, Source, ingest_files
from fleet_carbon.services.intake.previewing import Preview, preview_files
from fleet_carbon.services.support import metering
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings

NAMED: dict[str, tuple[str, ...]] = {
    "assignments": ("assign", "排班", "人车"),
    "baselines": ("baseline", "基准"),
    "energy": ("energy", "fuel", "receipt", "油", "能耗", "充电"),
    "positions": ("position", "gps", "trace", "track", "fix", "轨迹", "定位"),
    "orders": ("order", "waybill", "shipment", "trip", "运单", "订单"),
    "drivers": ("driver", "司机", "驾驶员"),
    "vehicles": ("vehicle", "truck", "车"),
}
"""Kind -> what names of files that hold it are made of; the first that fits counts."""
_UNSAFE = re.compile(r"[^\w.\-]+")
_NAME_MAX = 100
_TOLD_EVERY_S = 0.3
_BLOCK_BYTES = 1 << 20
_PROFILE_BYTES_MAX = 1 << 16
_OUTCOMES = ("accepted", "duplicate", "rejected")


def kind_named(name: str) -> str:
    """The kind of rows that a file's name tells of; empty if it tells of none.

    Examples
    --------
    >>> kind_named("2026-09 GPS.csv"), kind_named("运单.xlsx"), kind_named("list.csv")
    ('positions', 'orders', '')
    """
    lowered = name.casefold()
    return next((kind for kind, parts in NAMED.items() if any(p in lowered for p in parts)), "")


def safe_name(name: str) -> str:
    """What the record calls a file: the last part of its name, of harmless characters.

    Examples
    --------
    >>> safe_name("../my trucks.csv"), safe_name("/")
    ('my_trucks.csv', 'file')
    """
    last = unicodedata.normalize("NFC", name.replace("\\", "/")).rpartition("/")[2]
    return _UNSAFE.sub("_", last)[-_NAME_MAX:].lstrip(".") or "file"


def keep_profile(folder: Path, name: str, content: bytes) -> Path:
    """Write a source profile that was sent beside files into their folder.

    Raises
    ------
    InputRefused
        ``source_profile_refused`` if it is larger than anybody writes.
    """
    if len(content) > _PROFILE_BYTES_MAX:
        raise InputRefused(
            "source_profile_refused",
            f"{name} is larger than {_PROFILE_BYTES_MAX // 1024} KiB, which no source profile is.",
            "Send the rows as a file, and beside it the profile that describes them.",
        )
    path = folder / f"profile-{safe_name(name)}"
    path.write_bytes(content)
    return path


def look_at(settings: Settings, kind: str, path: Path, *, source: Source) -> Preview:
    """What a file that was sent would be read as; nothing is kept. Parameters as of `take_in`."""
    refuse_swollen(path, settings.request_unpacked_bytes_max)
    [found] = preview_files(settings, kind, [path], source=source).files
    return found


def take_in(settings: Settings, kind: str, path: Path, *, source: Source) -> Intake:
    """Take in a file that was sent, as far as it does not swell beyond what a request may hold.

    Parameters
    ----------
    settings : Settings
        The fleet; `request_unpacked_bytes_max`.
    kind : str
        One of `ingesting.KINDS`.
    path : Path
        Under the name that the record gives it.
    source : Source
        How to read it.

    Raises
    ------
    InputRefused
        If the file as a whole cannot be used; nothing of it is kept.
    """
    return _taken(settings, kind, path, source, _Count())


def states_of_intake(
    settings: Settings, kind: str, path: Path, *, source: Source
) -> Iterator[dict[str, Any]]:
    """The same, with its states on the way.

    Gives ``{"state": "reading", "rows_read": n, "rows_about": m or None}`` several times a second,
    then one ``done`` with what became of the file, or one ``refused`` with code, message and hint.
    Who stops listening stops nothing: the file is taken in as a whole or not at all.
    """
    count = _Count()
    rows_about = _rows_about(path)
    with ThreadPoolExecutor(1, "upload") as thread:
        work = thread.submit(_taken, settings, kind, path, source, count)
        while not work.done():
            yield {"state": "reading", "rows_read": count.rows, "rows_about": rows_about}
            wait([work], timeout=_TOLD_EVERY_S)
        try:
            (told,) = work.result().as_dict()["files"]
        except FleetCarbonError as refused:
            yield {"state": "refused", **refused.as_dict()}
            return
    yield {"state": "done", "kind": kind, **told}


def _taken(settings: Settings, kind: str, path: Path, source: Source, count: _Count) -> Intake:
    refuse_swollen(path, settings.request_unpacked_bytes_max)
    intake = ingest_files(settings, kind, [path], source=source, progress=count)
    (told,) = intake.as_dict()["files"]
    metering.count_rows(kind, {name: told[f"rows_{name}"] for name in _OUTCOMES})
    return intake


class _Count(Silent):
    """Rows read so far."""

    def __init__(self) -> None:
        self.rows = 0

    def advance(self, count: int) -> None:
        """So many more."""
        self.rows += count


def _rows_about(path: Path) -> int | None:
    """How many rows a file seems to have; None where only its reading tells."""
    with path.open("rb") as stream:
        head = stream.read(4)
        if head == b"PAR1":
            return _rows_of_parquet(path)
        if head.startswith(b"PK") or is_gzip(path):
            return None
        stream.seek(0)
        lines = sum(block.count(b"\n") for block in iter(lambda: stream.read(_BLOCK_BYTES), b""))
    return max(lines - (0 if head.startswith(b"{") else 1), 0)


def _rows_of_parquet(path: Path) -> int | None:
    try:
        rows: int = pa_parquet.read_metadata(path).num_rows
    except (OSError, pa.ArrowException):
        return None  # its reading says what is wrong
    return rows
