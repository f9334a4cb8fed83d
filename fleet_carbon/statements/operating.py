"""What people read who operate the installation: migrations, backups, retention."""

from __future__ import annotations

from typing import Any

from fleet_carbon.statements.layout import columns, headed


def migration_lines(report: dict[str, Any]) -> list[str]:
    """From which schema to which, step by step; of a dry run the statements, too."""
    before, after = report["schema_before"], report["schema_after"]
    if not report["steps"]:
        return [f"The database has schema {after}, the newest: nothing to do."]
    verb = "would be brought" if report["dry_run"] else "was brought"
    steps = [[one["revision"], one["what"]] for one in report["steps"]]
    lines = headed(f"The database {verb} from schema {before} to {after}", columns(steps, "ll"))
    return [*lines, "", *report["sql"].splitlines()] if report["dry_run"] else lines
