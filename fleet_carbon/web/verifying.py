"""Signed documents, checked for those who cannot run the check themselves."""

from __future__ import annotations

from flask import Response, jsonify
from flask_openapi.models.tag import Tag

from fleet_carbon.services.intake import receiving
from fleet_carbon.services.ledger import proving
from fleet_carbon.services.people.access import Deed
from fleet_carbon.web import ledger_shapes as shapes
from fleet_carbon.web.answers import api, problems
from fleet_carbon.web.bodies import json_object, received_body
from fleet_carbon.web.callers import allowed

VERIFYING = Tag(name="Verify")
_BODY = {
    "description": "A statement, certificate or proof, as it was handed out.",
    "required": True,
    "content": {receiving.JSON: {"schema": {"type": "object"}}},
}


@api.post(
    "/verify",
    tags=[VERIFYING],
    request_body=_BODY,
    responses={200: shapes.VerifiedTold, **problems(413, 415)},
)
@allowed(Deed.READ_OWN)
def verify(query: shapes.VerifyQuery) -> Response:
    """Check a signed document; nothing of this installation is looked at."""
    with received_body((receiving.JSON,)) as body:
        json_object(body)
        found = proving.check_statement(body.path, trusted_key_id=query.key_id or None).as_dict()
    return jsonify({name: found[name] for name in shapes.VerifiedTold.model_fields})
