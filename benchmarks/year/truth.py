"""What would have been burnt without the platform, from what really was."""

from __future__ import annotations

import pandas as pd

from benchmarks.year.people import Person, World


def rates_of(pieces: pd.DataFrame, person: Person) -> tuple[float, float]:
    """Litres per km of the empty truck and per tkm of cargo, on the roads it drove.

    From the drives that were burnt again empty and full by the second-by-second simulator.
    """
    again = pieces.dropna(subset=["empty_l"])
    km = float(again["km"].sum())
    empty = float(again["empty_l"].sum()) / km
    full = float(again["full_l"].sum()) / km
    return empty, (full - empty) / person.burner.rated_payload_t


def month_truth(
    world: World, person: Person, pieces: pd.DataFrame, rates: tuple[float, float]
) -> pd.DataFrame:
    """Per month what was driven and burnt, and what his own habits would have burnt.

    The counterfactual does the same transport work with the same truck in the same weather: own
    payload on loaded km, own empty km per loaded km in the season and market of the month. A
    month's roads, weather and luck are the ratio of its litres to those of the rates.
    """
    rows = []
    for month, driven in pieces.groupby("month"):
        km, work_tkm = float(driven["km"].sum()), float((driven["km"] * driven["payload_t"]).sum())
        loaded_km = float(driven.loc[driven["payload_t"] > 0, "km"].sum())
        litres = float(driven["litres"].sum())
        circumstances = litres / (rates[0] * km + rates[1] * work_tkm)
        at = int(str(month))
        ratio = person.own.empty_ratio * world.season_factor(at)
        ratio *= world.market_factor(at, person.region)
        capacity_t = person.own.payload_share * person.burner.rated_payload_t
        own_km = work_tkm / capacity_t * (1.0 + ratio)
        saved_l = circumstances * rates[0] * (own_km - km) if at >= person.joins_month else 0.0
        rows.append(
            {
                "vehicle_id": person.vehicle_id,
                "month": at,
                "km": km,
                "loaded_km": loaded_km,
                "work_tkm": work_tkm,
                "litres": litres,
                "idle_l": float(driven["idle_l"].sum()),
                "saved_l": saved_l,
            }
        )
    return pd.DataFrame(rows)
