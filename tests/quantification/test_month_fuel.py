"""What each leg takes by the rung of its truck; accounts and plans have the rates of their legs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import RECEIPTS
from fleet_carbon.quantification.calibration import Measured
from fleet_carbon.quantification.features import NAMES
from fleet_carbon.quantification.fitted import FittedFuel, ValidRange
from fleet_carbon.quantification.fuel import register_fuels
from fleet_carbon.quantification.grouping import grouped
from fleet_carbon.quantification.month_fuel import FuelRecords, MonthFuel, fuel_of_month
from fleet_carbon.quantification.physics import consumption
from fleet_carbon.quantification.profile import Profile
from fleet_carbon.quantification.trees import Trees
from tests.quantification.account_builders import (
    EDITION,
    empty_leg,
    fill,
    leg,
    legs,
    seen,
    vehicles,
)

UNDECLARED = {"empty_l_per_100km": None, "full_l_per_100km": None}


DRIVEN = (
    leg(0, **seen(100.0, 1.45)),
    empty_leg(1, **seen(50.0, 0.8, idle_h=0.2)),
    leg(2, driver_id="D2", **seen(200.0, 2.7)),
)


def month_of(
    *rows: dict[str, Any],
    truck: dict[str, Any] | None = None,
    bought: tuple[dict[str, Any], ...] = (),
    measured: Measured | None = None,
    model: FittedFuel | None = None,
) -> MonthFuel:
    known = register_fuels(vehicles(truck or {}), EDITION)
    before = {} if measured is None else {("T1", "physics"): measured}
    receipts = RECEIPTS.shape(pd.DataFrame(bought)) if bought else RECEIPTS.empty()
    return fuel_of_month(legs(*rows), receipts, FuelRecords(known, before, EDITION, model))


def physics_of(rows: tuple[dict[str, Any], ...], **truck: Any) -> np.ndarray[Any, Any]:
    """What the physical model gives for the legs, by its own words."""
    one = register_fuels(vehicles(truck), EDITION)["T1"].physical
    assert one is not None
    driven = legs(*rows)
    profile = Profile.of_legs(driven, EDITION)
    taken = consumption(profile, [one], np.zeros(len(driven), dtype=np.intp))
    return np.asarray(taken.at(driven["payload_t"].to_numpy(float)))


def test_a_class_takes_what_the_physics_gives_for_the_leg_and_its_load() -> None:
    found = month_of(*DRIVEN, truck=UNDECLARED)
    assert found.quantity == pytest.approx(physics_of(DRIVEN), rel=1e-12)
    assert found.trucks["T1"].source == "class"
    assert found.trucks["T1"].model_id == "physics"


def test_declared_rates_are_the_same_on_every_leg_and_the_class_stands_beside_them() -> None:
    found = month_of(*DRIVEN)
    # 0.2344 x 100 + 0.006 x 2,000; 0.2344 x 50 + 2.0 x 0.2; twice the first.
    assert found.quantity.tolist() == pytest.approx([35.44, 12.12, 70.88])
    assert found.class_quantity == pytest.approx(physics_of(DRIVEN), rel=1e-12)
    assert found.measured_model_l.tolist() == [0.0, 0.0, 0.0]


def test_a_leg_without_profile_takes_the_flat_rates_of_the_class_and_says_so() -> None:
    found = month_of(leg(0), *DRIVEN[1:], truck=UNDECLARED)
    assert found.quantity[0] == pytest.approx(0.2344 * 100 + 0.00597 * 2_000)
    assert found.quantity[1:] == pytest.approx(physics_of(DRIVEN)[1:], rel=1e-12)
    assert "profile_missing" in found.trucks["T1"].notes
    assert found.trucks["T1"].model_id == "mixed"


def test_the_rates_of_an_account_give_what_its_legs_give_together() -> None:
    found = month_of(*DRIVEN, truck=UNDECLARED)
    driven = grouped(legs(*DRIVEN)["driver_id"], legs(*DRIVEN)["vehicle_id"])
    first, second = (truck.model for truck in found.of_accounts(driven))
    assert first is not None
    assert second is not None
    # D1 drove 150 km and 2,000 tkm and stood 0.2 h, D2 200 km and 4,000 tkm.
    of_first = first.driving_l(150.0, 2_000.0) + first.idle_l(0.2)
    assert of_first == pytest.approx(found.quantity[:2].sum(), rel=1e-12)
    assert second.driving_l(200.0, 4_000.0) == pytest.approx(found.quantity[2], rel=1e-12)
    assert first.empty_l_per_km != second.empty_l_per_km
    # What the second did nothing of, standing, has the rate of the truck's month.
    assert second.idle_l_per_h == pytest.approx(first.idle_l_per_h)


def test_a_calibrated_truck_takes_the_physics_times_its_scale_on_every_leg() -> None:
    found = month_of(*DRIVEN, measured=Measured(3_300.0, 3_000.0, 2))
    scale = found.trucks["T1"].scale_index
    assert scale == pytest.approx(1.0896266, abs=1e-7)  # by hand in test_rungs
    assert found.quantity == pytest.approx(scale * physics_of(DRIVEN), rel=1e-12)
    assert found.trucks["T1"].model is not None
    (one,) = {truck.model for truck in found.trucks.values()}
    assert one is not None
    together = one.driving_l(350.0, 6_000.0) + one.idle_l(0.2)
    assert together == pytest.approx(found.quantity.sum(), rel=1e-12)


def test_months_measured_with_another_class_model_calibrate_nothing() -> None:
    rows = tuple(leg(index) for index in range(3))  # no profile: flat rates of the class
    found = month_of(*rows, measured=Measured(3_300.0, 3_000.0, 2))
    assert found.trucks["T1"].source == "declared"


def test_receipts_scale_every_leg_and_are_the_measure_of_what_they_cover() -> None:
    rows = tuple(leg(index, **seen(100.0, 1.45)) for index in range(6))
    per_leg = physics_of(rows)[0]
    # Full after legs 0, 2 and 4 of six: 1.1 times what two legs take, twice; 4/6 are covered.
    bought = (fill(2.5, 80.0), fill(8.5, 2.2 * per_leg), fill(14.5, 2.2 * per_leg))
    found = month_of(*rows, bought=bought)
    assert found.trucks["T1"].source == "receipts"
    assert found.quantity == pytest.approx(np.full(6, 1.1 * per_leg))
    assert found.measured_l.sum() == pytest.approx(4.4 * per_leg)
    assert found.measured_model_l.sum() == pytest.approx(4 * per_leg)
    model = found.trucks["T1"].model
    assert model is not None
    assert model.empty_l_per_km * 100 + model.load_l_per_tkm * 2_000 == pytest.approx(per_leg)


def test_a_counter_is_used_leg_by_leg_and_measures_beside_the_class() -> None:
    rows = (leg(0, fuel_counter_l=36.0, **seen(96.0, 1.4)), leg(1, **seen(4.0, 0.1)))
    found = month_of(*rows)
    assert found.trucks["T1"].source == "counter"
    # The gap is modelled by the declared rates: 0.2344 x 4 + 0.006 x 80.
    assert found.quantity.tolist() == pytest.approx([36.0, 1.4176])
    assert found.measured_l.tolist() == [36.0, 0.0]
    assert found.measured_model_l == pytest.approx(physics_of(rows) * [1, 0])


@pytest.mark.parametrize(("energy", "unit"), [("lng", "kg"), ("electric", "kWh")])
def test_another_energy_is_told_in_its_own_unit(energy: str, unit: str) -> None:
    found = month_of(*DRIVEN, truck={"energy": energy})
    assert found.trucks["T1"].energy_unit == unit
    assert found.quantity == pytest.approx(physics_of(DRIVEN, energy=energy), rel=1e-12)
    assert found.measured_model_l.tolist() == [0.0, 0.0, 0.0]


def test_a_leg_of_an_unregistered_truck_is_refused() -> None:
    with pytest.raises(InputRefused) as refused:
        month_of(leg(vehicle_id="T9"))
    assert refused.value.code == "vehicle_not_registered"


def constant(factor: float) -> Trees:
    """No tree at all, and always the logarithm of one factor."""
    return Trees.of_nodes(math.log(factor), len(NAMES), [])


def fitted(rated_payload_t: float = 30.0) -> FittedFuel:
    """1.1 litres per litre of the physics, between 1.0 and 1.2, for trucks of that payload."""
    everywhere = np.full(len(NAMES), np.inf)
    return FittedFuel(
        trained_until="2026-02",
        energy="diesel",
        physics_digest="",
        valid=ValidRange(
            lowest=-everywhere,
            highest=everywhere,
            has_missing=np.ones(len(NAMES), dtype=bool),
            payloads_t=np.array([rated_payload_t]),
            payload_gap_share=0.1,
        ),
        center=constant(1.1),
        lower=constant(1.0),
        upper=constant(1.2),
        smear_factor=1.0,
        margin_index=0.0,
        between_share=0.1,
        within_share=0.1,
        digest="0123456789abcdef",
    )


def test_a_fitted_class_takes_the_physics_times_its_correction_and_is_as_sure_as_that() -> None:
    found = month_of(*DRIVEN, truck=UNDECLARED, model=fitted())
    assert found.quantity == pytest.approx(1.1 * physics_of(DRIVEN), rel=1e-6)
    one = found.trucks["T1"]
    # Half of the interval is 0.1 of 1.1; 1.645 of these uncertainties make it.
    assert one.scale_share == pytest.approx(0.1 / 1.1 / 1.645, rel=1e-6)
    assert one.model_id == "physics 0123456789ab"
    assert "fitted_model_out_of_range" not in one.notes


def test_what_a_month_measured_stands_beside_the_physics_without_correction() -> None:
    rows = (leg(0, fuel_counter_l=36.0, **seen(96.0, 1.4)), leg(1, **seen(4.0, 0.1)))
    found = month_of(*rows, model=fitted())
    assert found.measured_model_l == pytest.approx(physics_of(rows) * [1, 0])
    assert found.class_quantity == pytest.approx(1.1 * physics_of(rows), rel=1e-6)


def test_a_new_correction_leaves_what_was_measured_of_the_truck() -> None:
    measured = Measured(33_000.0, 30_000.0, 12)  # 1.1 per litre of the physics
    found = month_of(*DRIVEN, measured=measured, model=fitted())
    assert found.quantity == pytest.approx(1.1 * physics_of(DRIVEN), rel=1e-6)


def test_a_truck_that_only_stood_is_calibrated_all_the_same() -> None:
    standing = empty_leg(0, **seen(0.0, 0.0, idle_h=0.0))
    found = month_of(standing, measured=Measured(3_300.0, 3_000.0, 2))
    assert found.trucks["T1"].scale_index == pytest.approx(1.0896266, abs=1e-7)
    assert found.quantity.tolist() == [0.0]


def test_outside_of_its_range_a_fitted_model_is_named_and_the_physics_speaks_alone() -> None:
    found = month_of(*DRIVEN, truck=UNDECLARED, model=fitted(rated_payload_t=10.0))
    assert found.quantity == pytest.approx(physics_of(DRIVEN), rel=1e-12)
    assert "fitted_model_out_of_range" in found.trucks["T1"].notes
    assert found.trucks["T1"].scale_share == 0.0


def test_a_model_fitted_to_diesel_says_nothing_of_another_energy() -> None:
    truck = {"energy": "lng"}
    with_model, without = (month_of(*DRIVEN, truck=truck, model=one) for one in (fitted(), None))
    assert with_model.quantity.tolist() == without.quantity.tolist()
