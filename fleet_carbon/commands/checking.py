"""Commands of the ledger that check it, sign it, and look after its keys."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet_carbon.commands.options import REFUSED, FleetOption, HomeOption, JsonOption, heard
from fleet_carbon.commands.showing import answer

app = typer.Typer()
keys = typer.Typer(
    help="The keys that sign the ledger.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(keys, name="keys")


@keys.callback()
def keys_root() -> None:
    """The keys that sign the ledger."""


@app.command("verify")
def ledger_verify(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the whole ledger from its bytes, and name every row that does not hold."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services import proving

    report = proving.check_ledger(session.settings_on_record())
    answer(session, report)
    if not report.is_well:
        raise typer.Exit(REFUSED)


@app.command("checkpoint")
def ledger_checkpoint(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign what the ledger is now, as every close does; changes nothing if it is signed."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services import signing

    answer(session, signing.sign_ledger(session.settings_on_record()))


@keys.command("list")
def keys_list(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the public keys, each with the time in which it signs."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services import signing

    answer(session, signing.list_keys(session.settings_on_record()))


@keys.command("rotate")
def keys_rotate(
    context: typer.Context,
    *,
    lost: Annotated[
        bool, typer.Option("--lost", help="The key before is lost: nothing vouches for the new.")
    ] = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a new key in force; the one before signs it."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services import signing

    answer(session, signing.rotate_keys(session.settings_on_record(), is_lost=lost))
