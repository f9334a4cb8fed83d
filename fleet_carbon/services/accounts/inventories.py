"""The inventory book of a closed month by ISO 14083: made of what its close has on record.

Nothing of it is kept: the same close gives the same book, and one that was closed again another.
Who a shipment is for, the edition and the factors are read as they were at the close.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.frames import SHIPMENTS, SHIPPERS, TOCS, UNATTRIBUTED, Frame
from fleet_carbon.periods import Month, parse_month
from fleet_carbon.quantification import forming, transport_operations
from fleet_carbon.quantification.editions import edition_labelled, fill_rules
from fleet_carbon.quantification.emissions import resolve_inventory
from fleet_carbon.quantification.factors import FactorBook
from fleet_carbon.quantification.grouping import grouped
from fleet_carbon.services.accounts.paging import Page, page_of, rows_with
from fleet_carbon.services.accounts.reading import Table
from fleet_carbon.services.intake.withdrawing import month_window
from fleet_carbon.services.support.keeping import Kept
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import inventories as lines_of
from fleet_carbon.statements import tables
from fleet_carbon.storage.unit_of_work import ClosingRun, UnitOfWork, open_storage

FRAMES: dict[str, Frame] = {
    "tocs": TOCS,
    "shipments": SHIPMENTS,
    "unattributed": UNATTRIBUTED,
    "shippers": SHIPPERS,
}
"""The tables of the book by name, each with its contract."""
KEPT_SHIPMENTS_MAX = 300_000
"""Books that a process keeps have no more shipments together: about 1 KiB each."""
DISTANCES = forming.DISTANCE_KINDS
"""By which distance activity may be told."""
_NAMED_MAX = 10
_FOOTPRINT = ("co2e_ttw_mg", "co2e_wtw_mg")
_OF_ORDER = ("shipper_id", "weight_source")
PLACES = ("pickup_lon", "pickup_lat", "delivery_lon", "delivery_lat")
"""Where an order is loaded and unloaded: columns of `frames.ORDERS`."""


@dataclass(frozen=True)
class Inventory:
    """The inventory book of a month.

    Attributes
    ----------
    month, fleet_id, edition, run_id, closed_at : str
        What it is of.
    distance_kind : str
        By which distance activity was asked for: gcd, or sfd where it is told.
    tables : dict of str to DataFrame
        By the names of `FRAMES`.
    unproven : DataFrame
        Orders of the month that no trace proves: `order_id`, `shipper_id`, `reason_code`.
    period : Month
        The month in the fleet's zone.
    places : DataFrame
        `PLACES` of each shipment, in their order; missing where its order is not on record.
    """

    month: str
    fleet_id: str
    edition: str
    run_id: str
    closed_at: str
    distance_kind: str
    tables: Mapping[str, pd.DataFrame]
    unproven: pd.DataFrame
    period: Month
    places: pd.DataFrame

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The month in some numbers, JSON-ready: energy and CO2e, for whom, and how known."""
        tocs, rest = self.tables["tocs"], self.tables["unattributed"]
        attributed_mg, rest_mg = (
            {name: int(rows[name].sum()) for name in _FOOTPRINT} for rows in (tocs, rest)
        )
        wtw_mg = attributed_mg["co2e_wtw_mg"]
        whole_mg = wtw_mg + rest_mg["co2e_wtw_mg"]
        primary_mg = float((tocs["primary_share"] * tocs["co2e_wtw_mg"].astype("float64")).sum())
        activity_tkm = float(tocs["activity_tkm"].sum())
        work_tkm = float(tocs["transport_work_tkm"].sum())
        kinds = self.tables["shipments"]["distance_kind"]
        return {
            "distance_kind": self.distance_kind,
            "other_distance_count": int((kinds != self.distance_kind).sum()),
            "distance_adjustment_ratio": work_tkm / activity_tkm if activity_tkm else None,
            "activity_tkm": activity_tkm,
            "shipments_count": len(self.tables["shipments"]),
            "unknown_count": int(self.tables["shipments"]["co2e_wtw_mg"].isna().sum()),
            "unproven_count": len(self.unproven),
            "energy": _by_energy(tocs, rest),
            "attributed": attributed_mg,
            "unattributed": rest_mg,
            **{name: attributed_mg[name] + rest_mg[name] for name in _FOOTPRINT},
            "attributed_share": wtw_mg / whole_mg if whole_mg else None,
            "primary_share": primary_mg / wtw_mg if wtw_mg else None,
        }

    def heading(self) -> dict[str, str]:
        """What it is of, JSON-ready."""
        names = ("month", "fleet_id", "edition", "run_id", "closed_at")
        return {name: getattr(self, name) for name in names}

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form: the summary and every table."""
        rows = {name: tables.records(held) for name, held in self.tables.items()}
        return {**self.heading(), "summary": self.summary, **rows}

    def lines(self) -> list[str]:
        """The categories and the sums for people."""
        return lines_of.book_lines(self.as_dict())

    def table(self, name: str) -> Table:
        """One table, to be written or shown."""
        rows = self.tables[name]
        return Table(name, self.month, self.fleet_id, self.edition, FRAMES[name], rows)


def _by_energy(tocs: pd.DataFrame, rest: pd.DataFrame) -> list[dict[str, Any]]:
    found = []
    for energy in sorted({*tocs["energy"].tolist(), *rest["energy"].tolist()}):
        parts = [rows[(rows["energy"] == energy).to_numpy(bool)] for rows in (tocs, rest)]
        units = [unit for part in parts for unit in part["energy_unit"].dropna().tolist()]
        attributed, others = (int(part["energy_millionths"].sum()) for part in parts)
        found.append(
            {
                "energy": energy,
                "energy_unit": units[0] if units else None,
                "energy_millionths": attributed + others,
                "attributed_millionths": attributed,
            }
        )
    return found


def read_inventory(
    settings: Settings, month: str, *, known_at: datetime | None = None, distance: str = ""
) -> Inventory:
    """The inventory book of a month by its latest close.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    month : str
        YYYY-MM.
    known_at : datetime, optional
        By its latest close before that moment.
    distance : str
        By which distance activity is told, ``gcd`` or ``sfd``; empty for that of the edition.

    Raises
    ------
    InputRefused
        ``month_malformed``, ``distance_kind_unknown``.
    NotFound
        ``month_not_closed``.
    """
    if distance and distance not in DISTANCES:
        raise InputRefused(
            "distance_kind_unknown",
            f"Activity is not told by the distance {distance!r}.",
            f"Use one of {', '.join(DISTANCES)}.",
        )
    with (
        closing(open_storage(settings)) as storage,
        storage.begin(read_only=True, known_at=known_at, reads_traces=False) as work,
    ):
        wanted = parse_month(month, storage.zone)
        run = latest_run(work, str(wanted))
    place = (str(settings.home), str(settings.database_url), str(settings.models_dir))
    key = (*place, settings.fleet, run.run_id, distance)
    return _KEPT.get(key, lambda: _made(settings, run, wanted, distance=distance))


def read_rows(
    settings: Settings,
    name: str,
    month: str,
    *,
    equal: Mapping[str, str] | None = None,
    distance: str = "",
    cursor: str = "",
    limit_rows: int = 100,
) -> Page:
    """A page of a table of the book.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    name : str
        Of `FRAMES`.
    month : str
        YYYY-MM.
    distance : str
        As for `read_inventory`.
    equal, cursor, limit_rows
        As for `paging.read_page`.

    Raises
    ------
    InputRefused
        ``month_malformed``, ``distance_kind_unknown``, ``cursor_malformed``, ``cursor_stale``.
    NotFound
        ``month_not_closed``.
    """
    book = read_inventory(settings, month, distance=distance)
    return page_of(
        rows_with(book.tables[name], equal or {}),
        FRAMES[name],
        {key: held for key, held in book.heading().items() if key != "closed_at"},
        cursor=cursor,
        limit_rows=limit_rows,
    )


def shipments_count(book: Inventory) -> int:
    """What a book weighs among those that are kept."""
    return len(book.tables["shipments"])


_KEPT = Kept(KEPT_SHIPMENTS_MAX, shipments_count)


def _made(settings: Settings, run: ClosingRun, month: Month, *, distance: str) -> Inventory:
    with (
        closing(open_storage(settings)) as storage,
        storage.begin(known_at=run.closed_at) as work,
    ):
        orders = work.orders.in_force(
            month_window(settings, month), (*_OF_ORDER, *PLACES, "sfd_km")
        ).set_index("order_id")
        of_month = _read(work, run, orders)
        fleet_id = storage.fleet_id
    edition = edition_labelled(settings.models_dir, run.edition_label)
    rules = fill_rules(edition, "inventory", forming.FormingRules, group="forming")
    book = FactorBook.load(settings.models_dir)
    factors = resolve_inventory(
        book,
        edition,
        month.first_day,
        # As known at the close: what was published since does not change a closed month. None was
        # made before there were factors, whatever its clock said.
        known_on=max(run.closed_at.date(), book.complete_on),
        diesel_ttw_factor=rules.diesel_ttw_factor,
    )
    made = transport_operations.operate(
        of_month,
        month=month,
        factors=factors,
        edition=edition,
        distance_kind=distance or rules.distance_kind,
    )
    # Of a month that came from another installation the orders did not.
    own = orders.reindex(made.shipments["shipment_id"])
    shipments = SHIPMENTS.shape(
        made.shipments.assign(**{name: own[name].array for name in _OF_ORDER})
    )
    unproven = _unproven(of_month.order_results, orders)
    return Inventory(
        month=run.month,
        fleet_id=fleet_id,
        edition=run.edition_label,
        run_id=run.run_id,
        closed_at=run.closed_at.isoformat(),
        distance_kind=distance or rules.distance_kind,
        tables={
            "tocs": made.tocs,
            "shipments": shipments,
            "unattributed": made.unattributed,
            "shippers": _by_shipper(shipments, unproven, rules),
        },
        unproven=unproven,
        period=month,
        places=own[list(PLACES)].reset_index(drop=True),
    )


def _read(work: UnitOfWork, run: ClosingRun, orders: pd.DataFrame) -> forming.MonthTables:
    read = {
        name: work.closings.table(run, name, columns) for name, columns in forming.COLUMNS.items()
    }
    return forming.MonthTables(**read, sfd_km=orders["sfd_km"])


def _unproven(results: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    is_unproven = ((results["status"] != "cancelled") & ~results["matched"]).to_numpy(bool)
    rows = results.loc[is_unproven, ["order_id", "reason_code"]].reset_index(drop=True)
    shippers = orders["shipper_id"].reindex(rows["order_id"])
    return rows.assign(shipper_id=shippers.astype("string").array)


def _by_shipper(
    shipments: pd.DataFrame, unproven: pd.DataFrame, rules: forming.FormingRules
) -> pd.DataFrame:
    """`frames.SHIPPERS`, whoever has shipments or orders that are not proven."""
    both = pd.concat([shipments["shipper_id"], unproven["shipper_id"]], ignore_index=True)
    groups = grouped(both)
    count, code = groups.count, groups.code[: len(shipments)]
    wtw = shipments["co2e_wtw_mg"]
    is_known = wtw.notna().to_numpy(bool)

    def summed(values: Any) -> Any:
        return np.bincount(code, np.where(is_known, values, 0.0), count)

    sums: dict[str, Any] = {}
    for name in _FOOTPRINT:
        sums[name] = np.zeros(count, dtype=np.int64)
        np.add.at(sums[name], code, shipments[name].fillna(0).to_numpy(np.int64))
    tkm = shipments["activity_tkm"].to_numpy(np.float64)
    known_tkm, wtw_mg = summed(tkm), sums["co2e_wtw_mg"].astype(np.float64)
    primary = np.nan_to_num(shipments["primary_share"].to_numpy(np.float64, na_value=np.nan))
    names = pd.Series(groups.texts(0))
    by_class = {
        name: summed(np.where(shipments["data_class"] == name, wtw.fillna(0), 0))
        for name in (forming.PRIMARY, forming.MODELLED, forming.DEFAULT)
    }
    with np.errstate(divide="ignore", invalid="ignore"):
        per_tkm, share = wtw_mg / 1000 / known_tkm, summed(primary * wtw.fillna(0)) / wtw_mg
    return SHIPPERS.shape(
        pd.DataFrame(
            {
                "shipper_id": names.where(names != ""),
                "shipments_count": np.bincount(code, minlength=count),
                "unknown_count": np.bincount(code[~is_known], minlength=count),
                "unproven_count": np.bincount(groups.code[len(shipments) :], minlength=count),
                "cargo_t": np.bincount(code, shipments["cargo_t"].to_numpy(np.float64), count),
                "activity_tkm": np.bincount(code, tkm, count),
                **sums,
                "co2e_wtw_g_per_tkm": np.where(known_tkm > 0, per_tkm, np.nan),
                "data_class": forming.weakest_class(by_class, rules.weakest_share_min),
                "primary_share": np.where(wtw_mg > 0, share, np.nan),
            }
        )
    )


def shipper_row(book: Inventory, shipper_id: str) -> dict[str, Any]:
    """A customer's row of the book.

    Raises
    ------
    NotFound
        ``shipper_not_found``: nothing was carried for such a customer in the month.
    """
    rows = book.tables["shippers"]
    found = tables.records(rows[(rows["shipper_id"] == shipper_id).fillna(value=False)])
    if not found:
        known = rows["shipper_id"].dropna().tolist()
        more = ", ..." if len(known) > _NAMED_MAX else ""
        raise NotFound(
            "shipper_not_found",
            f"There is no order of the customer {shipper_id!r} in {book.month}.",
            f"Its customers: {', '.join(known[:_NAMED_MAX]) or 'none'}{more}.",
            shipper_id=shipper_id,
        )
    return found[0]
