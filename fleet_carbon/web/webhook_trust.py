"""What a receiver of webhooks checks: that a message is ours, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.web.webhook_shapes import EVENTS, Event


class UntrustedWebhook(FleetCarbonError):
    """A message that none of the secrets signed, that is too old, or that is none of ours."""


def verify_webhook(
    secrets: str | Sequence[str], headers: Mapping[str, str], body: bytes | str
) -> Event:
    """The event of a message that a webhook brought, if one of the secrets signed it just now.

    Answer with a status of 2xx once the event is safe, and know it again by ``webhook-id``: a
    message may come more than once, and messages in any order.

    Parameters
    ----------
    secrets : str or sequence of str
        ``whsec_...``; two of them while one takes the place of the other.
    headers : mapping of str to str
        As they came, in any case.
    body : bytes or str
        As it came: not parsed and written again.

    Returns
    -------
    event : Event
        Typed by its `type`, such as `MonthClosed` with its `data`. A type that this version does
        not know is refused: answer 2xx to it, it comes from a newer service.

    Raises
    ------
    UntrustedWebhook
        ``webhook_untrusted``, or ``webhook_unknown`` if it is signed and of no type that is known.
    """
    given = [secrets] if isinstance(secrets, str) else list(secrets)
    told = {name: str(headers[name]) for name in headers}
    for secret in given:
        try:
            message = Webhook(secret).verify(body, told)
        except (WebhookVerificationError, ValueError):
            continue
        return _event_of(message)
    raise UntrustedWebhook(
        "webhook_untrusted",
        "None of the secrets signed this message in the last minutes.",
        "Answer 401. Check the secret, the clock, and that the body is the bytes that came.",
    )


def _event_of(message: Any) -> Event:
    try:
        return EVENTS[message["type"]].model_validate(message)
    except (KeyError, TypeError, ValidationError) as unknown:
        raise UntrustedWebhook(
            "webhook_unknown",
            "The message is signed, and tells of an event that this version does not know.",
            "Answer 204, and get a newer version of the client to read it.",
        ) from unknown
