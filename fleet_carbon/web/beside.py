"""A process beside the server, which is started again whenever it ends."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
# What ran for so long is well again, and is started at once when it ends.
_WELL_AFTER_S = 60.0
_STOPS_WITHIN_S = 30.0


class Beside:
    """A program that has to run while the server does.

    One that ends, killed or broken, is started again after a pause that doubles as long as it ends
    early, so that what cannot start takes no processor from those that answer.

    Parameters
    ----------
    words : sequence of str
        The command.
    say : callable
        Is told, in a sentence, when it ended.
    """

    def __init__(self, words: Sequence[str], *, say: Callable[[str], None]) -> None:
        self._words = tuple(words)
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._pause_s = _FIRST_PAUSE_S
        self._began_at_s = self._due_at_s = 0.0
        self._ends_by_s: float | None = None

    def look(self) -> None:
        """Start it if it does not run and is due; to be called every second or so."""
        now_s = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            self._process = None
            self._put_off(now_s)
        if self._process is None and now_s >= self._due_at_s:
            self._began_at_s = now_s
            self._process = subprocess.Popen(self._words)  # our own program

    def _put_off(self, now_s: float) -> None:
        if now_s - self._began_at_s >= _WELL_AFTER_S:
            self._pause_s = _FIRST_PAUSE_S
        self._say(f"The process beside the server ended; it starts again in {self._pause_s:.0f} s.")
        self._due_at_s = now_s + self._pause_s
        self._pause_s = min(2.0 * self._pause_s, _LONGEST_PAUSE_S)

    def ask_to_end(self) -> None:
        """Tell it to end, once; `stop` waits for it."""
        if self._process is not None and self._ends_by_s is None:
            self._ends_by_s = time.monotonic() + _STOPS_WITHIN_S
            self._process.terminate()

    def stop(self) -> None:
        """End it; what does not end in time is killed."""
        if self._process is None:
            return
        self.ask_to_end()
        remains_s = (self._ends_by_s or 0.0) - time.monotonic()
        try:
            self._process.wait(max(remains_s, 0.0))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
