"""Over how many legs and orders a month's work is spread: errors of single ones average out."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import WEIGHT_SOURCES, weight_codes
from fleet_carbon.quantification.allocation import moment_keys
from fleet_carbon.quantification.grouping import Groups

_Columns = NDArray[np.float64]


@dataclass(frozen=True)
class Spread:
    """What the errors of single legs and orders come to in each account.

    Attributes
    ----------
    loaded_legs_km, empty_legs_km : ndarray, shape (n_accounts,)
        Root of the sum of squares of the legs' kilometres; those not proven loaded are empty. [km]
    loaded_legs_tkm : ndarray, shape (n_accounts,)
        Likewise of their transport work. [tkm]
    legs_products : ndarray, shape (n_accounts,)
        Sum over legs of kilometres times transport work. [km tkm]
    imputed_km : ndarray, shape (n_accounts,)
        Kilometres inside gaps. [km]
    work_tkm, activity_tkm : ndarray, shape (n_accounts, n_sources)
        Transport work and credited activity by where the weight comes from. [tkm]
    work_squares, activity_squares, products : ndarray, shape (n_accounts, n_sources)
        Sums over orders of work squared, activity squared, and work times activity. [tkm2]
    """

    loaded_legs_km: _Columns
    empty_legs_km: _Columns
    loaded_legs_tkm: _Columns
    legs_products: _Columns
    imputed_km: _Columns
    work_tkm: _Columns
    activity_tkm: _Columns
    work_squares: _Columns
    activity_squares: _Columns
    products: _Columns

    def at(self, places: NDArray[np.intp]) -> Spread:
        """The accounts at these places."""
        return Spread(**{one.name: getattr(self, one.name)[places] for one in fields(self)})


def spread_of(legs: pd.DataFrame, leg_orders: pd.DataFrame, driven: Groups) -> Spread:
    """Sum the squares that say how far errors average out.

    Parameters
    ----------
    legs : DataFrame
        `frames.LEGS`.
    leg_orders : DataFrame
        `frames.LEG_ORDERS` of these legs.
    driven : Groups
        The legs by account.
    """
    km = legs["distance_km"].to_numpy(np.float64)
    is_loaded = (legs["state"] == "loaded").to_numpy(bool)
    work_tkm = np.where(is_loaded, legs["transport_work_tkm"].to_numpy(np.float64), 0.0)
    by_order = _by_order(legs, leg_orders, driven)
    return Spread(
        loaded_legs_km=np.sqrt(driven.sums(np.where(is_loaded, km * km, 0.0))),
        empty_legs_km=np.sqrt(driven.sums(np.where(is_loaded, 0.0, km * km))),
        loaded_legs_tkm=np.sqrt(driven.sums(work_tkm * work_tkm)),
        legs_products=driven.sums(km * work_tkm),
        imputed_km=driven.sums(legs["imputed_km"].to_numpy(np.float64)),
        **_by_source(by_order, driven.count),
    )


def _by_order(legs: pd.DataFrame, leg_orders: pd.DataFrame, driven: Groups) -> pd.DataFrame:
    """Account, weight source, work and activity of each order, one row for each account."""
    leg_key, row_key, _ = moment_keys(legs, leg_orders)
    place = pd.Index(leg_key).get_indexer(pd.Index(row_key))
    aboard = leg_orders.loc[place >= 0]
    aboard = aboard.assign(
        account=driven.code[place[place >= 0]],
        source=weight_codes(aboard["weight_source"]),
        work_tkm=aboard["cargo_t"] * aboard["onboard_km"],
    )
    keys = ["account", "order_id", "source"]
    return aboard.groupby(keys, sort=True, as_index=False)[["work_tkm", "activity_tkm"]].sum()


def _by_source(by_order: pd.DataFrame, accounts_count: int) -> dict[str, _Columns]:
    sources_count = len(WEIGHT_SOURCES)
    cell = (by_order["account"] * sources_count + by_order["source"]).to_numpy(np.intp)
    work, activity = (by_order[name].to_numpy(np.float64) for name in ("work_tkm", "activity_tkm"))
    summed = {
        "work_tkm": work,
        "activity_tkm": activity,
        "work_squares": work * work,
        "activity_squares": activity * activity,
        "products": work * activity,
    }
    shape = (accounts_count, sources_count)
    return {
        name: np.bincount(cell, figures, minlength=math.prod(shape)).astype(float).reshape(shape)
        for name, figures in summed.items()
    }
