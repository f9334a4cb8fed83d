"""Events of PACT as they arrive: a footprint is asked for, was sent, refused, or published.

What others publish or answer is acknowledged, and stands in the audit log like all that is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleet_carbon.errors import InputRefused

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


def read_event(version: int, told: Mapping[str, Any]) -> Event:
    """An event by its envelope.

    Parameters
    ----------
    version : int
        Of PACT: 2 or 3.
    told : mapping
        A CloudEvent, structured.

    Raises
    ------
    InputRefused
        ``event_malformed``; ``event_not_answered``: it asks for a footprint, and whoever asks can
        list them.
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
    if kind == "created":
        raise InputRefused(
            "event_not_answered",
            "Footprints are not sent to who asks by an event.",
            f"List those of your shipments: GET /{version}/footprints.",
        )
    return Event(version, kind, str(told["id"]), str(told["source"]), data)


def _malformed(why: str) -> InputRefused:
    return InputRefused("event_malformed", f"The event cannot be taken: {why}.", "Correct it.")
