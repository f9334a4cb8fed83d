"""Suspicions: each speaks when its fault is in the data and is silent when it is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from fleet_carbon.errors import Suspicion
from fleet_carbon.frames import POSITIONS
from fleet_carbon.ingest import coordinates
from fleet_carbon.ingest.profiles import SourceProfile
from fleet_carbon.ingest.suspicions import SuspicionCollector, shifted_coordinates
from tests.ingest.reading import (
    ORDER,
    ORDERS_HEADER,
    POSITIONS_HEADER,
    gazetteer,
    profile,
    read,
    write,
)

RECEIVED_AT = datetime(2026, 4, 1, tzinfo=UTC)
DAY_START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)  # 08:00 in Shanghai
KM_PER_DEG = 111.195  # of a meridian, on the mean sphere
Floats = NDArray[np.float64]


def drive(
    *,
    hours: float = 4.0,
    days: int = 1,
    speed_kmh: float = 72.0,
    start: datetime = DAY_START,
    truck: str = "T1",
    lat: float = 30.15,
) -> pd.DataFrame:
    """A truck that drives north every day for some hours, a fix every 30 s, in POSITIONS form."""
    steps = int(hours * 120)
    seconds = np.concatenate([day * 86_400 + np.arange(steps) * 30 for day in range(days)])
    driven_km = np.tile(np.arange(steps) * speed_kmh / 120, days)
    frame = pd.DataFrame(
        {
            "vehicle_id": truck,
            "time_ms": int(start.timestamp()) * 1000 + seconds * 1000,
            "lon_udeg": 112_550_000,
            "lat_udeg": np.rint((lat + driven_km / KM_PER_DEG) * 1e6).astype(np.int64),
            "speed_kmh": speed_kmh,
            "odometer_km": 100_000 + np.arange(len(seconds)) * speed_kmh / 120,
        }
    )
    return POSITIONS.shape(frame)


def look(rows: pd.DataFrame, source: SourceProfile | None = None) -> dict[str, Suspicion]:
    collector = SuspicionCollector("positions", source)
    for start in range(0, len(rows), 1_000):
        collector.add(rows.iloc[start : start + 1_000])
    return {one.code: one for one in collector.findings(RECEIVED_AT)}


def test_a_sound_trace_raises_no_suspicion() -> None:
    two = pd.concat([drive(days=5), drive(days=5, truck="T2", lat=36.0)], ignore_index=True)
    assert look(two) == {}
    assert look(two.sample(frac=1, random_state=1)) == {}
    assert look(POSITIONS.empty()) == {}


@pytest.mark.parametrize(
    ("unit", "per_kmh"),
    [("knots", 1 / 1.852), ("ms", 1 / 3.6), ("mph", 1 / 1.609344), ("0.1kmh", 10.0)],
)
def test_speeds_in_another_unit_are_named_with_their_ratio(unit: str, per_kmh: float) -> None:
    rows = drive()
    rows["speed_kmh"] *= per_kmh
    found = look(rows)
    assert list(found) == [f"speed_unit_fits_{unit}"]
    one = found[f"speed_unit_fits_{unit}"]
    assert f"{per_kmh:.3f}" in one.evidence
    assert f"units: {{speed: {unit}}}" in one.remedy


def test_a_unit_declared_by_mistake_is_found_too() -> None:
    rows = drive()
    rows["speed_kmh"] *= 1.852  # the file has km/h, the profile says knots
    assert list(look(rows, profile(units={"speed": "knots"}))) == ["speed_unit_fits_kmh"]


def test_speeds_that_fit_no_unit_are_not_guessed_at() -> None:
    rows = drive()
    rows["speed_kmh"] *= np.random.default_rng(1).uniform(0.2, 3, len(rows))
    assert look(rows) == {}
    few = drive(hours=0.2)
    few["speed_kmh"] /= 1.852
    assert look(few) == {}


@pytest.mark.parametrize(("unit", "per_km"), [("m", 1000.0), ("0.1km", 10.0), ("mi", 0.621371)])
def test_odometers_in_another_unit_are_named(unit: str, per_km: float) -> None:
    rows = drive()
    rows["odometer_km"] = np.floor(rows["odometer_km"] * per_km)
    assert list(look(rows)) == [f"odometer_unit_fits_{unit}"]


def test_a_coarse_odometer_with_a_reset_is_no_suspicion() -> None:
    rows = drive()
    rows["odometer_km"] = np.floor(rows["odometer_km"])
    for step_km in (
        90_000.0,
        109.0,
    ):  # without the drop of 109 km 0.62 of the path were left: miles
        reset = rows.copy()
        reset.loc[200:, "odometer_km"] -= step_km
        assert look(reset) == {}


def test_an_odometer_that_stands_while_the_truck_drives_is_named() -> None:
    rows = drive()
    rows["odometer_km"] = 0.0
    assert list(look(rows)) == ["odometer_stands_still"]


def test_day_driving_stamped_in_utc_but_read_as_local_is_named() -> None:
    # True work from 07:00 to 21:00 in Shanghai, stored as 23:00 to 13:00 UTC without a zone,
    # read as +08:00: the quiet hours of the file then lie in the afternoon.
    true_start = datetime(2026, 3, 1, 23, 0, tzinfo=UTC)
    misread = drive(hours=14, days=6, start=true_start - timedelta(hours=8))
    found = look(misread)
    assert list(found) == ["time_zone_fits_utc"]
    assert "--timezone UTC" in found["time_zone_fits_utc"].remedy
    assert look(drive(hours=14, days=6, start=true_start)) == {}


@pytest.mark.parametrize(
    ("begins_h", "hours"),
    [(6, 10), (7, 9), (7, 14), (8, 9.5), (8, 10), (9, 8), (10, 10), (4, 17.5)],
)
def test_the_zone_of_day_shifts_is_found_however_long_the_night(
    begins_h: int, hours: float
) -> None:
    # Work from begins_h in Shanghai; its middle is far from the middle of the night when misread.
    true_start = datetime(2026, 3, 2, begins_h, tzinfo=UTC) - timedelta(hours=8)
    misread = drive(hours=hours, days=6, speed_kmh=36, start=true_start - timedelta(hours=8))
    assert list(look(misread)) == ["time_zone_fits_utc"]
    assert look(drive(hours=hours, days=6, speed_kmh=36, start=true_start)) == {}


def test_an_early_shift_read_as_it_should_be_is_no_question_of_the_zone() -> None:
    four = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)  # 04:00 in Shanghai
    assert look(drive(hours=9, days=6, speed_kmh=36, start=four)) == {}


def test_a_fleet_that_drives_by_night_only_is_no_question_of_the_zone() -> None:
    evening = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)  # 20:00 in Shanghai, until 05:00
    assert look(drive(hours=9, days=6, start=evening)) == {}


def test_night_driving_and_small_files_are_no_question_of_the_zone() -> None:
    evening = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)  # 20:00 in Shanghai
    assert look(drive(hours=23.9, days=6, speed_kmh=30)) == {}
    assert look(drive(hours=10, days=2, start=evening)) == {}


def test_interchanged_coordinates_are_named_where_nothing_else_shows() -> None:
    # Urumqi is at 87.6 E, 43.8 N: interchanged it is a place near the pole, and no row is refused.
    rows = drive(lat=43.15)
    rows["lon_udeg"] = 87_600_000
    swapped = rows.rename(columns={"lon_udeg": "lat_udeg", "lat_udeg": "lon_udeg"})
    found = look(POSITIONS.shape(swapped))
    assert "coordinate_order: lat_lon" in found["longitude_latitude_interchanged"].remedy


def test_rows_refused_as_interchanged_become_a_suspicion_of_the_file(tmp_path: Path) -> None:
    lines = [POSITIONS_HEADER, *(["T1,2026-03-02 06:45:00,35.48,110.44"] * 3)]
    collector = SuspicionCollector("positions")
    for batch in read(write(tmp_path, lines), "positions").batches:
        collector.add(batch.rows, batch.tallies, batch.rejections)
    codes = [one.code for one in collector.findings(RECEIVED_AT)]
    assert codes == ["longitude_latitude_interchanged"]


def unpadded(degrees: float) -> str:
    """The fault as found in a published set: 25.000033 is written 25.33."""
    whole, fraction = f"{degrees:.6f}".split(".")
    return f"{whole}.{fraction.lstrip('0') or '0'}"


def test_lost_zeros_after_the_decimal_point_are_named(tmp_path: Path) -> None:
    rows = drive(hours=10)
    for crs in ("wgs84", "gcj02"):
        sound, broken = [POSITIONS_HEADER], [POSITIONS_HEADER]
        for second, udeg in zip(range(len(rows)), rows["lat_udeg"].tolist(), strict=True):
            time = (DAY_START + timedelta(seconds=30 * second)).isoformat()
            sound.append(f"T1,{time},112.55,{udeg / 1e6:.6f}")
            broken.append(f"T1,{time},112.55,{unpadded(udeg / 1e6)}")
        for lines, expected in ((sound, []), (broken, ["decimal_padding_lost"])):
            collector = SuspicionCollector("positions", profile(crs=crs))
            for batch in read(write(tmp_path, lines), "positions", profile(crs=crs)).batches:
                collector.add(batch.rows, batch.tallies, batch.rejections)
            codes = [one.code for one in collector.findings(RECEIVED_AT)]
            assert [code for code in codes if code == "decimal_padding_lost"] == expected


def test_a_fleet_that_stays_within_one_degree_does_not_look_unpadded() -> None:
    assert look(drive(hours=1.2, days=10, lat=30.12)) == {}  # 30.12 to 30.90


def test_clock_faults_and_the_null_island_are_counted() -> None:
    rows = drive(days=3)
    week_ms = 7 * 86_400_000
    rows.loc[:2, "time_ms"] = int(datetime(2094, 1, 1, tzinfo=UTC).timestamp()) * 1000
    rows.loc[3:4, "time_ms"] = 0
    rows.loc[5:8, "time_ms"] -= 1024 * week_ms
    rows.loc[9, ["lon_udeg", "lat_udeg"]] = 0
    found = look(rows)
    assert {code: one.evidence.split()[0] for code, one in found.items()} == {
        "times_in_the_future": "3",
        "times_before_2000": "2",
        "gps_week_rollover": "4",
        "positions_at_null_island": "1",
    }
    assert "2094" in found["times_in_the_future"].evidence
    assert "gps_rollover_before: 2026-03-02" in found["gps_week_rollover"].remedy


def findings_of(tmp_path: Path, kind: str, lines: list[str]) -> list[Suspicion]:
    collector = SuspicionCollector(kind)
    for batch in read(write(tmp_path, lines), kind).batches:
        collector.add(batch.rows, batch.tallies, batch.rejections)
    return collector.findings(RECEIVED_AT)


def test_cargo_and_payload_in_kilograms_are_named(tmp_path: Path) -> None:
    for cargo, codes in (("31500", ["cargo_unit_fits_kg"]), ("1000000", ["cargo_unit_fits_g"]),
                         ("31.5", [])):  # fmt: skip
        lines = [ORDERS_HEADER, *[ORDER.replace(",30,", f",{cargo},")] * 3]
        assert [one.code for one in findings_of(tmp_path, "orders", lines)] == codes
    payload = ["vehicle_id,rated_payload_t", "T1,30000", "T2,1500"]
    found = findings_of(tmp_path, "vehicles", payload)
    assert [one.code for one in found] == ["mass_unit_fits_kg"]
    assert "units: {mass: kg}" in found[0].remedy


def test_orders_planned_at_midnight_are_named(tmp_path: Path) -> None:
    bare = ORDER.replace("T06:45:00+08:00", "").replace("T15:30:00+08:00", "")
    found = findings_of(tmp_path, "orders", [ORDERS_HEADER, *[bare] * 5])
    assert [one.code for one in found] == ["order_times_without_clock"]
    assert findings_of(tmp_path, "orders", [ORDERS_HEADER, *[ORDER] * 5]) == []


def places(count: int = 40) -> tuple[Floats, Floats]:
    """Warehouses all over eastern China, the same in every run."""
    dice = np.random.default_rng(5)
    return dice.uniform(106, 117, count), dice.uniform(27, 38, count)


@pytest.mark.parametrize("of_stops", ["wgs84", "gcj02", "bd09"])
@pytest.mark.parametrize("of_places", ["wgs84", "gcj02", "bd09"])
def test_sides_in_different_systems_are_told_apart(of_stops: str, of_places: str) -> None:
    lon, lat = places()
    noise = np.random.default_rng(6).normal(0, 0.0002, (4, len(lon)))  # some 20 m
    mainland = gazetteer().mainland
    into = {
        "wgs84": lambda *pair: pair,
        "gcj02": lambda *pair: coordinates.wgs84_to_gcj02(*pair, mainland),
        "bd09": lambda *pair: coordinates.wgs84_to_bd09(*pair, mainland),
    }
    stops = into[of_stops](lon + noise[0], lat + noise[1])
    wanted = into[of_places](lon + noise[2], lat + noise[3])
    found = shifted_coordinates(
        stop_lon=stops[0], stop_lat=stops[1], place_lon=wanted[0], place_lat=wanted[1]
    )
    if of_stops == of_places:
        assert found is None
        return
    assert found is not None
    assert found.code == "coordinates_look_shifted"
    for what, crs in (("positions", of_stops), ("orders", of_places)):
        assert (f"{what} look like {crs}: ingest them with --crs {crs}" in found.remedy) == (
            crs != "wgs84"
        )


def test_places_that_are_merely_inexact_are_no_other_system() -> None:
    lon, lat = places(200)
    off = np.random.default_rng(8).normal(0, 0.004, (2, len(lon)))  # some 500 m, any direction
    assert (
        shifted_coordinates(
            stop_lon=lon, stop_lat=lat, place_lon=lon + off[0], place_lat=lat + off[1]
        )
        is None
    )
    for start in range(0, 200, 8):  # few places, among which chance may favour another system
        some = slice(start, start + 8)
        assert (
            shifted_coordinates(
                stop_lon=lon[some],
                stop_lat=lat[some],
                place_lon=(lon + off[0])[some],
                place_lat=(lat + off[1])[some],
            )
            is None
        )
    none = np.empty(0)
    assert shifted_coordinates(stop_lon=none, stop_lat=none, place_lon=lon, place_lat=lat) is None
