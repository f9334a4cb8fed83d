"""Retire, cancel, give to a public good, redeem for vouchers: one act each, with an id."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger import settlement as acts
from fleet_carbon.ledger.balances import Piece
from fleet_carbon.ledger.entries import CASH
from fleet_carbon.ledger.proceeds import PLATFORM, Payment, money_text, voucher_account, worth
from fleet_carbon.services.intake import pricing
from fleet_carbon.services.ledger import lot_papers
from fleet_carbon.services.ledger.acting import Doing, Posted, begun, oldest_below
from fleet_carbon.services.ledger.certifying import certify_retirement
from fleet_carbon.services.ledger.grading import Grades
from fleet_carbon.services.support.progress import Progress
from fleet_carbon.settings import Settings

VERBS = {
    "retire": acts.RETIRED,
    "cancel": acts.CANCELLED,
    "transfer": acts.GIVEN,
    "redeem": acts.REDEEMED,
    "refill": acts.HANDED_IN,
}

_RECEIVERS = {
    "retire": accounts.retired_account,
    "cancel": accounts.cancelled_account,
    "transfer": accounts.good_account,
}


@dataclass(frozen=True)
class Disposal:
    """An act on grams as a user wants it.

    Attributes
    ----------
    verb : str
        A key of `VERBS`.
    client_id : str
        Id that the sender gives; the act is done once.
    source : str
        Account to take from; one that ends in ``/`` means all below it, as
        ``held:driver/D1/`` for all trucks of a driver.
    amount_g : int
        How much; the oldest vintages first. [g]
    purpose : str
        On whose behalf it is retired, why it is cancelled, which public good gets it, which
        voucher it is redeemed for, why it is handed in to the buffer.
    price, currency : str, optional
        Of a redemption: what a tonne is worth; without them the series in force.
    """

    verb: str
    client_id: str
    source: str
    amount_g: int
    purpose: str
    price: str | None = None
    currency: str | None = None


def dispose(
    settings: Settings,
    wanted: Disposal,
    *,
    is_dry_run: bool,
    progress: Progress,
    certificate: Path | None = None,
) -> Posted:
    """Do what is wanted, once.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    wanted : Disposal
        The act. Asked for again, nothing is posted.
    is_dry_run : bool
        True to see the entries and post nothing.
    progress : Progress
        Told of what takes long.
    certificate : Path, optional
        Of a retirement: the file in which it is certified; signed JSON to be checked offline if
        its suffix says so, else Markdown. A dry run certifies nothing.

    Raises
    ------
    InputRefused
        If the account does not have so much, or the verb does not take from it.
    LedgerBroken
        If another act has the id.
    """
    if not wanted.purpose.strip():
        raise InputRefused("purpose_missing", "The act names nothing it is for.", "See --help.")
    _check_source(wanted)
    with begun(
        settings,
        acts.act_name(wanted.verb, wanted.client_id),
        reason_code=VERBS[wanted.verb],
        request=asdict(wanted),
        is_dry_run=is_dry_run,
        progress=progress,
        note=wanted.purpose,
    ) as doing:
        posted = _redeemed(doing, wanted) if wanted.verb == "redeem" else _moved(doing, wanted)
    if certificate is not None and not is_dry_run:
        proof = certify_retirement(settings, wanted.client_id)
        if certificate.suffix.lower() == ".json":
            proof.write(certificate)
        else:
            lot_papers.write_certificate(proof.statement, certificate)
    return posted


def _check_source(wanted: Disposal) -> None:
    acts.check_source(wanted.source, VERBS[wanted.verb])
    is_driver = wanted.source.startswith(accounts.HELD_BY_DRIVERS)
    if wanted.verb == "redeem" and not is_driver:
        raise InputRefused(
            "account_not_at_disposal",
            f"{wanted.source!r} is no account of a driver.",
            "Vouchers are for drivers: give held:driver/ID/ as the account.",
        )
    own = (accounts.HELD_BY_FLEET, accounts.HELD_BY_PLATFORM)
    if (
        wanted.verb == "refill"
        and wanted.source not in own
        and (accounts.class_of(wanted.source) == accounts.HELD)
    ):
        raise InputRefused(
            "account_not_at_disposal",
            f"{wanted.source!r} does not answer for figures that fell.",
            f"Give {' or '.join(own)}, or sold/BUYER of units that the operator bought.",
        )


def pieces_of(doing: Doing, source: str, amount_g: int, *, month: str = "") -> list[Piece]:
    """So much of what an account has, or all below one that ends in ``/``; the oldest first.

    Parameters
    ----------
    doing : Doing
        The act.
    source : str
        As of `Disposal`.
    amount_g : int
        How much. [g]
    month : str
        Only of this vintage; empty for any.
    """
    if source.endswith("/"):
        there = list(oldest_below(doing.work, source, from_month=month, until_month=month))
    else:
        there = acts.in_place(doing.work.ledger.holdings.pieces([source], month=month or None))
    return acts.chosen(there, amount_g)


def _moved(doing: Doing, wanted: Disposal) -> Posted:
    named = _RECEIVERS.get(wanted.verb)
    receiver = accounts.BUFFER if named is None else named(wanted.purpose)
    facts = _facts(wanted) | {"to_account": receiver}
    if doing.is_on_record:
        return doing.post(lambda: iter(()), facts)
    moves = list(acts.all_to(receiver, pieces_of(doing, wanted.source, wanted.amount_g)))
    return doing.post(lambda: acts.post(doing.act, moves), facts)


def _redeemed(doing: Doing, wanted: Disposal) -> Posted:
    """The platform takes the grams over and owes vouchers for them."""
    facts = _facts(wanted) | {"to_account": accounts.HELD_BY_PLATFORM}
    if doing.is_on_record:
        return doing.post(lambda: iter(()), facts)
    pieces = pieces_of(doing, wanted.source, wanted.amount_g)
    grades = Grades(doing.work)
    at = pricing.sale_price(
        doing.work,
        {(piece.block.month, grades.of(piece)) for piece in pieces},
        market="",
        on=doing.act.recorded_at.astimezone(doing.storage.zone).date(),
        given=wanted.price,
    )
    currency = pricing.read_currency(wanted.currency or at.currency)
    amounts_g: dict[str, int] = {}
    for piece in pieces:
        amounts_g[piece.account] = amounts_g.get(piece.account, 0) + piece.serials.amount_g
    payments = [
        Payment(PLATFORM, voucher_account(holder), amount)
        for holder, amount_g in sorted(amounts_g.items())
        if (amount := worth(amount_g, at.price, currency))
    ]
    total = sum(one.amount for one in payments)
    facts |= {"price": str(at.price), "voucher_text": money_text(total, currency)}
    moves = list(acts.all_to(accounts.HELD_BY_PLATFORM, pieces))
    return doing.post(lambda: acts.post(doing.act, moves, payments, currency=currency), facts)


def deliver(settings: Settings, client_id: str, *, is_dry_run: bool, progress: Progress) -> Posted:
    """Record that the vouchers of a redemption were handed over, once: nothing is owed then.

    Parameters
    ----------
    settings, is_dry_run, progress
        As for `dispose`.
    client_id : str
        Id of the redemption.

    Raises
    ------
    NotFound
        If there is no such redemption.
    """
    redemption = acts.act_name("redeem", client_id)
    with begun(
        settings,
        f"{redemption}/deliver",
        reason_code=acts.VOUCHER_DELIVERED,
        request={"verb": "deliver", "client_id": client_id},
        is_dry_run=is_dry_run,
        progress=progress,
    ) as doing:
        owed = [one for one in doing.work.ledger.act(redemption) if one.book == CASH]
        if not owed:
            raise NotFound(
                "redemption_not_found",
                f"There is no redemption {client_id!r} for which a voucher is owed.",
                "`fleet-carbon ledger redeem` makes one.",
            )
        currency, amount = owed[0].unit, sum(one.amount for one in owed)
        payments = [Payment(one.credit_account, PLATFORM, one.amount) for one in owed]
        facts = {"client_id": client_id, "voucher_text": money_text(amount, currency)}
        return doing.post(lambda: acts.post(doing.act, (), payments, currency=currency), facts)


def _facts(wanted: Disposal) -> dict[str, Any]:
    kept = asdict(replace(wanted, price=None, currency=None))
    return {name: kept[name] for name in ("client_id", "verb", "source", "amount_g", "purpose")}
