"""Whose load a kilometre was driven for, and on which lane."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from fleet_carbon.quantification.lanes import Driven, OrderRegions, drive_by_lane
from tests.quantification.account_builders import (
    EDITION,
    MONTH,
    aboard,
    empty_leg,
    leg,
    legs,
    order,
    orders,
)
from tests.quantification.counterfactual_builders import TRUCKS, order_places, placed


def drive(
    *rows: dict[str, Any],
    carried: tuple[tuple[int, str, float, float], ...],
    places: tuple[dict[str, Any], ...] | None = None,
    results: pd.DataFrame | None = None,
) -> Driven:
    names = sorted({row[1] for row in carried})
    table = order_places(*(places or (placed(name) for name in names)))
    return drive_by_lane(
        legs(*rows),
        aboard(*carried),
        orders(*(order(name) for name in names)) if results is None else results,
        regions=OrderRegions.of_orders(table, EDITION),
        trucks=TRUCKS,
        month=MONTH,
        edition=EDITION,
    )


def km(driven: Driven) -> dict[str, tuple[float, float, float]]:
    columns = (driven.orders[f"{state}_km"].tolist() for state in ("loaded", "empty", "unknown"))
    return dict(zip(driven.orders["order_id"], zip(*columns, strict=True), strict=True))


def test_empty_kilometres_stand_with_the_load_they_lead_to() -> None:
    found = drive(
        empty_leg(0),
        leg(1, order_ids="O1"),
        empty_leg(2, distance_km=30.0),
        empty_leg(3, distance_km=10.0),
        leg(4, order_ids="O2"),
        carried=((1, "O1", 20.0, 100.0), (4, "O2", 20.0, 100.0)),
    )
    assert km(found) == {"O1": (100.0, 50.0, 0.0), "O2": (100.0, 40.0, 0.0)}


def test_what_follows_the_last_load_of_the_month_stands_with_it() -> None:
    found = drive(
        leg(0),
        empty_leg(1),
        empty_leg(2, state="unknown", purpose="unknown", distance_km=7.0),
        carried=((0, "O1", 20.0, 100.0),),
    )
    assert km(found) == {"O1": (100.0, 50.0, 7.0)}


def test_without_any_load_the_kilometres_have_no_lane() -> None:
    found = drive(empty_leg(0), carried=(), places=(placed("O9"),), results=orders())
    assert km(found) == {"": (0.0, 50.0, 0.0)}
    row = found.lanes.iloc[0]
    assert (row["origin"], row["destination"], row["distance_band"]) == ("", "", "")
    assert row["orders_count"] == 0


def test_orders_aboard_together_share_a_leg_and_the_way_to_it_by_their_work() -> None:
    # 15 t and 5 t over the 100 km: three quarters and a quarter.
    found = drive(
        empty_leg(0),
        leg(1, order_ids="O1;O2"),
        carried=((1, "O1", 15.0, 100.0), (1, "O2", 5.0, 100.0)),
    )
    assert km(found) == {"O1": (75.0, 37.5, 0.0), "O2": (25.0, 12.5, 0.0)}
    work = found.orders.set_index("order_id")["transport_work_tkm"]
    assert work.to_dict() == {"O1": 1_500.0, "O2": 500.0}


def test_the_way_to_a_load_is_of_the_driver_who_drove_it() -> None:
    found = drive(empty_leg(0, driver_id="D2"), leg(1), carried=((1, "O1", 20.0, 100.0),))
    rows = found.lanes.set_index("driver_id")
    assert rows["empty_km"].to_dict() == {"D1": 0.0, "D2": 50.0}
    assert rows["loaded_km"].to_dict() == {"D1": 100.0, "D2": 0.0}
    assert rows["origin"].nunique() == 1


def test_lanes_are_cells_of_the_grid_and_bands_of_the_great_circle() -> None:
    places = (
        placed("O1"),
        placed("O2", pickup_lon=113.99, delivery_lat=30.01),
        placed("O3", delivery_lon=-0.5, delivery_lat=-0.5),
    )
    results = orders(
        order("O1", great_circle_km=49.9), order("O2", great_circle_km=50.0),
        order("O3", great_circle_km=600.0),
    )  # fmt: skip
    carried = tuple((at, name, 20.0, 100.0) for at, name in enumerate(("O1", "O2", "O3")))
    found = drive(leg(0), leg(1), leg(2), carried=carried, places=places, results=results)
    lanes = found.lanes[["origin", "destination", "distance_band"]].apply(tuple, axis=1)
    assert lanes.tolist() == [
        ("N30E113", "N30E114", "local"),
        ("N30E113", "N30E114", "short"),
        ("N30E113", "S1W1", "long"),
    ]
    assert found.lanes["capacity_tkm"].tolist() == [3_000.0] * 3  # 30 t x 100 km
    assert set(found.lanes["vehicle_class"]) == {"tractor_trailer"}
    assert set(found.lanes["month"]) == {"2026-03"}


def test_lanes_add_up_to_what_was_driven() -> None:
    rows = (
        empty_leg(0), leg(1), empty_leg(2, state="unknown"), leg(3, distance_km=80.0), empty_leg(4)
    )  # fmt: skip
    found = drive(
        *rows, carried=((1, "O1", 20.0, 100.0), (3, "O1", 15.0, 80.0), (3, "O2", 5.0, 80.0))
    )
    table = legs(*rows)
    by_state = table.groupby("state")["distance_km"].sum()
    for state in ("loaded", "empty", "unknown"):
        assert found.lanes[f"{state}_km"].sum() == pytest.approx(by_state[state])
    assert found.lanes["transport_work_tkm"].sum() == pytest.approx(
        table["transport_work_tkm"].sum()
    )


def test_the_order_of_the_legs_is_no_matter() -> None:
    rows = [
        empty_leg(0),
        leg(1),
        empty_leg(2),
        leg(3, distance_km=0.3),
        empty_leg(4, distance_km=0.1),
    ]
    carried = ((1, "O1", 20.0, 100.0), (3, "O2", 7.0, 0.3), (3, "O1", 3.0, 0.3))
    one, other = drive(*rows, carried=carried), drive(*rows[::-1], carried=carried[::-1])
    pd.testing.assert_frame_equal(one.lanes, other.lanes, check_exact=True)
    pd.testing.assert_frame_equal(one.orders, other.orders, check_exact=True)


def test_a_month_without_legs_has_no_lanes() -> None:
    found = drive(carried=(), places=(placed("O1"),), results=orders())
    assert found.lanes.empty
    assert found.orders.empty
