"""Commands of the ledger on what is owed: by the operator, and in vouchers."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet_carbon.commands.ledger import (
    ActArgument,
    DryRunOption,
    GramsOption,
    SourceOption,
    TonnesOption,
    dispose,
)
from fleet_carbon.commands.options import FleetOption, HomeOption, JsonOption, heard
from fleet_carbon.commands.showing import answer, shown_progress

app = typer.Typer()


@app.command()
def owed(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what the operator owes for figures that fell after they were sold."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import obligations

    answer(session, obligations.list_obligations(session.settings_on_record()))


@app.command()
def refill(
    context: typer.Context,
    act: ActArgument,
    *,
    source: SourceOption,
    tonnes: TonnesOption = None,
    grams: GramsOption = None,
    reason: Annotated[str, typer.Option(help="Why, as a word for the record.")] = "buffer",
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hand units in to the buffer: of fleet or platform, or sold/BUYER that the operator bought."""
    session = heard(context, home, fleet, as_json)
    words = ("refill", act, source, reason)
    dispose(session, words, tonnes=tonnes, amount_g=grams, dry_run=dry_run)


@app.command()
def meet(
    context: typer.Context,
    act: ActArgument,
    *,
    grams: Annotated[
        int | None,
        typer.Option(help="How much, in grams. [default: what is owed and the buffer has]", min=1),
    ] = None,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Meet what the operator owes with units of the buffer, the oldest month first."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import obligations

    settings = session.settings_on_record()
    with shown_progress() as progress:
        posted = obligations.meet_obligations(
            settings, act, amount_g=grams, is_dry_run=dry_run, progress=progress
        )
    answer(session, posted)


@app.command()
def deliver(
    context: typer.Context,
    act: Annotated[str, typer.Argument(metavar="ID", help="Id of the redemption.")],
    *,
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that the vouchers of a redemption were handed over: nothing is owed then."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import disposing

    settings = session.settings_on_record()
    with shown_progress() as progress:
        posted = disposing.deliver(settings, act, is_dry_run=dry_run, progress=progress)
    answer(session, posted)
