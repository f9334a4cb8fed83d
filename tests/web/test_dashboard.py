"""The manager's pages: figures are those of the services, and nobody else sees them."""

from __future__ import annotations

import gzip
import html
import io
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from fleet_carbon.services.accounts.overviews import Choice, read_overview
from fleet_carbon.services.accounts.reporting import report_month
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.people.users import create_user
from fleet_carbon.services.running.jobs import worker
from fleet_carbon.settings import Settings
from fleet_carbon.statements import locales
from fleet_carbon.statements.definitions import DEFINITIONS, INTERVALS
from fleet_carbon.web.pages.fleet_words import FLEET_WORDS
from tests.services.tiny_fleet import MONTH, YARD_KM, shuttle
from tests.web.conftest import Service, served
from tests.web.test_months import three_trucks

PASSWORD = "correct horse battery"
DEPOT = "成都 <North> & co"
_WAIT_S = 400


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Three trucks with the same month, of which the first carried for a customer."""
    folder = tmp_path_factory.mktemp("dashboard")
    settings = Settings(home=folder / "home", fleet="north", cookie_secure=False)
    fleet = three_trucks()
    fleet.orders[0] |= {"shipper_id": "S1"}
    for truck in fleet.vehicles[:2]:
        truck["depot"] = DEPOT
    for kind, path in fleet.write(folder / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    create_user(settings, "mei", "manager", password=PASSWORD)
    create_user(settings, "ann", "auditor", password=PASSWORD)
    create_user(settings, "zhang", "driver", password=PASSWORD, driver_id="D1")
    south = settings.model_copy(update={"fleet": "south"})
    create_user(south, "nan", "manager", password=PASSWORD)
    service = served(settings)
    yield service
    service.client.application.extensions["jobs"].close()


def browser_of(service: Service, name: str, *, fleet: str = "north", language: str = "en") -> Any:
    """The browser of somebody who signed in."""
    client: FlaskClient = service.client.application.test_client()
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
    form = {"fleet": fleet, "name": name, "password": PASSWORD}
    assert client.post("/sign-in", data=form).status_code == 303
    return client


def token_of(browser: FlaskClient) -> dict[str, str]:
    """What a form of ours holds."""
    return {"csrf_token": browser.get("/v1/session").json["csrf_token"]}  # type: ignore[index]


def test_the_figures_of_the_page_are_those_of_the_report(closed: Service) -> None:
    fleet = report_month(closed.settings, MONTH).fleet
    text = browser_of(closed, "mei").get("/").text
    for shown in (
        locales.number(fleet["co2_credited_g"] / 1000, 1, "en"),
        locales.number(fleet["co2_avoided_kg"], 1, "en"),
        locales.number(fleet["co2_avoided_low_kg"], 1, "en"),
        locales.number(fleet["co2_avoided_high_kg"], 1, "en"),
        locales.number(fleet["diesel_saved_l"], 1, "en"),
        locales.percent(fleet["load_rate_share"], "en"),
    ):
        assert shown in text, shown
    # Two of three drives of the same length go loaded, with 10 t of 20 t: a third is empty, and
    # the load rate is 2/3 x 1/2, a third too.
    shares = [float(found) for found in re.findall(r'class="value">([\d.]+)%', text)]
    assert shares[0] == pytest.approx(100 / 3, abs=0.5)
    assert shares[1] == pytest.approx(100 / 3, abs=0.5)


def test_every_card_tells_its_definition(closed: Service) -> None:
    for place, language in enumerate(("en", "zh")):
        text = html.unescape(browser_of(closed, "mei", language=language).get("/").text)
        for name in ("credited", "avoided", "saved", "idle"):
            told = DEFINITIONS[name]
            assert told.text[place] in text, name
            assert INTERVALS[told.interval][place] in text, name


def test_drivers_are_led_to_what_is_theirs_and_see_no_page_of_the_fleet(closed: Service) -> None:
    driver = browser_of(closed, "zhang")
    assert driver.get("/").location == "/my"
    for path in ("/drivers", "/vehicles", "/lanes", "/drivers/D2", "/months", f"/months/{MONTH}"):
        assert driver.get(path).status_code == 403, path
    answer = driver.post(f"/months/{MONTH}/close", data=token_of(driver))
    assert answer.status_code == 403


def test_where_nothing_is_closed_pages_lead_to_what_is_to_be_done(closed: Service) -> None:
    manager = browser_of(closed, "nan", fleet="south", language="zh")
    for path, wanted in (
        ("/", "/files"),
        ("/map", "/files"),
        ("/map", "/months"),
        ("/my", "/months"),
    ):
        assert f'href="{wanted}"' in manager.get(path).text.partition("<main")[2], path


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_month_without_data_says_so_and_what_to_do(closed: Service, language: str) -> None:
    spoken = ("en", "zh").index(language)
    manager = browser_of(closed, "mei", language=language)
    listed = html.unescape(manager.get("/months").text)
    # Of the months down to that of the drives, that one alone has positions.
    rows = re.findall(r"<tr><td.*?</tr>", listed, re.S)
    told = [FLEET_WORDS["no_data"][spoken] in row for row in rows]
    assert told == [f"/months/{MONTH}" not in row for row in rows]
    assert told.count(False) == 1
    assert FLEET_WORDS["months_without_data"][spoken] in listed
    empty = manager.get("/months/2025-02").text.partition("<main")[2]
    assert FLEET_WORDS["month_without_data"][spoken] in html.unescape(empty)
    assert 'href="/files"' in empty
    full = html.unescape(manager.get(f"/months/{MONTH}").text)
    assert FLEET_WORDS["month_without_data"][spoken] not in full


def test_a_choice_without_drives_leads_back_to_the_whole(closed: Service) -> None:
    text = browser_of(closed, "mei").get("/?customer=nobody").text.partition("<main")[2]
    assert FLEET_WORDS["nothing_chosen"][0] in text
    assert f'role="button" href="/?month={MONTH}"' in text


def test_strangers_are_led_to_the_door(closed: Service) -> None:
    stranger = closed.client.application.test_client()
    for path in ("/", "/drivers", "/vehicles", "/lanes", "/drivers/D1", "/months"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.location[:8]) == (302, "/sign-in"), path


def test_another_fleet_sees_nothing_of_this_one(closed: Service) -> None:
    other = browser_of(closed, "nan", fleet="south")
    assert "No month was closed yet." in other.get("/").text
    for path in ("/drivers", "/vehicles", "/lanes", "/months"):
        assert not re.search(r"\b[DV][123]\b|张三", other.get(path).text), path
    assert other.get(f"/?month={MONTH}").status_code == 404
    assert other.get("/drivers/D1").status_code == 404


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pages_speak_both_languages(closed: Service, language: str) -> None:
    place = ("en", "zh").index(language)
    browser = browser_of(closed, "mei", language=language)
    for path in ("/", "/drivers", "/vehicles", "/lanes", "/drivers/D1", "/months"):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert f'<html lang="{("en", "zh-CN")[place]}">' in answer.text
    overview = browser.get("/").text
    for name in ("credited", "empty", "load_rate", "idle", "brought", "quality"):
        assert FLEET_WORDS[name][place] in overview, name


def test_every_month_of_the_trend_has_the_intervals_of_its_report(closed: Service) -> None:
    (month,) = read_overview(closed.settings, MONTH).trend
    bounds = report_month(closed.settings, MONTH).bounds["fleet"][""]
    assert month["bounds"] == bounds
    assert bounds.keys() >= {"diesel_saved_l", "empty_share", "load_rate_share"}
    text = browser_of(closed, "mei").get("/").text
    table = text[text.index('id="trend"') :].partition("</figure>")[0]
    assert "Show 90% intervals" in table
    # CO2 avoided, diesel saved, empty share and load rate; what is credited is a lower bound.
    assert table.count('class="interval"') == 4
    low_l, high_l = (locales.number(one, 1, "en") for one in bounds["diesel_saved_l"])
    assert f"{low_l} to {high_l} l" in table


def test_a_filter_shows_a_part_of_the_fleet(closed: Service) -> None:
    whole = read_overview(closed.settings, MONTH).report.fleet
    one = read_overview(closed.settings, MONTH, Choice(driver_id="D1")).report
    assert [row["driver_id"] for row in one.tables["drivers"].to_dict("records")] == ["D1"]
    # The three drive the same.
    assert one.fleet["distance_km"] == pytest.approx(whole["distance_km"] / 3, rel=1e-3)
    assert one.fleet["distance_km"] == pytest.approx(3 * YARD_KM, rel=0.02)
    carried = read_overview(closed.settings, MONTH, Choice(shipper_id="S1")).report.fleet
    assert carried["accounts_count"] == 1
    assert (
        read_overview(closed.settings, MONTH, Choice(shipper_id="S9")).trend[0]["accounts_count"]
        == 0
    )
    text = browser_of(closed, "mei").get("/?driver=nobody").text
    assert "Nothing was driven by this choice." in text


def test_depots_part_the_fleet_and_add_up_to_it(closed: Service) -> None:
    report = report_month(closed.settings, MONTH)
    none, yard = report.as_dict()["depots"]
    assert (yard["depot"], none["depot"]) == (DEPOT, None)
    assert (yard["vehicles_count"], none["vehicles_count"]) == (2, 1)
    # Two trucks drove three times from yard to yard, and one did.
    assert yard["distance_km"] == pytest.approx(2 * 3 * YARD_KM, rel=0.02)
    assert none["distance_km"] == pytest.approx(3 * YARD_KM, rel=0.02)
    for name in ("co2_credited_g", "orders_count", "accounts_count"):
        assert yard[name] + none[name] == report.fleet[name], name
    for name in ("diesel_l", "diesel_saved_l", "co2_avoided_kg", "distance_km"):
        assert yard[name] + none[name] == pytest.approx(report.fleet[name], rel=1e-12), name


def names_in(text: str) -> list[str]:
    """The drivers of a table, in order."""
    return re.findall(r'href="/drivers/(D\d)\?', text)


def test_a_table_is_sorted_searched_and_turned_over(closed: Service) -> None:
    browser = browser_of(closed, "mei")
    rows = {
        row["driver_id"]: row["co2_credited_g"]
        for row in report_month(closed.settings, MONTH).tables["drivers"].to_dict("records")
    }
    falling = names_in(browser.get("/drivers?sort=-credited").text)
    assert [rows[name] for name in falling] == sorted(rows.values(), reverse=True)
    assert 'aria-sort="descending"' in browser.get("/drivers?sort=-credited").text
    assert names_in(browser.get("/drivers?q=d2").text) == ["D2"]
    assert "Nothing is like that." in browser.get("/drivers?q=zzz").text
    # Pages that are not there, and sorting by nothing known, are no faults.
    for asked in ("page=99", "page=-1", "page=x", "sort=nothing", "q=%22%3E%3Cscript%3E"):
        answer = browser.get(f"/drivers?{asked}")
        assert answer.status_code == 200, asked
        assert "<script>" not in answer.text
    assert f"/map?vehicle=V1&amp;month={MONTH}" in browser.get("/vehicles").text


def test_a_driver_is_shown_with_months_and_orders_in_sentences(closed: Service) -> None:
    text = browser_of(closed, "mei").get("/drivers/D1").text
    assert "O10" in text
    assert "O20" not in text
    assert "10 t" in text
    assert browser_of(closed, "mei").get("/drivers/nobody").status_code == 404


def test_a_month_is_told_with_its_state_and_closes(closed: Service) -> None:
    manager, auditor = browser_of(closed, "mei"), browser_of(closed, "ann")
    credited_g = report_month(closed.settings, MONTH).fleet["co2_credited_g"]
    text = manager.get(f"/months/{MONTH}").text
    assert 'class="state closed"' in text
    assert locales.number(credited_g / 1000, 1, "en") in text
    assert f"/months/{MONTH}" in manager.get("/months").text
    assert "/preview" in text
    assert "/preview" not in auditor.get(f"/months/{MONTH}").text
    assert auditor.post(f"/months/{MONTH}/close", data=token_of(auditor)).status_code == 403
    assert manager.post(f"/months/{MONTH}/close").status_code == 403  # without our token
    assert manager.get("/months/2025-13").status_code in (400, 422)


def test_the_report_of_a_month_is_fetched_from_its_pages(closed: Service) -> None:
    begins = {"pdf": b"%PDF-", "xlsx": b"PK", "html": b"<!doctype html>"}
    for language, heading in (("en", 'lang="en"'), ("zh", 'lang="zh-CN"')):
        manager = browser_of(closed, "mei", language=language)
        for path in ("/", f"/months/{MONTH}"):
            linked = re.findall(rf'href="(/reports/{MONTH}\.\w+)" download', manager.get(path).text)
            assert linked == [f"/reports/{MONTH}.{suffix}" for suffix in begins], path
        for suffix, begin in begins.items():
            answer = manager.get(f"/reports/{MONTH}.{suffix}")
            assert answer.status_code == 200
            assert answer.data[:15].lower().startswith(begin.lower())
            assert f"report-{MONTH}.{suffix}" in answer.headers["Content-Disposition"]
        assert heading in manager.get(f"/reports/{MONTH}.html").text
    assert "/reports/" not in browser_of(closed, "mei").get("/months/2024-01").text
    assert browser_of(closed, "mei").get("/reports/2024-01.pdf").status_code == 404
    assert browser_of(closed, "zhang").get(f"/reports/{MONTH}.pdf").status_code == 403
    assert browser_of(closed, "nan", fleet="south").get(f"/reports/{MONTH}.pdf").status_code == 404


def test_a_close_is_previewed_and_then_confirmed(closed: Service) -> None:
    manager = browser_of(closed, "mei")
    asked = manager.post(f"/months/{MONTH}/preview", data=token_of(manager))
    assert asked.status_code == 303
    assert f'data-job="/v1/jobs/{asked.location.partition("job=")[2]}"' in (
        manager.get(asked.location).text
    )
    with worker(closed.settings):
        until_s = time.monotonic() + _WAIT_S
        while "data-job=" in (text := manager.get(asked.location).text):
            assert time.monotonic() < until_s
            time.sleep(0.2)
    assert "This would be posted" in text
    assert f"/months/{MONTH}/close" in text
    # It is not shown on another month, nor to another fleet.
    assert "This would be posted" not in manager.get(asked.location.replace(MONTH, "2025-04")).text
    other = browser_of(closed, "nan", fleet="south")
    assert "This would be posted" not in other.get(asked.location).text


def test_a_month_leads_down_to_the_fix_and_back(closed: Service) -> None:
    browser = browser_of(closed, "mei")
    month = browser.get(f"/drivers/D1?month={MONTH}").text
    day = re.findall(r'href="(/drivers/D1/days/[\d-]+)"', month)
    assert len(day) == 1  # three drives of one day
    legs = browser.get(day[0]).text
    assert legs.count('class="line loaded"') == 2
    assert legs.count('class="line empty"') == 1
    assert "/orders/O10" in legs
    order = browser.get("/orders/O10").text
    assert "Loaded and unloaded where the order says" in order
    leg = re.findall(r'href="(/vehicles/V1/legs/[^"]+)"', order)[0]
    found = browser.get(leg).text
    # 30.0 N to 30.5 N by a fix every 30 s at 60 km/h: the first at the yard, as it was sent.
    assert '<td class="number">105.003000</td>' in found
    assert f"/map?vehicle=V1&amp;month={MONTH}&amp;leg=" in found
    at = html.unescape(re.findall(r'href="(/map\?[^"]+)"', found)[0])
    drawn = browser.get(at).text
    assert leg in drawn  # and back
    assert "/orders/O10" in drawn
    assert f'data-chosen="{leg.rpartition("/")[2].replace("%3A", ":")}"' in drawn


def test_the_litres_and_grams_of_the_days_are_those_of_the_account(closed: Service) -> None:
    text = browser_of(closed, "mei").get(f"/vehicles/V1?month={MONTH}").text
    row = re.search(r"/vehicles/V1/days/.*?</tr>", text, re.DOTALL)
    assert row is not None
    cells = re.findall(r'class="number">([^<]*)<', row[0])
    account = report_month(closed.settings, MONTH).tables["vehicles"].iloc[0]
    assert cells[5] == locales.number(float(account["diesel_l"]), 1, "en")
    assert cells[6] == locales.number(int(account["co2_credited_g"]) / 1000, 1, "en")


def test_only_what_is_in_view_is_drawn_and_packed(closed: Service) -> None:
    browser = browser_of(closed, "mei")
    whole = f"/map/track.geojson?vehicle=V1&month={MONTH}&zoom=14"
    packed = browser.get(whole, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == browser.get(whole).data
    assert browser.get(f"{whole}&bbox=10,10,11,11").json["features"] == []  # type: ignore[index]
    for wrong in ("bbox=1,2,3", "bbox=a,b,c,d", "zoom=deep"):
        assert (
            browser.get(f"/map/track.geojson?vehicle=V1&month={MONTH}&{wrong}").status_code == 404
        )


def test_what_is_not_there_is_told_as_such(closed: Service) -> None:
    browser = browser_of(closed, "mei")
    for path in (
        "/orders/O99",
        "/drivers/D1/days/2025-03-01",
        "/drivers/D1/days/yesterday",
        "/vehicles/V1/legs/2025-03-10T00:00:01Z",
    ):
        assert browser.get(path).status_code == 404, path
    assert "No leg began in this month" in browser.get(f"/vehicles/V9?month={MONTH}").text


def test_lanes_are_called_by_their_cities_in_both_languages(closed: Service) -> None:
    # 105 E, 30 to 30.5 N lies in Sichuan.
    assert "四川" in browser_of(closed, "mei", language="zh").get("/lanes").text
    assert ", Sichuan" in browser_of(closed, "mei").get("/lanes").text


def test_the_choice_goes_along_to_the_lists(closed: Service) -> None:
    browser = browser_of(closed, "mei")
    overview = browser.get(f"/?month={MONTH}&driver=D2").text
    address = html.unescape(re.findall(r'href="(/drivers\?[^"]+)"', overview)[0])
    assert "driver=D2" in address
    listed = browser.get(address).text
    assert "/drivers/D2?" in listed
    assert "/drivers/D1?" not in listed
    assert '<option value="D2" selected>' in listed


def test_search_finds_by_number_name_and_place_and_nobody_else_may(closed: Service) -> None:
    browser = browser_of(closed, "mei")
    for asked, found in (
        ("d2", "/drivers/D2"),
        ("张", "/drivers/D1"),
        ("v3", "/vehicles/V3"),
        ("O1", "/orders/O10"),
        ("sichuan", "/lanes?"),
        ("四川", "/lanes?"),
    ):
        assert f'href="{found}' in browser.get("/search", query_string={"q": asked}).text, asked
    assert "Nothing on record is called like that" in browser.get("/search?q=%25").text
    assert browser_of(closed, "zhang").get("/search?q=d2").status_code == 403
    assert "/drivers/D2" not in browser_of(closed, "nan", fleet="south").get("/search?q=d2").text


def test_an_auditor_is_led_from_a_serial_and_a_statement_to_fixes_and_the_bundle(
    closed: Service, tmp_path: Path
) -> None:
    browser = browser_of(closed, "ann")
    located = browser.get(f"/verify?serial={MONTH}/0-10").text
    evidence = re.findall(r'href="(/drivers/D\d/evidence/[\d-]+)"', located)[0]
    assert "issued → held by driver" in located  # grams go from what was issued to who holds them
    driver_id = evidence.split("/")[2]
    chain = browser.get(evidence).text
    assert f"/drivers/{driver_id}?month={MONTH}#days" in chain
    packed = browser.get(f"{evidence}/bundle.zip")
    assert packed.mimetype == "application/zip"
    assert packed.data == browser.get(f"{evidence}/bundle.zip").data  # equal records, equal bytes
    bundle = zipfile.ZipFile(io.BytesIO(packed.data))
    proof = bundle.read("statement.json")
    form = {**token_of(browser), "document": (io.BytesIO(proof), "statement.json")}
    proven = browser.post("/verify", data=form).text
    assert f'href="{evidence}"' in proven
    # As many fixes as were sent from the first departure to the last arrival, stops left out.
    fixes = bundle.read("fixes.csv").decode().splitlines()
    assert fixes[0] == "vehicle_id,started_at,at,lon,lat,speed_kmh,dropped"
    sent = [row["time"] for row in shuttle(3)]
    assert 0.5 * len(sent) < len(fixes) - 1 <= len(sent)
    bundle.extractall(tmp_path)
    checked = subprocess.run(
        [sys.executable, "checker.py", "statement.json"],
        cwd=tmp_path,
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "proven" in checked.stdout


def test_a_driver_takes_the_own_bundle_and_no_other(closed: Service) -> None:
    browser = browser_of(closed, "zhang")
    assert browser.get(f"/drivers/D1/evidence/{MONTH}/bundle.zip").status_code == 200
    assert browser.get(f"/drivers/D2/evidence/{MONTH}/bundle.zip").status_code == 403
    assert "/vehicles/V1" not in browser.get(f"/drivers/D1/evidence/{MONTH}").text


def test_a_depot_is_looked_at_alone_and_follows_the_register(closed: Service) -> None:
    browser = browser_of(closed, "mei")
    listed = browser.get("/depots").text
    assert "Without a depot" in listed
    address, of_none = map(html.unescape, re.findall(r'href="(/\?month=[^"]*depot=[^"]*)"', listed))
    if "depot=+" in address:
        address, of_none = of_none, address
    without = browser.get(of_none).text
    assert '<option value=" " selected>Without a depot' in without
    trucks = html.unescape(re.findall(r'href="(/vehicles\?[^"]+)"', without)[0])
    assert set(re.findall(r'href="/vehicles/(\w+)', browser.get(trucks).text)) == {"V3"}
    overview = browser.get(address).text
    assert '<option value="成都 &lt;North&gt; &amp; co" selected' in overview
    drivers = html.unescape(re.findall(r'href="(/drivers\?[^"]+)"', overview)[0])
    assert set(names_in(browser.get(drivers).text)) == {"D1", "D2"}
    assert set(names_in(browser.get("/drivers?depot=nowhere").text)) == set()
    assert DEPOT.partition(" ")[0] not in browser_of(closed, "nan", fleet="south").get("/").text
    # Last of this module: what comes after the close makes the month stale.
    admin = closed.caller("admin", fleet="north")
    (truck,) = admin.get("/v1/vehicles?depot=" + quote(DEPOT)).json["rows"][1:]
    sent = {name: truck[name] for name in ("vehicle_id", "rated_payload_t", "energy")}
    assert admin.post("/v1/vehicles", json=[sent | {"depot": "East"}]).status_code == 200
    east = read_overview(closed.settings, MONTH, Choice(depot="East"))
    assert [row["driver_id"] for row in east.rows("drivers")] == ["D2"]
    assert east.depots == ("East", DEPOT)
    assert len(east.rows("depots")) == 1


def test_whose_orders_are_sent_anew_is_looked_at_anew(closed: Service) -> None:
    def drivers_of(shipper_id: str) -> list[str]:
        found = read_overview(closed.settings, MONTH, Choice(shipper_id=shipper_id))
        return [row["driver_id"] for row in found.rows("drivers")]

    assert drivers_of("S7") == []
    admin = closed.caller("admin", fleet="north")
    order = three_trucks().orders[-1]
    changed = order | {"version": 2, "shipper_id": "S7"}
    assert admin.post("/v1/orders", json=[changed]).status_code == 200
    assert drivers_of("S7") == ["D3"]
