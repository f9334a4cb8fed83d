"""Examine the installation and the records, and keep the details of a fault."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services.support import program
from fleet_carbon.settings import Settings
from fleet_carbon.statements import notices

OK, WARN, FAIL = "ok", "warn", "fail"
_COLLECTED = ("gazetteer.csv", "mainland.wkb", "provinces.wkb", "provenance.json")
_PARTS_NAMED = ("numpy", "pandas", "pyarrow", "numba", "shapely", "SQLAlchemy")


@dataclass(frozen=True)
class Check:
    """One finding: what was looked at, how it stands, and what to do if it is not well."""

    check: str
    status: str
    finding: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        """JSON-ready form."""
        return {
            "check": self.check,
            "status": self.status,
            "finding": self.finding,
            "remedy": self.remedy,
        }


@dataclass(frozen=True)
class Examination:
    """All findings; well if none failed."""

    checks: list[Check]

    @property
    def is_well(self) -> bool:
        """Whether nothing is broken."""
        return all(one.status != FAIL for one in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"ok": self.is_well, "checks": [one.as_dict() for one in self.checks]}

    def lines(self) -> list[str]:
        """The findings for people."""
        return notices.doctor_lines(self.as_dict())


def examine(settings: Settings) -> Examination:
    """Look at everything a command relies on; nothing is changed or repaired.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    """
    from fleet_carbon.services.running import service_checks

    checks = [_versions(), _collected(), _kernel_cache(), *_models(settings), _home(settings)]
    checks += service_checks.of_installation(settings)
    if settings.database_url or settings.home.is_dir():
        checks += _records(settings)
        checks += service_checks.of_records(settings)
    return Examination(checks)


def keep_fault(home: Path | None, details: str) -> Path:
    """Write the details of an unexpected fault into the home folder's logs, or a temporary one."""
    now = datetime.now(UTC)
    name = f"fault-{now:%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    chosen = home or Path(os.environ.get("FLEET_CARBON_HOME", "fleet-carbon-home"))
    for folder in (chosen / "logs", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(details, encoding="utf-8")
        except OSError:
            continue
        return folder / name
    return Path(os.devnull)


def _versions() -> Check:
    parts = []
    for name in _PARTS_NAMED:
        try:
            parts.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            return Check(
                "versions", FAIL, f"{name} is not installed", "Install from the locked file."
            )
    python = f"fleet-carbon {program.program_version()}, Python {platform.python_version()}"
    return Check("versions", OK, ", ".join([python, *parts]))


def _collected() -> Check:
    folder = program.PACKAGE_DIR / "_collected"
    missing = [name for name in _COLLECTED if not (folder / name).is_file()]
    if missing:
        return Check(
            "geography",
            FAIL,
            f"missing: {', '.join(missing)}",
            "Install the package again, or run `python hatch_build.py` in a checkout.",
        )
    return Check("geography", OK, "gazetteer, mainland and provinces are in place")


def _kernel_cache() -> Check:
    """Compiled kernels are kept beside their source; without that, each start compiles them."""
    configured = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(configured) if configured else program.PACKAGE_DIR / "traces"
    if os.access(folder, os.W_OK):
        return Check("kernel cache", OK, f"kept below {folder}")
    return Check(
        "kernel cache",
        WARN,
        f"{folder} is not writable: kernels may be compiled at each start",
        "Set NUMBA_CACHE_DIR to a folder that you may write to.",
    )


def _models(settings: Settings) -> Iterator[Check]:
    from fleet_carbon.quantification import editions, factors
    from fleet_carbon.services.ledger.sharing import sharing_in_force

    try:
        edition = editions.edition_in_force(settings.models_dir, datetime.now(UTC).date())
        yield Check("edition", OK, f"{edition.label} is in force, digest {edition.digest[:12]}")
    except FleetCarbonError as refused:
        yield Check("edition", FAIL, refused.message, refused.hint)
    try:
        factors.FactorBook.load(settings.models_dir)
        yield Check("factors", OK, "every published value agrees with the lock file")
    except FleetCarbonError as refused:
        yield Check("factors", FAIL, refused.message, refused.hint)
    try:
        rule = sharing_in_force(settings.models_dir, datetime.now(UTC).date())
        yield Check("sharing", OK, f"shares since {rule.valid_from}, every rule as locked")
    except FleetCarbonError as refused:
        yield Check("sharing", FAIL, refused.message, refused.hint)


def _home(settings: Settings) -> Check:
    home = settings.home.absolute()
    if not home.is_dir():
        return Check("home", OK, f"{home} does not exist yet; the first command makes it")
    if os.access(home, os.W_OK):
        return Check("home", OK, f"{home} is writable")
    return Check("home", FAIL, f"{home} is not writable", "Choose another with --home.")


def _records(settings: Settings) -> Iterator[Check]:
    from fleet_carbon.services.ledger.proving import find_ledger_problems
    from fleet_carbon.storage.unit_of_work import open_storage

    try:
        with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
            yield Check("database", OK, f"fleet {storage.fleet_id}, zone {storage.zone.key}")
            yield _fleets(storage.fleets_unguarded(), settings)
            held = work.traces.summary()
            described = f"{held['fixes']:,} fixes in {held['segments']:,} segments"
            broken = work.traces.verify()
            yield _verdict("traces", broken, described)
            if leftovers := work.traces.leftovers():
                yield _leftovers([one.where for one in leftovers])
            closed = ", ".join(work.closings.months()) or "none"
            yield _verdict("closed months", work.closings.verify(), closed)
            entries = f"{work.ledger.count():,} entries, the chain holds"
            problems = list(find_ledger_problems(work, storage.fleet_id))
            yield _verdict("ledger", problems, entries)
    except FleetCarbonError as refused:
        yield Check("database", FAIL, refused.message, refused.hint)


def _fleets(unguarded: str, settings: Settings) -> Check:
    """The program keeps fleets apart in any case; PostgreSQL can do so by itself, too."""
    if not unguarded:
        return Check("fleets", OK, "kept apart by row-level security and by the program")
    if settings.database_url is None:
        return Check("fleets", OK, f"kept apart by the program; {unguarded}")
    return Check(
        "fleets",
        WARN,
        f"row-level security does not bind this program: {unguarded}",
        "Let a plain role own the database: CREATE ROLE ... LOGIN NOSUPERUSER NOBYPASSRLS.",
    )


def _leftovers(paths: list[str]) -> Check:
    return Check(
        "leftovers",
        WARN,
        f"{len(paths)} trace files of an interrupted ingest, such as {paths[0]}",
        "They hold nothing on record; `fleet-carbon traces clean` removes them after a day.",
    )


def _verdict(check: str, problems: list[str], finding: str) -> Check:
    if not problems:
        return Check(check, OK, finding)
    return Check(
        check,
        FAIL,
        f"{len(problems)} problems: {problems[0]}",
        "Restore the home folder from a backup; nothing is repaired in silence.",
    )
