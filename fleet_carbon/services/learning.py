"""Train models of fuel on the fleet's counters and receipts; hold them against later months."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.learning.cards import card_bytes, card_text, fuel_card
from fleet_carbon.learning.evaluation import Evaluation, evaluate
from fleet_carbon.learning.keeping import file_bytes
from fleet_carbon.learning.rows import month_samples
from fleet_carbon.learning.samples import (
    FuelRules,
    FuelSamples,
    joined,
    sound_rows,
    split_by_month,
    usable,
)
from fleet_carbon.learning.training import train
from fleet_carbon.periods import parse_month
from fleet_carbon.quantification.editions import Edition, edition_in_force, fill_rules
from fleet_carbon.services import doctoring, models
from fleet_carbon.services.models import ModelFile
from fleet_carbon.services.progress import Progress, Silent
from fleet_carbon.settings import Settings
from fleet_carbon.statements import modelling
from fleet_carbon.storage.files import make_folder, written_whole
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork, open_storage


@dataclass(frozen=True)
class Carded:
    """A model's card, and where the model lies.

    Attributes
    ----------
    card : dict
        As kept beside the model.
    path : Path
        The model file.
    is_new : bool
        Whether it was trained now.
    """

    card: dict[str, Any]
    path: Path
    is_new: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"name": self.path.stem, "file": str(self.path), "card": self.card}

    def lines(self) -> list[str]:
        """The card for people."""
        said = [f"Kept as {self.path}.", ""] if self.is_new else []
        return [*said, *card_text(self.card).splitlines()]


@dataclass(frozen=True)
class Evaluated:
    """How a model did on months after its training."""

    name: str
    evaluation: Evaluation

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"name": self.name, **self.evaluation.as_dict()}

    def lines(self) -> list[str]:
        """The errors for people."""
        return modelling.evaluation_lines(self.as_dict())


@dataclass(frozen=True)
class Listed:
    """The models that closes may use, the one to be preferred first."""

    models: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"models": self.models}

    def lines(self) -> list[str]:
        """The models for people."""
        return modelling.model_lines(self.models)


def train_model(
    settings: Settings, *, until: str | None = None, progress: Progress | None = None
) -> Carded:
    """Train a model on the closed months and keep it in the home, with its card.

    It serves closes of later months. The same closed months give the same bytes.

    Parameters
    ----------
    settings : Settings
        Home and fleet.
    until : str, optional
        Last month to learn from, YYYY-MM; all closed months if not given.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    InputRefused
        If there are too few months, or rows with measured litres.
    """
    with closing(open_storage(settings)) as storage:
        months = _closed_months(storage, until)
        edition = _edition(settings, storage, months[-1])
        rules = fill_rules(edition, "learning", FuelRules)
        found = _samples(storage, months, edition, progress or Silent())
        zone = storage.zone.key
    split = split_by_month(usable(found, rules), rules)
    model = train(split, rules, edition=edition)
    evaluation = evaluate(model, (split.train, split.calibrate), split.test)
    data = file_bytes(model.contents())
    told = {
        "source": f"closed months of the fleet {settings.fleet}, {zone}",
        "edition": edition.label,
        "program": doctoring.program_version(),
        "digest": hashlib.sha256(data).hexdigest(),
    }
    card = fuel_card(model, split, evaluation, rules=rules, data=told)
    path = models.model_path(settings, models.FUEL, model.trained_until)
    make_folder(path.parent)
    # The model last: what can be used has its card.
    kept = {".json": card_bytes(card), ".md": card_text(card).encode(), ".skops": data}
    for suffix, content in kept.items():
        with written_whole(path.with_suffix(suffix)) as target:
            target.write(content)
    return Carded(json.loads(card_bytes(card)), path, is_new=True)


def evaluate_model(
    settings: Settings, name: str | None = None, *, progress: Progress | None = None
) -> Evaluated:
    """Hold a model against the closed months after its training.

    Parameters
    ----------
    settings : Settings
        Home and fleet.
    name : str, optional
        Model; the one that closes prefer for the last closed month if not given.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    NotFound
        If there is no such model.
    InputRefused
        If no month after its training was closed, or none has measured litres.
    """
    with closing(open_storage(settings)) as storage:
        months = _closed_months(storage, None)
        file = _chosen(settings, name, before=months[-1])
        model = models.opened(file)
        edition = _edition(settings, storage, months[-1])
        rules = fill_rules(edition, "learning", FuelRules)
        rows = sound_rows(_samples(storage, months, edition, progress or Silent()), rules)
    test = rows.taken(rows.month > model.trained_until)
    if not len(test):
        raise InputRefused(
            "nothing_to_evaluate_on",
            f"No closed month after {model.trained_until} has measured litres.",
            "Close later months with fuel counters or receipts, or look at the model's card.",
        )
    before = [rows.taken(rows.month <= model.trained_until)]
    return Evaluated(file.name, evaluate(model, before, test))


def show_card(settings: Settings, name: str | None = None) -> Carded:
    """The card of a model; of the one that closes prefer if no name is given.

    Raises
    ------
    NotFound
        If there is no such model, or its card is gone.
    """
    file = _chosen(settings, name, before=None)
    path = file.path.with_suffix(".json")
    if not path.is_file():
        raise NotFound("model_card_missing", f"{file.name} has no card.", "Train it anew.")
    return Carded(json.loads(path.read_bytes()), file.path, is_new=False)


def list_models(settings: Settings) -> Listed:
    """Every fuel model that closes may use."""
    return Listed(
        [
            {
                "name": file.name,
                "trained_until": file.trained_until,
                "serves_after": file.trained_until,
                "origin": "home" if file.is_own else "shipped",
                "digest": hashlib.sha256(file.path.read_bytes()).hexdigest(),
                "file": str(file.path),
            }
            for file in models.fuel_model_files(settings)
        ]
    )


def _closed_months(storage: Storage, until: str | None) -> list[str]:
    last = None if until is None else str(parse_month(until, storage.zone))
    with storage.begin(read_only=True) as work:
        months = [month for month in work.closings.months() if last is None or month <= last]
    if not months:
        raise InputRefused(
            "no_closed_months",
            "No month was closed" + (f" until {last}." if last else "."),
            "Close months with `fleet-carbon close MONTH` first.",
        )
    return months


def _edition(settings: Settings, storage: Storage, month: str) -> Edition:
    return edition_in_force(settings.models_dir, parse_month(month, storage.zone).first_day)


def _samples(
    storage: Storage, months: list[str], edition: Edition, progress: Progress
) -> FuelSamples:
    """Rows of the latest run of each month, under the physics of one edition."""
    parts = []
    progress.begin("Reading closed months", len(months), "months")
    for month in months:
        with storage.begin(read_only=True) as work:
            parts.append(_month_samples(work, month, edition))
        progress.advance(1)
    progress.end()
    return joined(parts)


def _month_samples(work: UnitOfWork, month: str, edition: Edition) -> FuelSamples:
    run = work.closings.latest(month)
    if run is None:
        raise NotFound("month_not_closed", f"{month} was not closed.", "Close it first.")
    return month_samples(
        work.closings.table(run, "legs"),
        work.closings.table(run, "receipts"),
        work.register.read("vehicles"),
        month=month,
        edition=edition,
    )


def _chosen(settings: Settings, name: str | None, *, before: str | None) -> ModelFile:
    files = models.fuel_model_files(settings)
    fitting = [
        file
        for file in files
        if (name is None or file.name == name) and (before is None or file.trained_until < before)
    ]
    if not fitting and name is not None:
        fitting = [file for file in files if file.name == name]
    if not fitting:
        known = ", ".join(file.name for file in files) or "none"
        raise NotFound(
            "model_not_found",
            f"There is no model {name!r}." if name else "There is no model that serves.",
            f"Known: {known}. `fleet-carbon models train` makes one.",
        )
    return fitting[0]
