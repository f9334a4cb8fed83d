"""A fleet's monthly report for people: a workbook, a PDF or a page of one composed object."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from fleet_carbon.papers.reports import report_page, report_pdf
from fleet_carbon.papers.workbook import report_workbook
from fleet_carbon.periods import parse_month
from fleet_carbon.services.accounts.naming import shown_names
from fleet_carbon.services.accounts.place_naming import name_regions
from fleet_carbon.services.accounts.reporting import report_month
from fleet_carbon.services.papers.composed_reports import ComposedReport, Form
from fleet_carbon.services.papers.stating import refuse_language
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.statements.fleet_report import ReportFacts, compose_report
from fleet_carbon.statements.shares import empty_share
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

MONTHS_SHOWN = 12
_TREND = ("distance_km", "loaded_km", "diesel_saved_l", "co2_credited_g")


class FleetReport(ComposedReport):
    """The report of a closed month in one language, by `statements.fleet_report.compose_report`."""

    forms: ClassVar[Mapping[str, Form]] = {
        ".xlsx": report_workbook,
        ".pdf": report_pdf,
        ".html": lambda composed: report_page(composed).encode(),
    }


SUFFIXES = (*FleetReport.forms, ".json")


def make_report(settings: Settings, month: str, *, language: str = "en") -> FleetReport:
    """Compose the report of a month by its latest close.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    month : str
        YYYY-MM.
    language : str
        ``en`` or ``zh``.

    Raises
    ------
    InputRefused
        If month or language are none.
    NotFound
        ``month_not_closed``.
    """
    refuse_language(language)
    report = report_month(settings, month)
    names, lanes = name_regions(settings, month), report.tables["lanes"]
    regions = {*lanes["origin"], *lanes["destination"]} - {""}
    with closing(open_storage(settings)) as storage, storage.look() as work:
        wanted = parse_month(month, storage.zone)
        closed_at = datetime.fromisoformat(report.closed_at)
        vehicles = work.register.read("vehicles").dropna(subset=["plate"])
        facts = ReportFacts(
            month=report.as_dict(),
            closed_on=f"{closed_at.astimezone(storage.zone):%Y-%m-%d}",
            trend=_trend(work, str(wanted)),
            currency=_currency(work, str(wanted)),
            driver_names=shown_names(work),
            plates=dict(
                zip(vehicles["vehicle_id"].tolist(), vehicles["plate"].tolist(), strict=True)
            ),
            places={one: names.text(one, language) for one in sorted(regions)},
        )
    return FleetReport(compose_report(facts, language))


def write_report(report: FleetReport, output: Path) -> None:
    """Write a report to a file whose suffix names its form.

    Raises
    ------
    InputRefused
        If the suffix is none of `SUFFIXES`, or the file cannot be written there.
    """
    tables.write_whole(report.content(output.suffix.lower()), output)


def _currency(work: UnitOfWork, month: str) -> str:
    """Of the diesel price by which the month was closed; empty if there was none."""
    price = latest_run(work, month).summary.get("prices", {}).get("diesel") or {}
    return str(price.get("currency", ""))


def _trend(work: UnitOfWork, month: str) -> list[dict[str, Any]]:
    """Sums of the month and of those before it that were closed."""
    rows = []
    for name in [one for one in work.closings.months() if one <= month][-MONTHS_SHOWN:]:
        run = work.closings.latest(name)
        if run is None:
            continue
        accounts = work.closings.table(run, "accounts")
        sums = {column: _plain(accounts[column].sum(min_count=1)) for column in _TREND}
        share = empty_share(sums.pop("loaded_km"), sums["distance_km"])
        rows.append({"month": name, **sums, "empty_share": share})
    return rows


def _plain(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
