"""Who reports a saving as its own: a shipper in scope 3, a fleet; what is reported is not sold.

Reporting grams retires them for the claimant, by the same rules as any retirement: the serials
leave the accounts from which something can be sold, for good. What is more than a retirement is
who claims, for which scope, period and orders.
"""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from fleet_carbon.errors import InputRefused
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger import settlement as acts
from fleet_carbon.ledger.balances import Piece, total
from fleet_carbon.ledger.entries import Entry, figure_name
from fleet_carbon.ledger.serials import serial_text
from fleet_carbon.services.ledger.acting import Doing, Posted, begun
from fleet_carbon.services.ledger.certifying import certify_retirement
from fleet_carbon.services.ledger.disposing import pieces_of
from fleet_carbon.services.ledger.peering import Told
from fleet_carbon.services.support.progress import Progress
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import claims as wording
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

CLAIMANTS = ("shipper", "fleet")
_VERB = "claim"
_EVIDENCE = ("claimant", "scope", "period", "purpose")
_TEXT = (
    "These grams are retired for the claimant. They are not sold, and cannot be sold, retired or "
    "claimed again. They are reported beside an inventory and never taken off it."
)


@dataclass(frozen=True)
class Claimed:
    """A claim to a saving as a user wants it.

    Attributes
    ----------
    client_id : str
        Id that the sender gives; the act is done once.
    claimant : str
        ``shipper/NAME`` or ``fleet/NAME``.
    scope : str
        Of the claimant's inventory in which it is reported: ``1`` or ``3``.
    purpose : str
        What it is reported in.
    month : str
        Vintage, YYYY-MM; empty for any.
    source : str
        Account to take from, as of a `Disposal`; not looked at if orders are given.
    amount_g : int or None
        How much; None with orders. [g]
    order_ids : tuple of str
        Orders whose saving is claimed: of each account that carried them the drivers' grams, by
        the orders' part of its credited activity.
    """

    client_id: str
    claimant: str
    scope: str
    purpose: str
    month: str
    source: str
    amount_g: int | None
    order_ids: tuple[str, ...] = ()


def claim(
    settings: Settings,
    wanted: Claimed,
    *,
    is_dry_run: bool,
    progress: Progress,
    certificate: Path | None = None,
) -> Posted:
    """Let somebody report grams as avoided, once: they are retired for the claimant.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    wanted : Claimed
        The act. Asked for again, nothing is posted.
    is_dry_run : bool
        True to see the entries and post nothing.
    progress : Progress
        Told of what takes long.
    certificate : Path, optional
        File for the signed certificate, JSON.

    Raises
    ------
    InputRefused
        If the claimant is malformed, there is not so much, or an order is claimed already.
    LedgerBroken
        If another act has the id.
    """
    _refuse_malformed(wanted)
    name = acts.act_name(_VERB, wanted.client_id)
    facts = _facts(wanted)
    with begun(
        settings,
        name,
        reason_code=acts.CLAIMED,
        request=asdict(wanted),
        is_dry_run=is_dry_run,
        progress=progress,
        note=f"{wanted.claimant}, scope {wanted.scope}: {wanted.purpose}",
    ) as doing:
        if doing.is_on_record:
            posted = doing.post(lambda: iter(()), facts)
        else:
            pieces = _chosen(doing, wanted)
            facts["amount_g"] = sum(piece.serials.amount_g for piece in pieces)
            act = replace(doing.act, evidence=doing.act.evidence | _evidence(wanted))
            moves = list(acts.all_to(accounts.retired_account(wanted.claimant), pieces))
            posted = doing.post(lambda: acts.post(act, moves), facts)
            if not is_dry_run:
                doing.work.claims.add_orders(wanted.order_ids, name)
    if certificate is not None and not is_dry_run:
        said = _evidence(wanted) | {"order_ids": sorted(wanted.order_ids), "text": _TEXT}
        certify_retirement(settings, wanted.client_id, verb=_VERB, facts=said).write(certificate)
    return posted


def read_order_ids(file: Path) -> tuple[str, ...]:
    """The ids of a file that has one a line.

    Raises
    ------
    InputRefused
        If it cannot be read or has none.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as failure:
        raise InputRefused(
            "orders_unreadable", f"{file} cannot be read: {failure}.", "Write one id a line, UTF-8."
        ) from failure
    found = tuple(sorted({line.strip() for line in lines if line.strip()}))
    if not found:
        raise InputRefused(
            "orders_unreadable", f"{file} names no order.", "Write one id a line, UTF-8."
        )
    return found


def list_claimants(settings: Settings) -> Told:
    """Who reports which grams as its own, in the order of the acts."""
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        found: dict[str, dict[str, Any]] = {}
        for entry in work.ledger.entries(below=accounts.PREFIXES[accounts.RETIRED]):
            if entry.reason_code != acts.CLAIMED:
                continue
            row = found.setdefault(
                entry.transaction_id,
                {
                    "claim_id": entry.transaction_id,
                    "claimed_on": entry.recorded_at.date().isoformat(),
                    **{name: entry.evidence[name] for name in _EVIDENCE},
                    "amount_g": 0,
                    "serials": [],
                    "order_ids": work.claims.orders_of(entry.transaction_id),
                },
            )
            row["amount_g"] += entry.amount
            row["serials"] += _serials(settings.fleet, [entry])
        line = total(work.ledger.holdings.sums()).line()
    facts = {"fleet_id": settings.fleet, "claims": list(found.values()), "ledger_sums": line}
    return Told(facts, [*wording.claimant_lines(facts), "", line])


def _evidence(wanted: Claimed) -> dict[str, str]:
    """What the chain of entries says of a claim for good."""
    said = (wanted.claimant, wanted.scope, wanted.month, wanted.purpose)
    orders = "\n".join(sorted(wanted.order_ids)).encode()
    digest = {"orders": hashlib.sha256(orders).hexdigest()} if wanted.order_ids else {}
    return dict(zip(_EVIDENCE, said, strict=True)) | digest


def _facts(wanted: Claimed) -> dict[str, Any]:
    return {
        "client_id": wanted.client_id,
        "claimant": wanted.claimant,
        "scope": wanted.scope,
        "period": wanted.month,
        "purpose": wanted.purpose,
        "orders": len(wanted.order_ids),
        "to_account": accounts.retired_account(wanted.claimant),
    }


def _refuse_malformed(wanted: Claimed) -> None:
    kind, separator, name = wanted.claimant.partition("/")
    if kind not in CLAIMANTS or not separator or not name.strip():
        raise InputRefused(
            "claimant_malformed",
            f"{wanted.claimant!r} names nobody who can claim.",
            "Give --for shipper/NAME or --for fleet/NAME.",
        )
    if not wanted.purpose.strip():
        raise InputRefused("purpose_missing", "The act names nothing it is for.", "See --help.")
    if (wanted.amount_g is None) != bool(wanted.order_ids):
        raise InputRefused(
            "amount_malformed",
            "Either an amount is claimed, or orders are.",
            "Give --tonnes or --grams with --from, or --orders with --month.",
        )
    if wanted.order_ids and not wanted.month:
        raise InputRefused(
            "month_missing", "Orders are claimed of one vintage.", "Say which with --month YYYY-MM."
        )
    if not wanted.order_ids:
        acts.check_source(wanted.source, acts.CLAIMED)


def _chosen(doing: Doing, wanted: Claimed) -> list[Piece]:
    if wanted.amount_g is not None:
        return pieces_of(doing, wanted.source, wanted.amount_g, month=wanted.month)
    taken = doing.work.claims.orders(wanted.order_ids)
    if taken:
        order_id, act = next(iter(sorted(taken.items())))
        raise InputRefused(
            "order_claimed_already",
            f"{len(taken)} of the orders are claimed already, {order_id} by {act}.",
            "Nothing was posted. What an order saved is reported by one claimant.",
        )
    pieces: list[Piece] = []
    for account, amount_g in sorted(_of_orders_g(doing.work, wanted).items()):
        pieces += pieces_of(doing, account, amount_g, month=wanted.month)
    if not pieces:
        raise InputRefused(
            "orders_credited_nothing",
            f"Nothing was credited in {wanted.month} to whoever carried these orders.",
            "See `fleet-carbon orders MONTH` and `fleet-carbon accounts MONTH`.",
        )
    return acts.in_place(pieces)


def _of_orders_g(work: UnitOfWork, wanted: Claimed) -> dict[str, int]:
    """The orders' part of what each driver was given for the month, by account. [g]"""
    run = latest_run(work, wanted.month)
    key = ["vehicle_id", "started_at"]
    legs = work.closings.table(run, "legs")[[*key, "driver_id"]]
    aboard = work.closings.table(run, "leg_orders")[[*key, "order_id", "activity_tkm"]]
    carried = aboard.merge(legs, on=key)
    unknown = sorted(set(wanted.order_ids) - set(carried["order_id"]))
    if unknown:
        raise InputRefused(
            "order_not_carried",
            f"{len(unknown)} of the orders were not carried in {wanted.month}, {unknown[0]} first.",
            "Only orders that the trace proves saved something; see `fleet-carbon orders MONTH`.",
        )
    is_claimed = carried["order_id"].isin(list(wanted.order_ids)).to_numpy(bool)
    whole, part = _activity_tkm(carried), _activity_tkm(carried.loc[is_claimed])
    return {
        accounts.held_account(*pair): amount_g
        for pair, activity_tkm in part.items()
        if (amount_g := int(_given_g(work, wanted.month, pair) * (activity_tkm / whole[pair])))
    }


def _activity_tkm(carried: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Credited activity above 0 by driver and truck. [tkm]"""
    columns = (
        carried["driver_id"].fillna("").tolist(),
        carried["vehicle_id"].tolist(),
        carried["activity_tkm"].tolist(),
    )
    found: dict[tuple[str, str], float] = {}
    for driver_id, vehicle_id, activity_tkm in zip(*columns, strict=True):
        if activity_tkm > 0:
            pair = (driver_id, vehicle_id)
            found[pair] = found.get(pair, 0.0) + activity_tkm
    return found


def _given_g(work: UnitOfWork, month: str, pair: tuple[str, str]) -> int:
    standing = work.ledger.standings(month, figure=figure_name(month, *pair)).get(pair)
    return standing.driver_g if standing else 0


def _serials(fleet_id: str, entries: list[Entry]) -> list[str]:
    pieces = [Piece("", one.block, one.serials) for one in entries if one.serials is not None]
    return [serial_text(fleet_id, block, one) for _, block, one in acts.merged(pieces)]
