"""A request is held against its description only when it is its turn, after who asks is known."""

from __future__ import annotations

import functools
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from flask import request
from flask_openapi.request import _validate_request
from flask_openapi.utils import parse_parameters

from fleet_carbon.web.bodies import unpack_held
from fleet_carbon.web.problems import problem

View = TypeVar("View", bound=Callable[..., Any])


def repeatedly(view: View) -> View:
    """A view whose address may say something more than once."""
    view.is_said_repeatedly = True  # type: ignore[attr-defined]
    return view


def described(view: View) -> View:
    """Read what the models of a view describe at this place among its decorators, not before."""
    has_body = "body" in view.__annotations__
    may_repeat = getattr(view, "is_said_repeatedly", False)
    # The decorator that the library has for this describes the view anew at every request, which
    # is a third of what a small one costs; what it does with the parts is done here as well.
    view.__delay_validate_request__ = True  # type: ignore[attr-defined]
    parts = functools.cache(lambda: parse_parameters(view, doc_ui=False))

    @functools.wraps(view)
    def guarded(*positional: Any, **named: Any) -> Any:
        twice = [name for name, told in request.args.lists() if len(told) > 1]
        if twice and not may_repeat:
            return problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "request_malformed",
                f"The address says more than once: {', '.join(twice)}.",
                hint="Say it once.",
            )
        if has_body:
            unpack_held()
        if has_body and not _is_object():
            return problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "request_malformed",
                "The body is no JSON object, or a text in it holds the character NUL.",
                hint="Send an object with the fields of the documentation.",
            )
        return view(*positional, **_validate_request(*parts(), path_kwargs=named) | named)

    return guarded  # type: ignore[return-value]  # the same signature, by functools.wraps


def _is_object() -> bool:
    """A body that a model describes is an object, and nothing that could be taken for one."""
    try:
        is_object = isinstance(request.get_json(), dict)
        return is_object and b"\\u0000" not in request.get_data()
    except RecursionError:  # lists in lists, a hundred thousand deep
        return False
