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


def retention_lines(report: dict[str, Any]) -> list[str]:
    """The rule that holds, and the months that were reduced."""
    days = report["positions_days"]
    kept = "for good" if days is None else f"for {days} days"
    lines = [f"Positions of {report['fleet_id']} are kept {kept}."]
    if not report["reductions"]:
        return lines
    rows = [["month", "fixes", "segments", "reduced on", "by the rule of"]]
    for one in report["reductions"]:
        days_of = (one["reduced_at"][:10], one["rule_of"][:10])
        rows.append([one["month"], f"{one['fixes']:,}", f"{one['segments']:,}", *days_of])
    return [*lines, "", *columns(rows, "lrrll")]


def reduced_lines(report: dict[str, Any]) -> list[str]:
    """What went, or would go, and what waits for a close."""
    lines = ["Nothing is old enough to be reduced."]
    if report["months"]:
        verb = "would be" if report["dry_run"] else "were"
        lines = [
            f"{report['fixes']:,} fixes in {report['segments']:,} segments"
            f" ({report['bytes'] / 1e6:,.1f} MB) of {', '.join(report['months'])} {verb} reduced"
            " to legs and digests."
        ]
    if report["files_removed"]:
        lines.append(f"{report['files_removed']:,} received files were removed.")
    if report["months_waiting"]:
        waiting = ", ".join(report["months_waiting"])
        lines.append(f"Kept until they and their neighbours are closed: {waiting}.")
    return lines
