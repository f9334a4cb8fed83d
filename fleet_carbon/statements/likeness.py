"""Drivers who did the like: the same class of truck, most of the work in the same distance band.

Only told where enough others did; nobody can then be made out of the figures of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import pandas as pd

from fleet_carbon.statements.shares import empty_share

OTHERS_MIN = 5
_KEY = ["driver_id", "vehicle_id"]
COMPARED = (
    *(*_KEY, "distance_km", "loaded_km", "load_rate_share"),
    *("diesel_saved_l", "co2_credited_g"),
)
"""Columns of the accounts by which drivers are compared."""


@dataclass(frozen=True)
class Likeness:
    """What drivers like this one did in the month.

    Attributes
    ----------
    vehicle_class, distance_band : str
        What they have in common; no band where it takes drivers of any distance to be enough.
    others_count : int
        How many they are.
    empty_share, load_rate_share, saved_l_per_100km, credited_kg_per_100km : float or None
        Medians over them; None if they are fewer than `OTHERS_MIN`. [0..1], [0..1],
        [l/100 km], [kg/100 km]
    """

    vehicle_class: str
    distance_band: str
    others_count: int
    empty_share: float | None = None
    load_rate_share: float | None = None
    saved_l_per_100km: float | None = None
    credited_kg_per_100km: float | None = None


def kinds_of_work(lanes: pd.DataFrame) -> dict[tuple[str, str], tuple[str, str]]:
    """Class of truck and distance band in which most work was done, by driver and truck.

    Parameters
    ----------
    lanes : DataFrame
        Rows of `frames.LANES` of a month.
    """
    known = lanes[(lanes["vehicle_class"] != "") & (lanes["distance_band"] != "")]
    by = [*_KEY, "vehicle_class", "distance_band"]
    work: pd.DataFrame = known.groupby(by)[["transport_work_tkm"]].sum().reset_index()
    most = work.sort_values("transport_work_tkm", kind="stable").drop_duplicates(_KEY, keep="last")
    names = (most[name].tolist() for name in (*_KEY, "vehicle_class", "distance_band"))
    return {(driver, truck): (cls, band) for driver, truck, cls, band in zip(*names, strict=True)}


def similar_drivers(
    accounts: Sequence[Mapping[str, Any]],
    kinds: Mapping[tuple[str, str], tuple[str, str]],
    driver_id: str,
) -> Likeness | None:
    """What others with the same kind of work as a driver's main truck did.

    Parameters
    ----------
    accounts : sequence of mapping
        Rows of `frames.ACCOUNTS` of the month, of all drivers.
    kinds : mapping
        From `kinds_of_work`.
    driver_id : str
        The driver.

    Returns
    -------
    likeness : Likeness or None
        None if nothing is known of the driver's own kind of work.
    """
    own = [row for row in accounts if row["driver_id"] == driver_id and _kind(row, kinds)]
    if not own:
        return None
    main = max(own, key=lambda row: float(row["distance_km"]))
    vehicle_class, band = kinds[main["driver_id"], main["vehicle_id"]]
    known = [
        (row, kind)
        for row in accounts
        if row["driver_id"] not in ("", driver_id)
        and (kind := _kind(row, kinds))
        and row["distance_km"] > 0
        and row["diesel_saved_l"] is not None
    ]
    alike = [row for row, kind in known if kind == (vehicle_class, band)]
    if _drivers_count(alike) < OTHERS_MIN:
        alike, band = [row for row, kind in known if kind[0] == vehicle_class], ""
    others = _drivers_count(alike)
    if others < OTHERS_MIN:
        return Likeness(vehicle_class, band, others)
    return Likeness(
        vehicle_class,
        band,
        others,
        median(empty_share(row["loaded_km"], row["distance_km"]) or 0.0 for row in alike),
        median(row["load_rate_share"] or 0.0 for row in alike),
        median(100 * row["diesel_saved_l"] / row["distance_km"] for row in alike),
        median(row["co2_credited_g"] / 10 / row["distance_km"] for row in alike),
    )


def _drivers_count(rows: Sequence[Mapping[str, Any]]) -> int:
    return len({row["driver_id"] for row in rows})


def _kind(
    row: Mapping[str, Any], kinds: Mapping[tuple[str, str], tuple[str, str]]
) -> tuple[str, str] | None:
    return kinds.get((row["driver_id"], row["vehicle_id"]))
