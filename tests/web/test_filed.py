"""Files sent through the browser: several at once, with what became of every row."""

from __future__ import annotations

import ast
import html
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from flask.testing import FlaskClient

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.intake import previewing, uploading
from fleet_carbon.services.intake.ingesting import KINDS, Source
from fleet_carbon.services.people.users import create_user
from fleet_carbon.settings import Settings
from fleet_carbon.statements.preview_words import preview_told
from fleet_carbon.statements.refusals import refusal_of
from fleet_carbon.web.pages import filed
from fleet_carbon.web.pages.words import WORDS
from tests.web.conftest import served
from tests.web.person import PASSWORD, Person

VEHICLES = b"vehicle_id,rated_payload_t\nV1,20\nV2,heavy\n"
STATES = {"Accept": "application/x-ndjson"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("filed") / "home"
    settings = Settings(home=home, fleet="north", cookie_secure=False)
    for name, role in (("mei", "manager"), ("dan", "dispatcher"), ("ann", "auditor")):
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


def sent(content: bytes, name: str) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), name


def test_several_files_are_taken_in_and_trucks_come_before_what_names_them(mei: Person) -> None:
    assignments = b"driver_id,vehicle_id,from\nD1,T1,2026-09-01\n"
    files = [
        sent(assignments, "assignments.csv"),
        sent(b"driver_id\nD1\n", "\u53f8\u673a.csv"),
        sent(b"", "orders.csv"),
        sent(b"vehicle_id,rated_payload_t\nT1,20\n", "../my trucks.csv"),
    ]
    answer = mei.post("/files", file=files)
    assert answer.status_code == 200
    assert answer.text.count("1 rows read: 1 taken, 0 known already, 0 refused.") == 3
    # One that is refused as a whole keeps no other from being taken.
    assert "The file is empty. Export it again." in answer.text
    listed = mei.get("/files").text
    assert "my_trucks.csv" in listed
    assert "../" not in listed


def test_what_arrived_is_found_by_kind_and_page_by_page(
    mei: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        row = f"driver_id\nE{number}\n".encode()
        mei.post("/files", kind="drivers", file=sent(row, f"hired-{number}.csv"))
    mei.post("/files", file=sent(b"vehicle_id,rated_payload_t\nE1,20\n", "vehicles-late.csv"))
    monkeypatch.setattr(filed, "_SHOWN", 2)
    first = mei.get("/files?kind=drivers").text
    assert "hired-2.csv" in first
    assert "hired-0.csv" not in first
    assert "vehicles-late.csv" not in first
    assert "vehicles-late.csv" in mei.get("/files").text
    [following] = re.findall(r'rel="next" href="([^"]+)"', first)
    second = mei.get(html.unescape(following)).text
    assert "hired-0.csv" in second
    assert "hired-2.csv" not in second


def test_refused_rows_are_told_in_words_with_what_to_do(mei: Person) -> None:
    answer = mei.post("/files", kind="vehicles", file=sent(VEHICLES, "list.csv"))
    assert "2 rows read: 1 taken, 0 known already, 1 refused." in answer.text
    assert "This is no number" in answer.text
    assert "Write digits with a point, without a unit." in answer.text


def test_a_form_without_a_file_or_a_kind_says_what_is_needed(mei: Person) -> None:
    for form in ({"kind": "vehicles"}, {"kind": "", "file": sent(VEHICLES, "list.csv")}):
        answer = mei.post("/files", **form)
        assert answer.status_code == 422
        assert "say what they hold" in answer.text


def test_the_states_of_a_file_end_with_what_became_of_it(mei: Person) -> None:
    form = {"kind": "", "file": sent(VEHICLES, "vehicles-2.csv")}
    answer = mei.post("/files", headers=STATES, **form)
    *before, last = map(json.loads, answer.text.splitlines())
    assert {one["state"] for one in before} == {"reading"}
    assert before[0]["rows_about"] == 2
    assert (last["state"], last["rows_read"], last["rows_rejected"]) == ("done", 2, 1)
    assert last["rejections"][0]["wrong"] == "This is no number"


def test_a_file_that_is_refused_says_so_in_the_language_of_the_page(mei: Person) -> None:
    form = {"kind": "drivers", "file": sent(b"name\nAnn\n", "x.csv")}
    headers = STATES | {"Accept-Language": "zh-CN"}
    last = json.loads(mei.post("/files", headers=headers, **form).text.splitlines()[-1])
    assert (last["state"], last["code"]) == ("refused", "column_missing")
    assert last["message"].startswith("\u7f3a\u5c11\u5217\uff1adriver_id\u3002")


PROFILE = b"columns: {order_id: No, cargo_t: Mass}\nunits: {cargo: kg}\n"
_ROW = "O1;T1;30000;运城;太原;2026-03-02 06:45;2026-03-02 15:30;7"
ORDERS = "\n".join(
    ["No;车辆编号;Mass;装货地;卸货地;装货时间;卸货时间;Seal", _ROW, _ROW.replace("30000", "a lot")]
).encode("gb18030")


@pytest.mark.parametrize("spoken", ["en", "zh"])
def test_a_file_is_looked_at_with_its_profile_and_nothing_is_kept(mei: Person, spoken: str) -> None:
    mei.post("/files", file=sent(b"vehicle_id,rated_payload_t\nT1,49\n", "vehicles.csv"))
    before = mei.get("/v1/files").json["files"]
    asked = {"file": sent(ORDERS, "orders.csv"), "profile": sent(PROFILE, "board.yaml")}
    answer = mei.post("/files?lang=" + spoken, **asked, preview="1")
    assert answer.status_code == 200
    shown = answer.text.partition("data-previews")[2].partition("<form")[0]
    # Encoding and separator with what tells them, the mass in its unit, what serves nothing.
    for told in ("gb18030", "kg -&gt; t", "30000", "Seal", "30.0", "2026-03-02 06:45:00+08:00"):
        assert told in shown, told
    english = ("all are GB18030", "the source profile says so", "other systems use", "(heading)")
    assert [text in shown for text in english[:3]] == [spoken == "en"] * 3
    assert "a lot" in shown  # the row that would be refused
    assert mei.get("/v1/files").json["files"] == before


def test_a_profile_that_cannot_be_read_is_refused_with_the_file(mei: Person) -> None:
    bomb = b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    for profile in (bomb, b"colums: {}\n", b"a: " + b"x" * 70_000):
        for asked in ({"preview": "1"}, {}):
            files = {"file": sent(ORDERS, "orders.csv"), "profile": sent(profile, "p.yaml")}
            answer = mei.post("/files?lang=en", **files, **asked)
            assert answer.status_code == 200
            assert "p.yaml" in answer.text


def test_every_word_of_a_preview_is_told_in_chinese() -> None:
    source = Path(previewing.__file__).read_text(encoding="utf-8")
    told = [
        node.value
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Guess"
        for node in ast.walk(call)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    ]
    assert len(told) > 5
    assert [one for one in told if preview_told(one.strip(), language="zh") == one] == []


def test_refused_rows_are_downloaded_for_a_spreadsheet(mei: Person) -> None:
    rows = b"vehicle_id,rated_payload_t\n=1+1,heavy\nT9,=2\n"
    form = {"kind": "vehicles", "file": sent(rows, "bad.csv")}
    told = json.loads(mei.post("/files", headers=STATES, **form).text.splitlines()[-1])
    path = f"/files/{told['reception']}"
    assert f'href="{path}/rejections.csv"' in mei.get(path).text
    answer = mei.get(f"{path}/rejections.csv")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    table = pd.read_csv(io.BytesIO(answer.data), encoding="utf-8-sig")
    assert table.columns.tolist() == "file line column code text wrong remedy".split()
    assert table["line"].tolist() == [2, 3]
    assert not table["text"].str.match(r"[=+@-]").any()


def test_what_came_with_a_file_is_taken_back_by_who_may_close(
    mei: Person, client: FlaskClient
) -> None:
    dan, ann = Person(client, "dan"), Person(client, "ann")
    form = {"kind": "drivers", "file": sent(b"driver_id\nD7\n", "drivers.csv")}
    told = json.loads(dan.post("/files", headers=STATES, **form).text.splitlines()[-1])
    path = f"/files/{told['reception']}"
    assert dan.post(f"{path}/withdrawal", reason="twice").status_code == 403
    assert "withdrawal" not in dan.get(path).text
    assert mei.post(f"{path}/withdrawal", reason="").status_code == 422
    assert mei.post(f"{path}/withdrawal", reason="A <b> slip").location == path
    text = mei.get(path).text
    assert "A &lt;b&gt; slip" in text
    assert "withdrawal" not in text
    assert ann.post("/files", kind="drivers", file=sent(b"x", "x.csv")).status_code == 403
    assert "data-upload" not in ann.get("/files").text


def test_a_file_that_swells_is_refused(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "trucks.parquet"
    pd.DataFrame({"vehicle_id": ["V1"] * 1000, "rated_payload_t": 20.0}).to_parquet(path)
    narrow = settings.model_copy(update={"request_unpacked_bytes_max": 100})
    with pytest.raises(InputRefused) as refused:
        uploading.take_in(narrow, "vehicles", path, source=Source())
    assert refused.value.code == "body_too_large"


def test_every_kind_has_words_and_a_name_by_which_it_is_known() -> None:
    assert {f"kind_{kind}" for kind in KINDS} <= WORDS.keys()
    assert [kind for kind in KINDS if uploading.kind_named(f"{kind}.csv") != kind] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_of_a_refused_row_has_words(language: str) -> None:
    from docs import write_codes

    trees = [ast.parse(path.read_bytes()) for path in write_codes.PACKAGE.rglob("ingest/*.py")]
    references = write_codes.PACKAGE / "services" / "intake" / "references.py"
    codes = write_codes._collected(
        [*trees, ast.parse(references.read_bytes())], write_codes._rejections
    )
    assert len(codes) > 30
    assert [code for code in codes if refusal_of(code, "", language).wrong == code] == []
