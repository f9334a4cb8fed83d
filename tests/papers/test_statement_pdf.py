"""The PDF of a statement: tagged, with the signed statement inside, the same bytes each time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pypdf
import pytest

from fleet_carbon.papers.cards import share_card
from fleet_carbon.papers.drawing import chart_svg
from fleet_carbon.papers.typesetting import statement_pdf
from fleet_carbon.statements import charts
from fleet_carbon.statements.composing import compose
from tests.papers.facts import account, facts, order, truck

PROOF = '{"signed": "这是证明"}\n'


def read(pdf: bytes) -> tuple[pypdf.PdfReader, str]:
    """The document, and its text without the line breaks of the setting."""
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    return reader, " ".join("\n".join(page.extract_text() for page in reader.pages).split())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_pdf_is_tagged_archivable_and_holds_the_proof(language: str) -> None:
    composed = compose(facts(), language)
    reader, text = read(statement_pdf(composed, PROOF))
    assert reader.attachments["statement.json"] == [PROOF.encode()]
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"] == True  # noqa: E712  # a value of the PDF
    assert root["/Lang"].startswith(language)
    about = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in about
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in about
    assert "CO₂" in text
    for figure in composed["headline"]:
        # The setting may break a number's unit onto the next line.
        assert figure["text"].replace(" ", "") in text.replace(" ", "")
    assert composed["verify"]["digest"] in text.replace(" ", "")


@pytest.mark.parametrize("avoided_kg", [-5.8, -55.8, -555.8, -5555.8])
def test_no_word_is_broken_where_a_number_is_kept_with_its_unit(avoided_kg: float) -> None:
    # "of the interval, less leakage": a comma, a blank and an l are no litres.
    lost = account(diesel_saved_l=-21.5, co2_avoided_kg=avoided_kg, co2_credited_g=0)
    bounds = {"co2_avoided_kg": (1.2 * avoided_kg, 0.8 * avoided_kg)}
    composed = compose(facts(trucks=[truck(account=lost, bounds=bounds)]), "en")
    _, text = read(statement_pdf(composed, PROOF))
    note = composed["headline"][0]["note"]
    assert "interval, less" in note
    assert note in text


def elements(node: Any) -> Iterator[Any]:
    """Every element of the tree of tags."""
    held = node.get("/K", [])
    for one in held if isinstance(held, list) else [held]:
        found = one.get_object()
        if isinstance(found, dict):
            yield found
            yield from elements(found)


def test_the_pdf_is_built_as_an_archive_and_a_reading_aloud_ask_for() -> None:
    """ISO 19005-3: 6.2.2 output intent, 6.2.11.4 fonts inside, 6.1.3 identifiers, 6.8 the file's
    relationship; 6.1.3 and 6.6.1 no encryption, no script. Pictures have words (ISO 14289-1, 7.3).
    """
    reader, _ = read(statement_pdf(compose(facts(), "zh"), PROOF))
    root: Any = reader.trailer["/Root"]
    (intent,) = [one.get_object() for one in root["/OutputIntents"]]
    assert intent["/S"] == "/GTS_PDFA1"
    assert b"acsp" in intent["/DestOutputProfile"].get_data()[:128]  # the mark of an ICC profile
    (attached,) = [one.get_object() for one in root["/AF"]]
    assert (attached["/AFRelationship"], attached["/UF"]) == ("/Data", "statement.json")
    assert attached["/EF"]["/F"].get_object()["/Subtype"] == "/application/json"
    assert "/ID" in reader.trailer
    assert "/Encrypt" not in reader.trailer
    assert not {"/OpenAction", "/AA", "/JavaScript"} & {*root, *root["/Names"]}
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            (inner,) = font.get_object()["/DescendantFonts"]
            assert {"/FontFile2", "/FontFile3"} & {*inner.get_object()["/FontDescriptor"]}
    found = list(elements(root["/StructTreeRoot"]))
    kinds = {str(one.get("/S")) for one in found}
    assert {"/H1", "/H2", "/Table", "/TH", "/TD", "/L", "/Figure"} <= kinds
    assert all(one.get("/Alt") for one in found if one.get("/S") == "/Figure")


def test_every_font_of_the_pdf_is_one_that_ships() -> None:
    reader, _ = read(statement_pdf(compose(facts(driver_name="欧阳镕喆堃"), "zh"), PROOF))
    names = {
        str(font.get_object()["/BaseFont"])
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()
    }
    assert names
    assert all("NotoSans" in name for name in names), names


def test_the_same_statement_gives_the_same_bytes_whatever_was_drawn_before() -> None:
    composed = compose(facts(), "zh")
    first = statement_pdf(composed, PROOF)
    chart_svg(charts.waterfall(["a", "b"], [1.0, 1.0], ["1", "1"]), 300, 100, name="other")
    assert statement_pdf(composed, PROOF) == first
    assert share_card(composed, "png") == share_card(composed, "png")


def test_sixty_orders_go_over_pages_each_with_its_head() -> None:
    orders = [order(f"ORDER-{number:03d}") for number in range(60)]
    one = truck(orders=orders, account=account(orders_count=60, orders_matched_count=60))
    reader, text = read(statement_pdf(compose(facts(trucks=[one]), "en"), PROOF))
    assert len(reader.pages) >= 3
    assert all("September 2026" in page.extract_text() for page in reader.pages)
    assert all(f"ORDER-{number:03d}" in text for number in range(60))


def test_the_sums_of_the_orders_never_stand_on_a_page_alone() -> None:
    sums_after_a_break = 0
    for count in range(8, 30):
        orders = [order(f"ORDER-{number:03d}") for number in range(count)]
        of_month = account(orders_count=count, orders_matched_count=count)
        composed = compose(facts(trucks=[truck(orders=orders, account=of_month)]), "en")
        label = composed["orders"]["together"]["label"]
        reader, _ = read(statement_pdf(composed, PROOF))
        (page,) = [text for one in reader.pages if label in (text := one.extract_text())]
        assert f"ORDER-{count - 1:03d}" in page.replace("\n", ""), count
        sums_after_a_break += f"ORDER-{count - 2:03d}" not in page.replace("\n", "")
    assert sums_after_a_break, "of so many months one ends where a page does"


@pytest.mark.parametrize(
    "given",
    [
        {"driver_name": "Очень-Длинное-Имя " * 6},
        {
            "trucks": [
                truck(
                    account=account(
                        diesel_l=110.0, diesel_saved_l=-10.0, co2_avoided_kg=-26.0,
                        saved_by_less_empty_l=-15.0, saved_by_higher_load_l=5.5, co2_credited_g=0,
                        fuel_cost_saved=-85.0, carbon_value=0.0,
                    ),
                    bounds={"diesel_saved_l": (-20.0, 0.0)},
                )
            ]
        },
        {
            "trucks": [
                truck(
                    account=account(
                        distance_km=0.0, loaded_km=0.0, empty_km=0.0, unknown_km=0.0,
                        diesel_l=None, diesel_saved_l=None, baseline_diesel_l=None,
                        co2_credited_g=0, load_rate_share=None, payload_utilisation_share=None,
                        coverage_share=None, orders_count=0, orders_matched_count=0,
                        carbon_value=None, fuel_cost_saved=None, co2_avoided_kg=None,
                        baseline_source="none", baseline_from=None, diesel_source=None, notes="",
                    ),
                    chain={}, bounds={}, orders=[],
                )
            ],
            "before": [], "months": [],
        },
        {"trucks": [truck(), truck(account=account(vehicle_id="V2"), orders=[])]},
    ],
    ids=["long_name", "negative", "nothing", "two_trucks"],
)  # fmt: skip
@pytest.mark.parametrize("language", ["en", "zh"])
def test_unusual_months_are_set_too(given: dict[str, Any], language: str) -> None:
    composed = compose(facts(**given), language)
    reader, text = read(statement_pdf(composed, PROOF))
    assert len(reader.pages) <= 3
    assert composed["headline"][0]["text"].replace(" ", "") in text.replace(" ", "")
    assert share_card(composed, "png").startswith(b"\x89PNG")
