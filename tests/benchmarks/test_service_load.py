"""The load on the service: what is sent is what is said, and what is lost or doubled is found."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
import pytest

from benchmarks.load_bodies import MEDIA_TYPES, Sender, bodies
from benchmarks.service_load import Comparison, Load, Sent, measured
from tests.storage.postgresql import NoPostgresql

# 2026-10-01T00:00:00Z.
FIRST_MS = 1_790_812_800_000
SENDER = Sender(client=3, trucks_count=2, rows_count=6, first_ms=FIRST_MS)


def decoded(kind: str, body: bytes) -> list[tuple[str, int, int, int]]:
    """Truck, time, longitude and latitude of each row."""
    if kind in ("json", "ndjson"):
        listed = body if kind == "json" else b"[%s]" % body.replace(b"\n", b",")
        rows = msgspec.json.decode(listed)
        table = pa.Table.from_pylist(rows)
    elif kind == "csv":
        table = pa_csv.read_csv(io.BytesIO(body))
    elif kind == "arrow":
        table = pa.ipc.open_stream(body).read_all()
    else:
        table = pa_parquet.read_table(io.BytesIO(body))
    moments = np.array(
        [str(one)[:19].replace(" ", "T") for one in table["time"].to_pylist()], "M8[ms]"
    )
    return [
        (row["vehicle_id"], int(ms), round(row["lon"] * 1e6), round(row["lat"] * 1e6))
        for row, ms in zip(table.to_pylist(), moments.astype(np.int64), strict=True)
    ]


@pytest.mark.parametrize("kind", MEDIA_TYPES)
def test_each_body_holds_the_fixes_of_its_minute(kind: str) -> None:
    make = bodies(SENDER, kind)
    for batch in (0, 1, 9):
        found = decoded(kind, bytes(make(batch)))
        assert len(found) == 6
        for truck, name in enumerate(("L0300000", "L0300001")):
            columns = SENDER.fixes_of(truck, np.array([batch]))
            expected = list(zip(*(column.tolist() for column in columns), strict=True))
            assert [row[1:] for row in found if row[0] == name] == expected
        # Three rounds of two trucks, 6 s apart, each row a second after the one before.
        since_s = [(row[1] - FIRST_MS) // 1000 - 60 * batch for row in found]
        assert since_s == [0, 1, 8, 9, 16, 17]
    assert bytes(make(0)) != bytes(make(1))


def sent(batches_count: int, *unsure: int) -> Sent:
    return Sent(SENDER, batches_count, frozenset(unsure), {}, 1.0, 1.0, np.zeros(batches_count))


def test_what_is_lost_doubled_foreign_or_unanswered_is_counted() -> None:
    whole = SENDER.fixes_of(0, np.arange(3))  # batches 0, 1, 2: nine fixes
    comparison = Comparison([sent(3)])
    comparison.compare("L0300000", *whole)
    assert comparison.is_well
    assert comparison.found_count == 9
    comparison.compare("L0300000", *(column[:7] for column in whole))
    assert (comparison.missing_count, comparison.is_well) == (2, False)
    comparison = Comparison([sent(3)])
    comparison.compare("L0300000", *(np.repeat(column, [2] + 8 * [1]) for column in whole))
    assert (comparison.doubled_count, comparison.is_well) == (1, False)
    comparison = Comparison([sent(3)])
    comparison.compare("L0300000", whole[0], whole[1] + 1, whole[2])
    assert (comparison.missing_count, comparison.foreign_count) == (9, 9)
    comparison.compare("another", *whole)
    assert comparison.foreign_count == 18
    comparison = Comparison([sent(3, 2)])
    comparison.compare("L0300000", *whole)
    assert (comparison.unanswered_count, comparison.is_well) == (3, True)


@pytest.mark.trial
def test_a_short_load_is_measured_and_all_of_it_found(tmp_path: Path) -> None:
    load = Load(seconds=1.0, warm_up_s=0.1, clients_count=2, rows_count=20, stored_within_s=60)
    try:
        results = list(
            measured(load, ["json", "parquet"], processes_count=2, threads_count=2, cache=tmp_path)
        )
    except NoPostgresql as reason:
        pytest.skip(f"no PostgreSQL can be had: {reason}")
    assert [one["body"] for one in results] == ["json", "parquet"]
    for one in results:
        assert one["is_well"], one
        assert one["failures"] == {}
        assert one["found_count"] == one["acknowledged_count"] == 20 * one["requests_count"] > 0
