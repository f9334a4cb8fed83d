"""What a fitted model says of a leg's fuel beside the physics, and where it may speak at all.

The model file holds plain numbers and trees (`model_files`); trees give logarithms of litres.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.errors import ModelRefused
from fleet_carbon.quantification.editions import Edition
from fleet_carbon.quantification.features import FEATURES, NAMES
from fleet_carbon.quantification.model_files import read_contents
from fleet_carbon.quantification.trees import Trees

Column = NDArray[np.float64]

FORMAT = "fleet-carbon fuel 1"
# Litres for which `FittedFuel.within_share` holds; its square falls with more of them.
WITHIN_L = 100.0
# Sections of an edition on which the litres of the physics depend.
_PHYSICS = ("physics", "engines", "vehicles", "missions")
# Factors end on this digit, so that another machine's last bit of an exponential changes nothing.
_DECIMALS = 6


class Correction(NamedTuple):
    """What rows burn beside the physics, one value each.

    Attributes
    ----------
    factor, low, high : ndarray of float, shape (n,)
        Litres per litre of the physics; bounds of the interval for a truck of the class whose
        own level is not known. NaN where the model may not speak.
    is_valid : ndarray of bool, shape (n,)
        Whether the row lies in the range the model was trained in.
    """

    factor: Column
    low: Column
    high: Column
    is_valid: NDArray[np.bool_]


@dataclass(frozen=True)
class ValidRange:
    """Where a model was trained.

    Attributes
    ----------
    lowest, highest : ndarray of float, shape (k,)
        Bounds of each feature; NaN where it was never known, so that trees never ask for it.
    has_missing : ndarray of bool, shape (k,)
        Features that were missing in some rows.
    payloads_t : ndarray of float, shape (m,)
        Rated payloads of the trucks, ascending. [t]
    payload_gap_share : float
        A truck whose rated payload differs more than that from all of these was not seen.
    """

    lowest: Column
    highest: Column
    has_missing: NDArray[np.bool_]
    payloads_t: Column
    payload_gap_share: float

    def outside(self, table: Column) -> NDArray[np.bool_]:
        """Which feature of which row lies outside, shape (n, k)."""
        is_missing = np.isnan(table)
        found = (table < self.lowest) | (table > self.highest)
        may_miss = np.array([feature.may_miss for feature in FEATURES])
        found |= is_missing & ~(may_miss & self.has_missing)
        # A truck has many rows, and its payload is held against every truck of the training.
        rated_t, of_row = np.unique(table[:, NAMES.index("rated_payload_t")], return_inverse=True)
        nearest = np.abs(rated_t[:, np.newaxis] / self.payloads_t - 1).min(axis=1)
        found[:, NAMES.index("rated_payload_t")] = ~(nearest <= self.payload_gap_share)[of_row]
        return found


@dataclass(frozen=True)
class FittedFuel:
    """A model of measured litres per litre of the physics.

    Attributes
    ----------
    trained_until : str
        Last month any of its data is from, YYYY-MM: it serves later months only.
    energy : str
        Energy of the trucks it was trained on.
    physics_digest : str
        `physics_digest` of the edition whose physics it corrects; it says nothing of another.
    valid : ValidRange
        Where it may speak.
    center, lower, upper : Trees
        Logarithm of measured per physical litres: level, and the two quantiles of the interval.
    smear_factor : float
        Mean litres over the litres at the mean logarithm (Duan 1983).
    margin_index : float
        By how much the interval is widened so that it covers what it promises; logarithm.
    between_share, within_share : float
        Standard deviations, relative: of trucks about their class, and of a row of
        `WITHIN_L` litres about its truck's level.
    digest : str
        SHA-256 of the file, empty for a model that was never in one.
    """

    trained_until: str
    energy: str
    physics_digest: str
    valid: ValidRange
    center: Trees
    lower: Trees
    upper: Trees
    smear_factor: float
    margin_index: float
    between_share: float
    within_share: float
    digest: str = ""

    @classmethod
    def load(cls, path: Path) -> FittedFuel:
        """Read a model file.

        Raises
        ------
        NotFound
            If there is none.
        ModelRefused
            If the file is damaged, holds types that a fuel model has no need of, or looks at
            other features than this program makes.
        """
        contents, digest = read_contents(path, FORMAT)
        if tuple(contents["features"]) != NAMES:
            raise ModelRefused(
                "model_features_differ",
                f"{path.name} looks at {', '.join(contents['features'])}.",
                "It was trained by another version of the program: train it anew.",
            )
        valid = ValidRange(**{name: contents[name] for name in ValidRange.__annotations__})
        return cls(valid=valid, digest=digest, **{name: contents[name] for name in _FIELDS})

    def contents(self) -> dict[str, Any]:
        """What is kept of it in a file, of a model that was trained now."""
        ranges = {name: getattr(self.valid, name) for name in ValidRange.__annotations__}
        kept = {name: getattr(self, name) for name in _FIELDS}
        grown = {name: kept[name].estimator for name in ("center", "lower", "upper")}
        return {"format": FORMAT, "features": list(NAMES), **ranges, **kept, **grown}

    def correction(self, table: Column) -> Correction:
        """What each row burns beside the physics.

        Parameters
        ----------
        table : ndarray of float, shape (n, k)
            As `features.features` makes it.
        """
        is_valid: NDArray[np.bool_] = ~np.any(self.valid.outside(table), axis=1)
        factor, low, high = (np.full(len(table), np.nan) for _ in range(3))
        if is_valid.any():
            rows = table[is_valid]
            level = np.exp(self.center.scores(rows)) * self.smear_factor
            factor[is_valid] = np.round(level, _DECIMALS)
            low[is_valid] = np.round(np.exp(self.lower.scores(rows) - self.margin_index), _DECIMALS)
            high[is_valid] = np.round(
                np.exp(self.upper.scores(rows) + self.margin_index), _DECIMALS
            )
        # Three trees grown apart may cross where there is little data.
        return Correction(factor, np.fmin(low, factor), np.fmax(high, factor), is_valid)

    def outside(self, table: Column) -> list[str]:
        """Names of the features by which rows lie outside of the valid range."""
        found = self.valid.outside(table)
        return [name for place, name in enumerate(NAMES) if found[:, place].any()]


_FIELDS = (
    "trained_until", "energy", "physics_digest", "center", "lower", "upper", "smear_factor",
    "margin_index", "between_share", "within_share",
)  # fmt: skip


def physics_digest(edition: Edition) -> str:
    """SHA-256 of the figures of an edition's physics, without their texts."""
    figures = {section: edition.rules(section) for section in _PHYSICS}
    return hashlib.sha256(json.dumps(figures, sort_keys=True).encode()).hexdigest()
