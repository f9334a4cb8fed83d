"""What was made of each truck's traces, kept so that nothing unchanged is made again.

In: a table with a row per truck and the key of everything that went into it. Out: the rows whose
key is the one asked for. This is no record: deleting the folder costs time and nothing else, and
a row that is not exactly what was kept is as good as none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from fleet_carbon.storage.files import written_whole

VEHICLE, KEY = "vehicle_id", "key"
_SUFFIX = ".arrow"


class CutShelf:
    """Rows of one month, in files of neighbouring trucks named by the digest of their bytes.

    Parameters
    ----------
    folder : Path
        Made when something is first put.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._in_use: set[Path] = set()
        self._opened: tuple[Path, pa.Table] | None = None

    def known(self, keys: Mapping[str, str]) -> set[str]:
        """Those of the trucks that have a row under the key given."""
        return {vehicle for vehicle, key in keys.items() if (vehicle, key) in self._places}

    def take(self, keys: Mapping[str, str]) -> pa.Table | None:
        """The kept rows of some trucks.

        Parameters
        ----------
        keys : mapping of str to str
            Per truck, the key of what goes into its row now.

        Returns
        -------
        rows : pa.Table or None
            In the order of the trucks given, without those whose row is missing; None if all
            are.
        """
        by_file: dict[Path, list[int]] = {}
        for wanted in keys.items():
            if wanted in self._places:
                path, row = self._places[wanted]
                by_file.setdefault(path, []).append(row)
        parts = []
        for path, rows in by_file.items():
            table = self._opened_table(path)
            if table is not None:
                parts.append(table if len(rows) == table.num_rows else table.take(rows))
                if len(rows) == len(keys) == table.num_rows:
                    self._in_use.add(path)
        if not parts:
            return None
        taken = pa.concat_tables(parts)
        place = {vehicle: at for at, vehicle in enumerate(keys)}
        order = sorted(
            range(taken.num_rows), key=lambda row: place[taken.column(VEHICLE)[row].as_py()]
        )
        return taken if order == list(range(len(order))) else taken.take(order)

    def put(self, rows: pa.Table) -> None:
        """Keep the rows of neighbouring trucks; nothing is half kept."""
        bytes_kept = _as_bytes(rows)
        path = self._folder / f"{hashlib.sha256(bytes_kept).hexdigest()}{_SUFFIX}"
        self._in_use.add(path)
        if not path.exists():
            with written_whole(path) as stream:
                stream.write(bytes_kept)

    def sweep(self) -> None:
        """Remove the files that were neither put nor wholly taken since this shelf was opened."""
        for path in self._folder.glob(f"*{_SUFFIX}"):
            if path not in self._in_use:
                path.unlink(missing_ok=True)

    @cached_property
    def _places(self) -> dict[tuple[str, str], tuple[Path, int]]:
        """File and row under each truck and key, looked up when first asked for."""
        places: dict[tuple[str, str], tuple[Path, int]] = {}
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            for row, wanted in enumerate(_keys_in(path)):
                places[wanted] = (path, row)
        return places

    def _opened_table(self, path: Path) -> pa.Table | None:
        if self._opened is None or self._opened[0] != path:
            table = _read_whole(path)
            if table is None:
                return None
            self._opened = (path, table)
        return self._opened[1]


def _as_bytes(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(sink, rows.schema, options=options) as writer:
        writer.write_table(rows.combine_chunks())
    return bytes(sink.getvalue())


def _keys_in(path: Path) -> Iterator[tuple[str, str]]:
    """Truck and key of every row, read without the rest; nothing if the file cannot be read."""
    try:
        with pa.OSFile(str(path), "rb") as source:
            names = pa.ipc.open_file(source).schema.names
            chosen = [names.index(VEHICLE), names.index(KEY)]
            source.seek(0)
            options = pa.ipc.IpcReadOptions(included_fields=chosen)
            table = pa.ipc.open_file(source, options=options).read_all()
    except (OSError, ValueError, pa.ArrowInvalid):
        return
    yield from zip(table.column(VEHICLE).to_pylist(), table.column(KEY).to_pylist(), strict=True)


def _read_whole(path: Path) -> pa.Table | None:
    """The table of a file whose bytes are those of its name; None if they are not."""
    try:
        held = path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(held).hexdigest() != path.stem:
        return None
    return pa.ipc.open_file(pa.BufferReader(held)).read_all()
