"""Drivers who try to earn without saving: each earns no more than without the trick, and is told.

Every test runs the whole chain, from files to what the driver is shown, with the trick and
without it; what differs between the two runs is the trick alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fleet_carbon.statements.reasons import note_sentence, order_reason, weight_reason
from simulation.fleet import month_bounds_s
from simulation.roads import Place
from tests.acceptance.tricks import (
    BACK_DELIVERY,
    BACK_PICKUP,
    CARGO_T,
    DELIVERY,
    HOME,
    MONTH,
    PAYLOAD_T,
    PICKUP,
    Day,
    Files,
    Shown,
    Truck,
    changed,
    deliver,
    fleet,
    friends_order,
    through_the_chain,
)

pytestmark = pytest.mark.slow

# Another drive is seen at other moments: the errors of its fixes are others.
NOISE = 1.002
# On and beside the ways of an honest day.
MIDDLE = Place(114.52, 30.73, "middle")
FAR_OFF = Place(115.75, 30.95, "far off")
ROUND = (Place(116.05, 31.80, "round 1"), Place(116.30, 31.60, "round 2"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Files, Shown]:
    """An honest driver without a mass signal: he earns something."""
    files = fleet([Truck()])
    shown = through_the_chain(files, tmp_path_factory.mktemp("plain"))
    assert shown.credited_g > 1_000_000
    return files, shown


@pytest.fixture(scope="module")
def weighed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Files, Shown]:
    """The same with a mass signal."""
    files = fleet([Truck(has_mass=True)])
    return files, through_the_chain(files, tmp_path_factory.mktemp("weighed"))


def is_told(code: str, sentence: str) -> bool:
    """Whether a verdict has words of its own, and is not only a code without its lines."""
    return code.replace("_", " ") not in sentence


def over_middle(day: Day) -> None:
    """The honest day, its empty way to the load over another place."""
    day.go(PICKUP, MIDDLE)
    from_the_load_on(day)
    day.go(HOME)


def split_at_middle(day: Day) -> None:
    """The same with a stand there: one empty trip looks like two."""
    day.go(MIDDLE)
    day.stand(15.0)
    day.go(PICKUP)
    from_the_load_on(day)
    day.go(HOME)


def from_the_load_on(day: Day) -> None:
    deliver(day, PICKUP, DELIVERY)
    day.go(BACK_PICKUP)
    deliver(day, BACK_PICKUP, BACK_DELIVERY)


def test_an_empty_trip_split_in_two_earns_nothing(tmp_path: Path) -> None:
    without = through_the_chain(fleet([Truck(manner=over_middle)]), tmp_path / "whole")
    split = through_the_chain(fleet([Truck(manner=split_at_middle)]), tmp_path / "split")
    assert len(split.legs) > len(without.legs)
    km = [shown.accounts["empty_km"].astype(float).sum() for shown in (without, split)]
    assert km[1] == pytest.approx(km[0], rel=0.005)
    assert split.credited_g <= NOISE * without.credited_g
    # Both halves are empty, and said to be.
    on_the_way = split.legs[split.legs["reason_code"] == "between_orders"]
    assert (on_the_way["state"] == "empty").all()


def circling(day: Day) -> None:
    """Rounds with the load aboard, and without."""
    day.go(PICKUP)
    deliver(day, PICKUP, DELIVERY, DELIVERY, *ROUND, DELIVERY, *ROUND)
    day.go(BACK_PICKUP)
    deliver(day, BACK_PICKUP, BACK_DELIVERY)
    day.go(HOME)


def test_circling_with_a_load_earns_nothing(plain: tuple[Files, Shown], tmp_path: Path) -> None:
    shown = through_the_chain(fleet([Truck(manner=circling)]), tmp_path)
    assert shown.accounts["loaded_km"].sum() > 1.15 * plain[1].accounts["loaded_km"].sum()
    assert shown.credited_g <= plain[1].credited_g
    assert "work_beyond_cap" in shown.notes()
    assert is_told("work_beyond_cap", note_sentence("work_beyond_cap"))


def circling_empty(day: Day) -> None:
    """Rounds on the way home, so that more is driven in all."""
    day.go(PICKUP)
    from_the_load_on(day)
    day.go(HOME, MIDDLE, HOME, MIDDLE)


def test_circling_empty_earns_nothing(plain: tuple[Files, Shown], tmp_path: Path) -> None:
    shown = through_the_chain(fleet([Truck(manner=circling_empty)]), tmp_path)
    assert shown.accounts["empty_km"].sum() > 1.15 * plain[1].accounts["empty_km"].sum()
    assert shown.credited_g < plain[1].credited_g


def detouring(day: Day) -> None:
    """A third more kilometres with the load, within what the cap of the distance allows."""
    day.go(PICKUP)
    deliver(day, PICKUP, DELIVERY, FAR_OFF)
    day.go(BACK_PICKUP)
    deliver(day, BACK_PICKUP, BACK_DELIVERY)
    day.go(HOME)


def test_a_detour_within_the_cap_earns_nothing(plain: tuple[Files, Shown], tmp_path: Path) -> None:
    shown = through_the_chain(fleet([Truck(manner=detouring)]), tmp_path)
    activity, work = (shown.accounts[n].sum() for n in ("activity_tkm", "transport_work_tkm"))
    assert activity > 1.1 * plain[1].accounts["activity_tkm"].sum()
    assert activity > 0.95 * work
    assert shown.credited_g <= plain[1].credited_g
    assert "work_beyond_cap" in shown.notes()


def test_orders_booked_by_a_friend_and_never_driven_earn_nothing(
    plain: tuple[Files, Shown], tmp_path: Path
) -> None:
    files, without = plain
    # By night at places where he never was; on working days to one of them; on a day off between
    # places where he is every other day.
    booked = [
        friends_order(FAR_OFF, ROUND[0], day=3, hours=(1.0, 3.5)),
        friends_order(PICKUP, FAR_OFF, day=4, hours=(7.0, 10.0)),
        friends_order(BACK_DELIVERY, FAR_OFF, day=5, hours=(16.0, 19.0)),
        friends_order(PICKUP, DELIVERY, day=7, hours=(7.0, 11.0)),
    ]
    orders = pd.concat([files.tables["orders"], pd.DataFrame(booked)], ignore_index=True)
    shown = through_the_chain(changed(files, orders=orders), tmp_path)
    for one in booked:
        result = shown.order(one["order_id"])
        assert not result["matched"]
        assert is_told(result["reason_code"], order_reason(result["reason_code"]))
    assert shown.credited_g <= without.credited_g


def with_weights(files: Files, factor: float) -> Files:
    """Every weight of September times a factor, in the papers alone."""
    orders = files.tables["orders"].copy()
    is_september = orders["order_id"].str.contains(MONTH)
    heavier = (orders["cargo_t"] * factor).round(2)
    return changed(
        files, orders=orders.assign(cargo_t=orders["cargo_t"].mask(is_september, heavier))
    )


@pytest.mark.parametrize("per_licence", [1.3, 1.08])
def test_weights_above_the_licence_earn_nothing(
    plain: tuple[Files, Shown], tmp_path: Path, per_licence: float
) -> None:
    # 8 % may be an error of a declared weight, but not each time.
    files, without = plain
    factor = per_licence * PAYLOAD_T / CARGO_T
    shown = through_the_chain(with_weights(files, factor), tmp_path)
    reasons = set(shown.orders["weight_reason"])
    assert reasons == {"weight_above_rated_payload"}
    assert is_told("weight_above_rated_payload", weight_reason("weight_above_rated_payload"))
    assert shown.credited_g <= without.credited_g


def test_weights_contradicted_by_the_mass_earn_nothing(
    weighed: tuple[Files, Shown], tmp_path: Path
) -> None:
    files, without = weighed
    assert set(without.orders["weight_reason"].fillna("")) == {""}
    shown = through_the_chain(with_weights(files, 0.98 * PAYLOAD_T / CARGO_T), tmp_path)
    assert set(shown.orders["weight_reason"]) == {"weight_contradicted_by_mass"}
    assert is_told("weight_contradicted_by_mass", weight_reason("weight_contradicted_by_mass"))
    # What the mass shows is the true cargo, to its own error.
    assert shown.credited_g <= NOISE * without.credited_g


def test_a_load_on_paper_alone_earns_nothing_where_the_mass_is_known(
    weighed: tuple[Files, Shown], tmp_path: Path
) -> None:
    files, without = weighed
    # The empty way back home, sold as an order: he really stands at both ends.
    ends = {"hours": (5.5, 6.9)}
    booked = [friends_order(HOME, PICKUP, day=day, **ends) for day in range(1, 28) if day % 7]
    orders = pd.concat([files.tables["orders"], pd.DataFrame(booked)], ignore_index=True)
    shown = through_the_chain(changed(files, orders=orders), tmp_path)
    results = [shown.order(one["order_id"]) for one in booked]
    proven = [one for one in results if one["matched"]]
    assert len(proven) > 10
    assert {one["weight_reason"] for one in proven} == {"weight_contradicted_by_mass"}
    assert shown.credited_g <= without.credited_g


def parked(day: Day) -> None:
    """The truck stays at home."""
    day.stand(60.0)


def test_an_order_driven_by_another_truck_earns_nothing_and_says_which_fault(
    tmp_path: Path,
) -> None:
    trucks = [Truck("V1", "D1"), Truck("V2", "D2", manner=parked)]
    files = fleet(trucks)
    without = through_the_chain(files, tmp_path / "own")
    orders = files.tables["orders"]
    is_moved = orders["order_id"].str.startswith(f"V1-{MONTH}")
    swapped = orders.assign(
        vehicle_id=orders["vehicle_id"].mask(is_moved, "V2"),
        driver_id=orders["driver_id"].mask(is_moved, "D2"),
    )
    shown = through_the_chain(changed(files, orders=swapped), tmp_path / "swapped")
    assert set(shown.orders["reason_code"]) == {"driven_by_another_truck"}
    assert is_told("driven_by_another_truck", order_reason("driven_by_another_truck"))
    assert shown.credited_g <= without.credited_g


def test_the_device_of_another_truck_earns_nothing(
    plain: tuple[Files, Shown], tmp_path: Path
) -> None:
    without = plain[1]
    both = fleet([Truck("V1", "D1"), Truck("V2", "D2", manner=parked)])
    # V2's device rides in V1 in September, and its orders are booked once more for V2.
    fixes, orders = both.tables["positions"], both.tables["orders"]
    since = pd.Timestamp(month_bounds_s(MONTH)[0], unit="s", tz="UTC")
    riding = fixes[(fixes["vehicle_id"] == "V1") & (fixes["time"] >= since)]
    error = np.random.default_rng(4).normal(0.0, 4e-5, (2, len(riding)))
    copied = riding.assign(
        vehicle_id="V2",
        time=riding["time"] + pd.Timedelta(seconds=7),
        lon=(riding["lon"] + error[0]).round(6),
        lat=(riding["lat"] + error[1]).round(6),
    )
    at_home = fixes[(fixes["vehicle_id"] == "V2") & (fixes["time"] < since)]
    own = fixes[fixes["vehicle_id"] == "V1"]
    again = orders[orders["order_id"].str.startswith(f"V1-{MONTH}")].assign(
        vehicle_id="V2", driver_id="D2"
    )
    again = again.assign(order_id="V2" + again["order_id"].str.slice(2))
    shown = through_the_chain(
        changed(
            both,
            positions=pd.concat([own, at_home, copied], ignore_index=True),
            orders=pd.concat([orders, again], ignore_index=True),
        ),
        tmp_path,
    )
    for vehicle_id in ("V1", "V2"):
        assert "trace_shared_with_another_truck" in shown.notes(vehicle_id)
    assert is_told(
        "trace_shared_with_another_truck", note_sentence("trace_shared_with_another_truck")
    )
    assert shown.credited_g <= without.credited_g


def by_car(day: Day) -> None:
    """A telephone in a car follows the orders at the speed of a car."""
    day.go(PICKUP, kmh=118.0)
    order = day.order(PICKUP, DELIVERY, CARGO_T)
    day.load(order)
    day.go(DELIVERY, kmh=118.0)
    day.unload(order)
    day.go(HOME, kmh=118.0)


def test_a_telephone_in_a_car_earns_nothing(plain: tuple[Files, Shown], tmp_path: Path) -> None:
    shown = through_the_chain(fleet([Truck(manner=by_car)]), tmp_path)
    assert shown.orders["matched"].all()
    assert "trace_not_of_a_truck" in shown.notes()
    assert is_told("trace_not_of_a_truck", note_sentence("trace_not_of_a_truck"))
    assert shown.credited_g == 0 < plain[1].credited_g
