"""Work a published example through, from a file a person can read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fleet_carbon.quantification import documents, editions, factors, reference
from fleet_carbon.settings import Settings


@dataclass(frozen=True)
class Shown:
    """What a demonstration shows: named figures, and text for people."""

    fields: dict[str, Any]
    text: list[str]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return self.fields

    def lines(self) -> list[str]:
        """Text for people."""
        return self.text


def run_case(settings: Settings, case: str) -> Shown:
    """Compute a worked example from its file and set it beside the default factor.

    Parameters
    ----------
    settings : Settings
        Where the samples and the models are.
    case : str
        Name of the case, for example ``manbang``.

    Raises
    ------
    InputRefused
        If the case file is missing or malformed.
    """
    document = documents.load_document(settings.samples_dir / f"{case}.yaml")
    edition = editions.load_editions(settings.models_dir)[-1]
    book = factors.FactorBook.load(settings.models_dir)
    found = reference.compute_reference_case(document, book, edition)
    return Shown(found.as_dict(), reference.render_reference_case(found))
