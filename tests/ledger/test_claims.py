"""Which hours of which truck a figure claims, and which claims overlap: against brute force."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet_carbon.ledger import claims
from fleet_carbon.ledger.claims import ClaimRules, Interval

RULES = ClaimRules(
    standing_h_max=12, bucket_h=6, plate_color_code_default=2, plate_signs_count_min=4
)
T0 = datetime(2026, 3, 2, tzinfo=UTC)


def legs(*rows: tuple[str, str, float, float]) -> pd.DataFrame:
    """Driver, truck, beginning and end in hours after T0; a negative end: no distance."""
    return pd.DataFrame(
        {
            "driver_id": [row[0] for row in rows],
            "vehicle_id": [row[1] for row in rows],
            "started_at": pd.to_datetime([T0 + timedelta(hours=row[2]) for row in rows]),
            "finished_at": pd.to_datetime([T0 + timedelta(hours=abs(row[3])) for row in rows]),
            "distance_km": [1.0 if row[3] > 0 else 0.0 for row in rows],
        }
    )


def hours(found: pd.DataFrame) -> list[tuple[str, str, float, float]]:
    begin_s = int(T0.timestamp())
    return [
        (
            row.driver_id,
            row.vehicle_id,
            (row.from_s - begin_s) / 3600,
            (row.until_s - begin_s) / 3600,
        )
        for row in found.itertuples()
    ]


def claimed(table: pd.DataFrame, *credited: tuple[str, str]) -> list[tuple[str, str, float, float]]:
    identities = {one: f"plate/2/{one}" for one in table["vehicle_id"]}
    return hours(claims.claims_of(table, set(credited), identities, rules=RULES))


def test_drives_with_a_night_between_are_one_claim_and_longer_standing_cuts_it() -> None:
    table = legs(("A", "V", 0, 4), ("A", "V", 16, 20), ("A", "V", 32.5, 40))
    # 12 h of standing are bridged, 12.5 h are not.
    assert claimed(table, ("A", "V")) == [("A", "V", 0, 20), ("A", "V", 32.5, 40)]


def test_another_driver_in_between_cuts_a_claim_though_he_is_credited_nothing() -> None:
    table = legs(("A", "V", 0, 4), ("B", "V", 4, 8), ("A", "V", 8, 12))
    assert claimed(table, ("A", "V")) == [("A", "V", 0, 4), ("A", "V", 8, 12)]


def test_standing_alone_and_figures_of_nothing_claim_nothing() -> None:
    table = legs(("A", "V", 0, -4), ("A", "V", 5, 6), ("B", "W", 0, 3))
    assert claimed(table, ("A", "V")) == [("A", "V", 5, 6)]
    assert claimed(table) == []


def test_shifts_that_meet_within_a_second_stay_adjacent() -> None:
    meeting_h = 4 + 0.5 / 3600
    table = legs(("A", "V", 0, meeting_h), ("B", "V", meeting_h, 8))
    found = claims.claims_of(table, {("A", "V"), ("B", "V")}, {"V": "plate/2/X"}, rules=RULES)
    assert found["until_s"].iloc[0] == found["from_s"].iloc[1]
    assert not claims.overlapping_each_other(found).any()


@pytest.mark.parametrize(
    ("plate", "color_code", "expected"),
    [
        ("粤B12345", "2", "plate/2/粤B12345"),
        (" 粤b·1234-5 ", None, "plate/2/粤B12345"),
        ("粤\uff2212345", "2", "plate/2/粤B12345"),  # a full-width B
        ("粤B•12345", "2", "plate/2/粤B12345"),
        ("粤B12345", "1", "plate/1/粤B12345"),  # a blue plate is another truck
        (" - ", "2", "fleet/f/V1"),
        # What stands for a plate that is not known makes no two trucks one.
        ("无", "2", "fleet/f/V1"),
        ("unknown", "2", "fleet/f/V1"),
        ("N/A", "2", "fleet/f/V1"),
        ("000000", "2", "fleet/f/V1"),
        ("粤B**345", "2", "fleet/f/V1"),
        (None, None, "fleet/f/V1"),
    ],
)
def test_a_truck_has_one_name_however_its_plate_is_written(
    plate: str | None, color_code: str | None, expected: str
) -> None:
    found = claims.road_identity(plate, color_code, fleet_id="f", vehicle_id="V1", rules=RULES)
    assert found == expected


INTERVALS = st.lists(
    st.builds(
        lambda name, begin_s, length_s: Interval(name, begin_s, begin_s + length_s),
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 40),
        st.integers(1, 12),
    ),
    max_size=12,
)


def have_common_second(one: Interval, other: Interval) -> bool:
    return one.identity == other.identity and bool(
        set(range(one.from_s, one.until_s)) & set(range(other.from_s, other.until_s))
    )


def columns(found: list[Interval]) -> tuple[list[str], np.ndarray, np.ndarray]:
    times = np.array([(one.from_s, one.until_s) for one in found], np.int64).reshape(-1, 2)
    return [one.identity for one in found], times[:, 0], times[:, 1]


@given(INTERVALS, INTERVALS)
def test_overlaps_are_those_of_comparing_second_by_second(
    wanted: list[Interval], others: list[Interval]
) -> None:
    found = claims.overlapping(*columns(wanted), others=others).tolist()
    assert found == [any(have_common_second(one, other) for other in others) for one in wanted]


@given(INTERVALS)
def test_overlaps_within_a_table_are_those_of_comparing_each_with_each(
    wanted: list[Interval],
) -> None:
    table = pd.DataFrame(wanted, columns=["identity", "from_s", "until_s"]).astype(
        {"identity": object, "from_s": np.int64, "until_s": np.int64}
    )
    expected = [
        any(have_common_second(one, other) for at, other in enumerate(wanted) if at != place)
        for place, one in enumerate(wanted)
    ]
    assert claims.overlapping_each_other(table).tolist() == expected


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.sampled_from([1, 4, 6, 24]))
def test_buckets_cover_an_interval_and_nothing_beyond(
    from_s: int, length_s: int, bucket_h: int
) -> None:
    step_s = bucket_h * 3600
    found = list(claims.buckets(from_s, from_s + length_s, bucket_h=bucket_h))
    assert found[0] <= from_s < found[0] + step_s
    assert found[-1] < from_s + length_s <= found[-1] + step_s
    assert all(begin_s % step_s == 0 for begin_s in found)
