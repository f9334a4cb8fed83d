"""rFMS 4: units of the specification, whose moment a counter is of, and pages."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import InputRefused
from fleet_carbon.periods import to_epoch_ms
from tests.ingest.dialects.reading import read_dialect

EXAMPLE = json.loads(
    (Path(__file__).parent / "golden" / "rfms_statuses.json").read_text(encoding="utf-8")
)
FIXED_MS = to_epoch_ms(datetime(2024, 3, 2, 6, 13, 36, tzinfo=UTC))


def page(*changes: dict[str, Any], **envelope: Any) -> bytes:
    """The documented page with its status once for each change."""
    [status] = EXAMPLE["vehicleStatusResponse"]["vehicleStatuses"]
    told = copy.deepcopy(EXAMPLE) | envelope
    told["vehicleStatusResponse"]["vehicleStatuses"] = [status | change for change in changes]
    return json.dumps(told).encode()


def test_the_documented_example_is_read_in_units_of_the_house(tmp_path: Path) -> None:
    [row] = read_dialect(tmp_path, page({}), "rfms").rows.to_dict("records")
    assert (row["vehicle_id"], row["driver_id"]) == ("ABC12345678901234", "12345678901234")
    assert row["time_ms"] == FIXED_MS
    assert (row["lat_udeg"], row["lon_udeg"]) == (57_717_270, 11_921_161)
    assert (row["speed_kmh"], row["heading_deg"], row["altitude_m"]) == (54.5, 30.0, 32.0)
    assert row["odometer_km"] == pytest.approx(34_567.891)  # 34,567,891 m
    assert row["fuel_used_l"] == pytest.approx(7_890.123)  # 7,890,123 mL over its life
    assert row["gross_mass_t"] == pytest.approx(23.456)


def test_counters_beside_an_old_fix_are_left_out(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, page({"createdDateTime": "2024-03-02T06:15:00Z"}), "rfms")
    assert found.rows["time_ms"].tolist() == [FIXED_MS]
    assert found.rows[["odometer_km", "fuel_used_l", "gross_mass_t"]].isna().all(axis=None)
    assert found.remarks == {"counters_of_another_moment": 1}


def test_a_mass_of_zero_is_not_known(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, page({"grossCombinationVehicleWeight": 0}), "rfms")
    assert found.rows["gross_mass_t"].isna().all()


def test_a_driver_without_a_card_has_the_name_of_the_maker(tmp_path: Path) -> None:
    own = {"oemDriverIdentification": {"oemDriverIdentification": "D-7"}}
    found = read_dialect(tmp_path, page({"driver1Id": own}, {"driver1Id": None}), "rfms")
    assert found.rows["driver_id"].isna().tolist() == [False, True]
    assert found.rows["driver_id"][0] == "D-7"


def test_a_status_without_a_fix_is_refused_and_named(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, page({"snapshotData": None}, {}), "rfms")
    assert found.codes == [(1, "lon", "missing_value")]
    assert found.rows["line"].tolist() == [2]


def test_a_broken_status_costs_only_itself(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, page({}, {"snapshotData": 3}, {}), "rfms")
    assert found.codes == [(2, "", "json_unreadable")]
    assert found.rows_read == 3


def test_a_page_that_is_not_the_last_says_so(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, page({}, moreDataAvailable=True), "rfms")
    assert found.remarks == {"more_data_available": 1}


def test_energy_that_is_no_diesel_is_counted_and_not_taken_for_litres(tmp_path: Path) -> None:
    other = {"engineTotalFuelUsed": None, "totalFuelUsedGaseous": 7, "totalElectricEnergyUsed": 9}
    found = read_dialect(tmp_path, page(other), "rfms")
    assert found.rows["fuel_used_l"].isna().all()
    assert found.remarks == {"gas_counters_not_used": 1, "electric_counters_not_used": 1}


def test_pages_of_positions_may_stand_on_lines(tmp_path: Path) -> None:
    fix = {
        "vin": "V1",
        "createdDateTime": "2024-03-02T06:13:37Z",
        "gnssPosition": {"latitude": 1.5, "longitude": 2.5},
    }
    line = json.dumps({"vehiclePositionResponse": {"vehiclePositions": [fix, fix]}}).encode()
    found = read_dialect(tmp_path, line + b"\n" + line + b"\n", "rfms")
    assert found.rows["line"].tolist() == [1, 2, 3, 4]
    assert found.rows["time_ms"].tolist() == [FIXED_MS + 1000] * 4


def test_what_is_no_page_is_refused_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        read_dialect(tmp_path, b'{"a": 1}', "rfms")
    assert refused.value.code == "dialect_not_met"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    lat=st.integers(-89_999_999, 89_999_999),
    lon=st.integers(-179_999_999, 179_999_999),
    after_s=st.integers(0, 10**8),
    odometer_m=st.integers(0, 2 * 10**9),
    fuel_ml=st.integers(0, 10**9),
    mass_kg=st.integers(1, 60_000),
)
def test_what_is_written_is_read_back(
    lat: int, lon: int, after_s: int, odometer_m: int, fuel_ml: int, mass_kg: int, tmp_path: Path
) -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=after_s)
    fix = {"latitude": lat / 1e6, "longitude": lon / 1e6, "positionDateTime": at.isoformat()}
    change = {
        "createdDateTime": at.isoformat(),
        "snapshotData": {"gnssPosition": fix},
        "hrTotalVehicleDistance": odometer_m,
        "engineTotalFuelUsed": fuel_ml,
        "grossCombinationVehicleWeight": mass_kg,
    }
    [row] = read_dialect(tmp_path, page(change), "rfms").rows.to_dict("records")
    assert (row["lat_udeg"], row["lon_udeg"], row["time_ms"]) == (lat, lon, to_epoch_ms(at))
    assert row["odometer_km"] == pytest.approx(odometer_m / 1000)
    assert row["fuel_used_l"] == pytest.approx(fuel_ml / 1000)
    assert row["gross_mass_t"] == pytest.approx(mass_kg / 1000)
