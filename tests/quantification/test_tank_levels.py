"""Receipts beside the level of the tank: fills without receipt, receipts without fill, drains."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from fleet_carbon.frames import LEVEL_CHANGES, RECEIPTS
from fleet_carbon.quantification.receipt_codes import REMARKS, VERDICTS
from fleet_carbon.quantification.tank_levels import heed_levels
from tests.quantification.account_builders import EDITION, MONTH

AT = MONTH.starts_at + timedelta(days=9, hours=6)
# By the edition a fill lies within half an hour of its receipt and agrees within 15 % of the tank.
TANK_L = 600.0


def receipt(**given: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "vehicle_id": "T1", "bought_at": AT, "fuelled_at": AT, "receipt_id": "R1",
        "quantity": 400.0, "unit": "l", "verdict": "counted", "counted_quantity": 400.0,
        "counted_unit": "l", "is_hour_known": True, "tank_quantity": TANK_L,
        "remarks": "place_confirmed", "text": "Counted.",
    }  # fmt: skip
    return row | given


def change(
    litres: float, *, hours: float = 0.0, lasts_h: float = 0.2, **given: Any
) -> dict[str, Any]:
    started_at = AT + timedelta(hours=hours)
    return {
        "vehicle_id": "T1",
        "started_at": started_at,
        "finished_at": started_at + timedelta(hours=lasts_h),
        "change_l": litres,
        "lon": 114.0,
        "lat": 30.0,
        **given,
    }


def heeded(receipts: list[dict[str, Any]], changes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = heed_levels(
        RECEIPTS.shape(pd.DataFrame(receipts, columns=RECEIPTS.names)),
        LEVEL_CHANGES.shape(pd.DataFrame(changes, columns=LEVEL_CHANGES.names)),
        month=MONTH,
        edition=EDITION,
    )
    assert set(found["verdict"]) <= VERDICTS.keys()
    assert {code for one in found["remarks"] for code in one.split(";") if one} <= REMARKS.keys()
    return found.to_dict("records")


def test_a_fill_that_agrees_changes_nothing() -> None:
    (row,) = heeded([receipt()], [change(380.0)])
    assert (row["remarks"], row["text"]) == ("place_confirmed", "Counted.")


@pytest.mark.parametrize(("litres", "differs"), [(311.0, False), (309.0, True), (491.0, True)])
def test_a_fill_of_another_quantity_is_remarked(litres: float, differs: bool) -> None:
    # 15 % of 600 l are 90 l.
    (row,) = heeded([receipt()], [change(litres)])
    assert ("fill_differs" in row["remarks"].split(";")) == differs
    assert (f"rose by {litres:.0f} l" in row["text"]) == differs
    assert row["counted_quantity"] == 400


def test_two_receipts_of_one_fill_are_held_against_it_together() -> None:
    two = [receipt(quantity=200.0, counted_quantity=200.0, receipt_id=f"R{n}") for n in (1, 2)]
    assert all(row["remarks"] == "place_confirmed" for row in heeded(two, [change(400.0)]))


def test_a_receipt_without_fill_of_a_truck_that_states_its_level_is_remarked() -> None:
    later = change(300.0, hours=5.0)
    first, second = heeded([receipt()], [later])
    assert first["remarks"] == "place_confirmed;no_fill_seen"
    assert (first["verdict"], first["counted_quantity"]) == ("counted", 400)
    assert second["verdict"] == "fill_without_receipt"


def test_half_an_hour_beside_the_fill_still_is_its_receipt() -> None:
    assert heeded([receipt()], [change(390.0, hours=0.5)])[0]["remarks"] == "place_confirmed"
    assert len(heeded([receipt()], [change(390.0, hours=0.51)])) == 2
    assert heeded([receipt()], [change(390.0, hours=-0.7)])[0]["remarks"] == "place_confirmed"
    assert len(heeded([receipt()], [change(390.0, hours=-0.71)])) == 2


def test_a_fill_without_receipt_has_a_row_that_counts_nothing() -> None:
    fill = change(250.0, hours=30.0)
    row = heeded([receipt()], [change(400.0), fill])[1]
    assert (row["verdict"], row["quantity"], row["counted_quantity"]) == (
        "fill_without_receipt", 250.0, 0.0,
    )  # fmt: skip
    assert row["bought_at"] == fill["started_at"]
    assert row["tank_quantity"] == TANK_L
    assert row["text"] == (
        "The level of the tank rose and no receipt tells of it. It rose by 250 l."
    )


def test_a_drain_while_standing_has_a_row_even_without_any_receipt() -> None:
    (row,) = heeded([], [change(-80.0)])
    assert (row["verdict"], row["quantity"], row["counted_quantity"]) == ("fuel_drained", 80.0, 0)
    assert "fell by 80 l" in row["text"]


def test_fills_of_a_truck_without_any_receipt_are_not_told() -> None:
    assert heeded([], [change(300.0)]) == []
    other = heeded([receipt()], [change(300.0, vehicle_id="T2")])
    assert [row["vehicle_id"] for row in other] == ["T1"]
    assert other[0]["remarks"] == "place_confirmed"  # T1 states no level


@pytest.mark.parametrize("verdict", ["duplicate", "litres_amount_mixed", "beyond_tank"])
def test_a_refused_quantity_still_tells_of_the_fill(verdict: str) -> None:
    (row,) = heeded([receipt(verdict=verdict, counted_quantity=0.0)], [change(400.0)])
    assert (row["verdict"], row["remarks"]) == (verdict, "place_confirmed")


@pytest.mark.parametrize("verdict", ["place_contradicted", "not_fuel_of_truck", "wrong_date"])
def test_what_was_bought_for_something_else_tells_of_no_fill(verdict: str) -> None:
    rows = heeded([receipt(verdict=verdict, counted_quantity=0.0)], [change(400.0)])
    assert sorted(row["verdict"] for row in rows) == sorted([verdict, "fill_without_receipt"])


def test_a_receipt_of_the_day_tells_of_a_fill_of_that_day() -> None:
    noon = {"fuelled_at": AT + timedelta(hours=9), "is_hour_known": False}
    assert heeded([receipt(**noon)], [change(400.0)])[0]["remarks"] == "place_confirmed"
    rows = heeded([receipt(**noon)], [change(400.0, hours=30.0)])
    assert "no_fill_seen" not in rows[0]["remarks"]  # it may lie in a halt too short to be seen


def test_nothing_is_told_so_near_to_the_border_that_the_receipt_may_lie_beyond() -> None:
    at_border = (MONTH.ends_at - AT) / timedelta(hours=1)
    assert len(heeded([receipt()], [change(400.0), change(200.0, hours=at_border - 0.6)])) == 1
    assert len(heeded([receipt()], [change(400.0), change(200.0, hours=at_border - 0.71)])) == 2


def test_gas_is_no_matter_of_litres() -> None:
    gas = receipt(counted_unit="kg", unit="kg")
    (row,) = heeded([gas], [change(300.0)])
    assert row["remarks"] == "place_confirmed"


def test_what_other_trucks_state_changes_nothing() -> None:
    alone = heeded([receipt()], [change(200.0)])
    other = receipt(vehicle_id="T0", fuelled_at=AT + timedelta(hours=1))
    together = heeded([other, receipt()], [change(200.0), change(-50.0, vehicle_id="T9")])
    assert repr([row for row in together if row["vehicle_id"] == "T1"]) == repr(alone)


def test_without_changes_the_receipts_are_what_they_were() -> None:
    table = RECEIPTS.shape(pd.DataFrame([receipt()]))
    found = heed_levels(table, LEVEL_CHANGES.empty(), month=MONTH, edition=EDITION)
    assert found is table
