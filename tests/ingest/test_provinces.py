"""A point lies in the province that maps draw round it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.provinces import Provinces


def test_cities_lie_in_their_provinces_and_the_sea_in_none() -> None:
    # City halls of Beijing, Chengdu, Shanghai, Lhasa, Hohhot; the Yellow Sea; the Gulf of Guinea.
    lon = np.array([116.40, 104.06, 121.47, 91.13, 111.75, 123.0, 0.0])
    lat = np.array([39.90, 30.66, 31.23, 29.65, 40.84, 35.0, 0.0])
    assert Provinces.load().of(lon, lat).tolist() == [
        "北京市",
        "四川省",
        "上海市",
        "西藏自治区",
        "内蒙古自治区",
        "",
        "",
    ]


def test_there_are_34_of_them() -> None:
    assert len(set(Provinces.load().names)) == 34


def test_what_was_not_collected_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="not in"):
        Provinces.load(tmp_path)
