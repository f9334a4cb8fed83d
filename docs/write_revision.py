"""Write the newest revision of the schema: what the tables need beyond all earlier revisions.

    python -m docs.write_revision

What is new in the description of the tables (a table, an index, a trigger, a policy) goes into
`fleet_carbon/storage/migrations/versions/` for both databases, and a test fails while it is not
there. Whatever was changed in a table of an earlier revision is not a new statement: write its
ALTER into the revision's `upgrade` by hand, and the names of such tables into `ALTERED` here. A
revision that was released is never written again; the next one begins with the number after it.
"""

from __future__ import annotations

import sys

from fleet_carbon.storage import tables, unit_of_work
from fleet_carbon.storage.migrations.running import revisions_after
from fleet_carbon.storage.migrations.statements import (
    DIALECTS,
    described,
    path_of,
    statements_of,
    text_of,
)

NEWEST = f"{tables.SCHEMA_VERSION:04d}"
ALTERED = {"CREATE TABLE orders_versions", "CREATE TABLE vehicles_versions"}


def compose_revision(dialect: str) -> str:
    """The statements of the newest revision in one database."""
    assert unit_of_work  # it is the door: what it imports is every table there is
    now = described(tables.METADATA, dialect)
    earlier = [
        statement
        for script in revisions_after(0)
        if script.revision < NEWEST
        for statement in statements_of(script.revision, dialect)
    ]
    gone = {_first_line(one) for one in set(earlier) - set(now)} - ALTERED
    if gone:
        raise SystemExit(f"changed by hand, or by mistake? {', '.join(sorted(gone))}")
    return text_of(
        [one for one in now if one not in set(earlier) and _first_line(one) not in ALTERED]
    )


def _first_line(statement: str) -> str:
    return statement.splitlines()[0].removesuffix(" (")


def main() -> int:
    """Write both files."""
    for dialect in DIALECTS:
        path_of(NEWEST, dialect).write_text(compose_revision(dialect), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
