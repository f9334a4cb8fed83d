"""The shapes of what is read of the ledger, and of the acts that move what it holds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fleet_carbon.web.shapes import (
    MONTH_PATTERN,
    Asked,
    AskedBody,
    Name,
    Optional,
    OptionalMonth,
)

_Amount = Annotated[int, Field(ge=1, le=2**62, description="How much. [g]", examples=[24_000_000])]
_Month = Annotated[OptionalMonth, Field(description="YYYY-MM; empty: any.")]
_Money = Annotated[
    str, Field(pattern=r"^[0-9]{1,15}(\.[0-9]{1,9})?$", description="Decimal number as text.")
]
_Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217.")]
_Words = Annotated[str, Field(min_length=1, max_length=500)]
_Source = Annotated[
    str,
    Field(
        min_length=1,
        max_length=300,
        description="Account to take from, oldest first; held:driver/ID/ is all trucks of one.",
        examples=["held:driver/D01/"],
    ),
]


class EntriesQuery(Asked):
    """Which entries."""

    month: OptionalMonth = ""
    account: Optional = Field("", description="Of this account.")
    driver_id: Optional = Field("", description="Of this driver, in both books.")
    after: int = Field(0, ge=0, le=2**62, description="next_after of the page before.")
    limit: int = Field(100, ge=1, le=1000)
    language: Literal["en", "zh"] = "en"


class EntryTold(BaseModel):
    """An entry: from whom to whom, how much, which serials, why."""

    model_config = ConfigDict(extra="allow")

    sequence: int = Field(description="Its place in the chain, from 1.")
    book: str
    unit: str
    month: str
    debit_account: str
    credit_account: str
    amount: int
    reason_code: str


class EntriesTold(BaseModel):
    """Entries in their order."""

    entries: list[EntryTold]
    is_cut: bool
    next_after: int | None = Field(description="What `after` goes on with; null after the last.")
    ledger_sums: str
    driver: dict[str, Any] | None = None


class BalancesQuery(Asked):
    """Balances of when, as known when."""

    until_month: OptionalMonth = ""
    known_at: str = Field("", max_length=40, description="ISO 8601.")
    prefix: Optional = Field("", description="Only accounts that begin so.")


class BalanceTold(BaseModel):
    """What stands in an account."""

    book: str
    unit: str
    account: str
    amount: int


class BalancesTold(BaseModel):
    """Balances, and where every gram is."""

    ledger_sums: str
    holds: bool = Field(description="Whether the grams issued are those that are anywhere.")
    obligations_open_g: int
    balances: list[BalanceTold]


class SerialsQuery(Asked):
    """Which serials."""

    serial: str = Field(
        min_length=1,
        max_length=300,
        description="As on a certificate, or short: MONTH/NUMBER, MONTH/FROM-UNTIL.",
        examples=["2026-09/1-1000"],
    )
    edition: str = Field("", max_length=100, description="If the month has several.")
    limit: int = Field(100, ge=1, le=1000, description="Holders and entries at most.")


class ConsistencyQuery(Asked):
    """Between which checkpoints."""

    first: int = Field(ge=1, le=2**62, description="Number of the earlier one.")
    second: Annotated[
        int | None, Field(ge=1, le=2**62, description="Number of the later one. [the newest]")
    ] = None


class EntryPath(Asked):
    """An entry."""

    sequence: int = Field(ge=1, le=2**62)


class LotPath(Asked):
    """A lot."""

    lot_id: Name


class ActPath(Asked):
    """An act, by the id that its sender gave."""

    client_id: Name


class LotTold(BaseModel):
    """A lot as it was reserved, and how it stands."""

    model_config = ConfigDict(extra="allow")

    lot_id: str
    state: str = Field(description="reserved, settled, void or paid.")
    reserved_at: str
    buyer: str
    amount_g: int
    price: str
    currency: str
    proceeds_text: str


class LotsTold(BaseModel):
    """Lots, in the order of reserving."""

    lots: list[LotTold]


class PostedTold(BaseModel):
    """What became of an act."""

    model_config = ConfigDict(extra="allow")

    transaction_id: str
    outcome: Literal["posted", "dry_run", "on_record_already"]
    entries_count: int
    ledger_sums: str


class ActAsked(AskedBody):
    """An act; a dry run shows exactly the entries and posts nothing."""

    dry_run: bool = False


class SaleAsked(ActAsked):
    """A lot that is to be built of the oldest serials and reserved."""

    lot_id: Name = Field(description="Your id; asked for again, nothing is posted.")
    buyer: _Words
    amount_g: _Amount
    price: Annotated[_Money | None, Field(description="Of a tonne. [the series in force]")] = None
    currency: _Currency | None = None
    market: str = Field("", max_length=100)
    from_month: _Month = ""
    until_month: _Month = ""
    edition: str = Field("", max_length=100)
    grade: Literal["measured", "modelled", "default", ""] = ""
    holders: Literal["drivers", "fleet", "platform", "all"] = "drivers"
    region: str = Field("", max_length=100, description="Province; empty: any.")
    region_share: _Money = "1"


class SettlementAsked(ActAsked):
    """The buyer has paid."""

    fees: _Money = Field("0", description="What of the proceeds is not the holders'.")


class DisposalAsked(ActAsked):
    """An act on grams that somebody holds."""

    client_id: Name = Field(description="Your id; asked for again, nothing is posted.")
    source: _Source
    amount_g: _Amount
    purpose: _Words = Field(description="On whose behalf, why, to which good, for which voucher.")


class RedemptionAsked(DisposalAsked):
    """Grams that a driver redeems for vouchers."""

    price: Annotated[_Money | None, Field(description="Of a tonne. [the series in force]")] = None
    currency: _Currency | None = None


class ClaimAsked(ActAsked):
    """Grams that a shipper or fleet reports as avoided."""

    client_id: Name = Field(description="Your id; asked for again, nothing is posted.")
    claimant: _Words = Field(description="shipper/NAME or fleet/NAME.", examples=["shipper/S1"])
    scope: Literal["1", "3"] = "3"
    purpose: _Words = Field(description="What it is reported in.")
    month: _Month = ""
    source: str = Field("", max_length=300, description="Account to take from, unless by orders.")
    amount_g: _Amount | None = None
    order_ids: list[Name] = Field([], max_length=10_000, description="What their drivers got.")


class MeetingAsked(ActAsked):
    """What the operator owes is met with units of the buffer."""

    client_id: Name = Field(description="Your id; asked for again, nothing is posted.")
    amount_g: _Amount | None = None


class ClaimsQuery(Asked):
    """Of which month."""

    month: str = Field(pattern=MONTH_PATTERN, examples=["2026-09"])


class VerifyQuery(Asked):
    """Whose the document ought to be."""

    key_id: Optional = Field("", description="Key that is known to be the operator's.")


class VerifiedTold(BaseModel):
    """What a check of a document found."""

    ok: bool
    problems: list[str]
    proven: list[str]
