"""Open Trip Model 5: trips with consignments inside or referred to, masses of single goods."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import InputRefused
from tests.ingest.dialects.reading import read_dialect
from tests.ingest.reading import Read

EXAMPLE = (Path(__file__).parent / "golden" / "otm5_trip.json").read_bytes()


def trip() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EXAMPLE)
    return found


def consignment(of: dict[str, Any]) -> dict[str, Any]:
    load = of["actions"][0]["entity"]["actions"][0]["entity"]
    found: dict[str, Any] = load["consignment"]["entity"]
    return found


def orders(folder: Path, *trips: Any, **said: Any) -> Read:
    content = "\n".join(json.dumps(one) for one in trips).encode()
    return read_dialect(folder, content, "otm5", "orders", **said)


def test_the_example_is_read_by_its_schemas(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, EXAMPLE, "otm5", "orders")
    assert found.codes == []
    [row] = found.rows.to_dict("records")
    assert (row["order_id"], row["vehicle_id"]) == ("trip-1:con-1", "AB123CD")
    # 20 goods of 450 kg each, and one of 1.5 t.
    assert row["cargo_t"] == pytest.approx(10.5)
    # What was realized counts, not what was planned; a loading is over when it ends.
    assert row["pickup_time"].isoformat() == "2026-03-02T07:05:00+00:00"
    # The unloading says nothing itself: its stop does, with an offset.
    assert row["delivery_time"].isoformat() == "2026-03-02T11:00:00+00:00"
    assert (row["pickup_lon"], row["pickup_lat"]) == (5.10, 52.10)
    assert (row["delivery_lon"], row["delivery_lat"]) == (3.60, 51.50)
    assert (row["driver_id"], row["shipper_id"]) == ("person-1", "Firm One")
    assert row["status"] == "delivered"
    assert row["version"] == 1772467200000  # 2026-03-02T16:00:00Z


def test_what_is_referred_to_is_found_in_the_document(tmp_path: Path) -> None:
    one = trip()
    held = one["vehicle"]["entity"]
    one["vehicle"] = {"associationType": "reference", "uuid": "veh-1"}
    one["externalAttributes"] = {"vehicles": [held]}
    assert orders(tmp_path, one).rows["vehicle_id"].tolist() == ["AB123CD"]


def test_a_list_and_a_wrapped_trip_are_read_alike(tmp_path: Path) -> None:
    wrapped = {"associationType": "inline", "entity": trip()}
    listed = {"trips": [trip(), wrapped]}
    assert len(orders(tmp_path, wrapped).rows) == 1
    assert len(orders(tmp_path, listed).rows) == 2


def test_a_truck_without_a_plate_goes_by_its_id_or_what_a_profile_takes(tmp_path: Path) -> None:
    one = trip()
    del one["vehicle"]["entity"]["licensePlate"]
    assert orders(tmp_path, one).rows["vehicle_id"].tolist() == ["veh-1"]
    named = orders(tmp_path, one, columns={"vehicle_id": "vehicle_name"})
    assert named.rows["vehicle_id"].tolist() == ["Truck 1"]


def test_a_unit_that_is_not_known_is_refused_with_its_word(tmp_path: Path) -> None:
    one = trip()
    consignment(one)["goods"][0]["entity"]["grossWeight"]["unit"] = "STN"
    found = orders(tmp_path, one)
    assert found.codes == [(1, "cargo_t", "not_a_number")]
    assert "450 STN" in found.rejections[0].text


def test_goods_without_a_mass_make_no_order(tmp_path: Path) -> None:
    one = trip()
    del consignment(one)["goods"][1]["entity"]["weight"]
    assert orders(tmp_path, one).codes == [(1, "cargo_t", "missing_value")]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("cancelled", "cancelled"),
        ("inTransit", "accepted"),
        ("draft", "planned"),
        ("new word", "delivered"),
    ],
)
def test_the_state_of_a_consignment_goes_before_that_of_its_trip(
    said: str, status: str, tmp_path: Path
) -> None:
    one = trip()
    consignment(one)["status"] = said
    assert orders(tmp_path, one).rows["status"].tolist() == [status]


def test_a_trip_without_consignments_is_counted_and_holds_no_order(tmp_path: Path) -> None:
    empty = trip()
    empty["actions"] = empty["actions"][1:2]
    found = orders(tmp_path, empty, trip(), {"id": "x"})
    assert found.codes == [(1, "", "trip_without_consignment"), (3, "", "trip_without_consignment")]
    assert found.rows_read == 3


def test_json_without_a_trip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        orders(tmp_path, {"id": "x"})
    assert refused.value.code == "dialect_not_met"


_MASSES = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 2_000), st.sampled_from(["KGM", "TNE", "GRM"])),
    min_size=1,
    max_size=4,
)
_KG_PER = {"KGM": 1.0, "TNE": 1000.0, "GRM": 0.001}


@settings(max_examples=15, deadline=None)
@given(_MASSES)
def test_what_is_written_by_the_schemas_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, masses: list[tuple[int, int, str]]
) -> None:
    one = trip()
    consignment(one)["goods"] = [
        {"entity": {"quantity": count, "grossWeight": {"value": value, "unit": unit}}}
        for count, value, unit in masses
    ]
    found = orders(tmp_path_factory.mktemp("o"), one)
    total_kg = sum(count * value * _KG_PER[unit] for count, value, unit in masses)
    assert found.rows["cargo_t"].tolist() == [pytest.approx(total_kg / 1000)]


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["entity", "id", "uuid", "actions", "value"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["vehicle", "actors", "id", "lastModified", "status", "actions"]), _ANYTHING)
def test_whatever_stands_in_a_field_each_trip_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: Any
) -> None:
    one = copy.deepcopy(trip()) | {name: value}
    found = orders(tmp_path_factory.mktemp("f"), one, trip())
    assert found.rows_read == len(found.rows) + len(found.rejections) >= 2
