"""Read model files: plain values, arrays of numbers and trees, without the libraries they are from.

The files are skops archives: a description of everything in ``schema.json``, arrays beside it in
numpy's own format. What is needed of them is read straight from there, so that a close need not
load what only training uses, and no object of a file is ever made: an estimator is taken for the
nodes of its trees, and what else it holds stays unread.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fleet_carbon.errors import ModelRefused, NotFound
from fleet_carbon.quantification.trees import Trees

_SCHEMA = "schema.json"
# Of skops: the form of the description that is read here.
_PROTOCOL = 2
# Where types may be from that a file names. None is made, but a file with others is not ours.
_FAMILIAR = ("builtins", "numpy", "sklearn")
_BOOSTING = "sklearn.ensemble._hist_gradient_boosting.gradient_boosting"
_ESTIMATORS = ("HistGradientBoostingRegressor", "HistGradientBoostingClassifier")
# Of an array's file: what says which format it is in, and how long its description is.
_PREFIX_BYTES = 10
# The models of a home and those that ship: opened once by a process that closes many months.
_KEPT_COUNT = 8


def read_contents(path: Path, format_name: str) -> tuple[Mapping[str, Any], str]:
    """What a model file holds, and its SHA-256; nothing is made before its types are known.

    Parameters
    ----------
    path : Path
        File written by skops.
    format_name : str
        What it must say it is.

    Returns
    -------
    contents : mapping of str to value
        Plain values, arrays, and `Trees` where the file holds estimators.
    digest : str
        SHA-256 of the file.

    Raises
    ------
    NotFound
        If there is no such file.
    ModelRefused
        If it is damaged, holds other types, or is something else.
    """
    if not path.is_file():
        raise NotFound(
            "model_file_missing", f"There is no model file {path.name}.", "Run `models train`."
        )
    data = path.read_bytes()
    contents = _opened(path.name, data)
    if not isinstance(contents, Mapping) or contents.get("format") != format_name:
        raise ModelRefused(
            "model_file_refused", f"{path.name} is no {format_name!r}.", "Train the model anew."
        )
    return contents, hashlib.sha256(data).hexdigest()


@lru_cache(maxsize=_KEPT_COUNT)
def _opened(name: str, data: bytes) -> Any:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            schema = json.loads(archive.read(_SCHEMA))
            strange = sorted(set(_strange_types(schema)))
            if not strange:
                if schema["protocol"] != _PROTOCOL:
                    raise ValueError(f"it is of protocol {schema['protocol']}")
                return _Archive(archive).value(schema)
    except _DAMAGES as damage:
        raise ModelRefused(
            "model_file_damaged",
            f"{name} is no readable model: {damage}.",
            "Do not use it unless you know who made it; train the model anew.",
        ) from damage
    raise ModelRefused(
        "model_file_untrusted",
        f"{name} holds what no model of ours needs: {', '.join(strange)}.",
        "Do not use it unless you know who made it; train the model anew.",
    )


_DAMAGES = (
    zipfile.BadZipFile, zlib.error, KeyError, IndexError, ValueError, TypeError,
    AttributeError, EOFError, NotImplementedError, RecursionError, RuntimeError,
)  # fmt: skip


def _strange_types(node: Any) -> Iterator[str]:
    """Every type that a description names and that is from elsewhere."""
    if isinstance(node, dict):
        if "__class__" in node:
            module = str(node["__module__"])
            if module.partition(".")[0] not in _FAMILIAR:
                yield f"{module}.{node['__class__']}"
        for inner in node.values():
            if isinstance(inner, (dict, list)):
                yield from _strange_types(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _strange_types(inner)


class _Archive:
    """The arrays of a file, and the values that its description makes of them."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def value(self, node: Mapping[str, Any]) -> Any:
        """A plain value, an array, or trees."""
        made, of = node["__loader__"], node.get("content")
        if made == "JsonNode":
            return json.loads(str(of))
        if made in ("ListNode", "TupleNode"):
            return [self.value(inner) for inner in of or ()]
        if made == "DictNode":
            return {str(name): self.value(inner) for name, inner in dict(of or {}).items()}
        if made == "NdArrayNode":
            return self._array(node)
        if made == "ObjectNode" and node["__module__"] == _BOOSTING:
            return self._trees(node)
        raise ValueError(f"it holds a {node['__class__']}")

    def _array(self, node: Mapping[str, Any]) -> Any:
        if node["type"] != "numpy":
            raise ValueError("it holds an array of objects")
        array = _array_of(self._archive.read(node["file"]))
        return array if node["__class__"] == "ndarray" else array[()]

    def _trees(self, node: Mapping[str, Any]) -> Trees:
        """An estimator's baseline and the nodes of its trees, one tree a round."""
        if node["__class__"] not in _ESTIMATORS:
            raise ValueError(f"it holds a {node['__class__']}")
        attributes = node["content"]["content"]
        rounds = [stage["content"] for stage in attributes["_predictors"]["content"]]
        trees = [tree["content"]["content"]["nodes"] for (tree,) in rounds]
        return Trees.of_nodes(
            self._array(attributes["_baseline_prediction"]).item(),
            int(self.value(attributes["n_features_in_"])),
            [self._array(nodes) for nodes in trees],
        )


def _array_of(data: bytes) -> NDArray[Any]:
    """The array of a file in numpy's own format; it cannot be written to."""
    size = _PREFIX_BYTES + int.from_bytes(data[8:_PREFIX_BYTES], "little")
    shape, is_by_column, dtype = _described(data[:size])
    if dtype.hasobject:
        raise ValueError("it holds an array of objects")
    values = np.frombuffer(data, dtype, count=math.prod(shape), offset=size)
    return values.reshape(shape, order="F" if is_by_column else "C")


@lru_cache(maxsize=256)
def _described(header: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of an array; hundreds of trees have the same."""
    stream = io.BytesIO(header)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("it holds an array in another format")
    shape, is_by_column, dtype = np.lib.format.read_array_header_1_0(stream)
    return shape, is_by_column, dtype
