"""Commands of the inventory book: categories, shipments, and the reports of customers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fleet_carbon.commands.options import (
    DistanceOption,
    FleetOption,
    FormatOption,
    HomeOption,
    JsonOption,
    LanguageOption,
    MonthArgument,
    OutputOption,
    heard,
)
from fleet_carbon.commands.showing import answer, print_json, write_rows

app = typer.Typer()


@app.command()
def inventory(
    context: typer.Context,
    month: MonthArgument,
    *,
    table: Annotated[
        Literal["tocs", "shipments", "unattributed", "shippers"] | None,
        typer.Option(help="Write one table: categories, shipments, the rest, or customers."),
    ] = None,
    distance: DistanceOption = None,
    output: OutputOption = None,
    format_name: FormatOption = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a month's inventory by ISO 14083, or write one of its tables."""
    session = heard(context, home, fleet, as_json)
    if table is None and (output is not None or format_name is not None):
        raise typer.BadParameter("Say which table with --table.")
    from fleet_carbon.services.accounts import inventories

    def book() -> inventories.Inventory:
        settings = session.settings_on_record()
        return inventories.read_inventory(settings, month, distance=distance or "")

    if table is None:
        answer(session, book())
        return
    write_rows(
        session,
        lambda: book().table(table),
        output,
        format_name=format_name,
    )


@app.command()
def shipper(
    context: typer.Context,
    shipper_id: Annotated[
        str, typer.Argument(metavar="SHIPPER", help="The customer, as orders name it.")
    ],
    month: MonthArgument,
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File ending in .csv, .xlsx, .pdf or .json.")
    ],
    distance: DistanceOption = None,
    language: LanguageOption = "en",
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a customer's report of a month: every shipment with its footprint."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.papers import shipper_reports

    made = shipper_reports.make_shipper_report(
        session.settings_on_record(),
        shipper_id,
        month,
        language=language,
        distance=distance or "",
    )
    shipper_reports.write_shipper_report(made, output)
    if session.as_json:
        print_json(made.as_dict())
    else:
        typer.echo(f"Report of {shipper_id} for {month} written to {output}")
