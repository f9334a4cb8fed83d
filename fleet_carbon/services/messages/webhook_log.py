"""The log of webhooks: what was delivered, what came of each attempt, and everything once more."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.services.messages.spreading import (
    ROWS_TOGETHER,
    deliveries_of,
    is_told,
    told_rows,
)
from fleet_carbon.services.messages.webhooks import found_endpoint
from fleet_carbon.services.support import announcing
from fleet_carbon.services.support.progress import Progress
from fleet_carbon.settings import Settings
from fleet_carbon.statements import webhooks as wording
from fleet_carbon.storage.unit_of_work import open_storage
from fleet_carbon.storage.webhooks import ACTIVE, WAITING, Attempt, DeliveryRow, EventRow


@dataclass(frozen=True)
class Deliveries:
    """Deliveries with their attempts, newest first, and what gives the following ones.

    Attributes
    ----------
    rows : tuple of (DeliveryRow, tuple of Attempt)
    next_cursor : str
        Empty if there are none.
    """

    rows: tuple[tuple[DeliveryRow, tuple[Attempt, ...]], ...]
    next_cursor: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        told = [delivery_told(*row) for row in self.rows]
        return {"deliveries": told, "next_cursor": self.next_cursor}

    def lines(self) -> list[str]:
        """The deliveries for people."""
        return wording.delivery_lines(self.as_dict())


@dataclass(frozen=True)
class Asked:
    """How many deliveries are to be made (again)."""

    endpoint_id: str
    deliveries_count: int

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"endpoint_id": self.endpoint_id, "deliveries": self.deliveries_count}

    def lines(self) -> list[str]:
        """The count for people."""
        return wording.asked_lines(self.as_dict())


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def delivery_told(row: DeliveryRow, attempts: Sequence[Attempt]) -> dict[str, Any]:
    """A delivery as it is told: what was sent, how far it is, and each attempt."""
    return {
        "endpoint_id": row.endpoint_id,
        "event_id": row.event_id,
        "type": row.type,
        "data": row.content,
        "happened_at": row.happened_at.isoformat(),
        "state": row.state,
        "due_at": _text(row.due_at),
        "attempts": [asdict(one) | {"attempted_at": _text(one.attempted_at)} for one in attempts],
    }


def ping(settings: Settings, endpoint_id: str) -> Deliveries:
    """Send an endpoint a message that means nothing, to see whether it arrives.

    Raises
    ------
    NotFound
        ``webhook_not_found``.
    """
    now = datetime.now(UTC)
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        found = found_endpoint(work, endpoint_id)
        told = {
            "fleet_id": storage.fleet_id,
            "endpoint_id": endpoint_id,
            "href": f"/v1/webhooks/{endpoint_id}",
        }
        event_id = announcing.event_name(endpoint_id, secrets.token_hex(16))
        event = EventRow(event_id, announcing.PING, told, now)
        rows = deliveries_of([event], [found], now)
        work.webhooks.ask(rows)
    return Deliveries(tuple((row, ()) for row in rows))


def read_deliveries(
    settings: Settings,
    endpoint_id: str,
    *,
    state: str | None = None,
    cursor: str = "",
    limit_count: int = 100,
) -> Deliveries:
    """The log of an endpoint, newest first, a page at a time.

    Parameters
    ----------
    settings : Settings
        The fleet.
    endpoint_id : str
    state : str, optional
        Only deliveries that are waiting, delivered or failed.
    cursor : str
        `next_cursor` of the page before; empty for the first.
    limit_count : int

    Raises
    ------
    InputRefused
        ``cursor_malformed``.
    NotFound
        ``webhook_not_found``.
    """
    before = _place(cursor) if cursor else None
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        found_endpoint(work, endpoint_id)
        found = work.webhooks.deliveries(
            endpoint_id, state=state, before=before, limit_count=limit_count + 1
        )
        shown = found[:limit_count]
        attempts = work.webhooks.attempts(endpoint_id, [row.event_id for row in shown])
    rows = tuple((row, tuple(attempts.get(row.event_id, ()))) for row in shown)
    return Deliveries(rows, _cursor(shown[-1]) if len(found) > limit_count else "")


def replay_one(settings: Settings, endpoint_id: str, event_id: str) -> Deliveries:
    """Send an event to an endpoint again, with the same id; what waits is sent now.

    Raises
    ------
    NotFound
        ``webhook_not_found`` or ``webhook_delivery_not_found``.
    """
    now = datetime.now(UTC)
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        found_endpoint(work, endpoint_id)
        found = work.webhooks.delivery(endpoint_id, event_id)
        if found is None:
            raise NotFound(
                "webhook_delivery_not_found",
                f"Nothing of {event_id!r} was to be told to {endpoint_id}, or it was let go.",
                "List what is there with `fleet-carbon webhooks log`.",
            )
        if found.state == WAITING:
            work.webhooks.give_back(found, now)
        else:
            work.webhooks.ask([replace(found, due_at=now)])
        asked = work.webhooks.delivery(endpoint_id, event_id) or found
        attempts = work.webhooks.attempts(endpoint_id, [event_id]).get(event_id, [])
    return Deliveries(((asked, tuple(attempts)),))


def replay_since(settings: Settings, endpoint_id: str, since: str, *, progress: Progress) -> Asked:
    """Send an endpoint everything again that happened since a moment and that it wants.

    This includes what it was never told of: before it was made, or while it was given up.

    Parameters
    ----------
    settings : Settings
        The fleet.
    endpoint_id : str
    since : str
        ISO 8601 with offset.
    progress : Progress
        Told of every event.

    Raises
    ------
    InputRefused
        ``moment_malformed``.
    NotFound
        ``webhook_not_found``.
    """
    at, now = read_moment(since), datetime.now(UTC)
    deliveries_count = 0
    with closing(open_storage(settings)) as storage:
        with storage.begin(read_only=True) as work:
            wanting = replace(found_endpoint(work, endpoint_id), created_at=at, state=ACTIVE)
            events = [one for one in work.webhooks.events_since(at) if is_told(wanting, one)]
        progress.begin("events", len(events), "events")
        for event in events:
            with storage.begin(read_only=True) as work:
                rows = deliveries_of(told_rows(work, event), [wanting], now)
            for together in _parts(rows):
                with storage.begin(is_beside_others=True) as work:
                    work.webhooks.ask(together)
            deliveries_count += len(rows)
            progress.advance(1)
        progress.end()
    return Asked(endpoint_id, deliveries_count)


def _parts(rows: list[DeliveryRow]) -> Iterable[list[DeliveryRow]]:
    return (rows[begin : begin + ROWS_TOGETHER] for begin in range(0, len(rows), ROWS_TOGETHER))


def read_moment(text: str) -> datetime:
    """A moment with its offset, to the millisecond, as moments are kept.

    Raises
    ------
    InputRefused
        ``moment_malformed``.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return _refuse_moment(text)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return _refuse_moment(text)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _refuse_moment(text: str) -> datetime:
    raise InputRefused(
        "moment_malformed",
        f"{text!r} is no moment with an offset.",
        "Give it as 2026-10-05T14:30:00+08:00.",
    )


def _cursor(row: DeliveryRow) -> str:
    content = json.dumps([round(row.happened_at.timestamp() * 1000), row.event_id])
    return base64.urlsafe_b64encode(content.encode()).decode()


def _place(cursor: str) -> tuple[datetime, str]:
    try:
        at_ms, event_id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if not isinstance(event_id, str) or type(at_ms) is not int:
            raise ValueError
        return datetime.fromtimestamp(at_ms // 1000, UTC) + timedelta(
            milliseconds=at_ms % 1000
        ), event_id
    except (ValueError, TypeError, OverflowError, OSError, binascii.Error, RecursionError) as bad:
        raise InputRefused(
            "cursor_malformed", "The cursor is none of ours.", "Take next_cursor as it is."
        ) from bad
