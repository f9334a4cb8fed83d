"""Measured litres to learn from, and their split by date."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.errors import InputRefused

Column = NDArray[np.float64]


@dataclass(frozen=True)
class FuelRules:
    """Section `learning` of an edition.

    Attributes
    ----------
    seed : int
        Of the trees.
    rounds_count, leaves_count_max, leaf_rows_min : int
        Trees; leaves of one; rows of a leaf.
    shrinkage_factor : float
        What a tree counts for.
    level_rounds_count : int
        How often the levels of the trucks are taken out before the class is fitted.
    row_l_min : float
        Rows below are rounding of the counter. [l]
    ratio_min, ratio_max : float
        Measured per physical litres outside of these are faults.
    coverage_share : float
        Promised coverage of the intervals.
    range_share : float
        Part of the rows on either side of a feature that lies outside of its range.
    payload_gap_share : float
        Relative distance to the rated payloads of the training.
    calibration_share, test_share : float
        Parts of the months that calibrate the intervals and that test, the last ones.
    months_count_min, rows_count_min : int
        Fewest that a model is fitted on.
    """

    seed: int
    rounds_count: int
    leaves_count_max: int
    leaf_rows_min: int
    shrinkage_factor: float
    level_rounds_count: int
    row_l_min: float
    ratio_min: float
    ratio_max: float
    coverage_share: float
    range_share: float
    payload_gap_share: float
    calibration_share: float
    test_share: float
    months_count_min: int
    rows_count_min: int


@dataclass(frozen=True)
class FuelSamples:
    """Rows of measured litres: legs with a counter, or sums of legs between full fills.

    Attributes
    ----------
    vehicle_id, month : ndarray of str, shape (n,)
        Truck; month YYYY-MM.
    table : ndarray of float, shape (n, k)
        As `quantification.features` makes it.
    physical_l, measured_l : ndarray of float, shape (n,)
        Litres by the physics, and by counter or receipts. [l]
    """

    vehicle_id: NDArray[np.str_]
    month: NDArray[np.str_]
    table: Column
    physical_l: Column
    measured_l: Column

    def __len__(self) -> int:
        return len(self.month)

    @property
    def log_ratio(self) -> Column:
        """Logarithm of measured per physical litres."""
        return np.log(self.measured_l / self.physical_l)

    @property
    def months(self) -> list[str]:
        """Months with rows, in order."""
        return sorted(set(self.month.tolist()))

    def taken(self, rows: NDArray[Any]) -> FuelSamples:
        """Some of the rows, by mask or by places."""
        return FuelSamples(
            **{field.name: getattr(self, field.name)[rows] for field in fields(self)}
        )

    def digest(self) -> str:
        """SHA-256 of all rows, in their order."""
        found = hashlib.sha256()
        for field in fields(self):
            column = getattr(self, field.name)
            data = "\n".join(column).encode() if column.dtype.kind == "U" else column.tobytes()
            found.update(field.name.encode() + data)
        return found.hexdigest()


@dataclass(frozen=True)
class Split:
    """Rows by date: the first months train, the next calibrate the intervals, the last test."""

    train: FuelSamples
    calibrate: FuelSamples
    test: FuelSamples


def joined(parts: Sequence[FuelSamples]) -> FuelSamples:
    """Rows one after the other."""
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in FuelSamples.__annotations__
    }
    return FuelSamples(**columns)


def sound_rows(samples: FuelSamples, rules: FuelRules) -> FuelSamples:
    """The rows that a model may learn from or be held against, by month and truck."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = samples.measured_l / samples.physical_l
    is_sound = (samples.physical_l >= rules.row_l_min) & np.isfinite(ratio)
    is_sound &= (ratio >= rules.ratio_min) & (ratio <= rules.ratio_max)
    kept = samples.taken(is_sound)
    return kept.taken(np.lexsort((kept.vehicle_id, kept.month)))


def usable(samples: FuelSamples, rules: FuelRules) -> FuelSamples:
    """The sound rows, if they are enough to learn from.

    Raises
    ------
    InputRefused
        If there are too few of them, or of months.
    """
    kept = sound_rows(samples, rules)
    if len(kept) < rules.rows_count_min or len(kept.months) < rules.months_count_min:
        raise InputRefused(
            "too_little_to_learn_from",
            f"{len(kept)} usable rows in {len(kept.months)} months; a model needs"
            f" {rules.rows_count_min} in {rules.months_count_min}.",
            "Close more months of trucks with fuel counters or receipts.",
        )
    return kept


def split_by_month(samples: FuelSamples, rules: FuelRules) -> Split:
    """Whole months only, so that no month of a truck is on two sides.

    Raises
    ------
    InputRefused
        If no month is left to train on.
    """
    parts = month_parts(samples.months, rules)
    return Split(*(samples.taken(np.isin(samples.month, part)) for part in parts))


def month_parts(months: list[str], rules: FuelRules) -> tuple[list[str], list[str], list[str]]:
    """The months that train, calibrate and test, in this order.

    Raises
    ------
    InputRefused
        If no month is left to train on.
    """
    tests = max(1, round(rules.test_share * len(months)))
    calibrates = max(1, round(rules.calibration_share * len(months)))
    trains = len(months) - tests - calibrates
    if trains < 1:
        raise InputRefused(
            "too_little_to_learn_from",
            f"{len(months)} months cannot train, calibrate and test a model.",
            "Close more months.",
        )
    until = trains + calibrates
    return months[:trains], months[trains:until], months[until:]
