"""Commands on claims: which hours of which truck are credited, here and on other platforms."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleet_carbon.commands.ledger import ActArgument, DryRunOption
from fleet_carbon.commands.options import (
    REFUSED,
    FleetOption,
    HomeOption,
    JsonOption,
    MonthArgument,
    heard,
)
from fleet_carbon.commands.showing import answer, shown_progress

app = typer.Typer(
    help="One truck, one interval, one claim: here, and between platforms.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

PeerOption = Annotated[str, typer.Option("--peer", help="Our name of the other platform.")]
KeyFileOption = Annotated[
    Path, typer.Option("--key-file", help="File with the secret key that both platforms hold.")
]


@app.callback()
def claims_root() -> None:
    """One truck, one interval, one claim: here, and between platforms."""


@app.command("list")
def claims_list(
    context: typer.Context,
    month: MonthArgument,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List which truck is claimed when, for whom; also what was superseded or released."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import releasing

    answer(session, releasing.list_claims(session.settings_on_record(), month))


@app.command("key")
def claims_key(
    context: typer.Context,
    *,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="File to make; only its owner can read it.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Make the secret key of a pair of platforms; give the file to the other one, safely."""
    session = heard(context, None, None, as_json)
    from fleet_carbon.services.ledger import peering

    answer(session, peering.make_pair_key(output))


@app.command("peer")
def claims_peer(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Our name of the platform.")],
    *,
    public_key: Annotated[
        str,
        typer.Option(
            "--public-key", help="Its key: public_key of `ledger keys list --json` there."
        ),
    ],
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep the public key that signs for another platform; a new one replaces the old."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import peering

    answer(session, peering.add_peer(session.settings_on_record(), name, public_key))


@app.command("peers")
def claims_peers(
    context: typer.Context,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the other platforms on record, with their keys."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import peering

    answer(session, peering.list_peers(session.settings_on_record()))


@app.command("publish")
def claims_publish(
    context: typer.Context,
    month: MonthArgument,
    *,
    peer: PeerOption,
    key_file: KeyFileOption,
    output: Annotated[Path, typer.Option("-o", "--output", help="File to write, JSON.")],
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a month's claims as keyed commitments, for one other platform to check."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import peering

    settings = session.settings_on_record()
    answer(session, peering.publish(settings, month, peer=peer, key_file=key_file, output=output))


@app.command("check")
def claims_check(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="List of the other platform.")],
    *,
    peer: PeerOption,
    key_file: KeyFileOption,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name our trucks and hours that another platform claims, too; exit 1 if there are any."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import peering

    report = peering.check(session.settings_on_record(), file, peer=peer, key_file=key_file)
    answer(session, report)
    if not report.is_well:
        raise typer.Exit(REFUSED)


@app.command("release")
def claims_release(
    context: typer.Context,
    act: ActArgument,
    *,
    driver: Annotated[str, typer.Option(help="Driver whose credit is released.")],
    vehicle: Annotated[str, typer.Option(help="Truck.")],
    month: Annotated[str, typer.Option(help="Vintage, YYYY-MM.")],
    peer: PeerOption,
    output: Annotated[Path, typer.Option("-o", "--output", help="File of the letter, JSON.")],
    dry_run: DryRunOption = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Release a credit to another platform: cancel its grams and write a signed letter."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import releasing

    wanted = releasing.Release(act, driver, vehicle, month, peer)
    settings = session.settings_on_record()
    with shown_progress() as progress:
        posted = releasing.release(
            settings, wanted, is_dry_run=dry_run, progress=progress, output=output
        )
    answer(session, posted)


@app.command("accept")
def claims_accept(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="LETTER", help="Letter of the other platform.")],
    *,
    peer: PeerOption,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a release letter and keep it: what it releases is free for us to claim."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import releasing

    answer(session, releasing.accept(session.settings_on_record(), file, peer=peer))
