"""Money of the ledger: whole minor units, and who gets how much of a sale, to the last one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from fleet_carbon.errors import InputRefused
from fleet_carbon.ledger import accounts
from fleet_carbon.ledger.sharing import apportion

BANK, FEES, PLATFORM = "cash:bank", "cash:fees", "cash:platform"

_G_PER_T = 1_000_000
_DIGITS = 60
# ISO 4217, column "minor unit"; every other currency in use for carbon has two digits.
_MINOR_DIGITS = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


@dataclass(frozen=True)
class Payment:
    """An amount of money from one account of the cash book to another.

    Attributes
    ----------
    debit_account, credit_account : str
        Who receives, who gives.
    amount : int
        At least 1. [minor units]
    """

    debit_account: str
    credit_account: str
    amount: int


def buyer_account(buyer: str) -> str:
    """Name of the account through which a buyer's money goes; at rest it stands at 0."""
    return f"cash:buyer/{accounts.escaped(buyer)}"


def owed_account(holder: str) -> str:
    """Name of the account of what is owed in money to the holder of grams.

    Examples
    --------
    >>> owed_account("held:driver/D1/V1")
    'cash:driver/D1/V1'
    """
    return f"cash:{holder.removeprefix('held:')}"


def voucher_account(holder: str) -> str:
    """Name of the account of what is owed in vouchers to the holder of grams."""
    return f"cash:voucher/{holder.removeprefix(accounts.HELD_BY_DRIVERS)}"


def holder_of_money(account: str) -> str:
    """Account of the grams whose holder is owed by an account of the cash book; else empty.

    Examples
    --------
    >>> holder_of_money("cash:driver/D1/V1"), holder_of_money("cash:voucher/D1/V1")
    ('held:driver/D1/V1', 'held:driver/D1/V1')
    """
    for begin in ("cash:driver/", "cash:voucher/"):
        if account.startswith(begin):
            return f"{accounts.HELD_BY_DRIVERS}{account.removeprefix(begin)}"
    return ""


def worth(amount_g: int, price: Decimal, currency: str) -> int:
    """What grams cost, rounded half to even to whole minor units.

    Parameters
    ----------
    amount_g : int
        Mass. [g]
    price : Decimal
        Of a tonne. [currency/t]
    currency : str
        ISO 4217.

    Examples
    --------
    >>> worth(24_000 * 1_000_000, Decimal("50"), "CNY")
    120000000
    """
    with localcontext() as context:
        context.prec = _DIGITS
        exact = amount_g * price * 10 ** minor_digits(currency) / _G_PER_T
        return int(exact.to_integral_value(ROUND_HALF_EVEN))


def minor_digits(currency: str) -> int:
    """Digits after the point of a currency, ISO 4217."""
    return _MINOR_DIGITS.get(currency, 2)


def money_text(amount: int, currency: str) -> str:
    """An amount for people, exact.

    Examples
    --------
    >>> money_text(120_000_001, "CNY")
    '1,200,000.01 CNY'
    """
    digits = minor_digits(currency)
    return f"{Decimal(amount).scaleb(-digits):,.{digits}f} {currency}"


def read_money(text: str, currency: str) -> int:
    """An amount as a person wrote it, in minor units.

    Raises
    ------
    InputRefused
        If it is no number, below 0, or finer than the currency.
    """
    try:
        amount = Decimal(text.strip()).scaleb(minor_digits(currency))
    except ArithmeticError:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0 or amount != amount.to_integral_value():
        raise InputRefused(
            "money_malformed",
            f"{text!r} is no amount of {currency}.",
            "Write a decimal number, 0 or more, no finer than the currency, for example 1200.50.",
        )
    return int(amount)


def divided(proceeds: int, fees: int, weights_g: Mapping[str, int]) -> dict[str, int]:
    """Who gets how much of a sale: pro rata by grams after fees, by the largest remainder.

    Parameters
    ----------
    proceeds, fees : int
        What the buyer pays, and what of it does not go to holders. [minor units], >= 0
    weights_g : mapping of str to int
        What each holder gave to the lot. [g]

    Returns
    -------
    parts : dict of str to int
        By holder, by name; they add up to `proceeds - fees`. Of equal remainders the holder
        whose name comes first gets the unit that is left. [minor units]

    Raises
    ------
    InputRefused
        If the fees are more than the proceeds.
    """
    if fees > proceeds:
        raise InputRefused(
            "fees_above_proceeds",
            f"Fees of {fees} are more than the proceeds of {proceeds} minor units.",
            "Give lower fees.",
        )
    holders = sorted(weights_g)
    parts = apportion(proceeds - fees, [weights_g[holder] for holder in holders])
    return dict(zip(holders, parts, strict=True))


def sale_payments(
    buyer: str, proceeds: int, fees: int, *, parts: Mapping[str, int]
) -> Iterator[Payment]:
    """The cash side of a settled sale: money in, fees, and what each holder is owed.

    The buyer's account is back at what it was: what came in is what was divided.

    Parameters
    ----------
    buyer : str
        Who paid.
    proceeds, fees : int
        As for `divided`. [minor units]
    parts : mapping of str to int
        What `divided` gave, by holder. [minor units]

    Yields
    ------
    Payment
        None of an amount of 0.
    """
    paid = buyer_account(buyer)
    payments = [Payment(BANK, paid, proceeds), Payment(paid, FEES, fees)]
    payments += [Payment(paid, owed_account(holder), part) for holder, part in parts.items()]
    return (one for one in payments if one.amount)


def payouts(owed: Mapping[str, int]) -> Iterator[Payment]:
    """The cash side of paying what is owed, by account of the cash book."""
    for account, amount in owed.items():
        if amount:
            yield Payment(account, BANK, amount)
