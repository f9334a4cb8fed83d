"""Which program this is: its version, and the digest of its sources as they run."""

from __future__ import annotations

import hashlib
import importlib.metadata
from functools import lru_cache
from pathlib import Path

PACKAGE_DIR = Path(__file__).resolve().parents[2]


def program_version() -> str:
    """Version of the installed program; ``uninstalled`` when run from a bare checkout."""
    try:
        return importlib.metadata.version("fleet-carbon")
    except importlib.metadata.PackageNotFoundError:
        return "uninstalled"


@lru_cache(maxsize=1)
def code_digest() -> str:
    """SHA-256 of the program as it runs: of every source file of the package, by its path."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE_DIR.rglob("*.py")):
        name, content = path.relative_to(PACKAGE_DIR).as_posix(), path.read_bytes()
        digest.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()
