"""How a figure came about: every number between legs and grams, written down where it arises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.frames import DERIVATIONS, TEXT


@dataclass(frozen=True)
class _Line:
    """One number of every account: its step and name, its values, and where they come from."""

    step: str
    name: str
    value: NDArray[np.float64]
    unit: str
    source: Sequence[str]


@dataclass
class Derivation:
    """What is written down for some accounts, in the order in which it is found.

    Attributes
    ----------
    accounts : sequence of tuple of str
        Driver and truck of each account.
    """

    accounts: Sequence[tuple[str, ...]]
    _lines: list[_Line] = field(default_factory=list)

    def add(
        self,
        step: str,
        name: str,
        value: NDArray[np.float64] | float,
        *,
        unit: str,
        source: str | Sequence[str] = "",
        at: NDArray[np.intp] | None = None,
    ) -> None:
        """Write down a number of every account; NaN where an account has none.

        Parameters
        ----------
        step : str
            Part of the chain: ``fuel``, ``baseline``, ``saving``, ``interval``, ``leakage`` or
            ``credit``.
        name : str
            What the number is, by the grammar of names.
        value : float or ndarray of float, shape (n_accounts,) or (n_given,)
            In `unit`.
        unit : str
            Unit of the numbers.
        source : str or sequence of str
            Where they come from: a rule of the edition, a table, a rung; one for all or one each.
        at : ndarray of int, shape (n_given,), optional
            Places of the accounts that have the number; then `value` and `source` are of these.
        """
        count = len(self.accounts)
        places = np.arange(count) if at is None else at
        column = np.full(count, np.nan)
        column[places] = value
        each = [source if isinstance(source, str) else ""] * count
        if not isinstance(source, str):
            for place, one in zip(places.tolist(), source, strict=True):
                each[place] = one
        self._lines.append(_Line(step, name, column, unit, each))

    def column(self, name: str) -> NDArray[np.float64]:
        """A number that was written down, of every account; NaN where an account has none.

        Raises
        ------
        KeyError
            If nothing of that name was written down.
        """
        for line in self._lines:
            if line.name == name:
                return line.value
        raise KeyError(f"nothing was written down as {name}")

    def table(self) -> pd.DataFrame:
        """The rows of `frames.DERIVATIONS`, by account, then in the order they were written."""
        count, lines = len(self.accounts), self._lines
        values = np.array([line.value for line in lines], np.float64).reshape(len(lines), count)
        account, line = np.nonzero(~np.isnan(values.T))

        def of_account(at: int) -> Any:
            return _taken([keys[at] for keys in self.accounts], account)

        sources = np.array([one.source for one in lines], dtype=object).reshape(len(lines), count)
        columns = {
            "driver_id": of_account(0),
            "vehicle_id": of_account(1),
            "line": line + 1,
            "step": _taken([one.step for one in lines], line),
            "name": _taken([one.name for one in lines], line),
            "value": values[line, account],
            "unit": _taken([one.unit for one in lines], line),
            "source": sources[line, account],
        }
        return DERIVATIONS.shape(pd.DataFrame(columns))


def _taken(texts: Sequence[str], places: NDArray[np.intp]) -> Any:
    """Texts by place, each made once however many rows take it."""
    return pd.Series(texts, dtype=TEXT).array.take(places)
