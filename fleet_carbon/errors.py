"""The error family, and the record of a refused row.

A message says what failed, on which item, what was expected; the hint says what to do.
Bad rows are values (`Rejection`), returned beside the good rows and never raised.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any


class FleetCarbonError(Exception):
    """A failure that a user can act upon.

    Parameters
    ----------
    code : str
        Stable identifier in snake_case, for programs.
    message : str
        What failed, which item, what was expected: a sentence for people.
    hint : str
        What to do about it.
    details : Any
        Further named facts, JSON-ready.
    """

    def __init__(self, code: str, message: str, hint: str = "", **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details = details

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        """Arrive whole from another process: by default only the message would."""
        return partial(type(self), self.code, self.message, self.hint, **self.details), ()

    def as_dict(self) -> dict[str, Any]:
        """The one error shape that leaves the house."""
        return {
            "ok": False,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "details": self.details,
        }


class InputRefused(FleetCarbonError):
    """The input as a whole cannot be used: unreadable file, missing column, bad argument."""


class Unavailable(FleetCarbonError):
    """What is needed is away, busy or full: nothing was kept, and the same may be asked again."""


class NotFound(FleetCarbonError):
    """The named thing is not on record."""


class FactorNotFound(NotFound):
    """No factor is in force on that day as known on that day. There is no nearest value."""


class ModelRefused(FleetCarbonError):
    """A file under `models/` breaks its own rules: unit, source, date order, lock digest."""


class LedgerBroken(FleetCarbonError):
    """The ledger contradicts itself. Nothing more may be posted until it is examined."""


@dataclass(frozen=True)
class Rejection:
    """One refused row: where it stands, what is wrong, what was expected.

    Attributes
    ----------
    file : str
        Name of the source file as the user gave it.
    line : int
        Line in the file, counted from 1 with the header; row number for Parquet and XLSX.
    column : str
        Name of the column as it stands in the file, empty if the row as a whole is wrong.
    code : str
        Stable identifier in snake_case.
    text : str
        A sentence for people, with the value found and what was expected.
    """

    file: str
    line: int
    column: str
    code: str
    text: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)


@dataclass(frozen=True)
class Suspicion:
    """Something that looks wrong in a whole file, reported and never applied in silence.

    Attributes
    ----------
    code : str
        Stable identifier in snake_case, for example ``speed_unit_fits_knots``.
    text : str
        What was seen, in a sentence.
    evidence : str
        The numbers behind it.
    remedy : str
        What to pass to fix it, for example ``--source`` key ``speed_unit: knots``.
    """

    code: str
    text: str
    evidence: str
    remedy: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)
