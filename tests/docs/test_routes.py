"""What a command does can be done over HTTP, or it is decided that it cannot; and it is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fleet_carbon.services.running.jobs import prepare_jobs
from fleet_carbon.settings import Settings
from fleet_carbon.web.app import create_app
from tests.architecture.test_documented import commands

PAGE = Path(__file__).resolve().parents[2] / "docs" / "integrate.md"
ROUTE_BY_COMMAND = {
    "ingest": "POST /v1/orders",
    "files": "GET /v1/files",
    "withdraw": "DELETE /v1/files/{reception}",
    "close": "POST /v1/months/{month}/closings",
    "accounts": "GET /v1/months/{month}/accounts",
    "legs": "GET /v1/months/{month}/legs",
    "orders": "GET /v1/months/{month}/orders",
    "receipts": "GET /v1/months/{month}/receipts",
    "explain": "GET /v1/months/{month}/drivers/{driver_id}/explanation",
    "prove": "GET /v1/months/{month}/drivers/{driver_id}/statement",
    "report": "GET /v1/months/{month}/report",
    "inventory": "GET /v1/inventory/{month}",
    "ileap write": "GET /v1/ileap/shipments",
    "ileap messages": "GET /v1/exchange/messages",
    "shipper": "GET /v1/inventory/{month}/shippers/{shipper_id}",
    "publish": "POST /v1/months/{month}/publications",
    "verify": "POST /v1/verify",
    "price set": "POST /v1/prices",
    "price list": "GET /v1/prices",
    "ledger balance": "GET /v1/ledger/balances",
    "ledger entries": "GET /v1/ledger/entries",
    "ledger serial": "GET /v1/ledger/serials",
    "ledger sell": "POST /v1/ledger/lots",
    "ledger settle": "POST /v1/ledger/lots/{lot_id}/settlement",
    "ledger void": "POST /v1/ledger/lots/{lot_id}/voiding",
    "ledger pay": "POST /v1/ledger/lots/{lot_id}/payment",
    "ledger retire": "POST /v1/ledger/retirements",
    "ledger cancel": "POST /v1/ledger/cancellations",
    "ledger transfer": "POST /v1/ledger/transfers",
    "ledger redeem": "POST /v1/ledger/redemptions",
    "ledger claim": "POST /v1/ledger/claims",
    "ledger claims": "GET /v1/ledger/claims",
    "ledger owed": "GET /v1/ledger/owed",
    "ledger refill": "POST /v1/ledger/refills",
    "ledger meet": "POST /v1/ledger/meetings",
    "ledger deliver": "POST /v1/ledger/redemptions/{client_id}/delivery",
    "ledger verify": "GET /v1/ledger/verification",
    "ledger checkpoint": "POST /v1/ledger/checkpoints",
    "ledger checkpoints": "GET /v1/ledger/checkpoints",
    "ledger consistency": "GET /v1/ledger/consistency",
    "ledger keys list": "GET /v1/ledger/keys",
    "claims list": "GET /v1/claims",
    "claims peers": "GET /v1/peers",
    "estimate": "POST /v1/estimates",
    "plan": "POST /v1/assignments/plan",
    "realised": "GET /v1/orders/{order_id}/realised",
    "webhooks create": "POST /v1/webhooks",
    "webhooks list": "GET /v1/webhooks",
    "webhooks change": "PATCH /v1/webhooks/{endpoint_id}",
    "webhooks end": "DELETE /v1/webhooks/{endpoint_id}",
    "webhooks log": "GET /v1/webhooks/{endpoint_id}/deliveries",
    "webhooks ping": "POST /v1/webhooks/{endpoint_id}/pings",
    "webhooks replay": "POST /v1/webhooks/{endpoint_id}/replays",
    "webhooks rotate": "POST /v1/webhooks/{endpoint_id}/secrets",
    "keys create": "POST /v1/keys",
    "keys list": "GET /v1/keys",
    "keys end": "DELETE /v1/keys/{key_id}",
    "retention set": "PUT /v1/retention",
    "retention show": "GET /v1/retention",
    "retention run": "POST /v1/retention/runs",
    "users create": "POST /v1/users",
    "users list": "GET /v1/users",
    "users end": "DELETE /v1/users/{user_id}",
    "users password": "PUT /v1/users/{user_id}/password",
    "users role": "PATCH /v1/users/{user_id}",
    "users restore": "POST /v1/users/{user_id}/restoration",
    "users invite": "POST /v1/users/{user_id}/invitations",
}
# Reason -> commands that have no route, by decision.
COMMAND_ONLY = {
    "runs the service itself or looks after its machine": (
        "serve worker subscribe pull migrate demo doctor warm traces_list traces_compact"
        " traces_verify traces_export traces_clean backup restore"
    ),
    "moves a ledger between installations, or ends one: done by who holds the machine": (
        "export import closing-down"
    ),
    "changes who signs: done where the private key lies": "ledger_keys_rotate",
    "needs a secret that two operators share in a file": (
        "claims_key claims_peer claims_publish claims_check claims_release claims_accept"
    ),
    "computes for minutes and holds a machine: for auditors with the records at hand": "replay",
    "trains and judges models: for those who publish them": (
        "models_train models_evaluate models_card models_list"
    ),
    "tells or erases all of a person: by an administrator who knows who asks": "erase person",
    "not over HTTP so far: papers for people, and what people answer one another": (
        "statement dispute_add dispute_list dispute_answer"
    ),
    "who gets mail is decided where the mail server is set": (
        "mail_recipients_add mail_recipients_list mail_recipients_end mail_send mail_test mail_log"
    ),
    "told of a whole fleet at once on a screen": "live",
    "asks other hosts of the standard": "ileap_check ileap_fetch ileap_ask",
    "the document of the interface lists them as values of `dialect`": "dialects",
}


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    settings = Settings(home=tmp_path_factory.mktemp("routes") / "home")
    prepare_jobs(settings)
    document = create_app(settings).test_client().get("/openapi/openapi.json").json
    assert document is not None
    return {
        f"{method.upper()} {path}" for path, held in document["paths"].items() for method in held
    }


def test_every_command_has_a_route_or_a_reason_to_have_none() -> None:
    known = {words.removeprefix("fleet-carbon ") for words, _ in commands()}
    without = [name.replace("_", " ") for names in COMMAND_ONLY.values() for name in names.split()]
    told = [*ROUTE_BY_COMMAND, *without]
    assert sorted(known - set(told)) == []
    assert sorted(set(told) - known) == []
    assert len(set(told)) == len(told)


def test_every_route_of_a_command_is_there(routes: set[str]) -> None:
    assert sorted(set(ROUTE_BY_COMMAND.values()) - routes) == []


def test_no_two_addresses_mean_the_same(routes: set[str]) -> None:
    paths = {route.split()[1] for route in routes}
    assert len({re.sub(r"{[^}]*}", "{}", path) for path in paths}) == len(paths)


def test_every_route_stands_in_the_page_for_integrators(routes: set[str]) -> None:
    words = set(re.findall(r"[a-z]+", PAGE.read_text(encoding="utf-8")))
    last = {
        next(part for part in reversed(route.split("/")) if not part.startswith("{"))
        for route in routes
    }
    assert sorted(last - words) == []
