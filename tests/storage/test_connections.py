"""A process that stays keeps its connections, and finds its way back to a database that broke."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from fleet_carbon.settings import Settings
from fleet_carbon.storage import connections
from fleet_carbon.storage.unit_of_work import keep_connected, open_storage


@pytest.fixture
def kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    keeper = connections._Keeper()
    monkeypatch.setattr(connections, "_KEEPER", keeper)
    keep_connected(settings)
    yield settings
    for known in keeper._kept.values():
        known.engine.dispose()


def test_a_process_that_stays_opens_its_database_once(kept: Settings) -> None:
    with closing(open_storage(kept)) as one, closing(open_storage(kept)) as other:
        assert one._engine is other._engine


def test_other_processes_close_what_they_opened(settings: Settings) -> None:
    with closing(open_storage(settings)) as one, closing(open_storage(settings)) as other:
        assert one._engine is not other._engine


def test_a_copy_of_the_process_opens_connections_of_its_own(kept: Settings) -> None:
    with closing(open_storage(kept)) as before:
        child = os.fork()
        if child == 0:
            with closing(open_storage(kept)) as storage:
                os._exit(0 if storage._engine is not before._engine else 1)
        assert os.waitpid(child, 0)[1] == 0


def test_connections_that_broke_are_replaced(kept: Settings) -> None:
    if kept.database_url is None:
        pytest.skip("not of this database: SQLite has no server that ends connections")
    with closing(open_storage(kept)) as storage:
        with storage._engine.connect() as held:
            number = held.scalar(text("SELECT pg_backend_pid()"))
        with psycopg.connect(kept.database_url) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [number])
        for _ in range(3):
            with storage.begin(read_only=True) as work:
                assert work.files.verify() == []


def test_another_file_in_its_place_is_another_database(kept: Settings, tmp_path: Path) -> None:
    if kept.database_url is not None:
        pytest.skip("not of this database: PostgreSQL has no file that could be replaced")
    with closing(open_storage(kept)) as storage:
        before = storage._engine
    shutil.rmtree(kept.home)
    with closing(open_storage(kept)) as storage:
        assert storage._engine is not before
        with storage.begin(read_only=True) as work:
            assert work.files.verify() == []
