"""Commands of those who operate the installation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fleet_carbon.commands.options import REFUSED, FleetOption, HomeOption, JsonOption, heard
from fleet_carbon.commands.showing import answer, shown_progress

app = typer.Typer()
retention_app = typer.Typer(
    help="For how long positions are kept.", no_args_is_help=True, rich_markup_mode=None
)


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
    from fleet_carbon.services.running import migrating

    answer(session, migrating.migrate(session.settings_on_record(), is_trial=dry_run))


@app.command()
def backup(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(help="Folder to make.")],
    *,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="The private keys, too: lock the backup away.")
    ] = False,
    since: Annotated[
        Path | None, typer.Option(help="An earlier backup: files it has are linked, not copied.")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write everything on record of all fleets into a folder, also while others write."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.running import backing_up

    settings = session.settings_on_record()
    with shown_progress() as progress:
        made = backing_up.back_up(
            settings, target, with_keys=with_keys, since=since, progress=progress
        )
    answer(session, made)


@app.command()
def restore(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="A backup.")],
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a new home from a backup, compare every digest, and check what it holds."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.running import backing_up

    with shown_progress() as progress:
        done = backing_up.restore(session.settings(), source, progress=progress)
    answer(session, done)
    if not done.is_well:
        raise typer.Exit(REFUSED)


@retention_app.command("set")
def retention_set(
    context: typer.Context,
    *,
    positions_days: Annotated[
        int | None, typer.Option("--positions-days", help="Keep positions so long. [for good]")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put on record for how long the fleet's positions are kept; nothing is removed yet."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.months import retaining

    answer(session, retaining.set_retention(session.settings_on_record(), positions_days))


@retention_app.command("show")
def retention_show(
    context: typer.Context,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the rule that holds, and what was reduced by it."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.months import retaining

    answer(session, retaining.show_retention(session.settings_on_record()))


@retention_app.command("run")
def retention_run(
    context: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reduce positions of closed months that are older than the rule to legs and digests."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.months import retaining

    answer(session, retaining.run_retention(session.settings_on_record(), is_dry_run=dry_run))
