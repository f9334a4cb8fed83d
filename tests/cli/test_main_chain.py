"""From files to accounts, on a fleet whose figures are worked out by hand."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fleet_carbon.ingest.coordinates import wgs84_to_gcj02
from fleet_carbon.ingest.places import Gazetteer
from tests.cli.running import CommandLine
from tests.services.tiny_fleet import (
    LON,
    MONTH,
    SOUTH_LAT,
    YARD_KM,
    TinyFleet,
    northward_order,
    shuttle,
    write_csv,
)

pytestmark = pytest.mark.slow


def accounts_of(cli: CommandLine) -> pd.DataFrame:
    return pd.DataFrame(cli("accounts", MONTH, "--json").json["rows"])


def test_the_account_of_the_tiny_fleet_is_what_was_driven(filled: CommandLine) -> None:
    closed = filled("close", MONTH, "--json").json
    assert closed["vehicles"] == 1
    assert closed["orders_matched"] == 2
    assert closed["first_close"] is True
    account = accounts_of(filled).iloc[0]
    # Three drives of YARD_KM: north with 10 t, south empty, north with 10 t. The steps are
    # straight, so only rounding of fixes to a millionth of a degree and the edges of the stops
    # (one fix of 30 s at 60 km/h is 0.5 km) are left.
    assert account["distance_km"] == pytest.approx(3 * YARD_KM, rel=0.002)
    assert account["empty_km"] == pytest.approx(YARD_KM, rel=0.005)
    assert account["loaded_km"] == pytest.approx(2 * YARD_KM, rel=0.002)
    assert account["search_km"] == account["empty_km"]
    assert account["transport_work_tkm"] == pytest.approx(20 * YARD_KM, rel=0.002)
    assert account["driver_id"] == "D1"
    assert account["orders_count"] == account["orders_matched_count"] == 2
    # Payload 10 of 20 t while loaded; two thirds of the way loaded.
    assert account["payload_utilisation_share"] == pytest.approx(0.5)
    assert account["load_rate_share"] == pytest.approx(1 / 3, rel=0.005)


def test_the_saving_is_that_of_kilometres_no_longer_driven(filled: CommandLine) -> None:
    filled("close", MONTH)
    account = accounts_of(filled).iloc[0]
    # Same work, counterfactual: 0.4 x 20 t = 8 t aboard and as much empty as loaded:
    # 20 YARD_KM tkm / 8 t x 2 = 5 YARD_KM instead of 3; 2 YARD_KM at 0.20 l/km empty.
    assert account["diesel_saved_l"] == pytest.approx(2 * YARD_KM * 0.20, rel=0.03)
    parts = [account[f"saved_by_{name}_l"] for name in ("less_empty", "higher_load", "efficiency")]
    assert sum(parts) == account["diesel_saved_l"]
    assert account["co2_credited_g"] >= 0
    assert account["co2_credited_g"] == max(0, int(account["co2_avoided_low_kg"] * 1000))


def test_the_same_files_again_add_nothing_and_change_nothing(
    filled: CommandLine, tmp_path: Path
) -> None:
    filled("close", MONTH)
    before = filled("accounts", MONTH, "--format", "csv").out
    for kind, path in TinyFleet().write(tmp_path / "again").items():
        report = filled("ingest", kind, path, "--json").json
        assert report["rows_accepted"] == 0
        assert report["rows_duplicate"] == report["rows_read"] > 0
    closed = filled("close", MONTH, "--json").json
    assert closed["changed"] is False
    assert closed["ledger_entries"] == 0
    assert closed["changes"] == []
    assert filled("accounts", MONTH, "--format", "csv").out == before


def test_a_second_home_gives_the_same_bytes(
    filled: CommandLine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = CommandLine(tmp_path / "other", capsys)
    other.ingest_all(TinyFleet(positions=shuttle(3)[::-1]).write(tmp_path / "reversed"))
    for name in ("accounts", "legs", "orders", "receipts"):
        contents = []
        for number, cli in enumerate((filled, other)):
            cli("close", MONTH)
            path = tmp_path / f"{name}{number}.csv"
            assert cli(name, MONTH, "-o", path).code == 0
            contents.append(path.read_bytes())
        assert contents[0] == contents[1]


def test_late_positions_give_the_new_truth_and_say_what_changed_and_why(
    cli: CommandLine, tmp_path: Path
) -> None:
    fixes = shuttle(3)
    half = len(fixes) // 2
    cli.ingest_all(TinyFleet(positions=fixes[:half]).write(tmp_path / "early"))
    first = cli("close", MONTH, "--json").json
    assert first["orders_matched"] == 1
    late = write_csv(tmp_path / "late.csv", fixes[half:])
    assert cli("ingest", "positions", late).code == 0
    again = cli("close", MONTH, "--json").json
    assert again["first_close"] is False
    assert again["changed"] is True
    assert again["orders_matched"] == 2
    (change,) = again["changes"]
    assert change["reasons"] == ["positions"]
    before, after = change["figures"]["orders_matched_count"]
    assert (before, after) == (1, 2)
    text = cli("close", MONTH).out
    assert "Nothing changed" in text


def test_a_higher_version_of_an_order_changes_the_account_and_is_named(
    filled: CommandLine, tmp_path: Path
) -> None:
    filled("close", MONTH)
    heavier = northward_order("O1", 0, cargo_t=20, version=2)
    path = write_csv(tmp_path / "later.csv", [heavier])
    assert filled("ingest", "orders", path, "--json").json["rows_accepted"] == 1
    (change,) = filled("close", MONTH, "--json").json["changes"]
    assert change["reasons"] == ["orders"]
    before, after = change["figures"]["transport_work_tkm"]
    assert after - before == pytest.approx(10 * YARD_KM, rel=0.002)


def test_a_price_set_later_changes_money_and_no_gram(filled: CommandLine) -> None:
    filled("close", MONTH)
    for series, unit, price in (("carbon", "t", 30), ("diesel", "l", 8.5)):
        words = ("--price", price, "--currency", "CNY", "--unit", unit, "--from", "2025-03-31")
        assert filled("price", "set", series, *words).code == 0
    closed = filled("close", MONTH, "--json").json
    assert closed["ledger_entries"] == 0
    assert closed["changes"][0]["reasons"] == ["prices"]
    account = accounts_of(filled).iloc[0]
    assert account["carbon_value"] == pytest.approx(account["co2_credited_g"] / 1e6 * 30)
    assert account["fuel_cost_saved"] == pytest.approx(account["diesel_saved_l"] * 8.5)


def test_a_price_from_the_next_month_on_is_not_in_force(filled: CommandLine) -> None:
    words = ("--price", "30", "--currency", "CNY", "--unit", "t", "--from", "2025-04-01")
    filled("price", "set", "carbon", *words)
    filled("close", MONTH)
    assert accounts_of(filled)["carbon_price"].isna().all()


def test_an_order_of_a_truck_without_positions_is_listed_as_unproven(
    filled: CommandLine, tmp_path: Path
) -> None:
    write_csv(tmp_path / "v.csv", [{"vehicle_id": "V2", "rated_payload_t": 20}])
    filled("ingest", "vehicles", tmp_path / "v.csv")
    order = northward_order("O9", 0, vehicle_id="V2")
    filled("ingest", "orders", write_csv(tmp_path / "o.csv", [order]))
    filled("close", MONTH)
    rows = pd.DataFrame(filled("orders", MONTH, "--json").json["rows"]).set_index("order_id")
    assert not rows.loc["O9", "matched"]
    assert rows.loc["O9", "reason_code"] == "no_positions"


def test_a_truck_that_only_stood_has_a_row_of_zero_kilometres(
    cli: CommandLine, tmp_path: Path
) -> None:
    standing = [{**fix, "lat": 30.0} for fix in shuttle(1)]
    cli.ingest_all(TinyFleet(orders=[], positions=standing).write(tmp_path / "files"))
    assert cli("close", MONTH).code == 0
    account = accounts_of(cli).iloc[0]
    assert (account["vehicle_id"], account["distance_km"]) == ("V1", 0.0)
    assert account["co2_credited_g"] == 0


def test_fixes_of_another_century_do_not_reach_into_the_month(
    cli: CommandLine, tmp_path: Path
) -> None:
    fixes = shuttle(3)
    future = [{**fix, "time": f"2095-{str(fix['time'])[5:]}"} for fix in fixes[:7]]
    ahead = TinyFleet(positions=[*fixes, *future]).write(tmp_path / "files")
    cli.ingest_all(ahead)
    closed = cli("close", MONTH, "--json").json
    assert closed["fixes_read"] == len(fixes)
    assert closed["orders_matched"] == 2


def test_receipts_come_with_their_verdicts(filled: CommandLine, tmp_path: Path) -> None:
    there = {"place_lon": LON, "place_lat": SOUTH_LAT}
    rows: list[dict[str, object]] = [
        {"vehicle_id": "V1", "time": "2025-03-10T00:10:00Z", "quantity": 200, **there},
        {"vehicle_id": "V1", "time": "2025-03-10T00:12:00Z", "quantity": 15, **there,
         "product": "AdBlue"},
    ]  # fmt: skip
    filled("ingest", "energy", write_csv(tmp_path / "energy.csv", rows))
    filled("close", MONTH)
    shown = filled("receipts", MONTH, "--json").json
    assert [one["verdict"] for one in shown["rows"]] == ["counted", "not_fuel_of_truck"]
    assert [one["counted_quantity"] for one in shown["rows"]] == [200, 0]
    printed = pd.read_csv(io.StringIO(filled("receipts", MONTH).out))
    assert printed["text"].tolist() == [one["text"] for one in shown["rows"]]
    for suffix in ("csv", "parquet", "xlsx", "json"):
        path = tmp_path / f"receipts.{suffix}"
        assert filled("receipts", MONTH, "-o", path).code == 0
        assert path.stat().st_size > 100


def test_legs_and_orders_come_in_every_format(filled: CommandLine, tmp_path: Path) -> None:
    filled("close", MONTH)
    for name in ("accounts", "legs", "orders"):
        for suffix in ("csv", "parquet", "xlsx", "json"):
            path = tmp_path / f"{name}.{suffix}"
            assert filled(name, MONTH, "-o", path).code == 0
            assert path.stat().st_size > 100
    legs = pd.read_parquet(tmp_path / "legs.parquet")
    driven = legs[legs["distance_km"] > 0]  # a leg of no distance carries the first standing
    assert driven["state"].tolist() == ["loaded", "empty", "loaded"]
    printed = pd.read_csv(io.StringIO(filled("legs", MONTH).out))
    assert printed["distance_km"].tolist() == legs["distance_km"].tolist()


def test_two_processes_give_the_same_bytes_as_one(filled: CommandLine) -> None:
    assert filled("close", MONTH).code == 0
    shutil.rmtree(filled.home / "cuts")  # else nothing would be cut again
    processes = ("--scheduler", "processes", "--workers", "2")
    closed = filled("close", MONTH, *processes, "--json").json
    assert closed["changed"] is False


def test_an_order_that_changes_under_the_same_version_is_reported(
    filled: CommandLine, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "o.csv", [northward_order("O1", 0, cargo_t=12)])
    report = filled("ingest", "orders", path, "--json").json
    assert report["rows_accepted"] == 1
    assert [one["code"] for one in report["suspicions"]] == ["orders_restated"]


def test_a_place_by_name_is_looked_up_offline_and_counted(
    filled: CommandLine, tmp_path: Path
) -> None:
    order = northward_order("O7", 0, delivery_lon="", delivery_lat="", delivery_place="汉中市")
    report = filled("ingest", "orders", write_csv(tmp_path / "o.csv", [order]), "--json").json
    assert report["rows_accepted"] == 1
    assert report["files"][0]["remarks"] == {"places_looked_up": 1}


def test_positions_in_gcj02_are_the_same_trace(cli: CommandLine, tmp_path: Path) -> None:
    shifted = shuttle(3)
    mainland = Gazetteer.load().mainland
    for fix in shifted:
        here = np.array([fix["lon"]], float), np.array([fix["lat"]], float)
        lon, lat = wgs84_to_gcj02(*here, mainland)
        fix["lon"], fix["lat"] = round(float(lon[0]), 6), round(float(lat[0]), 6)
    files = TinyFleet(positions=shifted).write(tmp_path / "files")
    positions = files.pop("positions")
    cli.ingest_all(files)
    assert cli("ingest", "positions", positions, "--crs", "gcj02").code == 0
    assert cli("close", MONTH, "--json").json["orders_matched"] == 2
    assert accounts_of(cli)["distance_km"].iat[0] == pytest.approx(3 * YARD_KM, rel=0.002)


def test_a_profile_maps_the_names_and_units_of_a_source(cli: CommandLine, tmp_path: Path) -> None:
    renamed = {"vehicle_id": "车牌", "time": "定位时间", "lon": "经度", "lat": "纬度"}
    fixes = [{renamed[name]: value for name, value in fix.items()} for fix in shuttle(3)]
    fleet = TinyFleet(positions=fixes)
    files = fleet.write(tmp_path / "files")
    positions = files.pop("positions")
    cli.ingest_all(files)
    profile = tmp_path / "profile.yaml"
    lines = ["columns:", *(f"  {ours}: {theirs}" for ours, theirs in renamed.items())]
    profile.write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = cli("ingest", "positions", positions, "--source", profile, "--json").json
    assert report["rows_accepted"] == len(fixes)
