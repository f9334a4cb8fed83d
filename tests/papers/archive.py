"""What ISO 19005-3 (PDF/A-3) asks of level B, as far as it shows in the objects of a file.

Each rule names its clause. What only a drawing program could tell (widths of every glyph, the
insides of fonts) is left to the one who sets the type.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pypdf
from pypdf.generic import BooleanObject, ContentStream, IndirectObject, StreamObject

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_PDFAID = "{http://www.aiim.org/pdfa/ns/id/}"
_FILTERS = {"/FlateDecode", "/DCTDecode", "/ASCIIHexDecode", "/ASCII85Decode", "/RunLengthDecode"}
_NO_ACTIONS = {
    "/Launch", "/Sound", "/Movie", "/ResetForm", "/ImportData", "/Hide", "/SetOCGState",
    "/Rendition", "/Trans", "/GoTo3DView", "/JavaScript",
}  # fmt: skip
_BLENDS = {
    "/Normal", "/Compatible", "/Multiply", "/Screen", "/Overlay", "/Darken", "/Lighten",
    "/ColorDodge", "/ColorBurn", "/HardLight", "/SoftLight", "/Difference", "/Exclusion", "/Hue",
    "/Saturation", "/Color", "/Luminosity",
}  # fmt: skip
_INTENTS = {"/RelativeColorimetric", "/AbsoluteColorimetric", "/Perceptual", "/Saturation"}
_CMYK = {b"k", b"K"}
_SAVES_NESTED_MAX = 28
_STRING_BYTES_MAX = 32_767
_NAME_BYTES_MAX = 127


def faults(pdf: bytes) -> list[str]:
    """What of a file breaks a rule, each with its clause; none of a good one."""
    return [*_of_bytes(pdf), *_of_objects(pdf)]


def _of_bytes(pdf: bytes) -> Iterator[str]:
    head = re.match(rb"%PDF-1\.[0-7]\r?\n%([^\r\n]*)\r?\n", pdf)
    if head is None or sum(byte > 127 for byte in head[1]) < 4:
        yield "6.1.2 the head of the file, and a line of bytes above 127 behind it"
    if not re.search(rb"%%EOF\r?\n?$", pdf):
        yield "6.1.3 nothing stands behind the end of the file"


def _of_objects(pdf: bytes) -> Iterator[str]:
    reader = pypdf.PdfReader(io.BytesIO(pdf), strict=True)
    root: Any = reader.trailer["/Root"]
    if len(reader.trailer.get("/ID", [])) != 2:
        yield "6.1.3 two identifiers of the file"
    if "/Encrypt" in reader.trailer:
        yield "6.1.3 not encrypted"
    yield from _of_catalog(root)
    yield from _of_metadata(root["/Metadata"].get_data().decode())
    yield from _of_attachments(root)
    yield from _of_intents(root)
    for held in _every_object(reader):
        yield from _of_object(held)
    for page in reader.pages:
        yield from _of_page(page, reader)


def _of_catalog(root: Any) -> Iterator[str]:
    for name in ("/AA", "/OCProperties", "/Requirements", "/Perms", "/AcroForm"):
        if name in root:
            yield f"6.4, 6.5.2, 6.9, 6.11 no {name}"
    for name in ("/JavaScript", "/AlternatePresentations"):
        if name in root.get("/Names", {}):
            yield f"6.5.1, 6.10 no {name}"
    marks = root.get("/MarkInfo", {})
    # ISO 32000-1, table 321: all three are booleans. Poppler before 25.12 calls any false one of
    # the last two a wrong type.
    for name, value in marks.items():
        if not isinstance(value, BooleanObject):
            yield f"ISO 32000-1, 14.7.1 {name} is true or false"
    if not marks.get("/Marked") or "/StructTreeRoot" not in root or not root.get("/Lang"):
        yield "6.7 tagged, in a language"


def _of_metadata(about: str) -> Iterator[str]:
    head = re.match(r"\s*<\?xpacket ([^?]*)\?>", about)
    if head is None or "bytes=" in head[1] or "encoding=" in head[1]:
        yield "6.6.2.1 the head of the metadata"
    tree = ET.fromstring(re.sub(r"<\?xpacket[^?]*\?>", "", about))
    part, level = (tree.findtext(f".//{_PDFAID}{name}") for name in ("part", "conformance"))
    if (part, level) != ("3", "B"):
        yield "6.6.4 part and level"
    described = tree.findall(f".//{_RDF}Description")
    if not all(one.get(f"{_RDF}about") == "" for one in described):
        yield "6.6.2.3 what is described"


def _of_attachments(root: Any) -> Iterator[str]:
    named = root["/Names"]["/EmbeddedFiles"]["/Names"][1::2]
    associated = {one.idnum for one in root.get("/AF", []) if isinstance(one, IndirectObject)}
    for one in named:
        held = one.get_object()
        if not held.get("/AFRelationship") or one.idnum not in associated:
            yield "6.8 an attached file belongs to the document, and says how"
        if not held.get("/F") or not held.get("/UF"):
            yield "6.8 an attached file has both names"
        stream = held["/EF"]["/F"].get_object()
        if not re.fullmatch(r"/[\w.+-]+/[\w.+-]+", str(stream.get("/Subtype", ""))):
            yield "6.8 an attached file has its type"
        if "/ModDate" not in stream.get("/Params", {}):
            yield "6.8 an attached file has its date"


def _of_intents(root: Any) -> Iterator[str]:
    found = [one.get_object() for one in root.get("/OutputIntents", [])]
    profiles = {
        one.raw_get("/DestOutputProfile").idnum for one in found if "/DestOutputProfile" in one
    }
    if len(profiles) != 1 or any(one.get("/S") != "/GTS_PDFA1" for one in found):
        yield "6.2.3 one output intent of PDF/A with a profile"
        return
    profile = found[0]["/DestOutputProfile"]
    head = profile.get_data()[:128]
    parts = {b"RGB ": 3, b"GRAY": 1, b"CMYK": 4}.get(head[16:20])
    if head[36:40] != b"acsp" or head[8] > 4 or head[12:16] not in (b"prtr", b"mntr"):
        yield "6.2.3 an ICC profile up to version 4, of a printer or a screen"
    if parts != profile["/N"]:
        yield "6.2.3 as many colours as the profile has"


def _every_object(reader: pypdf.PdfReader) -> Iterator[Any]:
    """Each object of the file, and those inside."""
    waiting = [
        reader.get_object(IndirectObject(number, 0, reader)) for number in range(1, _size(reader))
    ]
    while waiting:
        held = waiting.pop()
        yield held
        if isinstance(held, dict):
            waiting += [one for one in held.values() if not isinstance(one, IndirectObject)]
        elif isinstance(held, list):
            waiting += [one for one in held if not isinstance(one, IndirectObject)]


def _size(reader: pypdf.PdfReader) -> int:
    return int(reader.trailer["/Size"])


def _of_object(held: Any) -> Iterator[str]:
    if isinstance(held, str | bytes):
        is_name = str(held).startswith("/")
        if len(str(held).encode()) > (_NAME_BYTES_MAX if is_name else _STRING_BYTES_MAX):
            yield f"6.1.13 too long: {str(held)[:40]}"
    if not isinstance(held, dict):
        return
    if isinstance(held, StreamObject):
        if {"/F", "/FFilter", "/FDecodeParms"} & held.keys():
            yield "6.1.7.1 a stream stands in the file"
        used = held.get("/Filter", [])
        if not {str(one) for one in (used if isinstance(used, list) else [used])} <= _FILTERS:
            yield f"6.1.7.2 filter {used}"
    if held.get("/Type") == "/ExtGState" or {"/ca", "/CA", "/BM"} & held.keys():
        if {"/TR", "/HTP"} & held.keys() or held.get("/TR2", "/Default") != "/Default":
            yield "6.2.5 no transfer function"
        if str(held.get("/BM", "/Normal")) not in _BLENDS:
            yield f"6.2.10 blend mode {held['/BM']}"
    if held.get("/Subtype") == "/Image":
        if {"/Alternates", "/OPI"} & held.keys() or held.get("/Interpolate"):
            yield "6.2.8 an image as it is"
        if str(held.get("/Intent", "/Perceptual")) not in _INTENTS:
            yield "6.2.6 rendering intent"
    if held.get("/Subtype") == "/Form" and {"/OPI", "/PS", "/Ref", "/Subtype2"} & held.keys():
        yield "6.2.9 a form as it is"
    if held.get("/S") in _NO_ACTIONS:
        yield f"6.5.1 action {held['/S']}"
    if held.get("/Type") == "/Font":
        yield from _of_font(held)


def _of_font(font: Any) -> Iterator[str]:
    if "/ToUnicode" not in font and font.get("/Subtype") == "/Type0":
        yield "6.2.11.7.2 what is read aloud of a font (level U)"
    if font.get("/Subtype") == "/Type0":
        if font["/Encoding"] not in ("/Identity-H", "/Identity-V"):
            yield "6.2.11.3.3 the table of a font"
        inner = font["/DescendantFonts"][0].get_object()
        if inner["/Subtype"] == "/CIDFontType2" and "/CIDToGIDMap" not in inner:
            yield "6.2.11.3.2 glyphs by number"
    elif "/FontDescriptor" not in font:
        yield "6.2.11.4.1 a font of the file"
    about = font.get("/FontDescriptor")
    if about and not {"/FontFile", "/FontFile2", "/FontFile3"} & about.get_object().keys():
        yield "6.2.11.4.1 a font stands in the file"


def _of_page(page: Any, reader: pypdf.PdfReader) -> Iterator[str]:
    if {"/AA", "/PresSteps"} & page.keys():
        yield "6.5.2, 6.10 nothing happens on a page"
    for one in page.get("/Annots", []):
        if not int(one.get_object().get("/F", 0)) & 4:
            yield "6.3.2 what stands on a page is printed"
    nested, deepest = 0, 0
    for values, operator in ContentStream(page.get_contents(), reader).operations:
        nested += {b"q": 1, b"Q": -1}.get(operator, 0)
        deepest = max(deepest, nested)
        if operator in _CMYK:
            yield "6.2.4.3 colours of the output intent"
        if operator == b"ri" and str(values[0]) not in _INTENTS:
            yield "6.2.6 rendering intent"
    if deepest > _SAVES_NESTED_MAX:
        yield "6.1.13 states in states"
