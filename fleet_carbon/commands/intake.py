"""Commands that take files in, list them, and take them back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fleet_carbon.commands.options import (
    REFUSED,
    FleetOption,
    HomeOption,
    JsonOption,
    Kind,
    heard,
)
from fleet_carbon.commands.showing import answer, shown_progress

app = typer.Typer()


@app.command()
def ingest(
    context: typer.Context,
    kind: Annotated[Kind, typer.Argument(help="What the files hold.")],
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="CSV, Parquet, XLSX, JSON lines, or of a dialect."),
    ],
    *,
    crs: Annotated[
        Literal["wgs84", "gcj02", "bd09"] | None,
        typer.Option(help="Coordinate system of the files. [default: wgs84]"),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(help="Zone of times without offset. [default: the fleet's zone]"),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(help="Source profile (YAML): names, units, zone and coordinates of a source."),
    ] = None,
    dialect: Annotated[
        str, typer.Option(help="System or standard that wrote them; `dialects` lists them.")
    ] = "",
    vehicle: Annotated[
        str | None, typer.Option(help="Truck of all rows that name none, as of a track.")
    ] = None,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview", help="Show how the first rows are understood, and why; keep nothing."
        ),
    ] = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take files in; refused rows are named, the good ones kept."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services import ingesting, previewing

    wanted = ingesting.Source(source, crs, timezone, dialect=dialect, vehicle_id=vehicle or None)
    if preview:
        answer(session, previewing.preview_files(session.settings(), kind, files, source=wanted))
        return
    with shown_progress() as progress:
        report = ingesting.ingest_files(
            session.settings(), kind, files, source=wanted, progress=progress
        )
    answer(session, report)
    if report.rows_rejected:
        raise typer.Exit(REFUSED)


@app.command()
def dialects(
    context: typer.Context,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the systems and standards whose files and messages are read as they are."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services import ingesting

    answer(session, ingesting.DialectList())


@app.command()
def files(
    context: typer.Context,
    *,
    kind: Annotated[Kind | None, typer.Option(help="Only files ingested as this.")] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the files that were ingested, with their ids, row counts and withdrawals."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services import withdrawing

    answer(session, withdrawing.list_files(session.settings_on_record(), kind))


@app.command()
def withdraw(
    context: typer.Context,
    file_id: Annotated[
        str, typer.Argument(metavar="FILE_ID", help="Id from `files`: at least its first 6 digits.")
    ],
    *,
    reason: Annotated[str, typer.Option(help="Why it is taken back; kept on record.")],
    kind: Annotated[
        Kind | None, typer.Option(help="Only what it brought when ingested as this.")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back everything a file brought; nothing is deleted, and it may be ingested again."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services import withdrawing

    wanted = withdrawing.WithdrawalRequest(file_id, reason, kind)
    answer(session, withdrawing.withdraw_file(session.settings_on_record(), wanted))
