"""What a long use case tells while it runs; the doors decide how to show it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """One task after the other: begun, advanced, ended."""

    def begin(self, task: str, total: int | None, unit: str) -> None:
        """A task starts; `total` in `unit` where it is known."""

    def advance(self, count: int) -> None:
        """`count` more of the task's unit are done."""

    def end(self) -> None:
        """The task is over."""


class Silent:
    """Tells nothing: for tests and for callers without a screen."""

    def begin(self, task: str, total: int | None, unit: str) -> None:
        """Nothing to show."""

    def advance(self, count: int) -> None:
        """Nothing to show."""

    def end(self) -> None:
        """Nothing to show."""
