"""Where a number of an explanation comes from: rule, factor, table, record, file, formula."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from fleet_carbon.quantification.documents import load_document
from fleet_carbon.quantification.editions import Edition, load_editions
from fleet_carbon.quantification.factors import FactorBook
from fleet_carbon.storage.unit_of_work import ClosingRun, Reception


@dataclass(frozen=True)
class Sources:
    """What the codes of a derivation stand for.

    Attributes
    ----------
    run : ClosingRun
        The run whose figures are explained.
    edition : Edition or None
        The edition under which it was closed; None if its file is gone.
    rules, titles : mapping
        The edition's document; the sources of all models by identifier.
    book : FactorBook
        Factors.
    on : date
        Day whose factors hold.
    receptions : tuple of Reception
        Files received until the run.
    """

    run: ClosingRun
    edition: Edition | None
    rules: dict[str, Any]
    titles: dict[str, Any]
    book: FactorBook
    on: date
    receptions: tuple[Reception, ...]

    @classmethod
    def of_run(
        cls, run: ClosingRun, models_dir: Path, *, on: date, receptions: Iterable[Reception]
    ) -> Sources:
        """The sources of a run, read from the models as they are now."""
        known = {edition.label: edition for edition in load_editions(models_dir)}
        documents = (
            load_document(path) for path in sorted((models_dir / "editions").glob("*.yaml"))
        )
        rules = {f"{one['name']} {one['version']}": one for one in documents}
        return cls(
            run=run,
            edition=known.get(run.edition_label),
            rules=rules.get(run.edition_label, {}),
            titles=load_document(models_dir / "sources.yaml"),
            book=FactorBook.load(models_dir),
            on=on,
            receptions=tuple(
                one
                for one in receptions
                if one.received_at <= run.closed_at and one.withdrawn_at is None
            ),
        )

    @property
    def is_edition_as_closed(self) -> bool:
        """Whether the edition's file still says what it said when the month was closed."""
        return self.edition is not None and self.edition.digest == self.run.edition_digest

    def resolve(self, code: str) -> dict[str, Any]:
        """What a code stands for, JSON-ready: its kind, its key, and what is known of it."""
        kind, _, key = code.partition(":")
        if not key:  # what corrects the model that stands before it, by its digest alone
            kind, key = "fitted", code
        makers = {"edition": self._rule, "factor": self._factor, "table": self._table}
        makers |= {"record": self._record, "price": self._price}
        more = makers[kind](key) if kind in makers else {}
        return {"code": code, "kind": kind, "key": key, **more}

    def _rule(self, key: str) -> dict[str, Any]:
        found: Any = self.rules
        for part in key.split("."):
            found = found.get(part, {}) if isinstance(found, dict) else {}
        names = ("value", "unit", "status", "source", "text")
        known = {name: found.get(name) for name in names}
        value = None if known["value"] is None else str(known["value"])
        return {
            **known,
            "value": value,
            "title": self._title(known["source"]),
            "edition": self.run.edition_label,
            "valid_from": self.edition.valid_from.isoformat() if self.edition else None,
        }

    def _factor(self, key: str) -> dict[str, Any]:
        factor = self.book.resolve(key, self.on, None)
        return {
            "value": str(factor.value),
            "unit": factor.unit,
            "status": factor.status,
            "source": factor.source,
            "title": self._title(factor.source),
            "locator": factor.locator,
            "valid_from": factor.valid_from.isoformat(),
            "digest": factor.digest,
        }

    def _table(self, key: str) -> dict[str, Any]:
        digest = self.run.table_digests.get(key)
        return {"digest": digest} if digest else self._record(key)

    def _record(self, key: str) -> dict[str, Any]:
        return {
            "kind": "record",
            "files": [
                {
                    "name": one.name,
                    "digest": one.file_id,
                    "received_at": one.received_at.isoformat(),
                    "rows": one.rows_accepted,
                }
                for one in self.receptions
                if one.kind == key
            ],
        }

    def _price(self, key: str) -> dict[str, Any]:
        return dict(self.run.summary.get("prices", {}).get(key, {}))

    def _title(self, source: str | None) -> str | None:
        return self.titles.get(source, {}).get("title") if source else None
