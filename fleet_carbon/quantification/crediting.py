"""From driven kilometres and litres to grams credited: case, saving, interval, lower bound."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from fleet_carbon.periods import Month
from fleet_carbon.quantification.baseline import Baseline, BaselineRecords, choose_baseline
from fleet_carbon.quantification.editions import Edition
from fleet_carbon.quantification.emissions import DieselFactors
from fleet_carbon.quantification.fuel import FuelModel, TruckFuel
from fleet_carbon.quantification.savings import (
    Saving,
    SavingCase,
    compute_saving,
    on_grid,
    saving_impossible,
    saving_on_grid,
)
from fleet_carbon.quantification.uncertainty import (
    Interval,
    UncertaintyRules,
    co2_interval,
    combined,
    error_terms,
)
from fleet_carbon.units import grams_rounded_down


@dataclass(frozen=True)
class CreditRules:
    """Section `credit` of an edition."""

    litre_steps_count: int
    measured_coverage_share_min: float
    modelled_efficiency_index: float


@dataclass(frozen=True)
class CreditBasis:
    """What is the same for every account of a month.

    Attributes
    ----------
    month : Month
        Month accounted.
    edition : Edition
        Methodology edition.
    records : BaselineRecords
        Baselines, register, history and fuel models to choose from.
    diesel : DieselFactors
        Kilograms per litre.
    rules : CreditRules
        Section `credit`.
    uncertainty : UncertaintyRules
        Section `uncertainty`.
    """

    month: Month
    edition: Edition
    records: BaselineRecords
    diesel: DieselFactors
    rules: CreditRules
    uncertainty: UncertaintyRules


def credit_saving(
    row: dict[str, Any], truck: TruckFuel, basis: CreditBasis
) -> tuple[dict[str, Any], set[str]]:
    """The saving columns of an account, and the named reasons beside them.

    Parameters
    ----------
    row : dict
        Kilometres, hours, activity and diesel of the account, as in `frames.ACCOUNTS`.
    truck : TruckFuel
        How the truck's diesel is known.
    basis : CreditBasis
        Month, edition, baselines, factors.

    Returns
    -------
    columns : dict
        Always `baseline_source` and `co2_credited_g`; the others only if there is a saving to
        state. The credit is the lower bound of the interval in whole grams, never below zero.
    notes : set of str
        Why figures are missing, or what was not measured.
    """
    baseline = choose_baseline(
        row["driver_id"], truck, month=basis.month, records=basis.records, edition=basis.edition
    )
    columns: dict[str, Any] = {"baseline_source": "none", "co2_credited_g": 0}
    if baseline is None:
        return columns, {"no_baseline"}
    columns["baseline_source"] = baseline.source
    if truck.model is None or row["diesel_l"] is None:
        return columns, set()
    case = _case(row, truck, truck.model, baseline, basis.rules)
    reason = saving_impossible(case)
    if reason:
        return columns, {reason}
    # The project is the litres the account states, to the last grid step.
    computed = replace(compute_saving(case), project_l=row["diesel_l"])
    saving = saving_on_grid(computed, basis.rules.litre_steps_count)
    terms = error_terms(
        case,
        basis.uncertainty,
        rate_source=truck.model.source,
        baseline_source=baseline.source,
        imputed_km=row["imputed_km"],
    )
    interval = co2_interval(
        saving.saved_l,
        combined([term.standard_l for term in terms]),
        co2_kg_per_l=float(basis.diesel.co2_ttw_kg_per_l),
        rules=basis.uncertainty,
    )
    is_compared = case.measured_l is not None and baseline.efficiency_index is not None
    notes = set() if is_compared else {"efficiency_not_measured"}
    if _has_work_beyond_cap(case, basis.rules):
        notes.add("work_beyond_cap")
    if baseline.class_id and baseline.class_id != truck.class_ids[0]:
        notes.add("class_by_payload")
    return {**columns, **_saving_columns(saving), **_interval_columns(interval)}, notes


def _has_work_beyond_cap(case: SavingCase, rules: CreditRules) -> bool:
    """Whether the part of efficiency bears diesel of work that the cap does not credit."""
    beyond_tkm = case.transport_work_tkm - case.activity_tkm
    return on_grid(case.load_l_per_tkm * beyond_tkm, rules.litre_steps_count) > 0


def _case(
    row: dict[str, Any],
    truck: TruckFuel,
    model: FuelModel,
    baseline: Baseline,
    rules: CreditRules,
) -> SavingCase:
    """The saving's inputs; without a fuel record no efficiency is compared."""
    is_measured = row["diesel_source"] == "counter"
    modelled_index = float(rules.modelled_efficiency_index)
    return SavingCase(
        empty_l_per_km=model.empty_l_per_km,
        load_l_per_tkm=model.load_l_per_tkm,
        idle_l_per_h=model.idle_l_per_h,
        rated_payload_t=truck.rated_payload_t,
        baseline_empty_share=baseline.empty_share,
        baseline_payload_share=baseline.payload_utilisation_share,
        baseline_efficiency_index=baseline.efficiency_index if is_measured else modelled_index,
        loaded_km=row["loaded_km"],
        # What is not proven loaded counts against the project.
        empty_km=row["empty_km"] + row["unknown_km"],
        transport_work_tkm=row["transport_work_tkm"],
        activity_tkm=row["activity_tkm"],
        idle_h=row["idle_h"],
        measured_l=row["diesel_l"] if is_measured else None,
    )


def _saving_columns(saving: Saving) -> dict[str, float]:
    return {
        "baseline_diesel_l": saving.baseline_l,
        "diesel_saved_l": saving.saved_l,
        "saved_by_less_empty_l": saving.less_empty_l,
        "saved_by_higher_load_l": saving.higher_load_l,
        "saved_by_efficiency_l": saving.efficiency_l,
    }


def _interval_columns(interval: Interval) -> dict[str, float | int]:
    return {
        "co2_avoided_kg": interval.avoided_kg,
        "co2_avoided_low_kg": interval.low_kg,
        "co2_avoided_high_kg": interval.high_kg,
        "co2_credited_g": grams_rounded_down(max(0.0, interval.low_kg)),
    }
