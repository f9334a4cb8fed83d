"""The demo: from the sample files to an account, twice the same; and the published example."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import CommandLine
from tests.services.tiny_fleet import write_csv


def test_the_published_example_prints_its_figures_and_what_it_leaves_open(
    cli: CommandLine,
) -> None:
    # contract, section 4
    ran = cli("demo", "--case", "manbang")
    assert ran.code == 0
    for figure in ("4,400", "37,400", "12.6", "2.8636", "378 yuan a year", "437,439"):
        assert figure in ran.out
    assert "leaves open" in ran.out
    found = cli("demo", "--case", "manbang", "--json").json
    assert found["saved_l"] == pytest.approx(4400, abs=0.01)
    assert found["fuel_value_cny"] == pytest.approx(37400, abs=0.1)
    assert found["article"]["co2_t"] == pytest.approx(12.6, abs=0.005)
    assert found["article"]["value_cny_per_year"] == pytest.approx(378, abs=0.1)


@pytest.mark.slow
def test_the_demo_shows_an_account_and_a_second_run_adds_nothing(cli: CommandLine) -> None:
    ran = cli("demo")
    assert ran.code == 0, ran.err
    for words in ("CO2 credited", "Diesel saved", "实载率", "Try next", "CNY"):
        assert words in ran.out
    again = cli("demo", "--json").json
    for report in again["ingested"].values():
        assert report["rows_accepted"] == 0
    assert again["closed"]["changed"] is False
    assert len(cli("price", "list", "--json").json["prices"]) == 2
    accounts = cli("accounts", "2026-09", "--json").json["rows"]
    assert {row["driver_id"] for row in accounts} == {"D01", "D02", "D03", "D04", "D05"}


def test_the_demo_is_not_mixed_with_a_fleet_of_its_own(cli: CommandLine, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "v.csv", [{"vehicle_id": "MINE", "rated_payload_t": 9}])
    assert cli("ingest", "vehicles", path).code == 0
    ran = cli("demo", "--json")
    assert ran.code == 1
    assert ran.json["code"] == "fleet_not_empty"


def test_missing_samples_are_named(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEET_CARBON_SAMPLES_DIR", str(tmp_path / "nothing"))
    ran = cli("demo", "--json")
    assert ran.code == 1
    assert ran.json["code"] == "samples_missing"
