"""The ledger from the command line: a month is closed, sold, paid out and retired."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.running import CommandLine


def test_a_closed_month_is_sold_paid_out_and_retired(cli: CommandLine, tmp_path: Path) -> None:
    assert cli("demo").code == 0
    held = cli("ledger", "balance", "--json").json["balances"]
    issued_g = -next(one["amount"] for one in held if one["account"] == "issued")
    sale = ("ledger", "sell", "L1", "--buyer", "City", "--grams", 1000, "--price", "50000")
    folder = tmp_path / "L1"
    words = (*sale, "--currency", "CNY", "--grade", "measured", "-o", folder, "--json")
    shown = cli(*words, "--dry-run").json
    assert (shown["outcome"], cli("ledger", "balance", "--json").json["balances"]) == (
        "dry_run",
        held,
    )
    sold = cli(*words).json
    assert sold["entries_count"] == len(shown["entries"])
    # 1 kg at 50,000 yuan a tonne: 50 yuan.
    assert sold["proceeds_text"] == "50.00 CNY"
    assert sold["vintages"][0]["grade"] == "measured"
    evidence = json.loads((folder / "evidence.json").read_text(encoding="utf-8"))
    assert evidence["vintages"]["2026-09"]["tables"]["accounts"]
    assert cli("ledger", "settle", "L1", "--json").json["to_holders"] == 5000
    assert cli("ledger", "pay", "L1", "--json").json["to_holders"] == 5000
    # The one driver of the sample fleet who drove in one province only.
    local = ("ledger", "sell", "L2", "--buyer", "B", "--grams", 500, "--price", 1, "--currency")
    found = cli(*local, "CNY", "--region", "河南", "--dry-run", "--json").json
    assert [one["credit_account"] for one in found["entries"]] == ["held:driver/D04/T03"]
    half = cli(
        *local, "CNY", "--region", "河南", "--region-share", 0.15, "--dry-run", "--json"
    ).json
    assert half["holders_count"] == 2
    assert "| 河南省 |" in (folder / "report.md").read_text(encoding="utf-8")
    certificate = tmp_path / "certificate.md"
    retired = cli("ledger", "retire", "R1", "--from", "sold/City", "--grams", 1000,
                  "--beneficiary", "Marathon", "-o", certificate)  # fmt: skip
    assert retired.code == 0
    assert f"issued {issued_g:,} g = held" in retired.out
    assert "retired 1,000" in retired.out
    assert "Marathon" in certificate.read_text(encoding="utf-8")
    listed = cli("ledger", "entries", "--driver", "D01")
    assert "lot L1 to City, paid out" in listed.out
    assert "default/cn-freight 2026.1/2026-09/0-" in listed.out
    assert cli("doctor").code == 0


def test_what_cannot_be_done_is_refused_with_a_hint(cli: CommandLine, tmp_path: Path) -> None:
    cli.home.mkdir()
    assert cli("ledger", "settle", "none", "--json").json["code"] == "lot_not_found"
    refused = cli("ledger", "cancel", "c", "--from", "pending/L", "--grams", 1, "--reason", "r")
    assert refused.code == 1
    assert "pending" in refused.err
    assert cli("ledger", "sell", "L", "--buyer", "B", "--json").json["code"] == "amount_malformed"


def test_a_price_may_be_for_a_market_and_not_saleable(cli: CommandLine) -> None:
    words = ("price", "set", "BJ", "--price", "50", "--currency", "CNY", "--unit")
    scope = ("--market", "Beijing", "--vintage", "2026", "--grade", "measured", "--floor", "45")
    one = cli(*words, "t", "--from", "2026-01-01", *scope, "--not-saleable", "--json").json
    assert (one["market"], one["vintage"], one["floor"]) == ("Beijing", "2026", "45")
    assert one["is_saleable"] is False
    assert "not saleable today" in cli("price", "list").out
    refused = cli(*words, "l", "--from", "2026-01-01", "--floor", "1", "--json")
    assert refused.json["code"] == "price_scope_refused"
