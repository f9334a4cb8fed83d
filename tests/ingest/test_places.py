"""Places by name: the collected gazetteer, and orders that bring no coordinates."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest import intake
from fleet_carbon.ingest.places import Gazetteer, Place
from tests.ingest.reading import ORDER, ORDERS_HEADER, SHANGHAI, gazetteer, profile, read, write

PLACED = "order_id,vehicle_id,cargo_t,pickup_place,delivery_place,pickup_time,delivery_time"


def codes(text: str) -> list[str]:
    return [place.adcode for place in gazetteer().candidates(text)]


@pytest.mark.parametrize(
    ("text", "adcode"),
    [
        # Codes by GB/T 2260.
        ("韩城市", "610581"),
        ("韩城", "610581"),
        ("韩城龙门钢厂", "610581"),
        ("陕西省渭南市韩城市龙门镇", "610581"),
        ("陕西 韩城", "610581"),
        ("610581", "610581"),
        ("610581103", "610581"),
        ("山西河津", "140882"),
        ("江西省南昌市南昌县莲塘镇1号", "360121"),
        ("福建省福州市闽侯县2号", "350121"),
        ("北京朝阳", "110105"),
        ("南京鼓楼区", "320106"),
        ("江苏省南京市上海路1号", "320100"),
        ("西安", "610100"),
        ("中山", "442000"),
        ("吉林", "220000"),
        ("上海", "310000"),
        ("广西南宁", "450100"),
        ("内蒙古自治区鄂尔多斯市准格尔旗", "150622"),
        ("新疆石河子", "659001"),
        ("长阳", "420528"),
        ("大厂", "131028"),
        ("河南省济源市", "419001"),
    ],
)
def test_a_name_a_code_or_an_address_names_one_unit(text: str, adcode: str) -> None:
    assert codes(text) == [adcode]
    found = gazetteer().look_up(text)
    assert found is not None
    assert found.adcode == adcode


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("朝阳区", {"110105", "220104"}),
        ("鼓楼", {"320106", "350102"}),
        ("东乡", {"622926", "361003"}),
    ],
)
def test_a_name_of_several_units_is_ambiguous(text: str, some: set[str]) -> None:
    assert some <= set(codes(text))
    assert gazetteer().look_up(text) is None


@pytest.mark.parametrize("text", ["", "Berlin", "某地", "上海路", "光明乳业", "999999", "12"])
def test_a_text_without_a_unit_names_nothing(text: str) -> None:
    assert codes(text) == []


def test_a_code_that_is_no_longer_in_force_gives_the_city_above_it() -> None:
    assert codes("360199") == ["360100"]


def test_every_unit_is_found_by_its_full_name_and_by_its_code() -> None:
    book = gazetteer()
    units = [unit.place for unit in book._index.by_code.values()]
    assert len(units) >= 3_200
    assert [u.name for u in units if codes(u.adcode) != [u.adcode]] == []
    assert [u.name for u in units if codes(u.name) != [u.adcode]] == []


def test_the_radius_covers_the_unit() -> None:
    # The town of Longmen lies in the far north-east of Hancheng, 19 km from its middle.
    hancheng = gazetteer().look_up("韩城市")
    assert hancheng is not None
    assert 15 < hancheng.uncertainty_km < 60
    assert abs(hancheng.lon - 110.44) < 0.2
    assert abs(hancheng.lat - 35.48) < 0.2


def test_a_missing_gazetteer_is_refused_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"gazetteer\.csv") as refused:
        Gazetteer.load(tmp_path)
    assert "hatch_build.py" in refused.value.hint


def placed_order(pickup: str, delivery: str, number: int = 1) -> str:
    return f"O{number},T1,30,{pickup},{delivery},2026-03-02 06:45:00,2026-03-02 15:30:00"


def test_places_are_looked_up_and_marked_with_their_radius(tmp_path: Path) -> None:
    path = write(tmp_path, [PLACED, placed_order("陕西韩城", "610581")])
    found = read(path, "orders")
    row, unit = found.rows.iloc[0], gazetteer().look_up("韩城")
    assert unit is not None
    assert (row["pickup_lon"], row["pickup_lat"]) == (unit.lon, unit.lat)
    assert row["pickup_uncertainty_km"] == row["delivery_uncertainty_km"] == unit.uncertainty_km
    assert row["pickup_place"] == "陕西韩城"
    assert found.batches[0].remarks == {"places_looked_up": 2}


def test_a_looked_up_place_is_not_converted_from_the_system_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, [PLACED, placed_order("韩城", "河津")])
    plain, shifted = read(path, "orders"), read(path, "orders", profile(crs="gcj02"))
    assert plain.rows["pickup_lon"].tolist() == shifted.rows["pickup_lon"].tolist()


def test_an_order_without_any_known_place_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    lines = [PLACED, placed_order("", "韩城"), placed_order("韩城", "某地", 2)]
    found = read(write(tmp_path, lines), "orders")
    assert found.codes == [
        (2, "pickup_place", "order_without_coordinates"),
        (3, "delivery_place", "order_without_coordinates"),
    ]
    assert "pickup_lon and pickup_lat" in found.rejections[0].text
    assert "某地" in found.rejections[1].text


def test_an_ambiguous_place_is_refused_with_its_candidates(tmp_path: Path) -> None:
    found = read(write(tmp_path, [PLACED, placed_order("朝阳区", "韩城")]), "orders")
    assert found.codes == [(2, "pickup_place", "place_ambiguous")]
    assert "北京市朝阳区 (110105)" in found.rejections[0].text
    assert "吉林省长春市朝阳区 (220104)" in found.rejections[0].text


def test_a_region_code_helps_where_the_text_does_not(tmp_path: Path) -> None:
    lines = [
        f"{PLACED},pickup_region_code",
        placed_order("朝阳区", "韩城") + ",110105",
        placed_order("", "韩城") + ",610581",
    ]
    rows = read(write(tmp_path, lines), "orders").rows
    expected = [gazetteer().look_up(code) for code in ("110105", "610581")]
    assert rows["pickup_lon"].tolist() == [one.lon for one in expected if one]


def test_coordinates_beat_the_text_and_zero_zero_is_no_place(tmp_path: Path) -> None:
    header = f"{ORDERS_HEADER},pickup_place,delivery_place"
    sound = f"{ORDER},朝阳区,某地"
    zero = sound.replace("110.44,35.48", "0,0").replace("朝阳区", "韩城")
    nowhere = sound.replace("110.44,35.48", "0,0").replace("朝阳区", "")
    found = read(write(tmp_path, [header, sound, zero, nowhere]), "orders")
    assert found.rows["pickup_uncertainty_km"].tolist()[0] == 0
    assert found.rows["pickup_lon"].tolist()[0] == 110.44
    assert found.rows["pickup_uncertainty_km"].tolist()[1] > 0
    assert found.codes == [(4, "pickup_place", "order_without_coordinates")]


class _Town:
    """A geocoder that knows one town, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def locate(self, text: str) -> Place | None:
        self.asked.append(text)
        return Place(13.405, 52.52, 2.5, "Berlin") if text == "Berlin" else None


def test_a_configured_geocoder_is_asked_first_and_once_for_each_text(tmp_path: Path) -> None:
    lines = [PLACED, *(placed_order("Berlin", "韩城", number) for number in range(5))]
    town = _Town()
    rows = read(write(tmp_path, lines), "orders", geocoder=town).rows
    assert rows["pickup_lon"].tolist() == [13.405] * 5
    assert rows["pickup_uncertainty_km"].tolist() == [2.5] * 5
    assert rows["delivery_uncertainty_km"].iloc[0] > 10
    assert sorted(town.asked) == ["Berlin", "韩城"]


def test_a_gazetteer_is_read_only_when_a_place_is_looked_up(tmp_path: Path) -> None:
    absent = Gazetteer(tmp_path)
    path = write(tmp_path, [ORDERS_HEADER, ORDER])
    batches = intake.read_batches(path, "orders", SHANGHAI, gazetteer=absent, chunk_rows=10)
    assert [len(batch.rows) for batch in batches] == [1]
    with pytest.raises(InputRefused, match="gazetteer"):
        absent.look_up("韩城市")
