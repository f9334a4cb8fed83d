"""Compose drivers' monthly statements, and hand them out as JSON, PDF, page or picture."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.frames import ACCOUNTS, DERIVATIONS, INTERVALS, ORDER_RESULTS
from fleet_carbon.papers import cards, page, typesetting
from fleet_carbon.periods import Month, parse_month
from fleet_carbon.services.accounts.naming import shown_names, shown_plates
from fleet_carbon.services.accounts.reading import orders_of
from fleet_carbon.services.ledger.proving import Proof, proof_of
from fleet_carbon.services.ledger.settling import DriverLedger, read_driver_ledger
from fleet_carbon.services.ledger.signing import KeyRing
from fleet_carbon.services.papers.disputing import disputes_of
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import likeness, tables
from fleet_carbon.statements.composing import compose
from fleet_carbon.statements.statement_facts import StatementFacts, TruckFacts
from fleet_carbon.statements.wording import LANGUAGES
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork, open_storage

SUFFIXES = (".pdf", ".json", ".html", ".png", ".svg")
MONTHS_SHOWN = 6
_FIGURE = "co2_credited_g"


@dataclass(frozen=True)
class Statement:
    """A driver's statement of a month, and what proves it.

    Attributes
    ----------
    composed : dict
        From `statements.composing.compose`.
    proof : Proof or None
        The signed statement; None in a month without data.
    """

    composed: dict[str, Any]
    proof: Proof | None

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form: the composed object."""
        return self.composed

    def part(self, links: Mapping[str, str]) -> str:
        """The statement as HTML that stands in a page; see `papers.page.statement_part`."""
        return page.statement_part(self.composed, links=links)

    def content(self, suffix: str) -> bytes:
        """The statement as a file of a suffix of `SUFFIXES`; equal statements, equal bytes.

        Raises
        ------
        InputRefused
            If there is nothing that could be proven, of a PDF or picture.
        """
        if suffix == ".json":
            text = json.dumps(self.composed, ensure_ascii=False, indent=1, allow_nan=False)
            return f"{text}\n".encode()
        if suffix == ".html":
            return page.statement_page(self.composed).encode()
        if self.proof is None:
            raise InputRefused(
                "statement_without_account",
                f"Driver {self.composed['driver_id']!r} has no account in"
                f" {self.composed['month']}: there is nothing to prove, so there is no paper.",
                "Ask for .json or .html, which say what is missing.",
            )
        if suffix == ".pdf":
            return typesetting.statement_pdf(self.composed, self.proof.text())
        return cards.share_card(self.composed, suffix.removeprefix("."))


class MonthBook:
    """What statements of a closed month share, read once; statements are made one by one.

    Of accounts and orders it holds those of the drivers that are asked for: what a few statements
    take hardly grows with the fleet.

    Parameters
    ----------
    storage, work
        What it is read from, as long as statements are made.
    settings : Settings
        The key that signs, and the public address.
    month : Month
        Closed.
    drivers : collection of str
        Whose statements can be made.

    Raises
    ------
    NotFound
        If the month was never closed.
    """

    def __init__(
        self,
        storage: Storage,
        work: UnitOfWork,
        settings: Settings,
        *,
        month: Month,
        drivers: Collection[str],
    ) -> None:
        self._storage, self._work, self._settings = storage, work, settings
        self._ring = KeyRing(settings)
        self._drivers = set(drivers)
        self.month = month
        self._run = latest_run(work, str(month))
        own = self._rows_of(self._run)
        trucks = {row["vehicle_id"] for row in own}
        # A truck's orders are told apart by all who drove it.
        self._accounts = tables.records(
            work.closings.rows_among(
                self._run, "accounts", column="vehicle_id", values=trucks, columns=ACCOUNTS.names
            )
        )
        self._names = shown_names(work)
        self._plates = shown_plates(work)

    def statement(self, driver_id: str, language: str) -> Statement:
        """The statement of a driver.

        Raises
        ------
        NotFound
            If no such driver is on record.
        FleetCarbonError
            If it cannot be proven: then it is not handed out in any form.
        """
        own = [row for row in self._accounts if row["driver_id"] == driver_id]
        if not own and driver_id not in self._names:
            raise NotFound(
                "driver_not_found",
                f"No driver {driver_id!r} is on record.",
                f"List who has an account with `fleet-carbon accounts {self.month}`.",
            )
        ledger = read_driver_ledger(self._storage, self._work, driver_id, month=str(self.month))
        proof = self._proof(own, ledger) if own else None
        facts = StatementFacts(
            month=str(self.month),
            fleet_id=self._storage.fleet_id,
            driver_id=driver_id,
            driver_name=self._names.get(driver_id, driver_id),
            zone=self._storage.zone,
            run_id=self._run.run_id,
            edition=self._run.edition_label,
            closed_at=self._run.closed_at,
            trucks=tuple(self._trucks(own, driver_id)),
            before_month=self._before_month,
            before=self._months.get(self._before_month, {}).get(driver_id, []),
            months=self._credited(driver_id),
            likeness=likeness.similar_drivers(self._alike(own), self._kinds, driver_id),
            prices=self._run.summary.get("prices", {}),
            ledger=ledger.as_dict(),
            corrections=self._corrections.get(driver_id, []),
            disputes=disputes_of(self._work, driver_id, str(self.month)),
            proof={} if proof is None else self._told(proof, ledger),
        )
        return Statement(compose(facts, language), proof)

    def _proof(self, own: list[dict[str, Any]], ledger: DriverLedger) -> Proof:
        return proof_of(
            self._storage, self._work, self._ring, run=self._run, rows=own, ledger=ledger
        )

    def _told(self, proof: Proof, ledger: DriverLedger) -> dict[str, str]:
        """The digest of the signed statement, a serial of it, and where both are checked."""
        digest = hashlib.sha256(proof.text().encode()).hexdigest()
        serials = [serial for line in ledger.settlement for serial in line.serials]
        serial = serials[0] if serials else ""
        link = f"fleet-carbon statement {self.month} sha256:{digest}"
        if self._settings.public_url:
            asked = urlencode({"statement": digest, **({"serial": serial} if serial else {})})
            link = f"{self._settings.public_url.rstrip('/')}/verify?{asked}"
        return {"digest": digest, "serial": serial, "link": link}

    def _trucks(self, own: list[dict[str, Any]], driver_id: str) -> Iterator[TruckFacts]:
        if not own:
            return
        read: dict[str, pd.DataFrame] = {
            name: rows.iloc[places.get(driver_id, [])]
            for name, (rows, places) in self._details.items()
        }
        for account in own:
            vehicle_id = account["vehicle_id"]
            chain, bounds = (rows[rows["vehicle_id"] == vehicle_id] for rows in self._shaped(read))
            lows_highs = zip(bounds["low"].tolist(), bounds["high"].tolist(), strict=True)
            yield TruckFacts(
                account=account,
                plate=self._plates.get(vehicle_id, ""),
                chain=dict(zip(chain["name"].tolist(), chain["value"].tolist(), strict=True)),
                bounds=dict(zip(bounds["figure"].tolist(), lows_highs, strict=True)),
                orders=self._orders(account),
            )

    @cached_property
    def _details(self) -> dict[str, tuple[pd.DataFrame, dict[Any, Any]]]:
        """How the accounts came about and their intervals, with the places of each driver's."""
        found = {}
        for frame in (DERIVATIONS, INTERVALS):
            if frame.name in self._run.table_digests:
                rows = self._work.closings.rows_among(
                    self._run,
                    frame.name,
                    column="driver_id",
                    values=self._drivers,
                    columns=frame.names,
                )
                found[frame.name] = (rows, dict(rows.groupby("driver_id").indices))
        return found

    def _alike(self, own: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Accounts of the month on trucks of the classes of these, as far as they are compared."""
        classes = {self._class_of(row) for row in own}
        return [row for one in sorted(classes) for row in self._by_class.get(one, [])]

    @cached_property
    def _by_class(self) -> dict[str, list[dict[str, Any]]]:
        compared = self._work.closings.table(self._run, "accounts", likeness.COMPARED)
        found: dict[str, list[dict[str, Any]]] = {}
        for row in tables.records(compared):
            found.setdefault(self._class_of(row), []).append(row)
        return found

    def _class_of(self, row: dict[str, Any]) -> str:
        return self._kinds.get((row["driver_id"], row["vehicle_id"]), ("", ""))[0]

    @staticmethod
    def _shaped(read: dict[str, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Both tables; empty ones where an old run kept none."""
        empty = pd.DataFrame(columns=["vehicle_id", "name", "value", "figure", "low", "high"])
        return read.get("derivations", empty), read.get("intervals", empty)

    def _orders(self, account: dict[str, Any]) -> list[dict[str, Any]]:
        results, by_vehicle, activity_tkm = self._order_tables
        places = by_vehicle.get(account["vehicle_id"], [])
        of_truck = [row for row in self._accounts if row["vehicle_id"] == account["vehicle_id"]]
        rows = orders_of(account, tables.records(results.iloc[places]), of_truck)
        return [
            {**row, "month_activity_tkm": activity_tkm.get(row["order_id"], 0.0)} for row in rows
        ]

    @cached_property
    def _order_tables(self) -> tuple[pd.DataFrame, dict[Any, Any], dict[str, float]]:
        """Results of the orders, their places by truck, and what was credited of each."""
        read = partial(self._work.closings.rows_among, self._run)
        trucks = {row["vehicle_id"] for row in self._accounts}
        results = read(
            "order_results", column="vehicle_id", values=trucks, columns=ORDER_RESULTS.names
        )
        aboard = read(
            "leg_orders",
            column="order_id",
            values=results["order_id"].tolist(),
            columns=("order_id", "activity_tkm"),
        )
        activity = aboard.groupby("order_id")["activity_tkm"].sum()
        by_vehicle = dict(results.groupby("vehicle_id").indices)
        return results, by_vehicle, dict(zip(activity.index, activity.tolist(), strict=True))

    @cached_property
    def _kinds(self) -> dict[tuple[str, str], tuple[str, str]]:
        if "lanes" not in self._run.table_digests:
            return {}
        return likeness.kinds_of_work(self._work.closings.table(self._run, "lanes"))

    @cached_property
    def _before_month(self) -> str:
        year, number = divmod(self.month.year * 12 + self.month.number - 2, 12)
        return f"{year:04d}-{number + 1:02d}"

    @cached_property
    def _months(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """Accounts by driver of the last months up to this one."""
        closed = [one for one in self._work.closings.months() if one <= str(self.month)]
        found: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for name in closed[-MONTHS_SHOWN:]:
            found[name] = {}
        rows = self._work.closings.over_months(
            "accounts", found, column="driver_id", values=self._drivers
        )
        for row in tables.records(rows):
            found[row["month"]].setdefault(row["driver_id"], []).append(row)
        return found

    def _rows_of(self, run: Any) -> list[dict[str, Any]]:
        """The accounts of the drivers in a run."""
        return tables.records(
            self._work.closings.rows_among(
                run, "accounts", column="driver_id", values=self._drivers, columns=ACCOUNTS.names
            )
        )

    def _credited(self, driver_id: str) -> list[tuple[str, int]]:
        return [
            (name, sum(row[_FIGURE] for row in rows.get(driver_id, [])))
            for name, rows in self._months.items()
            if driver_id in rows
        ]

    @cached_property
    def _corrections(self) -> dict[str, list[dict[str, Any]]]:
        """Every change of a credited figure by a later close of the month, by driver."""
        found: dict[str, list[dict[str, Any]]] = {}
        for run in self._work.closings.runs(str(self.month)):
            for change in run.changes:
                if _FIGURE in change["figures"]:
                    before_g, after_g = change["figures"][_FIGURE]
                    told = {
                        "at": run.closed_at,
                        "vehicle_id": change["vehicle_id"],
                        "before_g": before_g or 0,
                        "after_g": after_g or 0,
                        "reasons": change["reasons"],
                    }
                    found.setdefault(change["driver_id"], []).append(told)
        return found


@contextmanager
def open_book(settings: Settings, month: str, drivers: Collection[str]) -> Iterator[MonthBook]:
    """The book of a closed month, open as long as statements are made from it.

    Raises
    ------
    InputRefused
        If the month is malformed.
    NotFound
        If it was never closed.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        wanted = parse_month(month, storage.zone)
        yield MonthBook(storage, work, settings, month=wanted, drivers=drivers)


def drivers_of_month(settings: Settings, month: str) -> list[str]:
    """Who has an account in a closed month, in order; not the accounts of nobody.

    Raises
    ------
    InputRefused
        If the month is malformed.
    NotFound
        If it was never closed.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        run = latest_run(work, str(parse_month(month, storage.zone)))
        accounts = work.closings.table(run, "accounts", ("driver_id",))
    return sorted(set(accounts["driver_id"].tolist()) - {""})


def make_statement(
    settings: Settings, driver_id: str, month: str, *, language: str = "en"
) -> Statement:
    """Compose a driver's statement of a closed month.

    Parameters
    ----------
    settings : Settings
        Where the records and the signing key are.
    driver_id : str
        The driver.
    month : str
        YYYY-MM.
    language : str
        ``en`` or ``zh``.

    Raises
    ------
    InputRefused
        If the month is malformed or the language unknown.
    NotFound
        If the month was never closed, or no such driver is on record.
    FleetCarbonError
        If the statement cannot be proven.
    """
    refuse_language(language)
    with open_book(settings, month, (driver_id,)) as book:
        return book.statement(driver_id, language)


def write_statement(statement: Statement, path: Path) -> None:
    """Write a statement as the suffix of the file says, whole or not at all.

    Raises
    ------
    InputRefused
        If the suffix is none of `SUFFIXES`, or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputRefused(
            "statement_format_unknown",
            f"{path} names no form of a statement.",
            f"End the name with one of {', '.join(SUFFIXES)}.",
        )
    tables.write_whole(statement.content(suffix), path)


def refuse_language(language: str) -> None:
    """Refuse a language that nothing is said in.

    Raises
    ------
    InputRefused
        If so.
    """
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise InputRefused("language_unknown", f"No language {language!r}.", f"Known: {known}.")
