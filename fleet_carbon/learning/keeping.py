"""Model files: the same model gives the same bytes, on any day and in any process."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

import skops.io

# The first moment that a zip file can name.
_NO_DATE = (1980, 1, 1, 0, 0, 0)


def file_bytes(contents: Mapping[str, Any]) -> bytes:
    """A model file, as `quantification.fitted.read_contents` reads it.

    skops names arrays and objects by their place in memory, and dates its parts: here they are
    named by the order in which they are met, and dated alike.
    """
    names: dict[int, int] = {}

    def renamed(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: renamed(_named(key, value, names)) for key, value in node.items()}
        return [renamed(one) for one in node] if isinstance(node, list) else node

    with zipfile.ZipFile(io.BytesIO(skops.io.dumps(dict(contents)))) as given:
        schema = renamed(json.loads(given.read("schema.json")))
        arrays = {_named("file", part, names): given.read(part) for part in _arrays(given)}
    parts = {**dict(sorted(arrays.items())), "schema.json": json.dumps(schema).encode()}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in parts.items():
            part = zipfile.ZipInfo(name, _NO_DATE)
            part.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(part, data)
    return written.getvalue()


def _arrays(given: zipfile.ZipFile) -> list[str]:
    return [name for name in given.namelist() if name != "schema.json"]


def _named(key: str, value: Any, names: dict[int, int]) -> Any:
    """An identifier or file name by its place in the order of meeting."""
    if key == "__id__":
        return names.setdefault(int(value), len(names) + 1)
    if key == "file":
        place, suffix = str(value).split(".")
        return f"{names.setdefault(int(place), len(names) + 1):05d}.{suffix}"
    return value
