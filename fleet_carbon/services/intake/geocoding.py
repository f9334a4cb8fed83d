"""Places by name from an online service, only where the user configures one.

In: settings that name a geopy service. Out: a `Geocoder` for intake, or none. Each place comes
in WGS-84 with the radius in which it lies; a service that cannot be reached stops the ingest,
because a place found today and not tomorrow would make other figures from the same file.

geopy is imported where it is used: its clients of every service take longer to load than a small
file to read, and hardly anybody configures one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.coordinates import to_wgs84
from fleet_carbon.ingest.places import Gazetteer, Place
from fleet_carbon.settings import Settings

_USER_AGENT = "fleet-carbon"


class OnlineGeocoder:
    """Asks a service and says where the place is and how surely.

    Parameters
    ----------
    ask : callable
        Text to a geopy location, or None.
    crs : str
        Coordinate system of the answers.
    uncertainty_km : float
        Radius where the answer has no extent of its own. [km]
    """

    def __init__(self, ask: Callable[[str], Any], *, crs: str, uncertainty_km: float) -> None:
        self._ask = ask
        self._crs = crs
        self._uncertainty_km = uncertainty_km
        self._gazetteer: Gazetteer | None = None

    def locate(self, text: str) -> Place | None:
        """The place that the text names, or None if the service knows none.

        Raises
        ------
        InputRefused
            If the service does not answer or refuses to.
        """
        from geopy.exc import GeopyError

        try:
            found = self._ask(text)
        except GeopyError as failure:
            raise InputRefused(
                "geocoder_failed",
                f"The geocoder did not answer for {text!r}: {failure}",
                "Try again, or unset FLEET_CARBON_GEOCODER to use the offline gazetteer alone.",
            ) from failure
        if found is None:
            return None
        lon, lat = self._in_wgs84(found.longitude, found.latitude)
        return Place(lon, lat, self._radius_km(found), str(found.address), level="geocoder")

    def _in_wgs84(self, lon: float, lat: float) -> tuple[float, float]:
        if self._crs == "wgs84":
            return lon, lat
        self._gazetteer = self._gazetteer or Gazetteer.load()
        converted = to_wgs84(
            np.array([lon]), np.array([lat]), crs=self._crs, mainland=self._gazetteer.mainland
        )
        return float(converted[0][0]), float(converted[1][0])

    def _radius_km(self, found: Any) -> float:
        """Distance from the place to the farthest corner of its extent, as Nominatim gives it."""
        from geopy.distance import geodesic

        box = found.raw.get("boundingbox") if isinstance(found.raw, dict) else None
        if not box:
            return self._uncertainty_km
        south, north, west, east = (float(bound) for bound in box)
        middle = (found.latitude, found.longitude)
        corners = [(lat, lon) for lat in (south, north) for lon in (west, east)]
        return max(float(geodesic(middle, corner).km) for corner in corners)


def configured_geocoder(settings: Settings) -> OnlineGeocoder | None:
    """The geocoder that the settings name; None if they name none.

    Raises
    ------
    InputRefused
        If geopy has no such service, or its options do not fit.
    """
    if settings.geocoder is None:
        return None
    from geopy.exc import GeopyError
    from geopy.geocoders import get_geocoder_for_service

    options: dict[str, Any] = {"user_agent": _USER_AGENT, **settings.geocoder_options}
    try:
        service = get_geocoder_for_service(settings.geocoder)(**options)
    except (GeopyError, TypeError) as wrong:
        raise InputRefused(
            "geocoder_malformed",
            f"The geocoder {settings.geocoder!r} cannot be set up: {wrong}",
            "Name a service of geopy and give what it needs in FLEET_CARBON_GEOCODER_OPTIONS.",
        ) from wrong
    return OnlineGeocoder(
        service.geocode,
        crs=settings.geocoder_crs,
        uncertainty_km=settings.geocoder_uncertainty_km,
    )
