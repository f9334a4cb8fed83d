"""What nobody could bear the operator makes good: with units of the buffer, figure by figure."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from fleet_carbon.errors import InputRefused, LedgerBroken
from fleet_carbon.services.ledger import bookkeeping
from fleet_carbon.services.ledger.acting import Posted
from fleet_carbon.services.ledger.disposing import Disposal, dispose
from fleet_carbon.services.ledger.obligations import list_obligations, meet_obligations
from fleet_carbon.services.ledger.settling import read_driver_ledger
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import Storage, open_storage
from tests.ledger.builders import moves_of
from tests.services.test_issuing import DRIVER, issue


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", fleet="f")


@pytest.fixture
def storage(settings: Settings) -> Iterator[Storage]:
    """Of January's 1,000 g a driver sold the 700 g that were the driver's; then the figure fell.

    Fleet, platform and buffer give 100 g each: 700 g are owed. February's buffer has 100 g.
    """
    with closing(open_storage(settings)) as opened:
        with opened.begin() as work:
            issue(work, "r1", "2026-01", D1=1000)
            work.ledger.append(moves_of("sale", (DRIVER, "sold/B", 0, 700)))
            assert issue(work, "r2", "2026-01", D1=0).owed_g == 700
            issue(work, "r3", "2026-02", D1=1000)
        yield opened


def refill(settings: Settings, source: str, amount_g: int) -> Posted:
    wanted = Disposal("refill", f"in-{amount_g}", source, amount_g, "buffer")
    return dispose(settings, wanted, is_dry_run=False, progress=Silent())


def meet(
    settings: Settings, client_id: str = "m1", amount_g: int | None = None, *, dry: bool = False
) -> Posted:
    return meet_obligations(
        settings, client_id, amount_g=amount_g, is_dry_run=dry, progress=Silent()
    )


def test_what_the_buffer_has_meets_what_is_owed_and_the_rest_stays_open(
    settings: Settings, storage: Storage
) -> None:
    shown = meet(settings, dry=True)
    met = meet(settings)
    assert shown.entries_count == met.entries_count == 2
    assert (met.facts["met_g"], met.facts["still_owed_g"]) == (100, 600)
    assert meet(settings).outcome == "on_record_already"
    with pytest.raises(LedgerBroken, match="other content"):
        meet(settings, amount_g=5)
    with pytest.raises(InputRefused, match="the buffer has 0 g"):
        meet(settings, "m2")
    balances = bookkeeping.read_balances(settings)
    assert balances.owed_g == 600
    assert "hand units in" in balances.lines()[-1]


def test_units_handed_in_meet_everything_and_no_figure_moves(
    settings: Settings, storage: Storage
) -> None:
    refill(settings, "held:platform", 100)
    refill(settings, "sold/B", 500)  # units that the operator bought back
    with pytest.raises(InputRefused, match="does not answer"):
        refill(settings, DRIVER, 1)
    meet(settings)
    assert list_obligations(settings).lines() == ["The operator owes nothing."]
    with pytest.raises(InputRefused, match="owes nothing"):
        meet(settings, "m2")
    with storage.begin(read_only=True) as work:
        assert work.ledger.posted_g("2026-01") == {("D1", "V1"): 0}
        assert work.ledger.posted_g("2026-02") == {("D1", "V1"): 1000}
        assert list(work.ledger.verify()) == []
        told = read_driver_ledger(storage, work, "D1", month="2026-01").settlement
    assert [(one.kind, one.amount_g) for one in told][-2:] == [
        ("owed_by_operator", 700),
        ("met_by_operator", 700),
    ]


def test_a_figure_that_rises_after_its_obligation_was_met_fills_the_buffer_again(
    settings: Settings, storage: Storage
) -> None:
    refill(settings, "sold/B", 600)
    meet(settings)
    with storage.begin() as work:
        issued = issue(work, "r4", "2026-01", D1=1000)
        assert issued.owed_g == 0
        assert work.ledger.posted_g("2026-01") == {("D1", "V1"): 1000}
        # What the buffer bore for the figure it has back, and its own part of both months less
        # nothing: 700 + 100 of January. What February's gave is cancelled.
        assert issued.sums.buffer_g == 800
        assert list(work.ledger.verify()) == []


def test_the_oldest_figure_is_met_first(settings: Settings, storage: Storage) -> None:
    with storage.begin() as work:
        sale = moves_of("later", (DRIVER, "sold/C", 0, 700))
        work.ledger.append([replace(one, month="2026-02") for one in sale])
        issue(work, "r4", "2026-02", D1=0)
    open_now = list_obligations(settings)
    # February's own buffer gave its 100 g.
    assert [(one.month, one.owed_g) for one in open_now.open] == [
        ("2026-01", 700),
        ("2026-02", 700),
    ]
    refill(settings, "sold/C", 700)
    meet(settings, amount_g=700)
    assert [(one.month, one.owed_g) for one in list_obligations(settings).open] == [
        ("2026-02", 700)
    ]
