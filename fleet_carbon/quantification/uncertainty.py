"""How far a saving may be off: first-order propagation with common errors kept common.

An error of the empty rate acts on baseline and project alike, an error of the distance scale on
every kilometre: each source of error is moved once, through the whole saving, and only then are
the independent sources added in squares.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from fleet_carbon.quantification.savings import SavingCase, litres_saved

_Mover = Callable[[SavingCase, float], SavingCase]
_Move = tuple[str, float, _Mover]
# All kilometres and the tonne-kilometres made of them share the scale of the receiver.
_DISTANCES = ("loaded_km", "empty_km", "transport_work_tkm", "activity_tkm")


@dataclass(frozen=True)
class UncertaintyRules:
    """Section `uncertainty` of an edition: relative standard uncertainties and the interval."""

    confidence_share: float
    coverage_index: float
    empty_rate_declared_share: float
    empty_rate_class_share: float
    load_rate_share: float
    idle_rate_share: float
    distance_scale_share: float
    imputed_km_share: float
    fuel_counter_share: float
    ttw_factor_share: float
    baseline_empty_declared_driver_share: float
    baseline_payload_declared_driver_share: float
    baseline_empty_own_history_share: float
    baseline_payload_own_history_share: float
    baseline_empty_declared_class_share: float
    baseline_payload_declared_class_share: float
    baseline_efficiency_share: float


@dataclass(frozen=True)
class ErrorTerm:
    """One independent source of error and what it moves.

    Attributes
    ----------
    name : str
        For the statement and for tests.
    standard_l : float
        Change of the saving for one standard uncertainty of the source. [l]
    """

    name: str
    standard_l: float


@dataclass(frozen=True)
class Interval:
    """A saving in kilograms of CO2 with its interval.

    Attributes
    ----------
    avoided_kg, low_kg, high_kg : float
        Best estimate and the bounds of the two-sided interval. [kg]
    standard_kg : float
        Standard uncertainty. [kg]
    """

    avoided_kg: float
    low_kg: float
    high_kg: float
    standard_kg: float


def error_terms(
    case: SavingCase,
    rules: UncertaintyRules,
    *,
    rate_source: str,
    baseline_source: str,
    imputed_km: float,
) -> list[ErrorTerm]:
    """Move every source of error by one standard uncertainty and see what the saving does.

    Parameters
    ----------
    case : SavingCase
        The case; its saving must exist.
    rules : UncertaintyRules
        Relative standard uncertainties of the edition.
    rate_source : str
        ``declared`` or ``class``: where the consumption rates come from.
    baseline_source : str
        ``declared_driver``, ``own_history`` or ``declared_class``.
    imputed_km : float
        Kilometres inside gaps. [km]

    Returns
    -------
    terms : list of ErrorTerm
        Half the difference between the source moved up and moved down: the first-order term
        of the Taylor series times the uncertainty, exact for linear dependence.

    References
    ----------
    Methodology note, section 6.2.
    """
    empty_rate = getattr(rules, f"empty_rate_{rate_source}_share")
    empty = getattr(rules, f"baseline_empty_{baseline_source}_share")
    payload = getattr(rules, f"baseline_payload_{baseline_source}_share")
    driven_km = case.loaded_km + case.empty_km
    imputed = rules.imputed_km_share * min(1.0, imputed_km / driven_km)
    moves: list[_Move] = [
        ("empty_rate", empty_rate, _scaled("empty_l_per_km")),
        ("load_rate", rules.load_rate_share, _scaled("load_l_per_tkm")),
        ("idle_rate", rules.idle_rate_share, _scaled("idle_l_per_h")),
        ("distance_scale", rules.distance_scale_share, _scaled(*_DISTANCES)),
        ("imputed_km", imputed, _scaled("loaded_km", "empty_km")),
        ("baseline_empty", empty, _shift_empty_share),
        ("baseline_payload", payload, _scaled("baseline_payload_share")),
    ]
    if case.measured_l is not None:
        moves.append(("fuel_counter", rules.fuel_counter_share, _scaled("measured_l")))
        if case.baseline_efficiency_index is not None:
            index = _scaled("baseline_efficiency_index")
            moves.append(("baseline_efficiency", rules.baseline_efficiency_share, index))
    return [ErrorTerm(name, _half_difference(case, step, move)) for name, step, move in moves]


def combined(standards: list[float]) -> float:
    """Standard uncertainty of a sum of independent terms: the root of the sum of squares.

    Examples
    --------
    >>> combined([3.0, 4.0])
    5.0
    """
    return math.sqrt(math.fsum(one * one for one in standards))


def co2_interval(
    saved_l: float, standard_l: float, *, co2_kg_per_l: float, rules: UncertaintyRules
) -> Interval:
    """Two-sided interval of the CO2 avoided.

    Parameters
    ----------
    saved_l, standard_l : float
        Saving and its standard uncertainty. [l]
    co2_kg_per_l : float
        Tank-to-wheel factor. [kg/l]
    rules : UncertaintyRules
        Quantile of the interval and uncertainty of the factor.

    Returns
    -------
    interval : Interval
        Bounds `estimate -+ coverage_index x standard`.
    """
    avoided = saved_l * co2_kg_per_l
    standard = combined([standard_l * co2_kg_per_l, rules.ttw_factor_share * avoided])
    half = rules.coverage_index * standard
    return Interval(avoided, avoided - half, avoided + half, standard)


def _half_difference(case: SavingCase, step: float, move: _Mover) -> float:
    return (litres_saved(move(case, step)) - litres_saved(move(case, -step))) / 2


def _scaled(*names: str) -> _Mover:
    """A move that scales these fields by one common factor."""

    def move(case: SavingCase, by: float) -> SavingCase:
        return replace(case, **{name: getattr(case, name) * (1 + by) for name in names})

    return move


def _shift_empty_share(case: SavingCase, by: float) -> SavingCase:
    """An empty share of one has no counterfactual: go at most half of the way to it."""
    share = case.baseline_empty_share
    step = min(abs(by) * share, (1 - share) / 2)
    return replace(case, baseline_empty_share=share + (step if by > 0 else -step))
