"""Explain an account of a closed month: every number from its fixes and orders to the gram."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from fleet_carbon.errors import FleetCarbonError, InputRefused, NotFound
from fleet_carbon.ledger.entries import figure_name
from fleet_carbon.periods import parse_month
from fleet_carbon.services.accounts.naming import shown_name
from fleet_carbon.services.accounts.reading import orders_of
from fleet_carbon.services.accounts.sourcing import Sources
from fleet_carbon.services.ledger.settling import read_driver_ledger
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import chain_text, tables
from fleet_carbon.statements.explaining import DIGEST_SHOWN, AccountFacts, Step, explain
from fleet_carbon.statements.wording import LANGUAGES, Words
from fleet_carbon.storage.unit_of_work import ClosingRun, Storage, UnitOfWork, open_storage

_SUGGESTED_MAX = 5


@dataclass(frozen=True)
class Explanation:
    """How the accounts of a driver came about.

    Attributes
    ----------
    month, fleet_id, driver_id, driver_name : str
        Of whom, and of when.
    language : str
        ``en`` or ``zh``.
    zone : ZoneInfo
        Zone of the fleet.
    run : ClosingRun
        The run whose figures are explained.
    accounts : tuple of AccountFacts
        One per truck.
    sources : Sources
        Where the numbers come from.
    """

    month: str
    fleet_id: str
    driver_id: str
    driver_name: str
    language: str
    zone: ZoneInfo
    run: ClosingRun
    accounts: tuple[AccountFacts, ...]
    sources: Sources

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form: the same steps and lines as the text, numbers unrounded."""
        explained = [(facts, self._steps(facts)) for facts in self.accounts]
        codes = dict.fromkeys(code for _, steps in explained for code in _codes(steps))
        return {
            "month": self.month,
            "fleet_id": self.fleet_id,
            "driver_id": self.driver_id,
            "driver_name": self.driver_name,
            "language": self.language,
            "run_id": self.run.run_id,
            "closed_at": self.run.closed_at.astimezone(UTC).isoformat(),
            "edition": {
                "label": self.run.edition_label,
                "digest": self.run.edition_digest,
                "is_as_closed": self.sources.is_edition_as_closed,
            },
            "accounts": [_account_dict(facts, steps) for facts, steps in explained],
            "sources": {code: self.sources.resolve(code) for code in codes},
        }

    def lines(self) -> list[str]:
        """The chain for people."""
        words = Words(self.language)
        lines: list[str] = []
        for facts in self.accounts:
            steps = self._steps(facts)
            codes = dict.fromkeys(code for code in _codes(steps))
            number_of = {code: number for number, code in enumerate(codes, start=1)}
            resolved = [self.sources.resolve(code) for code in codes]
            lines += [
                *([""] if lines else []),
                *self._heading(facts, words),
                *chain_text.account_lines(steps, facts.recounted(), number_of, words=words),
                "",
                *chain_text.source_lines(resolved, words, self.zone),
            ]
        return lines

    def write(self, path: Path) -> None:
        """Write it to a file: JSON if the suffix says so, else text.

        Raises
        ------
        InputRefused
            If the file cannot be written there.
        """
        if path.suffix.lower() == ".json":
            text = json.dumps(self.as_dict(), ensure_ascii=False, indent=1, allow_nan=False)
        else:
            text = "\n".join(self.lines())
        tables.write_whole((text + "\n").encode("utf-8"), path)

    def _steps(self, facts: AccountFacts) -> list[Step]:
        return explain(facts, self.language, self.zone)

    def _heading(self, facts: AccountFacts, words: Words) -> list[str]:
        edition = self.sources.edition
        closed_at = self.run.closed_at.astimezone(self.zone)
        return chain_text.heading(
            words,
            driver=self.driver_name or "-",
            vehicle=facts.account["vehicle_id"],
            month=self.month,
            label=self.run.edition_label,
            valid_from=edition.valid_from if edition else "-",
            closed_at=f"{closed_at:%Y-%m-%d %H:%M}",
            run_id=self.run.run_id[:DIGEST_SHOWN],
            is_as_closed=self.sources.is_edition_as_closed,
        )


def explain_account(
    settings: Settings,
    driver_id: str,
    month: str,
    *,
    vehicle_id: str | None = None,
    language: str = "en",
) -> Explanation:
    """Explain what a driver's account of a closed month says.

    Reads only what is on record of the closing run and in the ledger, so that it is the
    published figure that is explained.

    Parameters
    ----------
    settings : Settings
        Where the records and the models are.
    driver_id : str
        The driver; empty for what nobody is known to have driven.
    month : str
        YYYY-MM.
    vehicle_id : str, optional
        Only this truck; by default all that the driver drove.
    language : str
        ``en`` or ``zh``.

    Raises
    ------
    InputRefused
        If the month is malformed or the language unknown.
    NotFound
        If the month was never closed, or has no such account.
    """
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise InputRefused("language_unknown", f"No language {language!r}.", f"Known: {known}.")
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        wanted = parse_month(month, storage.zone)
        run = latest_run(work, str(wanted))
        _refuse_without_derivations(run)
        accounts = tables.records(work.closings.table(run, "accounts"))
        chosen = _chosen(accounts, driver_id, vehicle_id, month=str(wanted))
        sources = Sources.of_run(
            run, settings.models_dir, on=wanted.first_day, receptions=work.receptions.list()
        )
        return Explanation(
            month=str(wanted),
            fleet_id=storage.fleet_id,
            driver_id=driver_id,
            driver_name=shown_name(work, driver_id, with_id=True),
            language=language,
            zone=storage.zone,
            run=run,
            accounts=tuple(_facts(storage, work, run, chosen=chosen, accounts=accounts)),
            sources=sources,
        )


def _refuse_without_derivations(run: ClosingRun) -> None:
    if not {"derivations", "intervals"} <= run.table_digests.keys():
        raise FleetCarbonError(
            "derivations_missing",
            f"{run.month} was closed by a program that kept no derivations.",
            f"Close it again: `fleet-carbon close {run.month}`.",
        )


def _chosen(
    accounts: list[dict[str, Any]], driver_id: str, vehicle_id: str | None, *, month: str
) -> list[dict[str, Any]]:
    of_driver = [row for row in accounts if row["driver_id"] == driver_id]
    if not of_driver:
        known = sorted({row["driver_id"] or '""' for row in accounts})
        raise NotFound(
            "account_not_found",
            f"Driver {driver_id!r} has no account in {month}. {_listed(known, 'Drivers')}",
            f"List the accounts with `fleet-carbon accounts {month}`.",
            month=month,
            driver_id=driver_id,
        )
    chosen = [row for row in of_driver if vehicle_id in (None, row["vehicle_id"])]
    if not chosen:
        known = sorted(row["vehicle_id"] for row in of_driver)
        raise NotFound(
            "account_not_found",
            f"Driver {driver_id!r} did not drive {vehicle_id!r} in {month}."
            f" {_listed(known, 'Trucks')}",
            "Leave out --vehicle to explain all of them.",
            month=month,
            driver_id=driver_id,
            vehicle_id=vehicle_id,
        )
    return chosen


def _listed(known: list[str], what: str) -> str:
    more = f" and {len(known) - _SUGGESTED_MAX} more" if len(known) > _SUGGESTED_MAX else ""
    return f"{what} with one: {', '.join(known[:_SUGGESTED_MAX])}{more}."


def _facts(
    storage: Storage,
    work: UnitOfWork,
    run: ClosingRun,
    *,
    chosen: list[dict[str, Any]],
    accounts: list[dict[str, Any]],
) -> list[AccountFacts]:
    read = {
        name: work.closings.table(run, name)
        for name in ("legs", "leg_orders", "order_results", "derivations", "intervals")
    }
    weights = dict(
        zip(read["leg_orders"]["order_id"], read["leg_orders"]["weight_source"], strict=True)
    )
    orders = [
        {
            **row,
            "weight_source": None
            if pd.isna(weights.get(row["order_id"]))
            else weights[row["order_id"]],
        }
        for row in tables.records(read["order_results"])
    ]
    return [
        AccountFacts(
            account=account,
            derivations=tables.records(_of(read["derivations"], account)),
            intervals=tables.records(_of(read["intervals"], account)),
            orders=orders_of(account, orders, accounts),
            legs_counts=Counter(_of(read["legs"], account)["state"].tolist()),
            trace_versions=sorted(_of(read["legs"], account)["trace_version"].unique()),
            entries=_entries_of(work, account),
            ledger=read_driver_ledger(
                storage,
                work,
                account["driver_id"],
                month=account["month"],
                vehicle_id=account["vehicle_id"],
            ).as_dict(),
        )
        for account in chosen
    ]


def _of(rows: pd.DataFrame, account: dict[str, Any]) -> pd.DataFrame:
    """The rows of an account's driver and truck."""
    is_driver = rows["driver_id"].fillna("") == account["driver_id"]
    found: pd.DataFrame = rows.loc[is_driver & (rows["vehicle_id"] == account["vehicle_id"])]
    return found


def _entries_of(work: UnitOfWork, account: dict[str, Any]) -> list[dict[str, Any]]:
    figure = figure_name(account["month"], account["driver_id"], account["vehicle_id"])
    return [
        entry.as_dict() | {"recorded_at": entry.recorded_at.astimezone(UTC).isoformat()}
        for entry in work.ledger.entries(figure=figure)
    ]


def _account_dict(facts: AccountFacts, steps: list[Step]) -> dict[str, Any]:
    relations = facts.recounted()
    return {
        "vehicle_id": facts.account["vehicle_id"],
        "co2_credited_g": facts.account["co2_credited_g"],
        "steps": [
            {
                "step": step.name,
                "title": step.title,
                "lines": [line.as_dict() for line in step.lines],
            }
            for step in steps
        ],
        "entries": [dict(entry) for entry in facts.entries],
        "ledger": dict(facts.ledger),
        "recounted": {
            "holds": all(one.holds for one in relations),
            "equations": [
                {
                    "text": one.text,
                    "stated": one.stated,
                    "recounted": one.recounted,
                    "holds": one.holds,
                }
                for one in relations
            ],
        },
    }


def _codes(steps: list[Step]) -> list[str]:
    return [code for step in steps for line in step.lines for code in line.sources]
