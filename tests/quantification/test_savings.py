"""The saving and its split: golden numbers, limits at zero, and properties for any input."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_carbon.quantification.savings import (
    SavingCase,
    compute_saving,
    empty_ratio,
    empty_share,
    litres_saved,
    lmdi_effects,
    logarithmic_mean,
    on_grid,
    saving_impossible,
    saving_on_grid,
)

# The reference case (note, section 8.2, R1): both levers at the same 437,439 tkm.
REFERENCE = SavingCase(
    empty_l_per_km=0.2344,
    load_l_per_tkm=0.005966577749882315,
    idle_l_per_h=2.0,
    rated_payload_t=30.0,
    baseline_empty_share=0.40,
    baseline_payload_share=0.50,
    baseline_efficiency_index=1.0,
    loaded_km=48_604.34 * 0.6 / 1.45,
    empty_km=48_604.34 * 0.2,
    transport_work_tkm=437_439.06,
    activity_tkm=437_439.06,
    idle_h=0.0,
    measured_l=math.nan,
)


def test_the_reference_case_saves_4400_litres() -> None:
    saving = compute_saving(REFERENCE)
    assert saving.baseline_l == pytest.approx(14_002.87, abs=0.01)
    assert saving.project_l == pytest.approx(9_602.87, abs=0.01)
    assert saving.saved_l == pytest.approx(4_400.00, abs=0.01)
    assert saving.higher_load_l == pytest.approx(3_342.9, abs=0.05)
    assert saving.less_empty_l == pytest.approx(1_057.1, abs=0.05)
    assert saving.efficiency_l == 0.0


def test_the_saving_is_the_empty_rate_times_the_kilometres_no_longer_driven() -> None:
    # F8: 0.2344 x (29,162.6 - 20,112.1 + 19,441.7 - 9,720.9) = 0.2344 x 18,771.3.
    before_km = 48_604.34
    after_km = REFERENCE.loaded_km + REFERENCE.empty_km
    assert litres_saved(REFERENCE) == pytest.approx(0.2344 * (before_km - after_km), rel=1e-9)
    steeper = replace(REFERENCE, load_l_per_tkm=0.0115)
    assert litres_saved(steeper) == pytest.approx(litres_saved(REFERENCE), rel=1e-9)


def test_standing_cancels_between_the_two_sides() -> None:
    standing = replace(REFERENCE, idle_h=100.0)
    saving = compute_saving(standing)
    assert saving.baseline_l == pytest.approx(14_002.87 + 200, abs=0.01)
    assert saving.saved_l == pytest.approx(4_400.00, abs=0.01)


def test_a_detour_earns_nothing() -> None:
    # 1,000 km more with the same cargo: the credited activity stays, the litres are burnt.
    detour = replace(
        REFERENCE,
        loaded_km=REFERENCE.loaded_km + 1_000,
        transport_work_tkm=REFERENCE.transport_work_tkm + 21_750,
    )
    lost = litres_saved(REFERENCE) - litres_saved(detour)
    assert lost == pytest.approx(0.2344 * 1_000 + 0.005966577749882315 * 21_750)
    saving = compute_saving(detour)
    assert saving.higher_load_l < compute_saving(REFERENCE).higher_load_l
    assert saving.efficiency_l < 0


def test_measured_fuel_without_a_measured_baseline_claims_no_efficiency() -> None:
    # 10 % below the model on both sides: the saving shrinks with it, nothing is eco-driving.
    measured = replace(REFERENCE, baseline_efficiency_index=math.nan, measured_l=9_602.87 * 0.9)
    saving = compute_saving(measured)
    assert saving.efficiency_l == pytest.approx(0.0, abs=1e-9)
    assert saving.saved_l == pytest.approx(4_400.0 * 0.9, abs=0.01)


def test_measured_fuel_against_a_measured_baseline_splits_off_efficiency() -> None:
    measured = replace(REFERENCE, baseline_efficiency_index=1.0, measured_l=9_602.87 * 0.9)
    saving = compute_saving(measured)
    assert saving.saved_l == pytest.approx(14_002.87 - 9_602.87 * 0.9, abs=0.01)
    # (L1+L2+L3) ln(1/0.9): between both totals times 0.1054.
    assert 9_602.87 * 0.9 * 0.1053 < saving.efficiency_l < 14_002.87 * 0.1054


def test_a_worse_month_is_a_negative_saving() -> None:
    worse = replace(REFERENCE, loaded_km=40_000.0, empty_km=30_000.0)
    assert compute_saving(worse).saved_l < 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"activity_tkm": 0.0}, "no_proven_order"),
        ({"loaded_km": 0.0}, "no_proven_order"),
        ({"baseline_empty_share": 1.0}, "baseline_out_of_range"),
        ({"baseline_empty_share": -0.1}, "baseline_out_of_range"),
        ({"baseline_payload_share": 0.0}, "baseline_out_of_range"),
        ({"rated_payload_t": 0.0}, "no_fuel_model_for_payload"),
        ({"measured_l": 10.0, "idle_h": 5.0}, "fuel_counter_below_idle"),
        ({}, ""),
    ],
)
def test_a_case_without_counterfactual_is_named(changes: dict[str, float], reason: str) -> None:
    assert saving_impossible(replace(REFERENCE, **changes)) == reason  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"empty_km": 0.0},
        {"baseline_empty_share": 0.0},
        {"empty_km": 0.0, "baseline_empty_share": 0.0},
        {"load_l_per_tkm": 0.0},
    ],
)
def test_zeros_take_their_analytical_limits(changes: dict[str, float]) -> None:
    saving = compute_saving(replace(REFERENCE, **changes))  # type: ignore[arg-type]
    parts = (saving.less_empty_l, saving.higher_load_l, saving.efficiency_l)
    assert all(math.isfinite(part) for part in parts)
    assert math.fsum(parts) == pytest.approx(saving.saved_l, rel=1e-9)


def test_empty_running_that_vanished_takes_its_whole_block() -> None:
    # V3 of the baseline: 0.2344 x 29,162.6 x 2/3 = 4,557.1 l (note, section 5.3).
    assert compute_saving(replace(REFERENCE, empty_km=0.0)).less_empty_l == pytest.approx(
        4_557.14, abs=0.01
    )


def test_the_two_conventions_of_emptiness_are_inverse() -> None:
    assert empty_ratio(0.40) == pytest.approx(2 / 3)
    assert empty_share(empty_ratio(0.37)) == pytest.approx(0.37)


def test_the_logarithmic_mean_lies_between_and_is_continuous_at_equality() -> None:
    assert logarithmic_mean(300.0, 37.5) == pytest.approx(262.5 / math.log(8))  # 126.2
    assert logarithmic_mean(5.0, 5.0) == 5.0
    assert logarithmic_mean(5.0, 5.0 * (1 + 1e-9)) == pytest.approx(5.0, rel=1e-8)
    # Both sides of the switch to the series agree.
    near, far = 5.0 * math.exp(0.99e-4), 5.0 * math.exp(1.01e-4)
    assert logarithmic_mean(5.0, near) == pytest.approx(5.0 * (1 + 0.99e-4 / 2), rel=1e-8)
    assert logarithmic_mean(5.0, far) == pytest.approx(5.0 * (1 + 1.01e-4 / 2), rel=1e-8)


def test_two_factors_that_vanish_together_share_their_block_once() -> None:
    assert lmdi_effects([[2.0, 3.0, 7.0]], [[0.0, 0.0, 7.0]]) == [-21.0, -21.0, 0.0]


positive = st.floats(0.01, 1_000, allow_nan=False)
cases = st.builds(
    SavingCase,
    empty_l_per_km=st.floats(0.05, 0.6),
    load_l_per_tkm=st.one_of(st.just(0.0), st.floats(0.0001, 0.03)),
    idle_l_per_h=st.floats(0.0, 5.0),
    rated_payload_t=st.floats(1.0, 40.0),
    baseline_empty_share=st.one_of(st.just(0.0), st.floats(0.001, 0.95)),
    baseline_payload_share=st.floats(0.01, 1.2),
    baseline_efficiency_index=st.one_of(st.just(math.nan), st.floats(0.5, 2.0)),
    loaded_km=st.floats(0.1, 20_000),
    empty_km=st.one_of(st.just(0.0), st.floats(0.001, 20_000)),
    transport_work_tkm=st.floats(0.1, 600_000),
    activity_tkm=st.floats(0.1, 600_000),
    idle_h=st.floats(0.0, 200.0),
    measured_l=st.one_of(st.just(math.nan), st.floats(1_500.0, 20_000.0)),
)


@settings(max_examples=100, deadline=None)
@given(cases)
def test_parts_on_the_grid_add_up_exactly_in_any_order(case: SavingCase) -> None:
    saving = saving_on_grid(compute_saving(case), 2048)
    a, b, c = saving.less_empty_l, saving.higher_load_l, saving.efficiency_l
    assert a + b + c == c + b + a == b + c + a == saving.saved_l
    assert saving.baseline_l - saving.project_l == saving.saved_l


@settings(max_examples=100, deadline=None)
@given(cases)
def test_rounding_to_the_grid_moves_no_part_by_more_than_two_steps(case: SavingCase) -> None:
    exact, rounded = compute_saving(case), saving_on_grid(compute_saving(case), 2048)
    for name in ("less_empty_l", "higher_load_l", "efficiency_l", "saved_l"):
        difference = abs(getattr(exact, name) - getattr(rounded, name))
        assert difference <= 2.5 / 2048 + 1e-9 * (1 + exact.baseline_l)


@settings(max_examples=100, deadline=None)
@given(cases)
def test_the_blocks_of_the_project_are_its_diesel(case: SavingCase) -> None:
    saving = compute_saving(case)
    expected = case.modelled_l + case.idle_l if math.isnan(case.measured_l) else case.measured_l
    assert saving.project_l == pytest.approx(expected, rel=1e-9)
    parts = math.fsum((saving.less_empty_l, saving.higher_load_l, saving.efficiency_l))
    assert parts == pytest.approx(saving.saved_l, abs=1e-8 * (saving.baseline_l + expected))


matrices = st.integers(1, 4).flatmap(
    lambda blocks: st.integers(1, 4).flatmap(
        lambda factors: st.tuples(
            *[
                st.lists(
                    st.lists(st.one_of(st.just(0.0), positive), min_size=factors, max_size=factors),
                    min_size=blocks,
                    max_size=blocks,
                )
            ]
            * 2
        )
    )
)


@settings(max_examples=100, deadline=None)
@given(matrices)
def test_effects_add_up_to_the_change_for_any_matrix_with_zeros(
    pair: tuple[list[list[float]], list[list[float]]],
) -> None:
    before, after = pair
    start, end = (math.fsum(math.prod(row) for row in side) for side in (before, after))
    effects = lmdi_effects(before, after)
    assert math.fsum(effects) == pytest.approx(end - start, abs=1e-9 * (start + end + 1e-300))


@settings(max_examples=100, deadline=None)
@given(matrices)
def test_the_way_back_has_the_opposite_effects(
    pair: tuple[list[list[float]], list[list[float]]],
) -> None:
    before, after = pair
    there, back = lmdi_effects(before, after), lmdi_effects(after, before)
    scale = sum(math.prod(row) for row in before) + sum(math.prod(row) for row in after)
    for one, other in zip(there, back, strict=True):
        assert one == pytest.approx(-other, abs=1e-9 * (scale + 1e-300))


@given(st.floats(-1e5, 1e5))
def test_the_grid_is_exact_in_print(volume_l: float) -> None:
    rounded = on_grid(volume_l, 2048)
    assert abs(rounded - volume_l) <= 0.5 / 2048 + 1e-11
    assert float(f"{rounded:.11f}") == rounded  # 2^-11 has eleven decimals
