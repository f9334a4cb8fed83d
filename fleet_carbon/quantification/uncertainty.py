"""How far a figure may be off: first-order propagation with common errors kept common.

An error of the empty rate acts on baseline and project alike, an error of the distance scale on
every kilometre: each source of error is moved once, through the whole figure, and only then are
the independent sources added in squares. What is common to all trips is moved as a whole and
does not average away; what is independent from leg to leg or from order to order is moved by the
root of the sum of its squares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.frames import WEIGHT_SOURCES
from fleet_carbon.quantification.counterfactual import Baseline, MonthScatter
from fleet_carbon.quantification.savings import Figures, SavingCase, empty_ratio, litres_saved
from fleet_carbon.quantification.spread import Spread

Figure = Callable[[SavingCase], Figures]
_Mover = Callable[[SavingCase, Figures], SavingCase]
# All kilometres and the tonne-kilometres made of them share the scale of the receiver.
_WORK = ("transport_work_tkm", "activity_tkm")
_DISTANCES = ("loaded_km", "empty_km", *_WORK)
# Errors of single legs, orders, gaps, fills and of a season: independent from month to month.
OF_SINGLE_MONTHS = (
    "distance_legs", "imputed_km", "weight_orders", "fuel_month", "baseline_season",
)  # fmt: skip
# What scales all modelled litres together; measured ones have their own scale.
_RATES = ("empty_l_per_km", "load_l_per_tkm", "idle_l_per_h")


@dataclass(frozen=True)
class UncertaintyRules:
    """Section `uncertainty` of an edition: relative standard uncertainties and the interval."""

    confidence_share: float
    coverage_index: float
    empty_rate_declared_share: float
    empty_rate_class_share: float
    load_rate_share: float
    rate_ratio_share: float
    idle_rate_share: float
    distance_scale_share: float
    distance_leg_share: float
    imputed_km_share: float
    fuel_counter_share: float
    ttw_factor_share: float
    wtw_factor_share: float
    weight_weighed_common_share: float
    weight_weighed_order_share: float
    weight_declared_common_share: float
    weight_declared_order_share: float
    weight_nominal_common_share: float
    weight_nominal_order_share: float
    weight_class_common_share: float
    weight_class_order_share: float
    baseline_empty_declared_driver_share: float
    baseline_payload_declared_driver_share: float
    baseline_empty_own_history_share: float
    baseline_payload_own_history_share: float
    baseline_empty_declared_class_share: float
    baseline_payload_declared_class_share: float
    baseline_efficiency_share: float
    weight_habit_shared_share: float


@dataclass(frozen=True)
class DrivingErrors:
    """Relative standard uncertainties of what traces and orders say was driven.

    Attributes
    ----------
    distance_scale_share : Figures
        Scale of the receiver: all kilometres and tonne-kilometres.
    empty_legs_share : Figures
        Kilometres without cargo from the errors of single legs: they average over the legs.
    loaded_legs : (Figures, Figures)
        Likewise the kilometres with cargo, and the work done on them.
    legs_correlation : Figures
        Correlation of these two, 1 where all legs carry the same.
    imputed_km_share : Figures
        Kilometres of the project, from those inside gaps.
    weight_common : sequence of (Figures, Figures)
        Per weight source what its common error does to the transport work and to the activity.
    weight_orders : (Figures, Figures)
        What the errors of single orders do to transport work and activity: they average over
        the orders.
    weight_correlation : Figures
        Correlation of these two, 1 where no order is beyond the distance cap.
    """

    distance_scale_share: Figures
    empty_legs_share: Figures
    loaded_legs: tuple[Figures, Figures]
    legs_correlation: Figures
    imputed_km_share: Figures
    weight_common: Sequence[tuple[Figures, Figures]]
    weight_orders: tuple[Figures, Figures]
    weight_correlation: Figures


@dataclass(frozen=True)
class Errors:
    """Relative standard uncertainties of everything a figure rests on.

    Attributes
    ----------
    empty_rate_share, load_rate_share, idle_rate_share : Figures
        Rates of the fuel model, common to all legs and to both sides.
    fuel_scale_share : Figures
        What scales all litres together: the measured ones, else all rates of the model.
    fuel_month_share : Figures
        What scales the measured litres of this month alone.
    baseline_empty_share, baseline_payload_share, baseline_efficiency_share : Figures
        The counterfactual's own shares.
    baseline_season_share : Figures
        Its empty kilometres of this month beside those of usual ones.
    weight_shared_share : Figures
        Part of the common error of weights that the counterfactual's payload bears as well.
    distance_shared_share : Figures
        1 where the counterfactual's index was measured over kilometres of the same records, and
        bears their scale, else 0.
    driving : DrivingErrors
        What was driven.
    """

    empty_rate_share: Figures
    load_rate_share: Figures
    idle_rate_share: Figures
    fuel_scale_share: Figures
    fuel_month_share: Figures
    baseline_empty_share: Figures
    baseline_payload_share: Figures
    baseline_efficiency_share: Figures
    baseline_season_share: Figures
    weight_shared_share: Figures
    distance_shared_share: Figures
    driving: DrivingErrors


@dataclass(frozen=True)
class ErrorTerm:
    """One independent source of error and what it moves.

    Attributes
    ----------
    name : str
        For the statement and for tests.
    standard : float or column
        Change of the figure for one standard uncertainty of the source, in the figure's unit.
    """

    name: str
    standard: Figures


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


def driving_errors(case: SavingCase, spread: Spread, rules: UncertaintyRules) -> DrivingErrors:
    """How far kilometres and cargo may be off, by how they were measured and spread.

    Parameters
    ----------
    case : SavingCase
        What was driven.
    spread : Spread
        Over how many legs and orders, and how the cargo's weight is known.
    rules : UncertaintyRules
        Relative standard uncertainties of the edition.

    References
    ----------
    Methodology note, sections 6.2 and 6.3.
    """
    driven_km = case.loaded_km + case.empty_km
    common = np.array([getattr(rules, f"weight_{name}_common_share") for name in WEIGHT_SOURCES])
    orders = np.array([getattr(rules, f"weight_{name}_order_share") for name in WEIGHT_SOURCES])
    work, activity = case.transport_work_tkm, case.activity_tkm
    work_tkm, activity_tkm = (
        np.sqrt(squares @ orders**2) for squares in (spread.work_squares, spread.activity_squares)
    )
    by_leg, imputed_share = rules.distance_leg_share, _part(spread.imputed_km, driven_km)
    return DrivingErrors(
        distance_scale_share=rules.distance_scale_share,
        empty_legs_share=by_leg * _part(spread.empty_legs_km, case.empty_km),
        loaded_legs=(
            by_leg * _part(spread.loaded_legs_km, case.loaded_km),
            by_leg * _part(spread.loaded_legs_tkm, work),
        ),
        legs_correlation=_part(
            spread.legs_products, spread.loaded_legs_km * spread.loaded_legs_tkm
        ),
        imputed_km_share=rules.imputed_km_share * np.minimum(1.0, imputed_share),
        weight_common=[
            (share * _part(work_of, work), share * _part(activity_of, activity))
            for share, work_of, activity_of in zip(
                common, spread.work_tkm.T, spread.activity_tkm.T, strict=True
            )
        ],
        weight_orders=(_part(work_tkm, work), _part(activity_tkm, activity)),
        weight_correlation=_part(spread.products @ orders**2, work_tkm * activity_tkm),
    )


def baseline_errors(
    baselines: Sequence[Baseline], rules: UncertaintyRules
) -> dict[str, NDArray[np.float64]]:
    """Errors of the counterfactual's shares: as measured, else those of the edition by source.

    A baseline made of orders has the habit in their weights: who declares a tenth too much now did
    so before, and the payload he is compared with is as much too high as his work.

    Parameters
    ----------
    baselines : sequence of Baseline
        Some state how sure they are, others are as sure as their kind.
    rules : UncertaintyRules
        Relative standard uncertainties of the edition.
    """
    columns = zip(*(baseline_standards(one, rules) for one in baselines), strict=True)
    empty, payload = columns if baselines else ((), ())
    of_orders = np.array([one.of_orders_share for one in baselines], dtype=np.float64)
    return {
        "baseline_empty_share": np.array(empty, dtype=np.float64),
        "baseline_payload_share": np.array(payload, dtype=np.float64),
        "baseline_season_share": np.array(
            [one.season_standard_share for one in baselines], dtype=np.float64
        ),
        "weight_shared_share": rules.weight_habit_shared_share * of_orders,
        "distance_shared_share": np.where(of_orders > 0, 1.0, 0.0),
    }


def baseline_standards(baseline: Baseline, rules: UncertaintyRules) -> tuple[float, float]:
    """Relative standard uncertainties of empty share and payload: as stated, else by its kind."""
    stated = {
        "baseline_empty": baseline.empty_standard_share,
        "baseline_payload": baseline.payload_standard_share,
    }
    empty, payload = (
        float(getattr(rules, f"{name}_{baseline.source}_share")) if math.isnan(share) else share
        for name, share in stated.items()
    )
    return empty, payload


def error_terms(
    case: SavingCase, errors: Errors, *, figure: Figure = litres_saved
) -> list[ErrorTerm]:
    """Move every source of error by one standard uncertainty and see what a figure does.

    Parameters
    ----------
    case : SavingCase
        The cases; their figures must exist.
    errors : Errors
        How far each source may be off.
    figure : callable
        What is looked at, from the case; by default the litres saved.

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

    def moved(step: Figures, move: _Mover) -> Figures:
        return _moved(figure, case, step, move)

    driving = errors.driving
    # On a loaded leg its transport work is off with its kilometres.
    loaded_km, loaded_work = driving.loaded_legs
    loaded_legs = _joint(
        moved(loaded_km, _scaled("loaded_km")),
        moved(loaded_work, _scaled(*_WORK)),
        driving.legs_correlation,
    )
    empty_legs = moved(driving.empty_legs_share, _scaled("empty_km"))
    common = [
        moved(1.0, _weighed(work, activity, shared_share=errors.weight_shared_share))
        for work, activity in driving.weight_common
    ]
    of_orders = [
        moved(step, _scaled(name)) for step, name in zip(driving.weight_orders, _WORK, strict=True)
    ]
    found = {
        "empty_rate": moved(errors.empty_rate_share, _rated("empty_l_per_km")),
        "load_rate": moved(errors.load_rate_share, _rated("load_l_per_tkm")),
        "idle_rate": moved(errors.idle_rate_share, _scaled("idle_l_per_h")),
        "fuel_scale": moved(errors.fuel_scale_share, _scale_litres),
        "fuel_month": moved(errors.fuel_month_share, _scaled("measured_l")),
        "distance_scale": moved(
            driving.distance_scale_share, _far(shared_share=errors.distance_shared_share)
        ),
        "distance_legs": combined([loaded_legs, empty_legs]),
        "imputed_km": moved(driving.imputed_km_share, _scaled("loaded_km", "empty_km")),
        "weight_common": combined(common),
        "weight_orders": _joint(of_orders[0], of_orders[1], driving.weight_correlation),
        "baseline_empty": moved(errors.baseline_empty_share, _shift_empty_share),
        "baseline_payload": moved(errors.baseline_payload_share, _scaled("baseline_payload_share")),
        "baseline_efficiency": moved(
            errors.baseline_efficiency_share, _scaled("baseline_efficiency_index")
        ),
        "baseline_season": moved(errors.baseline_season_share, _scale_empty_ratio),
    }
    return [ErrorTerm(name, standard) for name, standard in found.items()]


def month_luck_l(case: SavingCase, scatters: Sequence[MonthScatter]) -> NDArray[np.float64]:
    """How far the saving of a month lies from the driver's usual one by the luck of the month. [l]

    Parameters
    ----------
    case : SavingCase
        The cases.
    scatters : sequence of MonthScatter
        How months of each driver differ.

    Returns
    -------
    luck_l : ndarray of float, shape (n_cases,)
        Standard deviation: what empty share and payload of such a month do to the litres. 0
        where no months of anybody were seen: then it is not known how far luck goes. [l]
    """
    empty, payload = (
        np.array([getattr(one, name) * one.is_seen for one in scatters], dtype=np.float64)
        for name in ("empty_share", "payload_share")
    )
    moved = (
        _moved(litres_saved, case, empty, _shift_empty_share),
        _moved(litres_saved, case, payload, _scaled("baseline_payload_share")),
    )
    return np.asarray(combined(moved), dtype=np.float64)


def combined(standards: Sequence[Figures]) -> Figures:
    """Standard uncertainty of a sum of independent terms: the root of the sum of squares.

    Examples
    --------
    >>> float(combined([3.0, 4.0]))
    5.0
    """
    return np.sqrt(sum(one * one for one in standards))


def co2_interval(
    saved_l: Figures, standard_l: Figures, *, co2_kg_per_l: Figures, rules: UncertaintyRules
) -> Interval:
    """Two-sided intervals of the CO2 avoided.

    Parameters
    ----------
    saved_l, standard_l : float or column
        Saving and its standard uncertainty. [l]
    co2_kg_per_l : float or column
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


def efficiency_errors(
    case: SavingCase, baselines: Sequence[Baseline], rules: UncertaintyRules
) -> Figures:
    """As sure as its months say, else by its kind; one that was not measured is a rule.

    A rule is no estimate: it has no error.
    """
    stated = np.array([one.efficiency_standard_share for one in baselines], dtype=np.float64)
    measured = np.where(np.isnan(stated), rules.baseline_efficiency_share, stated)
    return np.where(np.isnan(case.measured_l), 0.0, measured)


def month_efficiency_errors(ends_share: Figures, baselines: Sequence[Baseline]) -> Figures:
    """How far the measured litres of one month lie off what the driver's usual ones would be.

    An index of other months says what he burns usually; one month differs from that as these do
    from one another, the levels at the ends of receipts among it.
    """
    scatter = np.array([one.efficiency_scatter_share for one in baselines], dtype=np.float64)
    return np.maximum(ends_share, scatter)


def _moved(figure: Figure, case: SavingCase, step: Figures, move: _Mover) -> Figures:
    """Half the difference between a source of error moved up and moved down."""
    return (figure(move(case, step)) - figure(move(case, -step))) / 2


def _part(part: Figures, whole: Figures) -> Figures:
    """A quotient, 0 where there is no whole."""
    is_there = np.asarray(whole) > 0
    return np.where(is_there, part / np.where(is_there, whole, 1.0), 0.0)


def _joint(first: Figures, second: Figures, correlation: Figures) -> Figures:
    """Standard uncertainty of a sum of two correlated terms."""
    square = first * first + 2 * correlation * first * second + second * second
    return np.sqrt(np.maximum(0.0, square))


def _scaled(*names: str) -> _Mover:
    """A move that scales these fields by one common factor; what is missing stays missing."""

    def move(case: SavingCase, by: Figures) -> SavingCase:
        return replace(case, **{name: getattr(case, name) * (1 + by) for name in names})

    return move


def _far(*, shared_share: Figures) -> _Mover:
    """The scale of all kilometres: litres measured over longer ways were as much less per model's.

    An index of own months was measured over ways of the same scale, a declared one was not.
    """

    def move(case: SavingCase, by: Figures) -> SavingCase:
        return replace(
            _scaled(*_DISTANCES)(case, by),
            baseline_efficiency_index=_index_kept(case, 1 / (1 + by * shared_share)),
        )

    return move


def _weighed(work: Figures, activity: Figures, *, shared_share: Figures) -> _Mover:
    """The common error of one weight source: its part of work, of activity, of a like baseline.

    Where the baseline's litres were measured, its index is theirs over the model's for its loads:
    loads that seem heavier make it smaller.
    """

    def move(case: SavingCase, by: Figures) -> SavingCase:
        shared = 1 + by * shared_share * work
        other = replace(
            case,
            transport_work_tkm=case.transport_work_tkm * (1 + by * work),
            activity_tkm=case.activity_tkm * (1 + by * activity),
            baseline_payload_share=case.baseline_payload_share * shared,
        )
        kept = case.model_l_per_tkm / (other.model_l_per_tkm * shared)
        return replace(other, baseline_efficiency_index=_index_kept(case, kept))

    return move


def _rated(name: str) -> _Mover:
    """A rate of the model; a baseline whose litres were measured keeps them per work done.

    Its index is those litres over the model's for the same driving: a rate that is too high makes
    it as much too low.
    """

    def move(case: SavingCase, by: Figures) -> SavingCase:
        other = _scaled(name)(case, by)
        kept = case.model_l_per_tkm / other.model_l_per_tkm
        return replace(other, baseline_efficiency_index=_index_kept(case, kept))

    return move


def _scale_litres(case: SavingCase, by: Figures) -> SavingCase:
    """Measured litres have their meter's scale, the baseline's too; others that of all rates."""
    is_modelled = np.isnan(case.measured_l)
    scaled = _scaled(*_RATES)(case, np.where(is_modelled, by, 0.0))
    return replace(
        scaled,
        measured_l=case.measured_l * (1 + by),
        baseline_efficiency_index=_index_kept(case, 1 + by),
    )


def _index_kept(case: SavingCase, kept: Figures) -> Figures:
    """The counterfactual's index times a factor where litres were measured; else it is a rule."""
    return case.baseline_efficiency_index * np.where(np.isnan(case.measured_l), 1.0, kept)


def _shift_empty_share(case: SavingCase, by: Figures) -> SavingCase:
    """An empty share of one has no counterfactual: go at most half of the way to it."""
    share = case.baseline_empty_share
    step = np.minimum(np.abs(by) * share, (1 - share) / 2)
    return replace(case, baseline_empty_share=share + np.where(by > 0, step, -step))


def _scale_empty_ratio(case: SavingCase, by: Figures) -> SavingCase:
    """Empty kilometres of the counterfactual beside its loaded ones."""
    ratio = empty_ratio(case.baseline_empty_share) * (1 + by)
    return replace(case, baseline_empty_share=ratio / (1 + ratio))
