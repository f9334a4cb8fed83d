"""Commands of reports by mail."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet_carbon.commands.options import (
    REFUSED,
    FleetOption,
    HomeOption,
    JsonOption,
    LanguageOption,
    MonthArgument,
    heard,
)
from fleet_carbon.commands.showing import answer

mail_app = typer.Typer(
    help="Reports by mail: who gets them, and what was sent.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
recipients_app = typer.Typer(
    help="Who gets the report of each month.", no_args_is_help=True, rich_markup_mode=None
)
mail_app.add_typer(recipients_app, name="recipients")
FormOption = Annotated[
    list[str] | None,
    typer.Option(
        "--form", help="What is attached: pdf, xlsx or html, again for more. [pdf and xlsx]"
    ),
]
ToOption = Annotated[str, typer.Option("--to", help="Address.")]


def _suffixes(forms: list[str] | None) -> tuple[str, ...]:
    return tuple(f".{one}" for one in forms or ("pdf", "xlsx"))


@recipients_app.command("add")
def add(
    context: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where to.")] = "",
    *,
    driver: Annotated[
        str,
        typer.Option(
            help="Send this driver the own statement, to the address by which the driver signs in."
        ),
    ] = "",
    language: LanguageOption = "en",
    forms: FormOption = None,
    day_index: Annotated[
        int | None, typer.Option("--day", help="Day of the month after, 1 to 31. [at the close]")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have somebody sent the report of each month from now on, or a driver the own statement."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages import mailing, statement_mail

    if bool(address) == bool(driver):
        raise typer.BadParameter("Name an address, or a driver with --driver.")
    settings = session.settings_on_record()
    if driver:
        if forms or day_index is not None:
            raise typer.BadParameter("A driver is sent a PDF at the close: no --form, no --day.")
        sent = statement_mail.send_from_now_on(settings, driver, language=language)
        answer(session, mailing.Recipients([sent]))
        return
    made = mailing.add_recipient(
        settings, address, language=language, forms=_suffixes(forms), day_index=day_index
    )
    answer(session, made)


@recipients_app.command("list")
def list_all(
    context: typer.Context,
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List who gets reports."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages import mailing

    answer(session, mailing.list_recipients(session.settings_on_record()))


@recipients_app.command("end")
def end(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="As the list tells it.")],
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send somebody nothing more."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages import mailing

    answer(session, mailing.end_recipient(session.settings_on_record(), number))


@mail_app.command("send")
def send(
    context: typer.Context,
    month: MonthArgument,
    *,
    to: ToOption,
    language: LanguageOption = "en",
    forms: FormOption = None,
    again: Annotated[bool, typer.Option("--again", help="Even if it was sent before.")] = False,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send the report of a month to an address now."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages import mailing

    settings = session.settings_on_record()
    sent = mailing.send_now(
        settings, month, to, language=language, forms=_suffixes(forms), is_again=again
    )
    answer(session, sent)
    if sent.has_failures:
        raise typer.Exit(REFUSED)


@mail_app.command("test")
def trial(
    context: typer.Context,
    *,
    to: ToOption,
    language: LanguageOption = "en",
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a message that means nothing, to see whether the mail server takes it."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages import mailing

    sent = mailing.send_trial(session.settings(), to, language=language)
    answer(session, sent)
    if sent.has_failures:
        raise typer.Exit(REFUSED)


@mail_app.command("log")
def log(
    context: typer.Context,
    *,
    month: Annotated[str | None, typer.Option(help="Only of this month, YYYY-MM.")] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """What became of every message with a report."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.messages import mailing

    answer(session, mailing.read_sendings(session.settings_on_record(), month=month))
