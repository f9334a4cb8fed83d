"""Commands that put prices on record and list them."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fleet_carbon.commands.options import (
    FleetOption,
    HomeOption,
    JsonOption,
    heard,
)
from fleet_carbon.commands.showing import answer

app = typer.Typer(
    help="Carbon and diesel prices by series and date.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def price_root() -> None:
    """Carbon and diesel prices by series and date."""


@app.command("set")
def price_set(
    context: typer.Context,
    series: Annotated[str, typer.Argument(help="Name of the series, for example CEA or diesel.")],
    *,
    price: Annotated[str, typer.Option(help="Price of one unit, a decimal number.")],
    currency: Annotated[str, typer.Option(help="ISO 4217, for example CNY.")],
    unit: Annotated[Literal["t", "l"], typer.Option(help="t for carbon, l for diesel.")],
    valid_from: Annotated[str, typer.Option("--from", help="First day in force, YYYY-MM-DD.")],
    market: Annotated[str, typer.Option(help="Market it is for, of carbon. [any]")] = "",
    vintage: Annotated[str, typer.Option(help="Vintage it is for, YYYY-MM or YYYY. [any]")] = "",
    grade: Annotated[
        Literal["measured", "modelled", "default", ""],
        typer.Option(help="Quality it is for: measured, modelled or default. [any]"),
    ] = "",
    floor: Annotated[
        str | None, typer.Option(help="Price of a tonne below which nothing is sold.")
    ] = None,
    not_saleable: Annotated[
        bool, typer.Option("--not-saleable", help="There is no market today: nothing is sold.")
    ] = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a price on record; earlier prices stay on record."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.intake import pricing

    wanted = pricing.PriceRequest(
        series,
        price,
        currency,
        unit,
        valid_from,
        market=market,
        vintage=vintage,
        grade=grade,
        floor=floor,
        is_saleable=not not_saleable,
    )
    answer(session, pricing.set_price(session.settings(), wanted))


@app.command("list")
def price_list(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the prices on record."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.intake import pricing

    answer(session, pricing.list_prices(session.settings()))
