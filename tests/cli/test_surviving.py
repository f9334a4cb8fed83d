"""A ledger outlives its operator, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import CommandLine
from tests.services.tiny_fleet import MONTH


def test_a_closed_month_goes_to_another_home_and_is_proven_there(
    filled: CommandLine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert filled("close", MONTH).code == 0
    archive, account = tmp_path / "a.zip", tmp_path / "d1.zip"
    told = filled("export", "-o", archive, "--json").json
    assert filled("export", "--driver", "D1", "-o", account).code == 0
    other = CommandLine(tmp_path / "other", capsys)
    for file in (archive, account):
        assert other("verify", file, "--key", told["key_id"]).code == 0
        assert other("verify", file, "--key", "0" * 32).code == 1
    assert other("import", archive, "--key", "0" * 32, "--json").json["code"] == (
        "archive_not_proven"
    )
    assert not other.home.exists()
    taken = other("import", archive, "--key", told["key_id"])
    assert taken.code == 0
    assert "from now on the key" in taken.out
    assert other("import", archive, "--json").json["new"] is False
    assert other("ledger", "verify").code == 0
    statement = tmp_path / "s.json"
    assert other("prove", "D1", MONTH, "-o", statement).code == 0
    assert other("verify", statement).code == 0
    same = ("ledger", "balance", "--json")
    assert other(*same).json == filled(*same).json
    assert other("accounts", MONTH, "--json").json == filled("accounts", MONTH, "--json").json
    gone_on = ("ledger", "transfer", "t1", "--from", "held:driver/D1/", "--grams", 1)
    assert other(*gone_on, "--good", "Trees").code == 0
    assert other("doctor").code == 0


def test_every_fleet_of_an_installation_goes_out_at_once(
    filled: CommandLine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert filled("close", MONTH).code == 0
    assert filled("--fleet", "second", "ledger", "checkpoint").code == 0
    folder = tmp_path / "archives"
    told = filled("export", "--all-fleets", "-o", folder, "--json").json["archives"]
    assert [one["fleet_id"] for one in told] == ["default", "second"]
    other = CommandLine(tmp_path / "other", capsys)
    for one in told:
        assert other("import", folder / f"{one['fleet_id']}.zip", "--key", one["key_id"]).code == 0
        assert other("--fleet", one["fleet_id"], "ledger", "verify").code == 0
    assert filled("export", "--all-fleets", "--driver", "D1", "-o", folder).code == 2
