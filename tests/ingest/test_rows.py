"""What is checked in the rows of every kind: each fault has its code, each row one rejection."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import BASELINES, FRAMES
from fleet_carbon.ingest import intake
from tests.ingest.reading import (
    ORDER,
    ORDERS_HEADER,
    POSITIONS_HEADER,
    SHANGHAI,
    profile,
    read,
    write,
)

FRAME_OF = {frame.name: frame for frame in FRAMES}
# One sound row of every kind; the faults below change one cell of it.
SOUND = {
    "vehicles": "vehicle_id,rated_payload_t,energy,curb_mass_t,empty_l_per_100km,full_l_per_100km",
    "drivers": "driver_id,name,phone,vehicle_id,joined_on",
    "assignments": "driver_id,vehicle_id,from,until",
    "orders": f"{ORDERS_HEADER},weight_source,status,price,currency,version,cargo_m3",
    "positions": f"{POSITIONS_HEADER},speed_kmh,heading_deg,accuracy_m,odometer_km",
    "energy": "vehicle_id,time,quantity,unit,product,price,currency,odometer_km,place_lon,"
    "place_lat",
    "baselines": "driver_id,vehicle_class,valid_from,empty_share,payload_utilisation_share,"
    "search_share,efficiency_index",
}
ROWS = {
    "vehicles": "T1,30,diesel,15,23.44,41.34",
    "drivers": "D1,张师傅,+86 139,T1,2026-01-01",
    "assignments": "D1,T1,2026-03-01T00:00:00+08:00,2026-04-01T00:00:00+08:00",
    "orders": f"{ORDER},weighed,delivered,6800.00,CNY,2,60",
    "positions": "T1,2026-03-02 06:45:00,110.44,35.48,72.5,180,5,123456.7",
    "energy": "T1,2026-03-02 06:45:00,412.35,l,0号柴油,7.42,CNY,123456,110.44,35.48",
    "baselines": "D1,,2026-01-01,0.40,0.50,1,1",
}
FAULTS = [
    ("vehicles", "vehicle_id", "", "missing_value"),
    ("vehicles", "rated_payload_t", "", "missing_value"),
    ("vehicles", "rated_payload_t", "30 t", "not_a_number"),
    ("vehicles", "rated_payload_t", "0", "not_positive"),
    ("vehicles", "rated_payload_t", "-3", "not_positive"),
    ("vehicles", "curb_mass_t", "0", "not_positive"),
    ("vehicles", "energy", "petrol", "energy_unknown"),
    ("vehicles", "full_l_per_100km", "20", "full_below_empty"),
    ("drivers", "driver_id", "-", "missing_value"),
    ("drivers", "joined_on", "soon", "time_unreadable"),
    ("assignments", "driver_id", "", "missing_value"),
    ("assignments", "vehicle_id", "", "missing_value"),
    ("assignments", "from", "", "missing_value"),
    ("assignments", "from", "2026-02-30", "time_unreadable"),
    ("assignments", "until", "2026-02-01", "until_before_from"),
    ("orders", "order_id", "", "missing_value"),
    ("orders", "vehicle_id", "", "missing_value"),
    ("orders", "cargo_t", "", "missing_value"),
    ("orders", "cargo_t", "See ASN-93 (ID#:1281)", "not_a_number"),
    ("orders", "cargo_t", "-1", "negative_cargo"),
    ("orders", "pickup_lon", "", "coordinate_pair_incomplete"),
    ("orders", "delivery_lat", "-", "coordinate_pair_incomplete"),
    ("orders", "delivery_lat", "95", "latitude_out_of_range"),
    ("orders", "pickup_lon", "181", "longitude_out_of_range"),
    ("orders", "pickup_time", "", "missing_value"),
    ("orders", "delivery_time", "Date Not Captured", "time_unreadable"),
    ("orders", "weight_source", "guessed", "weight_source_unknown"),
    ("orders", "status", "on its way", "status_unknown"),
    ("orders", "version", "1.5", "version_not_whole"),
    ("orders", "version", "-1", "version_not_whole"),
    ("orders", "price", "cheap", "not_a_number"),
    ("orders", "currency", "yuan", "currency_unknown"),
    ("orders", "cargo_m3", "-2", "negative_volume"),
    ("positions", "vehicle_id", "", "missing_value"),
    ("positions", "time", "", "missing_value"),
    ("positions", "time", "yesterday", "time_unreadable"),
    ("positions", "time", "2026-03-02", "time_without_clock"),
    ("positions", "lat", "95", "latitude_out_of_range"),
    ("positions", "lon", "-180.5", "longitude_out_of_range"),
    ("positions", "lon", "", "coordinate_pair_incomplete"),
    ("positions", "lon", "east", "not_a_number"),
    ("positions", "speed_kmh", "fast", "not_a_number"),
    ("positions", "odometer_km", "inf", "not_a_number"),
    ("energy", "vehicle_id", "", "missing_value"),
    ("energy", "time", "", "missing_value"),
    ("energy", "quantity", "", "missing_value"),
    ("energy", "quantity", "0", "quantity_not_positive"),
    ("energy", "quantity", "-50", "quantity_not_positive"),
    ("energy", "unit", "barrel", "unit_unknown"),
    ("energy", "price", "n.a.", "not_a_number"),
    ("energy", "odometer_km", "-1", "negative_odometer"),
    ("energy", "place_lat", "", "coordinate_pair_incomplete"),
    ("baselines", "driver_id", "", "missing_value"),
    ("baselines", "vehicle_class", "tractor_42t", "baseline_names_both"),
    ("baselines", "valid_from", "", "missing_value"),
    ("baselines", "valid_from", "spring", "time_unreadable"),
    ("baselines", "empty_share", "", "missing_value"),
    ("baselines", "empty_share", "40", "share_out_of_range"),
    ("baselines", "empty_share", "1", "empty_share_one"),
    ("baselines", "payload_utilisation_share", "-0.1", "share_out_of_range"),
    ("baselines", "payload_utilisation_share", "0", "utilisation_zero"),
    ("baselines", "search_share", "1.01", "share_out_of_range"),
    ("baselines", "efficiency_index", "0", "not_positive"),
]


def changed(kind: str, column: str, cell: str) -> str:
    names, cells = SOUND[kind].split(","), ROWS[kind].split(",")
    cells[names.index(column)] = cell
    return ",".join(cells)


@pytest.mark.parametrize("kind", intake.KINDS)
def test_a_sound_row_is_accepted_in_the_shape_of_its_frame(kind: str, tmp_path: Path) -> None:
    found = read(write(tmp_path, [SOUND[kind], ROWS[kind]]), kind)
    assert found.rejections == []
    frame = FRAME_OF[kind]
    again = frame.shape(found.rows)
    if kind == "positions":  # in plain types, and only what the file has
        there = [name for name in frame.names if name in found.rows]
        assert list(found.rows.columns) == [*there, "line"]
        pd.testing.assert_frame_equal(frame.shape(found.rows[there]), again)
        return
    assert list(found.rows.columns) == [*frame.names, "line"]
    pd.testing.assert_frame_equal(found.rows[frame.names], again)
    assert found.rows["line"].dtype == "Int64"


STRATA = (
    "driver_id,vehicle_class,valid_from,empty_share,payload_utilisation_share,energy,"
    "body_length_m_from,body_length_m_until,distance_km_from,distance_km_until,cargo_t_from,"
    "cargo_t_until"
)


def test_a_line_of_a_class_may_hold_for_a_part_of_its_work(tmp_path: Path) -> None:
    rows = [
        ",tractor,2026-01-01,0.4,0.5,柴油,9.6,13.75,0,300,,10",
        ",tractor,2026-01-01,.4,.5,,,,,,,",
    ]
    found = read(write(tmp_path, [STRATA, *rows]), "baselines")
    assert found.rejections == []
    one = found.rows.iloc[0]
    assert (one["energy"], one["body_length_m_until"], one["distance_km_from"]) == (
        "diesel",
        13.75,
        0,
    )
    assert one["cargo_t_until"] == 10
    assert np.isnan(one["cargo_t_from"])
    # Lines of one class and day differ by their strata: none is a version of another.
    assert not found.rows[list(BASELINES.key)].duplicated().any()


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (",tractor,2026-01-01,0.4,0.5,petrol,,,,,,", "energy", "energy_unknown"),
        (",tractor,2026-01-01,0.4,0.5,,,,-1,,,", "distance_km_from", "stratum_below_zero"),
        (",tractor,2026-01-01,0.4,0.5,,,,300,300,,", "distance_km_until", "stratum_empty"),
        (",tractor,2026-01-01,0.4,0.5,,,,,,,0", "cargo_t_until", "stratum_empty"),
        ("D1,,2026-01-01,0.4,0.5,,,,,300,,", "driver_id", "stratum_of_driver"),
        ("D1,,2026-01-01,0.4,0.5,lng,,,,,,", "driver_id", "stratum_of_driver"),
    ],
)
def test_a_stratum_that_holds_for_nothing_is_refused(
    row: str, column: str, code: str, tmp_path: Path
) -> None:
    found = read(write(tmp_path, [STRATA, row]), "baselines")
    assert found.codes == [(2, column, code)]


@pytest.mark.parametrize(("kind", "column", "cell", "code"), FAULTS)
def test_each_fault_has_its_code_line_and_column(
    kind: str, column: str, cell: str, code: str, tmp_path: Path
) -> None:
    lines = [SOUND[kind], ROWS[kind], changed(kind, column, cell), ROWS[kind]]
    found = read(write(tmp_path, lines), kind)
    assert found.codes == [(3, column, code)]
    assert found.rows["line"].tolist() == [2, 4]
    text = found.rejections[0].text
    assert column in text
    assert (cell if cell not in ("", "-") else "is empty") in text
    assert found.rejections[0].file == "f.csv"


def test_a_row_with_many_faults_is_one_rejection(tmp_path: Path) -> None:
    lines = [SOUND["orders"], ",,x,,,,95,,never,on its way,?,?,?,?,?"]
    found = read(write(tmp_path, lines), "orders")
    assert found.codes == [(2, "order_id", "missing_value")]
    assert found.rows_read == 1


def test_interchanged_coordinates_are_refused_with_what_would_fit(tmp_path: Path) -> None:
    orders = [ORDERS_HEADER, ORDER.replace("110.44,35.48", "35.48,110.44")]
    fixes = [POSITIONS_HEADER, "T1,2026-03-02 06:45:00,35.48,110.44"]
    for kind, lines, column in (("orders", orders, "pickup_lat"), ("positions", fixes, "lat")):
        path = write(tmp_path, lines)
        found = read(path, kind)
        assert found.codes == [(2, column, "coordinates_swapped")]
        assert "coordinate_order: lat_lon" in found.rejections[0].text
    turned = read(path, "positions", profile(coordinate_order="lat_lon"))
    assert turned.rows[["lon_udeg", "lat_udeg"]].values.tolist() == [[110_440_000, 35_480_000]]


def test_two_coordinates_in_one_column_are_read_in_the_declared_order(tmp_path: Path) -> None:
    lines = [
        "vehicle_id;time;where",
        'T1;2026-03-02 06:45;"35.48, 110.44"',
        "T1;2026-03-02 06:45;x",
    ]
    source = profile(columns={"coordinates": "where"}, coordinate_order="lat_lon")
    found = read(write(tmp_path, lines), "positions", source)
    assert found.rows[["lon_udeg", "lat_udeg"]].values.tolist() == [[110_440_000, 35_480_000]]
    assert found.codes == [(3, "where", "not_a_number")]


def test_what_is_not_said_takes_the_value_of_the_contract(tmp_path: Path) -> None:
    order = read(write(tmp_path, [ORDERS_HEADER, ORDER]), "orders").rows.iloc[0]
    assert (order["weight_source"], order["status"], order["version"]) == (
        "declared",
        "accepted",
        1,
    )
    assert (order["pickup_uncertainty_km"], order["delivery_uncertainty_km"]) == (0, 0)
    truck = read(write(tmp_path, ["vehicle_id,rated_payload_t", "T1,30"]), "vehicles").rows.iloc[0]
    assert truck["energy"] == "diesel"
    fuel = read(write(tmp_path, ["vehicle_id,time,quantity", "T1,2026-03-02 06:45,9"]), "energy")
    assert fuel.rows["unit"].tolist() == ["l"]


def test_cargo_of_zero_is_an_order_too(tmp_path: Path) -> None:
    path = write(tmp_path, [ORDERS_HEADER, ORDER.replace(",30,", ",0,")])
    assert read(path, "orders").rows["cargo_t"].tolist() == [0]


def test_positions_that_cannot_be_true_are_still_accepted(tmp_path: Path) -> None:
    lines = [
        f"{POSITIONS_HEADER},accuracy_m",
        "T1,2026-03-02 06:45:00,0,0,",
        "T1,2094-03-02 06:45:00,110.44,35.48,",
        "T1,0,110.44,35.48,",
        "T1,2026-03-02 06:45:00,110.44,35.48,5000",
    ]
    found = read(write(tmp_path, lines), "positions")
    assert len(found.rows) == 4
    assert found.rows["time_ms"].iloc[2] == 0
    assert found.rows["accuracy_m"].iloc[3] == 5000


def test_signals_that_a_device_does_not_know_are_missing_and_counted(tmp_path: Path) -> None:
    lines = [
        f"{POSITIONS_HEADER},speed_kmh,heading_deg,accuracy_m",
        "T1,2026-03-02 06:45:00,110.44,35.48,-1,511,-5",
        "T1,2026-03-02 06:45:30,110.44,35.48,0,360,0",
    ]
    found = read(write(tmp_path, lines), "positions")
    signals = found.rows[["speed_kmh", "heading_deg", "accuracy_m"]].to_numpy()
    assert np.isnan(signals[0]).all()
    assert signals[1].tolist() == [0, 360, 0]
    assert found.batches[0].remarks == {
        "speed_kmh_not_known_to_device": 1,
        "heading_deg_not_known_to_device": 1,
        "accuracy_m_not_known_to_device": 1,
    }


def test_no_height_temperature_or_level_that_cannot_be_is_taken_for_one(tmp_path: Path) -> None:
    lines = [
        f"{POSITIONS_HEADER},altitude_m,ambient_degc,fuel_level_l",
        "T1,2026-03-02 06:45:00,110.44,35.48,-9999,215,6553.5",
        "T1,2026-03-02 06:45:30,110.44,35.48,-154.3,-38.5,0",
        "T1,2026-03-02 06:46:00,110.44,35.48,5231,49,1200",
        "T1,2026-03-02 06:46:30,110.44,35.48,,,",
    ]
    found = read(write(tmp_path, lines), "positions")
    signals = found.rows[["altitude_m", "ambient_degc", "fuel_level_l"]].to_numpy()
    assert np.isnan(signals[[0, 3]]).all()
    assert signals[1:3].tolist() == [[-154.3, -38.5, 0.0], [5231.0, 49.0, 1200.0]]
    assert found.batches[0].remarks == {
        "altitude_m_not_known_to_device": 1,
        "ambient_degc_not_known_to_device": 1,
        "fuel_level_l_not_known_to_device": 1,
    }


def test_lost_gps_weeks_are_added_where_the_profile_says_so(tmp_path: Path) -> None:
    # 2026-03-02 minus 7,168 days is 2006-07-17.
    times = ["2006-07-17 06:45:00", "2026-03-02 06:45:30", "0"]
    path = write(tmp_path, [POSITIONS_HEADER, *(f"T1,{time},110.44,35.48" for time in times)])
    asked = read(path, "positions", profile(gps_rollover_before="2026-03-01"))
    moments = pd.to_datetime(asked.rows["time_ms"], unit="ms").astype(str).tolist()
    assert moments[:2] == ["2026-03-01 22:45:00", "2026-03-01 22:45:30"]
    assert asked.rows["time_ms"].iloc[2] == 0
    assert asked.batches[0].remarks == {"gps_weeks_added": 1}
    assert read(path, "positions").rows["time_ms"].iloc[0] < asked.rows["time_ms"].iloc[0]


def test_units_of_the_profile_are_converted(tmp_path: Path) -> None:
    header = "vehicle_id,time,lon,lat,speed_kmh,odometer_km,fuel_used_l,gross_mass_t"
    path = write(tmp_path, [header, "T1,2026-03-02 06:45:00,1,2,10,2000,500,23456"])
    for units, expected in (
        ({"speed": "knots", "odometer": "m", "fuel": "ml", "mass": "kg"}, [18.52, 2, 0.5, 23.456]),
        ({"speed": "ms", "odometer": "0.1km"}, [36, 200, 500, 23456]),
        ({"speed": "mph", "odometer": "mi"}, [16.09344, 3218.688, 500, 23456]),
        ({"speed": "0.1kmh"}, [1, 2000, 500, 23456]),
    ):
        row = read(path, "positions", profile(units=units)).rows.iloc[0]
        names = ["speed_kmh", "odometer_km", "fuel_used_l", "gross_mass_t"]
        assert row[names].tolist() == pytest.approx(expected)


def test_height_temperature_and_level_may_come_in_other_units(tmp_path: Path) -> None:
    header = "vehicle_id,time,lon,lat,altitude_m,ambient_degc,fuel_level_l"
    path = write(tmp_path, [header, "T1,2026-03-02 06:45:00,1,2,1000,-105,3170"])
    units = {"altitude": "ft", "ambient": "0.1degc", "fuel_level": "0.1l"}
    row = read(path, "positions", profile(units=units)).rows.iloc[0]
    # The international foot is 0.3048 m by definition.
    names = ["altitude_m", "ambient_degc", "fuel_level_l"]
    assert row[names].tolist() == pytest.approx([304.8, -10.5, 317.0])


def test_cargo_and_payload_may_be_kilograms(tmp_path: Path) -> None:
    path = write(tmp_path, [ORDERS_HEADER, ORDER.replace(",30,", ",31500.000,")])
    rows = read(path, "orders", profile(units={"cargo": "kg"})).rows
    assert rows["cargo_t"].tolist() == [pytest.approx(31.5)]
    path = write(tmp_path, ["vehicle_id,rated_payload_t,curb_mass_t", "T1,30000,15000"])
    truck = read(path, "vehicles", profile(units={"mass": "kg"})).rows.iloc[0]
    assert truck[["rated_payload_t", "curb_mass_t"]].tolist() == [30, 15]


def test_a_unit_in_the_receipt_beats_the_unit_of_the_profile(tmp_path: Path) -> None:
    gallons = profile(units={"fuel": "gal_us"})
    bare = write(tmp_path, ["vehicle_id,time,quantity", "T1,2026-03-02 06:45,100"])
    # One US gallon is 231 cubic inches: 3.785411784 litres.
    assert read(bare, "energy", gallons).rows["quantity"].tolist() == [pytest.approx(378.5411784)]
    told = write(tmp_path, ["vehicle_id,time,quantity,unit", "T1,2026-03-02 06:45,100,升"])
    row = read(told, "energy", gallons).rows.iloc[0]
    assert (row["quantity"], row["unit"]) == (100, "l")


def test_constants_fill_what_the_file_leaves_empty(tmp_path: Path) -> None:
    path = write(tmp_path, ["time,lon,lat,driver_id", "2026-03-02 06:45:00,1,2,D9",
                            "2026-03-02 06:46:00,1,2,"])  # fmt: skip
    source = profile(constants={"vehicle_id": "T7", "driver_id": "D1"})
    rows = read(path, "positions", source).rows
    assert rows["vehicle_id"].tolist() == ["T7", "T7"]
    assert rows["driver_id"].tolist() == ["D9", "D1"]


def test_coordinates_of_another_system_are_converted_and_foreign_ones_are_not(
    tmp_path: Path,
) -> None:
    lines = [
        POSITIONS_HEADER,
        # Test vector of the public implementations: WGS-84 116.404, 39.915.
        "T1,2026-03-02 06:45:00,116.41024449916938,39.91640428150164",
        "T1,2026-03-02 06:46:00,13.4050,52.5200",
    ]
    rows = read(write(tmp_path, lines), "positions", profile(crs="gcj02")).rows
    assert rows["lon_udeg"].tolist() == [116_404_000, 13_405_000]
    assert rows["lat_udeg"].tolist() == [39_915_000, 52_520_000]


def test_duplicates_are_rows_like_others_here(tmp_path: Path) -> None:
    path = write(tmp_path, [SOUND["positions"], ROWS["positions"], ROWS["positions"]])
    assert len(read(path, "positions").rows) == 2


def test_assignment_columns_may_be_named_as_in_the_tables(tmp_path: Path) -> None:
    path = write(tmp_path, ["driver_id,vehicle_id,start,end", "D1,T1,2026-03-01,"])
    source = profile(columns={"assigned_from": "start", "until": "end"})
    row = read(path, "assignments", source).rows.iloc[0]
    assert row["assigned_from"] == pd.Timestamp("2026-02-28T16:00:00Z")
    assert pd.isna(row["assigned_until"])


@pytest.mark.parametrize(
    ("header", "kind", "missing", "near"),
    [
        ("unit,ts,lng,latitude", "positions", ["vehicle_id", "time", "lon or coordinates",
         "lat or coordinates"], {"vehicle_id": "unit", "time": "ts", "lon": "lng",
         "lat": "latitude"}),
        ("vehicleid,rated_payload", "vehicles", ["rated_payload_t"],
         {"rated_payload_t": "rated_payload"}),
        ("车辆,rated_payload_t", "vehicles", ["vehicle_id or plate"], {"vehicle_id": "车辆"}),
        # pickup_lon is like pickup_lat, but it serves already.
        ("pickup_lon,delivery_lon,delivery_lat,order_id,vehicle_id,cargo_t,pickup_time,"
         "delivery_time", "orders",
         ["pickup_lat or pickup_coordinates or pickup_place or pickup_region_code"], {}),
        ("a,b", "baselines", ["valid_from", "empty_share", "payload_utilisation_share",
         "driver_id or vehicle_class"], {}),
    ],
)  # fmt: skip
def test_a_missing_column_is_refused_with_what_was_found_and_what_to_map(
    header: str, kind: str, missing: list[str], near: dict[str, str], tmp_path: Path
) -> None:
    if kind == "vehicles":
        header = header.replace("vehicleid", "vehicle_id")
    path = write(tmp_path, [header, ",".join("x" * (header.count(",") + 1))], name="fleet.csv")
    with pytest.raises(InputRefused) as refused:
        read(path, kind)
    error = refused.value
    assert error.code == "column_missing"
    assert error.details["missing"] == missing
    assert error.details["suggestions"] == near
    for part in ("fleet.csv", *header.split(",")):
        assert part in error.message
    for ours, theirs in near.items():
        assert f"{ours}: {theirs}" in error.hint


def test_what_is_missing_beside_a_joined_column_is_refused_and_no_heading_is_offered_twice(
    tmp_path: Path,
) -> None:
    """A template of a board: day and clock apart, places in parts, no truck."""
    header = (
        "title,originCity,originState,originAddress,destinationCity,pickupDate,pickupTime,"
        "deliveryDate,deliveryTime,timeZone,weight (lb)"
    )
    path = write(tmp_path, [header, ",".join("x" * 11)])
    with pytest.raises(InputRefused) as refused:
        read(path, "orders")
    missing = refused.value.details["missing"]
    assert missing[0] == "order_id"
    assert not any("time" in one for one in missing)
    apart = write(
        tmp_path, ["Load ID,Unit Number,Weight (lb),Pick up date,Delivery date", "x,x,1,,"]
    )
    with pytest.raises(InputRefused) as refused:
        read(apart, "orders")
    offered = refused.value.details["suggestions"]
    assert offered == {"pickup_time": "Pick up date", "delivery_time": "Delivery date"}
    assert "title_rows" in refused.value.hint


def test_a_profile_that_names_a_column_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, ["driver_id,Name", "D1,a"])
    with pytest.raises(InputRefused) as refused:
        read(path, "drivers", profile(columns={"name": "Names"}))
    assert "'Names'" in refused.value.message
    assert "Name" in refused.value.hint


def test_a_name_in_a_profile_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, ["driver_id", "D1"])
    with pytest.raises(InputRefused) as refused:
        read(path, "drivers", profile(columns={"vehicel_id": "truck"}))
    assert "vehicle_id" in refused.value.hint


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="'trucks'"):
        read(write(tmp_path, ["a"]), "trucks")


def test_a_refused_file_is_refused_before_the_first_batch_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputRefused):
        intake.read_batches(
            write(tmp_path, ["a", "b"]), "drivers", SHANGHAI, gazetteer=None, chunk_rows=10
        )


@given(
    cells=st.lists(
        st.tuples(
            st.sampled_from(["T1", "", "-", "T2 "]),
            st.sampled_from(["2026-03-02 06:45:00", "1772405100", "x", "", "2026-03-02"]),
            st.sampled_from(["110.44", "0", "181", "", "abc", "35.48", "nan"]),
            st.sampled_from(["35.48", "0", "95", "", "1e1", "-91"]),
            st.sampled_from(["", "-1", "72.5", "fast"]),
        ),
        max_size=25,
    ),
    chunk_rows=st.sampled_from([1, 4, 1000]),
)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_read_is_accepted_plus_refused_whatever_stands_in_the_file(
    cells: list[tuple[str, ...]], chunk_rows: int, tmp_path: Path
) -> None:
    """The sum of the contract, in text and in Parquet, with the same verdict on every row."""
    header = ["vehicle_id", "time", "lon", "lat", "speed_kmh"]
    kept = [row for row in cells if any(cell.strip() for cell in row)]
    path = write(tmp_path, [",".join(row) for row in [header, *kept]])
    found = read(path, "positions", chunk_rows=chunk_rows)
    assert found.rows_read == len(found.rows) + len(found.rejections) == len(kept)
    table = pa.table({name: pa.array([row[n] for row in kept], pa.string())
                      for n, name in enumerate(header)})  # fmt: skip
    pq.write_table(table, tmp_path / "f.parquet")
    native = read(tmp_path / "f.parquet", "positions", chunk_rows=chunk_rows)
    assert [(line, code) for line, _, code in native.codes] == [
        (line - 1, code) for line, _, code in found.codes
    ]
    assert (native.rows["line"] + 1).tolist() == found.rows["line"].tolist()


def test_full_and_partial_fills_are_read_in_the_words_of_cards_and_apps(tmp_path: Path) -> None:
    words = ("yes", "加满", "TRUE", "1", "no", "未加满", "0", "", "maybe")
    rows = [f"T1,2026-03-02T1{at}:00:00Z,300,{word}" for at, word in enumerate(words)]
    found = read(write(tmp_path, ["vehicle_id,time,quantity,is_full", *rows]), "energy")
    assert found.rows["is_full"].tolist() == [True] * 4 + [False] * 3 + [pd.NA]
    assert found.codes == [(10, "is_full", "is_full_unknown")]
    lines = ["vehicle_id,time,quantity", "T1,2026-03-02T11:00:00Z,3"]
    without = read(write(tmp_path, lines), "energy")
    assert without.rows["is_full"].isna().all()


def test_the_tank_of_a_truck_is_read_and_holds_something(tmp_path: Path) -> None:
    lines = ["vehicle_id,rated_payload_t,tank_l", "T1,30,800", "T2,30,0", "T3,30,"]
    found = read(write(tmp_path, lines), "vehicles")
    assert found.rows["tank_l"].fillna(-1).tolist() == [800, -1]
    assert found.codes == [(3, "tank_l", "not_positive")]
