"""What a withdrawn file brought is neither read nor in force; all of it stays on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from fleet_carbon import frames
from fleet_carbon.periods import parse_month
from fleet_carbon.storage.unit_of_work import Storage
from tests.storage.builders import (
    ALL_TIME,
    JANUARY_MS,
    NOW,
    behind,
    fixes,
    ingest,
    keys_on_record,
    marks_on_record,
    received,
    rows_of,
)

FIRST = [("V1", JANUARY_MS + n, 1, 1) for n in range(12)]
SECOND = [("V1", JANUARY_MS + n, 1, 1) for n in range(10, 14)]


def withdraw(storage: Storage, *numbers: int) -> None:
    with storage.begin() as work:
        chosen = [one for one in work.receptions.list() if one.number in numbers]
        work.receptions.withdraw(chosen, reason="wrong", withdrawn_at=NOW)


def save_truck(storage: Storage, folder: Path, content: str, payload_t: float) -> bool:
    row = {"vehicle_id": "V1", "rated_payload_t": payload_t, "energy": "diesel"}
    with storage.begin() as work:
        kept = received(work, folder, content, kind="vehicles")
        return bool(work.register.save("vehicles", rows_of(frames.VEHICLES, row), kept)[0])


def payloads(storage: Storage) -> list[float]:
    with storage.begin(read_only=True) as work:
        return [float(found) for found in work.register.read("vehicles")["rated_payload_t"]]


def test_each_ingest_of_a_file_is_a_reception_with_its_counts(
    storage: Storage, tmp_path: Path
) -> None:
    for hours in (0, 1):
        with storage.begin() as work:
            at = NOW + timedelta(hours=hours)
            kept = received(work, tmp_path, "a", kind="orders", at=at)
            work.files.count(kept, accepted=3 - hours, duplicate=hours, rejected=2)
    with storage.begin(read_only=True) as work:
        first, second = work.receptions.list()
        assert work.receptions.list(kind="positions") == []
        assert work.receptions.list(file_id_prefix=first.file_id[:6]) == [first, second]
    assert first.file_id == second.file_id
    assert (first.number, second.number) == (1, 2)
    assert (first.rows_accepted, first.rows_duplicate, first.rows_rejected) == (3, 0, 2)
    assert second.received_at == NOW + timedelta(hours=1)
    assert second.withdrawn_at is None


def test_the_options_of_an_ingest_are_on_record(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("a")
    with storage.begin() as work:
        work.files.keep(path, "orders", NOW, options={"crs": "gcj02", "profile": None})
    with storage.begin(read_only=True) as work:
        [one] = work.receptions.list()
    assert one.options == {"crs": "gcj02", "profile": None}
    assert one.rows_accepted is None


def test_fixes_of_a_withdrawn_file_are_not_read(storage: Storage, tmp_path: Path) -> None:
    ingest(storage, tmp_path, "one", fixes(*FIRST))
    before = marks_on_record(storage)
    # The two fixes that both files have count as duplicates of the second.
    assert ingest(storage, tmp_path, "two", fixes(*SECOND)) == (2, 2)
    withdraw(storage, 1)
    assert keys_on_record(storage) == SECOND[2:]
    with storage.begin(read_only=True) as work:
        assert work.traces.summary()["fixes"] == 2
        assert work.traces.marks(*ALL_TIME) != before
        assert work.traces.leftovers() == []
        assert work.traces.verify() == []
    assert len(list((storage.home / "traces").rglob("*.parquet"))) == 2


def test_a_withdrawn_file_can_be_ingested_again(storage: Storage, tmp_path: Path) -> None:
    ingest(storage, tmp_path, "one", fixes(*FIRST))
    marks = marks_on_record(storage)
    for number in (1, 2):
        withdraw(storage, number)
        assert keys_on_record(storage) == []
        assert ingest(storage, tmp_path, "one", fixes(*FIRST)) == (12, 0)
        assert keys_on_record(storage) == FIRST
    with storage.begin(read_only=True) as work:
        assert work.traces.marks(*ALL_TIME) == marks
        assert work.traces.summary()["segments"] == 1
        assert work.traces.verify() == []


def test_a_withdrawn_file_can_be_ingested_again_with_other_fixes(
    storage: Storage, tmp_path: Path
) -> None:
    ingest(storage, tmp_path, "one", fixes(*FIRST))
    withdraw(storage, 1)
    shifted = [("V1", JANUARY_MS + n, 2, 2) for n in range(12)]
    assert ingest(storage, tmp_path, "one", fixes(*shifted)) == (12, 0)
    assert keys_on_record(storage) == shifted


def test_a_second_file_brings_its_duplicates_when_it_comes_again(
    storage: Storage, tmp_path: Path
) -> None:
    ingest(storage, tmp_path, "one", fixes(*FIRST))
    ingest(storage, tmp_path, "two", fixes(*SECOND))
    withdraw(storage, 1)
    assert ingest(storage, tmp_path, "two", fixes(*SECOND)) == (2, 2)
    assert keys_on_record(storage) == SECOND


def test_the_version_before_is_in_force_again(storage: Storage, tmp_path: Path) -> None:
    assert save_truck(storage, tmp_path, "one", 20)
    assert save_truck(storage, tmp_path, "two", 25)
    assert payloads(storage) == [25]
    withdraw(storage, 2)
    assert payloads(storage) == [20]
    assert save_truck(storage, tmp_path, "two", 25)
    assert payloads(storage) == [25]
    with storage.begin(read_only=True) as work:
        assert len(work.register.versions("vehicles", "vehicle_id", "V1")) == 3


def test_a_row_that_nothing_else_brought_is_gone(storage: Storage, tmp_path: Path) -> None:
    save_truck(storage, tmp_path, "one", 20)
    assert not save_truck(storage, tmp_path, "two", 20)
    withdraw(storage, 1)
    assert payloads(storage) == []
    assert save_truck(storage, tmp_path, "two", 20)
    assert payloads(storage) == [20]


def test_an_older_version_that_is_withdrawn_changes_nothing(
    storage: Storage, tmp_path: Path
) -> None:
    save_truck(storage, tmp_path, "one", 20)
    save_truck(storage, tmp_path, "two", 25)
    withdraw(storage, 1)
    assert payloads(storage) == [25]


def test_withdrawals_of_one_fleet_leave_the_others_alone(storage: Storage, tmp_path: Path) -> None:
    from fleet_carbon.settings import Settings
    from fleet_carbon.storage.unit_of_work import open_storage

    ingest(storage, tmp_path, "one", fixes(*FIRST))
    if storage._engine.dialect.name == "sqlite":
        other = open_storage(Settings(home=storage.home, fleet="other"))
        assert ingest(other, tmp_path, "one", fixes(*FIRST)) == (12, 0)
        withdraw(other, 1)
        assert keys_on_record(other) == []
        other.close()
    assert keys_on_record(storage) == FIRST


@pytest.mark.parametrize("table", ["withdrawals", "receptions", "reception_counts"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET fleet_id = 'x'", "DELETE FROM {}"])
def test_what_was_received_and_withdrawn_cannot_be_changed(
    storage: Storage, tmp_path: Path, table: str, statement: str
) -> None:
    with storage.begin() as work:
        kept = received(work, tmp_path, "a")
        work.files.count(kept, accepted=1, duplicate=0, rejected=0)
    withdraw(storage, 1)
    with pytest.raises(DBAPIError, match="only grows"), behind(storage) as connection:
        connection.execute(text(statement.format(table)))


def test_a_reception_is_withdrawn_once(storage: Storage, tmp_path: Path) -> None:
    ingest(storage, tmp_path, "one", fixes(*FIRST))
    withdraw(storage, 1)
    with pytest.raises(DBAPIError):
        withdraw(storage, 1)


def test_a_reception_reaches_into_the_months_of_its_fixes(storage: Storage, tmp_path: Path) -> None:
    # January 1st at midnight UTC is 8 in the morning of January 1st in Shanghai.
    ingest(storage, tmp_path, "one", fixes(*FIRST))
    with storage.begin(read_only=True) as work:
        [one] = work.receptions.list()
        found = {}
        for name in ("2025-12", "2026-01", "2026-02"):
            month = parse_month(name, storage.zone)
            bounds = (month.starts_at, month.ends_at)
            found[name] = work.receptions.reaches_into(one, month, window=bounds)
    assert found == {"2025-12": False, "2026-01": True, "2026-02": False}


MARCH = datetime(2025, 3, 10, tzinfo=UTC)
ROWS_OF_MARCH: dict[str, dict[str, object]] = {
    "orders": {
        "order_id": "O1",
        "vehicle_id": "V1",
        "cargo_t": 10.0,
        **dict.fromkeys(("pickup_lon", "pickup_lat", "delivery_lon", "delivery_lat"), 30.0),
        "pickup_time": MARCH,
        "delivery_time": MARCH + timedelta(hours=5),
        "weight_source": "declared",
        "status": "accepted",
        "pickup_uncertainty_km": 0.0,
        "delivery_uncertainty_km": 0.0,
        "version": 1,
    },
    "energy": {"vehicle_id": "V1", "bought_at": MARCH, "quantity": 100.0, "unit": "l"},
    "assignments": {
        "driver_id": "D1",
        "vehicle_id": "V1",
        "assigned_from": MARCH,
        "assigned_until": MARCH + timedelta(hours=5),
    },
    "baselines": {
        "valid_from": "2025-03-10",
        "empty_share": 0.5,
        "payload_utilisation_share": 0.4,
    },
    "drivers": {"driver_id": "D1"},
}


@pytest.mark.parametrize(
    ("kind", "months"),
    [
        ("orders", ["2025-03"]),
        ("energy", ["2025-03"]),
        ("assignments", ["2025-03"]),
        # In force from its day on.
        ("baselines", ["2025-03", "2025-04"]),
        # A driver without a day may count in any month.
        ("drivers", ["2025-02", "2025-03", "2025-04"]),
    ],
)
def test_a_reception_reaches_into_the_months_of_its_rows(
    storage: Storage, tmp_path: Path, kind: str, months: list[str]
) -> None:
    frame = next(frame for frame in frames.FRAMES if frame.name == kind)
    rows = rows_of(frame, ROWS_OF_MARCH[kind])
    with storage.begin() as work:
        kept = received(work, tmp_path, "a", kind=kind)
        save = work.orders.save if kind == "orders" else partial(work.register.save, kind)
        saved = save(rows, kept)
        assert (saved[0] if kind == "orders" else saved).all()
        [one] = work.receptions.list()
        reached = [
            name
            for name in ("2025-02", "2025-03", "2025-04")
            for month in [parse_month(name, storage.zone)]
            if work.receptions.reaches_into(one, month, window=month.widened(0))
        ]
    assert reached == months


def test_the_trucks_that_a_file_registered_and_those_with_fixes_are_named(
    storage: Storage, tmp_path: Path
) -> None:
    save_truck(storage, tmp_path, "trucks", 20)
    ingest(storage, tmp_path, "one", fixes(*FIRST))
    with storage.begin(read_only=True) as work:
        trucks = work.receptions.list()[0]
        assert work.receptions.identifiers(trucks, "vehicle_id") == {"V1"}
        assert work.traces.holding(["V1", "V2"]) == {"V1"}
    withdraw(storage, 2)
    with storage.begin(read_only=True) as work:
        assert work.traces.holding(["V1", "V2"]) == set()
