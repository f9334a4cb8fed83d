"""What our own host tells is held against the schemas, and to no field more than they name.

The schemas of PACT leave room for what others add, for the hosts of others are judged by them, too.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import jsonschema

from fleet_carbon.statements import ileap, pact


def validate(name: str, document: Any) -> None:
    """A document of a type of iLEAP or PACT."""
    _validate({"$ref": f"#/$defs/{name}"}, name, document)


def validate_answer(name: str, answer: Any, *, is_list: bool = True) -> None:
    """A whole answer or file: `data` with documents of a type, and nothing beside it."""
    held: dict[str, Any] = {"$ref": f"#/$defs/{name}"}
    rules = {
        "type": "object",
        "properties": {"data": {"type": "array", "items": held} if is_list else held},
        "required": ["data"],
        "additionalProperties": False,
    }
    _validate(rules, name, answer)


def _validate(rules: dict[str, Any], name: str, told: Any) -> None:
    schemas = ileap.schemas() if name in ileap.schemas()["$defs"] else pact.schemas()
    types = deepcopy(schemas["$defs"])
    for one in types.values():
        if "properties" in one:
            one["additionalProperties"] = False
    jsonschema.Draft202012Validator({**rules, "$defs": types}).validate(told)
