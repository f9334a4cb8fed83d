"""Rows that belong together, found once and then summed column by column.

A sum is exact and rounded once, so it depends neither on the order of the rows nor on which
other groups are computed beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Groups:
    """Which group each row belongs to.

    Attributes
    ----------
    keys : list of tuple of str
        One per group, sorted; a missing text is empty.
    code : ndarray of int, shape (n_rows,)
        Place in `keys` of each row.
    """

    keys: list[tuple[str, ...]]
    code: NDArray[np.intp]
    _order: NDArray[np.intp]
    _slices: list[slice]

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The exact sum of each group, rounded once; 0 is never negative."""
        ordered = values[self._order].tolist()
        return np.array([math.fsum(ordered[rows]) for rows in self._slices], dtype=np.float64)

    def counts(self, is_counted: NDArray[np.bool_]) -> NDArray[np.intp]:
        """How many rows of each group are true."""
        return np.bincount(self.code[is_counted], minlength=len(self.keys))


def grouped(*columns: pd.Series[Any]) -> Groups:
    """Group rows by the texts of some columns.

    Parameters
    ----------
    *columns : Series of text
        Of equal length.
    """
    code = np.zeros(len(columns[0]), dtype=np.int64)
    names: list[list[str]] = []
    for column in columns:
        place, found = pd.factorize(column.fillna(""))
        texts = [str(text) for text in found]
        names.append(sorted(texts))
        rank = {text: index for index, text in enumerate(names[-1])}
        ranks = np.array([rank[text] for text in texts], dtype=np.int64)
        code = code * len(texts) + ranks[place]
    group, combined = pd.factorize(code, sort=True)
    ends = np.cumsum(np.bincount(group, minlength=len(combined))).tolist()
    return Groups(
        keys=_keys_of(combined, names),
        code=group,
        _order=np.argsort(group, kind="stable"),
        _slices=[slice(start, end) for start, end in zip([0, *ends], ends, strict=False)],
    )


def _keys_of(combined: NDArray[np.int64], names: list[list[str]]) -> list[tuple[str, ...]]:
    """Take a combined code apart into the texts it was made of."""
    parts: list[list[str]] = []
    for texts in reversed(names):
        combined, place = np.divmod(combined, max(1, len(texts)))
        parts.append([texts[index] for index in place.tolist()])
    return list(zip(*reversed(parts), strict=True))
