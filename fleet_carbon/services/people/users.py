"""People who sign in: made, listed, ended, and their passwords."""

from __future__ import annotations

import hashlib
import re
import secrets
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from fleet_carbon.errors import FleetCarbonError, InputRefused, NotFound
from fleet_carbon.services.people.access import USER_ROLES
from fleet_carbon.settings import Settings
from fleet_carbon.statements import notices
from fleet_carbon.storage.people import UserRow
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

_LOGIN = re.compile(r"[^\s\x00-\x1f\x7f]{1,200}")
USER_ID_BYTES = 6
_PASSWORD_CHARACTERS_MAX = 256
# After so many failures in a row each next try must wait twice as long, up to the longest wait.
_FREE_FAILURES = 5
_WAIT_MAX = timedelta(minutes=15)
_FAILURES_KEPT = timedelta(days=1)
_HASHER = PasswordHasher()


class SignInRefused(FleetCarbonError):
    """Nobody is let in: the name, the password, or the moment is wrong."""


@dataclass(frozen=True)
class UsersTold:
    """Users as they are told, never with what they sign in with."""

    rows: tuple[UserRow, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "users": [
                {
                    "user_id": one.user_id,
                    "login": one.login,
                    "role": one.role,
                    "driver_id": one.driver_id,
                    "has_password": bool(one.password_hash),
                    "can_sign_in": can_sign_in(one),
                    "created_at": one.created_at.isoformat(),
                    "ended_at": one.ended_at.isoformat() if one.ended_at else None,
                }
                for one in self.rows
            ]
        }

    def lines(self) -> list[str]:
        """The users for people."""
        return notices.user_lines(self.as_dict())


def create_user(
    settings: Settings, login: str, role: str, *, driver_id: str = "", password: str | None = None
) -> UsersTold:
    """Let somebody sign in.

    Parameters
    ----------
    settings : Settings
        The fleet; `password_length_min`.
    login : str
        The name that is typed in, such as an e-mail address; capitals make no difference.
    role : str
        One of `access.USER_ROLES`.
    driver_id : str
        Of the role `driver` and no other: whose account.
    password : str, optional
        None for who signs in by another place (OIDC).

    Raises
    ------
    InputRefused
        ``login_malformed``, ``login_taken``, ``role_unknown``, ``user_driver_needed``,
        ``password_too_short``, ``password_too_long`` or ``password_is_login``.
    """
    login = login.strip().casefold()
    _refuse_malformed(login, role, driver_id)
    if password is not None:
        _refuse_weak(settings, login, password)
    row = UserRow(
        user_id=secrets.token_hex(USER_ID_BYTES),
        login=login,
        role=role,
        driver_id=driver_id,
        password_hash="" if password is None else _HASHER.hash(password),
        subject="",
        created_at=datetime.now(UTC),
    )
    with closing(open_storage(settings)) as storage, storage.begin(is_despite_closing=True) as work:
        if work.users.find(login=login) is not None:
            raise InputRefused(
                "login_taken", f"There is a user {login!r} already.", "Choose another name."
            )
        work.users.add(row)
    return UsersTold((row,))


def can_sign_in(user: UserRow) -> bool:
    """Whether a user was not ended, and has a password or is known to the other place."""
    return user.ended_at is None and bool(user.password_hash or user.subject)


def is_login(login: str) -> bool:
    """Whether somebody could sign in by this name."""
    return _LOGIN.fullmatch(login) is not None


def list_users(settings: Settings) -> UsersTold:
    """Every user of the fleet that ever was."""
    with closing(open_storage(settings)) as storage, storage.look() as work:
        return UsersTold(tuple(work.users.list()))


def end_user(settings: Settings, user_id: str) -> UsersTold:
    """Let a user sign in no more, and end every session; doing it again changes nothing.

    Raises
    ------
    NotFound
        ``user_not_found``.
    InputRefused
        ``admin_is_last``.
    """
    with closing(open_storage(settings)) as storage, storage.begin(is_despite_closing=True) as work:
        user = _user(work, user_id)
        if user.ended_at is None:
            _refuse_last_admin(work, user)
            work.users.change(user_id, ended_at=datetime.now(UTC), password_hash="")
        work.grants.end_of_holder(user_id)
        return UsersTold((_user(work, user_id),))


def restore_user(settings: Settings, user_id: str) -> UsersTold:
    """Take back the end of a user, who then needs a new password; else it changes nothing.

    Raises
    ------
    NotFound
        ``user_not_found``.
    """
    with closing(open_storage(settings)) as storage, storage.begin(is_despite_closing=True) as work:
        _user(work, user_id)
        work.users.change(user_id, ended_at=None)
        return UsersTold((_user(work, user_id),))


def change_role(settings: Settings, user_id: str, role: str, *, driver_id: str = "") -> UsersTold:
    """Give a user another role; open sessions may from then on what it allows.

    Parameters
    ----------
    settings : Settings
        The fleet.
    user_id : str
        Who.
    role, driver_id : str
        As of `create_user`.

    Raises
    ------
    NotFound
        ``user_not_found``.
    InputRefused
        ``role_unknown``, ``user_driver_needed``, ``user_ended`` or ``admin_is_last``.
    """
    with closing(open_storage(settings)) as storage, storage.begin(is_despite_closing=True) as work:
        user = standing_user(work, user_id)
        _refuse_malformed(user.login, role, driver_id)
        if role != user.role:
            _refuse_last_admin(work, user)
        work.users.change(user_id, role=role, driver_id=driver_id)
        return UsersTold((_user(work, user_id),))


def set_password(settings: Settings, user_id: str, password: str) -> UsersTold:
    """Give a user another password; every session of the user ends.

    Raises
    ------
    NotFound
        ``user_not_found``.
    InputRefused
        As `create_user`, or ``user_ended``.
    """
    with closing(open_storage(settings)) as storage, storage.begin(is_despite_closing=True) as work:
        return UsersTold((put_password(settings, work, user_id, password=password),))


def put_password(settings: Settings, work: UnitOfWork, user_id: str, *, password: str) -> UserRow:
    """As `set_password`, within a unit of work."""
    user = standing_user(work, user_id)
    _refuse_weak(settings, user.login, password)
    work.users.change(user_id, password_hash=_HASHER.hash(password))
    work.grants.end_of_holder(user_id)
    return _user(work, user_id)


def known_by_password(settings: Settings, login: str, password: str) -> UserRow:
    """The user who types name and password; it takes as long whether there is such a user or not.

    Raises
    ------
    SignInRefused
        ``sign_in_failed``, or ``sign_in_must_wait`` after too many failures in a row.
    """
    login, now = login.strip().casefold(), datetime.now(UTC)
    digest = hashlib.sha256(login.encode()).hexdigest()
    with closing(open_storage(settings)) as storage:
        # The failure is noted before the password is looked at: many tries at once count, too.
        with storage.begin(is_despite_closing=True) as work:
            failures, failed_at = work.failures.of(digest)
            _refuse_early(failures, failed_at, now)
            work.failures.note(digest, failures + 1, now)
            work.failures.forget_before(now - _FAILURES_KEPT)
            user = work.users.find(login=login)
        is_right = _is_password_of(user, password)
        if user is None or not is_right or user.ended_at is not None:
            raise SignInRefused(
                "sign_in_failed",
                "Name or password is wrong.",
                "Try again, or ask an administrator for a new password.",
            )
        with storage.begin(is_despite_closing=True) as work:
            work.failures.note(digest, 0, now)
            if _HASHER.check_needs_rehash(user.password_hash):
                work.users.change(user.user_id, password_hash=_HASHER.hash(password))
    return user


def _is_password_of(user: UserRow | None, password: str) -> bool:
    kept = "" if user is None else user.password_hash
    try:
        _HASHER.verify(kept or _nobodys_hash(), password[:_PASSWORD_CHARACTERS_MAX])
        return bool(kept)
    except (Argon2Error, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _HASHER.hash(secrets.token_hex())


def _refuse_early(failures_count: int, failed_at: datetime | None, now: datetime) -> None:
    if failed_at is None or failures_count < _FREE_FAILURES:
        return
    wait_s = min(2.0 ** (failures_count - _FREE_FAILURES), _WAIT_MAX.total_seconds())
    remaining_s = wait_s - (now - failed_at).total_seconds()
    if remaining_s > 0:
        raise SignInRefused(
            "sign_in_must_wait",
            "Too many sign-ins by this name failed.",
            "Wait, then try again.",
            retry_after_s=int(remaining_s) + 1,
        )


def _user(work: UnitOfWork, user_id: str) -> UserRow:
    user = work.users.find(user_id=user_id)
    if user is None:
        raise NotFound(
            "user_not_found",
            f"There is no user {user_id!r}.",
            "List the users with `fleet-carbon users list`.",
        )
    return user


def standing_user(work: UnitOfWork, user_id: str) -> UserRow:
    """A user who was not ended.

    Raises
    ------
    NotFound
        ``user_not_found``.
    InputRefused
        ``user_ended``.
    """
    user = _user(work, user_id)
    if user.ended_at is not None:
        raise InputRefused("user_ended", f"{user.login} was ended.", "Restore the user first.")
    return user


def _refuse_last_admin(work: UnitOfWork, user: UserRow) -> None:
    """Somebody must be left who can let others in."""
    able = {one.user_id for one in work.users.list() if one.role == "admin" and can_sign_in(one)}
    if able == {user.user_id}:
        raise InputRefused(
            "admin_is_last",
            f"{user.login} is the last administrator who can sign in.",
            "Make another administrator first, who has a password.",
        )


def _refuse_malformed(login: str, role: str, driver_id: str) -> None:
    if not is_login(login):
        raise InputRefused(
            "login_malformed",
            "The name to sign in with has 1 to 200 characters and no spaces.",
            "Use an e-mail address.",
        )
    if role not in USER_ROLES:
        raise InputRefused(
            "role_unknown", f"{role!r} is no role.", f"Use one of {', '.join(USER_ROLES)}."
        )
    if bool(driver_id) != (role == "driver"):
        raise InputRefused(
            "user_driver_needed",
            "A user of the role driver names the driver, and no other user does.",
            "Give the driver's identifier with the role driver only.",
        )


def _refuse_weak(settings: Settings, login: str, password: str) -> None:
    """By NIST SP 800-63B: length counts, what it is composed of does not."""
    if len(password) < settings.password_length_min:
        raise InputRefused(
            "password_too_short",
            f"A password has {settings.password_length_min} characters or more.",
            "Use several words, or let a password manager make one.",
        )
    if len(password) > _PASSWORD_CHARACTERS_MAX:
        raise InputRefused(
            "password_too_long",
            f"A password has {_PASSWORD_CHARACTERS_MAX} characters at most.",
            "Choose a shorter one.",
        )
    if password.casefold() in (login, login * 2) or len(set(password)) < 3:
        raise InputRefused(
            "password_is_login",
            "The password is the name, or one character again and again.",
            "Choose another.",
        )
