"""Positions: the hot path. Columns in, columns out; no row is touched by itself unless refused.

What is syntactically sound is accepted even if it cannot be true (null island, a time to come, a
radius of kilometres): the cleaning of traces drops it and counts it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import POSITIONS
from fleet_carbon.ingest.checking import Layout, RowCheck
from fleet_carbon.ingest.values import Floats, Ints, lie_between
from fleet_carbon.periods import to_epoch_ms
from fleet_carbon.units import MICRODEGREES_PER_DEG

LAYOUT = Layout(
    frame=POSITIONS,
    names=(
        *("vehicle_id", "time", "lon", "lat", "coordinates", "speed_kmh", "heading_deg"),
        *("accuracy_m", "odometer_km", "fuel_used_l", "gross_mass_t", "driver_id", "altitude_m"),
        *("ambient_degc", "fuel_level_l", "time_zone"),
    ),
    required=("vehicle_id", "time"),
    either=(("lon", "coordinates"), ("lat", "coordinates")),
    frame_names={"time": "time_ms", "lon": "lon_udeg", "lat": "lat_udeg"},
)


@dataclass(frozen=True)
class Signal:
    """What a device tells beside the place.

    Attributes
    ----------
    quantity : str or None
        What a profile calls it where it states its unit.
    bounds : tuple of float
        Between which values a truck and its tank can be; devices say with others that they do not
        know it: -1, 361, -9999, 6553.5.
    """

    quantity: str | None = None
    bounds: tuple[float, float] = (0.0, np.inf)


SIGNALS = {
    "speed_kmh": Signal("speed"),
    "heading_deg": Signal(bounds=(0.0, 360.0)),
    "accuracy_m": Signal(),
    "odometer_km": Signal("odometer"),
    "fuel_used_l": Signal("fuel"),
    "gross_mass_t": Signal("mass"),
    "altitude_m": Signal("altitude", (-500.0, 7_000.0)),
    "ambient_degc": Signal("ambient", (-70.0, 80.0)),
    "fuel_level_l": Signal("fuel_level", (0.0, 3_000.0)),
}
GPS_ROLLOVER_DAYS = 7168  # 1,024 weeks
_GPS_START_MS = 315_964_800_000  # 1980-01-06, week 0 of GPS: no receiver counts back beyond it
_MS_PER_DAY = 86_400_000
CELLS_COUNT = 181 * 100  # hundredths of a degree from 0 to 180, both signs together


def check_positions(check: RowCheck) -> pd.DataFrame:
    """The fixes of a chunk, with `line`.

    Columns of `POSITIONS`, without those that the file does not have, in the plain types of
    numpy: identifiers are categories, and a missing number is NaN.
    """
    vehicle = check.identifier("vehicle_id", required="every fix needs its truck")
    time_ms, _ = check.moment("time", required="every fix needs its moment", day_is_enough=False)
    time_ms = _with_lost_weeks(check, time_ms)
    lon, lat = check.coordinates("lon", "lat", "coordinates")
    text = "every fix needs longitude and latitude"
    nowhere = np.isnan(lon) & np.isnan(lat)
    check.fault(nowhere, "lon", code="missing_value", expected=text)
    signals = {name: _known(check, name, signal) for name, signal in SIGNALS.items()}
    driver = {"driver_id": check.identifier("driver_id")} if check.has("driver_id") else {}
    check.tallies |= {axis: cell_counts(check.kept(d)) for axis, d in (("lon", lon), ("lat", lat))}
    lon, lat = check.in_wgs84(lon, lat)
    if check.is_faulty:
        lon, lat = (np.where(check.sound, degrees, 0.0) for degrees in (lon, lat))
    return check.plain_rows(
        {
            "vehicle_id": vehicle,
            "time_ms": time_ms,
            "lon_udeg": microdegrees(lon),
            "lat_udeg": microdegrees(lat),
            **{name: values for name, values in signals.items() if values is not None},
            **driver,
        },
    )


def _with_lost_weeks(check: RowCheck, time_ms: Ints) -> Ints:
    """Moments with 1,024 weeks added to those before the day that the profile names. [ms]

    The week number of GPS has ten bits; a receiver that lost count dates its fixes 7,168 days back.
    """
    day = check.profile.gps_rollover_before
    if day is None:
        return time_ms
    midnight = datetime.fromisoformat(day).replace(tzinfo=check.profile.zone)
    early = (time_ms >= _GPS_START_MS) & (time_ms < to_epoch_ms(midnight)) & check.sound
    check.remark("gps_weeks_added", int(early.sum()))
    return np.where(early, time_ms + GPS_ROLLOVER_DAYS * _MS_PER_DAY, time_ms)


def _known(check: RowCheck, name: str, signal: Signal) -> Floats | None:
    """The signal, with NaN where the device says that it does not know it; None if not sent.

    A negative value (GPX), a heading beyond the circle or a temperature of no country are such
    words of devices; they are counted as remarks, and the fix itself stays.
    """
    if not check.has(name):
        return None
    factor = check.profile.factor(signal.quantity) if signal.quantity else 1.0
    values = check.number(name, factor=factor)
    first, last = signal.bounds
    if lie_between(values, first, last):
        return values
    unknown = (values < first) | (values > last)
    check.remark(f"{name}_not_known_to_device", int(unknown.sum()))
    return np.where(unknown, np.nan, values)


def microdegrees(degrees: Floats) -> NDArray[np.int32]:
    """Nearest millionth of a degree. [deg -> udeg]"""
    scaled = degrees * MICRODEGREES_PER_DEG
    nearest: NDArray[np.int32] = np.rint(scaled, out=scaled).astype(np.int32)
    return nearest


def cell_counts(degrees: Floats) -> NDArray[np.int64]:
    """How many coordinates lie in each hundredth of a degree, without those that are 0.

    Made from the coordinates as given: a conversion between systems blurs the digits.

    Parameters
    ----------
    degrees : ndarray
        Longitudes or latitudes. [deg]

    Returns
    -------
    counts : ndarray of int, shape (18100,)
        Counts by absolute value.
    """
    hundredths = np.abs(degrees)
    hundredths *= MICRODEGREES_PER_DEG
    np.rint(hundredths, out=hundredths)
    hundredths /= MICRODEGREES_PER_DEG // 100  # of whole numbers, so that none reaches the next
    counts: NDArray[np.int64] = np.bincount(hundredths.astype(np.intp), minlength=CELLS_COUNT)
    counts[0] -= np.count_nonzero(degrees == 0)
    return counts
