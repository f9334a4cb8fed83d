"""A fleet is closed down: settled, signed, told, and nothing is added any more; both databases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.errors import FleetCarbonError, InputRefused
from fleet_carbon.ledger import archive_checker, checker
from fleet_carbon.services.intake import ingesting, pricing
from fleet_carbon.services.ledger import bookkeeping, proving, selling, signing
from fleet_carbon.services.ledger.archiving import export_archive
from fleet_carbon.services.ledger.disposing import Disposal, dispose
from fleet_carbon.services.ledger.importing import import_archive
from fleet_carbon.services.months import closing as close_service
from fleet_carbon.services.running.closing_down import Wish, announce, close_down, read_state
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from tests.storage.whole_ledger import MONTH, sell, step


def done(settings: Settings, folder: Path, what: str = "retired", **other: Any) -> dict[str, Any]:
    told = {"confirmation": settings.fleet, "is_dry_run": False, **other}
    is_voiding = told.pop("is_voiding", True)
    wish = Wish(what, "Marathon", "the operator gives up", is_voiding)
    return close_down(settings, wish, folder=folder, progress=Silent(), **told).report


def accounts(settings: Settings) -> dict[str, int]:
    rows = bookkeeping.read_balances(settings).rows
    return {one["account"]: one["amount"] for one in rows}


def test_open_lots_are_named_unless_they_are_let_go(first: Settings, tmp_path: Path) -> None:
    before = accounts(first)
    with pytest.raises(InputRefused, match="L3") as refused:
        done(first, tmp_path, is_voiding=False)
    assert refused.value.code == "lots_open"
    told = done(first, tmp_path, is_dry_run=True)
    assert (told["outcome"], told["voided_lots"]) == ("dry_run", ["L3"])
    assert accounts(first) == before
    assert read_state(first).report["state"] == "open"


def test_what_is_held_is_retired_and_every_driver_is_told(first: Settings, tmp_path: Path) -> None:
    # 1,500,000 g were issued: 1,050,000 to drivers, of which L1 sold 90,000; 150,000 each to
    # fleet, platform and buffer.
    told = done(first, tmp_path)
    assert (told["moved_g"], told["buffer_cancelled_g"]) == (1_260_000, 150_000)
    after = accounts(first)
    # 40,000 of what was sold was retired for the same beneficiary before.
    assert (after["retired/Marathon"], after["sold/City"]) == (1_300_000, 50_000)
    assert after["cancelled/closed down"] == 150_000
    assert not any(name.startswith(("held:", "pending/")) for name in after)
    checked = proving.check_ledger(first)
    assert checked.is_well, checked.problems
    notice = json.loads((tmp_path / "drivers" / "D1.json").read_text(encoding="utf-8"))
    # D1 gave two thirds of the lot: 700,000 - 60,000.
    assert (notice["balance_g"], notice["what"]) == (640_000, "retired")
    assert sum(end - begin for begin, end in map(_range, notice["serials"])) == 640_000
    for language, word in (("en", "retired on behalf of Marathon"), ("zh", "已代表 Marathon 注销")):
        text = (tmp_path / "drivers" / f"D1.{language}.txt").read_text(encoding="utf-8")
        assert word in text
        assert told["key_id"] in text
        public = (tmp_path / f"notice.{language}.txt").read_text(encoding="utf-8")
        assert told["ledger_sums"] in public
    found = archive_checker.check_archive(tmp_path / "archive.zip", told["key_id"])
    assert found.problems == []
    assert (tmp_path / "checker.py").read_text(encoding="utf-8") == proving.checker_script()
    assert {one.name for one in (tmp_path / "drivers").iterdir()} == {
        f"{driver}.{suffix}" for driver in ("D1", "D2") for suffix in ("json", "en.txt", "zh.txt")
    }


def _range(serial: str) -> tuple[int, int]:
    begin, _, end = serial.rpartition("/")[2].rpartition(":")[2].partition("-")
    return int(begin), int(end)


def test_unpaid_money_is_listed_for_its_driver(first: Settings, tmp_path: Path) -> None:
    step(first, "settle", "L3")
    # 0.09 t at 50 yuan are 450 fen, by 2:1 for D1 and D2.
    told = done(first, tmp_path, "cancelled")
    assert told["unpaid"] == {"CNY": 450}
    notice = json.loads((tmp_path / "drivers" / "D2.json").read_text(encoding="utf-8"))
    assert notice["owed"] == [{"currency": "CNY", "amount": 150, "amount_text": "1.50 CNY"}]
    assert "1.50 CNY" in (tmp_path / "drivers" / "D2.zh.txt").read_text(encoding="utf-8")


def test_a_closing_down_needs_a_confirmation_a_reason_and_a_folder(
    first: Settings, tmp_path: Path
) -> None:
    for told in ({"confirmation": None}, {"confirmation": "other"}):
        with pytest.raises(InputRefused) as refused:
            done(first, tmp_path, **told)
        assert refused.value.code == "closing_down_not_confirmed"
    with pytest.raises(InputRefused):
        announce(first, " ")
    assert read_state(first).report["state"] == "open"


def test_an_announcement_changes_nothing_and_is_taken_back(first: Settings) -> None:
    assert announce(first, "perhaps").report["state"] == "announced"
    sell(first, "L5", 1)
    assert announce(first, "no", is_withdrawn=True).report["state"] == "withdrawn"
    with pytest.raises(InputRefused) as refused:
        announce(first, "no", is_withdrawn=True)
    assert refused.value.code == "closing_down_not_announced"


def test_nothing_is_added_to_a_fleet_that_was_closed_down(first: Settings, tmp_path: Path) -> None:
    done(first, tmp_path / "papers")
    before = export_archive(first, tmp_path / "before.zip").report["sha256"]
    trucks = tmp_path / "vehicles.csv"
    trucks.write_text("vehicle_id,rated_payload_t\nV9,10\n")
    price = pricing.PriceRequest("CEA", "50", "CNY", "t", "2026-01-01")
    wanted = Disposal("retire", "r5", "sold/City", 1, "x")
    refusing = [
        lambda: ingesting.ingest_files(first, "vehicles", [trucks]),
        lambda: close_service.close_month(first, MONTH),
        lambda: sell(first, "L9", 1),
        lambda: step(first, "settle", "L3"),
        lambda: dispose(first, wanted, is_dry_run=False, progress=Silent()),
        lambda: dispose(first, wanted, is_dry_run=True, progress=Silent()),
        lambda: selling.pay(first, "L1", is_dry_run=True, progress=Silent()),
        lambda: pricing.set_price(first, price),
        lambda: signing.rotate_keys(first),
        lambda: announce(first, "again"),
        lambda: announce(first, "back", is_withdrawn=True),
    ]
    for act in refusing:
        with pytest.raises(FleetCarbonError) as refused:
            act()
        assert refused.value.code == "fleet_closed_down"
    assert not (first.home / "files").exists()
    # Reading, checking, proving and exporting go on, and so do the papers.
    assert proving.check_ledger(first).is_well
    statement = proving.prove_account(first, "D1", MONTH).statement
    assert checker.check_statement(statement).problems == []
    assert export_archive(first, tmp_path / "after.zip").report["sha256"] == before
    again = done(first, tmp_path / "papers2")
    assert again["outcome"] == "on_record_already"
    notices = [
        (tmp_path / name / "drivers" / "D1.zh.txt").read_bytes() for name in ("papers", "papers2")
    ]
    assert notices[0] == notices[1]


def test_a_ledger_that_was_handed_over_goes_on_elsewhere(
    first: Settings, second: Settings, tmp_path: Path
) -> None:
    held = accounts(first)["held:driver/D1/V1"]
    told = done(first, tmp_path, "handed_over")
    # L3 was let go: D1 had given two thirds of it.
    assert accounts(first)["held:driver/D1/V1"] == held + 60_000
    import_archive(second, tmp_path / "archive.zip", trusted_key_id=told["key_id"])
    there = second.model_copy(update={"fleet": first.fleet})
    assert accounts(there) == accounts(first)
    sell(there, "L9", 1000)
    step(there, "settle", "L9")
    assert proving.check_ledger(there).is_well
    with archive_checker.Archive(tmp_path / "archive.zip") as archive:
        [closed] = archive.rows("evidence/closing_downs.jsonl")
        assert json.loads(closed["facts"])["name"] == "Marathon"
