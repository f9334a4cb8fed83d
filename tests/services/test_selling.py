"""Sales, retirements, vouchers on record: each once, by an id, and shown before it is done."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fleet_carbon.errors import InputRefused, LedgerBroken, NotFound
from fleet_carbon.ledger.posting import MonthPosting, Stock, post_month
from fleet_carbon.services.intake import pricing
from fleet_carbon.services.ledger import bookkeeping, grading, selling
from fleet_carbon.services.ledger.acting import Posted
from fleet_carbon.services.ledger.disposing import Disposal, dispose
from fleet_carbon.services.ledger.issuing import issue_month
from fleet_carbon.services.ledger.locating import locate_serials
from fleet_carbon.services.ledger.proving import find_ledger_problems
from fleet_carbon.services.ledger.settling import DriverLedger, read_driver_ledger
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from fleet_carbon.statements.settling import settlement_lines
from fleet_carbon.statements.wording import Words
from fleet_carbon.storage.unit_of_work import ClosingRun, Storage, open_storage
from tests.ledger.builders import AT, EDITION, RULE

# Two drivers in January, one in February. 70 % of a figure are the driver's: 700,000 g and
# 350,000 g; 70,000 g.
FIGURES = {
    "2026-01": {("D1", "V1"): 1_000_000, ("D2", "V2"): 500_000},
    "2026-02": {("D1", "V1"): 100_000},
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


@pytest.fixture
def storage(settings: Settings) -> Iterator[Storage]:
    with closing(open_storage(settings)) as opened:
        for month, figures in FIGURES.items():
            posting = MonthPosting(month, EDITION, "r", AT, {"accounts": "d" * 64}, RULE)
            with opened.begin() as work:
                work.ledger.append(post_month(figures, {}, posting, stock=Stock()))
        yield opened


def sell(settings: Settings, lot_id: str = "L1", **other: Any) -> Posted:
    fields: dict[str, Any] = {"buyer": "City", "amount_g": 600_000, "price": "50"}
    is_dry_run, folder = other.pop("is_dry_run", False), other.pop("folder", None)
    request = selling.SaleRequest(lot_id, **{**fields, "currency": "CNY", **other})
    return selling.sell(settings, request, is_dry_run=is_dry_run, progress=Silent(), folder=folder)


def settle(settings: Settings, lot_id: str = "L1", fees: str = "0", **other: Any) -> Posted:
    told = {"is_dry_run": False, **other}
    return selling.settle(settings, lot_id, fees=fees, progress=Silent(), **told)


def do(settings: Settings, verb: str, source: str, amount_g: int, **other: Any) -> Posted:
    certificate, is_dry_run = other.pop("certificate", None), other.pop("is_dry_run", False)
    wanted = Disposal(verb, other.pop("client_id", "a1"), source, amount_g, "purpose", **other)
    return dispose(
        settings, wanted, is_dry_run=is_dry_run, progress=Silent(), certificate=certificate
    )


def balances(storage: Storage) -> dict[str, int]:
    with storage.begin(read_only=True) as work:
        assert list(work.ledger.verify()) == []
        return {account: held for (_, _, account), held in work.ledger.balances().items() if held}


def set_price(settings: Settings, price: str = "50", **other: Any) -> None:
    request = pricing.PriceRequest("CEA", price, "CNY", "t", "2026-01-01", **other)
    pricing.set_price(settings, request)


def test_a_lot_takes_the_same_share_of_every_driver(settings: Settings, storage: Storage) -> None:
    posted = sell(settings)
    # 600,000 of the 1,050,000 g of January: 4/7 of 700,000 and of 350,000.
    assert posted.facts["vintages"] == [{"month": "2026-01", "grade": "", "amount_g": 600_000}]
    after = balances(storage)
    assert after["pending/L1"] == 600_000
    assert (after["held:driver/D1/V1"], after["held:driver/D2/V2"]) == (370_000, 150_000)


def test_a_settled_sale_owes_every_driver_to_the_fen(settings: Settings, storage: Storage) -> None:
    sell(settings)
    settle(settings, fees="1.01")
    after = balances(storage)
    # 0.6 t at 50 yuan are 3,000 fen; 2,899 after fees, by 2:1: 1932.67 and 966.33.
    assert (after["sold/City"], after["cash:bank"], after["cash:fees"]) == (600_000, 3000, -101)
    assert (after["cash:driver/D1/V1"], after["cash:driver/D2/V2"]) == (-1933, -966)
    assert "cash:buyer/City" not in after
    assert "pending/L1" not in after
    selling.pay(settings, "L1", is_dry_run=False, progress=Silent())
    assert {name: held for name, held in balances(storage).items() if name.startswith("cash")} == {
        "cash:bank": 101,
        "cash:fees": -101,
    }


def test_a_void_lot_returns_every_serial_to_its_holder(
    settings: Settings, storage: Storage
) -> None:
    before = balances(storage)
    sell(settings)
    selling.void(settings, "L1", is_dry_run=False, progress=Silent())
    assert balances(storage) == before
    with pytest.raises(InputRefused, match="is void"):
        settle(settings)


def test_what_is_asked_for_again_posts_nothing(settings: Settings, storage: Storage) -> None:
    steps = [
        lambda: sell(settings),
        lambda: settle(settings),
        lambda: selling.pay(settings, "L1", is_dry_run=False, progress=Silent()),
        lambda: do(settings, "retire", "sold/City", 7),
        lambda: do(settings, "transfer", "held:driver/D1/", 7),
        lambda: do(settings, "redeem", "held:driver/D1/", 7_000, price="50", currency="CNY"),
        lambda: do(settings, "cancel", "buffer", 7),
    ]
    for step in steps:
        first = step()
        after = balances(storage)
        again = step()
        assert (first.outcome, again.outcome) == ("posted", "on_record_already")
        assert balances(storage) == after


def test_the_same_id_with_other_content_is_refused(settings: Settings, storage: Storage) -> None:
    sell(settings)
    with pytest.raises(LedgerBroken, match="other content"):
        sell(settings, buyer="Another")
    settle(settings)
    with pytest.raises(LedgerBroken, match="other content"):
        settle(settings, fees="1")
    with pytest.raises(InputRefused, match="is settled"):
        selling.void(settings, "L1", is_dry_run=False, progress=Silent())
    assert balances(storage)["sold/City"] == 600_000


def test_a_dry_run_shows_what_is_then_posted(settings: Settings, storage: Storage) -> None:
    def substance(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        aside = ("recorded_at", "sequence", "previous_hash", "entry_hash")
        return [{name: one[name] for name in one if name not in aside} for one in rows]

    before = balances(storage)
    for step in (
        lambda dry: sell(settings, is_dry_run=dry),
        lambda dry: settle(settings, is_dry_run=dry),
        lambda dry: do(settings, "retire", "sold/City", 7, is_dry_run=dry),
        lambda dry: do(settings, "redeem", "held:driver/D2/", 70_000, price="50",
                       currency="CNY", is_dry_run=dry),
    ):  # fmt: skip
        shown = step(True).as_dict()
        assert balances(storage) == before
        posted = step(False)
        with storage.begin(read_only=True) as work:
            on_record = [one.as_dict() for one in work.ledger.act(posted.transaction_id)]
        assert substance(shown["entries"]) == substance(on_record)
        before = balances(storage)


def test_a_sale_asks_for_a_price_that_is_in_force(settings: Settings, storage: Storage) -> None:
    with pytest.raises(InputRefused, match="No price"):
        sell(settings, price=None, currency=None)
    set_price(settings)
    set_price(settings, "60", market="Beijing")
    assert sell(settings, "L1", price=None, currency=None).facts["proceeds"] == 3000
    at_market = sell(settings, "L2", amount_g=100_000, price=None, market="Beijing")
    assert (at_market.facts["price"], at_market.facts["proceeds"]) == ("60", 600)


def test_nothing_is_sold_below_a_floor_or_without_a_market(
    settings: Settings, storage: Storage
) -> None:
    set_price(settings, floor="45")
    with pytest.raises(InputRefused, match="floor"):
        sell(settings, price="44.99")
    sell(settings, price="45")
    set_price(settings, vintage="2026-02", is_saleable=False)
    with pytest.raises(InputRefused, match="not saleable"):
        sell(settings, "L2", amount_g=1, from_month="2026-02")
    # January is still saleable.
    sell(settings, "L3", amount_g=1, until_month="2026-01")


def test_parts_with_other_prices_are_no_one_lot(settings: Settings, storage: Storage) -> None:
    set_price(settings)
    set_price(settings, "40", vintage="2026")
    set_price(settings, "30", vintage="2026-02")
    with pytest.raises(InputRefused, match="different prices"):
        sell(settings, amount_g=1_060_000, price=None)
    assert sell(settings, "F", price=None, amount_g=1, from_month="2026-02").facts["price"] == "30"
    # The price of the year is for January, which has none of its own.
    assert sell(settings, "J", price=None, amount_g=1, until_month="2026-01").facts["price"] == "40"


def test_a_price_for_one_market_does_not_value_a_month(
    settings: Settings, storage: Storage
) -> None:
    set_price(settings, "50")
    set_price(settings, "90", market="Beijing")
    with storage.begin(read_only=True) as work:
        from datetime import date

        row = work.prices.in_force("t", date(2026, 2, 1))
    assert row is not None
    assert str(row.price) == "50"


def test_only_the_vintages_and_holders_asked_for_are_sold(
    settings: Settings, storage: Storage
) -> None:
    sell(settings, amount_g=70_000, from_month="2026-02")
    assert "held:driver/D1/V1" in balances(storage)
    with pytest.raises(InputRefused, match="0 g are there"):
        sell(settings, "L2", amount_g=1, from_month="2026-02")
    with pytest.raises(InputRefused, match="0 g are there"):
        sell(settings, "L2", amount_g=1, edition="another")
    with pytest.raises(InputRefused, match="0 g are there"):
        sell(settings, "L2", amount_g=1, grade="measured")
    sell(settings, "L3", amount_g=160_000, holders="fleet")
    assert "held:fleet" not in balances(storage)


def test_what_is_given_to_a_public_good_is_not_sold(settings: Settings, storage: Storage) -> None:
    do(settings, "transfer", "held:driver/D1/", 770_000)
    with pytest.raises(InputRefused, match="350,000 g are there"):
        sell(settings, amount_g=351_000)
    # All that is left: 350,000 g of D2, and 160,000 g each of fleet and platform.
    sell(settings, amount_g=670_000, holders="all")
    assert balances(storage)["held:good/purpose"] == 770_000


def test_redeemed_grams_are_the_platforms_and_owed_in_vouchers(
    settings: Settings, storage: Storage
) -> None:
    do(settings, "redeem", "held:driver/D1/", 200_000, price="50", currency="CNY")
    after = balances(storage)
    # 0.2 t at 50 yuan are 1,000 fen; the platform held 10 % of 1.6 t.
    assert (after["held:platform"], after["cash:voucher/D1/V1"]) == (360_000, -1000)
    assert after["cash:platform"] == 1000
    with pytest.raises(InputRefused):
        do(settings, "redeem", "held:fleet", 1, client_id="a2", price="50", currency="CNY")


# The field names of a unit and an issuance in the CAD Trust data model, version 1.
UNIT_FIELDS = {
    "unitOwner", "countryJurisdictionOfOwner", "inCountryJurisdictionOfOwner", "projectLocationId",
    "serialNumberBlock", "unitBlockStart", "unitBlockEnd", "unitCount", "vintageYear", "unitType",
    "unitStatus", "unitStatusReason", "marketplace", "marketplaceLink", "marketplaceIdentifier",
    "unitRegistryLink", "correspondingAdjustmentDeclaration", "correspondingAdjustmentStatus",
    "issuance",
}  # fmt: skip
ISSUANCE_FIELDS = {
    "id", "startDate", "endDate", "verificationApproach", "verificationReportDate",
    "verificationBody",
}  # fmt: skip


def test_the_papers_of_a_lot_say_the_same_serials(
    settings: Settings, storage: Storage, tmp_path: Path
) -> None:
    folder = tmp_path / "papers" / "L1"
    sell(settings, folder=folder, market="Beijing")
    with (folder / "serials.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    # D1 has the serials from 0 of its 700,000; fleet, platform and buffer of D1 lie between.
    assert [(row["serial_from"], row["serial_until"]) for row in rows] == [
        ("0", "400000"),
        ("1000000", "1200000"),
    ]
    registry = json.loads((folder / "registry.json").read_text(encoding="utf-8"))
    assert [unit["unitCount"] for unit in registry["units"]] == ["0.400000", "0.200000"]
    assert registry["issuances"][0]["endDate"] == "2026-01-31"
    # Every field of the data model stands there; what nobody knows is null.
    assert set(registry["units"][0]) == UNIT_FIELDS
    assert set(registry["issuances"][0]) == ISSUANCE_FIELDS
    assert {unit["unitStatus"] for unit in registry["units"]} == {"For Sale"}
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert "0.600000 t" in report
    assert "issued 1,600,000 g = held" in report
    assert json.loads((folder / "evidence.json").read_text(encoding="utf-8"))["lot_id"] == "L1"
    settle(settings)
    sell(settings, folder=folder, market="Beijing")
    settled = json.loads((folder / "registry.json").read_text(encoding="utf-8"))
    assert {unit["unitOwner"] for unit in settled["units"]} == {"City"}
    assert {unit["unitStatus"] for unit in settled["units"]} == {"Held"}
    do(settings, "retire", "sold/City", 400_001)
    sell(settings, folder=folder, market="Beijing")
    used = json.loads((folder / "registry.json").read_text(encoding="utf-8"))["units"]
    assert sorted((unit["unitStatus"], unit["unitCount"]) for unit in used) == [
        ("Held", "0.199999"),
        ("Retired", "0.000001"),
        ("Retired", "0.400000"),
    ]
    reasons = {unit["unitStatusReason"] for unit in used if unit["unitStatus"] == "Retired"}
    assert reasons == {"lot L1 settled; retired on behalf of purpose"}


def test_the_evidence_names_no_truck() -> None:
    inputs = {"prices": "p", "assignments/T1": "a", "assignments/T2": "b"}
    kinds = grading._by_kind(inputs)
    assert sorted(kinds) == ["assignments", "prices"]
    assert kinds["prices"] == "p"
    assert kinds != grading._by_kind({**inputs, "assignments/T2": "c"})


def test_a_certificate_names_the_serials_that_were_retired(
    settings: Settings, storage: Storage, tmp_path: Path
) -> None:
    sell(settings)
    settle(settings)
    path = tmp_path / "certificate.md"
    do(settings, "retire", "sold/City", 600_000, certificate=path)
    text = path.read_text(encoding="utf-8")
    assert f"default/{EDITION}/2026-01/0-400000 | 400,000" in text
    assert "**purpose**" in text
    assert balances(storage)["retired/purpose"] == 600_000


def settlement_of(settings: Settings, driver_id: str, **chosen: Any) -> DriverLedger:
    with closing(open_storage(settings)) as opened, opened.begin(read_only=True) as work:
        return read_driver_ledger(opened, work, driver_id, **chosen)


def test_a_driver_sees_what_became_of_the_serials(settings: Settings, storage: Storage) -> None:
    sell(settings)
    settle(settings)
    listing = bookkeeping.list_entries(settings, driver_id="D2")
    assert listing.ledger is not None
    issued, sale = listing.ledger.settlement
    # 70 % of 500,000 g, issued after the 1,000,000 of the other driver's figure.
    assert (issued.kind, issued.amount_g, issued.figure_g) == ("issued", 350_000, 500_000)
    assert issued.serials == [f"default/{EDITION}/2026-01/1000000-1350000"]
    assert (sale.kind, sale.lot_id, sale.state, sale.buyer) == ("sale", "L1", "settled", "City")
    assert (sale.amount_g, sale.price, sale.as_dict()["amount_text"]) == (
        200_000,
        "50",
        "10.00 CNY",
    )
    assert sale.serials == [f"default/{EDITION}/2026-01/1000000-1200000"]
    # Where the 350,000 g are: 200,000 sold, the rest the driver's own.
    assert (listing.ledger.issued.sold_g, listing.ledger.own_g) == (200_000, 150_000)
    assert listing.ledger.issued.holds
    named = [one.debit_account + one.credit_account for one in listing.entries]
    assert all("D2" in name for name in named)
    assert len(named) == 3


def test_a_settlement_line_stands_for_every_act_on_a_drivers_grams(
    settings: Settings, storage: Storage
) -> None:
    do(settings, "redeem", "held:driver/D1/", 20_000, price="50", currency="CNY")
    do(settings, "transfer", "held:driver/D1/", 7, client_id="g")
    do(settings, "retire", "held:driver/D1/", 5, client_id="r")
    do(settings, "cancel", "held:driver/D1/", 3, client_id="c")
    sell(settings)
    selling.void(settings, "L1", is_dry_run=False, progress=Silent())
    told = settlement_of(settings, "D1", month="2026-01")
    assert [(one.kind, one.amount_g, one.note) for one in told.settlement[1:5]] == [
        ("redeemed", 20_000, "purpose"),
        ("given_to_public_good", 7, "purpose"),
        ("retired", 5, "purpose"),
        ("cancelled", 3, "purpose"),
    ]
    # 0.02 t at 50 yuan.
    redeemed, voided = told.settlement[1], told.settlement[5]
    assert (redeemed.as_dict()["amount_text"], redeemed.state) == ("1.00 CNY", "owed")
    assert (voided.state, voided.amount) == ("void", 0)
    assert told.own_g == 700_000 - 20_015
    assert (told.issued.held_g, told.issued.retired_g, told.issued.cancelled_g) == (
        700_000 - 8,
        5,
        3,
    )
    assert [one.kind for one in settlement_of(settings, "D1", month="2026-02").settlement] == [
        "issued"
    ]
    for language in ("en", "zh"):
        lines = settlement_lines(told.as_dict(), Words(language))
        assert len(lines) == 2 + len(told.settlement) + 2
        assert all(one.serials[0] in "".join(lines) for one in told.settlement)


def test_a_correction_says_the_figure_before_and_since_and_what_the_buffer_bore(
    settings: Settings, storage: Storage
) -> None:
    sell(settings, amount_g=1_050_000)  # all that the drivers have of January
    settle(settings)
    run = ClosingRun(
        run_id="s", month="2026-01", closed_at=AT, edition_label=EDITION, edition_digest="e",
        inputs={}, table_digests={"accounts": "d" * 64}, summary={},
    )  # fmt: skip
    figures = pd.DataFrame(
        [("D1", "V1", 900_000), ("D2", "V2", 500_000)],
        columns=["driver_id", "vehicle_id", "co2_credited_g"],
    )
    with storage.begin() as work:
        issue_month(work, run, figures, rule=RULE, now=AT)
    issued, sale, borne = settlement_of(settings, "D1", month="2026-01").settlement
    assert (issued.kind, sale.kind, borne.kind) == ("issued", "sale", "borne_by_buffer")
    # 100,000 g fell, of which 10 % each were the fleet's, the platform's and the buffer's own; the
    # 70,000 of the driver were sold.
    assert (borne.figure_before_g, borne.figure_g, borne.amount_g) == (
        1_000_000,
        900_000,
        70_000,
    )


def test_what_an_act_posted_is_signed_at_once(settings: Settings, storage: Storage) -> None:
    for step in (
        lambda: sell(settings),
        lambda: settle(settings),
        lambda: do(settings, "retire", "sold/City", 7),
    ):
        step()
        with storage.begin(read_only=True) as work:
            newest = work.checkpoints.newest()
            assert newest is not None
            assert newest.entries_count == work.ledger.head().sequence
    with storage.begin(read_only=True) as work:
        # These months were not closed, so that their figures claim no truck.
        found = find_ledger_problems(work, "default")
        assert [one for one in found if "claims no interval" not in one] == []


def test_a_serial_tells_who_holds_it_and_how_it_came_there(
    settings: Settings, storage: Storage
) -> None:
    sell(settings)
    settle(settings)
    found = locate_serials(settings, "2026-01/1000000")
    assert [piece.account for piece in found.holders] == ["sold/City"]
    assert [entry.debit_account for entry in found.path] == [
        "held:driver/D2/V2",
        "pending/L1",
        "sold/City",
    ]
    parts = locate_serials(settings, f"default/{EDITION}/2026-01/1199990-1200010")
    assert [(piece.account, piece.serials.amount_g) for piece in parts.holders] == [
        ("sold/City", 10),
        ("held:driver/D2/V2", 10),
    ]
    with pytest.raises(NotFound, match="never issued"):
        locate_serials(settings, "2026-01/1500000")
    with pytest.raises(InputRefused, match="of the fleet x"):
        locate_serials(settings, f"x/{EDITION}/2026-01/0-1")
    with pytest.raises(InputRefused, match="no serial"):
        locate_serials(settings, "2026-01")


def test_entries_go_on_where_a_page_ended(settings: Settings, storage: Storage) -> None:
    everything = bookkeeping.list_entries(settings).entries
    pages = []
    after = 0
    while True:
        page = bookkeeping.list_entries(settings, after=after, limit_count=5)
        pages += page.entries
        if not page.is_cut:
            break
        after = page.as_dict()["next_after"]
    assert pages == everything
    assert len(everything) == 12  # three figures, four parties


def test_balances_are_those_of_a_month_and_of_a_moment(
    settings: Settings, storage: Storage
) -> None:
    sell(settings)
    january = bookkeeping.read_balances(settings, until_month="2026-01")
    assert january.sums.issued_g == 1_500_000
    assert january.sums.holds
    before = bookkeeping.read_balances(settings, known_at="2026-02-03T00:00:00+00:00")
    assert (before.sums.pending_g, before.sums.issued_g) == (0, 1_600_000)


@pytest.mark.parametrize(
    ("tonnes", "grams", "amount_g"),
    [("24000", None, 24_000_000_000), ("0.000001", None, 1), (None, 5, 5)],
)
def test_an_amount_is_read_to_the_gram(
    tonnes: str | None, grams: int | None, amount_g: int
) -> None:
    assert bookkeeping.amount_of(tonnes, grams) == amount_g


@pytest.mark.parametrize(
    ("tonnes", "grams"),
    [(None, None), ("1", 1), ("0", None), ("0.0000001", None), ("x", None), (None, -1)],
)
def test_what_is_no_amount_is_refused(tonnes: str | None, grams: int | None) -> None:
    with pytest.raises(InputRefused):
        bookkeeping.amount_of(tonnes, grams)
