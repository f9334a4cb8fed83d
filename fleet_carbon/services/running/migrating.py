"""Bring a database of an earlier program forward, when told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fleet_carbon.errors import NotFound
from fleet_carbon.settings import Settings
from fleet_carbon.statements import operating
from fleet_carbon.storage.database import (
    DATABASE_NAME,
    SchemaChange,
    migrate_schema,
    open_engine,
    pending_change,
)


@dataclass(frozen=True)
class Migration:
    """What was done to the schema, or would be.

    Attributes
    ----------
    change : SchemaChange
        Versions, steps and statements.
    is_trial : bool
        True if nothing was changed.
    """

    change: SchemaChange
    is_trial: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "schema_before": self.change.version_before,
            "schema_after": self.change.version_after,
            "dry_run": self.is_trial,
            "steps": [{"revision": name, "what": what} for name, what in self.change.revisions],
            "sql": self.change.sql,
        }

    def lines(self) -> list[str]:
        """The answer for people."""
        return operating.migration_lines(self.as_dict())


def migrate(settings: Settings, *, is_trial: bool = False) -> Migration:
    """Bring the tables to the version of this program: all of it or nothing.

    Processes that are told so at the same time wait for each other; the second finds nothing to
    do.

    Parameters
    ----------
    settings : Settings
        `home` and `database_url`.
    is_trial : bool
        Only tell what would be done.

    Raises
    ------
    NotFound
        ``nothing_to_migrate`` if there are no tables yet.
    InputRefused
        ``schema_of_another_version``, ``database_unusable``.
    """
    home = settings.home.expanduser().absolute()
    if settings.database_url is None and not (home / DATABASE_NAME).is_file():
        raise _nothing()
    do = pending_change if is_trial else migrate_schema
    change = do(settings.database_url, home)
    if change.version_before is None:
        raise _nothing()
    return Migration(change, is_trial)


def _nothing() -> NotFound:
    return NotFound(
        "nothing_to_migrate",
        "The database holds nothing yet.",
        "It is made at the newest version by the first command that needs it.",
    )


def migrate_if_there(settings: Settings) -> Migration | None:
    """Migrate before a process starts; a database that is not there yet needs none."""
    try:
        return migrate(settings)
    except NotFound:
        return None


def refuse_older(settings: Settings) -> None:
    """Pass only if the database is of this program, or there is none yet.

    Raises
    ------
    InputRefused
        ``schema_needs_migration``, ``schema_of_another_version``, ``database_unusable``.
    """
    home = settings.home.expanduser().absolute()
    if settings.database_url is not None or (home / DATABASE_NAME).is_file():
        open_engine(settings.database_url, home).dispose()
