"""Whatever is closed, sold, undone, retired, given or redeemed, and in which order: it adds up.

The acts are those of the services that the command line uses; after each of them everything that
the database derives is held against a second reckoning of the entries, and all that was known at
earlier moments is asked for again.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from fleet_carbon.errors import InputRefused
from fleet_carbon.ledger.balances import total
from fleet_carbon.services.ledger import selling
from fleet_carbon.services.ledger.acting import POSTED
from fleet_carbon.services.ledger.disposing import Disposal, dispose
from fleet_carbon.services.ledger.issuing import issue_month
from fleet_carbon.services.ledger.selling import SaleRequest
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import ClosingRun, Storage, UnitOfWork, open_storage
from tests.ledger.builders import EDITION, rule_of
from tests.ledger.reckoning import balances, pieces_of, standings_of, sums_of

MONTHS = ("2026-01", "2026-02")
PAIRS = (("D1", "V1"), ("D1", "V2"), ("D2", "V3"))
SHARES = (rule_of("0.70", "0.10", "0.10", "0.10"), rule_of("0.55", "0.20", "0.05", "0.20"))
_FLEETS = itertools.count(1)

figures = st.fixed_dictionaries({}, optional={pair: st.integers(0, 90) for pair in PAIRS})
amounts = st.integers(1, 80)


class LedgerMachine(RuleBasedStateMachine):
    """A ledger on which anything is done that a user can do, in any order."""

    reserved: Bundle[str] = Bundle("reserved")
    settled: Bundle[str] = Bundle("settled")
    database_url: str | None = None

    def __init__(self) -> None:
        super().__init__()
        self._numbers = itertools.count(1)
        self._known: list[tuple[datetime, dict[Any, int]]] = []
        self._told: dict[tuple[str, str, str], int] = {}
        self._home = Path(tempfile.mkdtemp(prefix="fleet_carbon_acts_"))

    @initialize(first=figures)
    def open(self, first: dict[tuple[str, str], int]) -> None:
        fleet = f"acts-{next(_FLEETS)}"
        self._settings = Settings(home=self._home, database_url=self.database_url, fleet=fleet)
        self._storage: Storage = open_storage(self._settings)
        self.close_month(MONTHS[0], {**dict.fromkeys(PAIRS, 70), **first}, SHARES[0])

    @rule(month=st.sampled_from(MONTHS), told=figures, shares=st.sampled_from(SHARES))
    def close_month(self, month: str, told: dict[tuple[str, str], int], shares: Any) -> None:
        """A first close, or one after late data: figures rise, fall, and go; shares may differ."""
        accounts = pd.DataFrame(
            [(*pair, g) for pair, g in told.items()],
            columns=["driver_id", "vehicle_id", "co2_credited_g"],
        )
        now = datetime.now(UTC)
        run = ClosingRun(
            run_id=f"r{next(self._numbers)}",
            month=month,
            edition_label=EDITION,
            edition_digest="e" * 64,
            inputs={},
            closed_at=now,
            summary={},
            table_digests={"accounts": "a" * 64},
        )
        with self._storage.begin() as work:
            issue_month(work, run, accounts, rule=shares, now=now)
        for pair in PAIRS:
            if (month, *pair) in self._told or pair in told:
                self._told[month, *pair] = told.get(pair, 0)

    @rule(
        target=reserved,
        amount_g=amounts,
        holders=st.sampled_from(["drivers", "fleet", "platform", "all"]),
    )
    def reserve(self, amount_g: int, holders: str) -> Any:
        lot_id = f"L{next(self._numbers)}"
        request = SaleRequest(lot_id, "City", amount_g, "73000.5", "CNY", holders=holders)
        done = self._done(
            lambda: selling.sell(self._settings, request, is_dry_run=False, progress=Silent())
        )
        return lot_id if done else multiple()

    @rule(target=settled, lot_id=consumes(reserved))
    def settle(self, lot_id: str) -> str:
        step = {"is_dry_run": False, "progress": Silent()}
        posted = selling.settle(self._settings, lot_id, fees="0.01", **step)
        assert posted.outcome == POSTED
        return lot_id

    @rule(lot_id=consumes(reserved))
    def void(self, lot_id: str) -> None:
        with self._storage.begin(read_only=True) as work:
            reserved = list(work.ledger.act(f"lot/{lot_id}/reserve"))
        step = {"is_dry_run": False, "progress": Silent()}
        assert selling.void(self._settings, lot_id, **step).outcome == POSTED
        with self._storage.begin(read_only=True) as work:
            returned = list(work.ledger.act(f"lot/{lot_id}/void"))
        # To whom they were taken from, each serial.
        assert [(one.block, one.serials, one.debit_account) for one in returned] == [
            (one.block, one.serials, one.credit_account) for one in reserved
        ]

    @rule(lot_id=consumes(settled))
    def pay(self, lot_id: str) -> None:
        step = {"is_dry_run": False, "progress": Silent()}
        assert selling.pay(self._settings, lot_id, **step).outcome == POSTED

    @rule(
        amount_g=amounts,
        act=st.sampled_from(
            [
                ("retire", "sold/City"),
                ("retire", "held:fleet"),
                ("cancel", "buffer"),
                ("cancel", "held:platform"),
                ("transfer", "held:driver/D1/"),
                ("transfer", "held:driver/D2/V3"),
                ("redeem", "held:driver/D1/"),
            ]
        ),
    )
    def dispose(self, amount_g: int, act: tuple[str, str]) -> None:
        verb, source = act
        price = {"price": "73000.5", "currency": "CNY"} if verb == "redeem" else {}
        wanted = Disposal(verb, f"a{next(self._numbers)}", source, amount_g, "purpose", **price)
        self._done(lambda: dispose(self._settings, wanted, is_dry_run=False, progress=Silent()))

    def _done(self, act: Any) -> bool:
        """Do an act; False if there is not enough for it, and then nothing was posted."""
        before = self._head()
        code = POSTED
        try:
            code = act().outcome
        except InputRefused as refused:
            code = refused.code
        if code == "not_enough_held":
            assert self._head() == before
            return False
        assert code == POSTED
        return True

    @invariant()
    def everything_adds_up(self) -> None:
        if not hasattr(self, "_storage"):
            return
        with self._storage.begin(read_only=True) as work:
            self._check_now(work)
            self._check_then(work)

    def _check_now(self, work: UnitOfWork) -> None:
        entries = list(work.ledger.entries())
        # Holdings, sums and balances of the database are those of the second reckoning; serials
        # of a block are in one account each, from 0 to the end without a gap.
        held = [piece for of in "hpsrcb" for piece in work.ledger.holdings.pieces_below(of)]
        in_place = sorted(held, key=lambda piece: (piece.block, piece.serials))
        assert in_place == pieces_of(entries)
        sums = work.ledger.holdings.sums()
        assert dict(sorted(sums.items())) == sums_of(entries)
        for block, of_block in sums.items():
            assert of_block.holds
            ranges = [piece.serials for piece in in_place if piece.block == block]
            assert [0, *(end for _, end in ranges)] == [
                *(at for at, _ in ranges),
                of_block.issued_g,
            ]
        assert total(sums).holds
        found = work.ledger.balances()
        assert found == balances(entries)
        for book in ("carbon", "cash", "owed"):
            assert sum(held_g for (of, _, _), held_g in found.items() if of == book) == 0
        assert list(work.ledger.verify()) == []
        # Figures are what was told last, whatever was sold of them since.
        told = {name: standing.figure_g for name, standing in standings_of(entries).items()}
        expected = {"/".join(name): g for name, g in self._told.items()}
        assert {name: g for name, g in told.items() if g} == {
            name: g for name, g in expected.items() if g
        }

    def _check_then(self, work: UnitOfWork) -> None:
        """What was known at a moment is known of it for ever."""
        for moment, known in self._known:
            assert work.ledger.balances(known_at=moment) == known
        newest = max((entry.recorded_at for entry in work.ledger.entries()), default=None)
        if newest is not None and (not self._known or self._known[-1][0] < newest):
            self._known.append((newest, work.ledger.balances()))

    def _head(self) -> int:
        with self._storage.begin(read_only=True) as work:
            return work.ledger.head().sequence

    def teardown(self) -> None:
        if hasattr(self, "_storage"):
            self._storage.close()
        shutil.rmtree(self._home, ignore_errors=True)


@pytest.mark.parametrize("settings", ["sqlite", "postgresql"], indirect=True)
def test_after_any_acts_in_any_order_everything_adds_up(settings: Settings) -> None:
    machine = type("OnThis", (LedgerMachine,), {"database_url": settings.database_url})
    run_state_machine_as_test(
        machine,
        settings=example_settings(
            max_examples=4,
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
