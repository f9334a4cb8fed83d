"""Commands by which a ledger outlives its operator: out of one installation, into another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleet_carbon.commands.options import FleetOption, HomeOption, JsonOption, heard
from fleet_carbon.commands.showing import answer, shown_progress

app = typer.Typer()


@app.command("export")
def export_ledger(
    context: typer.Context,
    *,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="Zip file to write; with --all-fleets a folder."),
    ],
    driver: Annotated[
        str | None, typer.Option(help="Only the account of this driver. [the whole ledger]")
    ] = None,
    all_fleets: Annotated[
        bool, typer.Option("--all-fleets", help="Every fleet of the installation, a file for each.")
    ] = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the ledger of the fleet, of all fleets, or one account, into signed archives."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.ledger import archiving

    if all_fleets and driver is not None:
        raise typer.BadParameter("A driver is of one fleet: leave --all-fleets or --driver out.")
    settings = session.settings_on_record()
    with shown_progress() as progress:
        if all_fleets:
            answer(session, archiving.export_installation(settings, output, progress=progress))
            return
        exported = archiving.export_archive(settings, output, driver_id=driver, progress=progress)
    answer(session, exported)


@app.command("import")
def import_ledger(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An archive of a whole ledger.")],
    *,
    key: Annotated[
        str | None, typer.Option(help="Key that is known to be the operator's, its identifier.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check an archive and take its ledger in, to go on with it under a key of your own."""
    session = heard(context, home, None, as_json)
    from fleet_carbon.services.ledger import importing

    settings = session.settings()
    with shown_progress() as progress:
        taken = importing.import_archive(settings, file, trusted_key_id=key, progress=progress)
    answer(session, taken)


@app.command("closing-down")
def closing_down(
    context: typer.Context,
    *,
    announce: Annotated[
        bool, typer.Option("--announce", help="Say that it will come; everything goes on.")
    ] = False,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take the announcement back.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; it stands in every notice.")] = "",
    hand_over_to: Annotated[
        str | None,
        typer.Option(help="Installation that goes on with the ledger; every gram stays in place."),
    ] = None,
    transfer_to: Annotated[
        str | None, typer.Option(help="Public good that is given all that is held.")
    ] = None,
    retire_for: Annotated[
        str | None, typer.Option(help="On whose behalf all that is held is retired.")
    ] = None,
    cancel_for: Annotated[
        str | None, typer.Option(help="Why all that is held is cancelled.")
    ] = None,
    void_open_lots: Annotated[
        bool, typer.Option("--void-open-lots", help="Let reserved lots go first.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
    confirm: Annotated[
        str | None, typer.Option(metavar="FLEET", help="The fleet once more: this is final.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="Folder for notices, archive and checker."),
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Close the fleet down for good: settle, sign, notify, freeze. Alone it shows how it stands."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.running import closing_down as service

    settings = session.settings_on_record()
    told = {
        "handed_over": hand_over_to,
        "given": transfer_to,
        "retired": retire_for,
        "cancelled": cancel_for,
    }
    chosen = [(what, name) for what, name in told.items() if name is not None]
    if announce + withdraw + len(chosen) > 1:
        raise typer.BadParameter(
            "Give one of --announce, --withdraw, --hand-over-to, --transfer-to, --retire-for and "
            "--cancel-for."
        )
    if announce or withdraw:
        answer(session, service.announce(settings, reason, is_withdrawn=withdraw))
        return
    if not chosen:
        if dry_run or confirm or void_open_lots:
            raise typer.BadParameter("Say what becomes of what is held, such as --retire-for NAME.")
        answer(session, service.read_state(settings))
        return
    wish = service.Wish(*chosen[0], reason, void_open_lots)
    with shown_progress() as progress:
        outcome = service.close_down(
            settings,
            wish,
            confirmation=confirm,
            folder=output,
            is_dry_run=dry_run,
            progress=progress,
        )
    answer(session, outcome)


@app.command()
def erase(
    context: typer.Context,
    driver: Annotated[str, typer.Argument(metavar="DRIVER", help="Who.")],
    *,
    reason: Annotated[str, typer.Option(help="Why; it must not name the person.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")
    ] = False,
    confirm: Annotated[
        str | None, typer.Option(metavar="DRIVER", help="The id once more: this is final.")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make unreadable how a driver is called, reached and quoted, for good; the ledger stays."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.people import erasing

    settings = session.settings_on_record()
    erased = erasing.erase_driver(
        settings, driver, reason, confirmation=confirm, is_dry_run=dry_run
    )
    answer(session, erased)


@app.command()
def person(
    context: typer.Context,
    driver: Annotated[str, typer.Argument(metavar="DRIVER", help="Who.")],
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show everything on record of a driver, as JSON: a person's right of access."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.people import personal_records

    answer(session, personal_records.read_person(session.settings_on_record(), driver))
