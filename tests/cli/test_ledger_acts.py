"""The ledger from the command line on the tiny fleet: acts once, what is owed, proofs offline."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.running import CommandLine
from tests.services.tiny_fleet import MONTH

HELD = "held:driver/D1/V1"


def held_g(cli: CommandLine, account: str = HELD) -> int:
    rows = cli("ledger", "balance", "--json").json["balances"]
    return sum(row["amount"] for row in rows if row["account"] == account)


def sell(cli: CommandLine, lot: str, amount_g: int, *words: object) -> tuple[object, ...]:
    return ("ledger", "sell", lot, "--buyer", "City", "--grams", amount_g, "--price", 50,
            "--currency", "CNY", *words)  # fmt: skip


def test_an_act_is_done_once_whatever_is_asked_again(filled: CommandLine) -> None:
    filled("close", MONTH)
    before_g = held_g(filled)
    words = sell(filled, "L1", 1000)
    assert [filled(*words, "--json").json["outcome"] for _ in range(2)] == [
        "posted",
        "on_record_already",
    ]
    other = filled(*sell(filled, "L1", 999), "--json")
    assert (other.code, other.json["code"]) == (1, "transaction_id_taken")
    assert held_g(filled) == before_g - 1000
    redeem = ("ledger", "redeem", "V1", "--from", "held:driver/D1/", "--grams", 400, "--voucher",
              "fuel", "--price", 100_000, "--currency", "CNY")  # fmt: skip
    assert filled(*redeem).code == 0
    # 0.0004 t at 100,000 yuan: 40 yuan, owed until it is handed over.
    assert held_g(filled, "cash:voucher/D1/V1") == -4000
    assert filled("ledger", "deliver", "V1", "--dry-run", "--json").json["outcome"] == "dry_run"
    assert filled("ledger", "deliver", "V1", "--json").json["voucher_text"] == "40.00 CNY"
    assert filled("ledger", "deliver", "V1", "--json").json["outcome"] == "on_record_already"
    assert held_g(filled, "cash:voucher/D1/V1") == held_g(filled, "cash:platform") == 0
    assert filled("ledger", "deliver", "V9", "--json").json["code"] == "redemption_not_found"
    told = filled("ledger", "entries", "--driver", "D1", "--lang", "zh").out
    assert "兑换 fuel" in told
    assert "已交付" in told
    listed = filled("ledger", "entries", "--limit", 3, "--json").json
    rest = filled("ledger", "entries", "--after", listed["next_after"], "--json").json
    assert rest["entries"][0]["sequence"] == 4
    account = filled("accounts", MONTH, "--json").json
    assert account["ledger_sums"].startswith("issued ")
    assert " = held " in account["ledger_sums"]


def test_what_fell_after_it_was_sold_is_owed_and_met(filled: CommandLine) -> None:
    filled("close", MONTH)
    sold_g = held_g(filled)
    assert filled(*sell(filled, "L1", sold_g)).code == 0
    assert filled("ledger", "settle", "L1").code == 0
    baselines = next(
        one for one in filled("files", "--json").json["files"] if one["kind"] == "baselines"
    )
    assert filled("withdraw", baselines["file_id"], "--reason", "wrong").code == 0
    closed = filled("close", MONTH)
    assert "ledger owed" in closed.out
    owed = filled("ledger", "owed", "--json").json
    # The parts of the others are cancelled; what the driver had and sold nobody has.
    assert (owed["owed_g"], owed["buffer_g"]) == (sold_g, 0)
    assert owed["obligations"][0]["driver_id"] == "D1"
    assert "The operator owes" in filled("ledger", "balance").out
    refused = filled("ledger", "meet", "M1", "--json")
    assert refused.json["code"] == "obligation_beyond_reach"
    back = ("ledger", "refill", "R1", "--from", "sold/City", "--grams", sold_g)
    assert filled(*back, "--dry-run").code == filled(*back).code == 0
    met = filled("ledger", "meet", "M1", "--json").json
    assert (met["met_g"], met["still_owed_g"]) == (sold_g, 0)
    assert filled("ledger", "owed").out.strip() == "The operator owes nothing."
    assert filled("ledger", "verify").code == 0
    told = filled("explain", "D1", MONTH).out
    assert "the operator made good" in told
    assert "the operator owes them" in told


def test_certificates_and_growth_are_proven_offline_before_and_after_a_rotation(
    filled: CommandLine, tmp_path: Path
) -> None:
    filled("close", MONTH)
    filled(*sell(filled, "L1", 1000))
    filled("ledger", "settle", "L1")
    certificate, grown = tmp_path / "certificate.json", tmp_path / "grown.json"
    retired = filled("ledger", "retire", "R1", "--from", "sold/City", "--grams", 600,
                     "--beneficiary", "Marathon", "-o", certificate)  # fmt: skip
    assert retired.code == 0
    assert filled("ledger", "consistency", 1, "-o", grown).code == 0
    assert filled("ledger", "consistency", 4, 1, "--json").json["code"] == "checkpoints_reversed"
    assert "600 g retired on behalf of Marathon" in filled("verify", certificate).out
    assert "begins with the" in filled("verify", grown).out
    statement = tmp_path / "statement.json"
    assert filled("prove", "D1", MONTH, "-o", statement).code == 0
    assert "lot/L1: sale 1000 g" in filled("verify", statement).out
    assert len(filled("ledger", "checkpoints", "--json").json["checkpoints"]) == 4
    path = filled("ledger", "serial", f"{MONTH}/0")
    assert "retired/Marathon" in path.out
    assert filled("ledger", "serial", "x", "--json").json["code"] == "serial_malformed"
    keys = tmp_path / "keys.json"
    for words in ((), ("--stolen",)):
        assert filled("ledger", "keys", "rotate", *words).code == 0
        keys.write_text(json.dumps(filled("ledger", "keys", "list", "--json").json))
        # The first key signed it, and was neither lost nor stolen.
        assert filled("verify", statement, "--keys", keys).code == 0
        newer = tmp_path / f"newer{len(words)}.json"
        assert filled("prove", "D1", MONTH, "-o", newer).code == 0
        assert filled("verify", newer, "--keys", keys).code == 0
    stolen = filled("verify", tmp_path / "newer0.json", "--keys", keys)
    assert stolen.code == 1
    assert "was revoked" in stolen.out
