"""What a register entry says of a truck, and which of an edition's trucks it is by that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd


def told_text(vehicle: Mapping[str, Any], name: str) -> str:
    """A text of the entry; empty where it is missing."""
    value = vehicle.get(name)
    return "" if value is None or pd.isna(value) else str(value)


def told_number(vehicle: Mapping[str, Any], name: str) -> float | None:
    """A number of the entry; None where it is missing or says nothing, being 0 or less."""
    value = vehicle.get(name)
    return None if value is None or pd.isna(value) or value <= 0 else float(value)


def kind_of_truck(vehicle: Mapping[str, Any], kinds: Mapping[str, Mapping[str, Any]]) -> str:
    """The kind that bears the name of the registered class, else that of the payload, else ''.

    Parameters
    ----------
    vehicle : mapping
        One row of `frames.VEHICLES`.
    kinds : mapping of str to mapping
        Section `classes` or `vehicles` of an edition: each kind has a `rated_payload_t_min`, and
        of those that a payload reaches the largest counts.
    """
    named = told_text(vehicle, "vehicle_class")
    if named in kinds:
        return named
    payload_t = told_number(vehicle, "rated_payload_t") or 0.0
    fitting = [name for name in kinds if payload_t >= kinds[name]["rated_payload_t_min"]]
    return max(fitting, key=lambda name: float(kinds[name]["rated_payload_t_min"]), default="")
