"""What others tell of a driver is drawn to what his own months do, as sure as either is."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from fleet_carbon.quantification.baseline import Candidates
from fleet_carbon.quantification.counterfactual import Baseline, MonthScatter
from fleet_carbon.quantification.credibility import OWN_DOUBTED, drawn_to_own
from fleet_carbon.quantification.editions import fill_rules
from fleet_carbon.quantification.uncertainty import UncertaintyRules
from tests.quantification.account_builders import EDITION

RULES = fill_rules(EDITION, "uncertainty", UncertaintyRules)
OWN = Baseline(
    "own_history", 0.40, 0.50, 1.05, empty_standard_share=0.05, payload_standard_share=0.02,
    of_orders_share=1.0,
)  # fmt: skip
# As sure as the own months in the empty share (0.02), half as sure in the payload (0.02).
COHORT = Baseline(
    "cohort", 0.40, 0.40, None, empty_standard_share=0.05, payload_standard_share=0.05,
    of_orders_share=1.0,
)  # fmt: skip
CLASS = Baseline("declared_class", 0.40, 0.50, None)


# As sure as the cohort is.
SINCE = Baseline(
    "since_joining", 0.30, 0.50, None, empty_standard_share=0.02 / 0.30,
    payload_standard_share=0.04, of_orders_share=1.0,
)  # fmt: skip


def drawn(
    *baselines: Baseline, since: Baseline | None = None, doubt_index: float = 99.0
) -> tuple[Candidates, frozenset[str]]:
    found = Candidates(baselines, frozenset(), MonthScatter(0.1, 0.1, is_seen=False), since)
    return drawn_to_own(found, doubt_index=doubt_index, rules=RULES)


def test_the_mean_is_weighted_by_how_sure_either_is() -> None:
    # Empty: 0.02 and 0.02 of 0.40. Payload: 0.01 of 0.50 and 0.02 of 0.40, weights 4 : 1:
    # 0.48, sure to 0.01 x 0.02 / sqrt(0.0005) = 0.0089443.
    found, sources = drawn(OWN, replace(COHORT, empty_share=0.40))
    one = found.of("cohort")
    assert one is not None
    assert one.empty_share == pytest.approx(0.40)
    assert one.empty_standard_share == pytest.approx(0.05 / math.sqrt(2))
    assert one.payload_utilisation_share == pytest.approx(0.48)
    assert one.payload_standard_share == pytest.approx(0.0089443 / 0.48, rel=1e-5)
    assert one.efficiency_index == 1.05
    assert sources == {"cohort"}
    assert found.of("own_history") == OWN


def test_without_own_months_those_since_joining_draw_the_others() -> None:
    # Either 0.02: half way from 0.30 to 0.40, and from 0.50 to 0.40, sure to 0.02 / sqrt(2).
    found, sources = drawn(COHORT, since=SINCE)
    one = found.of("cohort")
    assert one is not None
    assert (one.empty_share, one.payload_utilisation_share) == pytest.approx((0.35, 0.45))
    assert one.empty_standard_share == pytest.approx(0.02 / math.sqrt(2) / 0.35)
    assert one.payload_standard_share == pytest.approx(0.02 / math.sqrt(2) / 0.45)
    assert one.efficiency_index is None
    assert one.is_drawn
    # They are no counterfactual by themselves.
    assert [each.source for each in found.baselines] == ["cohort"]
    assert sources == {"cohort"}


def test_own_months_and_those_since_joining_come_together_first() -> None:
    # Empty 0.40 and 0.30, either 0.02: 0.35 to 0.02 / sqrt(2); with 0.40 to 0.02, weights 2 : 1.
    # Payload 0.50 and 0.50 to 0.01 and 0.02; with 0.40 to 0.02: weights 5 : 1.
    found, _ = drawn(OWN, COHORT, since=SINCE)
    one = found.of("cohort")
    assert one is not None
    assert one.empty_share == pytest.approx((2 * 0.35 + 0.40) / 3)
    assert one.payload_utilisation_share == pytest.approx((5 * 0.50 + 0.40) / 6)
    assert (one.efficiency_index, found.of("own_history")) == (1.05, OWN)


def test_own_months_are_believed_if_those_since_joining_bear_them_out() -> None:
    # 0.50 beside the cohort's 0.40: 3.1 joint standard uncertainties. Beside those since joining:
    # at 0.30 (0.20 / 0.032) they are doubted all the more, at 0.45 (0.05 / 0.032) they are not.
    own = replace(OWN, empty_share=0.50)
    for empty_share, is_doubted in ((0.30, True), (0.45, False)):
        since = replace(SINCE, empty_share=empty_share, empty_standard_share=0.02 / empty_share)
        found, sources = drawn(own, COHORT, since=since, doubt_index=2.5)
        assert (OWN_DOUBTED in found.notes) is is_doubted
        assert bool(sources) is not is_doubted


def test_who_circles_since_joining_is_doubted_as_well() -> None:
    # 0.52 and 0.40, either 0.02: 4.2 joint standard uncertainties.
    since = replace(SINCE, empty_share=0.52, empty_standard_share=0.02 / 0.52)
    found, sources = drawn(COHORT, since=since, doubt_index=2.5)
    assert (found.of("cohort"), sources) == (COHORT, frozenset())
    assert OWN_DOUBTED in found.notes


def test_a_class_is_no_narrower_than_its_drivers_are() -> None:
    # The line states 8 % of the payload; the drivers of the cohort differ by 30 %.
    wide = replace(COHORT, payload_standard_share=0.30)
    line = replace(CLASS, payload_utilisation_share=0.40)
    alone, beside = (
        drawn(OWN, *others)[0].of("declared_class") for others in ((line,), (wide, line))
    )
    assert alone is not None
    assert beside is not None
    # Absolute 0.01 of the own months, 0.032 and 0.12 of the line.
    weights = (0.032**2 / (0.032**2 + 0.01**2), 0.12**2 / (0.12**2 + 0.01**2))
    means = tuple(0.4 + 0.1 * weight for weight in weights)
    assert alone.payload_utilisation_share == pytest.approx(means[0])
    assert beside.payload_utilisation_share == pytest.approx(means[1])
    # The part that is made of orders shares the habits of their weights.
    assert (alone.of_orders_share, beside.of_orders_share) == pytest.approx(weights)


def test_without_own_months_the_others_stand_as_they_are() -> None:
    found, sources = drawn(COHORT, CLASS)
    assert found.baselines == (COHORT, CLASS)
    assert sources == frozenset()


def test_a_line_declared_for_the_driver_is_not_drawn_and_draws_nothing() -> None:
    declared = Baseline("declared_driver", 0.30, 0.60, None)
    found, _ = drawn(declared, CLASS)
    assert found.baselines == (declared, CLASS)
    found, sources = drawn(declared, OWN, CLASS)
    assert found.baselines[:2] == (declared, OWN)
    assert sources == {"declared_class"}


@pytest.mark.parametrize(
    ("empty_share", "payload_share", "is_doubted"),
    [
        # Joint: sqrt(0.02^2 + (0.05 e)^2), at e = 0.47 of the own months 0.03086: 2.27 of it.
        (0.47, 0.50, False),
        (0.50, 0.50, True),  # 0.10 / 0.03202 = 3.1
        (0.30, 0.50, False),  # better than others: his own line then counts anyway
        (0.40, 0.36, False),  # 0.04 / sqrt(0.02^2 + 0.0072^2) = 1.9
        (0.40, 0.33, True),  # 0.07 / sqrt(0.02^2 + 0.0066^2) = 3.3
    ],
)
def test_months_that_look_too_bad_to_be_usual_draw_nothing(
    empty_share: float, payload_share: float, is_doubted: bool
) -> None:
    own = replace(OWN, empty_share=empty_share, payload_utilisation_share=payload_share)
    found, sources = drawn(own, COHORT, doubt_index=2.5)
    assert (OWN_DOUBTED in found.notes) is is_doubted
    assert (found.of("cohort") == COHORT) is is_doubted
    assert bool(sources) is not is_doubted


def test_what_others_were_seen_to_do_decides_before_a_declared_line() -> None:
    # Beside the line of the class the own months look doubtful, beside the cohort they do not.
    strict = replace(CLASS, empty_share=0.20)
    assert drawn(OWN, strict, doubt_index=2.5)[1] == frozenset()
    assert drawn(OWN, COHORT, strict, doubt_index=2.5)[1] == {"cohort", "declared_class"}


def test_own_months_that_were_never_empty_are_all_that_counts() -> None:
    found, _ = drawn(replace(OWN, empty_share=0.0), COHORT)
    one = found.of("cohort")
    assert one is not None
    assert (one.empty_share, one.empty_standard_share) == (0.0, 0.0)
