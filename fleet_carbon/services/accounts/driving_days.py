"""A closed month of a driver or a truck day by day, leg by leg, with what fell to each leg.

The grams of an order are those that the driver's statement names for it; a leg has of every order
aboard the part of its credited activity that was done on it. So legs add up to days, and days to
what the accounts were credited.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from fleet_carbon.errors import NotFound
from fleet_carbon.periods import parse_month
from fleet_carbon.services.accounts.order_credits import orders_of_truck
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.storage.unit_of_work import ClosingRun, UnitOfWork, open_storage

_SUMMED = ("distance_km", "imputed_km", "diesel_l", "co2_ttw_kg", "idle_h", "credited_g")
_STATES = ("loaded", "empty", "unknown")


@dataclass(frozen=True)
class DrivenDay:
    """What was driven on a day; a leg counts on the local day on which it began.

    Attributes
    ----------
    day : date
        Local to the fleet.
    legs : tuple of dict
        In the order of time: rows of `frames.LEGS`, JSON-ready, with `aboard`, the identifiers
        of the orders aboard, and `credited_g`.
    sums : dict
        Sums of the legs; of the litres None if those of no leg are known.
    order_ids : tuple of str
        Orders that were aboard.
    """

    day: date
    legs: tuple[dict[str, Any], ...]
    sums: dict[str, float | None]
    order_ids: tuple[str, ...]


@dataclass(frozen=True)
class DrivenMonth:
    """What a driver or a truck drove in a closed month.

    Attributes
    ----------
    month : str
        Of when.
    zone : ZoneInfo
        Of the fleet, in which its days begin.
    days : tuple of DrivenDay
        Those with legs, in order.
    orders : dict of str to dict
        Every order of the trucks in the month by identifier: its row of `frames.ORDER_RESULTS`,
        JSON-ready, with `credited_g`.
    """

    month: str
    zone: ZoneInfo
    days: tuple[DrivenDay, ...]
    orders: dict[str, dict[str, Any]]

    @property
    def legs(self) -> tuple[dict[str, Any], ...]:
        """The legs of all days, in order."""
        return tuple(leg for one in self.days for leg in one.legs)

    def on(self, day: date) -> DrivenDay:
        """A day of it.

        Raises
        ------
        NotFound
            ``day_not_driven``.
        """
        for one in self.days:
            if one.day == day:
                return one
        raise NotFound(
            "day_not_driven",
            f"No leg began on {day}.",
            "The page of the month lists the days with legs.",
        )


def read_driven_month(
    settings: Settings, month: str, *, driver_id: str = "", vehicle_id: str = ""
) -> DrivenMonth:
    """The days of a driver or of a truck in a month, by its latest close.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    month : str
        YYYY-MM.
    driver_id, vehicle_id : str
        Of whom, or of what: one of both.

    Raises
    ------
    InputRefused
        ``month_malformed``.
    NotFound
        ``month_not_closed``.
    """
    column, value = ("driver_id", driver_id) if driver_id else ("vehicle_id", vehicle_id)
    with closing(open_storage(settings)) as storage, storage.look() as work:
        wanted = str(parse_month(month, storage.zone))
        run = latest_run(work, wanted)
        zone = storage.zone
        rows = work.closings.rows_with(run, "legs", column=column, value=value)
        read = [_Truck.read(work, run, one) for one in sorted(set(rows["vehicle_id"].tolist()))]
    legs = tables.records(rows.sort_values(["started_at", "vehicle_id"]))
    credited_g = {key: grams for truck in read for key, grams in truck.credited_g().items()}
    for leg in legs:
        leg["aboard"] = tuple(filter(None, leg["order_ids"].split(";")))
        leg["credited_g"] = credited_g.get((leg["vehicle_id"], leg["started_at"]), 0.0)
        leg["day"] = datetime.fromisoformat(leg["started_at"]).astimezone(zone).date()
    days = tuple(
        _day(day, tuple(of_day)) for day, of_day in groupby(legs, key=lambda leg: leg["day"])
    )
    orders = {one["order_id"]: one for truck in read for one in truck.orders}
    return DrivenMonth(wanted, zone, days, orders)


def _day(day: date, legs: tuple[dict[str, Any], ...]) -> DrivenDay:
    sums: dict[str, float | None] = {name: _sum(leg[name] for leg in legs) for name in _SUMMED}
    for state in _STATES:
        sums[f"{state}_km"] = sum(leg["distance_km"] for leg in legs if leg["state"] == state)
    aboard = dict.fromkeys(order_id for leg in legs for order_id in leg["aboard"])
    return DrivenDay(day, legs, sums, tuple(aboard))


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


@dataclass(frozen=True)
class _Truck:
    """What a run says of a truck: its orders, and what of these was on which leg."""

    orders: list[dict[str, Any]]
    aboard: pd.DataFrame

    @classmethod
    def read(cls, work: UnitOfWork, run: ClosingRun, vehicle_id: str) -> _Truck:
        def rows(name: str) -> pd.DataFrame:
            return work.closings.rows_with(run, name, column="vehicle_id", value=vehicle_id)

        legs = rows("legs")[["vehicle_id", "started_at", "driver_id"]]
        aboard = rows("leg_orders").merge(legs, on=["vehicle_id", "started_at"])
        return cls(orders_of_truck(work, run, vehicle_id), aboard)

    def credited_g(self) -> dict[tuple[str, str], float]:
        """Grams by truck and moment of departure of the leg. [g]"""
        found: dict[tuple[str, str], float] = {}
        done = self.aboard[self.aboard["activity_tkm"] > 0]
        parts: dict[str, list[dict[str, Any]]] = {}
        for row in tables.records(done):
            parts.setdefault(row["order_id"], []).append(row)
        for order in self.orders:
            of_order = parts.get(order["order_id"], [])
            # Where the driver changed on the way, the grams stay with who was credited.
            credited_id = order.get("account_driver_id")
            own = [row for row in of_order if (row["driver_id"] or "") == credited_id] or of_order
            whole_tkm = sum(row["activity_tkm"] for row in own)
            for row in own:
                key = (row["vehicle_id"], row["started_at"])
                grams = order["credited_g"] * row["activity_tkm"] / whole_tkm
                found[key] = found.get(key, 0.0) + grams
        return found
