"""Lines on the map: what is thinned away, what never is, and where they are cut."""

from __future__ import annotations

import numpy as np
from shapely import LineString, Point

from fleet_carbon.services.accounts.thinning import Box, Lines, clipped, one_a_cell, thinned

# 360 degrees on 512 pixels at zoom 0: at zoom 10 a pixel is 360 / 512 / 2^10 degrees wide.
PIXEL_AT_10_DEG = 6.8665e-4


def line(count: int) -> Lines:
    """One line of so many points, of leg 0."""
    return Lines(np.arange(count), np.zeros(count, np.int64), np.zeros(1, np.int64))


def test_thinning_keeps_the_ends_and_every_corner_of_a_pixel() -> None:
    lon = np.linspace(0.0, 1.0, 101)
    lat = np.zeros(101)
    lat[50] = 1.01 * PIXEL_AT_10_DEG  # at the equator latitudes are as long as longitudes
    assert 50 in thinned(line(101), lon, lat, zoom_level=10.0).row.tolist()
    lat[50] = 0.99 * PIXEL_AT_10_DEG
    assert thinned(line(101), lon, lat, zoom_level=10.0).row.tolist() == [0, 100]
    assert 50 in thinned(line(101), lon, lat, zoom_level=11.0).row.tolist()  # half as wide a pixel


def test_a_corner_in_the_north_is_as_many_pixels_as_the_map_makes_it() -> None:
    # By Mercator a degree of latitude at 60 N takes 1 / cos(60 degrees) = 2 times the pixels.
    lon = np.array([0.0, 0.5, 1.0])
    lat = np.array([60.0, 60.0 + 0.6 * PIXEL_AT_10_DEG, 60.0])
    assert thinned(line(3), lon, lat, zoom_level=10.0).row.tolist() == [0, 1, 2]
    lat[1] = 60.0 + 0.4 * PIXEL_AT_10_DEG
    assert thinned(line(3), lon, lat, zoom_level=10.0).row.tolist() == [0, 2]


def test_no_point_is_farther_than_a_pixel_from_the_line_shown() -> None:
    generator = np.random.default_rng(7)
    lon = np.cumsum(generator.normal(0, 1e-4, 2000))
    lat = np.cumsum(generator.normal(0, 1e-4, 2000))
    rows = thinned(line(2000), lon, lat, zoom_level=10.0).row
    assert len(rows) < 1000
    shown = LineString(np.column_stack((lon[rows], lat[rows])))
    far_deg = max(shown.distance(Point(x, y)) for x, y in zip(lon, lat, strict=True))
    assert far_deg <= PIXEL_AT_10_DEG * 1.001


def test_lines_thinned_together_are_those_thinned_alone() -> None:
    generator = np.random.default_rng(8)
    lon, lat = np.cumsum(generator.normal(0, 1e-3, (2, 300)), axis=1)
    both = Lines(np.arange(300), np.repeat([0, 1], 150), np.array([3, 5]))
    found = thinned(both, lon, lat, zoom_level=9.0)
    parts = [
        thinned(
            Lines(np.arange(150) + at, np.zeros(150, np.int64), np.zeros(1)),
            lon,
            lat,
            zoom_level=9.0,
        )
        for at in (0, 150)
    ]
    assert found.row.tolist() == [row for part in parts for row in part.row.tolist()]
    assert found.leg.tolist() == [3, 5]


def test_a_line_that_leaves_the_view_and_comes_back_is_two() -> None:
    # Past the view by its north, far from it, and back through it; the view is widened by 0.25.
    lon = np.arange(12.0)
    lat = np.array([0, 0.4, 0.8, 5, 9, 9, 9, 5, 0.8, 0.4, 0, -9.0])
    seen = clipped(line(12), lon, lat, box=Box(0.0, 0.0, 12.0, 1.0))
    # 2-3 and 7-8 cross its edge; 10-11 leaves it.
    assert seen.row.tolist() == [0, 1, 2, 3, 7, 8, 9, 10, 11]
    assert seen.line.tolist() == [0] * 4 + [1] * 5
    assert seen.leg.tolist() == [0, 0]
    assert len(clipped(line(12), lon, lat, box=Box(50.0, 50.0, 51.0, 51.0)).row) == 0


def test_of_fixes_on_the_same_spot_one_is_shown() -> None:
    lon = np.array([0.0, 1e-6, 0.5, 0.5])
    assert one_a_cell(lon, np.zeros(4), 10.0, cell_count=6).tolist() == [0, 2]
