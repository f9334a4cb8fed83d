"""Which entries sell, retire, cancel, give away or redeem: acts, each with an id of its sender.

A sale has two steps: a lot is reserved, then either settled or void, each once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import count, groupby
from typing import Any, NamedTuple

from fleet_carbon.errors import InputRefused, LedgerBroken
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.balances import Piece
from fleet_carbon.ledger.entries import CARBON, CASH, GRAM, Entry, entry_id
from fleet_carbon.ledger.proceeds import Payment
from fleet_carbon.ledger.serials import Block, SerialRange, merge, take_earliest
from fleet_carbon.ledger.sharing import apportion

LOT_RESERVED, LOT_SETTLED, LOT_VOID = "lot_reserved", "lot_settled", "lot_void"
LOT_PAID_OUT = "lot_paid_out"
RETIRED, CANCELLED, CLAIMED = "retired", "cancelled", "claimed"
GIVEN, REDEEMED = "given_to_public_good", "redeemed_for_voucher"
VOUCHER_DELIVERED = "voucher_delivered"
HANDED_IN = "handed_in_to_buffer"
REQUEST = "request"
"""Name of the evidence that is the digest of what was asked for."""

_ID = re.compile(r"[^\W_][\w.-]{0,63}")


@dataclass(frozen=True)
class Act:
    """What all entries of one act have in common.

    Attributes
    ----------
    transaction_id : str
        Its name, made of the id its sender gave: see `act_name`.
    reason_code : str
        What it does, one of this module's codes.
    month : str
        Period of the money that moves, YYYY-MM.
    recorded_at : datetime
        Aware moment of posting.
    evidence : dict of str to str
        Digests of what it rests on; `REQUEST` is what was asked for.
    note : str
        A sentence for people.
    """

    transaction_id: str
    reason_code: str
    month: str
    recorded_at: datetime
    evidence: dict[str, str]
    note: str = ""


class Move(NamedTuple):
    """Serials, and the account that receives them from the one where they stand."""

    piece: Piece
    debit_account: str


def act_name(verb: str, client_id: str) -> str:
    """Name of an act: what it does, and the id that its sender gave it.

    Raises
    ------
    InputRefused
        If the id has other characters than letters, digits, dot, dash and underscore.

    Examples
    --------
    >>> act_name("retire", "2026-7")
    'retire/2026-7'
    """
    if not _ID.fullmatch(client_id):
        raise InputRefused(
            "client_id_malformed",
            f"{client_id!r} is no id of an act.",
            "Use letters, digits, dot, dash and underscore, at most 64, a letter or digit first.",
        )
    return f"{verb}/{client_id}"


def lot_act(lot_id: str, step: str) -> str:
    """Name of a step of a sale: ``reserve``, ``settle``, ``void`` or ``pay``."""
    return f"{act_name('lot', lot_id)}/{step}"


def request_digest(request: Mapping[str, Any]) -> str:
    """SHA-256 of what was asked for: the same request again is a repetition."""
    said = json.dumps(dict(request), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


def is_repeated(recorded: Entry | None, act: Act) -> bool:
    """Whether an act is on record already.

    Parameters
    ----------
    recorded : Entry or None
        The first entry on record of that name.
    act : Act
        What is to be posted.

    Raises
    ------
    LedgerBroken
        If another act has its name.
    """
    if recorded is None:
        return False
    if recorded.evidence.get(REQUEST) != act.evidence[REQUEST]:
        raise LedgerBroken(
            "transaction_id_taken",
            f"The act {act.transaction_id!r} is on record with other content.",
            "Nothing was posted. Another act needs an identifier of its own.",
        )
    return True


def chosen(pieces: Iterable[Piece], amount_g: int) -> list[Piece]:
    """Choose serials: the oldest vintages first, within the last one of each holder alike.

    Of the vintage that is not needed whole every account gives the same share, to the gram by
    the largest remainder, and of it the serials issued first.

    Parameters
    ----------
    pieces : iterable of Piece
        What may be taken, in order of vintage.
    amount_g : int
        How much is wanted, at least 1. [g]

    Raises
    ------
    InputRefused
        If there is less.
    """
    if amount_g < 1:
        raise InputRefused(
            "amount_malformed", f"{amount_g} g is no amount.", "Give at least one gram."
        )
    taken: list[Piece] = []
    left_g = amount_g
    for _, group in groupby(pieces, key=lambda piece: piece.block.month):
        of_month = list(group)
        there_g = sum(piece.serials.amount_g for piece in of_month)
        taken += of_month if there_g <= left_g else _alike(of_month, left_g)
        left_g -= min(there_g, left_g)
        if not left_g:
            return taken
    raise InputRefused(
        "not_enough_held",
        f"{amount_g:,} g are wanted and {amount_g - left_g:,} g are there.",
        "Ask for less, or widen what may be taken. `fleet-carbon ledger balance` shows the rest.",
    )


def _alike(pieces: list[Piece], amount_g: int) -> list[Piece]:
    of_account: dict[str, list[Piece]] = {}
    for piece in pieces:
        of_account.setdefault(piece.account, []).append(piece)
    names = sorted(of_account)
    there = [sum(piece.serials.amount_g for piece in of_account[name]) for name in names]
    taken: list[Piece] = []
    for name, part_g in zip(names, apportion(amount_g, there), strict=True):
        taken += _earliest(of_account[name], part_g)
    return in_place(taken)


def _earliest(pieces: list[Piece], amount_g: int) -> Iterator[Piece]:
    for (account, block), group in groupby(pieces, key=lambda piece: (piece.account, piece.block)):
        taken = take_earliest((piece.serials for piece in group), amount_g)
        amount_g = taken.missing_g
        yield from (Piece(account, block, one) for one in taken.taken)


def in_place(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces by vintage and serial."""
    return sorted(pieces, key=lambda piece: (piece.block, piece.serials))


def merged(pieces: Iterable[Piece]) -> list[Piece]:
    """The same serials of each account in as few pieces as can be, by account and block."""
    ranges: dict[tuple[str, Block], list[SerialRange]] = {}
    for account, block, serials in pieces:
        ranges.setdefault((account, block), []).append(serials)
    return [
        Piece(account, block, one)
        for (account, block), held in sorted(ranges.items())
        for one in merge(held)
    ]


def all_to(account: str, pieces: Iterable[Piece]) -> Iterator[Move]:
    """Everything to one account."""
    return (Move(piece, account) for piece in pieces)


def returned(reserved: Iterable[Entry]) -> Iterator[Move]:
    """Every serial of a lot back to the account that it was reserved from."""
    for entry in reserved:
        if entry.serials is not None:
            yield Move(Piece(entry.debit_account, entry.block, entry.serials), entry.credit_account)


def post(
    act: Act, moves: Iterable[Move], payments: Iterable[Payment] = (), *, currency: str = ""
) -> Iterator[Entry]:
    """Write an act as entries: the serials that move, then the money.

    Parameters
    ----------
    act : Act
        What they have in common.
    moves : iterable of Move
        Of the carbon book.
    payments : iterable of Payment
        Of the cash book.
    currency : str
        Of the payments, ISO 4217.

    Yields
    ------
    Entry
        Not sealed, numbered in their order.
    """
    numbers = count(1)
    for piece, debit_account in moves:
        begin, until = piece.serials
        yield _entry(
            act,
            next(numbers),
            book=CARBON,
            unit=GRAM,
            month=piece.block.month,
            edition=piece.block.edition,
            debit_account=debit_account,
            credit_account=piece.account,
            amount=until - begin,
            serial_from=begin,
            serial_until=until,
        )
    for one in payments:
        yield _entry(
            act,
            next(numbers),
            book=CASH,
            unit=currency,
            month=act.month,
            edition="",
            debit_account=one.debit_account,
            credit_account=one.credit_account,
            amount=one.amount,
            serial_from=None,
            serial_until=None,
        )


def _entry(act: Act, number: int, **fields: Any) -> Entry:
    return Entry(
        entry_id=entry_id(act.transaction_id, number),
        transaction_id=act.transaction_id,
        reason_code=act.reason_code,
        recorded_at=act.recorded_at,
        note=act.note,
        evidence=act.evidence,
        **fields,
    )


def check_open(lot_id: str, steps: Mapping[str, bool], step: str) -> None:
    """Refuse a step that a lot cannot take any more, or not yet.

    Parameters
    ----------
    lot_id : str
        The lot.
    steps : mapping of str to bool
        Which of ``reserve``, ``settle``, ``void`` and ``pay`` are on record.
    step : str
        The step that is wanted.

    Raises
    ------
    InputRefused
        If the lot was never reserved, or was settled where it is to be void, or the reverse,
        or is to be paid out before it is settled.
    """
    state = lot_state(steps)
    if state == ("settled" if step == "pay" else "reserved"):
        return
    raise InputRefused(
        "lot_not_open",
        f"The lot {lot_id!r} is {state}; {step} is not possible.",
        "A lot is reserved once, then settled or void, and paid out after it is settled.",
    )


def lot_state(steps: Mapping[str, bool]) -> str:
    """State of a lot by its steps on record.

    Examples
    --------
    >>> lot_state({"reserve": True, "settle": True})
    'settled'
    """
    for step, state in (("pay", "paid out"), ("settle", "settled"), ("void", "void")):
        if steps.get(step):
            return state
    return "reserved" if steps.get("reserve") else "unknown"


# Which class of accounts each verb takes from.
_GIVES = {
    RETIRED: (accounts.SOLD, accounts.HELD),
    CLAIMED: (accounts.SOLD, accounts.HELD),
    CANCELLED: (accounts.HELD, accounts.BUFFER),
    GIVEN: (accounts.HELD,),
    REDEEMED: (accounts.HELD,),
    HANDED_IN: (accounts.HELD, accounts.SOLD),
}


def check_source(account: str, reason_code: str) -> None:
    """Refuse an act on grams that it may not touch.

    Raises
    ------
    InputRefused
        If the account is none of the carbon book, or the verb does not take from its class.
    """
    try:
        class_name = accounts.class_of(account)
    except LedgerBroken as unknown:
        raise InputRefused("account_unknown", unknown.message, "See `ledger balance`.") from unknown
    if class_name not in _GIVES[reason_code]:
        raise InputRefused(
            "account_not_at_disposal",
            f"{account!r} is {class_name}; expected {' or '.join(_GIVES[reason_code])}.",
            "`fleet-carbon ledger balance` lists the accounts.",
        )
