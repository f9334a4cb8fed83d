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


def backup_lines(report: dict[str, Any]) -> list[str]:
    """What was backed up, and what is not in it."""
    rows = [
        ["database", f"{report['database']}, schema {report['schema']}"],
        ["files", f"{report['files']:,} ({report['linked']:,} linked to the earlier backup)"],
        ["size", f"{report['bytes'] / 1e6:,.1f} MB"],
    ]
    lines = headed(f"Backed up into {report['folder']}", columns(rows, "ll"))
    if report["with_keys"]:
        lines += ["", "It holds private keys: who has it can sign and read names. Lock it away."]
    else:
        lines += ["", "Private keys are not in it (--with-keys): keep copies of them elsewhere."]
    if report["traces_elsewhere"]:
        lines += ["The traces lie in an object store: back that up after this, by its own means."]
    return lines


def restoration_lines(report: dict[str, Any]) -> list[str]:
    """What was restored, and what the checks say."""
    lines = [f"Restored {report['files']:,} files into {report['home']}, every digest as written."]
    if report["needs_migration"]:
        return [*lines, "Its schema is of an earlier program: `fleet-carbon migrate`, then doctor."]
    if report["ok"]:
        return [*lines, "Ledger, traces and closed months hold."]
    return [*lines, f"{len(report['problems'])} problems:", *report["problems"]]
