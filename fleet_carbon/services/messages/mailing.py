"""Reports by mail: who gets them, when they are due, and each sent at most once.

A step is put on record before a message is handed over and another one after it: a worker that is
killed between the two leaves a sending of which nobody knows whether it went, and it is told as
such and not repeated. What the server did not take is tried again, later and later.
"""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

from fleet_carbon.errors import FleetCarbonError, InputRefused, NotFound
from fleet_carbon.periods import Month, parse_month
from fleet_carbon.services.intake.receiving import XLSX
from fleet_carbon.services.messages import mail_server, statement_mail
from fleet_carbon.services.papers.fleet_reports import make_report
from fleet_carbon.services.papers.stating import refuse_language
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import mail_words
from fleet_carbon.storage.mailing import Recipient, SendingStep
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

FORMS = {".pdf": "application/pdf", ".xlsx": XLSX, ".html": "text/html"}
"""Suffix of a file that can be attached -> its media type."""
BACK_OFF_S = (60, 300, 1800, 7200, 21_600, 43_200)
"""From one attempt to the next; then it is given up. [s]"""
BEGUN, GIVEN_UP, NOTHING = "begun", "given_up", "nothing"
_DAYS_MAX = 31


@dataclass(frozen=True)
class Recipients:
    """Who gets reports."""

    recipients: list[Recipient]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        rows = [{**asdict(one), "recorded_at": _told(one.recorded_at)} for one in self.recipients]
        return {"recipients": rows}

    def lines(self) -> list[str]:
        """The recipients for people."""
        return mail_words.recipient_lines([vars(one) for one in self.recipients])


@dataclass(frozen=True)
class Sendings:
    """What became of messages: the newest step of each."""

    steps: list[SendingStep] = field(default_factory=list)

    @property
    def has_failures(self) -> bool:
        """Whether one of them did not go."""
        return any(one.state not in (mail_server.SENT, NOTHING) for one in self.steps)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "sendings": [{**asdict(one), "noted_at": _told(one.noted_at)} for one in self.steps]
        }

    def lines(self) -> list[str]:
        """The sendings for people."""
        return mail_words.sending_lines([vars(one) for one in self.steps])


def add_recipient(
    settings: Settings,
    address: str,
    *,
    language: str = "en",
    forms: Sequence[str] = (".pdf", ".xlsx"),
    day_index: int | None = None,
) -> Recipients:
    """Have somebody sent the report of each month from now on.

    Parameters
    ----------
    settings : Settings
        The fleet.
    address : str
        Where to.
    language : str
        ``en`` or ``zh``.
    forms : sequence of str
        Suffixes of `FORMS`.
    day_index : int, optional
        Day of the month after, 1 to 31 (the last one of a shorter month); None as soon as the
        month is closed.

    Raises
    ------
    InputRefused
        If address, language, form or day are none, or the address gets reports already.
    """
    _refuse_malformed(address, language, forms)
    if day_index is not None and not 1 <= day_index <= _DAYS_MAX:
        raise InputRefused("mail_day_refused", f"No month has a day {day_index}.", "1 to 31.")
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        if address in {one.address for one in work.mailing.recipients() if one.address}:
            raise InputRefused(
                "mail_recipient_known",
                f"{address} gets the reports of the fleet already.",
                "End it first with `fleet-carbon mail recipients end`.",
            )
        number, now = work.mailing.next_number(), datetime.now(UTC)
        made = Recipient(number, address, language, tuple(forms), day_index, now)
        work.mailing.add_recipient(made)
    return Recipients([made])


def list_recipients(settings: Settings) -> Recipients:
    """Who gets the reports of the fleet."""
    with closing(open_storage(settings)) as storage, storage.look() as work:
        return Recipients(work.mailing.recipients())


def end_recipient(settings: Settings, number: int) -> Recipients:
    """Send somebody nothing more.

    Raises
    ------
    NotFound
        ``mail_recipient_not_found``.
    """
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        found = [one for one in work.mailing.recipients() if one.number == number]
        if not found:
            raise NotFound(
                "mail_recipient_not_found",
                f"There is no recipient {number}.",
                "List them with `fleet-carbon mail recipients list`.",
            )
        work.mailing.end_recipient(number, datetime.now(UTC))
    return Recipients(found)


def read_sendings(settings: Settings, *, month: str | None = None) -> Sendings:
    """What became of every message, of one month if it is given."""
    with closing(open_storage(settings)) as storage, storage.look() as work:
        wanted = None if month is None else str(parse_month(month, storage.zone))
        return Sendings([_shown(one) for one in _newest(work, wanted).values()])


def due_months(settings: Settings, now: datetime) -> list[str]:
    """Months of which a message is due at a moment; none without a mail server."""
    if not settings.mail_host:
        return []
    with closing(open_storage(settings)) as storage, storage.look() as work:
        recipients = work.mailing.recipients()
        if not recipients:
            return []
        months = work.closings.months()
        return [one for one in months if any(_due(work, storage.zone, one, now, recipients))]


def send_due(
    settings: Settings, month: str, *, now: datetime | None = None, progress: Progress | None = None
) -> Sendings:
    """Send reports and statements of a month to whom they are due; harmless when repeated.

    Parameters
    ----------
    settings : Settings
        The fleet and its mail server.
    month : str
        YYYY-MM, closed.
    now : datetime, optional
        The moment it is.
    progress : Progress, optional
        Who is told how far it is.
    """
    mail_server.refuse_without_server(settings)
    at, told = now or datetime.now(UTC), progress or Silent()
    with closing(open_storage(settings)) as storage, storage.look() as work:
        found = list(_due(work, storage.zone, month, at, work.mailing.recipients()))
    told.begin(f"mail of {month}", len(found), "messages")
    steps = []
    for one in found:
        step = _send(settings, month, one, at=at)
        steps += [step] if step is not None else []
        told.advance(1)
    told.end()
    return Sendings(steps)


def send_now(
    settings: Settings,
    month: str,
    address: str,
    *,
    language: str = "en",
    forms: Sequence[str] = (".pdf", ".xlsx"),
    is_again: bool = False,
) -> Sendings:
    """Send the report of a month to an address at once.

    Parameters
    ----------
    settings : Settings
        The fleet and its mail server.
    month, address, language, forms
        What, where to, and how.
    is_again : bool
        Even if it was sent there before, or may have been.

    Raises
    ------
    InputRefused
        ``mail_sent_already``, or if something else about it cannot be.
    NotFound
        If the month was never closed.
    """
    mail_server.refuse_without_server(settings)
    _refuse_malformed(address, language, forms)
    now = datetime.now(UTC)
    with closing(open_storage(settings)) as storage, storage.look() as work:
        wanted = str(parse_month(month, storage.zone))
        latest_run(work, wanted)
    to = Recipient(0, address, language, tuple(forms), None, now)
    step = _send(settings, wanted, to, at=now, is_again=is_again, is_asked=True)
    if step is None:
        raise InputRefused(
            "mail_sent_already",
            f"The report of {wanted} was sent to {address}, or may have been.",
            "See `fleet-carbon mail log`; send it again with --again.",
        )
    return Sendings([step])


def send_trial(settings: Settings, address: str, *, language: str = "en") -> Sendings:
    """Send a message that says no more than that mail works; nothing is put on record."""
    mail_server.refuse_without_server(settings)
    _refuse_malformed(address, language, ())
    now = datetime.now(UTC)
    subject, body = mail_words.trial(language)
    message = _message(settings, address, subject, body, at=now)
    handed = mail_server.hand_over(settings, message, address)
    return Sendings([SendingStep("", address, handed.state, 1, handed.text, now)])


def _refuse_malformed(address: str, language: str, forms: Sequence[str]) -> None:
    refuse_language(language)
    if not mail_server.is_address(address):
        raise InputRefused(
            "mail_address_malformed",
            f"{address!r} is no address of mail.",
            "Write it as name@example.org, in ASCII.",
        )
    for form in forms:
        if form not in FORMS:
            raise InputRefused(
                "mail_form_unknown",
                f"{form!r} cannot be attached.",
                f"Choose from {', '.join(one.lstrip('.') for one in FORMS)}.",
            )


def _due(
    work: UnitOfWork, zone: ZoneInfo, month: str, now: datetime, recipients: Sequence[Recipient]
) -> Iterator[Recipient]:
    """Who is to be sent the report of a closed month now."""
    run = work.closings.latest(month)
    if run is None:
        return
    newest = _newest(work, month)
    for one in recipients:
        last = newest.get(_key(month, one))
        if last is None:
            due_at = run.closed_at
            if one.day_index is not None:
                due_at = max(due_at, day_after(parse_month(month, zone), one.day_index))
            if one.recorded_at <= due_at <= now:
                yield one
        elif last.state == mail_server.FAILED and _retried_at(last) <= now:
            yield one


def day_after(month: Month, day_index: int) -> datetime:
    """Midnight of a day of the month after, or of its last day if it is shorter.

    Parameters
    ----------
    month : Month
        The month before it.
    day_index : int
        1 to 31.
    """
    next_first = month.ends_at.astimezone(month.zone)
    last = calendar.monthrange(next_first.year, next_first.month)[1]
    return next_first.replace(day=min(day_index, last))


def _retried_at(step: SendingStep) -> datetime:
    return step.noted_at + timedelta(seconds=BACK_OFF_S[step.attempts_count - 1])


def _newest(work: UnitOfWork, month: str | None) -> dict[tuple[str, str, str], SendingStep]:
    """The newest step of every sending."""
    return {_key(one.month, one): one for one in work.mailing.steps(month)}


def _key(month: str, to: Recipient | SendingStep) -> tuple[str, str, str]:
    return month, to.address, to.driver_id


def _shown(step: SendingStep) -> SendingStep:
    """A sending that was begun and never noted as over is one of unknown fate."""
    if step.state != BEGUN:
        return step
    said = "Begun and not noted as over: perhaps sent, so not repeated."
    return replace(step, state=mail_server.UNKNOWN, text=said)


def _send(
    settings: Settings,
    month: str,
    to: Recipient,
    *,
    at: datetime,
    is_again: bool = False,
    is_asked: bool = False,
) -> SendingStep | None:
    """Send one message and note what came of it; None if somebody else sent it, or may have."""
    attempt = _claim(settings, month, to, at=at, is_again=is_again, is_asked=is_asked)
    if attempt is None:
        return None
    try:
        compose = _statement_message if to.driver_id else _report_message
        message = compose(settings, month, to, at=at)
        handed = mail_server.hand_over(settings, message, str(message["To"]))
        if to.driver_id:  # nothing on record names a driver's address, not even what servers say
            handed = replace(handed, text=handed.text.replace(str(message["To"]), "the address"))
    except FleetCarbonError as refused:
        is_over = refused.code in statement_mail.NOTHING_TO_SEND
        handed = mail_server.Handed(NOTHING if is_over else mail_server.FAILED, refused.message)
    state = handed.state
    if state == mail_server.FAILED and attempt > len(BACK_OFF_S):
        state = GIVEN_UP
    step = SendingStep(month, to.address, state, attempt, handed.text, at, to.driver_id)
    with closing(open_storage(settings)) as storage, storage.begin(reads_traces=False) as work:
        work.mailing.note(step)
    return step


def _claim(
    settings: Settings, month: str, to: Recipient, *, at: datetime, is_again: bool, is_asked: bool
) -> int | None:
    """Put on record that a sending begins; its attempt, or None if it may not begin."""
    with closing(open_storage(settings)) as storage, storage.begin(reads_traces=False) as work:
        last = _newest(work, month).get(_key(month, to))
        attempt = 1
        if last is not None and not is_again:
            is_open = last.state == mail_server.FAILED or (is_asked and last.state == GIVEN_UP)
            if not is_open or (not is_asked and _retried_at(last) > at):
                return None
            attempt = last.attempts_count + 1 if last.state == mail_server.FAILED else 1
        step = SendingStep(month, to.address, BEGUN, attempt, "", at, to.driver_id)
        work.mailing.note(step)
    return attempt


def _report_message(settings: Settings, month: str, to: Recipient, *, at: datetime) -> EmailMessage:
    """The message with the report of a month, as much of it attached as may be."""
    report = make_report(settings, month, language=to.language)
    files, left_out, room_bytes = [], [], settings.mail_attachments_bytes_max
    for form in to.forms:
        name, content = f"report-{settings.fleet}-{month}{form}", report.content(form)
        if len(content) > room_bytes:
            left_out.append(name)
            continue
        room_bytes -= len(content)
        files.append((name, content, FORMS[form]))
    subject, body = mail_words.report_mail(report.composed, left_out)
    message = _message(settings, to.address, subject, body, at=at)
    for name, content, media_type in files:
        kind, _, subtype = media_type.partition("/")
        message.add_attachment(content, maintype=kind, subtype=subtype, filename=name)
    return message


def _statement_message(
    settings: Settings, month: str, to: Recipient, *, at: datetime
) -> EmailMessage:
    """The message with a driver's statement of a month."""
    made = statement_mail.statement_mail(settings, month, to)
    message = _message(settings, made.address, made.subject, made.body, at=at)
    if made.pdf:
        name = f"statement-{month}.pdf"
        message.add_attachment(made.pdf, maintype="application", subtype="pdf", filename=name)
    return message


def _message(
    settings: Settings, address: str, subject: str, body: str, *, at: datetime
) -> EmailMessage:
    message, sender = EmailMessage(), str(settings.mail_sender)
    named = hashlib.sha256(f"{settings.fleet}/{address}/{subject}/{at}".encode()).hexdigest()
    message["Message-ID"] = f"<{named[:32]}@{sender.rpartition('@')[2] or 'localhost'}>"
    message["Date"] = format_datetime(at)
    message["From"], message["To"], message["Subject"] = sender, address, subject
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body)
    return message


def _told(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
