"""What a browser fetches beside a page: our own scripts and styles, and those of the build.

The address of a file holds its digest, so that a browser may keep it for good and still never
shows an old one.
"""

from __future__ import annotations

import gzip
import hashlib
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, make_response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from fleet_carbon.services.papers import letters

_WEB = Path(__file__).resolve().parents[1]
_FOLDERS = (
    _WEB / "static",
    _WEB.parent / "papers" / "styles",
    _WEB.parent / "_collected" / "assets" / "static",
)
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".geojson": "application/geo+json",
}
_PACKED_TYPES = {".css", ".js", ".mjs", ".svg", ".geojson"}
_DIGEST_SHOWN = 12
_KEEP = "public, max-age=31536000, immutable"
_FONTS = "fonts"
_ICON = "icon.svg"
_ICON_KEPT = "public, max-age=86400"

assets = Blueprint("assets", __name__, url_prefix="/assets")


@dataclass(frozen=True)
class Asset:
    """A file as it is sent.

    Attributes
    ----------
    media_type : str
        With its character set.
    content : bytes
        As it lies there.
    packed : dict of str to bytes
        What is sent instead by who may be sent it so, the smallest first; none of what gains
        nothing by being packed.
    """

    media_type: str
    content: bytes
    packed: dict[str, bytes]


def address_of(name: str) -> str:
    """Where a browser finds a file.

    Parameters
    ----------
    name : str
        Such as ``pico.css`` or ``fonts/fonts.css``.
    """
    return f"/assets/{_digest_of(name.partition('/')[0])}/{name}"


@cache
def _digest_of(part: str) -> str:
    """Digest of a file, or of all files of a folder: its style names the others beside it."""
    digest = hashlib.sha256()
    for folder in _FOLDERS:
        found = folder / part
        for path in sorted(found.rglob("*")) if found.is_dir() else [found]:
            if path.is_file():
                digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:_DIGEST_SHOWN]


@cache
def _asset(name: str) -> Asset | None:
    for folder in _FOLDERS:
        path = (folder / name).resolve()
        # A name with dots in it leads nowhere but into the folder.
        if path.suffix in _TYPES and path.is_relative_to(folder) and path.is_file():
            content = path.read_bytes()
            packed = _packed(path, content) if path.suffix in _PACKED_TYPES else {}
            return Asset(_TYPES[path.suffix], content, packed)
    return None


def _packed(path: Path, content: bytes) -> dict[str, bytes]:
    """Packed when the project was built, else once; the same bytes from every process."""
    built = path.with_name(f"{path.name}.br")
    smallest = {"br": built.read_bytes()} if built.is_file() else {}
    return smallest | {"gzip": gzip.compress(content, 9, mtime=0)}


@dataclass(frozen=True)
class Style:
    """Rules that stand in a page itself.

    Attributes
    ----------
    text : str
        Empty if there are none.
    source : str
        By which the policy of the page lets them stand there.
    """

    text: str
    source: str


def style_of_letters(html: str) -> Style:
    """Where a page finds the letters of names that the fonts of pages lack.

    Parameters
    ----------
    html : str
        The page.
    """
    lacking = letters.lacking(html)
    parts = range(0, len(lacking), letters.LETTERS_MAX)
    text = "".join(_rule(lacking[at : at + letters.LETTERS_MAX]) for at in parts)
    if not text:
        return Style("", "")
    digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Style(text, f"'sha256-{digest}'")


def _rule(lacking: str) -> str:
    address = f"/assets/{_digest_of(_FONTS)}/letters/{letters.told(lacking)}.ttf"
    codes = ",".join(f"U+{ord(one):X}" for one in lacking)
    return (
        f'@font-face{{font-family:"{letters.FAMILY}";font-display:swap;'
        f"src:url({address}) format('truetype');unicode-range:{codes}}}"
    )


def send_icon() -> AnyResponse:
    """Lead to the icon who asks for it without a page that names it: a tab that shows a PDF."""
    response = redirect(address_of(_ICON))
    response.headers["Cache-Control"] = _ICON_KEPT
    return response


@assets.get("/<string:digest>/letters/<string:part>.ttf")
def send_letters(digest: str, part: str) -> Response:
    """A font of the letters that a page asks for."""
    try:
        content = letters.cut(letters.letters_told(part))
    except ValueError:
        abort(404)
    return _answer(
        Asset("font/ttf", content, {"gzip": gzip.compress(content, mtime=0)}),
        is_current=digest == _digest_of(_FONTS),
        tag=part,
    )


@assets.get("/<string:digest>/<path:name>")
def send_asset(digest: str, name: str) -> Response:
    """One file, which the browser may keep."""
    found = _asset(name)
    if found is None:
        abort(404)
    own_digest = _digest_of(name.partition("/")[0])
    return _answer(found, is_current=digest == own_digest, tag=own_digest)


def _answer(found: Asset, *, is_current: bool, tag: str) -> Response:
    """A file, which may be kept if it is asked for by what it is now."""
    accepted = [one for one in found.packed if request.accept_encodings.quality(one) > 0]
    coding = accepted[0] if accepted else ""
    response = make_response(found.packed.get(coding, found.content))
    response.content_type = found.media_type
    if found.packed:
        response.headers["Vary"] = "Accept-Encoding"
    if coding:
        response.headers["Content-Encoding"] = coding
    # Who holds it packed otherwise holds other bytes.
    response.set_etag("-".join(filter(None, (tag, coding))))
    response.headers["Cache-Control"] = _KEEP if is_current else "no-store"
    if is_current:
        response.make_conditional(request)
    return response
