"""Prices of carbon and diesel: series by date, only ever added to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from fleet_carbon.errors import InputRefused
from fleet_carbon.quantification.accounts import Price
from fleet_carbon.settings import Settings
from fleet_carbon.statements import notices
from fleet_carbon.storage.records import PriceRow, PriceScope
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

_VINTAGE = re.compile(r"^\d{4}(-(0[1-9]|1[0-2]))?$")
_CURRENCY = re.compile(r"^[A-Z]{3}$")
CARBON_UNIT, DIESEL_UNIT = "t", "l"


@dataclass(frozen=True)
class PriceRequest:
    """One price as a user wrote it.

    Attributes
    ----------
    series : str
        Name of the series.
    price : str
        Decimal number above zero.
    currency : str
        ISO 4217 code.
    unit : str
        ``t`` for a tonne of CO2, ``l`` for a litre of diesel.
    valid_from : str
        First day in force, YYYY-MM-DD.
    market : str
        Market that a price of carbon is for; empty for any.
    vintage : str
        Vintage it is for, YYYY-MM or YYYY; empty for any.
    grade : str
        Quality of the accounts it is for; empty for any.
    floor : str, optional
        Price below which nothing is sold.
    is_saleable : bool
        False while there is no market for it.
    """

    series: str
    price: str
    currency: str
    unit: str
    valid_from: str
    market: str = ""
    vintage: str = ""
    grade: str = ""
    floor: str | None = None
    is_saleable: bool = True


@dataclass(frozen=True)
class SalePrice:
    """At what a lot is sold.

    Attributes
    ----------
    price : Decimal
        Of a tonne. [currency/t]
    currency : str
        ISO 4217; empty if no series says it.
    series : list of str
        The series that it was held against.
    """

    price: Decimal
    currency: str
    series: list[str]


@dataclass(frozen=True)
class PriceSet:
    """The price that was put on record, or all of them."""

    prices: list[dict[str, Any]]
    is_list: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form: the one price, or the list."""
        return {"prices": self.prices} if self.is_list else self.prices[0]

    def lines(self) -> list[str]:
        """The prices for people."""
        if self.is_list:
            return notices.price_lines(self.prices)
        one = self.prices[0]
        effect = (
            "a lot is sold"
            if one["market"] or one["vintage"] or one["grade"]
            else ("a month is closed")
        )
        return [
            f"{one['series']}: {one['price']} {one['currency']}/{one['unit']} from"
            f" {one['valid_from']} on. It takes effect when {effect}.",
            *([] if one["is_saleable"] else ["Nothing is sold at it: not saleable today."]),
        ]


def set_price(settings: Settings, request: PriceRequest) -> PriceSet:
    """Put a price on record, in force from its day until a later one of the same unit.

    Raises
    ------
    InputRefused
        If the price is no number above zero, the currency no code, or the day no date.
    """
    price = _decimal(request.price)
    valid_from = _day(request.valid_from)
    currency = read_currency(request.currency)
    scope = _scope(request)
    if not request.series.strip():
        raise InputRefused("series_missing", "The series has no name.", "Name it, for example CEA.")
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        row = work.prices.add(
            request.series.strip(),
            price,
            currency,
            unit=request.unit,
            valid_from=valid_from,
            recorded_at=datetime.now(UTC),
            scope=scope,
        )
    return PriceSet([_as_dict(row)], is_list=False)


def list_prices(settings: Settings) -> PriceSet:
    """Every price on record, in the order of recording."""
    with closing(open_storage(settings)) as storage, storage.look() as work:
        return PriceSet([_as_dict(row) for row in work.prices.list()], is_list=True)


def _as_dict(row: PriceRow) -> dict[str, Any]:
    return {
        "series": row.series,
        "price": str(row.price),
        "currency": row.currency,
        "unit": row.unit,
        "valid_from": row.valid_from.isoformat(),
        "recorded_at": row.recorded_at.isoformat(timespec="milliseconds"),
        "market": row.scope.market,
        "vintage": row.scope.vintage,
        "grade": row.scope.grade,
        "floor": None if row.scope.floor is None else str(row.scope.floor),
        "is_saleable": row.scope.is_saleable,
    }


def _scope(request: PriceRequest) -> PriceScope:
    """What the price is for."""
    scope = PriceScope(
        market=request.market.strip(),
        vintage=request.vintage.strip(),
        grade=request.grade,
        floor=None if request.floor is None else _decimal(request.floor),
        is_saleable=request.is_saleable,
    )
    if scope.vintage and not _VINTAGE.match(scope.vintage):
        raise InputRefused(
            "vintage_malformed",
            f"{request.vintage!r} is no vintage.",
            "Write a month as YYYY-MM or a year as YYYY.",
        )
    if request.unit != CARBON_UNIT and scope != PriceScope():
        raise InputRefused(
            "price_scope_refused",
            "Only a price of carbon has a market, vintage, grade, floor or is not saleable.",
            "Leave these out, or give --unit t.",
        )
    return scope


def sale_price(
    work: UnitOfWork, kinds: Iterable[tuple[str, str]], *, market: str, on: date, given: str | None
) -> SalePrice:
    """The one price of a tonne at which a lot may be sold today.

    Parameters
    ----------
    work : UnitOfWork
        What the prices are read from.
    kinds : iterable of (month, grade)
        What the lot consists of.
    market : str
        Where it is sold; empty where only prices for any market count.
    on : date
        Day of the sale.
    given : str, optional
        A price agreed upon with the buyer; it is held against floors, and must not be
        below any.

    Raises
    ------
    InputRefused
        If something of the lot is not saleable today, is below its floor, has no price, or the
        prices of its parts differ and none was given.
    """
    found = {
        kind: work.prices.for_sale(on, market=market, month=kind[0], grade=kind[1])
        for kind in sorted(set(kinds))
    }
    rows = [row for row in found.values() if row is not None]
    for (month, grade), row in found.items():
        if row is not None and not row.scope.is_saleable:
            raise InputRefused(
                "not_saleable_today",
                f"{month} of grade {grade} is not saleable today by the series {row.series}.",
                "Wait for a market, or sell what has one.",
            )
    agreed = None if given is None else _decimal(given)
    if agreed is None:
        agreed = _common_price(found)
    currencies = sorted({row.currency for row in rows})
    for row in rows:
        if row.scope.floor is not None and agreed < row.scope.floor:
            raise InputRefused(
                "price_below_floor",
                f"{agreed} is below the floor of {row.scope.floor} of the series {row.series}.",
                "Nothing is sold below a floor that is on record.",
            )
    if len(currencies) > 1:
        raise InputRefused(
            "lot_prices_differ",
            f"The parts of the lot have prices in {', '.join(currencies)}.",
            "Sell them as lots of their own.",
        )
    return SalePrice(agreed, currencies[0] if currencies else "", sorted({r.series for r in rows}))


def _common_price(found: dict[tuple[str, str], PriceRow | None]) -> Decimal:
    prices = {None if row is None else row.price for row in found.values()}
    if None in prices:
        raise InputRefused(
            "no_sale_price",
            "No price is in force for all of the lot.",
            "Give --price and --currency, or set one with `fleet-carbon price set`.",
        )
    if len(prices) > 1:
        raise InputRefused(
            "lot_prices_differ",
            "The parts of the lot have different prices by vintage or grade.",
            "Give --price, or sell them as lots of their own.",
        )
    return next(price for price in prices if price is not None)


def price_in_force(work: UnitOfWork, unit: str, on: date) -> Price | None:
    """The price of a unit on a day, None if none is; months are valued on their last day."""
    row = work.prices.in_force(unit, on)
    if row is None:
        return None
    return Price(
        amount=row.price,
        currency=row.currency,
        unit=row.unit,
        series=row.series,
        valid_from=row.valid_from,
    )


def read_currency(text: str) -> str:
    """A currency as a user wrote it, in capitals.

    Raises
    ------
    InputRefused
        If it is no code.
    """
    currency = text.strip().upper()
    if not _CURRENCY.match(currency):
        raise InputRefused(
            "currency_malformed",
            f"{text!r} is no currency code.",
            "Write the three letters of ISO 4217, for example CNY.",
        )
    return currency


def _decimal(text: str) -> Decimal:
    try:
        price = Decimal(text.strip())
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or price <= 0:
        raise InputRefused(
            "price_malformed",
            f"{text!r} is no price.",
            "Write a decimal number above zero, for example 8.5.",
        )
    return price


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError as wrong:
        raise InputRefused(
            "day_malformed",
            f"{text!r} is no day.",
            "Write year, month and day as YYYY-MM-DD, for example 2026-01-01.",
        ) from wrong
