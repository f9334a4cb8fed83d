"""Which fitted models serve a month: the fleet's own before those that ship.

Two kinds, each in a folder of its own: ``fuel``, litres beside the physics, and ``loading``,
empty or loaded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from fleet_carbon.errors import ModelRefused
from fleet_carbon.learning.loading import LoadClassifier
from fleet_carbon.quantification.editions import Edition
from fleet_carbon.quantification.fitted import FittedFuel, physics_digest
from fleet_carbon.settings import Settings

FUEL, LOADING = "fuel", "loading"
KINDS = (FUEL, LOADING)
_NAME = re.compile(r"^(?P<series>.+)-(?P<until>\d{4}-\d{2})$")

Model = TypeVar("Model", FittedFuel, LoadClassifier)


@dataclass(frozen=True)
class ModelFile:
    """A model file by its name, not yet opened.

    Attributes
    ----------
    kind : str
        ``fuel`` or ``loading``.
    path : Path
        The file; its card lies beside it with the suffix ``.json``.
    trained_until : str
        Last month of its data, YYYY-MM, by its name.
    is_own : bool
        Whether the fleet trained it.
    """

    kind: str
    path: Path
    trained_until: str
    is_own: bool

    @property
    def name(self) -> str:
        """Name without suffix."""
        return self.path.stem


def model_path(settings: Settings, kind: str, trained_until: str) -> Path:
    """Where a model of this fleet lies: another fleet of the home has its own."""
    return _own_folder(settings, kind) / f"{_series(settings)}-{trained_until}.skops"


def model_files(settings: Settings, kind: str) -> list[ModelFile]:
    """The models that a close may use, the one to be preferred first.

    The fleet's own go before those that ship, and the newest first.
    """
    own = _files(_own_folder(settings, kind), kind, _series(settings), is_own=True)
    return own + _files(settings.models_dir / kind, kind, None, is_own=False)


def fuel_model_in_force(settings: Settings, month: str, edition: Edition) -> FittedFuel | None:
    """Decide which fuel model a close of a month uses.

    Never one that has seen the month or a later one, nor one that corrects other physics than
    the edition's. Its `digest` belongs among the inputs of the close.

    Parameters
    ----------
    settings : Settings
        Home, fleet, and the models that ship.
    month : str
        YYYY-MM.
    edition : Edition
        The edition that accounts for the month.

    Returns
    -------
    model : FittedFuel or None
        None if there is none: the physics alone speaks then.

    Raises
    ------
    ModelRefused
        If a file that would serve is damaged, holds other types, or is not what its name says.
    """
    wanted = physics_digest(edition)
    for file in model_files(settings, FUEL):
        if file.trained_until < month:
            model = opened(file)
            if model.physics_digest == wanted:
                return model
    return None


def load_classifier_in_force(settings: Settings, month: str) -> LoadClassifier | None:
    """Decide which classifier of empty and loaded legs a close of a month uses, if any.

    As `fuel_model_in_force` does; it raises the same.
    """
    for file in model_files(settings, LOADING):
        if file.trained_until < month:
            return _as_named(file, LoadClassifier.load(file.path))
    return None


def opened(file: ModelFile) -> FittedFuel:
    """The fuel model of a file.

    Raises
    ------
    ModelRefused
        If it is damaged, holds other types, or names another month than its file.
    """
    return _as_named(file, FittedFuel.load(file.path))


def _as_named(file: ModelFile, model: Model) -> Model:
    if model.trained_until != file.trained_until:
        raise ModelRefused(
            "model_file_renamed",
            f"{file.path.name} holds a model of data until {model.trained_until}.",
            "Give it back its name, or train it anew.",
        )
    return model


def _own_folder(settings: Settings, kind: str) -> Path:
    return settings.home.expanduser() / "models" / kind


def _series(settings: Settings) -> str:
    return quote(settings.fleet, safe="")


def _files(folder: Path, kind: str, series: str | None, *, is_own: bool) -> list[ModelFile]:
    found = []
    for path in sorted(folder.glob("*.skops")):
        parts = _NAME.match(path.stem)
        if parts and series in (None, parts["series"]):
            found.append(ModelFile(kind, path, parts["until"], is_own))
    return sorted(found, key=lambda file: file.trained_until, reverse=True)
