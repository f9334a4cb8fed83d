"""A customer's report: one composed object behind CSV, workbook and PDF, the same figures."""

from __future__ import annotations

import csv
import io
from typing import Any

import pypdf
import pytest
from python_calamine import CalamineWorkbook

from fleet_carbon.papers.reports import shipper_pdf
from fleet_carbon.papers.workbook import shipper_workbook
from fleet_carbon.services.papers.shipper_reports import ShipperReport
from fleet_carbon.statements import shipper_words as said
from fleet_carbon.statements.shipper_report import ShipperFacts, compose_shipper_report

EVIL = '=HYPERLINK("http://x")'
# Three equal thirds of a kilogram less a gram's third: 333.333 + 333.333 + 333.334 g to the sum.
_THIRD_MG = 333_333_333


def shipment(number: int, **given: Any) -> dict[str, Any]:
    return {
        "shipment_id": f"O{number}", "departed_on": f"2026-09-0{number}", "origin": EVIL,
        "destination": "广州", "cargo_t": 10.0, "distance_gcd_km": 80.0,
        "distance_sfd_km": None, "distance_kind": "gcd", "activity_tkm": 800.0,
        "co2e_ttw_mg": 250_000_000, "co2e_wtw_mg": _THIRD_MG, "data_class": "primary",
        "toc_id": "2026-09.tractor_trailer.diesel.short.FTL", **given,
    }  # fmt: skip


def facts(**given: Any) -> ShipperFacts:
    rows = [shipment(number) for number in (1, 2, 3)]
    fields: dict[str, Any] = {
        "heading": {"month": "2026-09", "fleet_id": "F", "edition": "E 1", "run_id": "r",
                    "carrier_name": "Example Freight Co"},
        "closed_on": "2026-10-02",
        "whole": {
            "shipper_id": EVIL, "shipments_count": 3, "cargo_t": 30.0, "activity_tkm": 2400.0,
            "co2e_ttw_mg": 750_000_000, "co2e_wtw_mg": 3 * _THIRD_MG, "primary_share": 1.0,
            "co2e_wtw_g_per_tkm": 416.7, "data_class": "primary",
        },
        "shipments": rows,
        "tocs": [
            {
                "toc_id": rows[0]["toc_id"], "co2e_ttw_g_per_tkm": 312.5,
                "co2e_wtw_g_per_tkm": 416.7, "distance_adjustment_ratio": 1.08,
                "vehicle_class": "tractor_trailer", "energy": "diesel", "distance_band": "short",
                "loading": "FTL", "distance_kind": "gcd",
                "empty_share": 0.2, "data_class": "primary", "primary_share": 1.0,
                "notes": "wtw_fallback_region_eu",
            }
        ],
        "unproven": [{"order_id": "O9", "reason_code": "no_stop_near_pickup"}],
    }  # fmt: skip
    return ShipperFacts(**{**fields, **given})


def test_people_read_words_and_days_and_files_keep_what_systems_know() -> None:
    composed = compose_shipper_report(facts(), "zh")
    assert column(composed, "shipments", "departed_on")[0] == "2026-09-01"
    [shipped] = [one for one in composed["tables"] if one["name"] == "shipments"]
    assert "2026年9月1日" in shipped["texts"][0]
    for name in ("categories", "shipments"):
        [table] = [one for one in composed["tables"] if one["name"] == name]
        place = [one["name"] for one in table["columns"]].index("toc_id")
        told = {row[place] for row in table["texts"]}
        assert told == {"半挂牵引车 · 柴油 · 短途 · 整车（FTL） · 大圆距离（GCD）"}
        assert {row[place] for row in table["rows"]} == {"2026-09.tractor_trailer.diesel.short.FTL"}


def column(composed: dict[str, Any], table: str, name: str) -> list[Any]:
    [found] = [one for one in composed["tables"] if one["name"] == table]
    place = [one["name"] for one in found["columns"]].index(name)
    return [row[place] for row in found["rows"]]


def pdf_text(pdf: bytes) -> str:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    return "".join("".join(page.extract_text() for page in reader.pages).split())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_form_holds_the_same_kilograms_which_add_up(language: str) -> None:
    composed = compose_shipper_report(facts(), language)
    kg = column(composed, "shipments", "co2e_wtw_kg")
    # 999,999,999 mg are 1,000.000 kg to the gram: one shipment has a gram more.
    assert kg == [333.334, 333.333, 333.333]
    assert column(composed, "categories", "co2e_wtw_kg") == [1000.0]
    report = ShipperReport(composed)
    rows = list(csv.DictReader(io.StringIO(report.content(".csv").decode())))
    assert [float(row["co2e_wtw_kg"]) for row in rows] == kg
    book = CalamineWorkbook.from_filelike(io.BytesIO(shipper_workbook(composed)))
    sheet = book.get_sheet_by_name(said.QUESTIONS["shipments"][0][language == "zh"]).to_python()
    cells = [cell for row in sheet for cell in row]
    assert [cell for cell in cells if cell in kg] == kg
    text = pdf_text(shipper_pdf(composed))
    assert text.count("333.333") == 2
    assert text.count("333.334") == 1
    # Customers know the carrier by its company, not by what the fleet is called in here.
    assert "ExampleFreightCo" in text
    assert "Example Freight Co" in sheet[1][0]


def test_a_text_is_a_text_whatever_it_begins_with() -> None:
    composed = compose_shipper_report(facts(), "en")
    report = ShipperReport(composed)
    assert f"'{EVIL[0]}" in report.content(".csv").decode()
    assert EVIL in pdf_text(report.content(".pdf"))
    assert report.content(".xlsx") == report.content(".xlsx")


def test_what_is_not_known_is_told_and_not_zero() -> None:
    bare = {"co2e_ttw_mg": None, "co2e_wtw_mg": None, "data_class": "none"}
    composed = compose_shipper_report(facts(shipments=[shipment(1, **bare)]), "zh")
    assert column(composed, "shipments", "co2e_wtw_kg") == [None]
    assert column(composed, "categories", "co2e_wtw_kg") == [None]
    assert column(composed, "shipments", "data_class") == ["未知"]
    assert composed["missing"][0]["about"] == "O9"
    assert any("欧洲" in one for one in composed["method"])
    assert shipper_pdf(composed)
    assert shipper_workbook(composed)


def test_every_word_is_there_in_both_languages() -> None:
    pairs = [*said.LABELS.values(), *said.CLASSES.values(), *said.METHOD, *said.NOTES.values()]
    pairs += [pair for pairs in said.COLUMNS.values() for pair in pairs]
    pairs += [pair for pairs in said.QUESTIONS.values() for pair in pairs]
    for english, chinese in pairs:
        assert bool(english) == bool(chinese) or english == "", (english, chinese)
