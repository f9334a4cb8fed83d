"""People sign on at another place, and nobody else does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
import time_machine
from flask.testing import FlaskClient
from pydantic import ValidationError

from fleet_carbon.services.people.users import create_user, end_user, list_users
from fleet_carbon.settings import Settings
from fleet_carbon.web.sign_on import inside
from tests.web.conftest import served
from tests.web.signing_on import CLIENT_ID, CLIENT_SECRET, LocalProvider, provided

ANN = "ann@example.org"


@dataclass
class Door:
    """A browser before the service, and the provider beside it."""

    settings: Settings
    provider: LocalProvider
    browser: FlaskClient

    def sent(self, wanted: str = "/") -> str:
        """Where the browser is sent to sign on."""
        answer = self.browser.get(f"/oidc/login?next={quote(wanted)}")
        assert answer.status_code == 303, answer.text
        return answer.location

    def back(self, address: str) -> str:
        """Where the provider sends it back to, as path and query."""
        parts = urlsplit(httpx.get(address, timeout=10).headers["Location"])
        return f"{parts.path}?{parts.query}"

    def signed_on(self, wanted: str = "/") -> Any:
        """The answer at the end of it all."""
        return self.browser.get(self.back(self.sent(wanted)))

    def code(self) -> str:
        """The code of the refusal at the end of it all; nobody was let in."""
        answer = self.signed_on()
        assert self.browser.get("/v1/session").status_code == 401
        assert answer.status_code in (401, 403, 503)
        return str((answer.json or {})["code"])


def door_of(home: Path, provider: LocalProvider, **named: Any) -> Door:
    settings = Settings(
        home=home,
        fleet="north",
        cookie_secure=False,
        sign_in_failures_count_per_min_max=1000,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=CLIENT_SECRET,
        oidc_redirect_url="http://localhost/oidc/callback",
        oidc_loopback=True,
        **named,
    )
    return Door(settings, provider, served(settings).client)


@pytest.fixture
def provider() -> Iterator[LocalProvider]:
    with provided() as one:
        yield one


@pytest.fixture
def door(tmp_path: Path, provider: LocalProvider) -> Door:
    """A fleet in which Ann is a dispatcher who has no password."""
    made = door_of(tmp_path / "home", provider)
    create_user(made.settings, ANN, "dispatcher")
    return made


def test_who_is_on_record_is_let_in_and_goes_on_to_what_was_wanted(door: Door) -> None:
    answer = door.signed_on("/drivers?month=2026-09")
    assert (answer.status_code, answer.location) == (303, "/drivers?month=2026-09")
    session = door.browser.get("/v1/session").json
    assert (session["name"], session["role"]) == (ANN, "dispatcher")
    cookies = answer.headers.getlist("Set-Cookie")
    assert all("HttpOnly" in one and "SameSite=Lax" in one for one in cookies)
    assert any("fleet-carbon-sign-on=;" in one for one in cookies)


def test_after_the_first_time_the_subject_counts_and_no_address(door: Door) -> None:
    assert door.signed_on().status_code == 303
    door.provider.claims = {"email": "ann.married@example.org"}
    assert door.signed_on().status_code == 303
    assert door.browser.get("/v1/session").json["name"] == ANN
    door.browser.delete_cookie("fleet-carbon")
    door.provider.claims = {"sub": "s-2"}  # somebody else got her old address
    assert door.code() == "sign_on_unknown"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": [CLIENT_ID, "another"]},  # without azp
        {"aud": None},
        {"iss": "https://evil.example"},
        {"exp": 1_700_000_000},
        {"exp": None},
        {"sub": None},
        {"sub": ["s-1"]},
        {"at_hash": "of another token"},
    ],
    ids=str,
)
def test_an_id_token_that_does_not_fit_is_refused(door: Door, claims: dict[str, Any]) -> None:
    door.provider.claims = claims
    assert door.code() == "sign_on_refused"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_an_id_token_without_a_published_key_is_refused(door: Door, algorithm: str) -> None:
    door.provider.algorithm = algorithm
    assert door.code() == "sign_on_refused"


def test_a_new_key_is_fetched_once_when_it_is_first_seen(door: Door) -> None:
    assert door.signed_on().status_code == 303
    door.provider.rotate()
    assert door.signed_on().status_code == 303
    assert door.signed_on().status_code == 303
    assert door.provider.keys_count == 2


@pytest.mark.parametrize(("name", "fetched_count"), [("second", 2), ("first", 1)])
def test_a_key_that_is_not_published_is_refused(door: Door, name: str, fetched_count: int) -> None:
    door.provider.published = [door.provider.key]
    door.provider.rotate(name)  # once under the name of the published key
    assert door.code() == "sign_on_refused"
    assert door.provider.keys_count == fetched_count


def test_an_answer_of_another_sign_on_is_refused(door: Door) -> None:
    mine = door.back(door.sent())
    for wrong in (
        mine.replace("state=", "state=x"),
        mine.split("&state")[0],
        f"/oidc/callback?state={parse_qs(mine.split('?')[1])['state'][0]}&error=access_denied",
        f"{mine}&iss=https%3A%2F%2Fevil.example",
    ):
        answer = door.browser.get(wrong)
        assert (answer.status_code, answer.json["code"]) == (401, "sign_on_refused"), wrong
        door.sent()
    other = door.browser.application.test_client()  # a browser that began nothing
    assert other.get(mine).json["code"] == "sign_on_refused"
    assert other.get("/v1/session").status_code == 401


def test_a_ticket_is_forged_by_nobody_and_lasts_ten_minutes(door: Door) -> None:
    back = door.back(door.sent())
    ticket = door.browser.get_cookie("fleet-carbon-sign-on").value
    until, _, rest = ticket.partition(".")
    for forged in (f"{int(until) + 9}.{rest}", ticket[:-2], "", "a.b.c", "é.b.c.d"):
        door.browser.set_cookie("fleet-carbon-sign-on", forged)
        assert door.browser.get(back).json["code"] == "sign_on_refused"
    door.browser.set_cookie("fleet-carbon-sign-on", ticket)
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=601)):
        assert door.browser.get(back).json["code"] == "sign_on_refused"


def test_a_code_opens_once(door: Door) -> None:
    back = door.back(door.sent())
    ticket = door.browser.get_cookie("fleet-carbon-sign-on").value
    assert door.browser.get(back).status_code == 303
    assert door.browser.get_cookie("fleet-carbon-sign-on") is None
    door.browser.delete_cookie("fleet-carbon")
    door.browser.set_cookie("fleet-carbon-sign-on", ticket)
    assert door.browser.get(back).json["code"] == "sign_on_refused"


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_an_address_that_nobody_verified_finds_nobody(door: Door, verified: object) -> None:
    door.provider.claims = {"email_verified": verified}
    assert door.code() == "sign_on_unknown"


def test_who_is_not_on_record_is_not_let_in(door: Door) -> None:
    door.provider.claims = {"email": "bob@example.org"}
    assert door.code() == "sign_on_unknown"
    assert len(list_users(door.settings).rows) == 1


def test_who_was_ended_stays_outside(door: Door) -> None:
    user = list_users(door.settings).rows[0]
    end_user(door.settings, user.user_id)
    assert door.code() == "sign_on_unknown"


def test_who_was_bound_and_ended_stays_outside_under_a_new_address(door: Door) -> None:
    assert door.signed_on().status_code == 303
    end_user(door.settings, list_users(door.settings).rows[0].user_id)
    create_user(door.settings, "ann2@example.org", "admin")
    door.browser.delete_cookie("fleet-carbon")
    door.provider.claims = {"email": "ann2@example.org"}
    assert door.code() == "sign_on_unknown"


def test_claims_that_only_userinfo_tells_count_if_they_are_of_the_same_person(door: Door) -> None:
    door.provider.claims = {"email": None, "email_verified": None}
    door.provider.told = {"sub": "s-9", "email": ANN, "email_verified": True}
    assert door.code() == "sign_on_refused"
    door.provider.told["sub"] = "s-1"
    assert door.signed_on().status_code == 303


def test_a_provider_that_is_down_is_said_to_be_and_asked_again_later(door: Door) -> None:
    door.provider.is_down = True
    answer = door.browser.get("/oidc/login")
    assert (answer.status_code, answer.json["code"]) == (503, "sign_on_unavailable")
    assert "Retry-After" in answer.headers
    door.provider.is_down = False
    assert door.browser.get("/oidc/login").status_code == 503  # it is not asked by everybody
    door.browser.application.extensions["sign_on"]._kept.clear()  # five seconds later
    back = door.back(door.sent())
    door.provider.is_down = True
    assert door.browser.get(back).json["code"] == "sign_on_unavailable"


def test_a_provider_that_names_itself_otherwise_is_not_used(door: Door) -> None:
    door.provider.issuer = "http://127.0.0.1:1"
    assert door.browser.get("/oidc/login").json["code"] == "sign_on_unavailable"


ELSEWHERE = ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example"]


@pytest.mark.parametrize("wanted", [*ELSEWHERE, "/\n/evil.example", "javascript:alert(1)", ""])
def test_nobody_is_led_elsewhere(door: Door, wanted: str) -> None:
    assert inside(wanted) == "/"
    assert door.signed_on(wanted).location == "/"


def test_a_role_by_a_claim_lets_in_who_is_not_on_record(
    tmp_path: Path, provider: LocalProvider
) -> None:
    roles = {"boss": "admin", "carbon": "manager"}
    door = door_of(tmp_path / "home", provider, oidc_role_claim="groups", oidc_roles=roles)
    create_user(door.settings, "someone@example.org", "admin")
    provider.claims = {"groups": ["staff"]}
    assert door.code() == "sign_on_unknown"
    provider.claims = {"groups": ["staff", "carbon"]}
    assert door.signed_on().status_code == 303
    assert door.browser.get("/v1/session").json["role"] == "manager"
    made = list_users(door.settings).rows[-1]
    assert (made.login, made.password_hash) == (ANN, "")


def test_the_fleet_may_be_told_by_a_claim(tmp_path: Path, provider: LocalProvider) -> None:
    door = door_of(tmp_path / "home", provider, oidc_fleet_claim="company")
    create_user(door.settings.model_copy(update={"fleet": "south"}), ANN, "auditor")
    provider.claims = {"company": "nowhere"}
    assert door.code() == "sign_on_unknown"
    assert door.code() == "sign_on_unknown"
    provider.claims = {"company": "south"}
    assert door.signed_on().status_code == 303
    assert door.browser.get("/v1/session").json["fleet_id"] == "south"


def test_who_came_and_who_failed_stands_in_the_audit_log(door: Door) -> None:
    door.provider.claims = {"email": "bob@example.org"}
    assert door.code() == "sign_on_unknown"
    door.provider.claims = {}
    door.signed_on()
    create_user(door.settings, "auditor", "auditor", password="a long password")
    form = {"login": "auditor", "password": "a long password"}
    assert door.browser.post("/v1/session", json=form).status_code == 201
    events = door.browser.get("/v1/audit").json["events"]
    seen = [(e["who"], e["status"]) for e in events if e["path"] == "/oidc/callback"]
    assert seen == [(f"dispatcher {ANN}", 303), ("stranger nobody", 403)]


@pytest.mark.parametrize(
    ("language", "told"), [("en", "no user here belongs to it"), ("zh-CN", "没有与其对应的用户")]
)
def test_a_person_is_told_in_the_own_language_why_the_door_stays_shut(
    door: Door, language: str, told: str
) -> None:
    door.provider.claims["email"] = "stranger@example.org"
    door.browser.environ_base |= {"HTTP_ACCEPT": "text/html", "HTTP_ACCEPT_LANGUAGE": language}
    shown = door.signed_on()
    assert (shown.status_code, shown.mimetype) == (403, "text/html")
    assert told in shown.text
    assert "/sign-out" not in shown.text


def test_the_page_shows_the_button_where_there_is_another_place(door: Door, tmp_path: Path) -> None:
    text = door.browser.get("/sign-in?next=/drivers", headers={"Accept": "text/html"}).text
    assert 'href="/oidc/login?next=/drivers"' in text
    without = served(Settings(home=tmp_path / "without", cookie_secure=False)).client
    assert "/oidc/login" not in without.get("/sign-in").text
    assert without.get("/oidc/login").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"oidc_issuer": "http://issuer.example"},
        {"oidc_issuer": "http://127.0.0.1:1"},
        {"oidc_client_secret": None},
        {"oidc_redirect_url": "https://here.example/other"},
        {"oidc_role_claim": "groups"},
        {"oidc_role_claim": "groups", "oidc_roles": {"x": "driver"}},
    ],
    ids=str,
)
def test_settings_that_are_unsafe_or_not_whole_are_refused(wrong: dict[str, Any]) -> None:
    whole: dict[str, Any] = {
        "oidc_issuer": "https://issuer.example",
        "oidc_client_id": "fleet",
        "oidc_client_secret": "secret",
        "oidc_redirect_url": "https://here.example/oidc/callback",
    }
    assert Settings(**whole).oidc_issuer
    with pytest.raises(ValidationError):
        Settings(**whole | wrong)
