"""The connection: which database, its safety settings and schema, one transaction at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Table,
    create_engine,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError

from fleet_carbon.errors import FleetCarbonError, InputRefused, Unavailable
from fleet_carbon.storage import claim_tables, tables, tenancy
from fleet_carbon.storage.outages import BUSY_TIMEOUT_MS, outage

DATABASE_NAME = "fleet_carbon.sqlite"
_MIGRATED_FROM = 7  # nothing older is on record anywhere
_READ_ONLY = "fleet_carbon_read_only"
_KEPT_POOL = {"hide_parameters": True, "pool_pre_ping": True, "pool_size": 16, "max_overflow": -1}
# A server that is cut off from us says nothing at all: it is given up within half a minute or so.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_REACHING = {
    "connect_timeout": "10",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
_SQLITE_PRAGMAS = (
    "journal_mode = WAL",
    # FULL: a commit that was answered survives a power cut, as the segments it names do.
    "synchronous = FULL",
    "foreign_keys = ON",
    # Without it INSERT OR REPLACE deletes rows behind the back of the DELETE triggers.
    "recursive_triggers = ON",
    # What is deleted is overwritten: keys of persons that were erased.
    "secure_delete = ON",
    f"busy_timeout = {BUSY_TIMEOUT_MS}",
)


def open_engine(database_url: str | None, home: Path, *, is_kept: bool = False) -> Engine:
    """Decide which database serves, and make its tables where there are none.

    Parameters
    ----------
    database_url : str or None
        PostgreSQL URL; None means SQLite in `home`.
    home : Path
        An existing folder.
    is_kept : bool
        True for one that stays open, shared by threads: connections that broke meanwhile are
        found before they are used, and there are as many as are needed at a time.

    Raises
    ------
    InputRefused
        If the URL names no supported database, or its schema is of another version of this
        program.
    Unavailable
        ``database_unusable`` if it does not answer; ``storage_busy``, ``disk_full``.
    """
    engine = _engine(database_url, home, _KEPT_POOL if is_kept else {})
    tenancy.guard(engine, claim_tables.SCHEMA)
    try:
        _make_schema(engine)
    except DBAPIError as failure:
        engine.dispose()
        raise _refused_by(failure) from failure
    return engine


@dataclass(frozen=True)
class SchemaChange:
    """What brings a database forward.

    Attributes
    ----------
    version_before, version_after : int or None
        Of the schema; None if the database holds nothing yet.
    revisions : tuple of (str, str)
        Number and purpose of each step, in their order.
    sql : str
        Their statements.
    """

    version_before: int | None
    version_after: int | None
    revisions: tuple[tuple[str, str], ...] = ()
    sql: str = ""


@dataclass(frozen=True)
class ServerSeen:
    """What a database says of itself.

    Attributes
    ----------
    now_at, newest_at : datetime or None
        Its own clock, if it has one; and the newest moment on record.
    role : str
        Who is logged in; empty where there are no roles.
    is_above_policies : bool
        Whether the role passes by row-level security.
    """

    now_at: datetime | None
    newest_at: datetime | None
    role: str = ""
    is_above_policies: bool = False


def look_at_server(database_url: str | None, home: Path) -> ServerSeen:
    """Look at clock and role of a database of this program's schema; nothing is changed.

    Raises
    ------
    InputRefused
        As of `open_engine`.
    """
    refuse_other_schema(database_url, home)
    received_at = func.max(tables.receptions.c.received_at)
    closed_at = func.max(tables.closing_runs.c.closed_at)
    with _opened(database_url, home) as engine, engine.connect() as connection:
        moments = [connection.scalar(select(asked)) for asked in (received_at, closed_at)]
        newest_at = max((one for one in moments if one is not None), default=None)
        if engine.dialect.name == "sqlite":  # its clock is this machine's
            return ServerSeen(None, newest_at)
        asked = "SELECT clock_timestamp(), rolname, rolsuper OR rolbypassrls FROM pg_roles"
        now_at, role, is_above = connection.execute(
            text(f"{asked} WHERE rolname = current_user")
        ).one()
        return ServerSeen(now_at, newest_at, role, is_above)


def refuse_other_schema(database_url: str | None, home: Path) -> None:
    """Pass only if the schema is that of this program, now and not when it was opened.

    Raises
    ------
    InputRefused
        As of `open_engine`; ``schema_needs_migration``.
    """
    with _opened(database_url, home) as engine:
        version = _version_of(engine)
    if version != tables.SCHEMA_VERSION:
        raise _of_another_version(version)


def has_schema(database_url: str, name: str) -> bool:
    """Whether a PostgreSQL database has a schema of that name."""
    with _opened(database_url, Path()) as engine, engine.connect() as connection:
        return inspect(connection).has_schema(name)


def pending_change(database_url: str | None, home: Path) -> SchemaChange:
    """What `migrate_schema` would do; nothing is changed.

    Raises
    ------
    InputRefused
        As of `open_engine`, but for a schema that can be migrated.
    """
    with _opened(database_url, home) as engine:
        return _pending(engine.dialect.name, _version_of(engine))


def migrate_schema(database_url: str | None, home: Path) -> SchemaChange:
    """Bring the tables to the newest version, all of it or nothing, one process at a time.

    Raises
    ------
    InputRefused
        As of `open_engine`, but for a schema that can be migrated.
    """
    from fleet_carbon.storage.migrations import running  # Alembic is slow to load

    with _opened(database_url, home) as engine, engine.connect() as connection:
        if _version_of(engine) is None:
            return SchemaChange(None, None)
        is_sqlite = connection.dialect.name == "sqlite"
        raw: Any = connection.connection.driver_connection
        if is_sqlite:  # a table that is made anew is dropped while others refer to it
            raw.execute("PRAGMA foreign_keys = OFF")
        with connection.begin():
            _lock(connection, "schema")
            version = connection.execute(select(tables.schema_version.c.version)).scalar_one()
            change = _pending(connection.dialect.name, version)
            if change.revisions:
                running.run(connection, version)
                newest = {"version": tables.SCHEMA_VERSION}
                connection.execute(tables.schema_version.update().values(newest))
            if is_sqlite and raw.execute("PRAGMA foreign_key_check").fetchone():
                raise FleetCarbonError(
                    "migration_broken",
                    "The database refers to rows that are not there.",
                    "Nothing was changed. Restore a backup that `doctor` finds well.",
                )
        return change


@contextmanager
def _opened(database_url: str | None, home: Path) -> Iterator[Engine]:
    engine = _engine(database_url, home, {})
    try:
        yield engine
    except DBAPIError as failure:
        raise _refused_by(failure) from failure
    finally:
        engine.dispose()


def _pending(dialect: str, version: int | None) -> SchemaChange:
    from fleet_carbon.storage.migrations import running

    if version is None:
        return SchemaChange(None, None)
    if not _MIGRATED_FROM <= version <= tables.SCHEMA_VERSION:
        raise _of_another_version(version)
    revisions = tuple((one.revision, one.doc) for one in running.revisions_after(version))
    sql = running.sql(dialect, version) if revisions else ""
    return SchemaChange(version, tables.SCHEMA_VERSION, revisions, sql)


def _engine(database_url: str | None, home: Path, pool: dict[str, Any]) -> Engine:
    if database_url is None:
        return _sqlite_engine(home / DATABASE_NAME, pool)
    return _postgresql_engine(database_url, pool)


def _refused_by(failure: DBAPIError) -> Unavailable:
    """What a failed beginning means to the user."""
    named = outage(failure)
    if named is not None and named.code != "database_gone":
        return named
    return Unavailable(
        "database_unusable",
        f"The database cannot be used: {str(failure.orig).strip()}",
        "Check FLEET_CARBON_DATABASE_URL, or leave it unset to use SQLite in the home folder.",
    )


def _sqlite_engine(path: Path, pool: dict[str, Any]) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), **pool)

    @event.listens_for(engine, "connect")
    def _set_pragmas(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None  # the driver must not begin on its own
        for pragma in _SQLITE_PRAGMAS:
            dbapi_connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get(_READ_ONLY, False)
        # A writer takes its lock at once: upgrading a read lock later can fail for good.
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def driver_url(database_url: str) -> URL:
    """The address of a PostgreSQL as its driver is given it, with an end to every waiting.

    Parameters
    ----------
    database_url : str
        What it says itself of time limits holds.
    """
    given = make_url("postgresql+psycopg://" + database_url.partition("://")[2])
    return given.set(query=_REACHING | dict(given.query))


def _postgresql_engine(database_url: str, pool: dict[str, Any]) -> Engine:
    scheme, separator, _ = database_url.partition("://")
    if not separator or scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise InputRefused(
            "database_unsupported",
            f"The database URL begins with {scheme!r}, which is not supported.",
            "Give postgresql://user@host/name, or leave it unset to use SQLite.",
        )
    try:
        return create_engine(driver_url(database_url), **pool)
    except (ArgumentError, ValueError) as failure:
        raise InputRefused(
            "database_unsupported",
            "The database URL cannot be read.",
            "Give it in the form postgresql://user@host:5432/name.",
        ) from failure


def _make_schema(engine: Engine) -> None:
    version = _version_of(engine)
    if version is None:
        version = _make_tables(engine)
    if version != tables.SCHEMA_VERSION:
        raise _of_another_version(version)


def _version_of(engine: Engine) -> int | None:
    """The version of the schema; None if there are no tables yet."""
    with engine.connect().execution_options(**{_READ_ONLY: True}) as connection:
        known = inspect(connection).has_table(tables.schema_version.name)
        return connection.scalar(select(tables.schema_version.c.version)) if known else None


def _of_another_version(version: int | None) -> InputRefused:
    said = f"The database has schema {version}, this program needs {tables.SCHEMA_VERSION}."
    if version is not None and _MIGRATED_FROM <= version < tables.SCHEMA_VERSION:
        return InputRefused(
            "schema_needs_migration",
            said,
            "Stop the service, make a backup, and run `fleet-carbon migrate`.",
        )
    return InputRefused(
        "schema_of_another_version",
        said,
        "Use the program version that wrote it, or begin with an empty home.",
    )


def _make_tables(engine: Engine) -> int | None:
    on_record = select(tables.schema_version.c.version)
    with engine.begin() as connection:
        _lock(connection, "schema")
        claim_tables.SCHEMA.create_all(connection)
        if connection.scalar(on_record) is None:
            connection.execute(insert(tables.schema_version).values(version=tables.SCHEMA_VERSION))
        return connection.scalar(on_record)


def _any_text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


_LOCK = text("SELECT pg_advisory_xact_lock(:number)")


def _lock(connection: Connection, name: str) -> None:
    """Let one writer at a time pass; SQLite does it for the whole file with BEGIN IMMEDIATE."""
    if connection.dialect.name == "postgresql":
        digest = hashlib.sha256(f"fleet_carbon/{name}".encode()).digest()
        number = int.from_bytes(digest[:8], "big", signed=True)
        connection.execute(_LOCK, {"number": number})


class Transaction:
    """One transaction of one fleet, begun when it is first needed.

    Work that needs no database, such as taking in a long file, is done before the lock is
    taken. A writer has the fleet to itself from its first statement to the end, unless it says
    that it need not be alone, or takes another lock.

    Attributes
    ----------
    fleet_id : str
        Fleet that every statement is filtered by.
    read_only : bool
        True if nothing may be written; readers do not wait for writers.
    known_at : datetime or None
        Register, orders, prices and closing runs are read as they were known then; None means
        now. Traces have versions of their own.
    """

    def __init__(
        self,
        engine: Engine,
        fleet_id: str,
        *,
        read_only: bool,
        known_at: datetime | None = None,
        is_alone: bool = True,
        lock: str = "fleet",
    ) -> None:
        self._is_alone = is_alone
        self._lock_name = f"{lock}/{fleet_id}"
        self.fleet_id = fleet_id
        self.known_at = known_at
        self.read_only = read_only
        self._engine = engine
        self._connection: Connection | None = None
        self._awaiting: list[Callable[[], None]] = []
        self._leaving: list[Callable[[], None]] = []

    def when_begun(self, action: Callable[[], None]) -> None:
        """Do something as soon as the transaction has begun; at the latest before it commits."""
        if self._connection is None:
            self._awaiting.append(action)
        else:
            action()

    def when_closed(self, action: Callable[[], None]) -> None:
        """Do something at the end, whether it is a good one or not."""
        self._leaving.append(action)

    @property
    def reading(self) -> Connection:
        """The connection, begun if it was not."""
        if self._connection is None:
            self._connection = self._begun()
            awaiting, self._awaiting = self._awaiting, []
            for action in awaiting:
                action()
        return self._connection

    def begin(self) -> None:
        """Begin now, if it was not."""
        _ = self.reading

    @contextmanager
    def across(self, purpose: str) -> Iterator[Connection]:
        """Read rows of other fleets, too, for a purpose that `tenancy` names."""
        with tenancy.across(self.reading, purpose):
            yield self.reading

    def hold(self, name: str) -> None:
        """Let one transaction of any fleet at a time pass from here to its end."""
        _lock(self.writing, name)

    @property
    def writing(self) -> Connection:
        """The connection, for a statement that writes."""
        if self.read_only:
            raise RuntimeError("this unit of work was begun to read only")
        return self.reading

    @contextmanager
    def reading_any_bytes(self) -> Iterator[None]:
        """Read texts that are none, too: their bytes come as what they are, to be named.

        SQLite keeps whatever was written into its file; PostgreSQL refuses it.
        """
        raw: Any = self.reading.connection.driver_connection
        if self.reading.dialect.name != "sqlite":
            yield
            return
        before, raw.text_factory = raw.text_factory, _any_text
        try:
            yield
        finally:
            raw.text_factory = before

    def _begun(self) -> Connection:
        connection = self._engine.connect()
        try:
            if connection.dialect.name == "postgresql" and self.read_only:
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            connection.execution_options(**{_READ_ONLY: self.read_only})
            connection.begin()
            tenancy.enter(connection, self.fleet_id)
            if self._is_alone and not self.read_only:
                _lock(connection, self._lock_name)
        except DBAPIError:
            with suppress(DBAPIError):
                connection.close()
            raise
        return connection

    def finished(self) -> Connection | None:
        """The connection with everything done that waited for it; None if nothing was."""
        if self._awaiting:
            self.begin()
        return self._connection

    def close(self) -> None:
        """Give the connection back; what was not made permanent until now is forgotten."""
        if self._connection is not None:
            # A server that is gone has forgotten by itself what was not committed.
            with suppress(DBAPIError):
                self._connection.close()
            self._connection = None
        while self._leaving:
            self._leaving.pop()()

    def next_sequence(self, table: Table) -> int:
        """The number that follows the fleet's newest row of a table."""
        newest = select(func.max(table.c.sequence)).where(table.c.fleet_id == self.fleet_id)
        return int(self.writing.scalar(newest) or 0) + 1
