"""Version 8: what the service keeps."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

from fleet_carbon.storage.migrations.statements import run_statements

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add tables and indexes, and to trucks the depot that they belong to."""
    op.add_column("vehicles_versions", Column("depot", Text))
    run_statements(revision)
