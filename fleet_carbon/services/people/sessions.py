"""Let in for a while: people by a session, programs by a token (OAuth 2 client credentials).

Who is new, or forgot the password, is invited by a link to choose one: nobody else ever knows it.
All are secrets of 256 bits, of which the record keeps digests. A token is opaque, no signed
statement: it ends at once with its key, there is no key to keep that signs for it, and who asks
is looked up anyway. The fleet stands in the secret, so that nothing is looked for across fleets.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.people.access import (
    ROLES,
    Caller,
    Deed,
    caller_of_key,
    digest_of,
    scopes_of,
)
from fleet_carbon.services.people.users import (
    SignInRefused,
    known_by_password,
    put_password,
    standing_user,
)
from fleet_carbon.settings import Settings
from fleet_carbon.statements import notices
from fleet_carbon.storage.people import Grant, UserRow
from fleet_carbon.storage.unit_of_work import UnitOfWork, fleets_on_record, open_storage

SESSION, TOKEN, INVITATION = "session", "token", "invitation"
_PREFIX = {SESSION: "fcs_", TOKEN: "fct_", INVITATION: "fci_"}
_LETTING_IN = (SESSION, TOKEN)
INVITATION_LASTS = timedelta(days=7)
_SECRET_BYTES = 32
_SALT_BYTES = 16
# What ended by itself is remembered for so long: who comes with it is told that it ended.
_REMEMBERED = timedelta(days=1)
# The record is written once a minute of use at most.
_SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class SignedIn:
    """A session that has begun: who it is of, its secret for the cookie, and when it ends."""

    caller: Caller
    secret: str
    expires_at: datetime


@dataclass(frozen=True)
class IssuedToken:
    """A token for a program."""

    secret: str
    scope: str
    expires_in_s: int
    caller: Caller


@dataclass(frozen=True)
class Invitation:
    """What lets a user choose a password, once.

    Attributes
    ----------
    user : UserRow
        Whose it is.
    secret : str
        Told this once.
    expires_at : datetime
        It ends by itself.
    """

    user: UserRow
    secret: str
    expires_at: datetime

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "user_id": self.user.user_id,
            "login": self.user.login,
            "path": f"/welcome?key={self.secret}",
            "expires_at": self.expires_at.isoformat(),
        }

    def lines(self) -> list[str]:
        """The invitation for people."""
        return notices.invitation_lines(self.as_dict())


def sign_in(settings: Settings, login: str, password: str) -> SignedIn:
    """Begin a session of who types name and password; always a new one.

    Raises
    ------
    SignInRefused
        As `users.known_by_password`.
    """
    if settings.fleet not in fleets_on_record(settings):
        raise SignInRefused("sign_in_failed", "Name or password is wrong.", "Check the fleet.")
    user = known_by_password(settings, login, password)
    return begin_session(settings, user.user_id)


def stranger(settings: Settings, fleet_id: str) -> Caller | None:
    """Who tried to sign in and failed, for the audit log; None if there is no such fleet."""
    is_known = fleet_id in fleets_on_record(settings)
    return Caller(fleet_id, "", "nobody", "stranger") if is_known else None


def begin_session(settings: Settings, user_id: str) -> SignedIn:
    """Begin a session of a user who was made sure of."""
    now = datetime.now(UTC)
    expires_at = now + timedelta(hours=settings.session_lasts_h_max)
    with closing(open_storage(settings)) as storage, storage.begin(is_despite_closing=True) as work:
        work.grants.forget_before(now - _REMEMBERED)
        caller = _caller_of_user(work, settings.fleet, user_id)
        if caller is None:
            raise InputRefused("user_ended", "This user was ended.", "Ask an administrator.")
        secret = _granted(work, settings.fleet, SESSION, user_id, now=now, until=expires_at)
    return SignedIn(caller, secret, expires_at)


def issue_token(
    settings: Settings, client_id: str, client_secret: str, *, scope: str = ""
) -> IssuedToken | None:
    """A short-lived token for a key; None if the key opens nothing.

    Parameters
    ----------
    settings : Settings
        `token_lasts_s`.
    client_id, client_secret : str
        The key's id and secret.
    scope : str
        Deeds with a space between, each of which the key allows; empty is all of them.

    Raises
    ------
    InputRefused
        ``scope_unknown`` or ``scope_too_wide``.
    """
    caller = caller_of_key(settings, client_secret)
    if caller is None or not hmac.compare_digest(caller.key_id.encode(), client_id.encode()):
        return None
    deeds = scopes_of(scope.split(), caller.deeds) or caller.deeds
    written = " ".join(sorted(deeds))
    now, lasts_s = datetime.now(UTC), settings.token_lasts_s
    of_fleet = settings.model_copy(update={"fleet": caller.fleet_id})
    with closing(open_storage(of_fleet)) as storage, storage.begin(is_despite_closing=True) as work:
        work.grants.forget_before(now - _REMEMBERED)
        until = now + timedelta(seconds=lasts_s)
        secret = _granted(
            work, caller.fleet_id, TOKEN, caller.key_id, now=now, until=until, scope=written
        )
    return IssuedToken(secret, written, lasts_s, caller)


def caller_of(settings: Settings, secret: str) -> Caller | None:
    """Who comes with a secret, a key, token or session alike; None if it opens nothing."""
    for kind in _LETTING_IN:
        if secret.startswith(_PREFIX[kind]):
            return _caller_of_grant(settings, kind, secret)
    return caller_of_key(settings, secret)


def has_expired(settings: Settings, secret: str) -> bool:
    """Whether it is a token that let in and ended by itself, within the last day."""
    fleet_id = _fleet_in(secret) if secret.startswith(_PREFIX[TOKEN]) else None
    if fleet_id not in fleets_on_record(settings):
        return False
    of_fleet = settings.model_copy(update={"fleet": fleet_id})
    with closing(open_storage(of_fleet)) as storage, storage.look() as work:
        grant = work.grants.get(digest_of(secret))
    return grant is not None and grant.kind == TOKEN and datetime.now(UTC) >= grant.expires_at


def invite(settings: Settings, user_id: str) -> Invitation:
    """Let a user choose a password by a link; the one before stays until that is done.

    Raises
    ------
    NotFound
        ``user_not_found``.
    InputRefused
        ``user_ended``.
    """
    now = datetime.now(UTC)
    until = now + INVITATION_LASTS
    with closing(open_storage(settings)) as storage, storage.begin(is_despite_closing=True) as work:
        work.grants.forget_before(now - _REMEMBERED)
        user = standing_user(work, user_id)
        secret = _granted(work, settings.fleet, INVITATION, user_id, now=now, until=until)
    return Invitation(user, secret, until)


def invited_user(settings: Settings, secret: str) -> UserRow:
    """Who may choose a password by a secret.

    Raises
    ------
    SignInRefused
        ``invitation_over``.
    """
    of_fleet = _fleet_of_invitation(settings, secret)
    with closing(open_storage(of_fleet)) as storage, storage.look() as work:
        return _invited(work, secret)


def accept_invitation(settings: Settings, secret: str, password: str) -> SignedIn:
    """Give the user who was invited the password of the user's own choice, and begin a session.

    What the user held before ends with that: sessions, and every invitation.

    Raises
    ------
    SignInRefused
        ``invitation_over``.
    InputRefused
        As `users.set_password`.
    """
    of_fleet = _fleet_of_invitation(settings, secret)
    with closing(open_storage(of_fleet)) as storage, storage.begin(is_despite_closing=True) as work:
        user = put_password(of_fleet, work, _invited(work, secret).user_id, password=password)
    return begin_session(of_fleet, user.user_id)


def _fleet_of_invitation(settings: Settings, secret: str) -> Settings:
    is_one = secret.startswith(_PREFIX[INVITATION])
    fleet_id = _fleet_in(secret) if is_one else None
    if fleet_id not in fleets_on_record(settings):
        raise _over()
    return settings.model_copy(update={"fleet": fleet_id})


def _invited(work: UnitOfWork, secret: str) -> UserRow:
    grant = work.grants.get(digest_of(secret))
    if grant is None or grant.kind != INVITATION or datetime.now(UTC) >= grant.expires_at:
        raise _over()
    user = work.users.find(user_id=grant.holder_id)
    if user is None or user.ended_at is not None:
        raise _over()
    return user


def _over() -> SignInRefused:
    return SignInRefused(
        "invitation_over",
        "This link was used already, or its time is over.",
        "Ask an administrator of your fleet for a new one.",
    )


def end_session(settings: Settings, secret: str) -> None:
    """Let a session open nothing more."""
    fleet_id = _fleet_in(secret)
    if fleet_id not in fleets_on_record(settings):
        return
    of_fleet = settings.model_copy(update={"fleet": fleet_id})
    with closing(open_storage(of_fleet)) as storage, storage.begin(is_despite_closing=True) as work:
        work.grants.end(digest_of(secret))


def csrf_token(secret: str) -> str:
    """What a page proves by that it is ours: it goes with the session and tells nothing of it.

    It is another one each time. Pages are sent packed, and by how small a page gets, whoever can
    put words into it and watches the line could find a word that stays the same (BREACH, 2013).
    """
    salt = secrets.token_hex(_SALT_BYTES)
    return f"{salt}{_of_salt(secret, salt)}"


def is_csrf_token(secret: str, given: str) -> bool:
    """Whether a page of the session was given this.

    Parameters
    ----------
    secret : str
        Of the session.
    given : str
        From anybody.
    """
    salt, proven = given[: 2 * _SALT_BYTES], given[2 * _SALT_BYTES :]
    return hmac.compare_digest(proven.encode(), _of_salt(secret, salt).encode())


def _of_salt(secret: str, salt: str) -> str:
    return hmac.new(secret.encode(), f"fleet-carbon csrf {salt}".encode(), "sha256").hexdigest()


def _granted(
    work: UnitOfWork,
    fleet_id: str,
    kind: str,
    holder_id: str,
    *,
    now: datetime,
    until: datetime,
    scope: str = "",
) -> str:
    told = base64.urlsafe_b64encode(fleet_id.encode()).decode().rstrip("=")
    secret = f"{_PREFIX[kind]}{told}.{secrets.token_urlsafe(_SECRET_BYTES)}"
    work.grants.add(Grant(digest_of(secret), kind, holder_id, scope, now, until))
    return secret


def _fleet_in(secret: str) -> str | None:
    told = secret[4:].partition(".")[0]
    try:
        return base64.b64decode(
            told + "=" * (-len(told) % 4), altchars="-_", validate=True
        ).decode()
    except ValueError:
        return None


def _caller_of_grant(settings: Settings, kind: str, secret: str) -> Caller | None:
    fleet_id, digest = _fleet_in(secret), digest_of(secret)
    now = datetime.now(UTC)
    if fleet_id not in fleets_on_record(settings):
        return None  # nobody makes a fleet by asking for one
    with closing(open_storage(settings.model_copy(update={"fleet": fleet_id}))) as storage:
        with storage.look() as work:
            grant = work.grants.get(digest)
            if grant is None or grant.kind != kind or not _lasts(settings, grant, now):
                return None
            if kind == SESSION:
                caller = _caller_of_user(work, storage.fleet_id, grant.holder_id)
            else:
                caller = _caller_of_client(work, grant)
        if caller is not None and kind == SESSION and now - grant.seen_at >= _SEEN_EVERY:
            with storage.begin(is_despite_closing=True, reads_traces=False) as work:
                work.grants.seen(digest, now)
    return caller


def _lasts(settings: Settings, grant: Grant, now: datetime) -> bool:
    idle_max = timedelta(seconds=settings.session_idle_s_max)
    is_idle = grant.kind == SESSION and now - grant.seen_at >= idle_max
    return now < grant.expires_at and not is_idle


def _caller_of_user(work: UnitOfWork, fleet_id: str, user_id: str) -> Caller | None:
    user = work.users.find(user_id=user_id)
    if user is None or user.ended_at is not None:
        return None
    deeds = ROLES[user.role]
    return Caller(
        fleet_id, user_id, user.login, user.role, user.driver_id, deeds=deeds, is_person=True
    )


def _caller_of_client(work: UnitOfWork, grant: Grant) -> Caller | None:
    for row in work.access_keys.list(grant.holder_id):
        caller = Caller.of_key(row, datetime.now(UTC))
        if caller is not None:
            return caller.narrowed(frozenset(map(Deed, grant.scope.split())))
    return None
