"""The manager's pages of a fleet of 1,000 drivers and a year, on PostgreSQL: seconds of the server.

    python -m benchmarks.dashboard_rate                # --drivers 200 --months 3 for less

Each page is asked for first of all in a fresh process, ready as the server makes it, which has read
nothing of the fleet, and then again. A server of PostgreSQL of its own is started and stopped here.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from benchmarks.closed_fleets import put_on_record, read_pattern
from benchmarks.measuring import answer, run_module
from benchmarks.reporting import machine, machine_line, text_table, write_block, write_result
from benchmarks.stores import add_cache_option
from fleet_carbon.services.people.users import create_user
from fleet_carbon.settings import Settings
from fleet_carbon.web.server import ready_app
from tests.storage.postgresql import running_server

_LOGIN, _PASSWORD = "mei", "correct horse battery"
_DRIVER, _CUSTOMER, _MONTH = "000-D00007", "customer 07", "2026-09"
_AGAIN = 5
PAGES = {
    "overview": "/",
    "overview, a class": "/?class=tractor_trailer",
    "overview, a driver": f"/?driver={_DRIVER}",
    "overview, a customer": f"/?customer={quote(_CUSTOMER)}",
    "drivers": "/drivers",
    "drivers, searched": "/drivers?q=D00007&sort=empty",
    "drivers, last page": "/drivers?page=99",
    "trucks": "/vehicles",
    "lanes": "/lanes",
    "lanes, a customer": f"/lanes?customer={quote(_CUSTOMER)}",
    "months": "/months",
    "month": f"/months/{_MONTH}",
    "one driver": f"/drivers/{_DRIVER}?month={_MONTH}",
    "report as JSON": f"/v1/months/{_MONTH}/report",
}


def ask(settings: Settings, address: str) -> None:
    """Ask for a page in this process, which has asked for nothing yet, and tell what it took."""
    client = ready_app(settings).test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "zh"
    form = {"fleet": settings.fleet, "name": _LOGIN, "password": _PASSWORD}
    assert client.post("/sign-in", data=form).status_code == 303
    first, *others = [_asked(client, address) for _ in range(1 + _AGAIN)]
    told = {name: min(one[name] for one in others) for name in first}
    answer(**first, **{f"again_{name}": held for name, held in told.items()})


def _asked(client: Any, address: str) -> dict[str, float]:
    at_s, at_cpu_s = time.perf_counter(), time.process_time()
    response = client.get(address)
    content = response.get_data()
    assert response.status_code == 200, response.status_code
    return {
        "page_s": time.perf_counter() - at_s,
        "processor_s": time.process_time() - at_cpu_s,
        "page_kib": len(content) / 1024,
    }


def measure(cache: Path, drivers_count: int, months_count: int) -> list[dict[str, Any]]:
    """Every page, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder, running_server() as url:
        home = Path(folder) / "home"
        settings = Settings(home=home, database_url=url, timezone="Asia/Shanghai")
        pattern = read_pattern(cache)
        put_on_record(
            settings, pattern, drivers_count=drivers_count, months_count=months_count, say=_say
        )
        _put_in_order(url)
        return measure_home(home, url)


def _put_in_order(url: str) -> None:
    """What the database does by itself within minutes of so many new rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def measure_home(home: Path, url: str) -> list[dict[str, Any]]:
    """Every page of a fleet that is on record."""
    settings = Settings(home=home, database_url=url, timezone="Asia/Shanghai")
    create_user(settings, _LOGIN, "manager", password=_PASSWORD)
    words = ("--home", str(home), "--url", url)
    results = []
    for name, address in PAGES.items():
        found = run_module("benchmarks.dashboard_rate", *words, "--page", address)
        results.append({"page": name, **found})
        _say(f"{name}: {found['processor_s']:.2f} processor-s")
    return results


def _say(text: str) -> None:
    """How far it is, beside what is measured."""
    print(text, file=sys.stderr)


def _said(facts: dict[str, Any]) -> str:
    header = ("page", "s", "processor-s", "again s", "again processor-s", "KiB", "peak MiB")
    rows = [
        (
            one["page"],
            f"{one['page_s']:.2f}",
            f"{one['processor_s']:.2f}",
            f"{one['again_page_s']:.3f}",
            f"{one['again_processor_s']:.3f}",
            f"{one['page_kib']:.0f}",
            f"{one['peak_mib']:.0f}",
        )
        for one in facts["results"]
    ]
    return (
        f"{machine_line(facts['machine'])}; {facts['drivers_count']:,} drivers,"
        f" {facts['months_count']} months.\n\n{text_table(header, rows)}"
    )


def main() -> None:
    """Measure and print; with --write keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--drivers", type=int, default=1_000)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--home", type=Path, help="a fleet on record: only this one")
    parser.add_argument("--url", help="its database")
    parser.add_argument("--page", help="only this address, in this process")
    parser.add_argument("--write", action="store_true", help="keep the numbers")
    add_cache_option(parser)
    given = parser.parse_args()
    if given.page:
        ask(Settings(home=given.home, database_url=given.url, cookie_secure=False), given.page)
        return
    results = (
        measure_home(given.home, given.url)
        if given.home
        else measure(given.cache, given.drivers, given.months)
    )
    facts = {
        "machine": machine(),
        "drivers_count": given.drivers,
        "months_count": given.months,
        "results": results,
    }
    print(_said(facts))
    if given.write:
        write_result("dashboard_rate", facts)
        write_block("dashboard_rate", _said(facts))


if __name__ == "__main__":
    main()
