"""Two fleets of one installation know the same truck: an hour of it is credited once."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.services.accounts import reading
from fleet_carbon.services.intake import ingesting
from fleet_carbon.services.ledger import peering, proving, releasing, signing
from fleet_carbon.services.months import closing, replaying
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from tests.services.tiny_fleet import MONTH, STARTS_AT, TinyFleet, northward_order, shuttle
from tests.storage.conftest import postgresql_url

__all__ = ["postgresql_url"]

PLATE = "粤B12345"
NOTE = "claimed_by_another_fleet"


def later(fleet: TinyFleet, shift: timedelta) -> TinyFleet:
    """The same days of the truck, so much later."""
    starts_at = STARTS_AT + shift
    fleet.positions = shuttle(3, starts_at=starts_at)
    for order in fleet.orders:
        for name in ("pickup_time", "delivery_time"):
            moved = datetime.fromisoformat(str(order[name])) + shift
            order[name] = moved.isoformat()
    return fleet


def tiny(plate: str = PLATE) -> TinyFleet:
    fleet = TinyFleet()
    fleet.vehicles[0]["plate"] = plate
    return fleet


def fill(settings: Settings, folder: Path, fleet: TinyFleet) -> None:
    for kind, path in fleet.write(folder / settings.fleet).items():
        ingesting.ingest_files(settings, kind, [path])


def account(settings: Settings) -> dict[str, Any]:
    rows = reading.read_table(settings, "accounts", MONTH).rows
    found: dict[str, Any] = rows.iloc[0].to_dict()
    return found


def intervals(settings: Settings) -> list[tuple[str, int]]:
    storage = open_storage(settings)
    with storage.begin(read_only=True) as work:
        found = [
            (one.interval.identity, one.interval.until_s - one.interval.from_s)
            for one in work.claims.of_month(MONTH)
        ]
    storage.close()
    return found


def test_the_fleet_that_closes_first_is_credited_and_the_other_is_told(tmp_path: Path) -> None:
    one, other = (Settings(home=tmp_path / "home", fleet=name) for name in ("one", "other"))
    fill(one, tmp_path, tiny())
    # The same plate, written otherwise.
    fill(other, tmp_path, tiny("粤b-12345"))
    first = closing.close_month(one, MONTH)
    assert first.run.summary["claims_refused"] == []
    assert account(one)["co2_credited_g"] > 1000
    # Three drives of an hour and forty minutes between them are one claim.
    ((identity, length_s),) = intervals(one)
    assert identity == "plate/2/粤B12345"
    assert 3 * 50 * 60 < length_s < 6 * 3600

    second = closing.close_month(other, MONTH)
    assert second.run.summary["claims_refused"] == [
        {"driver_id": "D1", "vehicle_id": "V1", "note": NOTE, "fleet_id": "one"}
    ]
    assert any("claimed by fleet one" in line for line in second.lines())
    refused = account(other)
    assert refused["co2_credited_g"] == 0
    assert NOTE in refused["notes"]
    # The inventory is not touched by who is credited.
    assert refused["co2_ttw_kg"] == account(one)["co2_ttw_kg"]
    assert intervals(other) == []
    # Closing again changes neither.
    assert closing.close_month(one, MONTH).is_new is False
    assert closing.close_month(other, MONTH).is_new is False
    for settings in (one, other):
        assert proving.check_ledger(settings).problems == []
        assert replaying.replay_account(settings, "D1", MONTH).is_well

    # The first fleet's month is restated to nothing: its truck is free for the other.
    fill(one, tmp_path / "empty", _without_orders())
    assert closing.close_month(one, MONTH).run.summary["co2_credited_g"] == 0
    assert closing.close_month(other, MONTH).run.summary["claims_refused"] == []
    assert account(other)["co2_credited_g"] > 1000
    assert intervals(one) == []
    for settings in (one, other):
        assert proving.check_ledger(settings).problems == []


def _without_orders() -> TinyFleet:
    orders = [
        northward_order(name, drive, status="cancelled", version=2)
        for name, drive in (("O1", 0), ("O2", 2))
    ]
    return TinyFleet([], [], [], orders, [])


def test_different_days_of_one_truck_are_credited_to_both_fleets(tmp_path: Path) -> None:
    one, other = (Settings(home=tmp_path / "home", fleet=name) for name in ("one", "other"))
    fill(one, tmp_path, tiny())
    fill(other, tmp_path, later(tiny(), timedelta(days=2)))
    for settings in (one, other):
        assert closing.close_month(settings, MONTH).run.summary["claims_refused"] == []
        assert account(settings)["co2_credited_g"] > 1000


def test_a_plate_that_stands_in_the_register_twice_earns_neither_truck_anything(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path / "home")
    fleet = tiny()
    fleet.vehicles.append({**fleet.vehicles[0], "vehicle_id": "V2"})
    fleet.drivers.append({"driver_id": "D2", "name": "李四", "vehicle_id": "V2"})
    fleet.baselines.append({**fleet.baselines[0], "driver_id": "D2"})
    lon = 105.1  # ten kilometres aside: no twin by its trace
    fleet.positions += shuttle(3, vehicle_id="V2", lon=lon)
    fleet.orders += [
        northward_order(name, drive, vehicle_id="V2", pickup_lon=lon, delivery_lon=lon)
        for name, drive in (("O3", 0), ("O4", 2))
    ]
    fill(settings, tmp_path, fleet)
    refused = closing.close_month(settings, MONTH).run.summary["claims_refused"]
    assert [(one["vehicle_id"], one["note"]) for one in refused] == [
        ("V1", "plate_shared_with_another_truck"),
        ("V2", "plate_shared_with_another_truck"),
    ]
    rows = reading.read_table(settings, "accounts", MONTH).rows
    assert rows["co2_credited_g"].tolist() == [0, 0]


def test_of_two_fleets_that_close_at_once_one_is_credited(
    tmp_path: Path, postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleets = [
        Settings(home=tmp_path / name, fleet=name, database_url=postgresql_url)
        for name in ("north", "south")
    ]
    for settings in fleets:
        fill(settings, tmp_path, tiny())
    # Both have looked, and found the truck free, before either puts its close on record.
    together = threading.Barrier(2, timeout=120)
    put_on_record, waited = closing._put_on_record, threading.local()

    def both_looked(*words: Any, **named: Any) -> Any:
        if not getattr(waited, "once", False):
            waited.once = True
            together.wait()
        return put_on_record(*words, **named)

    monkeypatch.setattr(closing, "_put_on_record", both_looked)
    failures: list[BaseException] = []

    def close(settings: Settings) -> None:
        try:
            closing.close_month(settings, MONTH)
        except BaseException as failure:  # shown by the test
            failures.append(failure)

    threads = [threading.Thread(target=close, args=[settings]) for settings in fleets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert failures == []
    found = [account(settings) for settings in fleets]
    assert sorted(row["co2_credited_g"] > 0 for row in found) == [False, True]
    assert sorted(NOTE in row["notes"] for row in found) == [False, True]
    assert sorted(len(intervals(settings)) for settings in fleets) == [0, 1]
    for settings in fleets:
        assert proving.check_ledger(settings).problems == []


def test_a_letter_moves_a_claim_between_two_fleets_of_one_installation(tmp_path: Path) -> None:
    one, other = (Settings(home=tmp_path / "home", fleet=name) for name in ("one", "other"))
    for settings in (one, other):
        fill(settings, tmp_path, tiny())
        closing.close_month(settings, MONTH)
    assert account(other)["co2_credited_g"] == 0
    signing.sign_ledger(other)
    for settings, name, peer in ((one, "other", other), (other, "one", one)):
        key = signing.rotate_keys(peer).keys[-1].raw.hex()
        peering.add_peer(settings, name, key)
    letter = tmp_path / "letter.json"
    wanted = releasing.Release("m1", "D1", "V1", MONTH, "other")
    releasing.release(one, wanted, is_dry_run=False, progress=Silent(), output=letter)
    # Released to one platform is not free for all: only who accepted the letter may claim it.
    assert closing.close_month(other, MONTH).run.summary["claims_refused"] != []
    accepted = releasing.accept(other, letter, peer="one")
    assert accepted.facts["months_to_close_again"] == [MONTH]
    assert closing.close_month(other, MONTH).run.summary["claims_refused"] == []
    assert account(other)["co2_credited_g"] > 1000
    assert closing.close_month(one, MONTH).run.summary["co2_credited_g"] == 0
    assert "claim_released" in account(one)["notes"]
    for settings in (one, other):
        assert proving.check_ledger(settings).problems == []
        assert replaying.replay_account(settings, "D1", MONTH).is_well
