"""Separated text: forms, encodings, line ends, and the true line of every row."""

from __future__ import annotations

import codecs
import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest import delimited
from tests.ingest.reading import POSITIONS_HEADER, SHANGHAI, profile, read, write

FIX = "T1,2026-03-02 06:45:00,110.44,35.48"
DRIVERS = ["driver_id,name", "D1,张师傅", "D2,李师傅"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_out(separator: str, tmp_path: Path) -> None:
    lines = [line.replace(",", separator) for line in (POSITIONS_HEADER, FIX)]
    found = read(write(tmp_path, lines), "positions")
    assert found.rows[["lon_udeg", "lat_udeg"]].values.tolist() == [[110_440_000, 35_480_000]]


def test_a_comma_inside_quotes_does_not_count_as_separator(tmp_path: Path) -> None:
    path = write(tmp_path, ['driver_id;"name, first name, title"', "D1;x"])
    assert read(path, "drivers").batches[0].columns.ignored == ("name, first name, title",)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_decimal_comma_is_read_where_the_comma_does_not_separate(
    separator: str, tmp_path: Path
) -> None:
    lines = ["vehicle_id;time;quantity;price", "T1;2024-03-02T18:41;412,35;7,42"]
    path = write(tmp_path, [line.replace(";", separator) for line in lines])
    row = read(path, "energy").rows.iloc[0]
    assert (row["quantity"], row["price"]) == (412.35, "7.42")


def test_the_line_of_a_spreadsheet_that_names_its_separator_is_obeyed(tmp_path: Path) -> None:
    path = write(tmp_path, ["sep=;", "driver_id;name", "D1;a,b,c,d", ";x"])
    found = read(path, "drivers")
    assert found.rows["name"].tolist() == ["a,b,c,d"]
    assert found.codes == [(4, "driver_id", "missing_value")]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("gb18030", b""),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
    ],
)
def test_the_encoding_is_found_out(encoding: str, mark: bytes, tmp_path: Path) -> None:
    path = tmp_path / "drivers.csv"
    path.write_bytes(mark + "\n".join(DRIVERS).encode(encoding))
    found = read(path, "drivers")
    assert found.rows["name"].tolist() == ["张师傅", "李师傅"]
    assert found.rows["driver_id"].tolist() == ["D1", "D2"]
    assert found.rows["line"].tolist() == [2, 3]


def test_a_profile_may_name_the_encoding(tmp_path: Path) -> None:
    path = write(tmp_path, ["driver_id,name", "D1,張師傅"], encoding="big5")
    assert read(path, "drivers", profile(encoding="big5")).rows["name"].tolist() == ["張師傅"]
    with pytest.raises(InputRefused, match="not text in ascii"):
        read(path, "drivers", profile(encoding="ascii"))


def test_chinese_characters_after_megabytes_of_ascii_do_not_surprise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 64)
    lines = ["driver_id,name", *(f"D{n},x" for n in range(50)), "D50,张师傅"]
    found = read(write(tmp_path, lines, encoding="gb18030"), "drivers")
    assert found.rows["name"].tolist()[-1] == "张师傅"
    assert len(found.rows) == 51


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_gives_the_same_rows_and_lines(end: str, tmp_path: Path) -> None:
    lines = [POSITIONS_HEADER, FIX, "T1,never,110.44,35.48", FIX]
    found = read(write(tmp_path, lines, end=end), "positions")
    assert found.rows["line"].tolist() == [2, 4]
    assert found.codes == [(3, "time", "time_unreadable")]


def test_line_ends_inside_quotes_are_counted_as_lines(tmp_path: Path) -> None:
    text = 'driver_id,"the\nname",phone\nD1,"a\nb\r\nc",1\n,x,2\nD3,y,3\n'
    path = tmp_path / "f.csv"
    path.write_bytes(text.encode())
    found = read(path, "drivers", profile(columns={"name": "the name"}))
    assert found.rows[["driver_id", "name", "line"]].values.tolist() == [
        ["D1", "a\nb\nc", 3],
        ["D3", "y", 7],
    ]
    assert found.codes == [(6, "driver_id", "missing_value")]


def test_blank_lines_are_no_rows_but_are_lines(tmp_path: Path) -> None:
    lines = ["", "driver_id,name", "D1,a", "", "   ", ",", "D2,b", "", ",c", ""]
    for end in ("\n", "\r\n"):
        found = read(write(tmp_path, lines, end=end), "drivers")
        assert found.rows["line"].tolist() == [3, 7]
        assert found.codes == [(9, "driver_id", "missing_value")]
        assert found.rows_read == 3


def test_blank_lines_between_regular_rows_are_counted_in_every_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["driver_id,name", "D1,a", "", "D2,b", "", "", "D3,c", ",d", "", "D4,e"]
    for end in ("\n", "\r\n"):
        for block in (8, 1 << 24):
            monkeypatch.setattr(delimited, "BLOCK_BYTES", block)
            found = read(write(tmp_path, lines, end=end), "drivers")
            assert found.rows["line"].tolist() == [2, 4, 7, 10]
            assert found.codes == [(8, "driver_id", "missing_value")]


def test_headers_are_matched_without_case_blanks_and_order(tmp_path: Path) -> None:
    path = write(tmp_path, [" LAT ,Lon,VEHICLE ID, Time", "35.48,110.44,T1,2026-03-02 06:45:00"])
    assert read(path, "positions").rows["lon_udeg"].tolist() == [110_440_000]


def test_the_first_of_two_columns_of_a_name_serves_and_both_are_reported(tmp_path: Path) -> None:
    path = write(tmp_path, ["driver_id,Others,name,others,Name", "D1,x,first,y,second"])
    found = read(path, "drivers")
    assert found.rows["name"].tolist() == ["first"]
    use = found.batches[0].columns
    assert use.repeated == ("Others", "name", "others", "Name")
    assert use.ignored == ("Others", "others", "Name")


def test_columns_that_nobody_asked_for_are_ignored_and_reported(tmp_path: Path) -> None:
    path = write(tmp_path, ["driver_id,shoe_size,,name", "D1,43,z,a"])
    use = read(path, "drivers").batches[0].columns
    assert use.ignored == ("shoe_size",)
    assert use.headers == {"driver_id": "driver_id", "name": "name"}


def test_a_row_with_too_many_cells_is_refused_and_empty_ones_at_its_end_are_not(
    tmp_path: Path,
) -> None:
    found = read(write(tmp_path, ["driver_id,name", "D1,a,b", "D2,c,,", "D3,d"]), "drivers")
    assert found.rows["driver_id"].tolist() == ["D2", "D3"]
    assert found.codes == [(2, "", "too_many_fields")]
    assert found.rows_read == 3
    assert read(tmp_path / "f.csv", "drivers", chunk_rows=1).rows_read == 3


def test_a_short_row_lacks_its_last_cells(tmp_path: Path) -> None:
    found = read(write(tmp_path, ["driver_id,vehicle_id,from,until", "D1,T1,2026-03-02", "D2,T1"]),
                 "assignments")  # fmt: skip
    assert found.rows["driver_id"].tolist() == ["D1"]
    assert found.rows["assigned_until"].isna().all()
    assert found.codes == [(3, "from", "missing_value")]


def test_a_last_line_that_breaks_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(
        f"{POSITIONS_HEADER},speed_kmh\n{FIX},80\nT1,2026-03-02 06:45:30,110.4".encode()
    )
    found = read(path, "positions")
    assert found.codes == [(3, "", "row_cut_off")]
    assert found.rows_read == 2


def test_a_quote_that_is_never_closed_costs_its_own_line_only(tmp_path: Path) -> None:
    lines = ["driver_id,name", "D1,a", 'D2,"b', *(f"D{n},c" for n in range(3, 300))]
    found = read(write(tmp_path, lines), "drivers")
    assert found.codes == [(3, "", "quote_not_closed")]
    assert len(found.rows) == 298
    assert found.rows["line"].tolist() == [2, *range(4, 301)]


def test_a_stray_quote_inside_a_text_is_part_of_it(tmp_path: Path) -> None:
    found = read(write(tmp_path, ["driver_id,name", 'D1,5" pipe', "D2,b"]), "drivers")
    assert found.rows["name"].tolist() == ['5" pipe', "b"]


def test_a_gzipped_file_without_header_is_read_by_its_profile(tmp_path: Path) -> None:
    path = tmp_path / "f.psv.gz"
    path.write_bytes(gzip.compress(b"x|35.48|110.44|T1|2026-03-02T06:45:00\n"))
    source = profile(header=["poll", "lat", "lon", "unit", "time"], separator="|",
                     columns={"vehicle_id": "unit"})  # fmt: skip
    found = read(path, "positions", source)
    assert found.rows[["vehicle_id", "line"]].values.tolist() == [["T1", 1]]


def test_titles_above_the_header_are_skipped(tmp_path: Path) -> None:
    path = write(tmp_path, ["Fleet report", "of March", "driver_id,name", "D1,a", ",b"])
    found = read(path, "drivers", profile(title_rows=2))
    assert found.rows["line"].tolist() == [4]
    assert found.codes == [(5, "driver_id", "missing_value")]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"\n\n", "file_empty"),
        (b"\x00\x01\x02\x03" * 50, "format_unknown"),
        (b"driver_id,name\nD1,\xff\xff\xff", "encoding_unknown"),
        (gzip.compress(b"driver_id,name\nD1,a\n" * 500, mtime=0)[:-20], "file_unreadable"),
        (b'[{"driver_id": "D1"}]', "format_unknown"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_at_once(
    content: bytes, code: str, tmp_path: Path
) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    with pytest.raises(InputRefused) as refused:
        read(path, "drivers")
    assert refused.value.code == code
    assert "f.csv" in refused.value.message
    assert refused.value.hint


def test_utf8_with_a_broken_byte_is_refused_and_not_read_as_another_encoding(
    tmp_path: Path,
) -> None:
    path = tmp_path / "f.csv"
    sound = "\n".join(["driver_id,name", *(f"D{n},张师傅" for n in range(20))]).encode()
    path.write_bytes(sound.replace("D7,张".encode(), "D7,张".encode()[:-1]))
    with pytest.raises(InputRefused, match=r"not text in utf-8\.") as refused:
        read(path, "drivers")
    assert refused.value.code == "encoding_unknown"


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(InputRefused) as refused:
            read(path, "drivers")
        assert refused.value.code == "file_unreadable"


def test_a_file_with_a_header_only_gives_one_empty_batch(tmp_path: Path) -> None:
    found = read(write(tmp_path, [POSITIONS_HEADER]), "positions")
    assert (len(found.batches), found.rows_read, len(found.rows)) == (1, 0, 0)


_CELL = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=("Cs",)), max_size=6
)


@given(
    rows=st.lists(st.tuples(_CELL, _CELL), min_size=1, max_size=30),
    block=st.sampled_from([32, 200, 1 << 24]),
    quoted=st.booleans(),
)
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_text_comes_back_with_its_line_and_every_row_is_counted_once(
    rows: list[tuple[str, str]], block: int, quoted: bool, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Whatever stands in the cells, however the file is cut into blocks."""
    monkeypatch.setattr(delimited, "BLOCK_BYTES", block)
    lines, expected, line = ["driver_id,name"], [], 2
    for number, (name, other) in enumerate(rows):
        cells = [f"D{number}", name, other]
        written = ",".join(
            '"' + cell.replace('"', '""') + '"' if quoted or set(cell) & set(',"\r\n') else cell
            for cell in cells
        )
        lines.append(written)
        expected.append((f"D{number}", line))
        line += 1 + _physical_ends(written)
    lines[0] += ",other"
    path = tmp_path / "any.csv"
    path.write_bytes(("\n".join(lines) + "\n").encode())
    found = read(path, "drivers", SHANGHAI, chunk_rows=7)
    assert list(zip(found.rows["driver_id"], found.rows["line"], strict=True)) == expected
    assert found.rows_read == len(rows)


def _physical_ends(text: str) -> int:
    return text.replace("\r\n", "\n").replace("\r", "\n").count("\n")
