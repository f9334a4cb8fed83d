"""Recount an account from the numbers in its explanation, by the formulas of the methodology page.

Shares no code with the quantification: what does not meet here was not computed as it is told.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Litres of an account stand on a grid, so that its parts add up exactly; half a step each way.
_GRID_L = 1 / 2048
_CLOSE_SHARE = 1e-9
_AGAINST = tuple(f"saved_against_{name}_l" for name in ("declared", "own", "cohort", "class"))
_PARTS = ("saved_by_less_empty_l", "saved_by_higher_load_l", "saved_by_efficiency_l")
_MODELLED = ("calibrated", "declared", "class")


@dataclass(frozen=True)
class Relation:
    """One equation between numbers of the chain.

    Attributes
    ----------
    text : str
        The equation in names.
    stated, recounted : float
        What the chain says, and what its other numbers give.
    tolerance : float
        How far they may lie apart by rounding, in the unit of both.
    """

    text: str
    stated: float
    recounted: float
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether both sides meet."""
        return abs(self.stated - self.recounted) <= self.tolerance


def recount(
    account: Mapping[str, Any], chain: Mapping[str, float], posted_g: int
) -> list[Relation]:
    """Every equation that the chain of an account must satisfy.

    Parameters
    ----------
    account : mapping
        Row of `frames.ACCOUNTS`, JSON-ready.
    chain : mapping of str to float
        Numbers of its derivation by name.
    posted_g : int
        What the entries of the ledger come to for the month, driver and truck. [g]
    """
    found = [
        _close(
            "loaded_km + empty_km + unknown_km = distance_km",
            account["distance_km"],
            account["loaded_km"] + account["empty_km"] + account["unknown_km"],
        ),
        Relation(
            "sum of the ledger's entries = co2_credited_g", account["co2_credited_g"], posted_g, 0.0
        ),
    ]
    if account["diesel_saved_l"] is None:
        return [
            *found,
            Relation("nothing saved, nothing credited", account["co2_credited_g"], 0, 0),
        ]
    makers = (_litres, _interval, _period, _grams)
    return [*found, *(one for make in makers for one in make(account, chain))]


def _litres(account: Mapping[str, Any], chain: Mapping[str, float]) -> Iterator[Relation]:
    empty, load, index = (
        chain[name]
        for name in ("empty_l_per_km", "load_l_per_tkm", "counterfactual_efficiency_index")
    )
    idle_l = chain["idle_l_per_h"] * chain["idle_h"]
    if account["diesel_source"] in _MODELLED:
        driving_l = empty * (chain["loaded_km"] + chain["not_loaded_km"])
        driving_l += load * chain["transport_work_tkm"]
        text = "empty_l_per_km x km + load_l_per_tkm x transport_work_tkm = driving_l"
        yield Relation(text, chain["driving_l"], driving_l, _GRID_L)
    text = "driving_l + idle_l_per_h x idle_h = diesel_l"
    yield Relation(text, account["diesel_l"], chain["driving_l"] + idle_l, _GRID_L)
    payload_t = chain["counterfactual_payload_share"] * chain["rated_payload_t"]
    yield _close(
        "payload share x rated payload = payload", chain["counterfactual_payload_t"], payload_t
    )
    loaded_km = chain["activity_tkm"] / chain["counterfactual_payload_t"]
    yield _close("activity / payload = loaded km", chain["counterfactual_loaded_km"], loaded_km)
    share = chain["counterfactual_empty_share"]
    empty_km = chain["counterfactual_loaded_km"] * share / (1 - share)
    yield _close("loaded km x e / (1 - e) = empty km", chain["counterfactual_empty_km"], empty_km)
    km = chain["counterfactual_loaded_km"] + chain["counterfactual_empty_km"]
    other_l = index * (empty * km + load * chain["activity_tkm"]) + idle_l
    text = "index x (empty_l_per_km x km + load_l_per_tkm x activity) + idle = baseline_diesel_l"
    yield Relation(text, account["baseline_diesel_l"], other_l, _GRID_L)
    saved_l = account["baseline_diesel_l"] - account["diesel_l"]
    yield Relation(
        "baseline_diesel_l - diesel_l = diesel_saved_l", account["diesel_saved_l"], saved_l, 0
    )
    parts = sum(account[name] for name in _PARTS)
    yield Relation("the three parts = diesel_saved_l", account["diesel_saved_l"], parts, 0.0)
    against = [account[name] for name in _AGAINST if account[name] is not None]
    yield Relation(
        "the smallest of the savings counts", account["diesel_saved_l"], min(against), _GRID_L
    )


def _interval(account: Mapping[str, Any], chain: Mapping[str, float]) -> Iterator[Relation]:
    together = math.sqrt(sum(chain[f"{name}_standard_l"] ** 2 for name in terms_of(chain)))
    stated = chain["diesel_saved_standard_l"]
    yield _close("root of the sum of the terms' squares = standard uncertainty", stated, together)
    avoided_kg = account["diesel_saved_l"] * chain["co2_ttw_kg_per_l"]
    yield _close("diesel_saved_l x kg/l = co2_avoided_kg", account["co2_avoided_kg"], avoided_kg)
    half_kg = chain["coverage_index"] * standard_kg(account, chain)
    apart_kg = math.hypot(account["co2_common_standard_kg"], account["co2_single_standard_kg"])
    text = "common and single errors together = standard uncertainty of co2_avoided_kg"
    yield _close(text, standard_kg(account, chain), apart_kg)
    high_kg = account["co2_avoided_kg"] + half_kg
    text = "avoided + z x standard = co2_avoided_high_kg"
    yield _close(text, account["co2_avoided_high_kg"], high_kg, scale=half_kg)


def _period(account: Mapping[str, Any], chain: Mapping[str, float]) -> Iterator[Relation]:
    """The month with those before it, the bound of the period, and what of it is the month's."""
    net_kg = account["co2_avoided_kg"] - account["co2_leakage_kg"]
    yield _close(
        "before + avoided - leakage = period_net_kg",
        chain["period_net_kg"],
        chain["net_before_kg"] + net_kg,
        scale=account["co2_avoided_kg"],
    )
    common_kg = chain["common_before_standard_kg"] + account["co2_common_standard_kg"]
    yield _close(
        "common errors, added up = of the period", chain["period_common_standard_kg"], common_kg
    )
    single_kg, luck_kg = (
        math.hypot(chain[f"{name}_before_standard_kg"], account[f"co2_{name}_standard_kg"])
        for name in ("single", "luck")
    )
    text = "single errors, added in squares = of the period"
    yield _close(text, chain["period_single_standard_kg"], single_kg)
    months, to_come = chain["period_months_count"], chain["period_to_come_count"]
    open_kg = luck_kg * math.sqrt(to_come / (months + to_come))
    text = "luck x root of the part of the months still to come = open_standard_kg"
    yield _close(text, chain["period_open_standard_kg"], open_kg)
    half_kg = chain["coverage_index"] * math.hypot(common_kg, single_kg, open_kg)
    text = "net - z x standard = period_low_kg"
    yield _close(text, chain["period_low_kg"], chain["period_net_kg"] - half_kg, scale=half_kg)
    low_kg = min(chain["period_low_kg"] - chain["credited_before_kg"], net_kg)
    text = "period_low_kg - credited before, at most avoided - leakage = co2_avoided_low_kg"
    yield _close(text, account["co2_avoided_low_kg"], low_kg, scale=half_kg)


def _grams(account: Mapping[str, Any], chain: Mapping[str, float]) -> Iterator[Relation]:
    kilograms = (name for name in chain if name.endswith("_kg") and name in _LEAKAGES)
    leakage_kg = sum(chain[name] for name in kilograms)
    yield _close("sum of the leakages = co2_leakage_kg", account["co2_leakage_kg"], leakage_kg)
    grams = math.floor(1000 * max(0.0, account["co2_avoided_low_kg"]))
    # The product with 1000 may round across a whole gram.
    text = "lower bound in whole grams, rounded down = co2_credited_g"
    yield Relation(text, account["co2_credited_g"], grams, 1.0)


_LEAKAGES = ("detour_kg", "displaced_loads_kg", "induced_trips_kg", "platform_electricity_kg")


def terms_of(chain: Mapping[str, float]) -> list[str]:
    """Names of the sources of error of the saving, in the order of the chain."""
    figures = ("diesel_saved", "baseline_diesel", *(name.removesuffix("_l") for name in _PARTS))
    names = (name.removesuffix("_standard_l") for name in chain if name.endswith("_standard_l"))
    return [name for name in names if name not in figures]


def standard_kg(account: Mapping[str, Any], chain: Mapping[str, float]) -> float:
    """Standard uncertainty of the CO2 avoided: of its litres and of the factor. [kg]"""
    of_litres = chain["diesel_saved_standard_l"] * chain["co2_ttw_kg_per_l"]
    return math.hypot(of_litres, chain["ttw_factor_standard_share"] * account["co2_avoided_kg"])


def _close(text: str, stated: float, recounted: float, *, scale: float = 0.0) -> Relation:
    size = max(abs(stated), abs(recounted), scale)
    return Relation(text, stated, recounted, _CLOSE_SHARE * size)
