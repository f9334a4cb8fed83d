"""One rule tells the share of empty kilometres: what is not proven loaded counts as empty."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from fleet_carbon.frames import ACCOUNTS, LANES, ORDER_RESULTS
from fleet_carbon.services.accounts import reporting, spreads
from fleet_carbon.statements import fleet_figures, likeness, shares
from fleet_carbon.statements.composing import compose
from tests.papers.facts import account, facts

# 80 km proven loaded, 16 proven empty and 4 neither: 20 of 100 km count as empty.
SHARE, TEXT = 0.2, "20.0%"


def report() -> dict[str, Any]:
    """Of a month with this account alone."""
    lane = dict.fromkeys(LANES.names, 0.0) | {"origin": "a", "destination": "b", "orders_count": 1}
    lane |= {name: account()[name] for name in ("loaded_km", "empty_km", "unknown_km")}
    run = SimpleNamespace(
        month="2026-09",
        edition_label="",
        run_id="",
        closed_at=datetime(2026, 10, 1, tzinfo=UTC),
        summary={},
    )
    made = reporting.compose(
        run,  # type: ignore[arg-type]  # as much of a closing run as is read
        reporting.MonthRows(
            pd.DataFrame([account(quality="measured")], columns=ACCOUNTS.names),
            results=pd.DataFrame(columns=ORDER_RESULTS.names).astype({"matched": bool}),
            lanes=pd.DataFrame([lane | {"distance_band": "short"}]),
            intervals=pd.DataFrame(columns=list(spreads.COLUMNS)),
            orders=None,
        ),
        depots={},
        rules=SimpleNamespace(coverage_index=1.645),  # type: ignore[arg-type]  # all that is read
        fleet_id="f",
    )
    return made.as_dict()


def test_fleet_drivers_trucks_and_lanes_are_told_by_the_one_rule() -> None:
    told = report()
    found = [told["fleet"], *told["drivers"], *told["vehicles"], *told["depots"], *told["lanes"]]
    assert [row["empty_share"] for row in found] == [pytest.approx(SHARE)] * 5
    assert {fleet_figures.text_of(row, "empty", "en") for row in (*found, account())} == {TEXT}
    assert "unknown load count as empty" in told["definitions"]["empty_share"]["text"]


def test_statement_and_similar_drivers_are_told_by_it_too() -> None:
    [running] = [one for one in compose(facts(), "en")["running"] if one["name"] == "empty_share"]
    assert running["text"] == TEXT
    row = account(quality="measured")
    others = [row | {"driver_id": f"D{number}"} for number in range(likeness.OTHERS_MIN + 1)]
    kinds = {(one["driver_id"], one["vehicle_id"]): ("class", "short") for one in others}
    assert likeness.similar_drivers(others, kinds, "D0").empty_share == pytest.approx(SHARE)


def test_nothing_driven_has_no_share() -> None:
    assert shares.empty_share(0.0, 0.0) is None
    assert shares.empty_share(None, None) is None
