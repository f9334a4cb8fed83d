"""The examples in the docstrings of the room, run as they stand."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import fleet_carbon.quantification as room

MODULES = sorted(path.stem for path in Path(room.__path__[0]).glob("[a-z]*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_hold(name: str) -> None:
    module = importlib.import_module(f"fleet_carbon.quantification.{name}")
    assert doctest.testmod(module).failed == 0
