"""`fleet-carbon explain` on the tiny fleet: text, JSON, a file, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.running import CommandLine
from tests.services.tiny_fleet import MONTH


def test_an_account_is_explained_as_text_and_as_one_json_object(filled: CommandLine) -> None:
    filled("close", MONTH)
    text = filled("explain", "D1", MONTH)
    assert text.code == 0
    assert "equations hold." in text.out
    told = filled("explain", "D1", MONTH, "--json")
    assert told.code == 0
    assert told.json["accounts"][0]["recounted"]["holds"] is True
    in_chinese = filled("explain", "D1", MONTH, "--lang", "zh", "--vehicle", "V1")
    assert "账户的由来" in in_chinese.out


def test_an_explanation_is_written_to_a_file(filled: CommandLine, tmp_path: Path) -> None:
    filled("close", MONTH)
    ran = filled("explain", "D1", MONTH, "-o", tmp_path / "why.json")
    assert (ran.code, ran.out) == (0, "")
    assert json.loads((tmp_path / "why.json").read_text(encoding="utf-8"))["driver_id"] == "D1"


def test_unknown_drivers_trucks_and_months_are_refused_with_what_there_is(
    filled: CommandLine,
) -> None:
    never = filled("explain", "D1", MONTH, "--json")
    assert (never.code, never.json["code"]) == (1, "month_not_closed")
    filled("close", MONTH)
    driver = filled("explain", "D9", MONTH, "--json")
    assert (driver.code, driver.json["code"]) == (1, "account_not_found")
    assert "Drivers with one: D1." in driver.json["message"]
    truck = filled("explain", "D1", MONTH, "--vehicle", "V9", "--json")
    assert "Trucks with one: V1." in truck.json["message"]


def test_an_unknown_language_is_wrong_usage(filled: CommandLine) -> None:
    assert filled("explain", "D1", MONTH, "--lang", "fr").code == 2
