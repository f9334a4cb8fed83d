"""Waybills of China's network freight platforms: the example, the key, units, places, times."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.coordinates import wgs84_to_gcj02
from fleet_carbon.ingest.plates import PlateBook
from tests.ingest.dialects.reading import read_dialect
from tests.ingest.reading import Read, gazetteer

EXAMPLE = (Path(__file__).parent / "golden" / "network_freight.json").read_bytes()
WAYBILL: dict[str, Any] = json.loads(EXAMPLE)


def changed(**given: Any) -> dict[str, Any]:
    return copy.deepcopy(WAYBILL) | given


def vehicle(**given: Any) -> dict[str, Any]:
    return copy.deepcopy(WAYBILL["vehicleInfo"][0]) | given


def orders(folder: Path, *waybills: Any, **said: Any) -> Read:
    content = "\n".join(json.dumps(one) for one in waybills).encode()
    return read_dialect(folder, content, "network_freight", "orders", **said)


def test_the_example_is_read_by_its_field_table(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, EXAMPLE, "network_freight", "orders")
    assert found.codes == []
    [row] = found.rows.to_dict("records")
    assert row["order_id"] == "YD2024030200007-0000"
    assert row["vehicle_id"] == "赣A00000_2"
    assert row["cargo_t"] == 31.5
    # Civil time of China, eight hours ahead of UTC.
    assert row["pickup_time"].isoformat() == "2024-03-01T22:45:00+00:00"
    assert row["delivery_time"].isoformat() == "2024-03-02T07:30:00+00:00"
    nanchang = gazetteer().look_up("360121")
    assert nanchang is not None
    assert (row["pickup_lon"], row["pickup_lat"]) == (nanchang.lon, nanchang.lat)
    assert row["pickup_uncertainty_km"] == nanchang.uncertainty_km
    assert (row["price"], row["currency"], row["version"]) == ("6800.000", "CNY", 20240303101500)
    assert (row["shipper_id"], row["status"]) == ("91360000MA00000000", "delivered")
    assert (row["weight_source"], row["line"]) == ("declared", 1)


def test_nothing_of_the_driver_is_read(tmp_path: Path) -> None:
    found = read_dialect(tmp_path, EXAMPLE, "network_freight", "orders")
    assert found.rows["driver_id"].isna().all()
    assert "张某" not in found.rows.to_csv()


def test_a_consignor_who_is_a_person_stays_unnamed(tmp_path: Path) -> None:
    party = WAYBILL["consignorInfo"] | {"consignorID": "36010219900101001X"}
    assert orders(tmp_path, changed(consignorInfo=party)).rows["shipper_id"].isna().all()


def test_number_and_serial_number_are_the_key(tmp_path: Path) -> None:
    found = orders(tmp_path, changed(serialNumber="0101"), changed(serialNumber="0102"))
    assert found.rows["order_id"].tolist() == ["YD2024030200007-0101", "YD2024030200007-0102"]


def test_each_truck_of_a_waybill_is_an_order_and_none_gets_the_price_of_all(tmp_path: Path) -> None:
    own = vehicle(
        vehicleNumber="赣B00000",
        despatchActualDateTime="20240302070000",
        goodsReceiptDateTime=20240302160000,
        loadingCountrySubdivisionCode="360102",
        placeOfLoading="",
    )
    found = orders(tmp_path, changed(vehicleInfo=[vehicle(), own]))
    assert found.rows["order_id"].tolist() == ["YD2024030200007-0000", "YD2024030200007-0000-2"]
    assert found.rows["vehicle_id"].tolist() == ["赣A00000_2", "赣B00000_2"]
    assert found.rows["price"].isna().all()
    assert found.rows["pickup_time"].iloc[1].isoformat() == "2024-03-01T23:00:00+00:00"
    assert found.rows["delivery_time"].iloc[1].isoformat() == "2024-03-02T08:00:00+00:00"
    assert found.rows["line"].tolist() == [1, 1]


def test_a_vehicle_may_stand_without_a_list_and_names_with_capitals(tmp_path: Path) -> None:
    def capital(value: Any) -> Any:
        if isinstance(value, dict):
            return {key[:1].upper() + key[1:]: capital(one) for key, one in value.items()}
        return [capital(one) for one in value] if isinstance(value, list) else value

    found = orders(tmp_path, capital(changed(vehicleInfo=vehicle())))
    assert found.rows["cargo_t"].tolist() == [31.5]


def test_masses_are_kilograms_unless_a_profile_says_otherwise(tmp_path: Path) -> None:
    goods = [{"goodsItemGrossWeight": 10}, {"goodsItemGrossWeight": "21.5"}]
    waybill = changed(vehicleInfo=[vehicle(goodsInfo=goods)])
    assert orders(tmp_path, waybill).rows["cargo_t"].tolist() == [pytest.approx(0.0315)]
    assert orders(tmp_path, waybill, units={"cargo": "t"}).rows["cargo_t"].tolist() == [31.5]
    grams = changed(
        vehicleInfo=[vehicle(goodsInfo={"goodsItemGrossWeight": 1000000, "cube": 20000000})]
    )
    found = orders(tmp_path, grams, units={"cargo": "g"})
    assert found.rows["cargo_t"].tolist() == [1.0]
    assert found.rows["cargo_m3"].isna().all()  # 20 m3 as cm3; no truck has 20 million m3


@pytest.mark.parametrize(
    ("goods", "code"),
    [
        ([], "missing_value"),
        ([{"goodsItemGrossWeight": "10"}, {"goodsItemGrossWeight": ""}], "missing_value"),
        ([{"goodsItemGrossWeight": "about 30 t"}], "not_a_number"),
        ([{"goodsItemGrossWeight": -5}], "negative_cargo"),
    ],
)
def test_goods_without_a_mass_are_refused(goods: list[Any], code: str, tmp_path: Path) -> None:
    found = orders(tmp_path, changed(vehicleInfo=[vehicle(goodsInfo=goods)]))
    assert [one.code for one in found.rejections] == [code]
    assert found.rows_read == 1


def test_an_address_that_nobody_knows_is_found_by_its_region_code(tmp_path: Path) -> None:
    party = {"placeOfLoading": "1号仓库", "countrySubdivisionCode": 360121}
    found = orders(tmp_path, changed(consignorInfo=party))
    place = gazetteer().look_up("360121")
    assert place is not None
    assert found.rows["pickup_lat"].tolist() == [place.lat]


def test_places_picked_on_a_map_are_gcj02(tmp_path: Path) -> None:
    lon, lat = 113.9, 22.55
    shifted = wgs84_to_gcj02(np.array([lon]), np.array([lat]), gazetteer().mainland)
    picked = [float(one[0]) for one in shifted]
    points = [
        {"pointType": 20, "pointSort": 3, "pointLongitude": 116.0, "pointLatitude": 30.0},
        {"pointType": 20, "pointSort": 2, "pointLongitude": 115.0, "pointLatitude": 29.0},
        {"pointType": 10, "pointSort": 1, "pointLongitude": str(picked[0]),
         "pointLatitude": str(picked[1]), "actualSendTime": "2021-04-20T11:41:53"},
    ]  # fmt: skip
    waybill = changed(cargoPointList=points, despatchActualDateTime="")
    waybill["despatchActualDateTime"], waybill["goodsReceiptDateTime"] = None, "20210421080000"
    [row] = orders(tmp_path, waybill).rows.to_dict("records")
    assert (row["pickup_lon"], row["pickup_lat"]) == pytest.approx((lon, lat), abs=1e-6)
    assert row["delivery_lat"] == pytest.approx(30.0, abs=0.01)
    assert row["pickup_time"].isoformat() == "2021-04-20T03:41:53+00:00"


def test_moments_may_be_seconds_of_an_epoch_or_numbers_of_fourteen_digits(tmp_path: Path) -> None:
    # 1,709,333,100 s is 2024-03-01T22:45:00Z, 06:45 in China.
    for told in (1709333100, "1709333100", 20240302064500, "20240302064500"):
        row = orders(tmp_path, changed(despatchActualDateTime=told)).rows.iloc[0]
        assert row["pickup_time"].isoformat() == "2024-03-01T22:45:00+00:00", told


def test_a_waybill_under_way_is_refused_until_it_is_received(tmp_path: Path) -> None:
    found = orders(tmp_path, changed(goodsReceiptDateTime=""), changed())
    assert found.codes == [(1, "delivery_time", "missing_value")]
    assert found.rows_read == 2


def test_the_message_of_a_vehicle_registers_it_in_tonnes(tmp_path: Path) -> None:
    message = {"vehicleNumber": "赣A00000", "vehiclePlateColorCode": "2", "vehicleEnergyType": "B",
               "vehicleTonnage": "32.00", "grossMass": "49.00"}  # fmt: skip
    content = json.dumps([message, message | {"vehicleNumber": "赣B00000", "vehicleTonnage": ""}])
    found = read_dialect(tmp_path, content.encode(), "network_freight", "vehicles")
    assert found.codes == [(2, "rated_payload_t", "missing_value")]
    [row] = found.rows.to_dict("records")
    assert (row["vehicle_id"], row["rated_payload_t"]) == ("赣A00000_2", 32.0)
    assert row["energy"] == "diesel"


@pytest.mark.parametrize("content", [b"-326437", b"[1, null]", b'"a text"'])
def test_json_that_holds_no_record_is_refused_as_a_whole(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        read_dialect(tmp_path, content, "network_freight", "orders")
    assert refused.value.code == "json_unreadable"


def test_other_json_is_not_a_waybill(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        read_dialect(tmp_path, b'{"orderNo": 1}', "network_freight", "orders")
    assert refused.value.code == "dialect_not_met"


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)
_WRITTEN = st.fixed_dictionaries(
    {
        "note": st.text("YD0123456789", min_size=1, max_size=20),
        "kg": st.decimals(min_value=0, max_value=60_000, places=3),
        "minute": st.integers(0, 24 * 60 - 1),
        "color": st.sampled_from(["1", "2", "93", "94"]),
    }
)


@settings(max_examples=15, deadline=None)
@given(st.lists(_WRITTEN, min_size=1, max_size=5))
def test_what_is_written_by_the_field_table_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, written: list[dict[str, Any]]
) -> None:
    waybills = [
        changed(
            shippingNoteNumber=one["note"],
            despatchActualDateTime=f"20240302{one['minute'] // 60:02d}{one['minute'] % 60:02d}00",
            goodsReceiptDateTime="20240304000000",
            vehicleInfo=vehicle(
                vehiclePlateColorCode=one["color"],
                goodsInfo={"goodsItemGrossWeight": f"{one['kg']:f}"},
            ),
        )
        for one in written
    ]
    rows = orders(tmp_path_factory.mktemp("w"), *waybills).rows
    assert rows["order_id"].tolist() == [f"{one['note']}-0000" for one in written]
    assert rows["cargo_t"].tolist() == [pytest.approx(float(one["kg"]) / 1000) for one in written]
    assert rows["vehicle_id"].tolist() == [f"赣A00000_{one['color']}" for one in written]
    local = rows["pickup_time"].dt.tz_convert("Asia/Shanghai")
    assert (local.dt.hour * 60 + local.dt.minute).tolist() == [one["minute"] for one in written]


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_PATHS = [
    ("vehicleInfo",), ("consignorInfo",), ("shippingNoteNumber",), ("goodsReceiptDateTime",),
    ("cargoPointList",), ("serialNumber",), ("sendToProDateTime",), ("totalMonetaryAmount",),
]  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(_PATHS), _ANYTHING)
def test_whatever_stands_in_a_field_each_waybill_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, path: tuple[str], value: Any
) -> None:
    found = orders(tmp_path_factory.mktemp("f"), changed(**{path[0]: value}), changed())
    assert found.rows_read == len(found.rows) + len(found.rejections) >= 2


def test_plate_and_color_find_the_registered_truck() -> None:
    book = PlateBook([("V1", "赣A00000", "2"), ("V2", "赣A00000", "5")])
    assert (book.find("赣A00000", "2"), book.find("赣A00000", "5")) == ("V1", "V2")
