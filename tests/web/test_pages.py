"""The frame of the pages: who comes in, in which language, and what a browser may load."""

from __future__ import annotations

import ast
import gzip
import re
from collections import Counter
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from fleet_carbon.services.people.users import create_user
from fleet_carbon.settings import Settings
from fleet_carbon.web.pages.words import WORDS
from tests.web.conftest import served

TEMPLATES = Path(__file__).resolve().parents[2] / "fleet_carbon" / "web" / "templates"
PAGES = TEMPLATES.parent / "pages"
PASSWORD = "correct horse battery"


@pytest.fixture
def browser(tmp_path: Path) -> FlaskClient:
    """A browser before the pages of a fleet in which Mei is a manager."""
    settings = Settings(home=tmp_path / "home", fleet="north", cookie_secure=False)
    create_user(settings, "mei", "manager", password=PASSWORD)
    client = served(settings).client
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def signed_in(browser: FlaskClient, *, wanted: str = "/", password: str = PASSWORD):
    """The answer to the form of the door."""
    form = {"fleet": "north", "name": "mei", "password": password, "next": wanted}
    return browser.post("/sign-in", data=form)


def test_who_knows_the_password_goes_on_to_what_was_wanted(browser: FlaskClient) -> None:
    answer = signed_in(browser, wanted="/drivers?month=2026-09")
    assert (answer.status_code, answer.location) == (303, "/drivers?month=2026-09")
    assert "HttpOnly" in answer.headers["Set-Cookie"]


def test_a_wrong_password_is_refused_in_words(browser: FlaskClient) -> None:
    answer = signed_in(browser, password="a wrong one entirely")
    assert answer.status_code == 401
    assert "User name or password is wrong." in answer.text
    assert "Set-Cookie" not in answer.headers


def test_who_must_wait_is_told_so_in_the_own_language(browser: FlaskClient) -> None:
    while (answer := signed_in(browser, password="a wrong one entirely")).status_code == 401:
        assert "Retry-After" not in answer.headers
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "zh"
    in_chinese = signed_in(browser)
    assert (answer.status_code, in_chinese.status_code) == (429, 429)
    assert "Too many sign-ins by this name failed" in answer.text
    assert "登录失败次数过多" in in_chinese.text
    assert int(in_chinese.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example"]
)
def test_nobody_is_led_elsewhere_by_a_link_to_our_door(
    browser: FlaskClient, elsewhere: str
) -> None:
    assert signed_in(browser, wanted=elsewhere).location == "/"


def test_a_form_of_another_site_signs_nobody_in(browser: FlaskClient) -> None:
    form = {"fleet": "north", "name": "mei", "password": PASSWORD}
    answer = browser.post("/sign-in", data=form, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_signing_out_needs_what_only_our_page_knows(browser: FlaskClient) -> None:
    signed_in(browser)
    assert browser.post("/sign-out").status_code == 403
    token = browser.get("/v1/session").json["csrf_token"]
    assert browser.post("/sign-out", data={"csrf_token": token}).location == "/sign-in"
    assert browser.get("/v1/session").status_code == 401


def test_every_page_has_a_proof_of_its_own_and_each_of_them_serves(browser: FlaskClient) -> None:
    signed_in(browser)
    tokens = [browser.get("/v1/session").json["csrf_token"] for _ in range(2)]
    assert tokens[0] != tokens[1]
    for wrong in (tokens[0][:-1], tokens[0][::-1], tokens[0][:32] + tokens[1][32:], ""):
        assert browser.post("/sign-out", data={"csrf_token": wrong}).status_code == 403
    assert browser.post("/sign-out", data={"csrf_token": tokens[0]}).location == "/sign-in"


def test_a_page_comes_packed_to_whoever_can_unpack_it(browser: FlaskClient) -> None:
    plain = browser.get("/sign-in")
    packed = browser.get("/sign-in", headers={"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(packed.data) == plain.data


def test_the_page_speaks_as_the_browser_asks_and_as_was_chosen(browser: FlaskClient) -> None:
    assert "<h1>Sign in</h1>" in browser.get("/sign-in").text
    chinese = browser.get("/sign-in?lang=zh")
    assert '<html lang="zh-CN">' in chinese.text
    assert "<h1>登录</h1>" in chinese.text
    assert "<h1>登录</h1>" in browser.get("/sign-in").text  # it is remembered


def test_a_browser_loads_nothing_from_elsewhere(browser: FlaskClient) -> None:
    answer = browser.get("/sign-in")
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert re.findall(r"(?:src|href)=\"(?!/|#)", answer.text) == []


def test_what_a_page_loads_may_be_kept_for_good(browser: FlaskClient) -> None:
    text = browser.get("/sign-in").text
    for address in re.findall(r"(?:src|href)=\"(/assets/[^\"]+)\"", text):
        answer = browser.get(address, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["Cache-Control"]


def test_a_tab_without_a_page_of_ours_has_our_icon(browser: FlaskClient) -> None:
    answer = browser.get("/favicon.ico", follow_redirects=True)
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert "<svg" in answer.text
    assert answer.request.path.startswith("/assets/")


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "fonts/../../app.py", "nothing.js"])
def test_nothing_but_assets_is_sent(browser: FlaskClient, name: str) -> None:
    assert browser.get(f"/assets/x/{name}").status_code == 404


def test_a_program_is_told_a_problem_and_a_person_a_page(browser: FlaskClient) -> None:
    person = browser.get("/nowhere")
    assert (person.status_code, person.mimetype) == (404, "text/html")
    program = browser.get("/nowhere", headers={"Accept": "application/json"})
    assert program.mimetype == "application/problem+json"
    assert browser.get("/v1/nowhere").mimetype == "application/problem+json"


@pytest.mark.parametrize(
    ("address", "form", "status", "told"),
    [
        ("/months/2025-03/preview", None, 405, "There is no such page"),
        ("/sign-in", b"x" * (65 << 20), 413, "What you sent is too large"),
    ],
)
def test_what_a_browser_did_wrong_is_not_called_our_fault(
    browser: FlaskClient, address: str, form: object, status: int, told: str
) -> None:
    signed_in(browser)
    answer = browser.get(address) if form is None else browser.post(address, data=form)
    assert (answer.status_code, told in answer.text) == (status, True), answer.text


def test_every_word_stands_in_both_languages() -> None:
    assert [name for name, texts in WORDS.items() if not all(texts)] == []


def test_no_word_is_told_twice() -> None:
    names: Counter[str] = Counter()
    for path in PAGES.glob("*words.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            keys = node.keys if isinstance(node, ast.Dict) else ()
            names.update(str(key.value) for key in keys if isinstance(key, ast.Constant))
    assert [name for name, count in names.items() if count > 1] == []


def test_every_word_that_a_template_uses_is_there() -> None:
    used = {
        name
        for path in TEMPLATES.glob("*.html")
        for name in re.findall(r"\bt\(['\"](\w+)['\"]", path.read_text(encoding="utf-8"))
    }
    # Of some the name is put together: its beginning stands in the template.
    begun = {name for name in used if name.endswith("_")}
    assert [name for name in begun if not any(known.startswith(name) for known in WORDS)] == []
    assert used - begun - WORDS.keys() == set()


def token(browser: FlaskClient) -> str:
    """What a form of ours proves itself by."""
    return browser.get("/v1/session").json["csrf_token"]


def test_a_price_is_put_on_record_and_shown(browser: FlaskClient) -> None:
    signed_in(browser)
    price = {
        "series": "CEA",
        "price": "73.06",
        "currency": "CNY",
        "unit": "t",
        "valid_from": "2026-01-01",
        "csrf_token": token(browser),
    }
    assert browser.post("/prices", data=price).location == "/prices"
    assert "73.06" in browser.get("/prices").text
    refused = browser.post("/prices", data=price | {"price": "much"})
    assert refused.status_code == 422
    assert "much" in refused.text
