"""Commands that run the service, its worker, and make its keys."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fleet_carbon.commands.options import FleetOption, HomeOption, JsonOption, heard
from fleet_carbon.commands.showing import answer

if TYPE_CHECKING:
    from fleet_carbon.settings import Settings

app = typer.Typer()
keys_app = typer.Typer(
    help="Keys that open the service.", no_args_is_help=True, rich_markup_mode=None
)
MigrateOption = Annotated[
    bool, typer.Option("--migrate", help="First bring the database to the schema of this program.")
]
_LOOKS_EVERY_S = 1.0


@app.command()
def serve(
    context: typer.Context,
    *,
    bind: Annotated[
        str, typer.Option(help="Address and port; port 0 is any that is free.")
    ] = "127.0.0.1:8000",
    processes: Annotated[
        int, typer.Option(min=1, help="Processes that answer; a processor each.")
    ] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Requests at a time in each.")] = 16,
    with_worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Run a worker for jobs, too.")
    ] = True,
    pin: Annotated[
        bool, typer.Option("--pin/--no-pin", help="Keep each process to one processor (Linux).")
    ] = True,
    migrate: MigrateOption = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the API over HTTP until it is told to stop (Ctrl-C or SIGTERM)."""
    session = heard(context, home, fleet, as_json)
    settings = session.settings()
    from fleet_carbon.services.positions.position_relay import neighbours
    from fleet_carbon.services.running.jobs import prepare_jobs
    from fleet_carbon.services.support import logs, metering
    from fleet_carbon.web.server import Server

    logs.configure(settings, part="server")
    _migrate_if(settings, migrate)
    prepare_jobs(settings)
    with metering.shared_between_processes(), neighbours(processes) as together:
        Server(
            settings,
            bind=bind,
            processes_count=processes,
            threads_count=threads,
            beside=_worker_beside(settings) if with_worker else (),
            is_pinned=pin,
            neighbours=together,
        ).run()


def _migrate_if(settings: Settings, wanted: bool) -> None:
    """Refuse a database of another schema before anything is started, or bring it forward."""
    from fleet_carbon.services.running import migrating

    done = migrating.migrate_if_there(settings) if wanted else None
    if done is not None:
        typer.echo("\n".join(done.lines()), err=True)
    migrating.refuse_older(settings)


def _worker_beside(settings: Settings) -> list[str]:
    """The command of a worker that ends with this process."""
    words = [sys.executable, "-m", "fleet_carbon.cli", "worker", "--home", str(settings.home)]
    return [*words, "--beside", str(os.getpid())]


@app.command()
def worker(
    context: typer.Context,
    *,
    jobs: Annotated[int, typer.Option(min=1, help="Jobs at a time.")] = 1,
    migrate: MigrateOption = False,
    beside: Annotated[int | None, typer.Option(hidden=True, help="It ends with this.")] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do the jobs that were asked for over HTTP, until it is told to stop."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages.delivering import delivering
    from fleet_carbon.services.papers.downloading import kept_swept
    from fleet_carbon.services.running import jobs as jobbing
    from fleet_carbon.services.running.footprint_rounds import kept_published
    from fleet_carbon.services.running.mail_rounds import kept_mailed
    from fleet_carbon.services.support import logs

    logs.configure(session.settings(), part="worker")
    _migrate_if(session.settings(), migrate)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    settings = session.settings()
    with (
        jobbing.worker(settings, jobs_at_once_count=jobs),
        delivering(settings, when_broken=stop.set),
        kept_mailed(settings),
        kept_published(settings),
        kept_swept(settings),
    ):
        logs.tell("The worker is ready.")
        while not stop.wait(_LOOKS_EVERY_S):
            if beside not in (None, os.getppid()):
                break  # the server was killed, and another one has a worker of its own


@keys_app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The system or person it is for.")],
    *,
    role: Annotated[
        Literal["admin", "manager", "dispatcher", "driver", "auditor", "customer"],
        typer.Option(help="What it allows."),
    ],
    driver: Annotated[str, typer.Option(help="Of the role driver: whose account.")] = "",
    shipper: Annotated[
        list[str] | None,
        typer.Option(help="Of the role customer: whose shipments it opens; may be repeated."),
    ] = None,
    days: Annotated[int | None, typer.Option(help="It ends after so many days. [never]")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="Narrow it to a deed, such as send; may be repeated.")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key of the service, and show its secret this once."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.people import access

    made = access.create_key(
        session.settings(),
        name,
        role,
        driver_id=driver,
        valid_days=days,
        scopes=scope or (),
        shippers=shipper or (),
    )
    answer(session, made)


@keys_app.command("list")
def list_all(
    context: typer.Context,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the keys of the fleet, without secrets."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.people import access

    answer(session, access.list_keys(session.settings_on_record()))


@keys_app.command("end")
def end(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="As `keys list` tells it.")],
    *,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a key open nothing more, within seconds."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.people import access

    answer(session, access.end_key(session.settings_on_record(), key_id, reason=reason))
