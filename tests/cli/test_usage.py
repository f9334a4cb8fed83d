"""Wrong usage is exit code 2; `--json` keeps standard output to one object; help is quick."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from fleet_carbon.cli import main
from tests.cli.running import CommandLine
from tests.services.tiny_fleet import MONTH, TinyFleet

WRONG = [
    ["ingest", "lorries", "x.csv"],
    ["ingest", "vehicles"],
    ["ingest", "positions", "x.csv", "--crs", "utm"],
    ["close"],
    ["close", MONTH, "again"],
    ["accounts", MONTH, "-o", "accounts.pdf"],
    ["accounts", MONTH, "--format", "docx"],
    ["legs", MONTH, "--format", "xlsx"],
    ["price"],
    ["price", "set", "CEA"],
    ["price", "set", "CEA", "--price", "1", "--currency", "CNY", "--unit", "kg", "--from", "x"],
    ["demo", "--case", "unknown"],
    ["statement", "D1", MONTH],
    ["--colour"],
    [],
]


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_wrong_usage_is_exit_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.err


def test_wrong_usage_with_json_is_one_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["close", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["code"] == "wrong_usage"


def test_wrong_usage_makes_no_home(tmp_path: Path) -> None:
    assert main(["--home", str(tmp_path / "h"), "ingest", "lorries", "x.csv"]) == 2
    assert not (tmp_path / "h").exists()


GOOD_PRICE = {"--price": "1", "--currency": "CNY", "--unit": "t", "--from": "2026-01-01"}


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("--price", "0", "price_malformed"),
        ("--price", "ten", "price_malformed"),
        ("--currency", "yuan", "currency_malformed"),
        ("--from", "1 May", "day_malformed"),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_not_recorded(
    cli: CommandLine, option: str, value: str, code: str
) -> None:
    given = GOOD_PRICE | {option: value}
    words = [word for pair in given.items() for word in pair]
    ran = cli("price", "set", "CEA", *words, "--json")
    assert ran.code == 1
    assert ran.json["code"] == code
    assert cli("price", "list", "--json").json == {"prices": []}


def test_prices_are_listed_in_the_order_in_which_they_were_set(cli: CommandLine) -> None:
    for price in ("73.06", "80.50"):
        words = ("--price", price, "--currency", "cny", "--unit", "t", "--from", "2026-01-01")
        assert cli("price", "set", "CEA", *words, "--json").json["price"] == price
    rows = cli("price", "list", "--json").json["prices"]
    assert [(row["price"], row["currency"]) for row in rows] == [("73.06", "CNY"), ("80.50", "CNY")]
    assert "80.50 CNY/t" in cli("price", "list").out


def test_options_stand_before_or_after_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = str(tmp_path / "h")
    for words in (
        ["--home", home, "--fleet", "f2", "--json", "price", "list"],
        ["price", "list", "--home", home, "--fleet", "f2", "--json"],
    ):
        assert main(words) == 0
        assert json.loads(capsys.readouterr().out) == {"prices": []}


def test_the_environment_names_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLEET_CARBON_HOME", str(tmp_path / "named"))
    assert main(["price", "list"]) == 0
    assert (tmp_path / "named").is_dir()


def test_a_setting_that_cannot_be_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FLEET_CARBON_TIMEZONE", "Mars/Olympus")
    assert main(["price", "list", "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["code"] == "setting_refused"
    assert "FLEET_CARBON_TIMEZONE" in printed.err


def test_fleets_in_one_home_do_not_see_each_other(filled: CommandLine) -> None:
    filled("close", MONTH)
    assert filled("accounts", MONTH, "--fleet", "other").code == 1
    assert filled("accounts", MONTH).code == 0


def test_every_command_with_json_prints_one_object_and_nothing_else(
    cli: CommandLine, tmp_path: Path
) -> None:
    files = TinyFleet().write(tmp_path / "files")
    for kind in ("vehicles", "drivers", "baselines", "orders", "positions"):
        assert cli("ingest", kind, files[kind], "--json").json["kind"] == kind
    for words in (
        ["close", MONTH],
        ["accounts", MONTH],
        ["legs", MONTH],
        ["orders", MONTH, "-o", tmp_path / "o.csv"],
        ["price", "list"],
        ["doctor"],
        ["demo", "--case", "manbang"],
    ):
        ran = cli(*words, "--json")
        assert ran.code == 0, ran
        assert ran.json
    assert cli("accounts", MONTH, "--json").json["month"] == MONTH


def test_a_process_of_its_own_prints_json_and_progress_apart(
    filled: CommandLine, tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "fleet_carbon.cli", "--home", filled.home, "close", MONTH]
    ran = subprocess.run([*words, "--json"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["month"] == MONTH
    assert "fixes in " in ran.stderr


def test_help_answers_without_loading_the_rooms() -> None:
    code = (
        "import sys; from fleet_carbon.cli import main; main(['--help']);"
        "heavy = {'pandas', 'numpy', 'numba', 'sqlalchemy', 'rich.progress'} & set(sys.modules);"
        "print(sorted(heavy))"
    )
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    # 0.2 s on an idle machine; what others make a busy one do is not counted.
    assert ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime < 2
    for command in ("ingest", "close", "accounts", "legs", "orders", "price", "demo", "doctor"):
        assert command in ran.stdout


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("fleet-carbon ")


def test_a_worked_example_has_no_negative_zero(cli: CommandLine) -> None:
    ran = cli("demo", "--case", "manbang", "--json")
    assert ran.code == 0
    assert "-0.0," not in ran.out
    assert "-0.0\n" not in ran.out


@pytest.mark.parametrize(
    "words",
    [
        ["accounts", MONTH],
        ["legs", MONTH],
        ["orders", MONTH],
        ["close", MONTH],
        ["files"],
        ["live"],
    ],
    ids=" ".join,
)
def test_a_command_that_reads_makes_no_home(cli: CommandLine, words: list[str]) -> None:
    ran = cli(*words, "--json")
    assert (ran.code, ran.json["code"]) == (1, "home_not_found")
    assert not cli.home.exists()
