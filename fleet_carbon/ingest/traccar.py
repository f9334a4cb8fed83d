"""A position as Traccar forwards it, as a row of positions.

What the fields mean: Traccar's own documentation of positions and of their attributes. Its speeds
are knots, its distances metres; the place is WGS-84; moments are those of its server's clock or of
the fix, in milliseconds since 1970 or ISO 8601, by version.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from fleet_carbon.periods import from_epoch_ms
from fleet_carbon.units import KM_PER, KMH_PER

# Our columns, the attribute that fills each, and what one of its units is of ours.
_FROM_ATTRIBUTES = (
    ("odometer_km", "odometer", KM_PER["m"]),
    ("fuel_used_l", "fuelUsed", 1.0),
    ("fuel_level_l", "fuel", 1.0),
)
_DECIMALS = 6


def row_of(
    position: Mapping[str, Any], *, vehicle_id: str, attributes: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The row of a forwarded position; None if it tells no new place.

    Traccar sends 0 where it does not know the radius or the height, so that these are missing
    then. Its own sums of distance (`totalDistance`) go on while a truck stands and are not taken
    for an odometer.

    Parameters
    ----------
    position : mapping
        `fixTime` [ms since 1970, or ISO 8601], `latitude`, `longitude` [deg], `speed` [knots],
        `course` [deg], `altitude`, `accuracy` [m], `valid`, `outdated`.
    vehicle_id : str
        The truck that carries the device.
    attributes : mapping
        Of the position: `odometer` [m], `fuelUsed`, `fuel` [l], `driverUniqueId`.
    """
    if not position["valid"] or position["outdated"]:
        return None
    row: dict[str, Any] = {
        "vehicle_id": vehicle_id,
        "time": _time_of(position["fixTime"]),
        "lon": position["longitude"],
        "lat": position["latitude"],
        "heading_deg": position["course"],
        "altitude_m": position["altitude"] or None,
        "accuracy_m": position["accuracy"] or None,
    }
    if position["speed"] is not None:
        row["speed_kmh"] = round(position["speed"] * KMH_PER["knots"], _DECIMALS)
    for name, attribute, per_unit in _FROM_ATTRIBUTES:
        number = _number(attributes.get(attribute))
        if number is not None:
            row[name] = round(number * per_unit, _DECIMALS)
    driver = attributes.get("driverUniqueId")
    if isinstance(driver, str) and driver:
        row["driver_id"] = driver
    return {name: value for name, value in row.items() if value is not None}


def _time_of(given: int | str) -> str:
    if isinstance(given, str):
        return given
    return from_epoch_ms(given).isoformat(timespec="milliseconds")


def _number(given: Any) -> float | None:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    return float(given) if is_number and math.isfinite(given) else None
