"""Commands that show what the program does, and whether it can."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fleet_carbon.commands.options import (
    REFUSED,
    FleetOption,
    HomeOption,
    JsonOption,
    heard,
)
from fleet_carbon.commands.showing import answer, shown_progress

app = typer.Typer()


@app.command()
def demo(
    context: typer.Context,
    *,
    case: Annotated[
        Literal["manbang"] | None,
        typer.Option(help="A worked example instead of the sample fleet."),
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the sample fleet from files to a driver's account, or a worked example."""
    session = heard(context, home, fleet, as_json)
    if case:
        from fleet_carbon.services.running import exemplifying

        answer(session, exemplifying.run_case(session.settings(), case))
        return
    from fleet_carbon.services.running import demonstrating

    with shown_progress() as progress:
        report = demonstrating.run_sample_fleet(session.settings(), progress=progress)
    answer(session, report)


@app.command()
def doctor(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the installation and the records; exit 1 if something is broken."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.running import doctoring

    report = doctoring.examine(session.settings())
    answer(session, report)
    if not report.is_well:
        raise typer.Exit(REFUSED)


@app.command()
def warm(context: typer.Context, as_json: JsonOption = False) -> None:
    """Compile what computes for this processor, once; else the first close does it."""
    session = heard(context, None, None, as_json)
    from fleet_carbon.services.support import warming

    with shown_progress() as progress:
        report = warming.warm_kernels(progress)
    answer(session, report)
