"""How well a model says what later months burnt: bias, error and coverage, by load and by speed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.learning.conformal import coverage_share
from fleet_carbon.learning.samples import FuelSamples, Split
from fleet_carbon.learning.training import Trained, truck_levels
from fleet_carbon.quantification.features import NAMES

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


def evaluate(trained: Trained, split: Split) -> Evaluation:
    """Hold a model against the months that it has not seen.

    Parameters
    ----------
    trained : Trained
        Model and spread.
    split : Split
        The split it was trained with.
    """
    rows, factor, low, high, valid_share = _spoken_of(trained, split.test)
    class_l = rows.physical_l * factor
    known = _levels_before(trained, split)
    level = np.array([known.get(str(truck), 1.0) for truck in rows.vehicle_id])
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
        months=(split.test.months[0], split.test.months[-1]),
        valid_share=valid_share,
        physics=errors_of(rows.physical_l, rows.measured_l),
        by_class=errors_of(class_l, rows.measured_l),
        by_truck=errors_of(class_l * level, rows.measured_l),
        coverage_share=coverage_share(*bounds, rows.measured_l),
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
    trained: Trained, samples: FuelSamples
) -> tuple[FuelSamples, Column, Column, Column, float]:
    """The rows in the model's valid range, what it says of them, and their part of all."""
    found = trained.model.correction(samples.table)
    mask = found.is_valid
    return (
        samples.taken(mask),
        found.factor[mask],
        found.low[mask],
        found.high[mask],
        float(mask.mean()),
    )


def _levels_before(trained: Trained, split: Split) -> dict[str, float]:
    """Each truck's own level from all months before the test."""
    parts = [_spoken_of(trained, one) for one in (split.train, split.calibrate)]
    levels: dict[str, float] = {}
    trucks = np.concatenate([part[0].vehicle_id for part in parts])
    measured = np.concatenate([part[0].measured_l for part in parts])
    class_l = np.concatenate([part[0].physical_l * part[1] for part in parts])
    before = FuelSamples(trucks, trucks, class_l[:, np.newaxis], class_l, measured)
    levels.update(truck_levels(before, class_l, trained.spread))
    return levels


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
