"""Commands that take files in, list them, and take them back."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime
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
_MOMENT_FORMATS = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


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
    from fleet_carbon.services.intake import ingesting, previewing

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
def subscribe(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="mqtts://user@host:8883")],
    *,
    topic: Annotated[str, typer.Option(help="Topic of the broker, with its wildcards.")],
    dialect: Annotated[str, typer.Option(help="traccar, jt808, or another of `dialects`.")],
    client_id: Annotated[
        str, typer.Option(help="Under which the broker keeps what was not had yet.")
    ] = "fleet-carbon",
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in positions that an MQTT broker sends, until it is told to stop."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.intake import subscribing
    from fleet_carbon.services.support import logs

    logs.configure(session.settings(), part="subscriber")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    answer(
        session,
        subscribing.subscribe(
            session.settings(),
            subscribing.Subscription(url, topic, dialect, client_id=client_id),
            stop=stop,
            when_ready=lambda: logs.tell("The subscriber is ready.", topic=topic),
        ),
    )


@app.command()
def pull(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="Of the server: https://host/rfms")],
    *,
    state: Annotated[Path, typer.Option(help="File that keeps where the next time goes on.")],
    dialect: Annotated[
        str,
        typer.Option(help="rfms, samsara, geotab, motive, ocpi: the system whose server it is."),
    ] = "rfms",
    resource: Annotated[
        str, typer.Option(help="What is asked for, where a server has several.")
    ] = "",
    since: Annotated[
        datetime | None,
        typer.Option(
            help="Where the first time begins; UTC without an offset.", formats=_MOMENT_FORMATS
        ),
    ] = None,
    source: Annotated[
        Path | None, typer.Option(help="Source profile (YAML) for what comes.")
    ] = None,
    vehicle: Annotated[str | None, typer.Option(help="Truck of all rows that name none.")] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a server for all that it received since the last time, and take it in."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.pulls import pulling
    from fleet_carbon.services.support import logs

    logs.configure(session.settings(), part="puller")
    since_at = since.replace(tzinfo=since.tzinfo or UTC) if since else None
    asked = pulling.Pull(url, state, dialect, resource, since_at, source, vehicle)
    with shown_progress() as progress:
        report = pulling.pull(session.settings(), asked, progress=progress)
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
    from fleet_carbon.services.intake import ingesting

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
    from fleet_carbon.services.intake import withdrawing

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
    from fleet_carbon.services.intake import withdrawing

    wanted = withdrawing.WithdrawalRequest(file_id, reason, kind)
    answer(session, withdrawing.withdraw_file(session.settings_on_record(), wanted))
