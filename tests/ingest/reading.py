"""Reading a file in a test: all batches of it, as one."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from fleet_carbon.errors import Rejection
from fleet_carbon.ingest import intake, places, profiles
from fleet_carbon.ingest.plates import PlateBook

ROOT = Path(__file__).resolve().parents[2]
SHANGHAI = profiles.default_profile("Asia/Shanghai", "wgs84")

POSITIONS_HEADER = "vehicle_id,time,lon,lat"
ORDERS_HEADER = (
    "order_id,vehicle_id,cargo_t,pickup_lon,pickup_lat,delivery_lon,delivery_lat,"
    "pickup_time,delivery_time"
)
ORDER = "O1,T1,30,110.44,35.48,112.55,37.87,2026-03-02T06:45:00+08:00,2026-03-02T15:30:00+08:00"


@dataclass
class Read:
    """Everything that came out of one file."""

    rows: pd.DataFrame
    rejections: list[Rejection]
    rows_read: int
    batches: list[intake.Batch]

    @property
    def codes(self) -> list[tuple[int, str, str]]:
        """Line, column and code of every rejection."""
        return [(one.line, one.column, one.code) for one in self.rejections]

    @property
    def remarks(self) -> Counter[str]:
        """Named counts of all batches."""
        return sum((Counter(batch.remarks) for batch in self.batches), Counter())


@cache
def gazetteer() -> places.Gazetteer:
    return places.Gazetteer.load()


def profile(**document: Any) -> profiles.SourceProfile:
    return profiles.profile_from_document(document, where="a test")


def read(
    path: Path,
    kind: str,
    source: profiles.SourceProfile = SHANGHAI,
    *,
    chunk_rows: int = 100_000,
    geocoder: places.Geocoder | None = None,
    dialect: str = "",
    plates: PlateBook | None = None,
) -> Read:
    batches = list(
        intake.read_batches(
            path,
            kind,
            source,
            gazetteer=gazetteer(),
            chunk_rows=chunk_rows,
            geocoder=geocoder,
            dialect=dialect,
            plates=plates,
        )
    )
    rows = pd.concat([batch.rows for batch in batches], ignore_index=True)
    rejections = [one for batch in batches for one in batch.rejections]
    return Read(rows, rejections, sum(batch.rows_read for batch in batches), batches)


def write(folder: Path, lines: Iterable[str], *, name: str = "f.csv", **form: Any) -> Path:
    """A text file of these lines; `form` may hold encoding and end."""
    end, encoding = form.get("end", "\n"), form.get("encoding", "utf-8")
    path = folder / name
    path.write_bytes("".join(line + end for line in lines).encode(encoding))
    return path


def real_data(name: str) -> Path | None:
    """A file of the real data, which is not part of the repository; None if it is not there."""
    given = os.environ.get("FLEET_CARBON_TEST_DATA")
    path = (Path(given) if given else ROOT.parent / "shared" / "data") / name
    return path if path.is_file() else None
