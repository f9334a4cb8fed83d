"""`ingest --preview`: how a file is understood, with nothing kept."""

from __future__ import annotations

import re
from pathlib import Path

from tests.cli.running import CommandLine

_DOCS = Path(__file__).resolve().parents[2] / "docs" / "integrate.md"
BOARD = """\
Load,Unit,Weight,State,Pick up date,Pick up time,Delivery date,Delivery time,From region,\
From town
L1,V1,22046.2,Delivered,03/02/2024,06:45,03/02/2024,15:30,福建省福州市,闽侯县
TEST7,V1,22046.2,Delivered,03/02/2024,06:45,03/02/2024,15:30,福建省福州市,闽侯县
L2,V1,22046.2,Cancelled,03/02/2024,06:45,03/02/2024,15:30,福建省福州市,闽侯县
L3,V9,22046.2,Closed (paid),03/02/2024,06:45,03/02/2024,15:30,福建省福州市,闽侯县
"""


def board(folder: Path) -> tuple[Path, Path]:
    """The board of the documentation and the profile that is shown there for it."""
    shown = re.findall(r"^```yaml\n(.*?)^```", _DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (profile,) = [one for one in shown if "filters:" in one]
    (folder / "board.csv").write_text(BOARD, encoding="utf-8")
    (folder / "board.yaml").write_text(profile, encoding="utf-8")
    return folder / "board.csv", folder / "board.yaml"


def test_the_profile_of_the_docs_reads_its_board_and_keeps_nothing(
    cli: CommandLine, tmp_path: Path
) -> None:
    path, source = board(tmp_path)
    ran = cli("ingest", "orders", path, "--source", source, "--preview", "--json")
    assert ran.code == 0
    assert not cli.home.exists()
    (told,) = ran.json["files"]
    assert told["kept"] is False
    assert (told["rows_read"], told["rows_rejected"]) == (2, 0)
    assert told["remarks"]["rows_left_out_by_filters"] == 2
    row = told["rows"][0]
    # 06:45 in Chicago is 12:45 UTC in winter and 20:45 in China; 22,046.2 lb are 10 t.
    assert row["pickup_time"] == "2024-03-02T12:45:00+00:00"
    assert row["pickup_time_local"] == "2024-03-02T20:45:00+08:00"
    assert round(row["cargo_t"], 3) == 10.0
    columns = {one["name"]: one for one in told["columns"]}
    assert columns["pickup_time"]["heading"] == "Pick up date + Pick up time"
    assert columns["cargo_t"]["unit"] == "lb -> t (source profile)"
    assert columns["delivery_place"]["first"] == "江西省南昌市南昌县"


def test_a_preview_tells_what_it_rests_on(cli: CommandLine, tmp_path: Path) -> None:
    header = "运单编号;车牌号;司机姓名;装货净重(吨);装货地址;装货时间;卸货地址;卸货时间"
    row = "Y1;赣A00000;张某;31,5;南昌县;2024-03-02 06:45;闽侯县;2024-03-02 15:30"
    path = tmp_path / "运单.csv"
    path.write_bytes(f"{header}\n{row}\n".encode("gb18030"))
    out = cli("ingest", "orders", path, "--preview").out
    for part in (
        "gb18030",
        "the bytes are no UTF-8",
        "semicolon",
        "装货净重(吨)",
        "t (heading)",
        "not used: 司机姓名",
        "2024-03-01T22:45:00+00:00",
        "Nothing was kept",
    ):
        assert part in out


def test_a_preview_asks_the_register_and_leaves_it_alone(
    filled: CommandLine, tmp_path: Path
) -> None:
    before = {one: one.stat().st_mtime_ns for one in filled.home.rglob("*") if one.is_file()}
    path, source = board(tmp_path)
    ran = filled("ingest", "orders", path, "--source", source, "--preview", "--json")
    (told,) = ran.json["files"]
    assert [(one["line"], one["code"]) for one in told["rejections"]] == [(5, "vehicle_unknown")]
    after = {one: one.stat().st_mtime_ns for one in filled.home.rglob("*") if one.is_file()}
    assert {one for one in after if after[one] != before.get(one)} - side_files(filled) == set()


def side_files(cli: CommandLine) -> set[Path]:
    """What a database writes beside itself when it is only read."""
    return {one for one in cli.home.rglob("*") if one.name.endswith(("-shm", "-wal"))}
