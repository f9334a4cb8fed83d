"""How the months of one driver differ, learned from the months of others before they joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fleet_carbon.quantification.counterfactual import (
    BaselineRules,
    MonthScatter,
    believed_scatter,
)

_Sums = tuple[float, float, float]
_NOTHING: _Sums = (0.0, 0.0, 0.0)
_OF_DRIVER = ["vehicle_class", "driver_id"]


@dataclass(frozen=True)
class MonthScatters:
    """Squares of months' deviations from their driver's mean, by class and by driver.

    Attributes
    ----------
    by_class : mapping of str to (float, float, float)
        Degrees of freedom, and squares of empty share and of payload times these.
    by_driver : mapping of (str, str) to (float, float, float)
        The same of each class and driver.
    rules : BaselineRules
        Section `baseline` of the edition.
    """

    by_class: Mapping[str, _Sums]
    by_driver: Mapping[tuple[str, str], _Sums]
    rules: BaselineRules

    @classmethod
    def of_rows(cls, rows: pd.DataFrame, rules: BaselineRules) -> MonthScatters:
        """From rows of `frames.LANES` before joining."""
        driven_km = rows[["loaded_km", "empty_km", "unknown_km"]].sum(axis=1)
        months = (
            rows.assign(driven_km=driven_km)
            .groupby([*_OF_DRIVER, "month"])[
                ["empty_km", "driven_km", "transport_work_tkm", "capacity_tkm"]
            ]
            .sum()
        )
        # By the wholes, the variance of part / whole follows from sums of part^2 / whole.
        months["empty_squares"] = months["empty_km"] ** 2 / months["driven_km"]
        months["payload_squares"] = months["transport_work_tkm"] ** 2 / months["capacity_tkm"]
        found = months.groupby(_OF_DRIVER).sum()
        count = months.groupby(_OF_DRIVER).size().to_numpy(np.float64)
        of_driver = pd.DataFrame({"freedom": count - 1}, index=found.index)
        for squares, part, whole in (
            ("empty_squares", "empty_km", "driven_km"),
            ("payload_squares", "transport_work_tkm", "capacity_tkm"),
        ):
            mean_square = (found[part] ** 2 / found[whole]).to_numpy(np.float64)
            relative = np.zeros(len(found))
            above = found[squares].to_numpy(np.float64)
            np.divide(above, mean_square, out=relative, where=mean_square > 0)
            # n / (n - 1) of the variance, times the n - 1 degrees of freedom.
            of_driver[squares] = np.where(count > 1, np.maximum(0.0, relative - 1) * count, 0.0)
        of_class = of_driver.groupby("vehicle_class").sum()
        return cls(_by_key(of_class), _by_key(of_driver), rules)

    def of_others(self, class_id: str, driver_id: str) -> MonthScatter:
        """How the months of a driver of the class differ, from all but his own.

        Drawn to what the edition believes, as if that had been seen in a few months; without
        others it is all there is.
        """
        whole = self.by_class.get(class_id, _NOTHING)
        own = self.by_driver.get((class_id, driver_id), _NOTHING)
        freedom, *squares = (max(0.0, all_of - his) for all_of, his in zip(whole, own, strict=True))
        empty, payload = (
            believed_scatter(
                square / freedom if freedom else 0.0,
                freedom,
                prior_share=self.rules.month_scatter_share,
                prior_count=self.rules.scatter_weight_count,
            )
            for square in squares
        )
        return MonthScatter(float(empty), float(payload), is_seen=freedom > 0)


def _by_key(sums: pd.DataFrame) -> dict[Any, _Sums]:
    return dict(zip(sums.index.tolist(), sums.itertuples(index=False, name=None), strict=True))
