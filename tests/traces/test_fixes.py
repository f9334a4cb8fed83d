"""The columns of a vehicle become arrays: narrow, in order, and None where nothing was sent."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fleet_carbon.traces.fixes import Fixes
from tests.builders import fixes_of

PLAIN = {
    "time_ms": np.array([1000, 2000, 3000]),
    "lon_udeg": np.array([114_000_000] * 3, dtype=np.int32),
    "lat_udeg": np.array([30_000_000] * 3, dtype=np.int32),
}


def test_a_signal_that_is_absent_or_empty_was_never_sent() -> None:
    nothing = np.full(3, np.nan)
    fixes = Fixes.from_columns({**PLAIN, "odometer_km": nothing, "driver_id": np.full(3, None)})
    assert fixes.odometer_km is None
    assert fixes.driver_id is None
    assert fixes.speed_kmh is None


def test_a_signal_sent_once_is_kept_with_its_silences() -> None:
    speed = np.array([np.nan, 60.0, np.nan])
    driver = np.array([None, "D1", float("nan")], dtype=object)
    fixes = Fixes.from_columns({**PLAIN, "speed_kmh": speed, "driver_id": driver})
    assert fixes.speed_kmh is speed
    assert fixes.driver_id is not None
    assert fixes.driver_id.tolist() == ["", "D1", ""]


def test_columns_that_fit_are_not_copied() -> None:
    fixes = Fixes.from_columns(PLAIN)
    assert all(getattr(fixes, name) is column for name, column in PLAIN.items())


def test_a_place_too_wide_for_32_bits_stays_off_the_globe() -> None:
    wide = np.array([114_000_000, 2**32 + 5, -(2**40)])
    fixes = Fixes.from_columns({**PLAIN, "lon_udeg": wide})
    assert fixes.lon_udeg.dtype == np.int32
    assert (np.abs(fixes.lon_udeg.astype(np.int64)) > 180_000_000).tolist() == [False, True, True]


def test_rows_out_of_order_are_sorted_by_time_and_place() -> None:
    frame = pd.DataFrame(
        {"time_ms": [2000, 1000, 1000], "lon_udeg": [3, 2, 1], "lat_udeg": [0, 0, 0]}
    )
    assert fixes_of(frame).lon_udeg.tolist() == [1, 2, 3]


def test_a_piece_without_a_signal_that_another_has_is_missing_there() -> None:
    silent = Fixes.from_columns(PLAIN)
    told = Fixes.from_columns(
        {**PLAIN, "speed_kmh": np.full(3, 5.0), "driver_id": np.full(3, "D1", object)}
    )
    joined = Fixes.joined([silent, told])
    assert joined.speed_kmh is not None
    assert joined.driver_id is not None
    assert np.array_equal(joined.speed_kmh, [np.nan] * 3 + [5.0] * 3, equal_nan=True)
    assert joined.driver_id.tolist() == [""] * 3 + ["D1"] * 3
    assert joined.fuel_used_l is None
