"""How a truck's fuel of a month is known: the best of five ways, and why none better.

Counter, receipts, the class model calibrated on the truck's own measured months, declared rates,
class: the first that holds is used for the whole month, and every better one is named with the
reason why it does not hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from fleet_carbon.quantification.calibration import CalibrationRules, Measured, calibrate
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.fuel import FuelModel, FuelRules, TruckFuel
from fleet_carbon.quantification.receipt_balance import COVER_TOO_LITTLE, UNEVEN, ReceiptBalance

# Notes of the register that speak of declared rates; no matter where these are not used.
_OF_DECLARED = {"load_rate_from_class", "class_by_payload"}


@dataclass(frozen=True)
class TruckMonth:
    """What the legs of a truck say of its month.

    Attributes
    ----------
    distance_km, counter_km : float
        Driven, and driven on legs with a fuel counter. [km]
    counter_l, counter_own_l, counter_class_l : float
        Counter on those legs, the truck's own model, and its class without fitted correction. [l]
    is_counter_backwards, is_counter_complete : bool
        Whether the counter falls on a leg; whether it says something of every leg.
    class_quantity : float
        Class model of the whole month, in the unit of the truck's energy; NaN without class.
    correction_ratio : float
        Class model per class model without fitted correction, over the month.
    class_empty_share : float
        Part of the class model's driving that it would take without cargo.
    flat_km, outside_km : float
        Driven on legs for which the class has flat rates only, and on legs outside the range of
        the fitted correction. [km]
    class_half_share : float
        Half the interval of the fitted correction for a truck of the class, per correction; NaN
        without one.
    """

    distance_km: float
    counter_km: float
    counter_l: float
    counter_own_l: float
    counter_class_l: float
    is_counter_backwards: bool
    is_counter_complete: bool
    class_quantity: float
    correction_ratio: float
    class_empty_share: float
    flat_km: float
    outside_km: float
    class_half_share: float


@dataclass(frozen=True)
class RungRules:
    """Everything of an edition that decides between the ways."""

    fuel: FuelRules
    calibration: CalibrationRules
    fuel_counter_share: float
    empty_rate_class_share: float
    load_rate_share: float
    rate_ratio_share: float
    coverage_index: float

    @classmethod
    def of(cls, edition: Edition) -> RungRules:
        """Sections `fuel` and `calibration`, and the shares of `uncertainty` that rungs carry."""
        shares = edition.rules("uncertainty")
        return cls(
            fill_rules(edition, "fuel", FuelRules),
            fill_rules(edition, "calibration", CalibrationRules),
            shares["fuel_counter_share"],
            shares["empty_rate_class_share"],
            shares["load_rate_share"],
            shares["rate_ratio_share"],
            shares["coverage_index"],
        )


def decide(
    truck: TruckFuel,
    month: TruckMonth,
    *,
    receipts: ReceiptBalance | None,
    earlier: Measured,
    rules: RungRules,
) -> TruckFuel:
    """Decide how a truck's fuel of a month is known.

    Parameters
    ----------
    truck : TruckFuel
        By the register.
    month : TruckMonth
        What was driven and counted.
    receipts : ReceiptBalance or None
        What was bought; None if nothing that counts.
    earlier : Measured
        Litres that earlier months measured.
    rules : RungRules
        Thresholds and uncertainties.

    Returns
    -------
    truck : TruckFuel
        With the source, its notes and its uncertainties. The rates of `model` are flat ones;
        those of a class that the physics knows are found leg by leg.
    """
    if truck.energy != "diesel":
        return _of_other_energy(truck, month, receipts)
    if truck.model is None:
        return truck
    why_not = _counter_refused(month, rules.fuel)
    if why_not is None:
        notes = () if month.is_counter_complete else ("fuel_counter_gaps_modelled",)
        counted = replace(truck, source="counter", scale_share=rules.fuel_counter_share)
        if truck.model.source == "class":
            counted = _with_measured_litres(counted, month, rules)
        return _noted(counted, *notes)
    if receipts is not None and receipts.holds:
        return _noted(_by_receipts(truck, month, receipts, rules), why_not)
    refused = (why_not, *(("no_receipts",) if receipts is None else receipts.notes))
    measured = earlier + measured_now(month, receipts, rules)
    if truck.class_model is not None and measured.model_l >= rules.calibration.model_l_min:
        return _noted(_calibrated(truck, month, measured, rules), *refused)
    refused += ("too_little_measured" if measured.model_l > 0 else "nothing_measured",)
    if truck.source == "declared":
        return _noted(truck, *refused)
    is_named = any(note.startswith("declared_") for note in truck.notes)
    refused += () if is_named else ("no_declared_consumption",)
    return _noted(_by_class(truck, month, rules), *refused)


def measured_now(month: TruckMonth, receipts: ReceiptBalance | None, rules: RungRules) -> Measured:
    """What a counter or receipts that do not hold for the whole month measured of a part of it.

    Fewer litres are put in the place of receipts that are less sure: as many as would be as sure.
    The litres of the class are those without fitted correction.
    """
    if counter_is_plausible(month, rules.fuel) and month.counter_class_l > 0:
        return Measured(month.counter_l, month.counter_class_l, 1)
    if receipts is None or not is_measure(receipts):
        return Measured()
    share = rules.calibration.within_share**2 * rules.calibration.within_model_l
    modelled = receipts.modelled_quantity
    as_sure_l = share / (share / modelled + receipts.standard_share**2)
    return Measured(receipts.scale_index * as_sure_l, as_sure_l / month.correction_ratio, 1)


def counter_is_plausible(month: TruckMonth, rules: FuelRules) -> bool:
    """Whether the counter never falls and lies near the truck's model where it says something."""
    low = rules.counter_per_model_share_min * month.counter_own_l
    high = rules.counter_per_model_share_max * month.counter_own_l
    return not month.is_counter_backwards and low <= month.counter_l <= high


def is_measure(receipts: ReceiptBalance) -> bool:
    """Whether receipts measured a part of the month: too little of it, or too roughly, to hold.

    Where spans were left out, something is wrong with the rest as well.
    """
    is_rough = receipts.reasons == (UNEVEN,) and not receipts.uneven
    is_sound = receipts.holds or receipts.reasons == (COVER_TOO_LITTLE,) or is_rough
    return is_sound and receipts.modelled_quantity > 0 and receipts.standard_share >= 0


def _counter_refused(month: TruckMonth, rules: FuelRules) -> str | None:
    """Why the fuel counter does not hold for the month; None if it does."""
    if math.isnan(month.counter_l):
        return "no_fuel_counter"
    total_km = month.distance_km
    if total_km <= 0 or month.counter_km < rules.counter_km_share_min * total_km:
        return "fuel_counter_covers_too_little"
    return None if counter_is_plausible(month, rules) else "fuel_counter_implausible"


def _by_receipts(
    truck: TruckFuel, month: TruckMonth, receipts: ReceiptBalance, rules: RungRules
) -> TruckFuel:
    """Litres of the class model times what was bought for each of them."""
    found = replace(
        _on_class(truck),
        source="receipts",
        scale_index=receipts.scale_index,
        scale_share=receipts.standard_share,
        ends_share=receipts.ends_share,
    )
    measured = _with_measured_litres(found, month, rules)
    return _noted(measured, *receipts.notes, *_of_profile(truck, month))


def _calibrated(
    truck: TruckFuel, month: TruckMonth, measured: Measured, rules: RungRules
) -> TruckFuel:
    """Rates of the class times what the truck's own measured months say.

    These stand beside the class without fitted correction, which may have been another one; that
    of this month is what they would have had.
    """
    corrected = replace(measured, model_l=measured.model_l * month.correction_ratio)
    found = calibrate(corrected, month.class_quantity, rules.calibration)
    on_class = _on_class(truck)
    calibrated = replace(
        on_class,
        source="calibrated",
        model=_scaled(on_class.model, found.scale_index),
        scale_index=found.scale_index,
    )
    sure = _with_shares(calibrated, month, found.standard_share, rules)
    return _noted(sure, *_of_profile(truck, month))


def _by_class(truck: TruckFuel, month: TruckMonth, rules: RungRules) -> TruckFuel:
    """The class alone, as sure as its fitted correction if it has one."""
    share = month.class_half_share / rules.coverage_index
    fitted = truck if math.isnan(share) else _with_shares(truck, month, share, rules)
    return _noted(fitted, *_of_profile(truck, month))


def _with_shares(
    truck: TruckFuel, month: TruckMonth, scale_share: float, rules: RungRules
) -> TruckFuel:
    """Uncertainties where the litres together are known by a scale.

    An error of one rate is then made good by the scale: of the relative difference of the two
    errors the empty rate keeps the load's part of the litres, and the load rate the other.
    """
    between = _ratio_share(truck, month, rules)
    return replace(
        truck,
        scale_share=scale_share,
        empty_rate_share=(1 - month.class_empty_share) * between,
        load_rate_share=month.class_empty_share * between,
    )


def _with_measured_litres(truck: TruckFuel, month: TruckMonth, rules: RungRules) -> TruckFuel:
    """Errors of the rates where the litres are measured: only how the two divide them matters."""
    apart = math.hypot(rules.empty_rate_class_share, rules.load_rate_share)
    part = _ratio_share(truck, month, rules) / apart
    return replace(
        truck,
        empty_rate_share=part * rules.empty_rate_class_share,
        load_rate_share=part * rules.load_rate_share,
    )


def _ratio_share(truck: TruckFuel, month: TruckMonth, rules: RungRules) -> float:
    """How far the load's rate beside the empty truck's may be off.

    By the physics, driven as the legs were, as far as it lies off published figures of the same
    drive; flat rates know nothing of the drive, and are off by either's error.
    """
    if truck.physical is not None and month.flat_km == 0:
        return rules.rate_ratio_share
    return math.hypot(rules.empty_rate_class_share, rules.load_rate_share)


def _of_other_energy(
    truck: TruckFuel, month: TruckMonth, receipts: ReceiptBalance | None
) -> TruckFuel:
    """Kilograms or kilowatt-hours bought, else those of the class; nothing is credited for them."""
    if truck.physical is None:
        return truck
    if receipts is None or not receipts.holds:
        notes = ("no_receipts",) if receipts is None else receipts.notes
        return _noted(truck, *notes, *_of_profile(truck, month))
    scaled = replace(truck, scale_index=receipts.scale_index, scale_share=receipts.standard_share)
    return _noted(scaled, "energy_by_receipts", *receipts.notes, *_of_profile(truck, month))


def _on_class(truck: TruckFuel) -> TruckFuel:
    """The truck by its class, whatever is declared; by what is declared if it has no class."""
    if truck.class_model is None:
        return truck
    kept = tuple(note for note in truck.notes if note not in _OF_DECLARED)
    is_by_payload = truck.class_ids[0] != truck.class_model.class_id
    notes = (*kept, "class_by_payload") if is_by_payload else kept
    return replace(truck, model=truck.class_model, notes=notes)


def _of_profile(truck: TruckFuel, month: TruckMonth) -> tuple[str, ...]:
    """What is said where the class model knew less of a drive than it could."""
    if truck.physical is None:
        return () if truck.class_model is None else ("no_physical_model",)
    notes = {"profile_missing": month.flat_km, "fitted_model_out_of_range": month.outside_km}
    return tuple(note for note, km in notes.items() if km > 0)


def _scaled(model: FuelModel | None, scale_index: float) -> FuelModel | None:
    if model is None:
        return None
    empty, load, idle = (rate * scale_index for rate in model.rates)
    return replace(model, empty_l_per_km=empty, load_l_per_tkm=load, idle_l_per_h=idle)


def _noted(truck: TruckFuel, *notes: str) -> TruckFuel:
    return replace(truck, notes=(*truck.notes, *notes))
