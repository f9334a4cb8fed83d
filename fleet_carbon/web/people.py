"""People: who signs in and out, who may, and what is on record of a driver as a person."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, current_app, g, jsonify, make_response, request
from flask_openapi.models.tag import Tag

from fleet_carbon.services.people import erasing, personal_records, sessions, users
from fleet_carbon.services.people.access import Caller, Deed
from fleet_carbon.services.people.users import SignInRefused
from fleet_carbon.settings import Settings
from fleet_carbon.web import limiting
from fleet_carbon.web import people_shapes as shapes
from fleet_carbon.web.answers import api, changed, problems, told
from fleet_carbon.web.callers import (
    allowed,
    cookie_name,
    fleet_settings,
    forget_callers,
    let_in,
    session_secret,
)
from fleet_carbon.web.described import described
from fleet_carbon.web.shapes import Told

PEOPLE = Tag(name="People", description="Sessions, users, and the rights of drivers as persons")
_HOUR_S = 3600


@api.post(
    "/session",
    tags=[PEOPLE],
    security=[{}],
    responses={201: shapes.SessionTold, **problems(400, 413, 415)},
)
@limiting.small
@described
def sign_in(body: shapes.SignInAsked) -> Response:
    """Sign in; the session is a cookie, and writes need its csrf_token, too."""
    return began(signed_in_by(body.fleet_id, body.login, body.password))


def signed_in_by(fleet_id: str, login: str, password: str) -> sessions.SignedIn:
    """A session for who knows name and password; who does not is counted and on record.

    Raises
    ------
    SignInRefused
        If they do not fit.
    """
    settings: Settings = current_app.config["SETTINGS"]
    of_fleet = settings.model_copy(update={"fleet": fleet_id or settings.fleet})
    limiting.refuse_strangers()
    try:
        return sessions.sign_in(of_fleet, login, password)
    except SignInRefused:
        limiting.note_stranger()
        stranger = sessions.stranger(settings, of_fleet.fleet)
        if stranger is not None:
            let_in(stranger)
        raise


def began(signed_in: sessions.SignedIn) -> Response:
    """The answer that gives a browser its session, in place of any that it had."""
    begun = _told(signed_in.caller, signed_in.secret)
    begun["expires_at"] = signed_in.expires_at.isoformat()
    return with_session(make_response(jsonify(begun), HTTPStatus.CREATED), signed_in)


def with_session(response: Response, signed_in: sessions.SignedIn) -> Response:
    """The answer with the cookie of a session, in place of any that the browser had."""
    settings: Settings = current_app.config["SETTINGS"]
    before = session_secret()
    if before is not None:
        sessions.end_session(settings, before)
        forget_callers()
    let_in(signed_in.caller)
    response.set_cookie(
        cookie_name(settings),
        signed_in.secret,
        max_age=settings.session_lasts_h_max * _HOUR_S,
        secure=settings.cookie_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


@api.get("/session", tags=[PEOPLE], responses={200: shapes.SessionTold, **problems()})
@allowed(None)
def who_am_i() -> Response:
    """Who is let in, by a session, token or key, and what that allows."""
    caller: Caller = g.caller
    secret = "" if "Authorization" in request.headers else session_secret() or ""
    return jsonify(_told(caller, secret))


@api.delete("/session", tags=[PEOPLE], responses={200: shapes.SignedOutTold, **problems()})
@allowed(None)
def sign_out() -> Response:
    """Sign out: the session opens nothing more. A key stays what it is."""
    secret = None if "Authorization" in request.headers else session_secret()
    return without_session(jsonify({"is_signed_out": secret is not None}), secret)


def without_session(response: Response, secret: str | None) -> Response:
    """The answer after which a browser has no session any more."""
    settings: Settings = current_app.config["SETTINGS"]
    if secret is not None:
        sessions.end_session(settings, secret)
        forget_callers()
    response.delete_cookie(cookie_name(settings), secure=settings.cookie_secure, httponly=True)
    return response


def _told(caller: Caller, secret: str) -> dict[str, object]:
    return {
        "fleet_id": caller.fleet_id,
        "holder_id": caller.key_id,
        "name": caller.name,
        "role": caller.role,
        "driver_id": caller.driver_id,
        "deeds": sorted(caller.deeds),
        "csrf_token": sessions.csrf_token(secret) if secret else "",
        "expires_at": "",
    }


@api.get("/users", tags=[PEOPLE], responses={200: shapes.UsersTold, 304: None, **problems()})
@allowed(Deed.USERS)
def list_users() -> Response:
    """Every user of the fleet that ever was."""
    return told(users.list_users(fleet_settings()).as_dict(), is_stored=False)


@api.post(
    "/users", tags=[PEOPLE], responses={201: shapes.UsersTold, **problems(400, 409, 413, 415)}
)
@allowed(Deed.USERS)
def create_user(body: shapes.UserAsked) -> Response:
    """Let somebody sign in."""

    def make() -> users.UsersTold:
        return users.create_user(
            fleet_settings(),
            body.login,
            body.role,
            driver_id=body.driver_id,
            password=body.password,
        )

    return changed(make, HTTPStatus.CREATED)


@api.put(
    "/users/<string:user_id>/password",
    tags=[PEOPLE],
    responses={200: shapes.UsersTold, **problems(400, 404, 409, 413, 415)},
)
@allowed(Deed.USERS)
def set_password(path: shapes.UserPath, body: shapes.PasswordAsked) -> Response:
    """Give a user another password; the user's sessions end."""
    settings = fleet_settings()
    answer = changed(lambda: users.set_password(settings, path.user_id, body.password))
    forget_callers()
    return answer


@api.patch(
    "/users/<string:user_id>",
    tags=[PEOPLE],
    responses={200: shapes.UsersTold, **problems(400, 404, 409, 413, 415)},
)
@allowed(Deed.USERS)
def change_user(path: shapes.UserPath, body: shapes.RoleAsked) -> Response:
    """Give a user another role; open sessions may within seconds what it allows."""
    settings, driver_id = fleet_settings(), body.driver_id
    answer = changed(
        lambda: users.change_role(settings, path.user_id, body.role, driver_id=driver_id)
    )
    forget_callers()
    return answer


@api.post(
    "/users/<string:user_id>/invitations",
    tags=[PEOPLE],
    responses={201: shapes.InvitationTold, **problems(404, 409)},
)
@allowed(Deed.USERS)
def invite_user(path: shapes.UserPath) -> Response:
    """Make a link by which the user chooses a password; it is told this once and works once."""
    settings = fleet_settings()
    return changed(
        lambda: sessions.invite(settings, path.user_id), HTTPStatus.CREATED, told_once=("path",)
    )


@api.post(
    "/users/<string:user_id>/restoration",
    tags=[PEOPLE],
    responses={200: shapes.UsersTold, **problems(404, 409)},
)
@allowed(Deed.USERS)
def restore_user(path: shapes.UserPath) -> Response:
    """Take back that a user was ended; the user needs a new password."""
    return changed(lambda: users.restore_user(fleet_settings(), path.user_id))


@api.delete(
    "/users/<string:user_id>",
    tags=[PEOPLE],
    responses={200: shapes.UsersTold, **problems(404, 409)},
)
@allowed(Deed.USERS)
def end_user(path: shapes.UserPath) -> Response:
    """Let a user sign in no more, and end the user's sessions."""
    answer = changed(lambda: users.end_user(fleet_settings(), path.user_id))
    forget_callers()
    return answer


@api.get(
    "/persons/<string:driver_id>", tags=[PEOPLE], responses={200: Told, 304: None, **problems(404)}
)
@allowed(Deed.ERASE, audited=True)
def read_person(path: shapes.PersonPath) -> Response:
    """Everything on record of a driver: a person's right of access."""
    person = personal_records.read_person(fleet_settings(), path.driver_id)
    return told(person.as_dict(), is_stored=False)


@api.delete(
    "/persons/<string:driver_id>", tags=[PEOPLE], responses={200: Told, **problems(404, 409)}
)
@allowed(Deed.ERASE)
def erase_person(path: shapes.PersonPath, query: shapes.ErasureQuery) -> Response:
    """Make unreadable how a driver is called, reached and quoted, for good; at first only tried."""

    def erase() -> erasing.Erased:
        erased = erasing.erase_driver(
            fleet_settings(),
            path.driver_id,
            query.reason,
            confirmation=query.confirm or None,
            is_dry_run=query.dry_run,
        )
        forget_callers()
        return erased

    return changed(erase)
