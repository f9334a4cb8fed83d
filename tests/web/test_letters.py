"""Letters of names: a page is told of a font with those that the fonts of pages lack."""

from __future__ import annotations

import hashlib
import io
import re
from base64 import b64encode
from pathlib import Path

import pytest
from flask import Flask
from fontTools.ttLib import TTFont

from fleet_carbon.services.papers import letters
from fleet_carbon.web.pages.assets import assets, style_of_letters

_WHOLE = Path(letters.__file__).parents[2] / "_collected" / "assets" / "fonts"
_NAME = "龚睿𠮷"  # one of them beyond the first 65,536 characters


def test_a_font_has_the_letters_as_the_whole_one_draws_them() -> None:
    content = letters.cut(_NAME)
    assert content == letters.cut(_NAME[::-1])
    font = TTFont(io.BytesIO(content), checkChecksums=2)
    whole = TTFont(_WHOLE / "NotoSansSC-Regular.ttf", lazy=True)
    had, has = whole.getBestCmap(), font.getBestCmap()
    assert set(has) == set(map(ord, _NAME)) & set(had)
    for code, name in has.items():
        assert font["glyf"][name] == whole["glyf"][had[code]]
        assert font["hmtx"][name] == whole["hmtx"][had[code]]
    assert font["glyf"][".notdef"] == whole["glyf"][".notdef"]


def test_only_letters_that_pages_lack_are_told() -> None:
    # Words of pages, Latin, and a script that the font does not have.
    assert letters.lacking("总览 CO₂ Müller ཨ 龚睿龚") == "睿龚"


def test_letters_go_through_an_address_and_back() -> None:
    assert letters.letters_told(letters.told(_NAME)) == _NAME
    for wrong in ("", "A", "???", letters.told("龚" * (letters.LETTERS_MAX + 1)), "2AA"):
        with pytest.raises(ValueError, match=r".*"):
            letters.letters_told(wrong)


def test_a_page_of_more_letters_than_an_address_holds_is_told_of_several_fonts() -> None:
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 2 * letters.LETTERS_MAX)))
    text = style_of_letters(many).text
    asked = [letters.letters_told(part) for part in re.findall(r"letters/([\w-]+)\.ttf", text)]
    assert len(asked) > 1
    assert "".join(asked) == letters.lacking(many)
    assert all(len(one) <= letters.LETTERS_MAX for one in asked)


def test_the_policy_of_a_page_lets_its_own_style_stand() -> None:
    style = style_of_letters("<p>龚</p>")
    digest = hashlib.sha256(style.text.encode()).digest()
    assert style.source == f"'sha256-{b64encode(digest).decode()}'"
    assert style_of_letters("<p>总览</p>").text == ""


def test_a_font_is_kept_for_good_and_nonsense_is_not_there() -> None:
    app = Flask(__name__)
    app.register_blueprint(assets)
    client = app.test_client()
    (address,) = re.findall(r"url\(([^)]+)\)", style_of_letters("龚").text)
    told = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert (told.status_code, told.content_type) == (200, "font/ttf")
    assert told.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert client.get(address.replace("/letters/", "/letters/=")).status_code == 404
    old = client.get(re.sub(r"/assets/\w+/", "/assets/old/", address))
    assert old.headers["Cache-Control"] == "no-store"
