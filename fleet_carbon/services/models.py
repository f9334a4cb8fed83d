"""Which fitted model serves a month: the fleet's own before the one that ships."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from fleet_carbon.errors import ModelRefused
from fleet_carbon.quantification.editions import Edition
from fleet_carbon.quantification.fitted import FittedFuel, physics_digest
from fleet_carbon.settings import Settings

_NAME = re.compile(r"^(?P<series>.+)-(?P<until>\d{4}-\d{2})$")


@dataclass(frozen=True)
class ModelFile:
    """A model file by its name, not yet opened.

    Attributes
    ----------
    path : Path
        The file; its card lies beside it with the suffix ``.json``.
    trained_until : str
        Last month of its data, YYYY-MM, by its name.
    is_own : bool
        Whether the fleet trained it.
    """

    path: Path
    trained_until: str
    is_own: bool

    @property
    def name(self) -> str:
        """Name without suffix."""
        return self.path.stem


def models_folder(settings: Settings) -> Path:
    """Where the fuel models of a home lie."""
    return settings.home.expanduser() / "models" / "fuel"


def own_name(settings: Settings, trained_until: str) -> str:
    """Name of a model of this fleet: another fleet of the home has its own."""
    return f"{quote(settings.fleet, safe='')}-{trained_until}"


def fuel_model_files(settings: Settings) -> list[ModelFile]:
    """The fuel models that a close may use, the one to be preferred first.

    The fleet's own go before those that ship, and the newest first.
    """
    own = _files(models_folder(settings), quote(settings.fleet, safe=""), is_own=True)
    return own + _files(settings.models_dir / "fuel", None, is_own=False)


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
    for file in fuel_model_files(settings):
        if file.trained_until < month:
            model = opened(file)
            if model.physics_digest == wanted:
                return model
    return None


def opened(file: ModelFile) -> FittedFuel:
    """The model of a file.

    Raises
    ------
    ModelRefused
        If it is damaged, holds other types, or names another month than its file.
    """
    model = FittedFuel.load(file.path)
    if model.trained_until != file.trained_until:
        raise ModelRefused(
            "model_file_renamed",
            f"{file.path.name} holds a model of data until {model.trained_until}.",
            "Give it back its name, or train it anew.",
        )
    return model


def _files(folder: Path, series: str | None, *, is_own: bool) -> list[ModelFile]:
    found = []
    for path in sorted(folder.glob("*.skops")):
        parts = _NAME.match(path.stem)
        if parts and series in (None, parts["series"]):
            found.append(ModelFile(path, parts["until"], is_own))
    return sorted(found, key=lambda file: file.trained_until, reverse=True)
