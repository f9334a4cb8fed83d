"""Commands of the people who may sign in."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from fleet_carbon.commands.options import FleetOption, HomeOption, JsonOption, heard
from fleet_carbon.commands.showing import answer

app = typer.Typer(help="People who may sign in.", no_args_is_help=True, rich_markup_mode=None)

_RoleOption = Annotated[
    Literal["admin", "manager", "dispatcher", "driver", "auditor"],
    typer.Option("--role", help="What it allows."),
]
_DriverOption = Annotated[str, typer.Option("--driver", help="Of the role driver: whose account.")]
_UserArgument = Annotated[str, typer.Argument(metavar="USER", help="As `users list` tells it.")]


def _typed() -> str:
    """A password from the terminal, or the first line of the input."""
    if sys.stdin.isatty():
        typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return typed
    return sys.stdin.readline().rstrip("\n")


@app.command()
def create(
    context: typer.Context,
    login: Annotated[str, typer.Argument(help="The name to sign in with, such as an e-mail.")],
    *,
    role: _RoleOption,
    driver: _DriverOption = "",
    without_password: Annotated[
        bool, typer.Option("--without-password", help="Gets one later.")
    ] = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let somebody sign in; the password is asked for, or read from the input."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.people import users

    password = None if without_password else _typed()
    made = users.create_user(session.settings(), login, role, driver_id=driver, password=password)
    answer(session, made)


@app.command("list")
def list_all(
    context: typer.Context,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the people who may sign in, and those who might."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.people import users

    answer(session, users.list_users(session.settings_on_record()))


@app.command()
def end(
    context: typer.Context,
    user: _UserArgument,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let somebody sign in no more; open sessions end within seconds."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.people import users

    answer(session, users.end_user(session.settings_on_record(), user))


@app.command()
def password(
    context: typer.Context,
    user: _UserArgument,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give somebody another password, asked for or read from the input; open sessions end."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.people import users

    answer(session, users.set_password(session.settings_on_record(), user, _typed()))


@app.command()
def role(
    context: typer.Context,
    user: _UserArgument,
    *,
    role: _RoleOption,
    driver: _DriverOption = "",
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give somebody another role; open sessions may what it allows within seconds."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.people import users

    settings = session.settings_on_record()
    answer(session, users.change_role(settings, user, role, driver_id=driver))


@app.command()
def restore(
    context: typer.Context,
    user: _UserArgument,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back that somebody was ended; a new password is needed."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.people import users

    answer(session, users.restore_user(session.settings_on_record(), user))


@app.command()
def invite(
    context: typer.Context,
    user: _UserArgument,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a link by which somebody chooses a password, once, within a week."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.people import sessions

    answer(session, sessions.invite(session.settings_on_record(), user))
