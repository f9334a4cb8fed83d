"""What a truck's own measured months say of its class model, as far as they can be believed.

A truck burns a constant multiple of what its class model says, and each month differs from that
by chance. The best linear unbiased prediction of the multiple lies between 1 and what was
measured: the nearer to the latter, the more litres it rests on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from fleet_carbon.periods import Month
from fleet_carbon.quantification.editions import Edition
from fleet_carbon.quantification.grouping import grouped

_MEASURES = ("measured_l", "measured_model_l")


@dataclass(frozen=True)
class CalibrationRules:
    """Section `calibration` of an edition."""

    between_share: float
    within_share: float
    within_model_l: float
    device_share: float
    model_l_min: float
    months_count_max: int


@dataclass(frozen=True)
class Measured:
    """Litres that were measured, beside what the class gives for the same driving.

    Attributes
    ----------
    measured_l, model_l : float
        [l]
    months_count : int
        Months they come from.
    """

    measured_l: float = 0.0
    model_l: float = 0.0
    months_count: int = 0

    def __add__(self, other: Measured) -> Measured:
        return Measured(
            self.measured_l + other.measured_l,
            self.model_l + other.model_l,
            self.months_count + other.months_count,
        )


@dataclass(frozen=True)
class Calibration:
    """The multiple of its class model that a truck burns.

    Attributes
    ----------
    scale_index : float
        Predicted litres per litre of the class model.
    standard_share : float
        Relative standard uncertainty of the prediction for one month.
    measured : Measured
        What it rests on.
    """

    scale_index: float
    standard_share: float
    measured: Measured


def measured_before(
    history: pd.DataFrame, *, month: Month, edition: Edition, months_count_max: int
) -> dict[tuple[str, str], Measured]:
    """What each truck's earlier months measured, by vehicle_id and kind of class model.

    Parameters
    ----------
    history : DataFrame
        Rows of `frames.ACCOUNTS`; months that are not before `month` do not count.
    month : Month
        The month accounted.
    edition : Edition
        Only months accounted by the same edition count: another one has another class model. The
        fitted correction does not matter: what is beside the measured litres is without it.
    months_count_max : int
        So many months are used of each truck, the latest first.

    Returns
    -------
    measured : dict of (str, str) to Measured
        Of trucks with any. Another truck, also of the same driver, begins without.
    """
    is_usable = (
        (history["month"] < str(month))
        & (history["edition"] == edition.label)
        & (history["measured_model_l"] > 0)
        & (history["measured_l"] > 0)
    )
    rows = history.loc[is_usable.fillna(False).to_numpy(bool)]
    kinds = rows["fuel_model"].fillna("").map(kind_of_model)
    by_month = grouped(rows["vehicle_id"], kinds, rows["month"])
    sums = (by_month.sums(rows[name].to_numpy(float)).tolist() for name in _MEASURES)
    of_truck: dict[tuple[str, str], list[Measured]] = {}
    for (vehicle_id, kind, _), measured_l, model_l in zip(by_month.keys, *sums, strict=True):
        of_truck.setdefault((vehicle_id, kind), []).append(Measured(measured_l, model_l, 1))
    return {key: _together(months[-months_count_max:]) for key, months in of_truck.items()}


def kind_of_model(model_id: str) -> str:
    """What a class model is made of, whatever fitted correction stands behind it.

    Examples
    --------
    >>> kind_of_model("physics 0123456789ab")
    'physics'
    """
    return model_id.partition(" ")[0]


def calibrate(measured: Measured, model_l: float, rules: CalibrationRules) -> Calibration:
    """Predict what a truck burns in a month per litre of its class model.

    Parameters
    ----------
    measured : Measured
        What was measured of this truck; `model_l` above 0.
    model_l : float
        The class model of the month to be predicted, 0 or more. [l]
    rules : CalibrationRules
        Variances.

    Returns
    -------
    calibration : Calibration
        With `r` measured per modelled, `t` the standard deviation of trucks about their class and
        `s` that of a truck's month about the truck's own level: the prediction is
        `1 + b (r - 1)`, `b = t^2 / (t^2 + s^2 / n)`, n being the litres measured in units of those
        for which `s` holds. Its variance is `t^2 (1 - b)`, and `s^2` of the month itself, and that
        of the measuring device, which no number of months takes away.

    References
    ----------
    G.K. Robinson, That BLUP is a good thing, Statistical Science 6 (1991) 15: best linear
    unbiased prediction of a random effect with known variances.

    Examples
    --------
    >>> rules = CalibrationRules(0.1, 0.1, 1000.0, 0.0, 500.0, 12)
    >>> found = calibrate(Measured(1200.0, 1000.0, 1), 1000.0, rules)
    >>> round(found.scale_index, 3)  # half way from 1 to 1.2
    1.1
    """
    between, within = rules.between_share**2, rules.within_share**2
    noise = within * rules.within_model_l / measured.model_l
    trust_share = between / (between + noise)
    scale_index = 1 + trust_share * (measured.measured_l / measured.model_l - 1)
    # A month as small as none could be anything; it is then told no worse than one of that size.
    of_month = within * rules.within_model_l / max(model_l, rules.model_l_min)
    variance = between * (1 - trust_share) + of_month + rules.device_share**2
    return Calibration(scale_index, math.sqrt(variance) / scale_index, measured)


def _together(months: list[Measured]) -> Measured:
    return Measured(
        math.fsum(one.measured_l for one in months),
        math.fsum(one.model_l for one in months),
        len(months),
    )
