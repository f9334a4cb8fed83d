"""A fleet reads, changes and counts nothing of another, whatever is asked of the storage."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import psycopg
import pytest
from sqlalchemy import create_engine, delete, func, insert, or_, select, text, union_all, update

from fleet_carbon import frames
from fleet_carbon.periods import parse_month
from fleet_carbon.services.ledger import signing
from fleet_carbon.services.people import access, users
from fleet_carbon.settings import Settings
from fleet_carbon.storage import tables, tenancy
from fleet_carbon.storage.browsing import Wanted
from fleet_carbon.storage.claim_tables import SCHEMA, claims
from fleet_carbon.storage.footprint_messages import FootprintMessage
from fleet_carbon.storage.ledger_tables import ledger_entries as entries
from fleet_carbon.storage.people import Grant
from fleet_carbon.storage.records import PriceScope
from fleet_carbon.storage.unit_of_work import (
    Storage,
    UnitOfWork,
    fleets_on_record,
    open_storage,
)
from tests.storage import whole_ledger
from tests.storage.builders import (
    ALL_TIME,
    JANUARY_MS,
    NOW,
    behind,
    fixes,
    ingest,
    received,
    rows_of,
)

ONE, OTHER = entries.alias("one"), entries.alias("other")
FILES, RUNS = tables.files, tables.closing_runs


def of(table: Any, fleet_id: str) -> Any:
    return table.c.fleet_id == fleet_id


# Statements that reach rows of other fleets, by what was forgotten.
REACHING: dict[str, Callable[[str], Any]] = {
    "no criterion": lambda _: select(func.count()).select_from(entries),
    "only one of two in a join": lambda me: select(ONE.c.note, OTHER.c.note).where(
        of(ONE, me), ONE.c.sequence == OTHER.c.sequence
    ),
    "one way of two": lambda me: select(entries.c.note).where(
        or_(of(entries, me), entries.c.sequence == 1)
    ),
    "the other fleet": lambda _: select(entries.c.note).where(of(entries, "other")),
    "all but one fleet": lambda me: select(entries.c.note).where(entries.c.fleet_id != me),
    "inside a subquery": lambda me: select(FILES.c.name).where(
        of(FILES, me), FILES.c.file_id.in_(select(entries.c.note))
    ),
    "inside a column": lambda me: select(
        FILES.c.name, select(func.count()).select_from(RUNS).scalar_subquery()
    ).where(of(FILES, me)),
    "inside a table of a query": lambda _: select(
        select(entries.c.fleet_id, entries.c.note).subquery().c.note
    ),
    "in one part of a union": lambda me: union_all(
        select(entries.c.note).where(of(entries, me)), select(entries.c.note)
    ),
    "on the right side of an outer join alone": lambda me: select(ONE.c.note).join_from(
        ONE, OTHER, (OTHER.c.fleet_id == ONE.c.fleet_id) & of(OTHER, me), isouter=True
    ),
    "an update": lambda _: update(claims).values(state="superseded"),
    "a delete": lambda _: delete(FILES).where(FILES.c.name == "x"),
    "rows of another": lambda _: insert(tables.fleets).values(fleet_id="other", timezone="UTC"),
    "a criterion in words that is missing": lambda _: text("SELECT note FROM ledger_entries"),
    "a table in words that is not bound": lambda me: text(
        "SELECT a.note FROM ledger_entries AS a JOIN files AS b ON true WHERE a.fleet_id = :fleet"
    ).bindparams(fleet=me),
    "rows in words": lambda _: text("INSERT INTO fleets VALUES ('other', 'UTC')"),
}


@pytest.mark.parametrize("statement", REACHING.values(), ids=REACHING)
def test_a_statement_that_reaches_other_fleets_is_never_sent(
    storage: Storage, statement: Callable[[str], Any]
) -> None:
    with pytest.raises(tenancy.OtherFleet), storage.begin() as work:
        work._transaction.writing.execute(statement(storage.fleet_id))


def test_what_is_bound_through_another_table_is_sent(storage: Storage) -> None:
    me = storage.fleet_id
    tied = ONE.c.fleet_id == OTHER.c.fleet_id
    for statement in (
        select(ONE.c.note).join(OTHER, tied).where(of(OTHER, me)),
        select(ONE.c.note).join(OTHER, tied, isouter=True).where(of(ONE, me)),
        select(FILES.c.name).where(
            of(FILES, me), select(RUNS.c.run_id).where(RUNS.c.fleet_id == FILES.c.fleet_id).exists()
        ),
    ):
        with storage.begin(read_only=True) as work:
            assert work._transaction.reading.execute(statement).all() == []


def test_a_purpose_opens_its_own_tables_only(storage: Storage) -> None:
    with storage.begin(read_only=True) as work, work._transaction.across("claims") as connection:
        connection.scalar(select(func.count()).select_from(claims))
        with pytest.raises(tenancy.OtherFleet):
            connection.scalar(select(func.count()).select_from(entries))
    with pytest.raises(tenancy.OtherFleet), storage.begin(read_only=True) as work:
        work._transaction.reading.scalar(select(func.count()).select_from(claims))


def test_rows_of_another_fleet_do_not_go_in_by_the_bulk_way(storage: Storage) -> None:
    from fleet_carbon.storage.bulk import insert_rows

    columns = ("fleet_id", "timezone")
    refused = pytest.raises(Exception, match=r"another fleet|row-level security")
    with refused, storage.begin() as work:
        insert_rows(work._transaction.writing, tables.fleets, [("other", "UTC")], columns=columns)


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_postgresql_itself_shows_a_session_its_own_fleet_and_no_other(storage: Storage) -> None:
    named = sorted(name for name, table in SCHEMA.tables.items() if "fleet_id" in table.c)
    with behind(storage) as connection:
        secured = connection.execute(
            text(
                "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
                " AND relnamespace = 'public'::regnamespace ORDER BY relname"
            )
        ).scalars()
        assert sorted(secured) == named
        assert len(named) > 30
        seen = connection.execute(text("SELECT DISTINCT fleet_id FROM fleets")).scalars().all()
        assert seen == [storage.fleet_id]
    assert storage.fleets_unguarded() == ""
    url = storage._engine.url.render_as_string().replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM fleets").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("INSERT INTO fleets VALUES ('stranger', 'UTC')")


def fill(settings: Settings, folder: Path, factor: int) -> None:
    """A fleet with something of everything; the ids are the same for every fleet."""
    figures = {pair: factor * one for pair, one in whole_ledger.FIGURES.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(whole_ledger, "FIGURES", figures)
        with closing(open_storage(settings)) as storage, storage.begin() as work:
            whole_ledger.close(work, settings.fleet)
    signing.sign_ledger(settings)
    whole_ledger.sell(settings, "L1", 90_000 * factor)
    for step in ("settle", "pay"):
        whole_ledger.step(settings, step, "L1")
    whole_ledger.retire(settings, "r1", "sold/City", 40_000 * factor)
    access.create_key(settings, f"of {settings.fleet}", "admin")
    ann = users.create_user(settings, "ann", "admin").rows[0].user_id
    folder.mkdir()
    with closing(open_storage(settings)) as storage:
        ingest(storage, folder, f"fixes {factor}", fixes(("V1", JANUARY_MS, 1_000_000 * factor, 0)))
        with storage.begin() as work:
            kept = received(work, folder, f"drivers {factor}", kind="drivers")
            named = {"driver_id": "D1", "name": f"name {factor}", "phone": "1"}
            work.register.save("drivers", rows_of(frames.DRIVERS, named), kept)
            for day in range(factor):
                work.prices.add(
                    series=f"S{day}",
                    price=Decimal(50),
                    currency="CNY",
                    unit="t",
                    valid_from=date(2026, 1, day + 1),
                    recorded_at=NOW,
                    scope=PriceScope(),
                )
            work.grants.add(Grant("d", "session", ann, "", NOW, NOW + timedelta(hours=factor)))
            work.failures.note("d", factor, NOW)
            work.answers.begin("request", f"{factor}" * 64, NOW)
            work.claims.add_orders(["O1"], f"claim/{factor}")
            sent = FootprintMessage("m", "published", "h", "k", "", f"F{factor}", NOW, "")
            work.footprint_messages.add([sent])


# What a parameter of that name is given; a method that needs another one must be told of here.
GIVEN: dict[str, Any] = {
    "account": "held:fleet",
    "after": 0,
    "amount_g": 100,
    "before": None,
    "begin_index": 0,
    "begin_s": 0,
    "book": "carbon",
    "bucket": 0,
    "checkpoints": (),
    "column": "driver_id",
    "direction": "sent",
    "driver_id": "D1",
    "at": NOW,
    "endpoint_id": "e",
    "event_id": "e",
    "event_ids": ["e"],
    "end_index": 2,
    "end_s": 2**32,
    "entries_count": 4,
    "estimate_id": "E1",
    "fixes_max": 10,
    "from_ms": ALL_TIME[0],
    "holder_id": "h",
    "identities": ["plate/2/x"],
    "key_id": "k",
    "kind": "drivers",
    "limit_count": 100,
    "login_sha256": "d",
    "limit_rows": 100,
    "lot_id": "L1",
    "market": "",
    "grade": "measured",
    "member": "prices.jsonl",
    "moment": NOW - timedelta(days=9000),
    "month": "2026-01",
    "months": ["2026-01"],
    "name": "accounts",
    "number": 1,
    "of": ["held:fleet", "buffer"],
    "on": NOW.date(),
    "order_id": "O1",
    "order_ids": ["O1"],
    "part": "o",
    "prefix": "held",
    "request_key": "request",
    "request_keys": ["request"],
    "run_id": "r1",
    "secret_sha256": "d",
    "sequence": None,
    "shipper_id": "S1",
    "tiles": (),
    "transaction_id": "sale/L1",
    "unit": "t",
    "until": 2**40,
    "until_ms": ALL_TIME[1],
    "value": "D1",
    "values": ["D1"],
    "vehicle_ids": ["V1"],
    "version": 0,
    "wanted": "D1",
    "window": (NOW - timedelta(days=90), NOW + timedelta(days=90)),
}
GIVEN_TO = {"browsing.page": {"wanted": Wanted()}, "receptions.page": {"kind": None}}
GIVEN_TO["receptions.touched_since"] = {"month": parse_month("2026-01", ZoneInfo("Asia/Shanghai"))}
# What changes the records: in `changed` below, or made by `fill` above.
WRITES = {
    "access_keys": {"add", "end"},
    "answers": {"answer", "begin", "forget", "forget_before", "forget_naming", "put"},
    "audit_trail": {"add", "add_after", "add_all"},
    "checkpoints": {"add", "add_key", "grow_tiles"},
    "claims": {"add_letter", "add_orders", "add_peer", "hold", "record", "release", "restore"},
    "closing_downs": {"add"},
    "closings": {"save", "store"},
    "disputes": {"add", "answer", "next_number"},
    "estimates": {"add"},
    "footprint_messages": {"add"},
    "failures": {"forget_before", "note"},
    "grants": {"add", "end", "end_of_holder", "forget_before", "seen"},
    "users": {"add", "change"},
    "files": {"count", "keep", "keep_beside", "remove_for_good", "write_rejections"},
    "handover": {"record_import", "restore_entries", "restore_proofs", "restore_table"},
    "holdings": {"follow"},
    "ledger": {"append"},
    "lots": {"add"},
    "mailing": {"add_recipient", "end_recipient", "next_number", "note"},
    "orders": {"save"},
    "persons": {"erase", "sealed", "sealed_text"},
    "prices": {"add"},
    "receptions": {"withdraw"},
    "register": {"save"},
    "statement_publications": {"add"},
    "traces": {"reduce", "replace", "withdraw", "writer"},
    "webhooks": {
        *("add_endpoint", "add_secret", "ask", "change_endpoint", "claim", "drop_waiting"),
        *("end_secrets", "forget_before", "give_back", "note", "note_health", "note_spread"),
        *("note_whole", "tell"),
    },
}
# Reads of what was read before: they ask the database nothing, or for the rows of that alone.
OF_WHAT_WAS_READ = {
    "closings": {
        *("each_rows_among", "each_table", "path_of", "rows_among", "rows_of_driver"),
        *("rows_with", "table"),
    },
    "files": {"path_of", "rejections_path", "reception_of", "was_known"},
    "handover": {"evidence"},
    "holdings": {"within"},
    "persons": {"opened", "opened_texts"},
    "receptions": {"identifiers", "reaches_into"},
    "traces": {"problem_of"},
}


def parts_of(work: UnitOfWork) -> dict[str, Any]:
    """Every part of a unit of work, by name."""
    named = {name: part for name, part in vars(work).items() if not name.startswith("_")}
    return {**named, "holdings": work.ledger.holdings}


def reads(work: UnitOfWork) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every public method of every part that reads."""
    for part_name, part in sorted(parts_of(work).items()):
        left_out = WRITES.get(part_name, set()) | OF_WHAT_WAS_READ.get(part_name, set())
        for name, method in inspect.getmembers(part, inspect.ismethod):
            if name.startswith("_") or name in left_out:
                continue
            parameters = inspect.signature(method).parameters.values()
            asked = [one for one in parameters if one.kind is not one.VAR_KEYWORD]
            needed = {one.name: GIVEN[one.name] for one in asked if one.default is one.empty}
            needed |= GIVEN_TO.get(f"{part_name}.{name}", {})
            yield f"{part_name}.{name}", lambda method=method, needed=needed: method(**needed)


def told(found: Any) -> str:
    """What was read, as text that two fleets of one name have alike."""
    if isinstance(found, pd.DataFrame):
        return str(found.drop(columns=["recorded_at"], errors="ignore").to_dict("records"))
    if hasattr(found, "__iter__") and not isinstance(found, str | bytes | dict | tuple):
        return f"{[told(one) for one in found]}"
    return re.sub(r" at 0x\w+", "", str(found))


def counted(settings: Settings) -> dict[str, list[str]]:
    """What every read says, as lines."""
    found = {}
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        for name, read in reads(work):
            found[name] = told(read())
    return found


def dumped(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of a fleet; a database gives them in the order that it likes."""
    with closing(open_storage(settings)) as storage, behind(storage) as connection:
        return {
            table.name: sorted(
                (
                    tuple(row)
                    for row in connection.execute(select(table).where(of(table, settings.fleet)))
                ),
                key=repr,
            )
            for table in SCHEMA.sorted_tables
            if "fleet_id" in table.c
        }


def test_every_read_says_the_same_whether_another_fleet_is_there_or_not(
    settings: Settings, tmp_path: Path
) -> None:
    ours, theirs = settings, settings.model_copy(update={"fleet": f"{settings.fleet}-b"})
    fill(ours, tmp_path / "ours", 1)
    alone = counted(ours)
    fill(theirs, tmp_path / "theirs", 2)
    assert counted(ours) == alone
    beside = counted(theirs)
    # They would be noticed: most reads say something else of the other fleet.
    assert len(alone) > 55
    assert sum(alone[name] != beside[name] for name in alone) > 25
    assert {ours.fleet, theirs.fleet} <= set(fleets_on_record(ours))


def test_what_a_fleet_does_changes_nothing_of_another(settings: Settings, tmp_path: Path) -> None:
    ours, theirs = settings, settings.model_copy(update={"fleet": f"{settings.fleet}-b"})
    fill(theirs, tmp_path / "theirs", 2)
    before = dumped(theirs)
    fill(ours, tmp_path / "ours", 1)
    with closing(open_storage(ours)) as storage:
        with storage.begin() as work:
            [ann] = work.users.list()
            work.users.change(ann.user_id, role="auditor")
            work.grants.seen("d", NOW)
            work.grants.end_of_holder(ann.user_id)
            work.grants.end("d")
            work.failures.note("d", 9, NOW)
            work.answers.answer("request", 200, "{}")
            work.answers.forget_naming("{")
            work.answers.forget_before(NOW + timedelta(days=1))
            work.answers.forget("request")
            [key] = work.access_keys.list()
            work.access_keys.end(key.key_id, reason="", at=NOW)
            work.persons.erase("D1", "asked", NOW, files=[])
            work.claims.release("2026-01/D1/V1", "letter")
            [fixes_in] = [one for one in work.receptions.list() if one.kind == "positions"]
            work.receptions.withdraw([fixes_in], reason="wrong", withdrawn_at=NOW)
        assert work is not None
    assert dumped(theirs) == before
    assert sum(map(len, before.values())) > 40


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_a_role_that_row_security_does_not_bind_is_warned_of(storage: Storage) -> None:
    engine = create_engine(storage._engine.url.set(username="fleet"))  # who made the cluster
    with engine.connect() as connection:
        assert "superuser" in tenancy.unguarded(connection)
    engine.dispose()
