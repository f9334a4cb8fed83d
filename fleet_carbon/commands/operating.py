"""Commands of those who operate the installation."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet_carbon.commands.options import FleetOption, HomeOption, JsonOption, heard
from fleet_carbon.commands.showing import answer

app = typer.Typer()


@app.command()
def migrate(
    context: typer.Context,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show the steps and their statements.")
    ] = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a database of an earlier program to the schema of this one; make a backup first."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services import migrating

    answer(session, migrating.migrate(session.settings_on_record(), is_trial=dry_run))
