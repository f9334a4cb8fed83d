"""What the class of a truck takes on each leg: the physical model, driven as the leg was driven.

A leg without profile, and a class that the physics does not know, take the flat rates of the
class; a leg outside the range of the fitted correction takes the physics alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.quantification.editions import Edition
from fleet_carbon.quantification.features import features
from fleet_carbon.quantification.fitted import FittedFuel
from fleet_carbon.quantification.fuel import FuelModel, TruckFuel
from fleet_carbon.quantification.grouping import Groups
from fleet_carbon.quantification.physics import PhysicalTruck, consumption
from fleet_carbon.quantification.profile import Profile

Column = NDArray[np.float64]

_DRIVING = ("distance_km", "transport_work_tkm", "idle_h")


@dataclass(frozen=True)
class Driving:
    """What legs did that takes energy.

    Attributes
    ----------
    distance_km, transport_work_tkm, idle_h : ndarray of float, shape (n,)
        Kilometres, tonne-kilometres, hours standing with the engine on. [km], [tkm], [h]
    """

    distance_km: Column
    transport_work_tkm: Column
    idle_h: Column

    @classmethod
    def of_legs(cls, legs: pd.DataFrame) -> Driving:
        """The three columns of `frames.LEGS`."""
        return cls(*(legs[name].to_numpy(np.float64) for name in _DRIVING))


@dataclass(frozen=True)
class Rates:
    """Consumption of legs, affine in the load, each in the unit of its truck's energy.

    Attributes
    ----------
    per_km, per_tkm, per_idle_h : ndarray of float, shape (n,)
        Without cargo; for each tonne-kilometre more; standing. [unit/km], [unit/tkm], [unit/h]
    """

    per_km: Column
    per_tkm: Column
    per_idle_h: Column

    def quantity(self, driving: Driving) -> Column:
        """What the legs take. [unit]"""
        quantity: Column = (
            self.per_km * driving.distance_km
            + self.per_tkm * driving.transport_work_tkm
            + self.per_idle_h * driving.idle_h
        )
        return quantity

    def scaled(self, factor: Column) -> Rates:
        """All three times one factor per leg."""
        return Rates(self.per_km * factor, self.per_tkm * factor, self.per_idle_h * factor)

    def where(self, is_kept: NDArray[np.bool_], other: Rates) -> Rates:
        """These rates on some legs, others on the rest."""
        pairs = zip(self.columns, other.columns, strict=True)
        return Rates(*(np.where(is_kept, mine, theirs) for mine, theirs in pairs))

    @property
    def columns(self) -> tuple[Column, Column, Column]:
        """The three columns in the order of `Driving`."""
        return self.per_km, self.per_tkm, self.per_idle_h


@dataclass(frozen=True)
class ClassRates:
    """Rates of the class of each leg's truck, and how they were found.

    Attributes
    ----------
    rates : Rates
        NaN where the truck has neither class nor physical model.
    is_physical : ndarray of bool, shape (n,)
        By the physical model; else by the flat rates of the class.
    is_outside : ndarray of bool, shape (n,)
        By the physics alone, because the leg is outside the range of the fitted correction.
    factor : ndarray of float, shape (n,)
        The fitted correction inside the rates; 1 where there is none.
    half_share : ndarray of float, shape (n,)
        Half the fitted correction's interval per correction; NaN without one.
    """

    rates: Rates
    is_physical: NDArray[np.bool_]
    is_outside: NDArray[np.bool_]
    factor: Column
    half_share: Column


def class_rates(
    legs: pd.DataFrame,
    trucks: Sequence[TruckFuel],
    code: NDArray[np.intp],
    *,
    edition: Edition,
    fitted: FittedFuel | None,
) -> ClassRates:
    """Decide what the class of each leg's truck takes on it.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS`, n rows.
    trucks : sequence of TruckFuel
        The trucks of the legs.
    code : ndarray of int, shape (n,)
        Place of each leg's truck in `trucks`.
    edition : Edition
        Sections `missions` and `physics`.
    fitted : FittedFuel or None
        What trucks of its energy burn beside the physics; None if nothing is known of it.
    """
    flat = flat_rates([truck.class_model for truck in trucks], code)
    has_physics = np.array([truck.physical is not None for truck in trucks], dtype=bool)[code]
    is_physical = has_physics & legs["moving_h"].notna().to_numpy(bool)
    is_outside = np.zeros(len(code), dtype=bool)
    factor, half_share = np.ones(len(code)), np.full(len(code), np.nan)
    if not is_physical.any():
        return ClassRates(flat, is_physical, is_outside, factor, half_share)
    driven = _Physical.of(legs.loc[is_physical], trucks, code[is_physical], edition=edition)
    found, half, outside = driven.correction(fitted)
    factor[is_physical], half_share[is_physical], is_outside[is_physical] = found, half, outside
    merged = [column.copy() for column in flat.columns]
    for column, physical in zip(merged, driven.rates.columns, strict=True):
        column[is_physical] = physical
    rates = Rates(*merged).scaled(factor)
    return ClassRates(rates, is_physical, is_outside, factor, half_share)


def flat_rates(models: Sequence[FuelModel | None], code: NDArray[np.intp]) -> Rates:
    """The same rates on every leg of a truck; NaN where it has no model."""
    nothing = (math.nan, math.nan, math.nan)
    rows = [nothing if model is None else model.rates for model in models]
    return Rates(*(np.array(rows, dtype=np.float64).reshape(-1, 3).T[:, code]))


def mean_rates(rates: Rates, driving: Driving, groups: Groups) -> list[tuple[float, float, float]]:
    """The rates of each group with which its legs together take what they take one by one.

    Empty rate by kilometres, load rate by tonne-kilometres, idle rate by hours; NaN of what a
    group did not do.
    """
    columns = zip(
        rates.columns, (driving.distance_km, driving.transport_work_tkm, driving.idle_h),
        strict=True,
    )  # fmt: skip
    means = []
    for rate, amount in columns:
        whole = groups.sums(amount)
        mean = np.full(len(whole), np.nan)
        # A rate is NaN on a leg that did nothing of its kind, and then counts for nothing.
        np.divide(
            groups.sums(np.where(amount > 0, rate * amount, 0.0)), whole, out=mean, where=whole > 0
        )
        means.append(mean.tolist())
    return list(zip(*means, strict=True))


@dataclass(frozen=True)
class _Physical:
    """Legs with a profile, whose trucks all have a physical model."""

    rates: Rates
    profile: Profile
    payload_t: Column
    trucks: list[PhysicalTruck]
    code: NDArray[np.intp]

    @classmethod
    def of(
        cls,
        legs: pd.DataFrame,
        trucks: Sequence[TruckFuel],
        code: NDArray[np.intp],
        *,
        edition: Edition,
    ) -> _Physical:
        kinds, place = _kinds_of_truck(trucks)
        profile, driving = Profile.of_legs(legs, edition), Driving.of_legs(legs)
        taken = consumption(profile, kinds, place[code])
        rates = Rates(
            per_km=_per(taken.empty, driving.distance_km),
            per_tkm=_per(taken.per_tonne, driving.distance_km),
            per_idle_h=_per(taken.idle, driving.idle_h),
        )
        return cls(rates, profile, legs["payload_t"].to_numpy(np.float64), kinds, place[code])

    def correction(self, fitted: FittedFuel | None) -> tuple[Column, Column, NDArray[np.bool_]]:
        """Factor of each leg, half its interval per factor, and whether it is out of range."""
        count = len(self.code)
        factor, half_share = np.ones(count), np.full(count, np.nan)
        is_outside = np.zeros(count, dtype=bool)
        if fitted is None:
            return factor, half_share, is_outside
        energies = np.array([truck.energy == fitted.energy for truck in self.trucks])[self.code]
        # A leg of no distance has nothing to correct but standing.
        meant = np.flatnonzero(energies & (self.profile.distance_km > 0))
        rated_t = np.array([truck.rated_payload_t for truck in self.trucks])[self.code]
        table = features(self.profile.taken(meant), self.payload_t[meant], rated_t[meant])
        found = fitted.correction(table)
        is_outside[meant] = ~found.is_valid
        valid = meant[found.is_valid]
        level, low, high = (
            column[found.is_valid] for column in (found.factor, found.low, found.high)
        )
        factor[valid], half_share[valid] = level, (high - low) / 2 / level
        return factor, half_share, is_outside


def _kinds_of_truck(
    trucks: Sequence[TruckFuel],
) -> tuple[list[PhysicalTruck], NDArray[np.intp]]:
    """The different physical trucks, and the place of each truck's among them."""
    places: dict[PhysicalTruck, int] = {}
    place = [
        -1 if truck.physical is None else places.setdefault(truck.physical, len(places))
        for truck in trucks
    ]
    return list(places), np.array(place, dtype=np.intp)


def _per(quantity: Column, amount: Column) -> Column:
    """0 where nothing of the kind was done."""
    rate = np.zeros(len(amount))
    np.divide(quantity, amount, out=rate, where=amount > 0)
    return rate
