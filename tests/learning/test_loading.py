"""Empty or loaded without orders: what driving, mass and counters may say, and what never."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fleet_carbon.learning.load_training import (
    LoadSamples,
    evaluate_loads,
    split_loads,
    train_loads,
)
from fleet_carbon.learning.loading import (
    LOAD_FEATURES,
    LoadClassifier,
    LoadingRules,
    heed_driving,
)
from fleet_carbon.quantification.editions import fill_rules
from fleet_carbon.quantification.physics import consumption, physical_truck
from fleet_carbon.quantification.profile import Profile, reference_profile
from tests.learning.learning_builders import EDITION, MODELS, RULES

LOADING = fill_rules(EDITION, "loading", LoadingRules)
VEHICLES = pd.DataFrame(
    [{"vehicle_id": "T", "energy": "diesel", "rated_payload_t": 32.0, "curb_mass_t": 15.6}]
)
SHIPPED = MODELS / "loading" / "simulated-2025-12.skops"


def legs_of(states: list[str], payload_t: list[float], really_t: list[float]) -> pd.DataFrame:
    """Legs of 100 km of regional driving, told with one payload, burnt with another."""
    count = len(states)
    drive = reference_profile(EDITION, "regional", np.full(count, 100.0))
    truck = physical_truck(VEHICLES.iloc[0].to_dict(), "", EDITION)
    assert truck is not None
    burnt_l = consumption(drive, [truck], np.zeros(count, np.intp)).at(np.array(really_t))
    bins = {f"driven_v{10 * place:02d}_km": drive.speed_km[:, place] for place in range(10)}
    return pd.DataFrame(
        {
            "vehicle_id": "T",
            "state": states,
            "purpose": ["delivery" if one == "loaded" else "search" for one in states],
            "reason_code": "order_aboard",
            "confidence_share": 0.9,
            "payload_t": payload_t,
            "distance_km": drive.distance_km,
            "imputed_km": 0.0,
            "gap_h": 0.0,
            "duration_h": drive.moving_h + drive.idle_h,
            "stop_h": drive.idle_h,
            "moving_h": drive.moving_h,
            "idle_h": drive.idle_h,
            "stops_count": drive.stops_count,
            "kinetic_gained_j_per_kg": drive.kinetic_gained_j_per_kg,
            "climbed_m": np.nan,
            "ambient_degc_mean": np.nan,
            "gross_mass_t_median": np.nan,
            "fuel_counter_l": burnt_l,
            **bins,
        }
    )


def plain_month() -> pd.DataFrame:
    """Ten loads of 25 t and ten ways back without, as they were told."""
    payload = [25.0, 0.0] * 10
    return legs_of(["loaded", "empty"] * 10, payload, payload)


def test_a_month_as_it_was_told_is_left_alone() -> None:
    month = plain_month()
    pd.testing.assert_frame_equal(
        heed_driving(month, VEHICLES, edition=EDITION, classifier=None), month
    )


def test_a_counter_that_burnt_a_load_makes_an_empty_leg_unknown() -> None:
    # Off the platform 25 t were carried back on the sixth leg.
    payload = [25.0, 0.0] * 10
    really = [*payload[:5], 25.0, *payload[6:]]
    found = heed_driving(
        legs_of(["loaded", "empty"] * 10, payload, really),
        VEHICLES,
        edition=EDITION,
        classifier=None,
    )
    assert found["state"].tolist() == [*(["loaded", "empty"] * 10)[:5], "unknown",
                                       *(["loaded", "empty"] * 10)[6:]]  # fmt: skip
    odd = found.iloc[5]
    assert (odd["reason_code"], odd["purpose"], odd["confidence_share"]) == (
        "counter_contradicts_empty",
        "unknown",
        0.5,
    )


def test_a_load_that_burnt_nothing_is_named_and_stays_loaded() -> None:
    payload = [25.0, 0.0] * 10
    really = [*payload[:4], 0.0, *payload[5:]]
    found = heed_driving(
        legs_of(["loaded", "empty"] * 10, payload, really),
        VEHICLES,
        edition=EDITION,
        classifier=None,
    )
    assert found["state"].tolist() == ["loaded", "empty"] * 10
    assert found["reason_code"][4] == "counter_contradicts_loaded"
    assert (found["reason_code"] != "order_aboard").sum() == 1


def test_a_thirsty_truck_is_held_against_its_own_level() -> None:
    # Half as much again on every leg: the truck is thirsty, not loaded.
    month = plain_month()
    month["fuel_counter_l"] *= 1.5
    found = heed_driving(month, VEHICLES, edition=EDITION, classifier=None)
    assert found["state"].tolist() == month["state"].tolist()


def test_of_few_legs_a_counter_contradicts_nothing() -> None:
    payload = [25.0, 0.0, 25.0, 0.0]
    found = heed_driving(
        legs_of(["loaded", "empty"] * 2, payload, [25.0, 25.0, 25.0, 0.0]),
        VEHICLES,
        edition=EDITION,
        classifier=None,
    )
    assert found["state"].tolist() == ["loaded", "empty"] * 2


def test_a_leg_that_weighs_loaded_looks_loaded_to_the_shipped_classifier() -> None:
    classifier = LoadClassifier.load(SHIPPED)
    month = plain_month().assign(fuel_counter_l=np.nan)
    month["gross_mass_t_median"] = 15.6 + month["payload_t"]
    month.loc[7, "gross_mass_t_median"] = 40.0
    found = heed_driving(month, VEHICLES, edition=EDITION, classifier=classifier)
    expected = month["state"].tolist()
    expected[7] = "unknown"
    assert found["state"].tolist() == expected
    assert found["reason_code"][7] == "looks_loaded"


def test_driving_alone_says_too_little_to_the_shipped_classifier() -> None:
    classifier = LoadClassifier.load(SHIPPED)
    month = plain_month().assign(fuel_counter_l=np.nan)
    pd.testing.assert_frame_equal(
        heed_driving(month, VEHICLES, edition=EDITION, classifier=classifier), month
    )


def test_outside_of_its_training_a_classifier_says_nothing() -> None:
    classifier = LoadClassifier.load(SHIPPED)
    month = plain_month().assign(fuel_counter_l=np.nan)
    table = np.full((1, len(LOAD_FEATURES)), np.nan)
    table[0, 0] = 130.0
    assert np.isnan(classifier.loaded_share(table))[0]
    assert len(month) == 20


def known_loads() -> list[LoadSamples]:
    """Loaded by the odds e^(4x - 2) of a feature x from 0 to 1."""
    rng = np.random.default_rng(5)
    x = rng.random(6000)
    table = np.full((6000, len(LOAD_FEATURES)), 0.0)
    table[:, LOAD_FEATURES.index("mass_share")] = np.nan
    table[:, 0] = x
    is_loaded = rng.random(6000) < 1 / (1 + np.exp(-(4 * x - 2)))
    month = np.array([f"2025-{one % 8 + 1:02d}" for one in range(6000)])
    return split_loads([LoadSamples(month, table, is_loaded)], RULES)


def test_probabilities_come_true_on_months_not_seen() -> None:
    parts = known_loads()
    classifier = train_loads(parts, RULES)
    test = parts[-1]
    share = classifier.loaded_share(test.table)
    truth = 1 / (1 + np.exp(-(4 * test.table[:, 0] - 2)))
    inside = ~np.isnan(share)
    assert float(np.mean(np.abs(share - truth)[inside])) < 0.05
    # The best possible Brier score here is the mean of p (1 - p).
    best = float(np.mean(truth * (1 - truth)))
    found = evaluate_loads(classifier, test, LOADING).brier_index
    assert found == pytest.approx(best, abs=0.015)


def test_nothing_that_is_heard_lets_a_leg_earn() -> None:
    rng = np.random.default_rng(9)
    classifier = LoadClassifier.load(SHIPPED)
    for _ in range(20):
        states = rng.choice(["loaded", "empty", "unknown"], 40).tolist()
        told = [float(rng.uniform(5, 32)) if one == "loaded" else 0.0 for one in states]
        month = legs_of(states, told, rng.choice([0.0, 12.0, 30.0], 40).tolist())
        month["gross_mass_t_median"] = np.where(
            rng.random(40) < 0.5, np.nan, 15.6 + rng.uniform(0, 32, 40)
        )
        found = heed_driving(month, VEHICLES, edition=EDITION, classifier=classifier)
        changed = found["state"] != month["state"]
        assert (month["state"][changed] == "empty").all()
        assert (found["state"][changed] == "unknown").all()
        same = month.columns.difference(["state", "purpose", "reason_code", "confidence_share"])
        pd.testing.assert_frame_equal(found[same], month[same])
        assert (found["confidence_share"] <= month["confidence_share"]).all()


def test_the_profile_of_a_leg_is_what_was_built() -> None:
    assert Profile.of_legs(plain_month(), EDITION).distance_km.tolist() == [100.0] * 20
