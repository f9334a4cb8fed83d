"""Where the scripts, styles and fonts stand that were collected when the package was built."""

from __future__ import annotations

from pathlib import Path

from fleet_carbon.errors import FleetCarbonError

_FOLDER = Path(__file__).resolve().parents[1] / "_collected" / "assets"


def asset(name: str) -> Path:
    """A collected file or folder.

    Raises
    ------
    FleetCarbonError
        If it was not collected.
    """
    path = _FOLDER / name
    if not path.exists():
        raise FleetCarbonError(
            "assets_missing",
            f"{name} was not collected when the program was built.",
            "Install the package again, or run `python hatch_build.py` in a checkout.",
        )
    return path
