"""Fit what measured litres say beside the physics: one model for all classes, levels of trucks.

The rated payload stands for the class among the features. Trees split by it where classes differ
and share what they have in common, which a model for each class could not: how hills, stops and
cold act is learned from every truck, and a class with few trucks is not left alone.

A truck burns a multiple of its class. These levels are taken out before the class is fitted, as
far as they can be believed (`quantification.calibration`), so that a thirsty truck with many rows
does not pass for what its loads or roads do; in use the same function brings a truck's own level
back in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from fleet_carbon.learning.conformal import conformal_margin
from fleet_carbon.learning.samples import FuelRules, FuelSamples, Split
from fleet_carbon.quantification.calibration import CalibrationRules, Measured, calibrate
from fleet_carbon.quantification.features import FEATURES, NAMES
from fleet_carbon.quantification.fitted import FittedFuel, ValidRange

Column = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """How measured litres differ from the class model.

    Attributes
    ----------
    between_share : float
        Standard deviation of trucks about their class, relative.
    within_share : float
        That of a row of 100 l about its truck's level, relative.
    """

    between_share: float
    within_share: float

    @property
    def rules(self) -> CalibrationRules:
        """The same as `calibrate` wants it, with nothing for the measuring device."""
        return CalibrationRules(self.between_share, self.within_share, _WITHIN_L, 0.0, 0.0, 1)


@dataclass(frozen=True)
class Trained:
    """A fitted model, and how much trucks and rows differ from it."""

    model: FittedFuel
    spread: Spread


_WITHIN_L = 100.0


def train(split: Split, rules: FuelRules, *, energy: str = "diesel") -> Trained:
    """Fit level and interval on the first months, widen the interval on the next.

    One thread, whatever the machine has: their number is kept in the file. The same rows and
    rules give the same model.

    Parameters
    ----------
    split : Split
        Rows by date.
    rules : FuelRules
        Shape, seed, promise.
    energy : str
        Energy of the trucks.

    Raises
    ------
    InputRefused
        If there are too few rows to calibrate the interval.
    """
    with threadpool_limits(limits=1):
        center, smear_factor, spread = _level(split.train, rules)
        lower, upper = (_bound(split.train, rules, side) for side in (0, 1))
        later = split.calibrate
        margin = conformal_margin(
            lower.predict(later.table),
            upper.predict(later.table),
            later.log_ratio,
            coverage_share=rules.coverage_share,
        )
    last_month = split.test.months[-1]
    valid = valid_range(split.train.table, rules)
    model = FittedFuel(last_month, energy, valid, center, lower, upper, smear_factor, margin)
    return Trained(model, spread)


def valid_range(table: Column, rules: FuelRules) -> ValidRange:
    """Between which bounds of each feature nearly all rows of a training lie."""
    shares = (rules.range_share, 1 - rules.range_share)
    is_known = ~np.all(np.isnan(table), axis=0)
    lowest, highest = (np.full(table.shape[1], np.nan) for _ in shares)
    lowest[is_known], highest[is_known] = np.nanquantile(table[:, is_known], shares, axis=0)
    return ValidRange(
        lowest=lowest,
        highest=highest,
        has_missing=np.any(np.isnan(table), axis=0).astype(bool),
        payloads_t=np.unique(table[:, NAMES.index("rated_payload_t")]),
        payload_gap_share=rules.payload_gap_share,
    )


def truck_levels(samples: FuelSamples, class_l: Column, spread: Spread) -> dict[str, float]:
    """Litres of each truck per litre of the class model, as far as they can be believed."""
    found, code = np.unique(samples.vehicle_id, return_inverse=True)
    measured = np.bincount(code, weights=samples.measured_l)
    modelled = np.bincount(code, weights=class_l)
    return {
        str(truck): calibrate(Measured(burnt, model, 1), model, spread.rules).scale_index
        for truck, burnt, model in zip(found, measured, modelled, strict=True)
    }


def _level(samples: FuelSamples, rules: FuelRules) -> tuple[Any, float, Spread]:
    """The class model without the trucks' own levels; its mean; what is left."""
    codes = np.unique(samples.vehicle_id, return_inverse=True)[1]
    scale = np.ones(len(samples))
    directions = [int(feature.is_only_up) for feature in FEATURES]
    for _ in range(rules.level_rounds_count + 1):
        center = _trees(rules, loss="squared_error", monotonic_cst=directions)
        center.fit(_fitted_on(samples), samples.log_ratio - np.log(scale), samples.physical_l)
        shape_l = samples.physical_l * np.exp(center.predict(samples.table))
        smear_factor = float((samples.measured_l / scale).sum() / shape_l.sum())
        class_l = shape_l * smear_factor
        spread = _spread(samples, class_l, codes)
        levels = truck_levels(samples, class_l, spread)
        scale = np.array([levels[str(truck)] for truck in samples.vehicle_id])
    return center, smear_factor, spread


def _spread(samples: FuelSamples, class_l: Column, codes: NDArray[np.intp]) -> Spread:
    """Variances of rows within trucks and of trucks, by moments, rows weighted by litres."""
    ratio = samples.measured_l / class_l
    litres = np.bincount(codes, weights=class_l)
    level = np.bincount(codes, weights=samples.measured_l) / litres
    rest = (ratio - level[codes]) ** 2 * class_l
    degrees = max(len(samples) - len(litres), 1)
    within = float(rest.sum() / degrees / _WITHIN_L)
    scatter = float(np.var(level, ddof=1)) if len(level) > 1 else 0.0
    chance = float(np.mean(within * _WITHIN_L / litres))
    # A single truck, or trucks more alike than chance allows, tell nothing: not quite alike then.
    return Spread(float(np.sqrt(max(scatter - chance, 1e-6))), float(np.sqrt(within)))


def _bound(samples: FuelSamples, rules: FuelRules, side: int) -> Any:
    """A quantile of single rows, trucks' own levels included: lower for 0, upper for 1."""
    beyond = (1 - rules.coverage_share) / 2
    trees = _trees(rules, loss="quantile", quantile=1 - beyond if side else beyond)
    return trees.fit(_fitted_on(samples), samples.log_ratio)


def _fitted_on(samples: FuelSamples) -> Column:
    """The table; what no row knows stands as nothing, for trees want to see some value."""
    is_unknown = np.all(np.isnan(samples.table), axis=0)
    return np.where(is_unknown, 0.0, samples.table)


def _trees(rules: FuelRules, **more: Any) -> Any:
    return HistGradientBoostingRegressor(
        max_iter=rules.rounds_count,
        max_leaf_nodes=rules.leaves_count_max,
        min_samples_leaf=rules.leaf_rows_min,
        learning_rate=rules.shrinkage_factor,
        early_stopping=False,
        random_state=rules.seed,
        **more,
    )
