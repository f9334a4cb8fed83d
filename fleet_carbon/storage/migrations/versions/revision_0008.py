"""Version 8: what the service keeps."""

from __future__ import annotations

from fleet_carbon.storage.migrations.statements import add_text_column, run_statements

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add tables and indexes, and to trucks the depot that they belong to."""
    add_text_column("vehicles_versions", "depot")
    run_statements(revision)
