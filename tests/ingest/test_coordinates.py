"""GCJ-02 and BD-09: against an independent implementation, and where nothing may move."""

from __future__ import annotations

import geocoordinates_ffi as oracle
import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest import coordinates
from fleet_carbon.ingest.coordinates import Mainland
from fleet_carbon.ingest.places import COLLECTED_DIR
from tests.ingest.reading import gazetteer

# Outside the mainland, and inside every rectangle that libraries take for China (but Berlin).
FOREIGN = {
    "Delhi": (77.2090, 28.6139),
    "Seoul": (126.9780, 37.5665),
    "Hanoi": (105.8342, 21.0278),
    "Ulaanbaatar": (106.9057, 47.8864),
    "Kathmandu": (85.3240, 27.7172),
    "Hong Kong": (114.1694, 22.3193),
    "Hong Kong, Sheung Shui": (114.1280, 22.5020),
    "Macau, airport": (113.5918, 22.1496),
    "Taipei": (121.5654, 25.0330),
    "Vladivostok": (131.8869, 43.1198),
    "Almaty": (76.8897, 43.2389),
    "Berlin": (13.4050, 52.5200),
    "New York": (-74.0060, 40.7128),
}
CHINESE = {
    "Hancheng": (110.4429, 35.4762),
    "Beijing": (116.4074, 39.9042),
    "Shenzhen, Futian": (114.0579, 22.5431),
    "Zhuhai, Gongbei": (113.5480, 22.2260),
    "Kashgar": (75.9895, 39.4677),
    "Harbin": (126.6424, 45.7567),
    "Sanya": (109.5119, 18.2528),
    "Lhasa": (91.1409, 29.6456),
    "Shanghai, Yangshan port": (122.06, 30.62),
    "Hangzhou Bay Bridge": (121.14, 30.46),
}


@pytest.fixture(scope="module")
def mainland() -> Mainland:
    return gazetteer().mainland


@pytest.fixture(scope="module")
def inside(mainland: Mainland) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """20,000 points of the mainland, the same in every run."""
    dice = np.random.default_rng(20260302)
    lon, lat = dice.uniform(73, 135, 60_000), dice.uniform(18, 54, 60_000)
    chosen = np.flatnonzero(mainland.contains(lon, lat))[:20_000]
    return lon[chosen], lat[chosen]


def metres(a: tuple[NDArray[np.float64], ...], b: tuple[NDArray[np.float64], ...]) -> float:
    """The largest distance between two sets of points. [m]"""
    north = (a[1] - b[1]) * 111_320
    east = (a[0] - b[0]) * 111_320 * np.cos(np.radians(a[1]))
    return float(np.hypot(north, east).max())


def point(lon: float, lat: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.array([lon]), np.array([lat])


@pytest.mark.parametrize("name", FOREIGN)
def test_a_point_outside_the_mainland_stays_untouched(name: str, mainland: Mainland) -> None:
    lon, lat = FOREIGN[name]
    for convert in (
        coordinates.gcj02_to_wgs84,
        coordinates.bd09_to_wgs84,
        coordinates.wgs84_to_gcj02,
        coordinates.wgs84_to_bd09,
    ):
        found = convert(*point(lon, lat), mainland)
        assert (found[0][0], found[1][0]) == (lon, lat), (name, convert.__name__)


def test_close_to_the_border_the_candidate_decides(mainland: Mainland) -> None:
    """The middle of Macau is 1.2 km from Zhuhai: GCJ-02 tells the two apart, BD-09 cannot."""
    lon, lat = point(113.5439, 22.1987)
    assert coordinates.gcj02_to_wgs84(lon, lat, mainland)[0] == lon
    candidate = coordinates.bd09_to_wgs84(lon, lat, mainland)
    assert mainland.contains(*candidate).all()
    assert metres(coordinates.wgs84_to_bd09(*candidate, mainland), (lon, lat)) < 0.001


@pytest.mark.parametrize("name", CHINESE)
def test_a_point_of_the_mainland_comes_back_within_a_millimetre(
    name: str, mainland: Mainland
) -> None:
    here = point(*CHINESE[name])
    gcj = coordinates.wgs84_to_gcj02(*here, mainland)
    bd = coordinates.wgs84_to_bd09(*here, mainland)
    assert 30 < metres(gcj, here) < 700  # the offset of the field lies between 32 and 694 m
    assert 700 < metres(bd, gcj) < 1000
    assert metres(coordinates.gcj02_to_wgs84(*gcj, mainland), here) < 0.001
    assert metres(coordinates.bd09_to_wgs84(*bd, mainland), here) < 0.001


def test_both_systems_return_within_a_millimetre_all_over_the_mainland(
    mainland: Mainland, inside: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> None:
    for there, back in (
        (coordinates.wgs84_to_gcj02, coordinates.gcj02_to_wgs84),
        (coordinates.wgs84_to_bd09, coordinates.bd09_to_wgs84),
    ):
        assert metres(back(*there(*inside, mainland), mainland), inside) < 0.001


def test_both_ways_agree_with_an_independent_implementation(
    mainland: Mainland, inside: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> None:
    some = inside[0][:500], inside[1][:500]
    wgs = [oracle.Wgs84(lat=lat, lon=lon) for lon, lat in zip(*some, strict=True)]
    gcj = [oracle.wgs84_to_gcj02(place) for place in wgs]
    bd = [oracle.wgs84_to_bd09(place) for place in wgs]
    for expected, there, back in (
        (gcj, coordinates.wgs84_to_gcj02, coordinates.gcj02_to_wgs84),
        (bd, coordinates.wgs84_to_bd09, coordinates.bd09_to_wgs84),
    ):
        theirs = np.array([p.lon for p in expected]), np.array([p.lat for p in expected])
        assert metres(there(*some, mainland), theirs) < 0.001
        assert metres(back(*theirs, mainland), some) < 0.001


def test_each_point_of_a_mixed_array_is_judged_by_itself(mainland: Mainland) -> None:
    places = [*FOREIGN.values(), *CHINESE.values()]
    lon, lat = (np.array(axis) for axis in zip(*places, strict=True))
    moved = coordinates.gcj02_to_wgs84(lon, lat, mainland)[0] != lon
    assert moved.tolist() == [False] * len(FOREIGN) + [True] * len(CHINESE)


def test_what_is_no_number_stays_no_number(mainland: Mainland) -> None:
    lon, lat = coordinates.gcj02_to_wgs84(*point(np.nan, np.nan), mainland)
    assert np.isnan(lon).all()
    assert np.isnan(lat).all()


def test_the_raster_says_the_same_as_the_polygon(mainland: Mainland) -> None:
    dice = np.random.default_rng(7)
    border = shapely.get_coordinates(mainland.polygon)[::7]
    lon = np.concatenate([border[:, 0], dice.uniform(70, 140, 20_000)])
    lat = np.concatenate([border[:, 1], dice.uniform(0, 56, 20_000)])
    lon += dice.normal(0, 0.02, len(lon))
    lat += dice.normal(0, 0.02, len(lat))
    shapely.prepare(mainland.polygon)
    exact = shapely.contains_xy(mainland.polygon, lon, lat)
    assert (mainland.contains(lon, lat) == exact).all()


def test_a_hole_and_an_island_are_seen_by_the_raster() -> None:
    ring = shapely.box(0, 0, 10, 10).difference(shapely.box(4, 4, 6, 6))
    area = Mainland(shapely.union_all([ring, shapely.box(20, 0, 20.01, 0.01)]))
    lon = np.array([1.0, 5.0, 20.005, 15.0, -1.0])
    lat = np.array([1.0, 5.0, 0.005, 0.005, 5.0])
    assert area.contains(lon, lat).tolist() == [True, False, True, False, False]


def test_the_collected_mainland_leaves_out_three_regions_and_holds_the_rest(
    mainland: Mainland,
) -> None:
    for places, expected in ((FOREIGN, False), (CHINESE, True)):
        lon, lat = (np.array(axis) for axis in zip(*places.values(), strict=True))
        assert mainland.contains(lon, lat).tolist() == [expected] * len(places)


def test_an_unknown_system_or_a_missing_polygon_is_refused() -> None:
    with pytest.raises(InputRefused, match="wgs72"):
        coordinates.to_wgs84(*point(110, 35), crs="wgs72", mainland=None)
    with pytest.raises(InputRefused) as refused:
        coordinates.to_wgs84(*point(110, 35), crs="gcj02", mainland=None)
    assert refused.value.code == "geography_missing"
    with pytest.raises(InputRefused, match=r"mainland\.wkb is not in"):
        Mainland.load(COLLECTED_DIR / "nowhere" / "mainland.wkb")
