"""Headings of other systems: taken where they leave no doubt, left alone where they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.headers import KNOWN, known_headings, squashed
from fleet_carbon.ingest.intake import LAYOUTS
from fleet_carbon.ingest.plates import PlateBook
from fleet_carbon.ingest.profiles import SourceProfile
from tests.ingest.reading import profile, read, write

# As a dispatch system exports it: t and kg in one sheet, a price per tonne, a person's name.
CHINESE = (
    "运单编号,车牌号,车牌颜色,司机姓名,运价(元/吨),装货地址,装货时间,装货净重(吨),卸货地址,卸货时间,"
    "卸货净重（公斤）,货损(吨),允许货损(公斤/车),油费金额(元),运单状态"
)
DRIVEN = (
    "YD001,赣A·00000,黄色,张某,120,江西省南昌市南昌县莲塘镇1号,2024-03-02 06:45,31.5,"
    "福建省福州市闽侯县2号,2024/3/2 15:30,31420,0.08,100,2000,已签收"
)
ENGLISH = (
    "Waybill No,Truck Number,Weight (lb),Pickup Address,Pick-up Time,Delivery Address,"
    "Delivery Date Time,Customer,Order Status"
)


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_chinese_export_is_read_as_it_comes(encoding: str, tmp_path: Path) -> None:
    path = write(tmp_path, [CHINESE, DRIVEN], encoding=encoding)
    found = read(path, "orders")
    assert found.codes == []
    order = found.rows.iloc[0]
    assert (order["order_id"], order["vehicle_id"]) == ("YD001", "赣A00000_2")
    assert (order["cargo_t"], order["weight_source"], order["status"]) == (
        31.5,
        "weighed",
        "delivered",
    )
    # 06:45 in China is 22:45 UTC of the day before.
    assert order["pickup_time"].isoformat() == "2024-03-01T22:45:00+00:00"
    assert (order["pickup_uncertainty_km"] > 0, order["delivery_uncertainty_km"] > 0) == (True,) * 2
    use = found.batches[0].columns
    assert set(use.ignored) == {"司机姓名", "运价(元/吨)", "允许货损(公斤/车)", "油费金额(元)"}


def test_a_truck_weighed_only_at_the_end_carried_what_was_lost_too(tmp_path: Path) -> None:
    row = DRIVEN.replace(",31.5,", ",,")
    found = read(write(tmp_path, [CHINESE, row]), "orders")
    assert found.rows["cargo_t"].tolist() == [pytest.approx(31.42 + 0.08)]
    assert found.batches[0].remarks["cargo_from_unloaded_weight"] == 1


def test_an_order_without_any_weight_is_refused_by_its_column(tmp_path: Path) -> None:
    row = DRIVEN.replace(",31.5,", ",,").replace(",31420,0.08,", ",,,")
    found = read(write(tmp_path, [CHINESE, row]), "orders")
    assert found.codes == [(2, "装货净重(吨)", "missing_value")]


def test_more_unloaded_than_loaded_is_told(tmp_path: Path) -> None:
    found = read(write(tmp_path, [CHINESE, DRIVEN.replace("31420", "31900")]), "orders")
    assert found.batches[0].remarks["unloaded_weight_exceeds_loaded"] == 1


def test_an_english_export_is_read_by_its_headings_and_units(tmp_path: Path) -> None:
    row = "W1,T1,2204.62,南昌县,2024-03-02 06:45,闽侯县,2024-03-02 15:30,C7,Delivered"
    found = read(write(tmp_path, [ENGLISH, row]), "orders")
    assert found.codes == []
    order = found.rows.iloc[0]
    # The pound of 1959: 0.45359237 kg.
    assert order["cargo_t"] == pytest.approx(2204.62 * 0.00045359237)
    assert (order["shipper_id"], order["status"]) == ("C7", "delivered")


@pytest.mark.parametrize("heading", ["Weight", "货物重量", "重量(件)"])
def test_a_mass_without_a_unit_is_not_taken(heading: str, tmp_path: Path) -> None:
    header = ENGLISH.replace("Weight (lb)", heading)
    row = "W1,T1,30,南昌县,2024-03-02 06:45,闽侯县,2024-03-02 15:30,C7,Delivered"
    path = write(tmp_path, [header, row])
    with pytest.raises(InputRefused) as refused:
        read(path, "orders")
    assert refused.value.details["missing"] == ["cargo_t or loaded_t or unloaded_t"]
    if "件" not in heading:
        assert refused.value.details["suggestions"] == {"cargo_t": heading}
        assert read(path, "orders", profile(units={"cargo": "t"})).rows["cargo_t"].tolist() == [30]


def test_the_profile_goes_before_the_unit_of_a_heading(tmp_path: Path) -> None:
    row = DRIVEN.replace(",31.5,", ",31500,")
    found = read(write(tmp_path, [CHINESE, row]), "orders", profile(units={"cargo": "kg"}))
    assert found.rows["cargo_t"].tolist() == [31.5]


def test_our_own_name_goes_before_a_known_heading(tmp_path: Path) -> None:
    lines = [f"order_id,{CHINESE}", f"OURS,{DRIVEN}"]
    found = read(write(tmp_path, lines), "orders")
    assert found.rows["order_id"].tolist() == ["OURS"]
    assert "运单编号" in found.batches[0].columns.ignored


def test_positions_are_never_taken_by_headings_of_others() -> None:
    names = ["车牌号", "定位时间", "经度", "纬度"]
    assert known_headings("positions", names, SourceProfile(), taken={}) == {}


def test_no_heading_means_two_columns_of_a_kind() -> None:
    for kind, columns in KNOWN.items():
        assert set(columns) <= set(LAYOUTS[kind].names)
        words = [squashed(word) for held in columns.values() for word in held]
        assert sorted({word for word in words if words.count(word) > 1}) == []


FUEL = "加油时间,车牌号,油品,加油量(升),单价(元/升),金额(元),里程(公里),流水号,是否加满"


def test_a_chinese_fuel_card_is_read_as_it_comes(tmp_path: Path) -> None:
    rows = [
        "2024-03-02 18:41,赣A00000,0号柴油,412.35,7.42,3059.64,123456,R1,是",
        "2024-03-02 18:41,赣A00000,0号柴油,412.35,,3059.64,0,R2,否",
        "2024-03-02 18:41,赣A00000,优惠,10,,-30,,R3,",
    ]
    found = read(write(tmp_path, [FUEL, *rows], encoding="gb18030"), "energy")
    assert found.codes == [(4, "金额(元)", "amount_negative")]
    assert found.rows["quantity"].tolist() == [412.35, 412.35]
    # 3059.64 / 412.35 = 7.42001...
    assert found.rows["price"].tolist() == ["7.42", "7.4200"]
    assert found.rows["currency"].tolist() == ["CNY", "CNY"]
    assert found.rows["is_full"].tolist() == [True, False]
    assert found.rows_read == 3


@pytest.mark.parametrize(
    ("heading", "cell", "quantity", "unit"),
    [
        ("充电量(度)", "250", 250, "kWh"),
        ("充电电量", "250", 250, "kWh"),
        ("Energy (kWh)", "250", 250, "kWh"),
        ("加气量(kg)", "120", 120, "kg"),
        ("Litres", "412,35", 412.35, "l"),
        ("Volume (US gal)", "100", 378.5411784, "l"),  # 231 cubic inches
    ],
)
def test_what_was_sold_has_the_unit_of_its_heading(
    heading: str, cell: str, quantity: float, unit: str, tmp_path: Path
) -> None:
    lines = [f"vehicle_id;Transaction Date;{heading}", f"T1;2024-03-02 18:41;{cell}"]
    found = read(write(tmp_path, lines), "energy")
    assert found.rows["quantity"].tolist() == [pytest.approx(quantity)]
    assert found.rows["unit"].tolist() == [unit]


def test_a_volume_without_a_unit_is_no_litres(tmp_path: Path) -> None:
    lines = ["vehicle_id,Transaction Date,Volume", "T1,2024-03-02 18:41,100"]
    with pytest.raises(InputRefused):
        read(write(tmp_path, lines), "energy")
    told = ["vehicle_id,Transaction Date,Volume,Volume Unit", "T1,2024-03-02 18:41,100,gal"]
    path = write(tmp_path, told)
    assert read(path, "energy").codes == [(2, "Volume Unit", "unit_unknown")]
    gallons = read(path, "energy", profile(units={"fuel": "gal_us"}))
    assert gallons.rows["quantity"].tolist() == [pytest.approx(378.5411784)]


def test_a_partial_fill_is_not_a_full_one(tmp_path: Path) -> None:
    lines = ["vehicle_id,time,quantity,Partial Fill-Up?", "T1,2024-03-02 18:41,9,Yes"]
    found = read(write(tmp_path, [*lines, "T1,2024-03-02 18:42,9,No"]), "energy")
    assert found.rows["is_full"].tolist() == [False, True]


def test_trucks_may_come_by_plate_and_color_alone(tmp_path: Path) -> None:
    lines = ["车牌号,车牌颜色,核定载质量(吨)", "赣A·00000,黄,32", "赣A00000,渐变绿,32"]
    found = read(write(tmp_path, lines), "vehicles")
    assert found.rows["vehicle_id"].tolist() == ["赣A00000_2", "赣A00000_94"]
    assert found.rows["plate_color_code"].tolist() == ["2", "94"]
    assert found.rows["plate"].tolist() == ["赣A·00000", "赣A00000"]


def test_two_trucks_of_one_plate_are_told_apart_by_color_alone(tmp_path: Path) -> None:
    book = PlateBook([("V1", "赣A00000", "2"), ("V2", "赣A00000", "94")])
    rows = [DRIVEN, DRIVEN.replace("黄色", ""), DRIVEN.replace("赣A·00000", "赣B1")]
    path = write(tmp_path, [CHINESE, *rows])
    found = read(path, "orders", plates=book)
    assert found.rows["vehicle_id"].tolist() == ["V1"]
    assert found.codes == [(3, "车牌号", "plate_ambiguous"), (4, "车牌号", "plate_unknown")]


@pytest.mark.parametrize("heading", ["depot", "场站", "车场", "所属车场", "Home depot"])
def test_the_depot_of_a_truck_is_read_under_its_names(tmp_path: Path, heading: str) -> None:
    lines = [f"vehicle_id,rated_payload_t,{heading}", "T1,30,成都北", "T2,30,"]
    found = read(write(tmp_path, lines), "vehicles")
    assert found.rows["depot"].fillna("").tolist() == ["成都北", ""]
