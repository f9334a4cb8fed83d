"""Papers are archives by ISO 19005-3, level B; what breaks a rule is found."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pypdf
import pytest
from pypdf.generic import BooleanObject, DictionaryObject, NameObject, NumberObject

from fleet_carbon.papers.typesetting import statement_pdf
from fleet_carbon.statements.composing import compose
from tests.papers.archive import faults
from tests.papers.facts import account, facts, truck

PROOF = '{"signed": "这是证明"}\n'
GOOD = statement_pdf(compose(facts(), "zh"), PROOF)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"driver_name": "古丽娜尔·阿卜杜热合曼·买买提" * 3},
        {"trucks": [truck(), truck(account=account(vehicle_id="V2"), orders=[])]},
    ],
    ids=["usual", "long_name", "two_trucks"],
)
def test_a_statement_is_an_archive(given: dict[str, Any], language: str) -> None:
    assert faults(statement_pdf(compose(facts(**given), language), PROOF)) == []


def _catalog(writer: Any) -> Any:
    return writer.root_object


def _font(writer: Any) -> Any:
    fonts = writer.pages[0]["/Resources"]["/Font"]
    return next(iter(fonts.values())).get_object()


def _attached(writer: Any) -> Any:
    return _catalog(writer)["/Names"]["/EmbeddedFiles"]["/Names"][1].get_object()


def _put(held: Any, name: str, value: Any) -> None:
    held[NameObject(name)] = value


SPOILED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "script": (
        lambda one: _put(
            _catalog(one),
            "/OpenAction",
            DictionaryObject({NameObject("/S"): NameObject("/JavaScript")}),
        ),
        "6.5.1",
    ),
    "no_intent": (lambda one: _catalog(one).pop("/OutputIntents"), "6.2.3"),
    "no_tags": (lambda one: _catalog(one).pop("/StructTreeRoot"), "6.7"),
    "no_language": (lambda one: _catalog(one).pop("/Lang"), "6.7"),
    "suspects": (
        lambda one: _put(_catalog(one)["/MarkInfo"], "/Suspects", NumberObject(0)),
        "ISO 32000-1",
    ),
    "form": (lambda one: _put(_catalog(one), "/AcroForm", DictionaryObject()), "6.4"),
    "no_unicode": (lambda one: _font(one).pop("/ToUnicode"), "6.2.11.7.2"),
    "font_outside": (
        lambda one: [
            _font(one)["/DescendantFonts"][0].get_object()["/FontDescriptor"].pop(name, None)
            for name in ("/FontFile2", "/FontFile3")
        ],
        "6.2.11.4.1",
    ),
    "no_relationship": (lambda one: _attached(one).pop("/AFRelationship"), "6.8"),
    "no_type": (lambda one: _attached(one)["/EF"]["/F"].get_object().pop("/Subtype"), "6.8"),
    "level": (
        lambda one: _catalog(one)["/Metadata"].set_data(
            _catalog(one)["/Metadata"].get_data().replace(b">B</pdfaid", b">A</pdfaid")
        ),
        "6.6.4",
    ),
    "interpolated": (
        lambda one: one._add_object(
            DictionaryObject(
                {NameObject("/Subtype"): NameObject("/Image"),
                 NameObject("/Interpolate"): BooleanObject(True)}
            )
        ),
        "6.2.8",
    ),
    "encrypted": (lambda one: one.encrypt("", algorithm="RC4-128"), "6.1.3"),
}  # fmt: skip


@pytest.mark.parametrize("spoiled", SPOILED)
def test_what_breaks_a_rule_is_found(spoiled: str) -> None:
    spoil, clause = SPOILED[spoiled]
    writer: Any = pypdf.PdfWriter(clone_from=io.BytesIO(GOOD))
    spoil(writer)
    content = io.BytesIO()
    writer.write(content)
    assert any(one.startswith(clause) for one in faults(content.getvalue())), spoiled


def test_bytes_around_the_document_are_looked_at() -> None:
    assert [one[:5] for one in faults(GOOD + b"more")] == ["6.1.3"]
    assert [one[:5] for one in faults(GOOD.replace(GOOD[9:15], b"%ABCD\n", 1))] == ["6.1.2"]
