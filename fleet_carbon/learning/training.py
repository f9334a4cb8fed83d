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

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from fleet_carbon.learning.conformal import conformal_margin
from fleet_carbon.learning.samples import FuelRules, FuelSamples, Split
from fleet_carbon.quantification.calibration import CalibrationRules, Measured, calibrate
from fleet_carbon.quantification.editions import Edition
from fleet_carbon.quantification.features import FEATURES, NAMES
from fleet_carbon.quantification.fitted import WITHIN_L, FittedFuel, ValidRange, physics_digest
from fleet_carbon.quantification.trees import Trees

Column = NDArray[np.float64]


def train(
    split: Split, rules: FuelRules, *, edition: Edition, energy: str = "diesel"
) -> FittedFuel:
    """Fit level and interval on the first months, widen the interval on the next.

    One thread, whatever the machine has: their number is kept in the file. The same rows and
    rules give the same model.

    Parameters
    ----------
    split : Split
        Rows by date.
    rules : FuelRules
        Shape, seed, promise.
    edition : Edition
        Whose physics the rows hold.
    energy : str
        Energy of the trucks.

    Raises
    ------
    InputRefused
        If there are too few rows to calibrate the interval.
    """
    with threadpool_limits(limits=1):
        center, smear_factor, level_rules = _level(split.train, rules)
        lower, upper = (_bound(split.train, rules, side) for side in (0, 1))
        later = split.calibrate
        margin = conformal_margin(
            lower.predict(later.table),
            upper.predict(later.table),
            later.log_ratio,
            coverage_share=rules.coverage_share,
        )
    return FittedFuel(
        trained_until=split.test.months[-1],
        energy=energy,
        physics_digest=physics_digest(edition),
        valid=valid_range(split.train.table, rules),
        center=Trees.of_estimator(center),
        lower=Trees.of_estimator(lower),
        upper=Trees.of_estimator(upper),
        smear_factor=smear_factor,
        margin_index=margin,
        between_share=level_rules.between_share,
        within_share=level_rules.within_share,
    )


def bounds_of(table: Column, range_share: float) -> tuple[Column, Column]:
    """Between what each column lies but for so many rows on either side; NaN if never known."""
    shares = (range_share, 1 - range_share)
    is_known = ~np.all(np.isnan(table), axis=0)
    lowest, highest = (np.full(table.shape[1], np.nan) for _ in shares)
    lowest[is_known], highest[is_known] = np.nanquantile(table[:, is_known], shares, axis=0)
    return lowest, highest


def known_somewhere(table: Column) -> Column:
    """The table; what no row knows stands as nothing, for trees want to see some value."""
    is_unknown = np.all(np.isnan(table), axis=0)
    return np.where(is_unknown, 0.0, table)


def shape_of_trees(rules: FuelRules) -> dict[str, Any]:
    """What all trees of an edition have in common, as scikit-learn names it."""
    return {
        "max_iter": rules.rounds_count,
        "max_leaf_nodes": rules.leaves_count_max,
        "min_samples_leaf": rules.leaf_rows_min,
        "learning_rate": rules.shrinkage_factor,
        "early_stopping": False,
        "random_state": rules.seed,
    }


def valid_range(table: Column, rules: FuelRules) -> ValidRange:
    """Between which bounds of each feature nearly all rows of a training lie."""
    lowest, highest = bounds_of(table, rules.range_share)
    return ValidRange(
        lowest=lowest,
        highest=highest,
        has_missing=np.any(np.isnan(table), axis=0).astype(bool),
        payloads_t=np.unique(table[:, NAMES.index("rated_payload_t")]),
        payload_gap_share=rules.payload_gap_share,
    )


def truck_levels(
    samples: FuelSamples, class_l: Column, level_rules: CalibrationRules
) -> dict[str, float]:
    """Litres of each truck per litre of the class model, as far as they can be believed.

    Parameters
    ----------
    samples : FuelSamples
        n rows.
    class_l : ndarray of float, shape (n,)
        Litres of the class model. [l]
    level_rules : CalibrationRules
        How much trucks and rows differ.
    """
    found, code = np.unique(samples.vehicle_id, return_inverse=True)
    measured = np.bincount(code, weights=samples.measured_l)
    modelled = np.bincount(code, weights=class_l)
    return {
        str(truck): calibrate(Measured(burnt, model, 1), model, level_rules).scale_index
        for truck, burnt, model in zip(found, measured, modelled, strict=True)
    }


def level_rules_of(between_share: float, within_share: float) -> CalibrationRules:
    """Variances as `calibrate` wants them, with nothing for the measuring device."""
    return CalibrationRules(between_share, within_share, WITHIN_L, 0.0, 0.0, 1)


def _level(samples: FuelSamples, rules: FuelRules) -> tuple[Any, float, CalibrationRules]:
    """The class model without the trucks' own levels; its mean; what is left."""
    codes = np.unique(samples.vehicle_id, return_inverse=True)[1]
    scale = np.ones(len(samples))
    directions = [int(feature.is_only_up) for feature in FEATURES]
    for _ in range(rules.level_rounds_count + 1):
        center = _trees(rules, loss="squared_error", monotonic_cst=directions)
        center.fit(
            known_somewhere(samples.table), samples.log_ratio - np.log(scale), samples.physical_l
        )
        shape_l = samples.physical_l * np.exp(center.predict(samples.table))
        smear_factor = float((samples.measured_l / scale).sum() / shape_l.sum())
        class_l = shape_l * smear_factor
        level_rules = _spread(samples, class_l, codes)
        levels = truck_levels(samples, class_l, level_rules)
        scale = np.array([levels[str(truck)] for truck in samples.vehicle_id])
    return center, smear_factor, level_rules


def _spread(samples: FuelSamples, class_l: Column, codes: NDArray[np.intp]) -> CalibrationRules:
    """Variances of rows within trucks and of trucks, by moments, rows weighted by litres."""
    ratio = samples.measured_l / class_l
    litres = np.bincount(codes, weights=class_l)
    level = np.bincount(codes, weights=samples.measured_l) / litres
    rest = (ratio - level[codes]) ** 2 * class_l
    degrees = max(len(samples) - len(litres), 1)
    within = float(rest.sum() / degrees / WITHIN_L)
    scatter = float(np.var(level, ddof=1)) if len(level) > 1 else 0.0
    chance = float(np.mean(within * WITHIN_L / litres))
    # A single truck, or trucks more alike than chance allows, tell nothing: not quite alike then.
    return level_rules_of(float(np.sqrt(max(scatter - chance, 1e-6))), float(np.sqrt(within)))


def _bound(samples: FuelSamples, rules: FuelRules, side: int) -> Any:
    """A quantile of single rows, trucks' own levels included: lower for 0, upper for 1."""
    beyond = (1 - rules.coverage_share) / 2
    trees = _trees(rules, loss="quantile", quantile=1 - beyond if side else beyond)
    return trees.fit(known_somewhere(samples.table), samples.log_ratio)


def _trees(rules: FuelRules, **more: Any) -> Any:
    return HistGradientBoostingRegressor(**shape_of_trees(rules), **more)
