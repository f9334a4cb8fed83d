"""The command that explains a published figure."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fleet_carbon.commands.options import (
    FleetOption,
    HomeOption,
    JsonOption,
    MonthArgument,
    OutputOption,
    heard,
)
from fleet_carbon.commands.showing import answer

app = typer.Typer()


@app.command()
def explain(
    context: typer.Context,
    driver: Annotated[
        str, typer.Argument(metavar="DRIVER", help='Identifier; "" where none is known.')
    ],
    month: MonthArgument,
    *,
    vehicle: Annotated[
        str | None, typer.Option(help="Only this truck. [default: all the driver drove]")
    ] = None,
    language: Annotated[
        Literal["en", "zh"], typer.Option("--lang", help="English or Chinese.")
    ] = "en",
    output: OutputOption = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell how an account came about, from fixes to the gram, each line with its source."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.accounts import explaining

    explanation = explaining.explain_account(
        session.settings_on_record(), driver, month, vehicle_id=vehicle, language=language
    )
    if output is not None:
        explanation.write(output)
    if output is None or session.as_json:
        answer(session, explanation)
