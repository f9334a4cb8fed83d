"""Version 7: every table as the first databases had it that are brought forward."""

from __future__ import annotations

from fleet_carbon.storage.migrations.statements import run_statements

revision = "0007"
down_revision = None


def upgrade() -> None:
    """Make the tables; no database with records begins here."""
    run_statements(revision)
