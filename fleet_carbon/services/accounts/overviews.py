"""What a manager sees of a month first: its report, the months before, who did best, what lacks.

The tables of a closing run never change, so that a process keeps what it read of them: the
months of a year are read and summed once, and not for every look at them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from fleet_carbon.periods import parse_month
from fleet_carbon.quantification.editions import (
    edition_among,
    edition_in_force,
    load_editions,
)
from fleet_carbon.quantification.sums import SUMMED
from fleet_carbon.services.accounts.naming import depots_of, shown_depots, shown_names, shown_plates
from fleet_carbon.services.accounts.reporting import (
    MonthReport,
    MonthRows,
    compose,
    rules_of_sums,
    sums_of_each,
    unproven,
)
from fleet_carbon.services.accounts.spreads import Spreads, read_intervals
from fleet_carbon.services.intake.withdrawing import month_window
from fleet_carbon.services.support.keeping import Kept, Made
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.statements.likeness import kinds_of_work
from fleet_carbon.statements.ranking import beside_peers
from fleet_carbon.storage.unit_of_work import ClosingRun, UnitOfWork, open_storage

MONTHS_SHOWN = 12
NO_DEPOT = " "
"""Chosen for the trucks without a depot: the name of none is blank."""
_KEPT_MAX = 128
_PAIR = ["driver_id", "vehicle_id"]
_NO_LANES = pd.DataFrame(columns=[*_PAIR, "vehicle_class", "distance_band", "transport_work_tkm"])
# What sums, rankings and hints are made of.
_ACCOUNT_COLUMNS = (
    *(*_PAIR, *SUMMED, "payload_utilisation_share", "coverage_share", "carbon_currency"),
    *("co2_avoided_kg", "co2_leakage_kg", "co2_common_standard_kg", "co2_single_standard_kg"),
    *("quality", "notes"),
)
_RESULT_COLUMNS = (*_PAIR, "status", "matched", "reason_code")


@dataclass(frozen=True)
class Choice:
    """Which part of the fleet is looked at; empty for all of it.

    Attributes
    ----------
    vehicle_class : str
        Trucks of this class of the edition.
    driver_id : str
        The driver.
    shipper_id : str
        Drivers and trucks that carried for this customer, with all they carried.
    depot : str
        Trucks of this depot, as they are on record now; `NO_DEPOT` for those of none.
    """

    vehicle_class: str = ""
    driver_id: str = ""
    shipper_id: str = ""
    depot: str = ""


@dataclass(frozen=True)
class Overview:
    """A closed month of the fleet beside others.

    Attributes
    ----------
    months : tuple of str
        Every closed month, the newest first.
    report : MonthReport
        Of the month and choice.
    currency : str
        Of the carbon value; empty if there is none or there are several.
    before : tuple of str and dict, or None
        The closed month before and its sums.
    trend : list of dict
        Sums of the closed months up to this one, each with `month`.
    drivers, vehicles : list of dict
        From `statements.ranking.beside_peers`.
    classes : tuple of str
        That trucks of the month are of.
    depots : tuple of str
        That trucks on record are of.
    names, plates : dict of str to str
        How drivers and trucks are called.
    """

    months: tuple[str, ...]
    report: MonthReport
    currency: str
    before: tuple[str, dict[str, Any]] | None
    trend: list[dict[str, Any]]
    drivers: list[dict[str, Any]]
    vehicles: list[dict[str, Any]]
    classes: tuple[str, ...]
    depots: tuple[str, ...]
    names: dict[str, str]
    plates: dict[str, str]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """A table of the report, JSON-ready."""
        return tables.records(self.report.tables[table])


_KEPT = Kept(_KEPT_MAX)


def closed_months(settings: Settings) -> tuple[str, ...]:
    """The months that were closed, the newest first."""
    with closing(open_storage(settings)) as storage, storage.look() as work:
        return tuple(sorted(work.closings.months(), reverse=True))


def read_names(settings: Settings) -> tuple[dict[str, str], dict[str, str]]:
    """How drivers and trucks on record are called: names and plates by identifier."""
    with closing(open_storage(settings)) as storage, storage.look() as work:
        return _names(work)


def _names(work: UnitOfWork) -> tuple[dict[str, str], dict[str, str]]:
    return shown_names(work), shown_plates(work)


def read_overview(settings: Settings, month: str, choice: Choice | None = None) -> Overview:
    """A closed month of the fleet beside others.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    month : str
        YYYY-MM.
    choice : Choice, optional
        Which part of the fleet.

    Raises
    ------
    InputRefused
        ``month_malformed``.
    NotFound
        ``month_not_closed``.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        wanted = str(parse_month(month, storage.zone))
        run = latest_run(work, wanted)
        run_ids = work.closings.run_ids()
        closed = sorted(run_ids)
        shown = [one for one in closed if one <= wanted][-MONTHS_SHOWN:]
        look = _Look(work, settings, choice or Choice(), months=shown)
        trend = look.trend({one: run_ids[one] for one in shown})
        names, plates = _names(work)
        before = trend[-2] if len(trend) > 1 else None
        ranked = look.ranked(run)
        return Overview(
            months=tuple(reversed(closed)),
            report=look.report(run),
            currency=look.currency(run),
            before=None if before is None else (before["month"], before),
            trend=trend,
            drivers=ranked["driver_id"],
            vehicles=ranked["vehicle_id"],
            classes=look.classes(run),
            depots=tuple(sorted({*look.depots.values()})),
            names=names,
            plates=plates,
        )


class _Look:
    """Reads what is asked of runs, and keeps what the records of today cannot change."""

    def __init__(
        self, work: UnitOfWork, settings: Settings, choice: Choice, *, months: list[str]
    ) -> None:
        self._work, self._settings, self._choice = work, settings, choice
        self._months = months
        place = (str(settings.home), str(settings.database_url), str(settings.models_dir))
        self._place = (*place, settings.fleet)

    def _kept(self, what: str, run_id: str, make: Callable[[], Made]) -> Made:
        return _KEPT.get((what, *self._place, run_id), make)

    def _of_choice(self, what: str, run_id: str, make: Callable[[], Made]) -> Made:
        """Kept too, as long as the register has the same depots, and a customer the same orders."""
        return _KEPT.get(self._key_of_choice(what, run_id), make)

    def _key_of_choice(self, what: str, run_id: str) -> tuple[str, ...]:
        chosen = (*astuple(self._choice), self._orders_digest, self._depots_digest)
        return (what, *self._place, run_id, *chosen)

    def lanes(self, run: ClosingRun) -> pd.DataFrame:
        def read() -> pd.DataFrame:
            known = "lanes" in run.table_digests
            return self._work.closings.table(run, "lanes") if known else _NO_LANES

        return self._kept("lanes", run.run_id, read)

    def _classes(self, run: ClosingRun) -> dict[str, list[str]]:
        """The trucks of each class."""

        def read() -> dict[str, list[str]]:
            if "lanes" not in run.table_digests:
                return {}
            lanes = self._work.closings.table(run, "lanes", ("vehicle_class", "vehicle_id"))
            each = lanes.drop_duplicates().groupby("vehicle_class", sort=True)["vehicle_id"]
            return {str(name): trucks.tolist() for name, trucks in each if name}

        return self._kept("classes", run.run_id, read)

    def classes(self, run: ClosingRun) -> tuple[str, ...]:
        """That trucks of the month are of."""
        return tuple(self._classes(run))

    def _everybody(self, run: ClosingRun) -> pd.DataFrame:
        return self._everybody_of([run])[run.month]

    def _everybody_of(self, runs: Sequence[ClosingRun]) -> dict[str, pd.DataFrame]:
        """The accounts of all, by month."""
        by_month = {run.month: run for run in runs}

        def read(months: list[str]) -> dict[str, pd.DataFrame]:
            wanted = [by_month[month] for month in months]
            each = self._work.closings.each_table(wanted, "accounts", _ACCOUNT_COLUMNS)
            return dict(zip(months, each, strict=True))

        keys = {month: ("accounts", *self._place, run.run_id) for month, run in by_month.items()}
        return _KEPT.get_each(keys, read)

    def _accounts(self, run: ClosingRun) -> pd.DataFrame:
        return self._chosen(run, self._everybody(run))

    def _unproven(self, run: ClosingRun) -> pd.DataFrame:
        """The orders that need somebody's attention; the many others would only fill memory."""

        def read() -> pd.DataFrame:
            return unproven(self._work.closings.table(run, "order_results", _RESULT_COLUMNS))

        return self._kept("unproven", run.run_id, read)

    def _carriers(self, run: ClosingRun) -> set[tuple[str, ...]]:
        return self._carriers_of([run])[run.month]

    def _carriers_of(self, runs: Sequence[ClosingRun]) -> dict[str, set[tuple[str, ...]]]:
        """Drivers and trucks that carried for the customer, by month."""
        by_month = {run.month: run for run in runs}

        def read(months: list[str]) -> dict[str, set[tuple[str, ...]]]:
            each = self._work.closings.each_rows_among(
                [by_month[month] for month in months],
                "order_results",
                column="order_id",
                values=self._orders,
                columns=(*_PAIR, "matched"),
            )
            carried = (rows[rows["matched"].to_numpy(bool)] for rows in each)
            theirs = (set(_pairs(rows.drop_duplicates(_PAIR))) for rows in carried)
            return dict(zip(months, theirs, strict=True))

        keys = {
            month: self._key_of_choice("carriers", run.run_id) for month, run in by_month.items()
        }
        return _KEPT.get_each(keys, read)

    @cached_property
    def _orders(self) -> set[str]:
        """The customer's orders of all months that are shown."""
        first, last = (parse_month(self._months[at], self._settings.zone) for at in (0, -1))
        window = month_window(self._settings, first)[0], month_window(self._settings, last)[1]
        return self._work.orders.of_shipper(self._choice.shipper_id, window)

    @cached_property
    def _orders_digest(self) -> str:
        """What tells the customer's orders from others; read anew when any order comes or goes."""
        if not self._choice.shipper_id:
            return ""
        asked = (self._choice.shipper_id, *self._months, *self._work.orders.mark())
        return _KEPT.get(("orders", *self._place, *asked), lambda: _digest_of(sorted(self._orders)))

    @cached_property
    def depots(self) -> dict[str, str]:
        """Depots by truck, as they are on record now."""
        return shown_depots(self._work)

    @cached_property
    def _depots_digest(self) -> str:
        return _digest_of(sorted(self.depots.items()))

    def _chosen(self, run: ClosingRun, rows: pd.DataFrame) -> pd.DataFrame:
        if self._choice.driver_id:
            rows = rows[rows["driver_id"] == self._choice.driver_id]
        if self._choice.vehicle_class:
            of_class = self._classes(run).get(self._choice.vehicle_class, [])
            rows = rows[rows["vehicle_id"].isin(of_class)]
        if self._choice.depot:
            wanted = self._choice.depot.strip()
            rows = rows[depots_of(rows["vehicle_id"], self.depots) == wanted]
        if self._choice.shipper_id:
            carriers = self._carriers(run)
            rows = rows[np.array([pair in carriers for pair in _pairs(rows)], dtype=bool)]
        return rows

    def trend(self, run_ids: Mapping[str, str]) -> list[dict[str, Any]]:
        """The sums of the choice in every month, and their 90 % intervals under ``bounds``."""
        keys = {month: self._key_of_choice("sums", one) for month, one in run_ids.items()}

        def made(months: list[str]) -> dict[str, dict[str, Any]]:
            return self._sums({month: run_ids[month] for month in months})

        sums = _KEPT.get_each(keys, made)
        return [{"month": month, **sums[month]} for month in run_ids]

    def _sums(self, run_ids: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """Of every month; those that are summed by the same rules in one go."""
        runs = self._work.closings.latest_of(run_ids)
        editions = load_editions(self._settings.models_dir)
        ruled: dict[str, list[str]] = {}
        for month in run_ids:
            edition = edition_among(editions, parse_month(month, self._settings.zone).last_day)
            ruled.setdefault(edition.label, []).append(month)
        rules = {one.label: rules_of_sums(one) for one in editions if one.label in ruled}
        of_months = [runs[month] for month in run_ids]
        everybody = self._everybody_of(of_months)
        if self._choice.shipper_id:
            # Of all months at once, so that they are at hand when each is asked for.
            self._carriers_of(of_months)
        found: dict[str, dict[str, Any]] = {}
        for label, months in ruled.items():
            parts = [self._chosen(runs[month], everybody[month]) for month in months]
            each = zip(months, parts, sums_of_each(parts, rules[label]), strict=True)
            for month, accounts, sums in each:
                spreads = Spreads(accounts, read_intervals(self._work, runs[month]))
                found[month] = sums | {"bounds": spreads.by().get((), {})}
        return found

    def report(self, run: ClosingRun) -> MonthReport:
        """The report of the choice."""

        def made() -> MonthReport:
            day = parse_month(run.month, self._settings.zone).last_day
            edition = edition_in_force(self._settings.models_dir, day)
            return compose(
                run,
                MonthRows(
                    self._accounts(run),
                    results=self._chosen(run, self._unproven(run)),
                    lanes=self._chosen(run, self.lanes(run)),
                    intervals=read_intervals(self._work, run),
                    orders=None,
                ),
                depots=self.depots,
                rules=rules_of_sums(edition),
                fleet_id=self._settings.fleet,
            )

        return self._of_choice("report", run.run_id, made)

    def currency(self, run: ClosingRun) -> str:
        """The one currency of the accounts."""
        found = set(self._accounts(run)["carbon_currency"].dropna().tolist()) - {""}
        return str(found.pop()) if len(found) == 1 else ""

    def ranked(self, run: ClosingRun) -> dict[str, list[dict[str, Any]]]:
        """Drivers and trucks of the choice, each beside its peers in the whole fleet."""
        chosen = self._accounts(run)
        found = {}
        for key in _PAIR:
            names = set(chosen[key].tolist())

            def rank(key: str = key) -> list[dict[str, Any]]:
                return beside_peers(self._everybody(run), kinds_of_work(self.lanes(run)), key)

            found[key] = [row for row in self._kept(key, run.run_id, rank) if row[key] in names]
        return found


def _digest_of(told: Any) -> str:
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _pairs(rows: pd.DataFrame) -> list[tuple[str, ...]]:
    columns = (rows[name].fillna("").tolist() for name in _PAIR)
    return list(zip(*columns, strict=True))
