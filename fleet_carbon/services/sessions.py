"""Let in for a while: people by a session, programs by a token (OAuth 2 client credentials).

Both are secrets of 256 bits, of which the record keeps digests. A token is opaque, no signed
statement: it ends at once with its key, there is no key to keep that signs for it, and who asks
is looked up anyway. The fleet stands in the secret, so that nothing is looked for across fleets.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.access import ROLES, Caller, Deed, caller_of_key, digest_of, scopes_of
from fleet_carbon.services.users import SignInRefused, known_by_password
from fleet_carbon.settings import Settings
from fleet_carbon.storage.people import Grant
from fleet_carbon.storage.unit_of_work import UnitOfWork, fleets_on_record, open_storage

SESSION, TOKEN = "session", "token"
_PREFIX = {SESSION: "fcs_", TOKEN: "fct_"}
_SECRET_BYTES = 32
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
        work.grants.forget_before(now)
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
        work.grants.forget_before(now)
        until = now + timedelta(seconds=lasts_s)
        secret = _granted(
            work, caller.fleet_id, TOKEN, caller.key_id, now=now, until=until, scope=written
        )
    return IssuedToken(secret, written, lasts_s, caller)


def caller_of(settings: Settings, secret: str) -> Caller | None:
    """Who comes with a secret, a key, token or session alike; None if it opens nothing."""
    for kind, prefix in _PREFIX.items():
        if secret.startswith(prefix):
            return _caller_of_grant(settings, kind, secret)
    return caller_of_key(settings, secret)


def end_session(settings: Settings, secret: str) -> None:
    """Let a session open nothing more."""
    fleet_id = _fleet_in(secret)
    if fleet_id not in fleets_on_record(settings):
        return
    of_fleet = settings.model_copy(update={"fleet": fleet_id})
    with closing(open_storage(of_fleet)) as storage, storage.begin(is_despite_closing=True) as work:
        work.grants.end(digest_of(secret))


def csrf_token(secret: str) -> str:
    """What a page proves by that it is ours: it goes with the session and tells nothing of it."""
    return hmac.new(secret.encode(), b"fleet-carbon csrf", hashlib.sha256).hexdigest()


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
        with storage.begin(read_only=True) as work:
            grant = work.grants.get(digest)
            if grant is None or grant.kind != kind or not _lasts(settings, grant, now):
                return None
            if kind == SESSION:
                caller = _caller_of_user(work, storage.fleet_id, grant.holder_id)
            else:
                caller = _caller_of_client(work, grant)
        if caller is not None and kind == SESSION and now - grant.seen_at >= _SEEN_EVERY:
            with storage.begin(is_despite_closing=True) as work:
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
    return Caller(fleet_id, user_id, user.login, user.role, user.driver_id, ROLES[user.role])


def _caller_of_client(work: UnitOfWork, grant: Grant) -> Caller | None:
    for row in work.access_keys.list(grant.holder_id):
        caller = Caller.of_key(row, datetime.now(UTC))
        if caller is not None:
            return caller.narrowed(frozenset(map(Deed, grant.scope.split())))
    return None
