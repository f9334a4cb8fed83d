"""Events of PACT as they arrive: a footprint is asked for, was sent, refused, or published.

What others publish, answer or refuse is kept (`footprint_messages`). Who asks for footprints is
answered by an event, too (`footprint_answers`), if its host is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from fleet_carbon.errors import InputRefused
from fleet_carbon.settings import Settings

_OLDER = 2
IN_PACT_2 = {"productId": "productIds", "companyId": "companyIds"}
"""How a footprint of PACT 2 calls what the filters of PACT 3 ask for."""
_OF_PACT_2 = {theirs: ours for ours, theirs in IN_PACT_2.items()}

TYPES: dict[int, dict[str, str]] = {
    2: {
        "created": "org.wbcsd.pathfinder.ProductFootprintRequest.Created.v1",
        "fulfilled": "org.wbcsd.pathfinder.ProductFootprintRequest.Fulfilled.v1",
        "rejected": "org.wbcsd.pathfinder.ProductFootprintRequest.Rejected.v1",
        "published": "org.wbcsd.pathfinder.ProductFootprint.Published.v1",
    },
    3: {
        "created": "org.wbcsd.pact.ProductFootprint.RequestCreatedEvent.3",
        "fulfilled": "org.wbcsd.pact.ProductFootprint.RequestFulfilledEvent.3",
        "rejected": "org.wbcsd.pact.ProductFootprint.RequestRejectedEvent.3",
        "published": "org.wbcsd.pact.ProductFootprint.PublishedEvent.3",
    },
}
_NEEDED: dict[str, dict[str, type]] = {
    "fulfilled": {"requestEventId": str, "pfs": list},
    "rejected": {"requestEventId": str, "error": dict},
    "published": {"pfIds": list},
}


@dataclass(frozen=True)
class Event:
    """An event that was understood.

    Attributes
    ----------
    version : int
        Of PACT.
    kind : str
        created, fulfilled, rejected or published.
    event_id, source : str
        Of the sender.
    data : dict
    """

    version: int
    kind: str
    event_id: str
    source: str
    data: dict[str, Any]


def read_event(settings: Settings, version: int, told: Mapping[str, Any]) -> Event:
    """An event by its envelope.

    Parameters
    ----------
    settings : Settings
        `exchange_hosts`.
    version : int
        Of PACT: 2 or 3.
    told : mapping
        A CloudEvent, structured.

    Raises
    ------
    InputRefused
        ``event_malformed``; ``event_not_answered``: it asks for a footprint, and comes of a host
        that nobody knows how to answer.
    """
    kinds = {name: kind for kind, name in TYPES[version].items()}
    kind = kinds.get(str(told.get("type")))
    if kind is None:
        raise malformed(f"PACT {version} has no event {str(told.get('type'))[:100]!r}")
    data = told.get("data")
    if not isinstance(data, dict):
        raise malformed("it has no data")
    for name, kind_of in _NEEDED.get(kind, {}).items():
        if not isinstance(data.get(name), kind_of) or not data[name]:
            raise malformed(f"its data has no {name}")
    event = Event(version, kind, str(told["id"]), str(told["source"]), data)
    if kind == "created" and not host_of(settings, event.source):
        raise InputRefused(
            "event_not_answered",
            "Footprints are not sent to a host that is not known here.",
            f"List those of your shipments: GET /{version}/footprints; or have the host set.",
        )
    return event


def request_of(settings: Settings, event: Event, shippers: frozenset[str] | None) -> dict[str, Any]:
    """What a job is given to answer who asks for footprints.

    Parameters
    ----------
    settings : Settings
        `exchange_hosts`.
    event : Event
        Of kind created.
    shippers : frozenset of str or None
        Customers of whose shipments alone the sender is told; None means all.
    """
    asked = event.data.get("pf", event.data) if event.version == _OLDER else event.data
    pairs = [
        [_OF_PACT_2.get(name, name), str(value)]
        for name, held in (asked if isinstance(asked, dict) else {}).items()
        if name != "comment"
        for value in (held if isinstance(held, list) else [held])
    ]
    return {
        "version": event.version,
        "event_id": event.event_id,
        "host": host_of(settings, event.source),
        "pairs": pairs,
        "shippers": None if shippers is None else sorted(shippers),
        "begun_at": datetime.now(UTC).isoformat(),
        "attempt": 1,
        "mark": hashlib.sha256(f"{event.source}\n{event.event_id}".encode()).hexdigest()[:16],
    }


def host_of(settings: Settings, source: str) -> str:
    """The address of the host that an event comes of; empty if it is not known here."""
    place = urlsplit(source if "//" in source else f"//{source}").netloc
    return next((one for one in settings.exchange_hosts if urlsplit(one).netloc == place), "")


def malformed(why: str) -> InputRefused:
    """That an event says too little, or what nobody understands."""
    return InputRefused("event_malformed", f"The event cannot be taken: {why}.", "Correct it.")
