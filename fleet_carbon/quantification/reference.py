"""The newspaper's driver, worked through: what 4,400 litres a year rest on, and what they do not.

The case is computed from a file a person can read. Beside every figure of the article stands
the figure of the edition's own factor, and what the article leaves open is listed.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from fleet_carbon.errors import InputRefused
from fleet_carbon.quantification.consistency import check_published
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.emissions import DieselFactors, resolve_diesel
from fleet_carbon.quantification.factors import FactorBook
from fleet_carbon.quantification.savings import SavingCase, compute_saving
from fleet_carbon.quantification.stoichiometry import co2_kg_per_kg_max
from fleet_carbon.quantification.uncertainty import (
    DrivingErrors,
    Errors,
    UncertaintyRules,
    co2_interval,
    combined,
    error_terms,
)
from fleet_carbon.units import grams_rounded_down

FIXTURE = "article_2864"
_KG_PER_T = 1000
_AGREES_SHARE = 0.002  # A newspaper rounds to three digits or so.
_ROUNDED_SHARE = 0.02  # "about"


@dataclass(frozen=True)
class Driving:
    """A year of driving, before or after.

    Attributes
    ----------
    distance_km, loaded_km, empty_km : float
        Kilometres of the year. [km]
    payload_share : float
        Payload utilisation on loaded km.
    diesel_l : float
        Litres of the year. [l]
    diesel_l_per_100km, diesel_l_per_tkm : float
        Mean consumption per distance and per tonne-kilometre. [l/100 km], [l/tkm]
    """

    distance_km: float
    loaded_km: float
    empty_km: float
    payload_share: float
    diesel_l: float
    diesel_l_per_100km: float
    diesel_l_per_tkm: float


@dataclass(frozen=True)
class Valuation:
    """The year's tonnes under one factor, and their money.

    Attributes
    ----------
    factor_name : str
        The article's fixture or the edition's factor.
    co2_kg_per_l : float
        Factor. [kg/l]
    co2_t : float
        CO2 avoided in the year. [t]
    value_cny_per_year, value_cny_per_month : float
        At the article's carbon price. [CNY]
    """

    factor_name: str
    co2_kg_per_l: float
    co2_t: float
    value_cny_per_year: float
    value_cny_per_month: float


@dataclass(frozen=True)
class ReferenceCase:
    """Every number of the case.

    Attributes
    ----------
    activity_tkm : float
        The same before and after. [tkm]
    before, after : Driving
        The two years.
    saved_l : float
        Litres saved in a year. [l]
    saved_by_less_empty_l, saved_by_higher_load_l, saved_by_efficiency_l : float
        LMDI-I parts of it. [l]
    avoided_empty_l, avoided_loaded_l : float
        The other convention, as information: empty-truck litres of the empty and of the loaded
        kilometres no longer driven. [l]
    diesel_price_cny_per_l, carbon_price_cny_per_t : float
        Prices of the article.
    fuel_value_cny : float
        Litres saved at the diesel price. [CNY]
    article, default : Valuation
        Under the article's implied factor and under the edition's.
    interval_low_t, interval_high_t : float
        90 % interval of the avoided CO2 under the edition. [t]
    credited_g : int
        What the ledger would credit: the lower bound in grams. [g]
    edition : str
        Label of the edition.
    factor_parts : tuple of str
        Each factor behind the default, with value, unit and source.
    findings : tuple of str
        How the article's figures stand to their own inputs.
    open_inputs : tuple of str
        What the article does not say.
    """

    title: str
    activity_tkm: float
    before: Driving
    after: Driving
    saved_l: float
    saved_by_less_empty_l: float
    saved_by_higher_load_l: float
    saved_by_efficiency_l: float
    avoided_empty_l: float
    avoided_loaded_l: float
    diesel_price_cny_per_l: float
    carbon_price_cny_per_t: float
    fuel_value_cny: float
    article: Valuation
    default: Valuation
    interval_low_t: float
    interval_high_t: float
    credited_g: int
    edition: str
    factor_parts: tuple[str, ...]
    findings: tuple[str, ...]
    open_inputs: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)


def compute_reference_case(
    document: dict[str, Any], book: FactorBook, edition: Edition
) -> ReferenceCase:
    """Work the case through: activity held constant, both levers applied.

    Parameters
    ----------
    document : dict
        The worked example file, as loaded; `data/samples/manbang.yaml` shows the form.
    book, edition
        For the default factor and the interval.

    Returns
    -------
    case : ReferenceCase
        All figures, unrounded.

    Raises
    ------
    InputRefused
        If the file lacks an input or an input is no number; the key is named.

    References
    ----------
    Methodology note, sections 5.3, 5.4 and 8.
    """
    case = _saving_case(document)
    saving = compute_saving(case)
    saved_l = float(saving.saved_l)
    before, after = _drivings(document, case)
    empty_l_per_km = float(case.empty_l_per_km)
    diesel = resolve_diesel(book, edition, _day(document), known_on=None)
    price = _input(document, "carbon_price_per_t")
    article = _value_tonnes(FIXTURE, _fixture(document), saved_l, price)
    default = _value_tonnes(
        f"{edition.label}, tank-to-wheel", float(diesel.co2_ttw_kg_per_l), saved_l, price
    )
    low_t, high_t, credited = _bounds(case, saved_l, diesel, edition)
    fuel_value = saved_l * _input(document, "diesel_price_per_l")
    return ReferenceCase(
        title=str(document.get("title", "")),
        activity_tkm=float(case.activity_tkm),
        before=before,
        after=after,
        saved_l=saved_l,
        saved_by_less_empty_l=float(saving.less_empty_l),
        saved_by_higher_load_l=float(saving.higher_load_l),
        saved_by_efficiency_l=float(saving.efficiency_l),
        avoided_empty_l=empty_l_per_km * (before.empty_km - after.empty_km),
        avoided_loaded_l=empty_l_per_km * (before.loaded_km - after.loaded_km),
        diesel_price_cny_per_l=_input(document, "diesel_price_per_l"),
        carbon_price_cny_per_t=price,
        fuel_value_cny=fuel_value,
        article=article,
        default=default,
        interval_low_t=low_t,
        interval_high_t=high_t,
        credited_g=credited,
        edition=edition.label,
        factor_parts=tuple(
            f"{part.factor_id} = {part.value} {part.unit} ({part.source})" for part in diesel.parts
        ),
        findings=_findings(document, saved_l, fuel_value, article, diesel),
        open_inputs=tuple(str(item) for item in document.get("open_inputs", ())),
    )


def _saving_case(document: dict[str, Any]) -> SavingCase:
    """The year after, against the counterfactual of the year before."""
    distance = _input(document, "distance_km")
    empty_share = _input(document, "baseline_empty_share")
    payload_share = _input(document, "baseline_payload_share")
    rated = _input(document, "rated_payload_t")
    activity = distance * (1 - empty_share) * rated * payload_share
    payload_after = rated * payload_share * (1 + _input(document, "payload_gain_share"))
    searched = distance * empty_share * _input(document, "baseline_search_share")
    empty_after = distance * empty_share - searched * _input(document, "search_reduction_share")
    return SavingCase(
        empty_l_per_km=_input(document, "empty_l_per_100km") / 100,
        load_l_per_tkm=_input(document, "load_l_per_100km_per_t") / 100,
        idle_l_per_h=0.0,
        rated_payload_t=rated,
        baseline_empty_share=empty_share,
        baseline_payload_share=payload_share,
        baseline_efficiency_index=1.0,
        loaded_km=activity / payload_after,
        empty_km=empty_after,
        transport_work_tkm=activity,
        activity_tkm=activity,
        idle_h=0.0,
        measured_l=math.nan,
    )


def _drivings(document: dict[str, Any], case: SavingCase) -> tuple[Driving, Driving]:
    distance = _input(document, "distance_km")
    empty_before = distance * float(case.baseline_empty_share)
    before = _driving(case, distance - empty_before, empty_before)
    return before, _driving(case, float(case.loaded_km), float(case.empty_km))


def _driving(case: SavingCase, loaded_km: float, empty_km: float) -> Driving:
    distance = loaded_km + empty_km
    activity = float(case.activity_tkm)
    litres = float(case.empty_l_per_km) * distance + float(case.load_l_per_tkm) * activity
    return Driving(
        distance_km=distance,
        loaded_km=loaded_km,
        empty_km=empty_km,
        payload_share=activity / (loaded_km * float(case.rated_payload_t)),
        diesel_l=litres,
        diesel_l_per_100km=litres / distance * 100,
        diesel_l_per_tkm=litres / activity,
    )


def _value_tonnes(
    name: str, co2_kg_per_l: float, saved_l: float, price_cny_per_t: float
) -> Valuation:
    tonnes = saved_l * co2_kg_per_l / _KG_PER_T
    value = tonnes * price_cny_per_t
    return Valuation(name, co2_kg_per_l, tonnes, value, value / 12)


def _bounds(
    case: SavingCase, saved_l: float, diesel: DieselFactors, edition: Edition
) -> tuple[float, float, int]:
    """Interval in tonnes and the credit in grams, as an account would have them."""
    rules = fill_rules(edition, "uncertainty", UncertaintyRules)
    errors = Errors(
        empty_rate_share=rules.empty_rate_declared_share,
        load_rate_share=rules.load_rate_share,
        idle_rate_share=rules.idle_rate_share,
        fuel_scale_share=0.0,
        fuel_month_share=0.0,
        baseline_empty_share=rules.baseline_empty_declared_driver_share,
        baseline_payload_share=rules.baseline_payload_declared_driver_share,
        baseline_efficiency_share=0.0,
        baseline_season_share=0.0,
        weight_shared_share=0.0,
        distance_shared_share=0.0,
        driving=DrivingErrors(
            distance_scale_share=rules.distance_scale_share,
            # Over a year the errors of single legs and orders have averaged out.
            empty_legs_share=0.0,
            loaded_legs=(0.0, 0.0),
            legs_correlation=1.0,
            imputed_km_share=0.0,
            weight_common=[(rules.weight_declared_common_share,) * 2],
            weight_orders=(0.0, 0.0),
            weight_correlation=1.0,
        ),
    )
    standard = combined([term.standard for term in error_terms(case, errors)])
    interval = co2_interval(
        saved_l, standard, co2_kg_per_l=float(diesel.co2_ttw_kg_per_l), rules=rules
    )
    low_kg, high_kg = (np.asarray(bound).item() for bound in (interval.low_kg, interval.high_kg))
    return low_kg / _KG_PER_T, high_kg / _KG_PER_T, grams_rounded_down(low_kg)


def _findings(
    document: dict[str, Any],
    saved_l: float,
    fuel_value: float,
    article: Valuation,
    diesel: DieselFactors,
) -> tuple[str, ...]:
    computed = {
        "diesel_saved_l": saved_l,
        "fuel_cost_saved": fuel_value,
        "co2_avoided_t": article.co2_t,
        "carbon_value": article.value_cny_per_year,
    }
    found = [
        _finding(key, document.get("published", {}).get(key), per_year)
        for key, per_year in computed.items()
    ]
    part = {factor.quantity: factor.value for factor in diesel.parts}
    bound = float(co2_kg_per_kg_max(part["carbon_share_max"]) * part["density"])
    if article.co2_kg_per_l > bound:
        found.append(
            f"{FIXTURE}: {article.co2_kg_per_l} kg/l is more than the carbon of a litre can give "
            f"at {part['density']} kg/l ({bound:.4f}); the edition's factor is "
            f"{float(diesel.co2_ttw_kg_per_l):.4f}."
        )
    return tuple(line for line in found if line)


def _finding(key: str, published: Any, per_year: float) -> str:
    """One printed figure beside what its own inputs give for the period it names."""
    if not isinstance(published, dict):
        return ""
    computed = per_year / 12 if published.get("period") == "month" else per_year
    finding = check_published(
        str(published["value"]),
        computed,
        tolerance_share=_AGREES_SHARE,
        rounding_share=_ROUNDED_SHARE,
    )
    return f"{key}, printed as {published.get('text', published['value'])!r}: {finding.text}"


def _input(document: dict[str, Any], key: str) -> float:
    entry = document.get("inputs", {}).get(key)
    return _number(f"inputs.{key}", entry)


def _fixture(document: dict[str, Any]) -> float:
    return _number(f"fixtures.{FIXTURE}", document.get("fixtures", {}).get(FIXTURE))


def _number(where: str, entry: Any) -> float:
    try:
        return float(Decimal(str(entry["value"])))
    except (TypeError, KeyError, InvalidOperation) as fault:
        raise InputRefused(
            "worked_example_incomplete",
            f"{where} is missing in the worked example or is no number.",
            'Write it as {value: "30", unit: t, text: "..."}.',
        ) from fault


def _day(document: dict[str, Any]) -> date:
    day = document.get("on")
    if type(day) is not date:
        raise InputRefused(
            "worked_example_incomplete",
            f"`on` is {day!r}, expected the day whose factors apply.",
            "Write it as 2026-01-01.",
        )
    return day


def render_reference_case(case: ReferenceCase) -> list[str]:
    """The case as lines a person can read, figures rounded for the eye."""
    return [
        case.title,
        "",
        *_driving_lines(case),
        "",
        f"Diesel saved (节油量)     {case.saved_l:>10,.0f} L a year, "
        f"same {case.activity_tkm:,.0f} tkm",
        f"  by less empty running   {case.saved_by_less_empty_l:>10,.1f} L (LMDI)",
        f"  by higher load          {case.saved_by_higher_load_l:>10,.1f} L (LMDI)",
        f"  by efficiency           {abs(case.saved_by_efficiency_l):>10,.1f} L (not measured)",
        f"  or by km no longer driven: empty {case.avoided_empty_l:,.1f} L, "
        f"loaded {case.avoided_loaded_l:,.1f} L",
        f"Fuel money                {case.fuel_value_cny:>10,.0f} yuan a year at "
        f"{case.diesel_price_cny_per_l:g} yuan/L",
        "",
        *_valuation_lines(case),
        "",
        "How the article's figures stand to their own inputs:",
        *(f"  - {line}" for line in case.findings),
        "",
        "Factors behind the default:",
        *(f"  - {line}" for line in case.factor_parts),
        "",
        "What the article leaves open:",
        *(f"  {number}. {line}" for number, line in enumerate(case.open_inputs, start=1)),
    ]


def _driving_lines(case: ReferenceCase) -> list[str]:
    rows = [
        ("km a year", "distance_km", ",.0f"),
        ("loaded km (载货里程)", "loaded_km", ",.0f"),
        ("empty km (空驶里程)", "empty_km", ",.0f"),
        ("payload utilisation (吨位利用率)", "payload_share", ".3f"),
        ("diesel, L", "diesel_l", ",.2f"),
        ("L/100 km", "diesel_l_per_100km", ".2f"),
    ]
    return [
        f"{'':<30}{'before':>12}{'after':>12}",
        *(
            f"{text:<30}{getattr(case.before, name):>12{form}}{getattr(case.after, name):>12{form}}"
            for text, name, form in rows
        ),
        f"{'L/1,000 tkm':<30}{case.before.diesel_l_per_tkm * 1000:>12.2f}"
        f"{case.after.diesel_l_per_tkm * 1000:>12.2f}",
    ]


def _valuation_lines(case: ReferenceCase) -> list[str]:
    lines = []
    for what, one in (("article", case.article), ("default", case.default)):
        tonnes = f"{one.co2_t:.2f}".rstrip("0").rstrip(".")
        lines.append(
            f"CO2 avoided, {what}: {tonnes} t a year at {one.co2_kg_per_l:.4f} kg/L "
            f"({one.factor_name}); {one.value_cny_per_year:,.0f} yuan a year at "
            f"{case.carbon_price_cny_per_t:g} yuan/t, {one.value_cny_per_month:,.2f} a month"
        )
    return [
        *lines,
        f"90 % interval with the default factor: {case.interval_low_t:.2f} to "
        f"{case.interval_high_t:.2f} t; the ledger would credit {case.credited_g:,} g",
    ]
