"""Acts that are killed at a place, in a fork of the test process, and several at once."""

from __future__ import annotations

import importlib
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fleet_carbon.errors import FleetCarbonError

Place = tuple[str, str, str]
"""Module within the program, name in it, and whether to die before or after it."""
_NOT_KILLED = 3


def killed_at(place: Place, act: Callable[[], object]) -> bool:
    """Begin an act in a fork that is killed where it comes to a place; whether it came there."""
    child = os.fork()
    if child == 0:
        try:
            _lay_trap(place)
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(_NOT_KILLED)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == _NOT_KILLED
    return False


def _lay_trap(place: Place) -> None:
    module, name, when = place
    owner: Any = importlib.import_module(f"fleet_carbon.{module}")
    *path, name = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    kept = getattr(owner, name)

    def dying(*arguments: Any, **named: Any) -> None:
        if when == "after":
            kept(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)


def at_once(acts: Sequence[Callable[[], str]]) -> list[str]:
    """Do acts in threads of their own; what each returned, or the code of its error."""
    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(_told, acts))


def _told(act: Callable[[], str]) -> str:
    try:
        return act()
    except FleetCarbonError as refused:
        return refused.code
