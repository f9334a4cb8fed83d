"""Commands of webhooks, and of the publication they tell of."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet_carbon.commands.options import FleetOption, HomeOption, JsonOption, heard
from fleet_carbon.commands.showing import answer, shown_progress

app = typer.Typer()
webhooks_app = typer.Typer(
    help="Who is told of what happens, over HTTP.", no_args_is_help=True, rich_markup_mode=None
)
EndpointArgument = Annotated[
    str, typer.Argument(metavar="WEBHOOK", help="As `webhooks list` tells it.")
]
EventsOption = Annotated[
    list[str] | None, typer.Option("--event", help="A type of event, again for more. [all]")
]


@app.command("publish")
def publish(
    context: typer.Context,
    month: Annotated[str, typer.Argument(metavar="MONTH", help="YYYY-MM.")],
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish the statements of a month as it was closed last; webhooks tell of each."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.papers.publishing import publish_statements

    answer(session, publish_statements(session.settings_on_record(), month))


@webhooks_app.command("create")
def create(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where it is told: https://...")],
    *,
    events: EventsOption = None,
    description: Annotated[str, typer.Option(help="For people.")] = "",
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have an address told of what happens, and show its secret this once."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages import webhooks

    settings = session.settings()
    made = webhooks.create_endpoint(
        settings, url, event_types=events or (), description=description
    )
    answer(session, made)


@webhooks_app.command("list")
def list_all(
    context: typer.Context,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the webhooks of the fleet, without secrets."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages import webhooks

    answer(session, webhooks.list_endpoints(session.settings_on_record()))


@webhooks_app.command("change")
def change(
    context: typer.Context,
    endpoint_id: EndpointArgument,
    *,
    url: Annotated[str | None, typer.Option(help="Another address.")] = None,
    events: EventsOption = None,
    description: Annotated[str | None, typer.Option(help="For people.")] = None,
    is_paused: Annotated[
        bool | None,
        typer.Option("--pause/--resume", help="Let events wait, or have them sent (again)."),
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a webhook, pause it, or let it go on."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages import webhooks

    changed = webhooks.change_endpoint(
        session.settings_on_record(),
        endpoint_id,
        url=url,
        event_types=events or None,
        description=description,
        is_paused=is_paused,
    )
    answer(session, changed)


@webhooks_app.command("end")
def end(
    context: typer.Context,
    endpoint_id: EndpointArgument,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell a webhook nothing more."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages import webhooks

    answer(session, webhooks.end_endpoint(session.settings_on_record(), endpoint_id))


@webhooks_app.command("rotate")
def rotate(
    context: typer.Context,
    endpoint_id: EndpointArgument,
    *,
    hours: Annotated[
        int, typer.Option(help="How long both secrets sign; 0 if the one before was stolen.")
    ] = 24,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the next secret of a webhook, and show it this once."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages import webhooks

    settings = session.settings_on_record()
    answer(session, webhooks.rotate_secret(settings, endpoint_id, both_valid_h=hours))


@webhooks_app.command("ping")
def ping(
    context: typer.Context,
    endpoint_id: EndpointArgument,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have a worker send a message that means nothing; `webhooks log` tells whether it arrived."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages import webhook_log

    answer(session, webhook_log.ping(session.settings_on_record(), endpoint_id))


@webhooks_app.command("log")
def log(
    context: typer.Context,
    endpoint_id: EndpointArgument,
    *,
    state: Annotated[
        str | None, typer.Option(help="Only what is waiting, delivered or failed.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Deliveries at most.")] = 20,
    cursor: Annotated[str, typer.Option(help="From where on, as the page before says.")] = "",
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """What was delivered to a webhook, and what came of it, newest first."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages import webhook_log

    found = webhook_log.read_deliveries(
        session.settings_on_record(), endpoint_id, state=state, cursor=cursor, limit_count=limit
    )
    answer(session, found)


@webhooks_app.command("replay")
def replay(
    context: typer.Context,
    endpoint_id: EndpointArgument,
    *,
    event: Annotated[str, typer.Option(help="Only this event, as `webhooks log` tells it.")] = "",
    since: Annotated[str, typer.Option(help="All since this moment, ISO 8601 with offset.")] = "",
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have events sent to a webhook again, with the ids they had."""
    if bool(event) == bool(since):
        raise typer.BadParameter("Give either --event or --since.")
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages import webhook_log

    settings = session.settings_on_record()
    if event:
        answer(session, webhook_log.replay_one(settings, endpoint_id, event))
        return
    with shown_progress() as progress:
        asked = webhook_log.replay_since(settings, endpoint_id, since, progress=progress)
    answer(session, asked)
