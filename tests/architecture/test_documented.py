"""Documented means tested: columns, commands, settings, numbers and examples in the docs."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md")])


def page_text(*names: str) -> str:
    pages = [page for page in PAGES if not names or page.name in names]
    return "\n".join(page.read_text(encoding="utf-8") for page in pages)


def writer(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_glossary_is_what_the_columns_say() -> None:
    written = (DOCS / "glossary.md").read_text(encoding="utf-8")
    assert written == writer("write_glossary").compose_glossary(), "run: python3.11 start.py docs"


def test_the_page_of_codes_is_what_the_source_says() -> None:
    written = (DOCS / "codes.md").read_text(encoding="utf-8")
    assert written == writer("write_codes").compose_codes(), "run: python3.11 start.py docs"


def test_the_page_of_dialects_is_what_the_registry_says() -> None:
    written = (DOCS / "dialects.md").read_text(encoding="utf-8")
    assert written == writer("write_dialects").with_table(written), "run: python3.11 start.py docs"


def test_every_reason_of_a_leg_that_is_explained_is_given() -> None:
    places = ("legs/columns.py", "learning/loading.py")
    source = "".join((ROOT / "fleet_carbon" / one).read_text(encoding="utf-8") for one in places)
    from fleet_carbon.statements import chinese, reasons

    assert [code for code in reasons.LEG_REASONS if f'"{code}"' not in source] == []
    assert chinese.LEG_REASONS.keys() == reasons.LEG_REASONS.keys()


def test_every_term_is_defined_once() -> None:
    terms = tomllib.loads((DOCS / "terms.toml").read_text(encoding="utf-8"))["term"]
    names = [term["name"].lower() for term in terms]
    assert sorted(set(names)) == sorted(names)


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command of the door with its words."""
    from typer.main import get_command

    from fleet_carbon.cli import app

    def walk(words: str, command: Any) -> Iterator[tuple[str, Any]]:
        for name, inner in getattr(command, "commands", {}).items():
            yield from walk(f"{words} {name}", inner)
        if not getattr(command, "commands", {}):
            yield words, command

    yield from walk("fleet-carbon", get_command(app))


def test_every_command_and_option_stands_in_the_docs() -> None:
    text = page_text()
    missing = [words for words, _ in commands() if words not in text]
    for words, command in commands():
        for parameter in command.params:
            options = [name for name in parameter.opts if name.startswith("-")]
            if options and not any(
                re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) for name in options
            ):
                missing.append(f"{words} {options[0]}")
    assert missing == []


def test_every_setting_stands_in_the_page_for_administrators() -> None:
    from fleet_carbon.settings import Settings

    text = page_text("operate.md")
    names = [f"FLEET_CARBON_{name.upper()}" for name in Settings.model_fields]
    assert [name for name in names if name not in text] == []


def test_every_factor_and_edition_stands_in_the_page_for_auditors() -> None:
    text = page_text("methodology.md")
    files = [
        path.relative_to(ROOT).as_posix()
        for folder in ("editions", "factors")
        for path in sorted((ROOT / "models" / folder).rglob("*.yaml"))
    ]
    assert files
    assert [name for name in files if name not in text] == []


def values_in_force() -> dict[str, tuple[Decimal | str, str]]:
    """Value and unit of every number under `models/`, by the id that the docs use."""
    from fleet_carbon.quantification.documents import load_document

    found: dict[str, tuple[Decimal | str, str]] = {}

    def walk(prefix: str, node: dict[str, Any]) -> None:
        for key, inner in node.items():
            if isinstance(inner, dict) and "value" in inner:
                found[f"{prefix}{key}"] = (str(inner["value"]), str(inner.get("unit", "")))
            elif isinstance(inner, dict):
                walk(f"{prefix}{key}.", inner)

    for path in sorted((ROOT / "models" / "editions").glob("*.yaml")):
        walk("", load_document(path))
    for path in sorted((ROOT / "models" / "factors").glob("*.yaml")):
        for factor in load_document(path)["factors"]:
            found[factor["id"]] = (str(factor["values"][-1]["value"]), str(factor["unit"]))
    return found


# In the docs a number is followed by its id: `75 m ("traces.stop_radius_m")` with backticks.
QUOTED = re.compile(
    r"(?<![\w.])([\d,.]*\d) ?([^\s()`]*(?: [^\s()`]+)?) \(`([a-z0-9_]+\.[a-z0-9_.]+)`\)"
)


def test_every_number_quoted_from_the_models_is_the_number_there() -> None:
    known = values_in_force()
    quoted = QUOTED.findall(page_text("methodology.md", "operate.md", "integrate.md"))
    assert len(quoted) > 10
    wrong = []
    for number, unit, name in quoted:
        value, unit_there = known.get(name, ("nothing", ""))
        shown = Decimal(number.replace(",", ""))
        if value == "nothing" or not is_same(shown, unit, Decimal(str(value)), unit_there):
            wrong.append(f"{name}: {number} {unit} in the docs, {value} {unit_there} in models/")
    assert wrong == []


def is_same(shown: Decimal, unit: str, value: Decimal, unit_there: str) -> bool:
    """Whether the number in the docs is the one in the file, perhaps in minutes or percent."""
    scale = {("min", "s"): 60, ("h", "s"): 3600, ("%", "1"): Decimal("0.01"), ("days", "d"): 1}
    if unit in ("", unit_there) or (unit, unit_there) in scale:
        return shown * scale.get((unit, unit_there), 1) == value
    return False


def test_every_reason_to_drop_a_fix_stands_in_the_page_for_auditors() -> None:
    from fleet_carbon.services.months.cutting import CLOCK_FUTURE
    from fleet_carbon.traces import cleaning

    reasons = {CLOCK_FUTURE, *cleaning.REASONS.values()}
    text = page_text("methodology.md")
    assert [reason for reason in sorted(reasons) if f"| {reason} |" not in text] == []


def test_every_decision_stands_in_the_index() -> None:
    index = page_text("decisions.md")
    files = [path.name for path in sorted((ROOT / "models" / "decisions").glob("*.md"))]
    assert [name for name in files if f"models/decisions/{name})" not in index] == []


def test_every_id_named_in_the_methodology_exists() -> None:
    sections = "traces|legs|fuel|classes|emissions|baseline|uncertainty|credit"
    named = set(re.findall(rf"`((?:{sections})\.[a-z0-9_.]+)`", page_text("methodology.md")))
    assert named
    assert named - set(values_in_force()) == set()


def cited_sections() -> dict[str, str]:
    """Section or formula of the methodology note -> one of the files that cite it."""
    found: dict[str, str] = {}
    for folder in ("fleet_carbon", "models", "tests", "data/samples", "simulation"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".py", ".yaml") or path.name == "test_documented.py":
                continue
            text = path.read_text(encoding="utf-8")
            for cited in re.findall(r"(?i)methodology note[\"']?,([^;:\"]{1,60})", text):
                for name in re.findall(r"\bF\d+\b|\b\d(?:\.\d)?\b", cited.split(". ")[0]):
                    found.setdefault(name, path.relative_to(ROOT).as_posix())
    return found


def test_every_section_of_the_note_that_is_cited_is_there() -> None:
    note = (DOCS / "methodology_note.md").read_text(encoding="utf-8")
    there = set(re.findall(r"^#+ (\d(?:\.\d)?)\b", note, re.MULTILINE))
    there |= set(re.findall(r"^\| (F\d+) \|", note, re.MULTILINE))
    cited = cited_sections()
    assert len(cited) > 10
    assert {name: file for name, file in cited.items() if name not in there} == {}


LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text("utf-8")) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


PATH = re.compile(r"`((?:fleet_carbon|models|data|docs|tests|simulation|benchmarks)/[\w./-]*)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_named_exists(page: Path) -> None:
    named = set(PATH.findall(page.read_text("utf-8"))) - {"fleet_carbon/_collected/"}
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
