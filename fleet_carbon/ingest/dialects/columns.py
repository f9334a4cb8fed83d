"""Whole numbers of protocols as cells: what was not sent is empty."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fleet_carbon.ingest.delimited import Column
from fleet_carbon.ingest.dialects.framing import UNKNOWN
from fleet_carbon.ingest.values import Ints
from fleet_carbon.units import MICRODEGREES_PER_DEG


def known(numbers: Ints) -> Column:
    """The numbers that were sent."""
    is_unknown = numbers == UNKNOWN
    return pa.array(numbers, mask=is_unknown) if is_unknown.any() else pa.array(numbers)


def known_counter(numbers: Ints) -> Column:
    """The same; 0 is what a unit sends that has no such sensor."""
    return known(np.where(numbers == 0, UNKNOWN, numbers))


def degrees_column(numbers: Ints, is_negative: npt.NDArray[np.bool_]) -> Column:
    """Millionths of a degree without a sign as degrees. [1e-6 deg -> deg]"""
    degrees = numbers / MICRODEGREES_PER_DEG
    degrees = np.where(is_negative, -degrees, degrees)
    return pa.array(np.where(numbers == UNKNOWN, np.nan, degrees), from_pandas=True)
