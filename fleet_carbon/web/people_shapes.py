"""The shapes of sessions, users and persons."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from fleet_carbon.web.shapes import Asked, AskedBody, Name

_SECRET = Field(min_length=1, max_length=256, json_schema_extra={"format": "password"})
_LOGIN = Field(min_length=1, max_length=200, pattern=r"^[^\s\x00-\x1f\x7f]+$")


class SignInAsked(AskedBody):
    """Who signs in."""

    login: str = _LOGIN
    password: str = _SECRET
    fleet_id: str = Field("", max_length=64, description="Of which fleet. [the service's own]")


class SessionTold(BaseModel):
    """Who is let in."""

    fleet_id: str
    holder_id: str = Field(description="The user, or the key.")
    name: str
    role: str
    driver_id: str
    deeds: list[str] = Field(description="What is allowed.")
    csrf_token: str = Field("", description="Goes with writes of a session as X-CSRF-Token.")
    expires_at: str = ""


class SignedOutTold(BaseModel):
    """Whether a session ended."""

    is_signed_out: bool


class RoleAsked(AskedBody):
    """What a user may do."""

    role: Literal["admin", "manager", "dispatcher", "auditor", "driver"]
    driver_id: str = Field("", max_length=200, description="Of the role driver: whose account.")


class UserAsked(RoleAsked):
    """A user that is to be made."""

    login: str = _LOGIN
    password: str | None = Field(None, max_length=256, description="Absent: given later.")


class PasswordAsked(AskedBody):
    """Another password."""

    password: str = _SECRET


class InvitationTold(BaseModel):
    """A link by which a user chooses a password."""

    user_id: str
    login: str
    path: str = Field(description="Follows the address of the service; it holds the secret.")
    expires_at: str


class UserPath(Asked):
    """A user."""

    user_id: str = Field(max_length=100, pattern=r"^[0-9a-f]+$")


class UserTold(BaseModel):
    """A user, without what the user signs in with."""

    user_id: str
    login: str
    role: str
    driver_id: str
    has_password: bool
    can_sign_in: bool = Field(description="By a password, or known to the provider of sign-on.")
    created_at: str
    ended_at: str | None


class UsersTold(BaseModel):
    """Users."""

    users: list[UserTold]


class PersonPath(Asked):
    """A driver."""

    driver_id: Name


class ErasureQuery(Asked):
    """Why a person is erased, and whether it is only tried."""

    reason: Name = Field(description="It must not name the person.")
    dry_run: bool = Field(True, description="Only say what would be erased.")
    confirm: str = Field("", max_length=200, description="The driver's id once more: it is final.")
