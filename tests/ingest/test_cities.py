"""A point lies in the city that maps draw round it, and every city has a name in English."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.borders import read_units
from fleet_carbon.ingest.cities import Cities
from fleet_carbon.ingest.places import COLLECTED_DIR
from fleet_carbon.statements.place_words import (
    CITIES,
    PROVINCES,
    cell_text,
    city_text,
    coordinates_text,
)


def test_squares_of_cities_lie_in_them_and_the_sea_in_none() -> None:
    # Wuhan, Shanghai, Hohhot, Xiantao (right under Hubei); the Yellow Sea.
    lon = np.array([114.30, 121.47, 111.75, 113.45, 123.0])
    lat = np.array([30.59, 31.23, 40.84, 30.36, 35.0])
    found = Cities.load().of(lon, lat)
    assert [city and city.name for city in found] == ["武汉", "上海", "呼和浩特", "仙桃", None]
    assert [city and city.province for city in found][:2] == ["湖北省", "上海市"]
    # Yards come again and again, in any order; a place that is not told lies in none.
    again = Cities.load().of(
        np.array([*lon[[1, 4, 1, 0]], np.nan]), np.array([*lat[[1, 4, 1, 0]], np.nan])
    )
    assert [city and city.name for city in again] == ["上海", None, "上海", "武汉", None]


def test_every_city_and_province_has_a_name_in_english() -> None:
    codes = {row["adcode"] for row in read_units(COLLECTED_DIR / "cities.csv")}
    assert codes == CITIES.keys()
    assert {code[:2] for code in codes} == PROVINCES.keys()


def test_a_city_stands_with_its_province_unless_it_is_one() -> None:
    assert (
        city_text("150100", "呼和浩特", province="内蒙古自治区", language="zh") == "内蒙古呼和浩特"
    )
    assert (
        city_text("150100", "呼和浩特", province="内蒙古自治区", language="en")
        == "Hohhot, Inner Mongolia"
    )
    assert city_text("500000", "重庆", province="重庆市", language="en") == "Chongqing"
    # Jilin is a province, and a city in it.
    assert city_text("220200", "吉林", province="吉林省", language="en") == "Jilin"


def test_what_has_no_name_is_told_by_coordinates_and_named_so() -> None:
    assert coordinates_text(-0.1276, 51.5072, "en") == "coordinates 51.507° N, 0.128° W"
    assert coordinates_text(123.0, 35.0, "zh").startswith("坐标 ")
    assert (cell_text("N35E123", "en"), cell_text("N35E123", "zh")) == (
        "grid cell N35E123",
        "坐标格 N35E123",
    )


def test_what_was_not_collected_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="not in"):
        Cities.load(tmp_path)
