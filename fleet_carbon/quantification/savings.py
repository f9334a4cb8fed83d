"""The saving of a truck against its counterfactual, and its split by LMDI-I.

Both sides do the same credited activity W: the counterfactual with the baseline's empty share
and payload, the project as it was driven. So a detour, more work or a longer way earns nothing,
and litres saved are empty-truck consumption times kilometres no longer driven.

Every figure here is a column, one value per driver and truck, or a single number; each value is
computed from its own case alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

# Columns of an account of which an interval is stated -> fields of its saving.
SAVING_COLUMNS = {
    "diesel_saved_l": "saved_l",
    "baseline_diesel_l": "baseline_l",
    "saved_by_less_empty_l": "less_empty_l",
    "saved_by_higher_load_l": "higher_load_l",
    "saved_by_efficiency_l": "efficiency_l",
}
Figures = float | NDArray[np.float64]
Matrix = Sequence[Sequence[Figures]]


@dataclass(frozen=True)
class SavingCase:
    """Everything a saving depends on, for drivers and trucks of one month.

    Attributes
    ----------
    empty_l_per_km, load_l_per_tkm, idle_l_per_h : float
        The truck's affine model. [l/km], [l/tkm], [l/h]
    rated_payload_t : float
        Largest payload. [t]
    baseline_empty_share : float
        Empty km / total km of the counterfactual, 0 <= e < 1.
    baseline_payload_share : float
        Payload utilisation on loaded km of the counterfactual, > 0.
    baseline_efficiency_index : float
        Fuel burnt per model fuel of the counterfactual; NaN takes the project's own ratio,
        so that no efficiency saving is claimed.
    loaded_km, empty_km : float
        Driven in the project; unknown kilometres count as empty. [km]
    transport_work_tkm : float
        Payload x driven km. [tkm]
    activity_tkm : float
        Credited activity, distance cap applied. [tkm]
    idle_h : float
        Standing with the engine on. [h]
    measured_l : float
        Diesel by the truck's counter, idle included; NaN if modelled. [l]
    """

    empty_l_per_km: Figures
    load_l_per_tkm: Figures
    idle_l_per_h: Figures
    rated_payload_t: Figures
    baseline_empty_share: Figures
    baseline_payload_share: Figures
    baseline_efficiency_index: Figures
    loaded_km: Figures
    empty_km: Figures
    transport_work_tkm: Figures
    activity_tkm: Figures
    idle_h: Figures
    measured_l: Figures

    @property
    def idle_l(self) -> Figures:
        """Diesel of standing, the same on both sides. [l]"""
        return self.idle_l_per_h * self.idle_h

    @property
    def counterfactual_index(self) -> Figures:
        """Fuel burnt per model fuel on the other side; the project's own where none is stated."""
        stated = self.baseline_efficiency_index
        return np.where(np.isnan(stated), self.driving_l / self.modelled_l, stated)[()]

    @property
    def counterfactual_payload_t(self) -> Figures:
        """Mean payload on loaded kilometres of the other side. [t]"""
        return self.baseline_payload_share * self.rated_payload_t

    @property
    def model_l_per_tkm(self) -> Figures:
        """Diesel of the model per work done as the other side does it, without standing. [l/tkm]"""
        km_per_tkm = (1 + empty_ratio(self.baseline_empty_share)) / self.counterfactual_payload_t
        return self.load_l_per_tkm + self.empty_l_per_km * km_per_tkm

    @property
    def modelled_l(self) -> Figures:
        """Diesel of the model for what was driven, without standing. [l]"""
        distance_km = self.loaded_km + self.empty_km
        return self.empty_l_per_km * distance_km + self.load_l_per_tkm * self.transport_work_tkm

    @property
    def driving_l(self) -> Figures:
        """Diesel of the project without standing. [l]"""
        is_modelled = np.isnan(self.measured_l)
        return np.where(is_modelled, self.modelled_l, self.measured_l - self.idle_l)[()]

    def at(self, places: NDArray[np.intp]) -> SavingCase:
        """The cases at these places of the columns."""
        columns = {one.name: np.asarray(getattr(self, one.name)) for one in fields(self)}
        return SavingCase(**{name: column[places] for name, column in columns.items()})


@dataclass(frozen=True)
class Saving:
    """Litres saved and where they come from.

    Attributes
    ----------
    baseline_l, project_l, saved_l : Figures
        Counterfactual, project, difference. [l]
    less_empty_l, higher_load_l, efficiency_l : Figures
        LMDI-I parts of `saved_l`; their sum is `saved_l` up to rounding of floats. [l]
    """

    baseline_l: Figures
    project_l: Figures
    saved_l: Figures
    less_empty_l: Figures
    higher_load_l: Figures
    efficiency_l: Figures


def saving_impossible(case: SavingCase) -> NDArray[np.str_]:
    """Why there is no counterfactual for each case; empty if there is one."""
    empty_share = np.asarray(case.baseline_empty_share)
    reasons = {
        "no_proven_order": (case.activity_tkm <= 0) | (case.loaded_km <= 0),
        "baseline_out_of_range": ~((empty_share >= 0) & (empty_share < 1))
        | (case.baseline_payload_share <= 0),
        "no_fuel_model_for_payload": (case.rated_payload_t <= 0) | (case.empty_l_per_km <= 0),
        "fuel_counter_below_idle": case.driving_l <= 0,
    }
    return np.select(list(reasons.values()), list(reasons), default="")


def compute_saving(case: SavingCase) -> Saving:
    """Litres of the counterfactual for the same activity, minus litres burnt, split in three.

    Parameters
    ----------
    case : SavingCase
        A case for which `saving_impossible` is empty.

    Returns
    -------
    saving : Saving
        May be negative.

    Notes
    -----
    Counterfactual: ``eta0 (k W + f W / P0 (1 + r0)) + idle`` with ``P0 = u0 C`` and
    ``r0 = e0 / (1 - e0)``. Project blocks: ``etaT k W``, ``etaT f D_loaded``,
    ``etaT f D_empty`` where ``etaT`` makes their sum the diesel of driving. Kilometres of a
    detour beyond the cap appear as lower payload and lower efficiency.

    References
    ----------
    Methodology note, F5, F8 and section 5.3; B.W. Ang, Energy Policy 33 (2005) 867 (LMDI-I).
    """
    base, project = _baseline_blocks(case), _project_blocks(case)
    effects = lmdi_effects(base, project)
    baseline_l = _total(base) + case.idle_l
    project_l = case.driving_l + case.idle_l
    efficiency, payload, empty = effects[0], effects[2], effects[3]
    return Saving(
        baseline_l=baseline_l,
        project_l=project_l,
        saved_l=baseline_l - project_l,
        less_empty_l=-empty,
        higher_load_l=-payload,
        efficiency_l=-efficiency,
    )


def litres_saved(case: SavingCase) -> Figures:
    """Counterfactual minus project, without the split. [l]"""
    return _total(_baseline_blocks(case)) - case.driving_l


def baseline_litres(case: SavingCase) -> Figures:
    """Diesel of the counterfactual, standing included, without the split. [l]"""
    return _total(_baseline_blocks(case)) + case.idle_l


def saving_figures(case: SavingCase) -> NDArray[np.float64]:
    """Saved, counterfactual and the three parts, one row each, for their intervals. [l]

    Returns
    -------
    figures : ndarray, shape (5, n_cases)
        In the order of `SAVING_COLUMNS`.
    """
    saving = compute_saving(case)
    figures = (getattr(saving, name) for name in SAVING_COLUMNS.values())
    return np.stack(np.broadcast_arrays(*figures))


def empty_ratio(empty_share: Figures) -> Figures:
    """Empty km per loaded km from empty km per total km: `e / (1 - e)` (methodology, F4).

    Examples
    --------
    >>> round(empty_ratio(0.375), 3)
    0.6
    """
    return empty_share / (1 - empty_share)


def empty_share(ratio: float) -> float:
    """Empty km per total km from empty km per loaded km: `r / (1 + r)` (methodology, F4).

    Examples
    --------
    >>> empty_share(0.25)
    0.2
    """
    return ratio / (1 + ratio)


def logarithmic_mean(first_l: Figures, second_l: Figures) -> Figures:
    """L(a, b) = (a - b) / (ln a - ln b), L(a, a) = a, 0 if either is 0.

    References
    ----------
    Methodology note, section 5.1. One public library returns L(a, a) = 0, which is wrong
    whenever a total stays equal while its factors offset.

    Examples
    --------
    >>> logarithmic_mean(np.array([5.0, 0.0]), np.array([5.0, 5.0])).tolist()
    [5.0, 0.0]
    """
    step = _log_ratio(first_l, second_l)
    # Beside equality the quotient of two tiny numbers loses digits; the series does not:
    # L = sqrt(ab) * sinh(x/2) / (x/2) with x = ln(a/b).
    is_near = np.abs(step) < 1e-4
    near = np.sqrt(first_l * second_l) * (1 + step * step / 24)
    far = (first_l - second_l) / np.where(is_near, 1.0, step)
    mean = np.where(is_near, near, far)
    found: Figures = np.where(_both_positive(first_l, second_l), mean, 0.0)[()]
    return found


def lmdi_effects(initial: Matrix, final: Matrix) -> list[Figures]:
    """Additive LMDI-I effects of the factors of a sum of products.

    Parameters
    ----------
    initial, final : matrix, shape (n_blocks, n_factors)
        Factors of each block, numbers or columns, all >= 0; a block's value is the product of
        its row.

    Returns
    -------
    effects : list of numbers or columns, length n_factors
        They add up to the change of the sum, without remainder.

    Notes
    -----
    Zeros by the analytical limits, never by a small number. If several factors of a block
    become or cease to be zero together, they share its change equally: the limits give each of
    them the whole, which would count it twice.

    References
    ----------
    B.W. Ang, F.Q. Zhang, K.-H. Choi, Energy 23 (1998) 489, table 2; R. Wood, M. Lenzen,
    Energy Policy 34 (2006) 1326; methodology note, sections 5.1 and 5.2.
    """
    effects: list[Figures] = [0.0] * len(initial[0])
    for before, after in zip(initial, final, strict=True):
        for index, effect in enumerate(_block_effects(before, after)):
            effects[index] = effects[index] + effect
    return effects


def lmdi_indices(initial: Matrix, final: Matrix) -> list[Figures]:
    """Multiplicative LMDI-I: exp(effect / L(total)), whose product is the ratio of the sums."""
    mean = logarithmic_mean(_total(final), _total(initial))
    return [np.exp(effect / mean) for effect in lmdi_effects(initial, final)]


def _block_effects(before: Sequence[Figures], after: Sequence[Figures]) -> list[Figures]:
    start, end = math.prod(before), math.prod(after)
    weight = logarithmic_mean(end, start)
    is_positive = _both_positive(start, end)
    # A block that is zero on one side: the factors that are zero there share the change.
    zeros = [np.where(end > 0, x0, x1) == 0 for x0, x1 in zip(before, after, strict=True)]
    part = (end - start) / np.maximum(1, sum(zeros))
    return [
        np.where(is_positive, weight * _log_ratio(x1, x0), np.where(is_zero, part, 0.0))[()]
        for x0, x1, is_zero in zip(before, after, zeros, strict=True)
    ]


def _both_positive(first: Figures, second: Figures) -> NDArray[np.bool_]:
    return np.asarray((np.asarray(first) > 0) & (np.asarray(second) > 0))


def _log_ratio(first: Figures, second: Figures) -> Figures:
    """ln(first / second), 0 where it does not exist.

    By the C library: the logarithm of numpy differs in its last digit between processors.
    """
    is_positive = _both_positive(first, second)
    ratio = np.where(is_positive, first, 1.0) / np.where(is_positive, second, 1.0)
    logarithm: Figures = _ln(ratio)[()]
    return logarithm


_ln = np.vectorize(math.log, otypes=[np.float64])


def _total(blocks: Matrix) -> Figures:
    return sum(math.prod(row) for row in blocks)


def _blocks(
    case: SavingCase, efficiency: Figures, inverse_payload: Figures, ratio: Figures
) -> list[list[Figures]]:
    """Rows: load, loaded running, empty running. Factors: eta, activity, 1/P, r."""
    load_l = case.load_l_per_tkm * case.activity_tkm
    run_lt = case.empty_l_per_km * case.activity_tkm
    return [
        [efficiency, load_l, 1.0, 1.0],
        [efficiency, run_lt, inverse_payload, 1.0],
        [efficiency, run_lt, inverse_payload, ratio],
    ]


def _baseline_blocks(case: SavingCase) -> list[list[Figures]]:
    efficiency, inverse_payload = case.counterfactual_index, 1 / case.counterfactual_payload_t
    return _blocks(case, efficiency, inverse_payload, empty_ratio(case.baseline_empty_share))


def _project_blocks(case: SavingCase) -> list[list[Figures]]:
    distance_km = case.loaded_km + case.empty_km
    credited_l = case.load_l_per_tkm * case.activity_tkm + case.empty_l_per_km * distance_km
    efficiency = case.driving_l / credited_l
    inverse_payload = case.loaded_km / case.activity_tkm
    return _blocks(case, efficiency, inverse_payload, case.empty_km / case.loaded_km)


def on_grid(volume_l: Figures, steps_count: int) -> Figures:
    """Litres on a grid of 1/steps, so that sums of them are exact. [l]

    With a power of two the grid is exact in binary, and up to 10,000 l also in 15 digits of
    print: parts add up to their whole in any program that reads them.

    Examples
    --------
    >>> float(on_grid(1.0001, 2048))
    1.0
    """
    # A negative zero would be printed as such; adding zero takes its sign away.
    return np.rint(volume_l * steps_count) / steps_count + 0.0


def saving_on_grid(saving: Saving, steps_count: int) -> Saving:
    """The saving with all litres on the grid; the largest part takes what rounding leaves.

    Parameters
    ----------
    saving : Saving
        As computed.
    steps_count : int
        Steps per litre, a power of two. [1/l]

    Returns
    -------
    saving : Saving
        `saved_l == baseline_l - project_l == less_empty_l + higher_load_l + efficiency_l`
        as floats, in any order of addition. Of equal parts the first takes the remainder.
    """
    baseline, project = (on_grid(x, steps_count) for x in (saving.baseline_l, saving.project_l))
    parts = [saving.less_empty_l, saving.higher_load_l, saving.efficiency_l]
    rounded = [on_grid(part, steps_count) for part in parts]
    largest = np.argmax([np.abs(part) for part in parts], axis=0)
    saved = baseline - project
    left = saved - sum(rounded)
    less_empty, higher_load, efficiency = (
        part + np.where(largest == place, left, 0.0) for place, part in enumerate(rounded)
    )
    return Saving(baseline, project, saved, less_empty, higher_load, efficiency)
