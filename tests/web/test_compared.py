"""Baselines side by side on a page, as they stand on record; new lines by a form; prices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from fleet_carbon.quantification.editions import load_editions
from fleet_carbon.quantification.joining import SINCE_JOINING
from fleet_carbon.services.accounts import counterfactuals
from fleet_carbon.services.accounts.counterfactuals import (
    NOTES,
    SAVED_AGAINST,
    read_counterfactuals,
)
from fleet_carbon.services.accounts.reading import read_table
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.people.users import create_user
from fleet_carbon.settings import Settings
from fleet_carbon.statements import chinese, reasons, wording
from fleet_carbon.web.pages.words import WORDS
from tests.services.tiny_fleet import MONTH, TinyFleet
from tests.web.conftest import served
from tests.web.person import PASSWORD, Person

# Seven years of 365.25 days after the day of the line, in whole days.
SERVES_DAYS = 2556


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The tiny fleet, its month closed, with a line of the class beside that of the driver."""
    folder = tmp_path_factory.mktemp("compared")
    settings = Settings(home=folder / "home", fleet="north", cookie_secure=False)
    fleet = TinyFleet()
    classes = {"driver_id": "", "vehicle_class": "tractor_trailer", "empty_share": 0.45}
    fleet.baselines.append(fleet.baselines[0] | classes)
    for kind, path in fleet.write(folder / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    for name, role in (("mei", "manager"), ("ann", "auditor")):
        create_user(settings, name, role, password=PASSWORD)
    return settings


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[FlaskClient]:
    client = served(settings).client
    yield client
    client.application.extensions["jobs"].close()


@pytest.fixture(scope="module")
def mei(client: FlaskClient) -> Person:
    return Person(client, "mei")


def test_baselines_are_told_as_they_counted(settings: Settings) -> None:
    found = read_counterfactuals(settings, MONTH)
    assert found is not None
    (account,) = found.accounts
    (row,) = read_table(settings, "accounts", MONTH).rows.to_dict("records")
    assert (account["counted"], account["saved_l"]) == (
        row["baseline_source"],
        row["diesel_saved_l"],
    )
    told = {one["source"]: one for one in account["baselines"]}
    assert set(told) == {"declared_driver", "declared_class"}
    for source, one in told.items():
        assert one["saved_l"] == row[SAVED_AGAINST[source]]
    # The smallest saving counts, and more than one was there to choose from.
    assert account["saved_l"] == min(one["saved_l"] for one in told.values())
    assert account["is_smallest"]
    assert told[account["counted"]]["from_on"] == row["baseline_from"]
    assert found.counted == {account["counted"]: 1}


def test_what_months_since_joining_tell_is_said_and_is_no_baseline(
    settings: Settings, mei: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read_counterfactuals(settings, MONTH)
    assert found is not None
    assert found.accounts[0]["since_joining"] is None
    told = {"source": "since_joining", "empty_share": 0.375, "payload_share": 0.5}
    found.accounts[0]["since_joining"] = told | {"sample_count": 7}
    monkeypatch.setattr(counterfactuals, "read_counterfactuals", lambda *_, **__: found)
    text = mei.get(f"/baselines?month={MONTH}").text
    assert "what joining changed with others: 37.5% empty, 50.0% used; 7 others." in text
    assert "of 2 it has the smallest saving." in text


def test_a_line_serves_as_long_as_the_edition_says(settings: Settings) -> None:
    from datetime import date, timedelta

    found = read_counterfactuals(settings, MONTH)
    assert found is not None
    one = found.accounts[0]["baselines"][0]
    until = date.fromisoformat(one["from_on"]) + timedelta(days=SERVES_DAYS)
    assert one["serves_until"] == until.isoformat()
    assert found.edition in {edition.label for edition in load_editions(settings.models_dir)}


def test_accounts_are_searched_and_paged(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = read_counterfactuals(settings, MONTH, search="nobody")
    after = read_counterfactuals(settings, MONTH, first=1)
    assert nobody is not None
    assert after is not None
    assert (nobody.accounts, nobody.accounts_count) == ([], 0)
    assert (after.accounts, after.accounts_count) == ([], 1)
    # Where nobody on record has a name.
    monkeypatch.setattr(counterfactuals, "shown_names", lambda _work: {})
    by_id = read_counterfactuals(settings, MONTH, search="d1")
    assert by_id is not None
    assert by_id.accounts_count == 1
    south = settings.model_copy(update={"fleet": "south"})
    assert read_counterfactuals(south, "") is None


def test_the_page_says_which_counts_and_why(mei: Person) -> None:
    text = mei.get(f"/baselines?month={MONTH}").text
    assert "of 2 it has the smallest saving." in text
    assert text.count('<tr class="counted">') == 1
    assert mei.get("/baselines?month=2024-01").status_code == 404


def test_a_new_line_is_declared_as_a_file_of_one_row_would(
    mei: Person, client: FlaskClient, settings: Settings
) -> None:
    form = {
        "driver_id": "D1",
        "vehicle_class": "",
        "valid_from": "2027-01-01",
        "empty_share": "32.5",
        "payload_utilisation_share": "81",
    }
    done = mei.post("/baselines", **form)
    assert done.status_code == 303
    text = mei.get(done.location.partition("#")[0]).text
    assert "32.5%" in text
    assert "The line is on record." in text
    for change, wrong in (
        ({"vehicle_class": "tractor_trailer"}, "The line names a driver and a class"),
        ({"driver_id": "D99"}, "The driver is not registered"),
        ({"empty_share": "many"}, "This is no number"),
    ):
        refused = mei.post("/baselines", **form | change)
        assert (refused.status_code, wrong in refused.text) == (422, True), change
    ann = Person(client, "ann")
    assert ann.post("/baselines", **form).status_code == 403
    assert 'method="post" action="/baselines"' not in ann.get("/baselines").text


def test_every_note_and_baseline_has_words() -> None:
    for code in NOTES:
        assert reasons.note_sentence(code) != code.replace("_", " ") + ".", code
        assert chinese.note_sentence(code), code
    assert {*SAVED_AGAINST, SINCE_JOINING} == set(wording.BASELINES)
    assert {f"baseline_{source}_about" for source in SAVED_AGAINST} <= WORDS.keys()


def test_prices_are_told_with_the_moment_they_were_put_on_record(mei: Person) -> None:
    price = {"series": "CEA", "price": "73.06", "currency": "CNY", "unit": "t"}
    assert mei.post("/prices", valid_from="2026-01-01", **price).status_code == 303
    text = mei.get("/prices").text
    assert "CN¥73.06" in text
    assert "1 Jan 2026" in text


def test_a_job_that_waits_is_cancelled_on_its_page(mei: Person) -> None:
    asked = mei.post(f"/months/{MONTH}/preview").location
    assert "data-job=" in mei.get(asked).text
    job_id = asked.partition("job=")[2]
    cancelled = mei.post(f"/months/{MONTH}/cancellation", job=job_id)
    assert cancelled.location == asked
    assert "It was cancelled before it began." in mei.get(asked).text
    assert mei.post(f"/months/{MONTH}/cancellation", job="none").status_code == 303
