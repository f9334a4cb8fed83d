"""What a driver's receipts say: full fills, partial ones, other products, and faults of paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator

from benchmarks.year.people import Person

_FULL_SHARE = 0.75
_OTHER_SHARE = 0.07
_DOUBLED_SHARE, _LOST_SHARE = 0.03, 0.01
_AMOUNT_SHARE, _YEAR_SHARE, _ELSEWHERE_SHARE = 0.01, 0.005, 0.005
_PRICE_PER_L = 7.6


def receipts(person: Person, pieces: list[dict[str, Any]], rng: Generator) -> pd.DataFrame:
    """The purchases of a truck whose drives are given, in order of time."""
    tank_l = person.kind.tank_l
    level_l = tank_l * float(rng.uniform(0.5, 1.0))
    odometer_km = float(rng.uniform(20_000.0, 400_000.0))
    rows: list[dict[str, Any]] = []
    for at, piece in enumerate(pieces):
        level_l -= piece["litres"] + piece["idle_l"]
        odometer_km += piece["km"]
        goes_on = at + 1 < len(pieces) and pieces[at + 1]["begun_s"] - piece["ended_s"] < 1_000
        if goes_on or level_l > tank_l * rng.uniform(0.2, 0.4):
            continue
        part = 1.0 if rng.random() < _FULL_SHARE else float(rng.uniform(0.3, 0.7))
        bought_l = part * (tank_l - level_l) * float(rng.normal(1.0, 0.004))
        level_l += bought_l
        moment_s = piece["ended_s"] + float(rng.uniform(120.0, 600.0))
        rows += _papers(person, piece, rng, moment_s=moment_s, litres=bought_l, km=odometer_km)
    return pd.DataFrame(rows).assign(unit="l", currency="CNY")


def _papers(
    person: Person, piece: dict[str, Any], rng: Generator, *,
    moment_s: float, litres: float, km: float,
) -> list[dict[str, Any]]:  # fmt: skip
    """The receipt of one purchase, with what goes wrong with receipts."""
    price = round(_PRICE_PER_L * float(rng.uniform(0.93, 1.07)), 2)
    row = {
        "vehicle_id": person.vehicle_id,
        "time": _moment(moment_s),
        "quantity": round(litres, 2),
        "product": str(rng.choice(["0号柴油", "柴油", "diesel"])),
        "price": price,
        "odometer_km": round(km) if person.number % 2 else None,
        "receipt_id": f"{person.vehicle_id}-R{int(moment_s) // 60}",
        "place_lon": round(piece["lon"] + float(rng.normal(0.0, 2e-4)), 6),
        "place_lat": round(piece["lat"] + float(rng.normal(0.0, 2e-4)), 6),
    }
    rows = [_faulty(row, rng, moment_s)] if rng.random() > _LOST_SHARE else []
    if rng.random() < _DOUBLED_SHARE:
        # The card's statement beside the station's receipt: another number, minutes apart.
        late = _moment(moment_s + float(rng.uniform(30.0, 400.0)))
        rows.append(row | {"time": late, "receipt_id": "CARD-" + str(row["receipt_id"])})
    if rng.random() < _OTHER_SHARE:
        other = {"product": str(rng.choice(["AdBlue", "车用尿素"])), "price": 3.2}
        liquid = {"quantity": round(float(rng.uniform(8.0, 0.06 * litres + 9.0)), 2)}
        rows.append(row | other | liquid | {"receipt_id": str(row["receipt_id"]) + "A"})
    return rows


def _faulty(row: dict[str, Any], rng: Generator, moment_s: float) -> dict[str, Any]:
    luck = rng.random()
    if luck < _AMOUNT_SHARE:
        return row | {"quantity": round(row["quantity"] * row["price"], 2)}
    if luck < _AMOUNT_SHARE + _YEAR_SHARE:
        return row | {"time": _moment(moment_s - 365 * 86_400)}
    if luck < _AMOUNT_SHARE + _YEAR_SHARE + _ELSEWHERE_SHARE:
        away = np.round(rng.uniform(0.3, 2.0, 2), 6)
        return row | {
            "place_lon": row["place_lon"] + away[0],
            "place_lat": row["place_lat"] - away[1],
        }
    return row


def _moment(moment_s: float) -> str:
    return pd.Timestamp(int(moment_s), unit="s", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
