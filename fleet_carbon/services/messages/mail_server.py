"""Hand one message to the mail server: never in the clear unless it is told so, and once.

What the server said is told by what follows from it: a message that it did not take can be tried
again, one that it refused cannot, and of one whose fate is not known nothing may be repeated.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

from fleet_carbon.errors import InputRefused
from fleet_carbon.settings import Settings

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251})")
SENT, REFUSED, FAILED, UNKNOWN = "sent", "refused", "failed", "unknown"
_TIMEOUT_S = 30.0
_OK, _FORWARDED, _FINAL = 250, 251, 500
_TEXT_CHARACTERS_MAX = 300


@dataclass(frozen=True)
class Handed:
    """What came of a message.

    Attributes
    ----------
    state : str
        sent; failed (it may be tried again); refused (for good); unknown (perhaps sent).
    text : str
        What the server said, or what went wrong.
    """

    state: str
    text: str


class _NotTakenError(Exception):
    """The server takes nothing now."""


def is_address(text: str) -> bool:
    """Whether mail could be sent to it."""
    return _ADDRESS.fullmatch(text) is not None


def refuse_without_server(settings: Settings) -> None:
    """Pass only if there is a mail server to hand messages to.

    Raises
    ------
    InputRefused
        ``mail_not_configured``.
    """
    if not settings.mail_host or not settings.mail_sender:
        raise InputRefused(
            "mail_not_configured",
            "No mail server is set.",
            "Set FLEET_CARBON_MAIL_HOST and FLEET_CARBON_MAIL_SENDER.",
        )
    if settings.mail_password is not None and settings.mail_security == "none":
        raise InputRefused(
            "mail_password_in_the_clear",
            "A password is never sent without encryption.",
            "Set FLEET_CARBON_MAIL_SECURITY to starttls or tls, or unset the password.",
        )


def hand_over(settings: Settings, message: EmailMessage, address: str) -> Handed:
    """Give a message to the server, for one recipient.

    Parameters
    ----------
    settings : Settings
        `mail_host` and what belongs to it.
    message : EmailMessage
        Whole, with its heads.
    address : str
        Who gets it.
    """
    refuse_without_server(settings)
    try:
        with _connected(settings) as server:
            return _handed(server, str(settings.mail_sender), address, content=_bytes(message))
    except smtplib.SMTPResponseException as said:
        return Handed(FAILED, _said(said.smtp_code, said.smtp_error))
    except (_NotTakenError, smtplib.SMTPException, OSError) as fault:
        return Handed(FAILED, f"{type(fault).__name__.strip('_')}: {fault}"[:_TEXT_CHARACTERS_MAX])


def _bytes(message: EmailMessage) -> bytes:
    return message.as_bytes(policy=SMTP)


def _handed(server: smtplib.SMTP, sender: str, address: str, *, content: bytes) -> Handed:
    code, text = server.mail(sender)
    if code != _OK:
        return _not_taken(code, text)
    code, text = server.rcpt(address)
    if code not in (_OK, _FORWARDED):
        return _not_taken(code, text)
    try:
        code, text = server.data(content)
    except smtplib.SMTPDataError as said:
        return _not_taken(said.smtp_code, said.smtp_error)
    except (smtplib.SMTPException, OSError) as fault:
        # The server may have taken it and not come to say so.
        return Handed(UNKNOWN, f"The connection broke while it was sent: {fault}")
    return Handed(SENT, _said(code, text)) if code == _OK else _not_taken(code, text)


def _not_taken(code: int, text: bytes | str) -> Handed:
    """4xx is a refusal for now, 5xx for good (RFC 5321, 4.2.1)."""
    return Handed(REFUSED if code >= _FINAL else FAILED, _said(code, text))


def _said(code: int, text: bytes | str) -> str:
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    shown = "".join(letter if letter.isprintable() else " " for letter in plain)
    return f"{code} {shown}"[:_TEXT_CHARACTERS_MAX]


@contextmanager
def _connected(settings: Settings) -> Iterator[smtplib.SMTP]:
    """A connection over which messages may go, encrypted as the settings say."""
    host, port = str(settings.mail_host), settings.mail_port
    secured = ssl.create_default_context(cafile=settings.mail_ca_file)
    server: smtplib.SMTP
    if settings.mail_security == "tls":
        server = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_S, context=secured)
    else:
        server = smtplib.SMTP(host, port, timeout=_TIMEOUT_S)
    try:
        server.ehlo_or_helo_if_needed()
        if settings.mail_security == "starttls":
            if not server.has_extn("starttls"):
                raise _NotTakenError("the server offers no encryption (STARTTLS)")
            server.starttls(context=secured)
            server.ehlo()
        if settings.mail_user and settings.mail_password is not None:
            server.login(settings.mail_user, settings.mail_password.get_secret_value())
        yield server
    finally:
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
        server.close()
