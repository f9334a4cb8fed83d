"""The app on either database, with keys of every role; no server, no network."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fleet_carbon.services.people import users
from fleet_carbon.services.people.access import create_key
from fleet_carbon.services.running.jobs import prepare_jobs
from fleet_carbon.settings import Settings
from fleet_carbon.web.app import create_app
from tests.storage.conftest import postgresql_url
from tests.web.furnished import furnish

__all__ = ["postgresql_url"]

_FLEETS = itertools.count(1)


@dataclass
class Service:
    """The app, and callers with their keys."""

    settings: Settings
    client: FlaskClient

    def key(self, role: str, *, driver_id: str = "", fleet: str = "") -> str:
        """The secret of a new key."""
        settings = self.settings.model_copy(update={"fleet": fleet} if fleet else {})
        return create_key(settings, f"test {role}", role, driver_id=driver_id).secret

    def caller(self, role: str, **named: Any) -> Caller:
        """Somebody with a key of the role."""
        return Caller(self.client, self.key(role, **named))


@dataclass
class Caller:
    """Asks with a key."""

    client: FlaskClient
    secret: str

    def __call__(self, method: str, path: str, **named: Any) -> TestResponse:
        """The answer to a request."""
        headers = {"Authorization": f"Bearer {self.secret}"} | named.pop("headers", {})
        ask: Callable[..., TestResponse] = self.client.open
        return ask(path, method=method, headers=headers, **named)

    def get(self, path: str, **named: Any) -> TestResponse:
        """GET."""
        return self("GET", path, **named)

    def post(self, path: str, **named: Any) -> TestResponse:
        """POST."""
        return self("POST", path, **named)


def served(settings: Settings) -> Service:
    """The app of the settings."""
    prepare_jobs(settings)
    app = create_app(settings)
    return Service(settings, app.test_client())


@pytest.fixture(scope="session", autouse=True)
def full_hasher() -> Iterator[PasswordHasher]:
    """The hasher of the program. Tests hash at the least cost, but for those of the cost."""
    full = users._HASHER
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(users, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield full


@pytest.fixture(params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    settings = Settings(home=tmp_path / "home", database_url=url, fleet=f"web-{next(_FLEETS)}")
    made = served(settings)
    yield made
    made.client.application.extensions["jobs"].close()


@dataclass
class Furnished:
    """A fleet that has one of everything, and what each of it is known by."""

    service: Service
    ours: Caller
    ids: dict[str, Any]


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def furnished(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Furnished]:
    """What strangers try to reach; tests leave it as it is."""
    folder = tmp_path_factory.mktemp("furnished")
    url = None
    if request.param == "postgresql":
        # Of its own: it is made anew in a process that comes back to it after the other kind.
        url = request.getfixturevalue("postgresql_url")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {folder.name}")
        url = url.replace("/postgres?", f"/{folder.name}?")
    service = served(Settings(home=folder / "home", database_url=url, fleet="ours"))
    ours = service.caller("admin")
    yield Furnished(service, ours, furnish(service.settings, ours, folder / "files"))
    service.client.application.extensions["jobs"].close()
