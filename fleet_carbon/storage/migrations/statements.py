"""The statements of a revision, kept as text: one file for each database."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

from alembic import op
from sqlalchemy import Column, MetaData, create_mock_engine, text

DIALECTS = ("sqlite", "postgresql")
_FOLDER = Path(__file__).parent / "versions"
_URLS = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}
_BETWEEN = ";\n\n"
_INDEX = ("CREATE INDEX", "CREATE UNIQUE INDEX")


def path_of(revision: str, dialect: str) -> Path:
    """The file with the statements of a revision."""
    return _FOLDER / f"{revision}.{dialect}.sql"


def statements_of(revision: str, dialect: str) -> list[str]:
    """The statements of a revision in their order."""
    written = path_of(revision, dialect).read_text(encoding="utf-8")
    return [one for one in written.strip().removesuffix(";").split(_BETWEEN) if one]


def text_of(statements: list[str]) -> str:
    """The content of the file of these statements."""
    return "".join(f"{one}{_BETWEEN}" for one in statements).rstrip() + "\n"


def described(metadata: MetaData, dialect: str) -> list[str]:
    """The statements that make every table of a description, with triggers and what else follows.

    Parameters
    ----------
    metadata : MetaData
        Tables and what listens for their making.
    dialect : str
        sqlite or postgresql.
    """
    found: list[str] = []

    def keep(statement: Any, *_: Any, **__: Any) -> None:
        written = str(statement.compile(dialect=engine.dialect))
        lines = (line.rstrip() for line in written.strip().splitlines())
        found.append("\n".join(line for line in lines if line))

    engine = create_mock_engine(_URLS[dialect], keep, paramstyle="named")
    metadata.create_all(engine, checkfirst=False)
    # The indexes of a table come in any order.
    return [
        one
        for are_indexes, group in groupby(found, lambda one: one.startswith(_INDEX))
        for one in (sorted(group) if are_indexes else group)
    ]


def run_statements(revision: str) -> None:
    """Run the statements of a revision in the database that is migrated.

    Parameters
    ----------
    revision : str
        Its number, of four digits.
    """
    for one in statements_of(revision, op.get_context().dialect.name):
        op.execute(text(one.replace(":", "\\:")))


def add_column(table: str, column: Column[Any]) -> None:
    """Add a column whose values may be missing to a table of an earlier revision.

    Parameters
    ----------
    table : str
        Its name.
    column : Column
    """
    op.add_column(table, column)
