"""The whole chain of an account in words and numbers, from fixes and orders to the gram credited.

In: what is on record of the closing run. Out: steps of lines, each with its number, its interval
and its sources; as JSON, or as text in English or Chinese. Only for the eye figures are rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fleet_carbon.frames import ACCOUNTS
from fleet_carbon.ledger.balances import effect_g
from fleet_carbon.statements import chinese, reasons, settling, wording
from fleet_carbon.statements.account_names import account_name
from fleet_carbon.statements.layout import grouped, percent
from fleet_carbon.statements.recounting import Relation, recount, standard_kg, terms_of
from fleet_carbon.statements.wording import CHINESE, Words

Row = Mapping[str, Any]
DIGEST_SHOWN = 12
_RUNGS = tuple(wording.RUNGS)
_OF_LEGS = (
    "distance_km", "loaded_km", "empty_km", "search_km", "unknown_km", "imputed_km",
    "car_like_km", "mileage_utilisation_share", "payload_utilisation_share", "load_rate_share",
    "transport_work_tkm", "activity_tkm", "great_circle_tkm", "idle_h", "stop_h",
)  # fmt: skip
_RATES = ("empty_l_per_km", "load_l_per_tkm", "idle_l_per_h", "driving_l", "idle_l")
_BURNT = ("diesel_l", "energy_quantity", "co2_ttw_kg", "co2e_wtw_kg")
_OF_SAVING = (
    "activity_tkm", "rated_payload_t", "counterfactual_empty_share", "counterfactual_payload_share",
    "counterfactual_efficiency_index", "counterfactual_payload_t", "counterfactual_loaded_km",
    "counterfactual_empty_km", "counterfactual_driving_l", "idle_l", "baseline_diesel_l",
    "diesel_l", "diesel_saved_l", "saved_by_less_empty_l", "saved_by_higher_load_l",
    "saved_by_efficiency_l",
)  # fmt: skip
_OF_PERIOD = (
    "co2_leakage_kg", "period_months_count", "period_to_come_count", "period_net_kg",
    "period_common_standard_kg", "period_single_standard_kg", "period_open_standard_kg",
    "period_low_kg", "credited_before_kg",
)  # fmt: skip
_AGAINST = {
    "declared_driver": "saved_against_declared_l",
    "own_history": "saved_against_own_l",
    "cohort": "saved_against_cohort_l",
    "declared_class": "saved_against_class_l",
}
# Told beside them, and no baseline by itself.
_SINCE_JOINING = "since_joining"
# Notes of an account that say why a rung was not taken.
_WHY_NOT = {
    "counter": ("no_fuel_counter", "fuel_counter_"),
    "receipts": ("no_receipts", "receipts_"),
    "calibrated": ("nothing_measured", "too_little_measured"),
    "declared": ("no_declared_consumption", "declared_full_"),
}


@dataclass(frozen=True)
class Line:
    """One statement of the chain.

    Attributes
    ----------
    name : str
        What it is about: a column, a number of the derivation, an order, a code.
    text : str
        The statement in words, its number left to `value`.
    value : float or str or None
        The number or text, unrounded.
    unit : str
        Unit of the number; empty for text.
    low, high : float or None
        The 90 % interval, where there is one.
    sources : tuple of str
        Codes of where it comes from.
    """

    name: str
    text: str
    value: float | str | None = None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    sources: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {**vars(self), "sources": list(self.sources)}


@dataclass(frozen=True)
class Step:
    """One link of the chain: its name, its title, its lines."""

    name: str
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class AccountFacts:
    """What is on record of one account.

    Attributes
    ----------
    account : mapping
        Row of `frames.ACCOUNTS`, JSON-ready.
    derivations, intervals : sequence of mapping
        Its rows of `frames.DERIVATIONS` and `frames.INTERVALS`.
    orders : sequence of mapping
        Rows of `frames.ORDER_RESULTS` that the account counts, with `weight_source`.
    legs_counts : mapping of str to int
        How many legs by state.
    trace_versions : sequence of str
        Digests of the fixes the legs were made from.
    entries : sequence of mapping
        Entries of the ledger for month, driver and truck.
    ledger : mapping
        What became of the grams: `services.ledger.settling.DriverLedger.as_dict`.
    """

    account: Row
    derivations: Sequence[Row]
    intervals: Sequence[Row]
    orders: Sequence[Row]
    legs_counts: Mapping[str, int]
    trace_versions: Sequence[str]
    entries: Sequence[Row]
    ledger: Row

    @property
    def chain(self) -> dict[str, float]:
        """Numbers of the derivation by name."""
        return {row["name"]: row["value"] for row in self.derivations}

    def recounted(self) -> list[Relation]:
        """Every equation between the numbers, recounted."""
        posted_g = sum(effect_g(row["credit_account"], row["amount"]) for row in self.entries)
        return recount(self.account, self.chain, posted_g)


def explain(facts: AccountFacts, language: str, zone: ZoneInfo) -> list[Step]:
    """The chain of one account, step by step.

    Parameters
    ----------
    facts : AccountFacts
        What is on record.
    language : str
        ``en`` or ``zh``.
    zone : ZoneInfo
        Zone of the fleet, in which days are told.
    """
    telling = _Telling(facts, Words(language), zone)
    makers: dict[str, Callable[[], Iterator[Line]]] = {
        "trace": telling.trace,
        "orders": telling.orders,
        "legs": telling.legs,
        "fuel": telling.fuel,
        "baseline": telling.baselines,
        "saving": telling.saving,
        "interval": telling.interval,
        "leakage": telling.leakage,
        "credit": telling.credit,
        "ledger": telling.ledger,
        "notes": telling.notes,
    }
    return [
        Step(name, telling.words.of(wording.STEPS, name), tuple(make()))
        for name, make in makers.items()
    ]


class _Telling:
    """Makes the lines of each step of one account in one language."""

    def __init__(self, facts: AccountFacts, words: Words, zone: ZoneInfo) -> None:
        self.facts, self.words, self.zone = facts, words, zone
        self._account = facts.account
        self._written = {row["name"]: row for row in facts.derivations}
        self._bounds = {row["figure"]: row for row in facts.intervals}

    def trace(self) -> Iterator[Line]:
        """Fixes: count, dropped by reason, digest, coverage."""
        for row in self.facts.derivations:
            if row["step"] == "trace":
                yield self._number(row["name"])
        for digest in self.facts.trace_versions:
            text = self.words.say("trace_digest")
            yield Line("trace_version", text, digest, sources=("table:legs",))
        yield self._figure("coverage_share", "table:legs")

    def orders(self) -> Iterator[Line]:
        """Orders: each proven or not and why, kilometres aboard, approach, cap."""
        count, matched = (self._account[name] for name in ("orders_count", "orders_matched_count"))
        summary = self.words.say("orders_summary", count=count, matched=matched)
        yield Line("orders_matched_count", summary, matched, "1", sources=("table:order_results",))
        for order in self.facts.orders:
            text = self._proven(order) if order["matched"] else self._unproven(order)
            sources = ("table:order_results", "record:orders")
            yield Line(order["order_id"], text, order["activity_tkm"], "tkm", sources=sources)

    def _unproven(self, order: Row) -> str:
        return self.words.say("order_unproven", reason=self._reason(order["reason_code"]))

    def _proven(self, order: Row) -> str:
        driven_tkm = order["cargo_t"] * order["onboard_km"]
        text = self.words.say(
            "order_proven",
            cargo=f"{order['cargo_t']:g}",
            weight=self.words.of(wording.WEIGHTS, order["weight_source"] or "class"),
            km=grouped(order["onboard_km"], 0),
            approach=grouped(order["approach_km"] or 0.0, 0),
            reason=self._reason(order["reason_code"]),
        )
        if order.get("weight_reason"):
            text += self.words.say("order_weight", reason=self._weight(order["weight_reason"]))
        elif order["activity_tkm"] < driven_tkm * (1 - 1e-9):
            amounts = grouped(order["activity_tkm"], 0), grouped(driven_tkm, 0)
            text += self.words.say("order_capped", credited=amounts[0], driven=amounts[1])
        return text

    def legs(self) -> Iterator[Line]:
        """Kilometres by state, shares, transport work, standing."""
        counts = {
            name: self.facts.legs_counts.get(name, 0) for name in ("loaded", "empty", "unknown")
        }
        summary = self.words.say("legs_summary", count=sum(counts.values()), **counts)
        yield Line("legs", summary, sum(counts.values()), "1", sources=("table:legs",))
        for name in _OF_LEGS:
            if self._account.get(name) is not None and not (
                name == "car_like_km" and not self._account[name]
            ):
                cap = ("edition:legs.cap_great_circle_factor",) if name == "activity_tkm" else ()
                yield self._figure(name, "table:legs", *cap)

    def fuel(self) -> Iterator[Line]:
        """The rung of the litres, why no higher one, the rates, what was burnt."""
        source, energy = self._account["diesel_source"], self._account["energy"]
        if source:
            text = self.words.say("rung", rung=self.words.of(wording.RUNGS, source))
        else:
            text = self.words.say("rung_none", energy=self.words.of(wording.ENERGIES, energy or ""))
        yield Line("diesel_source", text, source, sources=(f"rung:{source}",) if source else ())
        if source:
            yield from self._rungs_above(source)
        yield from self._burnt()

    def _burnt(self) -> Iterator[Line]:
        written = [row["name"] for row in self.facts.derivations if row["step"] == "fuel"]
        for name in dict.fromkeys((*written, *_RATES)):
            if name in self._written and name not in _BURNT:
                yield self._number(name)
        # The energy of a truck that burns diesel is that diesel.
        is_diesel = self._account["diesel_l"] is not None
        for name in _BURNT:
            if name not in self._bounds or (is_diesel and name == "energy_quantity"):
                continue
            formula = "formula:F9" if name.startswith("co2") else "formula:F5"
            yield self._figure(name, *(self._sources(name) if name in written else (formula,)))

    def _rungs_above(self, source: str) -> Iterator[Line]:
        notes = self._codes()
        for rung in _RUNGS[: _RUNGS.index(source)]:
            codes = [code for code in notes if code.startswith(_WHY_NOT.get(rung, ("-",)))]
            why = " ".join(self._note(code) for code in codes)
            why = why or self.words.say("rung_without_data")
            told = self.words.say("rung_above", rung=self.words.of(wording.RUNGS, rung), why=why)
            yield Line(f"not_{rung}", told, sources=("table:accounts",))

    def baselines(self) -> Iterator[Line]:
        """The counterfactuals side by side, and which of them counts."""
        for name in (*_AGAINST, _SINCE_JOINING):
            empty = self._written.get(f"{name}_empty_share")
            if empty is None:
                continue
            about = {
                "name": self.words.of(wording.BASELINES, name),
                "empty": percent(empty["value"]),
                "payload": percent(self._value(f"{name}_payload_share")),
                "since": _since(empty["source"]),
                "age": grouped(self._value(f"{name}_age_days") or 0, 0),
            }
            text = self.words.say("baseline_line", **about)
            sample = self._value(f"{name}_sample_count")
            text += self.words.say("baseline_sample", count=grouped(sample, 0)) if sample else ""
            text += self._drawn(name)
            yield Line(name, text, sources=_codes_in(empty["source"]))
            if _AGAINST.get(name) in self._written:
                yield self._number(_AGAINST[name])
        if "season_index" in self._written:
            yield self._number("season_index")
        source = self._account["baseline_source"]
        if source in _AGAINST:
            name = self.words.of(wording.BASELINES, source)
            text = self.words.say("baseline_counts", name=name)
        else:
            text = self.words.say("baseline_none")
        yield Line("baseline_source", text, source, sources=("table:baselines",))

    def _drawn(self, name: str) -> str:
        """The shares of what others tell after what is known of the driver was heard."""
        empty, payload = (self._value(f"{name}_drawn_{of}_share") for of in ("empty", "payload"))
        if empty is None or payload is None:
            return ""
        return self.words.say("baseline_drawn", empty=percent(empty), payload=percent(payload))

    def saving(self) -> Iterator[Line]:
        """The same work as in the counterfactual, what was burnt, the difference and its parts."""
        if not self._is_saved:
            yield Line("diesel_saved_l", self.words.say("nothing_saved"))
            return
        for name in _OF_SAVING:
            # What of the activity counts here may be less than what was done.
            is_figure = name in self._bounds and name != "activity_tkm"
            yield self._figure(name, *self._sources(name)) if is_figure else self._number(name)

    def interval(self) -> Iterator[Line]:
        """Every source of error: how far off it may be, and what that does to the litres saved."""
        if not self._is_saved:
            return
        for term in terms_of(self.facts.chain):
            standard = self._written[f"{term}_standard_l"]
            share = self._written.get(f"{term}_standard_share")
            text = self.words.of(wording.ERRORS, term)
            if share is not None:
                text = self.words.say("known_to", name=text, share=f"±{percent(share['value'])}")
            sources = _codes_in(share["source"] if share else "") + _codes_in(standard["source"])
            sources += self._weight_rules(term)
            yield Line(term, text, abs(standard["value"]), "l", sources=sources)
        for name in ("diesel_saved_standard_l", "coverage_index"):
            yield self._number(name)

    def _weight_rules(self, term: str) -> tuple[str, ...]:
        """The rules of an error of weights, by where the weights of the proven orders come from."""
        if not term.startswith("weight_"):
            return ()
        kind = {"weight_common": "common", "weight_orders": "order"}[term]
        proven = [order for order in self.facts.orders if order["matched"]]
        known = {order["weight_source"] or "class" for order in proven}
        names = (name for name in wording.WEIGHTS if name in known)
        return tuple(f"edition:uncertainty.weight_{name}_{kind}_share" for name in names)

    def leakage(self) -> Iterator[Line]:
        """What is taken off for what the saving causes elsewhere, by which parameter."""
        for kind in wording.LEAKAGES:
            taken = self._written.get(f"{kind}_kg")
            if taken is None:
                continue
            parameter, name = self.words.leakage(kind)
            value = self._value(parameter) or 0.0
            per_order = parameter.endswith("_per_order")
            text = (
                self.words.say("per_order", name=name, amount=f"{value:g}")
                if per_order
                else self.words.say("of_avoided", name=name, share=percent(value))
            )
            yield Line(kind, text, taken["value"], "kg", sources=_codes_in(taken["source"]))
        if "co2_leakage_kg" in self._written:
            yield self._number("co2_leakage_kg")

    def credit(self) -> Iterator[Line]:
        """Factor, kilograms avoided, the year so far, bounds, grams, the entries that hold them."""
        if self._is_saved:
            yield self._number("co2_ttw_kg_per_l")
            yield self._number("co2_avoided_kg")
            standard = standard_kg(self._account, self.facts.chain)
            text = self.words.of(wording.NUMBERS, "co2_avoided_standard_kg")
            rule = _codes_in(self._written["ttw_factor_standard_share"]["source"])
            yield Line("co2_avoided_standard_kg", text, standard, "kg", sources=rule)
            for name in (*_OF_PERIOD, "co2_avoided_low_kg", "co2_avoided_high_kg"):
                yield self._number(name)
        text = self.words.of(wording.NUMBERS, "co2_credited_g")
        grams = self._account["co2_credited_g"]
        yield Line("co2_credited_g", text, grams, "g", sources=("formula:F12",))
        currency = self._account["carbon_currency"] or ""
        for name in ("carbon_value", "fuel_cost_saved"):
            if self._account[name] is not None:
                kind = "diesel" if name == "fuel_cost_saved" else "carbon"
                yield self._figure(name, "formula:F10", f"price:{kind}", unit=currency)
        for entry in self.facts.entries:
            yield self._entry(entry)
        if not self.facts.entries:
            yield Line("ledger", self.words.say("entry_none"), sources=("ledger:entries",))

    def _entry(self, entry: Row) -> Line:
        text = self.words.say(
            "entry",
            sequence=entry["sequence"],
            recorded_at=_moment(entry["recorded_at"], self.zone),
            amount=grouped(entry["amount"], 0),
            giver=self._named(entry["credit_account"]),
            taker=self._named(entry["debit_account"]),
            digest=entry["entry_hash"][:DIGEST_SHOWN],
        )
        return Line(entry["entry_id"], text, entry["entry_hash"], sources=("ledger:entries",))

    def _named(self, account: str) -> str:
        return account_name(account, self.words.language)

    def ledger(self) -> Iterator[Line]:
        """What became of the grams, act by act, and where the serials are now."""
        told = self.facts.ledger
        for one in told["settlement"]:
            text = settling.settlement_text(one, self.words)
            yield Line(one["act"], text, sources=("ledger:entries",))
        names = ("issued", "ledger_sums")
        for name, text in zip(names, settling.whereabouts_texts(told, self.words), strict=True):
            yield Line(name, text, sources=("ledger:entries",))

    def notes(self) -> Iterator[Line]:
        """What is missing or reduced, by the named reasons of the account."""
        codes = self._codes()
        for code in codes:
            yield Line(code, self._note(code), sources=("table:accounts",))
        if not codes:
            yield Line("none", self.words.say("nothing_missing"))

    @property
    def _is_saved(self) -> bool:
        return self._account["diesel_saved_l"] is not None

    def _codes(self) -> list[str]:
        return [code for code in (self._account["notes"] or "").split(";") if code]

    def _note(self, code: str) -> str:
        in_chinese = self.words.language == CHINESE
        return chinese.note_sentence(code) if in_chinese else reasons.note_sentence(code)

    def _reason(self, code: str) -> str:
        in_chinese = self.words.language == CHINESE
        return chinese.order_reason(code) if in_chinese else reasons.order_reason(code)

    def _weight(self, code: str) -> str:
        in_chinese = self.words.language == CHINESE
        return chinese.weight_reason(code) if in_chinese else reasons.weight_reason(code)

    def _value(self, name: str) -> float | None:
        return self._written[name]["value"] if name in self._written else None

    def _sources(self, name: str) -> tuple[str, ...]:
        return (
            _codes_in(self._written[name]["source"]) if name in self._written else ("formula:F5",)
        )

    def _number(self, name: str) -> Line:
        """A number of the derivation."""
        row = self._written[name]
        text = self.words.of(wording.NUMBERS, name)
        return Line(name, text, row["value"], row["unit"], sources=_codes_in(row["source"]))

    def _figure(self, name: str, *sources: str, unit: str = "") -> Line:
        """A figure of the account, with its interval."""
        text, bounds = self.words.of(wording.NUMBERS, name), self._bounds.get(name)
        low, high = (bounds["low"], bounds["high"]) if bounds else (None, None)
        unit = unit or (bounds["unit"] if bounds else ACCOUNTS.column(name).unit)
        return Line(name, text, self._account[name], unit, low, high, sources)


def _codes_in(source: str) -> tuple[str, ...]:
    """The codes of a source; what only dates another code is no source of its own."""
    return tuple(code for code in source.split() if not code.startswith("from:"))


def _since(source: str) -> str:
    return next(
        (code.removeprefix("from:") for code in source.split() if code.startswith("from:")), ""
    )


def _moment(moment: str | datetime, zone: ZoneInfo) -> str:
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
