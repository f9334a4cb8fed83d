"""Trees as plain arrays against the library they were grown by: the same bits for every row."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from fleet_carbon.errors import ModelRefused
from fleet_carbon.learning.keeping import file_bytes
from fleet_carbon.quantification.model_files import read_contents
from fleet_carbon.quantification.trees import Trees
from tests.learning.learning_builders import MODELS

TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]
SHIPPED = [
    (MODELS / kind / "simulated-2025-12.skops", f"fleet-carbon {kind} 1")
    for kind in ("fuel", "loading")
]


def awkward(estimator: Any, rows: int = 3000, seed: int = 1) -> np.ndarray:
    """Rows that are missing here and there, and that lie on thresholds and beside them."""
    rng = np.random.default_rng(seed)
    table = rng.normal(scale=30.0, size=(rows, estimator.n_features_in_))
    branches = [tree.nodes[tree.nodes["is_leaf"] == 0] for (tree,) in estimator._predictors]
    nodes = np.concatenate(branches)
    picked = nodes[rng.integers(len(nodes), size=rows)]
    beside = rng.choice([-np.inf, 0.0, np.inf], size=rows)
    on = np.where(
        beside == 0, picked["num_threshold"], np.nextafter(picked["num_threshold"], beside)
    )
    table[np.arange(rows), picked["feature_idx"]] = on
    table[rng.random(table.shape) < 0.15] = np.nan
    return table


def theirs(estimator: Any, table: np.ndarray) -> np.ndarray:
    with threadpool_limits(limits=1):
        is_classifier = isinstance(estimator, HistGradientBoostingClassifier)
        return (estimator.decision_function if is_classifier else estimator.predict)(table)


@pytest.mark.parametrize(("path", "name"), SHIPPED, ids=["fuel", "loading"])
def test_shipped_models_score_to_the_last_bit_as_the_library_scores(path: Path, name: str) -> None:
    ours, _ = read_contents(path, name)
    kept = skops.io.load(path, trusted=TRUSTED)
    assert ours.keys() == kept.keys()
    scored = 0
    for field, value in kept.items():
        if isinstance(value, (HistGradientBoostingRegressor, HistGradientBoostingClassifier)):
            table = awkward(value)
            np.testing.assert_array_equal(ours[field].scores(table), theirs(value, table))
            scored += 1
        else:
            np.testing.assert_array_equal(ours[field], value)
            assert type(ours[field]) is type(value)
    assert scored == (3 if "fuel" in name else 1)


@pytest.mark.parametrize("leaves_max", [2, 7, 200])
def test_trees_of_any_size_score_as_the_library_scores(leaves_max: int) -> None:
    rng = np.random.default_rng(7)
    table = rng.normal(size=(4000, 4))
    table[rng.random(table.shape) < 0.2] = np.nan
    truth = np.nan_to_num(table[:, 0]) * np.isnan(table[:, 1]) + rng.normal(size=4000)
    grown = HistGradientBoostingRegressor(max_leaf_nodes=leaves_max, max_iter=20).fit(table, truth)
    for rows in (table, table[:1], table[:255], table[:257], table[:0]):
        found = Trees.of_estimator(grown).scores(rows)
        expected = theirs(grown, rows) if len(rows) else np.zeros(0)
        np.testing.assert_array_equal(found, expected)


def node(**given: float) -> np.ndarray:
    usual = {"value": 0.0, "feature_idx": 0, "num_threshold": 0.0, "missing_go_to_left": 0,
             "left": 0, "right": 0, "is_leaf": 0, "is_categorical": 0}  # fmt: skip
    kinds = [(name, "i8" if name not in ("value", "num_threshold") else "f8") for name in usual]
    return np.array([tuple((usual | given).values())], dtype=kinds)


def leaf(value: float) -> np.ndarray:
    return node(value=value, is_leaf=1)


def test_a_row_goes_left_up_to_the_threshold_and_a_missing_one_where_it_is_told() -> None:
    # By hand: a constant of 10; up to 3 and unknown adds 1, more adds 2.
    tree = np.concatenate(
        [node(left=1, right=2, num_threshold=3.0, missing_go_to_left=1), leaf(1.0), leaf(2.0)]
    )
    table = np.array([[2.0], [3.0], [3.5], [np.nan]])
    assert Trees.of_nodes(10.0, 1, [tree]).scores(table).tolist() == [11.0, 11.0, 12.0, 11.0]


@pytest.mark.parametrize(
    "tree",
    [
        [node(left=1, right=9), leaf(1.0), leaf(2.0)],
        [node(left=0, right=1), leaf(1.0)],
        [node(left=1, right=1), leaf(1.0)],
        [node(left=1, right=2, feature_idx=4), leaf(1.0), leaf(2.0)],
        [node(left=1, right=2, feature_idx=-1), leaf(1.0), leaf(2.0)],
        [node(left=1, right=2, is_categorical=1), leaf(1.0), leaf(2.0)],
        [leaf(1.0), leaf(2.0)],
    ],
    ids=["outside", "back", "twice", "column", "before", "category", "unseen"],
)
def test_a_tree_that_cannot_be_walked_is_refused(tree: list[np.ndarray]) -> None:
    with pytest.raises(ValueError, match="a tree"):
        Trees.of_nodes(0.0, 2, [np.concatenate(tree)])


def test_an_empty_tree_is_refused() -> None:
    with pytest.raises(ValueError, match="a tree"):
        Trees.of_nodes(0.0, 2, [leaf(1.0)[:0]])


def test_a_table_of_other_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="columns"):
        Trees.of_nodes(0.0, 2, []).scores(np.zeros((3, 1)))


def test_a_close_opens_models_without_the_libraries_they_were_trained_with() -> None:
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path\n"
            "from fleet_carbon.quantification.model_files import read_contents\n"
            f"read_contents(Path({str(SHIPPED[0][0])!r}), {SHIPPED[0][1]!r})\n"
            "print(sorted({'sklearn', 'skops'} & sys.modules.keys()))",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert told.stdout.strip() == "[]"


def test_an_estimator_of_another_kind_is_refused(tmp_path: Path) -> None:
    from sklearn.linear_model import LinearRegression

    path = tmp_path / "model.skops"
    line = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
    path.write_bytes(file_bytes({"format": "fleet-carbon fuel 1", "center": line}))
    with pytest.raises(ModelRefused) as refused:
        read_contents(path, "fleet-carbon fuel 1")
    assert refused.value.code == "model_file_damaged"
