"""What the devices send of it: fixes at an interval, with noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.random import Generator

from simulation.geodesy import FloatArray, metres_per_degree
from simulation.timeline import Timeline


@dataclass(frozen=True)
class Device:
    """How a truck is tracked.

    Attributes
    ----------
    every_s : float
        Interval of the fixes. [s]
    parked_every_s : float
        Interval while the truck stands; 0 for the same as on the road. [s]
    jitter_s : float
        Each fix is up to so much early or late. [s]
    noise_m : float
        Standard deviation of the white error per axis. [m]
    drift_m : float
        Standard deviation of the slowly wandering error per axis; 0 for none. [m]
    with_speed, with_heading, with_odometer : bool
        Which optional columns are sent.
    """

    every_s: float = 30.0
    parked_every_s: float = 0.0
    jitter_s: float = 0.0
    noise_m: float = 5.0
    drift_m: float = 0.0
    with_speed: bool = True
    with_heading: bool = True
    with_odometer: bool = False


def _drift(rng: Generator, size: int, spread_m: float, every_s: float) -> FloatArray:
    """An error that wanders with a correlation time of ten minutes (first-order Markov). [m]"""
    keep = float(np.exp(-every_s / 600.0))
    shocks = rng.normal(0.0, spread_m * np.sqrt(1.0 - keep**2), size)
    drift = np.empty(size)
    held = rng.normal(0.0, spread_m)
    for index in range(size):
        held = keep * held + shocks[index]
        drift[index] = held
    return drift


def _ticks(rng: Generator, device: Device, from_s: float, until_s: float) -> FloatArray:
    first = from_s + rng.uniform(0.0, device.every_s)
    ticks = np.arange(first, until_s, device.every_s)
    if device.jitter_s:
        ticks = ticks + rng.uniform(-device.jitter_s, device.jitter_s, ticks.size)
    moments: FloatArray = np.round(ticks)
    return moments


def _sent(
    device: Device, moments: FloatArray, path_s: FloatArray, path_m: FloatArray
) -> npt.NDArray[np.bool_]:
    """Fixes of a device that sends more rarely while parked: all on the road, a minute around."""
    driven = np.interp(moments + 60.0, path_s, path_m) - np.interp(moments - 60.0, path_s, path_m)
    sparse = np.arange(moments.size) % max(round(device.parked_every_s / device.every_s), 1) == 0
    return np.asarray((driven > 1.0) | sparse, dtype=np.bool_)


def _speed_kmh(
    rng: Generator, moments: FloatArray, path_s: FloatArray, path_m: FloatArray
) -> FloatArray:
    """Doppler speed at the fix: truth plus a tenth of a metre a second, whole tenths, 0 at rest."""
    ahead = np.interp(moments + 0.5, path_s, path_m) - np.interp(moments - 0.5, path_s, path_m)
    kmh = ahead * 3.6
    kmh = np.where(kmh < 0.5, 0.0, np.maximum(kmh + rng.normal(0.0, 0.5, kmh.size), 0.0))
    return np.asarray(np.round(kmh, 1), dtype=np.float64)


def observe(
    timeline: Timeline, rng: Generator, device: Device, *, from_s: float, until_s: float
) -> pd.DataFrame:
    """Fixes of one truck between two moments, in the columns of a positions file."""
    path_s, path_m, path_lon, path_lat = timeline.path()
    moments = _ticks(rng, device, from_s, until_s)
    if device.parked_every_s:
        moments = moments[_sent(device, moments, path_s, path_m)]
    lon = np.interp(moments, path_s, path_lon)
    lat = np.interp(moments, path_s, path_lat)
    back_lon = np.interp(moments - 2.0, path_s, path_lon)
    back_lat = np.interp(moments - 2.0, path_s, path_lat)
    east, north = metres_per_degree(lat)
    heading = np.degrees(np.arctan2((lon - back_lon) * east, (lat - back_lat) * north)) % 360.0
    error = rng.normal(0.0, device.noise_m, (2, moments.size))
    if device.drift_m:
        error[0] += _drift(rng, moments.size, device.drift_m, device.every_s)
        error[1] += _drift(rng, moments.size, device.drift_m, device.every_s)
    fixes = pd.DataFrame(
        {
            "vehicle_id": pd.Series([timeline.vehicle_id] * moments.size, dtype="string"),
            "time": pd.to_datetime((moments * 1000).astype(np.int64), unit="ms", utc=True),
            "lon": np.round(lon + error[0] / east, 6),
            "lat": np.round(lat + error[1] / north, 6),
        }
    )
    if device.with_speed:
        fixes["speed_kmh"] = _speed_kmh(rng, moments, path_s, path_m)
    if device.with_heading:
        fixes["heading_deg"] = np.round(heading)
    if device.with_odometer:
        driven_km = np.interp(moments, path_s, path_m) / 1000.0
        fixes["odometer_km"] = np.round(rng.integers(20_000, 400_000) + driven_km, 1)
    return fixes
