"""Write into docs/dialects.md which dialects there are, from their registry.

    python docs/write_dialects.py

The prose of the page is written by hand; a test fails if the table is not what this program writes.
"""

from __future__ import annotations

import re
from pathlib import Path

from fleet_carbon.ingest.dialects.dialect import Dialect
from fleet_carbon.ingest.dialects.registry import DIALECTS

PAGE = Path(__file__).resolve().parent / "dialects.md"
TABLE = re.compile(r"(<!-- table of docs/write_dialects.py -->\n).*?(<!-- end of table -->)", re.S)


def compose_table() -> str:
    """The table of the page, a row for each dialect."""
    head = [
        "| name | of | kinds | what is read | vehicle_id | declares |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *map(_row, DIALECTS.values())]) + "\n"


def _row(one: Dialect) -> str:
    units = ", ".join(f"{name}: {unit}" for name, unit in one.declares.get("units", {}).items())
    others = (f"{key}: {held}" for key, held in one.declares.items() if key != "units")
    declares = "; ".join(part for part in (units, *others) if part)
    cells = (f"`{one.name}`", one.title, ", ".join(one.kinds), one.text, one.vehicle, declares)
    return "| " + " | ".join(cells) + " |"


def with_table(page: str) -> str:
    """The page with the table as it is now."""
    return TABLE.sub(lambda match: match[1] + "\n" + compose_table() + "\n" + match[2], page)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
