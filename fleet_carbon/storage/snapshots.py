"""The whole database as it is at one moment, into files and back; of all fleets at once.

SQLite copies itself page by page while others write. PostgreSQL is read in one transaction that
sees one state, table by table, and fleet by fleet where row-level security keeps them apart.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import Connection, create_engine

from fleet_carbon.errors import FleetCarbonError, InputRefused
from fleet_carbon.storage.database import DATABASE_NAME

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_SUFFIX = ".copy"
_TABLES = (
    "SELECT c.relname, array_agg(a.attname ORDER BY a.attnum) FROM pg_class c"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY c.relname"
)
_CREATED = re.compile(r"CREATE TABLE (\w+)")


def dump(database_url: str | None, home: Path, folder: Path) -> int:
    """Write the database as it is now into an empty folder; the version of its schema.

    Parameters
    ----------
    database_url : str or None
        None for SQLite in `home`.
    home, folder : Path
        Where the records are, and where the copy goes.

    Raises
    ------
    InputRefused
        ``nothing_to_back_up``, ``database_unusable``.
    """
    with _failures_named():
        if database_url is None:
            return _dump_sqlite(home / DATABASE_NAME, folder / DATABASE_NAME)
        with _connected(database_url) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            with connection.transaction():
                return _dump_postgresql(connection, folder)


def load(database_url: str | None, home: Path, folder: Path, *, version: int) -> None:
    """Make a database from what `dump` wrote, all of it or nothing.

    Parameters
    ----------
    database_url : str or None
        An empty database; None for SQLite in `home`.
    home, folder : Path
        Where the records go, and where the copy is.
    version : int
        Of the schema when it was dumped.

    Raises
    ------
    InputRefused
        ``restore_target_in_use``, ``database_unusable``.
    """
    with _failures_named():
        if database_url is None:
            shutil.copyfile(folder / DATABASE_NAME, home / DATABASE_NAME)
            return
        refuse_used(database_url)
        engine = create_engine("postgresql+psycopg://" + database_url.partition("://")[2])
        try:
            with engine.begin() as connection:
                order = _make_tables(connection, version)
                raw: psycopg.Connection = connection.connection.driver_connection  # type: ignore[assignment]  # is this one
                _load_postgresql(raw, folder, order)
        finally:
            engine.dispose()


def refuse_used(database_url: str) -> None:
    """Pass only if a PostgreSQL database holds no tables.

    Raises
    ------
    InputRefused
        ``restore_target_in_use``.
    """
    with _failures_named(), _connected(database_url) as connection:
        if connection.execute(_TABLES).fetchone() is not None:
            raise InputRefused(
                "restore_target_in_use",
                "The database holds tables already.",
                "Name an empty database in FLEET_CARBON_DATABASE_URL.",
            )


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, psycopg.Error) as failure:
        raise InputRefused(
            "database_unusable",
            f"The database cannot be used: {str(failure).strip()}",
            "Check FLEET_CARBON_DATABASE_URL, its rights and the room on disk.",
        ) from failure


def _connected(database_url: str) -> psycopg.Connection:
    return psycopg.connect("postgresql://" + database_url.partition("://")[2])


def _nothing() -> FleetCarbonError:
    return InputRefused(
        "nothing_to_back_up", "There are no records here.", "Name the home with --home."
    )


def _dump_sqlite(source: Path, target: Path) -> int:
    if not source.is_file():
        raise _nothing()
    with closing(sqlite3.connect(source)) as reading, closing(sqlite3.connect(target)) as writing:
        reading.backup(writing)
        found = writing.execute("SELECT version FROM schema_version").fetchone()
        version = int(found[0])
        # One file, which nothing else belongs to.
        writing.execute("PRAGMA journal_mode = DELETE")
    return version


def _dump_postgresql(connection: psycopg.Connection, folder: Path) -> int:
    names = {name: list(columns) for name, columns in connection.execute(_TABLES)}
    if "schema_version" not in names:
        raise _nothing()
    fleets = _fleets(connection, "fleets")
    for name, columns in names.items():
        listed = sql.SQL(", ").join(map(sql.Identifier, columns))
        query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(listed, sql.Identifier(name))
        with (folder / f"{name}{_SUFFIX}").open("wb") as file:
            file.write((" ".join(columns) + "\n").encode())
            for fleet_id in fleets if "fleet_id" in columns else [""]:
                _enter(connection, fleet_id)
                # Rows that a policy hides elsewhere would be missing without a word.
                of_fleet = query
                if "fleet_id" in columns:
                    of_fleet = sql.SQL(
                        "COPY (SELECT {} FROM {} WHERE fleet_id = {}) TO STDOUT"
                    ).format(listed, sql.Identifier(name), sql.Literal(fleet_id))
                with connection.cursor().copy(of_fleet) as rows:
                    for part in rows:
                        file.write(part)
    (found,) = connection.execute("SELECT version FROM schema_version").fetchone() or (0,)
    return int(found)


def _fleets(connection: psycopg.Connection, table: str) -> list[str]:
    connection.execute("SELECT set_config('fleet_carbon.across', 'fleets', true)")
    asked = sql.SQL("SELECT DISTINCT fleet_id FROM {} ORDER BY 1").format(sql.Identifier(table))
    found = [str(row[0]) for row in connection.execute(asked)]
    connection.execute("SELECT set_config('fleet_carbon.across', '', true)")
    return found


def _enter(connection: psycopg.Connection, fleet_id: str) -> None:
    connection.execute("SELECT set_config('fleet_carbon.fleet', %s, true)", (fleet_id,))


def _make_tables(connection: Connection, version: int) -> list[str]:
    """Make the tables of a version of the schema; their names, those that others need first."""
    from fleet_carbon.storage.migrations import running

    running.run(connection, 0, until_version=version)
    return _CREATED.findall(running.sql(POSTGRESQL, 0, until_version=version))


def _load_postgresql(connection: psycopg.Connection, folder: Path, order: list[str]) -> None:
    for name in order:
        path = folder / f"{name}{_SUFFIX}"
        with path.open("rb") as file:
            columns = file.readline().decode().split()
            listed = sql.SQL(", ").join(map(sql.Identifier, columns))
            table, beside = sql.Identifier(name), sql.Identifier(f"loading_{name}")
            # Row-level security lets rows in by INSERT, fleet by fleet, and not by COPY.
            connection.execute(
                sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} LIMIT 0").format(
                    beside, listed, table
                )
            )
            into = sql.SQL("COPY {} ({}) FROM STDIN").format(beside, listed)
            with connection.cursor().copy(into) as rows:
                while part := file.read(1 << 20):
                    rows.write(part)
        insert = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            table, listed, listed, beside
        )
        if "fleet_id" not in columns:
            connection.execute(insert)
            continue
        for fleet_id in _fleets(connection, beside.as_string(connection).strip('"')):
            _enter(connection, fleet_id)
            of_fleet = sql.SQL("{} WHERE fleet_id = {}").format(insert, sql.Literal(fleet_id))
            connection.execute(of_fleet)
