"""Endpoints of webhooks: made, changed, ended, and their secrets rotated.

Everything stands in the database of the records. What is to be delivered is sent by the workers,
see `delivering`; what became of it stands in `webhook_log`.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.services.support import announcing
from fleet_carbon.services.support.addressing import read_url
from fleet_carbon.services.support.sealing import Seal
from fleet_carbon.settings import Settings
from fleet_carbon.statements import webhooks as wording
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage
from fleet_carbon.storage.webhooks import (
    ACTIVE,
    ENDED,
    PAUSED,
    EndpointRow,
    SecretRow,
)

SECRET_PREFIX = "whsec_"
BOTH_VALID_HOURS = 24
"""How long the secret before signs as well after a rotation. [h]"""
ENDPOINTS_MAX = 50
_SECRET_BYTES = 32
_DESCRIPTION = re.compile(r"[^\x00-\x1f\x7f]{0,200}")


@dataclass(frozen=True)
class Endpoints:
    """Endpoints as they are told; a secret only when it was just made.

    Attributes
    ----------
    rows : tuple of EndpointRow
    secret : str
        Of a new endpoint or a rotation, shown this once; else empty.
    """

    rows: tuple[EndpointRow, ...]
    secret: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        told: dict[str, Any] = {"webhooks": [_told(row) for row in self.rows]}
        return told | ({"secret": self.secret} if self.secret else {})

    def lines(self) -> list[str]:
        """The endpoints for people."""
        return wording.endpoint_lines(self.as_dict())


def _told(row: EndpointRow) -> dict[str, Any]:
    return {
        name: _text(value) if isinstance(value, datetime) else value
        for name, value in asdict(row).items()
    } | {"event_types": list(row.event_types)}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def create_endpoint(
    settings: Settings, url: str, *, event_types: Sequence[str] = (), description: str = ""
) -> Endpoints:
    """Put an endpoint on record and tell its secret, this once.

    Parameters
    ----------
    settings : Settings
        The fleet.
    url : str
        Where events are sent to.
    event_types : sequence of str
        Of `announcing.EVENT_TYPES`; empty means all of them.
    description : str
        For people.

    Raises
    ------
    InputRefused
        If the address cannot be one, a type is unknown, or there are too many endpoints.
    """
    now = datetime.now(UTC)
    endpoint = EndpointRow(
        endpoint_id="ep_" + secrets.token_hex(8),
        url=read_url(url, is_private_allowed=settings.webhook_private),
        description=_description(description),
        event_types=_types(event_types),
        state=ACTIVE,
        reason="",
        created_at=now,
        changed_at=now,
    )
    seal = Seal(settings)
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        if len(work.webhooks.endpoints()) >= ENDPOINTS_MAX:
            raise InputRefused(
                "webhooks_too_many",
                f"A fleet has {ENDPOINTS_MAX} endpoints at most.",
                "End those that are not needed any more.",
            )
        work.webhooks.add_endpoint(endpoint)
        secret = _new_secret(work, seal, storage.fleet_id, endpoint.endpoint_id, at=now)
    return Endpoints((endpoint,), secret)


def _new_secret(
    work: UnitOfWork, seal: Seal, fleet_id: str, endpoint_id: str, *, at: datetime
) -> str:
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    name = secret_name(fleet_id, endpoint_id)
    row = SecretRow(endpoint_id, secrets.token_hex(8), seal.close(secret, name), at)
    work.webhooks.add_secret(row)
    return secret


def secret_name(fleet_id: str, endpoint_id: str) -> str:
    """What the secret of an endpoint is sealed under."""
    return f"webhook/{fleet_id}/{endpoint_id}"


def list_endpoints(settings: Settings) -> Endpoints:
    """Every endpoint of the fleet but those that were ended."""
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        return Endpoints(tuple(work.webhooks.endpoints()))


def read_endpoint(settings: Settings, endpoint_id: str) -> Endpoints:
    """One endpoint.

    Raises
    ------
    NotFound
        ``webhook_not_found``.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        return Endpoints((found_endpoint(work, endpoint_id),))


def found_endpoint(work: UnitOfWork, endpoint_id: str) -> EndpointRow:
    """An endpoint that was not ended.

    Raises
    ------
    NotFound
        ``webhook_not_found``.
    """
    found = work.webhooks.endpoint(endpoint_id)
    if found is None:
        raise NotFound(
            "webhook_not_found",
            f"There is no webhook {endpoint_id!r}.",
            "List them with `fleet-carbon webhooks list`.",
        )
    return found


def change_endpoint(
    settings: Settings,
    endpoint_id: str,
    *,
    url: str | None = None,
    event_types: Sequence[str] | None = None,
    description: str | None = None,
    is_paused: bool | None = None,
) -> Endpoints:
    """Change what is given; what is None stays.

    Parameters
    ----------
    settings : Settings
        The fleet.
    endpoint_id : str
    url, event_types, description
        As of `create_endpoint`.
    is_paused : bool, optional
        True to let events wait; False to have them sent, also after the service gave it up.

    Raises
    ------
    InputRefused
        As of `create_endpoint`.
    NotFound
        ``webhook_not_found``.
    """
    wanted: dict[str, Any] = {}
    if url is not None:
        wanted["url"] = read_url(url, is_private_allowed=settings.webhook_private)
    if event_types is not None:
        wanted["event_types"] = _types(event_types)
    if description is not None:
        wanted["description"] = _description(description)
    if is_paused is not None:
        state = PAUSED if is_paused else ACTIVE
        wanted |= {"state": state, "reason": "", "failing_since_at": None}
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        found = found_endpoint(work, endpoint_id)
        changed = replace(found, **wanted, changed_at=datetime.now(UTC))
        work.webhooks.change_endpoint(changed)
    return Endpoints((changed,))


def end_endpoint(settings: Settings, endpoint_id: str) -> Endpoints:
    """Tell an endpoint nothing more; its secrets sign nothing from now on.

    Raises
    ------
    NotFound
        ``webhook_not_found``.
    """
    now = datetime.now(UTC)
    with closing(open_storage(settings)) as storage, storage.begin(is_despite_closing=True) as work:
        ended = replace(found_endpoint(work, endpoint_id), state=ENDED, changed_at=now)
        work.webhooks.change_endpoint(ended)
        work.webhooks.end_secrets(endpoint_id, now)
        work.webhooks.drop_waiting(endpoint_id)
    return Endpoints((ended,))


def rotate_secret(
    settings: Settings, endpoint_id: str, *, both_valid_h: int = BOTH_VALID_HOURS
) -> Endpoints:
    """Make the next secret and tell it, this once; the one before signs as well for a while.

    Parameters
    ----------
    settings : Settings
        The fleet.
    endpoint_id : str
    both_valid_h : int
        How long messages carry both signatures; 0 if the one before is stolen. [h]

    Raises
    ------
    InputRefused
        ``webhook_hours_malformed``.
    NotFound
        ``webhook_not_found``.
    """
    if not 0 <= both_valid_h <= 720:
        raise InputRefused(
            "webhook_hours_malformed",
            f"{both_valid_h} is no number of hours from 0 to 720.",
            "",
        )
    now = datetime.now(UTC)
    seal = Seal(settings)
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        found = found_endpoint(work, endpoint_id)
        work.webhooks.end_secrets(endpoint_id, now + timedelta(hours=both_valid_h))
        secret = _new_secret(work, seal, storage.fleet_id, endpoint_id, at=now)
    return Endpoints((found,), secret)


def _types(given: Sequence[str]) -> tuple[str, ...]:
    unknown = sorted(set(given) - set(announcing.EVENT_TYPES))
    if unknown:
        raise InputRefused(
            "webhook_event_unknown",
            f"{unknown[0]!r} is no type of event.",
            f"Use some of {', '.join(announcing.EVENT_TYPES)}.",
        )
    return tuple(one for one in announcing.EVENT_TYPES if not given or one in given)


def _description(text: str) -> str:
    if not _DESCRIPTION.fullmatch(text):
        raise InputRefused(
            "webhook_description_malformed",
            "A description has 200 printable characters at most.",
            "",
        )
    return text
