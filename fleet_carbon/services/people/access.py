"""Keys of the service: made, listed, ended, and what each of them may do."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.settings import Settings
from fleet_carbon.statements import notices
from fleet_carbon.storage.access import KeyRow
from fleet_carbon.storage.unit_of_work import key_on_record, open_storage

SECRET_PREFIX = "fck_"  # what secret scanners of others know a key by
_SECRET_BYTES = 32
_KEY_ID_BYTES = 6
_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,100}")
_CUSTOMER = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


class Deed(StrEnum):
    """What a key may be allowed to do."""

    READ_OWN = "read_own"
    READ = "read"
    SEND = "send"
    CLOSE = "close"
    PRICE = "price"
    SELL = "sell"
    PERSONS = "persons"
    WEBHOOKS = "webhooks"
    KEYS = "keys"
    USERS = "users"
    ERASE = "erase"
    AUDIT = "audit"
    EXCHANGE = "exchange"


ROLES: dict[str, frozenset[Deed]] = {
    "admin": frozenset(Deed),
    "manager": frozenset(
        {
            *(Deed.READ_OWN, Deed.READ, Deed.SEND, Deed.CLOSE, Deed.PRICE, Deed.SELL),
            *(Deed.PERSONS, Deed.WEBHOOKS, Deed.EXCHANGE),
        }
    ),
    "dispatcher": frozenset({Deed.READ_OWN, Deed.READ, Deed.SEND, Deed.PERSONS, Deed.EXCHANGE}),
    "auditor": frozenset({Deed.READ_OWN, Deed.READ, Deed.AUDIT, Deed.EXCHANGE}),
    "driver": frozenset({Deed.READ_OWN}),
    "customer": frozenset({Deed.EXCHANGE}),
}
USER_ROLES = tuple(role for role in ROLES if role != "customer")
"""What people may be: a customer's system comes by a key."""


@dataclass(frozen=True)
class Caller:
    """Who asks: by a key, a token or a session, for which fleet, as what.

    Attributes
    ----------
    fleet_id, key_id, name, role, driver_id : str
        As of the key or user; `driver_id` is empty but for drivers.
    deeds : frozenset of Deed
        What is allowed: by the role, less what the key or token is narrowed to.
    shippers : frozenset of str or None
        Customers of whose shipments alone it is told; None of whoever is told of all.
    is_person : bool
        True of a user, whose name is that of a person; False of a key or token.
    """

    fleet_id: str
    key_id: str
    name: str
    role: str
    driver_id: str = ""
    deeds: frozenset[Deed] = frozenset()
    shippers: frozenset[str] | None = None
    is_person: bool = False

    @property
    def is_stranger(self) -> bool:
        """Whether it is nobody who was let in: only the audit log is told of it."""
        return self.role == "stranger"

    @classmethod
    def of_key(cls, row: KeyRow, at: datetime) -> Caller | None:
        """Who comes with a key; None if it opens nothing at that moment."""
        if not _is_valid(row, at):
            return None
        deeds = ROLES[row.role]
        if row.scopes:
            deeds &= frozenset(map(Deed, row.scopes))
        shippers = frozenset(row.shippers) if row.role == "customer" else None
        return cls(
            row.fleet_id,
            row.key_id,
            row.name,
            row.role,
            row.driver_id,
            deeds=deeds,
            shippers=shippers,
        )

    def may(self, deed: Deed) -> bool:
        """Whether it is among the deeds."""
        return deed in self.deeds

    def narrowed(self, deeds: frozenset[Deed]) -> Caller:
        """The same with some of the deeds."""
        return replace(self, deeds=self.deeds & deeds)


@dataclass(frozen=True)
class Keys:
    """Keys as they are told: never with a secret but when one was just made.

    Attributes
    ----------
    rows : tuple of KeyRow
    secret : str
        The secret of a new key, shown this once; else empty.
    at : datetime
        Moment of telling, which decides what has expired.
    """

    rows: tuple[KeyRow, ...]
    at: datetime
    secret: str = ""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        told: dict[str, Any] = {"keys": [_as_dict(row, self.at) for row in self.rows]}
        return told | ({"secret": self.secret} if self.secret else {})

    def lines(self) -> list[str]:
        """The keys for people."""
        return notices.key_lines(self.as_dict())


def _as_dict(row: KeyRow, at: datetime) -> dict[str, Any]:
    return {
        "key_id": row.key_id,
        "name": row.name,
        "role": row.role,
        "driver_id": row.driver_id,
        "scopes": list(row.scopes),
        "shippers": list(row.shippers),
        "created_at": row.created_at.isoformat(),
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
        "is_valid": _is_valid(row, at),
    }


def _is_valid(row: KeyRow, at: datetime) -> bool:
    return row.ended_at is None and (row.expires_at is None or at < row.expires_at)


def create_key(
    settings: Settings,
    name: str,
    role: str,
    *,
    driver_id: str = "",
    valid_days: int | None = None,
    scopes: Sequence[str] = (),
    shippers: Sequence[str] = (),
) -> Keys:
    """Make a key and tell its secret, this once.

    Parameters
    ----------
    settings : Settings
        The fleet.
    name : str
        What people call it, such as the system that will use it.
    role : str
        One of `ROLES`.
    driver_id : str
        Whose account it opens; for the role `driver` and no other.
    valid_days : int, optional
        It ends by itself after so many. [d]
    scopes : sequence of str
        Deeds of the role that it is narrowed to; none means all of them.
    shippers : sequence of str
        Customers, as orders name them, whose shipments it opens; for the role `customer` and no
        other.

    Raises
    ------
    InputRefused
        ``key_name_malformed``, ``role_unknown``, ``key_driver_needed``, ``key_shipper_needed``,
        ``key_days_malformed``, ``scope_unknown`` or ``scope_too_wide``.
    """
    _refuse_malformed(name, role, driver_id, valid_days)
    _refuse_other_customers(role, shippers)
    narrowed = scopes_of(scopes, ROLES[role])
    now = datetime.now(UTC)
    secret = SECRET_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
    row = KeyRow(
        fleet_id=settings.fleet,
        key_id=secrets.token_hex(_KEY_ID_BYTES),
        name=name,
        role=role,
        driver_id=driver_id,
        secret_sha256=digest_of(secret),
        created_at=now,
        expires_at=None if valid_days is None else now + timedelta(days=valid_days),
        scopes=tuple(sorted(narrowed)),
        shippers=tuple(sorted(set(shippers))),
    )
    with (
        closing(open_storage(settings)) as storage,
        storage.begin(is_despite_closing=True, reads_traces=False) as work,
    ):
        work.access_keys.add(row)
    return Keys((row,), now, secret)


def _refuse_malformed(name: str, role: str, driver_id: str, valid_days: int | None) -> None:
    if not _NAME.fullmatch(name) or not name.strip():
        raise InputRefused(
            "key_name_malformed",
            "The name of a key has 1 to 100 printable characters.",
            "Name the system or person who will use it.",
        )
    if role not in ROLES:
        raise InputRefused(
            "role_unknown", f"{role!r} is no role.", f"Use one of {', '.join(ROLES)}."
        )
    if bool(driver_id) != (role == "driver"):
        raise InputRefused(
            "key_driver_needed",
            "A key of a driver names the driver, and no other key does.",
            "Give the driver's identifier with the role driver only.",
        )
    if valid_days is not None and not 1 <= valid_days <= 3650:
        raise InputRefused(
            "key_days_malformed", f"{valid_days} is no number of days from 1 to 3650.", ""
        )


def _refuse_other_customers(role: str, shippers: Sequence[str]) -> None:
    if bool(shippers) != (role == "customer") or not all(map(_CUSTOMER.fullmatch, shippers)):
        raise InputRefused(
            "key_shipper_needed",
            "A key of a customer names the customer, and no other key does.",
            "Give the customer's identifier, as orders have it, with the role customer only.",
        )


def list_keys(settings: Settings) -> Keys:
    """Every key of the fleet that ever was, without secrets."""
    with closing(open_storage(settings)) as storage, storage.look() as work:
        return Keys(tuple(work.access_keys.list()), datetime.now(UTC))


def end_key(settings: Settings, key_id: str, *, reason: str = "") -> Keys:
    """Let a key open nothing more; ending it again changes nothing.

    Raises
    ------
    NotFound
        ``key_not_found``.
    """
    now = datetime.now(UTC)
    with (
        closing(open_storage(settings)) as storage,
        storage.begin(is_despite_closing=True, reads_traces=False) as work,
    ):
        known = {row.key_id: row for row in work.access_keys.list()}
        if key_id not in known:
            raise NotFound(
                "key_not_found",
                f"There is no key {key_id!r}.",
                "List the keys with `fleet-carbon keys list`.",
            )
        if known[key_id].ended_at is None:
            work.access_keys.end(key_id, reason=reason, at=now)
            work.grants.end_of_holder(key_id)
        ended = {row.key_id: row for row in work.access_keys.list()}
    return Keys((ended[key_id],), now)


def caller_of_key(settings: Settings, secret: str) -> Caller | None:
    """Who comes with a secret; None if it opens nothing (any more).

    The secret has 256 bits of chance, so that a plain digest of it cannot be turned back.
    """
    row = key_on_record(settings, digest_of(secret))
    return None if row is None else Caller.of_key(row, datetime.now(UTC))


def scopes_of(names: Sequence[str], allowed: frozenset[Deed]) -> frozenset[Deed]:
    """The deeds of these names.

    Raises
    ------
    InputRefused
        ``scope_unknown`` or ``scope_too_wide``.
    """
    known = {str(deed) for deed in Deed}
    if unknown := sorted(set(names) - known):
        raise InputRefused(
            "scope_unknown", f"{unknown[0]!r} is no scope.", f"Use {', '.join(sorted(known))}."
        )
    deeds = frozenset(map(Deed, names))
    if wide := sorted(deeds - allowed):
        raise InputRefused(
            "scope_too_wide",
            f"{', '.join(wide)} is not allowed by the role or the key.",
            f"Ask for some of {', '.join(sorted(allowed))}.",
        )
    return deeds


def digest_of(secret: str) -> str:
    """What the record keeps of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
