"""What became of an order: proven or not and why, what it took, what was credited for it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from fleet_carbon.errors import NotFound
from fleet_carbon.frames import epoch_ms
from fleet_carbon.periods import from_epoch_ms
from fleet_carbon.services.accounts.order_credits import credited_g_of
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.statements.reasons import order_reason
from fleet_carbon.storage.unit_of_work import ClosingRun, Storage, UnitOfWork, open_storage

NOT_CLOSED, PROVEN, NOT_PROVEN, CANCELLED = "not_closed", "proven", "not_proven", "cancelled"


@dataclass(frozen=True)
class OrderOutcome:
    """What the latest close that counts an order says of it.

    Attributes
    ----------
    order_id : str
    state : str
        ``not_closed``: no month that counts it was closed; ``proven``, ``not_proven``,
        ``cancelled``.
    text : str
        Why, in a sentence.
    month, run_id, closed_at : str
        Of the close; empty if there is none.
    is_newest : bool
        Whether the order was on record as it is now when that month was closed.
    result : dict or None
        The row of `frames.ORDER_RESULTS`, JSON-ready.
    credited_g : int or None
        As the driver's statement names it, see `order_credits`; None without proof. [g]
    """

    order_id: str
    state: str
    text: str
    month: str = ""
    run_id: str = ""
    closed_at: str = ""
    is_newest: bool = True
    result: dict[str, Any] | None = None
    credited_g: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return vars(self)


def read_outcome(settings: Settings, order_id: str) -> OrderOutcome:
    """What became of an order by the latest close of the month that counts it.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    order_id : str
        The order.

    Raises
    ------
    NotFound
        ``record_not_found`` if no such order was ever received.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        return outcome_of(storage, work, order_id)


def outcome_of(storage: Storage, work: UnitOfWork, order_id: str) -> OrderOutcome:
    """The same in a unit of work that is begun."""
    found = work.browsing.versions("orders", "order_id", order_id)
    if not found.sequences:
        raise NotFound(
            "record_not_found", f"There is no order {order_id!r} on record.", "List the orders."
        )
    last_at = max(found.recorded_at)
    for run in _runs(storage, work, found.rows):
        rows = work.closings.rows_with(run, "order_results", column="order_id", value=order_id)
        if len(rows):
            row = tables.records(rows)[0]
            return OrderOutcome(
                order_id,
                _state(row),
                order_reason(row["reason_code"]),
                month=run.month,
                run_id=run.run_id,
                closed_at=run.closed_at.isoformat(),
                is_newest=last_at <= run.closed_at,
                result=row,
                credited_g=(
                    credited_g_of(work, run, order_id, vehicle_id=row["vehicle_id"])
                    if row["matched"]
                    else None
                ),
            )
    return OrderOutcome(order_id, NOT_CLOSED, "No month that counts it was closed yet.")


def _state(row: dict[str, Any]) -> str:
    if row["status"] == "cancelled":
        return CANCELLED
    return PROVEN if row["matched"] else NOT_PROVEN


def _runs(storage: Storage, work: UnitOfWork, versions: pd.DataFrame) -> list[ClosingRun]:
    """Closes of the months in which any version of the order was planned, the newest first."""
    moments = epoch_ms(pd.concat([versions["pickup_time"], versions["delivery_time"]]))
    # An order that was late is proven in the month after its plan.
    months = {_month(from_epoch_ms(int(ms)), storage, step) for ms in moments for step in (0, 1)}
    runs = (work.closings.latest(month) for month in sorted(months, reverse=True))
    return sorted(
        (run for run in runs if run is not None), key=lambda run: run.closed_at, reverse=True
    )


def _month(moment: datetime, storage: Storage, step: int) -> str:
    local = moment.astimezone(storage.zone)
    years, place = divmod(local.month - 1 + step, 12)
    return f"{local.year + years:04d}-{place + 1:02d}"
