"""A closed month is posted from what the database knows: serials at hand, reserves, obligations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from fleet_carbon.services.ledger.issuing import Issued, issue_month, nothing_issued
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import ClosingRun, Storage, UnitOfWork, open_storage
from tests.ledger.builders import AT, EDITION, RULE, moves_of

DRIVER = "held:driver/D1/V1"


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    opened = open_storage(Settings(home=tmp_path / "home", fleet="f"))
    yield opened
    opened.close()


def issue(
    work: UnitOfWork, run_id: str, month: str, *, edition: str = EDITION, **figures: int
) -> Issued:
    """Post a month in which every driver drives the truck V1."""
    run = ClosingRun(
        run_id=run_id,
        month=month,
        edition_label=edition,
        edition_digest="e" * 64,
        inputs={},
        closed_at=AT,
        summary={},
        table_digests={"accounts": "a" * 64},
    )
    accounts = pd.DataFrame(
        {"driver_id": list(figures), "vehicle_id": "V1", "co2_credited_g": figures.values()}
    )
    return issue_month(work, run, accounts, rule=RULE, now=AT)


def test_the_buffer_of_earlier_months_bears_what_was_sold_and_the_operator_owes_the_rest(
    storage: Storage,
) -> None:
    with storage.begin() as work:
        issue(work, "r1", "2025-12", D1=500)
        issue(work, "r2", "2026-01", D1=1000)
        issue(work, "r3", "2026-02", D1=1000)
        work.ledger.append(moves_of("sale", (DRIVER, "sold/B", 0, 700)))
        issued = issue(work, "r4", "2026-01", D1=0)
        # Fleet, platform and buffer give their 100 of January; December's buffer has 50, February's
        # is not touched: 700 - 50 are owed.
        assert (issued.from_buffer_g, issued.opened_g, issued.owed_g) == (50, 650, 650)
        buffer = work.ledger.holdings.pieces(["buffer"])
        assert [(one.block.month, one.serials.amount_g) for one in buffer] == [("2026-02", 100)]
        assert work.ledger.posted_g("2026-01") == {("D1", "V1"): 0}
        assert list(work.ledger.verify()) == []
        again = issue(work, "r5", "2026-01", D1=1000)
        assert (again.opened_g, again.owed_g) == (0, 0)
        assert nothing_issued(work) == Issued(0, again.sums, 0)


def test_a_month_under_another_edition_falls_from_the_block_begun_last(storage: Storage) -> None:
    # 1000 g under the first edition, 100 more under the second, whose name sorts before it.
    with storage.begin() as work:
        issue(work, "r1", "2026-01", D1=1000)
        issue(work, "r2", "2026-01", edition="a newer one", D1=1100)
        issue(work, "r3", "2026-01", edition="a newer one", D1=950)
        # Down by 150: the driver's 105 are the 70 of the second block and 35 of the first.
        taken = [
            (one.edition, one.serial_from, one.serial_until)
            for one in work.ledger.act("close/2026-01/r3")
            if one.credit_account == DRIVER
        ]
        assert taken == [("a newer one", 0, 70), (EDITION, 665, 700)]
        assert list(work.ledger.verify()) == []


def test_what_a_close_tells_is_ready_for_programs(storage: Storage) -> None:
    with storage.begin() as work:
        told = issue(work, "r1", "2026-01", D1=1000, D2=0).as_dict()
    assert told == {
        "ledger_entries": 4,
        "ledger_sums": (
            "issued 1,000 g = held 900 + pending 0 + sold 0 + retired 0 + cancelled 0 + buffer 100"
        ),
        "reversed_from_buffer_g": 0,
        "obligation_opened_g": 0,
        "obligations_open_g": 0,
    }
