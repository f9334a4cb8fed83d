"""Stops with movingpandas: its stop detector.

Its clock runs for the detector alone: jumps are taken out before, and the ways between the stops
are split and measured after it, which would cost as much again.
"""

from __future__ import annotations

import datetime
import warnings

import pandas as pd

from benchmarks.peers.cleaning import clean_fixes
from benchmarks.peers.telling import STOP_S_MIN, Clock, given, tell

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import movingpandas

_DIAMETER_M = 200


def main() -> None:
    """Read, compute, tell."""
    asked = given()
    warnings.simplefilter("ignore")
    clock = Clock()
    fixes = clean_fixes(asked.fixes, asked.trucks, asked.days)
    read_s = clock.lap()
    clock = Clock()
    tracks = movingpandas.TrajectoryCollection(
        fixes, traj_id_col="vehicle", t="time", x="lon", y="lat", crs="EPSG:4326"
    )
    shortest = datetime.timedelta(seconds=STOP_S_MIN)
    found = []
    for track in tracks:
        detector = movingpandas.TrajectoryStopDetector(track)
        stops = detector.get_stop_points(max_diameter=_DIAMETER_M, min_duration=shortest)
        found.append(
            pd.DataFrame(
                {
                    "vehicle": track.id,
                    "arrive_ms": stops["start_time"].to_numpy("M8[ms]").astype("int64"),
                    "depart_ms": stops["end_time"].to_numpy("M8[ms]").astype("int64"),
                    "lon": stops.geometry.x.to_numpy(),
                    "lat": stops.geometry.y.to_numpy(),
                }
            )
        )
    work_s, processor_s = clock.lap(), clock.processor_s
    pd.concat(found).to_parquet(asked.stops, index=False)
    km = {str(track.id): _km_between_stops(track, shortest) for track in tracks}
    tell(
        read_s=read_s,
        work_s=work_s,
        processor_s=processor_s,
        fixes_count=len(fixes),
        km_by_vehicle=km,
    )


def _km_between_stops(track: movingpandas.Trajectory, shortest: datetime.timedelta) -> float:
    ways = movingpandas.StopSplitter(track).split(max_diameter=_DIAMETER_M, min_duration=shortest)
    return float(sum(way.get_length(units="km") for way in ways))


if __name__ == "__main__":
    main()
