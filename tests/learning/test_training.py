"""Models of fuel: what they find, what they may not do, and that they are the same each time."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from fleet_carbon.errors import InputRefused
from fleet_carbon.learning.evaluation import evaluate
from fleet_carbon.learning.keeping import file_bytes
from fleet_carbon.learning.samples import FuelSamples, Split, split_by_month, usable
from fleet_carbon.learning.training import train
from fleet_carbon.quantification.features import FEATURES, NAMES
from fleet_carbon.quantification.fitted import FittedFuel
from tests.learning.learning_builders import (
    BETWEEN,
    EDITION,
    NOISE,
    RULES,
    known_model,
    known_samples,
    known_split,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def split() -> Split:
    return known_split()


@pytest.fixture(scope="module")
def trained() -> FittedFuel:
    return known_model()


def test_no_month_is_on_two_sides_of_the_split(split: Split) -> None:
    # 12 months with a quarter to calibrate and a quarter to test: 6, 3 and 3, in that order.
    assert [part.months for part in (split.train, split.calibrate, split.test)] == [
        [f"2025-{one:02d}" for one in range(1, 7)],
        ["2025-07", "2025-08", "2025-09"],
        ["2025-10", "2025-11", "2025-12"],
    ]


def test_rows_that_say_nothing_are_not_learned_from() -> None:
    samples = known_samples()
    strange = replace(
        samples,
        physical_l=np.where(np.arange(len(samples)) % 10 == 0, 0.5, samples.physical_l),
        measured_l=np.where(np.arange(len(samples)) % 10 == 1, 1000.0, samples.measured_l),
    )
    assert len(usable(strange, RULES)) == pytest.approx(0.8 * len(samples), rel=0.01)


def test_too_few_months_are_refused() -> None:
    samples = known_samples()
    with pytest.raises(InputRefused) as refused:
        usable(samples.taken(samples.month <= "2025-03"), RULES)
    assert refused.value.code == "too_little_to_learn_from"


def test_the_class_is_found_without_its_trucks(trained: FittedFuel, split: Split) -> None:
    found = trained.correction(split.test.table)
    payload = split.test.table[:, 0]
    truth = 1.1 * (1 + 0.1 * payload)
    error = (found.factor / truth - 1)[found.is_valid]
    # 40 trucks with 8 % spread leave the level of their class known to about 1.3 %.
    assert abs(float(np.mean(error))) < 0.03
    assert float(np.std(error)) < 0.03


def test_the_spread_of_the_trucks_is_found(trained: FittedFuel) -> None:
    # The standard deviation of 40 draws has a standard error of 11 %.
    assert trained.between_share == pytest.approx(BETWEEN, rel=0.35)
    # By moments a row of 100 l; these rows have 5 % at any size, their litres weigh the mean.
    assert 0.3 * NOISE < trained.within_share < 1.5 * NOISE


def test_intervals_cover_what_they_promise_on_months_not_seen(
    trained: FittedFuel, split: Split
) -> None:
    evaluation = evaluate(trained, (split.train, split.calibrate), split.test)
    assert 0.88 <= evaluation.coverage_share <= 0.92
    assert evaluation.by_class.mape_share < evaluation.physics.mape_share
    # Noise of 5 % alone is a mean absolute error of 4 %; trucks' levels of 8 % come on top.
    assert evaluation.by_truck.mape_share < 0.05 < evaluation.by_class.mape_share


@pytest.mark.parametrize("name", [one.name for one in FEATURES if one.is_only_up])
def test_more_load_more_stops_more_idling_never_means_less_fuel(
    trained: FittedFuel, split: Split, name: str
) -> None:
    place = NAMES.index(name)
    rows = split.test.table[:50]
    steps = np.linspace(trained.valid.lowest[place], trained.valid.highest[place], 25)
    if np.isnan(steps).any():
        steps = np.linspace(0.0, 10.0, 25)
    levels = []
    for step in steps:
        table = rows.copy()
        table[:, place] = step
        levels.append(trained.center.scores(table))
    assert (np.diff(np.array(levels), axis=0) >= 0).all()


def test_noise_alone_does_not_undo_what_may_only_rise() -> None:
    samples = known_samples()
    falling = replace(samples, measured_l=samples.physical_l * (1.2 - 0.2 * samples.table[:, 0]))
    found = train(split_by_month(usable(falling, RULES), RULES), RULES, edition=EDITION)
    ends = np.repeat(samples.table[:1], 2, axis=0)
    ends[:, 0] = (0.05, 0.95)
    assert found.center.scores(ends)[1] >= found.center.scores(ends)[0]


def test_the_same_rows_give_the_same_bytes_on_any_number_of_threads(
    trained: FittedFuel, split: Split
) -> None:
    with threadpool_limits(limits=2):
        again = train(split, RULES, edition=EDITION)
    first, second = file_bytes(trained.contents()), file_bytes(again.contents())
    assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest()
    fewer = replace(RULES, rounds_count=RULES.rounds_count - 1)
    other = train(split, fewer, edition=EDITION)
    assert file_bytes(other.contents()) != first


def test_a_truck_with_many_rows_does_not_bend_its_class() -> None:
    samples = known_samples()
    # One truck burns 30 % more, always runs full, and sends a third of all rows.
    many = np.arange(len(samples)) % 3 == 0
    table = samples.table.copy()
    table[many, 0] = 0.97
    ratio = np.where(many, 1.3, 1.0) * 1.1
    bent = FuelSamples(
        np.where(many, "thirsty", samples.vehicle_id),
        samples.month,
        table,
        samples.physical_l,
        samples.physical_l * ratio,
    )
    rules = replace(RULES, level_rounds_count=6, rounds_count=40)
    found = train(split_by_month(usable(bent, rules), rules), rules, edition=EDITION)
    plain = replace(rules, level_rounds_count=0)
    apart = train(split_by_month(usable(bent, plain), plain), plain, edition=EDITION)
    full = samples.table[1:2].copy()
    full[:, 0] = 0.97
    # Of the 30 % nothing belongs to the load; the trucks' levels take it out step by step.
    assert found.correction(full).factor[0] < apart.correction(full).factor[0] - 0.03
