"""What others did before they joined, on one's own lanes, without oneself."""

from __future__ import annotations

import math
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from fleet_carbon.periods import Month
from fleet_carbon.quantification.cohort import Cohort
from fleet_carbon.quantification.counterfactual import Baseline
from tests.quantification.account_builders import MONTH
from tests.quantification.counterfactual_builders import RULES, lane, lanes

OTHERS = ("A", "B", "C", "D", "E")
JOINED = dict.fromkeys((*OTHERS, "D1"), "2026-01")
ELSEWHERE = {"origin": "N40E116", "destination": "N39E117"}


def of(
    *rows: dict[str, Any],
    now: tuple[dict[str, Any], ...] = ({},),
    joined: dict[str, str] | None = None,
    month: Month = MONTH,
) -> tuple[Baseline | None, str]:
    """The cohort of D1, who drives `now`."""
    cohort = Cohort.of_history(lanes(*rows), joined or JOINED, month=month, rules=RULES)
    this_month = lanes(*(lane(**{"month": str(MONTH), **each}) for each in now))
    (found,) = cohort.baselines(this_month, ["D1"], np.zeros(len(this_month), np.intp))
    return found


def baseline(*rows: dict[str, Any], **given: Any) -> Baseline:
    found, reason = of(*rows, **given)
    assert found is not None, reason
    return found


def test_alike_others_give_their_own_shares() -> None:
    found = baseline(*(lane(name) for name in OTHERS))
    assert found.empty_share == pytest.approx(0.4)
    assert found.payload_utilisation_share == pytest.approx(0.5)
    assert (found.source, found.sample_count, found.from_on) == ("cohort", 5, "2025-11-01")
    assert found.efficiency_index is None


def test_ones_own_months_never_count_in_ones_own_cohort() -> None:
    circling = lane("D1", empty_km=60_000.0)
    alone = baseline(*(lane(name) for name in OTHERS))
    with_it = baseline(*(lane(name) for name in OTHERS), circling)
    for name in ("empty_share", "payload_utilisation_share", "empty_standard_share"):
        assert getattr(with_it, name) == pytest.approx(getattr(alone, name), rel=1e-9)
    assert with_it.sample_count == alone.sample_count
    assert of(circling) == (None, "no_cohort")


def test_fewer_others_than_the_edition_asks_for_are_no_cohort() -> None:
    assert of() == (None, "no_cohort")
    assert of(*(lane(name) for name in OTHERS[:4])) == (None, "cohort_too_small")
    # A driver with less than 4,000 km counts as none.
    short = lane("E", loaded_km=2_000.0, empty_km=1_999.0, transport_work_tkm=30_000.0)
    assert of(*(lane(name) for name in OTHERS[:4]), short) == (None, "cohort_too_small")


def test_only_months_before_each_other_joined_count() -> None:
    rows = [lane(name) for name in OTHERS]
    on_platform = [lane(name, month="2026-01", empty_km=0.0) for name in OTHERS]
    assert baseline(*rows, *on_platform) == baseline(*rows)
    unknown = {name: month for name, month in JOINED.items() if name != "E"}
    assert of(*rows, joined=unknown) == (None, "cohort_too_small")


def test_other_classes_do_not_count() -> None:
    rows = [lane(name, vehicle_class="rigid_18t") for name in OTHERS]
    assert of(*rows) == (None, "no_cohort")


@pytest.mark.parametrize(("month", "is_used"), [("2023-03", True), ("2023-02", False)])
def test_months_of_others_count_for_the_years_of_the_edition(month: str, is_used: bool) -> None:
    found, reason = of(*(lane(name, month=month) for name in OTHERS))
    assert (found is not None) == is_used
    assert reason == ("" if is_used else "baseline_too_old")


def test_a_lane_is_drawn_to_its_band_and_the_band_to_the_class() -> None:
    # Two drivers on the lane: r = 0.2; three more in the band elsewhere: r = 1;
    # five more in another band: r = 2. All drive 6,000 loaded km.
    # Class: 10 drivers, (2 x 0.2 + 3 x 1 + 5 x 2) / 10 = 1.34.
    # Band: 5 drivers, 0.68; drawn: (5 x 0.68 + 5 x 1.34) / 10 = 1.01.
    # Lane: 2 drivers, 0.2; drawn: (2 x 0.2 + 5 x 1.01) / 7 = 5.45 / 7.
    rows = [
        *(lane(name, empty_km=1_200.0) for name in "AB"),
        *(lane(name, empty_km=6_000.0, **ELSEWHERE) for name in "CDE"),
        *(lane(name, empty_km=12_000.0, distance_band="long") for name in "FGHIJ"),
    ]
    found = baseline(*rows, joined=dict.fromkeys("ABCDEFGHIJ", "2026-01"))
    ratio = 5.45 / 7
    assert found.empty_share == pytest.approx(ratio / (1 + ratio))
    assert found.sample_count == 10


def test_a_lane_nobody_else_drove_takes_its_band() -> None:
    rows = [lane(name, **ELSEWHERE) for name in OTHERS]
    assert baseline(*rows).empty_share == pytest.approx(0.4)


def test_ones_own_work_of_the_month_weights_the_lanes() -> None:
    # Shares of both lanes are the class's own on either side: 5 drivers on each lane with all
    # others elsewhere would draw them; with k parts of the class. Lane 1: r = 0, u = 0.5;
    # lane 2: r = 2, u = 0.25. Loaded km are 6,000 each, so the class has r = 1, u = 0.375.
    # Band: the same. Lane 1: (5 x 0 + 5 x 1) / 10 = 0.5, u = (0.5 + 0.375) / 2 = 0.4375;
    # lane 2: r = 1.5, u = 0.3125.
    first = [lane(name, empty_km=0.0) for name in OTHERS]
    second = [
        lane(name, empty_km=12_000.0, transport_work_tkm=45_000.0, **ELSEWHERE) for name in "FGHIJ"
    ]
    now = ({"transport_work_tkm": 43_750.0}, {"transport_work_tkm": 31_250.0, **ELSEWHERE})
    found = baseline(*first, *second, now=now, joined=dict.fromkeys("ABCDEFGHIJ", "2026-01"))
    # D = 43,750 / 0.4375 = 100,000 and 31,250 / 0.3125 = 100,000: r = 1, u = 75 / 200.
    assert found.empty_share == pytest.approx(0.5)
    assert found.payload_utilisation_share == pytest.approx(0.375)


def test_unknown_kilometres_of_others_are_no_empty_ones() -> None:
    rows = [lane(name, loaded_km=5_000.0, unknown_km=1_000.0) for name in OTHERS]
    # 4,000 empty per 5,000 loaded and 1,000 unknown.
    assert baseline(*rows).empty_share == pytest.approx(0.4)


def test_how_sure_a_cohort_is_follows_from_how_its_drivers_differ() -> None:
    # r of 0.5, 0.5, 1, 1.5, 1.5 on equal kilometres: mean 1, variance 4 x 0.25 / 4 = 0.25.
    # With 4 drivers' worth of 0.10: (4 x 0.01 + 4 x 0.25) / 8 = 0.13.
    # Each level holds the same five: n / (n + k) = 1/2 of the lane, 1/4 of the band, 1/4 of the
    # class, so (1/4 + 1/16 + 1/16) / 5 = 0.075 for the mean. Empty share: times 1 - e = 0.5.
    empty = (3_000.0, 3_000.0, 6_000.0, 9_000.0, 9_000.0)
    found = baseline(*(lane(name, empty_km=km) for name, km in zip(OTHERS, empty, strict=True)))
    assert found.empty_share == pytest.approx(0.5)
    assert found.empty_standard_share == pytest.approx(0.5 * math.sqrt(0.13 * 1.075))
    # All carry alike: (4 x 0.01 + 0) / 8 of the belief is left.
    assert found.payload_standard_share == pytest.approx(math.sqrt(0.005 * 1.075))


def test_accounts_are_found_the_same_alone_and_together() -> None:
    chance = np.random.default_rng(7)
    names = [f"D{at}" for at in range(12)]
    rows = [
        lane(
            name,
            month=f"2025-{at:02d}",
            origin=f"N{at % 3}E1",
            empty_km=float(chance.uniform(0, 5_000)),
            transport_work_tkm=float(chance.uniform(1e4, 1e5)),
        )
        for name in names
        for at in range(1, 13)
    ]
    joined = dict.fromkeys(names, "2026-01")
    cohort = Cohort.of_history(lanes(*rows), joined, month=MONTH, rules=RULES)
    now = lanes(
        *(lane(name, month=str(MONTH), origin=f"N{at}E1") for name in names for at in (0, 1))
    )
    account = np.repeat(np.arange(12), 2)
    together = cohort.baselines(now, names, account)
    alone = [
        cohort.baselines(now[account == at], [name], np.zeros(2, np.intp))[0]
        for at, name in enumerate(names)
    ]
    assert together == alone
    shuffled = lanes(*(rows[at] for at in chance.permutation(len(rows))))
    again = Cohort.of_history(shuffled, joined, month=MONTH, rules=RULES)
    for one, other in zip(together, again.baselines(now, names, account), strict=True):
        assert one[0] is not None
        assert other[0] is not None
        assert one[0].empty_share == pytest.approx(other[0].empty_share, rel=1e-12)


def test_a_driver_without_proven_work_has_no_cohort() -> None:
    found, reason = of(*(lane(name) for name in OTHERS), now=({"transport_work_tkm": 0.0},))
    assert (found, reason) == (None, "no_cohort")


def test_a_history_without_rows_is_no_fault() -> None:
    month = Month(2026, 3, ZoneInfo("Asia/Shanghai"))
    cohort = Cohort.of_history(lanes(), {}, month=month, rules=RULES)
    assert cohort.baselines(lanes(), [], np.zeros(0, np.intp)) == []
    assert isinstance(cohort.rows, pd.DataFrame)


@pytest.mark.parametrize("texts", ["str", "string[pyarrow]"])
def test_where_nobody_is_known_to_have_joined_there_is_no_cohort(texts: str) -> None:
    known = lanes(*(lane(name) for name in OTHERS)).astype({"driver_id": texts, "month": texts})
    cohort = Cohort.of_history(known, {}, month=MONTH, rules=RULES)
    this_month = lanes(lane(month=str(MONTH)))
    (found,) = cohort.baselines(this_month, ["D1"], np.zeros(1, np.intp))
    assert found == (None, "no_cohort")
