"""What a fleet's intake must know of the record before it adds to it, asked at once.

Each of these alone is a small question; together they were most of what a small commit cost.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import text

from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.files import ReceptionNumber, RowNumber
from fleet_carbon.storage.segments import VersionNumber

_NEWEST = (
    ("closing_step", "closing_downs", "sequence"),
    ("vehicles", "vehicles_versions", "sequence"),
    ("drivers", "drivers_versions", "sequence"),
    ("withdrawals", "withdrawals", "sequence"),
    ("version", "trace_versions", "version"),
    ("journal", "trace_journals", "sequence"),
    ("reception", "receptions", "sequence"),
    ("audit_event", "audit_events", "sequence"),
)
# A version of another kind only moves fixes that are on record.
_CHANGED = (
    "EXISTS (SELECT 1 FROM trace_versions AS later WHERE later.fleet_id = :fleet"
    " AND later.version > :since AND later.kind IN ('ingest', 'withdrawal', 'reduction'))"
)
_ASKED = text(
    "SELECT "
    + ", ".join(
        f"(SELECT coalesce(max(of_{name}.{column}), 0) FROM {table} AS of_{name}"
        f" WHERE of_{name}.fleet_id = :fleet) AS {name}"
        for name, table, column in _NEWEST
    )
    + f", {_CHANGED} AS is_changed"
)


class IntakeState(NamedTuple):
    """The newest numbers of a fleet; 0 where there is nothing.

    Attributes
    ----------
    closing_step : RowNumber
        Of its closing down.
    vehicles, drivers, withdrawals : RowNumber
        While these stay, the register does.
    version : VersionNumber
        Of the trace store.
    journal : RowNumber
    reception : ReceptionNumber
    audit_event : RowNumber
    is_changed : bool
        Whether files brought fixes, or any were taken away, after the version that was named.
    """

    closing_step: RowNumber
    vehicles: RowNumber
    drivers: RowNumber
    withdrawals: RowNumber
    version: VersionNumber
    journal: RowNumber
    reception: ReceptionNumber
    audit_event: RowNumber
    is_changed: bool

    @property
    def register(self) -> tuple[int, ...]:
        """Changes when trucks or drivers are recorded or anything is withdrawn."""
        return self.vehicles, self.drivers, self.withdrawals


def intake_state(transaction: Transaction, since: VersionNumber) -> IntakeState:
    """How a fleet's record stands, in a transaction that has the fleet.

    Parameters
    ----------
    transaction : Transaction
        One that writes.
    since : VersionNumber
        Of the trace store, as it was known before.
    """
    asked = {"fleet": transaction.fleet_id, "since": since}
    found = IntakeState(*transaction.writing.execute(_ASKED, asked).one())
    return found._replace(is_changed=bool(found.is_changed))
