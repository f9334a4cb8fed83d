"""Editions of the methodology: the dated file that holds every rule and threshold."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, fields
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from fleet_carbon.errors import ModelRefused, NotFound
from fleet_carbon.quantification.documents import load_document
from fleet_carbon.quantification.factor_reading import STATUSES

SECTIONS = (
    "intake", "traces", "legs", "live", "fuel", "classes", "physics", "engines", "vehicles",
    "missions", "receipts", "calibration", "emissions", "inventory", "baseline", "lanes", "leakage",
    "uncertainty", "credit", "crossings", "claims", "learning", "loading",
)  # fmt: skip
PLANNING_SECTIONS = ("roads", "stops", "driving_hours")
_META_KEYS = {"name", "version", "title", "valid_from", "recorded_on", "supersedes"}
_RULE_KEYS = {"value", "unit", "source", "status", "text"}
_INTEGER = re.compile(r"^-?\d+$")
_DECIMAL = re.compile(r"^-?\d+\.\d+$")

Rule = float | int | str
Rules = TypeVar("Rules")


@dataclass(frozen=True)
class Edition:
    """One methodology edition.

    Attributes
    ----------
    name, version, title : str
        What it is called; together with the version it is the `label`.
    valid_from, recorded_on : date
        First day whose figures it makes; day it was recorded.
    sections : dict
        Section -> rule key -> plain value; the section `classes` has one level more.
    digest : str
        SHA-256 of the whole content, texts included.
    origins : dict
        Section -> rule key -> status and source of the value, of rules that stand in no group.
    """

    name: str
    version: str
    title: str
    valid_from: date
    recorded_on: date
    sections: dict[str, dict[str, Any]]
    digest: str
    origins: dict[str, dict[str, str]]

    @property
    def label(self) -> str:
        """Name and version as printed on every account."""
        return f"{self.name} {self.version}"

    def rules(self, section: str) -> dict[str, Any]:
        """The rules of a section as plain numbers (int, float) and texts.

        Raises
        ------
        ModelRefused
            If the edition has no such section.
        """
        if section not in self.sections:
            raise ModelRefused(
                "edition_section_missing",
                f"Edition {self.label} has no section {section!r}.",
                f"It has: {', '.join(self.sections)}.",
            )
        return dict(self.sections[section])


def fill_rules(
    edition: Edition, section: str, kind: type[Rules], *, group: str | None = None
) -> Rules:
    """A section, or one group of it, as the frozen dataclass of the module that uses it.

    Raises
    ------
    ModelRefused
        If the edition has no such section or group, or it lacks a rule of `kind`, or has one
        that `kind` does not know.
    """
    found = edition.rules(section)
    if group is not None:
        if group not in found:
            raise ModelRefused(
                "edition_group_missing",
                f"Edition {edition.label}, section {section}, has no {group!r}.",
                f"It has: {', '.join(found)}.",
            )
        found, section = found[group], f"{section}.{group}"
    wanted = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    for problem, names in (("lacks", wanted - set(found)), ("has unknown", set(found) - wanted)):
        if names:
            raise ModelRefused(
                "edition_rules_differ",
                f"Edition {edition.label}, section {section}: {problem} rule {sorted(names)[0]}.",
                f"The rules are: {', '.join(sorted(wanted))}.",
            )
    return kind(**found)


def load_editions(
    models_dir: Path, *, folder: str = "editions", sections: tuple[str, ...] = SECTIONS
) -> list[Edition]:
    """All editions, ordered by first day and day of recording.

    Parameters
    ----------
    models_dir : Path
        The folder `models`.
    folder, sections : str, tuple of str
        Where other rules of the same form are, and what they hold.

    Raises
    ------
    ModelRefused
        If a rule lacks unit, reason or status, names an unknown source or section, or two
        editions claim the same first day recorded on the same day.
    """
    sources = set(load_document(models_dir / "sources.yaml"))
    paths = sorted((models_dir / folder).glob("*.yaml"))
    editions = [_read_edition(path.name, load_document(path), sources, sections) for path in paths]
    editions.sort(key=lambda edition: (edition.valid_from, edition.recorded_on))
    for before, after in pairwise(editions):
        if (before.valid_from, before.recorded_on) == (after.valid_from, after.recorded_on):
            raise ModelRefused(
                "editions_collide",
                f"{before.label} and {after.label} both begin on {after.valid_from} and were "
                f"recorded on {after.recorded_on}.",
                "A later edition has a later first day or a later day of recording.",
            )
    return editions


def edition_in_force(models_dir: Path, on: date) -> Edition:
    """The edition whose first day is the latest not after `on`.

    Raises
    ------
    NotFound
        If no edition had begun by that day.
    """
    return edition_among(load_editions(models_dir), on)


def edition_among(editions: list[Edition], on: date) -> Edition:
    """The one of some editions in their order whose first day is the latest not after `on`.

    Raises
    ------
    NotFound
        If none had begun by that day.
    """
    begun = [edition for edition in editions if edition.valid_from <= on]
    if not begun:
        known = "; ".join(f"{one.label} from {one.valid_from}" for one in editions)
        raise NotFound(
            "edition_not_in_force",
            f"No methodology edition is in force on {on}.",
            f"Known editions: {known or 'none'}.",
        )
    return begun[-1]


def edition_labelled(models_dir: Path, label: str) -> Edition:
    """The edition of a label, by which something on record was made.

    Raises
    ------
    NotFound
        ``edition_not_at_hand``: the models hold none of that label.
    """
    editions = {one.label: one for one in load_editions(models_dir)}
    if label not in editions:
        raise NotFound(
            "edition_not_at_hand",
            f"There is no methodology edition {label!r} among the models.",
            f"Put its file back: a close is read by it. Known: {', '.join(editions)}.",
        )
    return editions[label]


def planning_in_force(models_dir: Path, on: date) -> Edition:
    """The rules of planning whose first day is the latest not after `on`.

    They have the form of an edition, with the sections `PLANNING_SECTIONS`; no account rests on
    them.

    Raises
    ------
    NotFound
        If none had begun by that day.
    """
    return edition_among(
        load_editions(models_dir, folder="planning", sections=PLANNING_SECTIONS), on
    )


def _read_edition(
    name: str, document: dict[str, Any], sources: set[str], wanted: tuple[str, ...]
) -> Edition:
    for key in sorted(_META_KEYS | set(wanted)):
        if key not in document:
            raise _refused(name, f"key {key} is missing")
    for key in document:
        if key not in _META_KEYS and key not in wanted:
            raise _refused(name, f"key {key} is no section, expected {', '.join(wanted)}")
    sections = {
        section: _read_section(f"{name}, {section}", document[section], sources)
        for section in wanted
    }
    for key in ("valid_from", "recorded_on"):
        if type(document[key]) is not date:
            raise _refused(name, f"{key} {document[key]!r} is no day in the form 2026-01-31")
    return Edition(
        name=str(document["name"]),
        version=str(document["version"]),
        title=str(document["title"]),
        valid_from=document["valid_from"],
        recorded_on=document["recorded_on"],
        sections=sections,
        digest=_digest(document),
        origins={section: _origins(document[section]) for section in wanted},
    )


def _origins(rules: dict[str, Any]) -> dict[str, str]:
    """Where each value comes from: what kind of knowledge it is, and its source if it has one."""
    return {
        str(key): ", ".join(filter(None, (rule["status"], rule.get("source"))))
        for key, rule in rules.items()
        if "value" in rule
    }


def _read_section(where: str, rules: Any, sources: set[str]) -> dict[str, Any]:
    if not isinstance(rules, dict):
        raise _refused(where, "is no mapping of rules")
    read: dict[str, Any] = {}
    for key, rule in rules.items():
        inner = f"{where}.{key}"
        is_group = isinstance(rule, dict) and "value" not in rule
        read[str(key)] = (
            _read_section(inner, rule, sources) if is_group else _read_rule(inner, rule, sources)
        )
    return read


def _read_rule(where: str, rule: Any, sources: set[str]) -> Rule:
    if not isinstance(rule, dict):
        raise _refused(where, f"is {rule!r}, expected value, unit, status and text or source")
    unknown = set(rule) - _RULE_KEYS
    if unknown:
        raise _refused(where, f"key {sorted(unknown)[0]} is unknown")
    if not rule.get("unit"):
        raise _refused(where, "has no unit; write 1 for a pure number")
    if rule.get("status") not in STATUSES:
        raise _refused(where, f"status must be one of {', '.join(STATUSES)}")
    if not rule.get("text") and not rule.get("source"):
        raise _refused(where, "has neither text nor source")
    if rule.get("source") is not None and rule["source"] not in sources:
        raise _refused(where, f"source {rule['source']!r} is not in sources.yaml")
    return _plain(where, rule["value"])


def _plain(where: str, value: Any) -> Rule:
    """A number from a quoted or unquoted scalar; any other text stays text."""
    if isinstance(value, bool) or value is None or isinstance(value, (list, dict, date)):
        raise _refused(where, f"value {value!r} is neither a number nor a text")
    if isinstance(value, (int, float)):
        return value
    text = str(value)
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _DECIMAL.match(text) else text


def _digest(document: dict[str, Any]) -> str:
    canonical = json.dumps(
        document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _refused(where: str, why: str) -> ModelRefused:
    return ModelRefused(
        "edition_refused", f"{where}: {why}.", "Every rule has value, unit, status and a reason."
    )
