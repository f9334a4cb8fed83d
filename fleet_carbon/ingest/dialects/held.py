"""Small bodies in a dialect, held in memory: what gateways send message by message.

A forwarder sends every position by itself. As a file each would cost a file, a transaction and
their syncs; held here they are read by the same reader and put on record with others that wait.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.delimited import Chunk
from fleet_carbon.ingest.dialects.dialect import DialectTable, Piece
from fleet_carbon.ingest.dialects.registry import DIALECTS
from fleet_carbon.ingest.profiles import SourceProfile

SENT_BY_MESSAGE = ("traccar", "jt808")
"""Dialects whose messages come one by one; their rows name the truck."""
BODY_BYTES_MAX = 1 << 16
"""Larger bodies are batches, and as well off as files. [byte]"""


class HeldMessages(DialectTable):
    """The rows of a body, all at hand.

    Parameters
    ----------
    names : list of str
        Columns, in the order of those of the chunk.
    chunk : Chunk
        All rows, with every column.

    Attributes
    ----------
    rows_count : int
        Rows, those included that could not be read.
    """

    def __init__(self, names: list[str], chunk: Chunk) -> None:
        columns = {name: chunk.columns[index] for index, name in enumerate(names)}
        piece = Piece(columns, chunk.lines, chunk.broken, chunk.remarks)
        super().__init__(names, lambda _: iter((piece,)))
        self.rows_count = len(chunk.lines) + len(chunk.broken)


def held_messages(
    content: bytes, dialect: str, profile: SourceProfile, *, file: str
) -> HeldMessages | None:
    """The rows of a body; None if it is for the way of files to say what it is.

    Parameters
    ----------
    content : bytes
        The body.
    dialect : str
        One of `SENT_BY_MESSAGE`.
    profile : SourceProfile
        How its rows are read.
    file : str
        What rejections call it.
    """
    # Readers of dialects read files, also those that are packed or are no text. Where none can be
    # written, the way of files says so to this sender alone.
    try:
        with tempfile.TemporaryDirectory(prefix="fleet-carbon-message-") as folder:
            path = Path(folder) / file
            path.write_bytes(content)
            table = DIALECTS[dialect].open_table(path, "positions", profile)
            names = list(table.names)
            chunks = list(table.chunks(range(len(names)), len(content)))
    except (InputRefused, OSError):
        return None
    return HeldMessages(names, chunks[0]) if len(chunks) == 1 else None
