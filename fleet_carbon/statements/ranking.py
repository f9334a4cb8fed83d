"""Drivers and trucks beside those who did the like: the same class and distance band."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.statements.likeness import OTHERS_MIN

_PER_100_KM = 100.0


def beside_peers(
    accounts: pd.DataFrame, kinds: Mapping[tuple[str, str], tuple[str, str]], key: str
) -> list[dict[str, Any]]:
    """Saving per distance of each driver or truck, and the median of the others of its kind.

    A driver or truck is of the kind of work of its account with most kilometres.

    Parameters
    ----------
    accounts : DataFrame
        Rows of `frames.ACCOUNTS` of a month.
    kinds : mapping
        From `likeness.kinds_of_work`.
    key : str
        driver_id or vehicle_id.

    Returns
    -------
    rows : list of dict
        Best against their peers first, those without enough peers last: `key`, vehicle_class,
        distance_band, saved_l_per_100km, peers_l_per_100km (None if they are fewer than
        `OTHERS_MIN`), difference_l_per_100km and others_count. [l/100 km]
    """
    compared = accounts[
        accounts["diesel_saved_l"].notna() & (accounts["distance_km"] > 0) & (accounts[key] != "")
    ]
    if compared.empty:
        return []
    sums = compared.groupby(key, sort=True)[["diesel_saved_l", "distance_km"]].sum()
    main = compared.loc[compared.groupby(key, sort=True)["distance_km"].idxmax()]
    pairs = zip(main["driver_id"].tolist(), main["vehicle_id"].tolist(), strict=True)
    rows = pd.DataFrame(
        {
            key: sums.index,
            "kind": ["\t".join(kinds.get(pair, ("", ""))) for pair in pairs],
            "saved": (_PER_100_KM * sums["diesel_saved_l"] / sums["distance_km"]).to_numpy(),
        }
    )
    told = [
        _told(key, one, str(kind).split("\t"), len(of_kind) - 1)
        for kind, of_kind in rows.groupby("kind", sort=True)
        for one in zip(
            of_kind[key].tolist(),
            of_kind["saved"].tolist(),
            median_of_others(of_kind["saved"].to_numpy(np.float64)).tolist(),
            strict=True,
        )
    ]
    return sorted(told, key=_best_first)


def median_of_others(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each value the median of all others; of none it is missing.

    Leaving one out of sorted values moves those behind it a place forward.
    """
    others_count = len(values) - 1
    if others_count < 1:
        return np.full(len(values), np.nan)
    order = np.argsort(values, kind="stable")
    rank = np.empty(len(values), dtype=np.int64)
    rank[order] = np.arange(len(values))
    in_order = values[order]
    low, high = (others_count - 1) // 2, others_count // 2
    medians: NDArray[np.float64] = (
        in_order[low + (rank <= low)] + in_order[high + (rank <= high)]
    ) / 2
    return medians


def _told(
    key: str, one: tuple[str, float, float], kind: list[str], others_count: int
) -> dict[str, Any]:
    (name, saved, median), (vehicle_class, band) = one, kind
    # Work of no known kind is like no other.
    peers = median if vehicle_class and others_count >= OTHERS_MIN else None
    return {
        key: name,
        "vehicle_class": vehicle_class,
        "distance_band": band,
        "saved_l_per_100km": saved,
        "peers_l_per_100km": peers,
        "difference_l_per_100km": None if peers is None else saved - peers,
        "others_count": others_count if vehicle_class else 0,
    }


def _best_first(row: Mapping[str, Any]) -> tuple[bool, float]:
    difference = row["difference_l_per_100km"]
    known = row["saved_l_per_100km"] if difference is None else difference
    return difference is None, -known
