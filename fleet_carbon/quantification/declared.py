"""Declared counterfactuals: the line of a driver, and the lines of a class by stratum.

A line of a class may hold for a part of its work only: for trucks of one energy or length of
body, for orders of some distance or weight. Of the lines that fit an order the most specific
holds, of equally specific ones the newest.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.quantification.counterfactual import Baseline, standardised
from fleet_carbon.quantification.savings import empty_ratio

DAYS_PER_YEAR = 365.25
_Column = NDArray[np.float64]


class Line(NamedTuple):
    """A row of `frames.BASELINES`; texts that are missing are empty, numbers NaN."""

    driver_id: str
    vehicle_class: str
    valid_from: str
    empty_share: float
    payload_utilisation_share: float
    efficiency_index: float
    energy: str
    body_length_m_from: float
    body_length_m_until: float
    distance_km_from: float
    distance_km_until: float
    cargo_t_from: float
    cargo_t_until: float

    @property
    def stratum(self) -> tuple[Any, ...]:
        """What it holds for: a later line of the same stratum takes its place."""
        bounds = (
            self.body_length_m_from, self.body_length_m_until, self.distance_km_from,
            self.distance_km_until, self.cargo_t_from, self.cargo_t_until,
        )  # fmt: skip
        return (self.energy, *(None if math.isnan(bound) else bound for bound in bounds))

    @property
    def strata_count(self) -> int:
        """In how many ways its work is narrowed: energy, length, distance, weight."""
        energy, *bounds = self.stratum
        pairs = zip(bounds[::2], bounds[1::2], strict=True)
        return bool(energy) + sum(pair != (None, None) for pair in pairs)

    @property
    def is_for_all_orders(self) -> bool:
        """Whether neither distance nor weight narrows it."""
        return self.stratum[3:] == (None,) * 4

    def fits_truck(self, energy: str, body_length_m: float) -> bool:
        """Whether it holds for such a truck; an unknown length fits no bound."""
        lies = _lies(body_length_m, self.body_length_m_from, self.body_length_m_until)
        return self.energy in ("", energy) and bool(lies)

    def fits_orders(self, distance_km: _Column, cargo_t: _Column) -> NDArray[np.bool_]:
        """Which orders it holds for, by their great circle and cargo. [km], [t]"""
        by_distance = _lies(distance_km, self.distance_km_from, self.distance_km_until)
        return np.asarray(by_distance & _lies(cargo_t, self.cargo_t_from, self.cargo_t_until))


class Work(NamedTuple):
    """The proven orders of an account: great circle, cargo and transport work of the month."""

    distance_km: _Column
    cargo_t: _Column
    work_tkm: _Column


def lines_of(baselines: pd.DataFrame, *, by: str) -> dict[str, list[Line]]:
    """Declared lines by driver or by class, each by first day.

    Parameters
    ----------
    baselines : DataFrame
        `frames.BASELINES`.
    by : str
        ``driver_id`` or ``vehicle_class``: the lines that name one.
    """
    rows = baselines.sort_values("valid_from", kind="stable")
    texts = ("driver_id", "vehicle_class", "energy")
    filled = rows.assign(**{name: rows[name].fillna("") for name in texts})
    found: dict[str, list[Line]] = defaultdict(list)
    for row in zip(*(filled[name].tolist() for name in Line._fields), strict=True):
        line = Line(*row)
        if name := str(getattr(line, by)):
            found[name].append(line)
    return dict(found)


def lines_in_force(
    lines: Iterable[Line], on: date, age_years_max: float
) -> tuple[list[Line], bool]:
    """The newest line of every stratum that has begun, and whether one of these is too old.

    Parameters
    ----------
    lines : iterable of Line
        By first day.
    on : date
        Day on which they are to hold.
    age_years_max : float
        How long a line serves. [years]

    Returns
    -------
    lines : list of Line
        By first day.
    is_too_old : bool
        Whether a line is left out because of its age.
    """
    newest: dict[tuple[Any, ...], Line] = {}
    for line in lines:
        if line.valid_from <= on.isoformat():
            newest[line.stratum] = line
    kept = [
        line
        for line in newest.values()
        if age_days(line.valid_from, on) <= age_years_max * DAYS_PER_YEAR
    ]
    return sorted(kept, key=lambda line: line.valid_from), len(kept) < len(newest)


def age_days(from_on: str, on: date) -> int:
    """Days from a day, YYYY-MM-DD, to another."""
    return (on - date.fromisoformat(from_on)).days


def declared_of_driver(line: Line) -> Baseline:
    """A driver's own line as a baseline."""
    return _declared("declared_driver", line)


def declared_of_class(class_id: str, lines: Sequence[Line], work: Work) -> Baseline | None:
    """The lines of a class as one baseline, by the driver's own orders of the month.

    Parameters
    ----------
    class_id : str
        Class whose lines these are.
    lines : sequence of Line
        Those in force that fit the truck, by first day.
    work : Work
        Proven orders of the account.

    Returns
    -------
    baseline : Baseline or None
        Every order by the most specific line that fits it, together by direct standardisation.
        Orders that no line fits stand for nothing; without an order a line for all orders serves.
        None if there is no line.
    """
    ranked = sorted(lines, key=lambda line: line.strata_count)
    for_all = [line for line in ranked if line.is_for_all_orders]
    if len(for_all) == len(ranked) or len(work.work_tkm) == 0:
        return _declared("declared_class", for_all[-1], class_id) if for_all else None
    # The last that fits is the most specific, and of these the newest.
    chosen = np.full(len(work.work_tkm), -1)
    for place, line in enumerate(ranked):
        chosen[line.fits_orders(work.distance_km, work.cargo_t)] = place
    fitting = np.flatnonzero(chosen >= 0)
    used = sorted(set(chosen[fitting].tolist()))
    if len(used) < 2:
        return _declared("declared_class", ranked[used[0]], class_id) if used else None
    return _mixed(
        class_id,
        [ranked[place] for place in used],
        np.searchsorted(used, chosen[fitting]),
        work.work_tkm[fitting],
    )


def _mixed(
    class_id: str, lines: Sequence[Line], of: NDArray[np.intp], work_tkm: _Column
) -> Baseline:
    """Several lines of a class as one; an efficiency only if all state one."""
    empty, payload, index = (
        np.array([getattr(line, name) for line in lines])[of]
        for name in ("empty_share", "payload_utilisation_share", "efficiency_index")
    )
    together = np.zeros(len(of), dtype=np.intp)
    empty_share, payload_share, _ = standardised(
        together,
        1,
        work_tkm=work_tkm,
        empty_km_ratio=np.asarray(empty_ratio(empty)),
        payload_share=payload,
    )
    return Baseline(
        source="declared_class",
        empty_share=float(empty_share[0]),
        payload_utilisation_share=float(payload_share[0]),
        efficiency_index=_optional(float(np.average(index, weights=work_tkm))),
        from_on=min(line.valid_from for line in lines),
        class_id=class_id,
    )


def _declared(source: str, line: Line, class_id: str = "") -> Baseline:
    return Baseline(
        source=source,
        empty_share=line.empty_share,
        payload_utilisation_share=line.payload_utilisation_share,
        efficiency_index=_optional(line.efficiency_index),
        from_on=line.valid_from,
        class_id=class_id,
    )


def _lies(value: Any, start: float, end: float) -> Any:
    """Whether a number lies in bounds that may be missing; a missing one lies in none."""
    is_inside = np.ones(np.shape(value), dtype=bool)
    if not math.isnan(start):
        is_inside = is_inside & (np.asarray(value) >= start)
    if not math.isnan(end):
        is_inside = is_inside & (np.asarray(value) < end)
    return is_inside


def _optional(value: float) -> float | None:
    return None if math.isnan(value) else value
