"""A fleet's report as workbook, PDF and page: one object behind all, texts never formulas."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any

import pypdf
import pytest
from python_calamine import CalamineWorkbook

from fleet_carbon.papers.reports import ROWS_ON_PAPER, report_page, report_pdf
from fleet_carbon.papers.workbook import report_workbook
from fleet_carbon.statements import report_words as said
from fleet_carbon.statements.charts import LOSS
from fleet_carbon.statements.fleet_report import compose_report
from tests.papers.report_facts import EVIL, PARTS, facts, group


def sheets(book: bytes) -> dict[str, list[list[Any]]]:
    """Cells of every sheet as another program reads them."""
    read = CalamineWorkbook.from_filelike(io.BytesIO(book))
    return {name: read.get_sheet_by_name(name).to_python() for name in read.sheet_names}


def part(book: bytes, pattern: str) -> str:
    """The parts of a workbook whose names fit, as one text."""
    with zipfile.ZipFile(io.BytesIO(book)) as packed:
        names = [name for name in packed.namelist() if re.search(pattern, name)]
        return "".join(packed.read(name).decode() for name in names)


def pdf_text(pdf: bytes) -> str:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    return "".join("".join(page.extract_text() for page in reader.pages).split())


def test_figures_follow_from_the_month() -> None:
    composed = compose_report(facts(), "en")
    told = {one["name"]: one for one in composed["headline"]}
    assert told["co2_credited_kg"]["text"] == "350.2 kg"  # 350.25 rounds half to even
    assert told["empty_share"]["text"] == "25.0%"  # 1,500 km of 2,000 are proven loaded
    assert told["fuel_cost_saved"]["text"] == "1,500.00 CNY"
    assert told["co2_avoided_kg"]["interval"] == "400.0 – 640.0"
    # 100 + 120 - 20 = 200
    assert [one["value"] for one in composed["brought"]["steps"]] == [100.0, 120.0, -20.0, 200.0]
    [lane] = next(one for one in composed["tables"] if one["name"] == "lanes")["texts"]
    assert lane[7] == "25.0%"  # 1,500 km of 1,500 + 400 + 100 are proven loaded


def test_who_saved_most_stands_first_and_who_is_not_known_to_have_last() -> None:
    drivers = compose_report(facts(), "en")["tables"][0]
    assert [row[0] for row in drivers["rows"]] == [EVIL, "Nobody known"]
    assert drivers["texts"][1][7] == "–"


def test_trucks_without_a_depot_stand_in_a_line_of_their_own() -> None:
    composed = compose_report(facts(), "zh")
    depots = next(one for one in composed["tables"] if one["name"] == "depots")
    assert [row[:2] for row in depots["texts"]] == [["未注明场站", "1"], ["=成都", "2"]]
    assert sheets(report_workbook(composed))["哪些场站"][5][:2] == ["=成都", 2.0]
    assert "未注明场站" in report_page(composed)
    assert "未注明场站" in pdf_text(report_pdf(composed))


def test_sums_tell_their_intervals_in_every_form() -> None:
    composed = compose_report(facts(), "zh")
    told = {one["name"]: one["interval"] for one in composed["headline"]}
    assert (told["diesel_saved_l"], told["distance_km"]) == ("150.0 – 260.0", "")
    book = report_workbook(composed)
    [driver, nobody] = sheets(book)["谁节油"][4:6]
    by_head = dict(zip(sheets(book)["谁节油"][3], driver, strict=True))
    assert (by_head["空驶率 (区间下限)\n[%]"], by_head["空驶率 (区间上限)\n[%]"]) == (0.2, 0.3)
    assert nobody[5:7] == ["", ""]  # who is not known to have an interval has none
    assert re.search(r'<col [^>]*hidden="1"[^>]*outlineLevel="1"', part(book, r"sheet2\.xml"))
    page, paper = report_page(composed), pdf_text(report_pdf(composed))
    assert '<small class="interval">20.0% – 30.0%</small>' in page
    assert page.count("显示 90% 区间") == 2  # of drivers and depots; nothing is known of trucks
    assert "20.0%–30.0%" in paper
    assert "90.0–199.5" in paper


def test_bounds_that_are_shown_alike_stand_once() -> None:
    told = facts()
    told.month["intervals"]["drivers"][EVIL] = {"empty_share": {"low": 0.99996, "high": 1.0}}
    drivers = compose_report(told, "en")["tables"][0]
    assert "100.0%" in drivers["intervals"][0]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_there_is_a_sheet_for_each_question(language: str) -> None:
    place = 0 if language == "en" else 1
    found = sheets(report_workbook(compose_report(facts(), language)))
    assert list(found) == [short[place] for short, _, _ in said.QUESTIONS.values()]
    questions = [rows[0][0] for rows in found.values()]
    assert questions == [question[place] for _, question, _ in said.QUESTIONS.values()]


def test_texts_of_senders_are_never_formulas() -> None:
    book = report_workbook(compose_report(facts(), "en"))
    assert "<f>" not in part(book, r"worksheets/sheet\d+\.xml")
    rows = sheets(book)["Who saved"]
    assert rows[4][:2] == [EVIL, "-2+3 王五"]
    assert sheets(book)["For which customers"][4][0] == "@S1"


def test_numbers_are_numbers_with_their_units_in_the_head() -> None:
    rows = sheets(report_workbook(compose_report(facts(), "zh")))["谁节油"]
    by_head = dict(zip(rows[3], rows[4], strict=True))
    assert by_head["节油量\n[升]"] == 200.0
    assert by_head["空驶率\n[%]"] == 0.25
    assert by_head["入账减排量\n[千克]"] == 350.25


def test_the_workbook_has_charts_filters_frozen_heads_and_bars() -> None:
    book = report_workbook(compose_report(facts(), "en"))
    charts = part(book, r"charts/chart\d+\.xml")
    assert (charts.count("<c:barChart>"), charts.count("<c:lineChart>")) == (4, 1)
    assert '<c:grouping val="stacked"/>' in charts
    drivers = part(book, r"worksheets/sheet2\.xml")
    for wanted in ("<autoFilter", 'state="frozen"', 'type="dataBar"'):
        assert wanted in drivers, wanted


def test_floating_columns_end_where_the_next_begin() -> None:
    rows = sheets(report_workbook(compose_report(facts(), "en")))["How did the month go"]
    first = next(place for place, row in enumerate(rows) if row[0] == "What brought the saving")
    told = [row[1:5] for row in rows[first + 1 : first + 5]]
    # litres, beneath, saved, spent more: 0..100, 100..220, 200..220 downwards, 0..200
    assert told == [[100, 0, 100, 0], [120, 100, 120, 0], [-20, 200, 0, 20], [200, 0, 200, 0]]


def test_the_same_report_gives_the_same_bytes() -> None:
    for make in (report_workbook, report_pdf, report_page):
        assert make(compose_report(facts(), "zh")) == make(compose_report(facts(), "zh")), make


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pdf_is_tagged_and_says_what_the_workbook_says(language: str) -> None:
    composed = compose_report(facts(), language)
    pdf = report_pdf(composed)
    root: Any = pypdf.PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712  # a value of the PDF
    assert "<pdfaid:part>3</pdfaid:part>" in root["/Metadata"].get_data().decode()
    text = pdf_text(pdf)
    for figure in composed["headline"]:
        assert figure["text"].replace(" ", "") in text
    assert EVIL.replace(" ", "") in text


def test_the_page_is_whole_by_itself_and_without_scripts() -> None:
    month = {"shippers": [], "fleet_id": "<script>alert(1)</script>"}
    composed = compose_report(facts(month=facts().month | month), "en")
    page = report_page(composed)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert not re.findall(r'(?:src|href)="', page)
    assert "Nothing on record this month." in page


def test_a_long_table_is_cut_on_paper_alone() -> None:
    month = facts().month
    month["vehicles"] = [{"vehicle_id": f"TRUCK-{n:03d}", **group()} for n in range(60)]
    composed = compose_report(facts(month=month), "en")
    text = pdf_text(report_pdf(composed))
    assert f"{60 - ROWS_ON_PAPER}morerows" in text
    assert "TRUCK-059" not in text
    assert len(sheets(report_workbook(composed))["Which trucks"]) == 64


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_month_of_nothing_known_is_told_too(language: str) -> None:
    nothing = group(distance_km=0.0, empty_km=0.0, **dict.fromkeys(PARTS), diesel_saved_l=None,
                    co2_avoided_kg=None, co2_avoided_low_kg=None, co2_avoided_high_kg=None,
                    coverage_share=None, load_rate_share=None)  # fmt: skip
    month = facts().month | {"fleet": nothing, "drivers": [], "vehicles": [], "depots": [],
                             "lanes": [], "shippers": [], "issues": []}  # fmt: skip
    composed = compose_report(facts(month=month, trend=[], currency=""), language)
    for make in (report_workbook, report_pdf, report_page):
        assert make(composed)


def test_every_word_is_there_in_both_languages() -> None:
    pairs = [*said.LABELS.values(), *said.UNITS.values(), *said.BANDS.values()]
    pairs += [pair for pairs in said.COLUMNS.values() for pair in pairs]
    for english, chinese in pairs:
        assert bool(english) == bool(chinese) or english == "", (english, chinese)


def test_lanes_are_called_by_their_cities_and_none_without_empty_km_is_ranked() -> None:
    month = facts().month
    nowhere = {"origin": "", "destination": "", "distance_band": "", "orders_count": 0}
    nowhere |= {"loaded_km": 0.0, "empty_km": 0.0, "unknown_km": 5.0, "empty_share": 1.0}
    lanes = [*month["lanes"], month["lanes"][0] | nowhere]
    composed = compose_report(facts(month={"lanes": lanes}, places={"N30E105": "四川资阳"}), "zh")
    told = next(one for one in composed["tables"] if one["name"] == "lanes")
    assert [row[:2] for row in told["rows"]] == [
        ["四川资阳", "N31E105"],  # where no order says the city
        ["地点不明", "地点不明"],
    ]
    assert composed["rankings"][1]["labels"] == ["四川资阳 → N31E105"]


def test_who_lost_is_drawn_in_another_colour() -> None:
    charts = part(report_workbook(compose_report(facts(), "en")), r"charts/chart3\.xml")
    assert '<c:invertIfNegative val="1"/>' in charts
    assert LOSS.removeprefix("#").upper() in charts.upper()
