"""Show what the program does: the sample fleet from files to a driver's account."""

from __future__ import annotations

import csv
from contextlib import closing
from pathlib import Path

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.services.accounts import reading
from fleet_carbon.services.intake import ingesting, pricing
from fleet_carbon.services.months import closing as month_closing
from fleet_carbon.services.running.exemplifying import Shown
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.settings import Settings
from fleet_carbon.statements import console
from fleet_carbon.storage.unit_of_work import open_storage

SAMPLE_MONTH = "2026-09"
# The kinds in the order in which they refer to each other, and the files that may hold them.
_SUFFIXES = (".csv", ".csv.gz", ".parquet", ".xlsx", ".jsonl")
# The prices of the newspaper article of the worked example; a user sets others with `price set`.
_SAMPLE_PRICES = (
    pricing.PriceRequest("article-diesel", "8.5", "CNY", "l", "2026-01-01"),
    pricing.PriceRequest("article-carbon", "30", "CNY", "t", "2026-01-01"),
)


def run_sample_fleet(settings: Settings, *, progress: Progress | None = None) -> Shown:
    """Take the sample fleet in, close its month and compose one driver's account.

    Running it again adds nothing and shows the same.

    Parameters
    ----------
    settings : Settings
        Where the records go and where the samples are.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    NotFound
        If the samples are missing.
    InputRefused
        If the fleet holds other vehicles than the samples: they are not mixed.
    """
    files = _sample_files(settings.samples_dir)
    told = progress or Silent()
    _refuse_other_fleet(settings, files["vehicles"])
    intakes = {
        kind: ingesting.ingest_files(settings, kind, [path], progress=told)
        for kind, path in files.items()
    }
    _set_sample_prices(settings)
    closed = month_closing.close_month(settings, SAMPLE_MONTH, progress=told)
    account = reading.read_driver_account(settings, SAMPLE_MONTH)
    fields = {
        "month": SAMPLE_MONTH,
        "ingested": {kind: intake.as_dict() for kind, intake in intakes.items()},
        "closed": closed.as_dict(),
        "account": account.as_dict(),
    }
    return Shown(fields, [*account.lines(), "", *console.next_step_lines(SAMPLE_MONTH)])


def _sample_files(folder: Path) -> dict[str, Path]:
    found = {
        kind: path
        for kind in ingesting.KINDS
        for path in (folder / f"{kind}{suffix}" for suffix in _SUFFIXES)
        if path.is_file()
    }
    if not {"vehicles", "positions"} <= found.keys():
        raise NotFound(
            "samples_missing",
            f"The sample fleet is not in {folder}.",
            "Run from a checkout, install the package again, or set FLEET_CARBON_SAMPLES_DIR.",
        )
    return found


def _refuse_other_fleet(settings: Settings, vehicles_file: Path) -> None:
    """Records of a real fleet and of the samples in one account would be no use to anyone."""
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        on_record = set(work.register.read("vehicles")["vehicle_id"])
    with vehicles_file.open(encoding="utf-8-sig", newline="") as stream:
        samples = {row["vehicle_id"] for row in csv.DictReader(stream)}
    if not on_record <= samples:
        raise InputRefused(
            "fleet_not_empty",
            f"Fleet {settings.fleet!r} in {settings.home} holds vehicles of its own.",
            "Give the demo a place of its own: --fleet demo, or --home with a new folder.",
        )


def _set_sample_prices(settings: Settings) -> None:
    on_record = {row["series"] for row in pricing.list_prices(settings).prices}
    for request in _SAMPLE_PRICES:
        if request.series not in on_record:
            pricing.set_price(settings, request)
