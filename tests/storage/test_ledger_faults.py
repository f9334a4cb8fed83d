"""Acts of the ledger that are killed, raced, or lose disk or database: whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing as closed_after
from datetime import datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.ledger.entries import Entry
from fleet_carbon.ledger.posting import MonthPosting, Stock, post_month
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.ledger import acting, selling
from fleet_carbon.services.ledger.disposing import Disposal, dispose
from fleet_carbon.services.ledger.selling import SaleRequest
from fleet_carbon.services.months import closing
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from fleet_carbon.storage import bulk, database
from fleet_carbon.storage.unit_of_work import open_storage
from tests.ledger.builders import AT, EDITION, RULE
from tests.services.tiny_fleet import MONTH, TinyFleet
from tests.storage.dying import Place, at_once, killed_at
from tests.storage.postgresql import NoPostgresql, Server, own_server

# 70 % are the drivers': 700,000 g, 350,000 g and 70,000 g.
FIGURES = {("D1", "V1"): 1_000_000, ("D2", "V2"): 500_000, ("D2", "V3"): 100_000}
NOW = AT + timedelta(days=40)
CITY = "sold/City"
Act = Callable[[Settings], object]


class StoppedClock(datetime):
    """A clock that stands, so that the same act gives the same bytes."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return NOW.astimezone(tz)


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "datetime", StoppedClock)


def issue(settings: Settings, figures: dict[tuple[str, str], int] = FIGURES) -> None:
    """A month of three trucks, as a close posts it."""
    posting = MonthPosting("2026-01", EDITION, "r", AT, {"accounts": "d" * 64}, RULE)
    with closed_after(open_storage(settings)) as storage, storage.begin() as work:
        work.ledger.append(post_month(figures, {}, posting, stock=Stock()))


def sell(settings: Settings, lot_id: str = "L1", amount_g: int = 600_000) -> str:
    request = SaleRequest(lot_id, "City", amount_g, "50", "CNY")
    return selling.sell(settings, request, is_dry_run=False, progress=Silent()).outcome


def settle(settings: Settings) -> str:
    return selling.settle(settings, "L1", fees="1.01", is_dry_run=False, progress=Silent()).outcome


def void(settings: Settings) -> str:
    return selling.void(settings, "L1", is_dry_run=False, progress=Silent()).outcome


def pay(settings: Settings) -> str:
    return selling.pay(settings, "L1", is_dry_run=False, progress=Silent()).outcome


def disposal(verb: str, source: str, **more: Any) -> Callable[[Settings], str]:
    wanted = Disposal(verb, "a1", source, 123_457, "purpose", **more)
    return lambda settings: dispose(settings, wanted, is_dry_run=False, progress=Silent()).outcome


PRICE = {"price": "50", "currency": "CNY"}
# What each act needs to have been done before it, and the act.
ACTS: dict[str, tuple[tuple[Act, ...], Callable[[Settings], str]]] = {
    "reserve": ((), sell),
    "settle": ((sell,), settle),
    "void": ((sell,), void),
    "pay": ((sell, settle), pay),
    "retire": ((sell, settle), disposal("retire", CITY)),
    "cancel": ((), disposal("cancel", "buffer")),
    "transfer": ((), disposal("transfer", "held:driver/D2/")),
    "redeem": ((), disposal("redeem", "held:driver/D2/", **PRICE)),
}
ACTS["cancel"] = ((), disposal("cancel", "held:driver/D1/"))

PLACES: dict[str, Place] = {
    "the first entry is sealed": ("ledger.entries", "canonical_bytes", "before"),
    "the entries are written": ("storage.holdings", "Holdings.follow", "before"),
    "the serials have moved": ("storage.holdings", "Holdings.follow", "after"),
    "it is to be signed": ("services.ledger.acting", "checkpoint", "before"),
    "it is signed": ("services.ledger.acting", "checkpoint", "after"),
    "it is on record and not answered": ("storage.unit_of_work", "Storage.close", "before"),
}


def recorded(settings: Settings) -> list[Entry]:
    """All entries, after a look whether everything holds."""
    with closed_after(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        assert list(work.ledger.verify(tiles=work.checkpoints.tiles())) == []
        money = sum(held for (book, _, _), held in work.ledger.balances().items() if book == "cash")
        assert money == 0
        return list(work.ledger.entries())


def prepared(settings: Settings, name: str, before: tuple[Act, ...]) -> Settings:
    """A fleet of its own in which what an act needs was done."""
    fleet = settings.model_copy(update={"fleet": f"{settings.fleet}-{name.replace(' ', '-')}"})
    issue(fleet)
    for step in before:
        step(fleet)
    return fleet


@pytest.mark.parametrize("name", ACTS)
def test_an_act_that_is_killed_is_done_once_when_it_is_sent_again(
    settings: Settings, name: str
) -> None:
    before, act = ACTS[name]
    undisturbed = prepared(settings, "undisturbed", before)
    known = recorded(undisturbed)
    assert act(undisturbed) == "posted"
    expected = recorded(undisturbed)
    assert len(expected) > len(known)
    for where, place in PLACES.items():
        fleet = prepared(settings, where, before)
        assert killed_at(place, lambda fleet=fleet: act(fleet)), where
        is_done = where == "it is on record and not answered"
        # The very bytes: hashes, and through them everything before, are the same.
        assert recorded(fleet) == (expected if is_done else known), where
        assert act(fleet) == ("on_record_already" if is_done else "posted"), where
        assert recorded(fleet) == expected, where


def test_of_two_sales_of_the_same_serials_one_wins(settings: Settings) -> None:
    issue(settings)
    lots = [partial(sell, settings, f"L{number}", 1_120_000) for number in range(3)]
    assert sorted(at_once(lots)) == ["not_enough_held", "not_enough_held", "posted"]
    with closed_after(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        held = {name: g for (_, _, name), g in work.ledger.balances(prefix="pending/").items()}
    assert list(held.values()) == [1_120_000]
    assert len(recorded(settings)) == 12 + 3


def test_of_the_same_sale_sent_twice_at_once_one_posts(settings: Settings) -> None:
    issue(settings)
    told = at_once([partial(sell, settings), partial(sell, settings)])
    assert sorted(told) == ["on_record_already", "posted"]
    recorded(settings)


def test_of_two_that_settle_and_void_at_once_one_wins(settings: Settings) -> None:
    issue(settings)
    sell(settings)
    told = at_once([partial(settle, settings), partial(void, settings)])
    assert sorted(told) == ["lot_not_open", "posted"]
    recorded(settings)


def test_of_two_closers_one_wins_and_the_other_says_so(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, path in TinyFleet().write(tmp_path / "files").items():
        ingest_files(settings, kind, [path])
    put_on_record, both = closing._put_on_record, Barrier(2, timeout=120)

    def together(*arguments: Any, **named: Any) -> Any:
        both.wait()  # both have computed, none has recorded
        return put_on_record(*arguments, **named)

    monkeypatch.setattr(closing, "_put_on_record", together)

    def close() -> str:
        return "closed" if close_month(settings, MONTH).is_new else "the same"

    assert sorted(at_once([close, close])) == ["closed", "month_closed_meanwhile"]
    assert len(recorded(settings)) == 4
    monkeypatch.setattr(closing, "_put_on_record", put_on_record)
    assert close() == "the same"


def test_two_fleets_that_post_much_at_once_do_not_wait_for_each_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    if settings.database_url is None:
        # One file, one writer: that is what SQLite is.
        return
    monkeypatch.setattr(bulk, "_MANY_ROWS", 2)
    url = f"{settings.database_url}&options=-c%20lock_timeout%3D3s"
    one = settings.model_copy(update={"database_url": url})
    other = one.model_copy(update={"fleet": f"{settings.fleet}-other"})
    posting = MonthPosting("2026-01", EDITION, "r", AT, {"accounts": "d" * 64}, RULE)
    with (
        closed_after(open_storage(one)) as first,
        closed_after(open_storage(other)) as second,
        first.begin() as work,
        second.begin() as beside,
    ):
        for posting_now in (work, beside):
            posting_now.ledger.append(post_month(FIGURES, {}, posting, stock=Stock()))
    assert len(recorded(one)) == len(recorded(other)) == 12


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_disk_that_is_full_posts_nothing_and_an_act_sent_again_succeeds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue(settings, {(f"D{number}", "V"): 1000 for number in range(200)})
    known = recorded(settings)
    pages = (settings.home / database.DATABASE_NAME).stat().st_size // 4096
    pragmas = database._SQLITE_PRAGMAS
    monkeypatch.setattr(database, "_SQLITE_PRAGMAS", (*pragmas, f"max_page_count = {pages + 8}"))
    with pytest.raises(FleetCarbonError) as refused:
        sell(settings, amount_g=70_001)
    assert refused.value.code == "disk_full"
    assert "run the command again" in refused.value.hint
    assert recorded(settings) == known
    monkeypatch.setattr(database, "_SQLITE_PRAGMAS", pragmas)
    assert sell(settings, amount_g=70_001) == "posted"
    assert len(recorded(settings)) > len(known)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    try:
        with own_server() as started:
            yield started
    except NoPostgresql as reason:
        pytest.skip(f"no PostgreSQL can be had: {reason}")


GONE_AT: dict[str, Place] = {
    "before the first entry": ("ledger.entries", "canonical_bytes", "before"),
    "when the entries are written": ("storage.holdings", "Holdings.follow", "before"),
    "when the serials have moved": ("storage.holdings", "Holdings._count", "before"),
    "before it is kept": ("services.ledger.acting", "checkpoint", "after"),
}


@pytest.mark.parametrize("where", GONE_AT)
def test_a_database_that_goes_away_mid_way_is_named_and_an_act_sent_again_succeeds(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    import importlib

    settings = Settings(
        home=tmp_path / "home", database_url=server.url, fleet=where.replace(" ", "-")
    )
    issue(settings)
    known = recorded(settings)
    module, name, when = GONE_AT[where]
    owner: Any = importlib.import_module(f"fleet_carbon.{module}")
    *path, name = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    kept = getattr(owner, name)

    def gone(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(owner, name, kept)
        found = kept(*arguments, **named) if when == "after" else None
        server.break_off()
        return found if when == "after" else kept(*arguments, **named)

    monkeypatch.setattr(owner, name, gone)
    with pytest.raises(FleetCarbonError) as refused:
        sell(settings)
    assert refused.value.code == "database_gone"
    assert "Run the command again" in refused.value.hint
    with pytest.raises(FleetCarbonError) as absent:
        sell(settings)
    assert absent.value.code == "database_unusable"
    server.start()
    assert recorded(settings) == known
    assert sell(settings) == "posted"
    assert sell(settings) == "on_record_already"
    assert len(recorded(settings)) == len(known) + 3
