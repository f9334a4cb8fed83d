"""Close a month: traces and orders to legs, diesel, CO2, savings; post the ledger.

Everything is read first, computed vehicle by vehicle, and put on record in one unit of work at
the end: a close that is broken off leaves nothing behind. Closing again gives the new truth
and says which figures changed and why; the same inputs give the same bytes and post nothing.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pandas as pd

from fleet_carbon import engine
from fleet_carbon.errors import FleetCarbonError, InputRefused
from fleet_carbon.periods import Month, parse_month
from fleet_carbon.services.ledger import claiming
from fleet_carbon.services.ledger.claiming import Pair, Refusal
from fleet_carbon.services.ledger.issuing import Issued, issue_month, nothing_issued
from fleet_carbon.services.ledger.signing import KeyRing, checkpoint
from fleet_carbon.services.months import comparing, cutting
from fleet_carbon.services.months.computing import Basis, Outcome, compute, read_basis, refusing
from fleet_carbon.services.months.retaining import refuse_reduced
from fleet_carbon.services.support import announcing, program
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.settings import Settings
from fleet_carbon.statements import notices
from fleet_carbon.storage.unit_of_work import ClosingRun, Storage, UnitOfWork, open_storage

# Numbers of the derivation -> what the reader of an account is told.
_COUNTERFACTUAL = {
    "counterfactual_empty_share": "empty_share",
    "counterfactual_payload_share": "payload_utilisation_share",
}


@dataclass(frozen=True)
class Closed:
    """What a close came to.

    Attributes
    ----------
    run : ClosingRun
        The run on record that now speaks for the month.
    fleet_id : str
        Fleet.
    is_first, is_new : bool
        Whether the month was closed for the first time; whether this close was put on record,
        which it is not if nothing at all is different from the run before.
    issued : Issued
        What became of the ledger.
    trucks_cut_count : int
        Trucks whose legs were cut now; nothing that concerns the others' had changed.
    later_months : tuple of str
        Months closed already that may rest on this one, as own history or as a part of their year.
    is_dry_run : bool
        Whether it was only tried: nothing of it is on record.
    """

    run: ClosingRun
    fleet_id: str
    is_first: bool
    is_new: bool
    issued: Issued
    trucks_cut_count: int
    later_months: tuple[str, ...] = ()
    is_dry_run: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "month": self.run.month,
            "fleet_id": self.fleet_id,
            "edition": self.run.edition_label,
            "run_id": self.run.run_id,
            **self.run.summary,
            "first_close": self.is_first,
            "changed": self.is_new and not self.is_first,
            **self.issued.as_dict(),
            "vehicles_cut": self.trucks_cut_count,
            "changes": self.run.changes if self.is_new else [],
            "later_months": list(self.later_months),
            "dry_run": self.is_dry_run,
        }

    def lines(self) -> list[str]:
        """The outcome for people."""
        return notices.closing_lines(self.as_dict())


@contextlib.contextmanager
def _old_objects_left_alone() -> Iterator[None]:
    """What was there before is not searched for garbage again and again: modules are most of it."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@_old_objects_left_alone()
def close_month(
    settings: Settings,
    month: str,
    *,
    is_dry_run: bool = False,
    progress: Progress | None = None,
) -> Closed:
    """Close a month of the fleet, for the first time or again.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    month : str
        YYYY-MM, a month of the fleet's zone that is over.
    is_dry_run : bool
        Tell what a close would come to and post, and put nothing on record.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    InputRefused
        If the month is malformed, still open, or the fleet has no positions in it.
    FleetCarbonError
        If the month was closed by somebody else in the meantime.
    """
    now = datetime.now(UTC)
    way = engine.way_of(settings.scheduler, settings.workers)
    with contextlib.closing(open_storage(settings)) as storage:
        storage.check_open()
        wanted = parse_month(month, storage.zone)
        _refuse_open(wanted, now)
        with storage.begin(read_only=True) as work:
            _refuse_imported(work, wanted)
            refuse_reduced(work, wanted)
            basis = read_basis(work, settings, storage, month=wanted)
        shelf, reopened = (storage.cut_shelf(str(wanted)) for _ in range(2))
        cut_rows = partial(cutting.cut_rows, way=way, progress=progress or Silent())
        outcome = compute(basis, cut_rows, storage, shelf=shelf, reopened=reopened)
        again = partial(refusing, basis, cut_rows=cut_rows, shelf=reopened)
        outcome = _with_claims(storage, outcome, again)
        closed = None
        while closed is None:
            try:
                record = partial(_put_on_record, storage, basis, outcome, now=now)
                closed = _tried(record) if is_dry_run else record(ring=KeyRing(settings))
            except claiming.ClaimedMeanwhile:
                outcome = _with_claims(storage, outcome, again)
        shelf.sweep()
        return closed


def _with_claims(
    storage: Storage,
    outcome: Outcome,
    again: Callable[[Outcome, dict[Pair, Refusal]], Outcome],
) -> Outcome:
    """The outcome without credit for accounts whose intervals are claimed already."""
    with storage.begin(read_only=True) as work:
        refusals = claiming.find_refusals(work, outcome.claims, storage.fleet_id)
    return again(outcome, refusals) if refusals else outcome


def _refuse_open(month: Month, now: datetime) -> None:
    if not month.is_over(now):
        last_day = month.last_day
        raise InputRefused(
            "month_still_open",
            f"{month} is not over: its last day is {last_day} in {month.zone.key}.",
            "Close it from the next day on, when its positions have arrived.",
            month=str(month),
        )


def _refuse_imported(work: UnitOfWork, month: Month) -> None:
    """What another installation closed would be taken back here, where nothing of it lies."""
    if str(month) in work.handover.imported_months():
        raise InputRefused(
            "month_of_another_installation",
            f"{month} was closed before the ledger came here; its traces and orders did not come.",
            "It stays as it was closed. Correct single figures with `fleet-carbon ledger cancel`.",
            month=str(month),
        )


class _OnlyTried(Exception):
    """Undoes a unit of work whose outcome is told and not kept."""

    def __init__(self, closed: Closed) -> None:
        super().__init__()
        self.closed = closed


def _tried(record: Callable[..., Closed]) -> Closed:
    """What would be put on record: it is posted as it would be, and then forgotten."""
    try:
        return replace(record(ring=None), is_dry_run=True)
    except _OnlyTried as tried:
        return replace(tried.closed, is_dry_run=True)


def _put_on_record(
    storage: Storage, basis: Basis, outcome: Outcome, *, now: datetime, ring: KeyRing | None
) -> Closed:
    """Put everything on record and sign it; without a key to sign nothing is kept."""
    previous = basis.previous
    with storage.begin() as work:
        digests = dict.fromkeys(outcome.tables, "")
        if ring is not None:
            digests = work.closings.store(outcome.tables)
        _refuse_overtaken(work, basis)
        if previous is not None and _says_the_same(work, previous, outcome, digests):
            issued = nothing_issued(work)
            return Closed(
                previous, storage.fleet_id, False, False, issued, outcome.trucks_cut_count
            )
        run = _run_of(work, basis, outcome, now)
        run = work.closings.save(run.month, replace(run, table_digests=digests))
        accounts = outcome.tables["accounts"]
        issued = issue_month(work, run, accounts, rule=basis.sharing, now=now)
        claiming.refuse_taken(work, outcome.claims, storage.fleet_id)
        work.claims.record(run.month, run.run_id, outcome.claims)
        announcing.tell_close(work, storage.fleet_id, run, previous=previous)
        later = [month for month in work.closings.months() if month > run.month]
        closed = Closed(
            run,
            storage.fleet_id,
            is_first=previous is None,
            is_new=True,
            issued=issued,
            trucks_cut_count=outcome.trucks_cut_count,
            later_months=tuple(later),
        )
        if ring is None:
            raise _OnlyTried(closed)
        checkpoint(work, ring, now)
    return closed


def _refuse_overtaken(work: UnitOfWork, basis: Basis) -> None:
    latest = work.closings.latest(str(basis.month))
    known = basis.previous.run_id if basis.previous else None
    if (latest.run_id if latest else None) != known:
        raise FleetCarbonError(
            "month_closed_meanwhile",
            f"{basis.month} was closed by another command while this one was computing.",
            "Close it again; nothing of this one was kept.",
        )


def _says_the_same(
    work: UnitOfWork, previous: ClosingRun, outcome: Outcome, digests: dict[str, str]
) -> bool:
    if previous.inputs != outcome.inputs or previous.table_digests.keys() != digests.keys():
        return False
    # Other bytes may come from a newer writer of files and hold the same.
    return previous.table_digests == digests or all(
        work.closings.table(previous, name).equals(rows) for name, rows in outcome.tables.items()
    )


def _run_of(work: UnitOfWork, basis: Basis, outcome: Outcome, now: datetime) -> ClosingRun:
    previous, accounts = basis.previous, outcome.tables["accounts"]
    changes: list[dict[str, Any]] = []
    if previous is not None:
        changes = comparing.compare_accounts(
            work.closings.table(previous, "accounts"),
            accounts,
            inputs_before=previous.inputs,
            inputs_after=outcome.inputs,
        )
    identity = [previous.run_id if previous else "", str(basis.month), *_flat(outcome.inputs)]
    return ClosingRun(
        run_id=hashlib.sha256("\n".join(identity).encode()).hexdigest()[:32],
        month=str(basis.month),
        edition_label=basis.context.edition.label,
        edition_digest=basis.context.edition.digest,
        inputs=outcome.inputs,
        closed_at=now,
        summary=_summary(outcome)
        | {
            "counterfactuals": _counterfactuals(outcome.tables),
            "leakage": basis.context.basis.leakage.as_dict(),
            "prices": _prices(basis),
            "code": program.code_digest(),
        },
        changes=changes,
        tables=outcome.tables,
        traces_at=basis.traces_at,
    )


def _flat(inputs: dict[str, str]) -> list[str]:
    return [f"{name} {digest}" for name, digest in sorted(inputs.items())]


def _summary(outcome: Outcome) -> dict[str, Any]:
    orders, accounts = outcome.tables["order_results"], outcome.tables["accounts"]
    is_cancelled = orders["status"] == "cancelled"
    return {
        "vehicles": outcome.vehicles_count,
        "fixes_read": outcome.fixes_count,
        "fixes_dropped": outcome.dropped,
        "legs": len(outcome.tables["legs"]),
        "orders": int((~is_cancelled).sum()),
        "orders_cancelled": int(is_cancelled.sum()),
        "orders_matched": int(orders["matched"].sum()),
        "accounts": len(accounts),
        "co2_credited_g": int(accounts["co2_credited_g"].sum()),
        "claims": len(outcome.claims),
        "claims_refused": claiming.told(outcome.refusals),
        "suspicions": [one.as_dict() for one in outcome.suspicions],
    }


def _counterfactuals(tables: dict[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    """What each account was measured against, for its reader."""
    derivations = tables["derivations"]
    key = ["driver_id", "vehicle_id"]
    counted = tables["accounts"].set_index(key)["baseline_source"].to_dict()
    found: dict[str, dict[str, Any]] = {}
    for name, told in _COUNTERFACTUAL.items():
        rows = derivations.loc[(derivations["name"] == name).to_numpy(bool)]
        columns = (rows[column].tolist() for column in (*key, "value"))
        for driver_id, vehicle_id, value in zip(*columns, strict=True):
            of = found.setdefault(f"{driver_id}/{vehicle_id}", {})
            of |= {told: value, "source": counted[driver_id, vehicle_id]}
    return found


def _prices(basis: Basis) -> dict[str, dict[str, str]]:
    """The prices the month was valued at, for its reader."""
    found = {"carbon": basis.context.carbon_price, "diesel": basis.context.diesel_price}
    return {
        kind: {
            "series": price.series,
            "price": str(price.amount),
            "currency": price.currency,
            "unit": price.unit,
            "valid_from": price.valid_from.isoformat(),
        }
        for kind, price in found.items()
        if price is not None
    }
