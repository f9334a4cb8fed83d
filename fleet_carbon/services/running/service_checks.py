"""What `doctor` looks at of the service: settings, room, keys, clock, schema, workers, jobs."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services.people.access import list_keys
from fleet_carbon.services.running import beating
from fleet_carbon.services.running.doctoring import FAIL, OK, WARN, Check
from fleet_carbon.services.running.gauging import folders_of
from fleet_carbon.services.running.jobs import JobBook, jobs_on_record
from fleet_carbon.settings import Settings
from fleet_carbon.storage.database import look_at_server
from fleet_carbon.storage.tables import SCHEMA_VERSION
from fleet_carbon.storage.unit_of_work import workers_on_record

_PREFIX = "FLEET_CARBON_"
_NEARLY_FULL_TIMES = 4  # of what the service refuses at
_CLOCK_MAY_DIFFER = timedelta(seconds=5)
_MISSED_BEATS = 4
_WAITS_TOO_LONG = timedelta(minutes=15)


def of_installation(settings: Settings) -> Iterator[Check]:
    """Settings, room on disk and private keys, whether anything is on record or not.

    Parameters
    ----------
    settings : Settings
        As they were read.
    """
    yield _names()
    yield _room(settings)
    yield _private(settings)


def of_records(settings: Settings) -> Iterator[Check]:
    """Schema, clock, rights, workers and jobs of a database that is there.

    Parameters
    ----------
    settings : Settings
        Which database.
    """
    home = settings.home.expanduser().absolute()
    try:
        seen = look_at_server(settings.database_url, home)
        yield Check("schema", OK, f"version {SCHEMA_VERSION}, which this program needs")
        yield _clock(seen.now_at, seen.newest_at)
        if seen.is_above_policies:
            yield Check(
                "row security",
                WARN,
                f"the role {seen.role} passes by row-level security",
                "Let the service log in as a role that is no superuser and has no BYPASSRLS.",
            )
        yield from _workers(settings)
        yield _company(settings)
    except FleetCarbonError as refused:
        yield Check("service", FAIL, refused.message, refused.hint)


def _names() -> Check:
    known = {_PREFIX + name.upper() for name in Settings.model_fields}
    unknown = sorted(name for name in os.environ if name.startswith(_PREFIX) and name not in known)
    if not unknown:
        return Check("settings", OK, "every FLEET_CARBON_ variable is known")
    return Check(
        "settings", WARN, f"unknown: {', '.join(unknown)}", "Correct the names or unset them."
    )


def _room(settings: Settings) -> Check:
    free = {f"{name} ({path})": shutil.disk_usage(path).free for name, path in folders_of(settings)}
    told = ", ".join(f"{name} {count / 2**30:,.1f} GiB free" for name, count in free.items())
    least = min(free.values(), default=settings.disk_free_bytes_min * _NEARLY_FULL_TIMES)
    if least >= settings.disk_free_bytes_min * _NEARLY_FULL_TIMES:
        return Check("disk", OK, told)
    status = WARN if least >= settings.disk_free_bytes_min else FAIL
    return Check("disk", status, told, "Make room, or move what needs it.")


def _private(settings: Settings) -> Check:
    home = settings.home.expanduser().absolute()
    files = [path for name in ("keys", "persons") for path in sorted((home / name).glob("*"))]
    open_ones = [str(path) for path in files if _others_may(path)]
    if not open_ones:
        return Check("private keys", OK, f"{len(files)} files, each for its owner alone")
    return Check(
        "private keys",
        FAIL,
        f"others may read {', '.join(open_ones)}",
        "chmod 600 these files, then rotate the keys if others could log in.",
    )


def _others_may(path: Path) -> bool:
    return path.is_file() and bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _clock(database_at: datetime | None, newest_at: datetime | None) -> Check:
    now = datetime.now(UTC)
    if database_at is not None and abs(now - database_at) > _CLOCK_MAY_DIFFER:
        differs_s = (now - database_at).total_seconds()
        return Check(
            "clock",
            FAIL,
            f"this machine is {differs_s:+.0f} s from the database's",
            "Let both machines take their time from the same source.",
        )
    if newest_at is not None and newest_at - now > _CLOCK_MAY_DIFFER:
        return Check(
            "clock",
            FAIL,
            f"the newest record is of {newest_at.isoformat()}, which is not yet",
            "Set the clock of this machine right before anything is put on record.",
        )
    return Check("clock", OK, f"{now:%Y-%m-%d %H:%M:%S} UTC, after the newest record")


def _company(settings: Settings) -> Check:
    """In whose name footprints go out; nobody need say it while nobody is told of any."""
    company = settings.companies.get(settings.fleet)
    if company is not None:
        ids = ", ".join(company[1:]) or "no identifiers, so that one is made of the name"
        return Check("footprints", OK, f"told in the name of {company[0]} ({ids})")
    customers = [row for row in list_keys(settings).rows if row.role == "customer"]
    is_told = bool(settings.exchange_hosts or [row for row in customers if row.ended_at is None])
    told = f"told in the name of the fleet, {settings.fleet!r}"
    if not is_told:
        return Check("footprints", OK, f"nobody is let in for them; they would be {told}")
    return Check(
        "footprints",
        WARN,
        told,
        "Say who you are: FLEET_CARBON_COMPANIES="
        f'\'{{"{settings.fleet}": ["Example Freight Co", "urn:..."]}}\'.',
    )


def _workers(settings: Settings) -> Iterator[Check]:
    now = datetime.now(UTC)
    with workers_on_record(settings, read_only=True) as workers:
        seen = workers.all()
    late = timedelta(seconds=beating.EVERY_S * _MISSED_BEATS)
    alive = [one for one in seen if now - one.seen_at <= late]
    jobs = []
    if jobs_on_record(settings):
        book = JobBook(settings)
        jobs = book.under_way()
        book.close()
    if alive:
        names = ", ".join(f"{one.host} ({one.process_id})" for one in alive)
        yield Check("workers", OK, f"{len(alive)} at work: {names}")
    elif jobs or seen:
        last = f", the last was seen {seen[0].seen_at:%Y-%m-%d %H:%M:%S} UTC" if seen else ""
        yield Check("workers", WARN, f"none is at work{last}", "Start `fleet-carbon worker`.")
    else:
        yield Check("workers", OK, "none, and nothing to do for one")
    stuck = [one for one in jobs if now - one.changed_at > _WAITS_TOO_LONG]
    if stuck and not (alive and all(one.state == "running" for one in stuck)):
        oldest = stuck[0]
        yield Check(
            "jobs",
            WARN,
            f"{len(stuck)} do not move on, such as {oldest.job_id} since {oldest.changed_at:%H:%M}",
            "Look at the log of the worker; a new worker takes up what an earlier one left.",
        )
    else:
        yield Check("jobs", OK, f"{len(jobs)} under way")
