"""The fleet's report by command: each form, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.settings import Settings
from fleet_carbon.statements import ileap
from tests.cli.running import CommandLine
from tests.services.exchange_schemas import validate_answer
from tests.services.tiny_fleet import MONTH, TinyFleet

pytestmark = pytest.mark.slow


@pytest.fixture
def closed(cli: CommandLine, tmp_path: Path) -> CommandLine:
    """A month of one truck, closed."""
    settings = Settings(home=cli.home)
    for kind, path in TinyFleet().write(tmp_path / "files").items():
        ingest_files(settings, kind, [path])
    close_month(settings, MONTH)
    return cli


def test_a_report_is_written_in_the_form_of_its_suffix(closed: CommandLine, tmp_path: Path) -> None:
    for suffix, begins in ((".xlsx", b"PK"), (".pdf", b"%PDF"), (".html", b"<!d"), (".json", b"{")):
        output = tmp_path / f"report{suffix}"
        told = closed("report", MONTH, "-o", str(output), "--lang", "zh")
        assert told.code == 0, told
        assert output.read_bytes().startswith(begins)
    assert closed("report", MONTH, "-o", str(tmp_path / "report.doc")).code == 1
    assert closed("report", "2020-01", "-o", str(tmp_path / "report.pdf")).code == 1
    told = closed("report", MONTH, "-o", str(tmp_path / "r.json"), "--json").json

    assert told["headline"][0]["name"] == "co2_credited_kg"
    assert not (tmp_path / "report.doc").exists()


def test_the_inventory_is_shown_written_and_exchanged(closed: CommandLine, tmp_path: Path) -> None:
    shown = closed("inventory", MONTH)
    assert "rigid" in shown.out or "tractor" in shown.out
    assert "CO2e well-to-wheel" in shown.out
    told = closed("inventory", MONTH, "--json").json
    assert told["summary"]["co2e_wtw_mg"] == sum(
        row["co2e_wtw_mg"] for name in ("shipments", "unattributed") for row in told[name]
    )
    output = tmp_path / "shipments.csv"
    assert closed("inventory", MONTH, "--table", "shipments", "-o", str(output)).code == 0
    assert output.read_text().startswith("shipment_id,month,toc_id,")
    # A file of which table?
    assert closed("inventory", MONTH, "-o", str(output)).code == 2
    assert closed("shipper", "nobody", MONTH, "-o", str(tmp_path / "s.pdf")).code == 1
    for kind, name in zip(("shipments", "tocs", "hocs", "tad", "aed"), ileap.TYPES, strict=True):
        validate_answer(name, closed("ileap", "write", MONTH, "--type", kind).json)
    exchanged = closed("ileap", "write", MONTH, "--type", "tad").json
    assert [one["consignmentIds"] for one in exchanged["data"]] == [["O1"], ["O2"]]
