"""Events of PACT as they arrive: a footprint is asked for, was sent, refused, or published.

What others publish or answer is acknowledged, and stands in the audit log like all that is sent.
Who asks for footprints is answered by an event, too, if its host is known here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from fleet_carbon.errors import InputRefused, Unavailable
from fleet_carbon.services import hosting
from fleet_carbon.services.exchange_client import HostClient
from fleet_carbon.services.wishes import Wish, conditions_of
from fleet_carbon.settings import Settings

_OLDER, _SENT_MAX, _REFUSED = 2, 1000, 300
_OF_PACT_2 = {"productIds": "productId", "companyIds": "companyId"}

_TYPES = {
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
    kinds = {name: kind for kind, name in _TYPES[version].items()}
    kind = kinds.get(str(told.get("type")))
    if kind is None:
        raise _malformed(f"PACT {version} has no event {str(told.get('type'))[:100]!r}")
    data = told.get("data")
    if not isinstance(data, dict):
        raise _malformed("it has no data")
    for name, kind_of in _NEEDED.get(kind, {}).items():
        if not isinstance(data.get(name), kind_of) or not data[name]:
            raise _malformed(f"its data has no {name}")
    event = Event(version, kind, str(told["id"]), str(told["source"]), data)
    if kind == "created" and not _host_of(settings, event.source):
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
        "host": _host_of(settings, event.source),
        "pairs": pairs,
        "shippers": None if shippers is None else sorted(shippers),
        "mark": hashlib.sha256(f"{event.source}\n{event.event_id}".encode()).hexdigest()[:16],
    }


def answer_request(settings: Settings, request: Mapping[str, Any]) -> dict[str, Any]:
    """Send the footprints that were asked for to who asked, or why there are none.

    Parameters
    ----------
    settings : Settings
        The fleet; `exchange_hosts`, `public_url`.
    request : mapping
        Of `request_of`.

    Raises
    ------
    Unavailable
        ``host_unavailable``: the host does not take it; it may ask again.
    """
    version, host = request["version"], request["host"]
    shippers = None if request["shippers"] is None else frozenset(request["shippers"])
    pairs = [(name, value) for name, value in request["pairs"]]
    data: dict[str, Any] = {"requestEventId": request["event_id"]}
    try:
        if not pairs:
            raise _malformed("it names nothing that is asked for")
        conditions = conditions_of("footprints3", pairs)
        wish = Wish(f"footprints{version}", shippers, _SENT_MAX, conditions)
        found = hosting.read_page(settings, wish).documents
        error = {} if found else {"code": "NotFound", "message": "There is no such footprint."}
    except InputRefused as refused:
        found, error = [], {"code": "BadRequest", "message": refused.message}
    kind = "rejected" if error else "fulfilled"
    event = {
        "type": _TYPES[version][kind],
        "specversion": "1.0",
        "id": str(UUID(hashlib.sha256(f"{host} {request['mark']}".encode()).hexdigest()[:32])),
        "source": f"{(settings.public_url or '').rstrip('/')}/{version}/events",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": data | ({"error": error} if error else {"pfs": found}),
    }
    with _client(settings, host) as client:
        reply = client.post(f"/{version}/events", event)
    if reply.status >= _REFUSED:
        raise Unavailable(
            "host_unavailable",
            f"{host} does not take the answer: {reply.status} {reply.code}",
            "Look at what it says, and have it ask again.",
        )
    return {"host": host, "answer": kind, "footprints_count": len(found)}


def _client(settings: Settings, host: str) -> HostClient:
    known_by = settings.exchange_hosts.get(host)
    if known_by is None:
        raise InputRefused(
            "event_not_answered", f"{host} is not known here any more.", "Set it, and ask again."
        )
    client_id, secret = known_by
    return HostClient(settings, host, client_id=client_id, client_secret=secret.get_secret_value())


def _host_of(settings: Settings, source: str) -> str:
    """The address of the host that an event comes of; empty if it is not known here."""
    place = urlsplit(source if "//" in source else f"//{source}").netloc
    return next((one for one in settings.exchange_hosts if urlsplit(one).netloc == place), "")


def _malformed(why: str) -> InputRefused:
    return InputRefused("event_malformed", f"The event cannot be taken: {why}.", "Correct it.")
