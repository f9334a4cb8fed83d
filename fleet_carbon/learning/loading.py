"""Empty or loaded without orders: what a leg's driving, weight and counter say against its state.

Only used against the driver's interest, never for it. A leg that is called empty and looks loaded
becomes unknown: its kilometres stay in every denominator and are empty kilometres in nobody's
baseline any more. A leg that is called loaded and looks empty is named, and stays what it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.errors import ModelRefused
from fleet_carbon.learning.rows import trucks_of
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.features import NAMES, features
from fleet_carbon.quantification.model_files import read_contents
from fleet_carbon.quantification.physics import PhysicalTruck, consumption
from fleet_carbon.quantification.profile import Profile
from fleet_carbon.quantification.trees import Trees

Column = NDArray[np.float64]

FORMAT = "fleet-carbon loading 1"
# What a load cannot be asked by is left out: the load itself.
_DRIVING = tuple(name for name in NAMES if name != "payload_share")
LOAD_FEATURES = (*_DRIVING, "mass_share")
LOOKS_LOADED, LOOKS_EMPTY = "looks_loaded", "looks_empty"
COUNTER_CONTRADICTS_EMPTY = "counter_contradicts_empty"
COUNTER_CONTRADICTS_LOADED = "counter_contradicts_loaded"
_FIELDS = ("trained_until", "lowest", "highest", "trees", "slope_factor", "offset_index")


@dataclass(frozen=True)
class LoadingRules:
    """Section `loading` of an edition.

    Attributes
    ----------
    loaded_probability_share_min, empty_probability_share_min : float
        How sure the classifier must be that a leg called empty is loaded; and the reverse.
    counter_l_min : float
        Legs that took less by the counter say nothing. [l]
    counter_ratio_min : float
        A counter contradicts a leg if its litres, at the truck's own level, are so many times
        those of the empty truck; or those of the load so many times the counter's.
    counter_legs_count_min : int
        Legs of a month from which a truck's own level is taken.
    confidence_share_min : float
        Legs whose state is surer than that by orders teach the classifier.
    """

    loaded_probability_share_min: float
    empty_probability_share_min: float
    counter_l_min: float
    counter_ratio_min: float
    counter_legs_count_min: int
    confidence_share_min: float


@dataclass(frozen=True)
class LoadClassifier:
    """How likely a leg was loaded, by how it was driven and, where sent, by its mass.

    Attributes
    ----------
    trained_until : str
        Last month any of its data is from, YYYY-MM: it serves later months only.
    lowest, highest : ndarray of float, shape (k,)
        Bounds of each feature in the training; NaN where it was never known.
    trees : Trees
        Raw scores.
    slope_factor, offset_index : float
        Score to log-odds, so that the probabilities come true (Platt 1999).
    digest : str
        SHA-256 of the file, empty for a classifier that was never in one.
    """

    trained_until: str
    lowest: Column
    highest: Column
    trees: Trees
    slope_factor: float
    offset_index: float
    digest: str = ""

    @classmethod
    def load(cls, path: Path) -> LoadClassifier:
        """Read a classifier's file.

        Raises
        ------
        NotFound
            If there is none.
        ModelRefused
            If it is damaged, holds other types, or looks at other features.
        """
        contents, digest = read_contents(path, FORMAT)
        if tuple(contents["features"]) != LOAD_FEATURES:
            raise ModelRefused(
                "model_features_differ",
                f"{path.name} looks at {', '.join(contents['features'])}.",
                "It was trained by another version of the program: train it anew.",
            )
        return cls(digest=digest, **{name: contents[name] for name in _FIELDS})

    def contents(self) -> Mapping[str, Any]:
        """What is kept of it in a file, of a classifier that was trained now."""
        kept = {name: getattr(self, name) for name in _FIELDS} | {"trees": self.trees.estimator}
        return {"format": FORMAT, "features": list(LOAD_FEATURES), **kept}

    def loaded_share(self, table: Column) -> Column:
        """Probability that each leg was loaded, shape (n,).

        NaN for a leg without driving, or driven as none of the training was.
        """
        is_outside = np.any((table < self.lowest) | (table > self.highest), axis=1)
        is_told: NDArray[np.bool_] = ~np.isnan(table[:, 0]) & ~is_outside
        found = np.full(len(table), np.nan)
        if is_told.any():
            score = self.trees.scores(table[is_told])
            odds = self.slope_factor * score + self.offset_index
            # Six digits, so that a last bit of an exponential changes nothing.
            found[is_told] = np.round(1 / (1 + np.exp(-odds)), 6)
        return found


def load_table(
    profile: Profile, *, rated_payload_t: Column, curb_mass_t: Column, gross_mass_t: Column
) -> Column:
    """What the classifier looks at, columns as in `LOAD_FEATURES`.

    Parameters
    ----------
    profile : Profile
        n legs.
    rated_payload_t, curb_mass_t, gross_mass_t : ndarray of float, shape (n,)
        Largest payload, empty truck, and what the vehicle says it weighs, NaN if it does not. [t]
    """
    table = features(profile, np.zeros(len(profile)), rated_payload_t)
    driving = table[:, [NAMES.index(name) for name in _DRIVING]]
    mass_share = (gross_mass_t - curb_mass_t) / rated_payload_t
    return np.column_stack([driving, mass_share])


def heed_driving(
    legs: pd.DataFrame,
    vehicles: pd.DataFrame,
    *,
    edition: Edition,
    classifier: LoadClassifier | None,
) -> pd.DataFrame:
    """Let driving and fuel contradict what orders say of legs; nothing here earns anything.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS`, all legs of each truck in the month.
    vehicles : DataFrame
        `frames.VEHICLES`.
    edition : Edition
        Section `loading`, and the physics.
    classifier : LoadClassifier or None
        None if no classifier serves the month: then only counters speak.

    Returns
    -------
    legs : DataFrame
        Same rows; a contradicted empty leg is unknown, of unknown purpose; either kind is
        half sure, and says why.
    """
    rules = fill_rules(edition, "loading", LoadingRules)
    trucks, code = trucks_of(legs, vehicles, edition)
    known = code >= 0
    if not known.any():
        return legs
    rows = legs[known]
    profile = Profile.of_legs(rows, edition)
    is_empty = (rows["state"] == "empty").to_numpy(bool)
    is_loaded = (rows["state"] == "loaded").to_numpy(bool)
    reason = np.full(len(rows), "", dtype=object)
    if classifier is not None:
        share = classifier.loaded_share(_table_of(rows, profile, trucks, code[known]))
        reason[is_empty & (share >= rules.loaded_probability_share_min)] = LOOKS_LOADED
        reason[is_loaded & (1 - share >= rules.empty_probability_share_min)] = LOOKS_EMPTY
    high, low = _by_counter(rows, profile, trucks, code[known], rules)
    reason[is_empty & high] = COUNTER_CONTRADICTS_EMPTY
    reason[is_loaded & low] = COUNTER_CONTRADICTS_LOADED
    return _contradicted(legs, np.flatnonzero(known), reason)


def table_of_legs(
    legs: pd.DataFrame, vehicles: pd.DataFrame, edition: Edition
) -> tuple[pd.DataFrame, Column]:
    """The legs of trucks that the physics knows, and what the classifier sees of them."""
    trucks, code = trucks_of(legs, vehicles, edition)
    rows = legs[code >= 0]
    profile = Profile.of_legs(rows, edition)
    return rows, _table_of(rows, profile, trucks, code[code >= 0])


def _contradicted(
    legs: pd.DataFrame, places: NDArray[np.intp], reason: NDArray[np.object_]
) -> pd.DataFrame:
    """The legs with what contradicts them written down."""
    is_contradicted = reason != ""
    if not is_contradicted.any():
        return legs
    told = {name: legs[name].to_numpy(object).copy() for name in _TOLD}
    at = places[is_contradicted]
    was_empty = at[told["state"][at] == "empty"]
    told["reason_code"][at] = reason[is_contradicted]
    told["confidence_share"][at] = 0.5
    told["state"][was_empty] = told["purpose"][was_empty] = "unknown"
    columns = {
        name: pd.Series(told[name], index=legs.index).astype(legs[name].dtype) for name in _TOLD
    }
    return legs.assign(**columns)


_TOLD = ("state", "purpose", "reason_code", "confidence_share")


def _table_of(
    legs: pd.DataFrame, profile: Profile, trucks: Sequence[PhysicalTruck], code: NDArray[np.intp]
) -> Column:
    rated_t = np.array([truck.rated_payload_t for truck in trucks], np.float64)[code]
    curb_t = np.array([truck.curb_mass_t for truck in trucks], np.float64)[code]
    return load_table(
        profile,
        rated_payload_t=rated_t,
        curb_mass_t=curb_t,
        gross_mass_t=legs["gross_mass_t_median"].to_numpy(np.float64),
    )


def _by_counter(
    legs: pd.DataFrame,
    profile: Profile,
    trucks: Sequence[PhysicalTruck],
    code: NDArray[np.intp],
    rules: LoadingRules,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Legs that took far more than the empty truck, and far less than their load would."""
    used = consumption(profile, trucks, code)
    litres = legs["fuel_counter_l"].to_numpy(np.float64)
    empty_l, told_l = used.at(0.0), used.at(legs["payload_t"].to_numpy(np.float64))
    is_read = (litres >= rules.counter_l_min) & (told_l > 0)
    level = _own_levels(np.where(is_read, litres, np.nan) / told_l, code, len(trucks), rules)[code]
    with np.errstate(invalid="ignore"):
        high = is_read & (litres >= rules.counter_ratio_min * level * empty_l)
        low = is_read & (litres * rules.counter_ratio_min <= level * told_l)
    return high, low


def _own_levels(ratio: Column, code: NDArray[np.intp], count: int, rules: LoadingRules) -> Column:
    """Litres of each truck per litre of the physics, the middle of its legs; NaN of too few."""
    is_read = np.isfinite(ratio)
    by_truck = pd.Series(ratio[is_read]).groupby(code[is_read])
    enough = by_truck.median()[by_truck.count() >= rules.counter_legs_count_min]
    levels: Column = np.full(count, np.nan)
    levels[enough.index.to_numpy(np.intp)] = enough.to_numpy(np.float64)
    return levels
