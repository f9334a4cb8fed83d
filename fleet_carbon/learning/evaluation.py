"""How well a model says what later months burnt: bias, error and coverage, by load and by speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.learning.conformal import coverage_share
from fleet_carbon.learning.samples import FuelSamples, joined
from fleet_carbon.learning.training import level_rules_of, truck_levels
from fleet_carbon.quantification.features import NAMES
from fleet_carbon.quantification.fitted import FittedFuel

Column = NDArray[np.float64]

# Edges of the bins that errors are told by; rows without cargo are a bin of their own.
PAYLOAD_SHARES = (0.0, 0.25, 0.5, 0.75)
SPEEDS_KMH = (0.0, 30.0, 50.0, 65.0)


@dataclass(frozen=True)
class Errors:
    """Errors of some rows.

    Attributes
    ----------
    rows_count : int
        [1]
    measured_l : float
        What they really burnt. [l]
    bias_share : float
        Predicted litres of all over measured litres of all, less 1.
    mape_share : float
        Mean over the rows of the absolute relative error.
    """

    rows_count: int
    measured_l: float
    bias_share: float
    mape_share: float


@dataclass(frozen=True)
class Bin:
    """Errors and coverage of the class model in one bin of payload share or speed."""

    name: str
    errors: Errors
    coverage_share: float


@dataclass(frozen=True)
class Evaluation:
    """What a model is worth on the months after its training.

    Attributes
    ----------
    months : tuple of str
        First and last month that it was tested on.
    valid_share : float
        Part of the rows in its valid range; the rest is answered by the physics.
    physics, by_class, by_truck : Errors
        Of the physics alone; of the class model; of the class model with each truck's level from
        the months before.
    coverage_share : float
        Part of the rows inside the interval of the class model.
    width_share : float
        Median width of that interval, relative to the litres.
    bins : tuple of Bin
        By payload share and by speed.
    """

    months: tuple[str, str]
    valid_share: float
    physics: Errors
    by_class: Errors
    by_truck: Errors
    coverage_share: float
    width_share: float
    bins: tuple[Bin, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form, shares to four digits."""
        found: dict[str, Any] = _rounded(asdict(self))
        return found


def evaluate(model: FittedFuel, before: Sequence[FuelSamples], test: FuelSamples) -> Evaluation:
    """Hold a model against months that it has not seen.

    Parameters
    ----------
    model : FittedFuel
        The model.
    before : sequence of FuelSamples
        Rows before the test, from which each truck's own level is known.
    test : FuelSamples
        The rows to be foretold.
    """
    rows, factor, low, high, valid_share = _spoken_of(model, test)
    class_l = rows.physical_l * factor
    known = _levels_before(model, before)
    level = np.array([known.get(str(truck), 1.0) for truck in rows.vehicle_id], np.float64)
    bounds = rows.physical_l * low, rows.physical_l * high
    bins = [
        Bin(
            name,
            errors_of(class_l[mask], rows.measured_l[mask]),
            coverage_share(bounds[0][mask], bounds[1][mask], rows.measured_l[mask]),
        )
        for name, mask in _bins(rows.table)
        if mask.any()
    ]
    return Evaluation(
        months=(test.months[0], test.months[-1]),
        valid_share=valid_share,
        physics=errors_of(rows.physical_l, rows.measured_l),
        by_class=errors_of(class_l, rows.measured_l),
        by_truck=errors_of(class_l * level, rows.measured_l),
        coverage_share=coverage_share(*bounds, rows.measured_l) if len(rows) else float("nan"),
        width_share=float(np.median((high - low) / factor)) if len(rows) else float("nan"),
        bins=tuple(bins),
    )


def errors_of(predicted_l: Column, measured_l: Column) -> Errors:
    """Bias of the sum and mean absolute error of the rows."""
    if not len(measured_l):
        return Errors(0, 0.0, float("nan"), float("nan"))
    return Errors(
        len(measured_l),
        float(measured_l.sum()),
        float(predicted_l.sum() / measured_l.sum() - 1),
        float(np.mean(np.abs(predicted_l / measured_l - 1))),
    )


def _spoken_of(
    model: FittedFuel, samples: FuelSamples
) -> tuple[FuelSamples, Column, Column, Column, float]:
    """The rows in the model's valid range, what it says of them, and their part of all."""
    found = model.correction(samples.table)
    mask = found.is_valid
    return (
        samples.taken(mask),
        found.factor[mask],
        found.low[mask],
        found.high[mask],
        float(mask.mean()),
    )


def _levels_before(model: FittedFuel, before: Sequence[FuelSamples]) -> dict[str, float]:
    """Each truck's own level from all rows before the test."""
    parts = [_spoken_of(model, one) for one in before]
    if not parts:
        return {}
    rows = joined([part[0] for part in parts])
    class_l = rows.physical_l * np.concatenate([part[1] for part in parts])
    return truck_levels(rows, class_l, level_rules_of(model.between_share, model.within_share))


def _bins(table: Column) -> list[tuple[str, NDArray[np.bool_]]]:
    payload = table[:, NAMES.index("payload_share")]
    speed = table[:, NAMES.index("moving_speed_kmh")]
    found = [("without cargo", payload == 0)]
    for low, high in zip(PAYLOAD_SHARES, (*PAYLOAD_SHARES[1:], np.inf), strict=True):
        name = f"payload {low:.0%} to {high:.0%}" if np.isfinite(high) else f"payload {low:.0%} up"
        found.append((name, (payload > low) & (payload <= high)))
    for low, high in zip(SPEEDS_KMH, (*SPEEDS_KMH[1:], np.inf), strict=True):
        name = f"{low:.0f} to {high:.0f} km/h" if np.isfinite(high) else f"{low:.0f} km/h up"
        found.append((name, (speed > low) & (speed <= high)))
    return found


def _rounded(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _rounded(value) for key, value in found.items()}
    if isinstance(found, (list, tuple)):
        return [_rounded(value) for value in found]
    if isinstance(found, float):
        return None if np.isnan(found) else round(found, 4)
    return found
