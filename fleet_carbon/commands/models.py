"""Commands that train models on closed months and tell how good they are."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from fleet_carbon.commands.options import FleetOption, HomeOption, JsonOption, heard
from fleet_carbon.commands.showing import answer, shown_progress

app = typer.Typer(
    help="Models of fuel and of loads, trained on closed months.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
NameArgument = Annotated[
    str | None,
    typer.Argument(metavar="[NAME]", help="Model, as `models list` names it. [default: preferred]"),
]
KindOption = Annotated[
    Literal["fuel", "loading"],
    typer.Option(help="fuel: litres of a leg; loading: empty or loaded."),
]


@app.callback()
def models_root() -> None:
    """Models of fuel and of loads, trained on closed months."""


@app.command()
def train(
    context: typer.Context,
    *,
    kind: KindOption = "fuel",
    until: Annotated[
        str | None, typer.Option(metavar="MONTH", help="Last month to learn from. [default: all]")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a model on the closed months and print its card; later months use it."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.months import learning

    with shown_progress() as progress:
        settings = session.settings_on_record()
        found = learning.train_model(settings, kind=kind, until=until, progress=progress)
    answer(session, found)


@app.command()
def evaluate(
    context: typer.Context,
    name: NameArgument = None,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold a fuel model against the closed months after its training."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.months import learning

    with shown_progress() as progress:
        settings = session.settings_on_record()
        found = learning.evaluate_model(settings, name, progress=progress)
    answer(session, found)


@app.command()
def card(
    context: typer.Context,
    name: NameArgument = None,
    *,
    kind: KindOption = "fuel",
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a model's card: its data, its errors, and where it may speak."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.months import learning

    answer(session, learning.show_card(session.settings(), name, kind=kind))


@app.command("list")
def list_command(
    context: typer.Context,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the models that closes may use, the preferred one first."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.months import learning

    answer(session, learning.list_models(session.settings()))
