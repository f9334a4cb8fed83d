"""What was credited for each order: the grams that the driver's statement names for it.

An order is counted by one account, whose grams are divided among its proven orders by the litres
that each saved (methodology, "What fell to an order"). So the orders of an account add up to it.
"""

from __future__ import annotations

from typing import Any

from fleet_carbon.services.accounts.reading import orders_of
from fleet_carbon.statements import tables
from fleet_carbon.statements.attribution import credited_of_orders
from fleet_carbon.storage.unit_of_work import ClosingRun, UnitOfWork


def orders_of_truck(work: UnitOfWork, run: ClosingRun, vehicle_id: str) -> list[dict[str, Any]]:
    """The orders of a truck in a month, with what was credited for each.

    Parameters
    ----------
    work : UnitOfWork
        What is on record.
    run : ClosingRun
        Of the month.
    vehicle_id : str
        The truck.

    Returns
    -------
    orders : list of dict
        Rows of `frames.ORDER_RESULTS`, JSON-ready, with `month_activity_tkm`, credited of the order
        on the legs of the month, `credited_g`, and `account_driver_id`, whose account counts it.
    """

    def rows(name: str) -> Any:
        return work.closings.rows_with(run, name, column="vehicle_id", value=vehicle_id)

    activity_tkm = rows("leg_orders").groupby("order_id")["activity_tkm"].sum().to_dict()
    orders, accounts = (tables.records(rows(name)) for name in ("order_results", "accounts"))
    for order in orders:
        order["month_activity_tkm"] = activity_tkm.get(order["order_id"], 0.0)
        order["credited_g"] = 0
    for account in accounts:
        own = orders_of(account, orders, accounts)
        grams = credited_of_orders(account, own)
        for order in own:
            order["credited_g"] += grams.get(order["order_id"], 0)
            order["account_driver_id"] = account["driver_id"]
    return orders


def credited_g_of(work: UnitOfWork, run: ClosingRun, order_id: str, *, vehicle_id: str) -> int:
    """What was credited in a month for an order of a truck. [g]"""
    found = orders_of_truck(work, run, vehicle_id)
    return sum(one["credited_g"] for one in found if one["order_id"] == order_id)
