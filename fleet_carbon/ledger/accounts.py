"""What accounts there are: their names, and the class in which each one counts.

The carbon book knows seven classes, and what was issued is the sum of the other six. Names given
by users stand in the last part of an account, escaped, so that each has an account of its own.
"""

from __future__ import annotations

from fleet_carbon.errors import LedgerBroken

ISSUED = "issued"
HELD_BY_DRIVERS = "held:driver/"
HELD_BY_FLEET = "held:fleet"
HELD_BY_PLATFORM = "held:platform"
BUFFER = "buffer"
OWED_BY_OPERATOR = "owed:operator"
OWED_TO_BUFFER = "owed:buffer"

HELD, PENDING, SOLD, RETIRED, CANCELLED = "held", "pending", "sold", "retired", "cancelled"
CLASSES = (HELD, PENDING, SOLD, RETIRED, CANCELLED, BUFFER)
"""Where a gram can be once it was issued."""

PREFIXES = {
    HELD: "held:",
    PENDING: "pending/",
    SOLD: "sold/",
    RETIRED: "retired/",
    CANCELLED: "cancelled/",
}
"""How the accounts of a class begin that has more than one."""

_HELD_FOR_GOOD = "held:good/"
_CASH = "cash:"
_OWED = "owed:"


def held_account(driver_id: str, vehicle_id: str) -> str:
    """Name of the account that holds what a driver saved with a truck.

    Examples
    --------
    >>> held_account("D/1", "V1")
    'held:driver/D%2F1/V1'
    """
    return f"{HELD_BY_DRIVERS}{escaped(driver_id)}/{escaped(vehicle_id)}"


def holder_of(account: str) -> tuple[str, str] | None:
    """Driver and truck of an account made by `held_account`; None for any other account.

    Examples
    --------
    >>> holder_of("held:driver/D%2F1/V1"), holder_of("issued")
    (('D/1', 'V1'), None)
    """
    if not account.startswith(HELD_BY_DRIVERS):
        return None
    driver, _, vehicle = account.removeprefix(HELD_BY_DRIVERS).partition("/")
    return unescaped(driver), unescaped(vehicle)


def good_account(name: str) -> str:
    """Name of the account of a public good that grams are given to."""
    return f"{_HELD_FOR_GOOD}{escaped(name)}"


def pending_account(lot_id: str) -> str:
    """Name of the account in which a lot waits for its settlement."""
    return f"pending/{escaped(lot_id)}"


def sold_account(buyer: str) -> str:
    """Name of the account of what a buyer bought and has not retired."""
    return f"sold/{escaped(buyer)}"


def retired_account(beneficiary: str) -> str:
    """Name of the account of what was used for good, on behalf of a beneficiary."""
    return f"retired/{escaped(beneficiary)}"


def cancelled_account(reason: str) -> str:
    """Name of the account of what does not count, for a reason."""
    return f"cancelled/{escaped(reason)}"


def class_of(account: str) -> str:
    """Class of an account of the carbon book: ``issued`` or one of `CLASSES`.

    Raises
    ------
    LedgerBroken
        If the account is none of the carbon book.

    Examples
    --------
    >>> class_of("held:fleet"), class_of("sold/B"), class_of("buffer")
    ('held', 'sold', 'buffer')
    """
    if account in (ISSUED, BUFFER):
        return account
    for name, prefix in PREFIXES.items():
        if account.startswith(prefix) and len(account) > len(prefix):
            return name
    raise LedgerBroken(
        "account_unknown",
        f"{account!r} is no account of the carbon book.",
        "Nothing was posted. Make account names with the functions of the ledger.",
    )


def is_cash(account: str) -> bool:
    """Whether an account belongs to the cash book."""
    return account.startswith(_CASH) and len(account) > len(_CASH)


def is_owed(account: str) -> bool:
    """Whether an account belongs to the book of open obligations."""
    return account.startswith(_OWED) and len(account) > len(_OWED)


def escaped(identifier: str) -> str:
    """An identifier as part of an account's name: ``%`` and ``/`` are written as codes."""
    return identifier.replace("%", "%25").replace("/", "%2F")


def unescaped(text: str) -> str:
    """The identifier that `escaped` was given."""
    return text.replace("%2F", "/").replace("%25", "%")
