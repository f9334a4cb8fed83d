"""What a host of iLEAP and PACT takes to answer of 100,000 shipments: first page, filters, last.

    python -m benchmarks.exchange_rate                # --drivers 20 for less

Two fleets of as many shipments: all of them in one month, and in twelve. Each list is asked for in
a process of its own that has read nothing of the fleet: its first page of 100, the same again, and
all of it by pages of 1,000. Who asks is told of all, or is a customer of twenty.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.closed_fleets import put_on_record, read_pattern
from benchmarks.measuring import answer, run_module
from benchmarks.reporting import machine, machine_line, text_table, write_block, write_result
from benchmarks.stores import add_cache_option
from fleet_carbon.services.people.access import create_key
from fleet_carbon.settings import Settings
from fleet_carbon.web.app import create_app

_ZONE, _CUSTOMER, _LIMIT, _LIMIT_MAX = "Asia/Shanghai", "customer 07", 100, 1000
_DRIVERS = 2_400  # 101,760 shipments
LISTS = {
    "shipments": "/v1/ileap/shipments?",
    "one shipment": "/v1/ileap/shipments?shipmentId=000-T00000-000-2026-09&",
    "shipments since": "/v1/ileap/shipments?referencePeriodStart=gte.2026-08-31T00:00:00Z&",
    "shipments, far": "/v1/ileap/shipments?distance.gcd=gte.400&",
    "shipments by road": "/v1/ileap/shipments?distance=sfd&",
    "categories": "/v1/ileap/tocs?",
    "hubs": "/v1/ileap/hocs?",
    "activity data": "/v1/ileap/tad?",
    "activity data by mode": "/2/ileap/tad?mode=road&",
    "reports": "/v1/ileap/aed?",
    "footprints of PACT 2": "/2/footprints?",
    "PACT 2 since": "/2/footprints?$filter=pcf/referencePeriodStart+ge+2026-08-31T00:00:00Z&",
    "footprints of PACT 3": "/3/footprints?",
    "PACT 3 on a day": "/3/footprints?validOn=2026-10-15T00:00:00Z&",
    "one product": (
        "/3/footprints?productId=urn:pathfinder:product:customcode:vendor-assigned:"
        "shipment:000-T00000-000-2026-09&"
    ),
    "that footprint by itself": "/3/footprints/{pf_id}?",
    "a customer's shipments": "/v1/ileap/shipments?",
    "a customer's categories": "/v1/ileap/tocs?",
    "a customer's report": "/v1/ileap/aed?",
}


def ask(settings: Settings, name: str, pf_id: str) -> None:
    """Ask for a list in this process, which has asked for nothing yet, and tell what it took."""
    address = LISTS[name].format(pf_id=pf_id)
    role, own = ("customer", [_CUSTOMER]) if name.startswith("a customer") else ("auditor", [])
    key = create_key(settings, "measured", role, shippers=own)
    client = create_app(settings).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key.secret}"
    first, again = (_asked(client, f"{address}limit={_LIMIT}") for _ in range(2))
    pages, there = [], f"{address}limit={_LIMIT_MAX}"
    while there:
        pages.append(_asked(client, there))
        there = pages[-1]["next"]
    answer(
        first_s=first["processor_s"],
        again_s=again["processor_s"],
        slowest_s=max(one["processor_s"] for one in pages),
        last_s=pages[-1]["processor_s"],
        page_kib=again["kib"],
        pages_count=len(pages),
        documents_count=sum(one["count"] for one in pages),
        pf_id=first["pf_id"],
    )


def _asked(client: Any, address: str) -> dict[str, Any]:
    at_s = time.process_time()
    response = client.get(address)
    content = response.get_data()
    assert response.status_code == 200, content
    link = response.headers.get("Link", "")
    told = response.get_json()["data"]
    documents = told if isinstance(told, list) else [told]
    return {
        "processor_s": time.process_time() - at_s,
        "kib": len(content) / 1024,
        "count": len(documents),
        "pf_id": documents[0].get("id", "") if documents else "",
        "next": link[1 : link.index(">")] if link else "",
    }


def measure(cache: Path, drivers_count: int) -> list[dict[str, Any]]:
    """Every list of both fleets, each in a process of its own."""
    pattern = read_pattern(cache)
    results = []
    for months_count in (1, 12):
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(home=Path(folder) / "home", timezone=_ZONE)
            put_on_record(
                settings,
                pattern,
                drivers_count=drivers_count // months_count,
                months_count=months_count,
                say=_say,
            )
            pf_id = ""
            for name in LISTS:
                words = ("--home", str(settings.home), "--list", name, "--footprint", pf_id)
                found = run_module("benchmarks.exchange_rate", *words)
                pf_id = found.pop("pf_id")
                results.append({"months_count": months_count, "list": name, **found})
                _say(f"{name}: {found['first_s']:.2f}, again {found['again_s']:.3f} processor-s")
    return results


def _say(text: str) -> None:
    """How far it is, beside what is measured."""
    print(text, file=sys.stderr)


def _said(facts: dict[str, Any]) -> str:
    header = (
        *("months", "list", "first", "again", "KiB", "documents", "pages", "slowest", "last"),
        "peak MiB",
    )
    rows = [
        (
            str(one["months_count"]),
            one["list"],
            f"{one['first_s']:.2f}",
            f"{one['again_s']:.3f}",
            f"{one['page_kib']:,.0f}",
            f"{one['documents_count']:,}",
            f"{one['pages_count']:,}",
            f"{one['slowest_s']:.2f}",
            f"{one['last_s']:.3f}",
            f"{one['peak_mib']:.0f}",
        )
        for one in facts["results"]
    ]
    return (
        f"{machine_line(facts['machine'])}. Pages of {_LIMIT} at first, then of {_LIMIT_MAX:,};"
        " `first` to `last` in processor-s.\n\n"
        f"{text_table(header, rows)}"
    )


def main() -> None:
    """Measure and print; with --write keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--drivers", type=int, default=_DRIVERS, help="a twelfth of them in the year"
    )
    parser.add_argument("--home", type=Path, help="a fleet on record: only this one")
    parser.add_argument("--list", choices=LISTS, help="only this list, in this process")
    parser.add_argument("--footprint", default="", help="its identifier, where one is asked for")
    parser.add_argument("--write", action="store_true", help="keep the numbers")
    add_cache_option(parser)
    given = parser.parse_args()
    if given.list:
        ask(Settings(home=given.home, timezone=_ZONE), given.list, given.footprint)
        return
    facts = {"machine": machine(), "results": measure(given.cache, given.drivers)}
    print(_said(facts))
    if given.write:
        write_result("exchange_rate", facts)
        write_block("exchange_rate", _said(facts))


if __name__ == "__main__":
    main()
