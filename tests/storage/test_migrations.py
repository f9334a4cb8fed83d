"""A database of version 7 with a whole ledger in it becomes what a new one is."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, MetaData, create_engine, insert, select, text

from fleet_carbon.errors import InputRefused, NotFound, Unavailable
from fleet_carbon.services.ledger.proving import check_ledger
from fleet_carbon.services.running.migrating import migrate
from fleet_carbon.settings import Settings
from fleet_carbon.storage import tables, tenancy
from fleet_carbon.storage.database import DATABASE_NAME, open_engine
from fleet_carbon.storage.migrations.statements import DIALECTS, path_of, statements_of
from fleet_carbon.storage.unit_of_work import open_storage

NEWEST = f"{tables.SCHEMA_VERSION:04d}"

# What PostgreSQL knows of a schema beyond columns, in a form that two databases can be compared by.
CATALOGUE = (
    "SELECT relname::text, relkind::text, relrowsecurity::text, relforcerowsecurity::text"
    " FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid), ''"
    " FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    "SELECT tablename::text, indexname::text, indexdef, '' FROM pg_indexes"
    " WHERE schemaname = 'public'",
    "SELECT tgrelid::regclass::text, tgname::text, pg_get_triggerdef(oid), ''"
    " FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT proname::text, prosrc, provolatile::text, prosecdef::text FROM pg_proc"
    " WHERE pronamespace = 'public'::regnamespace",
    "SELECT tablename::text, policyname::text, cmd || permissive || roles::text,"
    " coalesce(qual, '') || ' / ' || coalesce(with_check, '') FROM pg_policies"
    " WHERE schemaname = 'public'",
    "SELECT table_name::text, column_name::text, data_type || is_nullable,"
    " coalesce(column_default, '') || coalesce(collation_name, '')"
    " FROM information_schema.columns WHERE table_schema = 'public'",
)


def catalogue(connection: Connection) -> set[tuple[Any, ...]]:
    """Every table, column, index, trigger, constraint, function and policy."""
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT type, name, tbl_name, sql FROM sqlite_master"))
        return {(one[0], one[1], one[2], " ".join((one[3] or "").split())) for one in rows}
    return {tuple(row) for asked in CATALOGUE for row in connection.execute(text(asked))}


def plain_engine(settings: Settings) -> Engine:
    """The database without this program's door."""
    if settings.database_url is None:
        return create_engine(f"sqlite:///{settings.home / DATABASE_NAME}")
    return create_engine("postgresql+psycopg://" + settings.database_url.partition("://")[2])


def make_version_7(settings: Settings) -> None:
    """The tables as version 7 had them, and nothing in them."""
    engine = plain_engine(settings)
    with engine.begin() as connection:
        for one in statements_of("0007", connection.dialect.name):
            connection.execute(text(one.replace(":", "\\:")))
        connection.execute(insert(tables.schema_version).values(version=7))
    engine.dispose()


def copy_rows(source: Settings, target: Settings) -> int:
    """Put all that a fleet has on record into tables of version 7; how many rows it is."""
    copied = 0
    reading, writing = plain_engine(source), plain_engine(target)
    old = MetaData()
    old.reflect(writing)
    with reading.connect() as read, writing.begin() as write:
        tenancy.enter(read, source.fleet)
        for table in old.sorted_tables:
            chosen = select(table)
            if "fleet_id" in table.c:
                chosen = chosen.where(table.c.fleet_id == source.fleet)
            rows = [dict(row) for row in read.execute(chosen).mappings()]
            if rows and table.name != "schema_version":
                write.execute(insert(table), rows)
                copied += len(rows)
    reading.dispose()
    writing.dispose()
    return copied


@pytest.fixture
def empty_home(settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Another home, and another database of the same kind, with nothing in it."""
    home = tmp_path / "old"
    home.mkdir()
    if settings.database_url is None:
        yield settings.model_copy(update={"home": home})
        return
    name = f"old_{settings.fleet[6:]}"
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        url = settings.database_url.replace("/postgres?", f"/{name}?")
        yield settings.model_copy(update={"home": home, "database_url": url})
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def old(first: Settings, empty_home: Settings) -> Settings:
    """A home of version 7 in which a month was closed, sold, paid and retired."""
    shutil.rmtree(empty_home.home)
    shutil.copytree(first.home, empty_home.home)
    for path in empty_home.home.glob(f"{DATABASE_NAME}*"):
        path.unlink()
    make_version_7(empty_home)
    assert copy_rows(first, empty_home) > 20
    return empty_home.model_copy(update={"fleet": first.fleet})


def state(settings: Settings) -> tuple[int | None, set[tuple[Any, ...]]]:
    engine = plain_engine(settings)
    with engine.connect() as connection:
        found = connection.scalar(select(tables.schema_version.c.version)), catalogue(connection)
    engine.dispose()
    return found


def test_the_revision_says_what_the_tables_need() -> None:
    path = Path(__file__).resolve().parents[2] / "docs" / "write_revision.py"
    spec = importlib.util.spec_from_file_location("write_revision", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for dialect in DIALECTS:
        written = path_of(NEWEST, dialect).read_text(encoding="utf-8")
        assert written == module.compose_revision(dialect), "run: python -m docs.write_revision"


def test_a_migrated_database_is_what_a_new_one_is(
    old: Settings, first: Settings, tmp_path: Path
) -> None:
    told = migrate(old)
    assert told.as_dict()["schema_before"] == 7
    assert told.as_dict()["steps"][0]["revision"] == "0008"
    assert state(old) == state(first)
    engine = plain_engine(old)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.METADATA) == []
    engine.dispose()


def test_what_was_on_record_is_on_record_after_it(old: Settings, first: Settings) -> None:
    migrate(old)
    before, after = check_ledger(first), check_ledger(old)
    assert after.is_well
    assert after.as_dict() == before.as_dict()
    storage = open_storage(old)
    with storage.begin(read_only=True) as work:
        assert work.ledger.count() > 5
    storage.close()


def test_an_older_schema_is_refused_until_it_is_migrated(old: Settings) -> None:
    with pytest.raises(InputRefused) as refused:
        open_storage(old)
    assert refused.value.code == "schema_needs_migration"
    assert "fleet-carbon migrate" in refused.value.hint
    migrate(old)
    open_storage(old).close()


def test_a_dry_run_shows_the_statements_and_changes_nothing(old: Settings) -> None:
    before = state(old)
    told = migrate(old, is_trial=True).as_dict()
    assert state(old) == before
    assert "CREATE TABLE worker_beats" in told["sql"]
    assert "%%" not in told["sql"]


def test_a_failure_in_the_middle_leaves_the_old_state_whole(old: Settings) -> None:
    dialect = "sqlite" if old.database_url is None else "postgresql"
    made = [one for one in statements_of(NEWEST, dialect) if one.startswith("CREATE TABLE")]
    in_the_way = f"CREATE TABLE {made[-1].split()[2]} (a INTEGER)"  # the last one cannot be made
    engine = plain_engine(old)
    with engine.begin() as connection:
        connection.execute(text(in_the_way))
    engine.dispose()
    before = state(old)
    with pytest.raises(Unavailable):
        migrate(old)
    assert state(old) == before


def test_two_that_migrate_at_once_wait_for_each_other(old: Settings) -> None:
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(migrate, [old] * 4))
    assert sorted(len(one.change.revisions) for one in told) == [0, 0, 0, tables.SCHEMA_VERSION - 7]


def test_a_newer_or_much_older_schema_is_not_touched(settings: Settings, old: Settings) -> None:
    for version in (6, tables.SCHEMA_VERSION + 1):
        engine = plain_engine(old)
        with engine.begin() as connection:
            connection.execute(tables.schema_version.update().values(version=version))
        engine.dispose()
        for ask in (migrate, open_storage):
            with pytest.raises(InputRefused) as refused:
                ask(old)
            assert refused.value.code == "schema_of_another_version"


def test_where_nothing_is_on_record_nothing_is_migrated(empty_home: Settings) -> None:
    with pytest.raises(NotFound):
        migrate(empty_home)
    open_engine(empty_home.database_url, empty_home.home).dispose()
    assert migrate(empty_home).as_dict()["steps"] == []
