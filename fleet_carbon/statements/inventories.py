"""The inventory book for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fleet_carbon.statements import layout

_KG_MG, _UNIT_MILLIONTHS = 1_000_000, 1_000_000
_DISTANCES = {
    "gcd": "great circle (GCD)",
    "sfd": "shortest feasible distance (SFD) as orders tell it",
}
_HEADS = ("category", "shipments", "tkm", "empty", "DAF", "g/tkm WTW", "kg WTW", "data")


def book_lines(book: Mapping[str, Any]) -> list[str]:
    """The categories of a month, and where all of its energy and CO2e is.

    Parameters
    ----------
    book : mapping
        JSON-ready form of a `services.accounts.inventories.Inventory`.
    """
    summary = book["summary"]
    rows = [_HEADS, *(_category(row) for row in book["tocs"])]
    sums = [
        f"{one['energy']}: {_number(one['energy_millionths'], _UNIT_MILLIONTHS, 1)}"
        f" {one['energy_unit'] or ''}, of which"
        f" {_number(one['attributed_millionths'], _UNIT_MILLIONTHS, 1)} for shipments"
        for one in summary["energy"]
    ]
    whole, attributed = summary["co2e_wtw_mg"], summary["attributed"]["co2e_wtw_mg"]
    return [
        *layout.headed(f"Inventory of {book['month']} by ISO 14083", []),
        *layout.columns(rows, "lrrrrrrl", indent=0),
        "",
        *sums,
        f"CO2e well-to-wheel: {_number(whole, _KG_MG, 1)} kg ="
        f" {_number(attributed, _KG_MG, 1)} of shipments"
        f" + {_number(whole - attributed, _KG_MG, 1)} of nobody",
        *(
            f"  {row['reason']}, {row['energy']}: {_number(row['co2e_wtw_mg'], _KG_MG, 1)} kg,"
            f" {layout.grouped(row['distance_km'], 1)} km"
            for row in book["unattributed"]
        ),
        f"Activity by {_DISTANCES[summary['distance_kind']]}"
        + (
            f"; {summary['other_distance_count']} shipments without one by the great circle"
            if summary["other_distance_count"]
            else ""
        ),
        f"{summary['shipments_count']} shipments; {summary['unproven_count']} orders are not"
        f" proven and have no footprint; measured: {layout.percent(summary['primary_share'])}",
    ]


def _category(row: Mapping[str, Any]) -> tuple[str, ...]:
    ratio, per_tkm = row["distance_adjustment_ratio"], row["co2e_wtw_g_per_tkm"]
    return (
        row["toc_id"].partition(".")[2],
        str(row["shipments_count"]),
        layout.grouped(row["activity_tkm"], 0),
        layout.percent(row["empty_share"]),
        "" if ratio is None else f"{ratio:.3f}",
        "" if per_tkm is None else f"{per_tkm:.1f}",
        _number(row["co2e_wtw_mg"], _KG_MG, 1),
        row["data_class"],
    )


def _number(value: int | None, per: int, digits: int) -> str:
    return "" if value is None else layout.grouped(value / per, digits)
