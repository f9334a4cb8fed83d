"""Administrators let people and programs in, in the browser; the last of them stays."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.people import sessions, users
from fleet_carbon.services.people.access import Deed, caller_of_key
from fleet_carbon.settings import Settings
from fleet_carbon.web.pages.words import WORDS
from tests.web.conftest import served
from tests.web.person import PASSWORD, Person


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("administered") / "home"
    settings = Settings(home=home, fleet="north", cookie_secure=False)
    users.create_user(settings, "boss", "admin", password=PASSWORD)
    return settings


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[FlaskClient]:
    client = served(settings).client
    yield client
    client.application.extensions["jobs"].close()


@pytest.fixture(scope="module")
def boss(client: FlaskClient) -> Person:
    return Person(client, "boss")


def user_id(settings: Settings, login: str) -> str:
    (found,) = [one.user_id for one in users.list_users(settings).rows if one.login == login]
    return found


def link_in(text: str) -> str:
    return re.findall(r'value="http://localhost(/welcome\?key=[^"]+)"', text)[0]


def test_a_new_user_chooses_a_password_by_a_link_that_works_once(
    boss: Person, client: FlaskClient
) -> None:
    made = boss.post("/users", login="New@Example.org", role="manager", driver_id="")
    assert made.status_code == 200
    link = link_in(made.text)
    newcomer = Person(client)
    assert 'value="new@example.org"' in newcomer.get(link).text
    key = link.partition("key=")[2]
    refused = newcomer.post("/welcome", key=key, password="short")
    assert (refused.status_code, "too short: 12 characters" in refused.text) == (422, True)
    let_in = newcomer.post("/welcome", key=key, password="a password of mine")
    assert (let_in.status_code, let_in.location) == (303, "/")
    assert newcomer.get("/v1/session").json["name"] == "new@example.org"
    again = Person(client).post("/welcome", key=key, password="a password of a thief")
    assert (again.status_code, "used already" in again.text) == (410, True)
    assert Person(client).get(link).status_code == 410
    Person(client, "new@example.org", "a password of mine")


def test_an_invitation_opens_nothing_by_itself(settings: Settings, client: FlaskClient) -> None:
    invited = sessions.invite(settings, user_id(settings, "boss"))
    client.environ_base.pop("HTTP_COOKIE", None)
    headers = {"Authorization": f"Bearer {invited.secret}"}
    assert client.get("/v1/months", headers=headers).status_code == 401
    assert sessions.caller_of(settings, invited.secret) is None


def test_a_link_ends_with_its_user(settings: Settings, boss: Person, client: FlaskClient) -> None:
    users.create_user(settings, "gone", "auditor")
    invited = sessions.invite(settings, user_id(settings, "gone"))
    users.end_user(settings, user_id(settings, "gone"))
    answer = Person(client).post("/welcome", key=invited.secret, password=PASSWORD)
    assert answer.status_code == 410


def test_another_site_cannot_choose_a_password(settings: Settings, client: FlaskClient) -> None:
    invited = sessions.invite(settings, user_id(settings, "boss"))
    form = {"key": invited.secret, "password": PASSWORD}
    answer = client.post("/welcome", data=form, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_the_last_administrator_stays(settings: Settings, boss: Person) -> None:
    own = user_id(settings, "boss")
    for path, form in (("role", {"role": "auditor", "driver_id": ""}), ("end", {})):
        answer = boss.post(f"/users/{own}/{path}", **form)
        assert answer.status_code == 409, path
        assert "last administrator" in answer.text
    # Somebody who never chose a password could not help anybody.
    users.create_user(settings, "waiting", "admin")
    with pytest.raises(InputRefused, match="last administrator"):
        users.end_user(settings, own)
    users.create_user(settings, "second", "admin", password=PASSWORD)
    assert boss.post(f"/users/{own}/role", role="auditor", driver_id="").status_code == 303
    assert boss.get("/users").status_code == 403  # at once, in the session that is open
    users.change_role(settings, own, "admin")
    users.end_user(settings, user_id(settings, "second"))
    boss.client.application.extensions["callers"].forget()
    assert boss.get("/users").status_code == 200


def test_a_role_is_changed_and_the_one_before_is_offered(settings: Settings, boss: Person) -> None:
    users.create_user(settings, "wang", "driver", driver_id="D9")
    path = f"/users/{user_id(settings, 'wang')}"
    assert "No driver D9 is on record yet." in boss.get(path).text
    changed = boss.post(f"{path}/role", role="dispatcher", driver_id="")
    text = boss.get(changed.location).text
    assert "Before: Driver." in text
    assert '<input type="hidden" name="driver_id" value="D9">' in text
    boss.post(f"{path}/role", role="driver", driver_id="D9")
    (row,) = [one for one in users.list_users(settings).rows if one.login == "wang"]
    assert (row.role, row.driver_id) == ("driver", "D9")
    refused = boss.post(f"{path}/role", role="driver", driver_id="")
    assert (refused.status_code, "needs the identifier" in refused.text) == (422, True)


def test_who_is_deactivated_is_out_and_can_be_restored(
    settings: Settings, boss: Person, client: FlaskClient
) -> None:
    users.create_user(settings, "li", "manager", password=PASSWORD)
    li, path = Person(client, "li"), f"/users/{user_id(settings, 'li')}"
    assert boss.post(f"{path}/end").status_code == 303
    assert li.get("/files").location.startswith("/sign-in")
    assert "Deactivated" in boss.get(path).text
    taken = boss.post("/users", login="li", role="manager", driver_id="")
    assert (taken.status_code, "perhaps a deactivated one" in taken.text) == (422, True)
    assert boss.post(f"{path}/restoration").status_code == 303
    # The password is gone for good, so that a link is needed.
    assert "Has no password yet" in boss.get(path).text
    assert link_in(boss.post(f"{path}/invitations").text)


def test_a_key_is_shown_once_and_revoked(settings: Settings, boss: Person) -> None:
    form = {"name": "Gateway <b>", "role": "dispatcher", "driver_id": "", "valid_days": "30"}
    made = boss.post("/keys", **form, scope=["send"])
    (secret,) = re.findall(r'value="(fck_[\w-]+)"', made.text)
    caller = caller_of_key(settings, secret)
    assert caller is not None
    assert caller.deeds == {Deed.SEND}
    listed = boss.get("/keys").text
    assert secret not in listed
    assert "Gateway &lt;b&gt;" in listed
    assert boss.post(f"/keys/{caller.key_id}/end").status_code == 303
    assert caller_of_key(settings, secret) is None
    assert "Revoked" in boss.get("/keys").text
    wide = boss.post("/keys", **form, scope=["users"])
    assert (wide.status_code, "is not one of the role" in wide.text) == (422, True)


@pytest.mark.parametrize("path", ["/users", "/keys"])
def test_only_administrators_see_users_and_keys(
    settings: Settings, client: FlaskClient, path: str
) -> None:
    login = f"mei{path[1:]}"
    users.create_user(settings, login, "manager", password=PASSWORD)
    mei = Person(client, login)
    assert mei.get(path).status_code == 403
    assert mei.post(path, login="x", name="x", role="admin").status_code == 403
    assert f'href="{path}"' not in mei.get("/files").text


def test_every_role_and_right_has_words() -> None:
    from fleet_carbon.services.people.access import ROLES

    wanted = {f"deed_{one}" for one in Deed} | {f"role_{one}" for one in ROLES}
    wanted |= {f"role_{one}_about" for one in ROLES}
    assert wanted <= WORDS.keys()
