"""The command that tells where the trucks are and what they do now."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet_carbon.commands.options import FleetOption, HomeOption, JsonOption, heard
from fleet_carbon.commands.showing import answer

app = typer.Typer()


@app.command()
def live(
    context: typer.Context,
    vehicles: Annotated[
        list[str] | None, typer.Argument(metavar="[VEHICLE]...", help="Only these; else all.")
    ] = None,
    *,
    at: Annotated[
        str | None,
        typer.Option(help="A moment that is past, such as 2026-10-05T14:30. [default: now]"),
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell where trucks are, whether they stand or drive, loaded or empty, and today's km."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.positions import watching

    answer(session, watching.show_fleet(session.settings_on_record(), vehicles or (), at=at))
