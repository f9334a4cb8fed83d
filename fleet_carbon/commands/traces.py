"""Commands that list and keep well the trace store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleet_carbon.commands.options import (
    REFUSED,
    FleetOption,
    HomeOption,
    JsonOption,
    heard,
)
from fleet_carbon.commands.showing import answer, shown_progress

app = typer.Typer(
    help="The trace store: what it holds, and how it is kept well.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def traces_root() -> None:
    """The trace store: what it holds, and how it is kept well."""


@app.command("list")
def traces_list(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the stored positions by month and bucket of trucks, with size and versions."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.positions import tracekeeping

    answer(session, tracekeeping.list_traces(session.settings_on_record()))


@app.command("compact")
def traces_compact(
    context: typer.Context,
    *,
    month: Annotated[str | None, typer.Option(help="Only this UTC month, YYYY-MM.")] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the segments of each month and bucket together: smaller, and faster to read."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.positions import tracekeeping

    with shown_progress() as progress:
        report = tracekeeping.compact_traces(
            session.settings_on_record(), month=month, progress=progress
        )
    answer(session, report)


@app.command("verify")
def traces_verify(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read every stored segment and compare its digest; exit 1 if one is missing or changed."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.positions import tracekeeping

    with shown_progress() as progress:
        report = tracekeeping.verify_traces(session.settings_on_record(), progress=progress)
    answer(session, report)
    if not report.is_well:
        raise typer.Exit(REFUSED)


@app.command("export")
def traces_export(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Empty, or with an earlier export.")
    ],
    *,
    month: Annotated[str | None, typer.Option(help="Only this UTC month, YYYY-MM.")] = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="The positions as they were at this version.")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the positions in force as a Delta Lake table for Spark, DuckDB, Polars and others."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.positions import exporting

    with shown_progress() as progress:
        report = exporting.export_traces(
            session.settings_on_record(), folder, month=month, version=version, progress=progress
        )
    answer(session, report)


@app.command("clean")
def traces_clean(
    context: typer.Context,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be removed.")
    ] = False,
    age_h: Annotated[
        float, typer.Option("--older-than", help="Only what is older than this, in hours.")
    ] = 24.0,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove segments that nothing needs any more, and files that broken-off commands left."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.positions import tracekeeping

    answer(
        session,
        tracekeeping.clean_traces(session.settings_on_record(), is_dry_run=dry_run, age_h=age_h),
    )
