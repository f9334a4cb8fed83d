"""Places from an online service: only where configured, in WGS-84, with a radius."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from geopy.exc import GeocoderUnavailable

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.intake.geocoding import OnlineGeocoder, configured_geocoder
from fleet_carbon.settings import Settings


def answer(raw: dict[str, Any]) -> Any:
    return SimpleNamespace(longitude=105.0, latitude=30.0, address="somewhere", raw=raw)


def located(raw: dict[str, Any], crs: str = "wgs84") -> Any:
    return OnlineGeocoder(lambda _: answer(raw), crs=crs, uncertainty_km=5.0).locate("x")


def test_nothing_is_asked_unless_a_service_is_named() -> None:
    assert configured_geocoder(Settings()) is None


def test_a_place_without_extent_has_the_configured_radius() -> None:
    place = located({})
    assert (place.lon, place.lat, place.uncertainty_km) == (105.0, 30.0, 5.0)


def test_a_place_with_an_extent_has_the_distance_to_its_farthest_corner() -> None:
    # half a degree of latitude at 30 N is 55.4 km, and the box is a point wide
    place = located({"boundingbox": ["29.9", "30.5", "105.0", "105.0"]})
    assert place.uncertainty_km == pytest.approx(55.4, abs=0.1)


def test_an_answer_in_gcj02_is_converted() -> None:
    place = located({}, crs="gcj02")
    # the shift in Sichuan is some hundreds of metres, a few thousandths of a degree
    assert 0.001 < abs(place.lon - 105.0) < 0.01


def test_a_service_that_knows_nothing_leaves_it_to_the_gazetteer() -> None:
    assert OnlineGeocoder(lambda _: None, crs="wgs84", uncertainty_km=5.0).locate("x") is None


def test_a_service_that_does_not_answer_stops_the_ingest() -> None:
    def silent(_: str) -> Any:
        raise GeocoderUnavailable("no route")

    with pytest.raises(InputRefused) as refused:
        OnlineGeocoder(silent, crs="wgs84", uncertainty_km=5.0).locate("x")
    assert refused.value.code == "geocoder_failed"


@pytest.mark.parametrize("name", ["no_such_service", "baiduv3"])
def test_a_service_that_cannot_be_set_up_is_refused(name: str) -> None:
    # baiduv3 needs an api_key
    with pytest.raises(InputRefused) as refused:
        configured_geocoder(Settings(geocoder=name))
    assert refused.value.code == "geocoder_malformed"
