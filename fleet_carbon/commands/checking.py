"""Commands of the ledger that check it, sign it, and look after its keys."""

from __future__ import annotations

from pathlib import Path
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
    from fleet_carbon.services.ledger import proving

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
    from fleet_carbon.services.ledger import signing

    answer(session, signing.sign_ledger(session.settings_on_record()))


@app.command("checkpoints")
def ledger_checkpoints(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the checkpoints: number, entries covered, root, moment."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import certifying

    answer(session, certifying.list_checkpoints(session.settings_on_record()))


@app.command("consistency")
def ledger_consistency(
    context: typer.Context,
    first: Annotated[int, typer.Argument(metavar="FROM", help="Number of the earlier checkpoint.")],
    second: Annotated[
        int | None,
        typer.Argument(metavar="TO", help="Number of the later one. [default: the newest]"),
    ] = None,
    *,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; else standard output.")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Prove that the ledger only grew between two checkpoints; `verify` checks it offline."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import certifying

    proof = certifying.prove_consistency(session.settings_on_record(), (first, second))
    if output is not None:
        proof.write(output)
        typer.echo(f"Proof of consistency written to {output}", err=session.as_json)
    if output is None or session.as_json:
        answer(session, proof)


@keys.command("list")
def keys_list(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the public keys, each with the time in which it signs."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import signing

    answer(session, signing.list_keys(session.settings_on_record()))


@keys.command("rotate")
def keys_rotate(
    context: typer.Context,
    *,
    lost: Annotated[
        bool, typer.Option("--lost", help="The key before is lost: nothing vouches for the new.")
    ] = False,
    stolen: Annotated[
        bool,
        typer.Option(
            "--stolen", help="Somebody has the key before: it is revoked, and all it signed."
        ),
    ] = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a new key in force; the one before signs it."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import signing

    settings = session.settings_on_record()
    answer(session, signing.rotate_keys(settings, is_lost=lost, is_stolen=stolen))
