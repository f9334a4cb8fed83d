"""Footprints that other hosts send or name, asked for or not; and asking them for some.

Who is asked answers by an event, in its own time. What comes is kept as it was sent, with whose
key it came by: where an event says that it comes from is the sender's word. Nothing of it goes
into a figure of this fleet.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.exchange.footprint_answers import send_request
from fleet_carbon.services.exchange.footprint_events import Event, host_of, malformed
from fleet_carbon.services.exchange.wishes import conditions_of
from fleet_carbon.services.support import cursors
from fleet_carbon.settings import Settings
from fleet_carbon.storage.footprint_messages import FootprintMessage
from fleet_carbon.storage.unit_of_work import open_storage

ASKED, ANSWERED, REFUSED, PUBLISHED = "asked", "answered", "refused", "published"
_TAKEN_MAX, _NAME_LETTERS_MAX = 1_000, 200
_SHOWN_LETTERS = 60


@dataclass(frozen=True)
class Messages:
    """A page of messages, the oldest first.

    Attributes
    ----------
    rows : tuple of FootprintMessage
    next_cursor : str
        Empty if there are no more.
    """

    rows: tuple[FootprintMessage, ...]
    next_cursor: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form; footprints are whole."""
        return {"rows": [_told(row) for row in self.rows], "next_cursor": self.next_cursor}

    def lines(self) -> list[str]:
        """A line of each for people."""
        if not self.rows:
            return ["No footprints were asked for or sent."]
        return [
            "  ".join(
                (
                    f"{row.noted_at:%Y-%m-%d %H:%M}",
                    f"{row.kind:<9}",
                    row.host,
                    f"request {row.request_id}" if row.request_id else "unasked",
                    row.footprint_id or row.content[:_SHOWN_LETTERS],
                )
            )
            for row in self.rows
        ]


def ask_for_footprints(
    settings: Settings, url: str, pairs: Sequence[tuple[str, str]], *, comment: str = ""
) -> Messages:
    """Ask a host for footprints by an event, and put on record what was asked.

    Parameters
    ----------
    settings : Settings
        The fleet; `exchange_hosts`, `public_url`.
    url : str
        Of a host that is set.
    pairs : sequence of (str, str)
        What they shall be, by the filters of PACT 3.
    comment : str
        For people there.

    Raises
    ------
    InputRefused
        ``exchange_host_unknown``, ``public_url_missing``, ``filter_not_known``,
        ``request_empty``, ``host_refused``, ...
    Unavailable
        ``host_unavailable``.
    """
    host = host_of(settings, url)
    if not host:
        raise InputRefused(
            "exchange_host_unknown",
            f"{url[:200]} is not among the hosts that are set.",
            "Name it with its client id and secret in FLEET_CARBON_EXCHANGE_HOSTS.",
        )
    if not settings.public_url:
        raise InputRefused(
            "public_url_missing",
            "The host would not know where to send its answer.",
            "Set FLEET_CARBON_PUBLIC_URL, and give the host a key of ours.",
        )
    if not conditions_of("footprints3", pairs):
        raise InputRefused(
            "request_empty", "Nothing is asked for.", "Name a product, such as productId=urn:..."
        )
    wanted: dict[str, list[str]] = {}
    for name, value in pairs:
        wanted.setdefault(name, []).append(value)
    event_id = str(uuid4())
    send_request(settings, host, wanted, event_id=event_id, comment=comment)
    asked = FootprintMessage(
        message_id=event_id,
        kind=ASKED,
        host=host,
        key_id="",
        request_id=event_id,
        footprint_id="",
        noted_at=datetime.now(UTC),
        content=json.dumps(wanted),
    )
    _keep(settings, [asked])
    return Messages((asked,))


def take_message(settings: Settings, event: Event, key_id: str) -> int:
    """Keep what an event answers, refuses or publishes; says how much of it is new.

    Parameters
    ----------
    settings : Settings
        The fleet.
    event : Event
        Of any kind but created.
    key_id : str
        By whose key it came.

    Raises
    ------
    InputRefused
        ``event_malformed``: what it carries are no footprints, or more than are taken at once.
    """
    noted_at = datetime.now(UTC)
    request_id = _name(str(event.data.get("requestEventId", "")))
    rows = [
        FootprintMessage(
            message_id=_digest(key_id, _name(event.event_id), kind, name),
            kind=kind,
            host=_name(event.source),
            key_id=key_id,
            request_id=request_id,
            footprint_id=name,
            noted_at=noted_at,
            content=content,
        )
        for kind, name, content in _carried(event)
    ]
    return _keep(settings, rows)


def read_messages(
    settings: Settings, *, request_id: str = "", cursor: str = "", limit_rows: int = 100
) -> Messages:
    """What was asked for and sent, from the oldest on.

    Parameters
    ----------
    settings : Settings
        The fleet.
    request_id : str
        Only what belongs to one request; empty for all.
    cursor : str
        Where the page before ended.
    limit_rows : int
        At most.

    Raises
    ------
    InputRefused
        ``cursor_malformed``.
    """
    after = cursors.opened(cursor, int)[0] if cursor else 0
    with closing(open_storage(settings)) as storage, storage.look() as work:
        found = work.footprint_messages.page(
            after=after, limit_rows=limit_rows + 1, request_id=request_id
        )
    shown = found[:limit_rows]
    is_more = len(found) > len(shown)
    return Messages(tuple(row for _, row in shown), cursors.made(shown[-1][0]) if is_more else "")


def _carried(event: Event) -> Iterator[tuple[str, str, str]]:
    """Kind, footprint and content of all that an event carries."""
    if event.kind == "rejected":
        yield REFUSED, "", json.dumps(event.data["error"])
        return
    held = event.data["pfIds" if event.kind == "published" else "pfs"]
    if len(held) > _TAKEN_MAX:
        raise malformed(f"it carries more than {_TAKEN_MAX} footprints")
    for one in held:
        name = one.get("id") if isinstance(one, dict) else one
        is_whole = isinstance(one, dict)
        if not isinstance(name, str) or not name or is_whole != (event.kind == "fulfilled"):
            raise malformed("what it carries are no footprints")
        kind = ANSWERED if event.kind == "fulfilled" else PUBLISHED
        yield kind, _name(name), json.dumps(one) if is_whole else ""


def _name(text: str) -> str:
    """A name as it can be kept: what no database has is none."""
    if len(text) > _NAME_LETTERS_MAX or not text.isprintable():
        raise malformed("a name in it is too long, or no text")
    return text


def _keep(settings: Settings, rows: Sequence[FootprintMessage]) -> int:
    with (
        closing(open_storage(settings)) as storage,
        storage.begin(reads_traces=False) as work,
    ):
        work.refuse_if_closed_down()
        return work.footprint_messages.add(rows)


def _told(row: FootprintMessage) -> dict[str, Any]:
    content = json.loads(row.content) if row.content else None
    return {**asdict(row), "noted_at": row.noted_at.isoformat(), "content": content}


def _digest(*facts: str) -> str:
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()
