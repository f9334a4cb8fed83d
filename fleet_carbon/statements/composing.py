"""A driver's monthly statement as one object: behind its JSON, its PDF and its page.

In: what is on record of the closing run, the ledger and the disputes. Out: JSON-ready, every
figure with its number, its text, its unit, interval, definition and source, in one language.
Rounded for the eye alone; what adds up adds up as it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fleet_carbon.statements import chinese, locales, reasons, settling, wording
from fleet_carbon.statements import statement_words as said
from fleet_carbon.statements.meanings import meanings_of
from fleet_carbon.statements.statement_facts import StatementFacts
from fleet_carbon.statements.statement_figures import Figures
from fleet_carbon.statements.statement_orders import order_lines
from fleet_carbon.statements.tips import tip_of
from fleet_carbon.statements.wording import CHINESE
from fleet_carbon.units import G_PER_KG

Row = Mapping[str, Any]
FORMAT = "fleet-carbon statement 1"
_DIGEST_SHOWN = 12


def compose(facts: StatementFacts, language: str) -> dict[str, Any]:
    """The statement as one JSON-ready object, the same for the same facts.

    Parameters
    ----------
    facts : StatementFacts
        What is on record.
    language : str
        ``en`` or ``zh``.
    """
    telling = _Telling(facts, language)
    head = {
        "format": FORMAT,
        "language": language,
        "month": facts.month,
        "month_text": locales.month(facts.month, language),
        "fleet_id": facts.fleet_id,
        "driver_id": facts.driver_id,
        "driver_name": facts.driver_name,
        "vehicles": [
            {"vehicle_id": truck.account["vehicle_id"], "plate": truck.plate}
            for truck in facts.trucks
        ],
        "words": {name: telling.words.choose(pair) for name, pair in said.LABELS.items()},
        "has_data": bool(facts.trucks),
        "closed_on": f"{facts.closed_at.astimezone(facts.zone):%Y-%m-%d}",
    }
    if not facts.trucks:
        empty = telling.say("month_without_data")
        how = telling.say("dispute_how")
        return {**head, "empty": empty, "disputes": telling.disputes(), "dispute_how": how}
    parts = {
        "running": telling.running(),
        "brought": telling.brought(),
        "months": telling.months(),
        "orders": order_lines(facts.trucks, telling.words),
        "corrections": telling.corrections(),
        "ledger": telling.ledger(),
        "method": telling.method(),
    }
    return {
        **head,
        "headline": telling.headline(),
        "against": telling.against(),
        **parts,
        "tip": telling.tip(),
        "missing": telling.missing(),
        "disputes": telling.disputes(),
        "dispute_how": telling.say("dispute_how"),
        "verify": telling.verify(),
        "meanings": {
            name: meanings_of(name, telling.words, facts.edition)
            for name, part in parts.items()
            if _has_figures(part)
        },
    }


def _has_figures(part: Any) -> bool:
    """Whether a part shows any; one without orders, parts or a chart shows none."""
    if isinstance(part, dict):
        told = [part[name] for name in ("lines", "chart", "acts") if name in part]
        return any(told) or "sums" in part
    return bool(part)


class _Telling(Figures):
    """Makes the parts of a statement that are told in sentences."""

    def tip(self) -> dict[str, Any]:
        """What follows from the truck that was driven most."""
        main = max(self.facts.trucks, key=lambda truck: float(truck.account["distance_km"]))
        found = tip_of(main.account, main.chain, main.orders)
        shares = ("share", "own", "usual")
        given = {
            name: locales.percent(value, self.language)
            if name in shares
            else locales.number(value, 1 if name in ("hours", "litres") else 0, self.language)
            for name, value in found.numbers.items()
        }
        text = self.words.choose(said.TIPS[found.code]).format(**given, order=found.order_id)
        return {"code": found.code, "text": text}

    def corrections(self) -> list[str]:
        """Restatements of the figure, each with the figure before and the reasons."""
        joint = "；" if self.language == CHINESE else "; "
        return [
            self.say(
                "correction",
                day=locales.moment(one["at"], self.facts.zone, self.language),
                before=locales.number(one["before_g"] / G_PER_KG, 3, self.language),
                after=locales.number(one["after_g"] / G_PER_KG, 3, self.language),
                why=joint.join(self.words.of(wording.RESTATED, code) for code in one["reasons"]),
            )
            for one in self.facts.corrections
        ]

    def ledger(self) -> dict[str, Any]:
        """Acts on the grams with serials, payouts and rewards; where the serials are now."""
        told = self.facts.ledger
        return {
            "acts": [
                {**one, "text": settling.settlement_text(one, self.words)}
                for one in told["settlement"]
            ],
            "sums": settling.whereabouts_texts(told, self.words),
            "own_g": told["own_g"],
        }

    def method(self) -> list[str]:
        """Edition, baseline, rung of the litres, coverage; of each truck where they are several."""
        at = locales.moment(self.facts.closed_at, self.facts.zone, self.language)
        run = self.facts.run_id[:_DIGEST_SHOWN]
        lines = [self.say("edition", label=self.facts.edition, at=at, run=run)]
        for truck in self.facts.trucks:
            colon = self.words.of(said.LABELS, "colon")
            of_truck = f"{truck.plate or truck.account['vehicle_id']}{colon}"
            told = self._of_method(truck.account)
            lines += [f"{of_truck}{text}" if self._has_several else text for text in told]
        several = [self.say("two_trucks")] if self._has_several else []
        return [*dict.fromkeys(lines), *several]

    @property
    def _has_several(self) -> bool:
        return len(self.facts.trucks) > 1

    def _of_method(self, row: Row) -> Iterator[str]:
        source = row["baseline_source"]
        if source in wording.BASELINES and row["baseline_from"]:
            since = locales.day(row["baseline_from"], self.language)
            name = self.words.of(wording.BASELINES, source)
            yield self.say("baseline", name=name, since=since)
        else:
            yield self.say("baseline_none")
        if row["diesel_source"]:
            yield self.say("fuel", rung=self.words.of(wording.RUNGS, row["diesel_source"]))
        if row["coverage_share"] is not None:
            share = locales.percent(row["coverage_share"], self.language)
            yield self.say("coverage", share=share)

    def missing(self) -> list[str]:
        """What reduces or hinders the figures, by the named reasons of the accounts."""
        codes = (code for row in self.accounts for code in (row["notes"] or "").split(";") if code)
        tell = chinese.note_sentence if self.language == CHINESE else reasons.note_sentence
        return [typeset(tell(code)) for code in dict.fromkeys(codes)]

    def disputes(self) -> list[str]:
        """What the driver disputed, and the answers."""
        return [self._dispute(one) for one in self.facts.disputes]

    def _dispute(self, one: Row) -> str:
        zone, language = self.facts.zone, self.language
        what = self.say("dispute_month")
        if one["order_id"]:
            what = self.say("dispute_order", order=one["order_id"])
        elif one["leg_started_at"] is not None:
            at = locales.moment(one["leg_started_at"], zone, language)
            what = self.say("dispute_leg", at=at)
        given = {
            "day": locales.moment(one["raised_at"], zone, language),
            "what": what,
            "text": one["text"],
        }
        if not one["outcome"]:
            return self.say("dispute_open", **given)
        return self.say(
            "dispute_answered",
            **given,
            outcome=self.words.of(said.OUTCOMES, one["outcome"]),
            answered=locales.moment(one["answered_at"], zone, language),
            answer=one["answer"],
        )

    def verify(self) -> dict[str, Any]:
        """By what others check the statement."""
        proof = self.facts.proof
        if not proof:
            return {}
        kind = "verify_page" if proof["link"].startswith("http") else "verify_digest"
        return {
            **proof,
            "texts": [
                self.say(kind),
                self.say("verify_how"),
                self.say("digest", digest=proof["digest"]),
            ],
        }


def typeset(text: str) -> str:
    """Text with the subscript of CO₂."""
    return text.replace("CO2", "CO₂")
