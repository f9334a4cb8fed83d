"""What others are told of: each event is put on record by the unit of work that does it.

An event that stands for many, such as the orders of a close, is one row, so that a close of a
hundred thousand orders waits for nothing: the rows of each receiver are made from the tables of
the closing run afterwards (see `spreading`). An event has an identifier that follows from what
it tells, and is the same however often it is told.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import quote

from fleet_carbon.ledger import accounts
from fleet_carbon.storage.unit_of_work import ClosingRun, UnitOfWork
from fleet_carbon.storage.webhooks import EventRow

ORDER_PROVEN, ORDER_UNMATCHED = "order.proven", "order.unmatched"
MONTH_CLOSED, MONTH_RESTATED = "month.closed", "month.restated"
STATEMENT_PUBLISHED, SALE_SETTLED = "statement.published", "sale.settled"
ENDPOINT_DISABLED, PING = "webhook.disabled", "webhook.ping"
EVENT_TYPES = (
    ORDER_PROVEN,
    ORDER_UNMATCHED,
    MONTH_CLOSED,
    MONTH_RESTATED,
    STATEMENT_PUBLISHED,
    SALE_SETTLED,
    ENDPOINT_DISABLED,
)
"""What an endpoint may want to be told of; a ping comes when somebody asks for it."""

ORDERS_OF_RUN, STATEMENTS_OF_RUN = "orders of a run", "statements of a run"
"""Events that stand for many; they are told to nobody as they are."""

_ACCOUNTS_TOLD_MAX = 20
# As the summary of a run calls them -> as they are told.
_FIGURES = {
    "accounts": "accounts_count",
    "orders": "orders_count",
    "orders_matched": "orders_matched_count",
    "co2_credited_g": "co2_credited_g",
}


def event_name(*facts: str) -> str:
    """The identifier of an event, from what it tells."""
    return "msg_" + hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]


def _event(work: UnitOfWork, type_name: str, name: str, told: dict[str, Any], at: datetime) -> None:
    event_id = event_name(told["fleet_id"], type_name, name)
    work.webhooks.tell([EventRow(event_id, type_name, told, at)])


def tell_close(
    work: UnitOfWork, fleet_id: str, run: ClosingRun, *, previous: ClosingRun | None
) -> None:
    """A month was closed, for the first time or again.

    Parameters
    ----------
    work : UnitOfWork
        That puts the run on record.
    fleet_id : str
    run, previous : ClosingRun
        The run, and the one that spoke for the month before; None if there was none.
    """
    told = {"fleet_id": fleet_id, "month": run.month, "run_id": run.run_id}
    closed = told | {
        "edition": run.edition_label,
        "is_first": previous is None,
        **{told_as: run.summary[name] for name, told_as in _FIGURES.items()},
        "href": f"/v1/months/{run.month}/accounts",
    }
    _event(work, MONTH_CLOSED, run.run_id, closed, run.closed_at)
    before = {"previous_run_id": previous.run_id if previous else ""}
    _event(work, ORDERS_OF_RUN, run.run_id, told | before, run.closed_at)
    if previous is not None and run.changes:
        restated = told | before | _restated(run, previous)
        _event(work, MONTH_RESTATED, run.run_id, restated, run.closed_at)


def _restated(run: ClosingRun, previous: ClosingRun) -> dict[str, Any]:
    """The figures of the month before and now, and of the first accounts that changed."""
    return {
        "edition": run.edition_label,
        "previous_edition": previous.edition_label,
        "figures": {
            told_as: {"before": previous.summary[name], "after": run.summary[name]}
            for name, told_as in _FIGURES.items()
        },
        "accounts_changed_count": len(run.changes),
        "changes": [
            {
                "driver_id": change["driver_id"],
                "vehicle_id": change["vehicle_id"],
                "kind": change["kind"],
                "figures": {
                    name: {"before": pair[0], "after": pair[1]}
                    for name, pair in change["figures"].items()
                },
            }
            for change in run.changes[:_ACCOUNTS_TOLD_MAX]
        ],
        "href": f"/v1/months/{run.month}/accounts",
    }


def tell_statements(work: UnitOfWork, fleet_id: str, run: ClosingRun, *, at: datetime) -> None:
    """The statements of a closing run were published; each driver's is told by itself."""
    told = {"fleet_id": fleet_id, "month": run.month, "run_id": run.run_id}
    _event(work, STATEMENTS_OF_RUN, run.run_id, told, at)


def tell_sale(work: UnitOfWork, fleet_id: str, facts: dict[str, Any], *, at: datetime) -> None:
    """A lot was settled: the serials are the buyer's.

    Parameters
    ----------
    work : UnitOfWork
        That posts it.
    fleet_id : str
    facts : dict
        Of the lot: lot_id, buyer, amount_g, price, currency, and the sums of money as text.
    at : datetime
        Of posting.
    """
    names = ("lot_id", "buyer", "amount_g", "price", "currency", "holders_count")
    sums = ("proceeds", "fees", "to_holders")
    told = {
        "fleet_id": fleet_id,
        **{name: facts[name] for name in names},
        **{name: facts[f"{name}_text"] for name in sums},
        "href": f"/v1/ledger/entries?account={quote(accounts.sold_account(facts['buyer']))}",
    }
    _event(work, SALE_SETTLED, facts["lot_id"], told, at)
