"""How far a saving may be off: first-order propagation with common errors kept common.

An error of the empty rate acts on baseline and project alike, an error of the distance scale on
every kilometre: each source of error is moved once, through the whole saving, and only then are
the independent sources added in squares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.quantification.savings import Figures, SavingCase, litres_saved

_Mover = Callable[[SavingCase, Figures], SavingCase]
_Move = tuple[str, Figures, _Mover]
# All kilometres and the tonne-kilometres made of them share the scale of the receiver.
_EFFICIENCY = "baseline_efficiency_index"
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
    standard_l : float or column
        Change of the saving for one standard uncertainty of the source. [l]
    """

    name: str
    standard_l: Figures


@dataclass(frozen=True)
class Interval:
    """Savings in kilograms of CO2 with their intervals.

    Attributes
    ----------
    avoided_kg, low_kg, high_kg : float or column
        Best estimate and the bounds of the two-sided interval. [kg]
    standard_kg : float or column
        Standard uncertainty. [kg]
    """

    avoided_kg: Figures
    low_kg: Figures
    high_kg: Figures
    standard_kg: Figures


def error_terms(
    case: SavingCase,
    rules: UncertaintyRules,
    *,
    rate_source: Sequence[str],
    baseline_source: Sequence[str],
    imputed_km: Figures,
) -> list[ErrorTerm]:
    """Move every source of error by one standard uncertainty and see what the saving does.

    Parameters
    ----------
    case : SavingCase
        The cases; their savings must exist.
    rules : UncertaintyRules
        Relative standard uncertainties of the edition.
    rate_source : sequence of str
        ``declared`` or ``class``: where the consumption rates of each case come from.
    baseline_source : sequence of str
        ``declared_driver``, ``own_history`` or ``declared_class``.
    imputed_km : float or column
        Kilometres inside gaps. [km]

    Returns
    -------
    terms : list of ErrorTerm
        Half the difference between the source moved up and moved down: the first-order term
        of the Taylor series times the uncertainty, exact for linear dependence. Zero where a
        source of error does not exist, as that of the counter without a counter.

    References
    ----------
    Methodology note, section 6.2.
    """
    empty_rate = _by_source("empty_rate_{}_share", rate_source, rules)
    empty = _by_source("baseline_empty_{}_share", baseline_source, rules)
    payload = _by_source("baseline_payload_{}_share", baseline_source, rules)
    driven_km = case.loaded_km + case.empty_km
    imputed = rules.imputed_km_share * np.minimum(1.0, imputed_km / driven_km)
    moves: list[_Move] = [
        ("empty_rate", empty_rate, _scaled("empty_l_per_km")),
        ("load_rate", rules.load_rate_share, _scaled("load_l_per_tkm")),
        ("idle_rate", rules.idle_rate_share, _scaled("idle_l_per_h")),
        ("distance_scale", rules.distance_scale_share, _scaled(*_DISTANCES)),
        ("imputed_km", imputed, _scaled("loaded_km", "empty_km")),
        ("baseline_empty", empty, _shift_empty_share),
        ("baseline_payload", payload, _scaled("baseline_payload_share")),
        ("fuel_counter", rules.fuel_counter_share, _scaled("measured_l")),
        ("baseline_efficiency", _efficiency_share(case, rules), _scaled(_EFFICIENCY)),
    ]
    return [ErrorTerm(name, _half_difference(case, step, move)) for name, step, move in moves]


def combined(standards: Sequence[Figures]) -> Figures:
    """Standard uncertainty of a sum of independent terms: the root of the sum of squares.

    Examples
    --------
    >>> float(combined([3.0, 4.0]))
    5.0
    """
    return np.sqrt(sum(one * one for one in standards))


def co2_interval(
    saved_l: Figures, standard_l: Figures, *, co2_kg_per_l: float, rules: UncertaintyRules
) -> Interval:
    """Two-sided intervals of the CO2 avoided.

    Parameters
    ----------
    saved_l, standard_l : float or column
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


def _by_source(name: str, sources: Sequence[str], rules: UncertaintyRules) -> NDArray[np.float64]:
    shares = {source: getattr(rules, name.format(source)) for source in set(sources)}
    return np.array([shares[source] for source in sources], dtype=np.float64)


def _efficiency_share(case: SavingCase, rules: UncertaintyRules) -> Figures:
    """An index that was not measured is a rule and no estimate: it has no error."""
    return np.where(np.isnan(case.measured_l), 0.0, rules.baseline_efficiency_share)


def _half_difference(case: SavingCase, step: Figures, move: _Mover) -> Figures:
    return (litres_saved(move(case, step)) - litres_saved(move(case, -step))) / 2


def _scaled(*names: str) -> _Mover:
    """A move that scales these fields by one common factor; what is missing stays missing."""

    def move(case: SavingCase, by: Figures) -> SavingCase:
        return replace(case, **{name: getattr(case, name) * (1 + by) for name in names})

    return move


def _shift_empty_share(case: SavingCase, by: Figures) -> SavingCase:
    """An empty share of one has no counterfactual: go at most half of the way to it."""
    share = case.baseline_empty_share
    step = np.minimum(np.abs(by) * share, (1 - share) / 2)
    return replace(case, baseline_empty_share=share + np.where(by > 0, step, -step))
