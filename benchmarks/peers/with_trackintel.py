"""Stay points and trip legs with trackintel, its own functions and defaults.

It has no filter for wrong fixes, so these are taken out before its clock starts.
"""

from __future__ import annotations

import warnings

import geopandas
import pandas as pd
import pyproj
import trackintel

from benchmarks.peers.cleaning import clean_fixes
from benchmarks.peers.telling import STOP_S_MIN, Clock, given, tell


def main() -> None:
    """Read, compute, tell."""
    asked = given()
    warnings.simplefilter("ignore")
    clock = Clock()
    fixes = clean_fixes(asked.fixes, asked.trucks, asked.days)
    read_s = clock.lap()
    clock = Clock()
    places = geopandas.points_from_xy(fixes["lon"], fixes["lat"], crs="EPSG:4326")
    frame = geopandas.GeoDataFrame(
        {"user_id": fixes["vehicle"].to_numpy(), "tracked_at": fixes["time"].to_numpy("M8[ms]")},
        geometry=places,
    )
    frame["tracked_at"] = frame["tracked_at"].dt.tz_localize("UTC")
    tracks = trackintel.Positionfixes(frame)
    tracks, stays = tracks.generate_staypoints(time_threshold=STOP_S_MIN / 60, include_last=True)
    tracks, legs = tracks.generate_triplegs(stays)
    metres = legs.geometry.apply(pyproj.Geod(ellps="WGS84").geometry_length)
    km = metres.groupby(legs["user_id"]).sum() / 1000.0
    work_s, processor_s = clock.lap(), clock.processor_s
    found = pd.DataFrame(
        {
            "vehicle": stays["user_id"].to_numpy(),
            "arrive_ms": _epoch_ms(stays["started_at"]),
            "depart_ms": _epoch_ms(stays["finished_at"]),
            "lon": stays.geometry.x.to_numpy(),
            "lat": stays.geometry.y.to_numpy(),
        }
    )
    found.to_parquet(asked.stops, index=False)
    tell(
        read_s=read_s,
        work_s=work_s,
        processor_s=processor_s,
        fixes_count=len(fixes),
        km_by_vehicle={str(vehicle): float(value) for vehicle, value in km.items()},
    )


def _epoch_ms(moments: pd.Series) -> pd.Series:
    return moments.dt.tz_convert(None).to_numpy("M8[ms]").astype("int64")


if __name__ == "__main__":
    main()
