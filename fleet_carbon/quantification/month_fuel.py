"""What every leg of a month takes: by counter, or by the rates of the rung that holds.

Everything is a column over the legs; only the decision between the rungs is made truck by truck.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.errors import InputRefused
from fleet_carbon.quantification.calibration import Measured, kind_of_model
from fleet_carbon.quantification.class_model import (
    ClassRates,
    Driving,
    Rates,
    class_rates,
    flat_rates,
    mean_rates,
)
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.fitted import FittedFuel
from fleet_carbon.quantification.fuel import FuelModel, TruckFuel
from fleet_carbon.quantification.grouping import Groups, grouped
from fleet_carbon.quantification.receipt_balance import BalanceRules, ReceiptBalance, balance
from fleet_carbon.quantification.rungs import (
    RungRules,
    TruckMonth,
    counter_is_plausible,
    decide,
    is_measure,
)

Column = NDArray[np.float64]

# What a month's class model was made of: `frames.ACCOUNTS.fuel_model`.
FLAT, PHYSICS, MIXED = "class_rates", "physics", "mixed"


@dataclass(frozen=True)
class FuelRecords:
    """What is on record of the fleet's fuel, the same for all its trucks.

    Attributes
    ----------
    known : mapping of str to TruckFuel
        Models by the register, by vehicle_id.
    measured : mapping of (str, str) to Measured
        What earlier months measured, by vehicle_id and kind of class model.
    edition : Edition
        Sections `fuel`, `calibration`, `receipts`, `uncertainty` and those of the physics.
    fitted : FittedFuel or None
        What trucks burn beside the physics, where it has been learned.
    """

    known: Mapping[str, TruckFuel]
    measured: Mapping[tuple[str, str], Measured]
    edition: Edition
    fitted: FittedFuel | None


@dataclass(frozen=True)
class MonthFuel:
    """What some trucks take in a month, leg by leg, in the unit of each truck's energy.

    Attributes
    ----------
    trucks : dict of str to TruckFuel
        How the fuel of each truck is known, by vehicle_id, sorted; with mean rates of its month.
    quantity : ndarray of float, shape (n_legs,)
        What each leg takes; NaN without way to know.
    class_quantity : ndarray of float, shape (n_legs,)
        What the class model gives for it; NaN without class.
    measured_l, measured_model_l : ndarray of float, shape (n_legs,)
        Diesel of the part of each leg on which it was measured, and what the class gives for that
        part without its fitted correction; 0 where nothing was.
    """

    trucks: dict[str, TruckFuel]
    quantity: Column
    class_quantity: Column
    measured_l: Column
    measured_model_l: Column
    _rates: Rates
    _driving: Driving

    def of_accounts(self, driven: Groups) -> list[TruckFuel]:
        """The trucks of accounts, each with the mean rates of the account's own legs.

        With these the model gives for the account what it gives for its legs together.

        Parameters
        ----------
        driven : Groups
            The legs by driver and truck.
        """
        means = mean_rates(self._rates, self._driving, driven)
        trucks = [self.trucks[vehicle_id] for _, vehicle_id in driven.keys]
        return [_with_rates(truck, rates) for truck, rates in zip(trucks, means, strict=True)]


def fuel_of_month(legs: pd.DataFrame, receipts: pd.DataFrame, records: FuelRecords) -> MonthFuel:
    """Decide for every truck with legs how its fuel of the month is known, and how much each takes.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS` of one month, all drivers of each truck.
    receipts : DataFrame
        `frames.RECEIPTS` of the month; those of other trucks do not matter.
    records : FuelRecords
        Register, earlier months, rules.

    Raises
    ------
    InputRefused
        If a leg names a truck that is not registered.
    """
    rules = RungRules.of(records.edition)
    found = _Legs.of(legs, records)
    balances = found.balances(legs, receipts, records.edition)
    months = found.months()
    decided = {
        vehicle_id: decide(
            truck,
            month,
            receipts=balances.get(vehicle_id),
            earlier=records.measured.get((vehicle_id, kind_of_model(truck.model_id)), Measured()),
            rules=rules,
        )
        for (vehicle_id, truck), month in zip(found.trucks.items(), months, strict=True)
    }
    is_counted = [counter_is_plausible(month, rules.fuel) for month in months]
    return found.settled(decided, balances, np.array(is_counted, dtype=bool))


@dataclass(frozen=True)
class _Legs:
    """What is known leg by leg before it is decided which of it holds.

    `own` are the rates of the truck's own model, declared or of its class; `base` those that are
    scaled by what was measured: of the class, else the declared ones.
    """

    trucks: dict[str, TruckFuel]
    driven: Groups
    driving: Driving
    counter_l: Column
    by_class: ClassRates
    own: Rates
    base: Rates

    @classmethod
    def of(cls, legs: pd.DataFrame, records: FuelRecords) -> _Legs:
        driven = grouped(legs["vehicle_id"])
        code, trucks = driven.code, _registered(driven, records.known)
        by_class = class_rates(legs, trucks, code, edition=records.edition, fitted=records.fitted)
        is_driven = (legs["distance_km"] > 0).to_numpy(bool)
        model_ids = _model_ids(
            trucks,
            driven,
            is_flat=is_driven & ~by_class.is_physical,
            is_physical=is_driven & by_class.is_physical,
            fitted=records.fitted,
        )
        trucks = [
            replace(truck, model_id=model_id)
            for truck, model_id in zip(trucks, model_ids, strict=True)
        ]
        declared = flat_rates([_declared(truck) for truck in trucks], code)
        has_declared = np.array([_declared(truck) is not None for truck in trucks], dtype=bool)
        has_class = np.array([_has_class(truck) for truck in trucks], dtype=bool)
        return cls(
            trucks={name: truck for (name,), truck in zip(driven.keys, trucks, strict=True)},
            driven=driven,
            driving=Driving.of_legs(legs),
            counter_l=legs["fuel_counter_l"].to_numpy(np.float64),
            by_class=by_class,
            own=declared.where(has_declared[code], by_class.rates),
            base=by_class.rates.where(has_class[code], declared),
        )

    def balances(
        self, legs: pd.DataFrame, receipts: pd.DataFrame, edition: Edition
    ) -> dict[str, ReceiptBalance]:
        """What was bought for these trucks beside what the model gives."""
        bought = receipts.loc[receipts["vehicle_id"].isin(list(self.trucks)).to_numpy(bool)]
        buyers = set(bought["vehicle_id"])
        if not buyers:
            return {}
        buys = np.array([vehicle_id in buyers for vehicle_id in self.trucks], dtype=bool)
        of_buyers = buys[self.driven.code]
        modelled = self.base.quantity(self.driving)[of_buyers]
        rules = fill_rules(edition, "receipts", BalanceRules, group="balance")
        return balance(bought, legs.loc[of_buyers], modelled, rules=rules)

    def months(self) -> list[TruckMonth]:
        """What the legs of each truck say of its month."""
        km, counter_l = self.driving.distance_km, self.counter_l
        is_counted = ~np.isnan(counter_l)
        by_class = self.by_class
        quantity, own_l = by_class.rates.quantity(self.driving), self.own.quantity(self.driving)
        bare = quantity / by_class.factor
        empty = by_class.rates.per_km * km
        loaded = by_class.rates.per_tkm * self.driving.transport_work_tkm
        # The correction is common to the legs of a truck: its errors do not average out.
        half, has_half = by_class.half_share * quantity, ~np.isnan(by_class.half_share)

        def total(figures: Column, where: NDArray[np.bool_] | bool = True) -> list[float]:
            sums: list[float] = self.driven.sums(np.where(where, figures, 0.0)).tolist()
            return sums

        counted = self.driven.counts(is_counted) > 0
        columns = zip(
            total(km),
            total(km, is_counted),
            np.where(counted, total(counter_l, is_counted), np.nan).tolist(),
            total(own_l, is_counted),
            total(bare, is_counted),
            (self.driven.counts(counter_l < 0) > 0).tolist(),
            (self.driven.counts(~is_counted) == 0).tolist(),
            total(quantity),
            _quotients(total(quantity), total(bare), otherwise=1.0),
            _shares(total(empty), total(loaded)),
            total(km, ~by_class.is_physical),
            total(km, by_class.is_outside),
            _quotients(total(half, has_half), total(quantity, has_half), otherwise=math.nan),
            strict=True,
        )
        return [TruckMonth(*figures) for figures in columns]

    def settled(
        self,
        decided: dict[str, TruckFuel],
        balances: Mapping[str, ReceiptBalance],
        is_plausible: NDArray[np.bool_],
    ) -> MonthFuel:
        """The legs with the rates and measures of the rung that holds for each truck."""
        code, trucks = self.driven.code, list(decided.values())

        def of_truck(figures: Sequence[float]) -> Column:
            return np.array(figures, dtype=np.float64)[code]

        source = np.array([truck.source for truck in trucks], dtype=object)[code]
        is_own = ~np.isin(source, ("receipts", "calibrated"))
        scale = of_truck([truck.scale_index for truck in trucks])
        is_calibrated = source == "calibrated"
        rates = self.own.where(is_own, self.base)
        rates = rates.scaled(np.where(is_calibrated, scale, 1.0))
        modelled = rates.quantity(self.driving) * np.where(is_calibrated, 1.0, scale)
        is_counted = ~np.isnan(self.counter_l) & is_plausible[code]
        class_quantity = self.by_class.rates.quantity(self.driving)
        shares = [_measured_share(truck, balances.get(name)) for name, truck in decided.items()]
        part = np.where(is_counted, 1.0, of_truck(shares))
        bought = of_truck([_scale(balances.get(name)) for name in decided]) * class_quantity
        means = mean_rates(rates, self.driving, self.driven)
        pairs = zip(decided.items(), means, strict=True)
        return MonthFuel(
            trucks={name: _with_rates(truck, mean) for (name, truck), mean in pairs},
            quantity=np.where((source == "counter") & is_counted, self.counter_l, modelled),
            class_quantity=class_quantity,
            measured_l=np.where(is_counted, self.counter_l, np.where(part > 0, part * bought, 0.0)),
            measured_model_l=np.where(part > 0, part * class_quantity / self.by_class.factor, 0.0),
            _rates=rates,
            _driving=self.driving,
        )


def _registered(driven: Groups, known: Mapping[str, TruckFuel]) -> list[TruckFuel]:
    """The trucks of the legs by the register."""
    driven_ids = [vehicle_id for (vehicle_id,) in driven.keys]
    for vehicle_id in driven_ids:
        if vehicle_id not in known:
            raise InputRefused(
                "vehicle_not_registered",
                f"Legs name the truck {vehicle_id!r}, which is not registered.",
                "Ingest it with `ingest vehicles` first.",
                vehicle_id=vehicle_id,
            )
    return [known[vehicle_id] for vehicle_id in driven_ids]


def _model_ids(
    trucks: Sequence[TruckFuel],
    driven: Groups,
    *,
    is_flat: NDArray[np.bool_],
    is_physical: NDArray[np.bool_],
    fitted: FittedFuel | None,
) -> list[str]:
    """Which class model each truck's month rests on, by the legs it drove with either."""
    physics = PHYSICS if fitted is None else f"{PHYSICS} {fitted.digest[:12]}"
    counts = zip(trucks, driven.counts(is_flat), driven.counts(is_physical), strict=True)
    return [
        FLAT
        if truck.physical is None or (flat_count and not physical_count)
        else MIXED
        if flat_count
        else physics
        for truck, flat_count, physical_count in counts
    ]


def _declared(truck: TruckFuel) -> FuelModel | None:
    return truck.model if truck.model is not None and truck.model.source == "declared" else None


def _has_class(truck: TruckFuel) -> bool:
    return truck.class_model is not None or truck.physical is not None


def _with_rates(truck: TruckFuel, rates: tuple[float, float, float]) -> TruckFuel:
    """The truck with rates of its legs; those of what is declared are the same on every leg."""
    model = truck.model
    if model is None or truck.physical is None or model.source == "declared":
        return truck
    # What an account did nothing of takes the flat rate: it multiplies nothing.
    pairs = zip(rates, model.rates, strict=True)
    empty, load, idle = (flat if math.isnan(mean) else mean for mean, flat in pairs)
    found = replace(model, empty_l_per_km=empty, load_l_per_tkm=load, idle_l_per_h=idle)
    return replace(truck, model=found)


def _measured_share(truck: TruckFuel, balance_of_truck: ReceiptBalance | None) -> float:
    """The part of a truck's month that its receipts measured."""
    if truck.energy != "diesel" or balance_of_truck is None:
        return 0.0
    return balance_of_truck.covered_share if is_measure(balance_of_truck) else 0.0


def _scale(balance_of_truck: ReceiptBalance | None) -> float:
    return math.nan if balance_of_truck is None else balance_of_truck.scale_index


def _quotients(parts: list[float], wholes: list[float], *, otherwise: float) -> list[float]:
    """Part per whole; something else where there is no whole."""
    pairs = zip(parts, wholes, strict=True)
    return [part / whole if whole > 0 else otherwise for part, whole in pairs]


def _shares(first: list[float], second: list[float]) -> list[float]:
    """The first's part of both; 1 where there is neither."""
    pairs = zip(first, second, strict=True)
    return [one / (one + other) if one + other > 0 else 1.0 for one, other in pairs]
