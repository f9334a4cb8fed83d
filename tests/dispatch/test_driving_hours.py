"""How long a drive takes with breaks and rests."""

from __future__ import annotations

import numpy as np
import pytest

from fleet_carbon.dispatch.driving_hours import DrivingHours, Hours, drive

EU = DrivingHours(continuous_h_max=4.5, break_h=0.75, day_h_max=9, rest_h=11)


def elapsed_h(driving_h: float, since_break_h: float = 0, since_rest_h: float = 0) -> float:
    hours = Hours(np.array([since_break_h]), np.array([since_rest_h]))
    return float(drive(hours, np.array([driving_h]), EU)[0][0])


@pytest.mark.parametrize(
    ("driving_h", "expected_h"),
    [
        (0, 0),
        (4.5, 4.5),  # the break falls due with the arrival
        (5, 5.75),  # 4.5 + 0.75 + 0.5
        (9, 9.75),
        (10, 21.75),  # 9.75 + 11 + 1
        (18, 30.5),  # two days of 9.75 and the rest between them
    ],
)
def test_a_fresh_driver_takes_what_falls_due(driving_h: float, expected_h: float) -> None:
    assert elapsed_h(driving_h) == pytest.approx(expected_h)


def test_what_was_driven_before_counts() -> None:
    assert elapsed_h(1, since_break_h=4) == pytest.approx(1.75)  # half an hour, break, half an hour
    assert elapsed_h(1, since_break_h=1, since_rest_h=8.5) == pytest.approx(12)  # 0.5 + 11 + 0.5


def test_standing_counts_as_what_it_is_long_enough_for() -> None:
    tired = Hours(np.array([4.0, 4.0, 4.0]), np.array([8.0, 8.0, 8.0]))
    after = tired.stood(np.array([0.5, 0.75, 11.0]), EU)
    assert after.since_break_h.tolist() == [4.0, 0.0, 0.0]
    assert after.since_rest_h.tolist() == [8.0, 8.0, 0.0]
