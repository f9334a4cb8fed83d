from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from fleet_carbon.errors import InputRefused
from fleet_carbon.quantification.documents import load_document


def written(folder: Path, text: str) -> Path:
    path = folder / "profile.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_key_given_twice_is_refused_and_the_file_named(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as refused:
        load_document(written(tmp_path, "speed: kmh\nspeed: ms\n"))
    assert "profile.yaml" in refused.value.message
    assert "'speed' is given twice" in refused.value.message


@pytest.mark.parametrize(
    ("text", "line"), [("a: 1\nb: 2\na: 3\n", 3), ("a: 1\nb:\n  - c\n d: 2\n", 4)]
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(InputRefused) as refused:
        load_document(written(tmp_path, text))
    assert f"line {line}," in refused.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nunits: [}\n", "profile.yaml is no valid YAML: line 2, column 9: did not find"),
        (
            "units:\n\tspeed: kmh\n",
            "line 2, column 1: found character that cannot start",
        ),
        ("", "profile.yaml is empty"),
        ("# nothing yet\n", "profile.yaml is empty"),
    ],
)
def test_a_fault_is_told_in_a_sentence_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputRefused) as refused:
        load_document(written(tmp_path, text))
    assert told in refused.value.message
    assert "unicode string" not in refused.value.message
    assert ("not by tabs" in refused.value.message) == ("\t" in text)


def test_a_mark_of_byte_order_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert load_document(written(tmp_path, "\ufeffspeed: kmh\n")) == {"speed": "kmh"}


def test_a_key_given_twice_inside_a_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused):
        load_document(written(tmp_path, "steps:\n  - {a: 1, a: 2}\n"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("no", "no"),
        ("NO", "NO"),
        ("true", True),
        ("12:30", "12:30"),
        ("010", "010"),
        ("0", 0),
        ("-3", -3),
        ("3.17", 3.17),
        ('"3.17"', "3.17"),
        ("2026-01-31", date(2026, 1, 31)),
        ("null", None),
        ("", None),
        ("1_000", "1_000"),
    ],
)
def test_an_unquoted_scalar_is_what_a_person_reads(
    tmp_path: Path, text: str, value: object
) -> None:
    assert load_document(written(tmp_path, f"key: {text}\n")) == {"key": value}


def test_on_may_be_a_key(tmp_path: Path) -> None:
    assert load_document(written(tmp_path, "on: 2026-01-31\n")) == {"on": date(2026, 1, 31)}


@pytest.mark.parametrize(
    "text",
    [
        "- a\n- b\n",
        "just text\n",
        "",
        "a: [1, 2\n",
        "a: !!python/object:os.system {}\n",
        "x: 2026-13-45\n",
    ],
)
def test_what_is_no_mapping_or_no_yaml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputRefused) as refused:
        load_document(written(tmp_path, text))
    assert refused.value.code == "document_unreadable"


def test_a_file_that_is_absent_or_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused):
        load_document(tmp_path / "absent.yaml")
    path = tmp_path / "gbk.yaml"
    path.write_bytes("名称: 里程\n".encode("gb18030"))
    with pytest.raises(InputRefused):
        load_document(path)


def test_chinese_keys_are_kept(tmp_path: Path) -> None:
    assert load_document(written(tmp_path, "里程: km\n")) == {"里程": "km"}


def test_a_document_that_was_changed_by_its_reader_is_read_again_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("rules:\n  one: 1\n", encoding="utf-8")
    load_document(path)["rules"]["one"] = 2
    assert load_document(path) == {"rules": {"one": 1}}
    path.write_text("rules:\n  one: 3\n", encoding="utf-8")
    assert load_document(path) == {"rules": {"one": 3}}
