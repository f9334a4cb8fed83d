"""Publish the statements of a month: from then on they are told of, and said to be final."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fleet_carbon.periods import parse_month
from fleet_carbon.services.support import announcing
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import webhooks
from fleet_carbon.storage.publications import Publication
from fleet_carbon.storage.unit_of_work import open_storage


@dataclass(frozen=True)
class Published:
    """The publication of a month's statements; `is_new` is False if they were published before."""

    publication: Publication
    drivers_count: int
    is_new: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "month": self.publication.month,
            "run_id": self.publication.run_id,
            "published_at": self.publication.published_at.isoformat(),
            "drivers_count": self.drivers_count,
            "new": self.is_new,
        }

    def lines(self) -> list[str]:
        """The publication for people."""
        return webhooks.publication_lines(self.as_dict())


def publish_statements(settings: Settings, month: str) -> Published:
    """Publish the statements of the run that speaks for a month, once; webhooks tell of each.

    Parameters
    ----------
    settings : Settings
        The fleet.
    month : str
        YYYY-MM.

    Raises
    ------
    InputRefused
        ``month_malformed``.
    NotFound
        ``month_not_closed``.
    """
    now = datetime.now(UTC)
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        run = latest_run(work, str(parse_month(month, storage.zone)))
        drivers = work.closings.table(run, "accounts")["driver_id"]
        drivers_count = int(drivers[drivers != ""].nunique())
        known = work.statement_publications.of_run(run.run_id)
        if known is not None:
            return Published(known, drivers_count, is_new=False)
        publication = Publication(run.run_id, run.month, now)
        work.statement_publications.add(publication)
        announcing.tell_statements(work, storage.fleet_id, run, at=now)
        return Published(publication, drivers_count, is_new=True)
