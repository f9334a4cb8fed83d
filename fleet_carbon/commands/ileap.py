"""Commands of iLEAP: the inventory in its data types, and other hosts, checked and asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from fleet_carbon.commands.options import (
    DistanceOption,
    FleetOption,
    HomeOption,
    JsonOption,
    MonthArgument,
    heard,
)
from fleet_carbon.commands.showing import answer, print_json

app = typer.Typer(help="Exchange footprints by iLEAP 1.1.", no_args_is_help=True)

_UrlArgument = Annotated[
    str, typer.Argument(metavar="URL", help="Of the host, above /v1/ileap and /2.")
]
_WhereOption = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="NAME=VALUE", help="Only such; may be repeated."),
]
_ClientOption = Annotated[
    str,
    typer.Option(
        "--client-id", envvar="FLEET_CARBON_ILEAP_CLIENT_ID", help="Who asks, as the host knows it."
    ),
]
_SecretOption = Annotated[
    str,
    typer.Option(
        "--client-secret",
        envvar="FLEET_CARBON_ILEAP_CLIENT_SECRET",
        help="Better set in the environment than written here.",
    ),
]


@app.command()
def write(
    context: typer.Context,
    month: MonthArgument,
    *,
    kind: Annotated[
        Literal["shipments", "tocs", "hocs", "tad", "aed"],
        typer.Option("--type", help="Footprints, categories, hubs (none), activities, reports."),
    ] = "shipments",
    distance: DistanceOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write; JSON.")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a month's inventory in the data types of iLEAP 1.1, as a host would answer."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.exchange import exchanging

    found = exchanging.exchange_month(session.settings_on_record(), month, distance=distance or "")
    told = found.documents(kind)
    if output is None:
        print_json(told)
    else:
        exchanging.write_documents(told, output)
        counted = {"count": len(told["data"]), "file": str(output)}
        if session.as_json:
            print_json(counted)
        else:
            typer.echo(f"{counted['count']:,} {kind} of {month} written to {output}")
    if found.left_out:
        typer.echo(f"{len(found.left_out)} cannot be told in this form.", err=True)


@app.command()
def check(
    context: typer.Context,
    url: _UrlArgument,
    *,
    client_id: _ClientOption = "",
    client_secret: _SecretOption = "",
    expired_token: Annotated[
        str, typer.Option(help="A token that has ended; without it five cases are skipped.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Check a host by the cases of iLEAP and the laws of its data; exit code 1 if one fails."""
    session = heard(context, None, None, as_json)
    from fleet_carbon.services.exchange import conformance
    from fleet_carbon.services.exchange.exchange_client import HostClient

    with HostClient(
        session.settings(), url, client_id=client_id, client_secret=client_secret
    ) as client:
        found = conformance.check_host(client, expired_token=expired_token)
    answer(session, found)
    if not found.conforms:
        raise typer.Exit(1)


@app.command()
def fetch(
    context: typer.Context,
    url: _UrlArgument,
    *,
    client_id: _ClientOption = "",
    client_secret: _SecretOption = "",
    where: _WhereOption = None,
    vehicle_class: Annotated[
        str, typer.Option(help="Whose default intensity stands in where no energy is told.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File for the footprints; JSON.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch another host's transport activity data, and compute footprints of them."""
    session = heard(context, None, None, as_json)
    pairs = _pairs(where)
    from fleet_carbon.services.exchange import activities, exchanging
    from fleet_carbon.services.exchange.exchange_client import HostClient

    settings = session.settings()
    with HostClient(settings, url, client_id=client_id, client_secret=client_secret) as client:
        found = activities.fetch_activities(
            settings,
            client,
            filters=pairs,
            vehicle_class=vehicle_class,
        )
    if output is not None:
        exchanging.write_documents(found.documents(), output)
    answer(session, found)


@app.command()
def ask(
    context: typer.Context,
    url: _UrlArgument,
    *,
    where: _WhereOption = None,
    comment: Annotated[str, typer.Option(help="For people there.")] = "",
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a host for footprints by an event of PACT; it answers by one, which is kept."""
    session = heard(context, home, fleet, as_json)
    pairs = _pairs(where)
    from fleet_carbon.services.exchange import footprint_messages

    found = footprint_messages.ask_for_footprints(
        session.settings_on_record(), url, pairs, comment=comment
    )
    answer(session, found)


@app.command()
def messages(
    context: typer.Context,
    *,
    request: Annotated[str, typer.Option(help="Only what belongs to the request of this id.")] = "",
    cursor: Annotated[str, typer.Option(help="next_cursor of the page before.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Messages at most.")] = 1000,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Footprints that hosts sent or named, and what was asked of them; whole with --json."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.exchange import footprint_messages

    found = footprint_messages.read_messages(
        session.settings_on_record(), request_id=request, cursor=cursor, limit_rows=limit
    )
    answer(session, found)


def _pairs(where: list[str] | None) -> list[tuple[str, str]]:
    """What `--where` says."""
    pairs = [one.partition("=") for one in where or ()]
    if not all(mark for _, mark, _ in pairs):
        raise typer.BadParameter("Write --where NAME=VALUE.")
    return [(name, value) for name, _, value in pairs]
