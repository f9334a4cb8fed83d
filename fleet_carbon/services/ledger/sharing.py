"""The rules of sharing as they are published under models/, held against their lock."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from fleet_carbon.errors import ModelRefused
from fleet_carbon.ledger.sharing import (
    SharingRule,
    check_lock,
    lock_text,
    read_rules,
    rule_in_force,
)
from fleet_carbon.quantification.documents import load_document

LOCK_NAME = "sharing.lock"


def sharing_in_force(models_dir: Path, day: date) -> SharingRule:
    """The shares in force on a day.

    Parameters
    ----------
    models_dir : Path
        The folder `models`.
    day : date
        Of a month, its last one.

    Raises
    ------
    ModelRefused
        If a rule breaks the form, is not as locked, or none is in force on the day.
    """
    rules = _read(models_dir)
    path = models_dir / LOCK_NAME
    check_lock(rules, path.read_text(encoding="utf-8") if path.exists() else "")
    return rule_in_force(rules, day)


def rebuild_lock(models_dir: Path) -> str:
    """The lock with rules appended since; the caller writes it beside the folder of rules.

    Raises
    ------
    ModelRefused
        If a rule already locked was changed or removed.
    """
    rules = _read(models_dir)
    path = models_dir / LOCK_NAME
    kept = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    new = lock_text(rules)
    gone = sorted(set(kept) - set(new.splitlines()))
    if gone:
        check_lock(rules, "\n".join(kept))
    return new


def _read(models_dir: Path) -> list[SharingRule]:
    paths = sorted((models_dir / "sharing").glob("*.yaml"))
    if len(paths) != 1:
        raise ModelRefused(
            "sharing_refused",
            f"models/sharing holds {len(paths)} files of rules, expected one.",
            "Keep the rules of one sharing in one file; rules that follow each other are dated.",
        )
    sources = set(load_document(models_dir / "sources.yaml"))
    return read_rules(paths[0].name, load_document(paths[0]), sources)
