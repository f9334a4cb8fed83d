"""Folders that the processes of one server share for as long as it runs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def shared_folder(purpose: str) -> Iterator[Path]:
    """A folder that nobody else may enter, while the block runs.

    Parameters
    ----------
    purpose : str
        One word of its name.
    """
    folder = tempfile.mkdtemp(prefix=f"fleet-carbon-{purpose}-")
    own = os.getpid()
    try:
        yield Path(folder)
    finally:
        if os.getpid() == own:  # a process that was forked in the block leaves it, too
            shutil.rmtree(folder, ignore_errors=True)
