"""What is on record of a driver as a person, for who asks for it and for who has it erased."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from fleet_carbon.errors import NotFound
from fleet_carbon.services.ledger.settling import read_driver_ledger
from fleet_carbon.services.messages import statement_mail
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.storage.access import KeyRow
from fleet_carbon.storage.disputes import Dispute
from fleet_carbon.storage.mailing import Recipient
from fleet_carbon.storage.people import UserRow
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage


@dataclass(frozen=True)
class Person:
    """What is known of a driver, JSON-ready."""

    report: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return self.report

    def lines(self) -> list[str]:
        """The same, as JSON text."""
        return [json.dumps(self.report, ensure_ascii=False, indent=1, sort_keys=True)]


@dataclass(frozen=True)
class Holdings:
    """What of the records is a driver's as a person.

    Attributes
    ----------
    register : DataFrame
        Every version of the driver's row.
    users : tuple of UserRow
        By what the driver signs in, or did.
    keys : tuple of KeyRow
        Keys that open the driver's account, or did.
    disputes : tuple of Dispute
    wishes : tuple of (Recipient, datetime or None)
        Since when statements are wished for by mail, and until when.
    """

    register: pd.DataFrame
    users: tuple[UserRow, ...]
    keys: tuple[KeyRow, ...]
    disputes: tuple[Dispute, ...]
    wishes: tuple[tuple[Recipient, datetime | None], ...]


def read_holdings(work: UnitOfWork, driver_id: str) -> Holdings:
    """What of the records is a driver's as a person.

    Raises
    ------
    NotFound
        If nothing on record names the driver.
    """
    held = Holdings(
        register=work.register.versions("drivers", "driver_id", driver_id),
        users=tuple(one for one in work.users.list() if one.driver_id == driver_id),
        keys=tuple(one for one in work.access_keys.list() if one.driver_id == driver_id),
        disputes=tuple(work.disputes.raised(driver_id=driver_id)),
        wishes=tuple(work.mailing.wishes(driver_id)),
    )
    if held.register.empty and not held.users and not held.keys:
        raise NotFound(
            "driver_unknown",
            f"Driver {driver_id!r} is not on the register.",
            "The ids stand in the files of drivers that were ingested.",
        )
    return held


def read_person(settings: Settings, driver_id: str) -> Person:
    """Everything on record of a driver as a person; fixes, legs and orders stay under the id.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    driver_id : str
        Who.

    Raises
    ------
    NotFound
        If nothing on record names the driver.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        held = read_holdings(work, driver_id)
        assignments = work.register.versions("assignments", "driver_id", driver_id)
        return Person(
            {
                "fleet_id": storage.fleet_id,
                "driver_id": driver_id,
                "erased": driver_id in work.persons.erased(),
                "register": tables.records(held.register),
                "assignments": tables.records(assignments),
                "accounts": _accounts(work, driver_id),
                "settlement": [
                    one.as_dict() for one in read_driver_ledger(storage, work, driver_id).settlement
                ],
                "disputes": _disputes(work, held, driver_id),
                "users": [_user(work, one) for one in held.users],
                "keys": [_key(work, one) for one in held.keys],
                "mail": _mail(work, held, driver_id),
            }
        )


def _accounts(work: UnitOfWork, driver_id: str) -> dict[str, Any]:
    runs = {month: work.closings.latest(month) for month in work.closings.months()}
    return {
        month: tables.records(work.closings.rows_of_driver(run, "accounts", driver_id))
        for month, run in runs.items()
        if run is not None
    }


def _disputes(work: UnitOfWork, held: Holdings, driver_id: str) -> list[dict[str, Any]]:
    answers = work.disputes.answers(driver_id=driver_id)
    return [
        _plain(vars(one))
        | {"answers": [_plain(vars(said)) for said in answers if said.dispute == one.number]}
        for one in held.disputes
    ]


def _user(work: UnitOfWork, user: UserRow) -> dict[str, Any]:
    """A user without what the user signs in with; names of what it did are in the audit log."""
    told = {name: value for name, value in vars(user).items() if name != "password_hash"}
    return _plain(told) | {
        "has_password": bool(user.password_hash),
        "sessions": _grants(work, user.user_id),
        "requests": _requests(work, user.user_id),
    }


def _key(work: UnitOfWork, key: KeyRow) -> dict[str, Any]:
    named = ("key_id", "name", "role", "created_at", "expires_at", "ended_at")
    return _plain({name: getattr(key, name) for name in named}) | {
        "scopes": list(key.scopes),
        "tokens": _grants(work, key.key_id),
        "requests": _requests(work, key.key_id),
    }


def _grants(work: UnitOfWork, holder_id: str) -> list[dict[str, Any]]:
    named = ("kind", "seen_at", "expires_at")
    return [
        _plain({name: getattr(one, name) for name in named})
        for one in work.grants.of_holder(holder_id)
    ]


def _requests(work: UnitOfWork, holder_id: str) -> list[dict[str, Any]]:
    named = ("method", "path", "status", "happened_at")
    return [
        _plain({name: getattr(one, name) for name in named})
        for one in work.audit_trail.of_holder(holder_id)
    ]


def _mail(work: UnitOfWork, held: Holdings, driver_id: str) -> dict[str, Any]:
    """Where statements go, since when they are wished for, and what was sent when."""
    named = ("month", "state", "attempts_count", "text", "noted_at")
    return {
        "address": statement_mail.address_of(work, driver_id),
        "wishes": [
            _plain({"language": one.language, "since": one.recorded_at, "until": until})
            for one, until in held.wishes
        ],
        "sendings": [
            _plain({name: getattr(one, name) for name in named})
            for one in work.mailing.steps(driver_id=driver_id)
        ],
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.astimezone(UTC).isoformat(timespec="milliseconds")
        if isinstance(value, datetime)
        else value
        for name, value in row.items()
    }
