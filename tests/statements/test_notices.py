"""What a command tells a person: differences can be seen, and nothing untrue is added."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_carbon.statements import notices


def closed(*changes: dict[str, Any], **more: Any) -> str:
    report = {
        "month": "2026-03", "fleet_id": "f", "edition": "e 1", "vehicles": 1, "fixes_read": 1,
        "fixes_dropped": {}, "legs": 1, "orders": 2, "orders_cancelled": 1, "orders_matched": 1,
        "accounts": 1, "co2_credited_g": 0, "ledger_entries": 0, "suspicions": [],
        "later_months": [], "dry_run": False,
        "first_close": False, "changed": True, "changes": list(changes),
        "ledger_sums": "issued 0 g", "reversed_from_buffer_g": 0, "obligation_opened_g": 0,
        "obligations_open_g": 0,
    }  # fmt: skip
    return "\n".join(notices.closing_lines(report | more))


def test_what_the_buffer_bore_and_what_is_owed_is_said_and_else_nothing() -> None:
    text = closed()
    assert "ledger of the fleet: issued 0 g" in text
    assert "buffer" not in text
    text = closed(reversed_from_buffer_g=1_500, obligation_opened_g=200, obligations_open_g=3_200)
    assert "1.500 kg CO2 of what fell were no longer held" in text
    assert "the operator owes it 3.200 kg CO2, 0.200 kg CO2 of it since this close" in text


def change(kind: str, **figures: tuple[Any, Any]) -> dict[str, Any]:
    return {
        "driver_id": "D1",
        "vehicle_id": "V1",
        "kind": kind,
        "reasons": ["positions"],
        "figures": figures,
    }


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (2703.21, 2704.0, "2,703.210  ->  2,704.000"),
        (2703.21, 2703.21002, "2,703.21000  ->  2,703.21002"),
        (None, 1.5, "none  ->  1.500"),
    ],
)
def test_a_change_is_shown_with_the_digits_it_takes_to_see_it(
    before: float | None, after: float, shown: str
) -> None:
    text = closed(change("changed", distance_km=(before, after)))
    assert shown in text


@pytest.mark.parametrize("kind", ["new", "gone"])
def test_an_account_that_appears_or_goes_takes_one_line(kind: str) -> None:
    text = closed(change(kind, distance_km=(None, 1.0), month=(None, "2026-03")))
    assert f"D1 on V1 ({kind}): the positions on record changed" in text
    assert "->" not in text


def told(code: str) -> str:
    suspicion = {"code": code, "text": "T.", "evidence": "E", "remedy": "R."}
    one = {"rows_rejected": 0, "suspicions": [suspicion], "remarks": {}, "columns_ignored": []}
    counts = dict.fromkeys(("rows_read", "rows_accepted", "rows_duplicate"), 0)
    return "\n".join(notices.intake_lines({"files": [{"file": "a.csv", **counts, **one}]}))


@pytest.mark.parametrize(
    ("code", "is_untouched"),
    [("swapped", True), ("orders_restated", False), ("orders_came_late", False)],
)
def test_nothing_was_changed_is_said_only_where_it_is_true(code: str, is_untouched: bool) -> None:
    assert ("Nothing was changed." in told(code)) == is_untouched
