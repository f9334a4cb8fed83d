"""From driven kilometres and litres to grams credited: case, saving, interval, lower bound."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.periods import Month
from fleet_carbon.quantification.baseline import (
    BaselineRecords,
    Candidates,
    baselines_side_by_side,
)
from fleet_carbon.quantification.chain import (
    Compared,
    standards_l,
    write_candidates,
    write_credit,
    write_drawn,
    write_interval,
    write_leakage,
    write_saving,
)
from fleet_carbon.quantification.counterfactual import OF_DRIVER, Baseline, MonthScatter
from fleet_carbon.quantification.credibility import drawn_to_own
from fleet_carbon.quantification.declared import age_days
from fleet_carbon.quantification.derivation import Derivation
from fleet_carbon.quantification.editions import Edition
from fleet_carbon.quantification.emissions import DieselFactors
from fleet_carbon.quantification.fuel import FuelModel, TruckFuel
from fleet_carbon.quantification.lanes import Driven
from fleet_carbon.quantification.leakage import Leakage
from fleet_carbon.quantification.period import (
    OF_MONTH,
    CreditingPeriod,
    bound_of_month,
    write_period,
)
from fleet_carbon.quantification.project import project_case, project_errors
from fleet_carbon.quantification.savings import (
    SAVING_COLUMNS,
    SavingCase,
    baseline_litres,
    compute_saving,
    empty_ratio,
    on_grid,
    saving_figures,
    saving_impossible,
    saving_on_grid,
)
from fleet_carbon.quantification.spread import Spread
from fleet_carbon.quantification.uncertainty import (
    OF_SINGLE_MONTHS,
    Errors,
    ErrorTerm,
    UncertaintyRules,
    baseline_errors,
    co2_interval,
    efficiency_errors,
    error_terms,
    month_efficiency_errors,
    month_luck_l,
)
from fleet_carbon.units import grams_rounded_down

# Columns of an account -> fields of the interval of its saving.
_OF_INTERVAL = {
    "co2_avoided_kg": "avoided_kg",
    "co2_avoided_low_kg": "low_kg",
    "co2_avoided_high_kg": "high_kg",
}
# Kind of baseline -> column of the saving against it.
_AGAINST = {
    "declared_driver": "saved_against_declared_l",
    "own_history": "saved_against_own_l",
    "cohort": "saved_against_cohort_l",
    "declared_class": "saved_against_class_l",
}


@dataclass(frozen=True)
class CreditRules:
    """Section `credit` of an edition."""

    period_month_count: int
    litre_steps_count: int
    measured_coverage_share_min: float
    modelled_efficiency_index: float
    car_like_share_max: float


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
    leakage : Leakage
        What a saving causes elsewhere.
    refused : mapping of (driver_id, vehicle_id) to str
        Why nothing is credited to an account.
    """

    month: Month
    edition: Edition
    records: BaselineRecords
    diesel: DieselFactors
    rules: CreditRules
    uncertainty: UncertaintyRules
    leakage: Leakage
    refused: Mapping[tuple[str, str], str]

    @cached_property
    def period(self) -> CreditingPeriod:
        """The months before of the crediting period."""
        return CreditingPeriod.of_month(
            self.records.history, self.month, self.rules.period_month_count
        )


def credit_savings(
    driven: Mapping[str, Any],
    trucks: Sequence[TruckFuel],
    basis: CreditBasis,
    *,
    by_lane: Driven,
    spread: Spread,
    derivation: Derivation,
) -> tuple[dict[str, NDArray[Any]], list[set[str]]]:
    """The saving columns of accounts, and the named reasons beside them.

    Parameters
    ----------
    driven : mapping of str to column
        Drivers, kilometres, hours, activity and diesel of the accounts, as in
        `frames.ACCOUNTS`; diesel that is not known is NaN.
    trucks : sequence of TruckFuel
        How the diesel of each account's truck is known.
    basis : CreditBasis
        Month, edition, baselines, factors.
    by_lane : Driven
        What was driven for which load, by which counterfactuals are weighted.
    spread : Spread
        Over how many legs and orders the work of each account is spread.
    derivation : Derivation
        Of these accounts; what is found on the way is written down there.

    Returns
    -------
    columns : dict of str to column
        The baseline that counts, the savings against all, `co2_credited_g` and the figures of
        the saving, NaN where there is no saving to state. Of several counterfactuals that of the
        smallest saving counts. The credit is what the month adds to the lower bound of its
        period, net of leakage, in whole grams, never below zero.
    notes : list of set of str
        Per account, why figures are missing, or what was not measured.
    """
    accounts = list(zip(driven["driver_id"], driven["vehicle_id"], strict=True))
    side_by_side = baselines_side_by_side(accounts, trucks, by_lane, records=basis.records)
    write_candidates(derivation, side_by_side, basis.month)
    found = _drawn(side_by_side, basis, derivation)
    notes: list[set[str]] = [set(one.notes) for one in found]
    columns = _nothing_saved(found, basis.month)
    refused = _refused(driven, basis)
    for place, note in refused.items():
        notes[place].add(note)
    candidates = [
        _Candidate(place, truck, truck.model, baseline, one.scatter)
        for place, (truck, one) in enumerate(zip(trucks, found, strict=True))
        for baseline in one.baselines
        if truck.model and not math.isnan(driven["diesel_l"][place]) and place not in refused
    ]
    case = _cases(driven, trucks, candidates, basis)
    reasons = saving_impossible(case).tolist()
    for one, reason in zip(candidates, reasons, strict=True):
        notes[one.place] |= {reason} if reason else set()
    possible = np.array([at for at, reason in enumerate(reasons) if not reason], dtype=np.intp)
    candidates, case = [candidates[at] for at in possible], case.at(possible)
    places = np.array([one.place for one in candidates], dtype=np.intp)
    saved_l = _saved_against(case, driven["diesel_l"][places], basis.rules)
    _write_against(columns, candidates, saved_l, derivation)
    counted = _smallest(places, saved_l)
    candidates = _as_sure_as_surest(candidates, places, counted, basis.uncertainty)
    case, places = case.at(counted), places[counted]
    errors = _errors(case, candidates, spread.at(places), basis.uncertainty)
    terms = error_terms(case, errors, figure=saving_figures)
    saved = _saved(case, terms, driven["diesel_l"][places], basis)
    compared = _compared(candidates, places)
    write_saving(derivation, compared, case, saved=saved)
    write_interval(derivation, compared, errors, terms=terms, rules=basis.uncertainty)
    parts = basis.leakage.parts(saved["co2_avoided_kg"], driven["orders_count"][places])
    saved["co2_leakage_kg"] = sum((part.taken_kg for part in parts), start=np.zeros(1))
    write_leakage(derivation, places, parts)
    saved |= _parts_of_error(case, candidates, terms, saved, basis)
    saved |= _credited(places, saved, basis, derivation)
    write_credit(derivation, compared, basis.diesel, saved=saved)
    saved |= _dated([one.baseline for one in candidates], basis.month)
    for name, figures in saved.items():
        columns[name][places] = figures
    for one, named in zip(candidates, _notes(case, candidates, basis.rules), strict=True):
        notes[one.place] |= named | basis.leakage.notes
    return columns, notes


@dataclass(frozen=True)
class _Candidate:
    """An account that may have a saving: its place, and what it is compared with."""

    place: int
    truck: TruckFuel
    model: FuelModel
    baseline: Baseline
    scatter: MonthScatter


def _drawn(
    found: Sequence[Candidates], basis: CreditBasis, derivation: Derivation
) -> list[Candidates]:
    """What others tell of each driver, drawn to what his own months do."""
    doubt_index = basis.records.rules.own_doubt_index
    pairs = [drawn_to_own(one, doubt_index=doubt_index, rules=basis.uncertainty) for one in found]
    drawn = [one for one, _ in pairs]
    write_drawn(derivation, drawn, [sources for _, sources in pairs])
    return drawn


def _refused(driven: Mapping[str, Any], basis: CreditBasis) -> dict[int, str]:
    """Accounts that are not credited whatever was saved, and why."""
    is_of_car = driven["car_like_km"] > basis.rules.car_like_share_max * driven["distance_km"]
    found = dict.fromkeys(np.flatnonzero(is_of_car).tolist(), "trace_not_of_a_truck")
    for place, pair in enumerate(zip(driven["driver_id"], driven["vehicle_id"], strict=True)):
        if pair in basis.refused:
            found[place] = basis.refused[pair]
    return found


def _nothing_saved(found: Sequence[Candidates], month: Month) -> dict[str, NDArray[Any]]:
    """The columns of accounts without a saving: what they would be compared with first."""
    count = len(found)
    names = (*SAVING_COLUMNS, *_OF_INTERVAL, *_AGAINST.values(), "co2_leakage_kg", *OF_MONTH)
    first = [one.baselines[0] if one.baselines else None for one in found]
    return {
        "co2_credited_g": np.zeros(count, dtype=np.int64),
        **{name: np.full(count, np.nan) for name in names},
        **_dated(first, month),
    }


def _dated(baselines: Sequence[Baseline | None], month: Month) -> dict[str, NDArray[Any]]:
    """Which baseline it is, since when, and how old on the first day of the month. [days]"""
    ages = [age_days(one.from_on, month.first_day) if one else math.nan for one in baselines]
    return {
        "baseline_source": np.array([one.source if one else "none" for one in baselines], object),
        "baseline_from": np.array([one.from_on if one else None for one in baselines], object),
        "baseline_age_days": np.array(ages, dtype=np.float64),
    }


def _saved_against(
    case: SavingCase, diesel_l: NDArray[np.float64], rules: CreditRules
) -> NDArray[np.float64]:
    """The saving of each case as the account would state it. [l]"""
    stated = on_grid(baseline_litres(case), rules.litre_steps_count) - diesel_l
    return np.asarray(stated, dtype=np.float64)


def _write_against(
    columns: dict[str, NDArray[Any]],
    candidates: Sequence[_Candidate],
    saved_l: NDArray[np.float64],
    derivation: Derivation,
) -> None:
    """Put the saving against every counterfactual beside the others."""
    for source, name in _AGAINST.items():
        of = [at for at, one in enumerate(candidates) if one.baseline.source == source]
        columns[name][[candidates[at].place for at in of]] = saved_l[of]
        derivation.add("saving", name, columns[name], unit="l", source=f"baseline:{source}")


def _smallest(places: NDArray[np.intp], saved_l: NDArray[np.float64]) -> NDArray[np.intp]:
    """Of the candidates of each account that of the smallest saving; of equal ones the first."""
    order = np.lexsort((np.arange(len(places)), saved_l, places))
    _, first = np.unique(places[order], return_index=True)
    return np.asarray(order[first], dtype=np.intp)


def _as_sure_as_surest(
    candidates: Sequence[_Candidate],
    places: NDArray[np.intp],
    counted: NDArray[np.intp],
    rules: UncertaintyRules,
) -> list[_Candidate]:
    """Those that count, as sure as the surest of them and of what tells of the driver alone.

    The interval says how far the true saving of this driver may lie below. What he would have
    done is known from his own months or line; a baseline of others that counts because its saving
    is smaller only lies further on the safe side, however much they differ from one another.
    """
    baselines = [one.baseline for one in candidates]
    doubts = baseline_errors(baselines, rules)
    empty, payload = doubts["baseline_empty_share"], doubts["baseline_payload_share"]
    empty_km_ratio = empty_ratio(_column(one.empty_share for one in baselines))
    # Relative, of the kilometres that the counterfactual drives: (1 + r) / u.
    doubt = np.hypot(empty * empty_km_ratio, payload)
    is_asked = np.array([one.source in OF_DRIVER or one.is_drawn for one in baselines], dtype=bool)
    is_asked[counted] = True
    surest = _smallest(places, np.where(is_asked, doubt, np.inf)).tolist()
    return [
        replace(
            candidates[at],
            baseline=replace(
                candidates[at].baseline,
                empty_standard_share=float(empty[sure]),
                payload_standard_share=float(payload[sure]),
            ),
        )
        for at, sure in zip(counted.tolist(), surest, strict=True)
    ]


def _credited(
    places: NDArray[np.intp],
    saved: Mapping[str, Any],
    basis: CreditBasis,
    derivation: Derivation,
) -> dict[str, Any]:
    """Lower bound and credit of the month, as the period with the months before gives them."""
    bound = bound_of_month(
        basis.period,
        [derivation.accounts[place] for place in places.tolist()],
        saved,
        coverage_index=basis.uncertainty.coverage_index,
    )
    write_period(derivation, places, bound, to_come_count=basis.period.to_come_count)
    return {
        "co2_avoided_low_kg": bound.low_kg,
        "co2_credited_g": [grams_rounded_down(low) for low in bound.low_kg],
    }


def _parts_of_error(
    case: SavingCase,
    candidates: Sequence[_Candidate],
    terms: Sequence[ErrorTerm],
    saved: Mapping[str, Any],
    basis: CreditBasis,
) -> dict[str, NDArray[np.float64]]:
    """What errs in all months alike, in this month by itself, and the month's luck. [kg]"""
    kg_per_l = float(basis.diesel.co2_ttw_kg_per_l)
    of_single, of_all = (
        standards_l([term for term in terms if (term.name in OF_SINGLE_MONTHS) is is_single])[0]
        for is_single in (True, False)
    )
    of_factor = basis.uncertainty.ttw_factor_share * saved["co2_avoided_kg"]
    luck_l = month_luck_l(case, [one.scatter for one in candidates])
    figures = (np.hypot(of_all * kg_per_l, of_factor), of_single * kg_per_l, luck_l * kg_per_l)
    return dict(zip(OF_MONTH, figures, strict=True))


def _saved(
    case: SavingCase,
    terms: Sequence[ErrorTerm],
    diesel_l: NDArray[np.float64],
    basis: CreditBasis,
) -> dict[str, Any]:
    """The figures of the saving and its interval for cases that have one."""
    # The project is the litres the account states, to the last grid step.
    computed = replace(compute_saving(case), project_l=diesel_l)
    saving = saving_on_grid(computed, basis.rules.litre_steps_count)
    interval = co2_interval(
        saving.saved_l,
        standards_l(terms)[0],
        co2_kg_per_l=float(basis.diesel.co2_ttw_kg_per_l),
        rules=basis.uncertainty,
    )
    return {
        **{name: getattr(saving, field) for name, field in SAVING_COLUMNS.items()},
        **{name: getattr(interval, field) for name, field in _OF_INTERVAL.items()},
    }


def _errors(
    case: SavingCase, candidates: Sequence[_Candidate], spread: Spread, rules: UncertaintyRules
) -> Errors:
    """How far the truck's rates, what was driven and the baseline may be off."""
    of_baseline: dict[str, Any] = baseline_errors([one.baseline for one in candidates], rules)
    baselines = [one.baseline for one in candidates]
    project = project_errors(case, [one.truck for one in candidates], spread=spread, rules=rules)
    return replace(
        project,
        **of_baseline,
        baseline_efficiency_share=efficiency_errors(case, baselines, rules),
        fuel_month_share=month_efficiency_errors(project.fuel_month_share, baselines),
    )


def _compared(candidates: Sequence[_Candidate], places: NDArray[np.intp]) -> Compared:
    return Compared(
        places,
        rungs=[one.truck.source for one in candidates],
        rates=[one.model.source for one in candidates],
        baselines=[one.baseline.source for one in candidates],
    )


def _notes(
    case: SavingCase, candidates: Sequence[_Candidate], rules: CreditRules
) -> list[set[str]]:
    """What was not measured, not credited, or taken from a class that was not registered."""
    # The part of efficiency then bears diesel of work that the cap does not credit.
    beyond_l = case.load_l_per_tkm * (case.transport_work_tkm - case.activity_tkm)
    is_beyond = np.asarray(on_grid(beyond_l, rules.litre_steps_count)) > 0
    found = []
    for one, beyond in zip(candidates, is_beyond.tolist(), strict=True):
        baseline, named = one.baseline, set()
        if not one.truck.is_measured or baseline.efficiency_index is None:
            named.add("efficiency_not_measured")
        if beyond:
            named.add("work_beyond_cap")
        if baseline.class_id and baseline.class_id != one.truck.class_ids[0]:
            named.add("class_by_payload")
        found.append(named)
    return found


def _cases(
    driven: Mapping[str, Any],
    trucks: Sequence[TruckFuel],
    candidates: Sequence[_Candidate],
    basis: CreditBasis,
) -> SavingCase:
    """The savings' inputs; without a fuel record no efficiency is compared."""
    places = np.array([one.place for one in candidates], dtype=np.intp)
    project = project_case(driven, trucks).at(places)
    measured_index = _column(one.baseline.efficiency_index for one in candidates)
    return replace(
        project,
        baseline_empty_share=_column(one.baseline.empty_share for one in candidates),
        baseline_payload_share=_column(
            one.baseline.payload_utilisation_share for one in candidates
        ),
        baseline_efficiency_index=np.where(
            np.isnan(project.measured_l), basis.rules.modelled_efficiency_index, measured_index
        ),
        activity_tkm=_activity_tkm(driven, candidates, basis.records),
    )


def _activity_tkm(
    driven: Mapping[str, Any], candidates: Sequence[_Candidate], records: BaselineRecords
) -> NDArray[np.float64]:
    """Credited activity, on ways no more winding than before joining, of loads believed. [tkm]

    Work of orders that weigh more than the truck may carry counts with the payload of the
    counterfactual: whoever makes loads heavier on paper saves nothing by it.
    """
    places = np.array([one.place for one in candidates], dtype=np.intp)
    circuity = _column(records.circuity_index(driven["driver_id"][place]) for place in places)
    # Where nothing is known of either, the cap of the distance alone holds.
    direct_tkm = np.asarray(driven["great_circle_tkm"][places], dtype=np.float64)
    counted = np.fmin(driven["activity_tkm"][places], circuity * direct_tkm)
    usual_share = _column(one.baseline.payload_utilisation_share for one in candidates)
    doubted_tkm = np.nan_to_num(np.asarray(driven["overweight_tkm"][places], dtype=np.float64))
    return np.asarray(counted - doubted_tkm * (1 - np.minimum(1, usual_share)), dtype=np.float64)


def _column(figures: Iterable[float | None]) -> NDArray[np.float64]:
    return np.array(list(figures), dtype=np.float64)
