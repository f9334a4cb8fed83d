"""A request that its sender repeats is answered as it was, and done once."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.settings import Settings
from fleet_carbon.storage.under_way import alone
from fleet_carbon.storage.unit_of_work import Answer, open_storage

KEPT_DAYS = 7
"""How long an answer is given again. [d]"""


class RequestConflict(FleetCarbonError):
    """The same key stands for another request, or for one that is still being answered."""


@dataclass(frozen=True)
class Reply:
    """What is answered: a status of HTTP, and JSON-ready content.

    Attributes
    ----------
    status : int
    content : dict
    is_repeated : bool
        Whether this was answered before, and nothing was done now.
    told_once : tuple of str
        Names in the content of what is not kept, such as a secret: repeated it is empty.
    """

    status: int
    content: dict[str, Any]
    is_repeated: bool = False
    told_once: tuple[str, ...] = ()

    def kept(self) -> str:
        """The content as it is kept, JSON."""
        return json.dumps(self.content | dict.fromkeys(self.told_once, ""))


def once(
    settings: Settings, request_key: str, request_sha256: str, *, do: Callable[[], Reply]
) -> Reply:
    """Do what is asked for, unless it was answered under the same key before.

    A failure of the service itself is no answer: the sender may try again. A request that was begun
    and has no answer, and that nobody is at now, was cut off: it is done again at once, for
    everything that is done on request is harmless when repeated.

    Parameters
    ----------
    settings : Settings
        The fleet.
    request_key : str
        What the sender knows the request by.
    request_sha256 : str
        Digest of everything that was asked for.
    do : callable
        Does it.

    Raises
    ------
    RequestConflict
        ``idempotency_key_reused`` or ``request_under_way``.
    """
    with (
        closing(open_storage(settings)) as storage,
        alone(storage.home, f"request {storage.fleet_id}/{request_key}") as is_alone,
    ):
        if not is_alone:
            raise RequestConflict(
                "request_under_way",
                "The same request is being answered.",
                "Send it again in a moment to hear the answer.",
            )
        now = datetime.now(UTC)
        with storage.begin(reads_traces=False, is_despite_closing=True) as work:
            answered = replied(work.answers.get(request_key), request_sha256)
            if answered is not None:
                return answered
            work.answers.begin(request_key, request_sha256, now)
            work.answers.forget_before(now - timedelta(days=KEPT_DAYS))
        reply: Reply | None = None
        try:
            reply = do()
        finally:
            with storage.begin(reads_traces=False, is_despite_closing=True) as work:
                if reply is None:
                    work.answers.forget(request_key)
                else:
                    work.answers.answer(request_key, reply.status, reply.kept())
        return reply


def replied(known: Answer | None, request_sha256: str) -> Reply | None:
    """What was answered before to a request of the same key; None if it is to be done.

    Parameters
    ----------
    known : Answer or None
        What is on record under its key.
    request_sha256 : str
        Digest of everything that is asked for now.

    Raises
    ------
    RequestConflict
        ``idempotency_key_reused``.
    """
    if known is None:
        return None
    if known.request_sha256 != request_sha256:
        raise RequestConflict(
            "idempotency_key_reused",
            "This Idempotency-Key came before with another request.",
            "Give every new request a key of its own.",
        )
    if known.status is not None:
        return Reply(known.status, json.loads(known.content or "{}"), is_repeated=True)
    return None  # begun and cut off
