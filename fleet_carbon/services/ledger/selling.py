"""Sell: reserve a lot of the oldest serials, then settle it or let it go, and pay it out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger import settlement as acts
from fleet_carbon.ledger.balances import Piece
from fleet_carbon.ledger.entries import CARBON, CASH
from fleet_carbon.ledger.proceeds import (
    FEES,
    buyer_account,
    divided,
    money_text,
    payouts,
    read_money,
    sale_payments,
    worth,
)
from fleet_carbon.periods import parse_month
from fleet_carbon.services.intake import pricing
from fleet_carbon.services.ledger import lot_papers
from fleet_carbon.services.ledger.acting import POSTED, Doing, Posted, begun, oldest_below
from fleet_carbon.services.ledger.grading import Grades, month_evidence
from fleet_carbon.services.ledger.regions import Regions, read_region
from fleet_carbon.services.support.announcing import tell_sale
from fleet_carbon.services.support.progress import Progress
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import Lot, UnitOfWork

STEPS = ("reserve", "settle", "void", "pay")
_BY_HOLDERS = {"drivers": accounts.HELD_BY_DRIVERS, "fleet": accounts.HELD_BY_FLEET} | {
    "platform": accounts.HELD_BY_PLATFORM
}


@dataclass(frozen=True)
class SaleRequest:
    """A sale as a user wants it.

    Attributes
    ----------
    lot_id : str
        Id that the sender gives; the lot is reserved once.
    buyer : str
        Who buys.
    amount_g : int
        How much. [g]
    price, currency : str, optional
        Agreed price of a tonne and its ISO 4217 code; without them that of the series in force.
    market : str
        Where it is sold; empty if nowhere in particular.
    from_month, until_month, edition, grade : str
        What to choose from; empty for any.
    holders : str
        ``drivers``, ``fleet``, ``platform`` or ``all``: whose grams are sold.
    region : str
        Province in which the transport took place, see `regions`; empty for any.
    region_share : str
        Smallest part of an account's activity that must lie in the region. [0..1]
    """

    lot_id: str
    buyer: str
    amount_g: int
    price: str | None = None
    currency: str | None = None
    market: str = ""
    from_month: str = ""
    until_month: str = ""
    edition: str = ""
    grade: str = ""
    holders: str = "drivers"
    region: str = ""
    region_share: str = "1"

    def said(self) -> dict[str, Any]:
        """What was asked for; of the region only if there is one."""
        aside = () if self.region else ("region", "region_share")
        return {name: held for name, held in asdict(self).items() if name not in aside}


def sell(
    settings: Settings,
    request: SaleRequest,
    *,
    is_dry_run: bool,
    progress: Progress,
    folder: Path | None = None,
) -> Posted:
    """Build a lot and reserve it for a buyer.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    request : SaleRequest
        What is sold. Asked for again, nothing is posted.
    is_dry_run : bool
        True to see the entries and post nothing.
    progress : Progress
        Told of what takes long.
    folder : Path, optional
        Where the papers of the lot are written.

    Raises
    ------
    InputRefused
        If there is not enough, it is not saleable today, has no price or is below its floor.
    LedgerBroken
        If another lot has the id.
    """
    request = _checked(request)
    with begun(
        settings,
        acts.lot_act(request.lot_id, "reserve"),
        reason_code=acts.LOT_RESERVED,
        request=request.said(),
        is_dry_run=is_dry_run,
        progress=progress,
        note=f"lot {request.lot_id} for {request.buyer}",
    ) as doing:
        posted = _reserved(doing, request)
        if folder is not None:
            reserved = posted.entries or doing.work.ledger.act(doing.act.transaction_id)
            state = "draft" if is_dry_run else lot_state(doing.work, request.lot_id)
            lot_papers.write_lot(doing, posted.facts, reserved, folder=folder, state=state)
    return posted


def _reserved(doing: Doing, request: SaleRequest) -> Posted:
    on_record = doing.work.lots.get(request.lot_id)
    if on_record is not None and doing.is_on_record:
        return doing.post(lambda: iter(()), on_record.facts)
    pieces, kinds_g = _pieces(doing.work, request)
    facts = _facts(doing, request, pieces, kinds_g=kinds_g)
    pending = accounts.pending_account(request.lot_id)
    if not doing.is_dry_run:
        digest = doing.act.evidence[acts.REQUEST]
        doing.work.lots.add(Lot(request.lot_id, digest, facts, doing.act.recorded_at))
    return doing.post(lambda: acts.post(doing.act, acts.all_to(pending, pieces)), facts)


def _pieces(work: UnitOfWork, request: SaleRequest) -> tuple[list[Piece], Counter[tuple[str, str]]]:
    """The serials of the lot, and its grams by vintage and grade."""
    grades, regions = Grades(work), Regions(work)
    share_min = float(request.region_share)
    chosen = acts.chosen(
        (
            piece
            for piece in _offered(work, request)
            if request.edition in ("", piece.block.edition)
            and (not request.grade or grades.of(piece) == request.grade)
            and (not request.region or regions.lies_in(piece, request.region, share_min))
        ),
        request.amount_g,
    )
    kinds_g: Counter[tuple[str, str]] = Counter()
    for piece in chosen:
        kinds_g[piece.block.month, grades.of(piece)] += piece.serials.amount_g
    return chosen, kinds_g


def _offered(work: UnitOfWork, request: SaleRequest) -> Iterator[Piece]:
    """What the holders have, in order of vintage; what was given to a public good is not sold."""
    wanted = tuple(_BY_HOLDERS.values())
    if request.holders != "all":
        wanted = (_BY_HOLDERS[request.holders],)
    pieces = oldest_below(
        work,
        wanted[0] if len(wanted) == 1 else "held:",
        from_month=request.from_month,
        until_month=request.until_month,
    )
    return (piece for piece in pieces if piece.account.startswith(wanted))


def _facts(
    doing: Doing, request: SaleRequest, pieces: list[Piece], *, kinds_g: Counter[tuple[str, str]]
) -> dict[str, Any]:
    today = doing.act.recorded_at.astimezone(doing.storage.zone).date()
    at = pricing.sale_price(
        doing.work, kinds_g, market=request.market, on=today, given=request.price
    )
    currency = pricing.read_currency(request.currency or at.currency)
    if at.currency and currency != at.currency:
        raise InputRefused(
            "currency_differs",
            f"The price is in {currency}, the series {', '.join(at.series)} in {at.currency}.",
            "Give the price in the currency of the series.",
        )
    proceeds = worth(request.amount_g, at.price, currency)
    months = sorted({piece.block.month for piece in pieces})
    return {
        **request.said(),
        "price": str(at.price),
        "currency": currency,
        "price_series": at.series,
        "proceeds": proceeds,
        "proceeds_text": money_text(proceeds, currency),
        "holders_count": len({piece.account for piece in pieces}),
        "vintages": [
            {"month": month, "grade": grade, "amount_g": amount_g}
            for (month, grade), amount_g in sorted(kinds_g.items())
        ],
        "evidence": {month: month_evidence(doing.work, month) for month in months},
    }


def settle(
    settings: Settings, lot_id: str, *, fees: str, is_dry_run: bool, progress: Progress
) -> Posted:
    """Settle a reserved lot, once: the serials are the buyer's, the proceeds are divided.

    Parameters
    ----------
    settings, is_dry_run, progress
        As for `sell`.
    lot_id : str
        The lot.
    fees : str
        What of the proceeds does not go to holders, in the currency of the lot.

    Raises
    ------
    NotFound
        If there is no such lot.
    InputRefused
        If it is void, or the fees cannot be.
    """
    step = _Step(lot_id, "settle", acts.LOT_SETTLED, {"fees": fees})
    with _step_of(settings, step, is_dry_run=is_dry_run, progress=progress) as (doing, lot):
        currency, buyer = lot.facts["currency"], lot.facts["buyer"]
        fees_amount, proceeds = read_money(fees, currency), lot.facts["proceeds"]
        weights_g = doing.work.ledger.given(acts.lot_act(lot_id, "reserve"), CARBON)
        parts = divided(proceeds, fees_amount, weights_g)
        payments = list(sale_payments(buyer, proceeds, fees_amount, parts=parts))
        pieces = doing.work.ledger.holdings.pieces([accounts.pending_account(lot_id)])
        moves = list(acts.all_to(accounts.sold_account(buyer), acts.in_place(pieces)))
        told = _money_facts(lot.facts, parts.values()) | {
            "fees_text": money_text(fees_amount, currency)
        }
        posted = doing.post(lambda: acts.post(doing.act, moves, payments, currency=currency), told)
        if posted.outcome == POSTED:
            tell_sale(doing.work, settings.fleet, told, at=doing.act.recorded_at)
        return posted


def void(settings: Settings, lot_id: str, *, is_dry_run: bool, progress: Progress) -> Posted:
    """Let a reserved lot go, once: every serial returns to its holder.

    Parameters and errors as of `settle`.
    """
    step = _Step(lot_id, "void", acts.LOT_VOID, {})
    with _step_of(settings, step, is_dry_run=is_dry_run, progress=progress) as (doing, lot):
        moves = list(acts.returned(doing.work.ledger.act(acts.lot_act(lot_id, "reserve"))))
        return doing.post(lambda: acts.post(doing.act, moves), _lot_facts(lot.facts))


def pay(settings: Settings, lot_id: str, *, is_dry_run: bool, progress: Progress) -> Posted:
    """Record that the holders of a settled lot were paid what it owes them, once.

    Parameters and errors as of `settle`.
    """
    step = _Step(lot_id, "pay", acts.LOT_PAID_OUT, {})
    with _step_of(settings, step, is_dry_run=is_dry_run, progress=progress) as (doing, lot):
        given = doing.work.ledger.given(acts.lot_act(lot_id, "settle"), CASH)
        through = (buyer_account(lot.facts["buyer"]), FEES)
        owed = {name: amount for name, amount in given.items() if name not in through}
        currency = lot.facts["currency"]
        return doing.post(
            lambda: acts.post(doing.act, (), payouts(owed), currency=currency),
            _money_facts(lot.facts, owed.values()),
        )


def lot_state(work: UnitOfWork, lot_id: str) -> str:
    """State of a lot, from the entries."""
    return acts.lot_state(_steps(work, lot_id))


def _steps(work: UnitOfWork, lot_id: str) -> dict[str, bool]:
    return {step: work.ledger.sequence_of(acts.lot_act(lot_id, step)) is not None for step in STEPS}


@dataclass(frozen=True)
class _Step:
    lot_id: str
    name: str
    reason_code: str
    request: dict[str, str]


@contextmanager
def _step_of(
    settings: Settings, step: _Step, *, is_dry_run: bool, progress: Progress
) -> Iterator[tuple[Doing, Lot]]:
    with begun(
        settings,
        acts.lot_act(step.lot_id, step.name),
        reason_code=step.reason_code,
        request={"lot_id": step.lot_id, "step": step.name, **step.request},
        is_dry_run=is_dry_run,
        progress=progress,
        note=f"lot {step.lot_id}",
    ) as doing:
        lot = doing.work.lots.get(step.lot_id)
        if lot is None:
            raise NotFound(
                "lot_not_found",
                f"There is no lot {step.lot_id!r}.",
                "`fleet-carbon ledger sell` makes one.",
            )
        if not doing.is_on_record:
            acts.check_open(step.lot_id, _steps(doing.work, step.lot_id), step.name)
        yield doing, lot


def _lot_facts(facts: dict[str, Any]) -> dict[str, Any]:
    shown = ("lot_id", "buyer", "amount_g", "price", "currency", "proceeds_text")
    return {name: facts[name] for name in shown}


def _money_facts(facts: dict[str, Any], parts: Iterable[int]) -> dict[str, Any]:
    amounts = list(parts)
    return _lot_facts(facts) | {
        "to_holders": sum(amounts),
        "to_holders_text": money_text(sum(amounts), facts["currency"]),
        "holders_count": len(amounts),
    }


def _checked(request: SaleRequest) -> SaleRequest:
    """The request with the region by its full name."""
    acts.act_name("lot", request.lot_id)
    for month in (request.from_month, request.until_month):
        if month:
            parse_month(month, ZoneInfo("UTC"))
    if not request.buyer.strip():
        raise InputRefused("buyer_missing", "The buyer has no name.", "Give --buyer.")
    if request.holders != "all" and request.holders not in _BY_HOLDERS:
        raise InputRefused(
            "holders_unknown",
            f"{request.holders!r} are no holders.",
            f"Give {', '.join(_BY_HOLDERS)} or all.",
        )
    if not request.region.strip():
        return replace(request, region="", region_share="1")
    try:
        share = Decimal(request.region_share.strip())
    except ArithmeticError:
        share = Decimal("NaN")
    if not share.is_finite() or not 0 < share <= 1:
        raise InputRefused(
            "region_share_malformed",
            f"{request.region_share!r} is no part of the activity.",
            "Give a number above 0, at most 1, for example 0.8.",
        )
    return replace(request, region=read_region(request.region), region_share=str(share))
