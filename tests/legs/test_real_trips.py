"""A real tipper for a day: 20 recorded trips, of which one is spurious and one was never closed.

The recordings are not ours to ship; they are read from a folder beside the checkout, or from
FLEET_CARBON_TEST_DATA. A trip was tapped at loading and ends with the next loading; where it
unloaded was not recorded, so the place of the order is where the truck was farthest from loading.
"""

from __future__ import annotations

import os
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from fleet_carbon import frames
from fleet_carbon.legs.drivers import DriverBook
from fleet_carbon.legs.orders import OrderBook
from fleet_carbon.legs.segmentation import TruckFacts, cut_legs
from fleet_carbon.legs.tables import gather
from fleet_carbon.periods import parse_month
from fleet_carbon.traces import kernels
from fleet_carbon.traces.trace import Trace, read_trace
from tests.builders import LEG_RULES, TRACE_RULES, LegFrames, fixes_of, framed

DATA = Path(
    os.environ.get(
        "FLEET_CARBON_TEST_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"
    )
)
FOLDER = DATA / "roadai"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="optional data: roadai is not here")


def positions() -> pd.DataFrame:
    rows = pd.read_csv(FOLDER / "machine44_2022-03-07_positions.csv")
    times = pd.to_datetime(rows["ts"], format="ISO8601", utc=True).astype("datetime64[ms, UTC]")
    return pd.DataFrame(
        {
            "vehicle_id": "44",
            "time_ms": times.astype("int64"),
            "lon_udeg": (rows["lon"] * 1e6).round().astype("int64"),
            "lat_udeg": (rows["lat"] * 1e6).round().astype("int64"),
            "accuracy_m": rows["uncertainty"],
        }
    ).sort_values("time_ms", kind="stable")


def orders(fixes: pd.DataFrame) -> pd.DataFrame:
    trips = pd.read_csv(FOLDER / "machine44_2022-03-07_recorded_trips.csv")
    rows = []
    for trip in trips.itertuples():
        start, end = pd.Timestamp(trip.start), pd.Timestamp(trip.end)
        inside = fixes[fixes["time_ms"].between(start.timestamp() * 1e3, end.timestamp() * 1e3)]
        lon, lat = (inside[c].to_numpy(float) for c in ("lon_udeg", "lat_udeg"))
        far = int(np.argmax(kernels.distances_to(lon, lat, lon[0], lat[0])))
        rows.append(
            {
                "order_id": f"{trip.trip:02d}",
                "vehicle_id": "44",
                "cargo_t": 27.0,
                "pickup_lon": lon[0] / 1e6,
                "pickup_lat": lat[0] / 1e6,
                "delivery_lon": lon[far] / 1e6,
                "delivery_lat": lat[far] / 1e6,
                "pickup_time": start.tz_convert(UTC),
                "delivery_time": end.tz_convert(UTC),
                "weight_source": "nominal",
                "status": "delivered",
                "pickup_uncertainty_km": 0.0,
                "delivery_uncertainty_km": 0.0,
                "version": 1,
            }
        )
    return frames.ORDERS.shape(pd.DataFrame(rows))


@pytest.fixture(scope="module")
def day() -> tuple[Trace, LegFrames]:
    fixes = positions()
    trace = read_trace(fixes_of(fixes), TRACE_RULES)
    result = cut_legs(
        trace,
        truck=TruckFacts("44", 30.0),
        orders=OrderBook.from_frame(orders(fixes)).of_vehicle("44"),
        drivers=DriverBook.from_frames(
            frames.ASSIGNMENTS.empty(), frames.DRIVERS.empty()
        ).of_vehicle("44"),
        month=parse_month("2022-03", ZoneInfo("Europe/Oslo")),
        rules=LEG_RULES,
    )
    return trace, framed(gather([result]))


def test_the_day_is_as_long_as_its_recorder_says(day: tuple[Trace, LegFrames]) -> None:
    # 303.1 km is the sum of the recorder's own steps, standing jitter included.
    assert day[0].driven_m[-1] / 1000 == pytest.approx(303.1, rel=0.025)


def test_eighteen_cycles_are_proven_and_two_are_named(day: tuple[Trace, LegFrames]) -> None:
    rows = day[1].order_results.set_index("order_id")
    assert rows["matched"].sum() == 18
    assert rows.loc["04", "reason_code"] == "no_drive_between"
    assert rows.loc["20", "reason_code"] == "never_closed"


def test_about_half_the_distance_is_loaded(day: tuple[Trace, LegFrames]) -> None:
    legs = day[1].legs
    loaded = legs.loc[legs["state"] == "loaded", "distance_km"].sum()
    assert loaded / legs["distance_km"].sum() == pytest.approx(0.5, abs=0.04)
    assert legs["payload_t"].max() == 27.0
