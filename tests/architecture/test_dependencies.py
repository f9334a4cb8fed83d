"""What the code imports is declared, what is declared is imported, and the locks hold it all."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from tests.architecture import directions

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Distribution -> what one imports of it, where the two names differ.
IMPORT_NAME = {
    "argon2-cffi": "argon2",
    "flask-openapi": "flask_openapi",
    "paho-mqtt": "paho",
    "prometheus-client": "prometheus_client",
    "pydantic-settings": "pydantic_settings",
    "python-calamine": "python_calamine",
    "pyyaml": "yaml",
    "quickjs-ng": "quickjs",
    "scikit-learn": "sklearn",
}
# Needed without being imported: by zoneinfo where the system has no time zones, by SQLAlchemy, and
# by flask-openapi for its pages.
NOT_IMPORTED = {"tzdata", "psycopg", "flask-openapi-swagger"}


def normalised(requirement: str) -> str:
    """Name of the distribution in a requirement or in a line of a lock."""
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def pins(lock: str) -> dict[str, str]:
    """Requirement by name with its digests, as it stands in the lock."""
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8").replace("\\\n", "")
    entries = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {entry.split(" --hash")[0].strip(): entry for entry in entries}


def test_declared_dependencies_are_those_that_are_imported() -> None:
    ours = {"fleet_carbon", *sys.stdlib_module_names, ""}
    imported = {
        name.split(".")[0]
        for _, _, tree in directions.modules(ROOT / "fleet_carbon")
        for _, name in directions.imported(tree)
    } - ours
    extras = PROJECT["optional-dependencies"]
    optional = [text for name in extras if name not in ("build", "dev") for text in extras[name]]
    declared = {normalised(text) for text in PROJECT["dependencies"] + optional}
    expected = {IMPORT_NAME.get(name, name) for name in declared - NOT_IMPORTED}
    assert imported - {"psycopg"} == expected


def test_every_dependency_has_an_upper_bound_or_is_data() -> None:
    free = [text for text in PROJECT["dependencies"] if "<" not in text and "==" not in text]
    assert free == ["tzdata"]


def test_the_locks_hold_what_is_declared() -> None:
    extras = PROJECT["optional-dependencies"]
    for lock, declared in (
        ("run.txt", PROJECT["dependencies"] + extras["build"]),
        ("dev.txt", PROJECT["dependencies"] + extras["build"] + extras["dev"]),
    ):
        locked = {normalised(pin) for pin in pins(lock)}
        assert {normalised(text) for text in declared} - locked == set()


def test_tests_run_on_the_versions_that_users_run_on() -> None:
    assert set(pins("run.txt")) - set(pins("dev.txt")) == set()


def test_every_pin_carries_a_digest_and_no_address() -> None:
    for lock in ("run.txt", "dev.txt"):
        for pin, entry in pins(lock).items():
            assert "==" in pin
            assert "--hash=sha256:" in entry
            assert "://" not in entry


def test_the_build_needs_nothing_that_the_lock_does_not_hold() -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    locked = {normalised(pin) for pin in pins("run.txt")}
    assert {normalised(text) for text in needed["requires"]} <= locked
