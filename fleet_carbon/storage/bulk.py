"""Many rows into one table, as fast as the database takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError

_ROWS_TOGETHER = 20_000
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def insert_rows(
    connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]], *, columns: Sequence[str]
) -> None:
    """Insert rows that are made while they are written; no more than a few are held at once.

    Parameters
    ----------
    connection : Connection
        In a transaction.
    table : Table
        Where to.
    rows : iterable of tuple
        Values as the database keeps them: int, str or None. The iterable must not use the
        connection.
    columns : sequence of str
        Names of the columns, in the order of the values.

    Raises
    ------
    DBAPIError
        If the database refuses a row; the transaction is lost.
    """
    if connection.dialect.name == "postgresql":
        _copy(connection, f"COPY {table.name} ({', '.join(columns)}) FROM STDIN", rows)
        return
    places = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places})"
    for together in _batches(rows):
        connection.exec_driver_sql(statement, together)


def _copy(connection: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    dbapi: Any = connection.dialect.loaded_dbapi
    raw: Any = connection.connection.driver_connection
    try:
        with raw.cursor() as cursor, cursor.copy(statement) as copy:
            for together in _batches(rows):
                copy.write("".join(map(_line, together)))
    except dbapi.Error as failure:
        raise DBAPIError(statement, None, failure) from failure


def _line(row: tuple[Any, ...]) -> str:
    """A row in the text format of COPY."""
    texts = [
        r"\N" if value is None else value.translate(_ESCAPES) if type(value) is str else str(value)
        for value in row
    ]
    return "\t".join(texts) + "\n"


def _batches(rows: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    remaining = iter(rows)
    while together := list(islice(remaining, _ROWS_TOGETHER)):
        yield together
