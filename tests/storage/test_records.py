"""What was told stays on record, version by version, and one of each key is in force."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fleet_carbon import frames
from fleet_carbon.errors import InputRefused
from fleet_carbon.storage import records
from fleet_carbon.storage.unit_of_work import Storage
from tests.storage.builders import NOW, received, rows_of


def _vehicle(vehicle_id: str, rated_payload_t: float, **more: Any) -> dict[str, Any]:
    return {
        "vehicle_id": vehicle_id,
        "rated_payload_t": rated_payload_t,
        "energy": "diesel",
        **more,
    }


def _save(storage: Storage, folder: Path, content: str, kind: str, *rows: Any) -> list[bool]:
    frame = next(frame for frame in frames.FRAMES if frame.name == kind)
    with storage.begin() as work:
        kept = received(work, folder, content, kind=kind)
        return work.register.save(kind, rows_of(frame, *rows), kept).tolist()


def _payloads(storage: Storage) -> dict[str, float]:
    with storage.begin(read_only=True) as work:
        found = work.register.read("vehicles")
    assert found["vehicle_id"].is_unique
    return dict(zip(found["vehicle_id"], found["rated_payload_t"], strict=True))


def test_the_same_file_twice_adds_nothing(storage: Storage, tmp_path: Path) -> None:
    rows = [_vehicle("V1", 30.0), _vehicle("V2", 20.0)]
    assert _save(storage, tmp_path, "a", "vehicles", *rows) == [True, True]
    assert _save(storage, tmp_path, "a", "vehicles", *rows) == [False, False]
    assert _save(storage, tmp_path, "the same rows", "vehicles", *rows) == [False, False]


def test_a_row_repeated_inside_a_file_counts_once(storage: Storage, tmp_path: Path) -> None:
    row = _vehicle("V1", 30.0)
    assert _save(storage, tmp_path, "a", "vehicles", row, row) == [True, False]


def test_a_changed_row_is_in_force_and_the_earlier_one_stays_on_record(
    storage: Storage, tmp_path: Path
) -> None:
    _save(storage, tmp_path, "a", "vehicles", _vehicle("V1", 30.0))
    assert _save(storage, tmp_path, "b", "vehicles", _vehicle("V1", 31.0)) == [True]
    assert _payloads(storage) == {"V1": 31.0}
    with storage.begin(read_only=True) as work:
        versions = work.register.versions("vehicles", "vehicle_id", "V1")
    assert versions["rated_payload_t"].tolist() == [30.0, 31.0]
    assert versions["recorded_at"].tolist() == [pd.Timestamp(NOW)] * 2


def test_the_last_line_of_a_file_is_in_force_even_if_it_returns_to_an_earlier_one(
    storage: Storage, tmp_path: Path
) -> None:
    rows = [_vehicle("V1", 30.0), _vehicle("V1", 31.0), _vehicle("V1", 30.0)]
    assert _save(storage, tmp_path, "a", "vehicles", *rows) == [True, True, True]
    assert _payloads(storage) == {"V1": 30.0}
    assert _save(storage, tmp_path, "a", "vehicles", *rows) == [False, False, False]


def test_an_old_file_sent_again_takes_nothing_back(storage: Storage, tmp_path: Path) -> None:
    _save(storage, tmp_path, "old", "vehicles", _vehicle("V1", 30.0))
    _save(storage, tmp_path, "new", "vehicles", _vehicle("V1", 31.0))
    assert _save(storage, tmp_path, "old", "vehicles", _vehicle("V1", 30.0)) == [False]
    assert _payloads(storage) == {"V1": 31.0}


def test_rows_that_were_refused_the_first_time_are_taken_from_the_same_file_later(
    storage: Storage, tmp_path: Path
) -> None:
    rows = [_vehicle("V1", 30.0), _vehicle("V2", 20.0)]
    assert _save(storage, tmp_path, "a", "vehicles", rows[0]) == [True]
    assert _save(storage, tmp_path, "a", "vehicles", *rows) == [False, True]


def test_a_truck_without_a_depot_says_what_it_said_before_there_were_depots(
    storage: Storage, tmp_path: Path
) -> None:
    told = _vehicle("V1", 30.0)
    # As an earlier version wrote it, whose table had no such column: sent again it is no news.
    said = dict.fromkeys(set(frames.VEHICLES.names) - {"depot"}) | told
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    before = hashlib.sha256(text.encode()).hexdigest()
    assert records._digest_of(said | {"depot": None}) == before
    assert records._digest_of(said | {"depot": "North"}) != before
    assert _save(storage, tmp_path, "a", "vehicles", told) == [True]
    assert _save(storage, tmp_path, "b", "vehicles", told | {"depot": "North"}) == [True]
    assert _save(storage, tmp_path, "c", "vehicles", told) == [True]


def test_two_pieces_of_one_file_are_one_file(storage: Storage, tmp_path: Path) -> None:
    with storage.begin() as work:
        kept = received(work, tmp_path, "a", kind="vehicles")
        first = work.register.save("vehicles", rows_of(frames.VEHICLES, _vehicle("V1", 3.0)), kept)
        again = work.register.save("vehicles", rows_of(frames.VEHICLES, _vehicle("V1", 3.0)), kept)
    assert (first.tolist(), again.tolist()) == ([True], [False])


def test_every_column_of_every_kind_comes_back_as_it_was(storage: Storage, tmp_path: Path) -> None:
    moment = pd.Timestamp("2026-01-05T03:04:05.678Z")
    full: dict[str, dict[str, Any]] = {}
    for frame in (frames.VEHICLES, frames.DRIVERS, frames.ASSIGNMENTS, frames.ENERGY):
        values = {
            frames.TEXT: "文 ;\"'",
            frames.INTEGER: 2**53 + 1,
            frames.NUMBER: 0.1 + 0.2,
            frames.MOMENT: moment,
            frames.DAY: "2026-01-05",
            frames.FLAG: True,
        }
        full[frame.name] = {column.name: values[column.dtype] for column in frame.columns}
        sparse = {
            column.name: value if column.required else None
            for column, value in zip(frame.columns, full[frame.name].values(), strict=True)
        }
        sparse[frame.key[0]] = "other"
        rows = rows_of(frame, full[frame.name], sparse)
        with storage.begin() as work:
            kept = received(work, tmp_path, frame.name, kind=frame.name)
            work.register.save(frame.name, rows, kept)
            found = work.register.read(frame.name)
        pd.testing.assert_frame_equal(
            found, rows.sort_values(list(frame.key), ignore_index=True), check_exact=True
        )


def test_nothing_on_record_is_an_empty_table_in_shape(storage: Storage) -> None:
    with storage.begin(read_only=True) as work:
        for kind in ("vehicles", "drivers", "assignments", "energy", "baselines"):
            assert len(work.register.read(kind)) == 0
        pd.testing.assert_frame_equal(work.orders.in_force(), frames.ORDERS.empty())


def test_a_baseline_without_driver_has_a_key_all_the_same(storage: Storage, tmp_path: Path) -> None:
    line = {
        "vehicle_class": "heavy",
        "valid_from": "2026-01-01",
        "empty_share": 0.4,
        "payload_utilisation_share": 0.5,
    }
    assert _save(storage, tmp_path, "a", "baselines", line) == [True]
    assert _save(storage, tmp_path, "b", "baselines", {**line, "empty_share": 0.3}) == [True]
    with storage.begin(read_only=True) as work:
        assert work.register.read("baselines")["empty_share"].tolist() == [0.3]


def test_two_purchases_at_one_moment_with_different_quantities_are_two(
    storage: Storage, tmp_path: Path
) -> None:
    at = pd.Timestamp("2026-01-05T03:04:05Z")
    bought = {"vehicle_id": "V1", "bought_at": at, "unit": "l", "quantity": 100.0}
    more = {**bought, "quantity": 50.0}
    assert _save(storage, tmp_path, "a", "energy", bought, more, bought) == [True, True, False]


def _order(order_id: str, version: int, cargo_t: float, **more: Any) -> dict[str, Any]:
    at = pd.Timestamp("2026-01-05T03:00:00Z")
    return {
        "order_id": order_id,
        "vehicle_id": "V1",
        "cargo_t": cargo_t,
        "pickup_lon": 121.0,
        "pickup_lat": 31.0,
        "delivery_lon": 120.0,
        "delivery_lat": 30.0,
        "pickup_time": at,
        "delivery_time": at,
        "weight_source": "declared",
        "status": "accepted",
        "pickup_uncertainty_km": 0.0,
        "delivery_uncertainty_km": 0.0,
        "version": version,
        **more,
    }


def _save_orders(
    storage: Storage, folder: Path, content: str, *rows: dict[str, Any]
) -> tuple[list[bool], list[tuple[str, int]]]:
    with storage.begin() as work:
        kept = received(work, folder, content, kind="orders")
        is_new = work.orders.save(rows_of(frames.ORDERS, *rows), kept)[0].tolist()
        return is_new, work.orders.restated


def _cargo(storage: Storage) -> dict[str, float]:
    with storage.begin(read_only=True) as work:
        found = work.orders.in_force()
    assert found["order_id"].is_unique
    return dict(zip(found["order_id"], found["cargo_t"], strict=True))


def test_a_higher_version_is_in_force(storage: Storage, tmp_path: Path) -> None:
    _save_orders(storage, tmp_path, "a", _order("O1", 1, 10.0), _order("O2", 1, 5.0))
    assert _save_orders(storage, tmp_path, "b", _order("O1", 2, 11.0)) == ([True], [])
    assert _cargo(storage) == {"O1": 11.0, "O2": 5.0}


def test_an_older_version_that_comes_late_is_on_record_and_not_in_force(
    storage: Storage, tmp_path: Path
) -> None:
    _save_orders(storage, tmp_path, "a", _order("O1", 3, 13.0))
    assert _save_orders(storage, tmp_path, "b", _order("O1", 2, 12.0)) == ([True], [])
    assert _cargo(storage) == {"O1": 13.0}
    with storage.begin(read_only=True) as work:
        assert work.orders.versions("O1")["version"].tolist() == [3, 2]


def test_other_content_under_one_version_is_in_force_and_named(
    storage: Storage, tmp_path: Path
) -> None:
    _save_orders(storage, tmp_path, "a", _order("O1", 1, 10.0))
    changed = _order("O1", 1, 10.0, status="cancelled")
    assert _save_orders(storage, tmp_path, "b", changed) == ([True], [("O1", 1)])
    with storage.begin(read_only=True) as work:
        assert work.orders.in_force()["status"].tolist() == ["cancelled"]


def test_orders_of_a_window_are_those_whose_version_in_force_lies_in_it(
    storage: Storage, tmp_path: Path
) -> None:
    def planned(order_id: str, version: int, day: int) -> dict[str, Any]:
        begins = datetime(2025, 3, day, 8, tzinfo=UTC)
        moments = {"pickup_time": begins, "delivery_time": begins + timedelta(hours=4)}
        return _order(order_id, version, 10.0, **moments)

    first = (planned("inside", 1, 10), planned("leaves", 1, 10), planned("comes", 1, 20))
    _save_orders(storage, tmp_path, "a", *first)
    _save_orders(storage, tmp_path, "b", planned("leaves", 2, 20), planned("comes", 2, 10))
    window = (datetime(2025, 3, 10, 12, tzinfo=UTC), datetime(2025, 3, 11, tzinfo=UTC))
    with storage.begin(read_only=True) as work:
        # A delivery at the first moment of the window is inside, one at its end would not be.
        assert work.orders.in_force(window)["order_id"].tolist() == ["comes", "inside"]
        later = (window[1], datetime(2025, 3, 20, 8, tzinfo=UTC))
        assert work.orders.in_force(later).empty
        # Some columns alone are those of the same orders: both times decide, asked for or not.
        some = work.orders.in_force(window, ("cargo_t",))
        whole = work.orders.in_force(window)[some.columns.tolist()]
        pd.testing.assert_frame_equal(some, whole)
        own = {"order_id", "version", "pickup_time", "delivery_time", "cargo_t"}
        assert set(some.columns) == own
        assert set(work.orders.in_force(columns=["cargo_t"])) == {"order_id", "version", "cargo_t"}


def test_an_order_sent_again_is_a_duplicate_whatever_is_in_force(
    storage: Storage, tmp_path: Path
) -> None:
    _save_orders(storage, tmp_path, "a", _order("O1", 1, 10.0), _order("O1", 2, 11.0))
    assert _save_orders(storage, tmp_path, "b", _order("O1", 1, 10.0)) == ([False], [])
    assert _save_orders(storage, tmp_path, "c", _order("O1", 2, 11.0)) == ([False], [])


def test_orders_by_version_number_and_not_by_its_text(storage: Storage, tmp_path: Path) -> None:
    _save_orders(storage, tmp_path, "a", _order("O1", 10, 10.0), _order("O1", 9, 9.0))
    assert _cargo(storage) == {"O1": 10.0}


def _add(storage: Storage, series: str, price: str, valid_from: date, unit: str = "t") -> None:
    with storage.begin() as work:
        work.prices.add(
            series, Decimal(price), "CNY", unit=unit, valid_from=valid_from, recorded_at=NOW
        )


def test_the_price_in_force_is_the_latest_that_has_begun(storage: Storage) -> None:
    _add(storage, "cea", "30", date(2026, 1, 1))
    _add(storage, "cea", "90.50", date(2026, 2, 1))
    _add(storage, "diesel", "8.5", date(2026, 1, 1), unit="l")
    with storage.begin(read_only=True) as work:
        assert work.prices.in_force("t", date(2025, 12, 31)) is None
        first = work.prices.in_force("t", date(2026, 1, 31))
        second = work.prices.in_force("t", date(2026, 2, 1))
        diesel = work.prices.in_force("l", date(2026, 2, 1))
    assert first is not None
    assert second is not None
    assert diesel is not None
    assert (first.price, second.price, diesel.series) == (
        Decimal("30"),
        Decimal("90.50"),
        "diesel",
    )
    assert str(second.price) == "90.50"  # as given, not as a binary float
    assert second.recorded_at == NOW


def test_of_two_prices_from_one_day_the_last_recorded_holds(storage: Storage) -> None:
    _add(storage, "cea", "30", date(2026, 1, 1))
    _add(storage, "other", "31", date(2026, 1, 1))
    with storage.begin(read_only=True) as work:
        found = work.prices.in_force("t", date(2026, 1, 1))
        assert found is not None
        assert found.series == "other"
        assert [row.series for row in work.prices.list()] == ["cea", "other"]


def test_a_price_that_is_no_number_is_refused(storage: Storage) -> None:
    with pytest.raises(InputRefused):
        _add(storage, "cea", "NaN", date(2026, 1, 1))


def test_moments_are_kept_to_the_millisecond_in_utc(storage: Storage, tmp_path: Path) -> None:
    shanghai = pd.Timestamp("2026-01-05T11:04:05.678+08:00")
    row = {"driver_id": "D1", "vehicle_id": "V1", "assigned_from": shanghai}
    _save(storage, tmp_path, "a", "assignments", row)
    with storage.begin(read_only=True) as work:
        [found] = work.register.read("assignments")["assigned_from"]
    assert found == datetime(2026, 1, 5, 3, 4, 5, 678_000, tzinfo=UTC)


def test_the_orders_of_a_customer_are_those_whose_version_in_force_names_it(
    storage: Storage, tmp_path: Path
) -> None:
    begins = datetime(2025, 3, 10, 8, tzinfo=UTC)
    moments = {"pickup_time": begins, "delivery_time": begins + timedelta(hours=4)}

    def sent(order_id: str, version: int, shipper_id: str, **more: Any) -> dict[str, Any]:
        return _order(order_id, version, 10.0, shipper_id=shipper_id, **(moments | more))

    before = {name: moment - timedelta(days=9) for name, moment in moments.items()}
    first = (sent("stays", 1, "S1"), sent("goes", 1, "S1"), sent("comes", 1, "S2"))
    _save_orders(storage, tmp_path, "a", *first, sent("early", 1, "S1", **before))
    late = {name: moment + timedelta(days=9) for name, moment in moments.items()}
    _save_orders(storage, tmp_path, "b", sent("goes", 2, "S2"), sent("comes", 2, "S1"))
    _save_orders(storage, tmp_path, "c", sent("moves", 1, "S1"))
    _save_orders(storage, tmp_path, "d", sent("moves", 2, "S1", **late))
    window = (begins, begins + timedelta(days=1))
    with storage.begin(read_only=True) as work:
        assert work.orders.mark() == (8, 0)
        assert work.orders.of_shipper("S1", window) == {"stays", "comes"}
        assert work.orders.of_shipper("S3", window) == set()
        # Six versions are planned within, all between the same two points.
        assert work.orders.places(window)["count"].tolist() == [6]
