"""The ledger over HTTP: read, proven, and moved by those who may, each act once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fleet_carbon.ledger import checker
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.settings import Settings
from tests.services.tiny_fleet import MONTH
from tests.web.conftest import Caller, Service, served
from tests.web.test_months import three_trucks


@pytest.fixture(scope="module")
def funded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose three drivers hold grams of a closed month."""
    folder = tmp_path_factory.mktemp("ledger")
    settings = Settings(home=folder / "home", fleet="ledger")
    for kind, path in three_trucks().write(folder / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    service = served(settings)
    yield service
    service.client.application.extensions["jobs"].close()


@pytest.fixture
def manager(funded: Service) -> Caller:
    return funded.caller("manager")


def read(caller: Caller, path: str, **asked: Any) -> dict[str, Any]:
    """What is told at a path below the ledger."""
    answer = caller.get(f"/v1/ledger/{path}", query_string=asked)
    assert answer.status_code == 200, answer.json
    return answer.json or {}


def act(caller: Caller, path: str, **asked: Any) -> dict[str, Any]:
    """What an act comes to."""
    answer = caller.post(f"/v1/ledger/{path}", json=asked)
    assert answer.status_code == 200, answer.json
    return answer.json or {}


def held_g(caller: Caller, account: str) -> int:
    """What stands in accounts that begin so. [g]"""
    rows = read(caller, "balances", prefix=account)["balances"]
    return sum(row["amount"] for row in rows if row["book"] == "carbon")


def test_entries_are_read_page_by_page(manager: Caller) -> None:
    whole = read(manager, "entries", limit=1000)["entries"]
    found: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        page = read(manager, "entries", limit=2, after=after)
        found += page["entries"]
        after = page["next_after"]
    assert found == whole
    assert len(whole) > 2


def test_a_lot_goes_its_way_once(manager: Caller) -> None:
    before_g = held_g(manager, "held:driver/")
    sale = {"lot_id": "L1", "buyer": "B1", "amount_g": 1000, "price": "100", "currency": "CNY"}
    tried = act(manager, "lots", **sale, dry_run=True)
    assert (tried["outcome"], held_g(manager, "held:driver/")) == ("dry_run", before_g)
    assert tried["entries"]
    assert act(manager, "lots", **sale)["outcome"] == "posted"
    assert act(manager, "lots", **sale)["outcome"] == "on_record_already"
    assert held_g(manager, "held:driver/") == before_g - 1000
    [lot] = read(manager, "lots/L1")["lots"]
    assert (lot["state"], lot["amount_g"]) == ("reserved", 1000)
    other = manager.post("/v1/ledger/lots", json=sale | {"amount_g": 2000})
    assert other.status_code == 409, other.json
    assert act(manager, "lots/L1/settlement", fees="0.01")["outcome"] == "posted"
    assert act(manager, "lots/L1/payment")["outcome"] == "posted"
    void = manager.post("/v1/ledger/lots/L1/voiding", json={})
    assert void.status_code == 422, void.json
    assert [one["lot_id"] for one in read(manager, "lots")["lots"]] == ["L1"]


def test_a_lot_that_is_let_go_gives_all_back(manager: Caller) -> None:
    before_g = held_g(manager, "held:driver/")
    act(manager, "lots", lot_id="L2", buyer="B", amount_g=500, price="1", currency="CNY")
    act(manager, "lots/L2/voiding")
    assert held_g(manager, "held:driver/") == before_g


def test_what_is_retired_is_certified_and_found_by_its_serials(manager: Caller) -> None:
    done = act(
        manager,
        "retirements",
        client_id="R1",
        source="held:driver/D1/",
        amount_g=7,
        purpose="Shipper S1",
    )
    assert done["outcome"] == "posted"
    certificate = read(manager, "retirements/R1/certificate")
    assert checker.check_statement(certificate).problems == []
    assert certificate["amount_g"] == 7
    told = manager.post("/v1/verify", json=certificate).json or {}
    assert told["ok"], told
    forged = manager.post("/v1/verify", json=certificate | {"amount_g": 8}).json or {}
    assert not forged["ok"]
    where = read(manager, "serials", serial=certificate["serials"][0])
    assert where["holders"][0]["account"].startswith("retired/")


@pytest.mark.parametrize(
    ("path", "purpose", "account"),
    [
        ("cancellations", "test", "cancelled/"),
        ("transfers", "forest", "held:good/forest"),
        ("redemptions", "fuel", "held:platform"),
    ],
)
def test_grams_of_a_driver_are_disposed_of(
    manager: Caller, path: str, purpose: str, account: str
) -> None:
    before_g = held_g(manager, account)
    money = {"price": "100", "currency": "CNY"} if path == "redemptions" else {}
    wanted = {"client_id": f"X-{path}", "source": "held:driver/D2/", "amount_g": 200}
    assert act(manager, path, **wanted, **money, purpose=purpose)["outcome"] == "posted"
    assert held_g(manager, account) == before_g + 200
    if money:
        assert act(manager, f"redemptions/X-{path}/delivery")["outcome"] == "posted"


def test_an_entry_is_proven_to_be_in_the_ledger(manager: Caller) -> None:
    proof = read(manager, "entries/2/proof")
    assert [one["entry"]["sequence"] for one in proof["entries"]] == [2]
    assert checker.check_statement(proof).problems == []
    proof["entries"][0]["entry"]["amount"] = int(proof["entries"][0]["entry"]["amount"]) + 1
    assert checker.check_statement(proof).problems != []
    assert manager.get("/v1/ledger/entries/99999/proof").status_code == 404


def test_the_ledger_is_seen_to_have_only_grown(manager: Caller) -> None:
    act(manager, "cancellations", client_id="C9", source="held:driver/D3/", amount_g=1, purpose="x")
    points = read(manager, "checkpoints")["checkpoints"]
    proof = read(manager, "consistency", first=points[0]["number"])
    assert checker.check_statement(proof).problems == []
    assert read(manager, "verification")["ok"]
    assert len(read(manager, "keys")["keys"]) == 1


def test_a_claim_is_listed_with_its_claimant(manager: Caller) -> None:
    wanted = {"client_id": "K1", "claimant": "shipper/S1", "purpose": "2025 report"}
    act(manager, "claims", **wanted, source="held:driver/D1/", amount_g=3)
    [one] = read(manager, "claims")["claims"]
    assert (one["claimant"], one["amount_g"]) == ("shipper/S1", 3)
    claims = manager.get("/v1/claims", query_string={"month": MONTH}).json or {}
    assert {one["vehicle_id"] for one in claims["claims"]} == {"V1", "V2", "V3"}
    assert (manager.get("/v1/peers").json or {})["peers"] == []
    assert read(manager, "owed")["owed_g"] == 0


@pytest.mark.parametrize("role", ["dispatcher", "auditor", "driver"])
def test_only_who_may_sell_moves_anything(funded: Service, role: str) -> None:
    caller = funded.caller(role, **({"driver_id": "D1"} if role == "driver" else {}))
    for path in ("lots", "retirements", "lots/L1/settlement", "claims", "checkpoints"):
        assert caller.post(f"/v1/ledger/{path}", json={}).status_code == 403, path
    assert caller.get("/v1/ledger/entries").status_code == (403 if role == "driver" else 200)


def test_a_document_that_is_none_is_not_proven(manager: Caller) -> None:
    told = manager.post("/v1/verify", json={"format": "x"})
    assert (told.status_code, (told.json or {})["ok"]) == (200, False)
    for body in ("[]", "3", "null", "[" * 100_000, '{"a":' * 100_000):
        answer = manager.post("/v1/verify", data=body, content_type="application/json")
        assert (answer.status_code, (answer.json or {})["code"]) == (422, "json_unreadable")
