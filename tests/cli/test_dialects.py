"""A dialect is named, listed and suggested; a profile of the user goes before what it declares."""

from __future__ import annotations

from pathlib import Path

from tests.cli.running import CommandLine

GOLDEN = Path(__file__).parents[1] / "ingest" / "dialects" / "golden"


def trucks(cli: CommandLine, folder: Path) -> None:
    path = folder / "vehicles.csv"
    path.write_text("vehicle_id,rated_payload_t\nT01,30\nTruck 7,30\n", encoding="utf-8")
    assert cli("ingest", "vehicles", path).code == 0


def test_a_file_of_a_dialect_is_suggested_and_taken_in_when_it_is_named(
    cli: CommandLine, tmp_path: Path
) -> None:
    trucks(cli, tmp_path)
    path = GOLDEN / "nmea_rmc.log"
    refused = cli("ingest", "positions", path)
    assert refused.code == 1
    assert "dialect nmea" in refused.err
    told = cli("ingest", "positions", path, "--dialect", "nmea", "--vehicle", "T01", "--json")
    assert (told.code, told.json["rows_accepted"]) == (0, 1)


def test_a_profile_goes_before_what_a_dialect_declares(cli: CommandLine, tmp_path: Path) -> None:
    trucks(cli, tmp_path)
    profile = tmp_path / "my.yaml"
    profile.write_text("columns: {vehicle_id: device_name}\n", encoding="utf-8")
    path = GOLDEN / "traccar_forwarded.json"
    words = ("ingest", "positions", path, "--dialect", "traccar", "--json")
    assert cli(*words).json["rows_rejected"] == 1  # its device number is no truck
    assert cli(*words, "--source", profile).json["rows_accepted"] == 1


def test_dialects_are_listed_with_what_they_declare(cli: CommandLine) -> None:
    listed = {one["name"]: one for one in cli("dialects", "--json").json["dialects"]}
    assert listed["traccar"]["declares"]["units"]["speed"] == "knots"
    assert "jt808" in cli("dialects").out
