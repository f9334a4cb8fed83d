"""Distances on the WGS-84 ellipsoid for short steps, and the obfuscated datum GCJ-02."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# WGS-84, NIMA TR8350.2 (2000): semi-major axis [m] and first eccentricity squared.
WGS84_A_M = 6_378_137.0
WGS84_E2 = 0.00669437999014

# Krassowsky 1940, the ellipsoid the GCJ-02 offset formulas are written for.
GCJ_A_M = 6_378_245.0
GCJ_E2 = 0.00669342162296594323


def metres_per_degree(lat_deg: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Length of one degree of longitude and of latitude at a latitude. [m/deg]

    Meridian and prime-vertical radii of curvature, Torge, Geodesy, 3rd ed. 2001, eq. 4.13-4.14.
    """
    phi = np.radians(lat_deg)
    root = 1.0 - WGS84_E2 * np.sin(phi) ** 2
    meridian = WGS84_A_M * (1.0 - WGS84_E2) / root**1.5
    parallel = WGS84_A_M / np.sqrt(root) * np.cos(phi)
    return np.radians(parallel), np.radians(meridian)


def step_lengths_m(lon_deg: FloatArray, lat_deg: FloatArray) -> FloatArray:
    """Lengths of the steps between consecutive points a few hundred metres apart. [m]"""
    east, north = metres_per_degree((lat_deg[1:] + lat_deg[:-1]) / 2.0)
    return np.hypot(np.diff(lon_deg) * east, np.diff(lat_deg) * north)


def distance_km(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float:
    """Distance between two places for planning, by the middle latitude; within 0.1 %. [km]"""
    lons, lats = np.array([lon_a, lon_b]), np.array([lat_a, lat_b])
    return float(step_lengths_m(lons, lats)[0]) / 1000.0


def offset_deg(lat_deg: float, east_m: float, north_m: float) -> tuple[float, float]:
    """Degrees of longitude and latitude that correspond to metres east and north."""
    east, north = metres_per_degree(np.array([lat_deg]))
    return east_m / float(east[0]), north_m / float(north[0])


def wgs84_to_gcj02(lon_deg: FloatArray, lat_deg: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The offset that mainland map services apply; for points of the mainland only.

    Public formulas as quoted in many open implementations (eviltransform and others).
    """
    x, y = lon_deg - 105.0, lat_deg - 35.0
    pi = np.pi
    root = np.sqrt(np.abs(x))
    wave = (20.0 * np.sin(6.0 * pi * x) + 20.0 * np.sin(2.0 * pi * x)) * 2.0 / 3.0
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    d_lat += (20.0 * np.sin(pi * y) + 40.0 * np.sin(pi * y / 3.0)) * 2.0 / 3.0
    d_lat += (160.0 * np.sin(pi * y / 12.0) + 320.0 * np.sin(pi * y / 30.0)) * 2.0 / 3.0
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    d_lon += (20.0 * np.sin(pi * x) + 40.0 * np.sin(pi * x / 3.0)) * 2.0 / 3.0
    d_lon += (150.0 * np.sin(pi * x / 12.0) + 300.0 * np.sin(pi * x / 30.0)) * 2.0 / 3.0
    phi = np.radians(lat_deg)
    magic = 1.0 - GCJ_E2 * np.sin(phi) ** 2
    root_magic = np.sqrt(magic)
    lat = lat_deg + d_lat * 180.0 / (GCJ_A_M * (1.0 - GCJ_E2) / (magic * root_magic) * pi)
    lon = lon_deg + d_lon * 180.0 / (GCJ_A_M / root_magic * np.cos(phi) * pi)
    return lon, lat
