"""Small traces and orders written in code, on a flat stretch where distances are easy to check.

Everything lies on the parallel of 30 degrees north. One millionth of a degree of longitude there is
N(30) cos(30) pi / 180 / 1e6 m = 0.096486 m with N(30) = 6,383,480.9 m (WGS-84: a / sqrt(1 - e2/4)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from fleet_carbon import frames
from fleet_carbon.legs.drivers import DriverBook
from fleet_carbon.legs.orders import OrderBook
from fleet_carbon.legs.rules import LegRules
from fleet_carbon.legs.segmentation import TruckFacts, cut_legs
from fleet_carbon.legs.tables import LegTables, gather
from fleet_carbon.periods import Month, parse_month
from fleet_carbon.quantification.editions import edition_in_force
from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.trace import Trace, TraceRules, read_trace

M_PER_UDEG_LON = 0.0964862
LAT_UDEG = 30_000_000
LON_UDEG = 114_000_000
MODELS = Path(__file__).resolve().parents[1] / "models"
EDITION = edition_in_force(MODELS, date(2026, 9, 1))
TRACE_RULES = TraceRules(**EDITION.rules("traces"))
LEG_RULES = LegRules(**EDITION.rules("legs"))
SEPTEMBER: Month = parse_month("2026-09", ZoneInfo("Asia/Shanghai"))
START = datetime(2026, 9, 10, 0, 0, tzinfo=UTC)


def fixes_of(positions: pd.DataFrame) -> Fixes:
    """Arrays of the `positions` frame of one vehicle; sorts by time and place if needed."""
    keys = ["time_ms", "lon_udeg", "lat_udeg"]
    if not positions["time_ms"].is_monotonic_increasing:
        positions = positions.sort_values(keys, kind="stable")
    columns = {name: positions[name].to_numpy(dtype=np.int64) for name in keys}
    for name in positions.columns.difference(["vehicle_id", "driver_id", *keys]):
        columns[name] = positions[name].to_numpy(dtype=np.float64, na_value=np.nan)
    if "driver_id" in positions.columns:
        columns["driver_id"] = positions["driver_id"].astype(object).to_numpy()
    return Fixes.from_columns(columns)


@dataclass
class Truck:
    """A truck that drives east and west on one straight road and sends a fix every `step_s`."""

    step_s: float = 30.0
    at_s: float = 0.0
    km: float = 0.0
    rows: list[tuple[float, float]] = field(default_factory=list)
    start: datetime = START

    def stand(self, hours: float) -> Truck:
        """Stand here for some hours."""
        return self._go(self.km, hours)

    def drive_to(self, km: float, speed_kmh: float = 60.0) -> Truck:
        """Drive to the kilometre at a constant speed."""
        return self._go(km, abs(km - self.km) / speed_kmh)

    def silent(self, hours: float, km: float | None = None) -> Truck:
        """Send nothing for some hours and turn up at the kilometre (here if not given)."""
        self.at_s += hours * 3600.0
        self.km = self.km if km is None else km
        return self

    def _go(self, km: float, hours: float) -> Truck:
        count = max(1, round(hours * 3600.0 / self.step_s))
        for i in range(count):
            share = i / count
            self.rows.append((self.at_s + i * self.step_s, self.km + share * (km - self.km)))
        self.at_s += count * self.step_s
        self.km = km
        return self

    def frame(self) -> pd.DataFrame:
        """Rows of the positions frame, the last place included."""
        rows = [*self.rows, (self.at_s, self.km)]
        start_ms = round(self.start.timestamp() * 1000)
        return pd.DataFrame(
            {
                "vehicle_id": "V1",
                "time_ms": [start_ms + round(1000 * t) for t, _ in rows],
                "lon_udeg": [LON_UDEG + round(1000.0 * km / M_PER_UDEG_LON) for _, km in rows],
                "lat_udeg": LAT_UDEG,
            }
        )

    def fixes(self, **columns: object) -> Fixes:
        """As arrays, with further columns of the positions frame."""
        return fixes_of(self.frame().assign(**columns))

    def trace(self, **columns: object) -> Trace:
        """Read under the rules of the edition."""
        return read_trace(self.fixes(**columns), TRACE_RULES)


def lon_at(km: float) -> float:
    """Longitude of a kilometre of the road. [deg]"""
    return (LON_UDEG + 1000.0 * km / M_PER_UDEG_LON) / 1e6


def order(
    order_id: str, from_km: float, to_km: float, *, hours: tuple[float, float], **other: object
) -> dict[str, object]:
    """An order from one kilometre to another, planned at hours after the start."""
    start = pd.Timestamp(START)
    return {
        "order_id": order_id,
        "vehicle_id": "V1",
        "cargo_t": 20.0,
        "pickup_lon": lon_at(from_km),
        "pickup_lat": LAT_UDEG / 1e6,
        "delivery_lon": lon_at(to_km),
        "delivery_lat": LAT_UDEG / 1e6,
        "pickup_time": start + pd.Timedelta(hours=hours[0]),
        "delivery_time": start + pd.Timedelta(hours=hours[1]),
        "weight_source": "declared",
        "status": "accepted",
        "pickup_uncertainty_km": 0.0,
        "delivery_uncertainty_km": 0.0,
        "version": 1,
        **other,
    }


class LegFrames(NamedTuple):
    """The tables of some trucks, as pandas has them."""

    legs: pd.DataFrame
    leg_orders: pd.DataFrame
    order_results: pd.DataFrame


def framed(tables: LegTables) -> LegFrames:
    """The same rows in the form of the contract."""
    of = (frames.LEGS, frames.LEG_ORDERS, frames.ORDER_RESULTS)
    return LegFrames(*(one.shape(getattr(tables, one.name).to_pandas()) for one in of))


def legs_of(
    trace: Trace,
    orders: list[dict[str, object]],
    *,
    assignments: list[dict[str, object]] | None = None,
    usual_driver_id: str | None = None,
    curb_mass_t: float | None = None,
    rules: LegRules = LEG_RULES,
) -> LegFrames:
    """Cut the legs of a truck of 30 t rated payload in September 2026."""
    usual = [{"driver_id": usual_driver_id, "vehicle_id": "V1"}] if usual_driver_id else []
    drivers = DriverBook.from_frames(
        shaped(frames.ASSIGNMENTS, assignments or []), shaped(frames.DRIVERS, usual)
    )
    cut = cut_legs(
        trace,
        truck=TruckFacts("V1", 30.0, curb_mass_t),
        orders=OrderBook.from_frame(shaped(frames.ORDERS, orders)).of_vehicle("V1"),
        drivers=drivers.of_vehicle("V1"),
        month=SEPTEMBER,
        rules=rules,
    )
    return framed(gather([cut]))


def shaped(frame: frames.Frame, rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Rows written in code as a table of the house."""
    return frame.shape(pd.DataFrame(list(rows), columns=frame.names))


def km_by_state(legs: pd.DataFrame) -> dict[str, float]:
    """Kilometres of each state."""
    return {str(k): float(v) for k, v in legs.groupby("state")["distance_km"].sum().items()}


def noisy(fixes: Fixes, sigma_m: float, seed: int) -> Fixes:
    """The same fixes with independent noise on both axes."""
    random = np.random.default_rng(seed)
    lon = fixes.lon_udeg + np.round(random.normal(0, sigma_m, len(fixes)) / M_PER_UDEG_LON)
    lat = fixes.lat_udeg + np.round(random.normal(0, sigma_m, len(fixes)) / 0.11085)
    return Fixes(
        fixes.time_ms,
        lon.astype(np.int32),
        lat.astype(np.int32),
        *(getattr(fixes, name) for name in list(vars(fixes))[3:]),
    )
