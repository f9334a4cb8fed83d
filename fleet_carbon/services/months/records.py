"""What is on record of a fleet when a month is closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from fleet_carbon.storage.unit_of_work import UnitOfWork


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
