"""Whom what another place tells of somebody means here, and the session that begins by it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from fleet_carbon.services.people import sessions
from fleet_carbon.services.people.users import USER_ID_BYTES, SignInRefused, is_login
from fleet_carbon.settings import Settings
from fleet_carbon.storage.people import UserRow
from fleet_carbon.storage.unit_of_work import UnitOfWork, fleets_on_record, open_storage


def sign_on(settings: Settings, claims: Mapping[str, Any]) -> sessions.SignedIn:
    """Begin a session of the user on record whom checked claims mean.

    At the first time a user is found by the name to sign in with and bound to issuer and subject;
    from then on by these alone, whatever the name at the other place becomes.

    Parameters
    ----------
    settings : Settings
        Which claim names login, fleet and role.
    claims : Mapping
        Of an ID token that was checked by `oidc.Provider.finish`.

    Raises
    ------
    SignInRefused
        ``sign_on_unknown``: no such fleet, no such user, one that was ended or is bound to somebody
        else, or an e-mail address that the other place did not verify.
    """
    fleet_id = settings.fleet
    if settings.oidc_fleet_claim:
        fleet_id = str(claims.get(settings.oidc_fleet_claim, ""))
    if fleet_id not in fleets_on_record(settings):
        raise _unknown()
    of_fleet = settings.model_copy(update={"fleet": fleet_id})
    subject = f"{settings.oidc_issuer} {claims['sub']}"
    with closing(open_storage(of_fleet)) as storage, storage.begin(is_despite_closing=True) as work:
        user = work.users.find(subject=subject) or _bound(of_fleet, work, subject, claims)
        if user.ended_at is not None:
            raise _unknown()
    return sessions.begin_session(of_fleet, user.user_id)


def _bound(
    settings: Settings, work: UnitOfWork, subject: str, claims: Mapping[str, Any]
) -> UserRow:
    login = _login(settings, claims)
    user = work.users.find(login=login)
    if user is None:
        return _made(settings, work, subject, login, claims)
    if user.subject or user.ended_at is not None:  # bound to somebody else
        raise _unknown()
    work.users.change(user.user_id, subject=subject)
    return user


def _login(settings: Settings, claims: Mapping[str, Any]) -> str:
    name = settings.oidc_login_claim
    given = claims.get(name)
    is_proven = name != "email" or claims.get("email_verified") is True
    login = given.strip().casefold() if isinstance(given, str) else ""
    if not is_proven or not is_login(login):
        raise _unknown()
    return login


def _made(
    settings: Settings,
    work: UnitOfWork,
    subject: str,
    login: str,
    claims: Mapping[str, Any],
) -> UserRow:
    role = _role(settings, claims)
    if role is None:
        raise _unknown()
    user = UserRow(
        user_id=secrets.token_hex(USER_ID_BYTES),
        login=login,
        role=role,
        driver_id="",
        password_hash="",
        subject=subject,
        created_at=datetime.now(UTC),
    )
    work.users.add(user)
    return user


def _role(settings: Settings, claims: Mapping[str, Any]) -> str | None:
    """The first role of the mapping that the other place gives; None if there is none."""
    given = claims.get(settings.oidc_role_claim) if settings.oidc_role_claim else None
    names = given if isinstance(given, list) else [given]
    return next((role for name, role in settings.oidc_roles.items() if name in names), None)


def _unknown() -> SignInRefused:
    return SignInRefused(
        "sign_on_unknown",
        "You are signed on, but nobody on record here is meant by it.",
        "Ask an administrator of your fleet to make you a user by your verified address.",
    )
