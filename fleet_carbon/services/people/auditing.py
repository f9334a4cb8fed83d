"""The audit log: who read or changed what, by which key, and what came of it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from fleet_carbon.services.people.access import Caller
from fleet_carbon.settings import Settings
from fleet_carbon.storage.access import AuditEvent
from fleet_carbon.storage.unit_of_work import open_storage

__all__ = ["AuditEvent", "AuditPage", "event_of", "new_request_id", "read_trail", "record"]


@dataclass(frozen=True)
class AuditPage:
    """Events, newest first."""

    events: tuple[AuditEvent, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "events": [
                {
                    "sequence": one.sequence,
                    "key_id": one.key_id,
                    "who": one.who,
                    "method": one.method,
                    "path": one.path,
                    "status": one.status,
                    "request_id": one.request_id,
                    "happened_at": one.happened_at.isoformat(),
                }
                for one in self.events
            ]
        }


def new_request_id() -> str:
    """A name for a request that brought none."""
    return uuid4().hex


def record(
    settings: Settings, caller: Caller, *, method: str, path: str, status: int, request_id: str
) -> None:
    """Put on record that somebody read or did something."""
    event = event_of(caller, method=method, path=path, status=status, request_id=request_id)
    with (
        closing(open_storage(settings)) as storage,
        storage.begin(is_despite_closing=True, reads_traces=False) as work,
    ):
        work.audit_trail.add(event)


def event_of(caller: Caller, *, method: str, path: str, status: int, request_id: str) -> AuditEvent:
    """What happens at this moment, to be put on record.

    Of a person only the role: the name is looked up when it is told, so that an erasure reaches it.
    """
    return AuditEvent(
        sequence=0,  # given by the record
        key_id=caller.key_id,
        who=caller.role if caller.is_person else f"{caller.role} {caller.name}",
        method=method,
        path=path,
        status=status,
        request_id=request_id,
        happened_at=datetime.now(UTC),
    )


def read_trail(
    settings: Settings, *, before_index: int | None = None, limit_count: int = 100
) -> AuditPage:
    """The newest events, or those before a number.

    Parameters
    ----------
    settings : Settings
        The fleet.
    before_index : int, optional
        Only events of lower numbers.
    limit_count : int
        At most so many.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        found = work.audit_trail.before(before_index, limit_count=limit_count)
        logins = {user.user_id: user.login for user in work.users.list()}
        return AuditPage(tuple(_named(one, logins.get(one.key_id)) for one in found))


def _named(event: AuditEvent, login: str | None) -> AuditEvent:
    return event if login is None else replace(event, who=f"{event.who} {login}")
