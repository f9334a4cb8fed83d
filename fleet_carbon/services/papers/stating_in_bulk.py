"""All statements of a month, into a folder or a ZIP: in processes, holding but a few at a time."""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fleet_carbon import engine
from fleet_carbon.errors import FleetCarbonError, InputRefused
from fleet_carbon.periods import parse_month
from fleet_carbon.services.papers.stating import (
    SUFFIXES,
    drivers_of_month,
    open_book,
    refuse_language,
)
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.settings import Settings
from fleet_carbon.statements.tables import write_whole

# What is read for some is read again for the next; so many steps can be seen while it is done.
_AT_A_TIME_MIN, _AT_A_TIME_MAX, _STEPS = 5, 100, 20
_PLAIN_NAME = re.compile(r"[\w.-]{1,80}")
# A ZIP carries a moment of each file; one fixed moment keeps equal statements equal bytes.
_ZIPPED_AT = (2026, 1, 1, 0, 0, 0)

Put = Callable[[str, bytes], None]


@dataclass(frozen=True)
class Bulk:
    """What was written.

    Attributes
    ----------
    month, output : str
        Of when, and where.
    written_count : int
        Statements written.
    refused : list of dict
        ``driver_id``, ``code`` and ``message`` of those that could not be proven.
    """

    month: str
    output: str
    written_count: int = 0
    refused: list[dict[str, str]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)

    def lines(self) -> list[str]:
        """The outcome for people."""
        lines = [f"{self.written_count:,} statements of {self.month} written to {self.output}."]
        for one in self.refused:
            lines.append(f"  Not handed out, {one['driver_id']}: {one['message']}")
        return lines


@dataclass(frozen=True)
class _Some:
    """A few drivers of one job."""

    drivers: tuple[str, ...]


@dataclass(frozen=True)
class _Made:
    """One statement, or why there is none."""

    driver_id: str
    content: bytes = b""
    code: str = ""
    message: str = ""


def write_all_statements(
    settings: Settings,
    month: str,
    output: Path,
    *,
    language: str = "en",
    suffix: str = ".pdf",
    progress: Progress | None = None,
) -> Bulk:
    """Write the statement of every driver with an account in a month.

    Parameters
    ----------
    settings : Settings
        Where the records are; `workers` processes work at a time, `scheduler` says otherwise.
    month : str
        YYYY-MM, closed.
    output : Path
        A folder, which is made, or a file that ends in ``.zip``.
    language : str
        ``en`` or ``zh``.
    suffix : str
        Which of the forms.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    InputRefused
        If language, form or output are none.
    NotFound
        If the month was never closed.
    """
    refuse_form(language, suffix)
    told = progress or Silent()
    drivers, wanted = drivers_of_month(settings, month), str(parse_month(month, settings.zone))
    way = engine.way_of(settings.scheduler or engine.PROCESSES, settings.workers)
    make = partial(_make, settings, wanted, language, suffix)
    written_count, refused = 0, []
    told.begin(f"statements of {wanted}", len(drivers), "statements")
    with _output(output) as put:
        for some in engine.run(make, _jobs(drivers), way=way):
            for one in some:
                if one.code:
                    refused.append(
                        {"driver_id": one.driver_id, "code": one.code, "message": one.message}
                    )
                else:
                    put(f"{wanted}_{_plain(one.driver_id)}{suffix}", one.content)
                    written_count += 1
            told.advance(len(some))
    told.end()
    return Bulk(wanted, str(output), written_count, refused)


def refuse_form(language: str, suffix: str) -> None:
    """Pass only if statements are made in this language and form.

    Raises
    ------
    InputRefused
        If not.
    """
    refuse_language(language)
    if suffix not in SUFFIXES:
        raise InputRefused(
            "statement_format_unknown",
            f"{suffix!r} is no form of a statement.",
            f"Choose one of {', '.join(one.lstrip('.') for one in SUFFIXES)}.",
        )


def _jobs(drivers: list[str]) -> Iterator[_Some]:
    at_a_time = min(max(len(drivers) // _STEPS, _AT_A_TIME_MIN), _AT_A_TIME_MAX)
    for begin in range(0, len(drivers), at_a_time):
        yield _Some(tuple(drivers[begin : begin + at_a_time]))


def _make(settings: Settings, month: str, language: str, suffix: str, some: _Some) -> list[_Made]:
    """The statements of a few drivers, of which each may be refused by itself."""
    with open_book(settings, month, some.drivers) as book:
        made = []
        for driver_id in some.drivers:
            try:
                content = book.statement(driver_id, language).content(suffix)
            except FleetCarbonError as refusal:
                made.append(_Made(driver_id, code=refusal.code, message=refusal.message))
            else:
                made.append(_Made(driver_id, content))
        return made


def _plain(driver_id: str) -> str:
    """A name for a file: the identifier, or its digest where it holds more than letters."""
    if _PLAIN_NAME.fullmatch(driver_id) and not driver_id.startswith("."):
        return driver_id
    return hashlib.sha256(driver_id.encode()).hexdigest()[:24]


@contextmanager
def _output(output: Path) -> Iterator[Put]:
    """Where files are put; a ZIP appears complete or not at all."""
    try:
        if output.suffix.lower() != ".zip":
            output.mkdir(parents=True, exist_ok=True)
            yield lambda name, content: write_whole(content, output / name)
            return
        partial_path = output.with_name(f".{output.name}.partial")
        with zipfile.ZipFile(partial_path, "w") as archive:
            yield lambda name, content: archive.writestr(
                zipfile.ZipInfo(name, _ZIPPED_AT), content, zipfile.ZIP_DEFLATED
            )
        os.replace(partial_path, output)
    except OSError as fault:
        raise InputRefused(
            "output_not_writable",
            f"{output} cannot be written: {fault.strerror or fault}.",
            "Name a folder, or a file ending in .zip, where you may write.",
        ) from fault
