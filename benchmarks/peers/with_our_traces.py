"""Kilometres and stops as the product reads them from traces, and nothing else of what it does.

The same job as that of the other tools, from the same file: its row groups in threads, each truck
cleaned, drawn, its stops and gaps found, and the digest of its fixes taken, which is not left out
anywhere. With --loaded the columns are in memory before the clock of the work starts, as they are
for libraries that do not read files.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.peers.telling import STOP_COLUMNS, Clock, given, tell
from fleet_carbon import engine
from fleet_carbon.quantification import editions
from fleet_carbon.settings import Settings
from fleet_carbon.storage.memory import share_between_threads
from fleet_carbon.traces.fixes import Fixes
from fleet_carbon.traces.trace import Trace, TraceRules, read_trace

_FEW = 1_000
_Columns = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Found:
    """Of some trucks: kilometres by truck, and their stops."""

    km: dict[str, float]
    stops: dict[int, _Columns]


def rules_on(day: date) -> TraceRules:
    """The thresholds in force on a day."""
    edition = editions.edition_in_force(Settings().models_dir, day)
    return editions.fill_rules(edition, "traces", TraceRules)


def stops_of(trace: Trace) -> _Columns:
    """The stops of a trace: moments [ms] and places [deg]."""
    depart = trace.stops
    return {
        "arrive_ms": trace.time_ms[depart - 1],
        "depart_ms": trace.time_ms[depart],
        "lon": trace.lon_udeg[depart] / 1e6,
        "lat": trace.lat_udeg[depart] / 1e6,
    }


def with_speed(columns: _Columns) -> _Columns:
    """The columns as they are stored, and the speed in the unit of fixes. [km/h]"""
    return {**columns, "speed_kmh": columns["speed_dkmh"] / 10.0}


def fixes_of(columns: _Columns) -> Fixes:
    """Fixes of one truck, in order of time."""
    names = ("time_ms", "lon_udeg", "lat_udeg", "speed_kmh")
    return Fixes.from_columns({name: columns[name] for name in names})


class _File:
    """The row groups of a file, which may be read by several threads at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._of_thread = threading.local()

    def load(self, group: int) -> _Columns:
        if not hasattr(self._of_thread, "file"):
            share_between_threads()
            self._of_thread.file = pq.ParquetFile(self._path)
        rows = self._of_thread.file.read_row_group(group, use_threads=False)
        return with_speed({name: rows.column(name).to_numpy() for name in rows.column_names})


def _trucks_of(columns: _Columns, trucks: int) -> Iterator[tuple[int, _Columns]]:
    """The columns of each truck, which lie one after the other."""
    vehicles = columns["vehicle"]
    borders = [0, *(np.flatnonzero(vehicles[1:] != vehicles[:-1]) + 1).tolist(), len(vehicles)]
    for first, last in pairwise(borders):
        vehicle = int(vehicles[first])
        if not trucks or vehicle < trucks:
            yield vehicle, {name: column[first:last] for name, column in columns.items()}


def kilometres_and_stops(columns: _Columns, *, rules: TraceRules, trucks: int = 0) -> Found:
    """What the traces of some trucks tell."""
    found = Found({}, {})
    for vehicle, rows in _trucks_of(columns, trucks):
        trace = read_trace(fixes_of(rows), rules)
        found.km[str(vehicle)] = float(trace.driven_m[-1]) / 1000.0
        found.stops[vehicle] = stops_of(trace)
    return found


def main() -> None:
    """Read, compute, tell."""
    asked = given()
    rules = rules_on(date(2026, 9, 30))
    groups = range(pq.ParquetFile(asked.fixes).num_row_groups)
    way = engine.way_of(None, None)
    tell_of = partial(kilometres_and_stops, rules=rules, trucks=asked.trucks)
    few = {name: column[:_FEW] for name, column in _File(asked.fixes).load(0).items()}
    kilometres_and_stops(few, rules=rules)  # the kernels are loaded when the clock starts
    clock = Clock()
    file, read_s = _File(asked.fixes), 0.0
    if asked.loaded:
        held = [file.load(group) for group in groups]
        read_s, before_s = clock.lap(), clock.processor_s
        parts = list(engine.run(tell_of, held, way=way))
    else:
        before_s = 0.0
        parts = list(engine.run(lambda group: tell_of(file.load(group)), groups, way=way))
    work_s, processor_s = clock.lap(), clock.processor_s - before_s
    stops = [
        pd.DataFrame(columns).assign(vehicle=vehicle)
        for part in parts
        for vehicle, columns in part.stops.items()
    ]
    pd.concat(stops)[list(STOP_COLUMNS)].to_parquet(asked.stops, index=False)
    km = {vehicle: km for part in parts for vehicle, km in part.km.items()}
    tell(read_s=read_s, work_s=work_s, processor_s=processor_s, km_by_vehicle=km)


if __name__ == "__main__":
    main()
