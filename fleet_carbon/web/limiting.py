"""How much one caller may ask, and how often an address may fail, in this process.

Each process keeps count of its own, for a common count would cost more than the request: it allows
its share of the limit. Who keeps one connection to one process so has that share; who opens many
has the whole.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, request
from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from werkzeug.exceptions import TooManyRequests

from fleet_carbon.settings import Settings

View = TypeVar("View", bound=Callable[..., Any])
# A name and a password, each character written out by JSON or a form, and where to go on.
STRANGERS_BYTES_MAX = 16 << 10


class _Limits:
    def __init__(self, settings: Settings, processes_count: int) -> None:
        self.window = SlidingWindowCounterRateLimiter(MemoryStorage())

        def share(kind: type[RateLimitItem], whole: int | None) -> RateLimitItem | None:
            return None if whole is None else kind(max(1, math.ceil(whole / processes_count)))

        self.requests = share(RateLimitItemPerSecond, settings.requests_per_s_max)
        self.rows = share(RateLimitItemPerSecond, settings.rows_per_s_max)
        self.strangers = share(RateLimitItemPerMinute, settings.sign_in_failures_count_per_min_max)


def register(app: Flask, settings: Settings, *, processes_count: int) -> None:
    """Keep count for the app.

    Parameters
    ----------
    app : Flask
    settings : Settings
        The limits.
    processes_count : int
        Among how many processes they are shared.
    """
    app.extensions["limits"] = _Limits(settings, processes_count)
    app.after_request(_with_headers)


def refuse_too_many(key_id: str) -> None:
    """Refuse a request above the limit of its key, or after too many rows.

    Raises
    ------
    TooManyRequests
    """
    limits = _limits()
    if limits.requests is not None:
        is_within = limits.window.hit(limits.requests, "requests", key_id)
        g.limited = (limits.requests, "requests", key_id)
        if not is_within:
            raise _too_many(limits.requests, "requests", key_id, "requests by this key")
    if limits.rows is not None and not limits.window.test(limits.rows, "rows", key_id):
        raise _too_many(limits.rows, "rows", key_id, "rows by this key")


def count_rows(key_id: str, rows_count: int) -> None:
    """Count rows that were taken in: what is above the limit delays the next request."""
    limits = _limits()
    if limits.rows is not None and rows_count:
        cost = min(rows_count, limits.rows.amount)
        if not limits.window.hit(limits.rows, "rows", key_id, cost=cost):
            remaining = limits.window.get_window_stats(limits.rows, "rows", key_id).remaining
            limits.window.hit(limits.rows, "rows", key_id, cost=remaining)


def refuse_strangers() -> None:
    """Refuse an address from which too much failed.

    Raises
    ------
    TooManyRequests
    """
    limits = _limits()
    assert limits.strangers is not None
    if not limits.window.test(limits.strangers, "strangers", _address()):
        raise _too_many(limits.strangers, "strangers", _address(), "failed sign-ins from here")


def small(view: View) -> View:
    """Read no more of a body than is needed of somebody who is not known yet; else it is 413."""

    @functools.wraps(view)
    def guarded(*positional: Any, **named: Any) -> Any:
        request.max_content_length = STRANGERS_BYTES_MAX
        return view(*positional, **named)

    return guarded  # type: ignore[return-value]  # the same signature, by functools.wraps


def note_stranger() -> None:
    """Count a secret or password that was wrong."""
    limits = _limits()
    assert limits.strangers is not None
    limits.window.hit(limits.strangers, "strangers", _address())


def _address() -> str:
    return request.remote_addr or ""


def _limits() -> _Limits:
    limits: _Limits = current_app.extensions["limits"]
    return limits


def _too_many(item: RateLimitItem, *named: str) -> TooManyRequests:
    g.limited = (item, *named[:2])
    wait_s = item.get_expiry()
    return TooManyRequests(f"Too many {named[-1]}: wait {wait_s} s.", retry_after=wait_s)


def _with_headers(response: Response) -> Response:
    limited = g.get("limited")
    if limited is not None:
        limits = _limits()
        item, *names = limited
        remaining = limits.window.get_window_stats(item, *names).remaining
        response.headers["RateLimit-Limit"] = str(item.amount)
        response.headers["RateLimit-Remaining"] = str(remaining)
        response.headers["RateLimit-Reset"] = str(item.get_expiry())
    return response
