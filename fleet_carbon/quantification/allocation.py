"""Litres of legs to the orders that were aboard, approach included.

A leg's diesel goes to the orders aboard by their tonne-kilometres on it. The empty way to a
pick-up goes to the load it was driven for (NTM practice; methodology note, section 1.2), by mass
if several were loaded at once. Empty running without a following load stays with the truck.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass
class _Sequence:
    """Walking along the legs of one truck."""

    pending_l: float = 0.0
    aboard_before: set[str] = field(default_factory=set)


def allocate_diesel(legs: pd.DataFrame, leg_orders: pd.DataFrame) -> dict[str, float]:
    """Diesel that fell to each order, its legs and its approach.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS` with `diesel_l`, any order.
    leg_orders : DataFrame
        `frames.LEG_ORDERS`.

    Returns
    -------
    diesel_l : dict of str to float
        By order_id; NaN where the diesel of a leg is missing. Never more in sum than the legs
        burnt. [l]
    """
    aboard: dict[tuple[Any, Any], list[Any]] = defaultdict(list)
    for row in leg_orders.sort_values("order_id", kind="stable").itertuples():
        aboard[(row.vehicle_id, row.started_at)].append(row)
    shares: dict[str, list[float]] = defaultdict(list)
    for _, driven in legs.sort_values("started_at", kind="stable").groupby("vehicle_id"):
        walk = _Sequence()
        for leg in driven.itertuples():
            _book_leg(leg, aboard[(leg.vehicle_id, leg.started_at)], walk, shares)
    return {order_id: math.fsum(parts) for order_id, parts in sorted(shares.items())}


def _book_leg(leg: Any, aboard: list[Any], walk: _Sequence, shares: dict[str, list[float]]) -> None:
    if not aboard:
        if leg.state == "empty" and leg.purpose != "private":
            walk.pending_l += float(leg.diesel_l)
        return
    loaded_now = [row for row in aboard if row.order_id not in walk.aboard_before]
    _share(float(leg.diesel_l), aboard, [row.cargo_t * row.onboard_km for row in aboard], shares)
    if loaded_now:
        _share(walk.pending_l, loaded_now, [row.cargo_t for row in loaded_now], shares)
    walk.pending_l = 0.0
    walk.aboard_before.update(row.order_id for row in aboard)


def _share(
    litres: float, rows: list[Any], weights: list[float], shares: dict[str, list[float]]
) -> None:
    """Split by weight; equally where all weights are zero."""
    whole = math.fsum(weights)
    for row, weight in zip(rows, weights, strict=True):
        part = weight / whole if whole > 0 else 1 / len(rows)
        shares[str(row.order_id)].append(litres * part)
