"""Users and keys for administrators: who may come in, as what, and how somebody gets a password."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import Response, current_app, g, redirect, request

from fleet_carbon.errors import FleetCarbonError, NotFound, Unavailable
from fleet_carbon.services.intake import browsing
from fleet_carbon.services.intake.browsing import Filter
from fleet_carbon.services.people import access, sessions, users
from fleet_carbon.services.people.access import ROLES, USER_ROLES, Caller, Deed, Keys
from fleet_carbon.services.people.sessions import Invitation
from fleet_carbon.services.people.users import SignInRefused
from fleet_carbon.web import limiting, people, problems
from fleet_carbon.web.callers import fleet_settings, forget_callers
from fleet_carbon.web.pages.frame import (
    NAVIGATION,
    given,
    page,
    pages,
    problem_text,
    shown_to,
    word,
)
from fleet_carbon.web.pages.naming import moment_of
from fleet_carbon.web.pages.signing_in import refuse_other_sites
from fleet_carbon.web.pages.words import WORDS

_DRIVERS_OFFERED_MAX = 500
_KEY_DAYS = (30, 90, 365)

NAVIGATION.append(("/users", "page_users", Deed.USERS))


@pages.get("/users")
@shown_to(Deed.USERS)
def show_users() -> Response:
    """Everybody who may sign in, and the form for one more."""
    return _users()


@pages.post("/users")
@shown_to(Deed.USERS)
def create_user() -> Response:
    """Make a user, and the link by which that one chooses a password."""
    login, role, driver_id = given("login"), given("role"), given("driver_id")
    settings = fleet_settings()
    try:
        made = users.create_user(settings, login, role, driver_id=driver_id).as_dict()["users"][0]
    except Unavailable:
        raise
    except FleetCarbonError as refused:
        return _users(refused)
    return _user(made, invitation=sessions.invite(settings, made["user_id"]))


@pages.get("/users/<string:user_id>")
@shown_to(Deed.USERS)
def show_user(user_id: str) -> Response:
    """One user, and what can be changed."""
    return _user(_found(user_id))


@pages.post("/users/<string:user_id>/role")
@shown_to(Deed.USERS)
def change_role(user_id: str) -> Any:
    """Give the user another role; the page then offers the one before."""
    before = _found(user_id)
    try:
        users.change_role(fleet_settings(), user_id, given("role"), driver_id=given("driver_id"))
    except Unavailable:
        raise
    except FleetCarbonError as refused:
        return _user(before, refused)
    forget_callers()
    was = urlencode({"was": before["role"], "was_driver": before["driver_id"]})
    return redirect(f"/users/{user_id}?{was}", HTTPStatus.SEE_OTHER)


@pages.post("/users/<string:user_id>/invitations")
@shown_to(Deed.USERS)
def invite_user(user_id: str) -> Response:
    """Make a link by which the user chooses a password."""
    user = _found(user_id)
    return _user(user, invitation=sessions.invite(fleet_settings(), user_id))


@pages.post("/users/<string:user_id>/end")
@shown_to(Deed.USERS)
def end_user(user_id: str) -> Any:
    """Let the user in no more."""
    try:
        users.end_user(fleet_settings(), user_id)
    except Unavailable:
        raise
    except FleetCarbonError as refused:
        return _user(_found(user_id), refused)
    forget_callers()
    return redirect(f"/users/{user_id}", HTTPStatus.SEE_OTHER)


@pages.post("/users/<string:user_id>/restoration")
@shown_to(Deed.USERS)
def restore_user(user_id: str) -> Any:
    """Take that back."""
    users.restore_user(fleet_settings(), user_id)
    return redirect(f"/users/{user_id}", HTTPStatus.SEE_OTHER)


@pages.get("/keys")
@shown_to(Deed.KEYS)
def show_keys() -> Response:
    """The keys of programs, and the form for one more."""
    return _keys()


@pages.post("/keys")
@shown_to(Deed.KEYS)
def create_key() -> Response:
    """Make a key; the page that answers is the only one that ever shows its secret."""
    days = given("valid_days")
    try:
        made = access.create_key(
            fleet_settings(),
            given("name"),
            given("role"),
            driver_id=given("driver_id"),
            valid_days=int(days) if days.isdecimal() else None,
            scopes=request.form.getlist("scope"),
            shippers=[one for one in (given("shipper_id"),) if one],
        )
    except Unavailable:
        raise
    except FleetCarbonError as refused:
        return _keys(refused=refused)
    return _keys(made)


@pages.post("/keys/<string:key_id>/end")
@shown_to(Deed.KEYS)
def end_key(key_id: str) -> Any:
    """Let a key open nothing more."""
    access.end_key(fleet_settings(), key_id)
    forget_callers()
    return redirect(f"/keys#k{key_id}", HTTPStatus.SEE_OTHER)


@pages.get("/welcome")
def show_welcome() -> Response:
    """The form for a password, for who has the link."""
    return _welcome(request.args.get("key", ""))


@pages.post("/welcome")
def accept_invitation() -> Response:
    """Take the password, and let its owner in."""
    refuse_other_sites()
    limiting.refuse_strangers()
    secret = given("key")
    try:
        signed_in = sessions.accept_invitation(
            current_app.config["SETTINGS"], secret, request.form.get("password", "")
        )
    except SignInRefused:
        limiting.note_stranger()
        return _welcome(secret)
    except Unavailable:
        raise
    except FleetCarbonError as refused:
        return _welcome(secret, refused)
    forget_callers()
    return people.with_session(_see_other("/"), signed_in)


def _see_other(address: str) -> Response:
    return current_app.make_response(redirect(address, HTTPStatus.SEE_OTHER))


def _found(user_id: str) -> dict[str, Any]:
    for user in _listed():
        if user["user_id"] == user_id:
            return user
    raise NotFound("user_not_found", f"There is no user {user_id!r}.", "Look at the list.")


def _listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = users.list_users(fleet_settings()).as_dict()["users"]
    return found


def _said(refused: FleetCarbonError | None) -> str:
    """Why something was refused, in the language of the page where its words are known."""
    if refused is None:
        return ""
    name = f"refused_{refused.code}"
    if name not in WORDS:
        return problem_text(refused.code, refused.message, refused.hint)
    return word(name, length=current_app.config["SETTINGS"].password_length_min)


def _status(refused: FleetCarbonError | None) -> int:
    return HTTPStatus.OK if refused is None else problems.status_of(refused)


def _drivers() -> list[str]:
    """Drivers to choose from; of very many the first."""
    found = browsing.browse(fleet_settings(), "drivers", Filter(), limit_rows=_DRIVERS_OFFERED_MAX)
    return [str(row["driver_id"]) for row in found.rows]


def _told(user: dict[str, Any]) -> dict[str, Any]:
    ended_at = user["ended_at"]
    caller: Caller = g.caller
    return user | {
        "state": "active" if user["can_sign_in"] else "ended" if ended_at else "invited",
        "since": moment_of(user["created_at"]),
        "ended_at": moment_of(ended_at),
        "is_self": user["user_id"] == caller.key_id,
    }


def _users(refused: FleetCarbonError | None = None) -> Response:
    found = sorted(_listed(), key=lambda one: one["ended_at"] is not None)
    return page(
        "users.html",
        status=_status(refused),
        refused=_said(refused),
        users=[_told(one) for one in found],
        roles=list(USER_ROLES),
        drivers=_drivers(),
        given=request.form,
    )


def _user(
    user: dict[str, Any],
    refused: FleetCarbonError | None = None,
    *,
    invitation: Invitation | None = None,
) -> Response:
    was = request.args.get("was", "")
    drivers = _drivers()
    return page(
        "user.html",
        status=_status(refused),
        refused=_said(refused),
        user=_told(user),
        roles=list(USER_ROLES),
        drivers=drivers,
        is_stranger=bool(user["driver_id"]) and not _is_on_record(user["driver_id"], drivers),
        was=was if was in USER_ROLES and was != user["role"] else "",
        was_driver=request.args.get("was_driver", ""),
        link="" if invitation is None else _link(invitation),
        link_until="" if invitation is None else moment_of(invitation.as_dict()["expires_at"]),
    )


def _is_on_record(driver_id: str, known: list[str]) -> bool:
    if driver_id in known or len(known) < _DRIVERS_OFFERED_MAX:
        return driver_id in known
    try:
        browsing.read_record(fleet_settings(), "drivers", driver_id)
    except NotFound:
        return False
    return True


def _link(invitation: Invitation) -> str:
    """Where the user goes: by the address that people know the service by."""
    public_url = current_app.config["SETTINGS"].public_url or request.host_url
    return f"{public_url.rstrip('/')}{invitation.as_dict()['path']}"


def _keys(made: Keys | None = None, *, refused: FleetCarbonError | None = None) -> Response:
    listed = access.list_keys(fleet_settings()).as_dict()["keys"]
    return page(
        "keys.html",
        status=_status(refused),
        refused=_said(refused),
        keys=[_key_told(one) for one in sorted(listed, key=lambda one: not one["is_valid"])],
        made=None if made is None else {"name": made.rows[0].name, "secret": made.secret},
        roles=list(ROLES),
        deeds=list(Deed),
        drivers=_drivers(),
        days=_KEY_DAYS,
        given=request.form if refused is not None else {},
        scopes=request.form.getlist("scope") if refused is not None else [],
    )


def _key_told(key: dict[str, Any]) -> dict[str, Any]:
    return key | {
        "state": "valid" if key["is_valid"] else "ended" if key["ended_at"] else "expired",
        "scopes": [word(f"deed_{name}") for name in key["scopes"]],
        "since": moment_of(key["created_at"]),
        "until": moment_of(key["ended_at"] or key["expires_at"]) or word("without_end"),
    }


def _welcome(secret: str, refused: FleetCarbonError | None = None) -> Response:
    settings = current_app.config["SETTINGS"]
    try:
        login = sessions.invited_user(settings, secret).login
    except SignInRefused as over:
        return page("welcome.html", status=problems.status_of(over), login="")
    return page(
        "welcome.html",
        status=_status(refused),
        refused=_said(refused),
        login=login,
        key=secret,
        length_min=settings.password_length_min,
    )
