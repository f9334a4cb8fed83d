"""What a browser waits for: the first look at the overview, and the map of a month of one truck.

    python -m benchmarks.browser_looks

A truck of the generator sends a fix every 30 s, 86,400 in a month of 30 days; its month is closed.
A browser without a GPU then looks at pages in a context that has kept nothing, each several times:
bytes on the wire, and from the beginning of the navigation until what is waited for is seen.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.generator import FleetPlan
from benchmarks.reporting import (
    machine,
    machine_line,
    median_of,
    text_table,
    write_block,
    write_result,
)
from benchmarks.stores import FleetOnDisk, add_cache_option, copy_home
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.people.users import create_user
from fleet_carbon.settings import Settings
from tests.pages.conftest import ARGUMENTS, CHROMIUM, PASSWORD, answering

_LOGIN, _RUNS = "mei", 5
_WIDTHS = (390, 1440)
_FIGURES = "document.querySelector('main .figure .value') !== null"
_MAP = "/map?month={month}"
_LOOKS = {
    "door": ("/sign-in", "document.querySelector('article button') !== null"),
    "overview, figures": ("/", _FIGURES),
    "overview, charts": ("/", "document.querySelectorAll('.chart svg').length > 0"),
    "map of a month, seen": (_MAP, "document.querySelector('#way') !== null"),
    "map of a month, moved": (_MAP, "document.body.classList.contains('has-map')"),
}
# When the frame after it has begun, so that it is painted, as the page's own clock tells: it begins
# with the navigation. No frame begins before the page has its styles.
_SEEN = """(shown) => new Promise((done) => {
  const look = () => requestAnimationFrame(eval(shown) ? () => done(performance.now()) : look);
  requestAnimationFrame(look);
})"""


@contextmanager
def _looked_at(cache: Path) -> Iterator[tuple[str, str]]:
    """Where the pages of a truck are, and its month."""
    fleet = FleetOnDisk(FleetPlan(1), cache)
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        home = copy_home(fleet.home, Path(folder) / "home")
        settings = Settings(home=home, timezone=fleet.plan.zone, cookie_secure=False)
        close_month(settings, fleet.plan.month)
        create_user(settings, _LOGIN, "manager", password=PASSWORD)
        with answering(settings) as address:
            yield address, fleet.plan.month


def measure(cache: Path) -> list[dict[str, Any]]:
    """Every look at both widths, the best and the median of its runs."""
    results = []
    with _looked_at(cache) as (address, month), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        form = {"fleet": Settings().fleet, "name": _LOGIN, "password": PASSWORD}
        context = browser.new_context()
        context.request.post(f"{address}/sign-in", form=form, max_redirects=0)
        cookies = context.cookies()
        for name, (path, shown) in _LOOKS.items():
            for width in _WIDTHS:
                asked = address + path.format(month=month)
                runs = [_look(browser, cookies, asked, shown, width=width) for _ in range(_RUNS)]
                told = {"look": name, "width_px": width, "kib": runs[-1]["kib"]}
                told |= {"best_s": min(one["s"] for one in runs), "s": median_of(runs, "s")}
                results.append(told)
        browser.close()
    return results


def _look(
    browser: Any, cookies: list[Any], address: str, shown: str, *, width: int
) -> dict[str, float]:
    """One look by a context that has kept nothing but who looks."""
    context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True)
    context.add_cookies(cookies)
    page = context.new_page()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    came: list[float] = []
    session.on("Network.loadingFinished", lambda one: came.append(one["encodedDataLength"]))
    page.goto(address, wait_until="commit")
    taken_s = page.evaluate(_SEEN, shown) / 1000
    page.wait_for_load_state("networkidle")
    context.close()
    return {"s": taken_s, "kib": sum(came) / 1024}


def _said(facts: dict[str, Any]) -> str:
    header = ("look", "px", "s", "best s", "KiB on the wire")
    rows = [
        (
            one["look"],
            str(one["width_px"]),
            f"{one['s']:.2f}",
            f"{one['best_s']:.2f}",
            f"{one['kib']:.0f}",
        )
        for one in facts["results"]
    ]
    return f"{machine_line(facts['machine'])}; {_RUNS} runs.\n\n{text_table(header, rows)}"


def main() -> None:
    """Measure and print; with --write keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="keep the numbers")
    add_cache_option(parser)
    given = parser.parse_args()
    facts = {"machine": machine(), "results": measure(given.cache)}
    print(_said(facts))
    if given.write:
        write_result("browser_looks", facts)
        write_block("browser_looks", _said(facts))


if __name__ == "__main__":
    main()
