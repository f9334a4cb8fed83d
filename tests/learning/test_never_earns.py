"""What is heard of loads lowers a credit or leaves it: through the whole account, by chance."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.quantification.account_builders import (
    account,
    baselines,
    context,
    drivers,
    history,
    leg,
    past,
)
from tests.quantification.test_batches import CLASS, QUICK, fleets, quantified, tables_of


def credited_g(fleet: Any, chosen: list[bool], earlier: Any) -> dict[tuple[str, str], int]:
    """Grams of each account after the chosen empty legs were contradicted."""
    vehicles, driven, aboard, results = tables_of(fleet)
    empty = driven.index[(driven["state"] == "empty").to_numpy(bool)]
    at = [place for place, is_chosen in zip(empty, chosen, strict=False) if is_chosen]
    driven.loc[at, ["state", "purpose"]] = "unknown"
    everything = context(vehicles=vehicles, baselines=baselines({}, CLASS), history=earlier)
    names = list(vehicles["vehicle_id"])
    _, _, accounts, *_ = quantified((vehicles, driven, aboard, results), names, everything)
    keys = zip(accounts["driver_id"], accounts["vehicle_id"], strict=True)
    return dict(zip(keys, accounts["co2_credited_g"].tolist(), strict=True))


@settings(QUICK, max_examples=8)
@given(fleets, st.lists(st.booleans(), min_size=1, max_size=12))
def test_contradicted_legs_never_raise_a_credit(fleet: Any, chosen: list[bool]) -> None:
    nothing = history()
    before = credited_g(fleet, [], nothing)
    after = credited_g(fleet, chosen, nothing)
    assert before.keys() == after.keys()
    assert all(after[key] <= before[key] for key in before)


def credited_with_own_months(contradicted_share: float) -> int:
    """Grams of a month against a month before joining, part of whose empty km were contradicted."""
    contradicted_km = contradicted_share * 4_000.0
    before = past("2025-11", empty_km=4_000.0 - contradicted_km, unknown_km=contradicted_km)
    found = account(
        *(leg(index) for index in range(8)),
        baselines=baselines().iloc[:0],
        drivers=drivers("2026-01-01"),
        history=history(before),
    )
    assert found["baseline_source"] == "own_history"
    return int(found["co2_credited_g"])


def test_the_more_empty_km_of_own_months_are_contradicted_the_less_is_credited() -> None:
    found = [credited_with_own_months(share) for share in (0.0, 0.25, 0.5, 1.0)]
    assert found[0] > found[1] > found[2] >= found[3]
