"""The named calculations a worked example may ask for: plain numbers in, named numbers out.

What the product computes is called where it lives; what only the sources compute stands here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fleet_carbon.quantification import emissions, fuel, savings, uncertainty
from fleet_carbon.quantification.stoichiometry import co2_kg_per_kg_max

Given = dict[str, Any]
Found = dict[str, Any]

# COPERT 5 / EMEP-EEA coefficients as read in the methodology note, section 4.2.
_COPERT_NAMES = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta")


def activity(given: Given) -> Found:
    """Transport activity and, if an intensity is given, the emissions of one element."""
    tkm = emissions.transport_activity_tkm(given["mass_kg"], given["distance_km"])
    found = {"activity_tkm": tkm}
    for book in ("wtw", "ttw"):
        if f"{book}_kg_per_tkm" in given:
            found[f"{book}_kg"] = tkm * given[f"{book}_kg_per_tkm"]
    return found


def chain(given: Given) -> Found:
    """Sums over the elements of a transport chain: legs by tkm, hubs by tonnes."""
    found = {"activity_tkm": 0.0, "wtw_kg": 0.0, "ttw_kg": 0.0}
    for index, leg in enumerate(given["legs"], start=1):
        one = activity({"mass_kg": given["mass_kg"], **leg})
        for key, value in one.items():
            found[key] += value
            found[f"leg_{index}_{key}"] = value
    for index, hub in enumerate(given.get("hubs", []), start=1):
        for book in ("wtw", "ttw"):
            if f"{book}_kg_per_t" in hub:
                kg = given["mass_kg"] / 1000 * hub[f"{book}_kg_per_t"]
                found[f"hub_{index}_{book}_kg"] = kg
                found[f"{book}_kg"] += kg
    return found


def implied_distance(given: Given) -> Found:
    """The distance behind a printed emission and an intensity."""
    return {
        f"distance_{book}_km": given[f"{book}_kg"]
        / (given["mass_kg"] / 1000 * given[f"{book}_g_per_tkm"] / 1000)
        for book in ("wtt", "ttw")
    } | {"sum_kg": given["wtt_kg"] + given["ttw_kg"]}


def ratio_of_factors(given: Given) -> Found:
    """Tank-to-wheel intensity from well-to-wheel by the ratio of the fuel's factors."""
    ratio = given["ttw_kg_per_kg"] / given["wtw_kg_per_kg"]
    return {"ttw_kg_per_tkm": given["wtw_kg_per_tkm"] * ratio}


def product(given: Given) -> Found:
    return {"value": math.prod(given["factors"])}


def quotient(given: Given) -> Found:
    return {"value": given["dividend"] / given["divisor"] * given.get("scale", 1)}


def change(given: Given) -> Found:
    return {"share": given["after"] / given["before"] - 1}


def total(given: Given) -> Found:
    return {"value": math.fsum(given["parts"])}


def mean_prices(given: Given) -> Found:
    """Mean price of each day, and tonnes and money of the week."""
    trades = given["trades"]
    return {
        "prices": [money / tonnes for money, tonnes in trades],
        "week_t": sum(tonnes for _, tonnes in trades),
        "week_cny": math.fsum(money for money, _ in trades),
    }


def empty_conversion(given: Given) -> Found:
    return {"empty_share": savings.empty_share(given["empty_ratio"])}


def combustion(given: Given) -> Found:
    """NCV x carbon x oxidation x 44/12, in exact decimals."""
    kg_per_kg = emissions.combustion_co2_kg_per_kg(
        Decimal(given["net_calorific_value_gj_per_t"]),
        Decimal(given["carbon_content_t_per_tj"]),
        Decimal(given["oxidation_share"]),
        co2_carbon_ratio=Decimal(44) / Decimal(12),
    )
    found = {"co2_kg_per_kg": float(kg_per_kg)}
    if "density_kg_per_l" in given:
        found["co2_kg_per_l"] = float(kg_per_kg * Decimal(given["density_kg_per_l"]))
    return found


def carbon_bound(given: Given) -> Found:
    return {"co2_kg_per_kg_max": float(co2_kg_per_kg_max(Decimal(given["carbon_share"])))}


def blend(given: Given) -> Found:
    """TTW and WTW of a volume blend, and per energy if the energies are given."""
    densities = {
        name: given[name] for name in ("fossil_density_kg_per_l", "biofuel_density_kg_per_l")
    }
    found: Found = {}
    for book in ("ttw", "wtw"):
        found[f"{book}_kg_per_kg"] = emissions.blend_kg_per_kg(
            given["biofuel_volume_share"],
            fossil_kg_per_kg=given[f"fossil_{book}_kg_per_kg"],
            biofuel_kg_per_kg=given[f"biofuel_{book}_kg_per_kg"],
            **densities,
        )
    return found


def meti(given: Given) -> Found:
    """Improved tonne-kilometre method: ln y = a - b ln(x/100) - c ln z, y in l/tkm, z in kg."""
    a, b, c = {"diesel": (2.71, 0.812, 0.654), "petrol": (2.67, 0.927, 0.648)}[given["fuel"]]
    return {
        "l_per_tkm": [
            math.exp(a - b * math.log(load_percent / 100) - c * math.log(payload_kg))
            for payload_kg, load_percent in given["points"]
        ]
    }


def copert(given: Given) -> Found:
    """COPERT 5 energy per km of one segment and load at several speeds."""
    coefficients = dict(zip(_COPERT_NAMES, given["coefficients"], strict=True))
    return {
        "mj_per_km": [
            fuel.copert_energy_mj_per_km(speed, coefficients) for speed in given["speeds_kmh"]
        ]
    }


def partial_load(given: Given) -> Found:
    """British load model: linear between empty and full."""
    kg_per_km = fuel.load_interpolated(
        given["empty_kg_per_km"], given["full_kg_per_km"], given["load_share"]
    )
    return {"kg_per_km": kg_per_km}


def implied_load(given: Given) -> Found:
    """Average load by two independent routes, and the capacity by two."""
    empty, half, full = (given[f"{name}_kg_per_km"] for name in ("empty", "half", "full"))
    capacity_half = half / given["half_kg_per_tkm"] / 0.5
    capacity_full = full / given["full_kg_per_tkm"]
    tonnes = given["average_kg_per_km"] / given["average_kg_per_tkm"]
    return {
        "load_share_from_km": (given["average_kg_per_km"] - empty) / (full - empty),
        "load_share_from_tkm": tonnes / capacity_full,
        "capacity_from_half_t": capacity_half,
        "capacity_from_full_t": capacity_full,
    }


def consumption(given: Given) -> Found:
    litres = given["fuel_kg"] / given["density_kg_per_l"]
    return {"l_per_100km": litres / given["distance_km"] * 100}


def lmdi(given: Given) -> Found:
    """Additive effects per factor of successive matrices; indices too if asked."""
    steps = list(zip(given["matrices"], given["matrices"][1:], strict=False))
    return {
        "effects": [savings.lmdi_effects(before, after) for before, after in steps],
        "indices": [
            savings.lmdi_indices(before, after) if _all_positive(before, after) else None
            for before, after in steps
        ],
    }


def lmdi_zero(given: Given) -> Found:
    """One factor's term of a block of two factors, by the analytical limits."""
    effects = savings.lmdi_effects([given["before"]], [given["after"]])
    return {"effects": effects}


def truck_lmdi(given: Given) -> Found:
    """The house's three blocks: activity, payload, empty ratio and efficiency, old to new."""
    rates = (given["empty_l_per_km"], given["load_l_per_tkm"])
    old, new = _truck_blocks(given["before"], *rates), _truck_blocks(given["after"], *rates)
    same_work = _truck_blocks(
        {**given["before"], "activity_tkm": given["after"]["activity_tkm"]}, *rates
    )
    effects = savings.lmdi_effects(old, new)
    credited = savings.lmdi_effects(same_work, new)
    names = ("efficiency", "activity", "load", "empty")
    return {
        "blocks_before_l": [math.prod(row) for row in old],
        "blocks_after_l": [math.prod(row) for row in new],
        "before_l": sum(math.prod(row) for row in old),
        "after_l": sum(math.prod(row) for row in new),
        "effects_l": dict(zip(names, effects, strict=True)),
        "baseline_l": sum(math.prod(row) for row in same_work),
        "credited_l": {
            name: -effect
            for name, effect in zip(names, credited, strict=True)
            if name != "activity"
        },
        "saved_l": -math.fsum(credited),
    }


def propagation(given: Given) -> Found:
    """Section 6.2: common error of the empty rate, own errors of the two lots of kilometres."""
    terms = [given["saved_l"] * given["empty_rate_share"]]
    terms += [litres * share for litres, share in given["own_terms"]]
    standard = uncertainty.combined(terms)
    return {
        "standard_l": standard,
        "low_two_sided_l": given["saved_l"] - 1.645 * standard,
        "low_one_sided_l": given["saved_l"] - 1.2816 * standard,
    }


def saving(given: Given) -> Found:
    """Litres of a truck's counterfactual and project for the same activity."""
    # What an example leaves open is missing.
    case = savings.SavingCase(
        **{name: math.nan if value is None else value for name, value in given.items()}
    )
    found = savings.compute_saving(case)
    return {
        "baseline_l": found.baseline_l,
        "project_l": found.project_l,
        "saved_l": found.saved_l,
        "less_empty_l": found.less_empty_l,
        "higher_load_l": found.higher_load_l,
        "efficiency_l": found.efficiency_l,
    }


def label_rounding(given: Given) -> Found:
    """By how much a printed value lies off, and whether the rounding of its label explains it."""
    return {
        "off_share": given["published"] / given["at_label"] - 1,
        "label_off_points": abs(given["needed_percent"] - given["label_percent"]),
    }


def _truck_blocks(year: Given, empty_l_per_km: float, load_l_per_tkm: float) -> list[list[float]]:
    work, eta = year["activity_tkm"], year["efficiency"]
    inverse = 1 / year["payload_t"]
    return [
        [eta, load_l_per_tkm * work, 1.0, 1.0],
        [eta, empty_l_per_km * work, inverse, 1.0],
        [eta, empty_l_per_km * work, inverse, year["empty_ratio"]],
    ]


def _all_positive(*matrices: list[list[float]]) -> bool:
    return all(x > 0 for matrix in matrices for row in matrix for x in row)


CALCULATIONS: dict[str, Callable[[Given], Found]] = {
    function.__name__: function
    for function in (
        activity, chain, implied_distance, ratio_of_factors, product, quotient, change, total,
        mean_prices, empty_conversion, combustion, carbon_bound, blend, meti, copert, partial_load,
        implied_load, consumption, lmdi, lmdi_zero, truck_lmdi, propagation, saving,
        label_rounding,
    )
}  # fmt: skip
