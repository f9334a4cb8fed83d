"""Version 8: what the service keeps."""

from __future__ import annotations

from fleet_carbon.storage.migrations.statements import run_statements

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add tables and indexes; the tables that were there stay as they are."""
    run_statements(revision)
