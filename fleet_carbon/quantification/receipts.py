"""One verdict for every purchase of a month: counted for its truck, or why not.

Nothing is dropped: what does not count stays in the table with its reason. The verdicts are taken
in the order of `VERDICTS`, so that a purchase has the first that applies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import RECEIPTS, epoch_ms
from fleet_carbon.periods import Month
from fleet_carbon.quantification.duplicates import told_before
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.fuel import class_of
from fleet_carbon.quantification.products import ANY, Products
from fleet_carbon.quantification.quantities import (
    PRICED_IN,
    UNIT_OF_ENERGY,
    Limits,
    Readings,
    in_counted_unit,
    read_quantities,
)
from fleet_carbon.quantification.receipt_codes import (
    BEYOND_TANK,
    CONFIRMED,
    CONTRADICTED,
    CONVERTED,
    COUNTED,
    DAY_ONLY,
    DUPLICATE,
    MIXED,
    NOT_FUEL,
    ODOMETER_BACK,
    ODOMETER_OTHER,
    PRODUCT_UNKNOWN,
    REMARKS,
    UNIT_UNUSABLE,
    UNKNOWN,
    VERDICTS,
    WRONG_DATE,
)

_S_PER_H = 3600.0
_NOON = pd.Timedelta(hours=12)
# So many digits are exact in a number.
_DIGITS = 15

Column = NDArray[np.float64]
Flags = NDArray[np.bool_]
Texts = NDArray[np.object_]


@dataclass(frozen=True)
class VerdictRules:
    """Group `verdicts` of the section `receipts` of an edition."""

    place_m_max: float
    station_m: float
    unseen_fill_s: float
    tank_margin_share: float
    gas_tank_kg_per_l: float
    battery_kwh_max: float
    duplicate_h_max: float
    duplicate_share: float
    price_cny_per_l_min: float
    price_cny_per_l_max: float
    price_cny_per_kg_min: float
    price_cny_per_kg_max: float
    price_cny_per_kwh_min: float
    price_cny_per_kwh_max: float
    odometer_km_max: float
    silence_h_min: float
    level_change_h_max: float
    level_change_share: float


def judge_receipts(
    purchases: pd.DataFrame,
    vehicles: pd.DataFrame,
    *,
    month: Month,
    density_kg_per_l: float,
    edition: Edition,
) -> pd.DataFrame:
    """Decide for every purchase of a month whether it counts for its truck, and say why.

    Parameters
    ----------
    purchases : DataFrame
        `frames.PURCHASES` of any trucks, with neighbours beyond the month.
    vehicles : DataFrame
        `frames.VEHICLES`; every truck of the purchases stands in it.
    month : Month
        Month.
    density_kg_per_l : float
        Of diesel on its first day. [kg/l]
    edition : Edition
        Sections `receipts` and `classes`.

    Returns
    -------
    receipts : DataFrame
        `frames.RECEIPTS`, by truck and moment: a row for every purchase dated in the month, and
        for every one dated otherwise that fits into it. The rows of a truck do not depend on what
        other trucks are given.
    """
    if len(purchases) == 0:
        return RECEIPTS.empty()
    order = ["vehicle_id", "looked_at", "bought_at", "receipt_id", "quantity"]
    ordered = purchases.sort_values(order, kind="stable", ignore_index=True)
    trucks = _Trucks.of(ordered["vehicle_id"], vehicles, edition)
    case = _Case(ordered, trucks, month, density_kg_per_l, edition)
    verdict = np.full(len(ordered), COUNTED, dtype=object)
    for code, applies in _tests(case).items():
        verdict[applies & (verdict == COUNTED)] = code
    is_meant = ~case.is_stated & (verdict == WRONG_DATE) & _fits(case)
    # What fits two dates is shown with the first of them.
    told = ordered.loc[is_meant, ["vehicle_id", "bought_at", "receipt_id", "quantity"]]
    is_meant[np.flatnonzero(is_meant)[told.duplicated().to_numpy(bool)]] = False
    is_shown = case.is_of_month & (case.is_stated | is_meant)
    return _table(case, verdict, is_shown)


@dataclass(frozen=True)
class _Trucks:
    """What is known of the truck of each purchase, arrays of shape (n,)."""

    place: NDArray[np.intp]
    energy: Texts
    unit: Texts
    tank_quantity: Column

    @classmethod
    def of(cls, vehicle_ids: pd.Series[Any], vehicles: pd.DataFrame, edition: Edition) -> _Trucks:
        place, names = pd.factorize(vehicle_ids)
        known = vehicles.set_index("vehicle_id").loc[names]
        trucks = [dict(zip(known.columns, row, strict=True)) for row in known.to_numpy(object)]
        energy = np.array([truck["energy"] for truck in trucks], dtype=object)
        rules = fill_rules(edition, "receipts", VerdictRules, group="verdicts")
        tank = [_tank_quantity(truck, rules, edition) for truck in trucks]
        unit = np.array([UNIT_OF_ENERGY[one] for one in energy], dtype=object)
        return cls(place, energy[place], unit[place], np.array(tank, dtype=np.float64)[place])


def _tank_quantity(truck: Mapping[str, Any], rules: VerdictRules, edition: Edition) -> float:
    """What a truck can take at once: by its tank, else the most of its class."""
    if truck["energy"] == "electric":
        return rules.battery_kwh_max
    of_classes = edition.rules("receipts")["tanks"]
    of_class = of_classes.get(class_of(truck, edition), max(of_classes.values()))
    tank_l = of_class if pd.isna(truck["tank_l"]) else float(truck["tank_l"])
    is_gas = UNIT_OF_ENERGY[truck["energy"]] == "kg"
    return float(tank_l * rules.gas_tank_kg_per_l) if is_gas else float(tank_l)


@dataclass(frozen=True)
class _Case:
    """Purchases in order of truck and moment, with all that verdicts rest on; shape (n,)."""

    purchases: pd.DataFrame
    trucks: _Trucks
    month: Month
    density_kg_per_l: float
    edition: Edition

    @cached_property
    def rules(self) -> VerdictRules:
        return fill_rules(self.edition, "receipts", VerdictRules, group="verdicts")

    @cached_property
    def is_stated(self) -> Flags:
        """Whether it was looked for when it is dated."""
        return (self.purchases["looked_at"] == self.purchases["bought_at"]).to_numpy(bool)

    @cached_property
    def is_of_month(self) -> Flags:
        at = self.purchases["looked_at"]
        return ((at >= self.month.starts_at) & (at < self.month.ends_at)).to_numpy(bool)

    @cached_property
    def local(self) -> pd.Series[Any]:
        """The moment looked at, in the fleet's zone."""
        local: pd.Series[Any] = self.purchases["looked_at"].dt.tz_convert(self.month.zone)
        return local

    @cached_property
    def products(self) -> list[str]:
        """What each receipt names; empty if nothing."""
        return [str(one) for one in self.purchases["product"].fillna("")]

    @cached_property
    def kinds(self) -> list[frozenset[str]]:
        """What each product may be."""
        words = Products.of(self.edition.rules("receipts")["products"])
        known = {one: words.kinds(one) for one in set(self.products)}
        return [known[one] for one in self.products]

    @cached_property
    def is_fuel(self) -> Flags:
        """By the product where the edition knows it, else unless the energy never has the unit."""
        pairs = zip(self.kinds, self.trucks.energy, strict=True)
        is_named = np.array([energy in kinds for kinds, energy in pairs], dtype=bool)
        is_other = np.array([bool(kinds) and ANY not in kinds for kinds in self.kinds], dtype=bool)
        in_kwh = (self.purchases["unit"] == "kWh").to_numpy(bool)
        is_never = in_kwh != (self.trucks.energy == "electric")
        return np.asarray(is_named | ~(is_other | is_never))

    @cached_property
    def in_unit(self) -> tuple[Column, Flags]:
        """Quantity in the truck's unit, and where it was converted."""
        return in_counted_unit(
            self.purchases, self.trucks.energy, density_kg_per_l=self.density_kg_per_l
        )

    @cached_property
    def readings(self) -> Readings:
        """How the quantities are read beside the prices."""
        told, is_converted = self.in_unit
        is_priced = (self.purchases["currency"] == PRICED_IN).fillna(False).to_numpy(bool)
        price = pd.to_numeric(self.purchases["price"], errors="coerce").to_numpy(np.float64)
        per_unit = np.where(is_priced, price, np.nan)
        per_unit = per_unit * np.where(is_converted, self.density_kg_per_l, 1.0)
        return read_quantities(told, per_unit, self._limits)

    @property
    def _limits(self) -> Limits:
        rules, unit = self.rules, self.trucks.unit
        bounds = {name: vars(rules) for name in ("min", "max")}
        by_unit = {
            end: {one: bounds[end][f"price_cny_per_{one.lower()}_{end}"] for one in set(unit)}
            for end in bounds
        }
        low, high = (np.array([by_unit[end][one] for one in unit]) for end in ("min", "max"))
        return Limits(low, high, self.trucks.tank_quantity * (1 + rules.tank_margin_share))

    @cached_property
    def is_near(self) -> Flags:
        """Whether the truck stood at the place."""
        limit_m = self.rules.place_m_max + self.rules.station_m
        stood = self.column("standing_distance_m") <= limit_m
        return stood | ((self.column("fix_distance_m") <= limit_m) & self.is_unwatched)

    @cached_property
    def is_unwatched(self) -> Flags:
        """Whether it could have filled between two positions."""
        return self.column("unseen_h") * _S_PER_H >= self.rules.unseen_fill_s

    @cached_property
    def is_elsewhere(self) -> Flags:
        """Whether the positions leave no time to have been at the place."""
        has_place = ~np.isnan(self.column("place_lon"))
        return has_place & ~self.is_near & ~self.is_unwatched

    @cached_property
    def better(self) -> NDArray[np.int64]:
        """The row that tells the same purchase better, -1 where there is none."""
        rows = np.flatnonzero(self.is_stated & self.is_fuel & ~np.isnan(self.in_unit[0]))
        read = self.readings.quantity[rows]
        found = told_before(
            self.purchases.iloc[rows].assign(local_day=self.local.dt.date.iloc[rows]),
            np.where(np.isnan(read), self.in_unit[0][rows], read),
            apart_h_max=self.rules.duplicate_h_max,
            same_share=self.rules.duplicate_share,
        )
        better = np.full(len(self.purchases), -1, dtype=np.int64)
        better[rows] = np.where(found >= 0, rows[found], -1)
        return better

    @cached_property
    def nearest_m(self) -> Column:
        """From the place to where the truck came nearest, NaN where nothing tells."""
        return np.fmin(self.column("fix_distance_m"), self.column("standing_distance_m"))

    def column(self, name: str) -> Column:
        """A column of numbers."""
        return self.purchases[name].to_numpy(np.float64)


def _tests(case: _Case) -> dict[str, Flags]:
    """Which purchases each verdict applies to, in the order in which they are taken."""
    return {
        NOT_FUEL: ~case.is_fuel,
        UNIT_UNUSABLE: np.isnan(case.in_unit[0]),
        WRONG_DATE: ~case.is_stated | _nobody_moved(case),
        DUPLICATE: case.better >= 0,
        MIXED: case.readings.is_mixed,
        BEYOND_TANK: case.readings.is_beyond,
        CONTRADICTED: case.is_elsewhere,
    }


def _nobody_moved(case: _Case) -> Flags:
    """No position for long, and an odometer that is not the truck's: the date is not right."""
    told, seen = case.column("odometer_km"), case.column("odometer_seen_km")
    is_silent = case.column("silence_h") >= case.rules.silence_h_min
    return is_silent & (np.abs(told - seen) > case.rules.odometer_km_max)


def _fits(case: _Case) -> Flags:
    """Whether a purchase that is dated otherwise fits where it was looked for.

    The odometer on it must be the truck's then or, where the truck sends none, lie between those
    of the receipts before and after; without odometer its number must lie between theirs. A place
    alone is no proof: trucks stand at the same pumps every year.
    """
    told, seen = case.column("odometer_km"), case.column("odometer_seen_km")
    is_seen = np.abs(told - seen) <= case.rules.odometer_km_max
    group = case.trucks.place.astype(np.int64)
    is_between = _lies_between(case, told, group) & np.isnan(seen)
    number, form = _numbers(case.purchases["receipt_id"])
    forms = form.max(initial=0) + 1
    is_next_number = _lies_between(case, number, group * forms + form) & np.isnan(told)
    return (is_seen | is_between | is_next_number) & ~case.is_elsewhere


def _lies_between(case: _Case, value: Column, group: NDArray[np.int64]) -> Flags:
    """Whether a value lies between those of the dated rows before and after in its group."""
    at_ms = epoch_ms(case.purchases["looked_at"])
    at_ms = at_ms - at_ms.min()
    moment = group * (at_ms.max() + 1) + at_ms
    rows = np.flatnonzero(case.is_stated & ~np.isnan(value))
    if len(rows) == 0:
        return np.zeros(len(value), dtype=np.bool_)
    rows = rows[np.argsort(moment[rows], kind="stable")]
    after = np.searchsorted(moment[rows], moment)
    before, after = rows[np.maximum(after - 1, 0)], rows[np.minimum(after, len(rows) - 1)]
    is_inside = (group[before] == group) & (group[after] == group)
    return np.asarray(is_inside & (value[before] < value) & (value < value[after]))


def _numbers(receipt_ids: pd.Series[Any]) -> tuple[Column, NDArray[np.int64]]:
    """The digits of receipt numbers, NaN where there are none, and which have one form."""
    texts = receipt_ids.fillna("").to_numpy(dtype=object)
    digits = [re.sub(r"\D", "", text)[-_DIGITS:] for text in texts]
    forms = [re.sub(r"\d", "9", text) for text in texts]
    number = np.array([float(one) if one else np.nan for one in digits], dtype=np.float64)
    return number, pd.factorize(np.array(forms, dtype=object))[0].astype(np.int64)


def _table(case: _Case, verdict: Texts, is_shown: Flags) -> pd.DataFrame:
    """Rows of `frames.RECEIPTS` of the purchases that are shown."""
    purchases, is_counted = case.purchases, verdict == COUNTED
    stood_at = purchases["stood_at"].where(case.is_near)
    at_noon = purchases["looked_at"] + _NOON
    hour = purchases["is_hour_known"].astype(bool)
    remarks = _remarks(case, is_counted)
    rows = purchases.assign(
        verdict=verdict,
        counted_quantity=np.where(is_counted, case.readings.quantity, 0.0),
        counted_unit=case.trucks.unit,
        fuelled_at=purchases["looked_at"].where(hour, stood_at.fillna(at_noon)),
        is_hour_known=hour | stood_at.notna(),
        tank_quantity=case.trucks.tank_quantity,
        distance_m=case.nearest_m,
        remarks=[";".join(codes) for codes in remarks],
        text="",
    )
    shown = np.flatnonzero(is_shown)
    table = RECEIPTS.shape(rows.iloc[shown])
    table["text"] = pd.array(
        [_text(case, row, verdict[row], remarks[row]) for row in shown.tolist()], dtype="string"
    )
    return table.sort_values(["vehicle_id", "fuelled_at"], kind="stable", ignore_index=True)


def _remarks(case: _Case, is_counted: Flags) -> list[list[str]]:
    """What else was noticed of each purchase."""
    is_fuel = case.is_fuel
    known = np.array([bool(kinds) for kinds in case.kinds], dtype=bool)
    told, seen = case.column("odometer_km"), case.column("odometer_seen_km")
    counted_km = pd.Series(np.where(is_counted & (told > 0), told, -np.inf))
    highest_km = counted_km.groupby(case.trucks.place).cummax().groupby(case.trucks.place).shift()
    flags = {
        CONFIRMED: case.is_near,
        UNKNOWN: ~case.is_near & ~case.is_elsewhere,
        CONVERTED: case.in_unit[1] & is_fuel,
        PRODUCT_UNKNOWN: ~known & case.purchases["product"].notna().to_numpy(bool) & is_fuel,
        DAY_ONLY: ~case.purchases["is_hour_known"].to_numpy(bool),
        ODOMETER_BACK: is_counted & (told < highest_km.to_numpy(np.float64)),
        ODOMETER_OTHER: np.abs(told - seen) > case.rules.odometer_km_max,
    }
    remarks: list[list[str]] = [[] for _ in range(len(told))]
    for code, rows in flags.items():
        for row in np.flatnonzero(rows & case.is_stated).tolist():
            remarks[row].append(code)
    for row in np.flatnonzero((case.readings.remark != "") & is_fuel & case.is_stated).tolist():
        remarks[row].append(case.readings.remark[row])
    return remarks


def _text(case: _Case, row: int, verdict: str, remarks: list[str]) -> str:
    """The verdict, what it rests on and the remarks, in words."""
    detail = {
        NOT_FUEL: _product_text,
        UNIT_UNUSABLE: _product_text,
        WRONG_DATE: _date_text,
        DUPLICATE: _duplicate_text,
        MIXED: _mixed_text,
        BEYOND_TANK: _tank_text,
        CONTRADICTED: _place_text,
    }.get(verdict)
    told = [VERDICTS[verdict], *([detail(case, row)] if detail else [])]
    return " ".join([*told, *(REMARKS[code] for code in remarks)])


def _product_text(case: _Case, row: int) -> str:
    product = case.products[row]
    named = f"It says {product}" if product else "No product is named"
    unit, energy = case.purchases["unit"].iat[row], case.trucks.energy[row]
    return f"{named}, in {unit}; the truck runs on {energy}."


def _date_text(case: _Case, row: int) -> str:
    told = case.purchases["bought_at"].iloc[[row]].dt.tz_convert(case.month.zone).iat[0]
    if not case.is_stated[row]:
        return f"It is dated {told:%Y-%m-%d}, but fits {case.local.iat[row]:%Y-%m-%d}."
    silence_h = case.column("silence_h")[row]
    told_km, seen_km = (case.column(name)[row] for name in ("odometer_km", "odometer_seen_km"))
    return (
        f"On {told:%Y-%m-%d} the truck sent no position for {silence_h:.0f} h, and its odometer was"
        f" at {seen_km:,.0f} km, not at {told_km:,.0f} km."
    )


def _duplicate_text(case: _Case, row: int) -> str:
    other = case.purchases.iloc[case.better[row]]
    number = "without number" if pd.isna(other["receipt_id"]) else f"as {other['receipt_id']}"
    at = case.local.iat[case.better[row]]
    return (
        f"It is told also {number} at {at:%Y-%m-%d %H:%M}, {other['quantity']:g} {other['unit']}."
    )


def _mixed_text(case: _Case, row: int) -> str:
    quantity = case.readings.possible_quantity[row]
    return f"It may have been {quantity:.2f} {case.trucks.unit[row]}."


def _tank_text(case: _Case, row: int) -> str:
    unit, tank = case.trucks.unit[row], case.trucks.tank_quantity[row]
    return f"{case.in_unit[0][row]:g} {unit} were told, and it holds {tank:g} {unit} at most."


def _place_text(case: _Case, row: int) -> str:
    near_m = case.nearest_m[row]
    if np.isnan(near_m):
        return "Between its positions there was no time to be at the place."
    if near_m <= case.rules.place_m_max + case.rules.station_m:
        return f"It passed at {near_m:.0f} m without standing long enough to fill."
    return f"It came no nearer than {near_m / 1000:.1f} km around that time."
