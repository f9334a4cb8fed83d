"""Name the fixes that a trace came from by a digest."""

from __future__ import annotations

import hashlib

import numpy as np

from fleet_carbon.traces.fixes import Fixes

_FILL = 65_536


class FixesDigest:
    """Digest of a stream of fixes: each column hashed by itself, then their names and digests.

    It covers every signal that was sent, and does not depend on how the stream is cut: a piece
    without a signal that another piece has counts as missing values, a signal never sent as
    nothing.
    """

    def __init__(self) -> None:
        self._columns = {"time_ms": hashlib.sha256()}
        self._count = 0

    def update(self, fixes: Fixes) -> None:
        """Take the next piece of the stream."""
        for name, column in vars(fixes).items():
            if column is None and name not in self._columns:
                continue
            if name not in self._columns:
                self._columns[name] = hashlib.sha256()
                self._fill(name, self._count)
            if column is None:
                self._fill(name, len(fixes))
            elif name == "driver_id":
                self._columns[name].update("".join(f"{driver}\n" for driver in column).encode())
            else:
                if column.dtype == np.float64 and np.isnan(column).any():
                    # There are many ways to write a missing value, and only one to hash it.
                    column = np.where(np.isnan(column), np.nan, column)
                self._columns[name].update(np.ascontiguousarray(column).data)
        self._count += len(fixes)

    def version(self) -> str:
        """The digest in hexadecimal digits."""
        whole = hashlib.sha256(f"fixes {self._count}\n".encode())
        for name in sorted(self._columns):
            whole.update(f"{name} {self._columns[name].hexdigest()}\n".encode())
        return whole.hexdigest()

    def _fill(self, name: str, count: int) -> None:
        """Hash as many missing values."""
        missing = b"\n" if name == "driver_id" else np.float64(np.nan).tobytes()
        for begin in range(0, count, _FILL):
            self._columns[name].update(missing * min(_FILL, count - begin))
