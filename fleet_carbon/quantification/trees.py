"""Boosted trees as plain arrays: what each row scores, the same bits as of whom they were grown by.

A tree is swept, not walked: every branch is asked of a block of rows at once, in the order from
the root, and moves those rows that stand at its leftmost leaf and go right. A row stands at the
leftmost leaf of a branch only if it came by it, so that it ends where a walk would end. There is
no step that depends on the one before it, and a processor asks several rows at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Column = NDArray[np.float64]
Indices = NDArray[np.int64]

# Rows that are asked together: their features and places stay near the processor.
_ROWS_PER_BLOCK = 256


class Nodes(NamedTuple):
    """Branches and leaves of t trees, one tree after the other.

    Attributes
    ----------
    branch_first, leaf_first : ndarray of int, shape (t + 1,)
        Where the branches and the leaves of each tree begin.
    feature, from_leaf, to_leaf : ndarray of int, shape (b,)
        Which column a branch asks for, and its leftmost leaf on either side, counted in its tree.
    threshold : ndarray of float, shape (b,)
        A row with more goes right.
    is_missing_left : ndarray of bool, shape (b,)
        Where a row goes that does not know.
    leaf : ndarray of float, shape (l,)
        What is added.
    """

    branch_first: Indices
    leaf_first: Indices
    feature: Indices
    from_leaf: Indices
    to_leaf: Indices
    threshold: Column
    is_missing_left: NDArray[np.bool_]
    leaf: Column


@dataclass(frozen=True)
class Trees:
    """The sum of a constant and of one leaf of every tree.

    Attributes
    ----------
    baseline_index : float
        What a row scores before the first tree.
    features_count : int
        Columns of a table.
    nodes : Nodes
        Branches and leaves.
    estimator : scikit-learn estimator or None
        By whom they were grown, where that was just now: it is what a file keeps.
    """

    baseline_index: float
    features_count: int
    nodes: Nodes
    estimator: Any = field(default=None, compare=False, repr=False)

    @classmethod
    def of_nodes(
        cls,
        baseline_index: float,
        features_count: int,
        trees: Sequence[NDArray[Any]],
        *,
        estimator: Any = None,
    ) -> Trees:
        """The trees of arrays of nodes, as scikit-learn keeps them.

        Parameters
        ----------
        baseline_index : float
            What a row scores before the first tree.
        features_count : int
            Columns of a table.
        trees : sequence of structured ndarray
            Nodes of each tree from its root, with `is_leaf`, `value`, `left`, `right`,
            `feature_idx`, `num_threshold`, `missing_go_to_left`, `is_categorical`.
        estimator : scikit-learn estimator, optional
            By whom they were grown.

        Raises
        ------
        ValueError
            If a tree leads outside of itself, meets a node twice, or asks for what no table has.
        """
        swept = [_swept(nodes, features_count) for nodes in trees]
        branches = [rows for rows, _ in swept]
        leaves = [values for _, values in swept]
        columns = np.concatenate([np.zeros((0, 5)), *branches]).T
        nodes = Nodes(
            branch_first=_firsts(branches),
            leaf_first=_firsts(leaves),
            feature=columns[0].astype(np.int64),
            from_leaf=columns[1].astype(np.int64),
            to_leaf=columns[2].astype(np.int64),
            threshold=columns[3].copy(),
            is_missing_left=columns[4].astype(np.bool_),
            leaf=np.concatenate([np.zeros(0), *leaves]),
        )
        return cls(float(baseline_index), features_count, nodes, estimator)

    @classmethod
    def of_estimator(cls, estimator: Any) -> Trees:
        """The trees of a fitted gradient boosting estimator of scikit-learn with one output."""
        return cls.of_nodes(
            estimator._baseline_prediction.item(),
            estimator.n_features_in_,
            [tree.nodes for (tree,) in estimator._predictors],
            estimator=estimator,
        )

    def scores(self, table: Column) -> Column:
        """What each row scores, shape (n,).

        Parameters
        ----------
        table : ndarray of float, shape (n, k)
            A row each, NaN where a feature is not known.

        Raises
        ------
        ValueError
            If the table has other columns than the trees ask for.
        """
        if table.ndim != 2 or table.shape[1] != self.features_count:
            raise ValueError(f"a table of {self.features_count} columns is asked for")
        columns = np.asfortranarray(table, np.float64).T
        found: Column = sum_leaves(columns, self.baseline_index, self.nodes)
        return found


def _firsts(parts: Sequence[NDArray[Any]]) -> Indices:
    return np.cumsum([0, *map(len, parts)], dtype=np.int64)


def _swept(nodes: NDArray[Any], features_count: int) -> tuple[NDArray[np.float64], Column]:
    """Branches of a tree from its root, left before right, and its leaves from left to right."""
    told = zip(*(nodes[name].tolist() for name in _OF_A_NODE), strict=True)
    rows = list(told)
    branches: list[list[float]] = []
    leaves: list[float] = []
    # What is still to be seen, the next one last; with the branch to whose right it begins.
    ahead: list[tuple[int, int]] = [(0, -1)]
    while ahead and len(branches) + len(leaves) < len(rows):
        place, right_of = ahead.pop()
        if right_of >= 0:
            branches[right_of][2] = len(leaves)
        is_leaf, value, left, right, feature, threshold, is_missing_left, is_category = rows[place]
        if is_leaf:
            leaves.append(value)
            continue
        if is_category or not 0 <= feature < features_count:
            raise ValueError("a tree asks for what no table has")
        if not (place < left < len(rows) and place < right < len(rows)):
            raise ValueError("a tree leads outside of itself")
        ahead += [(right, len(branches)), (left, -1)]
        branches.append([feature, len(leaves), -1, threshold, is_missing_left])
    if ahead or len(branches) + len(leaves) != len(rows):
        raise ValueError("a tree meets a node twice, or never")
    return np.array(branches, np.float64).reshape(-1, 5), np.array(leaves)


_OF_A_NODE = (
    "is_leaf", "value", "left", "right", "feature_idx", "num_threshold", "missing_go_to_left",
    "is_categorical",
)  # fmt: skip


@njit(cache=True, nogil=True)
def sum_leaves(columns: Column, baseline_index: float, nodes: Nodes) -> Column:
    """Baseline and leaves of every row, added in the order of the trees.

    Parameters
    ----------
    columns : ndarray of float, shape (k, n)
        Features.
    baseline_index : float
        What all rows score.
    nodes : Nodes
        What they are asked and given.
    """
    count = columns.shape[1]
    scores = np.full(count, baseline_index)
    place = np.empty(_ROWS_PER_BLOCK, np.int64)
    for begin in range(0, count, _ROWS_PER_BLOCK):
        until = min(begin + _ROWS_PER_BLOCK, count)
        rows = until - begin
        for tree in range(len(nodes.branch_first) - 1):
            at = place[:rows]
            at[:] = 0
            for branch in range(nodes.branch_first[tree], nodes.branch_first[tree + 1]):
                told = columns[nodes.feature[branch], begin:until]
                here, there = nodes.from_leaf[branch], nodes.to_leaf[branch]
                most = nodes.threshold[branch]
                if nodes.is_missing_left[branch]:
                    for row in range(rows):
                        moves = (told[row] > most) & (at[row] == here)
                        at[row] = there if moves else at[row]
                else:
                    for row in range(rows):
                        stays = (told[row] <= most) | (at[row] != here)
                        at[row] = at[row] if stays else there
            leaves = nodes.leaf[nodes.leaf_first[tree] : nodes.leaf_first[tree + 1]]
            sums = scores[begin:until]
            for row in range(rows):
                sums[row] += leaves[at[row]]
    return scores
