"""A customer's report of a month, composed: sums, categories, every shipment, what is not known.

Kilograms are shown to the gram, and so that the shipments add up to the sums that are shown; all
forms of the report hold the same figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleet_carbon.statements import chinese, locales, reasons
from fleet_carbon.statements import shipper_words as said
from fleet_carbon.statements.category_words import DISTANCES, category_name
from fleet_carbon.statements.wording import CHINESE, Words

FORMAT = "fleet-carbon shipper report 1"
NONE = "\N{EN DASH}"
_MG_PER_KG, _KG_DIGITS = 1_000_000, 3
# Of a sum on a tile; tables show every gram.
_SUM_DIGITS = 1
# How a column is shown: kind and digits; the others are texts.
_KINDS: dict[str, tuple[str, int]] = {
    **dict.fromkeys(("co2e_ttw_kg", "co2e_wtw_kg"), ("kg", _KG_DIGITS)),
    **dict.fromkeys(("co2e_ttw_g_per_tkm", "co2e_wtw_g_per_tkm"), ("g_per_tkm", 1)),
    **dict.fromkeys(("empty_share", "primary_share"), ("share", 1)),
    "shipments_count": ("", 0),
    "cargo_t": ("t", 3),
    "activity_tkm": ("tkm", 1),
    **dict.fromkeys(("distance_gcd_km", "distance_sfd_km"), ("km", 1)),
    "distance_adjustment_ratio": ("", 3),
}
_SHOWN: dict[str, tuple[str, ...]] = {
    "categories": (
        *("toc_id", "shipments_count", "activity_tkm", "co2e_ttw_kg", "co2e_wtw_kg"),
        *("co2e_ttw_g_per_tkm", "co2e_wtw_g_per_tkm", "distance_adjustment_ratio"),
        *("empty_share", "data_class", "primary_share"),
    ),
    "shipments": (
        *("shipment_id", "departed_on", "origin", "destination", "cargo_t", "distance_gcd_km"),
        *("distance_sfd_km", "distance_kind", "activity_tkm"),
        *("co2e_ttw_kg", "co2e_wtw_kg", "data_class", "toc_id"),
    ),
}
_OFF_PAPER = {"shipments": {"toc_id"}, "categories": {"co2e_ttw_g_per_tkm", "primary_share"}}
# On paper only where the activity of some shipment is told by it.
_OF_FEASIBLE, _FEASIBLE = {"distance_sfd_km", "distance_kind"}, "sfd"
_HEADLINE = (
    *("co2e_wtw_kg", "co2e_ttw_kg", "co2e_wtw_g_per_tkm", "shipments_count", "cargo_t"),
    *("activity_tkm", "primary_share", "data_class"),
)


@dataclass(frozen=True)
class ShipperFacts:
    """What a report is composed of.

    Attributes
    ----------
    heading : dict
        ``month``, ``fleet_id``, ``edition``, ``run_id``, and as ``carrier_name`` how the
        customer knows the fleet.
    closed_on : str
        Day of the close in the fleet's time zone, YYYY-MM-DD.
    whole : dict
        The customer's row of `frames.SHIPPERS`.
    shipments : list of dict
        Its rows of `frames.SHIPMENTS`, with ``origin``, ``destination`` and ``departed_on``.
    tocs : list of dict
        The rows of `frames.TOCS` of these.
    unproven : list of dict
        ``order_id`` and ``reason_code`` of its orders without footprint.
    """

    heading: dict[str, str]
    closed_on: str
    whole: dict[str, Any]
    shipments: list[dict[str, Any]]
    tocs: list[dict[str, Any]]
    unproven: list[dict[str, Any]]


def compose_shipper_report(facts: ShipperFacts, language: str) -> dict[str, Any]:
    """The report as one JSON-ready object, the same for the same facts.

    Parameters
    ----------
    facts : ShipperFacts
        What is on record.
    language : str
        ``en`` or ``zh``.
    """
    return _Telling(facts, language).report()


def told_column(name: str, language: str) -> dict[str, Any]:
    """Label, unit, kind, digits and definition of a column of the inventory in a language."""
    words = Words(language)
    label, definition = (words.choose(pair) for pair in said.COLUMNS[name])
    kind, digits = _KINDS.get(name, ("text", 0))
    return {
        "name": name,
        "label": label,
        "unit": "" if kind == "text" else words.choose(said.UNITS[kind]),
        "kind": kind if kind in ("text", "share") else "number",
        "digits": digits,
        "definition": definition,
    }


def told_value(name: str, value: Any, language: str) -> str:
    """A value of such a column as people read it."""
    kind, digits = _KINDS.get(name, ("text", 0))
    if value is None:
        return NONE
    if kind == "text":
        return str(value)
    if kind == "share":
        return locales.percent(value, language, digits)
    return locales.number(value, digits, language)


class _Telling:
    """Tells the parts of a report in one language."""

    def __init__(self, facts: ShipperFacts, language: str) -> None:
        self._facts, self._language, self._words = facts, language, Words(language)
        self._shipments = _in_kilograms(facts.shipments)
        self._is_feasible = any(one["distance_kind"] == _FEASIBLE for one in facts.shipments)
        self._category_names = {toc["toc_id"]: category_name(toc, language) for toc in facts.tocs}

    def report(self) -> dict[str, Any]:
        """The whole of it."""
        facts, language = self._facts, self._language
        return {
            "format": FORMAT,
            "language": language,
            **facts.heading,
            "month_text": locales.month(facts.heading["month"], language),
            "shipper_id": facts.whole["shipper_id"],
            "closed_on": facts.closed_on,
            "closed_text": locales.day(facts.closed_on, language),
            "words": {name: self._choose(pair) for name, pair in said.LABELS.items()},
            "questions": {name: self._question(name) for name in said.QUESTIONS},
            "headline": [self._figure(name) for name in _HEADLINE],
            "tables": [
                self._table("categories", self._categories()),
                self._table("shipments", self._shipments),
            ],
            "missing": [self._unproven(one) for one in facts.unproven],
            "method": [*(self._choose(pair) for pair in said.METHOD), *self._notes()],
            "columns": [self._column(name) for name in said.COLUMNS],
        }

    def _choose(self, pair: said.Pair) -> str:
        return self._words.choose(pair)

    def _question(self, name: str) -> dict[str, str]:
        short, question, about = (self._choose(pair) for pair in said.QUESTIONS[name])
        return {"short": short, "question": question, "about": about}

    def _column(self, name: str, table: str = "") -> dict[str, Any]:
        off_paper = _OFF_PAPER.get(table, set()) | (set() if self._is_feasible else _OF_FEASIBLE)
        is_on_paper = name not in off_paper
        return {**told_column(name, self._language), "has_bar": False, "on_paper": is_on_paper}

    def _text(self, name: str, value: Any) -> str:
        return told_value(name, value, self._language)

    def _figure(self, name: str) -> dict[str, Any]:
        value = self._whole(name)
        column, text = self._column(name), self._text(name, value)
        if column["unit"] and column["digits"] > _SUM_DIGITS:
            text = locales.number(value, _SUM_DIGITS, self._language)
        unit = "" if column["kind"] == "share" or value is None else column["unit"]
        return {
            **{key: column[key] for key in ("name", "label", "unit", "kind", "digits")},
            "definition": column["definition"],
            "value": value,
            "text": f"{text} {unit}".rstrip(),
            "interval": "",
        }

    def _whole(self, name: str) -> Any:
        """A figure of all shipments together."""
        whole = self._facts.whole
        if name in ("co2e_ttw_kg", "co2e_wtw_kg"):
            return _kilograms(whole[name.replace("_kg", "_mg")])
        if name == "data_class":
            return self._choose(said.CLASSES[whole[name]])
        return whole[name]

    def _table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        columns = _SHOWN[name]
        told = [
            {**row, "data_class": self._class_of(row), "distance_kind": self._kind_of(row)}
            for row in rows
        ]
        read = [self._as_read(row) for row in told]
        return {
            "name": name,
            **self._question(name),
            "columns": [self._column(column, name) for column in columns],
            "rows": [[row[column] for column in columns] for row in told],
            "texts": [[self._text(column, row[column]) for column in columns] for row in read],
        }

    def _as_read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Categories in words and days as people write them; files keep what systems know."""
        found = {**row, "toc_id": self._category_names[row["toc_id"]]}
        if row.get("departed_on"):
            found["departed_on"] = locales.day(row["departed_on"], self._language)
        return found

    def _class_of(self, row: Mapping[str, Any]) -> str:
        return self._choose(said.CLASSES[row["data_class"]])

    def _kind_of(self, row: Mapping[str, Any]) -> str:
        return self._choose(DISTANCES[row["distance_kind"]])

    def _categories(self) -> list[dict[str, Any]]:
        """The categories with the customer's part of each: counts and kilograms of its own."""
        found = []
        for toc in self._facts.tocs:
            own = [row for row in self._shipments if row["toc_id"] == toc["toc_id"]]
            sums = {
                name: round(sum(row[name] for row in own if row[name] is not None), _KG_DIGITS)
                for name in ("co2e_ttw_kg", "co2e_wtw_kg")
            }
            known = any(row["co2e_wtw_kg"] is not None for row in own)
            activity_tkm = sum(row["activity_tkm"] for row in own)
            found.append(
                {
                    **toc,
                    **(sums if known else dict.fromkeys(sums)),
                    "shipments_count": len(own),
                    "activity_tkm": activity_tkm,
                }
            )
        return found

    def _unproven(self, one: Mapping[str, Any]) -> dict[str, Any]:
        room = chinese if self._language == CHINESE else reasons
        clause: str = room.order_reason(one["reason_code"])
        return {
            "about": one["order_id"],
            "affected_count": 1,
            "text": clause[:1].upper() + clause[1:],
        }

    def _notes(self) -> list[str]:
        codes = {code for toc in self._facts.tocs for code in toc["notes"].split(";")}
        return [self._choose(pair) for code, pair in said.NOTES.items() if code in codes]


def _in_kilograms(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Shipments with kilograms to the gram that add up to their rounded sum."""
    found = [dict(row) for row in rows]
    for name in ("co2e_ttw", "co2e_wtw"):
        known = [row for row in found if row[f"{name}_mg"] is not None]
        exact_kg = [row[f"{name}_mg"] / _MG_PER_KG for row in known]
        whole_kg = sum(row[f"{name}_mg"] for row in known) / _MG_PER_KG
        for row in found:
            row[f"{name}_kg"] = None
        shown = locales.shown_parts(exact_kg, whole_kg, _KG_DIGITS)
        for row, kg in zip(known, shown, strict=True):
            row[f"{name}_kg"] = float(kg)
    return found


def _kilograms(mass_mg: int) -> float:
    return float(locales.rounded(mass_mg / _MG_PER_KG, _KG_DIGITS))
