"""Rows that come over the network: their body becomes a file, and the file is taken in.

One way in for files and for requests: what a sender is told, what counts as a duplicate, what is
refused and why, and what the record names are the same.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pa_parquet

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.swelling import refuse_swollen, refuse_swollen_arrow
from fleet_carbon.services.intake.ingesting import Intake, Source, ingest_files
from fleet_carbon.services.intake.previewing import Preview, preview_files
from fleet_carbon.settings import Settings

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"
PARQUET, ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_JSON_SPACE = b" \t\r\n"
SUFFIXES = {
    JSON: ".json",
    NDJSON: ".ndjson",
    CSV: ".csv",
    PARQUET: ".parquet",
    ARROW: ".arrow",
    XLSX: ".xlsx",
}
DIALECT_SUFFIXES = {
    **SUFFIXES,
    "text/plain": ".txt",
    "application/octet-stream": ".bin",
    "application/gpx+xml": ".gpx",
    "application/xml": ".xml",
}
"""Of bodies that are written in a dialect: it reads them as they are sent."""


def receive(
    settings: Settings, kind: str, body: Path, *, media_type: str, name: str, source: Source
) -> Intake:
    """Take in the rows of a request, all that are sound, in one unit of work.

    Parameters
    ----------
    settings : Settings
        The fleet.
    kind : str
        One of `ingesting.KINDS`.
    body : Path
        What was sent, unpacked, in a folder of its own.
    media_type : str
        One of `SUFFIXES`; of `DIALECT_SUFFIXES` if the source names a dialect.
    name : str
        What the record calls it; the suffix is added.
    source : Source
        How to read it.

    Raises
    ------
    InputRefused
        If the body as a whole cannot be used; nothing of it is kept.
    """
    path = _as_file(settings, body, media_type, name=name, source=source)
    return ingest_files(settings, kind, [path], source=source)


def look_at(
    settings: Settings, kind: str, body: Path, *, media_type: str, source: Source
) -> Preview:
    """What the rows of a request would be read as; nothing is kept. Parameters as of `receive`."""
    path = _as_file(settings, body, media_type, name=kind, source=source)
    [preview] = preview_files(settings, kind, [path], source=source).files
    preview.file = path.name  # not where it was looked at
    return preview


def _as_file(settings: Settings, body: Path, media_type: str, *, name: str, source: Source) -> Path:
    """The body as a file that can be taken in."""
    path = body.with_name(name + DIALECT_SUFFIXES[media_type])
    if media_type == JSON and not source.dialect:
        _write_lines(body, path)
    elif media_type == ARROW and not source.dialect:
        _write_parquet(body, path, settings.request_unpacked_bytes_max)
    else:
        shutil.move(body, path)
        refuse_swollen(path, settings.request_unpacked_bytes_max)
    return path


def _write_lines(body: Path, path: Path) -> None:
    """Write a list of objects, or a single one, as one object a line."""
    try:
        sent = body.read_bytes()
        is_list = sent.lstrip(_JSON_SPACE).startswith(b"[")
        rows = msgspec.json.decode(sent, type=list[msgspec.Raw]) if is_list else [sent]
        path.write_bytes(b"\n".join(map(_on_one_line, rows)))
    except (msgspec.DecodeError, RecursionError) as failure:
        raise InputRefused(
            "json_unreadable",
            f"The body is no JSON: {failure}",
            "Send a list of objects, one for each row, or one object.",
        ) from failure


def _on_one_line(row: msgspec.Raw | bytes) -> bytes:
    text = bytes(row).strip(_JSON_SPACE)
    # Read anew where it breaks into lines, and where nothing has looked at it yet.
    must_be_read = b"\n" in text or isinstance(row, bytes)
    return msgspec.json.encode(msgspec.json.decode(text)) if must_be_read else text


def _write_parquet(body: Path, path: Path, unpacked_bytes_max: int) -> None:
    try:
        with pa.memory_map(str(body)) as sent:
            refuse_swollen_arrow(sent.read_buffer(), unpacked_bytes_max)
        with (
            pa.memory_map(str(body)) as sent,
            pa.ipc.open_stream(sent) as stream,
            pa_parquet.ParquetWriter(path, stream.schema, compression="zstd") as writer,
        ):
            for batch in stream:
                batch.validate(full=True)
                writer.write_batch(batch)
    except (OSError, ValueError, pa.ArrowException) as failure:
        raise InputRefused(
            "arrow_unreadable",
            f"The body is no Arrow stream: {failure}",
            "Send the stream format of Arrow IPC, not the file format.",
        ) from failure
