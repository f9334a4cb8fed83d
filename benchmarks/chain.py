"""The product in one process: `python -m benchmarks.chain FILES HOME MONTH`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

BEGUN = time.perf_counter()

from benchmarks.measuring import answer, peak_mib  # noqa: E402
from fleet_carbon.services.accounts.reading import read_table  # noqa: E402
from fleet_carbon.services.intake.ingesting import ingest_files  # noqa: E402
from fleet_carbon.services.months.closing import close_month  # noqa: E402
from fleet_carbon.settings import Settings  # noqa: E402

REGISTER = ("vehicles", "drivers", "assignments", "orders", "baselines")


def main(files: Path, home: Path, month: str) -> None:
    """Ingest, close, read the accounts; tell how long each took."""
    marks = {"imports_s": time.perf_counter() - BEGUN}
    imported_mib = peak_mib()
    settings = Settings(home=home)
    last = time.perf_counter()

    def mark(name: str) -> None:
        nonlocal last
        now = time.perf_counter()
        marks[name] = now - last
        last = now

    for kind in REGISTER:
        path = files / f"{kind}.csv"
        if path.read_text(encoding="utf-8").count("\n") > 1:
            ingest_files(settings, kind, [path])
    mark("register_s")
    report = ingest_files(settings, "positions", [files / "positions.parquet"])
    mark("positions_s")
    close_month(settings, month)
    mark("close_s")
    accounts = read_table(settings, "accounts", month).rows
    mark("accounts_s")
    answer(
        **marks,
        imported_mib=imported_mib,
        fixes_count=sum(one.rows_accepted for one in report.files),
        km_by_vehicle=accounts.groupby("vehicle_id")["distance_km"].sum().astype(float).to_dict(),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
