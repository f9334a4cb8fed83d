"""Rows that belong together, found once and then summed column by column.

A sum is exact and rounded once, so it depends neither on the order of the rows nor on which
other groups are computed beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fleet_carbon.quantification.exact_sums import sum_groups


@dataclass(frozen=True)
class Groups:
    """Which group each row belongs to; groups are in the order of their texts.

    Attributes
    ----------
    count : int
        How many groups there are.
    code : ndarray of int, shape (n_rows,)
        Which group each row belongs to.
    """

    count: int
    code: NDArray[np.intp]
    _columns: list[tuple[list[str], NDArray[np.int64]]]
    _order: NDArray[np.intp]
    _ends: NDArray[np.intp]

    @cached_property
    def keys(self) -> list[tuple[str, ...]]:
        """The texts of each group; a missing text is empty."""
        columns = [[names[index] for index in places.tolist()] for names, places in self._columns]
        return list(zip(*columns, strict=True))

    def texts(self, column_index: int) -> Any:
        """The texts of each group from the column at that place."""
        names, places = self._columns[column_index]
        return pd.array(names, dtype="str").take(places)

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The exact sum of each group, rounded once; 0 is never negative."""
        found: NDArray[np.float64] = sum_groups(
            np.ascontiguousarray(values, np.float64), self._order, self._ends
        )
        return found

    def sums_at_hand(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same as `sums`, without compiled code.

        For some thousand rows: loading what is compiled takes a process longer than summing them.
        """
        ordered = values[self._order].tolist()
        bounds = pairwise([0, *self._ends.tolist()])
        return np.array([math.fsum(ordered[begin:end]) for begin, end in bounds]) + 0.0

    def counts(self, is_counted: NDArray[np.bool_]) -> NDArray[np.intp]:
        """How many rows of each group are true."""
        return np.bincount(self.code[is_counted], minlength=self.count)


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
        texts = [str(text) for text in found.tolist()]  # an array of Arrow yields one by one dearly
        names.append(sorted(texts))
        rank = {text: index for index, text in enumerate(names[-1])}
        ranks = np.array([rank[text] for text in texts], dtype=np.int64)
        code = code * len(texts) + ranks[place]
    group, combined = pd.factorize(code, sort=True)
    return Groups(
        count=len(combined),
        code=group,
        _columns=_columns_of(combined, names),
        _order=np.argsort(group, kind="stable"),
        _ends=np.cumsum(np.bincount(group, minlength=len(combined))),
    )


def together(*rows_counts: int) -> Groups:
    """Rows that follow on each other as one group, of none as well; so many groups of so many.

    Parameters
    ----------
    *rows_counts : int
        Of each group.
    """
    code = np.repeat(np.arange(len(rows_counts)), rows_counts)
    return Groups(len(rows_counts), code, [], np.arange(len(code)), np.cumsum(rows_counts))


def _columns_of(
    combined: NDArray[np.int64], names: list[list[str]]
) -> list[tuple[list[str], NDArray[np.int64]]]:
    """Take a combined code apart into the texts it was made of, and the place of each group's."""
    columns: list[tuple[list[str], NDArray[np.int64]]] = []
    for texts in reversed(names):
        combined, place = np.divmod(combined, max(1, len(texts)))
        columns.insert(0, (texts, place))
    return columns


def sums_by(group: NDArray[np.intp], values: Any, count: int) -> NDArray[np.float64]:
    """Sums by the place of a group, added up in the order of the rows: as exact as that order is.

    Parameters
    ----------
    group : ndarray of int, shape (n_rows,)
        From 0.
    values : ndarray, shape (n_rows,)
    count : int
        How many groups there are.
    """
    return np.asarray(np.bincount(group, values, count), dtype=np.float64)


def ratio_of(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Part per whole; missing where there is no whole."""
    share = np.full(len(whole), np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share
