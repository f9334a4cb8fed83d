"""Files sent through the browser: what became of each, row by row, and what arrived before."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Response, current_app, g, redirect, request
from werkzeug.datastructures import FileStorage

from fleet_carbon.errors import FleetCarbonError, Unavailable
from fleet_carbon.services.intake import arrivals, uploading, withdrawing
from fleet_carbon.services.intake.ingesting import DIALECTS, KINDS, Source
from fleet_carbon.services.people.access import Caller, Deed
from fleet_carbon.settings import Settings
from fleet_carbon.statements import locales
from fleet_carbon.statements.chinese_problems import evidence_told, suspicion_told
from fleet_carbon.statements.fleet_figures import NOTHING
from fleet_carbon.statements.refusals import refusal_of
from fleet_carbon.statements.wording import LANGUAGES
from fleet_carbon.web.callers import fleet_settings
from fleet_carbon.web.pages.frame import (
    NAVIGATION,
    given,
    language,
    page,
    pages,
    problem_text,
    shown_to,
    word,
)
from fleet_carbon.web.pages.naming import moment_of
from fleet_carbon.web.pages.previewed import preview_shown
from fleet_carbon.web.pages.words import WORDS
from fleet_carbon.web.spreadsheets import file_answer

_SHOWN = 50
_REJECTIONS_OF_PAGE = 100
_STATES = "application/x-ndjson"
_CSV = "text/csv; charset=utf-8"

NAVIGATION.append(("/files", "page_files", Deed.READ))


@pages.get("/files")
@shown_to(Deed.READ)
def show_files() -> Response:
    """The form, and what arrived."""
    return _files()


@pages.post("/files")
@shown_to(Deed.SEND)
def take_files() -> Response:
    """Take files in, and tell what became of their rows; of a single one also how far it is."""
    sent = [one for one in request.files.getlist("file") if one.filename]
    if not sent or any(_kind_of(one) not in KINDS for one in sent):
        return _files(is_incomplete=True)
    ordered = sorted(sent, key=lambda one: KINDS.index(_kind_of(one)))
    if given("preview"):
        return _files(looked_at=[_looked_at(one) for one in ordered])
    if request.accept_mimetypes.best_match((_STATES, "text/html")) == _STATES:
        return _streamed(sent[0])
    return _files([_taken(one) for one in ordered])


@pages.get("/files/<int:reception>")
@shown_to(Deed.READ)
def show_file(reception: int) -> Response:
    """One arrival: its counts, its refused rows, and the way to take it back."""
    caller: Caller = g.caller
    settings, cursor = fleet_settings(), request.args.get("cursor", "")
    found = arrivals.read_rejections(
        settings, reception, cursor=cursor, limit_rows=_REJECTIONS_OF_PAGE
    )
    return page(
        "file.html",
        file=_arrived(arrivals.read_arrival(settings, reception)),
        rejections=_refusals(found.rows),
        next_cursor=found.next_cursor,
        is_first=not cursor,
        may_withdraw=caller.may(Deed.CLOSE),
        closed_months=request.args.getlist("close"),
    )


@pages.get("/files/<int:reception>/rejections.csv")
@shown_to(Deed.READ)
def download_rejections(reception: int) -> Response:
    """Every refused row with what is wrong and what to do, for a spreadsheet."""
    content = arrivals.rejections_for_people(fleet_settings(), reception, language())
    return file_answer(content, _CSV, f"rejections-{reception}.csv")


@pages.post("/files/<int:reception>/withdrawal")
@shown_to(Deed.CLOSE)
def withdraw_file(reception: int) -> Any:
    """Take back what came with it; the page then names the months to close again."""
    reason = given("reason")
    taken = withdrawing.withdraw_reception(fleet_settings(), reception, reason)
    months = "&".join(f"close={month}" for month in taken.months)
    return redirect(f"/files/{reception}?{months}".rstrip("?"), HTTPStatus.SEE_OTHER)


def _kind_of(sent: FileStorage) -> str:
    """What was said, or else what the name tells."""
    return request.form.get("kind", "") or uploading.kind_named(sent.filename or "")


def _source(folder: Path) -> Source:
    """How to read the files; a source profile that was sent with them is put into the folder."""
    said = request.form.get
    profile = request.files.get("profile")
    return Source(
        profile_path=uploading.keep_profile(folder, profile.filename, profile.read())
        if profile and profile.filename
        else None,
        crs=said("crs") or None,
        dialect=said("dialect", ""),
        vehicle_id=said("vehicle", "").strip() or None,
    )


def _streamed(sent: FileStorage) -> Response:
    """The states of one file, a line each, as they come."""
    folder = tempfile.TemporaryDirectory(prefix="fleet-carbon-upload-")
    path = Path(folder.name) / uploading.safe_name(sent.filename or "")
    sent.save(path)
    settings, kind, spoken = fleet_settings(), _kind_of(sent), language()
    source = _source(Path(folder.name))

    def lines() -> Iterator[str]:
        with folder:
            for state in uploading.states_of_intake(settings, kind, path, source=source):
                yield json.dumps(_in_words(state, spoken)) + "\n"

    response = current_app.response_class(lines(), mimetype=_STATES)
    response.headers["X-Accel-Buffering"] = "no"  # proxies hand it on as it comes
    return response


def _in_words(state: dict[str, Any], spoken: str) -> dict[str, Any]:
    """A state with its refused rows and refusals told for people."""
    if state["state"] == "refused":
        return state | {"message": _why(state, spoken)}
    if state["state"] == "done":
        return state | _in_language(state, spoken)
    return state


def _taken(sent: FileStorage) -> dict[str, Any]:
    """What became of a file; one that is refused as a whole keeps no other from being taken."""
    name, kind = uploading.safe_name(sent.filename or ""), _kind_of(sent)
    with tempfile.TemporaryDirectory(prefix="fleet-carbon-upload-") as folder:
        path = Path(folder) / name
        sent.save(path)
        try:
            source = _source(Path(folder))
            taken = uploading.take_in(fleet_settings(), kind, path, source=source)
        except Unavailable:
            raise
        except FleetCarbonError as refused:
            why = _why(refused.as_dict(), language())
            return {"name": name, "kind": kind, "refused": why}
    told: dict[str, Any] = taken.as_dict()["files"][0]
    return told | {"name": name, "kind": kind, **_in_language(told, language())}


def _looked_at(sent: FileStorage) -> dict[str, Any]:
    """How a file would be read, or why it would be refused as a whole."""
    name, kind, spoken = uploading.safe_name(sent.filename or ""), _kind_of(sent), language()
    with tempfile.TemporaryDirectory(prefix="fleet-carbon-upload-") as folder:
        path = Path(folder) / name
        sent.save(path)
        try:
            source = _source(Path(folder))
            found = uploading.look_at(fleet_settings(), kind, path, source=source)
        except Unavailable:
            raise
        except FleetCarbonError as refused:
            return {"name": name, "kind": kind, "refused": _why(refused.as_dict(), spoken)}
    told = _in_language(found.as_dict(), spoken)
    return {"name": name, "kind": kind, **told, **preview_shown(found, spoken)}


def _why(refused: dict[str, Any], spoken: str) -> str:
    """Why a file was refused as a whole, in words of the page where there are any."""
    told = WORDS.get(f"file_{refused['code']}")
    if told is None:
        code, message, hint = (str(refused[name]) for name in ("code", "message", "hint"))
        return problem_text(code, message, hint, spoken=spoken)
    details = {
        name: ", ".join(held) if isinstance(held, list) else held
        for name, held in refused["details"].items()
    }
    return told[LANGUAGES.index(spoken)].format(**details)


def _in_language(told: dict[str, Any], spoken: str) -> dict[str, Any]:
    """Refused rows, suspicions and columns that were guessed, in words of a language."""
    suspicions = []
    for one in told.get("suspicions", []):
        text, remedy = suspicion_told(one["code"], one["text"], one["remedy"], language=spoken)
        evidence = evidence_told(one["evidence"], language=spoken)
        suspicions.append({"text": text, "evidence": evidence, "remedy": remedy})
    taken = [f"{name} → {ours}" for ours, name in told.get("columns_taken", {}).items()]
    if taken:
        words = WORDS["columns_by_headings"][LANGUAGES.index(spoken)]
        suspicions.append({"text": words, "evidence": ", ".join(taken), "remedy": ""})
    return {"rejections": _refusals(told["rejections"], spoken), "suspicions": suspicions}


def _refusals(rows: list[dict[str, Any]], spoken: str = "") -> list[dict[str, Any]]:
    """Refused rows with what is wrong and what to do."""
    shown = spoken or language()
    return [row | vars(refusal_of(row["code"], row["text"], shown)) for row in rows]


def _files(
    taken: list[dict[str, Any]] | None = None,
    *,
    looked_at: list[dict[str, Any]] | None = None,
    is_incomplete: bool = False,
) -> Response:
    caller: Caller = g.caller
    settings: Settings = fleet_settings()
    kind, cursor = request.args.get("kind", ""), request.args.get("cursor", "")
    listed = arrivals.list_arrivals(
        settings, kind=kind if kind in KINDS else None, cursor=cursor, limit_rows=_SHOWN
    ).as_dict()
    return page(
        "files.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if is_incomplete else HTTPStatus.OK,
        kinds=KINDS,
        dialects=[(one.name, _title(one.name, one.title)) for one in DIALECTS.values()],
        named=uploading.NAMED,
        bytes_max=settings.request_bytes_max,
        may_send=caller.may(Deed.SEND),
        taken=taken or [],
        looked_at=looked_at or [],
        is_incomplete=is_incomplete,
        files=[_arrived(one) for one in listed["files"]],
        kind_shown=kind if kind in KINDS else "",
        next_cursor=listed["next_cursor"],
        is_first=not cursor,
        words={name: word(name) for name in WORDS if name.startswith("up_")}
        | {f"kind_{kind}": word(f"kind_{kind}") for kind in KINDS},
    )


def _title(name: str, title: str) -> str:
    """How a system is called: most by a name that is the same in every language."""
    return word(f"dialect_{name}") if f"dialect_{name}" in WORDS else title


def _arrived(one: dict[str, Any]) -> dict[str, Any]:
    """An arrival with its moments and counts as people read them."""
    counts = {
        name: NOTHING if one[name] is None else locales.number(one[name], 0, language())
        for name in ("rows_accepted", "rows_duplicate", "rows_rejected")
    }
    moments = {name: moment_of(one[name]) for name in ("received_at", "withdrawn_at") if one[name]}
    return one | counts | moments
