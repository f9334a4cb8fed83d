"""Every table of a close for some trucks: their figures, and how each came about."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from fleet_carbon.frames import (
    ACCOUNTS,
    DERIVATIONS,
    INTERVALS,
    LANES,
    LEG_ORDERS,
    LEGS,
    ORDER_RESULTS,
    RECEIPTS,
    Frame,
)
from fleet_carbon.learning.loading import LoadClassifier, heed_driving
from fleet_carbon.quantification.accounts import (
    AccountContext,
    compose_accounts,
    quantify_legs,
    quantify_orders,
)
from fleet_carbon.quantification.derivation import Derivation
from fleet_carbon.quantification.month_fuel import fuel_of_month
from fleet_carbon.quantification.receipts import judge_receipts
from fleet_carbon.quantification.tank_levels import heed_levels
from fleet_carbon.services.months.cut_tables import CutFacts, CutTables
from fleet_carbon.services.months.cutting import CLOCK_FUTURE
from fleet_carbon.traces.cleaning import REASONS

# What a close keeps.
FRAMES: tuple[Frame, ...] = (
    LEGS,
    LEG_ORDERS,
    ORDER_RESULTS,
    ACCOUNTS,
    LANES,
    DERIVATIONS,
    INTERVALS,
    RECEIPTS,
)


def quantified(
    context: AccountContext,
    orders: pd.DataFrame,
    cut: CutTables,
    *,
    loads: LoadClassifier | None,
) -> dict[str, pd.DataFrame]:
    """Diesel, CO2, savings and their intervals of some trucks, by the names of `FRAMES`.

    Parameters
    ----------
    context : AccountContext
        Everything the accounts rest on besides legs and orders.
    orders : DataFrame
        `frames.ORDERS` on record.
    cut : CutTables
        The trucks' legs, orders and purchases, and what became of their fixes.
    loads : LoadClassifier or None
        Looks at what orders say of the legs; None if none serves the month.
    """
    receipts = judge_receipts(
        cut.purchases,
        context.vehicles,
        month=context.month,
        density_kg_per_l=float(context.basis.diesel.density_kg_per_l),
        edition=context.edition,
    )
    receipts = heed_levels(
        receipts, cut.level_changes, month=context.month, edition=context.edition
    )
    driven = heed_driving(cut.legs, context.vehicles, edition=context.edition, classifier=loads)
    fuel = fuel_of_month(driven, receipts, context.fuel)
    legs = quantify_legs(driven, fuel, context=context)
    leg_orders = _with_weights(cut.leg_orders, orders)
    order_results = quantify_orders(cut.order_results, leg_orders, legs, fuel=fuel, context=context)
    order_results = _with_places(order_results, orders)
    found = compose_accounts(legs, leg_orders, order_results, fuel=fuel, context=context)
    _write_down_fixes(found.derivation, cut.facts)
    return {
        LEGS.name: legs,
        LEG_ORDERS.name: leg_orders,
        ORDER_RESULTS.name: order_results,
        ACCOUNTS.name: found.accounts,
        LANES.name: found.lanes,
        DERIVATIONS.name: found.derivation.table(),
        INTERVALS.name: found.intervals,
        RECEIPTS.name: receipts,
    }


def _with_weights(leg_orders: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """The orders aboard with where their weight comes from, on which its error depends."""
    sources = orders.set_index("order_id")["weight_source"]
    return leg_orders.assign(weight_source=leg_orders["order_id"].map(sources).astype("string"))


def _with_places(order_results: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """The results with how well each place was known: a looked-up place is no coordinate."""
    of_order = orders.set_index("order_id")
    known = {
        name: order_results["order_id"].map(of_order[name]).astype("float64")
        for name in ("pickup_uncertainty_km", "delivery_uncertainty_km")
    }
    return order_results.assign(**known)


def _write_down_fixes(derivation: Derivation, facts: Sequence[CutFacts]) -> None:
    """What became of the fixes of each account's truck."""
    of_truck = {fact.vehicle_id: fact for fact in facts}
    trucks = [of_truck[vehicle_id] for _, vehicle_id in derivation.accounts]
    counts = {
        "fixes_read_count": [fact.fixes_count for fact in trucks],
        "fixes_in_month_count": [fact.fixes_in_month_count for fact in trucks],
        **{
            f"dropped_{reason}_count": [fact.dropped.get(reason, 0) or math.nan for fact in trucks]
            for reason in (CLOCK_FUTURE, *REASONS.values())
        },
    }
    for name, values in counts.items():
        column = np.array(values, np.float64)
        derivation.add("trace", name, column, unit="1", source="table:positions")
