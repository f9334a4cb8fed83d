"""Train the classifier of empty and loaded legs on legs whose state is proven by orders."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from fleet_carbon.errors import InputRefused
from fleet_carbon.learning.cards import Card, library_versions
from fleet_carbon.learning.loading import (
    FORMAT,
    LOAD_FEATURES,
    LoadClassifier,
    LoadingRules,
    table_of_legs,
)
from fleet_carbon.learning.samples import FuelRules, month_parts
from fleet_carbon.learning.training import bounds_of, known_somewhere, shape_of_trees
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.trees import Trees

Column = NDArray[np.float64]

# States that orders prove: cargo aboard, or the way from one proven order to the next.
PROVEN = {"order_aboard": "loaded", "between_orders": "empty"}


@dataclass(frozen=True)
class LoadSamples:
    """Legs whose state is proven.

    Attributes
    ----------
    month : ndarray of str, shape (n,)
        YYYY-MM.
    table : ndarray of float, shape (n, k)
        As `loading.load_table` makes it.
    is_loaded : ndarray of bool, shape (n,)
        What the orders prove.
    """

    month: NDArray[np.str_]
    table: Column
    is_loaded: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.month)

    def taken(self, rows: NDArray[Any]) -> LoadSamples:
        """Some of the rows."""
        return LoadSamples(self.month[rows], self.table[rows], self.is_loaded[rows])


@dataclass(frozen=True)
class LoadEvaluation:
    """What a classifier is worth on months that it has not seen.

    Attributes
    ----------
    rows_count : int
        Legs proven by orders.
    told_share : float
        Part of them inside of the training's range.
    auc_share, auc_without_mass_share : float
        Chance that a loaded leg scores above an empty one; the same where no mass is sent.
    brier_index : float
        Mean square of probability less truth.
    empty_count, false_flags_count, flags_count : int
        Empty legs; those of them, and those of all, that would be told to look loaded at the
        edition's threshold.
    found_share, found_without_mass_share : float
        Part of the loaded legs that would be found if no order stood for them.
    """

    rows_count: int
    told_share: float
    auc_share: float
    auc_without_mass_share: float
    brier_index: float
    empty_count: int
    false_flags_count: int
    flags_count: int
    found_share: float
    found_without_mass_share: float


def proven_legs(
    legs: pd.DataFrame, vehicles: pd.DataFrame, *, month: str, edition: Edition
) -> LoadSamples:
    """The legs of a month whose state orders prove surely enough.

    Parameters
    ----------
    legs, vehicles : DataFrame
        `frames.LEGS`, `frames.VEHICLES`.
    month : str
        YYYY-MM.
    edition : Edition
        Section `loading`, and the physics that knows the trucks.
    """
    rules = fill_rules(edition, "loading", LoadingRules)
    by_order = (legs["reason_code"].map(PROVEN) == legs["state"]).fillna(False).to_numpy(bool)
    is_sure = legs["confidence_share"].to_numpy(np.float64) >= rules.confidence_share_min
    is_proven = by_order & is_sure & (legs["distance_km"].to_numpy(np.float64) > 0)
    rows, table = table_of_legs(legs[is_proven], vehicles, edition)
    return LoadSamples(np.full(len(rows), month), table, (rows["state"] == "loaded").to_numpy(bool))


def split_loads(parts: Sequence[LoadSamples], rules: FuelRules) -> list[LoadSamples]:
    """Rows that train, that calibrate and that test, by whole months.

    Raises
    ------
    InputRefused
        If there are too few months or rows.
    """
    rows = LoadSamples(
        np.concatenate([part.month for part in parts]),
        np.concatenate([part.table for part in parts]),
        np.concatenate([part.is_loaded for part in parts]),
    )
    months = sorted(set(rows.month.tolist()))
    if len(rows) < rules.rows_count_min or len(months) < rules.months_count_min:
        raise InputRefused(
            "too_little_to_learn_from",
            f"{len(rows)} proven legs in {len(months)} months; a classifier needs"
            f" {rules.rows_count_min} in {rules.months_count_min}.",
            "Close more months with proven orders.",
        )
    return [rows.taken(np.isin(rows.month, part)) for part in month_parts(months, rules)]


def train_loads(samples: Sequence[LoadSamples], rules: FuelRules) -> LoadClassifier:
    """Fit scores on the first months and make probabilities of them on the next.

    Parameters
    ----------
    samples : sequence of LoadSamples
        Rows that train, that calibrate and that test, in the order of their months.
    rules : FuelRules
        Shape and seed.

    Raises
    ------
    InputRefused
        If one of the two states is missing among the rows.
    """
    train, calibrate, test = samples
    for part in samples:
        if len(set(part.is_loaded.tolist())) < 2:
            raise InputRefused(
                "too_little_to_learn_from",
                "A classifier needs legs proven loaded and legs proven empty in every part.",
                "Close more months with proven orders.",
            )
    lowest, highest = bounds_of(train.table, rules.range_share)
    with threadpool_limits(limits=1):
        trees = HistGradientBoostingClassifier(**shape_of_trees(rules))
        trees.fit(known_somewhere(train.table), train.is_loaded.astype(int))
        slope, offset = _calibrated(trees.decision_function(calibrate.table), calibrate.is_loaded)
    return LoadClassifier(
        trained_until=max(test.month.tolist()),
        lowest=lowest,
        highest=highest,
        trees=Trees.of_estimator(trees),
        slope_factor=slope,
        offset_index=offset,
    )


def evaluate_loads(
    classifier: LoadClassifier, test: LoadSamples, rules: LoadingRules
) -> LoadEvaluation:
    """Hold a classifier against months that it has not seen."""
    share = classifier.loaded_share(test.table)
    is_told = ~np.isnan(share)
    share, truth = share[is_told], test.is_loaded[is_told]
    is_blind = np.isnan(test.table[is_told, LOAD_FEATURES.index("mass_share")])
    flagged = share >= rules.loaded_probability_share_min
    return LoadEvaluation(
        rows_count=len(test),
        told_share=float(is_told.mean()),
        auc_share=_auc(truth, share),
        auc_without_mass_share=_auc(truth[is_blind], share[is_blind]),
        brier_index=float(np.mean((share - truth) ** 2)),
        empty_count=int((~truth).sum()),
        false_flags_count=int((flagged & ~truth).sum()),
        flags_count=int(flagged.sum()),
        found_share=_mean(flagged[truth]),
        found_without_mass_share=_mean(flagged[truth & is_blind]),
    )


def _auc(truth: NDArray[np.bool_], share: Column) -> float:
    """Chance that a loaded leg scores above an empty one; NaN if there is but one kind."""
    return float(roc_auc_score(truth, share)) if len(set(truth.tolist())) > 1 else float("nan")


def _mean(flagged: NDArray[np.bool_]) -> float:
    return float(flagged.mean()) if len(flagged) else float("nan")


def load_card(
    classifier: LoadClassifier,
    samples: Sequence[LoadSamples],
    evaluation: LoadEvaluation,
    *,
    edition: Edition,
    data: Mapping[str, str],
) -> Card:
    """The card of a classifier, JSON-ready."""
    rules = fill_rules(edition, "loading", LoadingRules)
    return {
        "model": FORMAT,
        "predicts": "whether a leg was loaded; used only to lower a credit or to name a leg",
        **data,
        "trained_until": classifier.trained_until,
        "serves": f"months after {classifier.trained_until}",
        "features": list(LOAD_FEATURES),
        "rows": {
            name: {
                "count": len(part),
                "loaded_count": int(part.is_loaded.sum()),
                "months": [min(part.month.tolist()), max(part.month.tolist())],
            }
            for name, part in zip(("train", "calibrate", "test"), samples, strict=True)
        },
        "threshold_share": rules.loaded_probability_share_min,
        "evaluation": {
            name: round(value, 4)
            for name, value in vars(evaluation).items()
            if not math.isnan(value)
        },
        "libraries": library_versions(),
    }


def _calibrated(score: Column, is_loaded: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset from scores to log-odds, by maximum likelihood.

    References
    ----------
    J. Platt, Probabilistic outputs for support vector machines, 1999.
    """

    def loss(line: Column) -> float:
        odds = line[0] * score + line[1]
        return float(np.mean(np.logaddexp(0.0, odds) - is_loaded * odds))

    found = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead", tol=1e-6)
    # Four digits: an optimum is flat, and the file must not hang on its last bits.
    slope, offset = (float(round(one, 4)) for one in found.x)
    return slope, offset
