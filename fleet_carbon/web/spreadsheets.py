"""Tables and reports as files, if the reader's Accept header asks for one."""

from __future__ import annotations

from typing import Any

from flask import Response, request
from flask_openapi.models.media_type import MediaType
from pydantic import BaseModel

from fleet_carbon.frames import Frame
from fleet_carbon.services.intake import receiving
from fleet_carbon.statements import tables

JSON = receiving.JSON
FORMATS = {receiving.CSV: "csv", receiving.XLSX: "xlsx", receiving.PARQUET: "parquet"}
"""Media type -> format of a table."""
PAPERS = {receiving.XLSX: ".xlsx", "application/pdf": ".pdf", "text/html": ".html"}
"""Media type -> suffix of a report for people."""
CUSTOMER_PAPERS = {receiving.CSV: ".csv", receiving.XLSX: ".xlsx", "application/pdf": ".pdf"}
"""Media type -> suffix of a customer's report."""
_FILES_OF: dict[str, dict[str, str]] = {}


def tabular(model: type[BaseModel]) -> type[BaseModel]:
    """The model of an answer that comes as a file, too."""
    _FILES_OF[model.__name__] = FORMATS
    return model


def papers(model: type[BaseModel], suffixes: dict[str, str] = PAPERS) -> type[BaseModel]:
    """The model of an answer that comes as a paper for people, too."""
    _FILES_OF[model.__name__] = suffixes
    return model


def document_files(paths: dict[str, Any]) -> None:
    """Let the document of the service say which answers come as files, too."""
    binary = MediaType.model_validate({"schema": {"type": "string", "format": "binary"}})
    for path in paths.values():
        answer = path.get and (path.get.responses or {}).get("200")
        if answer is None or not answer.content:
            continue
        schema = getattr(answer.content.get(JSON), "media_type_schema", None)
        types = _FILES_OF.get((getattr(schema, "ref", None) or "").rpartition("/")[2], {})
        answer.content |= dict.fromkeys(types, binary)


def wanted_type() -> str:
    """The media type that the reader likes best of those we write; JSON unless told otherwise."""
    return request.accept_mimetypes.best_match([JSON, *FORMATS]) or JSON


def wanted_paper(suffixes: dict[str, str] = PAPERS) -> str:
    """The media type that the reader likes best of a report's; JSON unless told otherwise."""
    return request.accept_mimetypes.best_match([JSON, *suffixes]) or JSON


def as_file(rows: Any, frame: Frame, media_type: str, *, name: str = "") -> Response:
    """The whole table as a file.

    Parameters
    ----------
    rows : DataFrame
        Of the frame.
    frame : Frame
        Their contract.
    media_type : str
        One of `FORMATS`.
    name : str
        Of the file, without suffix; that of the frame if empty.
    """
    suffix = FORMATS[media_type]
    content = tables.to_bytes(rows, frame, suffix)
    return file_answer(content, media_type, f"{name or frame.name}.{suffix}")


def file_answer(content: bytes, media_type: str, name: str) -> Response:
    """A file, marked so that its reader need not fetch again what has not changed.

    Parameters
    ----------
    content : bytes
        What is in it.
    media_type : str
        What it is.
    name : str
        What it is saved as.
    """
    response = Response(content, content_type=media_type)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.headers["Vary"] = "Accept"
    response.add_etag()
    response.headers["Cache-Control"] = "private, no-cache"
    return response.make_conditional(request)  # type: ignore[return-value]  # the same object
