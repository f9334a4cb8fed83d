"""Prices of carbon and diesel: series by date, only ever added to."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from fleet_carbon.errors import InputRefused
from fleet_carbon.quantification.accounts import Price
from fleet_carbon.settings import Settings
from fleet_carbon.statements import notices
from fleet_carbon.storage.records import PriceRow
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

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
    """

    series: str
    price: str
    currency: str
    unit: str
    valid_from: str


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
        return [
            f"{one['series']}: {one['price']} {one['currency']}/{one['unit']} from"
            f" {one['valid_from']} on. It takes effect when a month is closed."
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
    currency = request.currency.strip().upper()
    if not _CURRENCY.match(currency):
        raise InputRefused(
            "currency_malformed",
            f"{request.currency!r} is no currency code.",
            "Write the three letters of ISO 4217, for example CNY.",
        )
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
        )
    return PriceSet([_as_dict(row)], is_list=False)


def list_prices(settings: Settings) -> PriceSet:
    """Every price on record, in the order of recording."""
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        return PriceSet([_as_dict(row) for row in work.prices.list()], is_list=True)


def _as_dict(row: PriceRow) -> dict[str, Any]:
    return {
        "series": row.series,
        "price": str(row.price),
        "currency": row.currency,
        "unit": row.unit,
        "valid_from": row.valid_from.isoformat(),
        "recorded_at": row.recorded_at.isoformat(timespec="milliseconds"),
    }


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
