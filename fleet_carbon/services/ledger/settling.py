"""What became of a driver's grams, act by act with serials: the part of a statement on the ledger.

The lines are made of entries only, so that each can be proven; the state of a lot too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from heapq import merge
from typing import Any

from fleet_carbon.ledger import accounts, posting
from fleet_carbon.ledger import settlement as acts
from fleet_carbon.ledger.balances import Sums, effect_g, moved, total
from fleet_carbon.ledger.entries import CARBON, CASH, OWED, Entry, figure_parts, moment_text
from fleet_carbon.ledger.proceeds import holder_of_money, money_text
from fleet_carbon.ledger.serials import serial_text
from fleet_carbon.services.ledger.selling import lot_state
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork

SALE, VOUCHER = "sale", "redeemed"
_KINDS = {
    posting.MONTH_CLOSED: "issued",
    posting.MONTH_RESTATED: "corrected",
    posting.CLAIM_RELEASED: "released",
    posting.REVERSAL_FROM_BUFFER: "borne_by_buffer",
    posting.OBLIGATION_OPEN: "owed_by_operator",
    posting.OBLIGATION_MET: "met_by_operator",
    acts.LOT_RESERVED: SALE,
    acts.LOT_SETTLED: SALE,
    acts.LOT_VOID: SALE,
    acts.LOT_PAID_OUT: SALE,
    acts.GIVEN: acts.GIVEN,
    acts.REDEEMED: VOUCHER,
    acts.VOUCHER_DELIVERED: VOUCHER,
}
_OF_FIGURES = (posting.REVERSAL_FROM_BUFFER, posting.OBLIGATION_OPEN, posting.OBLIGATION_MET)
_INTO_ACCOUNT = ("issued", "corrected", "released")


@dataclass
class Settlement:
    """One act on grams of a driver and truck.

    Attributes
    ----------
    act : str
        Name of the act in the ledger; of a sale or redemption without its step.
    kind : str
        issued, corrected, released, sale, redeemed, given_to_public_good, retired, claimed,
        cancelled, borne_by_buffer, owed_by_operator, met_by_operator; else the reason code.
    at, day : str
        Moment of the first entry, UTC; its day in the fleet's zone.
    vehicle_id : str
        Truck that the grams were saved with.
    amount_g : int
        How much; below 0 where a correction took it away. [g]
    serials : list of str
        Which, in full.
    figure_before_g, figure_g : int or None
        Of an issue or correction: the published figure before, and since. [g]
    note : str
        Whom or what it was for.
    state : str
        Of a sale: reserved, settled, void or paid out; of a redemption: owed or delivered.
    lot_id, buyer, price, currency : str
        Of a sale; the currency also of a redemption.
    amount : int
        Money earned, or worth of the voucher. [minor units]
    """

    act: str
    kind: str
    at: str
    day: str
    vehicle_id: str
    amount_g: int = 0
    serials: list[str] = field(default_factory=list)
    figure_before_g: int | None = None
    figure_g: int | None = None
    note: str = ""
    state: str = ""
    lot_id: str = ""
    buyer: str = ""
    price: str = ""
    currency: str = ""
    amount: int = 0

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        text = money_text(self.amount, self.currency) if self.currency else ""
        return {**asdict(self), "amount_text": text}


@dataclass(frozen=True)
class DriverLedger:
    """What the ledger says to a driver.

    Attributes
    ----------
    driver_id : str
        Whom.
    settlement : list of Settlement
        In the order of the acts.
    issued : Sums
        Where the serials stand now that were issued to the driver. [g]
    own_g : int
        What of them stands in the driver's own accounts. [g]
    sums : Sums
        Where every gram of the fleet is, of the month asked for or of all. [g]
    entries : list of Entry
        What the lines were made of.
    """

    driver_id: str
    settlement: list[Settlement]
    issued: Sums
    own_g: int
    sums: Sums
    entries: list[Entry]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form, without the entries."""
        return {
            "driver_id": self.driver_id,
            "settlement": [one.as_dict() for one in self.settlement],
            "issued": self.issued.line(),
            "own_g": self.own_g,
            "ledger_sums": self.sums.line(),
        }


def read_driver_ledger(
    storage: Storage,
    work: UnitOfWork,
    driver_id: str,
    *,
    month: str | None = None,
    vehicle_id: str | None = None,
) -> DriverLedger:
    """Everything that the ledger says of a driver's grams and of the money for them.

    Parameters
    ----------
    storage, work
        What it is read from.
    driver_id : str
        Whose.
    month : str, optional
        Only acts on this vintage; the money of a lot or redemption is that of all its vintages.
    vehicle_id : str, optional
        Only grams saved with this truck.
    """
    found = [
        entry
        for entry in driver_entries(work, driver_id)
        if vehicle_id is None or _truck(entry, driver_id) == vehicle_id
    ]
    chosen = list(_of_vintage(found, month))
    figures = sorted({entry.figure for entry in chosen if entry.figure})
    of_figures = [entry for one in figures for entry in work.ledger.entries(figure=one)]
    borne = [entry for entry in of_figures if entry.reason_code in _OF_FIGURES]
    chosen = sorted([*chosen, *borne], key=lambda entry: entry.sequence)
    lines = _lines(chosen, storage, driver_id)
    _tell_figures(lines, of_figures)
    for line in lines.values():
        _tell_sale(work, line)
    issued, own_g = _whereabouts(work, driver_id, chosen)
    sums = work.ledger.holdings.sums()
    shown = {block: one for block, one in sums.items() if month in (None, block.month)}
    return DriverLedger(driver_id, list(lines.values()), issued, own_g, total(shown), chosen)


def driver_entries(work: UnitOfWork, driver_id: str, *, after: int = 0) -> Iterator[Entry]:
    """The entries by which a driver's grams and money move, in order, of all trucks."""
    name = accounts.escaped(driver_id)
    books = ("held:driver/", "cash:driver/", "cash:voucher/")
    return merge(
        *(work.ledger.entries(below=f"{book}{name}/", after=after) for book in books),
        key=lambda entry: entry.sequence,
    )


def _truck(entry: Entry, driver_id: str) -> str:
    """The truck whose grams or money an entry moves; empty if it is none of the driver's."""
    for account in (entry.debit_account, entry.credit_account):
        holder = accounts.holder_of(account) or accounts.holder_of(holder_of_money(account))
        if holder is not None and holder[0] == driver_id:
            return holder[1]
    return figure_parts(entry.figure)[2] if entry.figure else ""


def _of_vintage(entries: Iterable[Entry], month: str | None) -> Iterator[Entry]:
    """Serials of a vintage, and the money of the acts that moved any of them."""
    known: set[str] = set()
    for entry in entries:
        if entry.book == CARBON and month in (None, entry.month):
            known.add(_act_of(entry))
            yield entry
        elif entry.book == CASH and (month is None or _act_of(entry) in known):
            yield entry


def _act_of(entry: Entry) -> str:
    """The act; a sale or redemption as a whole, without its step."""
    kind, _, rest = entry.transaction_id.partition("/")
    whole = _KINDS.get(entry.reason_code) in (SALE, VOUCHER)
    return f"{kind}/{rest.partition('/')[0]}" if whole else entry.transaction_id


def _lines(
    entries: Iterable[Entry], storage: Storage, driver_id: str
) -> dict[tuple[str, str, str, str], Settlement]:
    lines: dict[tuple[str, str, str, str], Settlement] = {}
    for entry in entries:
        kind = _KINDS.get(entry.reason_code, entry.reason_code)
        truck = _truck(entry, driver_id)
        key = (_act_of(entry), kind, truck, entry.figure)
        if key not in lines:
            day = entry.recorded_at.astimezone(storage.zone).date().isoformat()
            lines[key] = Settlement(key[0], kind, moment_text(entry.recorded_at), day, truck)
            lines[key].note = "" if entry.figure else entry.note
        _count(lines[key], entry, storage.fleet_id)
    return lines


def _count(line: Settlement, entry: Entry, fleet_id: str) -> None:
    if entry.book == CASH:
        line.currency = entry.unit
        earned = holder_of_money(entry.credit_account)
        line.amount += entry.amount if accounts.holder_of(earned) else 0
        if entry.reason_code == acts.VOUCHER_DELIVERED:
            line.state = "delivered"
    elif entry.reason_code != acts.LOT_VOID:
        # What a meeting act cancels in the buffer and what it meets are the same grams.
        if entry.reason_code != posting.OBLIGATION_MET or entry.book == OWED:
            line.amount_g += entry.amount if not _falls(line, entry) else -entry.amount
        if entry.serials is not None:
            line.serials.append(serial_text(fleet_id, entry.block, entry.serials))


def _falls(line: Settlement, entry: Entry) -> bool:
    """Whether a correction takes away."""
    return line.kind in _INTO_ACCOUNT and effect_g(entry.credit_account, 1) < 0


def _tell_figures(
    lines: dict[tuple[str, str, str, str], Settlement], entries: Iterable[Entry]
) -> None:
    """The published figure before and after each act that issued or corrected it."""
    after_g: dict[tuple[str, str], int] = {}
    for entry in entries:
        before_g = after_g.get((entry.transaction_id, entry.figure), entry.previous_figure_g or 0)
        effect = effect_g(entry.credit_account, entry.amount)
        after_g[entry.transaction_id, entry.figure] = before_g + effect
        for (act, _, _, figure), line in lines.items():
            if (act, figure) == (entry.transaction_id, entry.figure):
                line.figure_before_g = entry.previous_figure_g
                line.figure_g = after_g[act, figure]


def _tell_sale(work: UnitOfWork, line: Settlement) -> None:
    if line.kind == VOUCHER:
        line.state = line.state or "owed"
    if line.kind != SALE:
        return
    line.lot_id = line.act.partition("/")[2]
    line.state = lot_state(work, line.lot_id)
    lot = work.lots.get(line.lot_id)
    if lot is not None:
        line.buyer, line.price = str(lot.facts["buyer"]), str(lot.facts["price"])
        line.currency = str(lot.facts["currency"])
    line.note = ""


def _whereabouts(work: UnitOfWork, driver_id: str, entries: Iterable[Entry]) -> tuple[Sums, int]:
    """Where the serials stand that were issued to a driver; what of them is the driver's own."""
    issued, own_g = Sums(), 0
    for entry in entries:
        if entry.credit_account != accounts.ISSUED or entry.serials is None:
            continue
        for account, _, serials in work.ledger.holdings.within(entry.block, entry.serials):
            holder = accounts.holder_of(account)
            own_g += serials.amount_g if holder is not None and holder[0] == driver_id else 0
            issued += moved(accounts.ISSUED, accounts.class_of(account), amount_g=serials.amount_g)
    return issued, own_g
