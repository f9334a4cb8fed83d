"""Which numbers of a saving are written down, in the order in which a reader can follow them.

Sources are codes a reader of the table resolves: ``edition:section.rule``, ``factor:id``,
``table:name``, ``rung:name``, ``baseline:name``, and ``formula:number`` of the methodology page.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.periods import Month
from fleet_carbon.quantification.baseline import Candidates
from fleet_carbon.quantification.counterfactual import SOURCES
from fleet_carbon.quantification.declared import age_days
from fleet_carbon.quantification.derivation import Derivation
from fleet_carbon.quantification.emissions import DieselFactors
from fleet_carbon.quantification.joining import SINCE_JOINING
from fleet_carbon.quantification.leakage import LeakagePart
from fleet_carbon.quantification.savings import (
    SAVING_COLUMNS,
    Figures,
    SavingCase,
    empty_ratio,
)
from fleet_carbon.quantification.uncertainty import (
    Errors,
    ErrorTerm,
    UncertaintyRules,
    combined,
)

_TTW = ("net_calorific_value", "carbon_content", "oxidation", "molar_mass", "density")
_RULE = "edition:uncertainty."


@dataclass(frozen=True)
class Compared:
    """How some accounts are compared: their rungs and baselines by name.

    Attributes
    ----------
    places : ndarray of int
        Places of the accounts.
    rungs, rates, baselines : sequence of str
        Rung of the litres, where the rates come from, kind of the baseline that counts.
    """

    places: NDArray[np.intp]
    rungs: Sequence[str]
    rates: Sequence[str]
    baselines: Sequence[str]


def write_candidates(derivation: Derivation, found: Sequence[Candidates], month: Month) -> None:
    """Write down every counterfactual that there is: shares, how sure, made of what, how old.

    Parameters
    ----------
    derivation : Derivation
        Where it is written.
    found : sequence of Candidates
        Of every account.
    month : Month
        The month accounted.
    """
    for source in (*SOURCES, SINCE_JOINING):
        of = {
            place: baseline
            for place, one in enumerate(found)
            for baseline in (*one.baselines, *((one.since,) if one.since else ()))
            if baseline.source == source
        }
        places = np.array(list(of), dtype=np.intp)
        told = [f"baseline:{source} from:{baseline.from_on}" for baseline in of.values()]
        columns: list[tuple[str, list[float], str]] = [
            ("empty_share", [one.empty_share for one in of.values()], "0..1"),
            ("payload_share", [one.payload_utilisation_share for one in of.values()], "0..1"),
            ("empty_standard_share", [one.empty_standard_share for one in of.values()], "1"),
            ("payload_standard_share", [one.payload_standard_share for one in of.values()], "1"),
            ("sample_count", [one.sample_count or math.nan for one in of.values()], "1"),
            ("age_days", [age_days(one.from_on, month.first_day) for one in of.values()], "days"),
        ]
        for name, values, unit in columns:
            value = np.array(values, dtype=np.float64)
            derivation.add("baseline", f"{source}_{name}", value, unit=unit, source=told, at=places)
    index = np.array([one.season.index for one in found], dtype=np.float64)
    is_other = np.flatnonzero(index != 1.0)
    derivation.add(
        "baseline", "season_index", index[is_other], unit="1", source="table:lanes", at=is_other
    )


def write_drawn(
    derivation: Derivation, found: Sequence[Candidates], drawn: Sequence[frozenset[str]]
) -> None:
    """Write down the shares of counterfactuals that were drawn to the driver's own months.

    Parameters
    ----------
    derivation : Derivation
        Where it is written.
    found : sequence of Candidates
        Of every account, as drawn.
    drawn : sequence of frozenset of str
        Kinds that were drawn, of every account.
    """
    for source in SOURCES:
        of = {
            place: baseline
            for place, (one, kinds) in enumerate(zip(found, drawn, strict=True))
            for baseline in one.baselines
            if baseline.source == source and source in kinds
        }
        places = np.array(list(of), dtype=np.intp)
        told = [f"baseline:{source}{_of_driver(found[place])}" for place in of]
        for name, values in (
            ("empty", [one.empty_share for one in of.values()]),
            ("payload", [one.payload_utilisation_share for one in of.values()]),
        ):
            value = np.array(values, dtype=np.float64)
            line = f"{source}_drawn_{name}_share"
            derivation.add("baseline", line, value, unit="0..1", source=told, at=places)


def _of_driver(found: Candidates) -> str:
    """What was known of the driver himself, as sources."""
    is_known = {"own_history": found.of("own_history"), SINCE_JOINING: found.since}
    return "".join(f" baseline:{name}" for name, one in is_known.items() if one is not None)


def write_leakage(
    derivation: Derivation, places: NDArray[np.intp], parts: Sequence[LeakagePart]
) -> None:
    """Write down what is taken off for what a saving causes elsewhere, and by which parameter.

    Parameters
    ----------
    derivation : Derivation
        Where it is written.
    places : ndarray of int
        Places of the accounts with a saving.
    parts : sequence of LeakagePart
        Of these accounts.
    """
    for part in parts:
        source = f"edition:leakage.{part.name}"
        derivation.add("leakage", part.name, part.value, unit=part.unit, source=source, at=places)
        taken = f"{part.kind}_kg"
        derivation.add("leakage", taken, part.taken_kg, unit="kg", source=part.origins, at=places)
    taken_kg = sum((part.taken_kg for part in parts), start=np.zeros(len(places)))
    derivation.add(
        "leakage", "co2_leakage_kg", taken_kg, unit="kg", source="formula:F12", at=places
    )


def write_saving(
    derivation: Derivation, compared: Compared, case: SavingCase, *, saved: Mapping[str, Any]
) -> None:
    """Write down both sides of a comparison, from the rates to the litres saved.

    Parameters
    ----------
    derivation : Derivation
        Where it is written.
    compared : Compared
        Which accounts, and what their numbers come from.
    case : SavingCase
        Their cases.
    saved : mapping of str to column
        Columns of the account: litres of both sides and the parts.
    """
    rates = [f"rung:{name}" for name in compared.rates]
    rungs = [f"rung:{name}" for name in compared.rungs]
    baselines = [f"baseline:{name}" for name in compared.baselines]
    index_of = np.where(np.isnan(case.measured_l), "edition:credit.modelled_efficiency_index", "")
    indices = [rule or one for rule, one in zip(index_of.tolist(), baselines, strict=True)]
    loaded_km = case.activity_tkm / case.counterfactual_payload_t
    empty_km = loaded_km * empty_ratio(case.baseline_empty_share)
    load_l = case.load_l_per_tkm * case.activity_tkm
    driving_l = case.counterfactual_index * (case.empty_l_per_km * (loaded_km + empty_km) + load_l)
    lines: list[tuple[str, Figures, str, str | Sequence[str]]] = [
        ("rated_payload_t", case.rated_payload_t, "t", "table:vehicles"),
        ("empty_l_per_km", case.empty_l_per_km, "l/km", rates),
        ("load_l_per_tkm", case.load_l_per_tkm, "l/tkm", rates),
        (
            "idle_l_per_h",
            case.idle_l_per_h,
            "l/h",
            [f"{one} edition:fuel.idle_l_per_h" for one in rates],
        ),
        ("loaded_km", case.loaded_km, "km", "table:legs"),
        ("not_loaded_km", case.empty_km, "km", "table:legs"),
        ("transport_work_tkm", case.transport_work_tkm, "tkm", "table:legs"),
        ("activity_tkm", case.activity_tkm, "tkm", "table:leg_orders"),
        ("idle_h", case.idle_h, "h", "table:legs"),
        ("idle_l", case.idle_l, "l", "formula:F5"),
        ("driving_l", case.driving_l, "l", rungs),
        ("counterfactual_empty_share", case.baseline_empty_share, "0..1", baselines),
        ("counterfactual_payload_share", case.baseline_payload_share, "0..1", baselines),
        ("counterfactual_efficiency_index", case.counterfactual_index, "1", indices),
        ("counterfactual_payload_t", case.counterfactual_payload_t, "t", "formula:F7"),
        ("counterfactual_loaded_km", loaded_km, "km", "formula:F7"),
        ("counterfactual_empty_km", empty_km, "km", "formula:F7"),
        ("counterfactual_driving_l", driving_l, "l", "formula:F7"),
    ]
    for name, value, unit, source in lines:
        _add(derivation, compared, ("saving", name, unit), value, source)
    for name in SAVING_COLUMNS:
        source = "formula:F11" if name.startswith("saved_by") else "formula:F7"
        _add(derivation, compared, ("saving", name, "l"), saved[name], source)


def write_interval(
    derivation: Derivation,
    compared: Compared,
    errors: Errors,
    *,
    terms: Sequence[ErrorTerm],
    rules: UncertaintyRules,
) -> None:
    """Write down every source of error: how far it may be off, and what that does to the saving.

    Parameters
    ----------
    derivation, compared
        As for `write_saving`.
    errors : Errors
        How far each source may be off.
    terms : sequence of ErrorTerm
        What they do to the figures of `SAVING_COLUMNS`, a row each.
    rules : UncertaintyRules
        Section `uncertainty`.
    """
    stated = _stated(errors, compared)
    for term in terms:
        if term.name in stated:
            share, source = stated[term.name]
            _add(
                derivation,
                compared,
                ("interval", f"{term.name}_standard_share", "1"),
                share,
                source,
            )
        of_saving = np.asarray(term.standard)[0]
        name = ("interval", f"{term.name}_standard_l", "l")
        _add(derivation, compared, name, of_saving, _SOURCE_OF_TERM.get(term.name, "formula:F12"))
    together = standards_l(terms)
    for column, standard in zip(SAVING_COLUMNS, together, strict=True):
        name = ("interval", f"{column.removesuffix('_l')}_standard_l", "l")
        _add(derivation, compared, name, standard, "formula:F12")
    factor = ("interval", "ttw_factor_standard_share", "1")
    _add(derivation, compared, factor, rules.ttw_factor_share, f"{_RULE}ttw_factor_share")
    index = ("interval", "coverage_index", "1")
    _add(derivation, compared, index, rules.coverage_index, f"{_RULE}coverage_index")


def write_credit(
    derivation: Derivation,
    compared: Compared,
    diesel: DieselFactors,
    *,
    saved: Mapping[str, Any],
) -> None:
    """Write down the way from litres to the gram: factor, avoided, bounds, credit."""
    parts = " ".join(
        f"factor:{part.factor_id}" for part in diesel.parts if part.quantity != "co2e_wtw"
    )
    per_l = float(diesel.co2_ttw_kg_per_l)
    _add(derivation, compared, ("credit", "co2_ttw_kg_per_l", "kg/l"), per_l, parts)
    for name in ("co2_avoided_kg", "co2_avoided_low_kg", "co2_avoided_high_kg"):
        _add(derivation, compared, ("credit", name, "kg"), saved[name], "formula:F12")
    grams = np.asarray(saved["co2_credited_g"], np.float64)
    _add(derivation, compared, ("credit", "co2_credited_g", "g"), grams, "formula:F12")


def standards_l(terms: Sequence[ErrorTerm]) -> NDArray[np.float64]:
    """Standard uncertainties of the figures of `SAVING_COLUMNS`, a row each. [l]"""
    return np.asarray(combined([term.standard for term in terms]))


# Terms whose size depends on how work is spread over legs and orders, by the rules that enter.
_SOURCE_OF_TERM = {
    "distance_legs": f"{_RULE}distance_leg_share table:legs",
    "weight_common": "table:leg_orders",
    "weight_orders": "table:leg_orders",
}


def _stated(errors: Errors, compared: Compared) -> dict[str, tuple[Figures, str | Sequence[str]]]:
    """Terms that are one relative uncertainty, with it and where it comes from."""
    rungs = [f"rung:{name}" for name in compared.rungs]
    rates = [f"rung:{name}" for name in compared.rates]
    baselines = [f"baseline:{name}" for name in compared.baselines]
    driving = errors.driving
    return {
        "empty_rate": (errors.empty_rate_share, rates),
        "load_rate": (errors.load_rate_share, rates),
        "idle_rate": (errors.idle_rate_share, f"{_RULE}idle_rate_share"),
        "fuel_scale": (errors.fuel_scale_share, rungs),
        "fuel_month": (errors.fuel_month_share, rungs),
        "distance_scale": (driving.distance_scale_share, f"{_RULE}distance_scale_share"),
        "imputed_km": (driving.imputed_km_share, f"{_RULE}imputed_km_share"),
        "baseline_empty": (errors.baseline_empty_share, baselines),
        "baseline_payload": (errors.baseline_payload_share, baselines),
        "baseline_efficiency": (errors.baseline_efficiency_share, baselines),
        "baseline_season": (errors.baseline_season_share, "table:lanes"),
    }


def _add(
    derivation: Derivation,
    compared: Compared,
    named: tuple[str, str, str],
    value: Figures,
    source: str | Sequence[str],
) -> None:
    step, name, unit = named
    derivation.add(step, name, value, unit=unit, source=source, at=compared.places)
