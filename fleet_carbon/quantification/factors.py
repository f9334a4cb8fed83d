"""Factors as dated, sourced data: which value was in force on a day, as known on a day.

A value is never edited and never ends by itself: the next start ends it, `value: null` abolishes
it, a correction is a further value for the same day recorded later. The lock holds a digest per
published value, so an edited digit is refused while an appended value is not.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from fleet_carbon.errors import FactorNotFound, ModelRefused
from fleet_carbon.quantification import factor_reading, stoichiometry
from fleet_carbon.quantification.documents import load_document
from fleet_carbon.quantification.factor_reading import FactorSeries, FactorValue

LOCK_NAME = "factors.lock"


@dataclass(frozen=True)
class Factor:
    """One value as resolved, with everything needed to defend it.

    Attributes
    ----------
    factor_id : str
        Identifier, ``fuel.quantity``.
    value : Decimal
        The number, in `unit`.
    unit, quantity, region : str
        What it measures, and where.
    source, locator, status : str
        Key in ``sources.yaml``, place inside the source, kind of knowledge.
    valid_from, recorded_on : date
        First day in force; day from which we knew.
    spread_share : Decimal or None
        Half-width relative to the value, where known.
    digest : str
        SHA-256 of the published value, as in the lock.
    """

    factor_id: str
    value: Decimal
    unit: str
    quantity: str
    region: str
    source: str
    locator: str
    status: str
    valid_from: date
    recorded_on: date
    spread_share: Decimal | None
    digest: str


class FactorBook:
    """All factors under `models/factors`, checked as a whole when loaded."""

    def __init__(self, series: dict[str, FactorSeries]) -> None:
        self._series = series

    @classmethod
    def load(cls, models_dir: Path) -> FactorBook:
        """Read and check every factor file and the lock.

        Raises
        ------
        ModelRefused
            Unknown or missing key, unquoted number, unknown source, unit or status, dates out of
            order, two values for one day known on one day, a fuel factor beyond its carbon,
            tank-to-wheel above well-to-wheel, a published value changed or removed.
        """
        book = cls(_read_series(models_dir))
        stoichiometry.check_fuels(list(book._series.values()))
        _check_against_lock(book, _read_lock(models_dir))
        return book

    @property
    def ids(self) -> list[str]:
        """Identifiers of all factors, sorted."""
        return sorted(self._series)

    @property
    def complete_on(self) -> date:
        """The day from which every factor has a value on record."""
        return max(min(step.recorded_on for step in one.values) for one in self._series.values())

    def series(self, factor_id: str) -> FactorSeries:
        """All values of a factor.

        Raises
        ------
        FactorNotFound
            If there is no factor of that name.
        """
        if factor_id not in self._series:
            raise FactorNotFound(
                "factor_unknown",
                f"There is no factor {factor_id!r}.",
                f"Known factors: {', '.join(self.ids)}.",
                factor_id=factor_id,
            )
        return self._series[factor_id]

    def resolve(self, factor_id: str, on: date, known_on: date | None) -> Factor:
        """The value in force on `on`, as known on `known_on`.

        Parameters
        ----------
        factor_id : str
            Identifier.
        on : date
            Day the value is to hold.
        known_on : date or None
            Use only what was recorded until this day; None uses all.

        Returns
        -------
        factor : Factor
            The value with the latest start not after `on`, of these the last recorded.

        Raises
        ------
        FactorNotFound
            Before the first value, after an abolition, before we knew. There is no nearest value;
            the message names the steps that are known.
        """
        series = self.series(factor_id)
        started = [
            step
            for step in series.values
            if step.valid_from <= on and (known_on is None or step.recorded_on <= known_on)
        ]
        found = max(started, key=lambda step: (step.valid_from, step.recorded_on), default=None)
        if found is None or found.value is None:
            raise _not_in_force(series, on, known_on)
        return _factor_of(series, found, found.value)


def lock_text(book: FactorBook) -> str:
    """The lock of a book: one line per value, digest first, sorted by factor and date."""
    lines = [f"{digest}  {name}" for name, digest in sorted(_digests(book).items())]
    return "\n".join(
        ["# sha256 of every published value. Lines are added, never changed.", *lines, ""]
    )


def rebuild_lock(models_dir: Path) -> str:
    """The lock with values appended since, written beside the factors by the caller.

    Raises
    ------
    ModelRefused
        If a value already locked was changed or removed: publish a further value instead.
    """
    book = FactorBook(_read_series(models_dir))
    stoichiometry.check_fuels(list(book._series.values()))
    path = models_dir / LOCK_NAME
    if path.exists():
        _check_against_lock(book, _read_lock(models_dir))
    return lock_text(book)


def unlocked(book: FactorBook, models_dir: Path) -> list[str]:
    """Values that are not in the lock yet, as ``factor_id valid_from recorded_on``."""
    return sorted(set(_digests(book)) - set(_read_lock(models_dir)))


def digest_of(series: FactorSeries, step: FactorValue) -> str:
    """SHA-256 over everything that gives a published value its meaning."""
    meaning: dict[str, Any] = {
        "id": series.factor_id,
        "quantity": series.quantity,
        "unit": series.unit,
        "region": series.region,
        "valid_from": step.valid_from.isoformat(),
        "value": None if step.value is None else str(step.value),
        "source": step.source,
        "locator": step.locator,
        "recorded_on": step.recorded_on.isoformat(),
        "status": step.status,
        "spread_share": None if step.spread_share is None else str(step.spread_share),
    }
    canonical = json.dumps(meaning, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _read_series(models_dir: Path) -> dict[str, FactorSeries]:
    sources = set(load_document(models_dir / "sources.yaml"))
    found: dict[str, FactorSeries] = {}
    for path in sorted((models_dir / "factors").glob("*.yaml")):
        for series in factor_reading.read_factor_file(path.name, load_document(path), sources):
            if series.factor_id in found:
                raise ModelRefused(
                    "factor_given_twice",
                    f"{path.name}: factor {series.factor_id} also stands in "
                    f"{found[series.factor_id].file}.",
                    "Keep one; append values to it.",
                )
            found[series.factor_id] = series
    return found


def _digests(book: FactorBook) -> dict[str, str]:
    return {
        f"{series.factor_id} {step.valid_from} {step.recorded_on}": digest_of(series, step)
        for series in book._series.values()
        for step in series.values
    }


def _read_lock(models_dir: Path) -> dict[str, str]:
    path = models_dir / LOCK_NAME
    if not path.exists():
        raise ModelRefused(
            "factors_not_locked",
            f"{path.name} is missing beside the factors.",
            "Write it once with `rebuild_lock`.",
        )
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("  ", 1) for line in lines if line and not line.startswith("#"))
    return {name: digest for digest, name in pairs}


def _check_against_lock(book: FactorBook, lock: dict[str, str]) -> None:
    present = _digests(book)
    for name, digest in lock.items():
        if present.get(name) != digest:
            what = "was removed" if name not in present else "was edited"
            raise ModelRefused(
                "published_value_changed",
                f"The published value {name} {what}; its digest in {LOCK_NAME} is {digest[:12]}.",
                "Restore it and append a correction with a later recorded_on.",
                value=name,
            )


def _factor_of(series: FactorSeries, step: FactorValue, value: Decimal) -> Factor:
    return Factor(
        factor_id=series.factor_id,
        value=value,
        unit=series.unit,
        quantity=series.quantity,
        region=series.region,
        source=step.source,
        locator=step.locator,
        status=step.status,
        valid_from=step.valid_from,
        recorded_on=step.recorded_on,
        spread_share=step.spread_share,
        digest=digest_of(series, step),
    )


def _not_in_force(series: FactorSeries, on: date, known_on: date | None) -> FactorNotFound:
    steps = "; ".join(
        f"from {step.valid_from}: {'abolished' if step.value is None else step.value}"
        f" (recorded {step.recorded_on})"
        for step in series.values
    )
    known = "" if known_on is None else f" as known on {known_on}"
    return FactorNotFound(
        "factor_not_in_force",
        f"No value of {series.factor_id} is in force on {on}{known}. Known steps: {steps}.",
        "Append a dated value, or choose another factor in an edition.",
        factor_id=series.factor_id,
        on=on.isoformat(),
    )
