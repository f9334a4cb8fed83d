"""Many rows into one table, as fast as the database takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from sqlalchemy import Connection, Table, text

from fleet_carbon.storage.outages import as_of_database

_ROWS_TOGETHER = 20_000
# So few that they fit between the two processes: the server works while the next rows are made.
_ROWS_IN_WRITE = 64
_MANY_ROWS = 10_000
# SQLite keeps a journal for each statement on a table with triggers: half the time of single rows.
_ROWS_IN_STATEMENT = 32
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def insert_rows(
    connection: Connection, table: Table, rows: Iterable[tuple[Any, ...]], *, columns: Sequence[str]
) -> int:
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

    Returns
    -------
    rows_count : int
        How many there were.

    Raises
    ------
    DBAPIError
        If the database refuses a row; the transaction is lost.
    """
    names = ", ".join(columns)
    if connection.dialect.name == "postgresql":
        return _staged(connection, table.name, names, rows)
    rows_count = 0
    for together in _batches(rows, _ROWS_TOGETHER):
        _insert(connection, f"INSERT INTO {table.name} ({names}) VALUES", together)
        rows_count += len(together)
    return rows_count


def _insert(connection: Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    places = f"({', '.join('?' * len(rows[0]))})"
    end = len(rows) // _ROWS_IN_STATEMENT * _ROWS_IN_STATEMENT
    if end:
        every = range(0, end, _ROWS_IN_STATEMENT)
        joined = [tuple(chain(*rows[begin : begin + _ROWS_IN_STATEMENT])) for begin in every]
        connection.exec_driver_sql(
            f"{statement} {', '.join([places] * _ROWS_IN_STATEMENT)}", joined
        )
    if rows[end:]:
        connection.exec_driver_sql(f"{statement} {places}", rows[end:])


def grown(connection: Connection, table: Table, rows_count: int) -> None:
    """Tell the planner of many new rows at once: until it knows, it reads whole tables.

    PostgreSQL would find out by itself, a minute or so after the transaction. Who counts a table
    has it for counting to the end of the transaction; another one that posts meanwhile, for
    another fleet, goes without, and neither waits.
    """
    if connection.dialect.name == "postgresql" and rows_count >= _MANY_ROWS:
        connection.exec_driver_sql(f"ANALYZE (SKIP_LOCKED) {table.name}")


def _staged(
    connection: Connection, name: str, columns: str, rows: Iterable[tuple[Any, ...]]
) -> int:
    """Copy aside and insert from there: nothing is copied into a table with row-level security."""
    aside = f"staged_{name}"
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {aside} (LIKE {name}) ON COMMIT DELETE ROWS"
    )
    rows_count = _copy(connection, f"COPY {aside} ({columns}) FROM STDIN", rows)
    connection.execute(text(f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {aside}"))
    connection.exec_driver_sql(f"TRUNCATE {aside}")
    return rows_count


def _copy(connection: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> int:
    rows_count = 0
    with (
        as_of_database(connection, statement) as raw,
        raw.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for together in _batches(rows, _ROWS_IN_WRITE):
            copy.write("".join(map(_line, together)))
            rows_count += len(together)
    return rows_count


def _line(row: tuple[Any, ...]) -> str:
    """A row in the text format of COPY."""
    return "\t".join([_text(one) if type(one) is str else _plain(one) for one in row]) + "\n"


def _text(value: str) -> str:
    # Almost no text has anything to escape, and looking is cheaper than translating.
    return value if value.isprintable() and "\\" not in value else value.translate(_ESCAPES)


def _plain(value: int | None) -> str:
    return r"\N" if value is None else str(value)


def _batches(rows: Iterable[tuple[Any, ...]], size: int) -> Iterator[list[tuple[Any, ...]]]:
    remaining = iter(rows)
    while together := list(islice(remaining, size)):
        yield together
