"""The same fixes, the same run: the product beside polars, pandas, trackintel and movingpandas.

    python -m benchmarks.against_peers

Beside the speed stands how well stops and kilometres agree with the truth of the generator. The
general engines get the fixes in the form that suits them best: integers by truck and time. The
libraries are installed with exact versions into an environment of their own, which is thrown away
with the cache; they get few trucks, movingpandas a single day, and their rate is taken as it is
there: it falls with longer stops, so a straight line to more fixes flatters them.

Like is compared with like: who tells kilometres and stops with what the product's traces tell of
them, from the same file or, as the libraries, from memory; who goes on to CO2 with a whole close.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.agreement import StopScore, km_errors, score_stops
from benchmarks.engine_rate import ARRIVED, STORED, measure
from benchmarks.generator import FleetPlan
from benchmarks.measuring import run_module
from benchmarks.reporting import (
    machine,
    machine_line,
    median_of,
    text_table,
    write_block,
    write_result,
)
from benchmarks.stores import SIZES, FleetOnDisk, add_cache_option

PINS = Path(__file__).resolve().parent / "peers" / "requirements.txt"
_MS_PER_DAY = 86_400_000
_STOP_MS_MIN = 300_000
# In memory, clean and in order before the clock starts.
LOADED = "loaded"
TRACES, CLOSE = "km, stops", "km, stops, orders, litres, CO2"


@dataclass(frozen=True)
class Peer:
    """One tool: its module, what it does of what, from where, and on how much of a fleet."""

    name: str
    module: str
    job: str
    like: str = TRACES
    way: str = STORED
    trucks: int = 0
    days: float = 0.0

    @property
    def is_library(self) -> bool:
        """Whether it is one of the slow ones, which get a few trucks and run once."""
        return self.trucks > 0


OURS = tuple(Peer("fleet_carbon", "with_our_traces", TRACES, way=way) for way in (STORED, LOADED))
PEERS = (
    Peer("polars, tuned", "with_polars", TRACES),
    Peer("polars, by its guide", "with_polars_by_truck", TRACES),
    Peer("polars, whole job", "with_polars_whole_job", CLOSE, CLOSE),
    Peer("pandas", "with_pandas", TRACES),
    Peer("trackintel 1.4.2", "with_trackintel", TRACES, way=LOADED, trucks=12),
    Peer("movingpandas 0.23.0", "with_movingpandas", "stops", way=LOADED, trucks=12, days=1.0),
)
FROM_ARRIVALS = Peer("polars, whole job", "with_polars_whole_job", "sorted first", CLOSE, ARRIVED)


def environment(cache: Path) -> Path:
    """Python of the environment with the pinned tools, made if it is not there."""
    folder = cache / "tools"
    python = folder / "bin" / "python"
    marker = folder / "complete"
    if not marker.exists():
        venv.create(folder, with_pip=True, clear=True)
        words = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(PINS)]
        subprocess.run(words, check=True, stdout=sys.stderr)
        marker.touch()
    return python


def run_peer(peer: Peer, fleet: FleetOnDisk, stops: Path) -> dict[str, Any]:
    """One run of a peer in a fresh process; the stops it found lie in a file after it."""
    fixes = fleet.by_arrival if peer.way == ARRIVED else fleet.by_truck
    words = [str(fixes), str(stops)]
    if peer.days:
        words += ["--days", str(peer.days)]
    if peer.way == ARRIVED:
        words += ["--arrivals"]
    if peer.way == LOADED and peer in OURS:
        words += ["--loaded"]
    python = None if peer in OURS else str(environment(fleet.cache))
    return run_module(f"benchmarks.peers.{peer.module}", *words, python=python)


def stop_score(fleet: FleetOnDisk, stops: Path, days: float = 0.0) -> StopScore:
    """Found against true stops, truck by truck; of the first days only, if so asked."""
    found = dict(iter(pd.read_parquet(stops).groupby("vehicle")))
    score = StopScore()
    until_ms = fleet.plan.bounds_ms[0] + days * _MS_PER_DAY
    for vehicle_id, true in fleet.true_stops().groupby("vehicle_id"):
        here = true.reset_index(drop=True)
        if days:
            here["depart_ms"] = here["depart_ms"].clip(upper=int(until_ms))
            here = here[here["depart_ms"] - here["arrive_ms"] >= _STOP_MS_MIN]
        mine = found.get(int(str(vehicle_id)[1:]))
        if mine is None:
            score += StopScore(len(here))
            continue
        score += score_stops(here, mine.sort_values("arrive_ms").reset_index(drop=True))
    return score


def _agreement(
    fleet: FleetOnDisk, km_by_vehicle: dict[str, float], stops: Path, days: float
) -> dict[str, Any]:
    truth = fleet.truth()["first_day_km" if days else "distance_km"]
    km = pd.Series(km_by_vehicle)
    if not km.index.str.startswith("T").all():
        km.index = pd.Index([f"T{int(number):05d}" for number in km.index])
    score = stop_score(fleet, stops, days)
    return {
        "stops_found": score.found_count,
        "stops_true": score.true_count,
        "stop_precision": round(score.precision, 4),
        "stop_recall": round(score.recall, 4),
        "stop_f1": round(score.f1, 4),
        **{name: round(value, 3) for name, value in km_errors(truth, km).items()},
    }


def _our_close(fleet: FleetOnDisk, way: str, runs: int, stops: Path) -> dict[str, Any]:
    closes = [measure(fleet, way) for _ in range(runs)]
    run_peer(OURS[0], fleet, stops)
    agreement = _agreement(fleet, closes[0]["km_by_vehicle"], stops, 0.0)
    ours = Peer("fleet_carbon", "", "everything, on record", CLOSE, way)
    return _row(ours, closes, agreement)


def _run_of(peer: Peer, fleet: FleetOnDisk, runs: int, stops: Path) -> dict[str, Any]:
    told = [run_peer(peer, fleet, stops) for _ in range(runs)]
    counted = {"fixes_count": fleet.facts["fixes_count"]}
    told = [
        counted | run | {"work_s": run["work_s"] + (0.0 if peer.way == LOADED else run["read_s"])}
        for run in told
    ]
    agreement = _agreement(fleet, told[0]["km_by_vehicle"], stops, peer.days)
    return _row(peer, told, agreement)


def _row(peer: Peer, runs: list[dict[str, Any]], agreement: dict[str, Any]) -> dict[str, Any]:
    fixes_count, work_s = int(runs[0]["fixes_count"]), median_of(runs, "work_s")
    return {
        "tool": peer.name,
        "job": peer.job,
        "like": peer.like,
        "way": peer.way,
        "runs": len(runs),
        "fixes_count": fixes_count,
        "work_s_median": round(work_s, 3),
        "fixes_per_s_median": round(fixes_count / work_s),
        "fixes_per_processor_s_median": round(fixes_count / median_of(runs, "processor_s")),
        "peak_mib_median": round(median_of(runs, "peak_tree_mib")),
        **agreement,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The comparison for people; ratios are of fixes a second, of the same job, from the same."""
    ours = {(row["like"], row["way"]): row for row in rows if row["tool"] == "fleet_carbon"}

    def ratio(row: dict[str, Any], measure: str) -> str:
        return f"{ours[row['like'], row['way']][measure] / row[measure]:,.1f}"

    return text_table(
        (
            *("tool", "does", "from", "fixes", "s", "M fixes/s", "ours / theirs"),
            *("by processor time", "peak MiB", "stop F1", "km error"),
        ),
        [
            (
                row["tool"],
                row["job"],
                row["way"],
                f"{row['fixes_count']:,}",
                f"{row['work_s_median']:.2f}",
                f"{row['fixes_per_s_median'] / 1e6:.4g}",
                ratio(row, "fixes_per_s_median"),
                ratio(row, "fixes_per_processor_s_median"),
                f"{row['peak_mib_median']:,}",
                f"{row['stop_f1']:.4f}",
                f"{row['km_error_percent']:+.2f} %",
            )
            for row in rows
        ],
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=tuple(SIZES), default="10M")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--without-libraries", action="store_true")
    parser.add_argument("--without-arrivals", action="store_true")
    parser.add_argument("--write", action="store_true", help="keep the results")
    add_cache_option(parser)
    arguments = parser.parse_args()
    runs, cache = arguments.runs, arguments.cache
    fleet = FleetOnDisk(FleetPlan(SIZES[arguments.size]), cache)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        stops = Path(scratch) / "stops.parquet"
        rows.append(_our_close(fleet, STORED, runs, stops))
        for peer in (*OURS, *PEERS):
            if peer.is_library and arguments.without_libraries:
                continue
            own = FleetOnDisk(FleetPlan(peer.trucks), cache) if peer.trucks else fleet
            rows.append(_run_of(peer, own, 1 if peer.is_library else runs, stops))
        if not arguments.without_arrivals:
            rows.append(_our_close(fleet, ARRIVED, runs, stops))
            rows.append(_run_of(FROM_ARRIVALS, fleet, runs, stops))
    facts = machine()
    said = f"{machine_line(facts)}; medians of {runs} runs, of the libraries one.\n\n{table(rows)}"
    print(said)
    if arguments.write:
        write_result(f"against_peers_{arguments.size}", {"machine": facts, "results": rows})
        write_block("against_peers", said)


if __name__ == "__main__":
    main()
