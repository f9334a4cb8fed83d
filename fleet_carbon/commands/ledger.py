"""Commands that read the ledger and move what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fleet_carbon.commands.options import FleetOption, HomeOption, JsonOption, Session, heard
from fleet_carbon.commands.showing import answer, shown_progress

app = typer.Typer(
    help="Balances, entries, sales, retirements of credited grams.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

LotArgument = Annotated[str, typer.Argument(metavar="LOT", help="Id of the lot.")]
ActArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Your id of this act; repeating it posts nothing.")
]
SourceOption = Annotated[
    str,
    typer.Option(
        "--from",
        help="Account to take from, oldest first; held:driver/ID/ is all trucks of a driver.",
    ),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show exactly the entries, and post nothing.")
]
TonnesOption = Annotated[
    str | None, typer.Option(help="How much, in tonnes: 24000 or 1.5; or --grams.")
]
GramsOption = Annotated[int | None, typer.Option(help="How much, in whole grams; or --tonnes.")]
PriceOption = Annotated[
    str | None, typer.Option(help="Price of a tonne, in --currency. [default: the series in force]")
]
CurrencyOption = Annotated[str | None, typer.Option(help="ISO 4217. [default: that of the series]")]


@app.callback()
def ledger_root() -> None:
    """Balances, entries, sales, retirements of credited grams."""


@app.command()
def balance(
    context: typer.Context,
    *,
    until: Annotated[
        str | None, typer.Option(help="Only vintages and periods until this month, YYYY-MM. [all]")
    ] = None,
    known_at: Annotated[
        str | None,
        typer.Option("--known-at", help="As known at a moment: 2026-02-01T00:00:00+08:00. [now]"),
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="Only accounts whose names begin so: held:driver/. [all]")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what stands in each account, and where every gram is that was issued."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import bookkeeping

    settings = session.settings_on_record()
    answer(
        session,
        bookkeeping.read_balances(settings, until_month=until, known_at=known_at, prefix=account),
    )


@app.command()
def entries(
    context: typer.Context,
    *,
    month: Annotated[
        str | None, typer.Option(help="Only of this vintage or period, YYYY-MM. [all]")
    ] = None,
    account: Annotated[str | None, typer.Option(help="Only of this account. [all]")] = None,
    driver: Annotated[
        str | None,
        typer.Option(help="Only of this driver in both books, and what became of the grams. [all]"),
    ] = None,
    after: Annotated[int, typer.Option(help="Begin after the entry of this number.", min=0)] = 0,
    limit: Annotated[int, typer.Option(help="At most so many entries.", min=1)] = 100,
    language: Annotated[
        Literal["en", "zh"], typer.Option("--lang", help="English or Chinese, with --driver.")
    ] = "en",
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List entries in their order: from whom to whom, how much, which serials, why."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import bookkeeping

    listing = bookkeeping.list_entries(
        session.settings_on_record(),
        month=month,
        account=account,
        driver_id=driver,
        after=after,
        limit_count=limit,
        language=language,
    )
    answer(session, listing)


@app.command()
def serial(
    context: typer.Context,
    serials: Annotated[
        str,
        typer.Argument(
            metavar="SERIAL",
            help="As on a certificate, or short: MONTH/NUMBER, MONTH/FROM-UNTIL.",
        ),
    ],
    *,
    edition: Annotated[
        str, typer.Option(help="Edition, if the month has several. [default: the only one]")
    ] = "",
    limit: Annotated[int, typer.Option(help="At most so many holders and entries.", min=1)] = 100,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show who holds serials now, and every entry that moved them since their issue."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import locating

    settings = session.settings_on_record()
    answer(
        session,
        locating.locate_serials(settings, serials, edition=edition, limit_count=limit),
    )


@app.command()
def sell(
    context: typer.Context,
    lot: LotArgument,
    *,
    buyer: Annotated[str, typer.Option(help="Who buys.")],
    tonnes: TonnesOption = None,
    grams: GramsOption = None,
    price: PriceOption = None,
    currency: CurrencyOption = None,
    market: Annotated[str, typer.Option(help="Where it is sold. [any]")] = "",
    from_month: Annotated[
        str, typer.Option("--from-month", help="First vintage, YYYY-MM. [any]")
    ] = "",
    until_month: Annotated[
        str, typer.Option("--until-month", help="Last vintage, YYYY-MM. [any]")
    ] = "",
    edition: Annotated[str, typer.Option(help="Label of the methodology edition. [any]")] = "",
    grade: Annotated[
        Literal["measured", "modelled", "default", ""],
        typer.Option(help="Quality: measured, modelled or default. [any]"),
    ] = "",
    region: Annotated[
        str, typer.Option(help="Province in which the transport took place, name or code. [any]")
    ] = "",
    region_share: Annotated[
        str,
        typer.Option(
            "--region-share",
            help="Smallest part of an account's tkm that must lie in it, above 0 to 1.",
        ),
    ] = "1",
    holders: Annotated[
        Literal["drivers", "fleet", "platform", "all"], typer.Option(help="Whose grams are sold.")
    ] = "drivers",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder for the papers of the lot. [none are written]"),
    ] = None,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build a lot of the oldest serials and reserve it; then `settle` or `void` it."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import bookkeeping, selling

    request = selling.SaleRequest(
        lot_id=lot,
        buyer=buyer,
        amount_g=bookkeeping.amount_of(tonnes, grams),
        price=price,
        currency=currency,
        market=market,
        from_month=from_month,
        until_month=until_month,
        edition=edition,
        grade=grade,
        holders=holders,
        region=region,
        region_share=region_share,
    )
    settings = session.settings_on_record()
    with shown_progress() as progress:
        posted = selling.sell(
            settings, request, is_dry_run=dry_run, progress=progress, folder=output
        )
    answer(session, posted)


@app.command()
def settle(
    context: typer.Context,
    lot: LotArgument,
    *,
    fees: Annotated[
        str,
        typer.Option(help="Part of the proceeds that is not the holders', in the lot's currency."),
    ] = "0",
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """The buyer has paid: the serials are sold, the holders are owed the proceeds, to the fen."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import selling

    settings = session.settings_on_record()
    with shown_progress() as progress:
        posted = selling.settle(settings, lot, fees=fees, is_dry_run=dry_run, progress=progress)
    answer(session, posted)


@app.command()
def void(
    context: typer.Context,
    lot: LotArgument,
    *,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a reserved lot go: every serial returns to its holder."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import selling

    settings = session.settings_on_record()
    with shown_progress() as progress:
        posted = selling.void(settings, lot, is_dry_run=dry_run, progress=progress)
    answer(session, posted)


@app.command()
def pay(
    context: typer.Context,
    lot: LotArgument,
    *,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that the holders of a settled lot were paid what it owes them."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import selling

    settings = session.settings_on_record()
    with shown_progress() as progress:
        posted = selling.pay(settings, lot, is_dry_run=dry_run, progress=progress)
    answer(session, posted)


@app.command()
def retire(
    context: typer.Context,
    act: ActArgument,
    *,
    source: SourceOption,
    beneficiary: Annotated[str, typer.Option(help="On whose behalf.")],
    tonnes: TonnesOption = None,
    grams: GramsOption = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File for the certificate: .json signed, else text."),
    ] = None,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Use grams up on somebody's behalf, for good: from sold/BUYER or a held account."""
    session = heard(context, home, fleet, as_json)
    words = ("retire", act, source, beneficiary)
    dispose(session, words, tonnes=tonnes, amount_g=grams, dry_run=dry_run, certificate=output)


@app.command()
def cancel(
    context: typer.Context,
    act: ActArgument,
    *,
    source: SourceOption,
    reason: Annotated[str, typer.Option(help="Why they do not count.")],
    tonnes: TonnesOption = None,
    grams: GramsOption = None,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Declare grams void, for nobody's benefit: from a held account or the buffer."""
    session = heard(context, home, fleet, as_json)
    words = ("cancel", act, source, reason)
    dispose(session, words, tonnes=tonnes, amount_g=grams, dry_run=dry_run)


@app.command()
def transfer(
    context: typer.Context,
    act: ActArgument,
    *,
    source: SourceOption,
    good: Annotated[str, typer.Option(help="Name of the public good.")],
    tonnes: TonnesOption = None,
    grams: GramsOption = None,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give held grams to the account of a public good; they are not sold from there."""
    session = heard(context, home, fleet, as_json)
    words = ("transfer", act, source, good)
    dispose(session, words, tonnes=tonnes, amount_g=grams, dry_run=dry_run)


@app.command()
def redeem(
    context: typer.Context,
    act: ActArgument,
    *,
    source: SourceOption,
    voucher: Annotated[str, typer.Option(help="What the voucher is for.")],
    tonnes: TonnesOption = None,
    grams: GramsOption = None,
    price: PriceOption = None,
    currency: CurrencyOption = None,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Redeem a driver's grams for vouchers: the platform takes them over and owes the worth."""
    session = heard(context, home, fleet, as_json)
    words = ("redeem", act, source, voucher)
    at = (price, currency)
    dispose(session, words, tonnes=tonnes, amount_g=grams, dry_run=dry_run, at=at)


@app.command()
def claim(
    context: typer.Context,
    act: ActArgument,
    *,
    claimant: Annotated[
        str, typer.Option("--for", help="Who reports it: shipper/NAME or fleet/NAME.")
    ],
    scope: Annotated[
        Literal["1", "3"], typer.Option(help="Scope of the claimant's inventory.")
    ] = "3",
    purpose: Annotated[str, typer.Option(help="What it is reported in.")],
    month: Annotated[str, typer.Option(help="Vintage, YYYY-MM. [any]")] = "",
    source: Annotated[
        str,
        typer.Option("--from", help="Account to take from, oldest first: sold/BUYER or held:..."),
    ] = "",
    tonnes: TonnesOption = None,
    grams: GramsOption = None,
    orders: Annotated[
        Path | None,
        typer.Option(help="File of order ids, one a line: claim what the drivers were given for."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File for the certificate, signed JSON.")
    ] = None,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a shipper or fleet report grams as avoided: they are retired for it, and not sold."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import bookkeeping, claimants

    wanted = claimants.Claimed(
        client_id=act,
        claimant=claimant,
        scope=scope,
        purpose=purpose,
        month=month,
        source=source,
        amount_g=None if orders else bookkeeping.amount_of(tonnes, grams),
        order_ids=claimants.read_order_ids(orders) if orders else (),
    )
    settings = session.settings_on_record()
    with shown_progress() as progress:
        posted = claimants.claim(
            settings, wanted, is_dry_run=dry_run, progress=progress, certificate=output
        )
    answer(session, posted)


@app.command("claims")
def claims_of_grams(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List who reports which grams as its own: claimant, scope, period, serials, orders."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import claimants

    answer(session, claimants.list_claimants(session.settings_on_record()))


def dispose(
    session: Session,
    words: tuple[str, str, str, str],
    *,
    tonnes: str | None,
    amount_g: int | None,
    dry_run: bool,
    at: tuple[str | None, str | None] = (None, None),
    certificate: Path | None = None,
) -> None:
    """Do one act on grams and answer: its verb, id, account and purpose are `words`."""
    from fleet_carbon.services.ledger import bookkeeping, disposing

    verb, act, source, purpose = words
    taken_g = bookkeeping.amount_of(tonnes, amount_g)
    wanted = disposing.Disposal(verb, act, source, taken_g, purpose, *at)
    settings = session.settings_on_record()
    with shown_progress() as progress:
        posted = disposing.dispose(
            settings, wanted, is_dry_run=dry_run, progress=progress, certificate=certificate
        )
    answer(session, posted)
