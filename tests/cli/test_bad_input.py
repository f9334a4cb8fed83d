"""Bad input: a clear word, exit code 1, and nothing half-written."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fleet_carbon.services.intake import ingesting
from fleet_carbon.services.ledger import issuing
from fleet_carbon.services.months import closing
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage
from tests.cli.running import CommandLine, Ran
from tests.services.tiny_fleet import MONTH, TinyFleet, northward_order, shuttle, write_csv


def on_record(cli: CommandLine) -> dict[str, Any]:
    """Everything a reader can see of the records: what must not change when input is refused."""
    with open_storage(Settings(home=cli.home)).begin(read_only=True) as work:
        register = {
            kind: work.register.read(kind).to_csv()
            for kind in ("vehicles", "drivers", "assignments", "energy", "baselines")
        }
        return register | {
            "orders": work.orders.in_force().to_csv(),
            "traces": work.traces.summary(),
            "problems": work.traces.verify(),
            "closed": work.closings.months(),
            "entries": work.ledger.count(),
        }


def refused(ran: Ran, code: str) -> dict[str, Any]:
    """The error of a refused command: exit 1, one shape on standard output, words on the other."""
    assert ran.code == 1
    assert ran.json["ok"] is False
    assert ran.json["code"] == code
    assert ran.json["message"] in ran.err
    return ran.json


def rejected(ran: Ran, code: str) -> dict[str, Any]:
    """The report of an ingest with one refused row: exit 1, counts add up, the row is named."""
    assert ran.code == 1
    report = ran.json
    kept = report["rows_accepted"] + report["rows_duplicate"]
    assert report["rows_read"] == kept + report["rows_rejected"]
    assert report["rows_rejected"] == 1
    (row,) = report["rejections"]
    assert row["code"] == code
    listed = pd.read_csv(report["rejections_file"])
    assert listed.columns.tolist() == ["file", "line", "column", "code", "text"]
    assert listed["line"].tolist() == [row["line"]]
    return report


def test_a_file_that_is_not_there(filled: CommandLine, tmp_path: Path) -> None:
    before = on_record(filled)
    refused(filled("ingest", "orders", tmp_path / "none.csv", "--json"), "file_unreadable")
    assert on_record(filled) == before


def test_a_file_of_no_known_kind(filled: CommandLine, tmp_path: Path) -> None:
    before = on_record(filled)
    (tmp_path / "x.parquet").write_bytes(b"PAR1 but not really")
    ran = filled("ingest", "positions", tmp_path / "x.parquet", "--json")
    assert ran.code == 1
    assert ran.json["ok"] is False
    assert on_record(filled) == before


def test_a_file_without_a_required_column(filled: CommandLine, tmp_path: Path) -> None:
    before = on_record(filled)
    path = write_csv(tmp_path / "p.csv", [{"vehicle_id": "V1", "lon": 105, "lat": 30}])
    error = refused(filled("ingest", "positions", path, "--json"), "column_missing")
    assert "time" in error["message"]
    assert on_record(filled) == before


def test_cargo_in_kilograms(filled: CommandLine, tmp_path: Path) -> None:
    orders = [northward_order("O8", 0, cargo_t=10000), northward_order("O9", 0)]
    ran = filled("ingest", "orders", write_csv(tmp_path / "o.csv", orders), "--json")
    report = rejected(ran, "cargo_exceeds_vehicle")
    assert report["rows_accepted"] == 1
    assert "kg" in report["rejections"][0]["text"]


@pytest.mark.parametrize("kind", ["positions", "orders", "energy", "assignments", "drivers"])
def test_an_unknown_vehicle(filled: CommandLine, tmp_path: Path, kind: str) -> None:
    row: dict[str, object] = {
        "positions": {"time": "2025-03-10T00:00:00Z", "lon": 105, "lat": 30},
        "orders": northward_order("O9", 0),
        "energy": {"time": "2025-03-10T00:00:00Z", "quantity": 50},
        "assignments": {"driver_id": "D1", "from": "2025-03-01T00:00:00Z"},
        "drivers": {"driver_id": "D2"},
    }[kind]
    path = write_csv(tmp_path / "x.csv", [row | {"vehicle_id": "V9"}])
    report = rejected(filled("ingest", kind, path, "--json"), "vehicle_unknown")
    assert "V9" in report["rejections"][0]["text"]


def test_an_order_without_coordinates_or_place(filled: CommandLine, tmp_path: Path) -> None:
    order = northward_order("O9", 0, pickup_lon="", pickup_lat="")
    ran = filled("ingest", "orders", write_csv(tmp_path / "o.csv", [order]), "--json")
    assert ran.code == 1
    assert ran.json["rows_rejected"] == 1
    assert ran.json["rejections"]


def test_names_that_serve_nothing_are_reported_and_taken(
    filled: CommandLine, tmp_path: Path
) -> None:
    shares = {"valid_from": "2025-01-01", "empty_share": 0.4, "payload_utilisation_share": 0.5}
    fix = {"vehicle_id": "V1", "time": "2025-03-29T00:00:00Z", "lon": 105, "lat": 30}
    for kind, row, code in (
        ("baselines", shares | {"vehicle_class": "zeppelin"}, "baseline_class_without_trucks"),
        ("positions", fix | {"driver_id": "D9"}, "position_drivers_not_registered"),
    ):
        ran = filled("ingest", kind, write_csv(tmp_path / f"{kind}.csv", [row]), "--json")
        assert (ran.code, ran.json["rows_accepted"]) == (0, 1)
        assert [one["code"] for one in ran.json["suspicions"]] == [code]


def test_two_drivers_at_once(filled: CommandLine, tmp_path: Path) -> None:
    filled("ingest", "drivers", write_csv(tmp_path / "d.csv", [{"driver_id": "D2"}]))
    rows = [
        {"driver_id": "D1", "from": "2025-03-01T00:00:00Z", "until": "2025-03-20T00:00:00Z"},
        {"driver_id": "D2", "from": "2025-03-10T00:00:00Z", "until": "2025-03-12T00:00:00Z"},
    ]
    path = write_csv(tmp_path / "a.csv", [row | {"vehicle_id": "V1"} for row in rows])
    report = rejected(filled("ingest", "assignments", path, "--json"), "two_drivers_at_once")
    assert report["rows_accepted"] == 1
    assert report["rejections"][0]["line"] == 3


def test_a_month_that_is_no_month(filled: CommandLine) -> None:
    for command in ("close", "accounts", "legs", "orders"):
        refused(filled(command, "2025-13", "--json"), "month_malformed")


def test_a_month_that_is_still_open(filled: CommandLine) -> None:
    this_month = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m")
    refused(filled("close", this_month, "--json"), "month_still_open")


def test_a_month_without_positions_says_which_have_some(filled: CommandLine) -> None:
    before = on_record(filled)
    error = refused(filled("close", "2024-11", "--json"), "month_without_data")
    assert "2025-03-10" in error["message"]
    # The window of April reaches into March, but April itself has no position.
    refused(filled("close", "2025-04", "--json"), "month_without_data")
    assert on_record(filled) == before


def test_a_month_that_was_never_closed(filled: CommandLine) -> None:
    for command in ("accounts", "legs", "orders"):
        error = refused(filled(command, MONTH, "--json"), "month_not_closed")
        assert f"close {MONTH}" in error["hint"]


def test_an_unknown_zone_and_a_profile_with_an_unknown_key(
    filled: CommandLine, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "p.csv", shuttle(1))
    ran = filled("ingest", "positions", path, "--timezone", "Mars/Olympus", "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)
    (tmp_path / "profile.yaml").write_text("colour: red\n", encoding="utf-8")
    ran = filled("ingest", "positions", path, "--source", tmp_path / "profile.yaml", "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)
    assert "colour" in ran.json["message"]


def test_of_several_files_the_refused_one_leaves_nothing_and_those_before_it_stay(
    filled: CommandLine, tmp_path: Path
) -> None:
    good = write_csv(tmp_path / "good.csv", [northward_order("O8", 0)])
    bad = write_csv(tmp_path / "bad.csv", [{"order_id": "O9"}])
    ran = filled("ingest", "orders", good, bad, "--json")
    error = refused(ran, "column_missing")
    assert error["details"]["files_kept_before"] == [str(good)]
    again = filled("ingest", "orders", good, "--json").json
    assert again["rows_duplicate"] == 1


def test_an_ingest_that_breaks_off_leaves_nothing(
    filled: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = on_record(filled)

    def broken(self: Any, *arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ingesting._Sink, "finish", broken)
    path = write_csv(tmp_path / "v.csv", [{"vehicle_id": "V7", "rated_payload_t": 5}])
    assert filled("ingest", "vehicles", path).code == 130
    monkeypatch.undo()
    assert on_record(filled) == before


def test_a_close_that_breaks_off_while_posting_leaves_nothing(
    filled: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = on_record(filled)

    def broken(*arguments: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(issuing, "post_month", broken)
    assert filled("close", MONTH).code == 130
    monkeypatch.undo()
    assert on_record(filled) == before
    assert filled("close", MONTH).code == 0


def test_a_month_closed_by_somebody_else_meanwhile_is_not_closed_over(
    filled: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = closing.compute

    def overtaken(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(closing, "compute", compute)
        closing.close_month(Settings(home=filled.home), MONTH)
        return compute(*arguments, **named)

    monkeypatch.setattr(closing, "compute", overtaken)
    refused(filled("close", MONTH, "--json"), "month_closed_meanwhile")
    assert filled("close", MONTH, "--json").json["changed"] is False


def test_an_unexpected_fault_is_told_in_one_line_and_kept_in_a_log(
    filled: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: UnitOfWork) -> UnitOfWork:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(UnitOfWork, "__enter__", broken)
    ran = filled("close", MONTH, "--json")
    error = refused(ran, "internal_fault")
    log = Path(error["details"]["log"])
    assert log.parent == filled.home / "logs"
    assert "planted" in log.read_text(encoding="utf-8")
    assert "Traceback" not in ran.err


def test_rejected_rows_do_not_keep_the_good_ones_out_and_that_is_said(
    filled: CommandLine, tmp_path: Path
) -> None:
    rows = [{"vehicle_id": "V5", "rated_payload_t": 9}, {"vehicle_id": "V6", "rated_payload_t": -1}]
    path = write_csv(tmp_path / "v.csv", rows)
    ran = filled("ingest", "vehicles", path)
    assert ran.code == 1
    assert "The good rows are on record" in ran.out
    assert "line 3" in ran.out
    again = filled("ingest", "vehicles", path, "--json").json
    assert (again["rows_duplicate"], again["rows_rejected"]) == (1, 1)


def test_a_refused_file_is_not_kept_and_one_kept_before_stays(
    filled: CommandLine, tmp_path: Path
) -> None:
    def kept() -> list[str]:
        return sorted(file.name for file in (filled.home / "files").rglob("*") if file.is_file())

    before = kept()
    path = write_csv(tmp_path / "p.csv", [{"vehicle_id": "V1", "rated_payload_t": 7}])
    refused(filled("ingest", "positions", path, "--json"), "column_missing")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 but not really")
    assert filled("ingest", "positions", tmp_path / "x.parquet").code == 1
    assert kept() == before
    assert filled("ingest", "vehicles", path).code == 0
    refused(filled("ingest", "positions", path, "--json"), "column_missing")
    assert len(kept()) == len(before) + 1


def test_a_file_without_rows_is_taken_and_that_is_said(filled: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("vehicle_id,time,lon,lat\n", encoding="utf-8")
    ran = filled("ingest", "positions", tmp_path / "p.csv")
    assert (ran.code, "no rows" in ran.out) == (0, True)


def test_the_received_file_is_kept_by_its_digest(filled: CommandLine, tmp_path: Path) -> None:
    path = TinyFleet().write(tmp_path / "again")["orders"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    report = filled("ingest", "orders", path, "--json").json
    assert report["files"][0]["digest_sha256"] == digest
    kept = [file for file in (filled.home / "files").rglob(digest) if file.is_file()]
    assert [file.read_bytes() for file in kept] == [path.read_bytes()]


def test_a_pipe_serves_as_a_file_and_a_wrong_row_in_it_is_named(
    cli: CommandLine, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    sent = "vehicle_id,fuel_type,rated_payload_t\nT1,diesel,20\nT2,diesel,heavy\n"
    with ThreadPoolExecutor(1) as thread:
        sending = thread.submit(pipe.write_text, sent, encoding="utf-8")
        ran = cli("ingest", "vehicles", pipe, "--json")
        sending.result()
    row = rejected(ran, "not_a_number")["rejections"][0]
    assert (row["line"], row["column"]) == (3, "rated_payload_t")
    [file] = ran.json["files"]
    assert (file["file"], file["rows_accepted"]) == (str(pipe), 1)
    assert file["digest_sha256"] == hashlib.sha256(sent.encode()).hexdigest()
