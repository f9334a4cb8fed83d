"""What a failing database means: it is away, busy or full, and the same may be asked again."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy import exc as database_errors
from sqlalchemy.exc import DBAPIError

from fleet_carbon.errors import Unavailable

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another one. [ms]"""

# Connections that never were, that ended, of a server that stops or starts, or became a copy:
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_STATES_OF_GONE = ("08", "57P", "25006", "53300")
# Two that waited for each other, or a lock that was not given: one of them may try again.
_STATES_OF_BUSY = ("40001", "40P01", "55P03")
_STATES_OF_FULL = ("53100",)
_SAID_OF_FULL = ("disk is full", "No space left")
# A file that cannot be opened, read or written, as of a disk that is full or went away:
# https://www.sqlite.org/rescode.html
_NAMES_OF_GONE = ("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_PROTOCOL", "SQLITE_READONLY")


@contextmanager
def outages_named() -> Iterator[None]:
    """Say of a failure of the database, or of a disk that is full, what it means.

    Raises
    ------
    Unavailable
        ``database_gone``, ``storage_busy`` or ``disk_full``. What is none of these is a fault of
        the program and stays what it is.
    """
    try:
        yield
    except database_errors.PendingRollbackError as failure:
        raise _gone(str(failure)) from failure  # asked again after the connection had ended
    except database_errors.TimeoutError as failure:
        raise _busy() from failure  # no connection of the pool came free
    except (OSError, DBAPIError) as failure:
        named = outage(failure)
        if named is None:
            raise
        raise named from failure


def outage(failure: OSError | DBAPIError) -> Unavailable | None:
    """What a failure means; None if it is no outage."""
    if is_full(failure):
        said = failure.orig if isinstance(failure, DBAPIError) else failure
        return Unavailable(
            "disk_full",
            f"No space is left: {said}",
            "Make room and run the command again; nothing of this step was kept.",
        )
    if isinstance(failure, OSError):
        return None
    if _is_busy(failure):
        return _busy()
    return _gone(str(failure.orig).strip()) if _is_gone(failure) else None


def is_full(failure: OSError | DBAPIError) -> bool:
    """Whether there is no room: on this machine or on that of the database."""
    if isinstance(failure, OSError):
        return failure.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    said = str(failure.orig)
    return _state(failure).startswith(_STATES_OF_FULL) or any(one in said for one in _SAID_OF_FULL)


@contextmanager
def as_of_database(connection: Connection, statement: str) -> Iterator[Any]:
    """The driver's own connection, whose failures are told as those of every statement are.

    Parameters
    ----------
    connection : Connection
    statement : str
        What is done with it, for the error.

    Raises
    ------
    DBAPIError
    """
    dbapi: Any = connection.dialect.loaded_dbapi
    try:
        yield connection.connection.driver_connection
    except dbapi.Error as failure:
        raise DBAPIError(statement, None, failure) from failure


def _gone(reason: str) -> Unavailable:
    return Unavailable(
        "database_gone",
        f"The database went away: {reason}",
        "Run the command again when it is back, with the same id if it has one: what was "
        "not kept whole was not kept at all, and what is on record is not done twice.",
    )


def _busy() -> Unavailable:
    return Unavailable(
        "storage_busy",
        f"Another command has been writing for {BUSY_TIMEOUT_MS // 1000} seconds.",
        "Try again when it has finished. Nothing was changed.",
    )


def _is_gone(failure: DBAPIError) -> bool:
    """Whether the server ended the connection, or is no longer there."""
    if failure.connection_invalidated or _state(failure).startswith(_STATES_OF_GONE):
        return True
    if not hasattr(failure.orig, "sqlstate"):
        return getattr(failure.orig, "sqlite_errorname", "").startswith(_NAMES_OF_GONE)
    # What the server did not say itself has no state.
    kinds = {one.__name__ for one in type(failure.orig).__mro__}
    return not _state(failure) and not kinds.isdisjoint(("OperationalError", "InterfaceError"))


def _is_busy(failure: DBAPIError) -> bool:
    return _state(failure).startswith(_STATES_OF_BUSY) or "database is locked" in str(failure.orig)


def _state(failure: DBAPIError) -> str:
    return getattr(failure.orig, "sqlstate", None) or ""
