"""A file ingested wrongly is found, taken back and ingested again; closed months follow."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from fleet_carbon.ingest.coordinates import wgs84_to_gcj02
from fleet_carbon.ingest.places import Gazetteer
from tests.cli.running import CommandLine
from tests.services.tiny_fleet import MONTH, Rows, TinyFleet, northward_order, shuttle, write_csv


def id_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def in_gcj02(rows: Rows) -> Rows:
    """The same fixes as a map service of the mainland states them."""
    given = (np.array([row[axis] for row in rows], float) for axis in ("lon", "lat"))
    lon, lat = wgs84_to_gcj02(*given, Gazetteer.load().mainland)
    return [
        {**row, "lon": round(x, 6), "lat": round(y, 6)}
        for row, x, y in zip(rows, lon.tolist(), lat.tolist(), strict=True)
    ]


def accounts(cli: CommandLine) -> str:
    return cli("accounts", MONTH, "--format", "csv").out


def withdraw(cli: CommandLine, path: Path, *words: str) -> dict[str, object]:
    ran = cli("withdraw", id_of(path)[:12], "--reason", "wrong", *words, "--json")
    assert ran.code == 0, ran
    return ran.json


@pytest.fixture
def positions(tmp_path: Path, filled: CommandLine) -> Path:
    """The file of positions that the filled home holds."""
    return TinyFleet().write(tmp_path / "again")["positions"]


def test_the_files_of_the_fleet_are_listed(filled: CommandLine, positions: Path) -> None:
    listed = filled("files", "--json").json["files"]
    assert [one["kind"] for one in listed] == [
        "vehicles", "drivers", "baselines", "orders", "positions",
    ]  # fmt: skip
    last = listed[-1]
    assert last["file_id"] == id_of(positions)
    assert last["id"] == id_of(positions)[:12]
    assert last["name"] == "positions.csv"
    assert last["rows_accepted"] == len(shuttle(3))
    assert (last["rows_duplicate"], last["rows_rejected"]) == (0, 0)
    assert last["options"] == {"crs": "wgs84", "time_zone": "Asia/Shanghai", "profile": None}
    assert last["withdrawn"] is False
    text = filled("files", "--kind", "positions").out
    assert last["id"] in text
    assert "vehicles" not in text


def test_no_files_are_said_to_be_none(cli: CommandLine) -> None:
    assert cli("price", "list").code == 0  # makes the home
    assert cli("files").out == "No files on record.\n"
    assert cli("files", "--json").json["files"] == []


def test_positions_read_in_the_wrong_system_are_put_right(cli: CommandLine, tmp_path: Path) -> None:
    paths = TinyFleet().write(tmp_path / "right")
    cli.ingest_all({kind: path for kind, path in paths.items() if kind != "positions"})
    shifted = write_csv(tmp_path / "gcj02.csv", in_gcj02(shuttle(3)))
    assert cli("ingest", "positions", shifted).code == 0
    cli("close", MONTH)
    wrong = accounts(cli)
    report = withdraw(cli, shifted)
    assert report["months_to_close_again"] == [MONTH]
    assert accounts(cli) == wrong  # a closed month stays as it is until it is closed again

    again = cli("ingest", "positions", shifted, "--crs", "gcj02", "--json").json
    assert (again["rows_accepted"], again["rows_duplicate"]) == (len(shuttle(3)), 0)
    closed = cli("close", MONTH, "--json").json
    assert closed["changed"] is True
    assert {reason for one in closed["changes"] for reason in one["reasons"]} == {"positions"}
    listed = cli("files", "--kind", "positions", "--json").json["files"]
    assert [one["withdrawn"] for one in listed] == [True, False]
    assert [one["options"]["crs"] for one in listed] == ["wgs84", "gcj02"]
    assert cli("doctor").code == 0


def test_what_is_withdrawn_and_ingested_again_changes_nothing(
    filled: CommandLine, positions: Path
) -> None:
    filled("close", MONTH)
    before = accounts(filled)
    withdraw(filled, positions)
    filled("ingest", "positions", positions)
    closed = filled("close", MONTH, "--json").json
    assert closed["changed"] is False
    assert closed["ledger_entries"] == 0
    assert accounts(filled) == before


def test_a_month_whose_positions_are_all_withdrawn_closes_to_nothing(
    filled: CommandLine, positions: Path
) -> None:
    credited = filled("close", MONTH, "--json").json["co2_credited_g"]
    assert credited > 0
    withdraw(filled, positions)
    again = filled("close", MONTH, "--json")
    assert again.code == 0, again
    assert (again.json["accounts"], again.json["co2_credited_g"]) == (0, 0)
    assert {change["kind"] for change in again.json["changes"]} == {"gone"}
    assert filled("doctor", "--json").code == 0


def test_a_month_closed_without_a_withdrawn_order_says_why(
    filled: CommandLine, tmp_path: Path
) -> None:
    filled("close", MONTH)
    before = accounts(filled)
    more = write_csv(tmp_path / "more.csv", [northward_order("O1", 0, cargo_t=20, version=2)])
    filled("ingest", "orders", more)
    filled("close", MONTH)
    assert accounts(filled) != before
    assert withdraw(filled, more)["months_to_close_again"] == [MONTH]
    closed = filled("close", MONTH, "--json").json
    assert {reason for one in closed["changes"] for reason in one["reasons"]} == {"orders"}
    assert accounts(filled) == before


def test_a_month_closed_before_the_file_came_is_not_named(
    filled: CommandLine, tmp_path: Path
) -> None:
    filled("close", MONTH)
    late = write_csv(tmp_path / "late.csv", [northward_order("O3", 1)])
    filled("ingest", "orders", late)
    assert withdraw(filled, late)["months_to_close_again"] == []


def test_a_month_whose_accounts_name_the_driver_is_to_be_closed_again(
    filled: CommandLine, tmp_path: Path
) -> None:
    filled("close", MONTH)
    stranger = write_csv(tmp_path / "stranger.csv", [{"driver_id": "D9", "name": "李四"}])
    filled("ingest", "drivers", stranger)
    filled("close", MONTH)
    assert withdraw(filled, stranger)["months_to_close_again"] == []
    drivers = TinyFleet().write(tmp_path / "again")["drivers"]
    assert withdraw(filled, drivers)["months_to_close_again"] == [MONTH]
    closed = filled("close", MONTH, "--json").json
    assert "" in {one["driver_id"] for one in closed["changes"]}


def test_files_that_lost_duplicates_to_a_withdrawn_one_are_named(
    filled: CommandLine, positions: Path, tmp_path: Path
) -> None:
    longer = write_csv(tmp_path / "longer.csv", shuttle(4))
    first, all_of_it = len(shuttle(3)), len(shuttle(4))
    ran = filled("ingest", "positions", longer, "--json").json
    assert (ran["rows_accepted"], ran["rows_duplicate"]) == (all_of_it - first, first)
    withdrawn = filled("withdraw", id_of(positions)[:6], "--reason", "wrong truck")
    assert id_of(longer)[:12] in withdrawn.out
    assert "ingest these files again" in withdrawn.out
    ran = filled("ingest", "positions", longer, "--json").json
    assert (ran["rows_accepted"], ran["rows_duplicate"]) == (first, all_of_it - first)


def test_all_standing_receptions_of_a_file_are_withdrawn(cli: CommandLine, tmp_path: Path) -> None:
    cli.ingest_all({"vehicles": TinyFleet().write(tmp_path / "right")["vehicles"]})
    shifted = write_csv(tmp_path / "gcj02.csv", in_gcj02(shuttle(1)))
    cli("ingest", "positions", shifted)
    cli("ingest", "positions", shifted, "--crs", "gcj02")
    report = withdraw(cli, shifted)
    assert isinstance(report["withdrawn"], list)
    assert [one["options"]["crs"] for one in report["withdrawn"]] == ["wgs84", "gcj02"]
    assert cli("ingest", "positions", shifted, "--json").json["rows_duplicate"] == 0


def test_a_file_ingested_as_two_kinds_is_withdrawn_as_one_of_them(
    cli: CommandLine, tmp_path: Path
) -> None:
    row = {"driver_id": "D1", "vehicle_id": "V1", "rated_payload_t": 20}
    both = write_csv(tmp_path / "both.csv", [row])
    for kind in ("vehicles", "drivers"):
        assert cli("ingest", kind, both).code == 0
    withdraw(cli, both, "--kind", "drivers")
    listed = cli("files", "--json").json["files"]
    assert [(one["kind"], one["withdrawn"]) for one in listed] == [
        ("vehicles", False),
        ("drivers", True),
    ]
    withdraw(cli, both)
    assert all(one["withdrawn"] for one in cli("files", "--json").json["files"])


def test_trucks_that_are_needed_are_not_taken_away(filled: CommandLine, tmp_path: Path) -> None:
    paths = TinyFleet().write(tmp_path / "again")
    words = ("withdraw", id_of(paths["vehicles"]), "--reason", "wrong", "--json")
    refused = filled(*words)
    assert refused.code == 1
    assert refused.json["code"] == "vehicles_needed"
    assert "V1" in refused.json["message"]
    assert not any(one["withdrawn"] for one in filled("files", "--json").json["files"])
    for kind in ("positions", "orders"):
        withdraw(filled, paths[kind])
    assert filled(*words).code == 0


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("abc", "--reason", "x"), "file_id_malformed"),
        (("positions.csv", "--reason", "x"), "file_id_malformed"),
        (("000000", "--reason", "x"), "file_not_found"),
        (("000000", "--reason", "  "), "reason_missing"),
    ],
)
def test_what_cannot_be_withdrawn_is_refused(
    filled: CommandLine, words: tuple[str, ...], code: str
) -> None:
    refused = filled("withdraw", *words, "--json")
    assert refused.code == 1
    assert refused.json["code"] == code


def test_a_file_is_withdrawn_once_and_only_as_what_it_was(
    filled: CommandLine, positions: Path
) -> None:
    file_id = id_of(positions)
    other = filled("withdraw", file_id, "--reason", "x", "--kind", "energy", "--json")
    assert (other.code, other.json["code"]) == (1, "file_not_of_kind")
    withdraw(filled, positions)
    again = filled("withdraw", file_id, "--reason", "x", "--json")
    assert (again.code, again.json["code"]) == (1, "file_withdrawn_already")
    assert "wrong" in again.json["message"]


def test_an_ambiguous_id_is_refused(filled: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    import re

    from fleet_carbon.services.intake import withdrawing

    # No digits at all fit every file: what six digits do among millions of files.
    monkeypatch.setattr(withdrawing, "_PREFIX", re.compile("^$"))
    refused = filled("withdraw", "", "--reason", "x", "--json")
    assert (refused.code, refused.json["code"]) == (1, "file_id_ambiguous")
    assert "5 files" in refused.json["message"]
