"""What exports of transport systems and fuel cards do to a table, one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.ingest.reading import ORDER, ORDERS_HEADER, Read, profile, read, write

LOADED_AT = "2024-01-01 19:00:00+08:00"  # day 45292 of a spreadsheet, 0.791666667 of it


def orders(folder: Path, content: str, *, encoding: str = "utf-8") -> Read:
    path = folder / "export.csv"
    path.write_bytes(content.encode(encoding))
    return read(path, "orders")


def table(heading: str, row: str, *, end: str = "\n") -> str:
    return f"{heading}{end}{row}{end}"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param(table(ORDERS_HEADER, ORDER), "utf-8-sig", id="a mark before the first byte"),
        pytest.param(table(ORDERS_HEADER, ORDER, end="\r"), "utf-8", id="lines that end in CR"),
        pytest.param(
            table(ORDERS_HEADER, ORDER).replace(",", "\t"), "utf-8", id="tabs in a file called csv"
        ),
        pytest.param(
            table(ORDERS_HEADER.replace("vehicle_id", '"vehicle\n_id"'), ORDER).replace(
                '"vehicle\n_id"', '"vehicle_id\n"'
            ),
            "utf-8",
            id="a line end inside a quoted heading",
        ),
        pytest.param(
            table(f"{ORDERS_HEADER},Others,Others", f"{ORDER},1,2"), "utf-8", id="a heading twice"
        ),
        pytest.param(
            table(ORDERS_HEADER, ORDER.replace(",T1,", ", T1  ,").replace(",30,", ", 30.0 ,")),
            "utf-8",
            id="blanks around cells",
        ),
    ],
)
def test_an_order_is_read_whatever_the_table_looks_like(
    content: str, encoding: str, tmp_path: Path
) -> None:
    found = orders(tmp_path, content, encoding=encoding)
    assert found.codes == []
    [row] = found.rows.to_dict("records")
    assert (row["order_id"], row["vehicle_id"], row["cargo_t"]) == ("O1", "T1", 30.0)


def test_numbers_of_a_spreadsheet_are_days_and_parts_of_days(tmp_path: Path) -> None:
    heading = "order_id,vehicle_id,cargo_t,pickup_place,delivery_place,Pickup Date,Pickup Time,"
    row = "O1,T1,30,运城,太原,45292,0.791666667,45293,0.5"
    found = orders(tmp_path, table(f"{heading}Delivery Date,Delivery Time", row))
    [order] = found.rows.to_dict("records")
    assert found.codes == []
    assert str(order["pickup_time"].tz_convert("Asia/Shanghai").round("s")) == LOADED_AT


@pytest.mark.parametrize(
    ("cargo", "loaded_at", "code"),
    [
        ("See ASN-93 (ID#:1281)", "2024-01-01 19:00", "not_a_number"),
        ("-", "2024-01-01 19:00", "missing_value"),
        ("30", "Date Not Captured", "time_unreadable"),
    ],
)
def test_words_where_a_number_or_a_moment_belongs_are_refused_and_named(
    cargo: str, loaded_at: str, code: str, tmp_path: Path
) -> None:
    cells = ORDER.split(",")
    cells[2], cells[7] = cargo, loaded_at
    found = orders(tmp_path, table(ORDERS_HEADER, ",".join(cells)))
    assert [one for _, _, one in found.codes] == [code]


FUEL = {
    "fleetmate": (
        "Transaction Date,Odometer,Total Fuel Cost,Total Fuel Volume,Vehicle ID",
        "2026-03-02 18:41,123456,3059.64,412.35,T1",
        {"units": {"fuel": "l", "odometer": "km"}},
    ),
    "an app of drivers": (
        '"Vehicle","Date","Time","Odometer Reading","Distance Unit","Volume","Volume Unit",'
        '"Total Cost","Partial Fill-Up?"',
        '"T1","2026-03-02","18:41","123456","km","412.35","Liters","3059.64","No"',
        {"units": {"odometer": "km"}},
    ),
    "a pump in China": (
        "车牌号;加油时间;油品;加油量(升);单价(元/升);金额(元)",
        "赣A00000;2026-03-02T18:41;0号柴油;412,35;7,42;3059,64",
        {},
    ),
}


@pytest.mark.parametrize("name", FUEL)
def test_each_export_of_purchases_is_read_by_its_headings(name: str, tmp_path: Path) -> None:
    heading, row, said = FUEL[name]
    found = read(write(tmp_path, [heading, row]), "energy", profile(**said))
    [bought] = found.rows.to_dict("records")
    assert (found.codes, bought["quantity"], bought["unit"]) == ([], 412.35, "l")
    moment = bought["bought_at"].tz_convert("Asia/Shanghai")
    assert f"{moment:%Y-%m-%d %H:%M}" == "2026-03-02 18:41"
    assert float(bought["price"]) == pytest.approx(3059.64 / 412.35, abs=6e-5)


@pytest.mark.parametrize(
    ("printed", "code"),
    [("106,421", None), ("106,42", "not_a_number"), ("1,06,421", "not_a_number")],
)
def test_thousands_apart_are_read_where_no_comma_is_decimal(
    printed: str, code: str | None, tmp_path: Path
) -> None:
    heading = "vehicle_id,time,quantity,odometer,odometer_unit,amount"
    row = f'T1,2026-03-02 18:41,100,"{printed}",mi,"$1,250.00"'
    found = read(write(tmp_path, [heading, row]), "energy")
    assert [one for _, _, one in found.codes] == ([code] if code else [])
    for bought in found.rows.to_dict("records"):
        assert bought["odometer_km"] == pytest.approx(106_421 * 1.609344)
        assert bought["price"] == "12.5000"


def test_masses_with_thousands_apart_are_read_and_litres_are_not_guessed(tmp_path: Path) -> None:
    # 44,000 lb are 19.958 t; a pump prints 412,350 l with three decimals, and nobody can tell.
    heading = "Load ID,Truck,Weight (lb),Origin,Pickup,Destination,Delivery"
    row = 'L1,T1,"44,000",南昌县,2026-03-02 06:45,闽侯县,2026-03-02 15:30'
    columns = {"pickup_place": "Origin", "delivery_place": "Destination"}
    columns |= {"order_id": "Load ID", "vehicle_id": "Truck", "pickup_time": "Pickup"}
    columns |= {"delivery_time": "Delivery", "cargo_t": "Weight (lb)"}
    found = read(
        write(tmp_path, [heading, row]), "orders", profile(columns=columns, units={"cargo": "lb"})
    )
    assert found.codes == []
    assert found.rows["cargo_t"].tolist() == [pytest.approx(44_000 * 0.00045359237)]
    trucks = read(write(tmp_path, ["vehicle_id,rated_payload_t", 'T1,"30,000"']), "vehicles")
    assert trucks.rows["rated_payload_t"].tolist() == [30_000]
    bought = ["vehicle_id,time,quantity", 'T1,2026-03-02 18:41,"412,350"']
    assert read(write(tmp_path, bought), "energy").codes[0][-1] == "not_a_number"


def test_a_comma_that_may_be_decimal_is_none_of_thousands(tmp_path: Path) -> None:
    lines = ["vehicle_id;time;quantity;odometer_km", "T1;2026-03-02 18:41;100;106,421"]
    [bought] = read(write(tmp_path, lines), "energy").rows.to_dict("records")
    assert bought["odometer_km"] == 106.421


def test_a_template_names_the_zone_of_each_load(tmp_path: Path) -> None:
    heading = "运单编号,车牌号,装货净重(吨),装货地址,装货时间,卸货地址,卸货时间,timeZone"
    places = "南昌县,2026-03-02 06:45,闽侯县,2026-03-02 15:30"
    lines = [heading, f"L1,T1,20,{places},America/New_York", f"L2,T1,20,{places},"]
    found = read(write(tmp_path, lines), "orders", profile(columns={"vehicle_id": "车牌号"}))
    moments = [f"{one:%H:%M}" for one in found.rows["pickup_time"].dt.tz_convert("UTC")]
    assert moments == ["11:45", "22:45"]  # five hours behind UTC in winter; China is eight ahead


def test_each_fix_may_name_the_zone_of_its_time(tmp_path: Path) -> None:
    lines = [
        "vehicle_id,time,lon,lat,time_zone",
        "T1,2026-01-05 06:00,110,35,America/New_York",
        "T1,2026-01-05 06:00,110,35,",
        "T1,2026-01-05 06:00,110,35,Mars/Base",
        "T1,2026-01-05T06:00Z,110,35,America/New_York",
    ]
    found = read(write(tmp_path, lines), "positions")
    assert [(line, code) for line, _, code in found.codes] == [(4, "time_zone_unknown")]
    hours = [datetime.fromtimestamp(ms / 1000, UTC).hour for ms in found.rows["time_ms"]]
    # New York is five hours behind UTC in January, Shanghai eight before it; an offset says itself.
    assert hours == [11, 22, 6]


def test_each_row_may_name_the_zone_of_its_times(tmp_path: Path) -> None:
    heading = "order_id,vehicle_id,cargo_t,pickup_place,delivery_place,pickup_time,delivery_time,tz"
    day = "2026-01-05 06:00,2026-01-05 18:00"
    lines = [
        f"O1,T1,30,运城,太原,{day},America/New_York",
        f"O2,T1,30,运城,太原,{day},",
        f"O3,T1,30,运城,太原,{day},Mars/Base",
        "O4,T1,30,运城,太原,2026-01-05T06:00Z,2026-01-05T18:00Z,America/New_York",
    ]
    path = write(tmp_path, [heading, *lines])
    found = read(path, "orders", profile(columns={"time_zone": "tz"}))
    assert [(line, code) for line, _, code in found.codes] == [(4, "time_zone_unknown")]
    hours = found.rows["pickup_time"].dt.tz_convert("UTC").dt.strftime("%m-%d %H:%M").tolist()
    # New York is five hours behind UTC in January, Shanghai eight before it; an offset says itself.
    assert hours == ["01-05 11:00", "01-04 22:00", "01-05 06:00"]
