"""The report of a month: sums by fleet, driver, truck, depot, lane, shipper, and what is missing.

One composed object, from which pages and workbooks are made: every figure has its definition and
unit beside it, sums of savings have one interval of their own, and what keeps figures from being
better is named with what to do.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from fleet_carbon.frames import (
    ACCOUNTS,
    INTEGER,
    LANES,
    NUMBER,
    ORDER_RESULTS,
    ORDERS,
    TEXT,
    Column,
    Frame,
)
from fleet_carbon.periods import parse_month
from fleet_carbon.quantification.editions import Edition, edition_in_force, fill_rules
from fleet_carbon.quantification.grouping import grouped, together
from fleet_carbon.quantification.sums import SAVING, SHARES, SUMMED, sum_accounts, sum_known
from fleet_carbon.quantification.uncertainty import UncertaintyRules
from fleet_carbon.services.accounts.naming import depots_of, shown_depots
from fleet_carbon.services.accounts.spreads import Bounds, Spreads, read_intervals
from fleet_carbon.services.intake.withdrawing import month_window
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.statements.issues import issue_text, issue_told
from fleet_carbon.statements.shares import empty_share
from fleet_carbon.statements.tips import COVERAGE_SHARE_MIN, UNKNOWN_SHARE_MIN
from fleet_carbon.statements.wording import ENGLISH
from fleet_carbon.storage.unit_of_work import ClosingRun, open_storage

_STEPS = ("saved_by_less_empty_l", "saved_by_higher_load_l", "saved_by_efficiency_l")
_STANDARD = Column(
    "co2_avoided_standard_kg", NUMBER, "Standard uncertainty of the CO2 avoided.", "kg"
)
_EMPTY = Column(
    "empty_share",
    NUMBER,
    "Kilometres without proven load / all of them: those of unknown load count as empty.",
    "0..1",
    False,
    "空驶率",
)
_BOUNDS = {
    "co2_avoided_low_kg": "Lower bound of the 90 % interval of the sum; not what is credited.",
    "co2_avoided_high_kg": "Upper bound of the 90 % interval of the sum.",
}


def _account_column(name: str) -> Column:
    column = ACCOUNTS.column(name)
    return replace(column, required=False, text=_BOUNDS.get(name, column.text))


_GROUP_COLUMNS = (
    Column("accounts_count", INTEGER, "Accounts that are summed."),
    *map(_account_column, (*SUMMED, *SHARES, *SAVING)),
    _STANDARD,
    _account_column("coverage_share"),
    _EMPTY,
)


def _grouped_frame(name: str, key: str, text: str) -> Frame:
    return Frame(name, text, (key,), (_account_column(key), *_GROUP_COLUMNS))


_LANE_KEY = ("origin", "destination", "distance_band")
_LANE_SUMS = (
    *("orders_count", "loaded_km", "empty_km", "unknown_km"),
    *("transport_work_tkm", "capacity_tkm"),
)
_ORDER_SUMS = (
    *("cargo_t", "onboard_km", "approach_km", "activity_tkm"),
    *("planned_diesel_l", "planned_co2_kg", "realised_diesel_l", "realised_co2_kg"),
)

FRAMES: dict[str, Frame] = {
    "drivers": _grouped_frame("drivers", "driver_id", "The month by driver."),
    "vehicles": _grouped_frame("vehicles", "vehicle_id", "The month by truck."),
    "depots": Frame(
        "depots",
        "The month by depot, trucks as they are on record now.",
        ("depot",),
        (
            Column("depot", TEXT, "Depot of the trucks; missing for those without one.", zh="场站"),
            Column("vehicles_count", INTEGER, "Trucks with an account."),
            *_GROUP_COLUMNS,
        ),
    ),
    "lanes": Frame(
        "lanes",
        "The month by lane.",
        _LANE_KEY,
        (
            *(replace(LANES.column(name), required=False) for name in (*_LANE_KEY, *_LANE_SUMS)),
            _EMPTY,
        ),
    ),
    "shippers": Frame(
        "shippers",
        "The month by shipper, orders as they are on record now.",
        ("shipper_id",),
        (
            ORDERS.column("shipper_id"),
            Column("orders_count", INTEGER, "Orders that were not cancelled."),
            Column("orders_matched_count", INTEGER, "Those proven by the trace."),
            *(replace(ORDER_RESULTS.column(name), required=False) for name in _ORDER_SUMS),
        ),
    ),
}
"""The tables of a report by name, each with its contract."""


@dataclass(frozen=True)
class Issue:
    """Something that keeps figures from being better.

    Attributes
    ----------
    about : str
        ``order``, ``account`` or ``records``.
    code : str
    affected_count : int
        Orders or accounts.
    text : str
        What it is and what to do.
    what, remedy : str
        The two apart.
    """

    about: str
    code: str
    affected_count: int
    text: str
    what: str
    remedy: str


@dataclass(frozen=True)
class MonthReport:
    """A closed month as one object.

    Attributes
    ----------
    month, fleet_id, edition, run_id, closed_at : str
        What it is of.
    fleet : dict
        Sums and shares of the whole fleet, the saving with its interval among them.
    waterfall : list of dict
        Litres from the baseline to what was burnt, step by step, of accounts with a saving.
    tables : dict of str to DataFrame
        By the names of `FRAMES`.
    quality : dict
        Accounts by quality, and shares of what is covered and known.
    issues : list of Issue
        What affects most, first.
    bounds : dict of str to dict
        The 90 % intervals of sums, by column: of the ``fleet`` under the empty text, of
        ``drivers``, ``vehicles`` and ``depots`` by their key. Those of the saving of CO2 stand
        with the sums.
    """

    month: str
    fleet_id: str
    edition: str
    run_id: str
    closed_at: str
    fleet: dict[str, Any]
    waterfall: list[dict[str, Any]]
    tables: dict[str, pd.DataFrame]
    quality: dict[str, Any]
    issues: list[Issue]
    bounds: dict[str, dict[str, Bounds]]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form, with definition and unit of every column."""
        made = ("tables", "issues", "bounds")
        plain = {name: held for name, held in vars(self).items() if name not in made}
        return {
            **plain,
            **{name: tables.records(rows) for name, rows in self.tables.items()},
            "issues": [vars(one) for one in self.issues],
            "intervals": {name: bounds_told(by) for name, by in self.bounds.items()},
            "definitions": definitions(),
        }


def bounds_told(by: Mapping[str, Bounds]) -> dict[str, dict[str, dict[str, float]]]:
    """Bounds by group and column, JSON-ready."""
    return {
        name: {column: dict(zip(("low", "high"), held, strict=True)) for column, held in of.items()}
        for name, of in by.items()
    }


def definitions() -> dict[str, dict[str, str]]:
    """Unit, meaning and Chinese term of every column of a report."""
    return {
        column.name: {"unit": column.unit, "text": column.text, "zh": column.zh}
        for frame in reversed(FRAMES.values())  # of a name in several, the first speaks
        for column in frame.columns
    }


@dataclass(frozen=True)
class MonthRows:
    """What a report is made of.

    Attributes
    ----------
    accounts, results, lanes : DataFrame
        Rows of `frames.ACCOUNTS`, `frames.ORDER_RESULTS` and `frames.LANES`.
    intervals : DataFrame
        From `spreads.read_intervals`, of the accounts and maybe others.
    orders : DataFrame or None
        Those on record now, which name the shippers; None leaves these out.
    """

    accounts: pd.DataFrame
    results: pd.DataFrame
    lanes: pd.DataFrame
    intervals: pd.DataFrame
    orders: pd.DataFrame | None


def report_month(settings: Settings, month: str) -> MonthReport:
    """The report of a month by its latest close.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    month : str
        YYYY-MM.

    Raises
    ------
    InputRefused
        ``month_malformed``.
    NotFound
        ``month_not_closed``.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        wanted = parse_month(month, storage.zone)
        run = latest_run(work, str(wanted))
        accounts = work.closings.table(run, "accounts")
        results = work.closings.table(run, "order_results")
        lanes = work.closings.table(run, "lanes")
        orders = work.orders.in_force(month_window(settings, wanted))
        depots = shown_depots(work)
        intervals = read_intervals(work, run)
    rules = rules_of_sums(edition_in_force(settings.models_dir, wanted.last_day))
    return compose(
        run,
        MonthRows(accounts, results, lanes, intervals, orders),
        depots=depots,
        rules=rules,
        fleet_id=settings.fleet,
    )


def rules_of_sums(edition: Edition) -> UncertaintyRules:
    """By which the savings of a month are summed: of the edition in force on its last day."""
    return fill_rules(edition, "uncertainty", UncertaintyRules)


def compose(
    run: ClosingRun,
    rows: MonthRows,
    *,
    depots: Mapping[str, str],
    rules: UncertaintyRules,
    fleet_id: str,
) -> MonthReport:
    """The report of what is given of a month, all of it or a part.

    Parameters
    ----------
    run : ClosingRun
        What it is of.
    rows : MonthRows
        What is given of it.
    depots : mapping of str to str
        By truck, as on record now; who stands in none belongs to none.
    rules : UncertaintyRules
        From `rules_of_sums`.
    fleet_id : str
        Whose it is.
    """
    accounts = rows.accounts
    by_shipper = {} if rows.orders is None else {"shippers": _by_shipper(rows.results, rows.orders)}
    return MonthReport(
        month=run.month,
        fleet_id=fleet_id,
        edition=run.edition_label,
        run_id=run.run_id,
        closed_at=run.closed_at.isoformat(),
        fleet=sums_of(accounts, rules),
        waterfall=_waterfall(accounts),
        tables={
            "drivers": _by(accounts, "driver_id", rules),
            "vehicles": _by(accounts, "vehicle_id", rules),
            "depots": _by_depot(accounts, depots, rules),
            "lanes": _by_lane(rows.lanes),
            **by_shipper,
        },
        quality=_quality(accounts),
        issues=_issues(run, accounts, rows.results),
        bounds=_bounds(accounts, rows.intervals, depots),
    )


def _bounds(
    accounts: pd.DataFrame, intervals: pd.DataFrame, depots: Mapping[str, str]
) -> dict[str, dict[str, Bounds]]:
    spreads = Spreads(accounts, intervals)
    keys = {
        "fleet": [],
        "drivers": [accounts["driver_id"]],
        "vehicles": [accounts["vehicle_id"]],
        "depots": [depots_of(accounts["vehicle_id"], depots)],
    }
    return {
        name: {"".join(told): of for told, of in spreads.by(*key).items()}
        for name, key in keys.items()
    }


def sums_of(accounts: pd.DataFrame, rules: UncertaintyRules) -> dict[str, Any]:
    """The sums of some accounts; a sum of nothing known is None, not zero."""
    return sums_of_each([accounts], rules)[0]


def sums_of_each(parts: Sequence[pd.DataFrame], rules: UncertaintyRules) -> list[dict[str, Any]]:
    """The sums of accounts for each part of them, found in one go.

    Parameters
    ----------
    parts : sequence of DataFrame
        Rows of `frames.ACCOUNTS`.
    rules : UncertaintyRules
        From `rules_of_sums`, for all of them.
    """
    accounts = pd.concat(parts, ignore_index=True)
    each = tables.records(sum_accounts(accounts, together(*map(len, parts)), rules))
    return [
        {**sums, "empty_share": empty_share(sums["loaded_km"], sums["distance_km"])}
        for sums in each
    ]


def _by(accounts: pd.DataFrame, key: str, rules: UncertaintyRules) -> pd.DataFrame:
    groups = grouped(accounts[key])
    sums = sum_accounts(accounts, groups, rules)
    named = sums.assign(
        **{key: groups.texts(0)}, empty_share=_empty_shares(sums["loaded_km"], sums["distance_km"])
    )
    return FRAMES[f"{key.removesuffix('_id')}s"].shape(named)


def _by_depot(
    accounts: pd.DataFrame, depots: Mapping[str, str], rules: UncertaintyRules
) -> pd.DataFrame:
    groups = grouped(depots_of(accounts["vehicle_id"], depots))
    sums = sum_accounts(accounts, groups, rules)
    names, trucks = pd.Series(groups.texts(0)), pd.Series(accounts["vehicle_id"].to_numpy())
    return FRAMES["depots"].shape(
        sums.assign(
            depot=names.where(names != ""),
            vehicles_count=trucks.groupby(groups.code).nunique().to_numpy(),
            empty_share=_empty_shares(sums["loaded_km"], sums["distance_km"]),
        )
    )


def _by_lane(lanes: pd.DataFrame) -> pd.DataFrame:
    summed = lanes.groupby(list(_LANE_KEY), sort=True, as_index=False)[list(_LANE_SUMS)].sum()
    driven_km = summed["loaded_km"] + summed["empty_km"] + summed["unknown_km"]
    shares = _empty_shares(summed["loaded_km"], driven_km)
    return FRAMES["lanes"].shape(summed.assign(empty_share=shares))


def _empty_shares(loaded_km: pd.Series[Any], distance_km: pd.Series[Any]) -> pd.Series[Any]:
    shares = [empty_share(*pair) for pair in zip(loaded_km, distance_km, strict=True)]
    return pd.Series(shares, index=loaded_km.index, dtype=np.float64)


def _by_shipper(results: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    counted = results[results["status"] != "cancelled"].merge(
        orders[["order_id", "shipper_id"]], on="order_id", how="left"
    )
    groups = grouped(counted["shipper_id"])
    names = pd.Series(groups.texts(0))
    return FRAMES["shippers"].shape(
        pd.DataFrame(
            {
                "shipper_id": names.where(names != ""),
                "orders_count": np.bincount(groups.code, minlength=groups.count),
                "orders_matched_count": groups.counts(counted["matched"].to_numpy(bool)),
                **{name: sum_known(counted[name], groups) for name in _ORDER_SUMS},
            }
        )
    )


def _sum(values: pd.Series[Any]) -> float | None:
    """The exact sum of what is known; None of nothing."""
    found = float(sum_known(values, together(len(values)))[0])
    return None if math.isnan(found) else found


def _ratio(part: float, whole: float) -> float | None:
    return float(part) / float(whole) if whole > 0 else None


def _waterfall(accounts: pd.DataFrame) -> list[dict[str, Any]]:
    compared = accounts[accounts["diesel_saved_l"].notna()]
    steps = [{"step": "baseline_diesel_l", "volume_l": _sum(compared["baseline_diesel_l"])}]
    for name in _STEPS:
        saved_l = _sum(compared[name])
        steps.append({"step": name, "volume_l": None if saved_l is None else -saved_l})
    steps.append({"step": "diesel_l", "volume_l": _sum(compared["diesel_l"])})
    others = accounts[accounts["diesel_saved_l"].isna()]
    return [*steps, {"step": "not_compared_l", "volume_l": _sum(others["diesel_l"])}]


def _quality(accounts: pd.DataFrame) -> dict[str, Any]:
    distance_km = accounts["distance_km"].sum()
    return {
        "accounts_by_quality": dict(sorted(Counter(accounts["quality"].tolist()).items())),
        "unknown_km_share": _ratio(accounts["unknown_km"].sum(), distance_km),
        "imputed_km_share": _ratio(accounts["imputed_km"].sum(), distance_km),
        "orders_matched_share": _ratio(
            accounts["orders_matched_count"].sum(), accounts["orders_count"].sum()
        ),
    }


def unproven(results: pd.DataFrame) -> pd.DataFrame:
    """Orders that no trace proves and that were not cancelled, of `frames.ORDER_RESULTS`."""
    return results[~results["matched"].astype(bool) & (results["status"] != "cancelled")]


def _issues(run: ClosingRun, accounts: pd.DataFrame, results: pd.DataFrame) -> list[Issue]:
    of_orders = Counter(unproven(results)["reason_code"].tolist())
    of_accounts = Counter(
        note.strip()
        for notes in accounts["notes"].tolist()
        for note in notes.split(";")
        if note.strip()
    )
    found = [_issue("order", code, count) for code, count in of_orders.items()]
    found += [
        _issue("account", code, count) for code, count in (of_accounts + _lacking(accounts)).items()
    ]
    found += [
        _issue("records", one["code"], 1, what=one["text"], remedy=one["remedy"])
        for one in run.summary.get("suspicions", [])
    ]
    return sorted(found, key=lambda one: (-one.affected_count, one.about, one.code))


def _lacking(accounts: pd.DataFrame) -> Counter[str]:
    """Accounts of which positions are missing, or of which nothing says whether they carried."""
    coverage_share, unknown_km, distance_km = (
        accounts[name].to_numpy(float) for name in ("coverage_share", "unknown_km", "distance_km")
    )
    return +Counter(
        {
            "positions_missing": int((coverage_share < COVERAGE_SHARE_MIN).sum()),
            "load_unknown": int(
                ((unknown_km > 0) & (unknown_km >= UNKNOWN_SHARE_MIN * distance_km)).sum()
            ),
        }
    )


def _issue(about: str, code: str, affected_count: int, **in_english: str) -> Issue:
    named = {"about": about, "code": code, **in_english}
    what, remedy = issue_told(named, ENGLISH)
    text = issue_text(named, ENGLISH)
    return Issue(about, code, affected_count, text, what, remedy)
