"""Small tables written in code: one truck, one driver, figures that can be checked by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from fleet_carbon.frames import (
    ACCOUNTS,
    BASELINES,
    DRIVERS,
    LANES,
    LEG_ORDERS,
    LEGS,
    ORDER_RESULTS,
    ORDERS,
    RECEIPTS,
    VEHICLES,
)
from fleet_carbon.periods import Month
from fleet_carbon.quantification import accounts, editions, factors
from fleet_carbon.quantification.month_fuel import fuel_of_month
from fleet_carbon.quantification.profile import SPEED_COLUMNS

MODELS = Path(__file__).resolve().parents[2] / "models"
MONTH = Month(2026, 3, ZoneInfo("Asia/Shanghai"))
START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
BOOK = factors.FactorBook.load(MODELS)
EDITION = editions.edition_in_force(MODELS, MONTH.first_day)

# The tractor-trailer of the reference case (methodology note, section 4.3): 23.44 l/100 km empty
# and 0.6 l/100 km per tonne, so 23.44 + 30 x 0.6 = 41.44 l/100 km at 30 t.
TRUCK = {
    "vehicle_id": "T1",
    "rated_payload_t": 30.0,
    "energy": "diesel",
    "empty_l_per_100km": 23.44,
    "full_l_per_100km": 41.44,
}


def vehicles(*rows: dict[str, Any]) -> pd.DataFrame:
    return VEHICLES.shape(pd.DataFrame([{**TRUCK, **row} for row in rows or ({},)]))


def leg(index: int = 0, **given: Any) -> dict[str, Any]:
    """A loaded leg of 100 km with 20 t, two hours, no standing; `index` hours after the start."""
    row: dict[str, Any] = {
        "vehicle_id": "T1",
        "driver_id": "D1",
        "started_at": START + timedelta(hours=3 * index),
        "finished_at": START + timedelta(hours=3 * index + 2),
        "state": "loaded",
        "purpose": "delivery",
        "order_ids": "O1",
        "payload_t": 20.0,
        "distance_km": 100.0,
        "imputed_km": 0.0,
        "duration_h": 2.0,
        "stop_h": 0.0,
        "idle_h": 0.0,
        "gap_h": 0.0,
        "from_lon": 113.0,
        "from_lat": 30.0,
        "to_lon": 114.0,
        "to_lat": 30.0,
        "reason_code": "order_aboard",
        "distance_source": "positions",
        "confidence_share": 1.0,
        "trace_version": "x",
        **given,
    }
    work = row["payload_t"] * row["distance_km"]
    return {"transport_work_tkm": work, "activity_tkm": work, **row}


def empty_leg(index: int, **given: Any) -> dict[str, Any]:
    """An empty leg of 50 km in search of the next load."""
    fields = {
        "state": "empty", "purpose": "search", "order_ids": "", "payload_t": 0.0,
        "distance_km": 50.0, "reason_code": "nothing_aboard", "duration_h": 1.0,
    }  # fmt: skip
    return leg(index, **{**fields, **given})


def seen(distance_km: float, moving_h: float, **given: Any) -> dict[str, Any]:
    """Columns of a profile: all of the way at 60 to 80 km/h, two comings to rest."""
    bins = dict.fromkeys(SPEED_COLUMNS, 0.0)
    bins |= {"driven_v60_km": 0.3 * distance_km, "driven_v70_km": 0.7 * distance_km}
    own = {"moving_h": moving_h, "stops_count": 2, "kinetic_gained_j_per_kg": 40.0 * distance_km}
    return {**bins, **own, "distance_km": distance_km, **given}


def fill(hours: float, quantity: float, **given: Any) -> dict[str, Any]:
    """A counted purchase that filled the tank, so many hours after the start."""
    at = START + timedelta(hours=hours)
    return {
        "vehicle_id": "T1", "bought_at": at, "fuelled_at": at, "receipt_id": f"R{hours}",
        "quantity": quantity, "unit": "l", "verdict": "counted", "counted_quantity": quantity,
        "counted_unit": "l", "is_hour_known": True, "is_full": True, "remarks": "", "text": "",
        **given,
    }  # fmt: skip


def legs(*rows: dict[str, Any]) -> pd.DataFrame:
    return LEGS.shape(pd.DataFrame(list(rows)))


def order(order_id: str = "O1", **given: Any) -> dict[str, Any]:
    return {
        "order_id": order_id,
        "vehicle_id": "T1",
        "driver_id": "D1",
        "status": "delivered",
        "matched": True,
        "reason_code": "stops_prove_it",
        "cargo_t": 20.0,
        "great_circle_km": 80.0,
        "confidence_share": 1.0,
        **given,
    }


def orders(*rows: dict[str, Any]) -> pd.DataFrame:
    return ORDER_RESULTS.shape(pd.DataFrame(list(rows))) if rows else ORDER_RESULTS.empty()


def aboard(*rows: tuple[int, str, float, float]) -> pd.DataFrame:
    """Rows of (leg index, order, cargo in t, km aboard)."""
    return LEG_ORDERS.shape(
        pd.DataFrame(
            [
                {
                    "vehicle_id": "T1",
                    "started_at": START + timedelta(hours=3 * index),
                    "order_id": order_id,
                    "cargo_t": cargo_t,
                    "onboard_km": onboard_km,
                    "activity_tkm": cargo_t * onboard_km,
                }
                for index, order_id, cargo_t, onboard_km in rows
            ]
        )
    )


def baselines(*rows: dict[str, Any]) -> pd.DataFrame:
    fields = {
        "driver_id": "D1", "valid_from": "2026-01-01", "empty_share": 0.40,
        "payload_utilisation_share": 0.50,
    }  # fmt: skip
    return BASELINES.shape(pd.DataFrame([{**fields, **row} for row in rows or ({},)]))


def drivers(joined_on: str | None = None) -> pd.DataFrame:
    return DRIVERS.shape(pd.DataFrame([{"driver_id": "D1", "joined_on": joined_on}]))


def past(month: str, **given: Any) -> dict[str, Any]:
    """An earlier account: 10,000 km, 40 % empty, 30 t truck half full on loaded km."""
    fields = {
        "month": month, "fleet_id": "F", "driver_id": "D1", "vehicle_id": "T1", "edition": "x",
        "distance_km": 10_000.0, "loaded_km": 6_000.0, "empty_km": 4_000.0, "unknown_km": 0.0,
        "imputed_km": 0.0, "search_km": 1_000.0, "transport_work_tkm": 90_000.0,
        "activity_tkm": 90_000.0, "orders_count": 0, "orders_matched_count": 0, "idle_h": 0.0,
        "stop_h": 0.0, "co2_credited_g": 0, "quality": "modelled", "notes": "",
        "diesel_source": "declared", "diesel_l": 3_000.0,
    }  # fmt: skip
    return {**fields, **given}


def history(*rows: dict[str, Any]) -> pd.DataFrame:
    return ACCOUNTS.shape(pd.DataFrame(list(rows))) if rows else ACCOUNTS.empty()


def price(amount: str = "30", unit: str = "t", currency: str = "CNY") -> accounts.Price:
    return accounts.Price(Decimal(amount), currency, unit, "test", date(2026, 1, 1))


def context(**given: Any) -> accounts.AccountContext:
    fields: dict[str, Any] = {
        "month": MONTH,
        "fleet_id": "F",
        "vehicles": vehicles(),
        "drivers": drivers(),
        "baselines": baselines(),
        "orders": ORDERS.empty(),
        "history": history(),
        "lanes": LANES.empty(),
        "carbon_price": price(),
        "diesel_price": price("8.5", "l"),
        "book": BOOK,
        "edition": EDITION,
    }
    return accounts.AccountContext(**{**fields, **given})


def account(
    *rows: dict[str, Any],
    results: pd.DataFrame | None = None,
    carried: pd.DataFrame | None = None,
    **given: Any,
) -> dict[str, Any]:
    """The only account that follows from these legs."""
    everything = context(**given)
    fuel = fuel_of_month(legs(*rows), RECEIPTS.empty(), everything.fuel)
    quantified = accounts.quantify_legs(legs(*rows), fuel, context=everything)
    found = accounts.compose_accounts(
        quantified,
        aboard() if carried is None else carried,
        orders() if results is None else results,
        fuel=fuel,
        context=everything,
    ).accounts
    assert len(found) == 1
    return {str(key): value for key, value in found.iloc[0].items()}
