"""What is on record of a fleet when a month is closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.storage.unit_of_work import UnitOfWork

# Two of them, so that what is compared has 128 bits.
_HASH_KEYS = ("fleet-carbon-row", "fleet-carbon-ROW")


@dataclass(frozen=True)
class Records:
    """The records of a fleet as they were when the close began.

    Attributes
    ----------
    vehicles, drivers, assignments, orders, baselines, energy : DataFrame
        Tables of the house, rows in force; `orders` are those of the window.
    """

    vehicles: pd.DataFrame
    drivers: pd.DataFrame
    assignments: pd.DataFrame
    orders: pd.DataFrame
    baselines: pd.DataFrame
    energy: pd.DataFrame

    def marks_for_legs(self) -> dict[str, str]:
        """Per truck, a mark that changes with any record that its legs are cut by.

        These are its own row, its orders, its assignments, and who calls it theirs.
        """
        claims = self.drivers.loc[self.drivers["vehicle_id"].notna(), ["vehicle_id", "driver_id"]]
        marks: dict[str, list[str]] = {}
        for rows in (self.vehicles, self.orders, self.assignments, claims):
            for vehicle_id, mark in _marks_by_vehicle(rows).items():
                marks.setdefault(vehicle_id, []).append(mark)
        return {vehicle_id: " ".join(found) for vehicle_id, found in marks.items()}


def read_records(work: UnitOfWork, window: tuple[datetime, datetime]) -> Records:
    """The records in force, orders limited to those planned inside the window."""
    return Records(
        vehicles=work.register.read("vehicles"),
        drivers=work.register.read("drivers"),
        assignments=work.register.read("assignments"),
        orders=work.orders.in_force(window),
        baselines=work.register.read("baselines"),
        energy=work.register.read("energy"),
    )


def _marks_by_vehicle(rows: pd.DataFrame) -> dict[str, str]:
    """Per truck, the sum of the hashes of its rows: their order does not matter."""
    codes, vehicle_ids = pd.factorize(rows["vehicle_id"])
    sums = []
    for key in _HASH_KEYS:
        hashed = pd.util.hash_pandas_object(rows, index=False, hash_key=key)
        total: NDArray[np.uint64] = np.zeros(len(vehicle_ids), dtype=np.uint64)
        np.add.at(total, codes, hashed.to_numpy(dtype=np.uint64))
        sums.append(total.tolist())
    return {
        str(vehicle_id): f"{first:016x}{second:016x}"
        for vehicle_id, first, second in zip(vehicle_ids, *sums, strict=True)
    }
