"""The frame of every page: language, words and figures, who looks at it, and what it may load."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar

from flask import (
    Blueprint,
    Flask,
    Response,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from markupsafe import Markup
from werkzeug.exceptions import Forbidden, HTTPException, Unauthorized

from fleet_carbon.errors import FleetCarbonError, Unavailable
from fleet_carbon.services.people.access import Caller, Deed
from fleet_carbon.services.people.sessions import csrf_token
from fleet_carbon.statements import locales
from fleet_carbon.statements.chinese_problems import Told, problem_told
from fleet_carbon.statements.wording import CHINESE, ENGLISH, LANGUAGES
from fleet_carbon.web import problems
from fleet_carbon.web.callers import authenticated, session_secret
from fleet_carbon.web.pages.assets import (
    Style,
    address_of,
    assets,
    send_icon,
    style_of_letters,
)
from fleet_carbon.web.pages.words import WORDS

pages = Blueprint("pages", __name__)
"""Every page; the modules that fill it are named in `app`."""

View = TypeVar("View", bound=Callable[..., Any])
# Address, word and deed of what stands in the bar; each module of pages adds its own.
Entry = tuple[str, str, Deed]
NAVIGATION: list[Entry] = []
_ON_PAGES: dict[str, Callable[..., Any]] = {}
# What one looks at first; then what is sent and done; then who may.
_ORDER = (
    *("page_overview", "page_search", "page_drivers", "page_vehicles", "page_lanes", "page_map"),
    *(
        "page_months",
        "page_inventory",
        "page_statement",
        "page_disputes",
        "page_files",
        "page_prices",
    ),
    *("page_baselines", "page_verify", "page_users"),
)

LANGUAGE_COOKIE = "fleet_carbon_language"
_FOR_PROGRAMS = ("/v1/", "/oauth/", "/openapi/", "/metrics")
_FAILURES: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "not_found",  # the address of a deed, looked at
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.FORBIDDEN: "not_allowed",
    HTTPStatus.TOO_MANY_REQUESTS: "too_many",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
    HTTPStatus.INSUFFICIENT_STORAGE: "unavailable",
}
# Of gzip: a page is packed for one look, in a millisecond.
_PACKED_AT_LEVEL = 5
_HEAD_ENDS = "</head>"
_LANGUAGE_KEPT_S = 365 * 86_400
_POLICY = {
    "default-src": "'self'",
    # The chart library sets styles on what it draws, and the map works in a thread of its own.
    "style-src-attr": "'unsafe-inline'",
    "worker-src": "'self' blob:",
    "img-src": "'self' data: blob:",
    "frame-ancestors": "'none'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
}


def register(app: Flask) -> None:
    """Give the app its pages and what they load."""
    app.register_blueprint(assets)
    app.register_blueprint(pages)
    app.add_url_rule("/favicon.ico", view_func=send_icon)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(FleetCarbonError, _of_refusal)
    app.register_error_handler(Exception, _of_fault)


def language() -> str:
    """The language of the page: as just chosen, or before; else as the browser asks for."""
    if "spoken" not in g:  # asked for every word of a page, told once
        g.spoken = _language_asked()
    spoken: str = g.spoken
    return spoken


def _language_asked() -> str:
    for chosen in (request.args.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if chosen in LANGUAGES:
            return str(chosen)
    for accepted, _ in request.accept_languages:
        if accepted.lower().startswith(CHINESE):
            return CHINESE
        if accepted.lower().startswith(ENGLISH):
            return ENGLISH
    return CHINESE  # the drivers of the platform


def word(name: str, **filled: Any) -> str:
    """A text of the pages in the language of the page.

    Parameters
    ----------
    name : str
        Key of `WORDS`.
    **filled
        What stands in its places.
    """
    text = WORDS[name][LANGUAGES.index(language())]
    return text.format(**filled) if filled else text


def shown_to(deed: Deed | None, *, audited: bool = True) -> Callable[[View], View]:
    """Show a page only to those whose role allows the deed; others are led to sign in.

    Parameters
    ----------
    deed : Deed or None
        What the page shows or does; None is for whoever is let in.
    audited : bool
        Whether looking at it is put on record; what changes something always is.
    """

    def guard(view: View) -> View:
        @functools.wraps(view)
        def guarded(*positional: Any, **named: Any) -> Any:
            g.is_audited = audited
            try:
                caller = authenticated()
            except Unauthorized:
                asked = request.full_path.rstrip("?") if request.method == "GET" else "/"
                return redirect(url_for("pages.show_sign_in", next=asked))
            if deed is not None and not caller.may(deed):
                raise Forbidden
            try:
                return view(*positional, **named)
            except FleetCarbonError as refused:
                return refused_page(refused)

        return guarded  # type: ignore[return-value]  # the same signature, by functools.wraps

    return guard


def shown_on_pages(tells: View) -> View:
    """Let every template use a function under its name."""
    _ON_PAGES[tells.__name__] = tells
    return tells


def refused_page(refused: FleetCarbonError) -> Response:
    """A page that says why something was refused, and what to do."""
    if isinstance(refused, Unavailable):
        g.problem_code = refused.code
        return _failed(problems.status_of(refused))
    told = problem_told(refused.code, refused.message, refused.hint, language=language())
    if f"{refused.code}_hint" in WORDS:
        told = Told(word(refused.code), word(f"{refused.code}_hint"))
    return page(
        "problem.html",
        status=problems.status_of(refused),
        title=word("refused"),
        detail=told.text,
        hint=told.hint,
        is_foreign=told.is_foreign,
        request_id=g.request_id,
    )


def problem_text(code: str, message: str, hint: str, *, spoken: str = "") -> str:
    """Why something was refused and what to do, in one line."""
    told = problem_told(code, message, hint, language=spoken or language())
    return f"{told.text} {told.hint}".strip()


def job_problem(problem: Mapping[str, str] | None) -> str:
    """Why a job was not done, in words of the page where there are any; empty if it was done."""
    if problem is None:
        return ""
    name = f"job_{problem['code']}"
    if name in WORDS:
        return word(name)
    return problem_text(*(problem[part] for part in ("code", "message", "hint")))


def given(name: str) -> str:
    """What was written into a field of a form."""
    return request.form.get(name, "").strip()


def _wants_page() -> bool:
    """Whether who asks is a person with a browser, and not a program."""
    best = request.accept_mimetypes.best_match(("application/json", "text/html"))
    return best == "text/html" and not request.path.startswith(_FOR_PROGRAMS)


def _of_http(failure: HTTPException) -> Response:
    return _failed(failure.code or 0) if _wants_page() else problems.of_http(failure)


def _of_refusal(refused: FleetCarbonError) -> Response:
    return refused_page(refused) if _wants_page() else problems.refusal(refused)


def _of_fault(fault: Exception) -> Response:
    told = problems.of_fault(fault)
    return _failed(told.status_code) if _wants_page() else told


def _failed(status: int) -> Response:
    is_ours = not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    name = _FAILURES.get(status, "broken" if is_ours else "not_understood")
    failed = page(
        "problem.html",
        status=status or HTTPStatus.INTERNAL_SERVER_ERROR,
        title=word(name),
        detail="",
        hint=word(f"{name}_hint"),
        request_id=g.get("request_id", ""),
    )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        failed.headers["Retry-After"] = str(problems.RETRY_AFTER_S)
    return failed


def page(
    template: str, *, status: int = HTTPStatus.OK, images_from: str = "", **facts: Any
) -> Response:
    """A page as it is sent.

    Parameters
    ----------
    template : str
        Name of its template.
    status : int
        Of HTTP.
    images_from : str
        Another server that this page alone may load images from; empty for none.
    **facts
        What the template tells.
    """
    spoken = language()
    html = render_template(
        template,
        t=word,
        asset=address_of,
        language=spoken,
        locales=locales,
        here=request.path,
        caller=_caller(),
        navigation=_navigation(),
        csrf=_csrf_field,
        **_ON_PAGES,
        **facts,
    )
    # Of what a script asks for it takes a part, into a page with rules of its own.
    is_looked_at = request.headers.get("Sec-Fetch-Dest", "document") == "document"
    style = style_of_letters(html) if is_looked_at else Style("", "")
    if style.text:
        html = html.replace(_HEAD_ENDS, f"<style>{style.text}</style>{_HEAD_ENDS}", 1)
    response = _packed(html, status)
    response.headers["Content-Language"] = "zh-CN" if spoken == CHINESE else "en"
    response.headers["Content-Security-Policy"] = _policy(images_from, style.source)
    if request.args.get("lang") in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE, spoken, max_age=_LANGUAGE_KEPT_S, samesite="Lax", httponly=True
        )
    return response


def _packed(html: str, status: int) -> Response:
    """A page, packed for whoever can unpack it: most of one is said again and again."""
    is_packed = request.accept_encodings.quality("gzip") > 0
    content = html.encode()
    response = make_response(
        gzip.compress(content, _PACKED_AT_LEVEL, mtime=0) if is_packed else content, status
    )
    response.headers["Vary"] = "Accept-Encoding"
    if is_packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


def _policy(images_from: str, own_style: str) -> str:
    policy = _POLICY
    if own_style:
        policy = policy | {"style-src": f"'self' {own_style}"}
    if images_from:  # the map library fetches images by itself
        images = f"{_POLICY['img-src']} {images_from}"
        policy = policy | {"img-src": images, "connect-src": f"'self' {images_from}"}
    return "; ".join(f"{name} {sources}" for name, sources in policy.items())


def _caller() -> Caller | None:
    """Who is signed in, if anybody is."""
    caller: Caller | None = g.get("caller")
    return None if caller is None or caller.is_stranger else caller


def _navigation() -> list[tuple[str, str]]:
    caller = _caller()
    ordered = sorted(NAVIGATION, key=lambda entry: (*_ORDER, entry[1]).index(entry[1]))
    return [(where, name) for where, name, deed in ordered if caller and caller.may(deed)]


def _csrf_field() -> Markup:
    """What a form proves by that it is ours."""
    secret = session_secret()
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(
        csrf_token(secret) if secret else ""
    )
