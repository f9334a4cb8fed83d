"""The purchases that concern a month, and where their trucks were at the time.

A purchase concerns the month in which it is dated. It also concerns a month that it would be
dated in if its year were one off, or its day and month were interchanged: whether it fits there,
only that month's positions can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from fleet_carbon.frames import MOMENT, PURCHASES, epoch_ms
from fleet_carbon.periods import Month
from fleet_carbon.traces.lookouts import LookoutRules, Lookouts, Seen, joined, look_out
from fleet_carbon.traces.trace import Trace

_MS_PER_S = 1000.0
_ORDER = ["vehicle_id", "looked_at", "bought_at", "receipt_id", "quantity"]


# Rows of a book, and what the positions say of them.
SeenPurchases = tuple[slice, Seen]


@dataclass(frozen=True)
class PurchaseBook:
    """The purchases of many trucks with when each is looked for, those of one truck in a row.

    Attributes
    ----------
    rows : DataFrame
        Columns of `frames.PURCHASES` up to `is_hour_known`, in order of truck and moment.
    lookouts : Lookouts
        Of each row.
    """

    rows: pd.DataFrame
    lookouts: Lookouts

    @classmethod
    def of_month(
        cls,
        energy: pd.DataFrame,
        *,
        month: Month,
        window: tuple[datetime, datetime],
        rules: LookoutRules,
    ) -> PurchaseBook:
        """Everything to be looked for in the positions of a month.

        Parameters
        ----------
        energy : DataFrame
            `frames.ENERGY`, any rows.
        month : Month
            Purchases dated otherwise are looked for in the month alone.
        window : tuple of datetime
            Those dated in it are looked for where they are dated; it reaches beyond the month.
        rules : LookoutRules
            Thresholds of the edition.
        """
        rows = _dated(energy, month, window)
        rows = rows.sort_values(_ORDER, kind="stable", ignore_index=True)
        return cls(rows, _lookouts(rows, month, rules))

    @property
    def vehicle_ids(self) -> list[str]:
        """Trucks with purchases, ascending."""
        return list(self._rows_of)

    @cached_property
    def _rows_of(self) -> dict[str, slice]:
        names, starts = np.unique(self.rows["vehicle_id"].to_numpy(dtype=object), return_index=True)
        ends = np.append(starts[1:], len(self.rows))
        slices = map(slice, starts.tolist(), ends[: len(names)].tolist())
        return dict(zip(names.tolist(), slices, strict=True))

    def of_vehicles(self, vehicle_ids: Sequence[str]) -> PurchaseBook:
        """The book of some trucks alone, to be sent to who works on them."""
        wanted = [self._rows_of[name] for name in sorted(set(vehicle_ids) & self._rows_of.keys())]
        nothing = np.zeros(0, np.intp)
        places = np.concatenate([nothing, *(np.arange(one.start, one.stop) for one in wanted)])
        return PurchaseBook(
            self.rows.iloc[places].reset_index(drop=True), self.lookouts.take(places)
        )

    def seen(self, vehicle_id: str, trace: Trace, rules: LookoutRules) -> SeenPurchases | None:
        """What the trace of a truck says of its purchases; None if it has none."""
        mine = self._rows_of.get(vehicle_id)
        return None if mine is None else (mine, look_out(trace, self.lookouts.take(mine), rules))

    def table(self, seen: Sequence[SeenPurchases | None]) -> pa.Table:
        """Rows of `frames.PURCHASES` of several trucks, in the order of the trucks."""
        given = [one for one in seen if one is not None]
        if not given:
            return PURCHASES.schema.empty_table()
        places = np.concatenate([np.arange(mine.start, mine.stop) for mine, _ in given])
        found = joined([said for _, said in given])
        return PURCHASES.table(
            self.rows.iloc[places].assign(
                fix_distance_m=found.fix_distance_m,
                standing_distance_m=found.standing_distance_m,
                stood_at=pd.to_datetime(found.stood_ms, unit="ms", utc=True).as_unit("ms"),
                unseen_h=found.unseen_h,
                odometer_seen_km=found.odometer_km,
                silence_h=found.silence_h,
            )
        )


def concerning(
    energy: pd.DataFrame,
    *,
    month: Month,
    window: tuple[datetime, datetime],
    history: pd.DataFrame,
) -> pd.DataFrame:
    """Those purchases that concern a month.

    Parameters
    ----------
    energy : DataFrame
        `frames.ENERGY` on record.
    month : Month
        Month.
    window : tuple of datetime
        What is read with the month, for neighbours beyond its borders.
    history : DataFrame
        `frames.ACCOUNTS` of earlier months: a truck that drove in the month in which a purchase is
        dated was there to make it, so that its date is not doubted.

    Returns
    -------
    energy : DataFrame
        Rows of `frames.ENERGY`, in the order given.
    """
    is_wanted = _inside(energy["bought_at"], window)
    drove = history.loc[(history["distance_km"] > 0).to_numpy(bool), ["vehicle_id", "month"]]
    known = set(zip(drove["vehicle_id"], drove["month"], strict=True))
    local = _local(energy["bought_at"], month)
    stated = zip(energy["vehicle_id"], local.dt.strftime("%Y-%m"), strict=True)
    is_doubted = ~is_wanted & np.array([key not in known for key in stated], dtype=bool)
    for meant in _meant(local):
        is_wanted = is_wanted | (is_doubted & _inside(_moments(meant, month), _bounds(month)))
    return energy[is_wanted].reset_index(drop=True)


def _dated(energy: pd.DataFrame, month: Month, window: tuple[datetime, datetime]) -> pd.DataFrame:
    """Each purchase with every moment at which it is looked for."""
    local = _local(energy["bought_at"], month)
    is_dated_here = _inside(energy["bought_at"], window)
    here = energy[is_dated_here]
    found = [here.assign(looked_at=here["bought_at"])]
    for meant in _meant(local):
        moments = _moments(meant, month)
        is_meant_here = ~is_dated_here & _inside(moments, _bounds(month))
        found.append(energy[is_meant_here].assign(looked_at=moments[is_meant_here]))
    rows = pd.concat(found, ignore_index=True)
    # Who tells no hour is read as midnight, at which hardly anybody fills a tank to the second.
    clock = _local(rows["looked_at"], month)
    return rows.assign(is_hour_known=(clock != clock.dt.normalize()).astype("boolean"))


def _meant(local: pd.Series[Any]) -> list[pd.Series[Any]]:
    """What else the dates may have meant: a year later or earlier, day and month interchanged."""
    parts = {name: getattr(local.dt, name) for name in ("year", "month", "day")}
    clock = local - local.dt.normalize()
    swapped = {**parts, "month": parts["day"], "day": parts["month"]}
    others = [
        {**parts, "year": parts["year"] + 1},
        {**parts, "year": parts["year"] - 1},
        swapped,
    ]
    meant = [pd.to_datetime(pd.DataFrame(other), errors="coerce") + clock for other in others]
    meant[2] = meant[2].where(parts["day"] != parts["month"])
    return meant


def _local(moments: pd.Series[Any], month: Month) -> pd.Series[Any]:
    local: pd.Series[Any] = moments.dt.tz_convert(month.zone).dt.tz_localize(None)
    return local


def _moments(local: pd.Series[Any], month: Month) -> pd.Series[Any]:
    zoned = local.dt.tz_localize(month.zone, ambiguous="NaT", nonexistent="shift_forward")
    moments: pd.Series[Any] = zoned.dt.tz_convert("UTC").astype(MOMENT)
    return moments


def _bounds(month: Month) -> tuple[datetime, datetime]:
    return month.starts_at, month.ends_at


def _inside(moments: pd.Series[Any], window: tuple[datetime, datetime]) -> NDArray[np.bool_]:
    return ((moments >= window[0]) & (moments < window[1])).to_numpy(bool)


def _lookouts(rows: pd.DataFrame, month: Month, rules: LookoutRules) -> Lookouts:
    at = rows["looked_at"]
    next_day = _moments(_local(at, month) + pd.DateOffset(days=1), month)
    is_hour_known = rows["is_hour_known"].to_numpy(bool)
    at_ms = epoch_ms(at)
    window_ms = round(rules.window_s * _MS_PER_S)
    return Lookouts(
        at_ms=at_ms,
        from_ms=np.where(is_hour_known, at_ms - window_ms, at_ms),
        until_ms=np.where(is_hour_known, at_ms + window_ms, epoch_ms(next_day)),
        lon=rows["place_lon"].to_numpy(np.float64),
        lat=rows["place_lat"].to_numpy(np.float64),
    )
