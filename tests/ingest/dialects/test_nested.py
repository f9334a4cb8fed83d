"""Members of documents as cells: many at a time say what each says by itself."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from fleet_carbon.ingest.dialects.nested import text_cells, text_of

NUMBERS = st.floats(allow_nan=False) | st.floats(1e-5, 1e-3) | st.floats(-1e10, 1e10)


@given(st.lists(st.none() | NUMBERS | NUMBERS.map(lambda value: round(value, 2))))
def test_numbers_are_written_together_as_each_by_itself(values: list[float | None]) -> None:
    assert text_cells(list(values)).to_pylist() == [text_of(value) for value in values]


@example([1.0, False])
@example([1, True])
@given(st.lists(st.none() | st.integers() | st.booleans() | st.text() | st.floats(1, 2)))
def test_whatever_stands_among_the_cells_each_is_written_as_by_itself(values: list[object]) -> None:
    assert text_cells(list(values)).to_pylist() == [text_of(value) for value in values]
