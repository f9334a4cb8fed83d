"""What a process of the service reads before anybody waits for it."""

from __future__ import annotations

from contextlib import suppress

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.quantification.editions import load_editions
from fleet_carbon.services.accounts.place_naming import load_cities
from fleet_carbon.settings import Settings


def read_ahead(settings: Settings) -> None:
    """Read what the first page of a process would read otherwise: the editions and the borders.

    What cannot be read is told by those who need it.
    """
    with suppress(FleetCarbonError):
        load_editions(settings.models_dir)
    with suppress(FleetCarbonError):
        load_cities()
