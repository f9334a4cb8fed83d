"""How much of a stated cargo counts: what the truck may carry, what its mass shows, no car."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.builders import LegFrames, Truck, legs_of, order

RATED_T, CURB_T = 30.0, 15.0  # of the truck of `legs_of`


def there_and_back() -> Truck:
    """100 km loaded, back empty: departures at 1.0 and 3.67 h."""
    return Truck().stand(1.0).drive_to(100.0).stand(1.0).drive_to(0.0).stand(1.0)


def cut(cargo_t: float, *, mass_t: float | None = None, curb_t: float | None = CURB_T) -> LegFrames:
    """The legs with one order of that weight; a gross mass on the loaded leg, if one is sent."""
    truck = there_and_back()
    columns: dict[str, object] = {}
    if mass_t is not None:
        seconds = truck.frame()["time_ms"] / 1000.0
        hours = (seconds - seconds.iloc[0]) / 3600.0
        columns["gross_mass_t"] = np.where((hours > 0.9) & (hours < 2.7), mass_t, CURB_T)
    orders = [order("A", 0, 100, hours=(1, 2.7), cargo_t=cargo_t)]
    return legs_of(truck.trace(**columns), orders, curb_mass_t=curb_t)


def told(result: LegFrames) -> tuple[float, float, str]:
    """Work, credited activity and the reason for less. [tkm], [tkm]"""
    row = result.order_results.iloc[0]
    legs = result.legs
    assert legs["activity_tkm"].sum() == pytest.approx(row["activity_tkm"])
    return float(legs["transport_work_tkm"].sum()), row["activity_tkm"], row["weight_reason"]


def test_a_cargo_that_fits_counts_as_it_is_stated() -> None:
    # 20 t over 100 km.
    assert told(cut(20.0)) == (
        pytest.approx(2000.0, rel=0.002),
        pytest.approx(2000.0, rel=0.002),
        "",
    )


def test_a_cargo_above_the_licence_counts_up_to_it() -> None:
    work, activity, reason = told(cut(42.0))
    assert reason == "weight_above_rated_payload"
    assert work == pytest.approx(100.0 * RATED_T, rel=0.002)
    assert activity == pytest.approx(work)
    # All of it is doubted; a weight that is a little too high is not.
    assert cut(42.0).legs["overweight_tkm"].sum() == pytest.approx(work)
    assert cut(31.0).legs["overweight_tkm"].sum() == 0.0


@pytest.mark.parametrize(
    ("source", "honest_t", "doubted_t"),
    # 5, 11 and 32 % above the 30 t of the licence: 31.5, 33.3 and 39.6 t.
    [("weighed", 31.4, 31.6), ("declared", 33.2, 33.4), ("nominal", 39.5, 39.7)],
)
def test_a_weight_is_doubted_beyond_what_an_honest_one_of_its_source_may_err(
    source: str, honest_t: float, doubted_t: float
) -> None:
    assert doubted_work([(honest_t, source)], back_t=30.0) == 0.0
    assert doubted_work([(doubted_t, source)], back_t=30.0) == pytest.approx(3000.0, rel=0.002)


def test_of_orders_together_each_may_err_as_its_source_does() -> None:
    # 20 / 1.05 + 12 / 1.11 = 29.9 t may be honest; 20 / 1.05 + 12.3 / 1.11 = 30.1 t may not.
    assert doubted_work([(20.0, "weighed"), (12.0, "declared")], back_t=30.0) == 0.0
    assert doubted_work([(20.0, "weighed"), (12.3, "declared")], back_t=30.0) > 0.0


def test_who_is_too_heavy_most_of_the_time_is_not_believed() -> None:
    # 32 t are 7 % above the licence: an error of a declared weight, if half of the work is lighter,
    # of which 30 t on either way are carried at most.
    assert doubted_work([(32.0, "declared")], back_t=32.1) == pytest.approx(6000.0, rel=0.002)
    assert doubted_work([(32.0, "declared")], back_t=29.9) == pytest.approx(3000.0, rel=0.002)
    assert doubted_work([(32.0, "declared")], back_t=31.0) == 0.0
    assert doubted_work([(31.0, "declared")], back_t=31.4) == 0.0


def doubted_work(there: list[tuple[float, str]], *, back_t: float) -> float:
    """Work of loads that are not believed, of 100 km there and 100 km back with others. [tkm]"""
    loads = [(cargo_t, source, (0, 100), (1.0, 2.7)) for cargo_t, source in there]
    loads.append((back_t, "declared", (100, 0), (3.7, 5.4)))
    orders = [
        order(name, *ends, hours=hours, cargo_t=cargo_t) | {"weight_source": source}
        for name, (cargo_t, source, ends, hours) in zip("ABC", loads, strict=False)
    ]
    return float(legs_of(there_and_back().trace(), orders).legs["overweight_tkm"].sum())


def test_a_cargo_contradicted_by_the_mass_counts_as_the_mass_shows() -> None:
    # 27 t gross less 15 t leave 12 t; the order says 20 t.
    work, activity, reason = told(cut(20.0, mass_t=27.0))
    assert reason == "weight_contradicted_by_mass"
    assert work == activity == pytest.approx(1200.0, rel=0.002)


def test_a_mass_that_is_a_little_less_contradicts_nothing_and_counts() -> None:
    # 15 % of 30 t are 4.5 t: 16 t shown and 20 t stated may be the same; 16 t count.
    work, _, reason = told(cut(20.0, mass_t=31.0))
    assert (work, reason) == (pytest.approx(1600.0, rel=0.002), "")
    assert told(cut(20.0, mass_t=30.4))[2] == "weight_contradicted_by_mass"


def test_cargo_that_was_never_there_counts_for_nothing() -> None:
    assert told(cut(20.0, mass_t=CURB_T)) == (0.0, 0.0, "weight_contradicted_by_mass")


def test_the_empty_truck_weighs_what_it_weighs_on_empty_legs_if_that_is_less() -> None:
    # Registered as 25 t, seen empty with 15 t: a mass of 35 t shows 20 t.
    assert told(cut(20.0, mass_t=35.0, curb_t=25.0))[2] == ""
    assert told(cut(20.0, mass_t=35.0, curb_t=None))[2] == ""


def test_orders_that_are_too_heavy_together_count_less_alike() -> None:
    both = [order("A", 0, 100, hours=(1, 2.7), cargo_t=18.0) | {"order_id": name} for name in "AB"]
    results = legs_of(there_and_back().trace(), both).order_results
    # 36 t on 30 t: each counts 15 t over 100 km.
    assert results["activity_tkm"].tolist() == pytest.approx([1500.0, 1500.0], rel=0.002)
    assert set(results["weight_reason"]) == {"weight_above_rated_payload"}


def fast(speed_kmh: float, *, km: float = 100.0) -> Truck:
    """The loaded drive at 60 km/h but for so many kilometres of it at another speed."""
    rest = Truck().stand(1.0).drive_to(100.0 - km).drive_to(100.0, speed_kmh)
    return rest.stand(1.0).drive_to(0.0).stand(1.0)


def with_order(truck: Truck, **columns: object) -> LegFrames:
    return legs_of(truck.trace(**columns), [order("A", 0, 100, hours=(1, 2.7))])


def test_nothing_counts_on_a_leg_faster_than_any_truck() -> None:
    result = with_order(fast(115.0))
    assert told(result) == (0.0, 0.0, "driven_like_a_car")
    assert result.legs["car_like_km"].sum() == pytest.approx(100.0, abs=0.2)


def test_a_truck_at_its_limit_and_a_descent_are_no_car() -> None:
    assert told(with_order(fast(100.0)))[2] == ""
    assert told(with_order(fast(110.0, km=3.0)))[2] == ""
    assert told(with_order(fast(110.0, km=8.0)))[2] == "driven_like_a_car"


def speeds(truck: Truck, starts: int, *, gain_kmh: float) -> pd.Series:
    """Stated speeds every 5 s: 60 km/h, with sudden gains from rest on the loaded drive."""
    frame = truck.frame()
    speed = pd.Series(60.0, index=frame.index)
    for at in range(starts):
        speed.iloc[900 + 40 * at], speed.iloc[901 + 40 * at] = 0.0, gain_kmh
    return speed


def test_starts_that_no_truck_makes_are_those_of_a_car() -> None:
    truck = Truck(step_s=5.0).stand(1.0).drive_to(100.0).stand(1.0)
    # 40 km/h in 5 s are 2.2 m/s2; 30 km/h are 1.7 m/s2.
    assert told(with_order(truck, speed_kmh=speeds(truck, 3, gain_kmh=40.0)))[2] == (
        "driven_like_a_car"
    )
    truck = Truck(step_s=5.0).stand(1.0).drive_to(100.0).stand(1.0)
    slower = speeds(truck, 3, gain_kmh=30.0)
    # After the gain the speed goes on rising to 60 km/h within the next 5 s, as slowly.
    assert told(with_order(truck, speed_kmh=slower))[2] == ""
    few = Truck(step_s=5.0).stand(1.0).drive_to(100.0).stand(1.0)
    assert told(with_order(few, speed_kmh=speeds(few, 2, gain_kmh=40.0)))[2] == ""
