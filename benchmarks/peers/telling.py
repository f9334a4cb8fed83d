"""What every peer is given and tells, without a line of the product."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

STOP_COLUMNS = ("vehicle", "arrive_ms", "depart_ms", "lon", "lat")
# What an analyst takes for standing, for a stop and for a wrong fix.
STANDING_KMH_MAX = 5.0
STOP_S_MIN = 300
WRONG_KMH_MIN = 200.0
M_PER_DEG = 111_195.0  # 6,371.0088 km, the mean radius of the IUGG, times pi / 180.


def given() -> argparse.Namespace:
    """FIXES STOPS, and how many trucks and days of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("fixes", type=Path)
    parser.add_argument("stops", type=Path)
    parser.add_argument("--trucks", type=int, default=0, help="only the first ones")
    parser.add_argument("--days", type=float, default=0.0, help="only the first ones")
    parser.add_argument("--arrivals", action="store_true", help="as they came, not by truck")
    parser.add_argument("--loaded", action="store_true", help="in memory before the work begins")
    return parser.parse_args()


class Clock:
    """Seconds since the last mark, and of processors in all its laps."""

    def __init__(self) -> None:
        self._last, self._began = time.perf_counter(), time.process_time()

    @property
    def processor_s(self) -> float:
        """What all threads used since the clock was made. [s]"""
        return time.process_time() - self._began

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.perf_counter()
        took, self._last = now - self._last, now
        return took


def peak_mib() -> float:
    """Largest resident memory of this process so far. [MiB]"""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024.0
    raise RuntimeError("no VmHWM in /proc/self/status: memory is measured on Linux only")


def tell(**facts: Any) -> None:
    """Print the one JSON object of this process."""
    sys.stdout.write(json.dumps({**facts, "peak_mib": peak_mib()}) + "\n")
