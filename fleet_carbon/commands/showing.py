"""How commands answer: reports and tables on standard output, progress on standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import typer

from fleet_carbon.commands.options import Session
from fleet_carbon.errors import InputRefused

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from fleet_carbon.services.accounts.reading import Table
    from fleet_carbon.services.support.progress import Progress

_LINE_EVERY_S = 5.0


class Report(Protocol):
    """What every service answers."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        ...

    def lines(self) -> list[str]:
        """Text for people."""
        ...


def answer(session: Session, report: Report) -> None:
    """Print the report: as JSON, or as text for people."""
    if session.as_json:
        print_json(report.as_dict())
    else:
        typer.echo("\n".join(report.lines()))


def write_table(
    session: Session, name: str, month: str, output: Path | None, format_name: str | None
) -> None:
    """Write a table of a closed month: into a file, or to standard output."""
    from fleet_carbon.services.accounts import reading

    write_rows(
        session,
        lambda: reading.read_table(session.settings_on_record(), name, month),
        output,
        format_name=format_name,
    )


def write_rows(
    session: Session, read: Callable[[], Table], output: Path | None, *, format_name: str | None
) -> None:
    """Write a table, read once it is clear that it can be written: into a file, or shown."""
    from fleet_carbon.services.accounts import reading

    try:
        format_name = reading.output_format(output, format_name)
    except InputRefused as unknown:
        raise typer.BadParameter(f"{unknown.message} {unknown.hint}") from unknown
    table = read()
    if output is not None and format_name is not None:
        table.write(output, format_name)
    if session.as_json:
        print_json(table.as_dict() | ({"file": str(output)} if output else {}))
    elif output is not None:
        typer.echo(f"{len(table.rows):,} rows of {table.name} {table.month} written to {output}")
    elif format_name is None and sys.stdout.isatty():
        typer.echo("\n".join(table.lines()))
    else:
        sys.stdout.write(table.as_text(format_name or "csv"))


def print_json(report: dict[str, Any]) -> None:
    """Print the one JSON object of a command."""
    shown = _without_negative_zero(report)
    sys.stdout.write(json.dumps(shown, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def _without_negative_zero(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_negative_zero(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_negative_zero(one) for one in value]
    return value + 0.0 if isinstance(value, float) else value


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Progress on standard error: bars where somebody looks on, else one line per task."""
    if not sys.stderr.isatty():
        yield _ProgressLines()
        return
    from rich.console import Console
    from rich.progress import Progress as RichProgress

    with RichProgress(*_bar_columns(), console=Console(stderr=True)) as bars:
        yield _ProgressBars(bars)


def _bar_columns() -> list[Any]:
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return [
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,.0f} {task.fields[unit]}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    ]


class _ProgressBars:
    """One bar per task, with rate and time left."""

    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def begin(self, task: str, total: int | None, unit: str) -> None:
        self._task = self._bars.add_task(task, total=total, unit=unit, rate="")

    def advance(self, count: int) -> None:
        if self._task is None:
            return
        self._bars.advance(self._task, count)
        speed = self._bars.tasks[self._task].speed
        if speed:
            self._bars.update(self._task, rate=f"{speed:,.1f}/s")

    def end(self) -> None:
        if self._task is None:
            return
        done = self._bars.tasks[self._task].completed
        self._bars.update(self._task, total=done, completed=done)
        self._task = None


class _ProgressLines:
    """One line at the end of each task, and one now and then while it lasts."""

    def __init__(self) -> None:
        self._task, self._unit = "", ""
        self._total: int | None = None
        self._done = 0
        self._started_s = self._told_s = 0.0

    def begin(self, task: str, total: int | None, unit: str) -> None:
        self._task, self._unit, self._total, self._done = task, unit, total, 0
        self._started_s = self._told_s = time.monotonic()
        if total is None:  # nobody knows how long it takes, so that a word ahead is due
            typer.echo(f"{task} ...", err=True)

    def advance(self, count: int) -> None:
        self._done += count
        if time.monotonic() - self._told_s > _LINE_EVERY_S:
            self._told_s = time.monotonic()
            self._tell()

    def end(self) -> None:
        self._total = None
        self._tell()

    def _tell(self) -> None:
        took_s = max(time.monotonic() - self._started_s, 1e-9)
        rate = self._done / took_s
        line = f"{self._task}: {self._done:,} {self._unit} in {took_s:.1f} s ({rate:,.1f}/s)"
        if self._total and rate:
            line += f", {(self._total - self._done) / rate:.0f} s left"
        typer.echo(line, err=True)
