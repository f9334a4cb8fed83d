"""What hosts of PACT are told by events: answers to who asks, and what is published for whom.

A host that does not take an event is told again, later and later, with the same id, until 72 hours
are over: each attempt is a job, and what is still to be told stands in the database of jobs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from fleet_carbon.errors import InputRefused, Unavailable
from fleet_carbon.services.exchange import hosting
from fleet_carbon.services.exchange.exchange_client import HostClient
from fleet_carbon.services.exchange.footprint_events import IN_PACT_2, TYPES, malformed
from fleet_carbon.services.exchange.wishes import Wish, conditions_of
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import fleets_on_record, open_storage

TOLD_FOR = timedelta(hours=72)
"""For so long PACT wants a host to be told that does not take an event."""
_WAIT_S, _WAIT_S_MAX = 30.0, 6 * 3600.0
_TOGETHER_MAX, _REFUSED, _NOT_THERE = 1000, 300, (404, 405, 501)
_PASSING = ("host_unavailable", "host_refused")


def answer_request(settings: Settings, request: Mapping[str, Any]) -> dict[str, Any]:
    """Send the footprints that were asked for to who asked, or why there are none.

    Parameters
    ----------
    settings : Settings
        The fleet; `exchange_hosts`, `public_url`.
    request : mapping
        Of `footprint_events.request_of`.

    Raises
    ------
    Unavailable
        ``host_unavailable``: the host does not take it.
    """
    version, host = request["version"], request["host"]
    shippers = None if request["shippers"] is None else frozenset(request["shippers"])
    pairs = [(name, value) for name, value in request["pairs"]]
    data: dict[str, Any] = {"requestEventId": request["event_id"]}
    try:
        if not pairs:
            raise malformed("it names nothing that is asked for")
        conditions = conditions_of("footprints3", pairs)
        found = _all_that_fit(
            settings, Wish(f"footprints{version}", shippers, _TOGETHER_MAX, conditions)
        )
        error = {} if found else {"code": "NotFound", "message": "There is no such footprint."}
    except InputRefused as refused:
        found, error = [], {"code": "BadRequest", "message": refused.message}
    kind = "rejected" if error else "fulfilled"
    told = data | ({"error": error} if error else {"pfs": found})
    with _client(settings, host) as client:
        _tell(client, version, _event(settings, version, kind, told, (host, request["mark"])))
    return {"host": host, "answer": kind, "footprints_count": len(found)}


def _all_that_fit(settings: Settings, wish: Wish) -> list[dict[str, Any]]:
    """The footprints of all pages, up to as many as an event carries."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while len(found) < wish.limit_count:
        rest = wish.limit_count - len(found)
        page = hosting.read_page(
            settings, Wish(wish.kind, wish.shippers, rest, wish.conditions, cursor)
        )
        found += page.documents
        cursor = page.next_cursor
        if not cursor:
            break
    return found


def due_notices(settings: Settings, now: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    """Of what is published to whom now, by fleet: what a job is given to tell it.

    Parameters
    ----------
    settings : Settings
        Of every fleet but for its name; `exchange_recipients`.
    now : datetime
        Closes that are older than `TOLD_FOR` are told to nobody.
    """
    for fleet_id in set(fleets_on_record(settings)) & set(settings.exchange_recipients):
        of_fleet = settings.model_copy(update={"fleet": fleet_id})
        with closing(open_storage(of_fleet)) as storage, storage.look() as work:
            closed_at, run_ids = work.closings.closed_at(), work.closings.run_ids()
        for month, at in sorted(closed_at.items()):
            if now - at > TOLD_FOR:
                continue
            for host, shippers in settings.exchange_recipients[fleet_id].items():
                facts = (host, run_ids[month], *sorted(shippers))
                yield (
                    fleet_id,
                    {
                        "host": host,
                        "month": month,
                        "shippers": sorted(shippers),
                        "begun_at": now.isoformat(),
                        "attempt": 1,
                        "mark": hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16],
                    },
                )


def publish(settings: Settings, request: Mapping[str, Any]) -> dict[str, Any]:
    """Tell a host which footprints of its customers were published by the close of a month.

    Parameters
    ----------
    settings : Settings
        The fleet; `exchange_hosts`, `public_url`.
    request : mapping
        Of `due_notices`.

    Raises
    ------
    Unavailable
        ``host_unavailable``: the host does not take it.
    """
    host, mark = request["host"], request["mark"]
    ids = hosting.footprint_ids(settings, request["month"], shippers=frozenset(request["shippers"]))
    with _client(settings, host) as client:
        for begin in range(0, len(ids), _TOGETHER_MAX):
            told = {"pfIds": ids[begin : begin + _TOGETHER_MAX]}
            of_3, of_2 = (
                _event(settings, version, "published", told, (host, mark, str(begin)))
                for version in (3, 2)
            )
            if not _is_told(client, 3, of_3):
                _tell(client, 2, of_2)
    return {"host": host, "month": request["month"], "footprints_count": len(ids)}


def next_attempt(
    request: Mapping[str, Any], code: str, now: datetime
) -> tuple[dict[str, Any], float] | None:
    """What a job is given to try again what a host did not take, and in how long. [s]

    Parameters
    ----------
    request : mapping
        Of the job that failed.
    code : str
        Why it did.
    now : datetime
        The moment it is.

    Returns
    -------
    again : tuple or None
        None if it is given up: the host is not known here any more, or 72 hours are over.
    """
    wait_s = min(_WAIT_S * 2 ** (request["attempt"] - 1), _WAIT_S_MAX)
    ends_at = datetime.fromisoformat(request["begun_at"]) + TOLD_FOR
    if code not in _PASSING or now + timedelta(seconds=wait_s) > ends_at:
        return None
    return {**request, "attempt": request["attempt"] + 1}, wait_s


def send_request(
    settings: Settings,
    host: str,
    wanted: Mapping[str, Sequence[str]],
    *,
    event_id: str,
    comment: str,
) -> None:
    """Ask a host for footprints by an event of PACT 3, or of PACT 2 if it has no other.

    Parameters
    ----------
    settings : Settings
        `exchange_hosts`, `public_url`.
    host : str
        Of `exchange_hosts`.
    wanted : mapping of str to sequence of str
        By the filters of PACT 3.
    event_id : str
        What the answer will name.
    comment : str
        For people there.

    Raises
    ------
    InputRefused
        ``event_not_answered``, ``host_refused``, ...
    Unavailable
        ``host_unavailable``: the host does not take it.
    """
    said = {"comment": comment} if comment else {}
    of_2 = {IN_PACT_2.get(name, name): list(values) for name, values in wanted.items()}
    data: dict[int, dict[str, Any]] = {3: {**wanted, **said}, 2: {"pf": of_2, **said}}
    events = {
        version: _event(settings, version, "created", told, ()) | {"id": event_id}
        for version, told in data.items()
    }
    with _client(settings, host) as client:
        if not _is_told(client, 3, events[3]):
            _tell(client, 2, events[2])


def _event(
    settings: Settings, version: int, kind: str, data: Mapping[str, Any], facts: Sequence[str]
) -> dict[str, Any]:
    """A CloudEvent whose id follows from what it tells, so that it is the same when told again."""
    told = hashlib.sha256(" ".join(facts).encode()).hexdigest()
    return {
        "type": TYPES[version][kind],
        "specversion": "1.0",
        "id": str(UUID(told[:32])),
        "source": f"{(settings.public_url or '').rstrip('/')}/{version}/events",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": data,
    }


def _is_told(client: HostClient, version: int, event: Mapping[str, Any]) -> bool:
    """Whether the host takes events of a version at all; this one was taken if it does."""
    reply = client.post(f"/{version}/events", event)
    if reply.status in _NOT_THERE:
        return False
    if reply.status >= _REFUSED:
        raise Unavailable(
            "host_unavailable",
            f"{client.url} does not take the event: {reply.status} {reply.code}".rstrip(),
            "Look at what it says; it is told again.",
        )
    return True


def _tell(client: HostClient, version: int, event: Mapping[str, Any]) -> None:
    if not _is_told(client, version, event):
        raise Unavailable(
            "host_unavailable",
            f"{client.url} takes no events of PACT {version}.",
            "Ask who runs it; it is told again.",
        )


def _client(settings: Settings, host: str) -> HostClient:
    known_by = settings.exchange_hosts.get(host)
    if known_by is None:
        raise InputRefused(
            "event_not_answered", f"{host} is not known here any more.", "Set it, and ask again."
        )
    client_id, secret = known_by
    return HostClient(settings, host, client_id=client_id, client_secret=secret.get_secret_value())
