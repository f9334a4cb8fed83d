"""Which way of knowing the fuel holds for a month, and the named reasons why no better one does."""

from __future__ import annotations

import math
from typing import Any

import pytest

from fleet_carbon.quantification.calibration import Measured
from fleet_carbon.quantification.fuel import TruckFuel, fuel_of_truck
from fleet_carbon.quantification.receipt_balance import ReceiptBalance, UnevenSpan
from fleet_carbon.quantification.rungs import RungRules, TruckMonth, decide, measured_now
from tests.quantification.account_builders import EDITION, TRUCK

RULES = RungRules.of(EDITION)
UNDECLARED = {"empty_l_per_100km": None, "full_l_per_100km": None}
ENOUGH = Measured(3_300.0, 3_000.0, 2)


def truck(**given: Any) -> TruckFuel:
    return fuel_of_truck({**TRUCK, **given}, EDITION)


def month(**given: Any) -> TruckMonth:
    """10,000 km for which the class gives 3,000 l, 70 % of it without the load; no counter."""
    fields: dict[str, Any] = {
        "distance_km": 10_000.0, "counter_km": 0.0, "counter_l": math.nan, "counter_own_l": 0.0,
        "counter_class_l": 0.0, "is_counter_backwards": False, "is_counter_complete": False,
        "class_quantity": 3_000.0, "correction_ratio": 1.0, "class_empty_share": 0.7,
        "flat_km": 0.0, "outside_km": 0.0, "class_half_share": math.nan,
    }  # fmt: skip
    return TruckMonth(**{**fields, **given})


def counted(**given: Any) -> TruckMonth:
    """The same with a counter on every leg: 3,150 l where the truck's own model gives 3,100 l."""
    fields = {
        "counter_km": 10_000.0, "counter_l": 3_150.0, "counter_own_l": 3_100.0,
        "counter_class_l": 3_000.0, "is_counter_complete": True,
    }  # fmt: skip
    return month(**{**fields, **given})


def receipts(**given: Any) -> ReceiptBalance:
    """Receipts that hold: 2,200 l bought for 2,000 l modelled."""
    fields: dict[str, Any] = {
        "scale_index": 1.1, "counted_quantity": 2_200.0, "modelled_quantity": 2_000.0,
        "standard_share": 0.02, "ends_share": 0.016, "covered_share": 0.7, "fills_count": 6,
        "reasons": (), "uneven": (),
    }  # fmt: skip
    return ReceiptBalance(**{**fields, **given})


def decided(
    one: TruckFuel,
    driven: TruckMonth,
    bought: ReceiptBalance | None = None,
    earlier: Measured | None = None,
) -> TruckFuel:
    return decide(one, driven, receipts=bought, earlier=earlier or Measured(), rules=RULES)


def test_the_best_way_that_holds_is_used() -> None:
    everything = {"bought": receipts(), "earlier": ENOUGH}
    assert decided(truck(), counted(), **everything).source == "counter"
    assert decided(truck(), month(), **everything).source == "receipts"
    assert decided(truck(), month(), None, ENOUGH).source == "calibrated"
    assert decided(truck(), month()).source == "declared"
    assert decided(truck(**UNDECLARED), month()).source == "class"


def test_every_better_way_is_named_with_why_it_does_not_hold() -> None:
    assert decided(truck(), counted()).notes == ()
    assert decided(truck(), month(), receipts()).notes == ("no_fuel_counter",)
    assert decided(truck(), month(), None, ENOUGH).notes == ("no_fuel_counter", "no_receipts")
    assert decided(truck(), month()).notes == (
        "no_fuel_counter",
        "no_receipts",
        "nothing_measured",
    )
    assert decided(truck(**UNDECLARED), month()).notes == (
        "no_fuel_counter",
        "no_receipts",
        "nothing_measured",
        "no_declared_consumption",
    )


def test_the_faults_of_counter_and_receipts_are_told() -> None:
    bought = receipts(reasons=("receipts_too_few",), scale_index=math.nan)
    backwards = counted(is_counter_backwards=True)
    assert decided(truck(), backwards, bought).notes == (
        "fuel_counter_implausible",
        "receipts_too_few",
        "nothing_measured",
    )


def test_spans_left_out_of_receipts_are_told_though_the_rest_holds() -> None:
    span = UnevenSpan(0, 1, "fuel_elsewhere", 300.0, 200.0)
    found = decided(truck(), month(), receipts(uneven=(span,)))
    assert (found.source, set(found.notes)) == ("receipts", {"no_fuel_counter", "fuel_elsewhere"})


def test_receipts_scale_the_class_and_leave_its_rates_for_comparing_efficiency() -> None:
    found = decided(truck(), month(), receipts())
    assert found.model == found.class_model
    assert (found.scale_index, found.scale_share) == (1.1, 0.02)
    # Of 0.02 the ends are 0.016 in this month alone: 0.012 errs in all months alike.
    assert (found.ends_share, found.lasting_scale_share) == pytest.approx((0.016, 0.012))
    # 0.12 and 0.20 of a class, as far as the two rates together may be off by 0.16.
    part = 0.16 / math.hypot(0.12, 0.20)
    assert found.empty_rate_share == pytest.approx(0.12 * part)
    assert found.load_rate_share == pytest.approx(0.20 * part)
    assert found.is_measured


def test_a_calibrated_truck_has_the_rates_of_its_class_times_its_scale() -> None:
    # t^2 = 0.0144, s^2 = 0.0025 x 2,000 / 3,000 = 0.0016667: b = 0.896266, 1 + b x 0.1.
    found = decided(truck(), month(), None, ENOUGH)
    assert found.scale_index == pytest.approx(1.0896266, abs=1e-7)
    assert found.model is not None
    assert found.model.rates == pytest.approx([x * 1.0896266 for x in (0.2344, 0.00597, 2.0)])
    # 0.0144 (1 - b) + 0.0016667 of the month + 0.02^2 of the device.
    variance = 0.0144 * (1 - 0.896266) + 0.0016667 + 0.0004
    assert found.scale_share == pytest.approx(math.sqrt(variance) / 1.0896266, abs=1e-6)
    assert not found.is_measured


def test_with_the_litres_known_the_errors_of_the_rates_make_each_other_good() -> None:
    # By the physics the two lie 0.16 apart; of the litres 30 % are the load's, 70 % the empty's.
    found = decided(truck(), month(), None, ENOUGH)
    assert found.empty_rate_share == pytest.approx(0.3 * 0.16)
    assert found.load_rate_share == pytest.approx(0.7 * 0.16)
    # Flat rates know nothing of the drive: 0.12 and 0.20 differ by 0.2332.
    found = decided(truck(), month(flat_km=1.0), None, ENOUGH)
    assert found.empty_rate_share == pytest.approx(0.3 * math.hypot(0.12, 0.20))
    assert found.load_rate_share == pytest.approx(0.7 * math.hypot(0.12, 0.20))


def test_a_counter_leaves_of_the_errors_of_class_rates_how_they_divide_the_litres() -> None:
    by_class, declared = decided(truck(**UNDECLARED), counted()), decided(truck(), counted())
    assert math.hypot(by_class.empty_rate_share, by_class.load_rate_share) == pytest.approx(0.16)
    assert (declared.empty_rate_share, declared.load_rate_share) == (0.08, 0.20)
    # A counter has no ends: what errs, errs in all months.
    assert (by_class.lasting_scale_share, by_class.ends_share) == (by_class.scale_share, 0.0)


def test_measured_litres_stand_beside_the_correction_of_the_month_accounted() -> None:
    # 3,300 l per 3,000 l of the physics are 1.0 per litre of a class corrected by 1.1.
    found = decided(truck(), month(correction_ratio=1.1), None, ENOUGH)
    assert found.scale_index == pytest.approx(1.0)
    # Receipts are balanced beside the corrected class: 1,000 l of it are 909 l of the physics.
    part = receipts(reasons=("receipts_cover_too_little",), standard_share=0.05)
    now = measured_now(month(correction_ratio=1.1), part, RULES)
    assert (now.measured_l, now.model_l) == pytest.approx((1_100.0, 1_000.0 / 1.1))


def test_too_few_measured_litres_leave_the_declared_rates() -> None:
    found = decided(truck(), month(), None, Measured(520.0, 499.9, 1))
    assert (found.source, found.notes[-1]) == ("declared", "too_little_measured")
    assert decided(truck(), month(), None, Measured(520.0, 500.0, 1)).source == "calibrated"


def test_a_counter_on_part_of_the_month_calibrates_the_whole() -> None:
    driven = counted(counter_km=5_000.0, counter_l=1_650.0, counter_own_l=1_550.0,
                     counter_class_l=1_500.0)  # fmt: skip
    assert measured_now(driven, None, RULES) == Measured(1_650.0, 1_500.0, 1)
    found = decided(truck(), driven)
    assert found.source == "calibrated"
    assert found.notes == ("fuel_counter_covers_too_little", "no_receipts")


def test_receipts_on_part_of_the_month_calibrate_as_far_as_they_are_sure() -> None:
    part = receipts(reasons=("receipts_cover_too_little",), standard_share=0.05)
    # 0.0025 x 2,000 = 5; per 2,000 l that is 0.0025, with 0.05^2 it is 0.005: as 1,000 l.
    found = measured_now(month(), part, RULES)
    assert found.model_l == pytest.approx(1_000.0)
    assert found.measured_l == pytest.approx(1_100.0)
    assert decided(truck(), month(), part).source == "calibrated"


def test_receipts_that_are_only_rough_calibrate_and_odd_ones_do_not() -> None:
    rough = receipts(reasons=("receipts_uneven",), standard_share=0.07)
    assert measured_now(month(), rough, RULES).model_l > 0
    span = UnevenSpan(0, 1, "fuel_elsewhere", 300.0, 200.0)
    for odd in (
        receipts(reasons=("receipts_uneven",), uneven=(span,)),
        receipts(reasons=("receipts_implausible",)),
        receipts(reasons=("receipts_too_few",), modelled_quantity=0.0, scale_index=math.nan),
    ):
        assert measured_now(month(), odd, RULES) == Measured()


def test_an_implausible_counter_calibrates_nothing() -> None:
    broken = counted(counter_km=5_000.0, counter_l=9_000.0)
    assert measured_now(broken, None, RULES) == Measured()


def test_a_fitted_class_is_as_sure_as_its_interval() -> None:
    # Half of a 90 % interval of 16.45 % is 1.645 standard uncertainties of 10 %.
    found = decided(truck(**UNDECLARED), month(class_half_share=0.1645))
    assert found.scale_share == pytest.approx(0.10)
    assert found.empty_rate_share == pytest.approx(0.3 * 0.16)


def test_what_the_class_model_did_not_know_of_the_drive_is_named_where_it_is_used() -> None:
    driven = month(flat_km=10.0, outside_km=20.0)
    named = {"profile_missing", "fitted_model_out_of_range"}
    assert named <= set(decided(truck(**UNDECLARED), driven).notes)
    assert named <= set(decided(truck(), driven, receipts()).notes)
    assert not named & set(decided(truck(), driven).notes)


def test_without_class_receipts_scale_the_declared_rates() -> None:
    found = decided(truck(rated_payload_t=0.9), month(class_quantity=math.nan), receipts())
    assert found.source == "receipts"
    assert found.model is not None
    assert found.model.source == "declared"


@pytest.mark.parametrize("energy", ["lng", "electric"])
def test_another_energy_is_bought_or_modelled_and_earns_nothing(energy: str) -> None:
    one = truck(energy=energy)
    assert one.notes == (f"no_credit_for_{energy}",)
    by_class, bought = decided(one, month()), decided(one, month(), receipts())
    assert by_class.notes[-1] == "no_receipts"
    assert (bought.scale_index, bought.notes[-1]) == (1.1, "energy_by_receipts")
    assert by_class.model is None
    assert bought.model is None


def test_an_energy_without_physics_stays_without_figure() -> None:
    found = decided(truck(energy="methanol"), month(), receipts())
    assert found.notes == ("no_fuel_model_for_methanol",)
