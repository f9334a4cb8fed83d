"""Commands by which others check what the ledger and a statement say."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fleet_carbon.commands.options import (
    REFUSED,
    FleetOption,
    HomeOption,
    JsonOption,
    MonthArgument,
    heard,
)
from fleet_carbon.commands.showing import answer, shown_progress

app = typer.Typer()
DriverArgument = Annotated[str, typer.Argument(metavar="DRIVER", help="Driver.")]


@app.command()
def prove(
    context: typer.Context,
    driver: DriverArgument,
    month: MonthArgument,
    *,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; else standard output.")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a signed statement of a driver's month that anybody can check offline."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import proving

    proof = proving.prove_account(session.settings_on_record(), driver, month)
    if output is None:
        answer(session, proof)
        return
    proof.write(output)
    typer.echo(f"Statement of {driver} for {month} written to {output}", err=session.as_json)
    if session.as_json:
        answer(session, proof)


@app.command()
def verify(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Statement or its PDF, certificate, proof or archive."),
    ] = None,
    *,
    key: Annotated[
        str | None, typer.Option(help="Key that is known to be the operator's, its identifier.")
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(help="The operator's list of keys: `ledger keys list --json` in a file."),
    ] = None,
    print_script: Annotated[
        bool,
        typer.Option(
            "--print-script", help="Print the check as one file that needs only cryptography."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check a statement, certificate, proof or archive offline; exit 1 if it is not proven."""
    session = heard(context, None, None, as_json)
    from fleet_carbon.services.ledger import proving

    if print_script:
        sys.stdout.write(proving.checker_script())
        return
    if file is None:
        raise typer.BadParameter("Name a file, or ask for --print-script.")
    report = proving.check_statement(file, trusted_key_id=key, key_list=keys)
    answer(session, report)
    if not report.is_well:
        raise typer.Exit(REFUSED)


@app.command()
def replay(
    context: typer.Context,
    driver: DriverArgument,
    month: MonthArgument,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute a published account again from what was known then; exit 1 if it differs."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.months import replaying

    with shown_progress() as progress:
        report = replaying.replay_account(
            session.settings_on_record(), driver, month, progress=progress
        )
    answer(session, report)
    if not report.is_well:
        raise typer.Exit(REFUSED)
