"""Kilometres and stops as the product reads them from traces, one truck after the other.

For the agreement with the truth only: the product's speed is that of a whole close.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.peers.telling import STOP_COLUMNS, Clock, given, tell
from fleet_carbon.quantification import editions
from fleet_carbon.settings import Settings
from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.trace import Trace, TraceRules, read_trace


def rules_on(day: date) -> TraceRules:
    """The thresholds in force on a day."""
    edition = editions.edition_in_force(Settings().models_dir, day)
    return editions.fill_rules(edition, "traces", TraceRules)


def stops_of(trace: Trace) -> pd.DataFrame:
    """The stops of a trace: moments [ms] and places [deg]."""
    depart = trace.stops
    return pd.DataFrame(
        {
            "arrive_ms": trace.time_ms[depart - 1],
            "depart_ms": trace.time_ms[depart],
            "lon": trace.lon_udeg[depart] / 1e6,
            "lat": trace.lat_udeg[depart] / 1e6,
        }
    )


def fixes_of(columns: dict[str, np.ndarray]) -> Fixes:
    """Fixes of one truck from integer columns, in order of time."""
    return Fixes.from_columns(
        {
            **{name: columns[name] for name in ("time_ms", "lon_udeg", "lat_udeg")},
            "speed_kmh": columns["speed_dkmh"] / 10.0,
        }
    )


def main() -> None:
    """Read, compute, tell."""
    asked = given()
    rules = rules_on(date(2026, 9, 30))
    clock = Clock()
    file = pq.ParquetFile(asked.fixes)
    km, found = {}, []
    for number in range(file.num_row_groups):
        group = file.read_row_group(number)
        columns = {name: group.column(name).to_numpy() for name in group.column_names}
        vehicles, starts = np.unique(columns["vehicle"], return_index=True)
        for vehicle, first, last in zip(
            vehicles.tolist(), starts, [*starts[1:], group.num_rows], strict=True
        ):
            if asked.trucks and vehicle >= asked.trucks:
                continue
            rows = {name: column[first:last] for name, column in columns.items()}
            trace = read_trace(fixes_of(rows), rules)
            km[str(vehicle)] = float(trace.driven_m[-1]) / 1000.0
            found.append(stops_of(trace).assign(vehicle=vehicle))
    work_s, processor_s = clock.lap(), clock.processor_s
    pd.concat(found)[list(STOP_COLUMNS)].to_parquet(asked.stops, index=False)
    tell(read_s=0.0, work_s=work_s, processor_s=processor_s, km_by_vehicle=km)


if __name__ == "__main__":
    main()
