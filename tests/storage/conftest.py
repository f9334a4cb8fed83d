"""Every test of storage runs on both databases, with a home and a fleet of its own."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from fleet_carbon.services.ledger import signing
from fleet_carbon.settings import Settings
from fleet_carbon.storage.segments import TraceLimits
from fleet_carbon.storage.unit_of_work import Storage, open_storage
from tests.storage import whole_ledger
from tests.storage.postgresql import NoPostgresql, running_server

_FLEETS = itertools.count(1)

# Small enough that a handful of fixes goes through every path: spilling, several row groups,
# several batches when merging.
TINY = TraceLimits(held_rows_max=8, merged_rows_max=6, row_group_rows=4)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    server = running_server()
    try:
        url = server.__enter__()
    except NoPostgresql as reason:
        pytest.skip(f"no PostgreSQL can be had: {reason}")
    try:
        yield url
    finally:
        server.__exit__(None, None, None)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql_url")
    # One PostgreSQL serves all tests; each has its own fleet in it and sees no other.
    return Settings(home=tmp_path / "home", database_url=url, fleet=f"fleet-{next(_FLEETS)}")


@pytest.fixture
def storage(settings: Settings) -> Iterator[Storage]:
    opened = open_storage(settings, limits=TINY)
    yield opened
    opened.close()


def _make_whole(settings: Settings) -> Settings:
    """A ledger with a close, a lot that was sold and paid, one void, one open, a retirement."""
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        whole_ledger.close(work, settings.fleet)
    signing.sign_ledger(settings)
    for lot_id, steps in (("L1", ("settle", "pay")), ("L2", ("void",)), ("L3", ())):
        whole_ledger.sell(settings, lot_id, 90_000)
        for name in steps:
            whole_ledger.step(settings, name, lot_id)
    signing.rotate_keys(settings)
    whole_ledger.retire(settings, "r1", "sold/City", 40_000)
    return settings


def _of_database(url: str, name: str) -> str:
    return url.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def whole_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A whole ledger, made once; tests work on copies."""
    return _make_whole(Settings(home=tmp_path_factory.mktemp("whole") / "home", fleet="whole"))


@pytest.fixture(scope="session")
def whole_on_postgresql(tmp_path_factory: pytest.TempPathFactory, postgresql_url: str) -> Settings:
    """The same in a database of its own."""
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE whole")
    home, url = tmp_path_factory.mktemp("whole") / "home", _of_database(postgresql_url, "whole")
    return _make_whole(Settings(home=home, fleet="whole", database_url=url))


@pytest.fixture
def first(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Settings]:
    """A whole ledger, with a home and a database of its own."""
    if settings.database_url is None:
        whole: Settings = request.getfixturevalue("whole_on_sqlite")
        shutil.copytree(whole.home, settings.home)
        yield whole.model_copy(update={"home": settings.home})
        return
    whole = request.getfixturevalue("whole_on_postgresql")
    shutil.copytree(whole.home, settings.home)
    name = f"first_{settings.fleet[6:]}"
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE whole")
        url = _of_database(settings.database_url, name)
        yield whole.model_copy(update={"home": settings.home, "database_url": url})
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def second(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Another installation, of the same kind of database."""
    if settings.database_url is None:
        yield Settings(home=tmp_path / "second")
        return
    name = f"second_{settings.fleet[6:]}"
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        url = _of_database(settings.database_url, name)
        yield Settings(home=tmp_path / "second", database_url=url)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
