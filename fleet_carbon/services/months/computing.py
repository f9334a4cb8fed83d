"""What a month comes to: everything it rests on is read, then computed lot by lot of trucks.

Nothing is put on record here. The same inputs give the same bytes, in a close as in a replay.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa

from fleet_carbon import engine
from fleet_carbon.errors import InputRefused, Suspicion
from fleet_carbon.frames import Frame
from fleet_carbon.ingest import suspicions
from fleet_carbon.learning.loading import LoadClassifier
from fleet_carbon.ledger.sharing import SharingRule
from fleet_carbon.legs import crossings
from fleet_carbon.legs.crossings import DRIVEN_BY_ANOTHER, TWIN, CrossingRules
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.periods import Month, parse_month
from fleet_carbon.quantification import accounts as quantification
from fleet_carbon.quantification import editions, factors
from fleet_carbon.services.intake import pricing
from fleet_carbon.services.ledger import claiming
from fleet_carbon.services.ledger.claiming import Pair, Refusal
from fleet_carbon.services.ledger.sharing import sharing_in_force
from fleet_carbon.services.months import comparing, cutting, models, purchases
from fleet_carbon.services.months.cut_tables import CutFacts, unpacked
from fleet_carbon.services.months.quantifying import FRAMES, quantified
from fleet_carbon.services.months.records import Records, read_records
from fleet_carbon.services.support import program
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.settings import Settings
from fleet_carbon.storage.cuts import CutShelf
from fleet_carbon.storage.memory import give_back
from fleet_carbon.storage.segments import VersionNumber
from fleet_carbon.storage.unit_of_work import ClosingRun, Storage, UnitOfWork
from fleet_carbon.traces.levels import LevelRules
from fleet_carbon.traces.lookouts import LookoutRules
from fleet_carbon.traces.trace import TraceRules

# For the look at coordinate systems only: stops worth the name, and enough of them.
_STOP_H_MIN = 0.15
_PLACES_MAX = 5000
# Quantified together: enough that what a table costs by itself is nothing.
_TRUCKS_TOGETHER = 200


@dataclass(frozen=True)
class Basis:
    """Everything a close rests on, read at its beginning."""

    month: Month
    records: Records
    record_digests: dict[str, str]
    context: quantification.AccountContext
    loads: LoadClassifier | None
    plan: cutting.CutPlan
    previous: ClosingRun | None
    traces_at: VersionNumber
    sharing: SharingRule


@dataclass(frozen=True)
class Outcome:
    """Everything a close came to, before it is put on record."""

    tables: dict[str, pd.DataFrame]
    inputs: dict[str, str]
    fixes_count: int
    dropped: dict[str, int]
    vehicles_count: int
    trucks_cut_count: int
    suspicions: tuple[Suspicion, ...]
    claims: pd.DataFrame
    refusals: dict[Pair, Refusal] = field(default_factory=dict)


def recompute(
    settings: Settings, storage: Storage, run: ClosingRun, *, progress: Progress | None = None
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """The tables of a run made anew from what was known then, and the digests of what went in.

    Nothing is put on record. What a digest says is not as it was then was changed since: an
    edition, factors, a model, the program.

    Parameters
    ----------
    settings : Settings
        Where models and editions are.
    storage : Storage
        The fleet.
    run : ClosingRun
        With `traces_at`.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    NotFound
        If the traces of that version were removed.
    """
    wanted = parse_month(run.month, storage.zone)
    way = engine.way_of(settings.scheduler, settings.workers)
    with storage.begin(known_at=run.closed_at) as work:
        basis = read_basis(work, settings, storage, month=wanted, trace_version=run.traces_at)
    with tempfile.TemporaryDirectory() as folder:  # nothing that was made before is taken
        shelf, reopened = (CutShelf(Path(folder) / "cuts") for _ in range(2))
        cut_rows = partial(cutting.cut_rows, way=way, progress=progress or Silent())
        outcome = compute(basis, cut_rows, storage, shelf=shelf, reopened=reopened)
        refusals = claiming.refusals_on_record(run.summary)
        if refusals:
            outcome = refusing(basis, outcome, refusals, cut_rows=cut_rows, shelf=reopened)
    return outcome.tables, outcome.inputs


def read_basis(
    work: UnitOfWork,
    settings: Settings,
    storage: Storage,
    *,
    month: Month,
    trace_version: VersionNumber | None = None,
) -> Basis:
    """Everything that a month's figures rest on.

    Parameters
    ----------
    work : UnitOfWork
        What is on record, as known at its moment.
    settings : Settings
        Where models and editions are.
    storage : Storage
        The fleet.
    month : Month
        The month.
    trace_version : VersionNumber, optional
        Traces as they were at a version; by default as they are.
    """
    last_day = month.last_day
    edition = editions.edition_in_force(settings.models_dir, last_day)
    rules = cutting.Rules(
        traces=editions.fill_rules(edition, "traces", TraceRules),
        legs=editions.fill_rules(edition, "legs", LegRules),
        lookouts=editions.fill_rules(edition, "receipts", LookoutRules, group="lookouts"),
        levels=editions.fill_rules(edition, "receipts", LevelRules, group="levels"),
    )
    window = month.widened(round(rules.legs.window_margin_days))
    history = work.closings.before(str(month), "accounts")
    records = read_records(work, window)
    bought = purchases.concerning(records.energy, month=month, window=window, history=history)
    records = replace(records, energy=bought)
    record_digests = comparing.digest_records(records)
    context = account_context(
        work, settings, storage, month=month, records=records, history=history
    )
    return Basis(
        month=month,
        records=records,
        record_digests=record_digests,
        context=context,
        loads=models.load_classifier_in_force(settings, str(month)),
        plan=cutting.plan_cuts(
            work,
            records,
            record_digests=record_digests,
            month=month,
            rules=rules,
            trace_version=trace_version,
        ),
        previous=work.closings.latest(str(month)),
        traces_at=work.traces.version_number() if trace_version is None else trace_version,
        sharing=sharing_in_force(settings.models_dir, last_day),
    )


def account_context(
    work: UnitOfWork,
    settings: Settings,
    storage: Storage,
    *,
    month: Month,
    records: Records,
    history: pd.DataFrame,
) -> quantification.AccountContext:
    """What the accounts of a month rest on besides legs and orders.

    Parameters
    ----------
    work : UnitOfWork
        What is on record.
    settings : Settings
        Where models and editions are.
    storage : Storage
        The fleet.
    month : Month
        The month.
    records : Records
        Register, baselines, and the orders of the month.
    history : DataFrame
        Accounts of earlier months.
    """
    last_day = month.last_day
    edition = editions.edition_in_force(settings.models_dir, last_day)
    return quantification.AccountContext(
        month=month,
        fleet_id=storage.fleet_id,
        vehicles=records.vehicles,
        drivers=records.drivers,
        baselines=records.baselines,
        orders=records.orders,
        history=history,
        lanes=work.closings.before(str(month), "lanes"),
        carbon_price=pricing.price_in_force(work, pricing.CARBON_UNIT, last_day),
        diesel_price=pricing.price_in_force(work, pricing.DIESEL_UNIT, last_day),
        book=factors.FactorBook.load(settings.models_dir),
        edition=edition,
        fitted=models.fuel_model_in_force(settings, str(month), edition),
    )


def _refuse_without_data(storage: Storage, basis: Basis, facts: Iterable[CutFacts]) -> None:
    """A month needs positions, unless it was closed with some that were withdrawn since."""
    if basis.previous is not None or any(fact.fixes_in_month_count for fact in facts):
        return
    month = basis.month
    with storage.begin(read_only=True) as work:
        held = work.traces.summary()
    known = "There are no positions on record at all."
    if held["fixes"]:
        first, last = (held[end].astimezone(month.zone).date() for end in ("first", "last"))
        known = f"The positions on record reach from {first} to {last}."
    raise InputRefused(
        "month_without_data",
        f"The fleet has no positions in {month}. {known}",
        "Ingest the month's positions first, or close a month that has some.",
        month=str(month),
    )


def compute(
    basis: Basis,
    cut_rows: Callable[[cutting.CutPlan, CutShelf], Iterator[cutting.CutRows]],
    storage: Storage,
    *,
    shelf: CutShelf,
    reopened: CutShelf,
) -> Outcome:
    """Everything a month comes to.

    Parameters
    ----------
    basis : Basis
        What it rests on.
    cut_rows : callable
        Cuts what a plan names and a shelf does not hold.
    storage : Storage
        The fleet, for what an error tells.
    shelf, reopened : CutShelf
        What was cut before; and the same again, first asked once the first is filled.

    Raises
    ------
    InputRefused
        ``month_without_data``.
    """
    found, facts, trucks_cut_count = _quantified(basis, cut_rows(basis.plan, shelf))
    _refuse_without_data(storage, basis, facts)
    rules = editions.fill_rules(basis.context.edition, "crossings", CrossingRules)
    twins = crossings.twins(found["legs"], rules)
    if twins:  # a shelf knows what it held when it was first asked: only reopened, all of them
        refused = claiming.accounts_of_trucks(found["accounts"], twins, TWIN)
        found = _requantified(basis, found, refused, cut_rows=cut_rows, shelf=reopened)
    found["order_results"] = _with_other_drivers(found, basis.records.orders, rules)
    dropped: Counter[str] = Counter()
    for fact in facts:
        dropped.update(fact.dropped)
    outcome = Outcome(
        claims=_claims(basis, found),
        tables=found,
        inputs=_digests(basis, facts),
        fixes_count=sum(fact.fixes_count for fact in facts),
        dropped=dict(sorted(dropped.items())),
        vehicles_count=sum(fact.fixes_in_month_count > 0 for fact in facts),
        trucks_cut_count=trucks_cut_count,
        suspicions=_suspicions(found["legs"], basis.records.orders),
    )
    give_back()  # to put the tables on record takes as much again
    return outcome


def _claims(basis: Basis, found: dict[str, pd.DataFrame]) -> pd.DataFrame:
    context = basis.context
    return claiming.wanted_claims(
        found, context.vehicles, fleet_id=context.fleet_id, edition=context.edition
    )


def refusing(
    basis: Basis,
    outcome: Outcome,
    refusals: dict[Pair, Refusal],
    *,
    cut_rows: Callable[[cutting.CutPlan, CutShelf], Iterator[cutting.CutRows]],
    shelf: CutShelf,
) -> Outcome:
    """The outcome with nothing credited to some more accounts, which claim nothing then."""
    refusals = outcome.refusals | refusals
    notes = {pair: refusal.note for pair, refusal in refusals.items()}
    found = _requantified(basis, outcome.tables, notes, cut_rows=cut_rows, shelf=shelf)
    rules = editions.fill_rules(basis.context.edition, "crossings", CrossingRules)
    found["order_results"] = _with_other_drivers(found, basis.records.orders, rules)
    return replace(
        outcome,
        tables=found,
        inputs=outcome.inputs | claiming.refusal_digests(refusals),
        claims=_claims(basis, found),
        refusals=refusals,
    )


def _requantified(
    basis: Basis,
    found: dict[str, pd.DataFrame],
    refused: dict[Pair, str],
    *,
    cut_rows: Callable[[cutting.CutPlan, CutShelf], Iterator[cutting.CutRows]],
    shelf: CutShelf,
) -> dict[str, pd.DataFrame]:
    """The tables, those of the trucks of refused accounts made anew."""
    trucks = {vehicle_id for _, vehicle_id in refused}
    context = replace(basis.context, refused=refused)
    rows = cut_rows(basis.plan.only(trucks), shelf)
    new, _, _ = _quantified(replace(basis, context=context), rows)
    return {
        frame.name: _exchanged(frame, found.pop(frame.name), new[frame.name], trucks)
        for frame in FRAMES
    }


def _quantified(
    basis: Basis, cut_rows: Iterator[cutting.CutRows]
) -> tuple[dict[str, pd.DataFrame], list[CutFacts], int]:
    """Every table of all trucks, what is told of each, and how many were cut now."""
    facts: list[CutFacts] = []
    tables: dict[str, list[pd.DataFrame]] = {frame.name: [] for frame in FRAMES}
    trucks_cut_count = 0
    for lot in _together(cut_rows):
        cut = unpacked(pa.concat_tables([part.rows for part in lot]))
        trucks_cut_count += sum(part.made_count for part in lot)
        facts += cut.facts
        for name, rows in quantified(
            basis.context, basis.records.orders, cut, loads=basis.loads
        ).items():
            tables[name].append(rows)
        give_back()  # frames that are worked on are many times as large as the tables they leave
    # One after the other, and its parts go: a month of a large fleet is in memory once.
    found = {frame.name: _joined(frame, tables.pop(frame.name)) for frame in FRAMES}
    return found, facts, trucks_cut_count


def _with_other_drivers(
    found: dict[str, pd.DataFrame], orders: pd.DataFrame, rules: CrossingRules
) -> pd.DataFrame:
    """The order results, where another truck drove an order that its own did not."""
    results = found["order_results"]
    others = crossings.driven_by_others(results, orders, found["legs"], rules=rules)
    is_of_other = results["order_id"].isin(list(others))
    reason = results["reason_code"].mask(is_of_other, DRIVEN_BY_ANOTHER)
    return results.assign(reason_code=reason)


def _together(parts: Iterable[cutting.CutRows]) -> Iterator[list[cutting.CutRows]]:
    """Parts in lots that are worth a table."""
    lot: list[cutting.CutRows] = []
    for part in parts:
        lot.append(part)
        if sum(one.rows.num_rows for one in lot) >= _TRUCKS_TOGETHER:
            yield lot
            lot = []
    if lot:
        yield lot


def _joined(frame: Frame, parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all trucks by truck; those of one truck stay in their order."""
    filled = [part for part in parts if len(part)]
    parts.clear()
    if not filled:
        return frame.empty()
    rows = filled[0] if len(filled) == 1 else pd.concat(filled, ignore_index=True)
    filled.clear()
    by = [name for name in ("driver_id", "vehicle_id") if name in frame.key] or ["vehicle_id"]
    keys = pd.MultiIndex.from_frame(rows[by]) if len(by) > 1 else rows[by[0]]
    if not keys.is_monotonic_increasing:
        rows = rows.sort_values(by, kind="stable")
    return frame.shape(rows)


def _exchanged(
    frame: Frame, rows: pd.DataFrame, new: pd.DataFrame, vehicle_ids: Collection[str]
) -> pd.DataFrame:
    """The rows with those of some trucks exchanged for new ones."""
    is_kept = ~rows["vehicle_id"].isin(list(vehicle_ids)).to_numpy(bool)
    return _joined(frame, [rows.loc[is_kept], new])


def _suspicions(legs: pd.DataFrame, orders: pd.DataFrame) -> tuple[Suspicion, ...]:
    """Whether stops and ordered places lie apart as coordinate systems do."""
    stops = legs.loc[legs["stop_h"] >= _STOP_H_MIN, ["to_lon", "to_lat"]].head(_PLACES_MAX)
    given = pd.concat(
        [
            orders.loc[orders[f"{end}_uncertainty_km"] == 0, [f"{end}_lon", f"{end}_lat"]].set_axis(
                ["lon", "lat"], axis=1
            )
            for end in ("pickup", "delivery")
        ]
    ).head(_PLACES_MAX)
    found = suspicions.shifted_coordinates(
        stop_lon=stops["to_lon"].to_numpy(float),
        stop_lat=stops["to_lat"].to_numpy(float),
        place_lon=given["lon"].to_numpy(float),
        place_lat=given["lat"].to_numpy(float),
    )
    return () if found is None else (found,)


def _digests(basis: Basis, facts: Iterable[CutFacts]) -> dict[str, str]:
    context = basis.context
    prices = f"{context.carbon_price} {context.diesel_price}"
    return comparing.digest_inputs(
        basis.record_digests,
        trace_versions={one.vehicle_id: one.trace_version for one in facts if one.fixes_count},
        history=context.history,
        for_all={
            "prices": hashlib.sha256(prices.encode()).hexdigest(),
            "edition": context.edition.digest,
            "factors": hashlib.sha256(factors.lock_text(context.book).encode()).hexdigest(),
            "program": program.program_version(),
            "fuel_model": context.fitted.digest if context.fitted else "",
            "load_model": basis.loads.digest if basis.loads else "",
            "cohort": comparing.digest_rows(context.basis.records.cohort.rows),
        },
    )
