"""The house stands: each rule holds for the package, and each catches a planted breach."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture import directions

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "fleet_carbon"

PLANTED = [
    ("rooms_import_downwards", "ledger/x.py", "from fleet_carbon.quantification import factors"),
    ("rooms_import_downwards", "ledger/x.py", "def f():\n    import fleet_carbon.storage.files"),
    ("rooms_import_downwards", "legs/x.py", "from fleet_carbon.storage import files"),
    ("rooms_import_downwards", "units.py", "from fleet_carbon.legs import segmentation"),
    ("rooms_import_downwards", "traces/x.py", "from fleet_carbon import legs"),
    ("rooms_import_downwards", "cli.py", "from fleet_carbon.storage.files import keep"),
    ("rooms_import_downwards", "commands/x.py", "from fleet_carbon.storage.files import keep"),
    ("rooms_import_downwards", "commands/x.py", "from fleet_carbon import cli"),
    ("rooms_import_downwards", "traces/x.py", "import fleet_carbon"),
    ("rooms_import_downwards", "traces/x.py", "from . import kernels"),
    ("rooms_import_downwards", "attic/x.py", "pass"),
    (
        "rooms_import_downwards",
        "quantification/x.py",
        "import typing\nif typing.TYPE_CHECKING:\n    from fleet_carbon.ledger import e",
    ),
    ("rooms_import_downwards", "legs/x.py", "import importlib\nimportlib.import_module('a' + 'b')"),
    (
        "services_lean_on_those_before",
        "services/intake/x.py",
        "def f():\n    from fleet_carbon.services.running import jobs",
    ),
    ("services_lean_on_those_before", "services/x.py", "pass"),
    ("libraries_stay_in_their_room", "quantification/x.py", "import sqlalchemy"),
    ("libraries_stay_in_their_room", "services/x.py", "def f():\n    from flask import request"),
    ("libraries_stay_in_their_room", "legs/x.py", "from numba import njit"),
    ("libraries_stay_in_their_room", "ingest/x.py", "import yaml"),
    ("libraries_stay_in_their_room", "quantification/x.py", "import sklearn.ensemble"),
    ("libraries_stay_in_their_room", "services/x.py", "import typer"),
    ("libraries_stay_in_their_room", "statements/x.py", "from rich.table import Table"),
    ("libraries_stay_in_their_room", "services/x.py", "from urllib.request import urlopen"),
    ("libraries_stay_in_their_room", "cli.py", "import pandas as pd"),
    ("libraries_stay_in_their_room", "cli.py", "from rich.progress import Progress"),
    ("libraries_stay_in_their_room", "commands/x.py", "import numpy as np"),
    ("audit_does_not_know_posting", "ledger/audit.py", "from fleet_carbon.ledger import posting"),
    ("audit_does_not_know_posting", "ledger/audit.py", "from fleet_carbon.ledger.posting import p"),
    ("only_the_unit_of_work_commits", "storage/x.py", "def f(c):\n    c.commit()"),
    ("only_services_look_outside", "traces/x.py", "import datetime\ndatetime.datetime.now()"),
    ("only_services_look_outside", "storage/x.py", "from datetime import date\ndate.today()"),
    ("only_services_look_outside", "legs/x.py", "import time\ntime.time()"),
    ("only_services_look_outside", "ingest/x.py", "import os\nos.environ['HOME']"),
    ("only_services_look_outside", "ingest/x.py", "from os import environ"),
    ("only_services_look_outside", "legs/x.py", "import numpy as np\nnp.random.default_rng(1)"),
    ("libraries_stay_in_their_room", "legs/x.py", "import random"),
    ("door_plates_hold_no_code", "legs/__init__.py", '"""Legs."""\nfrom x import y'),
    ("door_plates_hold_no_code", "legs/__init__.py", ""),
    ("only_doors_catch_everything", "legs/x.py", "try:\n    f()\nexcept Exception:\n    pass"),
    ("only_doors_catch_everything", "legs/x.py", "try:\n    f()\nexcept:\n    pass"),
    (
        "only_doors_catch_everything",
        "services/x.py",
        "try:\n    f()\nexcept (KeyError, Exception):\n    pass",
    ),
    ("modules_are_named_for_what_they_do", "legs/utils.py", "pass"),
    ("modules_are_named_for_what_they_do", "common/x.py", "pass"),
]


@pytest.mark.parametrize("rule", directions.RULES, ids=lambda rule: rule.__name__)
def test_the_house_stands(rule) -> None:
    assert directions.violations(PACKAGE, rule) == []


@pytest.mark.parametrize(("rule_name", "place", "code"), PLANTED)
def test_a_planted_breach_is_found_by_name(
    rule_name: str, place: str, code: str, tmp_path: Path
) -> None:
    path = tmp_path / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(code, encoding="utf-8")
    found = directions.violations(tmp_path, getattr(directions, rule_name))
    assert any(text.startswith(f"{place}:") for text in found)


def test_every_rule_has_a_planted_breach() -> None:
    assert {rule.__name__ for rule in directions.RULES} == {name for name, _, _ in PLANTED}


def test_nothing_that_changes_a_number_is_python_under_models() -> None:
    assert list((ROOT / "models").rglob("*.py")) == []


def test_the_root_door_plate_holds_no_code() -> None:
    plate = PACKAGE / "__init__.py"
    tree = directions.ast.parse(plate.read_bytes())
    assert list(directions.door_plates_hold_no_code("__init__.py", "", tree)) == []
