"""Pages of the statement, its evidence, disputes, the map and verification: who sees what."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from pathlib import Path

import httpx
import pytest
from flask.testing import FlaskClient

from fleet_carbon.client import Client
from fleet_carbon.errors import InputRefused
from fleet_carbon.services.intake import pricing
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.intake.pricing import PriceRequest
from fleet_carbon.services.ledger.proving import check_statement
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.papers.stating import make_statement
from fleet_carbon.services.people.access import create_key
from fleet_carbon.services.people.auditing import read_trail
from fleet_carbon.services.people.users import create_user
from fleet_carbon.services.running.jobs import worker
from fleet_carbon.settings import Settings
from tests.services.tiny_fleet import MONTH, TinyFleet
from tests.web.conftest import served

PASSWORD = "correct horse battery"
PEOPLE = (("mei", "manager", ""), ("audrey", "auditor", ""), ("zhang", "driver", "D1"))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The tiny fleet, closed, with a manager, an auditor and the driver D1."""
    folder = tmp_path_factory.mktemp("pages")
    settings = Settings(home=folder / "home", fleet="north", cookie_secure=False)
    fleet = TinyFleet()
    fleet.drivers.append({"driver_id": "D2", "name": "李四"})
    for kind, path in fleet.write(folder / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    for name, role, driver_id in PEOPLE:
        create_user(settings, name, role, driver_id=driver_id, password=PASSWORD)
    return settings


def browser(settings: Settings, name: str = "") -> FlaskClient:
    """A browser in English, signed in if a name is given."""
    client = served(settings).client
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    if name:
        form = {"fleet": "north", "name": name, "password": PASSWORD, "next": "/my"}
        assert client.post("/sign-in", data=form).status_code == 303
    return client


def token(client: FlaskClient) -> str:
    """What a form proves by that it is ours."""
    session = client.get("/v1/session").json
    assert session is not None
    return str(session["csrf_token"])


def test_a_driver_reads_the_own_statement_and_no_other(settings: Settings) -> None:
    driver = browser(settings, "zhang")
    own = driver.get("/my")
    composed = make_statement(settings, "D1", MONTH, language="en").composed
    assert own.status_code == 200
    for figure in composed["headline"]:
        assert figure["text"] in own.text  # one composed object is behind all forms
    assert "form=pdf" in own.text
    assert driver.get(f"/drivers/D1/statements/{MONTH}").status_code == 200
    for page in ("statements", "evidence"):
        assert driver.get(f"/drivers/D2/{page}/{MONTH}").status_code == 403
    for page in ("/disputes", "/map", "/map/track.geojson"):
        assert driver.get(page).status_code == 403


def test_who_looks_at_a_person_in_a_browser_stands_in_the_audit_log(settings: Settings) -> None:
    manager, address = browser(settings, "mei"), f"/drivers/D1/statements/{MONTH}"
    assert manager.get(address).status_code == 200
    newest = read_trail(settings, limit_count=1).events[0]
    assert (newest.who, newest.method, newest.path) == ("manager mei", "GET", address)


def test_a_driver_without_an_account_is_told_what_is_missing(settings: Settings) -> None:
    page = browser(settings, "mei").get(f"/drivers/D2/statements/{MONTH}")
    assert page.status_code == 200
    assert "form=pdf" not in page.text


def test_a_dispute_is_raised_seen_answered_and_kept(settings: Settings) -> None:
    driver, manager = browser(settings, "zhang"), browser(settings, "mei")
    there = f"/drivers/D1/statements/{MONTH}/disputes"
    said = {"text": "<b>No detour</b>", "order_id": "O1", "csrf_token": token(driver)}
    assert driver.post(there, data={**said, "csrf_token": "x"}).status_code == 403
    assert driver.post(there.replace("D1", "D2"), data=said).status_code == 403
    assert driver.post(there, data=said).status_code == 303
    assert "waits for an answer" in driver.get("/my").text

    listed = manager.get("/disputes").text
    assert "&lt;b&gt;No detour" in listed
    answer = {"outcome": "accepted", "text": "Corrected.", "csrf_token": token(manager)}
    assert driver.post("/disputes/1/answers", data=answer).status_code == 403
    assert manager.post("/disputes/1/answers", data=answer).status_code == 303
    assert "Answered (1)" in manager.get("/disputes").text
    assert "Corrected." in driver.get("/my").text
    auditor = browser(settings, "audrey").get("/disputes")
    assert "Corrected." in auditor.text
    assert "<textarea" not in auditor.text  # who may not answer is not asked to


def test_an_unknown_trip_is_refused_in_words(settings: Settings) -> None:
    driver = browser(settings, "zhang")
    said = {"text": "x", "order_id": "none", "csrf_token": token(driver)}
    refused = driver.post(f"/drivers/D1/statements/{MONTH}/disputes", data=said)
    assert (refused.status_code, refused.mimetype) == (404, "text/html")


def test_the_evidence_leads_from_the_grams_to_the_files(settings: Settings) -> None:
    page = browser(settings, "audrey").get(f"/drivers/D1/evidence/{MONTH}")
    assert page.status_code == 200
    assert "every sum holds" in page.text
    assert "positions.csv" in page.text
    assert f"/v1/months/{MONTH}/drivers/D1/statement" in page.text


def test_the_map_lists_every_leg_without_a_script(settings: Settings) -> None:
    page = browser(settings, "mei").get(f"/map?vehicle=V1&month={MONTH}")
    assert page.status_code == 200
    assert page.text.count('<button type="button" class="loaded"') == 2
    assert "img-src 'self' data: blob:;" in page.headers["Content-Security-Policy"]
    track = browser(settings, "mei").get(f"/map/track.geojson?vehicle=V1&month={MONTH}&zoom=9")
    assert track.json is not None
    assert track.json["vehicle_id"] == "V1"
    asked = "/map/track.geojson?vehicle=V1&month=2025-03&zoom="
    assert browser(settings, "mei").get(f"{asked}x").status_code == 404
    assert browser(settings, "mei").get(f"{asked}nan").status_code == 422


def test_only_the_map_may_load_tiles_and_only_if_they_are_set(settings: Settings) -> None:
    tiled = settings.model_copy(update={"tiles_url": "https://tiles.example/{z}/{x}/{y}.png"})
    client = browser(tiled, "mei")
    of_map = client.get(f"/map?month={MONTH}").headers["Content-Security-Policy"]
    assert "img-src 'self' data: blob: https://tiles.example" in of_map
    assert "tiles.example" not in client.get("/verify").headers["Content-Security-Policy"]


def test_anybody_can_verify_a_statement(settings: Settings, tmp_path: Path) -> None:
    proof = make_statement(settings, "D1", MONTH).proof
    assert proof is not None
    text, stranger = proof.text(), browser(settings)
    digest = hashlib.sha256(text.encode()).hexdigest()
    found = stranger.post("/verify", data={"text": text, "digest": digest})
    assert found.status_code == 200
    assert "✓ Proven" in found.text
    other = stranger.post("/verify", data={"text": text, "digest": "0" * 64})
    assert "not the statement that the code names" in other.text
    forged = json.loads(text)
    forged_text = json.dumps(forged).replace('"D1"', '"D2"')
    assert "✗ Not proven" in stranger.post("/verify", data={"text": forged_text}).text


@pytest.mark.parametrize("text", ["", "%PDF-1.7", "[1]", "{", '{"a":' * 5000])
def test_what_is_no_statement_is_refused_in_words(settings: Settings, text: str) -> None:
    found = browser(settings).post("/verify", data={"text": text})
    assert found.status_code == 200
    assert 'role="alert"' in found.text


def test_a_document_that_is_too_long_is_not_read(settings: Settings) -> None:
    found = browser(settings).post("/verify", data={"text": "{" + " " * (9 << 20)})
    assert found.status_code == 413


def test_serials_are_found_by_who_may_read_and_by_nobody_else(settings: Settings) -> None:
    asked = f"/verify?serial={MONTH}/0"
    assert "Sign in to ask for a serial" in browser(settings).get(asked).text
    assert "Sign in to ask for a serial" in browser(settings, "zhang").get(asked).text
    assert "Entries that moved it" in browser(settings, "audrey").get(asked).text
    assert "was never issued" in browser(settings, "audrey").get("/verify?serial=2020-01/5").text


def test_the_pdf_itself_is_verified_and_one_of_another_hand_is_not(
    settings: Settings, tmp_path: Path
) -> None:
    made = make_statement(settings, "D1", MONTH, language="zh")
    assert made.proof is not None
    digest = hashlib.sha256(made.proof.text().encode()).hexdigest()
    path, stranger = tmp_path / "statement.pdf", browser(settings)
    path.write_bytes(made.content(".pdf"))
    assert check_statement(path).is_well
    with path.open("rb") as pdf:
        found = stranger.post("/verify", data={"document": pdf, "digest": digest})
    assert "✓ Proven" in found.text
    assert "It is the very statement that the code names" in found.text
    path.write_bytes(b"%PDF-1.7 printed anew")
    with pytest.raises(InputRefused, match="no signed statement"):
        check_statement(path)


def test_a_driver_asks_for_mail_and_stops_it(settings: Settings) -> None:
    create_user(settings, "zhang@example.org", "driver", driver_id="D1", password=PASSWORD)
    mailing = settings.model_copy(update={"mail_host": "127.0.0.1", "mail_sender": "f@example.org"})
    assert 'id="mail"' not in browser(settings, "zhang").get("/my").text  # no server, no offer
    driver = browser(mailing, "zhang")
    assert "can be sent to zhang@example.org" in driver.get("/my").text
    wish = {"wanted": "1", "csrf_token": token(driver)}
    assert driver.post("/my/mail", data={**wish, "csrf_token": "x"}).status_code == 403
    assert driver.post("/my/mail", data=wish).status_code == 303
    assert "is sent to zhang@example.org" in driver.get("/my").text
    assert driver.post("/my/mail", data=wish).status_code == 422
    assert driver.post("/my/mail", data={**wish, "wanted": "0"}).status_code == 303
    assert "can be sent to zhang@example.org" in driver.get("/my").text
    manager = browser(mailing, "mei")
    asked = manager.post("/my/mail", data={"wanted": "1", "csrf_token": token(manager)})
    assert asked.status_code == 403


def test_all_statements_are_zipped_from_the_page_and_fetched_there(
    settings: Settings, tmp_path: Path
) -> None:
    manager, there = browser(settings, "mei"), f"/my?month={MONTH}"
    assert "Make the ZIP" in manager.get(there).text
    assert "Make the ZIP" not in browser(settings, "zhang").get(there).text
    said = {"csrf_token": token(manager)}
    asked = manager.post(f"/months/{MONTH}/papers", data=said)
    assert (asked.status_code, asked.location) == (303, f"{there}#zip")
    assert 'data-job="/v1/jobs/zip_statements-' in manager.get(there).text
    auditor = create_key(settings, "desk", "auditor").secret
    transport = httpx.WSGITransport(app=manager.application)
    with worker(settings), Client("http://test", auditor, transport=transport) as client:
        job = client.wait(client.zip_papers(MONTH))  # the one of the page
        client.download(job, tmp_path / "all.zip")
    text = manager.get(there).text
    assert "Statements: 1." in text
    found = re.search(r'href="(/v1/downloads/[0-9a-f]{64})" download', text)
    assert found is not None
    assert manager.get(found[1]).data == (tmp_path / "all.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.namelist() == [f"{MONTH}_D1.pdf"]
    assert "保留至" not in manager.get(f"{there}&lang=zh").text  # none of that language was made
    pricing.set_price(settings, PriceRequest("carbon", "90", "CNY", "t", "2025-01-01"))
    close_month(settings, MONTH)
    assert "The month was closed again since" in manager.get(f"{there}&lang=en").text
