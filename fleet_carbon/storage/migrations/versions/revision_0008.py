"""Version 8: what the service keeps."""

from __future__ import annotations

from sqlalchemy import Column, Double, Text

from fleet_carbon.storage.migrations.statements import add_column, run_statements

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add tables and indexes, to trucks their depot and to orders the distance that is told."""
    add_column("vehicles_versions", Column("depot", Text))
    add_column("orders_versions", Column("sfd_km", Double))
    run_statements(revision)
