"""The picture of a way: where its parts lie, and what of the ground is around it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from fleet_carbon.services.accounts.map_pictures import picture_of
from fleet_carbon.services.accounts.mapping import Track
from fleet_carbon.services.accounts.thinning import Box

# Beijing is in the north-east of it, Wuhan in the south: two degrees wide, on the equator of none.
BOX = Box(114.0, 30.0, 116.0, 40.0)


def line(state: str, corners: list[list[float]], kind: str = "leg") -> dict[str, Any]:
    return {
        "geometry": {"type": "LineString", "coordinates": corners},
        "properties": {"kind": kind, "state": state},
    }


def track(*features: dict[str, Any], box: Box = BOX) -> Track:
    return Track("V1", "2025-03", box, 7.0, features, fixes_count=0, shown_count=0)


def test_the_way_fills_the_picture_as_the_map_lies() -> None:
    north_west, south_east, middle = [114.0, 40.0], [116.0, 30.0], [115.0, 40.0]
    shown = picture_of(
        track(
            line("loaded", [north_west, south_east]),
            line("empty", [middle, north_west]),
            line("loaded", [south_east, middle], kind="gap"),
            {"geometry": {"coordinates": middle}, "properties": {"kind": "stop"}},
        )
    )
    # By Mercator 30 N lies ln(tan(60 deg)) = 0.549306 rad = 31.4729 deg from the equator and 40 N
    # ln(tan(65 deg)) = 0.762910 rad = 43.7115 deg: 12.2386 deg of height are 4,000 units, and
    # 2 deg of width 4,000 * 2 / 12.2386 = 653.7.
    assert shown.view_box == "0 0 654 4000"
    assert shown.ways["loaded"] == "M0 0l654 4000"
    assert shown.ways["empty"] == "M327 0l-327 0"
    assert shown.ways["gap"] == "M654 4000l-327 -4000"
    assert shown.ways["unknown"] == ""
    assert shown.stops == "M327 0h0"


def test_the_ground_reaches_beyond_the_way_and_no_further_than_a_screen() -> None:
    land = picture_of(track(line("loaded", [[114.0, 40.0], [116.0, 30.0]]))).land
    ends = []
    for ring in filter(None, land.split("z")):
        steps = np.array(re.findall(r"(-?\d+) (-?\d+)", ring), dtype=int)
        assert len(steps) >= 3  # an area
        ends.append(np.cumsum(steps, axis=0))
    east, south = np.concatenate(ends).T
    # The middle is at (327, 2000); land is all around, cut 5,000 units from it.
    assert (east.min(), south.max()) == (327 - 5000, 2000 + 5000)
    assert east.max() <= 327 + 5000
    assert south.min() >= 2000 - 5000
    # 25 degrees of ground with a corner every few pixels at most, and no islet below one.
    assert 1_000 < len(land) < 60_000


def test_where_there_is_no_land_there_is_none() -> None:
    assert picture_of(track(box=Box(-30.0, 0.0, -29.0, 1.0))).land == ""
