"""Commands of the papers of a month: drivers' statements, the fleet's report, disputes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from fleet_carbon.commands.options import (
    REFUSED,
    FleetOption,
    HomeOption,
    JsonOption,
    LanguageOption,
    MonthArgument,
    heard,
)
from fleet_carbon.commands.showing import answer, print_json, shown_progress

app = typer.Typer()
disputes_app = typer.Typer(
    help="What drivers dispute of a month, and the answers; both stay on record.",
    no_args_is_help=True,
)
TextOption = Annotated[str, typer.Option("--text", help="What is said, up to 2,000 characters.")]


@app.command()
def statement(
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="[DRIVER] MONTH", help="Driver and month; with --all the month."),
    ],
    *,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="File ending in .pdf, .json, .html, .png or .svg; folder or .zip.",
        ),
    ],
    language: LanguageOption = "en",
    everybody: Annotated[
        bool, typer.Option("--all", help="Of every driver with an account in the month.")
    ] = False,
    form: Annotated[
        Literal["pdf", "json", "html", "png", "svg"],
        typer.Option("--form", help="With --all: which files."),
    ] = "pdf",
    workers: Annotated[
        int | None, typer.Option(help="Processes at a time. [default: one per processor]")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a driver's monthly statement, or with --all those of every driver."""
    session = heard(context, home, fleet, as_json)
    if len(words) != (1 if everybody else 2):
        raise typer.BadParameter("Give DRIVER and MONTH, or MONTH with --all.")
    from fleet_carbon.services.papers import stating, stating_in_bulk

    settings = session.settings_on_record(workers=workers)
    if everybody:
        with shown_progress() as progress:
            bulk = stating_in_bulk.write_all_statements(
                settings, words[0], output, language=language, suffix=f".{form}", progress=progress
            )
        answer(session, bulk)
        if bulk.refused:
            raise typer.Exit(REFUSED)
        return
    made = stating.make_statement(settings, words[0], words[1], language=language)
    stating.write_statement(made, output)
    if session.as_json:
        print_json(made.as_dict())
    else:
        typer.echo(f"Statement of {words[0]} for {words[1]} written to {output}")


@app.command()
def report(
    context: typer.Context,
    month: MonthArgument,
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File ending in .xlsx, .pdf, .html or .json.")
    ],
    language: LanguageOption = "en",
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the fleet's monthly report: a sheet for each question, a PDF or a page to print."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.papers import fleet_reports

    made = fleet_reports.make_report(session.settings_on_record(), month, language=language)
    fleet_reports.write_report(made, output)
    if session.as_json:
        print_json(made.as_dict())
    else:
        typer.echo(f"Report of {month} written to {output}")


@disputes_app.command("add")
def add_dispute(
    context: typer.Context,
    driver: Annotated[str, typer.Argument(metavar="DRIVER", help="Who disputes.")],
    month: MonthArgument,
    *,
    text: TextOption,
    order: Annotated[str, typer.Option(help="The order it is about.")] = "",
    leg: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z"],
            help="Start of the leg it is about, with its offset: 2026-09-01T03:56:27Z.",
        ),
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put on record that a driver disputes an order, a leg or a whole month."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.papers import disputing

    answer(
        session,
        disputing.raise_dispute(
            session.settings_on_record(),
            driver,
            month,
            text=text,
            order_id=order,
            leg_started_at=leg,
        ),
    )


@disputes_app.command("list")
def list_disputes(
    context: typer.Context,
    *,
    month: Annotated[str | None, typer.Option(help="Only of this month, YYYY-MM.")] = None,
    driver: Annotated[str | None, typer.Option(help="Only of this driver.")] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List disputes with their answers."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.papers import disputing

    settings = session.settings_on_record()
    answer(session, disputing.list_disputes(settings, month=month, driver_id=driver))


@disputes_app.command("answer")
def answer_dispute(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Number of the dispute.")],
    *,
    outcome: Annotated[
        Literal["accepted", "declined", "noted"], typer.Option(help="What came of it.")
    ],
    text: TextOption,
    by: Annotated[str, typer.Option("--by", help="Who answers.")],
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a dispute; earlier answers stay on record, the newest is shown."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.papers import disputing

    settings = session.settings_on_record()
    told = disputing.answer_dispute(settings, number, outcome=outcome, text=text, answered_by=by)
    answer(session, told)
