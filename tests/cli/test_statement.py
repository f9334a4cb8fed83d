"""`fleet-carbon statement` and `dispute` on the tiny fleet: files, proof, and refusals."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pypdf

from tests.cli.running import CommandLine
from tests.services.tiny_fleet import MONTH


def test_a_statement_is_written_in_every_form_and_its_proof_is_proven(
    filled: CommandLine, tmp_path: Path
) -> None:
    filled("close", MONTH)
    for suffix in ("pdf", "json", "html", "png", "svg"):
        ran = filled("statement", "D1", MONTH, "--lang", "zh", "-o", tmp_path / f"s.{suffix}")
        assert ran.code == 0, ran
    attached = pypdf.PdfReader(tmp_path / "s.pdf").attachments["statement.json"][0]
    (tmp_path / "attached.json").write_bytes(attached)
    assert filled("verify", tmp_path / "attached.json").code == 0
    filled("prove", "D1", MONTH, "-o", tmp_path / "proof.json")
    assert (tmp_path / "proof.json").read_bytes() == attached
    composed = json.loads((tmp_path / "s.json").read_text(encoding="utf-8"))
    account = json.loads(attached)["accounts"][0]
    head = {one["name"]: one["value"] for one in composed["headline"]}
    assert head["co2_credited"] * 1000 == account["co2_credited_g"]
    assert head["diesel_saved"] == account["diesel_saved_l"]
    assert composed["headline"][0]["text"] in (tmp_path / "s.html").read_text(encoding="utf-8")


def test_the_same_records_give_the_same_pdf(filled: CommandLine, tmp_path: Path) -> None:
    filled("close", MONTH)
    for name in ("a.pdf", "b.pdf"):
        filled("statement", "D1", MONTH, "-o", tmp_path / name)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def test_all_statements_of_a_month_go_into_a_zip_or_a_folder(
    filled: CommandLine, tmp_path: Path
) -> None:
    filled("close", MONTH)
    one = filled("statement", "D1", MONTH, "-o", tmp_path / "one.pdf")
    assert one.code == 0
    ran = filled("statement", "--all", MONTH, "-o", tmp_path / "all.zip", "--json")
    assert (ran.code, ran.json["refused"]) == (0, [])
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert len(archive.namelist()) == ran.json["written_count"]
        content = archive.read(f"{MONTH}_D1.pdf")
    assert content == (tmp_path / "one.pdf").read_bytes()
    filled("statement", "--all", MONTH, "-o", tmp_path / "folder", "--form", "json")
    assert (tmp_path / "folder" / f"{MONTH}_D1.json").is_file()


def test_a_statement_that_cannot_be_proven_is_not_handed_out(
    filled: CommandLine, tmp_path: Path
) -> None:
    never = filled("statement", "D1", MONTH, "-o", tmp_path / "s.pdf", "--json")
    assert (never.code, never.json["code"]) == (1, "month_not_closed")
    filled("close", MONTH)
    for path in (filled.home / "keys").rglob("*.pem"):
        path.unlink()
    ran = filled("statement", "D1", MONTH, "-o", tmp_path / "s.pdf", "--json")
    assert ran.code == 1
    assert not (tmp_path / "s.pdf").exists()
    unknown = filled("statement", "D9", MONTH, "-o", tmp_path / "s.pdf", "--json")
    assert (unknown.code, unknown.json["code"]) == (1, "driver_not_found")
    assert filled("statement", MONTH, "-o", tmp_path / "s.pdf").code == 2


def test_the_code_leads_to_the_public_address(
    filled: CommandLine, tmp_path: Path, monkeypatch: object
) -> None:
    filled("close", MONTH)
    monkeypatch.setenv("FLEET_CARBON_PUBLIC_URL", "https://carbon.example/")  # type: ignore[attr-defined]
    ran = filled("statement", "D1", MONTH, "-o", tmp_path / "s.json", "--json")
    verify = ran.json["verify"]
    assert verify["link"].startswith(
        f"https://carbon.example/verify?statement={verify['digest']}&serial="
    )


def test_a_dispute_and_its_answer_stand_on_the_statement(
    filled: CommandLine, tmp_path: Path
) -> None:
    filled("close", MONTH)
    unknown = filled("dispute", "add", "D1", MONTH, "--order", "none", "--text", "x", "--json")
    assert (unknown.code, unknown.json["code"]) == (1, "trip_not_found")
    empty = filled("dispute", "add", "D1", MONTH, "--text", "  ", "--json")
    assert (empty.code, empty.json["code"]) == (1, "dispute_text_refused")
    added = filled("dispute", "add", "D1", MONTH, "--text", "我没有绕路", "--json")
    assert (added.code, added.json["disputes"][0]["outcome"]) == (0, "")
    words = ("--outcome", "accepted", "--text", "已更正", "--by", "老王")
    assert filled("dispute", "answer", "2", *words, "--json").json["code"] == "dispute_not_found"
    assert filled("dispute", "answer", "1", *words).code == 0
    listed = filled("dispute", "list", "--driver", "D1", "--month", MONTH, "--json")
    assert [one["answer"] for one in listed.json["disputes"]] == ["已更正"]
    filled("statement", "D1", MONTH, "-o", tmp_path / "s.pdf")
    pages = pypdf.PdfReader(io.BytesIO((tmp_path / "s.pdf").read_bytes())).pages
    text = "".join(page.extract_text() for page in pages)
    assert "我没有绕路" in text
    assert "已更正" in text
