"""Drivers' statements by mail: to whom a driver's own account names an address, and if they ask.

No address is kept for it: it is the name by which the driver signs in, looked up when a statement
goes. Who was erased or signs in no more is therefore sent nothing.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.services.messages import mail_server
from fleet_carbon.services.papers.stating import make_statement, refuse_language
from fleet_carbon.settings import Settings
from fleet_carbon.statements import mail_words
from fleet_carbon.storage.mailing import Recipient
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

NOTHING_TO_SEND = ("statement_without_account", "driver_without_address", "driver_not_found")
"""Codes of refusals after which nothing is tried again: there is nothing, or nowhere, to send."""


@dataclass(frozen=True)
class Wish:
    """Whether a driver is sent statements, and could be.

    Attributes
    ----------
    address : str
        Where to; empty if none is known.
    number : int
        Of the recipient; 0 if statements are not sent.
    """

    address: str
    number: int


@dataclass(frozen=True)
class StatementMail:
    """What a message with a statement says, and the PDF that goes with it."""

    address: str
    subject: str
    body: str
    pdf: bytes


def read_wish(settings: Settings, driver_id: str) -> Wish:
    """Whether a driver is sent statements; no address without a mail server."""
    if not settings.mail_host:
        return Wish("", 0)
    with closing(open_storage(settings)) as storage, storage.look() as work:
        return Wish(address_of(work, driver_id), _number_of(work, driver_id))


def send_from_now_on(settings: Settings, driver_id: str, *, language: str = "en") -> Recipient:
    """Have a driver sent the statement of each month that is closed from now on.

    Parameters
    ----------
    settings : Settings
        The fleet.
    driver_id : str
        Who.
    language : str
        ``en`` or ``zh``.

    Raises
    ------
    InputRefused
        ``driver_without_address``, or ``mail_recipient_known`` if statements are sent already.
    """
    refuse_language(language)
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        _refuse_without_address(address_of(work, driver_id), driver_id)
        if _number_of(work, driver_id):
            raise InputRefused(
                "mail_recipient_known",
                f"Driver {driver_id!r} is sent statements already.",
                "End it first with `fleet-carbon mail recipients end`.",
            )
        number, now = work.mailing.next_number(), datetime.now(UTC)
        made = Recipient(number, "", language, (".pdf",), None, now, driver_id)
        work.mailing.add_recipient(made)
    return made


def send_no_more(settings: Settings, driver_id: str) -> None:
    """Send a driver no more statements.

    Raises
    ------
    NotFound
        ``mail_recipient_not_found`` if none are sent.
    """
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        number = _number_of(work, driver_id)
        if not number:
            raise NotFound(
                "mail_recipient_not_found", f"Driver {driver_id!r} is sent no statements.", ""
            )
        work.mailing.end_recipient(number, datetime.now(UTC))


def statement_mail(settings: Settings, month: str, to: Recipient) -> StatementMail:
    """The message with a driver's statement of a month.

    Raises
    ------
    FleetCarbonError
        One of `NOTHING_TO_SEND`, or if the statement cannot be proven.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        address = address_of(work, to.driver_id)
    _refuse_without_address(address, to.driver_id)
    made = make_statement(settings, to.driver_id, month, language=to.language)
    pdf = made.content(".pdf")
    public = (settings.public_url or "").rstrip("/")
    is_small = len(pdf) <= settings.mail_attachments_bytes_max
    link = f"{public}/my?month={month}" if public else ""
    subject, body = mail_words.statement_mail(made.composed, link, is_attached=is_small)
    return StatementMail(address, subject, body, pdf if is_small else b"")


def _number_of(work: UnitOfWork, driver_id: str) -> int:
    found = [one.number for one in work.mailing.recipients() if one.driver_id == driver_id]
    return found[0] if found else 0


def address_of(work: UnitOfWork, driver_id: str) -> str:
    """The newest name of the driver that is an address of mail; empty if none is known."""
    if driver_id in work.persons.erased():
        return ""
    known = [
        user.login
        for user in work.users.list()
        if user.driver_id == driver_id
        and user.ended_at is None
        and mail_server.is_address(user.login)
    ]
    return known[-1] if known else ""


def _refuse_without_address(address: str, driver_id: str) -> None:
    if not address:
        raise InputRefused(
            "driver_without_address",
            f"No address of mail is known of driver {driver_id!r}.",
            "It is the name by which the driver signs in:"
            f" `fleet-carbon users create NAME@EXAMPLE.ORG --role driver --driver {driver_id}`.",
        )
