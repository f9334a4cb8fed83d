"""The version of a trace names the bytes it came from, however they were cut."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import numpy as np
import pytest

from fleet_carbon.traces.digests import FixesDigest
from fleet_carbon.traces.fixes import Fixes
from tests.builders import Truck

COUNT = 50


def columns() -> dict[str, np.ndarray]:
    """Fixes of which two signals were sent only in the second half."""
    truck = Truck().drive_to(24.5).fixes()
    late = np.arange(COUNT) >= COUNT // 2
    return {
        "time_ms": truck.time_ms,
        "lon_udeg": truck.lon_udeg,
        "lat_udeg": truck.lat_udeg,
        "speed_kmh": np.full(COUNT, 60.0),
        "odometer_km": np.where(late, np.arange(COUNT), np.nan),
        "driver_id": np.where(late, "D1", "").astype(object),
    }


def version(*pieces: Fixes) -> str:
    digest = FixesDigest()
    for piece in pieces:
        digest.update(piece)
    return digest.version()


WHOLE = version(Fixes.from_columns(columns()))


@pytest.mark.parametrize("cuts", [[10], [25], [40], [1, 2, 30, 49]])
def test_the_version_does_not_depend_on_the_cutting(cuts: list[int]) -> None:
    # In the first pieces the late signals are not even there.
    pieces = [
        Fixes.from_columns({name: column[a:b] for name, column in columns().items()})
        for a, b in pairwise([0, *cuts, COUNT])
    ]
    assert version(*pieces) == WHOLE


@pytest.mark.parametrize("name", list(columns()))
def test_the_version_covers_every_column(name: str) -> None:
    changed = columns()
    changed[name] = changed[name].copy()
    changed[name][-1] = "D2" if name == "driver_id" else changed[name][-1] + 1
    assert version(Fixes.from_columns(changed)) != WHOLE


def test_a_value_is_not_taken_for_the_same_value_of_another_signal() -> None:
    other = columns()
    other["fuel_used_l"] = other.pop("odometer_km")
    assert version(Fixes.from_columns(other)) != WHOLE


def test_however_a_missing_value_is_written_it_is_the_same() -> None:
    odd = columns()
    odd["odometer_km"] = np.where(np.isnan(odd["odometer_km"]), -np.nan, odd["odometer_km"])
    assert version(Fixes.from_columns(odd)) == WHOLE


def test_the_version_can_be_computed_with_any_sha256() -> None:
    # What an auditor would do by hand: a digest per column, then one over their names.
    plain = {name: columns()[name] for name in ("time_ms", "lon_udeg", "lat_udeg")}
    lines = [f"fixes {COUNT}\n"]
    for name in sorted(plain):
        lines.append(f"{name} {hashlib.sha256(plain[name].tobytes()).hexdigest()}\n")
    by_hand = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert version(Fixes.from_columns(plain)) == by_hand
