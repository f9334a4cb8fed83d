"""What became of an order beside what was expected of it, under one key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from fleet_carbon.errors import NotFound
from fleet_carbon.services.accounts.order_credits import credited_g_of
from fleet_carbon.settings import Settings
from fleet_carbon.statements import planning as lines_of
from fleet_carbon.storage.unit_of_work import ClosingRun, UnitOfWork, open_storage

NOT_CLOSED, NOT_PROVEN, PROVEN = "month_not_closed", "not_proven", "proven"
# Figure of the estimate -> figure of what was realised.
_COMPARED = {
    "approach_km": "approach_km",
    "trip_km": "onboard_km",
    "diesel_l": "realised_diesel_l",
    "co2_ttw_kg": "realised_co2_kg",
    "co2_credited_g": "co2_credited_g",
}


@dataclass(frozen=True)
class RealisedReport:
    """An order: planned, realised, and the difference."""

    told: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return dict(self.told)

    def lines(self) -> list[str]:
        """A table for people."""
        return lines_of.realised_lines(self.as_dict())


def read_realised(settings: Settings, order_id: str) -> RealisedReport:
    """What became of an order, beside the last that was expected of it before.

    Raises
    ------
    NotFound
        ``order_not_found``: neither on record nor ever estimated.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        kept = work.estimates.of_order(order_id)
        known = work.orders.named([order_id])
        if not kept and known.empty:
            raise NotFound(
                "order_not_found",
                f"There is no order {order_id!r}, and none was estimated under that name.",
                "Check the identifier.",
                order_id=order_id,
            )
        order: dict[str, Any] | None = None
        estimate_id = None
        if kept:
            content = json.loads(kept[-1].content)
            order, estimate_id = content["order"], kept[-1].estimate_id
        realised = realised_of(work, storage.zone, order_id, estimated=order or {})
    return RealisedReport({"order_id": order_id, "estimate_id": estimate_id, "realised": realised})


def realised_of(
    work: UnitOfWork, zone: ZoneInfo, order_id: str, *, estimated: Mapping[str, Any]
) -> dict[str, Any]:
    """What a closed month says of an order, beside what was expected on the truck that drove it.

    Parameters
    ----------
    work : UnitOfWork
        What is on record.
    zone : ZoneInfo
        Of the fleet.
    order_id : str
        The order.
    estimated : mapping
        The order of an estimate; may be empty.

    Notes
    -----
    The grams are those that the driver's statement names for the order, see `order_credits`; the
    account is credited as a whole, month by month, so that parts tell who bore it and no more.
    """
    months = _months(work, zone, order_id, estimated)
    runs = [run for run in (work.closings.latest(month) for month in months) if run is not None]
    if not runs:
        return {"state": NOT_CLOSED, "month": months[0] if months else None}
    found = [(run, _row(work, run, order_id)) for run in runs]
    rows = [(run, row) for run, row in found if row is not None]
    if not rows:
        return {"state": NOT_PROVEN, "month": runs[0].month, "reason_code": "order_not_on_record"}
    # An order at the border of months stands in both; it is proven where it was unloaded.
    run, row = max(rows, key=lambda one: (bool(one[1]["matched"]), one[0].month))
    told = {
        "state": PROVEN if row["matched"] else NOT_PROVEN,
        "month": run.month,
        "run_id": run.run_id,
        "vehicle_id": row["vehicle_id"],
        "driver_id": _plain(row["driver_id"]),
        "reason_code": row["reason_code"],
        "confidence_share": _plain(row["confidence_share"]),
        **{name: _plain(row[name]) for name in _COMPARED.values() if name in row},
        "co2_credited_g": credited_g_of(work, run, order_id, vehicle_id=row["vehicle_id"]),
    }
    planned = [
        one for one in estimated.get("candidates", ()) if one["vehicle_id"] == row["vehicle_id"]
    ]
    return told | {"against_estimate": _compared(planned[0], told) if planned else None}


def _months(
    work: UnitOfWork, zone: ZoneInfo, order_id: str, estimated: Mapping[str, Any]
) -> list[str]:
    """The months in which the order was to be driven."""
    known = work.orders.named([order_id])
    moments = [known[name].iloc[0] for name in ("pickup_time", "delivery_time") if len(known)]
    moments += [
        datetime.fromisoformat(estimated[name])
        for name in ("pickup_time", "delivery_time")
        if estimated.get(name)
    ]
    return sorted({f"{moment.astimezone(zone):%Y-%m}" for moment in moments})


def _row(work: UnitOfWork, run: ClosingRun, order_id: str) -> dict[Any, Any] | None:
    results = work.closings.table(run, "order_results")
    found = results.loc[(results["order_id"] == order_id).to_numpy(bool)].to_dict("records")
    return found[0] if found else None


def _compared(planned: Mapping[str, Any], realised: Mapping[str, Any]) -> dict[str, Any]:
    figures = {}
    for name, other in _COMPARED.items():
        before, after = planned.get(name), realised.get(other)
        figures[name] = {
            "planned": before,
            "realised": after,
            "difference": None if before is None or after is None else round(after - before, 3),
        }
    return {"vehicle_id": planned["vehicle_id"], "rank": planned["rank"], "figures": figures}


def _plain(value: Any) -> Any:
    if value is None or pd.isna(value):
        return None
    return round(float(value), 3) if isinstance(value, float) else value
