"""Compile all of the room's code at once, so that no first account waits for it."""

from __future__ import annotations

import numpy as np

from fleet_carbon.quantification.exact_sums import sum_groups
from fleet_carbon.quantification.trees import Trees


def warm() -> None:
    """Compile what sums, or read it from where it was kept; the same each time."""
    Trees.of_nodes(0.0, 1, []).scores(np.zeros((1, 1)))
    sum_groups(np.zeros(1), np.zeros(1, np.intp), np.ones(1, np.intp))
