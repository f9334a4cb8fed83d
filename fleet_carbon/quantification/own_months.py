"""A driver's own months before joining: those of the season if they hold enough, else the last."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fleet_carbon.periods import Month
from fleet_carbon.quantification.counterfactual import (
    Baseline,
    BaselineRules,
    MonthScatter,
    believed_scatter,
)
from fleet_carbon.quantification.fuel import MEASURED, TruckFuel
from fleet_carbon.quantification.lanes import class_of_work

TOO_OLD = "baseline_too_old"
WITHOUT_HISTORY = "joined_without_history"
MONTHS_PER_YEAR = 12
# No index, and nothing to be unsure of.
_UNMEASURED = (None, math.nan, 0.0)


class PastMonth(NamedTuple):
    """What a row of `frames.ACCOUNTS` says for a baseline, and the season of its month."""

    driver_id: str
    month: str
    vehicle_id: str
    distance_km: float
    loaded_km: float
    empty_km: float
    transport_work_tkm: float
    great_circle_tkm: float
    idle_h: float
    diesel_l: float
    diesel_source: str
    model_diesel_l: float
    fuel_model: str
    season_index: float


def months_before_joining(
    history: pd.DataFrame, joined_month: Mapping[str, str], season_index: Callable[[str], float]
) -> dict[str, list[PastMonth]]:
    """Accounts of each driver before joining.

    Parameters
    ----------
    history : DataFrame
        Earlier rows of `frames.ACCOUNTS`.
    joined_month : mapping of str to str
        Month of joining by driver, YYYY-MM. A month ends before joining if and only if its name
        is smaller.
    season_index : callable
        Of a month, YYYY-MM: empty kilometres per other kilometre, per those of a usual month.
    """
    rows = history.loc[history["driver_id"].isin(list(joined_month))]
    texts = {name: rows[name].fillna("") for name in ("diesel_source", "fuel_model")}
    rows = rows.assign(**texts)
    columns: list[list[Any]] = [rows[name].tolist() for name in PastMonth._fields[:-1]]
    columns.append([season_index(month) for month in rows["month"].tolist()])
    found: dict[str, list[PastMonth]] = defaultdict(list)
    for row in zip(*columns, strict=True):
        past = PastMonth(*row)
        if past.month < joined_month[past.driver_id]:
            found[past.driver_id].append(past)
    return dict(found)


def own_circuity(before: Sequence[PastMonth]) -> float:
    """Road kilometres per great-circle kilometre of a driver's loads before joining.

    Weighted by tonne-kilometres; NaN where it is not known. A later load driven a longer way than
    that is credited as if it had gone this way: a detour makes no work.
    """
    known = [row for row in before if row.great_circle_tkm > 0]
    if not known:
        return math.nan
    return math.fsum(row.transport_work_tkm for row in known) / math.fsum(
        row.great_circle_tkm for row in known
    )


def own_history(
    before: Sequence[PastMonth],
    truck: TruckFuel,
    *,
    fuels: Mapping[str, TruckFuel],
    month: Month,
    scatter: MonthScatter,
    rules: BaselineRules,
) -> tuple[Baseline | None, str]:
    """A driver's own months before joining, weighted by kilometres, and how sure they are.

    Only months with trucks of the same class count: another truck carries other loads. Unknown
    kilometres count as driven and not as empty: a baseline must not look worse than was proven.
    Empty kilometres are taken as they would have been in usual months. The efficiency counts only
    if every month was measured, by a fuel counter or by receipts.

    Parameters
    ----------
    before : sequence of PastMonth
        The driver's months before joining.
    truck : TruckFuel
        The truck accounted.
    fuels : mapping of str to TruckFuel
        Trucks of the register, for rated payload, class and efficiency.
    month : Month
        The month accounted.
    scatter : MonthScatter
        How the months of other drivers of the class differ: what is believed of this one's.
    rules : BaselineRules
        Section `baseline` of the edition.

    Returns
    -------
    baseline : Baseline or None
        None if the months hold too few kilometres or are too old.
    reason : str
        Why there is none; empty if there is one.
    """
    class_id = class_of_work(truck)
    rows = [
        row
        for row in before
        if row.vehicle_id in fuels and class_of_work(fuels[row.vehicle_id]) == class_id
    ]
    chosen = _chosen(rows, month, rules)
    driven_km, loaded_km, empty_km, work_tkm, capacity_tkm = _sums(chosen, fuels).values()
    if math.fsum(driven_km) < rules.own_history_km_min or math.fsum(loaded_km) <= 0:
        return None, WITHOUT_HISTORY
    if math.fsum(capacity_tkm) <= 0 or math.fsum(work_tkm) <= 0:
        return None, WITHOUT_HISTORY
    names = sorted({row.month for row in chosen})
    if _number(str(month)) - _number(names[-1]) > rules.own_years_max * MONTHS_PER_YEAR:
        return None, TOO_OLD
    empty_share, empty_standard, empty_scatter = _with_scatter(
        empty_km, driven_km, scatter.empty_share, rules
    )
    payload_share, payload_standard, payload_scatter = _with_scatter(
        work_tkm, capacity_tkm, scatter.payload_share, rules
    )
    efficiency_index, *efficiency = _measured_efficiency(chosen, truck, fuels, rules)
    baseline = Baseline(
        source="own_history",
        empty_share=empty_share,
        payload_utilisation_share=payload_share,
        efficiency_index=efficiency_index,
        from_on=f"{names[0]}-01",
        empty_standard_share=empty_standard,
        payload_standard_share=payload_standard,
        sample_count=len(names),
        of_orders_share=1.0,
        efficiency_standard_share=efficiency[0],
        efficiency_scatter_share=efficiency[1],
        scatter=MonthScatter(
            empty_scatter, payload_scatter, is_seen=scatter.is_seen or len(names) > 1
        ),
    )
    return baseline, ""


def _chosen(rows: Sequence[PastMonth], month: Month, rules: BaselineRules) -> list[PastMonth]:
    """Months of the season if they hold enough kilometres beside the latest ones, else these."""
    names = sorted({row.month for row in rows})
    latest = set(names[-int(rules.own_history_month_count_max) :])
    reach = int(rules.own_season_year_count_max) * MONTHS_PER_YEAR
    season = {
        name
        for name in names
        if _apart(name, str(month)) <= rules.own_season_month_count
        and _number(names[-1]) - _number(name) < reach
    }
    last_km, season_km = (
        math.fsum(row.distance_km for row in rows if row.month in kept) for kept in (latest, season)
    )
    is_enough = season_km >= max(rules.own_season_km_share_min * last_km, rules.own_history_km_min)
    kept = season if is_enough else latest
    return [row for row in rows if row.month in kept]


def _sums(rows: Sequence[PastMonth], fuels: Mapping[str, TruckFuel]) -> dict[str, list[float]]:
    """Sums of every month, in order of month, over its trucks."""

    def capacity_tkm(row: PastMonth) -> float:
        return fuels[row.vehicle_id].rated_payload_t * row.loaded_km

    figures: dict[str, Callable[[PastMonth], float]] = {
        "driven_km": lambda row: row.distance_km - row.empty_km + row.empty_km / row.season_index,
        "loaded_km": lambda row: row.loaded_km,
        "empty_km": lambda row: row.empty_km / row.season_index,
        "work_tkm": lambda row: row.transport_work_tkm,
        "capacity_tkm": capacity_tkm,
    }
    names = sorted({row.month for row in rows})
    return {
        key: [math.fsum(figure(row) for row in rows if row.month == name) for name in names]
        for key, figure in figures.items()
    }


def _with_scatter(
    parts: Sequence[float], wholes: Sequence[float], usual_share: float, rules: BaselineRules
) -> tuple[float, float, float]:
    """A share of several months, its relative standard uncertainty, and that of one month.

    With weights ``w`` by the wholes: ``s^2 = n / (n - 1) sum w (x - mean)^2``, drawn to the
    usual scatter, and ``s sqrt(sum w^2)`` for the mean.
    """
    part, whole = (np.array(column, dtype=np.float64) for column in (parts, wholes))
    part, whole = part[whole > 0], whole[whole > 0]
    count, weight = len(whole), whole / math.fsum(whole)
    share = math.fsum(part) / math.fsum(whole)
    if share <= 0:
        return 0.0, rules.standard_share_min, usual_share
    square = math.fsum(weight * (part / whole / share - 1) ** 2) * count / max(1, count - 1)
    scatter = float(
        believed_scatter(
            square,
            count - 1,
            prior_share=usual_share,
            prior_count=rules.scatter_weight_count,
        )
    )
    standard = scatter * math.sqrt(math.fsum(weight * weight))
    return share, max(standard, rules.standard_share_min), scatter


def _measured_efficiency(
    rows: Sequence[PastMonth],
    truck: TruckFuel,
    fuels: Mapping[str, TruckFuel],
    rules: BaselineRules,
) -> tuple[float | None, float, float]:
    """Fuel burnt per model fuel over months that were measured throughout, and its uncertainties.

    That of the mean, and the scatter of one month. By the model with which the truck accounted is
    compared: declared rates, or the same model of the class.
    """
    is_declared = truck.model is not None and truck.model.source == "declared"
    burnt: dict[str, list[float]] = defaultdict(list)
    modelled: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        model = fuels[row.vehicle_id].model
        if model is None or row.diesel_source not in MEASURED or math.isnan(row.diesel_l):
            return _UNMEASURED
        idle_l = model.idle_l(row.idle_h)
        if is_declared and model.source == "declared":
            modelled[row.month].append(model.driving_l(row.distance_km, row.transport_work_tkm))
        elif not is_declared and row.fuel_model == truck.model_id:
            modelled[row.month].append(row.model_diesel_l - idle_l)
        else:
            return _UNMEASURED
        burnt[row.month].append(row.diesel_l - idle_l)
    sides = ([math.fsum(of[month]) for month in sorted(of)] for of in (burnt, modelled))
    burnt_l, modelled_l = sides
    if not (math.fsum(burnt_l) > 0 and math.fsum(modelled_l) > 0):
        return _UNMEASURED
    return _with_scatter(burnt_l, modelled_l, rules.efficiency_scatter_share, rules)


def oldest_counted(month: Month, rules: BaselineRules) -> str:
    """The first month, YYYY-MM, of others that is not too long before the month accounted."""
    months_count = round(rules.cohort_years_max * MONTHS_PER_YEAR)
    year, index = divmod(_number(str(month)) - months_count, MONTHS_PER_YEAR)
    return f"{year:04d}-{index + 1:02d}"


def _number(month: str) -> int:
    """Months since the year 0."""
    return int(month[:4]) * MONTHS_PER_YEAR + int(month[5:7]) - 1


def _apart(one: str, other: str) -> int:
    """Months between two calendar months, whatever their years."""
    forward = (_number(one) - _number(other)) % MONTHS_PER_YEAR
    return min(forward, MONTHS_PER_YEAR - forward)
