"""What the level of a tank says of receipts: fills that have none, and fuel that left the tank."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import RECEIPTS, epoch_ms
from fleet_carbon.periods import Month
from fleet_carbon.quantification.editions import Edition, fill_rules
from fleet_carbon.quantification.receipt_codes import (
    BEYOND_TANK,
    COUNTED,
    DRAINED,
    DUPLICATE,
    FILL_DIFFERS,
    MIXED,
    NO_FILL,
    REMARKS,
    UNBOUGHT,
    VERDICTS,
)
from fleet_carbon.quantification.receipts import VerdictRules

_MS_PER_H = 3_600_000
_HALF_A_DAY_H = 12.0
# Verdicts of purchases that tell of a fill, whatever their quantity.
_TELL_OF_A_FILL = (COUNTED, DUPLICATE, MIXED, BEYOND_TANK)

Places = NDArray[np.int64]


def heed_levels(
    receipts: pd.DataFrame, changes: pd.DataFrame, *, month: Month, edition: Edition
) -> pd.DataFrame:
    """Hold the receipts of trucks that state their tank's level against its fills and drains.

    No quantity changes: levels err by a tenth, tills do not. A receipt without a fill, or of
    another quantity, is remarked; a fill without receipt and a drain get rows of their own, so
    that whoever balances the receipts knows the span in which one is missing or fuel was lost.

    Parameters
    ----------
    receipts : DataFrame
        `frames.RECEIPTS` of the month.
    changes : DataFrame
        `frames.LEVEL_CHANGES` of the same trucks.
    month : Month
        Month.
    edition : Edition
        Section `receipts`.

    Returns
    -------
    receipts : DataFrame
        `frames.RECEIPTS` with the remarks and the rows, by truck and moment. Fills of a truck
        without any receipt are not told, and none so near to the month's border that its
        receipt may lie beyond.
    """
    if len(changes) == 0:
        return receipts
    rules = fill_rules(edition, "receipts", VerdictRules, group="verdicts")
    fills = changes[(changes["change_l"] > 0).to_numpy(bool)].reset_index(drop=True)
    drains = changes[(changes["change_l"] < 0).to_numpy(bool)]
    in_litres = receipts["counted_unit"] == "l"
    tells = receipts["verdict"].isin(_TELL_OF_A_FILL) & in_litres
    telling = np.flatnonzero(tells.to_numpy(bool))
    fill = _fill_of(receipts.iloc[telling], fills, rules.level_change_h_max)
    has_receipts = fills["vehicle_id"].isin(receipts["vehicle_id"][in_litres]).to_numpy(bool)
    is_unbought = has_receipts & ~np.isin(np.arange(len(fills)), fill)
    is_stated = receipts["vehicle_id"].isin(changes["vehicle_id"]).to_numpy(bool)
    tables = [
        _remarked(receipts, telling[is_stated[telling]], fill[is_stated[telling]], fills, rules),
        _told(fills[is_unbought], UNBOUGHT, receipts, month=month, rules=rules),
        _told(drains, DRAINED, receipts, month=month, rules=rules),
    ]
    table = pd.concat([one for one in tables if len(one)] or [receipts], ignore_index=True)
    return RECEIPTS.shape(table.sort_values(["vehicle_id", "fuelled_at"], kind="stable"))


def _fill_of(telling: pd.DataFrame, fills: pd.DataFrame, apart_h_max: float) -> Places:
    """Place of the fill that each receipt tells of, the nearest in time; -1 without one."""
    of_truck = fills.groupby("vehicle_id").indices
    begin_ms, end_ms = epoch_ms(fills["started_at"]), epoch_ms(fills["finished_at"])
    at_ms = epoch_ms(telling["fuelled_at"])
    reach_h = np.where(telling["is_hour_known"].to_numpy(bool), apart_h_max, _HALF_A_DAY_H)
    best = np.full(len(telling), -1, dtype=np.int64)
    for place, vehicle_id in enumerate(telling["vehicle_id"].tolist()):
        mine = np.asarray(of_truck.get(vehicle_id, best[:0]), dtype=np.int64)
        outside_ms = np.maximum(begin_ms[mine] - at_ms[place], at_ms[place] - end_ms[mine])
        if len(mine) and outside_ms.min() <= reach_h[place] * _MS_PER_H:
            best[place] = mine[int(np.argmin(np.maximum(outside_ms, 0)))]
    return best


def _remarked(
    receipts: pd.DataFrame,
    telling: Places,
    fill: Places,
    fills: pd.DataFrame,
    rules: VerdictRules,
) -> pd.DataFrame:
    """The receipts with what the levels say of those that count."""
    is_counted = (receipts["verdict"] == COUNTED).to_numpy(bool)[telling]
    counted_l = receipts["counted_quantity"].to_numpy(np.float64)[telling]
    tank_l = receipts["tank_quantity"].to_numpy(np.float64)[telling]
    is_hour_known = receipts["is_hour_known"].to_numpy(bool)[telling]
    bought_l = np.bincount(fill[fill >= 0], counted_l[fill >= 0], len(fills))
    filled_l = fills["change_l"].to_numpy(np.float64)
    remarks, text = receipts["remarks"].tolist(), receipts["text"].tolist()
    for place in np.flatnonzero(is_counted & (is_hour_known | (fill >= 0))).tolist():
        row, found = int(telling[place]), int(fill[place])
        apart_l = 0.0 if found < 0 else abs(filled_l[found] - bought_l[found])
        if found >= 0 and apart_l <= rules.level_change_share * tank_l[place]:
            continue
        code = NO_FILL if found < 0 else FILL_DIFFERS
        remarks[row] = ";".join(filter(None, [remarks[row], code]))
        seen = "" if found < 0 else f" It rose by {filled_l[found]:.0f} l."
        text[row] = f"{text[row]} {REMARKS[code]}{seen}"
    return receipts.assign(remarks=remarks, text=text)


def _told(
    changes: pd.DataFrame,
    verdict: str,
    receipts: pd.DataFrame,
    *,
    month: Month,
    rules: VerdictRules,
) -> pd.DataFrame:
    """Rows for fills or drains of which no receipt tells, well inside the month."""
    margin = pd.Timedelta(hours=rules.level_change_h_max)
    inside = changes["started_at"] - margin >= month.starts_at
    inside &= changes["finished_at"] + margin < month.ends_at
    told = changes[inside.to_numpy(bool)]
    tank = receipts.drop_duplicates("vehicle_id").set_index("vehicle_id")["tank_quantity"]
    litres = told["change_l"].abs()
    verb = "rose" if verdict == UNBOUGHT else "fell"
    return RECEIPTS.shape(
        pd.DataFrame(
            {
                "vehicle_id": told["vehicle_id"],
                "bought_at": told["started_at"],
                "quantity": litres,
                "unit": "l",
                "verdict": verdict,
                "counted_quantity": 0.0,
                "counted_unit": "l",
                "fuelled_at": told["started_at"],
                "is_hour_known": True,
                "tank_quantity": told["vehicle_id"].map(tank),
                "remarks": "",
                "text": [f"{VERDICTS[verdict]} It {verb} by {one:.0f} l." for one in litres],
            }
        )
    )
