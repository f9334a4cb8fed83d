"""The way of a truck on the map: what is thinned away, what never is, where lines end."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.services.accounts.leg_fixes import read_leg_fixes
from fleet_carbon.services.accounts.mapping import (
    month_on_map,
    province_outlines,
    vehicle_track,
)
from fleet_carbon.services.accounts.thinning import Box
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.settings import Settings
from tests.services.tiny_fleet import LON, MONTH, NORTH_LAT, SOUTH_LAT, TinyFleet, shuttle


def closed_home(tmp_path: Path, fleet: TinyFleet) -> Settings:
    """The tiny fleet with its month closed."""
    settings = Settings(home=tmp_path / "home")
    for kind, path in fleet.write(tmp_path / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    return settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return closed_home(tmp_path_factory.mktemp("map"), TinyFleet())


def lines(settings: Settings, kind: str) -> list[dict[str, object]]:
    """The features of a kind."""
    found = vehicle_track(settings, "V1", MONTH).features
    return [one for one in found if one["properties"]["kind"] == kind]


def test_a_straight_drive_is_two_corners_with_their_moments(settings: Settings) -> None:
    drives = [one for one in lines(settings, "leg") if one["properties"]["distance_km"] > 1]  # type: ignore[index]
    # Drives 0 and 2 go north with cargo, drive 1 comes back empty: tiny_fleet.
    states = [one["properties"]["state"] for one in drives]  # type: ignore[index]
    assert states == ["loaded", "empty", "loaded"]
    for one in drives:
        properties, corners = one["properties"], one["geometry"]["coordinates"]  # type: ignore[index]
        assert len(corners) == len(properties["times_s"]) <= 4
        assert properties["times_s"] == sorted(properties["times_s"])
        assert {corner[0] for corner in corners} == {LON}
        # The ends of the drive, to 500 m: a fix every 30 s at 60 km/h.
        lats = sorted(corner[1] for corner in corners)
        assert lats[0] == pytest.approx(SOUTH_LAT, abs=0.005)
        assert lats[-1] == pytest.approx(NORTH_LAT, abs=0.005)


def test_stops_are_where_the_legs_end(settings: Settings) -> None:
    ends = [(leg["to_lon"], leg["to_lat"]) for leg in month_on_map(settings, MONTH, "V1").legs]
    shown = [one["geometry"]["coordinates"] for one in lines(settings, "stop")]  # type: ignore[index]
    assert shown == [pytest.approx(end, abs=1e-5) for end in ends]


def test_a_gap_splits_the_line_and_is_told_as_one(tmp_path: Path) -> None:
    rows = shuttle(3)
    # Half an hour of the first drive, which takes 55 minutes, is missing.
    began = next(i for i, row in enumerate(rows) if row["lat"] > SOUTH_LAT)  # type: ignore[operator]
    del rows[began + 20 : began + 80]
    settings = closed_home(tmp_path, TinyFleet(positions=rows))
    gaps = lines(settings, "gap")
    assert len(gaps) == 1
    times_s = gaps[0]["properties"]["times_s"]  # type: ignore[index]
    assert times_s[1] - times_s[0] == 61 * 30
    for one in lines(settings, "leg"):
        inside = [at for at in one["properties"]["times_s"] if times_s[0] < at < times_s[1]]  # type: ignore[index]
        assert inside == []
        held = one["properties"]["times_s"]  # type: ignore[index]
        assert not held[0] <= times_s[0] < times_s[1] <= held[-1]


def test_only_what_is_in_view_is_sent(settings: Settings) -> None:
    # A view of 0.1 degrees of the way of 0.5; a quarter of it more on every side is drawn too.
    middle = Box(LON - 0.05, 30.2, LON + 0.05, 30.3)
    seen = vehicle_track(settings, "V1", MONTH, zoom_level=14.0, box=middle)
    assert [one["properties"]["kind"] for one in seen.features] == ["leg"] * 3  # no yard
    step_deg = 1 / 111 / 2  # 30 s at 60 km/h are 500 m
    for one in seen.features:
        lats = [corner[1] for corner in one["geometry"]["coordinates"]]
        assert 30.175 - step_deg <= min(lats) <= 30.175
        assert 30.325 <= max(lats) <= 30.325 + step_deg
    elsewhere = Box(LON + 1, 30.2, LON + 2, 30.3)
    assert vehicle_track(settings, "V1", MONTH, box=elsewhere).features == ()


def test_the_whole_way_is_as_fine_as_a_screen_shows_it(settings: Settings) -> None:
    shown = month_on_map(settings, MONTH, "V1").track
    assert shown == vehicle_track(settings, "V1", MONTH)
    # North to south by half a degree, in the middle of the 0.05 degrees that are shown at least.
    assert shown.box == pytest.approx((LON - 0.025, SOUTH_LAT, LON + 0.025, NORTH_LAT), abs=0.005)
    # 0.5 degrees at 30.25 N are 0.5 / cos(30.25 deg) = 0.579 of the map's; at zoom 0 a pixel is
    # 360 / 512 deg wide, and 1,000 of them hold 0.579 deg from zoom log2(703.1 / 0.579) = 10.25.
    assert shown.zoom_level == pytest.approx(10.25, abs=0.03)
    told = shown.as_dict()
    assert (told["bbox"], told["zoom"]) == (list(shown.box), shown.zoom_level)


def test_a_truck_that_sent_nothing_is_shown_nowhere(settings: Settings) -> None:
    nothing = month_on_map(settings, MONTH, "V9").track
    assert (nothing.features, nothing.box) == ((), (-180, -85, 180, 85))


def test_the_fixes_of_a_leg_are_those_received_while_it_was_driven(settings: Settings) -> None:
    first = next(leg for leg in month_on_map(settings, MONTH, "V1").legs if leg["distance_km"] > 1)
    found = read_leg_fixes(settings, "V1", first["started_at_text"])
    moments = [datetime.fromisoformat(row["at"]) for row in found.rows]
    assert (moments[0], moments[-1]) == (first["started_at"], first["finished_at"])
    sent = [row["time"] for row in shuttle(3)]
    within = [at for at in sent if moments[0] <= datetime.fromisoformat(str(at)) <= moments[-1]]
    assert len(moments) == len(within)
    assert {row["dropped"] for row in found.rows} == {""}
    # 55 km on some 360 pixels of zoom 8, one dot on 12 of them at most.
    assert 10 <= len(found.shown(8.0)["features"]) <= 40
    with pytest.raises(NotFound, match="began at"):
        read_leg_fixes(settings, "V1", f"{MONTH}-10T00:00:01Z")


def test_what_is_not_there_is_refused(settings: Settings) -> None:
    with pytest.raises(NotFound, match="V9"):
        vehicle_track(settings, "V9", MONTH)
    with pytest.raises(NotFound):
        vehicle_track(settings, "V1", "2025-04")
    with pytest.raises(InputRefused):
        vehicle_track(settings, "V1", MONTH, zoom_level=21)


def test_the_outlines_are_those_of_34_provinces_and_light() -> None:
    outlines = json.loads(province_outlines())
    places = {feature["properties"]["place"] for feature in outlines["features"]}
    assert places == set(range(34))
    assert len(province_outlines()) < 700_000
