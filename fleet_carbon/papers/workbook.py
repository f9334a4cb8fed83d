"""A fleet's monthly report as a workbook: a sheet for each question, charts of the program's own.

Every text is written as a text: what senders call their drivers is never a formula. The same
report gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from io import BytesIO
from math import ceil
from typing import Any

import xlsxwriter

from fleet_carbon.statements.charts import GAIN, LOSS, WHOLE
from fleet_carbon.statements.wording import CHINESE

Row = Mapping[str, Any]
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_HEAD_ROW = 3
_FONTS = {CHINESE: "Microsoft YaHei"}
_FONT = "Calibri"
_CHART_PX = (620, 300)
_NAME_WIDTH, _NUMBER_WIDTH, _WIDTH_MAX = 18, 13, 60
_GREEN, _TINT, _SOFT = "#00684c", "#eef6f3", "#5b6b73"
_LINE = "#d5dde0"
_LINE_PT = 15
# Columns that a mark above the heads opens.
_FOLDED = {"level": 1, "hidden": True}
# Beside the figures of the first sheet; charts stand one below the other from here on.
_CHART_COLUMN, _CHART_ROWS = 6, 16


def report_workbook(composed: Row) -> bytes:
    """The workbook of a composed report.

    Parameters
    ----------
    composed : mapping
        From `statements.fleet_report.compose_report`.
    """
    sink = BytesIO()
    with xlsxwriter.Workbook(sink, _OPTIONS) as book:
        _Book(book, composed).write()
    return sink.getvalue()


def shipper_workbook(composed: Row) -> bytes:
    """The workbook of a customer's report.

    Parameters
    ----------
    composed : mapping
        From `statements.shipper_report.compose_shipper_report`.
    """
    sink = BytesIO()
    with xlsxwriter.Workbook(sink, _OPTIONS) as book:
        _Book(book, composed).write_for_shipper()
    return sink.getvalue()


def _name_of(composed: Row) -> str:
    """Whose report it is: customers know a fleet by its company, the fleet itself by its name."""
    return str(composed.get("carrier_name", composed["fleet_id"]))


class _Book:
    """Writes the sheets of one report."""

    def __init__(self, book: Any, composed: Row) -> None:
        self._book, self._told, self._words = book, composed, composed["words"]
        font = {"font_name": _FONTS.get(composed["language"], _FONT), "font_size": 10}
        book.formats[0].set_font_name(font["font_name"])
        book.formats[0].set_font_size(10)
        book.set_properties(
            {
                "title": f"{self._words['title']} {composed['month_text']}",
                "company": _name_of(composed),
                "created": datetime.fromisoformat(composed["closed_on"]),
            }
        )
        top = {**font, "valign": "top", "align": "left", "indent": 1}
        self._title = book.add_format({**font, "bold": True, "font_size": 15, "font_color": _GREEN})
        self._soft = book.add_format({**font, "font_color": _SOFT})
        self._head = book.add_format(
            {**font, "bold": True, "bg_color": _GREEN, "font_color": "#ffffff", "text_wrap": True,
             "valign": "vcenter", "border": 1, "border_color": "#ffffff"}
        )  # fmt: skip
        self._text = book.add_format(top)
        self._whole = book.add_format({**font, "valign": "top"})
        self._wrapped = book.add_format({**top, "text_wrap": True})
        self._font, self._formats = font, dict[str, Any]()

    def write(self) -> None:
        """Every sheet of a fleet's report in its place."""
        self._month_sheet()
        self._tables()

    def write_for_shipper(self) -> None:
        """Every sheet of a customer's report: sums and method first."""
        sheet = self._sheet(self._told["questions"]["month"])
        for place, width in enumerate((30, 16, 14)):
            sheet.set_column(place, place, width)
        row = self._figures(sheet, ("figure", "value", "unit")) + 2
        sheet.write_string(row, 0, self._told["questions"]["method"]["question"], self._head)
        for line, text in enumerate(self._told["method"], start=row + 1):
            sheet.write_string(line, 0, text, self._text)
        self._tables()

    def _tables(self) -> None:
        """A sheet for each table, what is missing, and what columns mean."""
        for table in self._told["tables"]:
            self._table_sheet(table)
        self._list_sheet(
            "missing",
            ("affected", "about", "what_to_do"),
            [(one["affected_count"], one["about"], one["text"]) for one in self._told["missing"]],
            widths=(12, 16, 110),
        )
        self._list_sheet(
            "columns",
            ("column", "unit", "definition"),
            [(one["label"], one["unit"], one["definition"]) for one in self._told["columns"]],
            widths=(26, 24, 100),
        )

    def _sheet(self, question: Row) -> Any:
        sheet = self._book.add_worksheet(question["short"])
        told = self._told
        sheet.write_string(0, 0, question["question"], self._title)
        sheet.set_row(0, 24)
        closed = f"{self._words['closed']} {told['closed_text']}"
        whose = (told.get("shipper_id", ""), _name_of(told), told["month_text"])
        about = (*whose, question["about"], told["edition"], closed)
        sheet.write_string(1, 0, " \N{MIDDLE DOT} ".join(filter(None, about)), self._soft)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.set_footer(f"&L{told['month']}&R&P / &N")
        return sheet

    def _heads(self, sheet: Any, row: int, columns: Sequence[Row]) -> None:
        """Labels with their units."""
        sheet.set_row(row, 44)
        for place, column in enumerate(columns):
            unit = f"\n[{column['unit']}]" if column["unit"] else ""
            sheet.write_string(row, place, f"{column['label']}{unit}", self._head)

    def _number(self, column: Row) -> Any:
        """The format of a column's numbers."""
        digits = f".{'0' * column['digits']}" if column["digits"] else ""
        code = f"0{digits}%" if column["kind"] == "share" else f"#,##0{digits}"
        if code not in self._formats:
            self._formats[code] = self._book.add_format({**self._font, "num_format": code})
        return self._formats[code]

    def _cell(self, sheet: Any, row: int, place: int, *, column: Row, value: Any) -> None:
        if value is None:
            return
        if column["kind"] == "text":
            sheet.write_string(row, place, str(value), self._text)
        else:
            sheet.write_number(row, place, value, self._number(column))

    def _table_sheet(self, table: Row) -> None:
        sheet, (columns, rows) = self._sheet(table), self._with_bounds(table)
        self._heads(sheet, _HEAD_ROW, columns)
        for line, row in enumerate(rows, start=_HEAD_ROW + 1):
            for place, (column, value) in enumerate(zip(columns, row, strict=True)):
                self._cell(sheet, line, place, column=column, value=value)
        for place, column in enumerate(columns):
            width, folded = _width(column, [row[place] for row in rows]), column["is_bound"]
            sheet.set_column(place, place, width, None, _FOLDED if folded else {})
        if any(column["is_bound"] for column in columns):
            sheet.write_string(_HEAD_ROW - 1, 0, self._words["grouped"], self._soft)
        last = _HEAD_ROW + max(len(rows), 1)
        named = sum(column["kind"] == "text" for column in columns)
        sheet.freeze_panes(_HEAD_ROW + 1, named)
        sheet.repeat_rows(_HEAD_ROW)
        if not rows:
            sheet.write_string(_HEAD_ROW + 1, 0, self._words["nothing"], self._soft)
            return
        sheet.autofilter(_HEAD_ROW, 0, last, len(columns) - 1)
        for place, column in enumerate(columns):
            if column["has_bar"]:
                bar = {"type": "data_bar", "bar_solid": True, "bar_color": "#9ccfbf",
                       "bar_negative_color": "#f0b183", "bar_axis_color": _SOFT}  # fmt: skip
                sheet.conditional_format(_HEAD_ROW + 1, place, last, place, bar)

    def _with_bounds(self, table: Row) -> tuple[list[dict[str, Any]], list[list[Any]]]:
        """The columns and rows of a table, behind each estimate the bounds of its interval."""
        columns: list[dict[str, Any]] = []
        rows: list[list[Any]] = [[] for _ in table["rows"]]
        for place, column in enumerate(table["columns"]):
            columns.append({**column, "is_bound": False})
            for told, row in zip(rows, table["rows"], strict=True):
                told.append(row[place])
            ends = [row[place] for row in table.get("bounds", [])]
            if not any(ends):
                continue
            for at, end in enumerate(("low", "high")):
                label = f"{column['label']} ({self._words[end]})"
                columns.append({**column, "label": label, "has_bar": False, "is_bound": True})
                for told, one in zip(rows, ends, strict=True):
                    told.append(one[at] if one else None)
        return columns, rows

    def _list_sheet(
        self, name: str, heads: Sequence[str], rows: Sequence[Sequence[Any]], *, widths: Any
    ) -> None:
        sheet = self._sheet(self._told["questions"][name])
        for place, head in enumerate(heads):
            sheet.write_string(_HEAD_ROW, place, self._words[head], self._head)
            sheet.set_column(place, place, widths[place])
        for line, row in enumerate(rows, start=_HEAD_ROW + 1):
            for place, value in enumerate(row):
                if isinstance(value, int):
                    sheet.write_number(line, place, value, self._whole)
                elif value is not None:
                    sheet.write_string(line, place, value, self._wrapped)
            # Not every program makes room by itself for what is wrapped.
            widest = zip(row, widths, strict=True)
            lines_count = max(ceil(_cells(str(value)) / (1.15 * width)) for value, width in widest)
            sheet.set_row(line, _LINE_PT * lines_count)
        sheet.freeze_panes(_HEAD_ROW + 1, 0)
        sheet.repeat_rows(_HEAD_ROW)
        sheet.autofilter(_HEAD_ROW, 0, _HEAD_ROW + max(len(rows), 1), len(heads) - 1)

    def _month_sheet(self) -> None:
        """Sums, what brought the saving, the months; and the charts beside them."""
        sheet = self._sheet(self._told["questions"]["month"])
        for place, width in enumerate((36, 16, 16, 24, 16, 3)):
            sheet.set_column(place, place, width)
        row = self._figures(sheet)
        shown = [self._steps(sheet, row + 2)] if self._told["brought"]["steps"] else []
        row += 4 + len(self._told["brought"]["steps"])
        shown.append(self._months(sheet, row + 1))
        row += 4 + len(self._told["trend"]["rows"])
        for ranking in self._told["rankings"]:
            if ranking["values"]:
                shown.append(self._ranked(sheet, row, ranking))
                row += 3 + len(ranking["values"])
        for place, chart in enumerate(shown):
            chart.set_size({"width": _CHART_PX[0], "height": _CHART_PX[1]})
            sheet.insert_chart(_HEAD_ROW + place * _CHART_ROWS, _CHART_COLUMN, chart)
        sheet.freeze_panes(_HEAD_ROW, 0)
        sheet.fit_to_pages(1, 1)

    def _figures(
        self, sheet: Any, heads: Sequence[str] = ("figure", "value", "unit", "interval")
    ) -> int:
        for place, head in enumerate(heads):
            sheet.write_string(_HEAD_ROW, place, self._words[head], self._head)
        row = _HEAD_ROW
        for figure in self._told["headline"]:
            row += 1
            sheet.write_string(row, 0, figure["label"], self._text)
            self._cell(sheet, row, 1, column=figure, value=figure["value"])
            sheet.write_string(row, 2, figure["unit"], self._text)
            sheet.write_string(row, 3, figure["interval"], self._text)
            if figure["value"] is None:
                sheet.write_string(row, 1, self._words["no_value"], self._text)
        return row

    def _steps(self, sheet: Any, row: int) -> Any:
        """The parts of the saving as columns that float on what lies beneath."""
        litres = {"kind": "number", "digits": 1}
        for place, head in enumerate(("step", "litres", "beneath", "gain", "loss")):
            sheet.write_string(row, place, self._words[head], self._head)
        level, first, steps = 0.0, row + 1, self._told["brought"]["steps"]
        for line, step in enumerate(steps, start=first):
            value, is_whole = step["value"], line == first + len(steps) - 1
            begin = 0.0 if is_whole else level
            low, high = sorted((begin, begin + value))
            told = (value, low if low > 0 else min(high, 0.0), *_edges(low, high, value))
            sheet.write_string(line, 0, step["label"], self._text)
            for place, number in enumerate(told, start=1):
                self._cell(sheet, line, place, column=litres, value=number)
            level += value
        chart = self._book.add_chart({"type": "column", "subtype": "stacked"})
        last = first + len(steps) - 1
        fills = ({"none": True}, {"color": GAIN}, {"color": LOSS})
        for place, fill in zip((2, 3, 4), fills, strict=True):
            series = {
                "name": [sheet.name, row, place],
                "categories": [sheet.name, first, 0, last, 0],
                "values": [sheet.name, first, place, last, place],
                "fill": fill,
                "border": {"none": True},
                "gap": 60,
            }
            if place != 2:
                series["points"] = [None] * (len(steps) - 1) + [{"fill": {"color": WHOLE}}]
            chart.add_series(series)
        self._dress(chart, self._words["step"], self._words["litres"])
        chart.set_legend({"none": True})
        return chart

    def _months(self, sheet: Any, row: int) -> Any:
        """The months as columns, and their empty share as a line."""
        trend = self._told["trend"]
        columns, first = trend["columns"], row + 1
        self._heads(sheet, row, columns)
        for line, values in enumerate(trend["rows"], start=first):
            for place, value in enumerate(values):
                self._cell(sheet, line, place, column=columns[place], value=value)
        last = first + len(trend["rows"]) - 1
        names = [sheet.name, first, 0, last, 0]
        chart = self._book.add_chart({"type": "column"})
        chart.add_series(
            {"name": columns[1]["label"], "categories": names,
             "values": [sheet.name, first, 1, last, 1], "fill": {"color": WHOLE}, "gap": 80}
        )  # fmt: skip
        line_chart = self._book.add_chart({"type": "line"})
        line_chart.add_series(
            {"name": columns[4]["label"], "categories": names, "y2_axis": True,
             "values": [sheet.name, first, 4, last, 4], "line": {"color": LOSS, "width": 2.25},
             "marker": {"type": "circle", "fill": {"color": LOSS}}}
        )  # fmt: skip
        chart.combine(line_chart)
        self._dress(chart, self._words["trend"], f"{columns[1]['label']} [{columns[1]['unit']}]")
        line_chart.set_y2_axis({"name": columns[4]["label"], "num_format": "0%", "min": 0})
        chart.set_legend({"position": "bottom"})
        return chart

    def _ranked(self, sheet: Any, row: int, ranking: Row) -> Any:
        column = {"kind": "number", "digits": 1 if ranking["name"] == "ranking" else 0}
        sheet.write_string(row, 0, ranking["title"], self._head)
        sheet.write_string(row, 1, f"[{ranking['unit']}]", self._head)
        first = row + 1
        told = zip(ranking["labels"], ranking["values"], strict=True)
        for line, (label, value) in enumerate(told, start=first):
            sheet.write_string(line, 0, label, self._text)
            self._cell(sheet, line, 1, column=column, value=value)
        last = first + len(ranking["values"]) - 1
        chart = self._book.add_chart({"type": "bar"})
        chart.add_series(
            {"name": ranking["title"], "categories": [sheet.name, first, 0, last, 0],
             "values": [sheet.name, first, 1, last, 1], "fill": {"color": WHOLE}, "gap": 40,
             "invert_if_negative": True, "invert_if_negative_color": LOSS,
             "data_labels": {"value": True, "num_format": "#,##0"}}
        )  # fmt: skip
        self._dress(chart, ranking["title"], "")
        chart.set_y_axis({"reverse": True, "num_font": {"size": 9}, "label_position": "low"})
        chart.set_x_axis({"visible": False, "major_gridlines": {"visible": False}})
        chart.set_legend({"none": True})
        return chart

    def _dress(self, chart: Any, title: str, unit: str) -> None:
        chart.set_title({"name": title, "name_font": {"size": 12}, "overlay": False})
        lines = {"visible": True, "line": {"color": _LINE}}
        chart.set_y_axis({"name": unit, "num_format": "#,##0", "major_gridlines": lines})
        chart.set_x_axis({"label_position": "low", "num_font": {"size": 9}})


def _edges(low: float, high: float, value: float) -> tuple[float, float]:
    """The height of what is seen, as saved or as spent more; one of them is zero."""
    height = max(high, 0.0) - max(low, 0.0) if high > 0 else low - min(high, 0.0)
    return (height, 0.0) if value >= 0 else (0.0, height)


def _width(column: Row, values: Sequence[Any]) -> float:
    """A width that holds what the column says, Chinese characters being twice as wide."""
    if column["kind"] != "text":
        return _NUMBER_WIDTH
    longest = max((_cells(str(value)) for value in values if value is not None), default=0)
    return min(_WIDTH_MAX, max(_NAME_WIDTH - 6, _cells(column["label"]) + 4, longest + 2))


def _cells(text: str) -> int:
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in text)
