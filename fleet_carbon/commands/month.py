"""Commands that close a month and write its tables."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet_carbon.commands.options import (
    FleetOption,
    FormatOption,
    HomeOption,
    JsonOption,
    MonthArgument,
    OutputOption,
    heard,
)
from fleet_carbon.commands.showing import answer, shown_progress, write_table

app = typer.Typer()


@app.command()
def close(
    context: typer.Context,
    month: MonthArgument,
    *,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="threads, processes, or a Dask scheduler: tcp://host:8786. [default: threads]"
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Trucks worked on at a time. [default: one per processor]")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be posted, and post nothing.")
    ] = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute a month's legs, diesel, CO2 and savings, and post the ledger."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.months import closing

    with shown_progress() as progress:
        settings = session.settings_on_record(scheduler=scheduler, workers=workers)
        report = closing.close_month(settings, month, is_dry_run=dry_run, progress=progress)
    answer(session, report)


@app.command()
def accounts(
    context: typer.Context,
    month: MonthArgument,
    *,
    output: OutputOption = None,
    format_name: FormatOption = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the driver accounts of a month: one row per driver and vehicle."""
    session = heard(context, home, fleet, as_json)
    write_table(session, "accounts", month, output, format_name)


@app.command()
def legs(
    context: typer.Context,
    month: MonthArgument,
    *,
    output: OutputOption = None,
    format_name: FormatOption = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the legs of a month: loaded, empty or unknown, with reason and confidence."""
    session = heard(context, home, fleet, as_json)
    write_table(session, "legs", month, output, format_name)


@app.command()
def orders(
    context: typer.Context,
    month: MonthArgument,
    *,
    output: OutputOption = None,
    format_name: FormatOption = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the orders of a month: matched or not and why, planned and realised."""
    session = heard(context, home, fleet, as_json)
    write_table(session, "orders", month, output, format_name)


@app.command()
def receipts(
    context: typer.Context,
    month: MonthArgument,
    *,
    output: OutputOption = None,
    format_name: FormatOption = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the fuel receipts of a month: counted or not and why, each with its reason."""
    session = heard(context, home, fleet, as_json)
    write_table(session, "receipts", month, output, format_name)
