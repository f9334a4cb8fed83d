"""Reading a content of a dialect in a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fleet_carbon.ingest.dialects.registry import DIALECTS
from fleet_carbon.ingest.profiles import profile_from_document
from tests.ingest.reading import Read, read


def read_dialect(
    folder: Path, content: bytes, dialect: str, kind: str = "positions", **said: Any
) -> Read:
    """The rows of a content; `said` is what a profile of the user says."""
    declared = dict(DIALECTS[dialect].declares)
    units = {**declared.get("units", {}), **said.pop("units", {})}
    document = {**declared, "units": units, **said}
    path = folder / "content"
    path.write_bytes(content)
    profile = profile_from_document(document, where="a test")
    return read(path, kind, profile, dialect=dialect)
