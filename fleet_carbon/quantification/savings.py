"""The saving of a truck against its counterfactual, and its split by LMDI-I.

Both sides do the same credited activity W: the counterfactual with the baseline's empty share
and payload, the project as it was driven. So a detour, more work or a longer way earns nothing,
and litres saved are empty-truck consumption times kilometres no longer driven.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Matrix = Sequence[Sequence[float]]


@dataclass(frozen=True)
class SavingCase:
    """Everything a saving depends on, for one driver and truck in one month.

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
    baseline_efficiency_index : float or None
        Fuel burnt per model fuel of the counterfactual; None takes the project's own ratio,
        so that no efficiency saving is claimed.
    loaded_km, empty_km : float
        Driven in the project; unknown kilometres count as empty. [km]
    transport_work_tkm : float
        Payload x driven km. [tkm]
    activity_tkm : float
        Credited activity, distance cap applied. [tkm]
    idle_h : float
        Standing with the engine on. [h]
    measured_l : float or None
        Diesel by the truck's counter, idle included; None if modelled. [l]
    """

    empty_l_per_km: float
    load_l_per_tkm: float
    idle_l_per_h: float
    rated_payload_t: float
    baseline_empty_share: float
    baseline_payload_share: float
    baseline_efficiency_index: float | None
    loaded_km: float
    empty_km: float
    transport_work_tkm: float
    activity_tkm: float
    idle_h: float
    measured_l: float | None

    @property
    def idle_l(self) -> float:
        """Diesel of standing, the same on both sides. [l]"""
        return self.idle_l_per_h * self.idle_h

    @property
    def modelled_l(self) -> float:
        """Diesel of the model for what was driven, without standing. [l]"""
        distance_km = self.loaded_km + self.empty_km
        return self.empty_l_per_km * distance_km + self.load_l_per_tkm * self.transport_work_tkm

    @property
    def driving_l(self) -> float:
        """Diesel of the project without standing. [l]"""
        return self.modelled_l if self.measured_l is None else self.measured_l - self.idle_l


@dataclass(frozen=True)
class Saving:
    """Litres saved and where they come from.

    Attributes
    ----------
    baseline_l, project_l, saved_l : float
        Counterfactual, project, difference. [l]
    less_empty_l, higher_load_l, efficiency_l : float
        LMDI-I parts of `saved_l`; their sum is `saved_l` up to rounding of floats. [l]
    """

    baseline_l: float
    project_l: float
    saved_l: float
    less_empty_l: float
    higher_load_l: float
    efficiency_l: float


def saving_impossible(case: SavingCase) -> str:
    """Why there is no counterfactual for this case; empty if there is one."""
    if case.activity_tkm <= 0 or case.loaded_km <= 0:
        return "no_proven_order"
    if not 0 <= case.baseline_empty_share < 1 or case.baseline_payload_share <= 0:
        return "baseline_out_of_range"
    if case.rated_payload_t <= 0 or case.empty_l_per_km <= 0:
        return "no_fuel_model_for_payload"
    if case.driving_l <= 0:
        return "fuel_counter_below_idle"
    return ""


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


def litres_saved(case: SavingCase) -> float:
    """Counterfactual minus project, without the split. [l]"""
    return _total(_baseline_blocks(case)) - case.driving_l


def empty_ratio(empty_share: float) -> float:
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


def logarithmic_mean(first_l: float, second_l: float) -> float:
    """L(a, b) = (a - b) / (ln a - ln b), L(a, a) = a, 0 if either is 0.

    References
    ----------
    Methodology note, section 5.1. One public library returns L(a, a) = 0, which is wrong
    whenever a total stays equal while its factors offset.

    Examples
    --------
    >>> logarithmic_mean(5.0, 5.0), logarithmic_mean(0.0, 5.0)
    (5.0, 0.0)
    """
    if first_l <= 0 or second_l <= 0:
        return 0.0
    step = math.log(first_l / second_l)
    # Beside equality the quotient of two tiny numbers loses digits; the series does not:
    # L = sqrt(ab) * sinh(x/2) / (x/2) with x = ln(a/b).
    if abs(step) < 1e-4:
        return math.sqrt(first_l * second_l) * (1 + step * step / 24)
    return (first_l - second_l) / step


def lmdi_effects(initial: Matrix, final: Matrix) -> list[float]:
    """Additive LMDI-I effects of the factors of a sum of products.

    Parameters
    ----------
    initial, final : matrix, shape (n_blocks, n_factors)
        Factors of each block, all >= 0; a block's value is the product of its row.

    Returns
    -------
    effects : list of float, length n_factors
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
    effects = [0.0] * len(initial[0])
    for before, after in zip(initial, final, strict=True):
        for index, effect in enumerate(_block_effects(before, after)):
            effects[index] += effect
    return effects


def lmdi_indices(initial: Matrix, final: Matrix) -> list[float]:
    """Multiplicative LMDI-I: exp(effect / L(total)), whose product is the ratio of the sums."""
    mean = logarithmic_mean(_total(final), _total(initial))
    return [math.exp(effect / mean) for effect in lmdi_effects(initial, final)]


def _block_effects(before: Sequence[float], after: Sequence[float]) -> list[float]:
    start, end = math.prod(before), math.prod(after)
    if start > 0 and end > 0:
        weight = logarithmic_mean(end, start)
        return [weight * math.log(x1 / x0) for x0, x1 in zip(before, after, strict=True)]
    if start == end:
        return [0.0] * len(before)
    appeared = end > 0
    zeros = [x == 0 for x in (before if appeared else after)]
    return [(end - start) / sum(zeros) if is_zero else 0.0 for is_zero in zeros]


def _total(blocks: Matrix) -> float:
    return math.fsum(math.prod(row) for row in blocks)


def _blocks(
    case: SavingCase, efficiency: float, inverse_payload: float, ratio: float
) -> list[list[float]]:
    """Rows: load, loaded running, empty running. Factors: eta, activity, 1/P, r."""
    load_l = case.load_l_per_tkm * case.activity_tkm
    run_lt = case.empty_l_per_km * case.activity_tkm
    return [
        [efficiency, load_l, 1.0, 1.0],
        [efficiency, run_lt, inverse_payload, 1.0],
        [efficiency, run_lt, inverse_payload, ratio],
    ]


def _baseline_blocks(case: SavingCase) -> list[list[float]]:
    efficiency = case.baseline_efficiency_index
    if efficiency is None:
        efficiency = case.driving_l / case.modelled_l
    payload_t = case.baseline_payload_share * case.rated_payload_t
    return _blocks(case, efficiency, 1 / payload_t, empty_ratio(case.baseline_empty_share))


def _project_blocks(case: SavingCase) -> list[list[float]]:
    distance_km = case.loaded_km + case.empty_km
    credited_l = case.load_l_per_tkm * case.activity_tkm + case.empty_l_per_km * distance_km
    efficiency = case.driving_l / credited_l
    inverse_payload = case.loaded_km / case.activity_tkm
    return _blocks(case, efficiency, inverse_payload, case.empty_km / case.loaded_km)


def on_grid(volume_l: float, steps_count: int) -> float:
    """Litres on a grid of 1/steps, so that sums of them are exact. [l]

    With a power of two the grid is exact in binary, and up to 10,000 l also in 15 digits of
    print: parts add up to their whole in any program that reads them.

    Examples
    --------
    >>> on_grid(1.0001, 2048)
    1.0
    """
    return round(volume_l * steps_count) / steps_count


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
    largest = max(range(3), key=lambda index: (abs(parts[index]), -index))
    rounded[largest] += (baseline - project) - sum(rounded)
    return Saving(baseline, project, baseline - project, *rounded)
