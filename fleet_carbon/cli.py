"""The command line: parse, call one service, answer.

Standard output carries the answer, with `--json` exactly one JSON object; progress and
messages go to standard error. Exit code 0 is success, 1 a refused input or a failed check,
2 wrong usage. Services are imported inside the commands, so that help answers at once.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from fleet_carbon.commands import (
    checking,
    claims,
    dispatch,
    explaining,
    hooks,
    ileap,
    intake,
    inventorying,
    ledger,
    live,
    mailing,
    models,
    month,
    operating,
    owing,
    prices,
    proving,
    serving,
    stating,
    surviving,
    traces,
    trying,
    users,
)
from fleet_carbon.commands.options import (
    INTERRUPTED,
    OK,
    REFUSED,
    WRONG_USAGE,
    FleetOption,
    HomeOption,
    JsonOption,
    Session,
    heard,
)
from fleet_carbon.commands.showing import print_json
from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services.support import program

app = typer.Typer(
    name="fleet-carbon",
    help="Freight carbon accounts: from orders and GPS traces to provable grams of CO2.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
for group in (
    intake,
    month,
    inventorying,
    explaining,
    stating,
    proving,
    surviving,
    live,
    dispatch,
    serving,
    operating,
    trying,
    hooks,
):
    app.add_typer(group.app)
app.add_typer(prices.app, name="price")
ledger.app.add_typer(owing.app)
ledger.app.add_typer(checking.app)
app.add_typer(ledger.app, name="ledger")
app.add_typer(claims.app, name="claims")
app.add_typer(stating.disputes_app, name="dispute")
app.add_typer(traces.app, name="traces")
app.add_typer(models.app, name="models")
app.add_typer(serving.keys_app, name="keys")
app.add_typer(operating.retention_app, name="retention")
app.add_typer(hooks.webhooks_app, name="webhooks")
app.add_typer(mailing.mail_app, name="mail")
app.add_typer(users.app, name="users")
app.add_typer(ileap.app, name="ileap")

# Made once: it takes longer than most commands, and a process may run many.
_tree_of = functools.cache(typer.main.get_command)


def _tell_version(wanted: bool) -> None:
    if not wanted:
        return

    typer.echo(f"fleet-carbon {program.program_version()}")
    raise typer.Exit(OK)


@app.callback()
def root(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Freight carbon accounts: from orders and GPS traces to provable grams of CO2."""
    heard(context, home, fleet, as_json)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: the one place where errors become messages."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    session = Session(as_json="--json" in words)
    try:
        code = _tree_of(app).main(
            words, prog_name="fleet-carbon", standalone_mode=False, obj=session
        )
    except FleetCarbonError as refused:
        _report_error(refused, session)
        return REFUSED
    except typer.TyperException as misuse:
        _report_misuse(misuse, session)
        return WRONG_USAGE
    except Exception as fault:
        _report_fault(fault, session)
        return REFUSED
    if code == INTERRUPTED:
        typer.echo("Stopped. Nothing half-done is on record; run it again to go on.", err=True)
    return code if isinstance(code, int) else OK


def _report_error(refused: FleetCarbonError, session: Session) -> None:
    typer.echo(f"fleet-carbon: {refused.message}", err=True)
    if refused.hint:
        typer.echo(f"  {refused.hint}", err=True)
    if session.as_json:
        print_json(json.loads(json.dumps(refused.as_dict(), default=str)))


def _report_misuse(misuse: typer.TyperException, session: Session) -> None:
    show = getattr(misuse, "show", None)
    if show is not None:
        show()
    if session.as_json:
        print_json(FleetCarbonError("wrong_usage", str(misuse), "See --help.").as_dict())


def _report_fault(fault: Exception, session: Session) -> None:
    import traceback

    from fleet_carbon.services.running import doctoring

    details = "".join(traceback.format_exception(fault))
    log = doctoring.keep_fault(session.home, details)
    message = f"Something went wrong inside the program: {type(fault).__name__}: {fault}"
    hint = f"The details are in {log}. Nothing half-done was kept."
    _report_error(FleetCarbonError("internal_fault", message, hint, log=str(log)), session)


if __name__ == "__main__":
    sys.exit(main())
