"""Profile of a leg: what of its driving decides the energy, as columns.

Kilometres by speed, kinetic energy put in, comings to rest, hours in motion, metres climbed and
the air's temperature. What no position saw is filled from the reference drive of its mean speed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.quantification.editions import Edition, fill_rules

Column = NDArray[np.float64]

SPEED_BINS_KMH = tuple(range(0, 100, 10))
SPEED_COLUMNS = tuple(f"driven_v{low:02d}_km" for low in SPEED_BINS_KMH)
_SHORTEST_H = 1e-9  # [h] below any step of a clock
MISSIONS = ("urban", "regional", "long_haul")


@dataclass(frozen=True)
class MissionRules:
    """One drive of section `missions` of an edition, per kilometre driven.

    Attributes
    ----------
    driven_v00_share ... driven_v90_share : float
        Part of the kilometres at 0 to 10, 10 to 20, ..., above 90 km/h. [1]
    kinetic_gained_j_per_kg_per_km : float
        Sum of the rises of v^2/2. [J/(kg km)]
    stops_count_per_100km : float
        Comings to rest. [1/100 km]
    climbed_m_per_km : float
        Sum of the ascents. [m/km]
    moving_speed_kmh : float
        Kilometres per hour in motion. [km/h]
    standing_h_per_100km : float
        Hours standing with the engine on. [h/100 km]
    """

    driven_v00_share: float
    driven_v10_share: float
    driven_v20_share: float
    driven_v30_share: float
    driven_v40_share: float
    driven_v50_share: float
    driven_v60_share: float
    driven_v70_share: float
    driven_v80_share: float
    driven_v90_share: float
    kinetic_gained_j_per_kg_per_km: float
    stops_count_per_100km: float
    climbed_m_per_km: float
    moving_speed_kmh: float
    standing_h_per_100km: float

    @property
    def shares(self) -> list[float]:
        """Part of the kilometres in each of the ten speed bins. [1]"""
        return [getattr(self, f"driven_v{low:02d}_share") for low in SPEED_BINS_KMH]


@dataclass(frozen=True)
class Profile:
    """Driving of n legs, one row each.

    Attributes
    ----------
    distance_km : ndarray of float, shape (n,)
        Kilometres driven. [km]
    speed_km : ndarray of float, shape (n, 10)
        Of these at 0 to 10, 10 to 20, ..., 80 to 90 and above 90 km/h, all of them. [km]
    kinetic_gained_j_per_kg : ndarray of float, shape (n,)
        Sum of the rises of v^2/2 over the leg. [J/kg]
    stops_count : ndarray of float, shape (n,)
        Comings to rest. [1]
    moving_h : ndarray of float, shape (n,)
        Hours in motion. [h]
    idle_h : ndarray of float, shape (n,)
        Hours standing with the engine on. [h]
    climbed_m : ndarray of float, shape (n,)
        Sum of the ascents; NaN where not known. [m]
    ambient_degc : ndarray of float, shape (n,)
        Mean temperature of the air; NaN where not known. [degC]
    """

    distance_km: Column
    speed_km: Column
    kinetic_gained_j_per_kg: Column
    stops_count: Column
    moving_h: Column
    idle_h: Column
    climbed_m: Column
    ambient_degc: Column

    def __len__(self) -> int:
        return len(self.distance_km)

    def taken(self, rows: NDArray[Any]) -> Profile:
        """The profile of some legs only, by mask or by places."""
        return Profile(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @classmethod
    def of_legs(cls, legs: pd.DataFrame, edition: Edition) -> Profile:
        """Decide how a leg was driven where positions saw it, and where they did not.

        The bins seen, with their kinetic energy and ascents, are scaled to the distance without
        its gaps (`imputed_km`); a gap, or a leg of which nothing was seen, takes the edition's
        reference drive of its mean speed. Comings to rest stand as counted.

        Parameters
        ----------
        legs : DataFrame
            `frames.LEGS`, n rows.
        edition : Edition
            Section `missions`.
        """
        column = {name: legs[name].to_numpy(np.float64, na_value=np.nan) for name in _LEG_COLUMNS}
        seen_km = np.nan_to_num(np.stack([column[name] for name in SPEED_COLUMNS]), copy=False).T
        distance_km, moving_h = column["distance_km"], column["moving_h"]
        total_km = _row_sums(seen_km)
        is_seen = total_km > 0
        unseen_km = np.where(is_seen, np.clip(column["imputed_km"], 0.0, distance_km), distance_km)
        scale = np.where(is_seen, (distance_km - unseen_km) / np.where(is_seen, total_km, 1.0), 0.0)
        whole_h = np.where(np.isnan(moving_h), column["duration_h"], moving_h + column["gap_h"])
        filled = _reference_of_speed(
            edition, unseen_km, np.where(is_seen, column["gap_h"], whole_h)
        )
        gained = np.nan_to_num(column["kinetic_gained_j_per_kg"])
        return cls(
            distance_km=distance_km,
            speed_km=(seen_km.T * scale + filled.speed_km.T).T,
            kinetic_gained_j_per_kg=gained * scale + filled.kinetic_gained_j_per_kg,
            stops_count=np.nan_to_num(column["stops_count"]) + filled.stops_count,
            moving_h=np.where(is_seen, np.nan_to_num(moving_h), 0.0) + filled.moving_h,
            idle_h=column["idle_h"],
            climbed_m=column["climbed_m"] * np.where(is_seen, scale, 1.0) + filled.climbed_m,
            ambient_degc=column["ambient_degc_mean"],
        )


_LEG_COLUMNS = (
    "distance_km", "imputed_km", "duration_h", "gap_h", "moving_h", "idle_h", "stops_count",
    "kinetic_gained_j_per_kg", "climbed_m", "ambient_degc_mean", *SPEED_COLUMNS,
)  # fmt: skip


def reference_profile(edition: Edition, mission: str, distance_km: Column | float) -> Profile:
    """The drive that stands for a kind of traffic, over so many kilometres.

    Parameters
    ----------
    edition : Edition
        Section `missions`.
    mission : str
        ``urban``, ``regional`` or ``long_haul``.
    distance_km : float or ndarray of float, shape (n,)
        [km]

    Returns
    -------
    profile : Profile
        n legs, one for a single number, in air of unknown temperature.

    Raises
    ------
    ModelRefused
        If the edition has no such mission.
    """
    rules = fill_rules(edition, "missions", MissionRules, group=mission)
    return _driven([rules], [np.atleast_1d(np.asarray(distance_km, dtype=np.float64))])


def _driven(missions: Sequence[MissionRules], driven_km: Sequence[Column]) -> Profile:
    """Some kilometres of each mission, added up, in air of unknown temperature."""

    def added(per_km: Sequence[float]) -> Column:
        total = np.zeros(len(driven_km[0]))
        for km, value in zip(driven_km, per_km, strict=True):
            total += km * value
        return total

    shares = [mission.shares for mission in missions]
    return Profile(
        distance_km=added([1.0 for _ in missions]),
        speed_km=np.stack([added(share) for share in zip(*shares, strict=True)]).T,
        kinetic_gained_j_per_kg=added([m.kinetic_gained_j_per_kg_per_km for m in missions]),
        stops_count=added([m.stops_count_per_100km / 100 for m in missions]),
        moving_h=added([1 / m.moving_speed_kmh for m in missions]),
        idle_h=added([m.standing_h_per_100km / 100 for m in missions]),
        climbed_m=added([m.climbed_m_per_km for m in missions]),
        ambient_degc=np.full(len(driven_km[0]), np.nan),
    )


def _reference_of_speed(edition: Edition, driven_km: Column, driven_h: Column) -> Profile:
    """Kilometres without positions, as the mix of two reference drives that took so long.

    A mix by kilometres has the mean of the hours per kilometre. Slower than urban is taken as
    urban with standing in it, faster than long haul as long haul.
    """
    missions = [fill_rules(edition, "missions", MissionRules, group=name) for name in MISSIONS]
    urban_h, regional_h, long_h = (driven_km / mission.moving_speed_kmh for mission in missions)
    is_slow = driven_h > regional_h
    upper, lower = np.where(is_slow, urban_h, regional_h), np.where(is_slow, regional_h, long_h)
    # Where next to nothing was driven both take no time, and either will do.
    width = np.maximum(upper - lower, _SHORTEST_H)
    slower_km = driven_km * np.clip((driven_h - lower) / width, 0.0, 1.0)
    urban_km = np.where(is_slow, slower_km, 0.0)
    long_km = np.where(is_slow, 0.0, driven_km - slower_km)
    return _driven(missions, [urban_km, driven_km - urban_km - long_km, long_km])


def _row_sums(table: Column) -> Column:
    """Sum of the columns, one after the other, so that it does not depend on the machine."""
    total = np.zeros(len(table))
    for place in range(table.shape[1]):
        total += table[:, place]
    return total
