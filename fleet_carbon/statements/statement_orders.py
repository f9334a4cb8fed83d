"""The orders of a statement: each in one plain sentence, with its part of the month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from fleet_carbon.statements import chinese, locales, reasons
from fleet_carbon.statements import statement_words as said
from fleet_carbon.statements.attribution import STEPS_PER_L, OrderPart, parts_of_orders
from fleet_carbon.statements.statement_facts import TruckFacts
from fleet_carbon.statements.wording import CHINESE, Words
from fleet_carbon.units import G_PER_KG

Row = Mapping[str, Any]
_CANCELLED = "cancelled"


class _Part(NamedTuple):
    """An order's part of the month, and its litres as they are shown."""

    of: OrderPart
    shown_l: Decimal


def order_lines(trucks: Sequence[TruckFacts], words: Words) -> dict[str, Any]:
    """Every order of the trucks, proven ones with what fell to them, and what fell to none.

    Parameters
    ----------
    trucks : sequence of TruckFacts
        Of the driver and month.
    words : Words
        Of the language.
    """
    counts = {
        name: sum(truck.account[f"orders{column}_count"] for truck in trucks)
        for name, column in (("count", ""), ("matched", "_matched"))
    }
    telling = _Orders(words)
    found = _parts(trucks)
    together = [part for parts in found for part in parts]
    rest = [part for part in together if not part.of.order_id]
    has_orders = any(truck.orders for truck in trucks)
    return {
        "summary": telling.say("orders_summary" if has_orders else "orders_none", **counts),
        "how": telling.say("orders_parts") if rest else "",
        "lines": [
            line
            for truck, parts in zip(trucks, found, strict=True)
            for line in telling.lines(truck, parts)
        ],
        "rest": telling.sums(rest, "rest"),
        "together": telling.sums(together, "together"),
    }


def _parts(trucks: Sequence[TruckFacts]) -> list[list[_Part]]:
    """By truck; litres as they are shown add up to those of the month as they are shown."""
    found = [
        parts_of_orders(
            truck.account,
            truck.chain,
            truck.orders,
            bounds_l=truck.bounds.get("diesel_saved_l"),
        )
        for truck in trucks
    ]
    litres = [part.saved_l for parts in found for part in parts]
    shown = iter(locales.shown_parts(litres, _on_grid(sum(litres)), 1))
    return [[_Part(part, next(shown)) for part in parts] for parts in found]


def _litres_of(credited_g: int, truck: TruckFacts) -> float:
    """Diesel whose burning emits what was credited."""
    return credited_g / G_PER_KG / truck.chain["co2_ttw_kg_per_l"]


def _on_grid(litres: float) -> float:
    """Of a sum of differences the number on the grid of an account that it stands for."""
    return round(litres * STEPS_PER_L) / STEPS_PER_L


class _Orders:
    """Puts orders into words of one language."""

    def __init__(self, words: Words) -> None:
        self.words, self.language = words, words.language
        self._tell = chinese if self.language == CHINESE else reasons

    def say(self, sentence: str, **given: object) -> str:
        """A sentence of a statement with its gaps filled."""
        return self.words.choose(said.SENTENCES[sentence]).format(**given)

    def lines(self, truck: TruckFacts, parts: Sequence[_Part]) -> list[dict[str, Any]]:
        """A line for each order of a truck: its sentence, its litres, its kilograms."""
        by_order = {part.of.order_id: part for part in parts}
        return [self._line(order, truck, by_order.get(order["order_id"])) for order in truck.orders]

    def _line(self, order: Row, truck: TruckFacts, part: _Part | None) -> dict[str, Any]:
        nothing = self._nothing(order, truck, part)
        line = {
            "order_id": order["order_id"],
            "vehicle_id": order["vehicle_id"],
            "matched": order["matched"],
            "reason_code": order["reason_code"],
            "text": self._sentence(order, truck, part),
            "nothing": nothing,
            "saved_l": None if part is None else part.of.saved_l,
            "credited_g": None if part is None else part.of.credited_g,
            "saved_text": "–",
            "credited_text": "–",
        }
        if part is not None:
            line["saved_text"] = locales.number(part.shown_l, 1, self.language)
            line["credited_text"] = self._kg(part.of.credited_g)
        return line

    def _sentence(self, order: Row, truck: TruckFacts, part: _Part | None) -> str:
        if not order["matched"]:
            if order["reason_code"] == _CANCELLED:
                return self.say("order_cancelled")
            reason = self._tell.order_reason(order["reason_code"])
            return self.say("order_unproven", reason=reason)
        text = self.say(
            "order",
            loaded=self._number(order["onboard_km"]),
            cargo=f"{order['cargo_t']:g}",
            approach=self._number(order["approach_km"] or 0.0),
        )
        if part is None:
            return text + self.say("order_plain") + self._doubts(order)
        who = self.words.of(said.WHO, truck.account["baseline_source"])
        text += self.say("order_usual", who=who, km=self._number(part.of.usual_empty_km))
        return text + self._saved(truck, part) + self._doubts(order)

    def _saved(self, truck: TruckFacts, part: _Part) -> str:
        """Litres with their part of the month's interval, and what was credited, also in litres."""
        bounds = [part.of.low_l, part.of.high_l]
        is_cost = part.of.saved_l < 0
        if is_cost:
            bounds = [-one for one in reversed(bounds)]
        sentence = "order_saved" if part.of.credited_g else "order_uncredited"
        return self.say(
            "order_cost" if is_cost else sentence,
            litres=locales.number(abs(part.shown_l), 1, self.language),
            low=self._number(bounds[0]),
            high=self._number(bounds[1]),
            credited=locales.number(_litres_of(part.of.credited_g, truck), 1, self.language),
            kg=self._kg(part.of.credited_g),
        )

    def _doubts(self, order: Row) -> str:
        """What is not plain about a proven order: a gap at an end, less cargo than stated."""
        codes = []
        if order["reason_code"] != reasons.PROVEN_PLAINLY:
            codes.append(self._tell.order_reason(order["reason_code"]))
        if order["weight_reason"]:
            codes.append(self._tell.weight_reason(order["weight_reason"]))
        told = (self.say("order_proof", reason=f"{one[:1].upper()}{one[1:]}") for one in codes)
        return "".join(told)

    def _nothing(self, order: Row, truck: TruckFacts, part: _Part | None) -> str:
        """Why a proven order earned nothing, and what to do about it; empty if it earned."""
        if part is None or part.of.credited_g:
            return ""
        if not truck.account["co2_credited_g"]:
            return (
                self.say("nothing_month") if part.of.saved_l > 0 else self._why(order, truck, part)
            )
        return self._why(order, truck, part)

    def _why(self, order: Row, truck: TruckFacts, part: _Part) -> str:
        own_km, usual_t = order["approach_km"] or 0.0, truck.chain["counterfactual_payload_t"]
        if own_km > part.of.usual_empty_km:
            usual = self._number(part.of.usual_empty_km)
            return self.say("nothing_far", own=self._number(own_km), usual=usual)
        if order["cargo_t"] < usual_t:
            usual = locales.number(usual_t, 1, self.language)
            return self.say("nothing_light", cargo=f"{order['cargo_t']:g}", usual=usual)
        return self.say("nothing_burnt")

    def sums(self, parts: Sequence[_Part], sentence: str) -> dict[str, Any] | None:
        """What parts come to, as they are shown."""
        if not parts:
            return None
        grams = sum(part.of.credited_g for part in parts)
        litres = sum((part.shown_l for part in parts), Decimal(0))
        return {
            "label": self.say(sentence),
            "saved_l": sum(part.of.saved_l for part in parts),
            "saved_text": locales.number(litres, 1, self.language),
            "credited_g": grams,
            "credited_text": self._kg(grams),
        }

    def _number(self, value: float) -> str:
        return locales.number(value, 0, self.language)

    def _kg(self, grams: int) -> str:
        return locales.number(Decimal(grams) / G_PER_KG, 3, self.language)
