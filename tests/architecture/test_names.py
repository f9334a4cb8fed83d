"""Numbers carry their unit in their name: columns, parameters, attributes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from fleet_carbon import frames
from tests.architecture import directions, names

PACKAGE = Path(__file__).resolve().parents[2] / "fleet_carbon"

# Names that the files of senders and the published tables fix; their unit stands in another column.
COLUMNS_ALLOWED = {
    "quantity": "in `unit` of the same row, as on the receipt",
    "value": "in `unit` of the same row, like low, high and standard",
    "low": "likewise",
    "high": "likewise",
    "standard": "likewise",
    "energy_quantity": "in `energy_unit` of the same row",
    "energy_millionths": "of `energy_unit` of the same row, a whole number of them",
    "counted_quantity": "in `counted_unit` of the same row",
    "tank_quantity": "in `counted_unit` of the same row",
    "carbon_price": "per tonne in `carbon_currency`",
    "carbon_value": "in `carbon_currency`",
    "fuel_cost_saved": "in the currency of the diesel price",
}
# Reason -> names of parameters and attributes that need none of the grammar's units.
REASONS = {
    "the report of an ingest: read = accepted + duplicate + rejected": (
        "rows_read rows_accepted rows_duplicate rows_rejected"
    ),
    "the number of a gram within its block, and a place in the chain": (
        "serial_from serial_until after next_after"
    ),
    "the number of a row on record, or of an arrival": ("until reception number"),
    "a number whose unit stands in the field beside it": (
        "value amount price proceeds fees floor consumed_quantity"
    ),
    "in the unit of the figure or equation it belongs to": "low high stated recounted tolerance",
    "a cost of the matching, without unit and only compared with its like": (
        "cost_unmatched cost_halt cost_short_stop cost_middling_stop cost_in_gap"
        " cost_per_detour cost_passed_by visit_reward cost_margin cost_rough_plan"
    ),
    "km driven per great-circle km": "circuity_default expected_circuity",
    "a plain count": (
        "vehicles workers total sequence digits indent candidates_max standings_max"
        " segments mergeable leftovers proxy_hops"
    ),
    "the number of a row or of a row group of a file": "first stop group",
    "where a column stands in a file": "place",
    "the number of a record of that name": "dispute",
    "pixels of a drawing": "width height",
    "in the unit of the truck's energy": "class_quantity",
    "of the unit in the field beside it, a whole number": (
        "energy_millionths attributed_millionths"
    ),
    "the number of a schema, and that of a process": (
        "version_before version_after schema until_version process_id"
    ),
    "as HTTP, mail servers and their users call it": "status limit mail_port",
    "as maps call it, a power of two without a unit": "zoom_level",
    "in the unit of what the truck burns: l, kg or kWh": (
        "counted_quantity expected_quantity modelled_quantity"
    ),
    "money of an estimate, in its currency": "diesel_cost fuel_cost_saved carbon_value",
    "a place in an order, and any figure before and after": "rank planned realised difference",
}
NAMES_ALLOWED = {name for names_of_one in REASONS.values() for name in names_of_one.split()}
# Numeric kernels name their arguments as the formulas do; the door plate says the units.
MODULES_WITH_SI = {
    "ingest/eights.py", "ingest/scanning.py", "ingest/dialects/framing.py",
    "legs/candidates.py", "legs/kernels.py", "legs/packing.py", "legs/verdicts.py",
    "traces/cleaning.py", "traces/drawing.py", "traces/kernels.py", "traces/lengths.py",
    "traces/lookouts.py",
}  # fmt: skip

GOOD = """distance_km payload_t fuel_l energy_mj co2e_kg activity_tkm duration_s elevation_m
distance_great_circle_km co2e_tank_to_wheel_kg co2e_kg_per_tkm energy_mj_per_l speed_kmh_max
co2e_kg_p90 pickup_lon load_share empty_l_per_100km orders_matched_count gross_mass_t_median
lon_udeg co2_credited_g time_ms""".split()
BAD = """max_speed km_distance dist_threshold load_pct co2e_kg_total distance speed max_speed_kmh
payload duration_hours fuel_liters temp empty_percent limit radius price_per_tonne""".split()


@pytest.mark.parametrize("name", GOOD)
def test_the_grammar_accepts_a_name_with_its_unit(name: str) -> None:
    assert names.is_well_named(name)


@pytest.mark.parametrize("name", BAD)
def test_the_grammar_refuses_a_name_without_unit_or_in_another_order(name: str) -> None:
    assert not names.is_well_named(name)


def test_every_numeric_column_carries_its_unit() -> None:
    found = [
        f"{frame.name}.{column.name}"
        for frame in frames.FRAMES
        for column in frame.columns
        if column.dtype in (frames.NUMBER, frames.INTEGER)
        and column.name not in COLUMNS_ALLOWED
        and not names.is_well_named(column.name)
    ]
    assert found == []


def test_every_moment_says_that_it_is_one() -> None:
    # The two planned times of an order keep the name that dispatchers send.
    kept = {"pickup_time", "delivery_time", "assigned_from", "assigned_until"}
    found = [
        f"{frame.name}.{column.name}"
        for frame in frames.FRAMES
        for column in frame.columns
        if column.dtype == frames.MOMENT and not column.name.endswith("_at")
    ]
    assert [name for name in found if name.split(".")[1] not in kept] == []


def test_every_numeric_parameter_and_attribute_carries_its_unit() -> None:
    found = [
        f"{place}:{line} {name}"
        for place, _, tree in directions.modules(PACKAGE)
        for line, name in names.numeric_names(tree)
        if place not in MODULES_WITH_SI
        and name not in NAMES_ALLOWED
        and not names.is_well_named(name)
    ]
    assert found == []


def test_a_planted_name_without_unit_is_found() -> None:
    code = "class Rule:\n    radius: float\n\ndef stop(speed: int | None, dwell_s: float): ...\n"
    found = {name for _, name in names.numeric_names(ast.parse(code))}
    assert {name for name in found if not names.is_well_named(name)} == {"radius", "speed"}
    assert "dwell_s" in found


def test_every_exception_is_still_needed() -> None:
    used = {
        name for _, _, tree in directions.modules(PACKAGE) for _, name in names.numeric_names(tree)
    }
    assert NAMES_ALLOWED - used == set()
