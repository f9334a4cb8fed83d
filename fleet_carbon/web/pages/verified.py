"""Whether a statement holds, for whoever has one; where a serial is, for who may know."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from flask import Response, current_app, g, request
from werkzeug.exceptions import Unauthorized

from fleet_carbon.errors import FleetCarbonError, InputRefused, NotFound, Unavailable
from fleet_carbon.services.ledger import locating, proving
from fleet_carbon.services.people.access import Deed
from fleet_carbon.statements.verdicts import verdict_text
from fleet_carbon.web.callers import authenticated, fleet_settings
from fleet_carbon.web.pages.driven import driver_address
from fleet_carbon.web.pages.frame import (
    NAVIGATION,
    given,
    language,
    page,
    pages,
    problem_text,
    word,
)
from fleet_carbon.web.pages.stated import address_of_statement, evidence_address

DOCUMENT_BYTES_MAX = 8 << 20

NAVIGATION.append(("/verify", "page_verify", Deed.READ_OWN))


@pages.get("/verify")
def show_verify() -> Response:
    """The form; with a serial, who holds it."""
    _know_who_asks()
    found: dict[str, Any] = {}
    serial = request.args.get("serial", "").strip()
    may_locate = _may_locate()
    if serial and may_locate:
        try:
            found["located"] = locating.locate_serials(fleet_settings(), serial).as_dict()
            for entry in found["located"]["path"]:
                behind = locating.account_behind(entry)
                entry["evidence_address"] = evidence_address(*behind) if behind else ""
        except (InputRefused, NotFound) as refused:
            found["not_located"] = problem_text(refused.code, refused.message, refused.hint)
    return _shown(digest=request.args.get("statement", ""), serial=serial, **found)


@pages.post("/verify")
def verify() -> Response:
    """Check what was given; nothing of it is kept."""
    request.max_content_length = DOCUMENT_BYTES_MAX
    request.max_form_memory_size = DOCUMENT_BYTES_MAX
    _know_who_asks()
    digest = given("digest").lower()
    content = _document()
    if not content.strip():
        return _shown(digest=digest, refused=word("verify_nothing"))
    try:
        content = proving.signed_document(content)
        if not content.lstrip().startswith(b"{"):
            return _shown(digest=digest, refused=word("verify_no_json"))
        verdict = _told(_checked(content, given("key_id")))
    except Unavailable:
        raise
    except FleetCarbonError:
        return _shown(digest=digest, refused=word("verify_no_json"))
    is_same = hashlib.sha256(content).hexdigest() == digest if digest else None
    onward = _onward(content) if verdict["ok"] and _may_locate() else []
    return _shown(digest=digest, verdict=verdict, is_same=is_same, onward=onward)


def _document() -> bytes:
    """What was uploaded, else what was pasted."""
    uploaded = request.files.get("document")
    content = uploaded.read() if uploaded is not None else b""
    return content or request.form.get("text", "").encode()


def _checked(content: bytes, key_id: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "statement.json"
        path.write_bytes(content)
        return proving.check_statement(path, trusted_key_id=key_id or None).as_dict()


def _onward(content: bytes) -> list[tuple[str, str]]:
    """From a proven statement of this fleet to what it rests on."""
    document = json.loads(content)
    driver_id, month = document.get("driver_id"), document.get("month")
    if not driver_id or not month or document.get("fleet_id") != fleet_settings().fleet:
        return []
    return [
        (word("evidence"), evidence_address(driver_id, month)),
        (word("days"), driver_address(driver_id, month)),
        (word("paper"), address_of_statement(driver_id, month)),
    ]


def _told(verdict: dict[str, Any]) -> dict[str, Any]:
    """The verdict in the language of the page."""
    zone = current_app.config["SETTINGS"].zone
    said = {
        name: [verdict_text(one, language(), zone=zone) for one in verdict[name]]
        for name in ("problems", "proven")
    }
    return verdict | said


def _know_who_asks() -> None:
    """Whoever asks is let in; who is signed in is known."""
    try:
        authenticated()
    except Unauthorized:
        g.pop("caller", None)


def _may_locate() -> bool:
    caller = g.get("caller")
    return caller is not None and caller.may(Deed.READ)


def _shown(**facts: Any) -> Response:
    known: dict[str, Any] = {
        "digest": "",
        "serial": "",
        "verdict": None,
        "is_same": None,
        "refused": "",
    }
    known |= {"located": None, "not_located": "", "onward": [], "may_locate": _may_locate()}
    return page("verify.html", **(known | facts))
