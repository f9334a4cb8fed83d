"""Every account of the sample fleet explained: complete, in both languages, and recounted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.frames import ACCOUNTS, NUMBER
from fleet_carbon.services.accounts import reading
from fleet_carbon.services.accounts.explaining import Explanation, explain_account
from fleet_carbon.services.running import demonstrating
from fleet_carbon.settings import Settings
from fleet_carbon.statements import chain_text, wording
from fleet_carbon.statements.wording import Words

MONTH = demonstrating.SAMPLE_MONTH
PAIRS = [("D01", "T01"), ("D02", "T01"), ("D03", "T02"), ("D04", "T03"), ("D05", "T04")]
# What is counted, timed, or taken from another table is no estimate with an interval.
NO_ESTIMATES = {
    "idle_h", "stop_h", "coverage_share", "car_like_km", "carbon_price", "co2_leakage_kg",
    "co2_avoided_low_kg", "co2_avoided_high_kg", "measured_l", "model_diesel_l",
    "measured_model_l", "overweight_tkm", "co2_common_standard_kg", "co2_single_standard_kg",
    "co2_luck_standard_kg",
}  # fmt: skip


@pytest.fixture(scope="module")
def settings(sample_fleet: Settings) -> Settings:
    return sample_fleet


def explained(settings: Settings, driver_id: str, vehicle_id: str, language: str) -> Explanation:
    return explain_account(settings, driver_id, MONTH, vehicle_id=vehicle_id, language=language)


@pytest.fixture(scope="module")
def all_of_them(settings: Settings) -> dict[tuple[str, str, str], Explanation]:
    return {
        (*pair, language): explained(settings, *pair, language)
        for pair in PAIRS
        for language in wording.LANGUAGES
    }


Explained = dict[tuple[str, str, str], Explanation]


def account_of(explanation: Explanation) -> dict[str, Any]:
    [account] = explanation.as_dict()["accounts"]
    return dict(account)


def lines_of(account: dict[str, Any], step: str) -> dict[str, dict[str, Any]]:
    [found] = [one for one in account["steps"] if one["step"] == step]
    return {line["name"]: line for line in found["lines"]}


def test_every_account_of_the_sample_fleet_has_an_explanation(settings: Settings) -> None:
    rows = reading.read_table(settings, "accounts", MONTH).rows
    assert list(zip(rows["driver_id"], rows["vehicle_id"], strict=True)) == PAIRS


def test_every_account_is_met_by_its_own_numbers(all_of_them: Explained) -> None:
    for explanation in all_of_them.values():
        recounted = account_of(explanation)["recounted"]
        failed = [one for one in recounted["equations"] if not one["holds"]]
        assert (recounted["holds"], failed) == (True, [])


def test_the_published_figures_are_those_explained(
    settings: Settings, all_of_them: Explained
) -> None:
    table = reading.read_table(settings, "accounts", MONTH)
    published = {(row["driver_id"], row["vehicle_id"]): row for row in table.as_dict()["rows"]}
    for (driver_id, vehicle_id, _), explanation in all_of_them.items():
        account = account_of(explanation)
        row = published[driver_id, vehicle_id]
        assert account["co2_credited_g"] == row["co2_credited_g"]
        assert lines_of(account, "credit")["co2_credited_g"]["value"] == row["co2_credited_g"]
        for name in ("distance_km", "transport_work_tkm", "load_rate_share"):
            assert lines_of(account, "legs")[name]["value"] == row[name]


def test_every_estimate_of_an_account_carries_an_interval(
    settings: Settings, all_of_them: Explained
) -> None:
    estimates = [
        one.name
        for one in ACCOUNTS.columns
        if one.dtype == NUMBER
        and one.name not in NO_ESTIMATES
        and not one.name.startswith("saved_against")
    ]
    facts = all_of_them["D03", "T02", "en"].accounts[0]
    bounds = {row["figure"]: row for row in facts.intervals}
    assert set(estimates) == set(bounds)
    for name in estimates:
        assert bounds[name]["value"] == pytest.approx(facts.account[name])
        assert bounds[name]["low"] <= bounds[name]["value"] <= bounds[name]["high"]


def test_every_line_of_every_step_has_a_source_that_is_known(all_of_them: Explained) -> None:
    for (_, _, language), explanation in all_of_them.items():
        told = explanation.as_dict()
        for account in told["accounts"]:
            for step in account["steps"]:
                without = [line["name"] for line in step["lines"] if not line["sources"]]
                assert set(without) <= {"diesel_saved_l", "diesel_source", "none"} | (
                    {"scale_index", "scale_share"} if account["vehicle_id"] == "T04" else set()
                )
        for code, source in told["sources"].items():
            if source["kind"] == "edition":
                assert source["status"] in wording.STATUSES, code
            if source["kind"] == "record":
                assert source["files"], code
            assert chain_text.source_text(source, Words(language), explanation.zone), code


def test_every_number_that_is_written_down_has_words_in_both_languages(
    all_of_them: Explained,
) -> None:
    named = (*wording.NUMBERS, *(f"{kind}_kg" for kind in wording.LEAKAGES))
    composed = (
        "_standard_share",
        "_standard_l",
        *(
            f"{n}_{m}"
            for n in wording.BASELINES
            for m in (
                "empty_share",
                "payload_share",
                "drawn_empty_share",
                "drawn_payload_share",
                "sample_count",
                "age_days",
            )
        ),
    )
    parameters = {words[0] for words in wording.LEAKAGES.values()}
    for explanation in all_of_them.values():
        for row in explanation.accounts[0].derivations:
            name = row["name"]
            assert name in named or name in parameters or name.endswith(composed), name


def test_the_chinese_text_is_chinese(all_of_them: Explained) -> None:
    for (_, _, language), explanation in all_of_them.items():
        for step in account_of(explanation)["steps"]:
            for line in step["lines"]:
                is_chinese = any("\u4e00" <= letter <= "\u9fff" for letter in line["text"])
                assert is_chinese == (language == "zh"), line


def test_both_languages_tell_the_same_numbers(all_of_them: Explained) -> None:
    for pair in PAIRS:
        told = [
            [
                (step["step"], line["name"], line["value"], line["low"], line["sources"])
                for step in account_of(all_of_them[(*pair, language)])["steps"]
                for line in step["lines"]
            ]
            for language in wording.LANGUAGES
        ]
        assert told[0] == told[1]


def test_the_form_of_the_json_is_fixed(all_of_them: Explained) -> None:
    told = all_of_them["D01", "T01", "en"].as_dict()
    json.dumps(told, allow_nan=False)
    assert list(told) == [
        "month", "fleet_id", "driver_id", "driver_name", "language", "run_id", "closed_at",
        "edition", "accounts", "sources",
    ]  # fmt: skip
    account = told["accounts"][0]
    assert list(account) == [
        "vehicle_id",
        "co2_credited_g",
        "steps",
        "entries",
        "ledger",
        "recounted",
    ]
    assert [step["step"] for step in account["steps"]] == list(wording.STEPS)
    for step in account["steps"]:
        assert list(step) == ["step", "title", "lines"]
        for line in step["lines"]:
            assert list(line) == ["name", "text", "value", "unit", "low", "high", "sources"]


def test_the_entries_of_the_ledger_that_hold_the_grams_are_named(all_of_them: Explained) -> None:
    account = account_of(all_of_them["D01", "T01", "en"])
    entries = account["entries"]
    # Shared between driver, fleet, platform and buffer, and nothing of it lost.
    assert [entry["debit_account"] for entry in entries] == [
        "held:driver/D01/T01", "held:fleet", "held:platform", "buffer",
    ]  # fmt: skip
    assert sum(entry["amount"] for entry in entries) == account["co2_credited_g"] > 0
    holders = (
        "held by driver D01 with truck T01", "held by the fleet", "held by the platform", "buffer",
    )  # fmt: skip
    for entry, holder in zip(entries, holders, strict=True):
        line = lines_of(account, "credit")[entry["entry_id"]]
        assert line["value"] == entry["entry_hash"]
        assert f"{entry['amount']:,} g from issued to {holder}" in line["text"]


def test_an_unproven_order_is_told_with_its_reason(all_of_them: Explained) -> None:
    orders = lines_of(account_of(all_of_them["D01", "T01", "en"]), "orders")
    assert "never stopped near the place of loading" in orders["T01-9002"]["text"]
    assert "cancelled" in orders["T01-9001"]["text"]


def test_a_driver_of_two_trucks_or_all_trucks_is_explained_together(settings: Settings) -> None:
    assert len(explain_account(settings, "D01", MONTH).accounts) == 1
    text = "\n".join(explain_account(settings, "D01", MONTH).lines())
    assert text.startswith("How the account of 张三 (D01), truck T01, 2026-09 came about")
    assert "equations hold." in text


def test_an_unknown_driver_is_told_who_is_known(settings: Settings) -> None:
    with pytest.raises(NotFound) as unknown:
        explain_account(settings, "D99", MONTH)
    assert unknown.value.code == "account_not_found"
    assert "D01, D02, D03, D04, D05" in unknown.value.message


def test_an_unknown_truck_month_or_language_is_refused_by_name(settings: Settings) -> None:
    with pytest.raises(NotFound) as truck:
        explain_account(settings, "D01", MONTH, vehicle_id="T09")
    assert "T01" in truck.value.message
    with pytest.raises(NotFound) as month:
        explain_account(settings, "D01", "2025-01")
    assert "2026-09" in month.value.message
    with pytest.raises(InputRefused) as language:
        explain_account(settings, "D01", MONTH, language="de")
    assert language.value.code == "language_unknown"


def test_a_file_holds_the_text_or_the_json(settings: Settings, tmp_path: Path) -> None:
    explanation = explain_account(settings, "D03", MONTH, language="zh")
    explanation.write(tmp_path / "why.txt")
    explanation.write(tmp_path / "why.json")
    written = (tmp_path / "why.txt").read_text(encoding="utf-8")
    assert written == "\n".join(explanation.lines()) + "\n"
    assert json.loads((tmp_path / "why.json").read_text(encoding="utf-8")) == explanation.as_dict()


def test_the_accounts_as_json_carry_the_intervals_of_their_figures(settings: Settings) -> None:
    rows = reading.read_table(settings, "accounts", MONTH).as_dict()["rows"]
    for row in rows:
        for figure, bounds in row["intervals"].items():
            assert bounds["low"] <= row[figure] + 1e-9, figure
            assert bounds["high"] >= row[figure] - 1e-9, figure
    assert {"distance_km", "diesel_saved_l", "co2_avoided_kg"} <= rows[0]["intervals"].keys()
    legs = reading.read_table(settings, "legs", MONTH).as_dict()["rows"]
    assert "intervals" not in legs[0]
