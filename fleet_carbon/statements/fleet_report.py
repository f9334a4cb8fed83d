"""A fleet's monthly report as one object: behind its workbook, its PDF, its page and its JSON.

In: the month as `services.accounts.reporting` sums it, the months before, names and plates. Out:
JSON-ready, in one language: figures with unit, interval and definition, a table for each question,
charts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fleet_carbon.statements import charts, locales
from fleet_carbon.statements import report_words as said
from fleet_carbon.statements.issues import issue_text
from fleet_carbon.statements.wording import Words
from fleet_carbon.units import G_PER_KG

Row = Mapping[str, Any]
Ends = tuple[float, float]
FORMAT = "fleet-carbon report 1"
NONE = "\N{EN DASH}"
RANKED = 10
"""How many stand in a ranking."""

# Column -> kind of its unit in `report_words.UNITS`, and digits after the point; texts have none.
_KINDS: dict[str, tuple[str, int]] = {
    **dict.fromkeys(
        ("distance_km", "loaded_km", "empty_km", "unknown_km", "onboard_km", "approach_km"),
        ("km", 0),
    ),
    **dict.fromkeys(
        (
            *("diesel_l", "diesel_saved_l", "saved_by_less_empty_l"),
            *("saved_by_higher_load_l", "saved_by_efficiency_l"),
        ),
        ("l", 1),
    ),
    **dict.fromkeys(
        (
            *("co2_avoided_kg", "co2_avoided_low_kg", "co2_avoided_high_kg", "co2_ttw_kg"),
            *("co2_credited_kg", "planned_co2_kg", "realised_co2_kg"),
        ),
        ("kg", 1),
    ),
    **dict.fromkeys(("empty_share", "load_rate_share", "coverage_share"), ("share", 1)),
    **dict.fromkeys(("transport_work_tkm", "activity_tkm"), ("tkm", 0)),
    **dict.fromkeys(("orders_count", "orders_matched_count", "vehicles_count"), ("", 0)),
    "idle_h": ("h", 1),
    "cargo_t": ("t", 1),
    "fuel_cost_saved": ("money", 2),
}
_SAVED = ("diesel_saved_l", "saved_by_less_empty_l", "saved_by_higher_load_l")
_OF_ACCOUNTS = (
    *("distance_km", "empty_share", "load_rate_share", "orders_count", "orders_matched_count"),
    *("diesel_l", *_SAVED, "saved_by_efficiency_l", "fuel_cost_saved", "co2_avoided_kg"),
    *("co2_avoided_low_kg", "co2_avoided_high_kg", "co2_credited_kg", "idle_h", "coverage_share"),
)
_SHOWN: dict[str, tuple[str, ...]] = {
    "drivers": ("driver_id", "driver_name", *_OF_ACCOUNTS),
    "vehicles": ("vehicle_id", "plate", *_OF_ACCOUNTS),
    "depots": ("depot", "vehicles_count", *_OF_ACCOUNTS),
    "lanes": (
        *("origin", "destination", "distance_band", "orders_count", "loaded_km", "empty_km"),
        *("unknown_km", "empty_share", "transport_work_tkm"),
    ),
    "shippers": (
        *("shipper_id", "orders_count", "orders_matched_count", "cargo_t", "onboard_km"),
        *("approach_km", "activity_tkm", "planned_co2_kg", "realised_co2_kg"),
    ),
}
# What fits on the width of a page of paper.
_ON_PAPER = {
    *("driver_id", "driver_name", "vehicle_id", "plate", "depot", "vehicles_count"),
    *("distance_km", "empty_share"),
    *("load_rate_share", "diesel_l", "diesel_saved_l", "co2_credited_kg", "idle_h"),
    *_SHOWN["lanes"],
    *_SHOWN["shippers"],
}
_ORDERED_BY = {
    "drivers": "diesel_saved_l",
    "vehicles": "diesel_saved_l",
    "depots": "diesel_saved_l",
    "lanes": "empty_km",
    "shippers": "activity_tkm",
}
# Room for a name in a ranking; a lane has the names of two cities.
_NAMES_PX = {"drivers": 104, "lanes": 220}
# What a spreadsheet shows a bar in.
_BARRED = {"diesel_saved_l", "empty_share", "empty_km", "activity_tkm"}
_HEADLINE = (
    *("co2_credited_kg", "co2_avoided_kg", "diesel_saved_l", "fuel_cost_saved"),
    *("distance_km", "empty_share", "load_rate_share", "diesel_l", "co2_ttw_kg", "idle_h"),
    *("orders_count", "orders_matched_count", "coverage_share"),
)
_PARTS = ("saved_by_less_empty_l", "saved_by_higher_load_l", "saved_by_efficiency_l")
_TREND = ("month", "co2_credited_kg", "diesel_saved_l", "distance_km", "empty_share")


@dataclass(frozen=True)
class ReportFacts:
    """What a report is composed of.

    Attributes
    ----------
    month : dict
        JSON-ready form of a `services.accounts.reporting.MonthReport`.
    closed_on : str
        Day of the close in the fleet's time zone, YYYY-MM-DD.
    trend : list of dict
        ``month``, ``distance_km``, ``empty_share``, ``diesel_saved_l`` and ``co2_credited_g`` of
        this month and those before, in order.
    currency : str
        Of the diesel price; empty if none was in force.
    driver_names, plates, places : dict of str to str
        By identifier; how regions of lanes are called in the language of the report.
    """

    month: dict[str, Any]
    closed_on: str
    trend: list[dict[str, Any]]
    currency: str = ""
    driver_names: dict[str, str] = field(default_factory=dict)
    plates: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)


def compose_report(facts: ReportFacts, language: str) -> dict[str, Any]:
    """The report as one JSON-ready object, the same for the same facts.

    Parameters
    ----------
    facts : ReportFacts
        What is on record.
    language : str
        ``en`` or ``zh``.
    """
    return _Telling(facts, language).report()


class _Telling:
    """Tells the parts of a report in one language."""

    def __init__(self, facts: ReportFacts, language: str) -> None:
        self._facts, self._language, self._words = facts, language, Words(language)
        self._fleet = _derived(facts.month["fleet"])

    def report(self) -> dict[str, Any]:
        """The whole of it."""
        month = self._facts.month
        tables = {name: self._table(name) for name in _SHOWN}
        return {
            "format": FORMAT,
            "language": self._language,
            "month": month["month"],
            "month_text": locales.month(month["month"], self._language),
            "fleet_id": month["fleet_id"],
            "edition": month["edition"],
            "run_id": month["run_id"],
            "closed_on": self._facts.closed_on,
            "closed_text": locales.day(self._facts.closed_on, self._language),
            "words": {name: self._choose(pair) for name, pair in said.LABELS.items()},
            "questions": {name: self._question(name) for name in said.QUESTIONS},
            "headline": [self._figure(name) for name in _HEADLINE],
            "brought": self._brought(),
            "trend": self._trend(),
            "tables": [*tables.values()],
            "rankings": [
                self._ranking(tables["drivers"], "ranking", "diesel_saved_l"),
                self._ranking(tables["lanes"], "lanes_ranked", "empty_km"),
            ],
            "missing": self._missing(),
            "columns": [self._column(name) for name in said.COLUMNS],
        }

    def _choose(self, pair: said.Pair) -> str:
        return self._words.choose(pair)

    def _question(self, name: str) -> dict[str, str]:
        short, question, about = (self._choose(pair) for pair in said.QUESTIONS[name])
        return {"short": short, "question": question, "about": about}

    def _column(self, name: str) -> dict[str, Any]:
        label, definition = (self._choose(pair) for pair in said.COLUMNS[name])
        kind, digits = _KINDS.get(name, ("text", 0))
        unit = "" if kind == "text" else self._choose(said.UNITS[kind])
        unit = (self._facts.currency or unit) if kind == "money" else unit
        return {
            "name": name,
            "label": label,
            "unit": unit,
            "kind": "text" if kind == "text" else "share" if kind == "share" else "number",
            "digits": digits,
            "definition": definition,
            "has_bar": name in _BARRED,
            "on_paper": name in _ON_PAPER,
        }

    def _text(self, name: str, value: Any) -> str:
        """A value as people read it, without its unit."""
        kind, digits = _KINDS.get(name, ("text", 0))
        if value is None:
            return NONE
        if kind == "text":
            return str(value)
        if kind == "share":
            return locales.percent(value, self._language, digits)
        return locales.number(value, digits, self._language)

    def _figure(self, name: str) -> dict[str, Any]:
        column, value = self._column(name), self._fleet.get(name)
        text = self._text(name, value)
        unit = "" if column["kind"] == "share" or value is None else column["unit"]
        return {
            **{key: column[key] for key in ("name", "label", "unit", "kind", "digits")},
            "definition": column["definition"],
            "value": value,
            "text": f"{text} {unit}".rstrip(),
            "interval": self._interval(name, self._ends(name)),
            "source": self._choose(said.LABELS["of_the_close"]),
        }

    def _ends(self, name: str) -> Ends | None:
        """Bounds of a sum of the whole fleet; those of the saving of CO2 stand with it."""
        if name != "co2_avoided_kg":
            return _ends(self._facts.month["intervals"]["fleet"].get("", {}), name)
        low, high = (self._fleet[f"co2_avoided_{end}_kg"] for end in ("low", "high"))
        return None if low is None or high is None else (low, high)

    def _interval(self, name: str, ends: Ends | None) -> str:
        # Ends that are shown alike are shown once: in a column of a paper twice is too wide.
        return "" if ends is None else f" {NONE} ".join({self._text(name, one): 0 for one in ends})

    def _brought(self) -> dict[str, Any]:
        """The parts of the saving, which add up to it as they are shown."""
        parts = [self._fleet[name] for name in _PARTS]
        saved_l = self._fleet["diesel_saved_l"]
        if saved_l is None or None in parts:
            return {"text": self._choose(said.LABELS["no_saving"]), "steps": [], "chart": None}
        shown = [float(one) for one in locales.shown_parts(parts, sum(parts), 1)]
        labels = [self._choose(said.COLUMNS[name][0]) for name in _PARTS]
        labels.append(self._choose(said.LABELS["whole"]))
        values = [*shown, float(locales.rounded(sum(parts), 1))]
        texts = [locales.signed(one, 1, self._language) for one in values]
        steps = {one["step"]: one["volume_l"] for one in self._facts.month["waterfall"]}
        compared, burnt = steps["baseline_diesel_l"], steps["diesel_l"]
        sentence = self._choose(said.LABELS["saved_sentence"])
        return {
            "text": sentence.format(
                compared=self._text("diesel_l", compared),
                burnt=self._text("diesel_l", burnt),
                saved=self._text("diesel_l", saved_l),
            ),
            "steps": [
                {"label": label, "value": value, "text": text}
                for label, value, text in zip(labels, values, texts, strict=True)
            ],
            "chart": charts.waterfall(labels, values, texts),
        }

    def _trend(self) -> dict[str, Any]:
        rows = [_derived(one) for one in self._facts.trend]
        values = [one["co2_credited_kg"] or 0.0 for one in rows]
        names = [locales.short_month(one["month"], self._language) for one in rows]
        texts = [locales.number(one, 0, self._language) for one in values]
        return {
            "columns": [self._column(name) for name in _TREND],
            "rows": [[one[name] for name in _TREND] for one in rows],
            "texts": [[self._text(name, one[name]) for name in _TREND] for one in rows],
            "chart": charts.months(names, values, texts) if len(rows) > 1 else None,
        }

    def _table(self, name: str) -> dict[str, Any]:
        columns = _SHOWN[name]
        intervals = self._facts.month["intervals"].get(name, {})
        rows = [
            self._named({**_derived(one), "intervals": intervals.get(one[columns[0]] or "", {})})
            for one in self._facts.month[name]
        ]
        by = _ORDERED_BY[name]
        rows.sort(key=lambda row: (row[by] is None, -(row[by] or 0.0), str(row[columns[0]])))
        ends = [[_ends(row["intervals"], column) for column in columns] for row in rows]
        return {
            "name": name,
            **self._question(name),
            "columns": [self._column(column) for column in columns],
            "rows": [[row[column] for column in columns] for row in rows],
            "texts": [[self._text(column, row[column]) for column in columns] for row in rows],
            "bounds": ends,
            "intervals": [[*map(self._interval, columns, row)] for row in ends],
        }

    def _named(self, row: dict[str, Any]) -> dict[str, Any]:
        if "driver_id" in row:
            driver_id = row["driver_id"]
            row["driver_name"] = self._facts.driver_names.get(driver_id, "")
            row["driver_id"] = driver_id or self._choose(said.LABELS["nobody"])
        if "vehicle_id" in row:
            row["plate"] = self._facts.plates.get(row["vehicle_id"], "")
        if "depot" in row:
            row["depot"] = row["depot"] or self._choose(said.LABELS["no_depot"])
        if "shipper_id" in row:
            row["shipper_id"] = row["shipper_id"] or self._choose(said.LABELS["no_shipper"])
        if "distance_band" in row:
            band = row["distance_band"]
            row["distance_band"] = self._choose(said.BANDS.get(band, (band, band)))
            for end in ("origin", "destination"):
                place = self._facts.places.get(row[end], row[end])
                row[end] = place or self._choose(said.LABELS["no_place"])
        return row

    def _ranking(self, table: Row, title: str, by: str) -> dict[str, Any]:
        names = [column["name"] for column in table["columns"]]
        place = names.index(by)
        first = [row for row in table["rows"] if row[place]][:RANKED]
        labels = [
            self._ranked_name(table["name"], dict(zip(names, row, strict=True))) for row in first
        ]
        values = [float(row[place]) for row in first]
        texts = [self._text(by, value) for value in values]
        return {
            "name": title,
            "title": self._choose(said.LABELS[title]),
            "table": table["name"],
            "column": by,
            "labels": labels,
            "values": values,
            "texts": texts,
            "unit": self._column(by)["unit"],
            "chart": (
                charts.ranking(labels, values, texts, width=_NAMES_PX[table["name"]])
                if values
                else None
            ),
        }

    def _ranked_name(self, table: str, row: Row) -> str:
        if table == "lanes":
            return f"{row['origin']} \N{RIGHTWARDS ARROW} {row['destination']}"
        return str(row["driver_name"] or row["driver_id"])

    def _missing(self) -> list[dict[str, Any]]:
        return [
            {
                "about": self._choose(said.ABOUT.get(one["about"], (one["about"], one["about"]))),
                "code": one["code"],
                "affected_count": one["affected_count"],
                "text": issue_text(one, self._language),
            }
            for one in self._facts.month["issues"]
        ]


def _ends(intervals: Mapping[str, Row], name: str) -> Ends | None:
    held = intervals.get(name)
    return None if held is None else (held["low"], held["high"])


def _derived(row: Row) -> dict[str, Any]:
    """A row with kilograms of its grams."""
    made = dict(row)
    if "co2_credited_g" in made:
        credited_g = made["co2_credited_g"]
        made["co2_credited_kg"] = None if credited_g is None else credited_g / G_PER_KG
    return made
