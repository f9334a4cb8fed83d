"""The headers that requests and answers have by rule, put into the document of the API.

In: the document without them. Out: the same, each operation with the headers that its kind has, so
that a client made from the document can repeat a write safely, and spare what has not changed.
"""

from __future__ import annotations

from typing import Any

from flask_openapi.openapi import OpenAPI

_WRITING = frozenset({"post", "put", "patch", "delete"})
# They put nothing on record that a second one would double, or name it themselves.
_TOLD_ANEW = frozenset({"/v1/session", "/v1/verify", "/2/events", "/3/events"})
_PREVIEW = "/preview"

_PARAMETERS = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A name for this request that no other has: sent again with it, the request"
        " is done once and answered as it was, for 7 days.",
        "required": False,
        "schema": {"type": "string"},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag of an answer at hand: 304 if it is as it was.",
        "required": False,
        "schema": {"type": "string"},
    },
}
_HEADERS = {
    "ETag": {
        "description": "Names what was told; send it as If-None-Match to fetch it only if changed.",
        "schema": {"type": "string"},
    },
    "IdempotencyReplayed": {
        "description": "`true` where this is the answer to an earlier request of the same key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "RetryAfter": {
        "description": "How long to wait before the request is worth sending again. [s]",
        "schema": {"type": "integer", "minimum": 0},
    },
}


class DocumentedApi(OpenAPI):
    """The library's, with these headers in the document."""

    def generate_spec_json(self) -> None:
        """Make the document, once."""
        super().generate_spec_json()  # type: ignore[no-untyped-call]  # the library tells no types
        parts = self.spec_json["components"]
        parts["parameters"] = _PARAMETERS
        parts["headers"] = _HEADERS
        for path, operations in self.spec_json["paths"].items():
            for method, operation in operations.items():
                _describe(path, method, operation)


def is_done_once(path: str, method: str) -> bool:
    """Whether a repeated request with its Idempotency-Key is done once.

    Parameters
    ----------
    path : str
        As in the document.
    method : str
        In small letters.
    """
    return method in _WRITING and path not in _TOLD_ANEW and not path.endswith(_PREVIEW)


def _describe(path: str, method: str, operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    if is_done_once(path, method):
        _ask(operation, "IdempotencyKey")
        for status in answers:
            if status.startswith("2"):
                _tell(answers[status], "Idempotency-Replayed", "IdempotencyReplayed")
    if "304" in answers:
        _ask(operation, "IfNoneMatch")
        _tell(answers["200"], "ETag", "ETag")
    for status in {"429", "503"} & answers.keys():
        _tell(answers[status], "Retry-After", "RetryAfter")


def _ask(operation: dict[str, Any], name: str) -> None:
    asked = {"$ref": f"#/components/parameters/{name}"}
    operation["parameters"] = [*operation.get("parameters", []), asked]


def _tell(answer: dict[str, Any], header: str, name: str) -> None:
    answer["headers"] = answer.get("headers", {}) | {
        header: {"$ref": f"#/components/headers/{name}"}
    }
