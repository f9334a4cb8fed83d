"""What each system writes comes back as it was, and so does what misleads in traces."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_carbon.ingest.dialects.registry import DIALECTS
from fleet_carbon.periods import to_epoch_ms
from tests.ingest.dialects.reading import read_dialect
from tests.ingest.dialects.writers import FORMS, Fix, Form
from tests.ingest.reading import Read

AT = datetime(2026, 3, 2, 6, 45, tzinfo=UTC)
EVERY_FORM = pytest.mark.parametrize("name", FORMS)


def back(folder: Path, form: Form, fixes: list[Fix]) -> Read:
    said = {} if form.names_truck else {"constants": {"vehicle_id": "1"}}
    return read_dialect(folder, form.write(fixes), form.dialect, **said)


def test_every_dialect_of_positions_is_written_here() -> None:
    written = {form.dialect for form in FORMS.values()}
    assert written == {one.name for one in DIALECTS.values() if "positions" in one.kinds}


# Tenths of a km/h and of a km are what the coarsest protocol holds.
TENTHS = st.one_of(st.none(), st.integers(0, 1_200).map(lambda tenths: tenths / 10))
FIXES = st.lists(
    st.builds(
        Fix,
        vehicle=st.sampled_from(["1", "2", "300000000007"]),
        at=st.integers(0, 8 * 10**8).map(lambda after_s: AT - timedelta(seconds=after_s)),
        lat_udeg=st.integers(-80 * 10**6, 80 * 10**6),
        lon_udeg=st.integers(-179 * 10**6, 179 * 10**6),
        speed_kmh=TENTHS,
        odometer_km=st.one_of(st.none(), st.integers(10, 10**7).map(lambda tenths: tenths / 10)),
    ),
    min_size=1,
    max_size=6,
)


@EVERY_FORM
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(fixes=FIXES)
def test_what_is_written_is_read_back(name: str, fixes: list[Fix], tmp_path: Path) -> None:
    form = FORMS[name]
    found = back(tmp_path, form, fixes)
    assert (found.codes, found.rows_read) == ([], len(fixes))
    rows = found.rows
    names = ["1" if not form.names_truck else one.vehicle for one in fixes]
    assert rows["vehicle_id"].tolist() == [one.zfill(form.vehicle_digits) for one in names]
    assert rows["time_ms"].tolist() == [to_epoch_ms(one.at) for one in fixes]
    assert rows["lat_udeg"].tolist() == [one.lat_udeg for one in fixes]
    assert rows["lon_udeg"].tolist() == [one.lon_udeg for one in fixes]
    within = 0.5 if form.is_of_whole_units else 1e-6
    for row, one in zip(rows.to_dict("records"), fixes, strict=True):
        unknown = float("nan") if form.knows_no_speed else 0.0
        speed_kmh = unknown if one.speed_kmh is None else one.speed_kmh
        assert row["speed_kmh"] == pytest.approx(speed_kmh, abs=within, nan_ok=True)
        if form.has_odometer and one.odometer_km is not None:
            assert row["odometer_km"] == pytest.approx(one.odometer_km, abs=within)
        elif form.knows_no_odometer and form.has_odometer:
            assert row["odometer_km"] != row["odometer_km"]


MISLEADING = {
    "sent twice": [Fix("1", AT, 30_572_815, 104_066_801, 50.0)] * 2,
    "the same moment elsewhere": [
        Fix("1", AT, 30_572_815, 104_066_801, 50.0),
        Fix("1", AT, 30_574_615, 104_066_801, 50.0),
    ],
    "late, before an earlier one": [
        Fix("1", AT, 30_572_815, 104_066_801, 50.0),
        Fix("1", AT - timedelta(seconds=562), 30_570_000, 104_060_000, 50.0),
    ],
    "a jump across the country": [
        Fix("1", AT, 30_572_815, 104_066_801, 50.0),
        Fix("1", AT + timedelta(seconds=1), 39_900_000, 116_400_000, 50.0),
    ],
    "where 0 and 0 cross": [Fix("1", AT, 0, 0, 0.0)],
    "a clock of another decade": [
        Fix("1", datetime(2009, 7, 17, tzinfo=UTC), 30_572_815, 104_066_801, 50.0),
        Fix("1", datetime(2064, 3, 2, tzinfo=UTC), 30_572_815, 104_066_801, 50.0),
    ],
    "an odometer that falls": [
        Fix("1", AT, 30_572_815, 104_066_801, 50.0, 200_000.0),
        Fix("1", AT + timedelta(seconds=30), 30_572_815, 104_066_801, 50.0, 12.0),
    ],
}


@pytest.mark.parametrize("fault", MISLEADING)
@EVERY_FORM
def test_what_misleads_in_traces_reaches_the_cleaning_as_it_was_sent(
    name: str, fault: str, tmp_path: Path
) -> None:
    """Readers repair nothing by guessing: what cannot be true is dropped and counted later."""
    fixes = MISLEADING[fault]
    found = back(tmp_path, FORMS[name], fixes)
    assert found.rows_read == len(fixes) == len(found.rows)
    assert found.rows["time_ms"].tolist() == [to_epoch_ms(one.at) for one in fixes]
    assert found.rows["lat_udeg"].tolist() == [one.lat_udeg for one in fixes]
