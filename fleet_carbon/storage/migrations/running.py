"""Which revisions a database lacks, and running them."""

from __future__ import annotations

import io
from pathlib import Path

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from fleet_carbon.storage import tables

NEWEST_VERSION = tables.SCHEMA_VERSION
_FOLDER = Path(__file__).parent


def revisions_after(version: int) -> list[Script]:
    """The revisions that follow a schema version, oldest first."""
    scripts = ScriptDirectory(_FOLDER, version_locations=[_FOLDER / "versions"])
    found = [one for one in scripts.walk_revisions() if int(one.revision) > version]
    return found[::-1]


def run(connection: Connection, version: int, *, until_version: int = NEWEST_VERSION) -> None:
    """Bring the tables from a schema version to a later one, within the caller's transaction.

    Parameters
    ----------
    connection : Connection
        With a transaction begun.
    version, until_version : int
        Of the schema as it is, and as it shall be; 0 is an empty database.
    """
    _run(MigrationContext.configure(connection), version, until_version)


def sql(dialect: str, version: int, *, until_version: int = NEWEST_VERSION) -> str:
    """The statements that `run` would run.

    Parameters
    ----------
    dialect : str
        sqlite or postgresql.
    version, until_version : int
        Of the schema as it is, and as it shall be; 0 is an empty database.
    """
    written = io.StringIO()
    options = {"as_sql": True, "output_buffer": written}
    _run(
        MigrationContext.configure(
            dialect_name=dialect, opts=options, dialect_opts={"paramstyle": "named"}
        ),
        version,
        until_version,
    )
    return written.getvalue()


def _run(context: MigrationContext, version: int, until_version: int) -> None:
    # Alembic keeps a table of its own of what was run; ours has stood there before, and one is
    # enough. So it orders the revisions and runs them here, and does not count them.
    with Operations.context(context):
        for one in revisions_after(version):
            if int(one.revision) > until_version:
                return
            one.module.upgrade()
