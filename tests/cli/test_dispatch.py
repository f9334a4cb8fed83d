"""Before a trip on the command line: orders from a file or on record, tables and objects."""

from __future__ import annotations

from pathlib import Path

from tests.cli.running import CommandLine

AT = ("--at", "2025-03-10T00:30:00Z")
COLUMNS = (
    "order_id,cargo_t,pickup_lon,pickup_lat,delivery_lon,delivery_lat,pickup_time,delivery_time"
)
NEW = "N1,5,105.0,30.5,105.0,30.0,2025-03-10T09:00Z,2025-03-10T14:00Z"


def orders_file(folder: Path, *rows: str, columns: str = COLUMNS) -> str:
    path = folder / "wanted.csv"
    path.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
    return str(path)


def test_an_estimate_names_the_truck_and_what_it_would_come_to(
    filled: CommandLine, tmp_path: Path
) -> None:
    ran = filled("estimate", orders_file(tmp_path, NEW), "O1", *AT)
    assert ran.code == 0, ran.err
    assert "N1: 5 t" in ran.out
    assert "O1: 10 t" in ran.out
    assert "roads are 1.3 x the straight line (by the rules)" in ran.out
    assert ran.out.splitlines()[-1] == "Credited only if proven by order and trace."
    # The first order is to be unloaded at 1:55 and is over two hours later; the second is loaded.
    later = ("--at", "2025-03-10T03:57:00Z")
    told = filled("estimate", "O2", "--vehicle", "V1", *later, "--json").json
    (one,) = told["orders"][0]["candidates"]
    assert (one["vehicle_id"], one["rank"], one["committed_orders"]) == ("V1", 1, [])
    after = filled("realised", "O2", "--json").json
    assert after["estimate_id"] == told["estimate_id"]
    assert after["realised"]["state"] == "month_not_closed"


def test_a_plan_says_who_drives_and_how_good_it_is(filled: CommandLine, tmp_path: Path) -> None:
    ran = filled("plan", orders_file(tmp_path, NEW), "O1", "O2", "--per-truck", "3", *AT)
    assert ran.code == 0, ran.err
    rows = [line.split()[:2] for line in ran.out.splitlines()[1:3]]
    assert rows == [["N1", "V1"], ["O1", "V1"]]
    # With O1, an hour at each ramp and 72 km there and back, O2 would come a minute too late.
    assert "O2: nobody, trucks_taken" in ran.out
    assert "no other plan serves more orders" in ran.out


def test_orders_that_lack_something_are_refused_by_name(
    filled: CommandLine, tmp_path: Path
) -> None:
    broken = orders_file(tmp_path, "N1,five,105,30,105,30.5,2025-03-10T09:00Z,2025-03-10T12:00Z")
    assert filled("estimate", broken, "--json").json["code"] == "number_malformed"
    nameless = orders_file(tmp_path, "5", columns="cargo_t")
    assert filled("plan", nameless, "--json").json["code"] == "column_missing"
    assert filled("estimate", "O7", "--json").json["code"] == "order_incomplete"
    twice = filled("plan", "O1", "O1", *AT, "--json")
    assert (twice.code, twice.json["code"]) == (1, "orders_named_twice")
    rules = filled("plan", "O1", "--driving-rules", "us", *AT, "--json")
    assert rules.json["code"] == "driving_rules_unknown"
    assert filled("realised", "O7", "--json").json["code"] == "order_not_found"
