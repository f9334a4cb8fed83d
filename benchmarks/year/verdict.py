"""The accounts held against the truth: who is credited what, and how well fuel is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from benchmarks.year.files import Written
from benchmarks.year.running import Told

G_PER_KG = 1000.0
# A leg of the product belongs to a drive if both ends are that close. [s]
_SAME_LEG_S = 240.0
_LEG_KM_MIN = 5.0


@dataclass(frozen=True)
class Verdict:
    """Everything that is held against the truth.

    Attributes
    ----------
    drivers : DataFrame
        Per driver of the accounted year: litres credited, claimed, truly saved.
    summary : dict
        Figures of the fleet and of its parts, ready for JSON.
    """

    drivers: pd.DataFrame
    months: pd.DataFrame
    summary: dict[str, Any]


def judge(written: Written, told: Told, first_month: int) -> Verdict:
    """Hold the accounts of the accounted year against the truth.

    Parameters
    ----------
    written : Written
        Truth per driver, month and drive.
    told : Told
        What the product says.
    first_month : int
        First month of the accounted year; those before are history.
    """
    months = _months(written, told, first_month)
    drivers = _drivers(written, months)
    legs = _legs(written, told, first_month)
    summary = {
        "credit": _by_part(drivers, credit_figures),
        "credit_of_joined": credit_figures(drivers[~drivers["history"].isin(("later", "never"))]),
        "credited_before_joining_l": float(months.loc[~months["has_joined"], "credited_l"].sum()),
        "interval": _by_part(months[months["has_joined"]], interval_figures),
        "months": _by_part(months, fuel_figures),
        "legs": _by_part(legs, fuel_figures),
        "baselines": months.loc[months["has_joined"], "baseline_source"].value_counts().to_dict(),
        "fuel": months["diesel_source"].value_counts().to_dict(),
        "kilometres_percent": _percent(months["distance_km"].sum(), months["km"].sum()),
        "work_percent": _percent(months["transport_work_tkm"].sum(), months["work_tkm"].sum()),
        "rows_refused": told.rejected,
    }
    return Verdict(drivers, months, summary)


def _months(written: Written, told: Told, first_month: int) -> pd.DataFrame:
    """Truth and account per driver and month of the accounted year."""
    summed = ["distance_km", "unknown_km", "transport_work_tkm", "diesel_l", "diesel_saved_l",
              "co2_ttw_kg", "co2_avoided_kg", "saved_low_l", "saved_high_l",
              "co2_credited_g"]  # fmt: skip
    accounts = told.accounts.astype(dict.fromkeys(summed, "float64"))
    grouped = accounts.groupby(["vehicle_id", "month_at"])
    # A month without a saving claims none: its interval is not judged.
    said = grouped[summed].sum(min_count=1)
    largest = accounts.sort_values("distance_km").groupby(["vehicle_id", "month_at"])
    said = said.join(largest[["diesel_source", "baseline_source"]].last()).reset_index()
    truth = written.months[written.months["month"] >= first_month]
    rows = truth.merge(
        said, left_on=["vehicle_id", "month"], right_on=["vehicle_id", "month_at"], how="left"
    ).merge(written.people, on="vehicle_id")
    kg_per_l = float(rows["co2_ttw_kg"].sum() / rows["diesel_l"].sum())
    rows["true_l"] = rows["litres"] + rows["idle_l"]
    rows["found_l"] = rows["diesel_l"]
    rows["has_joined"] = rows["month"] >= rows["joins_month"]
    rows["credited_l"] = rows["co2_credited_g"].fillna(0.0) / G_PER_KG / kg_per_l
    for end in ("low", "high"):
        rows[f"{end}_l"] = rows[f"saved_{end}_l"]
    rows["claimed_l"] = rows["co2_avoided_kg"] / kg_per_l
    return rows


def _drivers(written: Written, months: pd.DataFrame) -> pd.DataFrame:
    names = ["credited_l", "claimed_l", "saved_l", "true_l"]
    summed = months.groupby("vehicle_id")[names].sum()
    return written.people.merge(summed, on="vehicle_id")


def _legs(written: Written, told: Told, first_month: int) -> pd.DataFrame:
    """Drives that the product has as a leg of its own, with litres of both."""
    truth = written.pieces[written.pieces["month"] >= first_month].copy()
    truth["vehicle_id"] = truth["vehicle_id"].astype("object").astype("str")
    truth["true_l"] = truth["litres"] + truth["idle_l"]
    truth = truth[truth["km"] >= _LEG_KM_MIN].sort_values("begun_s")
    legs = told.legs.copy()
    for name, end in (("begun_s", "started_at"), ("until_s", "finished_at")):
        legs[name] = legs[end].dt.as_unit("s").astype("int64")
    legs = legs[["vehicle_id", "begun_s", "until_s", "diesel_l"]].sort_values("begun_s")
    pairs = pd.merge_asof(
        truth, legs, on="begun_s", by="vehicle_id", direction="nearest", tolerance=int(_SAME_LEG_S)
    )
    is_same = (pairs["until_s"] - pairs["ended_s"]).abs() <= _SAME_LEG_S
    pairs = pairs[is_same].merge(written.people, on="vehicle_id")
    return pairs.assign(found_l=pairs["diesel_l"].astype(float))


def _by_part(rows: pd.DataFrame, figures: Any) -> dict[str, Any]:
    """Figures of all rows, by rung and by history."""
    parts = {"all": figures(rows)}
    for name in ("rung", "history"):
        for value, part in rows.groupby(name):
            parts[f"{name} {value}"] = figures(part)
    return parts


def credit_figures(drivers: pd.DataFrame) -> dict[str, float]:
    """How many drivers are credited more than they saved, and how much of it is credited."""
    is_over = (drivers["credited_l"] > drivers["saved_l"]) & (drivers["credited_l"] > 0.0)
    over_l = (drivers["credited_l"] - drivers["saved_l"].clip(lower=0.0))[is_over]
    saved_l, credited_l, claimed_l = (
        float(drivers[name].sum()) for name in ("saved_l", "credited_l", "claimed_l")
    )
    per_saved = 100.0 / saved_l if saved_l else 0.0
    return {
        "drivers": len(drivers),
        "over_percent": 100.0 * float(is_over.mean()),
        "over_l": float(over_l.sum()),
        "saved_l": saved_l,
        "credited_l": credited_l,
        "claimed_l": claimed_l,
        "credited_percent": per_saved * credited_l,
        "claimed_percent": per_saved * claimed_l,
    }


def interval_figures(months: pd.DataFrame) -> dict[str, float]:
    """How often the true saving of a month lies within the interval, and how wide that is."""
    rows = months.dropna(subset=["low_l", "high_l"])
    below, above = rows["saved_l"] < rows["low_l"], rows["saved_l"] > rows["high_l"]
    return {
        "months": len(rows),
        "covered_percent": 100.0 * float((~below & ~above).mean()),
        "below_percent": 100.0 * float(below.mean()),
        "above_percent": 100.0 * float(above.mean()),
        "half_width_percent": 100.0
        * float((rows["high_l"] - rows["low_l"]).mean() / 2.0 / max(rows["saved_l"].mean(), 1e-9)),
    }


def fuel_figures(rows: pd.DataFrame) -> dict[str, float]:
    """Bias of all litres with its standard error, and mean absolute percentage error of one row.

    The standard error is the chance of having drawn these trucks: those of a class differ.
    """
    known = rows.dropna(subset=["found_l"])
    known = known[known["true_l"] > 0]
    off = (known["found_l"] / known["true_l"] - 1.0).abs()
    found_l, true_l = float(known["found_l"].sum()), float(known["true_l"].sum())
    of_truck = known.groupby("vehicle_id")[["found_l", "true_l"]].sum()
    rest_l = of_truck["found_l"] - of_truck["true_l"] * (found_l / true_l)
    return {
        "rows": len(known),
        "bias_percent": _percent(found_l, true_l),
        "bias_standard_percent": 100.0 * float((rest_l**2).sum() ** 0.5) / true_l,
        "mape_percent": 100.0 * float(off.mean()),
    }


def _percent(found: float, true: float) -> float:
    return 100.0 * float(found / true - 1.0) if true else 0.0
