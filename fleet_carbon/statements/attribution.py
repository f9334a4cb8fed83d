"""What of a month's saving fell to each order: a defined allocation that adds up to the account.

Docs: methodology, "What fell to an order". An order is set against its part, by credited activity,
of the counterfactual's diesel; what was burnt for it is what the legs of the month booked to it,
approach included. What the truck burnt for no order is a line of its own, so that all lines
together are the saving of the account exactly, and the grams of the orders are those credited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleet_carbon.ledger.sharing import apportion

# Litres of an account stand on this grid; weights of grams are whole steps of it.
STEPS_PER_L = 2048


@dataclass(frozen=True)
class OrderPart:
    """An order's part of an account.

    Attributes
    ----------
    order_id : str
        Order; empty for what the truck burnt for no order.
    saved_l, low_l, high_l : float
        Litres saved and the order's part of the month's interval. [l]
    usual_empty_km : float
        Its part of the empty kilometres of the counterfactual. [km]
    credited_g : int
        Its part of the grams credited. [g]
    """

    order_id: str
    saved_l: float
    low_l: float
    high_l: float
    usual_empty_km: float
    credited_g: int


def parts_of_orders(
    account: Mapping[str, Any],
    chain: Mapping[str, float],
    orders: Sequence[Mapping[str, Any]],
    *,
    bounds_l: tuple[float, float] | None,
) -> list[OrderPart]:
    """The parts of the proven orders of an account, and last what fell to no order.

    Parameters
    ----------
    account : mapping
        Row of `frames.ACCOUNTS`, JSON-ready.
    chain : mapping of str to float
        Numbers of its derivation by name.
    orders : sequence of mapping
        Rows of `frames.ORDER_RESULTS`, with `month_activity_tkm`, what was credited of them on
        the legs of the month.
    bounds_l : tuple of float or None
        Interval of the litres saved; None where there is none.

    Returns
    -------
    parts : list of OrderPart
        Empty if the account states no saving, or no order holds any of it.
    """
    proven, shares = _shares(account, orders)
    if not proven:
        return []
    saved_l = account["diesel_saved_l"]
    low_l, high_l = bounds_l or (saved_l, saved_l)
    each_l = _saved_l(account, proven, shares)
    grams = _grams(account["co2_credited_g"], each_l)
    found = [
        OrderPart(
            one["order_id"],
            of_order_l,
            of_order_l - share * (saved_l - low_l),
            of_order_l + share * (high_l - saved_l),
            share * chain["counterfactual_empty_km"],
            credited_g,
        )
        for one, share, of_order_l, credited_g in zip(proven, shares, each_l, grams, strict=True)
    ]
    rest_l = saved_l - sum(each_l)
    return [*found, OrderPart("", rest_l, rest_l, rest_l, 0.0, 0)]


def credited_of_orders(
    account: Mapping[str, Any], orders: Sequence[Mapping[str, Any]]
) -> dict[str, int]:
    """The grams of each proven order by its identifier, the same as `parts_of_orders` gives. [g]"""
    proven, shares = _shares(account, orders)
    if not proven:
        return {}
    grams = _grams(account["co2_credited_g"], _saved_l(account, proven, shares))
    return {one["order_id"]: of_one for one, of_one in zip(proven, grams, strict=True)}


def _shares(
    account: Mapping[str, Any], orders: Sequence[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], list[float]]:
    """The proven orders and their shares of the credited activity; none if nothing is shared."""
    proven = [one for one in orders if one["matched"] and one["realised_diesel_l"] is not None]
    activity_tkm = sum(one["month_activity_tkm"] for one in proven)
    if account["diesel_saved_l"] is None or activity_tkm <= 0:
        return [], []
    return proven, [one["month_activity_tkm"] / activity_tkm for one in proven]


def _saved_l(
    account: Mapping[str, Any], proven: Sequence[Mapping[str, Any]], shares: Sequence[float]
) -> list[float]:
    """What each order took less than its part of the counterfactual. [l]"""
    return [
        share * account["baseline_diesel_l"] - one["realised_diesel_l"]
        for share, one in zip(shares, proven, strict=True)
    ]


def _grams(credited_g: int, saved_l: Sequence[float]) -> list[int]:
    """Grams by the litres of the orders that saved any."""
    steps = [max(0, round(one * STEPS_PER_L)) for one in saved_l]
    return apportion(credited_g, steps if any(steps) else [1] * len(steps))
