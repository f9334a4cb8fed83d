"""Regions of lanes by the cities of their orders."""

from __future__ import annotations

import pytest

from fleet_carbon.services.accounts.place_naming import name_regions, place_texts
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.settings import Settings
from tests.services.tiny_fleet import LON, MONTH, NORTH_LAT, SOUTH_LAT, TinyFleet


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The tiny fleet, closed."""
    folder = tmp_path_factory.mktemp("names")
    settings = Settings(home=folder / "home")
    for kind, path in TinyFleet().write(folder / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    return settings


def test_a_region_is_called_by_the_city_of_most_of_its_orders(settings: Settings) -> None:
    names = name_regions(settings, MONTH)
    # Both yards lie in the cell N30E105: 105 E 30 N in Ziyang or beside it, 30.5 N in Suining.
    ends = place_texts([LON, LON], [SOUTH_LAT, NORTH_LAT], "zh")
    assert names.text("N30E105", "zh") in ends
    assert names.text("N30E105", "en").endswith(", Sichuan")


def test_a_region_without_a_city_is_a_cell_of_the_grid(settings: Settings) -> None:
    assert name_regions(settings, MONTH).text("N35E123", "en") == "grid cell N35E123"
