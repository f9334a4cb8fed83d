"""The figures of a driver's statement: numbers, their texts, and what they are set against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fleet_carbon.ledger.proceeds import minor_digits
from fleet_carbon.statements import charts, locales
from fleet_carbon.statements import statement_words as said
from fleet_carbon.statements.likeness import OTHERS_MIN
from fleet_carbon.statements.meanings import meaning
from fleet_carbon.statements.shares import bounds_of_mean, empty_share
from fleet_carbon.statements.statement_facts import StatementFacts, TruckFacts
from fleet_carbon.statements.wording import Words
from fleet_carbon.units import G_PER_KG

Row = Mapping[str, Any]
_PARTS = ("saved_by_less_empty_l", "saved_by_higher_load_l", "saved_by_efficiency_l")
# What was credited is certain, and so is its worth at a price.
_UNCERTAIN_MONEY = ("fuel_cost_saved",)
NONE = "\N{EN DASH}"
# The columns whose intervals those of the shares are made of.
_SHARES = {
    "empty_share": "mileage_utilisation_share",
    "load_rate": "load_rate_share",
    "payload_share": "payload_utilisation_share",
}


class Figures:
    """Makes the figures of a statement of one driver in one language."""

    def __init__(self, facts: StatementFacts, language: str) -> None:
        self.facts, self.language, self.words = facts, language, Words(language)
        self.accounts = [truck.account for truck in facts.trucks]

    def say(self, sentence: str, **given: object) -> str:
        """A sentence of a statement with its gaps filled."""
        return self.words.choose(said.SENTENCES[sentence]).format(**given)

    def headline(self) -> list[dict[str, Any]]:
        """What a driver looks for first, each figure with its interval, definition and source."""
        carbon, diesel = (self.facts.prices.get(kind) for kind in ("carbon", "diesel"))
        credited_kg = self._sum("co2_credited_g", 0) / G_PER_KG
        avoided_kg = self._sum("co2_avoided_kg")
        credited = self._figure(
            "co2_credited",
            credited_kg,
            "kg",
            1,
            formula="F12",
        )
        if avoided_kg is not None:
            told = "credited_note" if credited_kg else "credited_none"
            credited["note"] = self.say(told, avoided=self._avoided(avoided_kg))
        return [
            credited,
            self._figure(
                "diesel_saved",
                self._sum("diesel_saved_l"),
                "l",
                1,
                bounds=self._bounds("diesel_saved_l"),
                formula="F7",
            ),
            self._money("money_saved", "fuel_cost_saved", diesel),
            self._money("carbon_value", "carbon_value", carbon),
        ]

    def _avoided(self, avoided_kg: float) -> str:
        """What was avoided, with its interval: what is credited lies at the lower end of it."""
        text, bounds = self._text(avoided_kg, "kg", 1), self._bounds("co2_avoided_kg")
        if bounds is None:
            return text
        return self.say("with_interval", value=text, interval=self._range(bounds, "", 1))

    def against(self) -> list[dict[str, str]]:
        """Against the month before and similar drivers: at a glance, and as a sentence each."""
        return [self._before(), self._similar()]

    def _before(self) -> dict[str, str]:
        month = locales.month(self.facts.before_month, self.language)
        label = self.say("against_month", month=month)
        if not self.facts.before:
            none = self.say("before_none", month=month)
            return self._beside("against_month", label, NONE, none)
        before_kg = sum(row["co2_credited_g"] for row in self.facts.before) / G_PER_KG
        change_kg = self._sum("co2_credited_g", 0) / G_PER_KG - before_kg
        change = locales.signed(change_kg, 1, self.language)
        unit = self._unit("kg")
        sentence = self.say("before", change=change, unit=f"{unit} CO₂", month=month)
        return self._beside("against_month", label, f"{change} {unit}", sentence)

    def _similar(self) -> dict[str, str]:
        """Per 100 km, since nobody drives as far as the other."""
        found, label = self.facts.likeness, self.words.of(said.LABELS, "similar")
        if found is None:
            return self._beside("similar", label, NONE, self.say("peers_none"))
        alike = self.words.of(said.CLASSES, found.distance_band)
        if found.credited_kg_per_100km is None or found.saved_l_per_100km is None:
            few = self.say("peers_few", count=found.others_count, alike=alike, min=OTHERS_MIN)
            return self._beside("similar", label, NONE, few)
        told = {
            "own_kg": self._per_100km(self._sum("co2_credited_g", 0) / G_PER_KG),
            "kg": locales.number(found.credited_kg_per_100km, 1, self.language),
            "own_l": self._per_100km(self._sum("diesel_saved_l")),
            "litres": locales.number(found.saved_l_per_100km, 1, self.language),
        }
        sentence = self.say("peers", count=found.others_count, alike=alike, **told)
        return self._beside("similar", label, self.say("peers_glance", **told), sentence)

    def _beside(self, name: str, label: str, text: str, sentence: str) -> dict[str, str]:
        told = meaning(name, self.words, edition=self.facts.edition)
        return {"name": name, "label": label, "text": text, "sentence": sentence, **told}

    def _per_100km(self, amount: float | None) -> str:
        """An amount of the driver for each 100 km driven."""
        ratio = self._ratio(amount, self._sum("distance_km"), 100)
        return NONE if ratio is None else locales.number(ratio, 1, self.language)

    def running(self) -> list[dict[str, Any]]:
        """Empty share, load rate and payload beside counterfactual, last month, similar drivers."""
        like, before = self.facts.likeness, list(self.facts.before)
        rows = (
            ("empty_share", _empty_share, self._usual_empty(), like.empty_share if like else None),
            ("load_rate", _load_rate, self._usual_load(), like.load_rate_share if like else None),
            ("payload_share", _payload_share, self._usual_payload(), None),
        )
        of_shares = self._bounds_of_shares()
        found = [
            {
                **self._figure(
                    name, share(self.accounts), "%", 1, bounds=of_shares.get(name), formula="F4"
                ),
                "counterfactual": self._percent(usual),
                "last_month": self._percent(share(before)),
                "similar": self._percent(similar),
            }
            for name, share, usual, similar in rows
        ]
        plain = (
            ("distance", "distance_km", "km", 0),
            ("diesel_burnt", "diesel_l", "l", 1),
            ("idling", "idle_h", "h", 1),
        )
        for name, column, unit, digits in plain:
            bounds, value = self._bounds(column), self._sum(column)
            told = self._figure(name, value, unit, digits, bounds=bounds)
            last = _sum_of(before, column) if before else None
            told["last_month"] = NONE if last is None else self._with_unit(last, unit, digits)
            found.append({**told, "counterfactual": NONE, "similar": NONE})
        found[4]["counterfactual"] = self._text(self._sum("baseline_diesel_l"), "l", 1)
        return found

    def _bounds_of_shares(self) -> dict[str, tuple[float, float]]:
        """Of several trucks the means, by that which each share is a share of."""
        found = {}
        for name, column in _SHARES.items():
            trucks = self.facts.trucks
            parts = [(one.bounds.get(column), _whole_of(one.account, column)) for one in trucks]
            mean = bounds_of_mean(parts)
            if mean is not None:
                found[name] = (1 - mean[1], 1 - mean[0]) if name == "empty_share" else mean
        return found

    def _usual_empty(self) -> float | None:
        empty_km, loaded_km = self._chain("counterfactual_empty_km"), self._usual_km()
        return self._ratio(empty_km, loaded_km + (empty_km or 0.0))

    def _usual_load(self) -> float | None:
        capacity_tkm = sum(
            truck.chain["rated_payload_t"]
            * (truck.chain["counterfactual_loaded_km"] + truck.chain["counterfactual_empty_km"])
            for truck in self._compared()
        )
        return self._ratio(self._chain("activity_tkm"), capacity_tkm)

    def _usual_payload(self) -> float | None:
        capacity_tkm = sum(
            truck.chain["rated_payload_t"] * truck.chain["counterfactual_loaded_km"]
            for truck in self._compared()
        )
        return self._ratio(self._chain("activity_tkm"), capacity_tkm)

    def _usual_km(self) -> float:
        return self._chain("counterfactual_loaded_km") or 0.0

    def _compared(self) -> list[TruckFacts]:
        return [one for one in self.facts.trucks if one.account["diesel_saved_l"] is not None]

    def _chain(self, name: str) -> float | None:
        found = [truck.chain[name] for truck in self._compared()]
        return sum(found) if found else None

    def brought(self) -> dict[str, Any]:
        """What brought the saving: three parts that add up as they are shown."""
        saved_l = self._sum("diesel_saved_l")
        if saved_l is None:
            return {"text": self.say("brought_none"), "parts": [], "chart": None, "chart_text": ""}
        parts_l = [self._sum(name) or 0.0 for name in _PARTS]
        shown = [*locales.shown_parts(parts_l, saved_l, 1), locales.rounded(saved_l, 1)]
        texts = [locales.signed(one, 1, self.language) for one in shown]
        names = [self.words.of(said.PARTS, name) for name in (*_PARTS, "diesel_saved_l")]
        baseline, burnt = (
            self._text(_sum_of(self._saving_accounts(), name), "", 1)
            for name in ("baseline_diesel_l", "diesel_l")
        )
        sentence = "brought_less" if shown[-1] < 0 else "brought"
        saved = locales.number(abs(shown[-1]), 1, self.language)
        keys = ("less_empty", "higher_load", "efficiency", "saved")
        return {
            "text": self.say(sentence, baseline=baseline, burnt=burnt, saved=saved),
            "parts": [
                {
                    "name": name, "label": label, "value_l": value, "shown_l": str(one),
                    "text": text, "interval": self._litres_between(name),
                }
                for name, label, value, one, text in zip(
                    (*_PARTS, "diesel_saved_l"), names, (*parts_l, saved_l), shown, texts,
                    strict=True,
                )
            ],
            "chart": charts.waterfall(
                names, [float(one) for one in shown],
                [f"{text} {self._unit('l')}" for text in texts],
            ),
            "chart_text": self.say("chart_parts", **dict(zip(keys, texts, strict=True))),
        }  # fmt: skip

    def _litres_between(self, name: str) -> str:
        bounds = self._bounds(name)
        return "" if bounds is None else self._range(bounds, "l", 1)

    def _saving_accounts(self) -> list[Row]:
        return [row for row in self.accounts if row["diesel_saved_l"] is not None]

    def months(self) -> dict[str, Any]:
        """What was credited month by month, up to this one."""
        names = [locales.short_month(name, self.language) for name, _ in self.facts.months]
        kilograms = [grams / G_PER_KG for _, grams in self.facts.months]
        texts = [locales.number(one, 0, self.language) for one in kilograms]
        listed = ", ".join(f"{name} {text}" for name, text in zip(names, texts, strict=True))
        return {
            "values": [{"month": name, "co2_credited_g": g} for name, g in self.facts.months],
            "chart": charts.months(names, kilograms, texts) if len(names) > 1 else None,
            "chart_text": self.say("chart_months", list=listed),
        }

    def _figure(
        self,
        name: str,
        value: float | None,
        unit: str,
        digits: int,
        *,
        bounds: tuple[float, float] | None = None,
        formula: str = "",
    ) -> dict[str, Any]:
        low, high = bounds or (None, None)
        return {
            "name": name,
            "label": self.words.of(said.FIGURES, name),
            "value": value,
            "unit": unit,
            "text": self._text(value, unit, digits),
            "low": low,
            "high": high,
            "interval": "" if bounds is None else self._range(bounds, unit, digits),
            **meaning(name, self.words, edition=self.facts.edition, formula=formula),
        }

    def _money(self, name: str, column: str, price: Row | None) -> dict[str, Any]:
        value = self._sum(column)
        bounds = self._bounds(column) if column in _UNCERTAIN_MONEY else None
        figure = self._figure(name, value, "", 2, formula="F10", bounds=bounds)
        if price is None:
            return {**figure, "text": NONE, "interval": "", "note": self.say("price_none")}
        if value is None:
            return {**figure, "unit": price["currency"]}
        currency = price["currency"]
        spread = bounds is not None and bounds[0] < bounds[1]
        texts = [locales.money(one, currency, self.language) for one in bounds or ()]
        unit = self.say(f"unit_{price['unit']}")
        at = locales.money(float(price["price"]), currency, self.language)
        return {
            **figure,
            "unit": currency,
            "digits": minor_digits(currency),
            "text": locales.money(value, currency, self.language),
            "interval": self._between(*texts) if spread else "",
            "note": self.say(
                "price", price=at, unit=unit, series=self.words.series(price["series"])
            ),
        }

    def _sum(self, column: str, digits: int | None = None) -> Any:
        found = _sum_of(self.accounts, column)
        return (found or 0) if digits is not None else found

    def _bounds(self, column: str) -> tuple[float, float] | None:
        """Of several trucks the bounds are added, as if all erred alike."""
        found = [truck.bounds[column] for truck in self.facts.trucks if column in truck.bounds]
        return (sum(low for low, _ in found), sum(high for _, high in found)) if found else None

    def _range(self, bounds: tuple[float, float], unit: str, digits: int) -> str:
        """The unit stands once, behind both; a sign of percent behind each."""
        if unit == "%":
            return self._between(*map(self._percent, bounds))
        text = self._between(*(locales.number(one, digits, self.language) for one in bounds))
        return f"{text} {self._unit(unit)}".rstrip()

    def _between(self, low: str, high: str) -> str:
        return self.words.say("interval", low=low, high=high)

    def _text(self, value: float | None, unit: str, digits: int) -> str:
        if value is None:
            return NONE
        return self._percent(value) if unit == "%" else self._with_unit(value, unit, digits)

    def _with_unit(self, value: float, unit: str, digits: int) -> str:
        return f"{locales.number(value, digits, self.language)} {self._unit(unit)}".rstrip()

    def _unit(self, unit: str) -> str:
        return locales.unit(unit, self.language)

    def _percent(self, share: float | None) -> str:
        return NONE if share is None else locales.percent(share, self.language)

    @staticmethod
    def _ratio(part: float | None, whole: float | None, times: float = 1.0) -> float | None:
        return None if part is None or not whole else times * part / whole


def _sum_of(rows: Sequence[Row], column: str) -> float | None:
    found = [row[column] for row in rows if row[column] is not None]
    return sum(found) if found else None


def _whole_of(row: Row, column: str) -> float:
    """What a share of an account is a share of: km, or the tkm of full loads."""
    if column == "mileage_utilisation_share":
        return float(row["distance_km"] or 0.0)
    return float(row["transport_work_tkm"] / row[column]) if row[column] else 0.0


def _empty_share(rows: Sequence[Row]) -> float | None:
    loaded_km, distance_km = (_sum_of(rows, f"{name}_km") for name in ("loaded", "distance"))
    return empty_share(loaded_km, distance_km)


def _load_rate(rows: Sequence[Row]) -> float | None:
    """Of several trucks: work by the sum of what could have been carried all the way."""
    known = [row for row in rows if row["load_rate_share"]]
    capacity_tkm = sum(row["transport_work_tkm"] / row["load_rate_share"] for row in known)
    return sum(row["transport_work_tkm"] for row in known) / capacity_tkm if known else None


def _payload_share(rows: Sequence[Row]) -> float | None:
    known = [row for row in rows if row["payload_utilisation_share"]]
    capacity_tkm = sum(
        row["transport_work_tkm"] / row["payload_utilisation_share"] for row in known
    )
    return sum(row["transport_work_tkm"] for row in known) / capacity_tkm if known else None
