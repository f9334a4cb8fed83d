"""What a close notices by the way: stops and ordered places in two coordinate systems."""

from __future__ import annotations

import numpy as np
import pandas as pd

from fleet_carbon.ingest.coordinates import wgs84_to_gcj02
from fleet_carbon.ingest.places import Gazetteer
from fleet_carbon.services.months import computing

# Twelve yards all over the mainland; the offset of GCJ-02 differs from one to the next.
YARDS = np.array(
    [
        (116.41, 39.92), (121.48, 31.22), (113.27, 23.13), (104.07, 30.67), (108.95, 34.27),
        (114.31, 30.59), (117.20, 39.08), (120.16, 30.27), (118.79, 32.06), (126.54, 45.80),
        (102.71, 25.05), (91.13, 29.66),
    ]
)  # fmt: skip


def legs() -> pd.DataFrame:
    return pd.DataFrame({"to_lon": YARDS[:, 0], "to_lat": YARDS[:, 1], "stop_h": 1.0})


def orders(places: np.ndarray, uncertainty_km: float = 0.0) -> pd.DataFrame:
    ends = {
        f"{end}_{axis}": places[:, column]
        for end in ("pickup", "delivery")
        for column, axis in enumerate(("lon", "lat"))
    }
    return pd.DataFrame(ends).assign(
        pickup_uncertainty_km=uncertainty_km, delivery_uncertainty_km=uncertainty_km
    )


def in_gcj02() -> np.ndarray:
    return np.column_stack(wgs84_to_gcj02(YARDS[:, 0], YARDS[:, 1], Gazetteer.load().mainland))


def test_orders_in_another_coordinate_system_are_suspected() -> None:
    (found,) = computing._suspicions(legs(), orders(in_gcj02()))
    assert found.code == "coordinates_look_shifted"
    assert "--crs gcj02" in found.remedy


def test_orders_in_the_same_system_are_not_suspected() -> None:
    assert computing._suspicions(legs(), orders(YARDS + 0.0005)) == ()


def test_places_known_only_roughly_say_nothing_of_the_system() -> None:
    assert computing._suspicions(legs(), orders(in_gcj02(), uncertainty_km=5.0)) == ()
