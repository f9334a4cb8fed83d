"""What customers' systems fetch over HTTP, by iLEAP and PACT: whole, by page, and only theirs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.accounts import inventories
from fleet_carbon.services.exchange import footprint_events, footprint_messages
from fleet_carbon.services.exchange.exchanging import exchange_month
from fleet_carbon.services.months import closing
from fleet_carbon.services.people import sessions
from fleet_carbon.services.people.access import Keys, create_key
from fleet_carbon.services.running import demonstrating
from fleet_carbon.services.running.job_kinds import KINDS as KINDS_OF_JOBS
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from fleet_carbon.statements import ileap
from tests.services.exchange_schemas import validate, validate_answer
from tests.services.exchanging_host import PlayedHost, hosted, listening, validate_event

MONTH = demonstrating.SAMPLE_MONTH
KINDS = dict(zip(("shipments", "tocs", "hocs", "tad", "aed"), ileap.TYPES, strict=True))
Fetch = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def settings(sample_fleet: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The sample fleet, of which others keep the original."""
    home = tmp_path_factory.mktemp("hosting") / "home"
    shutil.copytree(sample_fleet.home, home)
    return sample_fleet.model_copy(update={"home": home})


@pytest.fixture(scope="module")
def address(settings: Settings) -> Iterator[str]:
    with hosted(settings) as found:
        yield found


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=30) as made:
        yield made


def token_of(client: httpx.Client, address: str, key: Keys) -> str:
    answer = client.post(
        f"{address}/auth/token",
        data={"grant_type": "client_credentials"},
        auth=(key.rows[0].key_id, key.secret),
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


@pytest.fixture(scope="module")
def fetch(settings: Settings, address: str, client: httpx.Client) -> Fetch:
    """Whoever is told of all."""
    return fetching(client, address, create_key(settings, "all", "auditor", scopes=["exchange"]))


def fetching(client: httpx.Client, address: str, key: Keys) -> Fetch:
    headers = {"Authorization": f"Bearer {token_of(client, address, key)}"}

    def fetch(path: str, **named: Any) -> httpx.Response:
        there = path if path.startswith("http") else f"{address}{path}"
        return client.get(there, headers=headers, **named)

    return fetch


def data_of(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def walked(fetch: Fetch, path: str) -> list[dict[str, Any]]:
    """All pages, each of which comes twice the same."""
    found, there = [], path
    while there:
        answer, again = fetch(there), fetch(there)
        assert data_of(answer) == data_of(again)
        found += data_of(answer)
        there = answer.links.get("next", {}).get("url", "")
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_document_is_valid_and_pages_hold_each_once(fetch: Fetch, kind: str) -> None:
    answer = fetch(f"/v1/ileap/{kind}")
    validate_answer(KINDS[kind], answer.json())
    whole = data_of(answer)
    assert bool(whole) == (kind != "hocs")
    assert walked(fetch, f"/v1/ileap/{kind}?limit=150") == whole


def _carried(extension: dict[str, Any]) -> tuple[str, Any]:
    """Type and document of what a footprint carries."""
    file = extension["dataSchema"].rpartition("/")[2]
    types = {"shipment-footprint.json": "ShipmentFootprint", "toc.json": "TOC"}
    return types[file], extension["data"]


@pytest.mark.parametrize("version", [2, 3])
def test_product_footprints_carry_shipments_and_categories(fetch: Fetch, version: int) -> None:
    answer = fetch(f"/{version}/footprints")
    validate_answer(f"Footprint{version}", answer.json())
    whole = data_of(answer)
    told: dict[str, list[dict[str, Any]]] = {}
    for one in whole:
        [extension] = one["extensions"]
        validate(*_carried(extension))
        told.setdefault(extension["dataSchema"].rpartition("/")[2], []).append(extension["data"])
        assert one["pcf"]["packagingEmissionsIncluded"] is False
    assert told["shipment-footprint.json"] == data_of(fetch("/v1/ileap/shipments"))
    assert told["toc.json"] == data_of(fetch("/v1/ileap/tocs"))
    assert walked(fetch, f"/{version}/footprints?limit=200") == whole
    for one in (whole[0], whole[-1]):
        alone = fetch(f"/{version}/footprints/{one['id']}").json()
        validate_answer(f"Footprint{version}", alone, is_list=False)
        assert alone["data"] == one
    assert len({one["id"] for one in whole}) == len(whole)


def test_what_a_host_tells_is_the_book(fetch: Fetch, settings: Settings) -> None:
    attributed = inventories.read_inventory(settings, MONTH).summary["attributed"]
    told = {
        "shipments": [one["tces"][0] for one in data_of(fetch("/v1/ileap/shipments"))],
        "aed": data_of(fetch("/v1/ileap/aed")),
        "pcf": [
            one["pcf"]
            for one in data_of(fetch("/2/footprints"))
            if "shipment" in one["productIds"][0]
        ],
    }
    for kind, name in (
        ("shipments", "co2eWTW"),
        ("aed", "co2eWTW"),
        ("pcf", "pCfExcludingBiogenic"),
    ):
        whole_kg = sum(Decimal(one[name]) for one in told[kind])
        assert whole_kg * 1_000_000 == attributed["co2e_wtw_mg"], kind
    names = ("transportActivity", "totalTransportActivity", "unitaryProductAmount")
    activities = [
        sum(Decimal(one[name]) for one in held)
        for name, held in zip(names, told.values(), strict=True)
    ]
    assert len(set(activities)) == 1


def test_a_customer_is_told_of_the_own_shipments_alone(
    settings: Settings, address: str, client: httpx.Client, fetch: Fetch
) -> None:
    book = inventories.read_inventory(settings, MONTH).tables
    customers = book["shippers"]["shipper_id"].dropna().tolist()
    of_one = create_key(settings, "one", "customer", shippers=[customers[0]])
    own = fetching(client, address, of_one)
    rows = book["shipments"][book["shipments"]["shipper_id"] == customers[0]]
    wanted = set(rows["shipment_id"])
    assert 0 < len(wanted) < len(book["shipments"])
    told = {kind: data_of(own(f"/v1/ileap/{kind}")) for kind in KINDS}
    assert {one["shipmentId"] for one in told["shipments"]} == wanted
    assert {one["consignmentIds"][0] for one in told["tad"]} == wanted
    assert {one["tocId"] for one in told["tocs"]} == set(rows["toc_id"])
    assert [one["transportServiceUserId"] for one in told["aed"]] == [customers[0]]
    others = next(
        one
        for one in data_of(fetch("/2/footprints"))
        if one["extensions"][0]["data"].get("shipmentId") not in {None, *wanted}
    )
    for version in (2, 3):
        mine = {one["id"] for one in data_of(own(f"/{version}/footprints"))}
        assert len(mine) == len(wanted) + len(told["tocs"])
        assert others["id"] not in mine
        assert own(f"/{version}/footprints/{others['id']}").status_code == 404
    # Neither by asking for it, nor anywhere else in the service.
    name = others["extensions"][0]["data"]["shipmentId"]
    assert data_of(own(f"/v1/ileap/shipments?shipmentId={name}")) == []
    for path in ("/v1/orders", f"/v1/inventory/{MONTH}/shipments", "/v1/ledger/balances"):
        assert own(path).status_code == 403, path


def test_filters_are_by_any_field_and_by_range(fetch: Fetch) -> None:
    whole = data_of(fetch("/v1/ileap/tad"))
    gas = data_of(fetch("/v1/ileap/tad?feedstock=natural gas&mode=road"))
    assert 0 < len(gas) < len(whole)
    assert gas == [one for one in whole if one["energyCarriers"][0]["energyCarrier"] == "LNG"]
    far = "/v1/ileap/tad?distance.gcd=gte.300&distance.gcd=lt.600"
    for found in (data_of(fetch(far)), walked(fetch, f"{far}&limit=60")):
        assert found == [one for one in whole if 300 <= float(one["distance"]["gcd"]) < 600]
    one = whole[7]["activityId"]
    assert data_of(fetch("/2/ileap/tad", params={"activityId": one.lower()})) == [whole[7]]
    late = f"/v1/ileap/tad?departureAt=gte.{whole[7]['departureAt']}"
    assert {one["activityId"] for one in data_of(fetch(late))} == {
        one["activityId"] for one in whole if one["departureAt"] >= whole[7]["departureAt"]
    }
    refused = fetch("/v1/ileap/tad?colour=red")
    assert (refused.status_code, refused.json()["code"]) == (400, "NotImplemented")


def test_activity_is_told_by_the_distance_that_is_asked_for(
    told_by_road: Settings, client: httpx.Client
) -> None:
    for distance in ("", "sfd"):  # so that no answer waits for a book to be made
        exchange_month(told_by_road, MONTH, distance=distance)
    with hosted(told_by_road) as place:
        token = token_of(client, place, create_key(told_by_road, "all", "auditor"))

        def ask(path: str) -> httpx.Response:
            return client.get(f"{place}{path}", headers={"Authorization": f"Bearer {token}"})

        by_circle = data_of(ask("/v1/ileap/shipments"))
        answer = ask("/v1/ileap/shipments?distance=sfd&limit=1000")
        tocs = {one["tocId"] for one in data_of(ask("/v1/ileap/tocs?distance=sfd"))}
        elements = [one["tces"][0] for one in data_of(answer)]
        assert {one["tocId"] for one in elements} == tocs
        assert any("sfd" in one["distance"] for one in elements)
        assert all("sfd" not in one["tces"][0]["distance"] for one in by_circle)
        assert ask("/v1/ileap/shipments?distance=actual").status_code == 400
        # The choice goes on from page to page.
        page = ask("/v1/ileap/shipments?distance=sfd&limit=1")
        assert "distance=sfd" in page.headers["Link"]


def test_pact_filters_by_odata_and_by_its_own_parameters(fetch: Fetch) -> None:
    whole = data_of(fetch("/3/footprints"))
    product = whole[3]["productIds"][0]
    asked = f"productIds/any(p:(p eq '{product}')) and pcf/geographyCountry eq 'cn'"
    [found] = data_of(fetch("/2/footprints", params={"$filter": asked}))
    assert found["productIds"] == [product]
    begin = whole[0]["created"].replace("Z", "+00:00")
    for sign, count in (("ge", len(whole)), ("lt", 0)):
        # In quotes as PACT writes moments, and bare as OData does; the plus comes as a space.
        for told in (f"'{begin}'", begin, begin.removesuffix("+00:00") + "Z"):
            answer = fetch(f"/2/footprints?$filter=created {sign} {told}")
            assert len(data_of(answer)) == count
    for wrong in ("created", "created ge", "(created ge '1'", "created ge '1' or id eq '2'"):
        refused = fetch("/2/footprints", params={"$filter": wrong})
        assert (refused.status_code, refused.json()["code"]) == (400, "BadRequest"), wrong
    two = fetch("/3/footprints", params=[("productId", product.upper()), ("productId", "urn:x")])
    assert [one["productIds"] for one in data_of(two)] == [[product]]
    valid = whole[0]["validityPeriodStart"]
    for name, count in (("validOn", len(whole)), ("validAfter", 0), ("validBefore", 0)):
        assert len(data_of(fetch("/3/footprints", params={name: valid}))) == count
    for name in ("productId", "companyId", "geography", "classification", "status"):
        assert data_of(fetch("/3/footprints", params={name: "urn:nobody"})) == []
    for name, value in (("validOn", "yesterday"), ("invoice", "1")):
        assert fetch("/3/footprints", params={name: value}).status_code == 400


def test_errors_are_told_as_the_standards_have_it(
    settings: Settings, address: str, client: httpx.Client
) -> None:
    made = create_key(settings, "all", "auditor")
    ended = settings.model_copy(update={"token_lasts_s": 0})
    expired = sessions.issue_token(ended, made.rows[0].key_id, made.secret)
    narrow = create_key(settings, "narrow", "auditor", scopes=["read"])
    assert expired is not None
    token_of(client, address, made)  # what has ended is remembered when others are issued
    paths = ("/v1/ileap/tad", "/2/ileap/tad", "/2/footprints", "/3/footprints")
    for secret, wanted in (
        ("nonsense", [(403, "AccessDenied")] * 2 + [(401, "AccessDenied")] * 2),
        (expired.secret, [(401, "TokenExpired")] * 4),
        (narrow.secret, [(403, "AccessDenied")] * 4),
    ):
        headers = {"Authorization": f"Bearer {secret}"}
        answers = [client.get(f"{address}{path}", headers=headers) for path in paths]
        assert [(one.status_code, one.json()["code"]) for one in answers] == wanted
        for one in answers:
            validate("Error", one.json())
    headers = {"Authorization": f"Bearer {made.secret}"}
    for version, code in ((2, "NoSuchFootprint"), (3, "NotFound")):
        for name in ("nonsense", "00000000-0000-0000-0000-000000000000"):
            answer = client.get(f"{address}/{version}/footprints/{name}", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (404, code)
            validate("Error", answer.json())
    for path in ("/v1/ileap/tad?limit=0", "/v1/ileap/tad?limit=x", "/2/footprints?cursor=x"):
        answer = client.get(f"{address}{path}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "BadRequest"), path
        validate("Error", answer.json())
    wrong = client.post(
        f"{address}/auth/token", data={"grant_type": "client_credentials"}, auth=("x", "y")
    )
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    known = client.get(f"{address}/.well-known/openid-configuration").json()
    assert client.get(known["token_endpoint"]).status_code == 405


EVENTS = {
    2: ("pathfinder", "ProductFootprint.Published.v1", "ProductFootprintRequest.Rejected.v1"),
    3: ("pact", "ProductFootprint.PublishedEvent.3", "ProductFootprint.RequestRejectedEvent.3"),
}


@pytest.mark.parametrize("version", EVENTS)
def test_events_are_acknowledged_or_refused(
    settings: Settings, address: str, client: httpx.Client, version: int
) -> None:
    room, published, rejected = EVENTS[version]
    secret = create_key(settings, "all", "auditor").secret
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/cloudevents+json"}
    event: dict[str, Any] = {
        "specversion": "1.0", "id": "e1", "source": "https://theirs.example",
        "time": "2026-11-01T00:00:00Z", "type": f"org.wbcsd.{room}.{published}",
        "data": {"pfIds": ["079e425a-464f-528d-341d-4a944a1dfd70"]},
    }  # fmt: skip

    def sent(**other: Any) -> tuple[int, str]:
        there = f"{address}/{version}/events"
        answer = client.post(there, json=event | other, headers=headers)
        return answer.status_code, answer.json()["code"] if answer.content else ""

    assert sent() == (200, "")
    refusal = {"requestEventId": "e0", "error": {"code": "NotFound", "message": "none"}}
    assert sent(type=f"org.wbcsd.{room}.{rejected}", data=refusal) == (200, "")
    for wrong in (
        {"specversion": "1.1"},
        {"data": None},
        {"data": {}},
        {"type": "org.wbcsd.other"},
        {"type": f"org.wbcsd.{room}.{rejected}"},
        {"id": ""},
    ):
        assert sent(**wrong) == (400, "BadRequest"), wrong


def test_what_hosts_send_and_name_is_kept_once_and_by_whose_key(
    settings: Settings, address: str, client: httpx.Client, fetch: Fetch
) -> None:
    reader = create_key(settings, "reader", "auditor").secret
    made = create_key(settings, "their system", "customer", shippers=["nobody"])
    headers = {
        "Authorization": f"Bearer {made.secret}",
        "Content-Type": "application/cloudevents+json",
    }
    [first, *_] = data_of(fetch("/3/footprints"))
    event: dict[str, Any] = {
        "specversion": "1.0", "id": "e7", "source": "https://theirs.example/3/events",
        "type": "org.wbcsd.pact.ProductFootprint.RequestFulfilledEvent.3",
        "data": {"requestEventId": "r7", "pfs": [first]},
    }  # fmt: skip

    def sent(data: dict[str, Any], **other: Any) -> int:
        body = event | other | {"data": data}
        return client.post(f"{address}/3/events", json=body, headers=headers).status_code

    def page_of(**by: str) -> dict[str, Any]:
        answer = client.get(
            f"{address}/v1/exchange/messages",
            params=by,
            headers={"Authorization": f"Bearer {reader}"},
        )
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def kept(**by: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = page_of(**by)["rows"]
        return rows

    before = len(kept(limit="1000"))
    assert [sent(event["data"]) for _ in range(2)] == [200, 200]
    [row] = kept(event_id="r7")
    assert (row["kind"], row["footprint_id"]) == ("answered", first["id"])
    assert (row["host"], row["key_id"]) == (event["source"], made.rows[0].key_id)
    assert row["content"] == first
    published = {"type": "org.wbcsd.pact.ProductFootprint.PublishedEvent.3", "id": "e8"}
    assert sent({"pfIds": ["a", "b", "a"]}, **published) == 200
    assert [one["footprint_id"] for one in kept(limit="1000")[before:]] == [first["id"], "a", "b"]
    refused = {"type": "org.wbcsd.pact.ProductFootprint.RequestRejectedEvent.3", "id": "e9"}
    assert sent({"requestEventId": "r9", "error": {"code": "NotFound"}}, **refused) == 200
    assert kept(event_id="r9")[0]["content"] == {"code": "NotFound"}
    # By pages, and not at all what is none.
    page = page_of(limit="2")
    rest = kept(limit="1000", cursor=page["next_cursor"])
    assert page["rows"] + rest == kept(limit="1000")
    for wrong in ([first | {"id": ""}], ["a"], [{}], [first] * 1001, [{"id": "a\0"}]):
        assert sent({"requestEventId": "r", "pfs": wrong}) == 400
    assert sent({"pfIds": [first]}, **published) == 400
    assert sent(event["data"], source="\0") == 400
    # Whose key it is may send, and not read.
    assert client.get(f"{address}/v1/exchange/messages", headers=headers).status_code == 403


def test_a_host_is_asked_and_its_answer_found_by_the_request(settings: Settings) -> None:
    theirs = PlayedHost()
    with listening(theirs) as address:
        known = {"exchange_hosts": {address: ("me", SecretStr("secret"))}, "ileap_private": True}
        ours = settings.model_copy(update=known)
        pairs = [("productId", "urn:a"), ("productId", "urn:b")]
        with pytest.raises(InputRefused, match="where to send its answer"):
            footprint_messages.ask_for_footprints(ours, address, pairs)
        ours = ours.model_copy(update={"public_url": "https://ours.example"})
        for url, wanted in (("https://x.example", pairs), (address, [])):
            with pytest.raises(InputRefused):
                footprint_messages.ask_for_footprints(ours, url, wanted)
        [asked] = footprint_messages.ask_for_footprints(ours, address, pairs, comment="hi").rows
        theirs.event_paths = ("/2/events",)
        footprint_messages.ask_for_footprints(ours, address, pairs[:1])
    [(path, event), (older, second)] = theirs.events
    for sent in theirs.events:
        validate_event(*sent)
    assert (path, older) == ("/3/events", "/2/events")
    assert event["id"] == asked.request_id
    assert event["source"] == "https://ours.example/3/events"
    assert event["data"] == {"productId": ["urn:a", "urn:b"], "comment": "hi"}
    assert second["data"] == {"pf": {"productIds": ["urn:a"]}}
    # What the one sends is what the other understands.
    for version, sent in ((3, event), (2, second)):
        taken = footprint_events.read_event(
            ours, version, sent | {"source": f"{address}/{version}/events"}
        )
        request = footprint_events.request_of(ours, taken, None)
        assert ["productId", "urn:a"] in request["pairs"]
    answer = {"requestEventId": asked.request_id, "error": {"code": "NotFound"}}
    taken = footprint_events.Event(3, "rejected", "e", f"{address}/3/events", answer)
    assert footprint_messages.take_message(ours, taken, "k") == 1
    found = footprint_messages.read_messages(ours, request_id=asked.request_id)
    assert [one.kind for one in found.rows] == ["asked", "refused"]
    assert all(asked.request_id in line for line in found.lines())


@pytest.mark.parametrize("version", EVENTS)
def test_who_asks_by_an_event_is_answered_by_one(
    settings: Settings, fetch: Fetch, version: int
) -> None:
    room = EVENTS[version][0]
    wanted = data_of(fetch(f"/{version}/footprints"))[2]
    created = {2: "ProductFootprintRequest.Created.v1", 3: "ProductFootprint.RequestCreatedEvent.3"}
    asker = PlayedHost()
    with listening(asker) as theirs:
        known = {"exchange_hosts": {theirs: ("me", SecretStr("secret"))}, "ileap_private": True}
        answering = settings.model_copy(update=known)

        def answered(product: str, shippers: frozenset[str] | None) -> Any:
            by = {2: {"pf": {"productIds": [product]}}, 3: {"productId": [product]}}[version]
            told = {
                "type": f"org.wbcsd.{room}.{created[version]}", "id": "e1",
                "source": f"{theirs}/{version}/events", "data": {**by, "comment": "please"},
            }  # fmt: skip
            event = footprint_events.read_event(answering, version, told)
            request = footprint_events.request_of(answering, event, shippers)
            kept = KINDS_OF_JOBS["answer_footprint_request"].read(answering, request)
            KINDS_OF_JOBS["answer_footprint_request"].do(answering, kept, Silent())
            path, answer = asker.events.pop()
            validate_event(path, answer)
            assert (path, answer["data"]["requestEventId"]) == (f"/{version}/events", "e1")
            return answer

        fulfilled = answered(wanted["productIds"][0], None)
        assert "Fulfilled" in fulfilled["type"]
        assert fulfilled["data"]["pfs"] == [wanted]
        for product, shippers in (("urn:null", None), (wanted["productIds"][0], frozenset({"x"}))):
            rejected = answered(product, shippers)
            assert "Rejected" in rejected["type"]
            assert rejected["data"]["error"]["code"] == "NotFound"
        with hosted(answering) as ours:
            key = {"Authorization": f"Bearer {create_key(settings, 'all', 'auditor').secret}"}
            event = {
                "type": f"org.wbcsd.{room}.{created[version]}", "specversion": "1.0", "id": "e2",
                "source": theirs, "data": {"pf": {"productIds": ["urn:x"]}, "productId": ["urn:x"]},
            }  # fmt: skip
            asked = httpx.post(f"{ours}/{version}/events", json=event, headers=key)
            assert (asked.status_code, asked.content) == (200, b"")
            [job] = httpx.get(f"{ours}/v1/jobs?limit=1", headers=key).json()["jobs"]
            assert (job["kind"], job["state"]) == ("answer_footprint_request", "waiting")
            stranger = httpx.post(
                f"{ours}/{version}/events", json=event | {"source": "//x.example"}, headers=key
            )
            assert stranger.json()["code"] == "NotImplemented"


def test_a_month_that_is_closed_again_has_new_footprints_and_old_links_hold(
    settings: Settings, address: str, client: httpx.Client, fetch: Fetch
) -> None:
    first = fetch("/2/footprints?limit=300")
    there = first.links["next"]["url"]
    rest = data_of(fetch(there))
    last = data_of(fetch("/v1/ileap/shipments"))[-1]["shipmentId"]
    headers = {"Authorization": f"Bearer {create_key(settings, 'admin', 'admin').secret}"}
    gone = client.post(f"{address}/v1/orders/{last}/cancellation", headers=headers, json={})
    assert gone.status_code < 300, gone.text
    closing.close_month(settings, MONTH)
    assert data_of(fetch(there)) == rest
    now = data_of(fetch("/2/footprints?limit=300"))
    before = data_of(first)
    assert not {one["id"] for one in now} & {one["id"] for one in before}
    old = fetch(f"/2/footprints/{before[0]['id']}").json()["data"]
    assert old == before[0] | {"status": "Deprecated"}
    assert fetch(f"/2/footprints/{now[0]['id']}").json()["data"]["status"] == "Active"
